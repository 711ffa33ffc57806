//! Turns the output of package testing into events, one JSON object a line, as Go's test2json does.
//!
//! With `-test.v=test2json` lines that frame tests begin with ^V; what tests print themselves is escaped with ^[, and texts of
//! failures stand between ^O and ^N. Lines come in pieces if they are long; a piece never ends inside a character.
use std::time::Instant;

const FRAME: u8 = 0x16;
const ERROR_BEGIN: u8 = 0x0f;
const ERROR_END: u8 = 0x0e;
const ESCAPE: u8 = 0x1b;

/// Longest line in which framing is recognised, and longest output of one event.
const INPUT_BYTES: usize = 4096;
const OUTPUT_BYTES: usize = 1024;

const UPDATES: [&str; 9] = [
    "=== RUN   ",
    "=== PAUSE ",
    "=== CONT  ",
    "=== NAME  ",
    "=== PASS  ",
    "=== FAIL  ",
    "=== SKIP  ",
    "=== ATTR  ",
    "=== ARTIFACTS ",
];
const REPORTS: [&str; 4] = ["--- PASS: ", "--- FAIL: ", "--- SKIP: ", "--- BENCH: "];

#[derive(Default)]
struct Event {
    action: String,
    test: String,
    elapsed: Option<f64>,
    output: Option<Vec<u8>>,
    output_type: &'static str,
    failed_build: String,
    key: String,
    value: String,
    path: String,
}

/// Cuts what comes into lines, and lines that are too long into pieces.
struct Lines {
    buffer: Vec<u8>,
    most: usize,
    /// A piece of the line has been given already.
    midway: bool,
    escaped: bool,
}

enum Piece {
    Line(Vec<u8>),
    Part(Vec<u8>),
}

impl Lines {
    fn new(most: usize) -> Lines {
        Lines { buffer: Vec::new(), most, midway: false, escaped: false }
    }

    /// Where the line at the start of the bytes ends: behind a line feed, or before a frame's mark.
    fn end_of_line(&mut self, bytes: &[u8]) -> Option<(usize, usize)> {
        for (i, &c) in bytes.iter().enumerate() {
            match c {
                b'\n' => return Some((i, 1)),
                _ if self.escaped => self.escaped = false,
                ESCAPE => self.escaped = true,
                FRAME if i > 0 => return Some((i, 0)),
                _ => {}
            }
        }
        None
    }

    fn write(&mut self, mut bytes: &[u8], out: &mut Vec<Piece>) {
        while !bytes.is_empty() {
            let taken = (self.most - self.buffer.len()).min(bytes.len());
            self.buffer.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            let text = std::mem::take(&mut self.buffer);
            let mut i = 0;
            while i < text.len() {
                let Some((at, width)) = self.end_of_line(&text[i..]) else {
                    // A benchmark's name is shown while the benchmark runs.
                    if !self.midway
                        && let Some(tab) = memchr::memchr(b'\t', &text[i..])
                        && is_benchmark(text[i..i + tab].trim_ascii_end())
                    {
                        out.push(Piece::Part(text[i..i + tab + 1].to_vec()));
                        self.midway = true;
                        i += tab + 1;
                    }
                    break;
                };
                let line = text[i..i + at + width].to_vec();
                out.push(if std::mem::take(&mut self.midway) { Piece::Part(line) } else { Piece::Line(line) });
                i += at + width;
            }
            if i == 0 && text.len() == self.most {
                i = whole_characters(&text);
                out.push(Piece::Part(text[..i].to_vec()));
                self.midway = true;
            }
            self.buffer.extend_from_slice(&text[i..]);
        }
    }

    fn flush(&mut self, out: &mut Vec<Piece>) {
        if !self.buffer.is_empty() {
            out.push(Piece::Part(std::mem::take(&mut self.buffer)));
        }
    }
}

fn is_benchmark(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"Benchmark") else { return false };
    String::from_utf8_lossy(rest).chars().next().is_none_or(|c| !c.is_lowercase())
}

/// How many bytes there are before a character that is not whole.
fn whole_characters(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let c = bytes[bytes.len() - back];
        if c & 0xc0 != 0x80 {
            let needs = match c {
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf7 => 4,
                _ => 1,
            };
            return if needs > back { bytes.len() - back } else { bytes.len() };
        }
    }
    bytes.len()
}

/// The events of one package.
pub struct Converter {
    package: String,
    started: Instant,
    test: String,
    /// Results that wait for the output that belongs to them, one a level.
    reports: Vec<Event>,
    result: &'static str,
    input: Lines,
    output: Lines,
    /// Only lines that are marked frame tests.
    marked: bool,
    in_error: bool,
    escaped: bool,
    events: Vec<u8>,
}

impl Converter {
    pub fn new(package: &str) -> Converter {
        Converter {
            package: package.to_string(),
            started: Instant::now(),
            test: String::new(),
            reports: Vec::new(),
            result: "",
            input: Lines::new(INPUT_BYTES),
            output: Lines::new(OUTPUT_BYTES),
            marked: false,
            in_error: false,
            escaped: false,
            events: Vec::new(),
        }
    }

    /// The first event.
    pub fn start(&self) -> Vec<u8> {
        self.line(&Event { action: "start".into(), ..Event::default() })
    }

    /// The events of what a package has printed.
    pub fn write(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut pieces = Vec::new();
        self.input.write(bytes, &mut pieces);
        self.take(pieces);
        std::mem::take(&mut self.events)
    }

    /// The last events.
    pub fn close(&mut self, failed: bool, not_built: bool) -> Vec<u8> {
        if failed {
            self.result = "fail";
        } else if self.result != "skip" {
            self.result = "pass";
        }
        let mut pieces = Vec::new();
        self.input.flush(&mut pieces);
        self.take(pieces);
        self.flush_output();
        let elapsed = Some((self.started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0);
        let mut event = Event { action: self.result.into(), elapsed, ..Event::default() };
        if not_built {
            event.failed_build = self.package.clone();
        }
        self.emit(event);
        std::mem::take(&mut self.events)
    }

    fn take(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            match piece {
                Piece::Line(line) => self.line_of_input(&line),
                Piece::Part(part) => self.print(&part, false),
            }
        }
    }

    fn emit(&mut self, mut event: Event) {
        if event.test.is_empty() {
            event.test.clone_from(&self.test);
        }
        let line = self.line(&event);
        self.events.extend(line);
    }

    fn line(&self, e: &Event) -> Vec<u8> {
        let now = jiff::Zoned::now();
        let zone = if now.offset() == jiff::tz::Offset::UTC { "Z".into() } else { now.strftime("%:z").to_string() };
        let mut text = format!("{{\"Time\":\"{}{zone}\"", now.strftime("%Y-%m-%dT%H:%M:%S%.f"));
        let mut field = |name: &str, value: &str| {
            if !value.is_empty() {
                text.push_str(&format!(",\"{name}\":"));
                quote(value, &mut text);
            }
        };
        field("Action", &e.action);
        field("Package", &self.package);
        field("Test", &e.test);
        if let Some(elapsed) = e.elapsed {
            text.push_str(&format!(",\"Elapsed\":{elapsed}"));
        }
        if let Some(output) = &e.output {
            text.push_str(",\"Output\":");
            quote(&String::from_utf8_lossy(output), &mut text);
        }
        let mut field = |name: &str, value: &str| {
            if !value.is_empty() {
                text.push_str(&format!(",\"{name}\":"));
                quote(value, &mut text);
            }
        };
        field("OutputType", e.output_type);
        field("FailedBuild", &e.failed_build);
        field("Key", &e.key);
        field("Value", &e.value);
        field("Path", &e.path);
        text.push_str("}\n");
        text.into_bytes()
    }

    fn line_of_input(&mut self, original: &[u8]) {
        if self.marked && original.first() != Some(&FRAME) {
            return self.print(original, false);
        }
        let marked = original.first() == Some(&FRAME);
        let mut line = original;
        if marked {
            self.flush_output();
            line = &line[1..];
        }
        let trimmed = line.strip_suffix(b"\n").unwrap_or(line);
        let trimmed = trimmed.strip_suffix(b"\r").unwrap_or(trimmed);
        if trimmed == b"=== NAME" {
            line = b"=== NAME  \n";
        }
        if trimmed == b"PASS" || trimmed == b"FAIL" || trimmed.starts_with(b"FAIL\t") {
            self.flush_reports(0);
            self.marked = marked;
            self.print(line, true);
            self.result = if trimmed == b"PASS" { "pass" } else { "fail" };
            return;
        }
        if line.starts_with(b"?   \t") && trimmed.ends_with(b"\t[no test files]") && self.reports.is_empty() {
            self.result = "skip";
        }
        let whole = line;
        let mut indent = 0;
        let starts = |line: &[u8], list: &[&str]| list.iter().any(|m| line.starts_with(m.as_bytes()));
        if !starts(line, &UPDATES) {
            while let Some(rest) = line.strip_prefix(b"    ") {
                line = rest;
                indent += 1;
            }
            if !starts(line, &REPORTS) {
                if indent > 0 && indent <= self.reports.len() {
                    self.test.clone_from(&self.reports[indent - 1].test);
                }
                return self.print(whole, false);
            }
        }
        let text = String::from_utf8_lossy(&line[4..]).into_owned();
        let (action, name) = text.split_once(' ').unwrap_or((&text, ""));
        let action = action.strip_suffix(':').unwrap_or(action).to_lowercase();
        let mut event = Event { action: action.clone(), ..Event::default() };
        let mut name = name.trim();
        if line.first() == Some(&b'-') {
            if let Some((before, after)) = name.split_once(" (") {
                if let Some(seconds) = after.strip_suffix("s)") {
                    event.elapsed = seconds.parse().ok();
                }
                name = before;
            }
            if self.reports.len() < indent {
                return self.print(whole, false);
            }
            self.marked = marked;
            self.flush_reports(indent);
            self.test = name.to_string();
            event.test = name.to_string();
            self.reports.push(event);
            return self.print(whole, true);
        }
        let rest = match action.as_str() {
            "artifacts" | "attr" => {
                let (first, rest) = name.split_once(' ').unwrap_or((name, ""));
                name = first;
                rest
            }
            _ => "",
        };
        match action.as_str() {
            "artifacts" => event.path = rest.to_string(),
            "attr" => {
                let (key, value) = rest.split_once(' ').unwrap_or((rest, ""));
                (event.key, event.value) = (key.to_string(), value.to_string());
            }
            _ => {}
        }
        self.marked = marked;
        self.flush_reports(0);
        self.test = name.to_string();
        match action.as_str() {
            "name" => {}
            // Nothing is printed by a test that has paused.
            "pause" => {
                self.print(whole, true);
                self.emit(event);
            }
            _ => {
                self.emit(event);
                self.print(whole, true);
            }
        }
    }

    /// Gives the results of all levels from this one on.
    fn flush_reports(&mut self, level: usize) {
        self.test.clear();
        while self.reports.len() > level {
            if let Some(event) = self.reports.pop() {
                self.emit(event);
            }
        }
    }

    fn print(&mut self, bytes: &[u8], frame: bool) {
        let mut pieces = Vec::new();
        self.output.write(bytes, &mut pieces);
        self.outputs(pieces, frame);
    }

    fn flush_output(&mut self) {
        let mut pieces = Vec::new();
        self.output.flush(&mut pieces);
        self.outputs(pieces, false);
    }

    fn outputs(&mut self, pieces: Vec<Piece>, frame: bool) {
        for piece in pieces {
            let (Piece::Line(text) | Piece::Part(text)) = piece;
            self.output_event(&text, frame);
        }
    }

    fn output_event(&mut self, text: &[u8], frame: bool) {
        let mut kind = match (frame, self.in_error) {
            (true, _) => "frame",
            (_, true) => "error-continue",
            _ => "",
        };
        let mut out = Vec::new();
        let mut i = 0;
        while i < text.len() {
            let c = text[i];
            i += 1;
            match c {
                _ if self.escaped => {
                    self.escaped = false;
                    out.push(c);
                }
                ESCAPE => self.escaped = true,
                ERROR_BEGIN => {
                    self.give(&mut out, kind);
                    self.in_error = true;
                    kind = "error";
                }
                ERROR_END => {
                    if text.get(i) == Some(&b'\n') {
                        out.push(b'\n');
                        i += 1;
                    }
                    self.give(&mut out, kind);
                    self.in_error = false;
                    kind = "";
                }
                c => out.push(c),
            }
        }
        self.give(&mut out, kind);
    }

    fn give(&mut self, out: &mut Vec<u8>, output_type: &'static str) {
        if !out.is_empty() {
            let output = Some(std::mem::take(out));
            self.emit(Event { action: "output".into(), output, output_type, ..Event::default() });
        }
    }
}

/// A JSON string as Go writes it.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\0'..' ' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}
