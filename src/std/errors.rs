//! Natives of `errors`.
use crate::bytecode::program::{Kind, RTypeId, iface};
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, store};

pub const NATIVES: &[NativeEntry] = &[("errors.comparable", comparable), ("errors.assign", assign)];

/// `comparable(v any) bool`
fn comparable(cx: &mut Cx) -> NativeResult {
    let w = cx.word(0);
    let ok = w == 0 || cx.rtype(cx.iface_type(w)).comparable;
    cx.set_bool(0, ok);
    Ok(Outcome::Done)
}

/// Whether a type has all methods of an interface type.
fn implements(cx: &Cx, ty: RTypeId, interface: RTypeId) -> bool {
    let have = &cx.rtype(ty).methods;
    cx.rtype(interface).iface_methods.iter().all(|m| have.iter().any(|h| h.id == *m))
}

/// `assign(err error, target any, try bool) int`
fn assign(cx: &mut Cx) -> NativeResult {
    let (err, target, try_it) = (cx.word(0), cx.word(1), cx.bool(2));
    let result = if target == 0 {
        2
    } else {
        let pointer = cx.rtype(cx.iface_type(target));
        let address = target & iface::PAYLOAD;
        if pointer.kind != Kind::Pointer || address == 0 {
            3
        } else {
            let elem = cx.rtype(pointer.elem);
            let is_error = |t: &crate::bytecode::program::RType| {
                t.methods.iter().any(|m| {
                    let method = &cx.env.program.methods[m.id.0 as usize];
                    method.name == "Error" && method.sig == "func() string"
                })
            };
            if elem.kind != Kind::Interface && !is_error(elem) {
                4
            } else if !try_it {
                0
            } else {
                let ty = cx.iface_type(err);
                let words = if elem.kind == Kind::Interface {
                    implements(cx, ty, pointer.elem).then(|| vec![err])
                } else {
                    (ty == pointer.elem).then(|| cx.unbox(err))
                };
                match words {
                    Some(words) => {
                        // SAFETY: the target points to a live value of its element type.
                        unsafe { store(elem, address as *mut u8, &words) };
                        1
                    }
                    None => 0,
                }
            }
        }
    };
    cx.set_int(0, result);
    Ok(Outcome::Done)
}
