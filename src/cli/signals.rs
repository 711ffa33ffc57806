//! Ctrl-C. The signal is blocked in every thread and awaited by one of its own, so that what is done about it is
//! ordinary code: output is flushed and the program ends with status 130, or a session stops what it runs.
use std::sync::Arc;

/// Ctrl-C, blocked but not yet awaited: it stays pending.
pub struct Blocked(libc::sigset_t);

/// Blocks Ctrl-C. To be called before other threads start: they inherit what is blocked. Where Ctrl-C was ignored from the
/// start (a job in the background), nothing changes.
pub fn block_interrupt() -> Option<Blocked> {
    // SAFETY: the set is filled by the first two calls before it is read.
    let set = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGINT);
        let mut old: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(libc::SIGINT, std::ptr::null(), &mut old) != 0 || old.sa_sigaction == libc::SIG_IGN {
            return None;
        }
        if libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()) != 0 {
            return None;
        }
        set
    };
    Some(Blocked(set))
}

/// Calls `f`, on a thread of its own, each time Ctrl-C is pressed.
pub fn await_interrupt(Blocked(set): Blocked, f: impl Fn() + Send + 'static) {
    let wait = move || {
        loop {
            let mut signal = 0;
            // SAFETY: the set is initialised; the signal's number is written to a local.
            if unsafe { libc::sigwait(&set, &mut signal) } == 0 {
                f();
            }
        }
    };
    let _ = std::thread::Builder::new().name("gmpl-signals".into()).stack_size(64 << 10).spawn(wait);
}

/// Ctrl-C ends the process, after its output.
pub fn end_on_interrupt(blocked: Blocked, host: Arc<dyn crate::value::env::Host>) {
    await_interrupt(blocked, move || {
        let _ = host.flush_stdout();
        std::process::exit(super::status::INTERRUPTED);
    });
}
