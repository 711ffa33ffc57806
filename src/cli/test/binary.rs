//! The process that runs the tests of one package: what Go's test binary is. Nobody calls it by hand.
use super::harness::Harness;
use super::seeds;
use crate::base::limits::MAX_REPORTED_ERRORS;
use crate::base::render;
use crate::bytecode::cover::CoverMode;
use crate::cli::run::run_program;
use crate::cli::terminal::Colour;
use crate::cli::{complain, report, set_procs, signals, status};
use crate::value::env::Host;
use crate::vm::host::ProcessHost;
use crate::vm::{CompileOptions, Compiled, RunOptions, compile};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// What the output of a package with mistakes begins with; their reports follow.
pub const BUILD_FAILED: &[u8] = b"\0gmpl: build failed\0";

/// The command that no help text names.
pub const BINARY: &str = "test-binary";

#[derive(clap::Parser)]
#[command(name = BINARY)]
pub struct BinaryArgs {
    /// Colours in reports
    #[arg(long, value_enum, default_value_t)]
    color: Colour,
    /// The package's import path
    #[arg(long)]
    path: String,
    /// The package's folder
    #[arg(long)]
    dir: PathBuf,
    /// The folder as reports show it
    #[arg(long)]
    shown: PathBuf,
    /// The program's first argument
    #[arg(long)]
    argv0: Option<String>,
    /// There are no tests: only look for mistakes
    #[arg(long)]
    check: bool,
    /// Count which blocks of the package run
    #[arg(long, value_parser = super::cover::mode)]
    cover: Option<CoverMode>,
    #[arg(long)]
    allow_leaks: bool,
    #[arg(long)]
    seed: Option<u64>,
    /// Run each test under so many schedules
    #[arg(long, requires = "replay")]
    seeds: Option<u64>,
    /// The command that replays one, but for `--seed` and `-run`
    #[arg(long)]
    replay: Option<String>,
    #[command(flatten)]
    build: crate::cli::Build,
    #[command(flatten)]
    limits: crate::cli::limits::Limits,
    #[command(flatten)]
    grants: crate::cli::permissions::Grants,
    #[command(flatten)]
    profiles: crate::cli::profiles::Profiles,
    /// The names of the package's files
    files: Vec<String>,
    #[arg(last = true)]
    args: Vec<String>,
}

pub fn run_binary(args: BinaryArgs) -> i32 {
    let colour = args.color;
    let harness = match Harness::read(&args.path, &args.dir, &args.shown, &args.files, args.build.tags()) {
        Ok(harness) => harness,
        Err(e) => {
            begin_reports();
            complain(&e);
            return status::COMPILE_ERROR;
        }
    };
    let tests = harness.tests();
    if harness.diagnostics.has_errors() {
        begin_reports();
        let on = colour.on_stderr();
        let list = harness.diagnostics.sorted(&harness.sources, MAX_REPORTED_ERRORS);
        let text: String = list.iter().map(|d| render::human(d, &harness.sources, on, None)).collect();
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
        return status::COMPILE_ERROR;
    }
    // With many schedules the program is made ready more than once, and the process outlives each run.
    let options = CompileOptions {
        check_only: args.check && args.cover.is_none(),
        for_process: args.seeds.is_none(),
        cover: args.cover,
        ..Default::default()
    };
    let mut compiled = compile(harness.files, options);
    if compiled.diagnostics.has_errors() {
        begin_reports();
        report(&compiled, Default::default(), MAX_REPORTED_ERRORS, colour);
        return status::COMPILE_ERROR;
    }
    if args.check {
        return show_uncovered(&compiled, &args.args);
    }
    show_full_names(&mut compiled, &args);
    let mut argv = vec![args.argv0.clone().unwrap_or_else(|| format!("{}.test", args.path))];
    argv.extend(args.args.iter().cloned());
    if args.allow_leaks {
        argv.insert(1, "-test.leaks=false".into());
    }
    // What the tool itself asks for is no right of the tests.
    let permissions = args.grants.permissions().allow_write(cover_profile(&args.args));
    let mut options = RunOptions { seed: args.seed, permissions, ..RunOptions::default() };
    args.limits.apply(&mut options);
    set_procs(&mut options, None);
    crate::cli::debug::apply(&mut options);
    let Some(program) = compiled.program.take() else { return status::COMPILE_ERROR };
    if let Some(n) = args.seeds {
        let runs =
            seeds::Runs { program, sources: compiled.sources, options, argv, replay: args.replay.unwrap_or_default() };
        return runs.all(&tests, n);
    }
    if let Err(e) = args.profiles.apply(&mut options) {
        complain(&e);
        return status::FAILED;
    }
    let host = Arc::new(ProcessHost::for_tests(argv));
    let running = signals::end_lasting_run(&host);
    let ended = run_program(program, compiled.sources, &host, &running, &options, |_| true);
    let _ = host.flush_stdout();
    ended
}

/// Where the flags of package testing want a coverage profile.
fn cover_profile(args: &[String]) -> Option<&str> {
    args.iter().find_map(|a| a.strip_prefix("-test.coverprofile="))
}

/// What a package without tests has to say of its coverage: that none of it runs.
fn show_uncovered(compiled: &Compiled, args: &[String]) -> i32 {
    let Some(coverage) = compiled.program.as_ref().and_then(|p| p.coverage.as_ref()) else { return status::OK };
    let counts = vec![0; coverage.blocks.len()];
    if let Some(path) = cover_profile(args) {
        let text = format!("mode: {}\n{}", coverage.mode.name(), coverage.profile(&counts));
        if let Err(e) = std::fs::write(path, text) {
            complain(&format!("{path}: {}", crate::cli::terminal::why(&e)));
            return status::FAILED;
        }
    }
    status::OK
}

/// What follows on either stream are reports of mistakes.
fn begin_reports() {
    let _ = std::io::stdout().write_all(BUILD_FAILED).and_then(|()| std::io::stdout().flush());
}

/// Programs that ask where they are get whole paths, as in Go.
fn show_full_names(compiled: &mut Compiled, args: &BinaryArgs) {
    if let Some(sources) = Arc::get_mut(&mut compiled.sources) {
        sources.rename(|name| {
            let file = std::path::Path::new(name).file_name().and_then(|n| n.to_str()).unwrap_or(name);
            let own = args.files.iter().any(|f| f == file) && !name.starts_with('$');
            if own { args.dir.join(file).display().to_string() } else { name.to_string() }
        });
    }
}
