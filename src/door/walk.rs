//! Looks a name up, folder by folder, each on the descriptor of the one before. Links are read and followed here, not by
//! the system, also those of /proc that lead somewhere by magic: so the path that is asked about is the path of what is
//! reached. What changes meanwhile changes which file is reached, never which one was asked about.
use super::is_in_proc;
use std::ffi::{CString, OsStr, OsString};
use std::io::{Error, Result};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Links that are followed, as many as Linux does.
const MAX_LINKS: u32 = 40;

/// What a name led to.
pub struct Found {
    /// Its path, without links.
    pub real: PathBuf,
    folder: OwnedFd,
    /// Its name in the folder; "." for the root, and where the name ended in "." or "..".
    name: CString,
    /// The file itself, if it is there.
    pub file: Option<OwnedFd>,
    pub is_folder: bool,
    /// The name ended in a slash, and there is nothing yet: only a folder may be made there.
    slash: bool,
}

/// Why and where a name led nowhere.
pub struct Stopped {
    pub error: Error,
    /// The path so far, and what was left of the name.
    pub real: PathBuf,
}

impl Found {
    pub fn entry(&self) -> PathBuf {
        let mut path = OsString::from(format!("/proc/self/fd/{}/", self.folder.as_raw_fd()));
        path.push(OsStr::from_bytes(self.name.as_bytes()));
        if self.slash {
            path.push("/");
        }
        path.into()
    }

    /// The file itself: what took its name's place meanwhile is not looked up.
    pub fn target(&self) -> Result<PathBuf> {
        match &self.file {
            Some(file) => Ok(format!("/proc/self/fd/{}", file.as_raw_fd()).into()),
            None => Err(Error::from_raw_os_error(libc::ENOENT)),
        }
    }

    /// Whether it belongs to the system's view of processes, their memory and their environments.
    pub fn is_in_proc(&self) -> bool {
        is_in_proc(self.file.as_ref().unwrap_or(&self.folder))
    }
}

fn open_at(folder: Option<&OwnedFd>, name: &CString) -> Result<OwnedFd> {
    let at = folder.map_or(libc::AT_FDCWD, |f| f.as_raw_fd());
    // SAFETY: a terminated string; the descriptor is new.
    unsafe {
        match libc::openat(at, name.as_ptr(), libc::O_PATH | libc::O_NOFOLLOW | libc::O_CLOEXEC) {
            fd if fd >= 0 => Ok(OwnedFd::from_raw_fd(fd)),
            _ => Err(Error::last_os_error()),
        }
    }
}

fn kind(file: &OwnedFd) -> Result<u32> {
    // SAFETY: a plain structure of numbers, and an open descriptor.
    unsafe {
        let mut s: libc::stat = std::mem::zeroed();
        match libc::fstat(file.as_raw_fd(), &mut s) {
            0 => Ok(s.st_mode & libc::S_IFMT),
            _ => Err(Error::last_os_error()),
        }
    }
}

fn read_link(file: &OwnedFd) -> Result<Vec<u8>> {
    let mut text = vec![0u8; libc::PATH_MAX as usize];
    // SAFETY: an open descriptor of a link, and room for its text.
    let n = unsafe { libc::readlinkat(file.as_raw_fd(), c"".as_ptr(), text.as_mut_ptr().cast(), text.len()) };
    text.truncate(usize::try_from(n).map_err(|_| Error::last_os_error())?);
    if text.is_empty() { Err(Error::from_raw_os_error(libc::ENOENT)) } else { Ok(text) }
}

/// Puts the parts of a path in front of those that are to be walked yet, the next one last.
fn push_parts(todo: &mut Vec<Vec<u8>>, path: &[u8]) {
    todo.extend(path.split(|b| *b == b'/').filter(|p| !p.is_empty()).rev().map(<[u8]>::to_vec));
}

/// Walks an absolute path. `pass` is asked before each step, with the path it leads to.
pub fn walk(
    path: &Path,
    follow: bool,
    pass: &mut dyn FnMut(&Path) -> Result<()>,
) -> std::result::Result<Found, Stopped> {
    let mut w = Walk { folders: Vec::new(), real: "/".into(), todo: Vec::new(), slash: false };
    let text = path.as_os_str().as_bytes();
    w.slash = text.ends_with(b"/");
    push_parts(&mut w.todo, text);
    w.run(follow, pass).map_err(|error| {
        let mut real = w.real;
        for part in w.todo.into_iter().rev() {
            match part.as_slice() {
                b"." => {}
                b".." => {
                    real.pop();
                }
                _ => real.push(OsString::from_vec(part)),
            }
        }
        Stopped { error, real }
    })
}

struct Walk {
    /// From the root to where the walk stands.
    folders: Vec<OwnedFd>,
    real: PathBuf,
    todo: Vec<Vec<u8>>,
    slash: bool,
}

impl Walk {
    fn run(&mut self, follow: bool, pass: &mut dyn FnMut(&Path) -> Result<()>) -> Result<Found> {
        let dot = CString::from(c".");
        self.folders.push(open_at(None, &CString::from(c"/"))?);
        let mut links = 0;
        while let Some(part) = self.todo.last() {
            if part == b"." || part == b".." {
                if part == b".." && self.folders.len() > 1 {
                    self.folders.pop();
                    self.real.pop();
                }
                self.todo.pop();
                continue;
            }
            let name = CString::new(part.as_slice()).map_err(|_| Error::from_raw_os_error(libc::EINVAL))?;
            let here = self.real.join(OsStr::from_bytes(part));
            let last = self.todo.len() == 1;
            pass(&here)?;
            let Some(folder) = self.folders.last() else { break };
            let file = match open_at(Some(folder), &name) {
                Ok(file) => file,
                Err(e) if last && e.raw_os_error() == Some(libc::ENOENT) => {
                    return self.found(here, name, None, 0);
                }
                Err(e) => return Err(e),
            };
            let kind = kind(&file)?;
            if kind == libc::S_IFLNK && (!last || follow || self.slash) {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Error::from_raw_os_error(libc::ELOOP));
                }
                let text = read_link(&file)?;
                self.todo.pop();
                if text[0] == b'/' {
                    self.folders.truncate(1);
                    self.real = "/".into();
                }
                self.slash |= last && text.ends_with(b"/");
                push_parts(&mut self.todo, &text);
            } else if last {
                return self.found(here, name, Some(file), kind);
            } else if kind == libc::S_IFDIR {
                self.todo.pop();
                self.real = here;
                self.folders.push(file);
            } else {
                return Err(Error::from_raw_os_error(libc::ENOTDIR));
            }
        }
        // It ended where the walk stands already.
        let real = self.real.clone();
        pass(&real)?;
        let file = self.folders.last().map(|f| f.try_clone()).transpose()?;
        self.found(real, dot, file, libc::S_IFDIR)
    }

    fn found(&mut self, real: PathBuf, name: CString, file: Option<OwnedFd>, kind: u32) -> Result<Found> {
        let folder = self.folders.pop().ok_or_else(|| Error::from_raw_os_error(libc::ENOENT))?;
        let is_folder = kind == libc::S_IFDIR;
        if self.slash && file.is_some() && !is_folder {
            return Err(Error::from_raw_os_error(libc::ENOTDIR));
        }
        // The system follows a link whose name ends in a slash, whatever it is told.
        let slash = self.slash && file.is_none();
        Ok(Found { real, folder, name, file, is_folder, slash })
    }
}
