//! The command line: one file a subcommand.
pub mod check;
pub mod disasm;
pub mod limits;
pub mod run;

use crate::base::diag::Severity;
use crate::base::render;
use crate::vm::Compiled;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::io::{IsTerminal, Write};

/// Exit statuses of gmpl itself; a program's own come through `os.Exit`.
pub mod status {
    pub const OK: i32 = 0;
    pub const COMPILE_ERROR: i32 = 1;
    /// A panic or a fatal error.
    pub const FAILED: i32 = 2;
}

#[derive(Parser)]
#[command(
    name = "gmpl",
    version,
    about = "Go's concurrency as a script",
    after_help = "Exit status: 0 success, 1 compile error, 2 panic or fatal error, else the program's own.\n\
                  `gmpl prog.gm args...` is short for `gmpl run prog.gm args...`."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compile and run a program
    Run(run::Args),
    /// Compile a program and report its mistakes
    Check(check::Args),
    /// Print a program's bytecode
    Disasm(disasm::Args),
    /// Print the version
    Version,
}

/// Runs the command line; returns the exit status.
pub fn main(args: Vec<OsString>) -> i32 {
    let cli = match Cli::try_parse_from(with_run(args)) {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            return if e.use_stderr() { status::FAILED } else { status::OK };
        }
    };
    match cli.command {
        Command::Run(args) => run::run(args),
        Command::Check(args) => check::run(args),
        Command::Disasm(args) => disasm::run(args),
        Command::Version => {
            println!("gmpl {}", env!("CARGO_PKG_VERSION"));
            status::OK
        }
    }
}

/// `gmpl prog.gm` is `gmpl run prog.gm`.
fn with_run(mut args: Vec<OsString>) -> Vec<OsString> {
    let is_program = args
        .get(1)
        .and_then(|a| a.to_str())
        .is_some_and(|a| !a.starts_with('-') && (a.ends_with(".gm") || a.ends_with(".go") || a.contains('/')));
    if is_program {
        args.insert(1, "run".into());
    }
    args
}

/// How reports are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum Format {
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Prints the reports of a compilation to standard error, at most so many errors.
pub fn report(compiled: &Compiled, format: Format, max_errors: usize) {
    let list = compiled.diagnostics.sorted(&compiled.sources, max_errors);
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let mut text = String::new();
    for d in &list {
        match format {
            Format::Human => text.push_str(&render::human(d, &compiled.sources, colour, None)),
            Format::Json => text.push_str(&render::json(d, &compiled.sources)),
        }
    }
    let errors = compiled.diagnostics.list.iter().filter(|d| d.severity == Severity::Error).count();
    let shown = list.iter().filter(|d| d.severity == Severity::Error).count();
    if errors > shown && format == Format::Human && shown >= max_errors {
        text.push_str("too many errors\n");
    }
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Prints an error that is about no place in a program.
pub fn complain(message: &str) {
    let _ = writeln!(std::io::stderr().lock(), "gmpl: {message}");
}
