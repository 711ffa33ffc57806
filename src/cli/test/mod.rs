//! `gmpl test`: finds packages, runs the tests of each in a process of its own (`binary`), and prints what `go test` prints.
mod binary;
mod cover;
mod harness;
mod json;
mod packages;
mod report;
mod seeds;

pub use binary::{BINARY, BinaryArgs, run_binary};

use super::profiles::Profiles;
use super::terminal::Colour;
use super::{complain, status};
use packages::Package;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

#[derive(clap::Args)]
#[command(after_help = "\
Flags may be written with one dash or two, and as in Go with `-test.` before their names. Tests are functions
TestX(t *testing.T) in files that end in _test.gm or _test.go.

Besides what Go does, a goroutine that a test leaves behind and that can never run again fails the test, and --seeds runs
each test under many schedules, each of which can be replayed. Tests run in the folder of their package, and so the paths
of --allow-read and --allow-write are seen from there.

Examples:
  gmpl test
  gmpl test -v -run 'TestParse/empty' ./parser
  gmpl test -bench . -benchmem ./...
  gmpl test -bench . -cpuprofile cpu.pprof ./parser
  gmpl test -coverprofile c.out ./... && go tool cover -html c.out
  gmpl test --seeds 100 ./queue     # a hundred schedules of each test
  gmpl test --seed 17 -run '^TestPop$' ./queue")]
pub struct Args {
    /// Run only tests, examples and fuzz tests that match; parts between slashes match subtests
    #[arg(long, value_name = "REGEXP", allow_hyphen_values = true)]
    run: Option<String>,
    /// Do not run tests, benchmarks and examples that match
    #[arg(long, value_name = "REGEXP", allow_hyphen_values = true)]
    skip: Option<String>,
    /// Show all tests as they run, and what they log
    #[arg(short, long = "v", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    verbose: Option<String>,
    /// Run the benchmarks that match
    #[arg(long, value_name = "REGEXP", allow_hyphen_values = true)]
    bench: Option<String>,
    /// How long each benchmark runs: a time, or Nx for N times
    #[arg(long, value_name = "TIME")]
    benchtime: Option<String>,
    /// Show what benchmarks allocate
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    benchmem: Option<bool>,
    /// Run each test and benchmark N times
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Start no more tests after the first that fails
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    failfast: Option<bool>,
    /// How many tests that call t.Parallel run at one time
    #[arg(long, value_name = "N")]
    parallel: Option<i64>,
    /// Tell tests to be short (testing.Short)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    short: Option<bool>,
    /// Run tests and benchmarks in a random order: on, off, or a number to repeat one
    #[arg(long, value_name = "ORDER", allow_hyphen_values = true)]
    shuffle: Option<String>,
    /// List the tests, benchmarks, fuzz tests and examples that match
    #[arg(long, value_name = "REGEXP", allow_hyphen_values = true)]
    list: Option<String>,
    /// Values of GOMAXPROCS to run all with
    #[arg(long, value_name = "N,...")]
    cpu: Option<String>,
    /// How long the tests of a package may take (default: 10m; 0: for ever)
    #[arg(long, value_name = "TIME")]
    timeout: Option<String>,
    /// Print events as JSON, one a line
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    json: Option<bool>,
    /// Show whole paths of files in what tests log
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    fullpath: Option<bool>,
    /// How many packages are tested at one time (default: the CPUs)
    #[arg(long = "p", value_name = "N")]
    packages_at_once: Option<usize>,
    /// Run under one schedule that follows from this number, with virtual time
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run each test under N schedules; print the number of one that fails
    #[arg(long, value_name = "N", conflicts_with_all = ["bench", "json", "list", "cover", "coverprofile", "covermode"])]
    seeds: Option<u64>,
    /// A goroutine that a test leaves behind for ever does not fail it
    #[arg(long)]
    allow_leaks: bool,
    #[command(flatten)]
    build: crate::cli::Build,
    #[command(flatten)]
    limits: crate::cli::limits::Limits,
    #[command(flatten)]
    grants: crate::cli::permissions::Grants,
    #[command(flatten)]
    profiles: Profiles,
    #[command(flatten)]
    cover: cover::CoverArgs,
    // Flags of `go test` that mean nothing here, or what is not there.
    #[arg(long, hide = true, value_parser = vet)]
    vet: Option<()>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = race)]
    race: Option<()>,
    #[arg(long, hide = true, value_parser = fuzz, allow_hyphen_values = true)]
    fuzz: Option<()>,
    /// Folders (./... : all below), import paths of the module, or the files of one package (default: this folder)
    #[arg(value_name = "PACKAGE")]
    packages: Vec<String>,
    /// What follows -args (or --) is for the tests themselves
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<String>,
}

fn vet(text: &str) -> Result<(), String> {
    match text {
        "off" => Ok(()),
        _ => Err("tests run without a check before; `gmpl check` warns of mistakes".into()),
    }
}

fn race(text: &str) -> Result<(), String> {
    match text {
        "false" => Ok(()),
        _ => Err("there is no race detector; --seeds 100 runs each test under a hundred schedules".into()),
    }
}

fn fuzz(_: &str) -> Result<(), String> {
    Err("fuzz tests run with their seed corpus only, as other tests do: choose them with -run".into())
}

/// How much longer than its timeout a package may take: its own way to end is to panic.
const KILL_PATIENCE: Duration = Duration::from_secs(60);

/// Writes flags as clap knows them: `-run`, `-test.run` and `--test.run` become `--run`, `-args` becomes `--`.
pub fn plain_flags(args: Vec<OsString>) -> Vec<OsString> {
    let mut out = Vec::with_capacity(args.len());
    let mut ours = true;
    for (i, arg) in args.into_iter().enumerate() {
        let Some(text) = arg.to_str().filter(|_| ours && i >= 2) else {
            out.push(arg);
            continue;
        };
        let name = text.strip_prefix("--").or(text.strip_prefix('-')).filter(|n| !n.is_empty() && !n.starts_with('-'));
        match name {
            Some("args") => {
                ours = false;
                out.push("--".into());
            }
            Some("h" | "V") | None => {
                ours = text != "--";
                out.push(arg);
            }
            Some(name) => out.push(format!("--{}", name.strip_prefix("test.").unwrap_or(name)).into()),
        }
    }
    out
}

impl Args {
    fn is_verbose(&self) -> bool {
        self.verbose.as_deref().is_some_and(|v| v != "false")
    }

    fn is_json(&self) -> bool {
        self.json == Some(true)
    }

    /// Whether the output of packages that pass is shown, too.
    fn shows_passes(&self) -> bool {
        self.is_verbose() || self.list.is_some()
    }

    /// The flags of package testing.
    fn test_flags(&self) -> Vec<String> {
        let mut flags = vec!["-test.paniconexit0".to_string()];
        let mut add = |name: &str, value: Option<String>| {
            flags.extend(value.map(|v| format!("-test.{name}={v}")));
        };
        let flag = |b: Option<bool>| b.map(|b| b.to_string());
        add("timeout", Some(self.timeout.clone().unwrap_or_else(|| "10m0s".into())));
        add("run", self.run.clone());
        add("skip", self.skip.clone());
        add("v", if self.is_json() { Some("test2json".into()) } else { self.verbose.clone() });
        add("bench", self.bench.clone());
        add("benchtime", self.benchtime.clone());
        add("benchmem", flag(self.benchmem));
        add("count", self.count.map(|n| n.to_string()));
        add("failfast", flag(self.failfast));
        add("parallel", self.parallel.map(|n| n.to_string()));
        add("short", flag(self.short));
        add("shuffle", self.shuffle.clone());
        add("list", self.list.clone());
        add("cpu", self.cpu.clone());
        add("fullpath", flag(self.fullpath));
        flags.extend(self.args.iter().cloned());
        flags
    }

    /// When a package that does not end by itself is ended.
    fn kill_after(&self) -> Option<Duration> {
        match super::limits::duration(self.timeout.as_deref().unwrap_or("10m")) {
            Ok(d) if !d.is_zero() => Some(d + KILL_PATIENCE),
            _ => None,
        }
    }

    /// What a package's tests are to be run with again, besides the seed and the package.
    fn replay_flags(&self) -> String {
        let mut flags = String::new();
        if self.allow_leaks {
            flags.push_str(" --allow-leaks");
        }
        if self.short == Some(true) {
            flags.push_str(" -short");
        }
        for flag in self.limits.arguments().into_iter().chain(self.grants.arguments()) {
            flags.push_str(&format!(" {}", flag.to_string_lossy()));
        }
        flags
    }
}

pub fn run(args: Args, colour: Colour) -> i32 {
    if let Some(t) = &args.timeout
        && t != "0"
        && let Err(e) = super::limits::duration(t)
    {
        complain(&format!("-timeout {t}: {e}"));
        return status::FAILED;
    }
    let found = match packages::find(&args.packages, &args.build.tags()) {
        Ok(found) => found,
        Err(e) => {
            complain(&e);
            return status::COMPILE_ERROR;
        }
    };
    if found.is_empty() {
        complain("no packages to test");
        return status::COMPILE_ERROR;
    }
    if let Some(flag) = args.profiles.first() {
        let with = match args.seeds {
            Some(_) => Some("--seeds"),
            None if found.len() > 1 => Some("multiple packages"),
            None => None,
        };
        if let Some(with) = with {
            complain(&format!("cannot use -{flag} with {with}"));
            return status::FAILED;
        }
    }
    let exe = match std::env::current_exe() {
        Ok(exe) => exe,
        Err(e) => {
            complain(&format!("cannot find gmpl itself: {e}"));
            return status::FAILED;
        }
    };
    let Ok(profile) = args.cover.begin() else { return status::FAILED };
    let launch = Launch { exe, scratch: Scratch::new(), colour: colour.on_stderr(), args };
    report::all(&launch, &found, profile)
}

/// How the process of a package is started.
struct Launch {
    exe: PathBuf,
    scratch: Scratch,
    /// Reports of mistakes are coloured.
    colour: bool,
    args: Args,
}

impl Launch {
    /// The arguments of the process, but for those of package testing.
    fn arguments(&self, package: &Package) -> Vec<OsString> {
        let mut list: Vec<OsString> = vec![BINARY.into(), "--path".into(), package.path.clone().into()];
        list.extend(["--shown".into(), package.dir.clone().into_os_string()]);
        list.extend([
            "--dir".into(),
            std::fs::canonicalize(&package.dir).unwrap_or_else(|_| package.dir.clone()).into(),
        ]);
        if self.args.allow_leaks {
            list.push("--allow-leaks".into());
        }
        if let Some(seed) = self.args.seed {
            list.extend(["--seed".into(), seed.to_string().into()]);
        }
        list.extend(self.args.build.tags.iter().flat_map(|t| ["--tags".into(), t.into()]));
        if let Some(mode) = self.args.cover.mode() {
            list.extend(["--cover".into(), mode.name().into()]);
        }
        list.extend(self.args.limits.arguments());
        list.extend(self.args.grants.arguments());
        list.extend(self.args.profiles.arguments());
        list.extend(["--color".into(), if self.colour { "always" } else { "never" }.into()]);
        list.extend(package.files.iter().map(Into::into));
        list
    }

    /// Where the package's tests write which blocks ran, if that is asked for.
    fn cover_profile(&self, package: &Package) -> Option<PathBuf> {
        let folder = self.args.cover.wants_profile().then(|| self.scratch.folder(&package.path))?;
        Some(folder?.join("cover.out"))
    }

    /// A script that runs the package's tests: tests that start themselves again find it as their first argument.
    fn script(&self, package: &Package, arguments: &[OsString]) -> Option<PathBuf> {
        let name = package.path.rsplit('/').next().unwrap_or("main");
        let path = self.scratch.folder(&package.path)?.join(format!("{name}.test"));
        let quoted = |s: &OsString| format!("'{}'", s.to_string_lossy().replace('\'', "'\\''"));
        let mut text = format!("#!/bin/sh\nexec {}", quoted(&self.exe.clone().into_os_string()));
        for a in arguments {
            text.push(' ');
            text.push_str(&quoted(a));
        }
        text.push_str(&format!(" --argv0 {} -- \"$@\"\n", quoted(&path.clone().into_os_string())));
        std::fs::write(&path, text).ok()?;
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).ok()?;
        Some(path)
    }
}

/// A folder that goes away with the command.
struct Scratch(Option<PathBuf>);

impl Scratch {
    fn new() -> Scratch {
        let path = std::env::temp_dir().join(format!("gmpl-test-{}", std::process::id()));
        Scratch(std::fs::create_dir_all(&path).ok().map(|()| path))
    }

    fn folder(&self, package: &str) -> Option<PathBuf> {
        let path = self.0.as_ref()?.join(package.replace(['/', '.'], "_"));
        std::fs::create_dir_all(&path).ok()?;
        Some(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_written_as_clap_knows_them() {
        let given = ["gmpl", "test", "-run=A/B", "-v", "--test.count", "2", "-test.short", "./x", "-args", "-v"];
        let plain = ["gmpl", "test", "--run=A/B", "--v", "--count", "2", "--short", "./x", "--", "-v"];
        assert_eq!(plain_flags(given.map(OsString::from).to_vec()), plain.map(OsString::from));
    }
}
