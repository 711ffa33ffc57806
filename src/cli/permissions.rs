//! Flags that shut a run in, and those that grant it something nevertheless.
use crate::vm::Permissions;
use std::ffi::OsString;

#[derive(clap::Args, Default)]
#[command(next_help_heading = "Sandbox (each of these flags implies --sandbox)")]
pub struct Grants {
    /// No files, network, environment or programs but what is granted; standard streams, the clock, random numbers and
    /// signals are always there
    #[arg(long)]
    sandbox: bool,
    /// Files and folders that may be read (default: all but /proc)
    #[arg(long, value_name = "PATHS", num_args = 0.., require_equals = true, value_delimiter = ',', default_missing_value = "")]
    allow_read: Option<Vec<String>>,
    /// Files and folders that may be made, changed and removed (default: all but /proc)
    #[arg(long, value_name = "PATHS", num_args = 0.., require_equals = true, value_delimiter = ',', default_missing_value = "")]
    allow_write: Option<Vec<String>>,
    /// Hosts that may be reached and listened at, like example.com, 10.0.0.1:80, :8080 (default: all)
    #[arg(long, value_name = "HOSTS", num_args = 0.., require_equals = true, value_delimiter = ',', default_missing_value = "")]
    allow_net: Option<Vec<String>>,
    /// Programs that may be run; they run outside the sandbox (default: all)
    #[arg(long, value_name = "PROGRAMS", num_args = 0.., require_equals = true, value_delimiter = ',', default_missing_value = "")]
    allow_run: Option<Vec<String>>,
    /// Environment variables that may be read (default: all)
    #[arg(long, value_name = "NAMES", num_args = 0.., require_equals = true, value_delimiter = ',', default_missing_value = "")]
    allow_env: Option<Vec<String>>,
}

impl Grants {
    fn lists(&self) -> impl Iterator<Item = (&'static str, &Vec<String>)> {
        let all = [
            ("allow-read", &self.allow_read),
            ("allow-write", &self.allow_write),
            ("allow-net", &self.allow_net),
            ("allow-run", &self.allow_run),
            ("allow-env", &self.allow_env),
        ];
        all.into_iter().filter_map(|(flag, list)| Some((flag, list.as_ref()?)))
    }

    /// The flags for another process.
    pub fn arguments(&self) -> Vec<OsString> {
        let sandbox = self.sandbox.then(|| "--sandbox".into());
        sandbox
            .into_iter()
            .chain(self.lists().map(|(flag, list)| format!("--{flag}={}", list.join(",")).into()))
            .collect()
    }

    /// What the flags grant: everything, if there is none of them.
    pub fn permissions(&self) -> Permissions {
        if !self.sandbox && self.lists().next().is_none() {
            return Permissions::all();
        }
        let mut p = Permissions::none().allow_clock().allow_randomness().allow_signals();
        let split = |list: &Option<Vec<String>>| {
            let list = list.as_deref().unwrap_or_default();
            // A flag without a list is for all.
            let all = list.iter().any(|item| item.is_empty());
            (all, list.iter().filter(|item| !item.is_empty()).cloned().collect::<Vec<_>>())
        };
        let (all, list) = split(&self.allow_read);
        p = if all { p.allow_read_all() } else { p }.allow_read(list);
        let (all, list) = split(&self.allow_write);
        p = if all { p.allow_write_all() } else { p }.allow_write(list);
        let (all, list) = split(&self.allow_net);
        p = if all { p.allow_net_all() } else { p }.allow_net(list);
        let (all, list) = split(&self.allow_run);
        p = if all { p.allow_run_all() } else { p }.allow_run(list);
        let (all, list) = split(&self.allow_env);
        if all { p.allow_env_all() } else { p }.allow_env(list)
    }
}
