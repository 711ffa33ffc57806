//! Work that may be long: on another thread while the goroutine is parked, so that others go on; and results that may be
//! large: refused before they are made.
//!
//! Such work looks at memory of the program through views. It stays alive, since the parameters of a waiting native are
//! roots, and where it is, since nothing moves; other goroutines may write to it meanwhile, as they may on other Ps.
use super::os::block;
use crate::value::native::{Cx, NativeResult, Trap};

/// Less than so many bytes are looked at before a switch of threads would be over.
pub(super) const LONG_BYTES: usize = 256 << 10;

/// Does the work on so many bytes, then finishes with its answer.
pub(super) fn work<T: Send + 'static>(
    cx: &mut Cx,
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
    finish: impl FnOnce(&mut Cx, T) -> NativeResult + Send + 'static,
) -> NativeResult {
    if bytes < LONG_BYTES {
        let answer = work();
        return finish(cx, answer);
    }
    block(work, finish)
}

/// A result of more bytes than this could not be kept.
pub(super) fn most(cx: &Cx) -> usize {
    cx.env.heap.max_bytes()
}

/// Stops where a result of so many bytes could not be kept.
pub(super) fn check(cx: &Cx, bytes: usize) -> Result<(), Trap> {
    if bytes > most(cx) { Err(Trap::OutOfMemory) } else { Ok(()) }
}
