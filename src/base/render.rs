//! Reports for people (miette) and for editors (JSON, one object a line).
use super::diag::{Diagnostic, Severity};
use super::span::{SourceMap, Span};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use std::fmt::Write;

/// A report as miette draws it. `width`: columns of the terminal, if known.
pub fn human(d: &Diagnostic, sources: &SourceMap, colour: bool, width: Option<usize>) -> String {
    let severity = match d.severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
    };
    let Some(file) = sources.find(d.span.lo) else {
        return format!("{}: {}\n", word(d.severity), d.message);
    };
    let (line, column) = file.line_col(d.span.lo);
    let span = |s: Span| {
        let lo = (s.lo.saturating_sub(file.base) as usize).min(file.text.len());
        let hi = (s.hi.saturating_sub(file.base) as usize).min(file.text.len());
        lo..hi.max(lo)
    };
    let label = if d.label.is_empty() { None } else { Some(d.label.clone()) };
    let mut labels = vec![LabeledSpan::new_primary_with_span(label, span(d.span))];
    let mut help = d.help.clone();
    for (s, text) in &d.related {
        let same_file = s.lo >= file.base && s.lo as usize <= file.base as usize + file.text.len();
        if same_file {
            labels.push(LabeledSpan::new_with_span(Some(text.clone()), span(*s)));
        } else if let Some((name, line, _)) = sources.locate(s.lo) {
            let note = format!("{name}:{line}: {text}");
            help = Some(help.map_or(note.clone(), |h| format!("{h}\n{note}")));
        }
    }
    let mut report = MietteDiagnostic::new(format!("{}:{line}:{column}: {}", file.name, d.message))
        .with_severity(severity)
        .with_code(d.code)
        .with_labels(labels);
    if let Some(help) = help {
        report = report.with_help(help);
    }
    let report = Report::new(report).with_source_code(NamedSource::new(&file.name, file.text.clone()));
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(width.unwrap_or(100).max(40));
    let mut out = String::new();
    if handler.render_report(&mut out, report.as_ref()).is_err() {
        return format!("{}:{line}:{column}: {}: {}\n", file.name, word(d.severity), d.message);
    }
    out.push('\n');
    out
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

fn quote(s: &str) -> String {
    let mut out = String::from("\"");
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
