//! `gmpl run`.
use super::{Format, complain, report, status};
use crate::base::limits::MAX_REPORTED_ERRORS;
use crate::vm::host::ProcessHost;
use crate::vm::source::Files;
use crate::vm::{CompileOptions, RunOptions, Vm, compile};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(clap::Args)]
#[command(after_help = "Example: gmpl run --procs 4 prog.gm input.txt")]
pub struct Args {
    /// Logical processors (default: $GOMAXPROCS, else the CPUs)
    #[arg(long, value_name = "N")]
    procs: Option<usize>,
    /// Replay: virtual time and all choices from this number
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Unused names of scripts are errors
    #[arg(long)]
    strict: bool,
    /// How reports are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    limits: super::limits::Limits,
    /// Run this text instead of a file
    #[arg(short, long, value_name = "CODE")]
    eval: Option<String>,
    /// The program: a file, a folder, or - for standard input
    #[arg(required_unless_present = "eval")]
    program: Option<PathBuf>,
    /// Arguments of the program
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

pub fn run(args: Args) -> i32 {
    let mut argv = args.args;
    let name = match (&args.eval, args.program) {
        // With a text to run, what stands where the program would is its first argument.
        (Some(_), first) => {
            argv.splice(..0, first.map(|f| f.display().to_string()));
            PathBuf::from("-e")
        }
        (None, program) => program.unwrap_or_default(),
    };
    let files = match args.eval {
        Some(text) => Ok(Files::one("-e", text)),
        None => Files::read(&name),
    };
    let files = match files {
        Ok(files) => files,
        Err(e) => {
            complain(&e);
            return status::COMPILE_ERROR;
        }
    };
    let compiled = compile(files, CompileOptions { strict: args.strict, check_only: false, ..Default::default() });
    report(&compiled, args.format, MAX_REPORTED_ERRORS);
    let Some(program) = compiled.program else { return status::COMPILE_ERROR };
    let mut options = RunOptions { seed: args.seed, ..RunOptions::default() };
    if let Some(procs) = args.procs.or_else(|| std::env::var("GOMAXPROCS").ok()?.parse().ok()) {
        options.procs = procs.clamp(1, 1024);
    }
    if let Some(percent) = std::env::var("GOGC").ok() {
        options.gc_percent = if percent == "off" { -1 } else { percent.parse().unwrap_or(100) };
    }
    args.limits.apply(&mut options);
    options.portable = std::env::var("GMPLDEBUG").is_ok_and(|v| v.split(',').any(|o| o == "portable=1"));
    argv.insert(0, name.display().to_string());
    match Vm::new(program, compiled.sources, Arc::new(ProcessHost::new(argv)), &options) {
        Ok(vm) => vm.run().status,
        Err(e) => {
            complain(&e);
            status::FAILED
        }
    }
}
