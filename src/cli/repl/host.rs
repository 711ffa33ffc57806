//! The outside world of a session: a terminal that belongs to the program while an input runs, and to the line editor
//! while the next is awaited. Then whole lines are printed above the prompt.
use crate::value::env::Host;
use crate::vm::host::ProcessHost;
use parking_lot::Mutex;
use std::io::Write;

/// Bytes of a line without end that are kept while the prompt waits.
const MAX_KEPT: usize = 64 << 10;

type Printer = Box<dyn FnMut(String) + Send>;

#[derive(Default)]
struct Out {
    /// Not written yet.
    kept: Vec<u8>,
    /// What was written last did not end a line.
    open: bool,
    prompt: bool,
    above: Option<Printer>,
}

pub struct ReplHost {
    out: Mutex<Out>,
    /// For all but output.
    process: ProcessHost,
}

impl ReplHost {
    pub fn new() -> ReplHost {
        ReplHost { out: Mutex::default(), process: ProcessHost::new(vec!["gmpl".into()]) }
    }

    /// How a line is printed above the prompt.
    pub fn print_above(&self, printer: Printer) {
        self.out.lock().above = Some(printer);
    }

    /// The line editor takes the terminal, or gives it back.
    pub fn at_prompt(&self, prompt: bool) {
        let mut out = self.out.lock();
        let _ = out.write();
        out.prompt = prompt;
        if !prompt {
            out.open = false;
        }
    }

    /// Ends a line that the program has left open.
    pub fn end_line(&self) {
        let mut out = self.out.lock();
        let _ = out.write();
        if out.open {
            let _ = std::io::stdout().lock().write_all(b"\n");
            out.open = false;
        }
    }
}

impl Out {
    fn write(&mut self) -> std::io::Result<()> {
        if self.kept.is_empty() {
            return Ok(());
        }
        if self.prompt
            && let Some(above) = &mut self.above
        {
            let whole = match memchr::memrchr(b'\n', &self.kept) {
                Some(i) => i + 1,
                None if self.kept.len() > MAX_KEPT => self.kept.len(),
                None => return Ok(()),
            };
            let text = String::from_utf8_lossy(&self.kept[..whole]).into_owned();
            self.kept.drain(..whole);
            above(text);
            return Ok(());
        }
        self.open = self.kept.last() != Some(&b'\n');
        let mut stdout = std::io::stdout().lock();
        let result = stdout.write_all(&self.kept).and_then(|()| stdout.flush());
        self.kept.clear();
        result
    }
}

impl Host for ReplHost {
    fn stdout(&self, bytes: &[u8]) -> std::io::Result<()> {
        let mut out = self.out.lock();
        out.kept.extend_from_slice(bytes);
        if bytes.contains(&b'\n') || out.kept.len() > MAX_KEPT {
            return out.write();
        }
        Ok(())
    }

    fn flush_stdout(&self) -> std::io::Result<()> {
        self.out.lock().write()
    }

    fn stderr(&self, bytes: &[u8]) -> std::io::Result<()> {
        let mut out = self.out.lock();
        let _ = out.write();
        if out.prompt
            && let Some(above) = &mut out.above
        {
            let mut text = String::from_utf8_lossy(bytes).into_owned();
            if !text.ends_with('\n') {
                text.push('\n');
            }
            above(text);
            return Ok(());
        }
        if out.open && bytes.starts_with(b"panic: ") {
            let _ = std::io::stdout().lock().write_all(b"\n");
        }
        out.open = bytes.last().is_some_and(|b| *b != b'\n');
        std::io::stderr().lock().write_all(bytes)
    }

    fn stdin(&self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.process.stdin(buf)
    }

    fn args(&self) -> &[String] {
        self.process.args()
    }

    fn env(&self, name: &str) -> Option<String> {
        self.process.env(name)
    }

    fn environ(&self) -> Vec<String> {
        self.process.environ()
    }
}
