//! A large native stack for the front wing, on the caller's own thread: a thread for it would cost as much as compiling a
//! small program. Only what is touched of it takes memory.
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A mapping of memory, given back in the end.
struct Mapping {
    at: *mut u8,
    bytes: usize,
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `on_large`; nobody stands on it any more.
        unsafe { libc::munmap(self.at.cast(), self.bytes) };
    }
}

/// Calls `f` on a stack of so many bytes; `keep` it for good, as a process does that ends soon.
///
/// # Errors
/// The system gives no memory for it.
pub fn on_large<R>(bytes: usize, keep: bool, f: impl FnOnce() -> R) -> std::io::Result<R> {
    // More than the largest page: touching it ends the process, as the end of any stack does.
    const GUARD_BYTES: usize = 64 << 10;
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a fresh mapping, at an address that the system chooses.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, flags | libc::MAP_NORESERVE, -1, 0) };
    if at == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error());
    }
    let stack = Mapping { at: at.cast(), bytes };
    // SAFETY: the lower end of the mapping.
    if unsafe { libc::mprotect(at, GUARD_BYTES, libc::PROT_NONE) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    // A panic is carried over by hand: unwinding does not cross from one stack to the other.
    // SAFETY: the stack is mapped, aligned as pages are, and used by nobody else until the call returns.
    let result = unsafe {
        let base = stack.at.add(GUARD_BYTES);
        psm::on_stack(base, bytes - GUARD_BYTES, || catch_unwind(AssertUnwindSafe(f)))
    };
    if keep {
        std::mem::forget(stack);
    }
    Ok(result.unwrap_or_else(|panic| resume_unwind(panic)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(n: usize) -> usize {
        let room = std::hint::black_box([n; 512]);
        if n == 0 { 0 } else { depth(n - 1) + room[n % 512] - n + 1 }
    }

    #[test]
    fn deep_calls_and_panics_come_back() {
        assert_eq!(on_large(256 << 20, false, || depth(20_000)).unwrap(), 20_000);
        let panic = catch_unwind(|| on_large(1 << 20, false, || -> usize { resume_unwind(Box::new("seen")) }));
        assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"seen"));
        assert!(on_large(usize::MAX / 2, false, || 0).is_err());
    }
}
