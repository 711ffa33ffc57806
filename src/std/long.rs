//! Work that may be long: on another thread while the goroutine is parked, so that others go on; and results that may be
//! large: refused before they are made.
//!
//! Such work looks at memory of the program through views. It stays alive, since the parameters of a waiting native are
//! roots, and where it is, since nothing moves; other goroutines may write to it meanwhile, as they may on other Ps. A run
//! that ends waits for such work before it gives its memory back.
use crate::base::limits::LONG_BYTES;
use crate::value::native::{Cx, Finish, NativeResult, Outcome, Trap};

/// Does the work on so many bytes, then finishes with its answer; a second time if there was no memory for it.
pub(super) fn work<T: Send + 'static>(
    cx: &mut Cx,
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
    finish: impl Fn(&mut Cx, &T) -> NativeResult + Send + 'static,
) -> NativeResult {
    if bytes < LONG_BYTES {
        return finish(cx, &work());
    }
    let open = cx.side.sched().jobs.open();
    Ok(Outcome::Block(Box::new(move || {
        let held = open.read();
        if !*held {
            return Box::new(|_: &mut Cx| Ok(Outcome::Done)) as Finish;
        }
        let answer = work();
        drop(held);
        Box::new(move |cx: &mut Cx| match finish(cx, &answer) {
            Err(Trap::OutOfMemory) => Ok(Outcome::CollectFirst(Box::new(move |cx: &mut Cx| finish(cx, &answer)))),
            result => result,
        }) as Finish
    })))
}

/// A result of more bytes than this cannot be kept now; a native that is refused is called again after a collection.
pub(super) fn most(cx: &Cx) -> usize {
    cx.env.heap.max_bytes().saturating_sub(cx.env.heap.in_use())
}

/// Stops where a result of so many bytes could not be kept.
pub(super) fn check(cx: &Cx, bytes: usize) -> Result<(), Trap> {
    if bytes > most(cx) { Err(Trap::OutOfMemory) } else { Ok(()) }
}
