//! Natives of `encoding/binary`: walks values of fixed-size types by their runtime types.
use crate::bytecode::program::{Kind, RType, RTypeId};
use crate::value::env::Env;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, store};
use crate::value::slice;

pub const NATIVES: &[NativeEntry] = &[
    ("encoding/binary.decode", decode),
    ("encoding/binary.encode", encode),
    ("encoding/binary.size", |cx| {
        let n = place(cx).map_or(-1, |p| (p.size * p.count) as i64);
        cx.set_int(0, n);
        Ok(Outcome::Done)
    }),
    ("encoding/binary.typeName", super::small::type_name),
];

/// Values of one type in a row.
struct Place {
    elem: RTypeId,
    /// Encoded bytes of one.
    size: usize,
    count: usize,
    /// Bytes from one to the next.
    stride: usize,
    data: *mut u8,
    /// Keeps the words of a value that lies in the interface itself.
    _own: Vec<u64>,
    /// Changes would be seen by the program.
    shared: bool,
}

/// Encoded bytes of a type; `None` when it has parts without a fixed size.
fn size(env: &Env, id: RTypeId) -> Option<usize> {
    let t = env.ty(id.0);
    Some(match t.kind {
        Kind::Bool | Kind::Int8 | Kind::Uint8 => 1,
        Kind::Int16 | Kind::Uint16 => 2,
        Kind::Int32 | Kind::Uint32 | Kind::Float32 => 4,
        Kind::Int64 | Kind::Uint64 | Kind::Float64 | Kind::Complex64 => 8,
        Kind::Complex128 => 16,
        Kind::Array => size(env, t.elem)? * t.len as usize,
        Kind::Struct => t.fields.iter().map(|f| size(env, f.ty)).sum::<Option<usize>>()?,
        _ => return None,
    })
}

/// Where the value of interface parameter 0 lies.
fn place(cx: &Cx) -> Option<Place> {
    let word = cx.word(0);
    let id = cx.iface_type(word);
    if id == RTypeId::NONE {
        return None;
    }
    let (t, env) = (cx.rtype(id), cx.env);
    let mut own = cx.unbox(word);
    match t.kind {
        Kind::Slice => {
            let p = cx.slice_of(own[0]);
            let stride = env.types[t.elem.0 as usize].elem_bytes;
            let size = size(env, t.elem)?;
            Some(Place { elem: t.elem, size, count: p.len, stride, data: p.data, _own: own, shared: true })
        }
        Kind::Pointer if own[0] != 0 => {
            let size = size(env, t.elem)?;
            Some(Place { elem: t.elem, size, count: 1, stride: 0, data: own[0] as *mut u8, _own: own, shared: true })
        }
        _ => {
            let size = size(env, id)?;
            let mut words = vec![0u64; own.len()];
            // SAFETY: both have the type's words; registers become memory.
            unsafe { store(t, words.as_mut_ptr() as *mut u8, &own) };
            own = words;
            let data = own.as_mut_ptr() as *mut u8;
            Some(Place { elem: id, size, count: 1, stride: 0, data, _own: own, shared: false })
        }
    }
}

/// Calls `f` with the address, the bytes and the blankness of each scalar of a value. Parts of complex numbers count
/// by themselves.
///
/// # Safety
/// `data` is the address of a value of type `t` of fixed size.
unsafe fn scalars(env: &Env, t: &RType, data: *mut u8, blank: bool, f: &mut impl FnMut(*mut u8, usize, bool, Kind)) {
    let mut one = |at: usize, bytes| f(data.wrapping_add(at), bytes, blank, t.kind);
    match t.kind {
        Kind::Bool | Kind::Int8 | Kind::Uint8 => one(0, 1),
        Kind::Int16 | Kind::Uint16 => one(0, 2),
        Kind::Int32 | Kind::Uint32 | Kind::Float32 => one(0, 4),
        Kind::Complex64 => {
            one(0, 4);
            one(4, 4);
        }
        Kind::Complex128 => {
            one(0, 8);
            one(8, 8);
        }
        Kind::Array => {
            let stride = env.types[t.elem.0 as usize].elem_bytes;
            for i in 0..t.len as usize {
                // SAFETY: an element of the array.
                unsafe { scalars(env, env.ty(t.elem.0), data.add(i * stride), blank, f) };
            }
        }
        Kind::Struct => {
            for field in &t.fields {
                // SAFETY: a field of the struct.
                unsafe {
                    let at = data.add(8 * field.offset as usize);
                    scalars(env, env.ty(field.ty.0), at, blank || field.name == "_", f);
                }
            }
        }
        _ => one(0, 8),
    }
}

/// `encode(v any, big bool) []byte`
fn encode(cx: &mut Cx) -> NativeResult {
    let big = cx.bool(1);
    let mut out = Vec::new();
    if let Some(p) = place(cx) {
        let t = cx.rtype(p.elem);
        out.reserve(p.size * p.count);
        for i in 0..p.count {
            // SAFETY: element i of the place; a scalar's bytes are in the low end of its word.
            unsafe {
                scalars(cx.env, t, p.data.add(i * p.stride), false, &mut |at, n, blank, _| {
                    let mut word = [0; 8];
                    if !blank {
                        std::ptr::copy_nonoverlapping(at, word.as_mut_ptr(), n);
                    }
                    if big {
                        word[..n].reverse();
                    }
                    out.extend_from_slice(&word[..n]);
                })
            };
        }
    }
    let w = cx.new_bytes(&out)?;
    cx.set_word(0, w);
    Ok(Outcome::Done)
}

/// `decode(v any, big bool, b []byte) bool`
fn decode(cx: &mut Cx) -> NativeResult {
    let (big, bytes) = (cx.bool(1), cx.bytes(2));
    let p = place(cx).filter(|p| p.shared && p.size * p.count <= bytes.len());
    cx.set_bool(0, p.is_some());
    if let Some(p) = p {
        let t = cx.rtype(p.elem);
        let mut rest = &bytes[..];
        for i in 0..p.count {
            // SAFETY: as in `encode`.
            unsafe {
                scalars(cx.env, t, p.data.add(i * p.stride), false, &mut |at, n, blank, kind| {
                    let mut word = [0; 8];
                    word[..n].copy_from_slice(&rest[..n]);
                    rest = &rest[n..];
                    if big {
                        word[..n].reverse();
                    }
                    if kind == Kind::Bool {
                        word[0] = (word[0] != 0) as u8;
                    }
                    if blank {
                        return;
                    }
                    if n == 8 && at as usize % 8 == 0 {
                        slice::store(at as *mut u64, u64::from_le_bytes(word));
                    } else {
                        std::ptr::copy_nonoverlapping(word.as_ptr(), at, n);
                    }
                })
            };
        }
    }
    Ok(Outcome::Done)
}
