//! Programs that a program may run. They run outside the sandbox; what is guarded is which ones.
use super::{Door, What, denied, of_second};
use std::ffi::OsString;
use std::io::{Error, Result};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, Default)]
pub struct Programs {
    pub(super) all: bool,
    list: Vec<Program>,
}

/// One program. Under another name the same file may be another program, so the name counts too.
#[derive(Clone, Debug)]
struct Program {
    path: PathBuf,
    real: PathBuf,
}

impl Programs {
    pub(super) fn add(&mut self, name: &str) {
        let candidates: Vec<PathBuf> = if name.contains('/') {
            std::path::absolute(name).into_iter().collect()
        } else {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).filter_map(|dir| std::path::absolute(dir.join(name)).ok()).collect()
        };
        // Of one name it is one program: the first that there is.
        let found = candidates.into_iter().find(|p| is_program(p).is_ok());
        self.list.extend(found.and_then(|path| Some(Program { real: path.canonicalize().ok()?, path })));
    }
}

fn is_program(path: &Path) -> Result<()> {
    let meta = std::fs::metadata(path)?;
    match meta.permissions().mode() & 0o111 {
        _ if meta.is_dir() => Err(Error::from_raw_os_error(libc::EISDIR)),
        0 => Err(Error::from_raw_os_error(libc::EACCES)),
        _ => Ok(()),
    }
}

impl Door {
    fn full_path(&self, name: &Path, folder: &Path) -> PathBuf {
        let own = self.folder().unwrap_or_default();
        own.join(folder).join(name)
    }

    /// Whether a file is a program that may be run. `None`: who wants to know can look.
    pub fn is_program(&self, name: &Path) -> Option<Result<()>> {
        if self.permissions.unrestricted {
            return None;
        }
        let path = self.full_path(name, Path::new(""));
        if self.permissions.run.all {
            return Some(is_program(&path));
        }
        Some(self.listed(&path).map(|_| ()).ok_or_else(|| denied(What::Run)))
    }

    fn listed(&self, path: &Path) -> Option<&Program> {
        let list = &self.permissions.run.list;
        if !list.iter().any(|p| p.path.file_name() == path.file_name()) {
            return None;
        }
        let real = path.canonicalize().ok()?;
        list.iter().find(|p| p.real == real && p.path.file_name() == path.file_name())
    }

    /// The folders in which programs are looked for, for who may run some but not read the environment.
    pub fn program_folders(&self) -> OsString {
        let run = &self.permissions.run;
        let some = !self.permissions.unrestricted && (run.all || !run.list.is_empty());
        if some { std::env::var_os("PATH").unwrap_or_default() } else { OsString::new() }
    }

    /// The path of a program that is to be run in a folder under a name, with an environment.
    pub fn program(&self, name: &Path, folder: &Path, as_name: &[u8], env: &[OsString]) -> Result<PathBuf> {
        if self.permissions.unrestricted {
            return Ok(name.into());
        }
        let path = self.full_path(name, folder);
        if self.permissions.run.all {
            return Ok(path);
        }
        let Some(program) = self.listed(&path) else { return Err(denied(What::Run)) };
        // Some programs are what they are called, and the loader runs what it is told.
        let base = as_name.rsplit(|b| *b == b'/').next().unwrap_or(as_name);
        let loads = |entry: &OsString| entry.as_bytes().starts_with(b"LD_");
        if program.path.file_name().is_none_or(|n| n.as_bytes() != base) || env.iter().any(loads) {
            // Only who may run all programs may do that.
            return Err(of_second(denied(What::Run)));
        }
        Ok(program.path.clone())
    }

    /// The folder that a process begins in.
    pub fn process_folder(&self, folder: &Path) -> PathBuf {
        match self.folder() {
            Some(own) => own.join(folder),
            None => folder.into(),
        }
    }

    /// The program has started a process.
    pub fn started(&self, pid: i64) {
        if !self.permissions.unrestricted {
            self.children.lock().insert(pid);
        }
    }

    /// It has been waited for: its number may soon be another's.
    pub fn ended(&self, pid: i64) {
        if !self.permissions.unrestricted {
            self.children.lock().remove(&pid);
        }
    }

    /// Whether a process may be waited for.
    pub fn may_await(&self, pid: i64) -> Result<()> {
        let p = &self.permissions;
        let allowed = p.unrestricted || p.run.all || self.children.lock().contains(&pid);
        if allowed { Ok(()) } else { Err(denied(What::Run)) }
    }

    /// Whether a process may be sent signals.
    pub fn may_signal(&self, pid: i64) -> Result<()> {
        if self.shows_signals() && pid == i64::from(std::process::id()) {
            return Ok(());
        }
        self.may_await(pid)
    }
}
