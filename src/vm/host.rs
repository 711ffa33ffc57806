//! The outside world of a VM that runs as a process: its standard streams, arguments and environment.
use crate::value::env::Host;
use parking_lot::Mutex;
use std::io::{IsTerminal, Read, Write};

/// Bytes of output kept before they are written; on a terminal every write goes out at its last line end.
const BUFFER_BYTES: usize = 64 << 10;

pub struct ProcessHost {
    args: Vec<String>,
    out: Mutex<Vec<u8>>,
    terminal: bool,
}

impl ProcessHost {
    pub fn new(args: Vec<String>) -> ProcessHost {
        ProcessHost { args, out: Mutex::default(), terminal: std::io::stdout().is_terminal() }
    }
}

fn write_all(bytes: &mut Vec<u8>) -> std::io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let result = std::io::stdout().lock().write_all(bytes).and_then(|()| std::io::stdout().lock().flush());
    bytes.clear();
    result
}

impl Host for ProcessHost {
    fn stdout(&self, bytes: &[u8]) -> std::io::Result<()> {
        let mut out = self.out.lock();
        out.extend_from_slice(bytes);
        if out.len() >= BUFFER_BYTES || (self.terminal && bytes.contains(&b'\n')) {
            return write_all(&mut out);
        }
        Ok(())
    }

    fn flush_stdout(&self) -> std::io::Result<()> {
        write_all(&mut self.out.lock())
    }

    fn stderr(&self, bytes: &[u8]) -> std::io::Result<()> {
        // In order with what was printed before.
        let mut out = self.out.lock();
        let _ = write_all(&mut out);
        std::io::stderr().lock().write_all(bytes)
    }

    fn stdin(&self, buf: &mut [u8]) -> std::io::Result<usize> {
        std::io::stdin().lock().read(buf)
    }

    fn args(&self) -> &[String] {
        &self.args
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn environ(&self) -> Vec<String> {
        std::env::vars().map(|(k, v)| format!("{k}={v}")).collect()
    }
}
