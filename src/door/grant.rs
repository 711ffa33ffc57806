//! What is granted to a program.
use super::hosts::Hosts;
use super::programs::Programs;
use super::walk::walk;
use rustc_hash::FxHashSet;
use std::path::{Path, PathBuf};

/// What a program may reach of the outside. By default nothing but its standard streams and arguments.
///
/// ```
/// use gmpl::vm::Permissions;
/// let none = Permissions::none();
/// let some = Permissions::none().allow_read(["data"]).allow_net(["example.com:443"]).allow_clock();
/// let all = Permissions::all();
/// ```
///
/// Names are looked up when they are granted: relative paths from the folder of the process, links followed; programs
/// without a slash in `$PATH`.
#[derive(Clone, Debug, Default)]
pub struct Permissions {
    pub(super) unrestricted: bool,
    pub(super) read: Paths,
    pub(super) write: Paths,
    pub(super) net: Hosts,
    pub(super) run: Programs,
    pub(super) env: Names,
    pub(super) clock: bool,
    pub(super) randomness: bool,
    pub(super) signals: bool,
    /// Folders and links on the way to what is granted, under the names that were given.
    trail: FxHashSet<PathBuf>,
}

impl Permissions {
    /// Nothing but the standard streams.
    pub fn none() -> Permissions {
        Permissions::default()
    }

    /// Whatever the process may do.
    pub fn all() -> Permissions {
        Permissions { unrestricted: true, ..Permissions::default() }
    }

    /// These files, and the folders with all below them, may be read.
    pub fn allow_read<P: AsRef<Path>>(mut self, paths: impl IntoIterator<Item = P>) -> Permissions {
        for path in paths {
            let root = self.root(path.as_ref());
            self.read.roots.push(root);
        }
        self
    }

    /// All files may be read but those of /proc, which show the process's own memory and environment.
    pub fn allow_read_all(mut self) -> Permissions {
        self.read.all = true;
        self
    }

    /// These files, and the folders with all below them, may be made, changed and removed.
    pub fn allow_write<P: AsRef<Path>>(mut self, paths: impl IntoIterator<Item = P>) -> Permissions {
        for path in paths {
            let root = self.root(path.as_ref());
            self.write.roots.push(root);
        }
        self
    }

    /// All files may be written but those of /proc.
    pub fn allow_write_all(mut self) -> Permissions {
        self.write.all = true;
        self
    }

    /// These hosts may be connected to and listened at: `example.com`, `10.0.0.1:80`, `[::1]:80`, `:8080` for a port of
    /// any host. A name stands for the addresses that it has when the program looks it up.
    pub fn allow_net<S: AsRef<str>>(mut self, hosts: impl IntoIterator<Item = S>) -> Permissions {
        hosts.into_iter().for_each(|h| self.net.add(h.as_ref()));
        self
    }

    /// The whole network.
    pub fn allow_net_all(mut self) -> Permissions {
        self.net.all = true;
        self
    }

    /// These programs may be run. What runs is outside the sandbox: it may do whatever the process may.
    pub fn allow_run<S: AsRef<str>>(mut self, programs: impl IntoIterator<Item = S>) -> Permissions {
        programs.into_iter().for_each(|p| self.run.add(p.as_ref()));
        self
    }

    /// All programs may be run, and signals sent to any process: hardly a sandbox.
    pub fn allow_run_all(mut self) -> Permissions {
        self.run.all = true;
        self
    }

    /// These environment variables may be read. The program's own changes to its environment need nothing.
    pub fn allow_env<S: AsRef<str>>(mut self, names: impl IntoIterator<Item = S>) -> Permissions {
        self.env.names.extend(names.into_iter().map(|n| n.as_ref().to_string()));
        self
    }

    /// The whole environment.
    pub fn allow_env_all(mut self) -> Permissions {
        self.env.all = true;
        self
    }

    /// The program knows the time and the local zone. Without that its clock begins with the year 1970 when it does.
    /// Waiting needs nothing.
    pub fn allow_clock(mut self) -> Permissions {
        self.clock = true;
        self
    }

    /// Random numbers are random. Without that they are the same in every run, and `crypto/rand` fails.
    pub fn allow_randomness(mut self) -> Permissions {
        self.randomness = true;
        self
    }

    /// The program may listen to signals of the process, and send some to it.
    pub fn allow_signals(mut self) -> Permissions {
        self.signals = true;
        self
    }

    fn root(&mut self, path: &Path) -> Root {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
        let mut trail = Vec::new();
        let mut pass = |at: &Path| {
            trail.push(at.to_path_buf());
            Ok(())
        };
        let root = match walk(&path, true, &mut pass) {
            Ok(found) => Root { in_proc: found.is_in_proc(), path: found.real },
            // What is not there yet may be made later.
            Err(stopped) => Root { in_proc: false, path: stopped.real },
        };
        self.trail.extend(trail);
        root
    }

    /// Whether a walk may come by here: else it is not even told what is there.
    pub(super) fn leads_to_granted(&self, at: &Path) -> bool {
        self.read.all || self.write.all || self.read.is_near(at) || self.write.is_near(at) || self.trail.contains(at)
    }

    /// Whether something that is granted lies below.
    pub(super) fn is_on_the_way(&self, at: &Path) -> bool {
        self.read.has_below(at) || self.write.has_below(at)
    }
}

/// A file, or a folder with all below it.
#[derive(Clone, Debug)]
struct Root {
    /// Without links.
    path: PathBuf,
    /// It was granted as one of /proc.
    in_proc: bool,
}

/// Files that are granted.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    all: bool,
    roots: Vec<Root>,
}

impl Paths {
    /// `proc`: the path lies in a /proc, which must be named to be granted.
    pub fn covers(&self, path: &Path, proc: bool) -> bool {
        self.all && !proc || self.roots.iter().any(|r| path.starts_with(&r.path) && (r.in_proc || !proc))
    }

    pub fn has_below(&self, path: &Path) -> bool {
        self.roots.iter().any(|r| r.path.starts_with(path))
    }

    fn is_near(&self, path: &Path) -> bool {
        self.roots.iter().any(|r| path.starts_with(&r.path) || r.path.starts_with(path))
    }
}

/// Environment variables that are granted.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    all: bool,
    names: FxHashSet<String>,
}

impl Names {
    pub fn covers(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }
}
