//! `gmpl disasm`.
use super::terminal::Colour;
use super::{Format, complain, report, status};
use crate::bytecode::disasm::disassemble;
use crate::vm::source::Files;
use crate::vm::{CompileOptions, compile};
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(after_help = "Example: gmpl disasm prog.gm | less")]
pub struct Args {
    #[command(flatten)]
    build: super::Build,
    /// The program: a file, a folder, or - for standard input
    program: PathBuf,
}

pub fn run(args: Args, colour: Colour) -> i32 {
    let files = match Files::read(&args.program, &args.build.tags()) {
        Ok(files) => files,
        Err(e) => {
            complain(&e);
            return status::COMPILE_ERROR;
        }
    };
    let compiled = compile(files, CompileOptions::default());
    report(&compiled, Format::Human, crate::base::limits::MAX_REPORTED_ERRORS, colour);
    let Some(program) = compiled.program else { return status::COMPILE_ERROR };
    let mut text = String::new();
    let _ = disassemble(&program, &compiled.sources, &mut text);
    super::answer(&text)
}
