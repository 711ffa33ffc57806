//! The pages of the command's own file that are in memory.

/// Gives back the pages of code and constants: what compiled the program is needed no more, and is half of what a small
/// program takes. What is needed again is still in the system's cache, and comes back with a page fault.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn give_back() {
    unsafe extern "C" {
        // The linker's names for where the file begins, and where its code ends.
        static __executable_start: u8;
        static etext: u8;
    }
    let start = &raw const __executable_start as usize;
    let end = &raw const etext as usize;
    const PAGE: usize = 4096;
    let from = start.next_multiple_of(PAGE);
    // SAFETY: up to the end of the code a file's pages are never written, so they are the same when they are read again.
    // What comes after, and may share the last page, is left alone.
    unsafe { libc::madvise(from as *mut libc::c_void, (end & !(PAGE - 1)).saturating_sub(from), libc::MADV_DONTNEED) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}
