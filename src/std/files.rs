//! The open descriptors of a VM: files, pipes, sockets. They are numbered from 3 on in a table of its state, and closed
//! with it. Those that the netpoller watches do not block: their operations park the G ([`attempt`]).
use crate::door::Denied;
use crate::sched::netpoll::{Registered, Side, Wait};
use crate::sched::trace::Cause;
use crate::sched::wait::WaitReason;
use crate::value::native::{Cx, NativeResult, Outcome};
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Instead of an error's number: the descriptor has been closed...
pub(super) const CLOSED: i64 = -1;
/// ...a deadline has passed...
pub(super) const EXPIRED: i64 = -2;
/// ...it can have no deadline.
pub(super) const NO_DEADLINE: i64 = -3;

/// An open descriptor.
pub(super) struct Open {
    // Before the file: it is dropped first.
    poll: Option<Registered>,
    file: File,
    /// A child process has it too, which is not to see it not blocking.
    blocking: AtomicBool,
    /// The file may be changed, not only what is written through the descriptor.
    writable: bool,
}

impl std::ops::Deref for Open {
    type Target = File;
    fn deref(&self) -> &File {
        &self.file
    }
}

impl Open {
    /// How to wait for it; `None`: its operations may block.
    pub fn poll(&self) -> Option<&Registered> {
        self.poll.as_ref().filter(|_| !self.blocking.load(Relaxed))
    }

    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// It is given to a child process: from now on it blocks, as in Go.
    pub fn make_blocking(&self) {
        if self.poll.is_some() && !self.blocking.swap(true, Relaxed) {
            set_nonblocking(&self.file, false);
        }
    }
}

fn set_nonblocking(file: &File, on: bool) {
    // SAFETY: flags of an open descriptor.
    unsafe {
        let flags = libc::fcntl(file.as_raw_fd(), libc::F_GETFL);
        let flags = if on { flags | libc::O_NONBLOCK } else { flags & !libc::O_NONBLOCK };
        libc::fcntl(file.as_raw_fd(), libc::F_SETFL, flags);
    }
}

#[derive(Default)]
struct Files {
    open: rustc_hash::FxHashMap<i64, Arc<Open>>,
    last: i64,
}

fn with_files<R>(cx: &Cx, f: impl FnOnce(&mut Files) -> R) -> R {
    let mut state = cx.env.state.lock();
    let files = state.entry("os.files").or_insert_with(|| Box::new(Files { open: Default::default(), last: 2 }));
    match files.downcast_mut() {
        Some(files) => f(files),
        None => f(&mut Files::default()),
    }
}

pub(super) fn file(cx: &Cx, fd: i64) -> Result<Arc<Open>> {
    with_files(cx, |f| f.open.get(&fd).cloned()).ok_or_else(|| Error::from_raw_os_error(libc::EBADF))
}

/// Takes a descriptor into the table. `waits`: it is one for which the netpoller can wait.
pub(super) fn add(cx: &Cx, file: File, waits: bool) -> i64 {
    add_file(cx, file, waits, true)
}

/// As [`add`]; `writable`: see [`Open::is_writable`].
pub(super) fn add_file(cx: &Cx, file: File, waits: bool, writable: bool) -> i64 {
    let poll = if waits { cx.side.sched().netpoll.register(cx.side.sched(), file.as_raw_fd()).ok() } else { None };
    if poll.is_some() {
        set_nonblocking(&file, true);
    } else if waits {
        set_nonblocking(&file, false);
    }
    let open = Arc::new(Open { poll, file, blocking: AtomicBool::new(false), writable });
    with_files(cx, |f| {
        f.last += 1;
        f.open.insert(f.last, open);
        f.last
    })
}

/// Parks the G until standard input has something to give. `None`: that cannot be waited for, or there is something.
pub(super) fn await_stdin(cx: &mut Cx) -> Option<NativeResult> {
    let again = cx.side.take_retry();
    let mut open = file(cx, 0).ok();
    if open.is_none() && again {
        // It has been closed meanwhile.
        cx.set_int(0, 0);
        cx.set_int(1, CLOSED);
        return Some(Ok(Outcome::Done));
    }
    if open.is_none() {
        let own = cx.env.host.stdin_descriptor()?.try_clone_to_owned().ok()?;
        let file = File::from(own);
        let sched = cx.side.sched();
        let poll = Some(sched.netpoll.register(sched, file.as_raw_fd()).ok()?);
        // The descriptor is others' too: it stays one that blocks.
        let new = Arc::new(Open { poll, file, blocking: AtomicBool::new(false), writable: true });
        with_files(cx, |f| f.open.insert(0, new.clone()));
        open = Some(new);
    }
    let open = open?;
    let look = || {
        let mut p = libc::pollfd { fd: open.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: room for one answer.
        match unsafe { libc::poll(&mut p, 1, 0) } {
            0 => Err(ErrorKind::WouldBlock.into()),
            _ => Ok(()),
        }
    };
    match attempt(cx, open.poll()?, Side::Read, look) {
        Attempt::Parked => Some(Ok(Outcome::ParkedRetry)),
        Attempt::Done(()) => None,
        Attempt::Failed(code) => {
            cx.set_int(0, 0);
            cx.set_int(1, code);
            Some(Ok(Outcome::Done))
        }
    }
}

/// `close(fd int) (errno int)`
pub(super) fn close(cx: &mut Cx) -> NativeResult {
    let fd = cx.int(0);
    // Dropped, and with it maybe closed, when the table is free again.
    let open = with_files(cx, |f| f.open.remove(&fd));
    if let Some(poll) = open.as_ref().and_then(|o| o.poll.as_ref()) {
        let taken = poll.close(cx.side.sched());
        ready(cx, taken);
    }
    cx.set_int(0, if fd <= 2 || open.is_some() { 0 } else { libc::EBADF as i64 });
    Ok(Outcome::Done)
}

fn ready(cx: &mut Cx, taken: crate::sched::netpoll::Taken) {
    // SAFETY: the P of the running native, which its M has to itself.
    taken.ready_on(unsafe { &mut *cx.side.p }, Cause::G);
}

/// `setDeadline(fd int, sides int, after int64) (errno int)`: sides are 1 for reading and 2 for writing; after is in
/// nanoseconds, 0 for no deadline.
pub(super) fn set_deadline(cx: &mut Cx) -> NativeResult {
    let (fd, sides, after) = (cx.int(0), cx.int(1), cx.int(2));
    let result = match file(cx, fd) {
        // As in Go, the standard streams have none.
        _ if fd <= 2 => NO_DEADLINE,
        Err(_) => CLOSED,
        Ok(open) => match open.poll() {
            None => NO_DEADLINE,
            Some(poll) => {
                let when = (after != 0).then(|| cx.side.sched().decide.now().saturating_add(after));
                for (bit, side) in [(1, Side::Read), (2, Side::Write)] {
                    if sides & bit != 0 {
                        let sched = cx.side.sched();
                        let taken = poll.set_deadline(sched, side, when);
                        ready(cx, taken);
                    }
                }
                0
            }
        },
    };
    cx.set_int(0, result);
    Ok(Outcome::Done)
}

/// What came of an operation that does not block.
pub(super) enum Attempt<T> {
    Done(T),
    /// An error's number, or what stands for one.
    Failed(i64),
    /// The native is called again: it returns [`Outcome::ParkedRetry`] and touches the G no more.
    Parked,
}

/// Tries an operation on a descriptor that does not block; parks the G where it would.
pub(super) fn attempt<T>(
    cx: &mut Cx,
    poll: &Registered,
    side: Side,
    mut operation: impl FnMut() -> Result<T>,
) -> Attempt<T> {
    cx.side.take_retry();
    let code = |wait| if wait == Wait::Expired { EXPIRED } else { CLOSED };
    if let Some(why) = poll.refuses(cx.side.sched(), side) {
        return Attempt::Failed(code(why));
    }
    loop {
        match operation() {
            Ok(value) => return Attempt::Done(value),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                let (g, park) = (cx.side.g, cx.side.park(WaitReason::IoWait, true));
                match poll.wait(cx.side.sched(), side, g, park) {
                    Wait::Retry => {}
                    Wait::Parked => return Attempt::Parked,
                    why => return Attempt::Failed(code(why)),
                }
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Attempt::Failed(errno(&e)),
        }
    }
}

pub(super) fn errno(e: &Error) -> i64 {
    if let Some(code) = Denied::code_of(e) {
        return code;
    }
    e.raw_os_error().unwrap_or(match e.kind() {
        ErrorKind::InvalidInput => libc::EINVAL,
        _ => libc::EIO,
    }) as i64
}

/// The answer of a system call that gives a length, or -1.
pub(super) fn length(n: isize) -> Result<usize> {
    usize::try_from(n).map_err(|_| Error::last_os_error())
}

/// The answer of a system call that gives 0, or -1.
pub(super) fn zero(n: i32) -> Result<()> {
    if n < 0 { Err(Error::last_os_error()) } else { Ok(()) }
}

/// `read(fd int, b []byte) (n, errno int)` of a descriptor that does not block.
pub(super) fn read_polled(cx: &mut Cx, open: &Open, poll: &Registered) -> NativeResult {
    let b = cx.slice(1);
    let len = b.len.min(1 << 30);
    // SAFETY: the header's data has at least `len` bytes, which stay where they are while the native runs.
    let read = || length(unsafe { libc::read(open.as_raw_fd(), b.data.cast(), len) });
    let attempt = attempt(cx, poll, Side::Read, read);
    count(cx, attempt)
}

/// Results `(n, errno int)` of a transfer.
fn count(cx: &mut Cx, attempt: Attempt<usize>) -> NativeResult {
    let (n, errno) = match attempt {
        Attempt::Parked => return Ok(Outcome::ParkedRetry),
        Attempt::Done(n) => (n as i64, 0),
        Attempt::Failed(code) => (0, code),
    };
    cx.set_int(0, n);
    cx.set_int(1, errno);
    Ok(Outcome::Done)
}

/// `write(fd int, b []byte) (n, errno int)` of a descriptor that does not block: maybe not all of b.
pub(super) fn write_polled(cx: &mut Cx, open: &Open, poll: &Registered) -> NativeResult {
    let b = cx.slice(1);
    let len = b.len.min(1 << 30);
    // SAFETY: as in `read_polled`.
    let write = || length(unsafe { libc::write(open.as_raw_fd(), b.data.cast_const().cast(), len) });
    let attempt = attempt(cx, poll, Side::Write, write);
    count(cx, attempt)
}
