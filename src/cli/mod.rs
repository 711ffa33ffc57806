//! The command line: one file a subcommand.
pub mod check;
mod debug;
pub mod disasm;
pub mod doc;
pub mod limits;
mod live;
mod pages;
pub mod permissions;
pub mod prof;
pub mod profiles;
pub mod repl;
pub mod run;
mod shell;
pub mod signals;
pub mod terminal;
pub mod test;
pub mod trace;

use crate::base::diag::Severity;
use crate::base::limits::{MAX_PROCS, SEEDED_PROCS};
use crate::base::render;
use crate::vm::constraint::Tags;
use crate::vm::{Compiled, RunOptions};
use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::OsString;
use std::io::Write;

/// Exit statuses of gmpl itself; a program's own come through `os.Exit`.
pub mod status {
    pub const OK: i32 = 0;
    pub const COMPILE_ERROR: i32 = 1;
    /// A panic or a fatal error, or a wrong command line.
    pub const FAILED: i32 = 2;
    /// Goroutines that can never go on.
    pub const LEAKS: i32 = 3;
    /// Ctrl-C: 128 and the signal's number, as shells say it.
    pub const INTERRUPTED: i32 = 130;
}

/// What every help text of a command that runs programs says about its status.
macro_rules! statuses {
    () => {
        "\
Exit status:
  0    success
  1    the program has errors, or cannot be read
  2    a panic or a fatal error of the program; a wrong command line
  3    goroutines were leaked (with --leaks)
  130  stopped by Ctrl-C
  else what the program gave to os.Exit"
    };
}
pub(crate) use statuses;

const AFTER_HELP: &str = concat!(
    statuses!(),
    "

Environment:
  GOMAXPROCS   logical processors
  NO_COLOR     no colours, as --color never
  GOGC, GOMEMLIMIT
               when to collect, as in Go
  GMPLDEBUG    gctrace=1: a line for each collection; gcpauses=1: how long the world was stopped, at the end;
               schedtrace=100: the scheduler's state every 100 ms, with scheddetail=1 also that of each P, M and G

`gmpl prog.gm args...` is short for `gmpl run prog.gm args...`; `gmpl` alone begins a session on a terminal,
and runs what comes through a pipe.

Example: gmpl -e 'fmt.Println(\"hello\")'"
);

#[derive(Parser)]
#[command(name = "gmpl", bin_name = "gmpl", version, about = "Go's concurrency as a script", after_help = AFTER_HELP)]
struct Cli {
    /// Colours in reports
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: terminal::Colour,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compile and run a program
    Run(run::Args),
    /// Run a program and write what its scheduler did, as a page for the browser
    Trace(Box<trace::Args>),
    /// Begin a session: inputs are run as they are typed
    Repl(repl::Args),
    /// Compile a program and report its mistakes
    Check(check::Args),
    /// Run the tests of packages
    Test(Box<test::Args>),
    /// Show a profile: where the time goes, what is allocated, who waits
    Prof(prof::Args),
    /// Show what a package, or a name in it, is for
    Doc(doc::Args),
    /// Print a program's bytecode
    Disasm(disasm::Args),
    /// Print the version and what is inside
    #[command(after_help = "Example: gmpl version")]
    Version,
    /// Print a script that completes gmpl's commands and flags in a shell
    #[command(after_help = "Example: gmpl completions bash > ~/.local/share/bash-completion/completions/gmpl")]
    Completions(shell::CompletionArgs),
    /// Print the manual page
    #[command(after_help = "Example: gmpl man > ~/.local/share/man/man1/gmpl.1")]
    Man,
}

/// Runs the command line; returns the exit status.
pub fn main(args: Vec<OsString>) -> i32 {
    if let Some(args) = plain_run(&args) {
        return run::run(args, terminal::Colour::default());
    }
    if args.get(1).is_some_and(|a| a == test::BINARY) {
        return match test::BinaryArgs::try_parse_from(&args[1..]) {
            Ok(args) => test::run_binary(args),
            Err(e) => wrong(e),
        };
    }
    let cli = match Cli::try_parse_from(with_command(args)) {
        Ok(cli) => cli,
        Err(e) => return wrong(e),
    };
    let colour = cli.color;
    match cli.command {
        Command::Run(args) => run::run(args, colour),
        Command::Trace(args) => trace::run(*args, colour),
        Command::Repl(args) => repl::run(args, colour),
        Command::Check(args) => check::run(args, colour),
        Command::Test(args) => test::run(*args, colour),
        Command::Prof(args) => prof::run(args),
        Command::Doc(args) => doc::run(args),
        Command::Disasm(args) => disasm::run(args, colour),
        Command::Version => shell::version(),
        Command::Completions(args) => shell::completions(args, Cli::command()),
        Command::Man => shell::man(Cli::command()),
    }
}

/// Shows a help text, or what is wrong with the command line and what may have been meant.
fn wrong(mut e: clap::Error) -> i32 {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    if e.kind() == ErrorKind::InvalidSubcommand
        && e.get(ContextKind::SuggestedSubcommand).is_none()
        && let Some(ContextValue::String(name)) = e.get(ContextKind::InvalidSubcommand)
    {
        let near = Cli::command();
        let near = near.get_subcommands().map(|c| (strsim::damerau_levenshtein(c.get_name(), name), c.get_name()));
        match near.min().filter(|n| n.0 <= 2 && n.0 < name.chars().count()) {
            Some((_, near)) => {
                let near = ContextValue::Strings(vec![near.to_string()]);
                e.insert(ContextKind::SuggestedSubcommand, near);
            }
            None => {
                let tip = "there is no such file or folder either; `gmpl help` lists the commands".to_string();
                e.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
            }
        }
    }
    let text = |colour| if colour { e.render().ansi().to_string() } else { e.render().to_string() };
    let colour = terminal::Colour::default();
    if e.use_stderr() {
        let _ = std::io::stderr().lock().write_all(text(colour.on_stderr()).as_bytes());
        return status::FAILED;
    }
    answer(&text(colour.on_stdout()))
}

/// A program to run and no flag: clap would say the same, after building all that it knows of all commands.
fn plain_run(args: &[OsString]) -> Option<run::Args> {
    let texts: Vec<&str> = args.iter().skip(1).map(|a| a.to_str()).collect::<Option<_>>()?;
    let (program, rest) = match texts.split_first()? {
        (&"run", rest) => rest.split_first()?,
        (program, rest) if names_program(program) => (program, rest),
        _ => return None,
    };
    let plain = |a: &&str| !a.starts_with('-');
    (!program.is_empty() && plain(program) && rest.iter().all(plain)).then(|| run::Args::plain(program, rest))
}

/// Whether a first argument is a program and no command.
fn names_program(a: &str) -> bool {
    a == "-" || a == "-e" || !a.starts_with('-') && (a.ends_with(".gm") || a.ends_with(".go") || a.contains('/'))
}

/// `gmpl prog.gm` is `gmpl run prog.gm`, `gmpl -e code` is `gmpl run -e code`; without arguments it depends on where the
/// input comes from.
fn with_command(mut args: Vec<OsString>) -> Vec<OsString> {
    if args.len() <= 1 {
        match terminal::is_input() {
            true => args.push("repl".into()),
            false => args.extend(["run".into(), "-".into()]),
        }
        return args;
    }
    if args[1] == "test" {
        return test::plain_flags(args);
    }
    let is_program = args[1].to_str().is_some_and(names_program);
    // `#!/usr/bin/env gmpl` in a file of any name, or a folder.
    let is_there = || {
        let path = std::path::Path::new(&args[1]);
        let known = args[1].to_str().is_some_and(|a| a == "help" || Cli::command().find_subcommand(a).is_some());
        !known && path.exists()
    };
    if is_program || is_there() {
        args.insert(1, "run".into());
    }
    args
}

/// `--procs`.
fn parse_procs(text: &str) -> Result<usize, String> {
    let n = text.parse().ok().filter(|n| (1..=MAX_PROCS).contains(n));
    n.ok_or_else(|| format!("not a number from 1 to {MAX_PROCS}"))
}

/// The number that was asked for, else `$GOMAXPROCS` if it is one, as in Go.
fn set_procs(options: &mut RunOptions, asked: Option<usize>) {
    let environment = || std::env::var("GOMAXPROCS").ok()?.parse::<i32>().ok().filter(|n| *n > 0).map(|n| n as usize);
    if let Some(n) = asked.or_else(environment) {
        options.procs = n.min(MAX_PROCS);
    } else if options.seed.is_some() {
        options.procs = SEEDED_PROCS;
    }
}

/// Which files of packages are used.
#[derive(clap::Args, Default)]
pub struct Build {
    /// Build tags that are set, for files with //go:build lines; separated by commas
    #[arg(long, value_name = "TAGS")]
    tags: Vec<String>,
}

impl Build {
    fn tags(&self) -> Tags {
        Tags::new(&self.tags)
    }
}

/// How reports are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Prints the reports of a compilation to standard error, at most so many errors.
pub fn report(compiled: &Compiled, format: Format, max_errors: usize, colour: terminal::Colour) {
    let list = compiled.diagnostics.sorted(&compiled.sources, max_errors);
    let (colour, width) = (colour.on_stderr(), terminal::width());
    let mut text = String::new();
    for d in &list {
        match format {
            Format::Human => text.push_str(&render::human(d, &compiled.sources, colour, width)),
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

/// Prints the answer of a command to standard output; returns the exit status. A reader that went away is no fault.
pub fn answer(text: &str) -> i32 {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            complain(&format!("cannot write to standard output: {}", terminal::why(&e)));
            status::FAILED
        }
        _ => status::OK,
    }
}
