//! `reflect.DeepEqual`: with a work list instead of recursion, so that no depth of data can exhaust the native stack.
use super::reflect_types::{Group, group};
use crate::bytecode::program::{Kind, RTypeId};
use crate::value::native::{Cx, NativeResult, Outcome, Trap, load};
use crate::value::{map, slice};
use rustc_hash::FxHashSet;

/// A pair of places that hold values of one type.
struct Pair {
    ty: RTypeId,
    x: *const u8,
    y: *const u8,
}

/// `DeepEqual(x, y any) bool`
pub fn deep_equal(cx: &mut Cx) -> NativeResult {
    let equal = compare(cx, cx.word(0), cx.word(1))?;
    cx.set_bool(0, equal);
    Ok(Outcome::Done)
}

fn compare(cx: &Cx, x: u64, y: u64) -> Result<bool, Trap> {
    let env = cx.env;
    let mut todo: Vec<Pair> = Vec::new();
    // Register words that the work list points to.
    let mut kept: Vec<Box<[u64]>> = Vec::new();
    let mut visited: FxHashSet<(usize, usize, u32)> = FxHashSet::default();
    let mut ifaces = vec![(x, y)];
    loop {
        if let Some((x, y)) = ifaces.pop() {
            let (a, b) = (cx.iface_type(x), cx.iface_type(y));
            if a != b {
                return Ok(false);
            }
            if a == RTypeId::NONE {
                continue;
            }
            let t = env.ty(a.0);
            let mut memory = |w: u64| {
                let regs = cx.unbox(w);
                let mut m = vec![0; regs.len().max(1)].into_boxed_slice();
                // SAFETY: register words become memory of their type.
                unsafe { crate::value::native::store(t, m.as_mut_ptr() as *mut u8, &regs) };
                kept.push(m);
                kept.last().map_or(std::ptr::null(), |m| m.as_ptr() as *const u8)
            };
            let (x, y) = (memory(x), memory(y));
            todo.push(Pair { ty: a, x, y });
        }
        let Some(Pair { ty, x, y }) = todo.pop() else {
            if ifaces.is_empty() {
                return Ok(true);
            }
            continue;
        };
        let t = env.ty(ty.0);
        let one = |p: *const u8| {
            let mut w = [0];
            if t.words == 1 {
                // SAFETY: the place of a value of one word.
                unsafe { load(t, p, &mut w) };
            }
            w[0]
        };
        match t.kind {
            Kind::Struct => {
                for f in t.fields.iter().rev() {
                    let at = 8 * f.offset as usize;
                    todo.push(Pair { ty: f.ty, x: x.wrapping_add(at), y: y.wrapping_add(at) });
                }
            }
            Kind::Array => {
                let step = env.types[t.elem.0 as usize].elem_bytes;
                for i in (0..t.len as usize).rev() {
                    todo.push(Pair { ty: t.elem, x: x.wrapping_add(i * step), y: y.wrapping_add(i * step) });
                }
            }
            Kind::Slice => {
                let (a, b) = (one(x), one(y));
                if (a == 0) != (b == 0) {
                    return Ok(false);
                }
                let (p, q) = (cx.slice_of(a), cx.slice_of(b));
                if p.len != q.len {
                    return Ok(false);
                }
                if p.data == q.data || p.len == 0 || !visited.insert((p.data as usize, q.data as usize, ty.0)) {
                    continue;
                }
                let step = env.types[t.elem.0 as usize].elem_bytes;
                if group(env.ty(t.elem.0).kind) == Group::Int || group(env.ty(t.elem.0).kind) == Group::Uint {
                    // SAFETY: packed scalars of equal numbers.
                    let same = unsafe {
                        std::slice::from_raw_parts(p.data, p.len * step)
                            == std::slice::from_raw_parts(q.data, q.len * step)
                    };
                    if !same {
                        return Ok(false);
                    }
                    continue;
                }
                for i in (0..p.len).rev() {
                    todo.push(Pair { ty: t.elem, x: p.data.wrapping_add(i * step), y: q.data.wrapping_add(i * step) });
                }
            }
            Kind::Interface => ifaces.push((one(x), one(y))),
            Kind::Pointer => {
                let (a, b) = (one(x), one(y));
                if a == b {
                    continue;
                }
                if a == 0 || b == 0 {
                    return Ok(false);
                }
                if visited.insert((a as usize, b as usize, ty.0)) {
                    todo.push(Pair { ty: t.elem, x: a as *const u8, y: b as *const u8 });
                }
            }
            Kind::Map => {
                let (a, b) = (one(x), one(y));
                if (a == 0) != (b == 0) {
                    return Ok(false);
                }
                let Some(Some(mt)) = env.map_types.at(ty.0 as usize) else { return Ok(false) };
                // SAFETY: map words of this type.
                unsafe {
                    if map::len(a as *const u64) != map::len(b as *const u64) {
                        return Ok(false);
                    }
                    if a == b || !visited.insert((a as usize, b as usize, ty.0)) {
                        continue;
                    }
                    let list = map::entries(a as *const u64, mt.key_words as usize, mt.val_words as usize);
                    let et = env.ty(t.elem.0);
                    for (k, v) in list {
                        let found = map::get(&env.program, mt, b as *mut u64, k.as_ptr());
                        let Some(other) = found.map_err(super::reflect::map_trap)? else { return Ok(false) };
                        let mut memory = |regs: &[u64]| {
                            let mut m = vec![0; regs.len().max(1)].into_boxed_slice();
                            crate::value::native::store(et, m.as_mut_ptr() as *mut u8, regs);
                            kept.push(m);
                            kept.last().map_or(std::ptr::null(), |m| m.as_ptr() as *const u8)
                        };
                        let mut w: Vec<u64> = (0..mt.val_words as usize).map(|i| slice::load(other.add(i))).collect();
                        w.resize(w.len().max(1), 0);
                        let (x, y) = (memory(&v), memory(&w));
                        todo.push(Pair { ty: t.elem, x, y });
                    }
                }
            }
            Kind::Func => {
                if one(x) != 0 || one(y) != 0 {
                    return Ok(false);
                }
            }
            _ => {
                let n = t.words.max(1) as usize;
                let (mut a, mut b) = (vec![0; n], vec![0; n]);
                // SAFETY: places of values of the type; scalars compare without a panic.
                let same = unsafe {
                    load(t, x, &mut a);
                    load(t, y, &mut b);
                    crate::value::eq::values_eq(&env.program, ty, a.as_ptr(), b.as_ptr())
                };
                if !same.map_err(Trap::Runtime)? {
                    return Ok(false);
                }
            }
        }
    }
}
