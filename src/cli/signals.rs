//! Signals that the command line answers. A handler writes the signal's number to a pipe and does nothing else; a thread
//! reads it, so that what is done about it is ordinary code: output is flushed, the process ends, or a session stops what
//! it runs. What the program listens to itself (`os/signal`) is left to it: handlers of one signal run one after the other.
//! Whether it listens is looked at in the handler: it may listen no more when the thread gets to it.
use super::status;
use crate::value::env::Host;
use crate::vm::Handle;
use crate::vm::host::ProcessHost;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::low_level;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, OnceLock};

/// Calls `f`, on a thread of its own, with each of these signals that comes, unless it is `heard` elsewhere. Where one was
/// ignored from the start (a job in the background), nothing changes.
fn on_signals(
    signals: &[i32],
    heard: impl Fn(i32) -> bool + Clone + Send + Sync + 'static,
    f: impl Fn(i32) + Send + 'static,
) {
    let Ok((mut reader, writer)) = UnixStream::pair() else { return };
    let _ = writer.set_nonblocking(true);
    let writer = Arc::new(writer);
    for &signal in signals.iter().filter(|&&s| !is_ignored(s)) {
        let (writer, heard) = (writer.clone(), heard.clone());
        let act = move || {
            if !heard(signal) {
                let _ = (&*writer).write(&[signal as u8]);
            }
        };
        // SAFETY: the action looks at a word and writes a byte, which a handler may do.
        let _ = unsafe { low_level::register(signal, act) };
    }
    let wait = move || {
        let mut signal = [0];
        while reader.read_exact(&mut signal).is_ok() {
            f(signal[0] as i32);
        }
    };
    let _ = std::thread::Builder::new().name("gmpl-signals".into()).stack_size(1 << 20).spawn(wait);
}

fn is_ignored(signal: i32) -> bool {
    // SAFETY: only asks; the struct is written whole.
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut old) != 0 || old.sa_sigaction == libc::SIG_IGN
    }
}

/// Calls `f` each time Ctrl-C is pressed.
pub fn on_interrupt(f: impl Fn() + Send + 'static) {
    on_signals(&[SIGINT], |_| false, move |_| f());
}

/// Has signals end the run of a host, from when it has lasted for a moment: most programs end before anybody could press
/// Ctrl-C. That is also when it is worth it to give memory back. The run's handle is to be put into what is returned.
pub fn end_lasting_run(host: &Arc<ProcessHost>) -> Arc<OnceLock<Handle>> {
    let running = Arc::new(OnceLock::new());
    let (watched, run) = (Arc::downgrade(host), running.clone());
    host.when_lasting(move || {
        if let Some(host) = watched.upgrade() {
            if run.get().is_some() {
                super::pages::give_back();
            }
            end_on_signals(host, run);
        }
    });
    running
}

/// What ends a run from outside: Ctrl-C ends it with status 130, Ctrl-\ shows all goroutines first, SIGTERM and SIGHUP end it
/// as they would without us; each after the output that was printed.
fn end_on_signals(host: Arc<ProcessHost>, run: Arc<OnceLock<Handle>>) {
    let asked = host.clone();
    let heard = move |signal| asked.is_heard(signal);
    on_signals(&[SIGINT, SIGQUIT, SIGTERM, SIGHUP], heard, move |signal| {
        if signal != SIGQUIT {
            run.get().iter().for_each(|run| run.write_profiles());
        }
        match signal {
            SIGQUIT if run.get().is_some_and(Handle::quit) => {}
            SIGINT | SIGQUIT => {
                let status = if signal == SIGINT { status::INTERRUPTED } else { status::FAILED };
                // Whoever reads our output may not.
                host.ended(status);
                let _ = host.flush_stdout();
                std::process::exit(status);
            }
            _ => {
                host.ended(128 + signal);
                let _ = host.flush_stdout();
                let _ = low_level::emulate_default_handler(signal);
            }
        }
    });
}
