//! Tests of the front: trees, literals, error texts, and programs that want to break it.
mod dump;
mod errors;
mod goroot;
mod hostile;
mod incomplete;
mod literals;
mod trees;

use crate::base::diag::Diagnostics;
use crate::base::intern::Interner;
use crate::base::limits::MAX_REPORTED_ERRORS;
use crate::base::span::SourceMap;
use crate::syntax::ast::Ast;
use crate::syntax::parse_file;

/// A parsed text.
struct Text {
    ast: Ast,
    names: Interner,
    sources: SourceMap,
    diags: Diagnostics,
}

impl Text {
    fn parse(text: &str) -> Text {
        let mut sources = SourceMap::default();
        let (mut ast, mut names, mut diags) = (Ast::default(), Interner::default(), Diagnostics::default());
        let file = sources.add("t.go".into(), text.into());
        parse_file(file, &sources, &mut names, &mut ast, &mut diags);
        assert_eq!(ast.files.len(), 1, "one file, whatever the text");
        Text { ast, names, sources, diags }
    }

    /// `line: message` of each report, in order of position.
    fn errors(&self) -> Vec<String> {
        let place = |lo| self.sources.locate(lo).map_or(0, |l| l.1);
        self.diags
            .sorted(&self.sources, MAX_REPORTED_ERRORS)
            .iter()
            .map(|d| format!("{}: {}", place(d.span.lo), d.message))
            .collect()
    }
}

/// The file's items as S-expressions; the text must have no errors.
fn tree(text: &str) -> String {
    let t = Text::parse(text);
    assert_eq!(t.errors(), Vec::<String>::new(), "{text}");
    dump::file(&t)
}
