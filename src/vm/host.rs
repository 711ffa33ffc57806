//! The outside world of a VM that runs as a process: its standard streams, arguments and environment.
use super::pane::Pane;
use crate::value::env::Host;
use parking_lot::Mutex;
use std::io::{BufRead, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Bytes of output kept before they are written; on a terminal every write goes out at its last line end.
const BUFFER_BYTES: usize = 64 << 10;

/// How long after its end a run that still has natives at work keeps the process.
const PATIENCE: Duration = Duration::from_millis(60);

pub struct ProcessHost {
    args: Vec<String>,
    out: Mutex<Vec<u8>>,
    terminal: bool,
    /// Bytes of standard input that have been read before they were asked for.
    input: Mutex<usize>,
    /// The first failure to write.
    failed: Mutex<Option<std::io::Error>>,
    /// The run is over.
    ending: AtomicBool,
    /// A bit for each signal that the program listens to.
    heard: AtomicU64,
    /// What is to be done when the run lasts.
    later: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// What is to be done before the process ends.
    at_end: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// Where output goes while the terminal shows something else.
    pane: OnceLock<Arc<Pane>>,
    /// It runs tests: who started it tells of its exit status.
    tests: bool,
}

impl ProcessHost {
    pub fn new(args: Vec<String>) -> ProcessHost {
        ProcessHost {
            args,
            out: Mutex::default(),
            terminal: std::io::stdout().is_terminal(),
            input: Mutex::new(0),
            failed: Mutex::default(),
            ending: AtomicBool::new(false),
            heard: AtomicU64::new(0),
            later: Mutex::default(),
            at_end: Mutex::default(),
            pane: OnceLock::new(),
            tests: false,
        }
    }

    /// For a program that is run by `gmpl test`.
    pub fn for_tests(args: Vec<String>) -> ProcessHost {
        ProcessHost { tests: true, ..ProcessHost::new(args) }
    }

    /// Whether the program listens to a signal itself.
    pub fn is_heard(&self, signal: i32) -> bool {
        self.heard.load(SeqCst) >> signal & 1 != 0
    }

    /// Calls `f` if the run lasts longer than a moment.
    pub fn when_lasting(&self, f: impl FnOnce() + Send + 'static) {
        *self.later.lock() = Some(Box::new(f));
    }

    /// Output is kept in the pane until that has been printed.
    pub fn show_in(&self, pane: Arc<Pane>) {
        let _ = self.pane.set(pane);
    }

    fn keeps(&self, is_error: bool, bytes: &[u8]) -> bool {
        self.pane.get().is_some_and(|pane| pane.put(is_error, bytes))
    }

    /// Calls `f` once when the run has ended, by whatever, before the process does.
    pub fn when_ended(&self, f: impl FnOnce() + Send + 'static) {
        *self.at_end.lock() = Some(Box::new(f));
    }

    /// Does what is to be done at the end, or waits until another thread has done it.
    pub fn do_last_things(&self) {
        let mut at_end = self.at_end.lock();
        if let Some(f) = at_end.take() {
            f();
        }
    }

    /// The first failure to write to standard output, if there was one.
    pub fn write_error(&self) -> Option<std::io::Error> {
        self.failed.lock().take()
    }

    fn write_all(&self, bytes: &mut Vec<u8>) -> std::io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let result = std::io::stdout().lock().write_all(bytes).and_then(|()| std::io::stdout().lock().flush());
        bytes.clear();
        if let Err(e) = &result {
            if e.kind() == std::io::ErrorKind::BrokenPipe {
                self.do_last_things();
                end_by_pipe();
            }
            let copy = e.raw_os_error().map_or_else(|| e.kind().into(), std::io::Error::from_raw_os_error);
            self.failed.lock().get_or_insert(copy);
        }
        result
    }
}

/// A run's last words without the line about its exit status.
pub fn words_of_test(text: &[u8]) -> &[u8] {
    let Some(line) = text.strip_suffix(b"\n") else { return text };
    let start = memchr::memrchr(b'\n', line).map_or(0, |i| i + 1);
    if line[start..].starts_with(b"exit status ") { &text[..start] } else { text }
}

/// The reader of standard output has gone: the process ends as the signal that says so ends it, without a word.
fn end_by_pipe() {
    // SAFETY: the default action is restored, then taken.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::raise(libc::SIGPIPE);
    }
}

/// Reads standard input, of which `left` bytes have been read before they were asked for.
fn take_input(left: &mut usize, buf: &mut [u8]) -> std::io::Result<usize> {
    let mut stdin = std::io::stdin().lock();
    let there = stdin.fill_buf()?;
    let n = there.len().min(buf.len());
    buf[..n].copy_from_slice(&there[..n]);
    *left = there.len() - n;
    stdin.consume(n);
    Ok(n)
}

impl Host for ProcessHost {
    fn stdout(&self, bytes: &[u8]) -> std::io::Result<()> {
        if self.keeps(false, bytes) {
            return Ok(());
        }
        let mut out = self.out.lock();
        out.extend_from_slice(bytes);
        if out.len() >= BUFFER_BYTES || (self.terminal && bytes.contains(&b'\n')) {
            return self.write_all(&mut out);
        }
        Ok(())
    }

    fn flush_stdout(&self) -> std::io::Result<()> {
        self.write_all(&mut self.out.lock())
    }

    fn stderr(&self, bytes: &[u8]) -> std::io::Result<()> {
        if self.keeps(true, bytes) {
            return Ok(());
        }
        // In order with what was printed before.
        let mut out = self.out.lock();
        let _ = self.write_all(&mut out);
        std::io::stderr().lock().write_all(bytes)
    }

    fn last_words(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.stderr(if self.tests { words_of_test(bytes) } else { bytes })
    }

    fn hear(&self, signal: i32, heard: bool) -> bool {
        let bit = 1 << signal;
        match heard {
            true => self.heard.fetch_or(bit, SeqCst),
            false => self.heard.fetch_and(!bit, SeqCst),
        };
        [libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGHUP].contains(&signal)
    }

    fn lasts(&self) {
        let later = self.later.lock().take();
        if let Some(f) = later {
            f();
        }
    }

    fn ended(&self, status: i32) {
        self.do_last_things();
        if self.ending.swap(true, SeqCst) {
            return;
        }
        let late = move || {
            std::thread::sleep(PATIENCE);
            let _ = std::io::stdout().flush();
            std::process::exit(status);
        };
        let _ = std::thread::Builder::new().name("gmpl-end".into()).stack_size(64 << 10).spawn(late);
        // Before the process is ended from under those who would write it; it is ended also if nobody reads.
        let _ = self.flush_stdout();
    }

    fn stdin(&self, buf: &mut [u8]) -> std::io::Result<usize> {
        take_input(&mut self.input.lock(), buf)
    }

    fn stdin_at_hand(&self, buf: &mut [u8]) -> Option<usize> {
        let mut left = self.input.try_lock().filter(|left| **left > 0)?;
        take_input(&mut left, buf).ok()
    }

    fn stdin_descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        // SAFETY: standard input stays open as long as the process.
        Some(unsafe { std::os::fd::BorrowedFd::borrow_raw(0) })
    }

    fn args(&self) -> &[String] {
        &self.args
    }

    fn executable(&self) -> std::io::Result<std::path::PathBuf> {
        let script = self.args.first().map(std::path::PathBuf::from).filter(|a| self.tests && a.is_absolute());
        script.map_or_else(std::env::current_exe, Ok)
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn environ(&self) -> Vec<String> {
        std::env::vars().map(|(k, v)| format!("{k}={v}")).collect()
    }
}

/// A host that takes only so many bytes of output.
pub struct Bounded {
    inner: Arc<dyn Host>,
    left: AtomicU64,
    full: Arc<AtomicBool>,
}

impl Bounded {
    /// `full` is set when bytes were refused.
    pub fn new(inner: Arc<dyn Host>, max: u64, full: Arc<AtomicBool>) -> Bounded {
        Bounded { inner, left: AtomicU64::new(max), full }
    }

    /// How many of `n` bytes may still be written.
    fn take(&self, n: usize) -> usize {
        let left = self.left.fetch_update(Relaxed, Relaxed, |left| Some(left - left.min(n as u64))).unwrap_or(0);
        let taken = left.min(n as u64) as usize;
        if taken < n {
            self.full.store(true, SeqCst);
        }
        taken
    }
}

impl Host for Bounded {
    fn stdout(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.inner.stdout(&bytes[..self.take(bytes.len())])
    }

    fn flush_stdout(&self) -> std::io::Result<()> {
        self.inner.flush_stdout()
    }

    fn stderr(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.inner.stderr(&bytes[..self.take(bytes.len())])
    }

    fn last_words(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.inner.last_words(bytes)
    }

    fn hear(&self, signal: i32, heard: bool) -> bool {
        self.inner.hear(signal, heard)
    }

    fn lasts(&self) {
        self.inner.lasts();
    }

    fn ended(&self, status: i32) {
        self.inner.ended(status);
    }

    fn stdin(&self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.inner.stdin(buf)
    }

    fn stdin_at_hand(&self, buf: &mut [u8]) -> Option<usize> {
        self.inner.stdin_at_hand(buf)
    }

    fn stdin_descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        self.inner.stdin_descriptor()
    }

    fn args(&self) -> &[String] {
        self.inner.args()
    }

    fn env(&self, name: &str) -> Option<String> {
        self.inner.env(name)
    }

    fn environ(&self) -> Vec<String> {
        self.inner.environ()
    }
}
