//! Natives of `reflect` that work on Values. A Value takes two slots (see `value::reflect`); kinds and rules about what
//! may be set are checked in gmpl, what would break memory is checked here again.
use super::reflect_types::{Group, assignable, group, implements, same_underlying, text_slice, ty};
use crate::bytecode::program::{Kind, Mem, REFLECT_WINDOW, RType, RTypeId, entry_pc};
use crate::sched::wait::WaitReason;
use crate::sync::chan::{Chan, Received, Sent};
use crate::value::make_type::{self, is_big, slots};
use crate::value::map::MapError;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap, resume, store};
use crate::value::reflect::*;
use crate::value::{eq, map, slice, slice_ops, string};

pub const NATIVES: &[NativeEntry] = &[
    ("reflect.vType", |cx| {
        let id = match callee(cx.env, cx.word(0), cx.word(1)) {
            Some(Callee::Method { sig, .. }) => sig,
            _ => resolve(cx.env, (cx.word(0), cx.word(1))).map_or(RTypeId::NONE, |l| l.ty),
        };
        cx.set_int(0, id.0 as i64);
        Ok(Outcome::Done)
    }),
    ("reflect.vKind", |cx| {
        let k = if cx.word(1) & METHOD != 0 {
            Kind::Func
        } else {
            resolve(cx.env, (cx.word(0), cx.word(1))).map_or(Kind::Invalid, |l| l.t(cx.env).kind)
        };
        cx.set_int(0, k as i64);
        Ok(Outcome::Done)
    }),
    ("reflect.vLoad", |cx| {
        let w = at(cx, 0)?.to_iface(cx)?;
        cx.set_word(0, w);
        Ok(Outcome::Done)
    }),
    ("reflect.vInt", scalar),
    ("reflect.vUint", scalar),
    ("reflect.vFloat", scalar),
    ("reflect.vBool", scalar),
    ("reflect.vString", scalar),
    ("reflect.vComplex", |cx| {
        let loc = at(cx, 0)?;
        let w = loc.words(cx.env);
        let (re, im) = match loc.t(cx.env).kind {
            Kind::Complex64 => (f32::from_bits(w[0] as u32) as f64, f32::from_bits((w[0] >> 32) as u32) as f64),
            _ => (f64::from_bits(w[0]), f64::from_bits(*w.get(1).unwrap_or(&0))),
        };
        cx.set_float(0, re);
        cx.set_float(1, im);
        Ok(Outcome::Done)
    }),
    ("reflect.vSet", |cx| {
        let (dst, src) = (at(cx, 0)?, resolve(cx.env, (cx.word(2), cx.word(3))));
        let words = match src {
            Some(src) => assign(cx, &src, dst.ty)?,
            None => Some(vec![0; dst.t(cx.env).words.max(1) as usize]),
        };
        let ok = words.is_some();
        if let Some(words) = words {
            dst.set(cx.env, &words);
        }
        cx.set_bool(0, ok);
        Ok(Outcome::Done)
    }),
    ("reflect.vSetWord", |cx| {
        // of the group that the gmpl half has checked: an integer, a bool, a string, a float
        let (dst, w) = (at(cx, 0)?, cx.word(2));
        set_scalar(cx, &dst, w)
    }),
    ("reflect.vSetFloat", |cx| {
        let (dst, w) = (at(cx, 0)?, cx.word(2));
        set_scalar(cx, &dst, w)
    }),
    ("reflect.vSetString", |cx| {
        let (dst, w) = (at(cx, 0)?, cx.word(2));
        if dst.t(cx.env).kind == Kind::String {
            dst.set(cx.env, &[w]);
        }
        Ok(Outcome::Done)
    }),
    ("reflect.vSetBytes", |cx| {
        let (dst, w) = (at(cx, 0)?, cx.word(2));
        let t = dst.t(cx.env);
        if t.kind == Kind::Slice && cx.rtype(t.elem).mem == Mem::U8 {
            // SAFETY: a slice word.
            unsafe { slice::disown(w) };
            dst.set(cx.env, &[w]);
        }
        Ok(Outcome::Done)
    }),
    ("reflect.vSetComplex", |cx| {
        let dst = at(cx, 0)?;
        let (re, im) = (cx.float(2), cx.float(3));
        match dst.t(cx.env).kind {
            Kind::Complex64 => {
                let w = (re as f32).to_bits() as u64 | ((im as f32).to_bits() as u64) << 32;
                dst.set(cx.env, &[w]);
            }
            Kind::Complex128 => dst.set(cx.env, &[re.to_bits(), im.to_bits()]),
            _ => {}
        }
        Ok(Outcome::Done)
    }),
    ("reflect.vSetZero", |cx| {
        let dst = at(cx, 0)?;
        let n = dst.t(cx.env).words.max(1) as usize;
        dst.set(cx.env, &vec![0; n]);
        Ok(Outcome::Done)
    }),
    ("reflect.vElem", elem),
    ("reflect.vField", field),
    ("reflect.vIndex", index),
    ("reflect.vLen", |cx| {
        let n = len(cx, &at(cx, 0)?);
        cx.set_int(0, n as i64);
        Ok(Outcome::Done)
    }),
    ("reflect.vCap", |cx| {
        let loc = at(cx, 0)?;
        let t = loc.t(cx.env);
        let n = match t.kind {
            Kind::Slice => cx.slice_of(loc.word(cx.env)).cap,
            Kind::Array => t.len as usize,
            Kind::Pointer => cx.rtype(t.elem).len as usize,
            Kind::Chan => chan_of(cx, &loc).map_or(0, |c| c.capacity() as usize),
            _ => 0,
        };
        cx.set_int(0, n as i64);
        Ok(Outcome::Done)
    }),
    ("reflect.vSetLen", |cx| {
        let (loc, n, cap) = (at(cx, 0)?, cx.int(2), cx.int(3));
        if loc.t(cx.env).kind == Kind::Slice {
            let p = cx.slice_of(loc.word(cx.env));
            let (len, cap) = (if n < 0 { p.len } else { n as usize }, if cap < 0 { p.cap } else { cap as usize });
            if len <= cap && cap <= p.cap {
                let w = slice::new(cx.cache, cx.env.slice_header, p.data, len, cap).ok_or(Trap::OutOfMemory)?;
                loc.set(cx.env, &[w]);
            }
        }
        Ok(Outcome::Done)
    }),
    ("reflect.vSlice", slice_value),
    ("reflect.vIsNil", |cx| {
        let loc = at(cx, 0)?;
        let nil = loc.word(cx.env) == 0;
        cx.set_bool(0, nil);
        Ok(Outcome::Done)
    }),
    ("reflect.vPointer", |cx| {
        let loc = at(cx, 0)?;
        let mut w = loc.word(cx.env);
        match loc.t(cx.env).kind {
            Kind::Slice => w = cx.slice_of(w).data as u64,
            // SAFETY: a closure begins with where its code begins; as `runtime.FuncForPC` wants it.
            Kind::Func if w != 0 => {
                w = unsafe { entry_pc(((slice::load(w as *const u64) - cx.env.code as u64) / 8) as u32) }
            }
            _ => {}
        }
        cx.set_word(0, w);
        Ok(Outcome::Done)
    }),
    ("reflect.vMapIndex", map_index),
    ("reflect.vMapEntries", map_entries),
    ("reflect.vSetMapIndex", set_map_index),
    ("reflect.vMapClear", |cx| {
        let loc = at(cx, 0)?;
        if let Some(Some(mt)) = cx.env.map_types.at(loc.ty.0 as usize) {
            // SAFETY: a map word of this type.
            unsafe { map::clear(mt, loc.word(cx.env) as *mut u64, map::NATIVE) }.map_err(map_trap)?;
        }
        Ok(Outcome::Done)
    }),
    ("reflect.vNew", |cx| {
        let t = known(cx, 0)?;
        let p = new_at(cx, t)?;
        let pt = make_type::pointer_to(cx.env, t).ok_or_else(too_many_types)?;
        let v = of_words(cx, pt, &[p as u64], 0)?;
        give(cx, 0, v)
    }),
    ("reflect.vZero", |cx| {
        let t = known(cx, 0)?;
        let n = cx.rtype(t).words.max(1) as usize;
        let v = of_words(cx, t, &vec![0; n], 0)?;
        give(cx, 0, v)
    }),
    ("reflect.vMakeSlice", |cx| {
        let t = known(cx, 0)?;
        let (len, cap) = (cx.int(1), cx.int(2));
        let e = cx.rtype(t).elem;
        if len < 0 || cap < len || cx.rtype(t).kind != Kind::Slice {
            return Err(Trap::Panic("reflect.MakeSlice: bad arguments".into()));
        }
        let info = &cx.env.types[e.0 as usize];
        let data = slice_ops::alloc_elems(cx.cache, cx.rtype(e), info, cap as usize);
        if data.is_null() {
            return Err(Trap::OutOfMemory);
        }
        let w = slice::new(cx.cache, cx.env.slice_header, data, len as usize, cap as usize).ok_or(Trap::OutOfMemory)?;
        let v = of_words(cx, t, &[w], 0)?;
        give(cx, 0, v)
    }),
    ("reflect.vMakeMap", |cx| {
        let (t, n) = (known(cx, 0)?, cx.int(1).max(0) as usize);
        let Some(Some(mt)) = cx.env.map_types.at(t.0 as usize) else { return Err(broken()) };
        // SAFETY: a map type.
        let m = unsafe { map::new(cx.cache, mt, n) };
        if m.is_null() {
            return Err(Trap::OutOfMemory);
        }
        let v = of_words(cx, t, &[m as u64], 0)?;
        give(cx, 0, v)
    }),
    ("reflect.vMakeChan", |cx| {
        let (t, n) = (known(cx, 0)?, cx.int(1));
        let e = cx.rtype(cx.rtype(t).elem);
        if cx.rtype(t).kind != Kind::Chan || n < 0 || (n as u64).saturating_mul(e.words.max(1) as u64 * 8) >= 1 << 46 {
            return Err(Trap::Runtime("makechan: size out of range".into()));
        }
        let c = Chan::make(cx.cache, cx.env.chan_shape, e.words as usize, &e.ptr_map, n as usize);
        if c.is_null() {
            return Err(Trap::OutOfMemory);
        }
        // SAFETY: the channel is new; the running G.
        unsafe { Chan::set_maker(c, cx.side.g) };
        let v = of_words(cx, t, &[c as u64], 0)?;
        give(cx, 0, v)
    }),
    ("reflect.vAppend", append),
    ("reflect.vAppendSlice", |cx| {
        let (s, x) = (at(cx, 0)?, at(cx, 2)?);
        let t = s.t(cx.env);
        if t.kind != Kind::Slice || x.t(cx.env).elem != t.elem || x.t(cx.env).kind != Kind::Slice {
            return Err(broken());
        }
        let (w, from) = (s.word(cx.env), cx.slice_of(x.word(cx.env)));
        // SAFETY: slice words of one element type.
        let w = unsafe { slice_ops::append_elems(cx.cache, cx.env, t.elem, w, from.data, from.len) };
        let v = of_words(cx, s.ty, &[w.ok_or(Trap::OutOfMemory)?], s.flag & ANY_READ_ONLY)?;
        give(cx, 0, v)
    }),
    ("reflect.makeClosure", make_closure),
    ("reflect.gather", gather),
    ("reflect.scatter", scatter),
    ("reflect.vCopy", copy),
    ("reflect.vConvert", convert),
    ("reflect.vIsZero", |cx| {
        let loc = at(cx, 0)?;
        let z = is_zero(cx, &loc);
        cx.set_bool(0, z);
        Ok(Outcome::Done)
    }),
    ("reflect.vEqual", |cx| {
        let (a, b) = (at(cx, 0)?, at(cx, 2)?);
        let (x, y) = (a.words(cx.env), b.words(cx.env));
        let same = if a.ty != b.ty {
            Ok(false)
        } else {
            // SAFETY: register words of the type.
            unsafe { eq::values_eq(&cx.env.program, a.ty, x.as_ptr(), y.as_ptr()) }
        };
        let same = same.map_err(Trap::Runtime)?;
        cx.set_bool(0, same);
        Ok(Outcome::Done)
    }),
    ("reflect.vMethod", |cx| {
        let loc = at(cx, 0)?;
        let w = loc.to_iface(cx)?;
        let flag = cx.word(1) & ANY_READ_ONLY | METHOD | (cx.int(2) as u64) << METHOD_SHIFT;
        give(cx, 0, (w, flag))
    }),
    ("reflect.vPack", pack),
    ("reflect.call", collect),
    ("reflect.DeepEqual", super::reflect_equal::deep_equal),
    ("reflect.vBuffer", |cx| {
        let t = known(cx, 0)?;
        let e = cx.rtype(t).elem;
        let p = new_at(cx, if e == RTypeId::NONE { t } else { e })?;
        cx.set_word(0, p as u64);
        Ok(Outcome::Done)
    }),
    ("reflect.vSend", send),
    ("reflect.vRecv", recv),
    ("reflect.vReceived", |cx| {
        let t = known(cx, 0)?;
        let e = cx.rtype(t).elem;
        let n = cx.rtype(e).words.max(1) as usize;
        let words: Vec<u64> = cx.words_at(1, n)?.iter().map(|w| w.get()).collect();
        let v = of_words(cx, e, &words, 0)?;
        give(cx, 0, v)
    }),
    ("reflect.vClose", close),
    ("reflect.vChanOf", |cx| {
        let w = at(cx, 0)?.word(cx.env);
        cx.set_word(0, w);
        Ok(Outcome::Done)
    }),
];

/// A Value that no program without races makes.
fn broken() -> Trap {
    Trap::Runtime("invalid memory address or nil pointer dereference".into())
}

/// The Value in parameters `i` and `i + 1`.
fn at(cx: &Cx, i: usize) -> Result<Loc, Trap> {
    resolve(cx.env, (cx.word(i), cx.word(i + 1))).ok_or_else(broken)
}

/// The type whose number is parameter `i`.
fn known(cx: &Cx, i: usize) -> Result<RTypeId, Trap> {
    match ty(cx, i).0 {
        RTypeId::NONE => Err(broken()),
        id => Ok(id),
    }
}

fn give(cx: &mut Cx, i: usize, v: Pair) -> NativeResult {
    cx.set_word(i, v.0);
    cx.set_word(i + 1, v.1);
    Ok(Outcome::Done)
}

pub fn map_trap(e: MapError) -> Trap {
    match e {
        MapError::Panic(s) => Trap::Runtime(s),
        MapError::Plain(s) => Trap::Plain(s),
        MapError::Race(s, _) => Trap::Fatal(s.into()),
        MapError::OutOfMemory => Trap::OutOfMemory,
    }
}

fn is_scalar(t: &RType) -> bool {
    !matches!(group(t.kind), Group::Other | Group::Complex) || t.kind == Kind::Bool
}

fn scalar(cx: &mut Cx) -> NativeResult {
    let loc = at(cx, 0)?;
    if !is_scalar(loc.t(cx.env)) {
        return Err(broken());
    }
    let w = loc.word(cx.env);
    cx.set_word(0, w);
    Ok(Outcome::Done)
}

fn set_scalar(cx: &mut Cx, dst: &Loc, w: u64) -> NativeResult {
    let t = dst.t(cx.env);
    if is_scalar(t) && t.kind != Kind::String {
        dst.set(cx.env, &[w]);
    }
    Ok(Outcome::Done)
}

/// The register words that hold `src` as a value of type `to`; `None`: it cannot be assigned.
pub fn assign(cx: &mut Cx, src: &Loc, to: RTypeId) -> Result<Option<Vec<u64>>, Trap> {
    if src.ty == to {
        return Ok(Some(src.words(cx.env)));
    }
    let t = cx.rtype(to);
    if t.kind == Kind::Interface {
        if src.t(cx.env).kind == Kind::Interface {
            let inner = src.word(cx.env);
            let fits = implements(cx.env, src.ty, to);
            return Ok(fits.then(|| vec![inner]));
        }
        if !implements(cx.env, src.ty, to) {
            return Ok(None);
        }
        return Ok(Some(vec![src.to_iface(cx)?]));
    }
    Ok(assignable(cx.env, src.ty, to).then(|| src.words(cx.env)))
}

/// `vElem(v Value) Value`: what a pointer or interface leads to; the zero Value for nil.
fn elem(cx: &mut Cx) -> NativeResult {
    let loc = at(cx, 0)?;
    let (t, w) = (loc.t(cx.env), loc.word(cx.env));
    let ro = loc.flag & ANY_READ_ONLY;
    let v = match t.kind {
        Kind::Interface if w != 0 => (w, ro),
        Kind::Pointer if w != 0 => at_place(cx.env, t.elem, w as *mut u8, ADDRESSABLE | ro)?,
        _ => ZERO,
    };
    give(cx, 0, v)
}

/// The address of a value of several parts.
fn address(loc: &Loc) -> Result<*mut u8, Trap> {
    match loc.place {
        Place::At(p) => Ok(p),
        Place::Word(_) => Err(broken()),
    }
}

/// The Value of a part; parts without size get memory of their own.
fn part(cx: &mut Cx, loc: &Loc, ty: RTypeId, at: *mut u8, flag: u64) -> Result<Pair, Trap> {
    let boxed = loc.flag & INDIRECT == 0;
    if cx.rtype(ty).words == 0 && (boxed || at.is_null()) {
        let p = new_at(cx, ty)?;
        return loc.part(cx, ty, p, flag);
    }
    loc.part(cx, ty, at, flag)
}

/// `vField(v Value, i int) Value`
fn field(cx: &mut Cx) -> NativeResult {
    let (loc, i) = (at(cx, 0)?, cx.uint(2) as usize);
    let Some(f) = loc.t(cx.env).fields.get(i) else {
        return Err(Trap::Panic("reflect: Field index out of range".into()));
    };
    let flag = match (f.exported, f.embedded) {
        (true, _) => 0,
        (false, true) => EMBED_READ_ONLY,
        (false, false) => READ_ONLY,
    };
    let base = address(&loc)?.wrapping_add(8 * f.offset as usize);
    // An exported field of an unexported embedded struct may be used.
    let from = Loc { flag: loc.flag & !EMBED_READ_ONLY, ..loc };
    let v = part(cx, &from, f.ty, base, flag)?;
    give(cx, 0, v)
}

fn len(cx: &Cx, loc: &Loc) -> usize {
    let t = loc.t(cx.env);
    match t.kind {
        Kind::Slice => cx.slice_of(loc.word(cx.env)).len,
        Kind::String => cx.str_of(loc.word(cx.env)).len(),
        Kind::Array => t.len as usize,
        Kind::Pointer => cx.rtype(t.elem).len as usize,
        // SAFETY: a map word.
        Kind::Map => unsafe { map::len(loc.word(cx.env) as *const u64) },
        Kind::Chan => chan_of(cx, loc).map_or(0, |c| c.len() as usize),
        _ => 0,
    }
}

fn chan_of(cx: &Cx, loc: &Loc) -> Option<&'static Chan> {
    if loc.t(cx.env).kind != Kind::Chan {
        return None;
    }
    // SAFETY: a channel word; the channel lives as long as the native runs.
    unsafe { (loc.word(cx.env) as *const Chan).as_ref() }
}

/// `vIndex(v Value, i int) Value`
fn index(cx: &mut Cx) -> NativeResult {
    let (loc, i) = (at(cx, 0)?, cx.uint(2) as usize);
    let t = loc.t(cx.env);
    let ro = loc.flag & ANY_READ_ONLY;
    let out = |what: &str| Trap::Panic(format!("reflect: {what} index out of range"));
    let step = cx.env.types[t.elem.0 as usize].elem_bytes;
    let v = match t.kind {
        Kind::Slice => {
            let p = cx.slice_of(loc.word(cx.env));
            if i >= p.len {
                return Err(out("slice"));
            }
            at_place(cx.env, t.elem, p.data.wrapping_add(i * step), ADDRESSABLE | ro)?
        }
        Kind::Array => {
            if i >= t.len as usize {
                return Err(out("array"));
            }
            let base = address(&loc)?;
            part(cx, &loc, t.elem, base.wrapping_add(i * step), 0)?
        }
        Kind::String => {
            let s = cx.str_of(loc.word(cx.env));
            let Some(&b) = s.get(i) else { return Err(out("string")) };
            let byte = make_type::basic(cx.env, Kind::Uint8).ok_or_else(too_many_types)?;
            of_words(cx, byte, &[b as u64], ro)?
        }
        _ => return Err(broken()),
    };
    give(cx, 0, v)
}

/// `vSlice(v Value, i, j, k int) Value`; k < 0: none.
fn slice_value(cx: &mut Cx) -> NativeResult {
    let loc = at(cx, 0)?;
    let (i, j, k) = (cx.int(2), cx.int(3), cx.int(4));
    let t = loc.t(cx.env);
    let three = k >= 0;
    let name = if three { "reflect.Value.Slice3" } else { "reflect.Value.Slice" };
    let ro = loc.flag & ANY_READ_ONLY;
    if t.kind == Kind::String {
        let w = loc.word(cx.env);
        if i < 0 || j < i || j as usize > cx.str_of(w).len() {
            return Err(Trap::Panic("reflect.Value.Slice: string slice index out of bounds".into()));
        }
        let w = cx.new_substr(w, i as usize, j as usize)?;
        let v = of_words(cx, loc.ty, &[w], ro)?;
        return give(cx, 0, v);
    }
    let (data, cap, ty) = match t.kind {
        Kind::Slice => {
            let p = cx.slice_of(loc.word(cx.env));
            (p.data, p.cap, loc.ty)
        }
        Kind::Array if loc.flag & ADDRESSABLE != 0 => {
            let s = make_type::find_or_make(cx.env, make_type::Structure::Slice(t.elem)).ok_or_else(too_many_types)?;
            (address(&loc)?, t.len as usize, s)
        }
        Kind::Array => return Err(Trap::Panic(format!("{name}: slice of unaddressable array"))),
        _ => return Err(broken()),
    };
    let max = if three { k } else { cap as i64 };
    if i < 0 || j < i || max < j || max > cap as i64 {
        return Err(Trap::Panic(format!("{name}: slice index out of bounds")));
    }
    let step = cx.env.types[cx.rtype(ty).elem.0 as usize].elem_bytes;
    let (len, cap) = ((j - i) as usize, (max - i) as usize);
    // A slice of no capacity must not point behind its array.
    let data = if cap == 0 { data } else { data.wrapping_add(i as usize * step) };
    let w = if data.is_null() {
        0
    } else {
        slice::new(cx.cache, cx.env.slice_header, data, len, cap).ok_or(Trap::OutOfMemory)?
    };
    let v = of_words(cx, ty, &[w], ro)?;
    give(cx, 0, v)
}

fn map_type<'a>(cx: &Cx<'a>, loc: &Loc) -> Result<&'a map::MapType, Trap> {
    match cx.env.map_types.at(loc.ty.0 as usize) {
        Some(Some(t)) => Ok(t),
        _ => Err(broken()),
    }
}

/// `vMapIndex(m, k Value) (v Value, ok int)`; ok 0: no such key, 1: found, 2: the key's type does not fit.
fn map_index(cx: &mut Cx) -> NativeResult {
    let (loc, k) = (at(cx, 0)?, at(cx, 2)?);
    let (t, mt) = (loc.t(cx.env), map_type(cx, &loc)?);
    let Some(key) = assign(cx, &k, t.key)? else {
        cx.set_int(2, 2);
        return give(cx, 0, ZERO);
    };
    // SAFETY: a map word of this type, register words of its key.
    let found = unsafe { map::get(&cx.env.program, mt, loc.word(cx.env) as *mut u64, key.as_ptr()) };
    let Some(p) = found.map_err(map_trap)? else {
        cx.set_int(2, 0);
        return give(cx, 0, ZERO);
    };
    // SAFETY: the entry's words.
    let mut words: Vec<u64> = (0..mt.val_words as usize).map(|i| unsafe { slice::load(p.add(i)) }).collect();
    words.resize(words.len().max(1), 0);
    for &w in &mt.val_slices {
        // SAFETY: a slice word.
        unsafe { slice::disown(words[w as usize]) };
    }
    let ro = (loc.flag | k.flag) & ANY_READ_ONLY;
    let v = of_words(cx, t.elem, &words, ro)?;
    cx.set_int(2, 1);
    give(cx, 0, v)
}

/// A new slice of Values.
fn values(cx: &mut Cx, list: &[Pair]) -> Result<u64, Trap> {
    let one = crate::bytecode::program::BitMap(vec![1]);
    let data = cx.cache.alloc_array(list.len().max(1), 2, &one);
    if data.is_null() {
        return Err(Trap::OutOfMemory);
    }
    for (i, v) in list.iter().enumerate() {
        // SAFETY: fresh memory for so many pairs.
        unsafe {
            *data.add(2 * i) = v.0;
            *data.add(2 * i + 1) = v.1;
        }
    }
    slice::new(cx.cache, cx.env.slice_header, data as *mut u8, list.len(), list.len()).ok_or(Trap::OutOfMemory)
}

/// `vMapEntries(m Value, vals bool) (keys, values []Value)`: in an order that begins anywhere.
fn map_entries(cx: &mut Cx) -> NativeResult {
    let (loc, with_values) = (at(cx, 0)?, cx.bool(2));
    let (t, mt) = (loc.t(cx.env), map_type(cx, &loc)?);
    let ro = loc.flag & ANY_READ_ONLY;
    // SAFETY: a map word of this type.
    let mut list =
        unsafe { map::entries(loc.word(cx.env) as *const u64, mt.key_words as usize, mt.val_words as usize) };
    if list.len() > 1 {
        let start = ((cx.env.random)() % list.len() as u64) as usize;
        list.rotate_left(start);
    }
    let (mut keys, mut vals) = (Vec::with_capacity(list.len()), Vec::new());
    for (k, v) in &list {
        keys.push(of_words(cx, t.key, k, ro)?);
        if with_values {
            for &w in &mt.val_slices {
                // SAFETY: a slice word.
                unsafe { slice::disown(v[w as usize]) };
            }
            vals.push(of_words(cx, t.elem, v, ro)?);
        }
    }
    let k = values(cx, &keys)?;
    let v = values(cx, &vals)?;
    cx.set_word(0, k);
    cx.set_word(1, v);
    Ok(Outcome::Done)
}

/// `vSetMapIndex(m, k, e Value) int`: 0 done, 1 the key does not fit, 2 the element does not fit.
fn set_map_index(cx: &mut Cx) -> NativeResult {
    let (loc, k) = (at(cx, 0)?, at(cx, 2)?);
    let e = resolve(cx.env, (cx.word(4), cx.word(5)));
    let (t, mt) = (loc.t(cx.env), map_type(cx, &loc)?);
    let Some(key) = assign(cx, &k, t.key)? else {
        cx.set_int(0, 1);
        return Ok(Outcome::Done);
    };
    let m = loc.word(cx.env) as *mut u64;
    match e {
        // SAFETY: a map word of this type, register words of its key and element.
        None => unsafe { map::delete(&cx.env.program, mt, m, key.as_ptr(), map::NATIVE) }.map_err(map_trap)?,
        Some(e) => {
            let Some(value) = assign(cx, &e, t.elem)? else {
                cx.set_int(0, 2);
                return Ok(Outcome::Done);
            };
            // SAFETY: likewise.
            unsafe {
                map::set(
                    cx.cache,
                    &cx.env.program,
                    mt,
                    m,
                    key.as_ptr(),
                    value.as_ptr(),
                    map::NATIVE,
                    &Default::default(),
                )
            }
            .map_err(map_trap)?;
        }
    }
    cx.set_int(0, 0);
    Ok(Outcome::Done)
}

/// `vAppend(s, x Value) (v Value, ok bool)`
fn append(cx: &mut Cx) -> NativeResult {
    let (s, x) = (at(cx, 0)?, at(cx, 2)?);
    let t = s.t(cx.env);
    if t.kind != Kind::Slice {
        return Err(broken());
    }
    let Some(words) = assign(cx, &x, t.elem)? else {
        cx.set_bool(2, false);
        return give(cx, 0, ZERO);
    };
    let w = s.word(cx.env);
    // SAFETY: a slice word and register words of its element.
    let w = unsafe { slice_ops::append(cx.cache, cx.env, t.elem, w, words.as_ptr(), false) };
    let v = of_words(cx, s.ty, &[w.ok_or(Trap::OutOfMemory)?], s.flag & ANY_READ_ONLY)?;
    cx.set_bool(2, true);
    give(cx, 0, v)
}

/// The elements of a slice, array or string: address, number, element type.
fn elements(cx: &Cx, loc: &Loc) -> Result<(*mut u8, usize, RTypeId), Trap> {
    let t = loc.t(cx.env);
    Ok(match t.kind {
        Kind::Slice => {
            let p = cx.slice_of(loc.word(cx.env));
            (p.data, p.len, t.elem)
        }
        Kind::Array => (address(loc)?, t.len as usize, t.elem),
        Kind::String => {
            let s = cx.str_of(loc.word(cx.env));
            (s.as_ptr() as *mut u8, s.len(), make_type::basic(cx.env, Kind::Uint8).ok_or_else(too_many_types)?)
        }
        _ => return Err(broken()),
    })
}

/// `vCopy(dst, src Value) int`; -1: the element types differ.
fn copy(cx: &mut Cx) -> NativeResult {
    let (d, s) = (at(cx, 0)?, at(cx, 2)?);
    let ((to, n, te), (from, m, fe)) = (elements(cx, &d)?, elements(cx, &s)?);
    let bytes = s.t(cx.env).kind == Kind::String && cx.rtype(te).kind == Kind::Uint8;
    let ok = (te == fe || bytes) && d.t(cx.env).kind != Kind::String;
    let n = n.min(m);
    if ok && n > 0 && (d.flag & INDIRECT != 0 || d.t(cx.env).kind == Kind::Slice) {
        // SAFETY: both have at least `n` elements of one type.
        unsafe { slice_ops::copy(cx.env, te, to, from, n) };
    }
    cx.set_int(0, if ok { n as i64 } else { -1 });
    Ok(Outcome::Done)
}

/// `vConvert(v Value, t int) Value`: between types that may be converted.
fn convert(cx: &mut Cx) -> NativeResult {
    let (loc, to) = (at(cx, 0)?, known(cx, 2)?);
    let (f, t) = (loc.t(cx.env), cx.rtype(to));
    let ro = loc.flag & ANY_READ_ONLY;
    // Value.Bytes takes slices of any byte type
    let bytes = |t: &RType| cx.rtype(t.elem).kind == Kind::Uint8;
    use Group::*;
    let words = match (group(f.kind), group(t.kind)) {
        (Int | Uint | Float, Int | Uint | Float) => vec![number(loc.word(cx.env), f.kind, t.kind)],
        (Complex, Complex) => {
            let w = loc.words(cx.env);
            let (re, im) = match f.kind {
                Kind::Complex64 => (f32::from_bits(w[0] as u32) as f64, f32::from_bits((w[0] >> 32) as u32) as f64),
                _ => (f64::from_bits(w[0]), f64::from_bits(w[1])),
            };
            match t.kind {
                Kind::Complex64 => vec![(re as f32).to_bits() as u64 | ((im as f32).to_bits() as u64) << 32],
                _ => vec![re.to_bits(), im.to_bits()],
            }
        }
        (Int | Uint, String) => {
            let w = loc.word(cx.env);
            let rune = if group(f.kind) == Uint && w > i64::MAX as u64 { -1 } else { w as i64 };
            let mut out = Vec::new();
            string::encode_rune(rune, &mut out);
            vec![cx.new_str(&out)?]
        }
        (String, Other) if text_slice(cx.env, t) == Some(Kind::Uint8) => {
            let s = cx.str_of(loc.word(cx.env));
            vec![cx.new_bytes(s)?]
        }
        (String, Other) if text_slice(cx.env, t) == Some(Kind::Int32) => {
            let (mut s, mut out, mut n) = (cx.str_of(loc.word(cx.env)), Vec::new(), 0);
            while !s.is_empty() {
                let (r, width) = string::decode_rune(s);
                out.extend_from_slice(&r.to_ne_bytes());
                s = &s[width..];
                n += 1;
            }
            vec![cx.new_packed(&out, n)?]
        }
        (Other, String) if f.kind == Kind::Slice => {
            let p = cx.slice_of(loc.word(cx.env));
            let mut out = Vec::new();
            for i in 0..p.len {
                // SAFETY: packed bytes or runes.
                unsafe {
                    match text_slice(cx.env, f) {
                        Some(Kind::Uint8) => out.push(*p.data.add(i)),
                        _ => string::encode_rune(*(p.data as *const i32).add(i) as i64, &mut out),
                    }
                }
            }
            vec![cx.new_str(&out)?]
        }
        _ if t.kind == Kind::Interface => match assign(cx, &loc, to)? {
            Some(w) => w,
            None => return Err(broken()),
        },
        _ if f.kind == Kind::Slice && matches!(t.kind, Kind::Array | Kind::Pointer) => {
            let p = cx.slice_of(loc.word(cx.env));
            let array = if t.kind == Kind::Array { to } else { t.elem };
            let n = cx.rtype(array).len;
            if p.len < n as usize {
                return Err(Trap::Panic(format!(
                    "reflect: cannot convert slice with length {} to {}array with length {n}",
                    p.len,
                    if t.kind == Kind::Array { "" } else { "pointer to " }
                )));
            }
            if t.kind == Kind::Pointer {
                let mut w = p.data as u64;
                if w == 0 && loc.word(cx.env) != 0 {
                    w = new_at(cx, array)? as u64;
                }
                vec![w]
            } else {
                let fresh = new_at(cx, array)?;
                // SAFETY: both have at least `n` elements of one type.
                unsafe { slice_ops::copy(cx.env, f.elem, fresh, p.data, n as usize) };
                Loc { ty: array, place: Place::At(fresh), flag: 0 }.words(cx.env)
            }
        }
        _ if f.kind == t.kind && f.words == t.words => {
            let same = same_underlying(cx.env, loc.ty, to, false)
                || f.kind == Kind::Pointer && t.kind == Kind::Pointer && same_underlying(cx.env, f.elem, t.elem, false)
                || f.kind == Kind::Slice && bytes(f) && bytes(t)
                || f.kind == Kind::Chan
                || f.kind == Kind::String
                || f.kind == Kind::Bool;
            if !same {
                return Err(broken());
            }
            loc.words(cx.env)
        }
        _ => return Err(broken()),
    };
    let v = of_words(cx, to, &words, ro)?;
    give(cx, 0, v)
}

/// A number of one kind as one of another.
pub fn number(w: u64, from: Kind, to: Kind) -> u64 {
    let cut = |v: i64| -> u64 {
        match to {
            Kind::Int8 => v as i8 as i64 as u64,
            Kind::Int16 => v as i16 as i64 as u64,
            Kind::Int32 => v as i32 as i64 as u64,
            Kind::Uint8 => v as u8 as u64,
            Kind::Uint16 => v as u16 as u64,
            Kind::Uint32 => v as u32 as u64,
            _ => v as u64,
        }
    };
    let float = |v: f64| if to == Kind::Float32 { (v as f32 as f64).to_bits() } else { v.to_bits() };
    match (group(from), group(to)) {
        (Group::Int, Group::Float) if to == Kind::Float32 => (w as i64 as f32 as f64).to_bits(),
        (Group::Int, Group::Float) => float(w as i64 as f64),
        (Group::Uint, Group::Float) if to == Kind::Float32 => (w as f32 as f64).to_bits(),
        (Group::Uint, Group::Float) => float(w as f64),
        (Group::Float, Group::Float) => float(f64::from_bits(w)),
        (Group::Float, Group::Uint) if matches!(to, Kind::Uint | Kind::Uint64 | Kind::Uintptr) => {
            let v = f64::from_bits(w);
            if v < 0.0 { v as i64 as u64 } else { v as u64 }
        }
        (Group::Float, _) => {
            let v = f64::from_bits(w);
            // What does not fit is the smallest integer, as on amd64.
            cut(if v >= 9223372036854775808.0 || v.is_nan() { i64::MIN } else { v as i64 })
        }
        _ => cut(w as i64),
    }
}

/// Whether all of a value is zero (a float's negative zero is not).
pub fn is_zero(cx: &Cx, loc: &Loc) -> bool {
    let t = loc.t(cx.env);
    match t.kind {
        Kind::Struct => match loc.place {
            Place::At(p) => t.fields.iter().all(|f| {
                let at = Place::At(p.wrapping_add(8 * f.offset as usize));
                is_zero(cx, &Loc { ty: f.ty, place: at, flag: 0 })
            }),
            Place::Word(_) => false,
        },
        Kind::Array => match loc.place {
            Place::At(p) => {
                let step = cx.env.types[t.elem.0 as usize].elem_bytes;
                (0..t.len as usize).all(|i| {
                    let at = Place::At(p.wrapping_add(i * step));
                    is_zero(cx, &Loc { ty: t.elem, place: at, flag: 0 })
                })
            }
            Place::Word(_) => false,
        },
        Kind::String => cx.str_of(loc.word(cx.env)).is_empty(),
        _ => loc.words(cx.env).iter().all(|w| *w == 0),
    }
}

/// The signature's type of what a Value calls.
fn signature(cx: &Cx) -> Option<(RTypeId, Callee)> {
    match callee(cx.env, cx.word(0), cx.word(1))? {
        Callee::Method { func, receiver, sig } => Some((sig, Callee::Method { func, receiver, sig })),
        c => Some((resolve(cx.env, (cx.word(0), cx.word(1)))?.ty, c)),
    }
}

/// `vPack(f Value, in []Value, spread bool) unsafe.Pointer`: the arguments as `CallR` wants them.
fn pack(cx: &mut Cx) -> NativeResult {
    let (in_, as_slice) = (cx.slice(2), cx.bool(3));
    let Some((sig, callee)) = signature(cx) else { return Err(broken()) };
    let name = if as_slice { "CallSlice" } else { "Call" };
    let panic = |s: String| Trap::Panic(format!("reflect: {s}"));
    let t = cx.rtype(sig);
    if matches!(callee, Callee::Closure(0)) {
        return Err(Trap::Panic(format!("reflect.Value.{name}: call of nil function")));
    }
    let n = t.params.len();
    let few = || panic(format!("{name} with too few input arguments"));
    let many = || panic(format!("{name} with too many input arguments"));
    if as_slice {
        if !t.variadic {
            return Err(panic("CallSlice of non-variadic function".into()));
        }
        if in_.len != n {
            return Err(if in_.len < n { few() } else { many() });
        }
    } else {
        let fixed = n - t.variadic as usize;
        if in_.len < fixed {
            return Err(few());
        }
        if !t.variadic && in_.len > fixed {
            return Err(many());
        }
    }
    let mut args = Vec::with_capacity(in_.len);
    for i in 0..in_.len {
        // SAFETY: Values are pairs of words.
        let pair = unsafe {
            let p = (in_.data as *const u64).add(2 * i);
            (slice::load(p), slice::load(p.add(1)))
        };
        match resolve(cx.env, pair) {
            None => return Err(panic(format!("{name} using zero Value argument"))),
            Some(l) if l.flag & ANY_READ_ONLY != 0 => {
                return Err(panic(format!("reflect.Value.{name} using value obtained using unexported field")));
            }
            Some(l) if pair.1 & METHOD != 0 => {
                let _ = l;
                return Err(panic(format!("{name} using a method value as an argument")));
            }
            Some(l) => args.push(l),
        }
    }
    let results: usize = t.results.iter().map(|&r| slots(cx.rtype(r))).sum();
    let (mut words, mut ptrs) = (vec![results as u64, 0], crate::bytecode::program::BitMap::default());
    if let Callee::Method { receiver, .. } = callee {
        ptrs.set(words.len());
        words.push(receiver);
    }
    let mut add = |cx: &mut Cx, ty: RTypeId, v: Vec<u64>| -> Result<(), Trap> {
        let t = cx.rtype(ty);
        if is_big(t) {
            let p = new_at(cx, ty)?;
            // SAFETY: fresh memory of the type.
            unsafe { store(t, p, &v) };
            ptrs.set(words.len());
            words.push(p as u64);
            return Ok(());
        }
        let at = words.len();
        t.ptr_map.iter().filter(|i| *i < t.words as usize).for_each(|i| ptrs.set(at + i));
        words.extend_from_slice(&v[..t.words as usize]);
        Ok(())
    };
    let spread = t.variadic && !as_slice;
    for (i, &p) in t.params.iter().enumerate() {
        if spread && i + 1 == n {
            let e = cx.rtype(p).elem;
            let info = &cx.env.types[e.0 as usize];
            let count = args.len() - i;
            let mut w = 0;
            if count > 0 {
                let data = slice_ops::alloc_elems(cx.cache, cx.rtype(e), info, count);
                if data.is_null() {
                    return Err(Trap::OutOfMemory);
                }
                for (k, a) in args[i..].iter().enumerate() {
                    let Some(v) = assign(cx, a, e)? else {
                        let (x, e) = (&a.t(cx.env).name, &cx.rtype(e).name);
                        return Err(panic(format!("cannot use {x} as type {e} in {name}")));
                    };
                    // SAFETY: fresh memory for so many elements.
                    unsafe { store(cx.rtype(e), data.add(k * info.elem_bytes), &v) };
                }
                w = slice::new(cx.cache, cx.env.slice_header, data, count, count).ok_or(Trap::OutOfMemory)?;
            }
            add(cx, p, vec![w])?;
            continue;
        }
        let Some(v) = assign(cx, &args[i], p)? else {
            let (x, p) = (&args[i].t(cx.env).name, &cx.rtype(p).name);
            return Err(panic(format!("{name} using {x} as type {p}")));
        };
        add(cx, p, v)?;
    }
    if let Callee::Closure(c) = callee {
        ptrs.set(words.len());
        words.push(c);
    }
    words[1] = words.len() as u64 - 2;
    let p = cx.cache.alloc_array(1, words.len(), &ptrs);
    if p.is_null() {
        return Err(Trap::OutOfMemory);
    }
    for (i, w) in words.iter().enumerate() {
        // SAFETY: fresh memory of so many words.
        unsafe { *p.add(i) = *w };
    }
    cx.set_word(0, p as u64);
    Ok(Outcome::Done)
}

/// `call(f Value, packed unsafe.Pointer) []Value`, behind the call: gathers the results out of the callee's window.
fn collect(cx: &mut Cx) -> NativeResult {
    let Some((sig, _)) = signature(cx) else { return Err(broken()) };
    let t = cx.rtype(sig);
    let mut at = REFLECT_WINDOW as usize - 1;
    let mut out = Vec::with_capacity(t.results.len());
    for &r in &t.results {
        let rt = cx.rtype(r);
        let mut words: Vec<u64> = (0..slots(rt)).map(|i| cx.word(at + i)).collect();
        at += words.len();
        if is_big(rt) {
            words = Loc { ty: r, place: Place::At(words[0] as *mut u8), flag: 0 }.words(cx.env);
        }
        words.resize(words.len().max(1), 0);
        out.push(of_words(cx, r, &words, 0)?);
    }
    let w = values(cx, &out)?;
    cx.set_word(0, w);
    Ok(Outcome::Done)
}

/// `makeClosure(t int, fn func([]Value) []Value) Value`: a function of type `t` that packs its arguments for `fn`.
fn make_closure(cx: &mut Cx) -> NativeResult {
    let (t, f) = (known(cx, 0)?, cx.word(1));
    let Some(stub) = cx.rtype(t).stub else {
        let name = &cx.rtype(t).name;
        return Err(Trap::Panic(format!(
            "reflect: no value of type {name} can be made: the program does not mention it"
        )));
    };
    let shape = cx.cache.heap().shape(3, &crate::bytecode::program::BitMap(vec![2]));
    let p = cx.cache.alloc(shape);
    if p.is_null() {
        return Err(Trap::OutOfMemory);
    }
    let entry = cx.env.program.funcs[stub.0 as usize].entry as usize;
    // SAFETY: fresh memory of three words.
    unsafe {
        *p = (cx.env.code + 8 * entry) as u64;
        *p.add(1) = f;
        *p.add(2) = t.0 as u64;
    }
    let v = of_words(cx, t, &[p as u64], 0)?;
    give(cx, 0, v)
}

/// The function that a closure of `make_closure` holds, and its type.
fn held(cx: &Cx, i: usize) -> Result<(u64, RTypeId), Trap> {
    let words = cx.words_at(i, 3)?;
    Ok((words[1].get(), RTypeId(words[2].get() as u32)))
}

/// `gather(closure, the stub's parameters) (fn func([]Value) []Value, args []Value)`
fn gather(cx: &mut Cx) -> NativeResult {
    let (f, t) = held(cx, 0)?;
    let (mut at, mut args) = (1, Vec::new());
    for &p in &cx.rtype(t).params {
        let pt = cx.rtype(p);
        let mut words: Vec<u64> = (0..slots(pt)).map(|i| cx.word(at + i)).collect();
        at += words.len();
        if is_big(pt) {
            words = Loc { ty: p, place: Place::At(words[0] as *mut u8), flag: 0 }.words(cx.env);
        }
        words.resize(words.len().max(1), 0);
        args.push(of_words(cx, p, &words, 0)?);
    }
    let list = values(cx, &args)?;
    cx.set_word(0, f);
    cx.set_word(1, list);
    Ok(Outcome::Done)
}

/// `scatter(closure, results []Value)`: writes the stub's results.
fn scatter(cx: &mut Cx) -> NativeResult {
    let t = cx.rtype(held(cx, 0)?.1);
    let list = cx.slice(1);
    if list.len != t.results.len() {
        return Err(Trap::Panic("reflect: wrong return count from function created by MakeFunc".into()));
    }
    let mut out = Vec::new();
    for (i, &r) in t.results.iter().enumerate() {
        // SAFETY: Values are pairs of words.
        let pair = unsafe {
            let p = (list.data as *const u64).add(2 * i);
            (slice::load(p), slice::load(p.add(1)))
        };
        let made = "reflect: function created by MakeFunc using closure returned ";
        let Some(loc) = resolve(cx.env, pair) else { return Err(Trap::Panic(format!("{made}zero Value"))) };
        if loc.flag & ANY_READ_ONLY != 0 {
            return Err(Trap::Panic(format!("{made}value obtained from unexported field")));
        }
        let Some(words) = assign(cx, &loc, r)? else {
            let (x, r) = (&loc.t(cx.env).name, &cx.rtype(r).name);
            return Err(Trap::Panic(format!("{made}value of type {x} not assignable to {r}")));
        };
        let rt = cx.rtype(r);
        if is_big(rt) {
            let p = new_at(cx, r)?;
            // SAFETY: fresh memory of the type.
            unsafe { store(rt, p, &words) };
            out.push(p as u64);
        } else {
            out.extend_from_slice(&words[..rt.words as usize]);
        }
    }
    for (i, w) in out.into_iter().enumerate() {
        cx.set_word(i, w);
    }
    Ok(Outcome::Done)
}

/// Refuses a channel of a bubble that the running G is not in.
fn foreign(cx: &Cx, ch: *mut Chan, what: &str) -> Result<(), Trap> {
    // SAFETY: a channel; the running G.
    match unsafe { (*ch).is_foreign(cx.side.g) } {
        true => Err(Trap::Fatal(format!("{what} synctest channel from outside bubble"))),
        false => Ok(()),
    }
}

/// `vSend(c, x Value, buf unsafe.Pointer, try bool) int`: 0 it would block, 1 sent, 2 the type does not fit.
fn send(cx: &mut Cx) -> NativeResult {
    let (loc, x) = (at(cx, 0)?, at(cx, 2)?);
    let t = loc.t(cx.env);
    if t.kind != Kind::Chan {
        return Err(broken());
    }
    let Some(words) = assign(cx, &x, t.elem)? else {
        cx.set_int(0, 2);
        return Ok(Outcome::Done);
    };
    let n = cx.rtype(t.elem).words.max(1) as usize;
    for (cell, w) in cx.words_at(4, n)?.iter().zip(&words) {
        cx.env.heap.shade(cell.get());
        cell.set(*w);
    }
    let (ch, buf, try_it) = (loc.word(cx.env) as *mut Chan, cx.word(4) as *mut u64, cx.bool(5));
    cx.set_int(0, 1);
    let g = cx.side.g;
    if ch.is_null() {
        if try_it {
            cx.set_int(0, 0);
            return Ok(Outcome::Done);
        }
        cx.side.park(WaitReason::ChanSendNil, false)();
        return Ok(Outcome::Parked);
    }
    foreign(cx, ch, "send on")?;
    // SAFETY: a channel of this element type; the buffer is kept by the frame that calls.
    let sent = unsafe {
        if try_it {
            (*ch).lock();
            let sent = (*ch).try_send_locked(buf);
            (*ch).unlock();
            match sent {
                Some(s) => s,
                None => {
                    cx.set_int(0, 0);
                    return Ok(Outcome::Done);
                }
            }
        } else {
            Chan::send(ch, g, buf, &(*cx.side.p).solo, cx.side.park(WaitReason::ChanSend, false))
        }
    };
    match sent {
        Sent::Done => Ok(Outcome::Done),
        Sent::Woke(g) => {
            cx.side.ready(g);
            Ok(Outcome::Done)
        }
        Sent::Parked => Ok(Outcome::Parked),
        Sent::Closed => Err(Trap::Plain("send on closed channel".into())),
    }
}

/// `vRecv(c Value, buf unsafe.Pointer, try bool) (ok bool, done bool)`
fn recv(cx: &mut Cx) -> NativeResult {
    let loc = at(cx, 0)?;
    let t = loc.t(cx.env);
    if t.kind != Kind::Chan || cx.word(2) == 0 {
        return Err(broken());
    }
    let (ch, buf, try_it) = (loc.word(cx.env) as *mut Chan, cx.word(2) as *mut u64, cx.bool(3));
    cx.set_bool(0, false);
    cx.set_bool(1, true);
    let g = cx.side.g;
    if ch.is_null() {
        if try_it {
            cx.set_bool(1, false);
            return Ok(Outcome::Done);
        }
        cx.side.park(WaitReason::ChanReceiveNil, false)();
        return Ok(Outcome::Parked);
    }
    foreign(cx, ch, "receive on")?;
    let ok = cx.result_slot(0);
    // SAFETY: a channel of this element type; the buffer is kept by the frame that calls, the slot is in its window.
    let got = unsafe {
        if try_it {
            (*ch).lock();
            let got = (*ch).try_recv_locked(buf, ok);
            (*ch).unlock();
            match got {
                Some(g) => g,
                None => {
                    cx.set_bool(1, false);
                    return Ok(Outcome::Done);
                }
            }
        } else {
            Chan::recv(ch, g, buf, ok, &(*cx.side.p).solo, cx.side.park(WaitReason::ChanReceive, false))
        }
    };
    if !matches!(got, Received::Parked) {
        // SAFETY: as above. What it holds has been taken out of the channel.
        unsafe { cx.env.heap.shade_words(buf, (*ch).elem_words() as usize) };
    }
    match got {
        Received::Done { .. } => Ok(Outcome::Done),
        Received::Woke(g) => {
            cx.side.ready(g);
            Ok(Outcome::Done)
        }
        Received::Parked => Ok(Outcome::Parked),
    }
}

/// `vClose(c Value)`
fn close(cx: &mut Cx) -> NativeResult {
    let loc = at(cx, 0)?;
    let ch = loc.word(cx.env) as *mut Chan;
    if loc.t(cx.env).kind != Kind::Chan {
        return Err(broken());
    }
    if ch.is_null() {
        return Err(Trap::Plain("close of nil channel".into()));
    }
    foreign(cx, ch, "close of")?;
    let mut woken = Vec::new();
    // SAFETY: a channel.
    let closed = unsafe { Chan::close(ch, |g, sender| woken.push((g, sender))) };
    for (g, sender) in woken {
        // SAFETY: Gs just taken off the channel's queues: a plain send runs again and finds the channel closed.
        unsafe {
            if sender && (*g).resume != resume::RETRY {
                (*g).pc = (*g).pc.sub(1);
            } else {
                (*g).handed = sender;
            }
        }
        cx.side.ready(g);
    }
    if closed { Ok(Outcome::Done) } else { Err(Trap::Plain("close of closed channel".into())) }
}
