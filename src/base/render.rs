//! Reports for people (miette) and for editors (JSON, one object a line). What a source holds cannot disturb a
//! terminal: control characters are shown as pictures, a very long line only around the mark, and nothing but the
//! lines around the marks is ever copied, so a report costs the same in a file of any size.
use super::diag::{Diagnostic, Severity};
use super::span::{SourceFile, SourceMap, Span};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, MietteError, MietteSpanContents, Report,
    SourceCode, SourceSpan, SpanContents,
};
use std::fmt::Write;

/// Columns if nothing is known about the terminal, and the least that still reads well.
const DEFAULT_WIDTH: usize = 100;
const MIN_WIDTH: usize = 40;
/// Lines shown between the first and the last mark: a mark further away becomes a note.
const MAX_WINDOW_LINES: u32 = 30;
/// Bytes of a line that are shown, and how many of them stand before the mark if the line is longer.
const MAX_LINE_BYTES: usize = 240;
const BYTES_BEFORE_MARK: usize = 60;

/// A report as miette draws it. `width`: columns of the terminal, if known.
pub fn human(d: &Diagnostic, sources: &SourceMap, colour: bool, width: Option<usize>) -> String {
    let Some(file) = sources.find(d.span.lo) else {
        let help = d.help.as_ref().map_or(String::new(), |h| format!("  help: {}\n", printable(h)));
        return format!("{}: {}\n{help}", word(d.severity), printable(&d.message));
    };
    let (line, column) = file.line_col(d.span.lo);
    let title = format!("{}:{line}:{column}: {}", file.name, printable(&d.message));
    let window = Window::around(file, d, line);
    let label = (!d.label.is_empty()).then(|| printable(&d.label));
    let mut labels = vec![LabeledSpan::new_primary_with_span(label, window.place(file, d.span))];
    let mut help: Vec<String> = d.help.iter().map(|h| printable(h)).collect();
    for (span, label) in &d.related {
        let label = printable(label);
        if window.holds(file, *span) {
            labels.push(LabeledSpan::new_with_span(Some(label), window.place(file, *span)));
        } else if let Some((name, line, column)) = sources.locate(span.lo) {
            help.push(format!("{name}:{line}:{column}: {label}"));
        }
    }
    let severity = match d.severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
    };
    let mut report = MietteDiagnostic::new(title.clone()).with_severity(severity).with_code(d.code).with_labels(labels);
    if !help.is_empty() {
        report = report.with_help(help.join("\n"));
    }
    let report = Report::new(report).with_source_code(window);
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(width.unwrap_or(DEFAULT_WIDTH).max(MIN_WIDTH));
    let mut out = String::new();
    if handler.render_report(&mut out, report.as_ref()).is_err() {
        return format!("{}: {title}\n", word(d.severity));
    }
    out.push('\n');
    out
}

/// The lines around a report's marks, as they are shown.
struct Window {
    name: String,
    /// Shown text; control characters are replaced by pictures of the same length where they have one.
    text: String,
    /// Offset in the file of each byte of `text`, and of its end.
    offsets: Vec<u32>,
    /// The first line's number, from 0.
    first_line: usize,
}

impl Window {
    fn around(file: &SourceFile, d: &Diagnostic, line: u32) -> Window {
        let last_line = file.line_col(file.base + file.text.len() as u32).0;
        let (mut first, mut last) = (line, line);
        for (s, _) in &d.related {
            if contains(file, *s) {
                let l = file.line_col(s.lo).0;
                if last.max(l) - first.min(l) <= MAX_WINDOW_LINES {
                    (first, last) = (first.min(l), last.max(l));
                }
            }
        }
        // The line behind a file's last newline has nothing to show.
        let end = if last_line > last && file.line_text(last_line).is_empty() { last_line - 1 } else { last_line };
        let (first, last) = ((first - 1).max(1), (last + 1).min(end));
        let mut w = Window {
            name: file.name.clone(),
            text: String::new(),
            offsets: Vec::new(),
            first_line: first as usize - 1,
        };
        for l in first..=last {
            let text = file.line_text(l);
            let start = text.as_ptr() as usize - file.text.as_ptr() as usize;
            let marks = std::iter::once(d.span).chain(d.related.iter().map(|r| r.0));
            let mark = marks.filter(|s| contains(file, *s)).map(|s| (s.lo - file.base) as usize);
            let mark = mark.filter(|m| (start..=start + text.len()).contains(m)).min().unwrap_or(start);
            w.line(text, start, mark - start);
        }
        w.offsets.push(file.text.len().min(u32::MAX as usize) as u32);
        w
    }

    /// Adds a line that begins at offset `start` and has a mark at byte `mark`.
    fn line(&mut self, text: &str, start: usize, mark: usize) {
        let (mut lo, mut hi) = (0, text.len());
        if hi > MAX_LINE_BYTES {
            lo = boundary(text, mark.saturating_sub(BYTES_BEFORE_MARK));
            hi = boundary(text, (lo + MAX_LINE_BYTES).min(text.len()));
        }
        if lo > 0 {
            self.push('…', start + lo);
        }
        for (i, c) in text[lo..hi].char_indices() {
            self.push(picture(c), start + lo + i);
        }
        if hi < text.len() {
            self.push('…', start + hi);
        }
        self.push('\n', start + text.len());
    }

    fn push(&mut self, c: char, offset: usize) {
        self.text.push(c);
        self.offsets.resize(self.text.len(), offset as u32);
    }

    /// Whether the beginning of a span is shown.
    fn holds(&self, file: &SourceFile, s: Span) -> bool {
        let shown = self.first_line as u32 + 1..=(self.first_line + self.text.matches('\n').count()) as u32;
        contains(file, s) && shown.contains(&file.line_col(s.lo).0)
    }

    /// Where a span lies in the shown text: up to the end of its first line.
    fn place(&self, file: &SourceFile, s: Span) -> std::ops::Range<usize> {
        let at = |p: u32| {
            let offset = p.saturating_sub(file.base);
            self.offsets.partition_point(|&o| o < offset).min(self.text.len())
        };
        let lo = at(s.lo);
        let lo = if lo == self.text.len() { lo.saturating_sub(1) } else { lo };
        let line_end = self.text[lo..].find('\n').map_or(self.text.len(), |i| lo + i);
        lo..at(s.hi).clamp(lo, line_end.max(lo))
    }
}

impl SourceCode for Window {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner = self.text.read_span(span, before, after)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            inner.data(),
            *inner.span(),
            inner.line() + self.first_line,
            inner.column(),
            inner.line_count(),
        )))
    }
}

/// The last character boundary up to `at`.
fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn contains(file: &SourceFile, s: Span) -> bool {
    s.lo >= file.base && s.lo as usize <= file.base as usize + file.text.len()
}

/// A character as it may be shown: a control character's picture.
fn picture(c: char) -> char {
    match c {
        '\t' | '\n' => c,
        '\0'..='\x1f' => char::from_u32(0x2400 + c as u32).unwrap_or('␦'),
        '\x7f' => '␡',
        c if c.is_control() || is_direction(c) => '␦',
        c => c,
    }
}

/// Characters that change the order in which a terminal shows others.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

fn printable(text: &str) -> String {
    text.chars().map(picture).collect()
}

fn word(s: Severity) -> &'static str {
    match s {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// A report as one line of JSON.
pub fn json(d: &Diagnostic, sources: &SourceMap) -> String {
    let mut out = String::from("{");
    if let Some((file, line, column)) = sources.locate(d.span.lo) {
        let (end_line, end_column) =
            sources.locate(d.span.hi.max(d.span.lo)).map_or((line, column), |(_, l, c)| (l, c));
        let _ = write!(out, "\"file\":{},\"line\":{line},\"column\":{column},", quote(file));
        let _ = write!(out, "\"end\":{{\"line\":{end_line},\"column\":{end_column}}},");
    }
    let _ = write!(out, "\"severity\":\"{}\",\"code\":{}", word(d.severity), quote(d.code));
    let _ = write!(out, ",\"message\":{}", quote(&d.message));
    if let Some(help) = &d.help {
        let _ = write!(out, ",\"help\":{}", quote(help));
    }
    out.push_str("}\n");
    out
}

/// A string as JSON.
pub fn quote(s: &str) -> String {
    let mut out = String::from("\"");
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || is_direction(c) || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
