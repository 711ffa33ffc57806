//! Flags that have a run profiled, and the files its profiles go to.
use super::complain;
use super::terminal::why;
use crate::vm::{ProfileKind, RunOptions, WantedProfiles};
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(clap::Args, Default)]
#[command(next_help_heading = "Profiles (for gmpl prof, or go tool pprof)")]
pub struct Profiles {
    /// Write where the time goes
    #[arg(long, value_name = "FILE")]
    pub cpuprofile: Option<PathBuf>,
    /// Write what is allocated, and what is still in use at the end
    #[arg(long, value_name = "FILE")]
    pub memprofile: Option<PathBuf>,
    /// Write where goroutines wait for each other
    #[arg(long, value_name = "FILE")]
    pub blockprofile: Option<PathBuf>,
    /// Write which unlocking others wait for
    #[arg(long, value_name = "FILE")]
    pub mutexprofile: Option<PathBuf>,
}

impl Profiles {
    /// Those that are asked for: kind, flag, file.
    fn list(&self) -> impl Iterator<Item = (ProfileKind, &'static str, &PathBuf)> {
        use ProfileKind::*;
        let all = [
            (Cpu, "cpuprofile", &self.cpuprofile),
            (Memory, "memprofile", &self.memprofile),
            (Block, "blockprofile", &self.blockprofile),
            (Mutex, "mutexprofile", &self.mutexprofile),
        ];
        all.into_iter().filter_map(|(kind, flag, path)| Some((kind, flag, path.as_ref()?)))
    }

    /// The name of one that is asked for.
    pub fn first(&self) -> Option<&'static str> {
        self.list().next().map(|f| f.1)
    }

    /// The flags for a process that runs in another folder.
    pub fn arguments(&self) -> Vec<OsString> {
        let whole = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        self.list().flat_map(|(_, flag, path)| [format!("--{flag}").into(), whole(path).into()]).collect()
    }

    /// Opens the files, so that a path that cannot be written is known before the run.
    ///
    /// # Errors
    /// Which one cannot be written, and why.
    pub fn apply(&self, options: &mut RunOptions) -> Result<(), String> {
        let mut files = Vec::new();
        for (kind, _, path) in self.list() {
            let file = File::create(path).map_err(|e| format!("cannot write {}: {}", path.display(), why(&e)))?;
            files.push((kind, path.clone(), file));
        }
        if files.is_empty() {
            return Ok(());
        }
        let kinds = files.iter().map(|f| f.0).collect();
        let write = move |kind: ProfileKind, bytes: &[u8]| {
            for (_, path, file) in files.iter().filter(|f| f.0 == kind) {
                if let Err(e) = (&*file).write_all(bytes) {
                    complain(&format!("cannot write {}: {}; the profile is lost", path.display(), why(&e)));
                }
            }
        };
        options.profiles = Some(WantedProfiles { kinds, write: Arc::new(write) });
        Ok(())
    }
}
