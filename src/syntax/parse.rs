//! Tokens to tree.
use super::build::Builder;
use super::lex;
use crate::base::diag::Diagnostics;
use crate::base::intern::Interner;
use crate::base::span::{FileId, SourceMap, Span};
use crate::syntax::ast::{Ast, File};

lalrpop_util::lalrpop_mod!(
    #[allow(clippy::all, unused_imports, unused_parens, unused_variables, unused_mut)]
    #[rustfmt::skip]
    grammar,
    "/gmpl.rs"
);

/// Parses one file and adds it to the tree, whatever is wrong with it.
pub fn parse_file(
    file: FileId,
    sources: &SourceMap,
    names: &mut Interner,
    ast: &mut Ast,
    diags: &mut Diagnostics,
) {
    let source = sources.file(file);
    parse(file, &source.text, source.base, names, ast, diags);
}

/// Whether a text is the beginning of something longer: its only fault is that it ends.
pub fn is_incomplete(text: &str) -> bool {
    let (mut names, mut ast, mut diags) = (Interner::default(), Ast::default(), Diagnostics::default());
    let incomplete = parse(FileId(0), text, 1, &mut names, &mut ast, &mut diags);
    let open = diags.list.iter().any(|d| {
        d.message.contains("not terminated") && !d.message.starts_with("rune")
    });
    (incomplete && diags.list.len() == 1) || open
}

/// Returns whether the text ended too early.
fn parse(
    file: FileId,
    text: &str,
    base: u32,
    names: &mut Interner,
    ast: &mut Ast,
    diags: &mut Diagnostics,
) -> bool {
    let before = diags.list.len();
    let tokens = lex::lex(text, base, names, diags);
    let lexical = diags.list.len() > before;
    let mut b = Builder::new(ast, names, diags);
    let result = grammar::FileParser::new().parse(&mut b, tokens.into_iter().map(Ok::<_, ()>));
    if let Err(e) = result
        && !lexical
    {
        b.parse_error(e);
    }
    let incomplete = b.incomplete;
    let (package, items) = (b.package, std::mem::take(&mut b.items));
    let span = Span::new(base, base + text.len() as u32);
    ast.files.push(File { id: file, package, items, span });
    incomplete
}
