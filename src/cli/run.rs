//! `gmpl run`.
use super::terminal::Colour;
use super::{Format, complain, report, signals, status};
use crate::base::limits::MAX_REPORTED_ERRORS;
use crate::vm::host::ProcessHost;
use crate::vm::source::Files;
use crate::vm::{CompileOptions, RunOptions, Vm, compile};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  gmpl run --procs 4 prog.gm input.txt
  gmpl run ./cmd/server
  gmpl run -e 'for i := range 3 { fmt.Println(i) }'
  gmpl run - < prog.gm
  gmpl run --seed 1 prog.gm     # the same run every time")]
pub struct Args {
    /// Run this text instead of a file; may be given several times, a line each
    #[arg(short = 'e', value_name = "CODE")]
    code: Vec<String>,
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
    /// The program: a file, a folder, or - for standard input
    #[arg(required_unless_present = "code")]
    program: Option<PathBuf>,
    /// Arguments of the program
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

impl Args {
    /// The program's files and its arguments, the first of which is its name.
    fn program(&mut self) -> Result<(Files, Vec<String>), String> {
        let mut argv = Vec::new();
        let files = if self.code.is_empty() {
            let path = self.program.take().unwrap_or_default();
            argv.push(path.display().to_string());
            super::read_program(&path)?
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

pub fn run(mut args: Args, colour: Colour) -> i32 {
    let (files, argv) = match args.program() {
        Ok(program) => program,
        Err(e) => {
            complain(&e);
            return status::COMPILE_ERROR;
        }
    };
    let host = Arc::new(ProcessHost::new(argv));
    signals::end_on_interrupt(host.clone());
    let compiled = compile(files, CompileOptions { strict: args.strict, check_only: false, ..Default::default() });
    report(&compiled, args.format, MAX_REPORTED_ERRORS, colour);
    let Some(program) = compiled.program else { return status::COMPILE_ERROR };
    let mut options = RunOptions { seed: args.seed, ..RunOptions::default() };
    if let Some(procs) = args.procs.or_else(|| std::env::var("GOMAXPROCS").ok()?.parse().ok()) {
        options.procs = procs.clamp(1, 1024);
    }
    if let Ok(percent) = std::env::var("GOGC") {
        options.gc_percent = if percent == "off" { -1 } else { percent.parse().unwrap_or(100) };
    }
    args.limits.apply(&mut options);
    options.portable = std::env::var("GMPLDEBUG").is_ok_and(|v| v.split(',').any(|o| o == "portable=1"));
    let ended = match Vm::new(program, compiled.sources, host.clone(), &options) {
        Ok(vm) => vm.run().status,
        Err(e) => {
            complain(&e);
            status::FAILED
        }
    };
    match host.write_error() {
        // What the program could not see, since its output is buffered.
        Some(e) if ended == status::OK => {
            complain(&format!("cannot write to standard output: {}", super::terminal::why(&e)));
            status::FAILED
        }
        _ => ended,
    }
}
