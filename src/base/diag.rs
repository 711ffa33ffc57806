//! Diagnostics: what the front wing says about a program, and how it is shown.
use super::span::{SourceMap, Span};

#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

/// One report: a message, the place it is about, and what to do.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub severity: Severity,
    /// A stable, short, kebab-case name of the kind of mistake, e.g. `unused-variable`.
    pub code: &'static str,
    /// One sentence, lower case, no full stop; Go's own wording where it is clear.
    pub message: String,
    pub span: Span,
    /// Text under the marked source, e.g. `declared here and never read`; may be empty.
    pub label: String,
    /// Further places, each with its label.
    pub related: Vec<(Span, String)>,
    pub help: Option<String>,
}

/// The code of imports of packages that are not there.
pub const IMPORT: &str = "import";
/// The codes of syntax errors, and of those that leave the tree whole.
pub const SYNTAX: &str = "syntax";
pub const SOFT: &str = "syntax-soft";
/// A malformed token; it stands in the tree as a bad expression.
pub const LEXICAL: &str = "lexical";

impl Diagnostic {
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            span,
            label: String::new(),
            related: Vec::new(),
            help: None,
        }
    }

    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, span, message) }
    }

    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = label.into();
        self
    }

    pub fn related(mut self, span: Span, label: impl Into<String>) -> Diagnostic {
        self.related.push((span, label.into()));
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }
}

/// The reports of one compilation, in the order they were found.
#[derive(Default)]
pub struct Diagnostics {
    pub list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// There is an error after which the tree cannot be checked.
    pub fn has_hard_errors(&self) -> bool {
        // As in Go: what is no "syntax error" does not keep a program from being checked.
        let soft = |d: &Diagnostic| match d.code {
            SOFT | LEXICAL => true,
            SYNTAX => !d.message.starts_with("syntax error"),
            _ => false,
        };
        self.list.iter().any(|d| d.severity == Severity::Error && !soft(d))
    }

    /// All that keeps the tree from being checked is that packages are missing.
    pub fn lacks_packages_only(&self) -> bool {
        let known = |d: &Diagnostic| d.severity == Severity::Warning || matches!(d.code, IMPORT | SOFT | LEXICAL);
        self.has_hard_errors() && self.list.iter().all(known)
    }

    pub fn push(&mut self, d: Diagnostic) {
        self.list.push(d);
    }

    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// Sorted by position, one per line and message, at most `max` errors.
    pub fn sorted(&self, sources: &SourceMap, max: usize) -> Vec<&Diagnostic> {
        let mut all: Vec<_> = self.list.iter().collect();
        all.sort_by_key(|d| (d.span.lo, d.span.hi));
        let line = |d: &Diagnostic| sources.locate(d.span.lo).map(|(file, line, _)| (file.to_string(), line));
        all.dedup_by(|a, b| a.message == b.message && line(a) == line(b));
        let mut errors = 0;
        all.retain(|d| {
            errors += (d.severity == Severity::Error) as usize;
            d.severity != Severity::Error || errors <= max
        });
        all
    }
}
