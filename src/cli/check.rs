//! `gmpl check`.
use super::terminal::Colour;
use super::{Format, complain, report, status};
use crate::base::limits::MAX_REPORTED_ERRORS;
use crate::vm::{CompileOptions, compile};
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(after_help = "Example: gmpl check --format json prog.gm")]
pub struct Args {
    /// Unused names of scripts are errors
    #[arg(long)]
    strict: bool,
    /// How many errors are reported; 0: all of them
    #[arg(long, value_name = "N", default_value_t = MAX_REPORTED_ERRORS)]
    max_errors: usize,
    /// How reports are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The program: a file, a folder, or - for standard input
    program: PathBuf,
}

pub fn run(args: Args, colour: Colour) -> i32 {
    match super::read_program(&args.program) {
        Ok(files) => {
            let compiled =
                compile(files, CompileOptions { strict: args.strict, check_only: true, ..Default::default() });
            let max = if args.max_errors == 0 { usize::MAX } else { args.max_errors };
            report(&compiled, args.format, max, colour);
            if compiled.diagnostics.has_errors() { status::COMPILE_ERROR } else { status::OK }
        }
        Err(e) => {
            complain(&e);
            status::COMPILE_ERROR
        }
    }
}
