//! The door to the outside: what a program may reach of files, the network, other programs, the environment, the clock,
//! randomness and signals. Every native that reaches out asks the [`Door`] of its VM first; `std/needs.rs` says of each
//! native what it needs.
//!
//! [`Permissions`] are what was granted, and never change once a run has begun. A file is never looked up by its name and
//! then used by it: `walk` steps from folder to folder on descriptors, and what is used is what was reached, so that
//! nobody can put a link there in between. What it opens nothing of is not told apart from what is not there.
//!
//! The door knows neither values nor natives. A refusal is an [`Error`] that carries [`Denied`].
mod grant;
mod hosts;
mod programs;
mod walk;

pub use grant::Permissions;

use grant::Paths;
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};
use std::io::{Error, ErrorKind, Result};
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a refusal is about; the names are those of the flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    Read,
    Write,
    Net,
    Run,
}

/// Why a call was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Denied {
    pub what: What,
    /// It is about the second of two names.
    pub second: bool,
}

impl Denied {
    /// Stands for the refusal where natives give an error's number; `internal/permit` knows these.
    pub fn code(self) -> i64 {
        -16 - (2 * self.what as i64 + i64::from(self.second))
    }

    /// The code of an error, if it is a refusal.
    pub fn code_of(e: &Error) -> Option<i64> {
        e.get_ref()?.downcast_ref::<Denied>().map(|d| d.code())
    }
}

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "permission denied: {:?}", self.what)
    }
}

impl std::error::Error for Denied {}

pub fn denied(what: What) -> Error {
    Error::new(ErrorKind::PermissionDenied, Denied { what, second: false })
}

/// Makes a refusal one of the second name.
pub fn of_second(e: Error) -> Error {
    match e.get_ref().and_then(|d| d.downcast_ref::<Denied>()) {
        Some(d) => Error::new(ErrorKind::PermissionDenied, Denied { second: true, ..*d }),
        None => e,
    }
}

/// What an operation does with the file of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    Read,
    Write,
    /// Both.
    Change,
    /// Asks whether it is there and what it is: for who may read or write it, and of the folders on the way there.
    Look,
}

/// A file that an operation may use: by its name, where nothing is guarded, else by what the name led to.
pub enum Place {
    Named(PathBuf),
    Reached { found: walk::Found, writable: bool },
}

impl Place {
    /// The name in its folder: for what makes, removes or looks at the entry itself. It does not follow a link if the
    /// operation does not.
    pub fn entry(&self) -> PathBuf {
        match self {
            Place::Named(path) => path.clone(),
            Place::Reached { found, .. } => found.entry(),
        }
    }

    /// What the name led to; an error where there was nothing.
    pub fn target(&self) -> Result<PathBuf> {
        match self {
            Place::Named(path) => Ok(path.clone()),
            Place::Reached { found, .. } => found.target(),
        }
    }

    /// As `entry`, where something must be: only so may it be used by what would follow a link.
    pub fn present(&self) -> Result<PathBuf> {
        self.target().map(|_| self.entry())
    }

    /// Whether `target` is the file itself: no name is looked up again.
    pub fn is_held(&self) -> bool {
        matches!(self, Place::Reached { found, .. } if found.file.is_some())
    }

    /// Whether what is opened here may be changed through its descriptor.
    pub fn is_writable(&self) -> bool {
        match self {
            Place::Named(_) => true,
            Place::Reached { writable, .. } => *writable,
        }
    }
}

/// The door of one VM: what was granted, and what follows from it while the program runs.
pub struct Door {
    permissions: Permissions,
    /// The program's folder; it moves this one and not the process, which others share.
    folder: Mutex<Option<PathBuf>>,
    /// Addresses of the names that may be reached, with the ports for which that is so.
    known: Mutex<FxHashMap<IpAddr, Vec<Option<u16>>>>,
    /// Processes that the program has started and not yet waited for.
    children: Mutex<FxHashSet<i64>>,
    /// Names of Unix sockets by the names they were bound under.
    sockets: Mutex<FxHashMap<Vec<u8>, Vec<u8>>>,
}

impl Door {
    pub fn new(permissions: Permissions) -> Door {
        let folder = if permissions.unrestricted { None } else { std::env::current_dir().ok() };
        Door {
            permissions,
            folder: Mutex::new(folder),
            known: Mutex::default(),
            children: Mutex::default(),
            sockets: Mutex::default(),
        }
    }

    /// Nothing is asked for: the program may do what the process may.
    pub fn is_open(&self) -> bool {
        self.permissions.unrestricted
    }

    /// Whether the program may know what time it is.
    pub fn shows_clock(&self) -> bool {
        self.permissions.unrestricted || self.permissions.clock
    }

    /// Whether its random numbers may be random.
    pub fn shows_randomness(&self) -> bool {
        self.permissions.unrestricted || self.permissions.randomness
    }

    /// Whether it may hear the process's signals, and send some to the process itself.
    pub fn shows_signals(&self) -> bool {
        self.permissions.unrestricted || self.permissions.signals
    }

    /// Whether an environment variable may be read.
    pub fn shows_variable(&self, name: &str) -> bool {
        self.permissions.unrestricted || self.permissions.env.covers(name)
    }

    /// Finds the file of a name, if it may be used so. `follow`: a link at the end is followed.
    pub fn place(&self, name: &Path, used: Use, follow: bool) -> Result<Place> {
        if self.permissions.unrestricted {
            return Ok(Place::Named(name.into()));
        }
        let what = if used == Use::Write { What::Write } else { What::Read };
        if name.as_os_str().is_empty() {
            return Err(Error::from_raw_os_error(libc::ENOENT));
        }
        let path = match (name.is_absolute(), &*self.folder.lock()) {
            (true, _) => name.into(),
            (false, Some(folder)) => folder.join(name),
            (false, None) => return Err(denied(what)),
        };
        let p = &self.permissions;
        // A place that says nothing but that it is denied, whatever is there.
        let mut pass = |at: &Path| if p.leads_to_granted(at) { Ok(()) } else { Err(denied(what)) };
        let found = walk::walk(&path, follow, &mut pass).map_err(|stopped| stopped.error)?;
        let proc = found.is_in_proc();
        let covers = |paths: &Paths| paths.covers(&found.real, proc);
        let (read, write) = (covers(&p.read), covers(&p.write));
        let refused = match used {
            Use::Read => (!read).then_some(What::Read),
            Use::Write => (!write).then_some(What::Write),
            Use::Change if !read => Some(What::Read),
            Use::Change => (!write).then_some(What::Write),
            Use::Look => (!read && !write && !p.is_on_the_way(&found.real)).then_some(What::Read),
        };
        match refused {
            Some(what) => Err(denied(what)),
            None => Ok(Place::Reached { found, writable: write }),
        }
    }

    /// The places of a file's old name and its new one. Nothing becomes readable by being moved.
    pub fn places_to_move(&self, from: &Path, to: &Path) -> Result<(Place, Place)> {
        let old = self.place(from, Use::Write, false)?;
        let new = self.place(to, Use::Write, false).map_err(of_second)?;
        if let (Place::Reached { found: old, .. }, Place::Reached { found: new, .. }) = (&old, &new) {
            let read = &self.permissions.read;
            let shown = read.covers(&new.real, false) || read.has_below(&new.real);
            if shown && !read.covers(&old.real, old.is_in_proc()) {
                return Err(denied(What::Read));
            }
        }
        Ok((old, new))
    }

    /// The program's own folder; `None`: the process's.
    pub fn folder(&self) -> Option<PathBuf> {
        self.folder.lock().clone()
    }

    /// Whether the program may know its folder.
    pub fn shows_folder(&self) -> Result<()> {
        if self.permissions.unrestricted {
            return Ok(());
        }
        self.place(Path::new("."), Use::Look, true).map(|_| ())
    }

    /// Makes a folder the program's.
    pub fn enter(&self, name: &Path) -> Result<()> {
        match self.place(name, Use::Read, true)? {
            Place::Named(path) => std::env::set_current_dir(path),
            Place::Reached { found, .. } => {
                if !found.is_folder {
                    return Err(Error::from_raw_os_error(libc::ENOTDIR));
                }
                // The system's own check: that it may be entered.
                std::fs::metadata(found.target()?.join("."))?;
                *self.folder.lock() = Some(found.real);
                Ok(())
            }
        }
    }

    /// Likewise the folder of an open descriptor.
    pub fn enter_open(&self, folder: &impl AsRawFd) -> Result<()> {
        if self.permissions.unrestricted {
            // SAFETY: a descriptor that is open.
            return match unsafe { libc::fchdir(folder.as_raw_fd()) } {
                0 => Ok(()),
                _ => Err(Error::last_os_error()),
            };
        }
        let path = std::fs::read_link(format!("/proc/self/fd/{}", folder.as_raw_fd()))?;
        self.enter(&path)
    }

    /// The address under which a Unix socket is reached or, to be bound, made.
    pub fn unix_socket(&self, name: &[u8], bind: bool) -> Result<(Vec<u8>, Option<Place>)> {
        if self.permissions.unrestricted || name.is_empty() {
            return Ok((name.to_vec(), None));
        }
        if name[0] == b'@' || name[0] == 0 {
            // It is no file: it belongs to the network.
            let allowed = self.permissions.net.covers_abstract(&String::from_utf8_lossy(name));
            return if allowed { Ok((name.to_vec(), None)) } else { Err(denied(What::Net)) };
        }
        let path = Path::new(std::ffi::OsStr::from_bytes(name));
        let place = self.place(path, Use::Change, !bind)?;
        let address = if bind { place.entry() } else { place.target()? };
        if bind {
            self.sockets.lock().insert(address.as_os_str().as_bytes().to_vec(), name.to_vec());
        }
        Ok((address.into_os_string().into_encoded_bytes(), Some(place)))
    }

    /// The name that the program knows a Unix socket by.
    pub fn socket_name(&self, address: Vec<u8>) -> Vec<u8> {
        if self.permissions.unrestricted {
            return address;
        }
        self.sockets.lock().get(&address).cloned().unwrap_or(address)
    }
}

/// A descriptor's kind of file system.
fn is_in_proc(fd: &OwnedFd) -> bool {
    const PROC_SUPER_MAGIC: i64 = 0x9fa0;
    // SAFETY: a plain structure of numbers, and an open descriptor.
    unsafe {
        let mut s: libc::statfs = std::mem::zeroed();
        libc::fstatfs(fd.as_raw_fd(), &mut s) == 0 && s.f_type as i64 == PROC_SUPER_MAGIC
    }
}

#[cfg(test)]
mod tests;
