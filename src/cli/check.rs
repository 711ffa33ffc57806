//! `gmpl check`.
use super::terminal::Colour;
use super::{Format, complain, report, status};
use crate::base::diag::Severity;
use crate::types::vet::WARNINGS;
use crate::vm::source::Files;
use crate::vm::{CompileOptions, compile};
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(after_help = "\
Besides errors it reports what is legal and most likely wrong; `gmpl check --warnings` lists what it knows. A comment
//gmpl:allow CODE on the line of a warning, or alone on the line above, silences it there.

Examples:
  gmpl check prog.gm
  gmpl check --format json --allow shadowed-error ./cmd/server

Exit status: 0; 1 if there are errors, or warnings with --deny; 2 for a wrong command line")]
pub struct Args {
    #[command(flatten)]
    build: super::Build,
    /// Unused names of scripts are errors
    #[arg(long)]
    strict: bool,
    /// How many errors are reported; 0: all of them
    #[arg(long, value_name = "N", default_value_t = crate::base::limits::MAX_REPORTED_ERRORS)]
    max_errors: usize,
    /// How reports are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// A warning that is not wanted (all: none of them); may be given several times
    #[arg(long, value_name = "CODE", value_parser = codes())]
    allow: Vec<String>,
    /// Exit with 1 if there are warnings
    #[arg(long)]
    deny: bool,
    /// List the warnings
    #[arg(long)]
    warnings: bool,
    /// The program: a file, a folder, or - for standard input
    #[arg(required_unless_present = "warnings")]
    program: Option<PathBuf>,
}

/// Warnings of the checker itself.
const OWN: &[(&str, &str)] = &[
    ("unused-variable", "a variable of a script is never read"),
    ("unused-import", "an import of a script is not used"),
];

fn all() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    OWN.iter().chain(WARNINGS)
}

fn codes() -> clap::builder::PossibleValuesParser {
    all().map(|w| w.0).chain(["all"]).collect::<Vec<_>>().into()
}

pub fn run(args: Args, colour: Colour) -> i32 {
    let Some(program) = args.program else {
        return super::answer(&all().map(|(code, what)| format!("{code:<18} {what}\n")).collect::<String>());
    };
    match Files::read(&program, &args.build.tags()) {
        Ok(files) => {
            let vet = !args.allow.iter().any(|a| a == "all");
            let options = CompileOptions { strict: args.strict, vet, check_only: true, ..Default::default() };
            let mut compiled = compile(files, options);
            let list = &mut compiled.diagnostics.list;
            list.retain(|d| d.severity == Severity::Error || (vet && !args.allow.iter().any(|a| a == d.code)));
            let warned = !list.is_empty();
            let max = if args.max_errors == 0 { usize::MAX } else { args.max_errors };
            report(&compiled, args.format, max, colour);
            let fails = compiled.diagnostics.has_errors() || (args.deny && warned);
            if fails { status::COMPILE_ERROR } else { status::OK }
        }
        Err(e) => {
            complain(&e);
            status::COMPILE_ERROR
        }
    }
}
