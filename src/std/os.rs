//! Natives of `os` and `syscall`. What may block runs as a job on another thread, or, on pipes and terminals, parks the
//! goroutine in the netpoller (see `files`).
use super::files::{self, errno, file};
use crate::door::{Door, Use, What, denied, of_second};
use crate::value::native::{Cx, Finish, NativeEntry, NativeResult, Outcome, Trap};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Error, Read, Result, Seek, SeekFrom, Write};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub const NATIVES: &[NativeEntry] = &[
    ("os.exit", |cx| Err(Trap::Exit(cx.int(0) as i32))),
    ("os.args", args),
    ("os.change", change),
    ("os.closeFile", files::close),
    ("os.control", control),
    ("os.environ", environ),
    ("os.getenv", getenv),
    ("os.groups", groups),
    ("os.ids", ids),
    ("syscall.ids", ids),
    ("os.list", list),
    ("os.open", open),
    ("os.pipe", pipe),
    ("os.random", random),
    ("os.read", read),
    ("os.readlink", readlink),
    ("os.seek", seek),
    ("os.setDeadline", files::set_deadline),
    ("os.stat", stat),
    ("os.text", text),
    ("os.write", write),
    ("syscall.strerror", strerror),
];

/// One read or write at most.
const MAX_TRANSFER: usize = 1 << 20;

/// So much may be copied from the system's memory at once; more is left to a thread.
const AT_HAND: usize = 1 << 16;

fn args(cx: &mut Cx) -> NativeResult {
    let list = cx.env.host.args().to_vec();
    cx.set_strs(0, &list)?;
    Ok(Outcome::Done)
}

fn environ(cx: &mut Cx) -> NativeResult {
    let mut list = cx.env.host.environ();
    list.retain(|kv| cx.env.door.shows_variable(kv.split_once('=').map_or(kv, |kv| kv.0)));
    cx.set_strs(0, &list)?;
    Ok(Outcome::Done)
}

fn getenv(cx: &mut Cx) -> NativeResult {
    let name = String::from_utf8_lossy(cx.str(0)).into_owned();
    let value = if cx.env.door.shows_variable(&name) { cx.env.host.env(&name) } else { None };
    cx.set_str(0, value.as_deref().unwrap_or("").as_bytes())?;
    cx.set_bool(1, value.is_some());
    Ok(Outcome::Done)
}

fn random(cx: &mut Cx) -> NativeResult {
    let n = (cx.env.random)() as u32;
    cx.set_int(0, n as i64);
    Ok(Outcome::Done)
}

/// The text Go prints for a system error.
pub fn errno_text(e: &Error) -> String {
    match e.raw_os_error() {
        Some(code) => error_text(code),
        None => e.to_string(),
    }
}

fn error_text(code: i32) -> String {
    let text = Error::from_raw_os_error(code).to_string();
    let text = text.split(" (os error").next().unwrap_or("");
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |c| c.to_lowercase().chain(chars).collect())
}

fn strerror(cx: &mut Cx) -> NativeResult {
    let text = error_text(cx.int(0) as i32);
    cx.set_str(0, text.as_bytes())?;
    Ok(Outcome::Done)
}

fn path(cx: &Cx, i: usize) -> PathBuf {
    OsStr::from_bytes(cx.str(i)).into()
}

/// Runs `job` where it may block; then `finish` with its answer.
pub(super) fn block<T: Send + 'static>(
    job: impl FnOnce() -> T + Send + 'static,
    finish: impl FnOnce(&mut Cx, T) -> NativeResult + Send + 'static,
) -> NativeResult {
    Ok(Outcome::Block(Box::new(move || {
        let answer = job();
        Box::new(move |cx: &mut Cx| finish(cx, answer)) as Finish
    })))
}

/// An operation whose only result is an error's number.
fn done(result: Result<()>) -> impl FnOnce(&mut Cx, ()) -> NativeResult + Send {
    let n = result.err().map_or(0, |e| errno(&e));
    move |cx, ()| {
        cx.set_int(0, n);
        Ok(Outcome::Done)
    }
}

fn only_error(job: impl FnOnce() -> Result<()> + Send + 'static) -> NativeResult {
    block(job, |cx, r| done(r)(cx, ()))
}

/// `open(name string, flag int, perm uint32) (fd, errno int)`
fn open(cx: &mut Cx) -> NativeResult {
    let (name, flag, perm) = (path(cx, 0), cx.int(1) as i32, cx.uint(2) as u32);
    let door = cx.env.door.clone();
    block(
        move || {
            let (file, writable) = open_file(&door, &name, flag, perm)?;
            // Pipes and terminals can be waited for.
            let waits = !file.metadata().is_ok_and(|m| m.is_file() || m.is_dir());
            Ok((file, waits, writable))
        },
        |cx, r: Result<(File, bool, bool)>| {
            match r {
                Ok((f, waits, writable)) => {
                    let fd = files::add_file(cx, f, waits, writable);
                    cx.set_int(0, fd);
                    cx.set_int(1, 0);
                }
                Err(e) => {
                    cx.set_int(0, -1);
                    cx.set_int(1, errno(&e));
                }
            }
            Ok(Outcome::Done)
        },
    )
}

/// How often a file is looked up again because it was exchanged meanwhile.
const TRIES: usize = 40;

/// Opens a file; also tells whether it may be changed through its descriptor.
fn open_file(door: &Door, name: &Path, flag: i32, perm: u32) -> Result<(File, bool)> {
    let access = flag & libc::O_ACCMODE;
    let writes = access != libc::O_RDONLY || flag & (libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND) != 0;
    let used = match (access != libc::O_WRONLY, writes) {
        (true, false) => Use::Read,
        (true, true) => Use::Change,
        (false, _) => Use::Write,
    };
    if !door.is_open() && name == Path::new("/dev/null") {
        return open_null(flag).map(|f| (f, false));
    }
    let exclusive = libc::O_CREAT | libc::O_EXCL;
    let follow = flag & libc::O_NOFOLLOW == 0 && flag & exclusive != exclusive;
    for _ in 0..TRIES {
        let place = door.place(name, used, follow)?;
        let opened = match place.is_held() && follow {
            // It is there, and nothing else is opened in its place.
            true => open_raw(&place.target()?, flag & !libc::O_CREAT, perm),
            false if door.is_open() => open_raw(name, flag, perm),
            false if flag & libc::O_CREAT == 0 => open_raw(&place.present()?, flag | libc::O_NOFOLLOW, perm),
            false => open_raw(&place.entry(), flag | libc::O_NOFOLLOW, perm),
        };
        match opened {
            Err(e) if follow && !door.is_open() && e.raw_os_error() == Some(libc::ELOOP) => {}
            result => return result.map(|f| (f, place.is_writable())),
        }
    }
    Err(Error::from_raw_os_error(libc::ELOOP))
}

/// Opens /dev/null, which is nobody's, if it is that.
fn open_null(flag: i32) -> Result<File> {
    let file = open_raw(Path::new("/dev/null"), flag & libc::O_ACCMODE, 0)?;
    match file.metadata()?.rdev() == libc::makedev(1, 3) {
        true => Ok(file),
        false => Err(denied(What::Read)),
    }
}

fn open_raw(name: &Path, flag: i32, perm: u32) -> Result<File> {
    let name =
        std::ffi::CString::new(name.as_os_str().as_bytes()).map_err(|_| Error::from_raw_os_error(libc::EINVAL))?;
    loop {
        // SAFETY: a terminated string and plain numbers.
        let fd = unsafe { libc::open(name.as_ptr(), flag | libc::O_CLOEXEC, perm) };
        if fd >= 0 {
            // SAFETY: a descriptor just opened, which nobody else knows.
            return Ok(unsafe { File::from_raw_fd(fd) });
        }
        let e = Error::last_os_error();
        if e.kind() != std::io::ErrorKind::Interrupted {
            return Err(e);
        }
    }
}

/// `read(fd int, b []byte, off int64) (n, errno int)`
fn read(cx: &mut Cx) -> NativeResult {
    let (fd, len, off) = (cx.int(0), cx.slice(1).len.min(MAX_TRANSFER), cx.int(2));
    let host = cx.env.host.clone();
    let file = if fd == 0 { None } else { Some(file(cx, fd)) };
    match &file {
        Some(Err(_)) => {
            cx.set_int(0, 0);
            cx.set_int(1, files::CLOSED);
            return Ok(Outcome::Done);
        }
        Some(Ok(open)) if off < 0 => {
            if let Some(poll) = open.poll() {
                return files::read_polled(cx, open, poll);
            }
        }
        _ => {}
    }
    let mut buf = vec![0; len];
    if fd == 0 {
        if let Some(n) = host.stdin_at_hand(&mut buf) {
            return have_read(cx, Ok(&buf[..n]));
        }
        // A prompt must be seen before its answer is waited for.
        let _ = host.flush_stdout();
        // With a seed nothing else goes on meanwhile, so that a run does not depend on when input comes.
        if !cx.side.sched().decide.seeded()
            && let Some(result) = files::await_stdin(cx)
        {
            return result;
        }
    }
    let mut had = 0;
    if let Some(Ok(open)) = &file
        && len <= AT_HAND
        && read_at_hand(open, &mut buf, off, &mut had)
    {
        return have_read(cx, Ok(&buf[..had]));
    }
    block(
        move || {
            let rest = &mut buf[had..];
            let n = match file {
                None => host.stdin(rest),
                Some(Ok(f)) if off >= 0 => f.read_at(rest, off as u64 + had as u64),
                Some(Ok(f)) => (&**f).read(rest),
                Some(Err(e)) => Err(e),
            };
            n.map(|n| {
                buf.truncate(had + n);
                buf
            })
        },
        |cx, r: Result<Vec<u8>>| have_read(cx, r.as_deref()),
    )
}

fn have_read(cx: &mut Cx, r: std::result::Result<&[u8], &Error>) -> NativeResult {
    let (n, errno) = match r {
        Ok(bytes) => (cx.copy_into_bytes(1, bytes) as i64, 0),
        Err(e) => (0, errno(e)),
    };
    cx.set_int(0, n);
    cx.set_int(1, errno);
    Ok(Outcome::Done)
}

/// Reads what the system has in memory, without waiting, and counts it. `true`: that is all there is or was asked for.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn read_at_hand(file: &File, buf: &mut [u8], off: i64, had: &mut usize) -> bool {
    while *had < buf.len() {
        let rest = &mut buf[*had..];
        let part = libc::iovec { iov_base: rest.as_mut_ptr().cast(), iov_len: rest.len() };
        let at = if off >= 0 { off.saturating_add(*had as i64) } else { -1 };
        // SAFETY: an open descriptor, and room for what is read.
        match unsafe { libc::preadv2(file.as_raw_fd(), &part, 1, at, libc::RWF_NOWAIT) } {
            n @ 1.. => *had += n as usize,
            n => return n == 0,
        }
    }
    true
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn read_at_hand(_: &File, _: &mut [u8], _: i64, _: &mut usize) -> bool {
    false
}

fn wrote(cx: &mut Cx, r: (usize, Result<()>)) -> NativeResult {
    cx.set_int(0, r.0 as i64);
    cx.set_int(1, r.1.err().map_or(0, |e| errno(&e)));
    Ok(Outcome::Done)
}

/// `write(fd int, b []byte, off int64) (n, errno int)`
fn write(cx: &mut Cx) -> NativeResult {
    let (fd, off) = (cx.int(0), cx.int(2));
    let open = if fd > 2 { Some(file(cx, fd)) } else { None };
    match &open {
        Some(Err(_)) => {
            cx.set_int(0, 0);
            cx.set_int(1, files::CLOSED);
            return Ok(Outcome::Done);
        }
        Some(Ok(open)) if off < 0 => {
            if let Some(poll) = open.poll() {
                return files::write_polled(cx, open, poll);
            }
        }
        _ => {}
    }
    let bytes = cx.bytes(1);
    if fd == 1 || fd == 2 {
        let host = &cx.env.host;
        let result = if fd == 1 { host.stdout(&bytes) } else { host.stderr(&bytes) };
        let n = if result.is_ok() { bytes.len() } else { 0 };
        return wrote(cx, (n, result));
    }
    let file = open.unwrap_or_else(|| Err(Error::from_raw_os_error(libc::EBADF)));
    block(
        move || {
            let file = match file {
                Ok(f) => f,
                Err(e) => return (0, Err(e)),
            };
            let mut n = 0;
            while n < bytes.len() {
                let rest = &bytes[n..];
                let result = if off >= 0 { file.write_at(rest, off as u64 + n as u64) } else { (&**file).write(rest) };
                match result {
                    Ok(0) => return (n, Err(Error::from_raw_os_error(libc::EIO))),
                    Ok(m) => n += m,
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(e) => return (n, Err(e)),
                }
            }
            (n, Ok(()))
        },
        wrote,
    )
}

/// `seek(fd int, off int64, whence int) (at int64, errno int)`
fn seek(cx: &mut Cx) -> NativeResult {
    let (off, whence) = (cx.int(1), cx.int(2));
    let to = match whence {
        0 => u64::try_from(off).map(SeekFrom::Start).map_err(|_| Error::from_raw_os_error(libc::EINVAL)),
        1 => Ok(SeekFrom::Current(off)),
        2 => Ok(SeekFrom::End(off)),
        _ => Err(Error::from_raw_os_error(libc::EINVAL)),
    };
    let at = file(cx, cx.int(0)).and_then(|f| (&**f).seek(to?));
    cx.set_int(0, *at.as_ref().unwrap_or(&0) as i64);
    cx.set_int(1, at.err().map_or(0, |e| errno(&e)));
    Ok(Outcome::Done)
}

/// `pipe() (r, w, errno int)`
fn pipe(cx: &mut Cx) -> NativeResult {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors.
    let failed = unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) } != 0;
    if failed {
        cx.set_int(2, errno(&Error::last_os_error()));
        return Ok(Outcome::Done);
    }
    for (i, end) in ends.into_iter().enumerate() {
        // SAFETY: descriptors just made.
        let fd = files::add(cx, unsafe { File::from_raw_fd(end) }, true);
        cx.set_int(i, fd);
    }
    cx.set_int(2, 0);
    Ok(Outcome::Done)
}

/// `control(fd, what int, n int64) (errno int)`: see `os.gm`.
fn control(cx: &mut Cx) -> NativeResult {
    let (fd, what, n) = (cx.int(0), cx.int(1), cx.int(2));
    if fd <= 2 {
        cx.set_int(0, 0);
        return Ok(Outcome::Done);
    }
    let (file, door) = (file(cx, fd), cx.env.door.clone());
    only_error(move || {
        let file = file?;
        match what {
            2 | 4 if !file.is_writable() => Err(denied(What::Write)),
            0 => file.sync_all(),
            1 => file.set_len(u64::try_from(n).map_err(|_| Error::from_raw_os_error(libc::EINVAL))?),
            2 => file.set_permissions(std::fs::Permissions::from_mode(n as u32)),
            4 => {
                let (owner, group) = owners(n);
                std::os::unix::fs::fchown(&**file, owner, group)
            }
            _ => door.enter_open(&**file),
        }
    })
}

/// `change(what int, name, other string, n int64) (errno int)`: see `path.gm`.
fn change(cx: &mut Cx) -> NativeResult {
    let (what, name, other, n) = (cx.int(0), path(cx, 1), path(cx, 2), cx.int(3));
    let door = cx.env.door.clone();
    only_error(move || match what {
        0 => {
            use std::os::unix::fs::DirBuilderExt;
            let place = door.place(&name, Use::Write, false)?;
            std::fs::DirBuilder::new().mode(n as u32).create(place.entry())
        }
        1 => {
            let place = door.place(&name, Use::Write, false)?;
            std::fs::remove_file(place.entry()).or_else(|first| {
                std::fs::remove_dir(place.entry()).map_err(|second| match second.raw_os_error() {
                    Some(libc::ENOTDIR) => first,
                    _ => second,
                })
            })
        }
        2 => {
            let (old, new) = door.places_to_move(&name, &other)?;
            std::fs::rename(old.entry(), new.entry())
        }
        // Where it leads is asked when it is followed.
        3 => {
            let place = door.place(&other, Use::Write, false).map_err(of_second)?;
            std::os::unix::fs::symlink(&name, place.entry())
        }
        // Under its new name the file may be used as that may be.
        4 => {
            let old = door.place(&name, Use::Change, false)?;
            let new = door.place(&other, Use::Write, false).map_err(of_second)?;
            std::fs::hard_link(old.entry(), new.entry())
        }
        5 => {
            let place = door.place(&name, Use::Write, true)?;
            std::fs::set_permissions(place.target()?, std::fs::Permissions::from_mode(n as u32))
        }
        6 => {
            let size = u64::try_from(n).map_err(|_| Error::from_raw_os_error(libc::EINVAL))?;
            open_file(&door, &name, libc::O_WRONLY, 0)?.0.set_len(size)
        }
        7 => door.enter(&name),
        8 => {
            let place = door.place(&name, Use::Write, false)?;
            let path = place.present()?;
            match std::fs::symlink_metadata(&path)?.is_dir() {
                true => std::fs::remove_dir_all(&path),
                false => std::fs::remove_file(&path),
            }
        }
        10 => {
            let (owner, group) = owners(n);
            std::os::unix::fs::chown(door.place(&name, Use::Write, true)?.target()?, owner, group)
        }
        11 => {
            let (owner, group) = owners(n);
            std::os::unix::fs::lchown(door.place(&name, Use::Write, false)?.present()?, owner, group)
        }
        _ => {
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(n.max(0) as u64);
            let place = door.place(&name, Use::Write, true)?;
            File::open(place.target()?)?.set_times(std::fs::FileTimes::new().set_modified(at))
        }
    })
}

/// Owner and group in the halves of a word; -1 leaves what is.
fn owners(n: i64) -> (Option<u32>, Option<u32>) {
    let id = |n: u32| (n != u32::MAX).then_some(n);
    (id((n >> 32) as u32), id(n as u32))
}

/// `groups() (ids []int)`
fn groups(cx: &mut Cx) -> NativeResult {
    // SAFETY: with a length of 0 it only counts.
    let count = unsafe { libc::getgroups(0, std::ptr::null_mut()) }.max(0);
    let mut ids = vec![0 as libc::gid_t; count as usize];
    // SAFETY: there is room for as many as are asked for.
    let count = unsafe { libc::getgroups(count, ids.as_mut_ptr()) }.max(0);
    let words: Vec<u64> = ids.iter().take(count as usize).map(|id| *id as u64).collect();
    let list = cx.new_words(&words, false)?;
    cx.set_word(0, list);
    Ok(Outcome::Done)
}

/// `readlink(name string) (to string, errno int)`
fn readlink(cx: &mut Cx) -> NativeResult {
    let (name, door) = (path(cx, 0), cx.env.door.clone());
    block(move || std::fs::read_link(door.place(&name, Use::Read, false)?.present()?), text_result)
}

pub(super) fn text_result(cx: &mut Cx, r: Result<PathBuf>) -> NativeResult {
    match r {
        Ok(text) => {
            cx.set_str(0, text.as_os_str().as_bytes())?;
            cx.set_int(1, 0);
        }
        Err(e) => {
            cx.set_word(0, 0);
            cx.set_int(1, errno(&e));
        }
    }
    Ok(Outcome::Done)
}

/// `text(what int) (value string, errno int)`
fn text(cx: &mut Cx) -> NativeResult {
    let door = &cx.env.door;
    let r = match cx.int(0) {
        0 => working_folder(door),
        1 => door
            .place(Path::new("/proc/sys/kernel/hostname"), Use::Read, true)
            .and_then(|place| place.target())
            .and_then(std::fs::read_to_string)
            .map(|s| PathBuf::from(s.trim_end())),
        _ => cx.env.host.executable().and_then(|path| door.place(&path, Use::Look, true).map(|_| path)),
    };
    text_result(cx, r)
}

/// The program's folder, if it may know that.
pub(super) fn working_folder(door: &Door) -> Result<PathBuf> {
    door.shows_folder()?;
    door.folder().map_or_else(std::env::current_dir, Ok)
}

fn ids(cx: &mut Cx) -> NativeResult {
    // SAFETY: these have no parameters and cannot fail.
    let ids = unsafe { [libc::getpid() as i64, libc::getppid() as i64, libc::getuid() as i64, libc::getgid() as i64] };
    for (i, id) in ids.into_iter().enumerate() {
        cx.set_int(i, id);
    }
    Ok(Outcome::Done)
}

/// `list(name string, fd int) (names []string, errno int)`: of the folder that is open as fd, or of this name if fd is
/// negative; each a byte that tells the kind, and the name.
fn list(cx: &mut Cx) -> NativeResult {
    use std::os::unix::fs::FileTypeExt;
    let (name, door) = (path(cx, 0), cx.env.door.clone());
    let open = (cx.int(1) >= 0).then(|| file(cx, cx.int(1)));
    block(
        move || {
            let mut out = Vec::new();
            // What is open, or was reached, stays so until all entries are read.
            let open = open.transpose()?;
            let place = if open.is_none() { Some(door.place(&name, Use::Read, true)?) } else { None };
            let folder = match (&open, &place) {
                (Some(open), _) => PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd())),
                (None, Some(place)) => place.target()?,
                (None, None) => name,
            };
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                let kind = match entry.file_type() {
                    Ok(t) if t.is_dir() => b'd',
                    Ok(t) if t.is_symlink() => b'l',
                    Ok(t) if t.is_fifo() => b'p',
                    Ok(t) if t.is_socket() => b's',
                    Ok(t) if t.is_block_device() => b'b',
                    Ok(t) if t.is_char_device() => b'c',
                    _ => b'-',
                };
                let mut text = vec![kind];
                text.extend(entry.file_name().into_vec());
                out.push(text);
            }
            Ok(out)
        },
        |cx, r: Result<Vec<Vec<u8>>>| {
            match r {
                Ok(names) => {
                    cx.set_strs(0, &names)?;
                    cx.set_int(1, 0);
                }
                Err(e) => {
                    cx.set_word(0, 0);
                    cx.set_int(1, errno(&e));
                }
            }
            Ok(Outcome::Done)
        },
    )
}

/// `stat(name string, fd int, follow bool) (size int64, mode uint32, sec, nsec int64, dev, ino uint64, errno int)`
fn stat(cx: &mut Cx) -> NativeResult {
    let (by_fd, name, fd, follow) = (cx.str(0).is_empty() && cx.int(1) >= 0, path(cx, 0), cx.int(1), cx.bool(2));
    let (file, door) = (if by_fd && fd > 2 { Some(file(cx, fd)) } else { None }, cx.env.door.clone());
    block(
        move || match file {
            Some(f) => f?.metadata(),
            None if by_fd => {
                // SAFETY: one of the standard streams, which stays open: the File is taken apart again.
                let stream = unsafe { File::from_raw_fd(fd as i32) };
                let meta = stream.metadata();
                let _ = stream.into_raw_fd();
                meta
            }
            None if follow => std::fs::metadata(door.place(&name, Use::Look, true)?.target()?),
            None => std::fs::symlink_metadata(door.place(&name, Use::Look, false)?.present()?),
        },
        |cx, r| {
            match r {
                Ok(m) => {
                    let words = [
                        m.size() as i64,
                        m.mode() as i64,
                        m.mtime(),
                        m.mtime_nsec(),
                        m.dev() as i64,
                        m.ino() as i64,
                        0,
                    ];
                    for (i, w) in words.into_iter().enumerate() {
                        cx.set_int(i, w);
                    }
                }
                Err(e) => {
                    for i in 0..6 {
                        cx.set_int(i, 0);
                    }
                    cx.set_int(6, errno(&e));
                }
            }
            Ok(Outcome::Done)
        },
    )
}
