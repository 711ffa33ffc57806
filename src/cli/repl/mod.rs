//! `gmpl repl`: a session on a terminal. Lines are edited by rustyline; whether an input is whole, the parser says.
//! While an input runs the terminal is the program's; while the next one is awaited, goroutines that go on print above
//! the prompt.
mod command;
mod helper;
mod host;

use super::terminal::Colour;
use super::{complain, signals, status};
use crate::base::diag::{Diagnostic, Diagnostics, Severity};
use crate::base::span::Span;
use crate::base::{limits, render};
use crate::vm::RunOptions;
use crate::vm::session::{Outcome, Session};
use helper::Helper;
use host::ReplHost;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{CompletionType, Config, Editor, ExternalPrinter};
use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

#[derive(clap::Args)]
#[command(after_help = "\
Example: gmpl repl
  >>> ch := make(chan int)
  >>> go func() { ch <- 42 }()
  >>> <-ch
  42 int
  >>> :help")]
pub struct Args {
    /// Logical processors (default: $GOMAXPROCS, else the CPUs)
    #[arg(long, value_name = "N", value_parser = super::parse_procs)]
    procs: Option<usize>,
    /// Where inputs are remembered (default: $GMPL_HISTORY, else gmpl/history in the state folder; empty: nowhere)
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    #[command(flatten)]
    limits: super::limits::Limits,
    #[command(flatten)]
    time: super::limits::TimeLimit,
    #[command(flatten)]
    grants: super::permissions::Grants,
    /// A program whose declarations are there from the start
    program: Option<PathBuf>,
}

/// How long an input that was interrupted may take to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a running input is looked at.
const TICK: Duration = Duration::from_millis(20);

/// Inputs that are remembered.
const HISTORY_LINES: usize = 5_000;

pub fn run(args: Args, colour: Colour) -> i32 {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    signals::on_interrupt(move || flag.store(true, SeqCst));
    // The front wing works on this thread: see `vm::compile`.
    let thread = std::thread::Builder::new().name("gmpl-repl".into()).stack_size(limits::FRONT_STACK_BYTES);
    match thread.spawn(move || Repl::new(&args, colour, interrupted).map_or_else(|s| s, |mut r| r.all(args))) {
        Ok(handle) => handle.join().unwrap_or(status::FAILED),
        Err(e) => {
            complain(&format!("cannot start a thread: {e}"));
            status::FAILED
        }
    }
}

struct Repl {
    editor: Editor<Helper, DefaultHistory>,
    session: Rc<RefCell<Session>>,
    host: Arc<ReplHost>,
    interrupted: Arc<AtomicBool>,
    history: Option<PathBuf>,
    colour: bool,
    terminal: bool,
    /// Times of each input are shown.
    timing: bool,
}

/// What follows an input.
enum Next {
    Input,
    End(i32),
}

impl Repl {
    fn new(args: &Args, colour: Colour, interrupted: Arc<AtomicBool>) -> Result<Repl, i32> {
        let terminal = super::terminal::is_input() && std::io::stdout().is_terminal();
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .max_history_size(HISTORY_LINES)
            .map(|c| c.auto_add_history(false).indent_size(4).tab_stop(4).build());
        let editor = config.and_then(Editor::<Helper, DefaultHistory>::with_config);
        let mut editor = editor.map_err(|e| {
            complain(&format!("cannot use the terminal: {e}"));
            status::FAILED
        })?;
        let host = Arc::new(ReplHost::new());
        let mut options = RunOptions { permissions: args.grants.permissions(), ..RunOptions::default() };
        args.limits.apply(&mut options);
        options.limits.time = args.time.timeout;
        super::set_procs(&mut options, args.procs);
        let session = Rc::new(RefCell::new(Session::new(host.clone(), options)));
        let colour = colour.on_stdout();
        editor.set_helper(Some(Helper::new(session.clone(), colour)));
        if terminal && let Ok(mut printer) = editor.create_external_printer() {
            host.print_above(Box::new(move |text| {
                let _ = printer.print(text);
            }));
        }
        let history = if terminal { history_file(args) } else { None };
        if let Some(path) = &history {
            let _ = editor.load_history(path);
        }
        Ok(Repl { editor, session, host, interrupted, history, colour, terminal, timing: false })
    }

    fn all(&mut self, args: Args) -> i32 {
        if self.terminal {
            self.say(&format!(
                "gmpl {}: an expression shows its value, `:help` says more, Ctrl-D ends\n",
                env!("CARGO_PKG_VERSION")
            ));
        }
        if let Some(path) = args.program
            && let Next::End(status) = self.load(&path)
        {
            return status;
        }
        loop {
            match self.prompt() {
                Next::Input => {}
                Next::End(status) => {
                    if let Some(driver) = self.session.borrow().driver() {
                        driver.flush();
                    }
                    return status;
                }
            }
        }
    }

    /// Reads one input and does what it says.
    fn prompt(&mut self) -> Next {
        self.host.at_prompt(true);
        let line = self.editor.readline(if self.terminal { ">>> " } else { "" });
        self.host.at_prompt(false);
        if let Some(status) = self.session.borrow().driver().and_then(|d| d.exited()) {
            return Next::End(status);
        }
        match line {
            Ok(line) if line.trim().is_empty() => Next::Input,
            Ok(line) => {
                self.remember(&line);
                match line.trim_start().strip_prefix(':') {
                    Some(command) => self.command(command.trim()),
                    None => self.input(&line),
                }
            }
            Err(ReadlineError::Interrupted) => Next::Input,
            Err(ReadlineError::Eof) => Next::End(status::OK),
            Err(ReadlineError::Signal(_)) => Next::Input,
            Err(e) => {
                complain(&format!("cannot read from the terminal: {e}"));
                Next::End(status::FAILED)
            }
        }
    }

    fn remember(&mut self, line: &str) {
        let _ = self.editor.add_history_entry(line);
        if let Some(path) = &self.history {
            // Written at once: a terminal may vanish.
            if self.editor.append_history(path).is_err() {
                self.history = None;
            }
        }
    }

    /// Runs an input to its end.
    fn input(&mut self, text: &str) -> Next {
        self.interrupted.store(false, SeqCst);
        let begun = Instant::now();
        let mut diags = Diagnostics::default();
        let dim = if self.colour { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
        let fed = self.session.borrow_mut().feed(text, dim, &mut diags);
        self.report(&diags);
        match fed {
            Ok(()) => {}
            Err(None) => return Next::Input,
            Err(Some(why)) => {
                complain(&format!("{why}; the session begins anew"));
                self.session.borrow_mut().reset();
                return Next::Input;
            }
        }
        let compiled = begun.elapsed();
        let next = self.finish();
        self.host.end_line();
        if self.timing {
            let (all, front) = (begun.elapsed().as_secs_f64() * 1e3, compiled.as_secs_f64() * 1e3);
            self.say(&format!("{all:.3} ms, of which {front:.3} to compile\n"));
        }
        next
    }

    /// Waits for the end of the running input; Ctrl-C interrupts it.
    fn finish(&mut self) -> Next {
        let session = self.session.borrow();
        let Some(driver) = session.driver() else { return Next::Input };
        // It may be over already: a deadlocked one is still to be taken down.
        let input = driver.last_input();
        let mut since: Option<Instant> = None;
        loop {
            match driver.wait(TICK) {
                Some(Outcome::Exited(status)) => return Next::End(status),
                Some(Outcome::Deadlocked) => {
                    // Its deferred calls run: what it has locked is unlocked.
                    if let Some(id) = input {
                        driver.interrupt(id);
                    }
                    break;
                }
                Some(Outcome::Interrupted) => {
                    driver.flush();
                    self.host.end_line();
                    self.say("interrupted\n");
                    break;
                }
                Some(_) => break,
                None => {}
            }
            if self.interrupted.swap(false, SeqCst) {
                since.get_or_insert_with(Instant::now);
            }
            if let (Some(begun), Some(id)) = (since, input) {
                driver.interrupt(id);
                if begun.elapsed() > PATIENCE {
                    driver.abandon();
                    self.host.end_line();
                    self.say("interrupted; the input waits in the system and ends when that answers\n");
                    break;
                }
            }
        }
        driver.flush();
        Next::Input
    }

    /// Prints reports. Unused names are no mistake in a session.
    fn report(&self, diags: &Diagnostics) {
        let session = self.session.borrow();
        let mut text = String::new();
        for d in diags.sorted(session.sources(), crate::base::limits::MAX_REPORTED_ERRORS) {
            if d.severity == Severity::Error || !d.code.starts_with("unused") {
                text.push_str(&self.render(d, session.sources()));
            }
        }
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    fn render(&self, d: &Diagnostic, sources: &crate::base::span::SourceMap) -> String {
        render::human(d, sources, self.colour, super::terminal::width())
    }

    fn say(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    fn error(&self, message: impl Into<String>) {
        let d = Diagnostic::error("session", Span::NONE, message);
        let text = self.render(&d, self.session.borrow().sources());
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

/// Where inputs are remembered; its folder is made.
fn history_file(args: &Args) -> Option<PathBuf> {
    let named = args.history.clone().or_else(|| std::env::var_os("GMPL_HISTORY").map(PathBuf::from));
    let path = match named {
        Some(path) if path.as_os_str().is_empty() => return None,
        Some(path) => path,
        None => {
            let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
            let state = state.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")))?;
            state.join("gmpl/history")
        }
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).ok()?;
    }
    Some(path)
}
