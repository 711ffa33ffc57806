//! `--seeds`: runs each test of a package under many schedules, each in a VM of its own, until one fails.
use super::Args;
use super::packages::Package;
use crate::base::span::SourceMap;
use crate::bytecode::program::Program;
use crate::cli::{answer, complain, status};
use crate::value::env::Host;
use crate::vm::{RunOptions, Vm};
use parking_lot::Mutex;
use std::sync::Arc;

/// What package testing prints when a test is not to be run.
const NOTHING_RUN: &[u8] = b"testing: warning: no tests to run\n";

/// The command that runs a package's tests again, but for the seed and the test.
pub fn replay(args: &Args, package: &Package) -> String {
    let files = args.packages.iter().any(|p| p.ends_with(".gm") || p.ends_with(".go"));
    let place = match () {
        _ if files => args.packages.join(" "),
        _ if package.dir.is_absolute() || package.dir.starts_with(".") || package.dir.starts_with("..") => {
            package.dir.display().to_string()
        }
        _ => format!("./{}", package.dir.display()),
    };
    format!("{}\n{place}", args.replay_flags())
}

/// A compiled package whose tests are to be run.
pub struct Runs {
    pub program: Program,
    pub sources: Arc<SourceMap>,
    pub options: RunOptions,
    pub argv: Vec<String>,
    /// From [`replay`].
    pub replay: String,
}

impl Runs {
    /// Runs each test under `n` schedules; returns the exit status.
    pub fn all(&self, tests: &[String], n: u64) -> i32 {
        let (mut ran, mut failed) = (0, 0);
        for test in tests {
            let mut matched = true;
            for seed in 1..=n {
                let (ended, output) = match self.one(test, seed) {
                    Ok(done) => done,
                    Err(e) => {
                        complain(&e);
                        return status::FAILED;
                    }
                };
                matched = memchr::memmem::find(&output, NOTHING_RUN).is_none();
                if ended != status::OK {
                    failed += 1;
                    let (flags, place) = self.replay.split_once('\n').unwrap_or(("", "."));
                    let mut text = String::from_utf8_lossy(&output).into_owned();
                    // The last line is the whole package's to say.
                    text.truncate(text.strip_suffix("FAIL\n").map_or(text.len(), str::len));
                    if !text.is_empty() && !text.ends_with('\n') {
                        text.push('\n');
                    }
                    answer(&format!(
                        "{text}{test} fails under schedule {seed} of {n}; to replay it:\n    gmpl test --seed {seed} -run '^{test}$'{flags} {place}\n"
                    ));
                }
                if ended != status::OK || !matched {
                    break;
                }
            }
            ran += matched as usize;
        }
        if ran == 0 {
            answer("testing: warning: no tests to run\n");
        } else {
            let tests = if ran == 1 { "1 test".to_string() } else { format!("{ran} tests") };
            let schedules = if n == 1 { "1 schedule".to_string() } else { format!("{n} schedules") };
            let failures = if failed == 0 { String::new() } else { format!(": {failed} failed") };
            answer(&format!("{tests} under {schedules} each{failures}\n"));
        }
        answer(if failed > 0 { "FAIL\n" } else { "PASS\n" });
        if failed > 0 { status::COMPILE_ERROR } else { status::OK }
    }

    /// One test under one schedule: its exit status, and what it printed.
    fn one(&self, test: &str, seed: u64) -> Result<(i32, Vec<u8>), String> {
        let mut argv = self.argv.clone();
        argv.insert(1, format!("-test.only={test}"));
        let host = Arc::new(Recording { argv, output: Mutex::default() });
        let options = RunOptions { seed: Some(seed), ..self.options.clone() };
        let ended = Vm::new(self.program.clone(), self.sources.clone(), host.clone(), &options)?.run();
        let output = std::mem::take(&mut *host.output.lock());
        Ok((ended.status, output))
    }
}

/// A host that keeps what is printed.
struct Recording {
    argv: Vec<String>,
    output: Mutex<Vec<u8>>,
}

impl Host for Recording {
    fn stdout(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.output.lock().extend_from_slice(bytes);
        Ok(())
    }

    fn flush_stdout(&self) -> std::io::Result<()> {
        Ok(())
    }

    fn stderr(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.stdout(bytes)
    }

    fn last_words(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.stdout(crate::vm::host::words_of_test(bytes))
    }

    fn stdin(&self, _buf: &mut [u8]) -> std::io::Result<usize> {
        Ok(0)
    }

    fn args(&self) -> &[String] {
        &self.argv
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn environ(&self) -> Vec<String> {
        std::env::vars().map(|(k, v)| format!("{k}={v}")).collect()
    }
}
