//! Natives of `os` that start processes and wait for them, and of `os/signal`.
//!
//! A signal that the program watches is written, by a handler that does nothing else, to a pipe of the VM; the program
//! reads the pipe. What handlers are installed belongs to the VM's state and goes with it.
use super::files::{self, Attempt, Open, attempt, errno, file};
use super::os::block;
use crate::sched::netpoll::Side;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome};
use std::fs::File;
use std::io::Error;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

pub const NATIVES: &[NativeEntry] = &[
    ("os.kill", kill),
    ("syscall.kill", kill),
    ("os.processHandle", handle_of),
    ("os.startProcess", start),
    ("os.waitProcess", wait),
    ("os/exec.folders", folders),
    ("os/exec.isProgram", is_program),
    ("os/signal.handle", handle),
    ("os/signal.next", next),
];

/// `kill(pid, sig int) (errno int)`
fn kill(cx: &mut Cx) -> NativeResult {
    let (pid, sig) = (cx.int(0), cx.int(1));
    let result = match (i32::try_from(pid), i32::try_from(sig)) {
        (Ok(number), Ok(sig)) => cx.env.door.may_signal(pid).and_then(|()| {
            // SAFETY: plain numbers.
            files::zero(unsafe { libc::kill(number, sig) })
        }),
        _ => Err(Error::from_raw_os_error(libc::EINVAL)),
    };
    cx.set_int(0, result.err().map_or(0, |e| errno(&e)));
    Ok(Outcome::Done)
}

/// `isProgram(path string) (errno int)`: whether the file is a program that may be run; -1: see for yourself.
fn is_program(cx: &mut Cx) -> NativeResult {
    let path = std::path::PathBuf::from(std::ffi::OsStr::from_bytes(cx.str(0)));
    let door = cx.env.door.clone();
    block(
        move || door.is_program(&path),
        |cx, r| {
            cx.set_int(0, r.map_or(-1, |r| r.err().map_or(0, |e| errno(&e))));
            Ok(Outcome::Done)
        },
    )
}

/// `folders() string`: where programs are looked for that may be run, for who cannot read that in the environment.
fn folders(cx: &mut Cx) -> NativeResult {
    let list = cx.env.door.program_folders();
    cx.set_str(0, list.as_bytes())?;
    Ok(Outcome::Done)
}

fn strings(cx: &Cx, i: usize) -> Vec<std::ffi::OsString> {
    let n = cx.slice(i).len;
    (0..n).map(|k| std::ffi::OsStr::from_bytes(cx.str_of(cx.slice_word(i, k))).to_os_string()).collect()
}

/// `startProcess(name string, argv, env []string, dir string, files []int, group, pgid int) (pid, errno int)`
fn start(cx: &mut Cx) -> NativeResult {
    let name = std::ffi::OsStr::from_bytes(cx.str(0)).to_os_string();
    let (argv, env) = (strings(cx, 1), strings(cx, 2));
    let dir = std::ffi::OsStr::from_bytes(cx.str(3)).to_os_string();
    let fds: Vec<i64> = (0..cx.slice(4).len).map(|k| cx.slice_word(4, k) as i64).collect();
    let (group, pgid) = (cx.int(5), cx.int(6));
    let mut files: Vec<Option<Arc<Open>>> = Vec::new();
    let mut failed = None;
    for fd in &fds {
        match if *fd > 2 { file(cx, *fd).map(Some) } else { Ok(None) } {
            Ok(f) => {
                if let Some(f) = &f {
                    f.make_blocking();
                }
                files.push(f);
            }
            Err(e) => failed = Some(e),
        }
    }
    let (host, door) = (cx.env.host.clone(), cx.env.door.clone());
    block(
        move || {
            if let Some(e) = failed {
                return Err(e);
            }
            let as_name = argv.first().map_or(name.as_bytes(), |a| a.as_bytes());
            let name = door.program(name.as_ref(), dir.as_ref(), as_name, &env)?;
            let dir = door.process_folder(dir.as_ref());
            // What the program has written comes before what the process writes.
            let _ = host.flush_stdout();
            let mut command = Command::new(&name);
            if let Some(first) = argv.first() {
                command.arg0(first);
            }
            command.args(argv.iter().skip(1)).env_clear();
            for entry in &env {
                let bytes = entry.as_bytes();
                // A name may begin with "=".
                if let Some(eq) = memchr::memchr(b'=', bytes.get(1..).unwrap_or(b"")) {
                    let (key, value) = (&bytes[..eq + 1], &bytes[eq + 2..]);
                    command.env(std::ffi::OsStr::from_bytes(key), std::ffi::OsStr::from_bytes(value));
                }
            }
            if !dir.as_os_str().is_empty() {
                command.current_dir(&dir);
            }
            let mut raw = Vec::new();
            for (i, fd) in fds.iter().enumerate() {
                let own = match &files[i] {
                    Some(f) => Some(OwnedFd::from(f.try_clone()?)),
                    // SAFETY: a descriptor of the process, duplicated.
                    None if *fd >= 0 => Some(unsafe {
                        let copy = libc::fcntl(*fd as i32, libc::F_DUPFD_CLOEXEC, 3);
                        if copy < 0 {
                            return Err(Error::last_os_error());
                        }
                        OwnedFd::from_raw_fd(copy)
                    }),
                    None => None,
                };
                if i < 3 {
                    let stream = own.map_or_else(Stdio::null, Stdio::from);
                    match i {
                        0 => command.stdin(stream),
                        1 => command.stdout(stream),
                        _ => command.stderr(stream),
                    };
                } else if let Some(own) = own {
                    raw.push((own, i as i32));
                }
            }
            if fds.is_empty() {
                command.stdin(Stdio::null());
            }
            if fds.len() < 2 {
                command.stdout(Stdio::null());
            }
            if fds.len() < 3 {
                command.stderr(Stdio::null());
            }
            match group {
                2 => {
                    command.process_group(0);
                }
                3 => {
                    command.process_group(pgid as i32);
                }
                _ => {}
            }
            if group == 1 || !raw.is_empty() {
                let highest = raw.iter().map(|r| r.1).max().unwrap_or(2) + 1;
                // SAFETY: the closure only makes system calls that a forked process may make.
                unsafe {
                    command.pre_exec(move || {
                        if group == 1 && libc::setsid() < 0 {
                            return Err(Error::last_os_error());
                        }
                        // First away from the numbers they are to have, then to them.
                        let mut far = [(0, 0); 64];
                        for (slot, (own, to)) in far.iter_mut().zip(&raw) {
                            let copy = libc::fcntl(own.as_raw_fd(), libc::F_DUPFD_CLOEXEC, highest);
                            if copy < 0 {
                                return Err(Error::last_os_error());
                            }
                            *slot = (copy, *to);
                        }
                        for (copy, to) in far.iter().take(raw.len()) {
                            if libc::dup2(*copy, *to) < 0 {
                                return Err(Error::last_os_error());
                            }
                        }
                        Ok(())
                    });
                }
            }
            // Not waited for by the child's own handle: the program does it by number.
            command.spawn().map(|child| child.id())
        },
        |cx, r| {
            match r {
                Ok(pid) => {
                    cx.env.door.started(pid as i64);
                    cx.set_int(0, pid as i64);
                    cx.set_int(1, 0);
                }
                Err(e) => {
                    cx.set_int(0, 0);
                    cx.set_int(1, errno(&e));
                }
            }
            Ok(Outcome::Done)
        },
    )
}

/// `processHandle(pid int) (fd int)`: a descriptor that is ready to be read when the process has ended; -1 where there
/// is none.
fn handle_of(cx: &mut Cx) -> NativeResult {
    let pid = cx.int(0);
    let mut number = -1;
    if cx.env.door.may_await(pid).is_err() {
        cx.set_int(0, number);
        return Ok(Outcome::Done);
    }
    // SAFETY: plain numbers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    if let Ok(fd) = i32::try_from(fd)
        && fd >= 0
    {
        // SAFETY: a descriptor just made.
        number = files::add(cx, unsafe { File::from_raw_fd(fd) }, true);
    }
    cx.set_int(0, number);
    Ok(Outcome::Done)
}

/// Waits for a process: its status, times in microseconds, memory in kilobytes. With WNOHANG an error says that it goes on.
fn wait_for(pid: i64, flags: i32) -> std::io::Result<[i64; 4]> {
    let pid = i32::try_from(pid).ok().filter(|p| *p > 0).ok_or(Error::from_raw_os_error(libc::EINVAL))?;
    let mut status = 0;
    // SAFETY: a plain structure of numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: room for both answers.
        match unsafe { libc::wait4(pid, &mut status, flags, &mut usage) } {
            0 => return Err(std::io::ErrorKind::WouldBlock.into()),
            n if n > 0 => break,
            _ => {}
        }
        let e = Error::last_os_error();
        if e.kind() != std::io::ErrorKind::Interrupted {
            return Err(e);
        }
    }
    let micros = |t: libc::timeval| t.tv_sec * 1_000_000 + t.tv_usec;
    Ok([status as i64, micros(usage.ru_utime), micros(usage.ru_stime), usage.ru_maxrss])
}

fn waited(cx: &mut Cx, r: Result<[i64; 4], i64>) -> NativeResult {
    if r.is_ok() {
        let pid = cx.int(0);
        cx.env.door.ended(pid);
    }
    for (i, n) in r.as_ref().unwrap_or(&[0; 4]).iter().enumerate() {
        cx.set_int(i, *n);
    }
    cx.set_int(4, r.err().unwrap_or(0));
    Ok(Outcome::Done)
}

/// `waitProcess(pid, handle int) (status uint32, user, system, maxrss int64, errno int)`
fn wait(cx: &mut Cx) -> NativeResult {
    let (pid, handle) = (cx.int(0), cx.int(1));
    if let Err(e) = cx.env.door.may_await(pid) {
        return waited(cx, Err(errno(&e)));
    }
    if let Ok(open) = file(cx, handle)
        && let Some(poll) = open.poll()
    {
        return match attempt(cx, poll, Side::Read, || wait_for(pid, libc::WNOHANG)) {
            Attempt::Parked => Ok(Outcome::ParkedRetry),
            Attempt::Done(answer) => waited(cx, Ok(answer)),
            Attempt::Failed(code) => waited(cx, Err(code)),
        };
    }
    block(move || wait_for(pid, 0), |cx, r| waited(cx, r.map_err(|e| errno(&e))))
}

/// What a VM has to do with signals.
struct Signals {
    reader: Arc<OwnedFd>,
    writer: Arc<OwnedFd>,
    /// Of each signal what is done with it, and the handler that does it.
    handled: rustc_hash::FxHashMap<i32, (Arc<AtomicU8>, signal_hook::SigId)>,
}

impl Drop for Signals {
    fn drop(&mut self) {
        for (_, id) in self.handled.values() {
            signal_hook::low_level::unregister(*id);
        }
    }
}

fn new_signals() -> std::io::Result<Signals> {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors, which nobody else knows.
    let (reader, writer) = unsafe {
        if libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) != 0 {
            return Err(Error::last_os_error());
        }
        libc::fcntl(ends[1], libc::F_SETFL, libc::O_NONBLOCK);
        (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1]))
    };
    Ok(Signals { reader: Arc::new(reader), writer: Arc::new(writer), handled: Default::default() })
}

fn with_signals<R>(cx: &Cx, f: impl FnOnce(&mut Signals) -> R) -> Option<R> {
    let mut state = cx.env.state.lock();
    if !state.contains_key("os/signal") {
        state.insert("os/signal", Box::new(new_signals().ok()?));
    }
    state.get_mut("os/signal")?.downcast_mut().map(f)
}

/// `handle(sig, what int)`: 0 what the system does, 1 the program hears it, 2 nothing.
fn handle(cx: &mut Cx) -> NativeResult {
    let (sig, what) = (cx.int(0) as i32, cx.int(1) as u8);
    if !cx.env.door.shows_signals() {
        return Ok(Outcome::Done);
    }
    // Those that cannot be caught, or whose handler must not return.
    let forbidden = signal_hook::consts::FORBIDDEN.contains(&sig) || sig >= 32;
    if forbidden {
        return Ok(Outcome::Done);
    }
    // What the host does about it is no business of the handler's.
    let what = if cx.env.host.hear(sig, what != 0) && what == 0 { 2 } else { what };
    with_signals(cx, |s| {
        if let Some((state, _)) = s.handled.get(&sig) {
            state.store(what, Ordering::Relaxed);
        } else if what != 0 {
            let state = Arc::new(AtomicU8::new(what));
            let (seen, writer) = (state.clone(), s.writer.clone());
            let act = move || match seen.load(Ordering::Relaxed) {
                1 => {
                    let byte = [sig as u8];
                    // SAFETY: an open descriptor and one byte; a full pipe loses the signal.
                    unsafe { libc::write(writer.as_raw_fd(), byte.as_ptr().cast(), 1) };
                }
                2 => {}
                _ => {
                    let _ = signal_hook::low_level::emulate_default_handler(sig);
                }
            };
            // SAFETY: the action only reads an atomic and makes system calls that a handler may make.
            if let Ok(id) = unsafe { signal_hook::low_level::register(sig, act) } {
                s.handled.insert(sig, (state, id));
            }
        }
    });
    Ok(Outcome::Done)
}

/// `next() int`: waits for a signal; -1 when there can be none.
fn next(cx: &mut Cx) -> NativeResult {
    let Some(reader) = with_signals(cx, |s| s.reader.clone()) else {
        cx.set_int(0, -1);
        return Ok(Outcome::Done);
    };
    block(
        move || {
            let mut byte = [0u8];
            loop {
                // SAFETY: an open descriptor and room for one byte.
                match unsafe { libc::read(reader.as_raw_fd(), byte.as_mut_ptr().cast(), 1) } {
                    1 => return byte[0] as i64,
                    -1 if Error::last_os_error().kind() == std::io::ErrorKind::Interrupted => {}
                    _ => return -1,
                }
            }
        },
        |cx, n| {
            cx.set_int(0, n);
            Ok(Outcome::Done)
        },
    )
}
