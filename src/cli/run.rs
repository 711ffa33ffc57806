//! `gmpl run`.
use super::{Format, complain, report, status};
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
    /// The program: a file or a folder
    program: PathBuf,
    /// Arguments of the program
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

pub fn run(args: Args) -> i32 {
    let files = match Files::read(&args.program) {
        Ok(files) => files,
        Err(e) => {
            complain(&e);
            return status::COMPILE_ERROR;
        }
    };
    let compiled = compile(files, CompileOptions { strict: args.strict, check_only: false, ..Default::default() });
    report(&compiled, args.format);
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
    let mut argv = vec![args.program.display().to_string()];
    argv.extend(args.args);
    match Vm::new(program, compiled.sources, Arc::new(ProcessHost::new(argv)), &options) {
        Ok(vm) => vm.run().status,
        Err(e) => {
            complain(&e);
            status::FAILED
        }
    }
}
