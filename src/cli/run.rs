//! `gmpl run`.
use super::terminal::Colour;
use super::{Format, complain, live, report, signals, status, terminal, trace};
use crate::base::limits::MAX_REPORTED_ERRORS;
use crate::base::span::SourceMap;
use crate::bytecode::program::Program;
use crate::value::env::Host;
use crate::vm::host::ProcessHost;
use crate::vm::source::Files;
use crate::vm::{CompileOptions, Handle, RunOptions, Vm, Wanted, compile};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

#[derive(clap::Args)]
#[command(after_help = concat!("\
Examples:
  gmpl run --procs 4 prog.gm input.txt
  gmpl run ./cmd/server
  gmpl run -e 'for i := range 3 { fmt.Println(i) }'
  gmpl run - < prog.gm
  gmpl run --seed 1 prog.gm     # the same run every time
  gmpl run --allow-read=data --allow-net=example.com:443 prog.gm

", super::statuses!()))]
pub struct Args {
    /// Run this text instead of a file; may be given several times, a line each
    #[arg(short = 'e', value_name = "CODE")]
    code: Vec<String>,
    /// Logical processors (default: $GOMAXPROCS, else the CPUs)
    #[arg(long, value_name = "N", value_parser = super::parse_procs)]
    procs: Option<usize>,
    /// Replay: virtual time and all choices from this number, or `random`, which shows its number if the program fails
    #[arg(long, value_name = "N", value_parser = parse_seed)]
    seed: Option<Seed>,
    /// List the goroutines that can never run again when main returns; status 3 if there are any
    #[arg(long)]
    leaks: bool,
    /// Which deadlocks end the run: of all goroutines, or also of some, as soon as a collection finds them
    #[arg(long, value_enum, default_value_t, value_name = "WHICH")]
    deadlock: Deadlock,
    /// Print the instructions that were executed, and which followed each other, when the program ends
    #[arg(long)]
    opcode_profile: bool,
    /// Show the scheduler at work in the terminal: live, or in slow motion, one decision at a time
    #[arg(long, value_name = "SPEED", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "live")]
    watch: Option<live::Speed>,
    /// Unused names of scripts are errors
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    build: super::Build,
    /// How reports are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The program: a file, a folder, or - for standard input
    #[arg(required_unless_present = "code")]
    program: Option<PathBuf>,
    /// Arguments of the program
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
    #[command(flatten)]
    limits: super::limits::Limits,
    #[command(flatten)]
    time: super::limits::TimeLimit,
    #[command(flatten)]
    profiles: super::profiles::Profiles,
    /// CPU profiles count instructions instead of time, as with --seed
    #[arg(long, help_heading = "Profiles (for gmpl prof, or go tool pprof)")]
    profile_instructions: bool,
    #[command(flatten)]
    grants: super::permissions::Grants,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Deadlock {
    #[default]
    Total,
    Early,
}

/// Compiling a longer program takes long enough to be interrupted.
const LONG_TEXT: usize = 256 << 10;

#[derive(Clone, Copy)]
enum Seed {
    Number(u64),
    Random,
}

fn parse_seed(text: &str) -> Result<Seed, String> {
    if text == "random" {
        return Ok(Seed::Random);
    }
    text.parse().map(Seed::Number).map_err(|_| "neither a number from 0 to 2^64-1 nor `random`".into())
}

impl Args {
    /// A file and its arguments, no flag given.
    pub fn plain(program: &str, args: &[&str]) -> Args {
        Args {
            code: Vec::new(),
            procs: None,
            seed: None,
            leaks: false,
            deadlock: Deadlock::default(),
            opcode_profile: false,
            watch: None,
            strict: false,
            build: super::Build::default(),
            format: Format::default(),
            limits: super::limits::Limits::default(),
            time: super::limits::TimeLimit::default(),
            profiles: super::profiles::Profiles::default(),
            profile_instructions: false,
            grants: super::permissions::Grants::default(),
            program: Some(program.into()),
            args: args.iter().map(|a| a.to_string()).collect(),
        }
    }

    /// The program's files and its arguments, the first of which is its name.
    fn program(&mut self) -> Result<(Files, Vec<String>), String> {
        let mut argv = Vec::new();
        let files = if self.code.is_empty() {
            let path = self.program.take().unwrap_or_default();
            argv.push(path.display().to_string());
            Files::read(&path, &self.build.tags())?
        } else {
            argv.push("-e".to_string());
            argv.extend(self.program.take().map(|p| p.display().to_string()));
            let mut text = self.code.join("\n");
            text.push('\n');
            Files::one("-e", text)
        };
        argv.append(&mut self.args);
        Ok((files, argv))
    }
}

/// Runs a program to its end, which is the process's; returns its exit status. `prepare` is called before: `false` means
/// that it is not to run, which has been said.
pub fn run_program(
    program: Program,
    sources: Arc<SourceMap>,
    host: &Arc<ProcessHost>,
    running: &OnceLock<Handle>,
    options: &RunOptions,
    prepare: impl FnOnce(&Vm) -> bool,
) -> i32 {
    match Vm::new(program, sources, host.clone(), options) {
        Ok(vm) => {
            let _ = running.set(vm.handle());
            if !prepare(&vm) {
                return status::FAILED;
            }
            let ended = vm.run_and_keep().status;
            host.do_last_things();
            ended
        }
        Err(e) => {
            complain(&e);
            status::FAILED
        }
    }
}

pub fn run(args: Args, colour: Colour) -> i32 {
    start(args, colour, None)
}

/// As [`run`]; what is recorded on the way goes where `trace` says.
pub fn start(mut args: Args, colour: Colour, trace: Option<trace::Request>) -> i32 {
    if args.watch.is_some() && !terminal::is_output() {
        complain("--watch needs a terminal: standard output is none");
        return status::FAILED;
    }
    if args.watch.is_some() && trace.is_some() {
        complain("--watch is for `gmpl run`");
        return status::FAILED;
    }
    let (files, argv) = match args.program() {
        Ok(program) => program,
        Err(e) => {
            complain(&e);
            return status::COMPILE_ERROR;
        }
    };
    let title = argv[0].clone();
    let host = Arc::new(ProcessHost::new(argv));
    let running = signals::end_lasting_run(&host);
    let is_long = files.files.iter().map(|f| f.1.len()).sum::<usize>() > LONG_TEXT || files.module.is_some();
    if is_long {
        host.lasts();
    }
    let compiled = compile(files, CompileOptions { strict: args.strict, for_process: true, ..Default::default() });
    if is_long {
        super::pages::give_back();
    }
    report(&compiled, args.format, MAX_REPORTED_ERRORS, colour);
    let Some(program) = compiled.program else { return status::COMPILE_ERROR };
    let seed = args.seed.map(|s| match s {
        Seed::Number(n) => n,
        Seed::Random => std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0) >> 32,
    });
    let mut options = RunOptions { seed, leaks: args.leaks, ..RunOptions::default() };
    super::set_procs(&mut options, args.procs);
    if let Ok(percent) = std::env::var("GOGC") {
        options.gc_percent = if percent == "off" { -1 } else { percent.parse().unwrap_or(100) };
    }
    args.limits.apply(&mut options);
    options.limits.time = args.time.timeout;
    options.permissions = args.grants.permissions();
    super::debug::apply(&mut options);
    options.opcode_profile = args.opcode_profile;
    options.by_instructions = args.profile_instructions;
    if let Err(e) = args.profiles.apply(&mut options) {
        complain(&e);
        return status::FAILED;
    }
    if options.profiles.is_some() {
        // What was recorded is written also if it is interrupted at once.
        host.lasts();
    }
    options.trace = trace.as_ref().map(|t| Wanted { events: t.events, slow: false });
    if let Some(speed) = args.watch {
        options.trace = Some(Wanted { events: live::EVENTS, slow: speed == live::Speed::Slow });
    }
    options.watch.early_deadlock = args.deadlock == Deadlock::Early;
    let Ok(sink) = trace.map(trace::Request::open).transpose() else { return status::FAILED };
    let prepare = |vm: &Vm| {
        if let Some(sink) = sink {
            sink.attach(vm, &host);
        }
        args.watch.is_none_or(|speed| live::attach(speed, vm, &host, &title))
    };
    let ended = run_program(program, compiled.sources, &host, &running, &options, prepare);
    if let (Some(Seed::Random), Some(seed)) = (args.seed, seed)
        && ended != status::OK
    {
        complain(&format!("this was --seed {seed}"));
    }
    match host.write_error() {
        // What the program could not see, since its output is buffered.
        Some(e) if ended == status::OK => {
            complain(&format!("cannot write to standard output: {}", super::terminal::why(&e)));
            status::FAILED
        }
        _ => ended,
    }
}
