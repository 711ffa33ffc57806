//! `gmpl disasm`.
use super::{Format, complain, report, status};
use crate::bytecode::disasm::disassemble;
use crate::vm::source::Files;
use crate::vm::{CompileOptions, compile};
use std::io::Write;
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(after_help = "Example: gmpl disasm prog.gm | less")]
pub struct Args {
    /// The program: a file or a folder
    program: PathBuf,
}

pub fn run(args: Args) -> i32 {
    let files = match Files::read(&args.program) {
        Ok(files) => files,
        Err(e) => {
            complain(&e);
            return status::COMPILE_ERROR;
        }
    };
    let compiled = compile(files, CompileOptions::default());
    report(&compiled, Format::Human, crate::base::limits::MAX_REPORTED_ERRORS);
    let Some(program) = compiled.program else { return status::COMPILE_ERROR };
    let mut text = String::new();
    let _ = disassemble(&program, &compiled.sources, &mut text);
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    status::OK
}
