//! Natives of `flag`.
use crate::bytecode::program::Kind;
use crate::value::iface;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};

pub const NATIVES: &[NativeEntry] = &[("flag.zeroOf", zero_of)];

/// `zeroOf(v Value) Value`: the zero value of v's type; for a pointer, a pointer to the zero value.
fn zero_of(cx: &mut Cx) -> NativeResult {
    let id = cx.iface_type(cx.word(0));
    let t = cx.rtype(id);
    let word = if t.kind == Kind::Pointer {
        let p = cx.cache.alloc(cx.env.shape_of(t.elem));
        if p.is_null() {
            return Err(Trap::OutOfMemory);
        }
        iface::direct(id.0, p as u64)
    } else {
        cx.box_value(id, &vec![0; t.words.max(1) as usize])?
    };
    cx.set_word(0, word);
    Ok(Outcome::Done)
}
