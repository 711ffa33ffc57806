//! Tokens to tree. The generated parser stops at the first error; the error is explained, the tokens are repaired, and
//! the top-level item it was in is parsed again. The parser never calls itself, so no nesting exhausts the native
//! stack, and what is kept of an abandoned attempt is nothing: the tree is cut back to the last complete item.
use super::build::{Builder, Mark, Parsed};
use super::context::{contextual, plain};
use super::explain::Misfit;
use super::lex::{self, Spanned};
use super::outline::{Frame, Place, outline};
use super::repair::{cut_off, repair};
use super::token::Tok;
use crate::base::diag::{Diagnostic, Diagnostics, LEXICAL};
use crate::base::intern::Interner;
use crate::base::span::{FileId, SourceFile, SourceMap, Span};
use crate::syntax::ast::{Ast, File, TopItem};
use lalrpop_util::ParseError;
use std::cell::Cell;

lalrpop_util::lalrpop_mod!(
    #[allow(clippy::all, unused_imports, unused_parens, unused_variables, unused_mut)]
    #[rustfmt::skip]
    grammar,
    "/gmpl.rs"
);

/// Syntax errors looked for in one file; more are never shown.
const MAX_SYNTAX_ERRORS: usize = 15;
/// Attempts for one file: repairs that report nothing new count too.
const MAX_REPAIRS: usize = 60;
/// Tokens that attempts after the first may read: bounds the time for a huge item full of errors.
const MAX_REPEATED_TOKENS: usize = 20_000_000;

/// Parses one file and adds it to the tree, whatever is wrong with it.
pub fn parse_file(file: FileId, sources: &SourceMap, names: &mut Interner, ast: &mut Ast, diags: &mut Diagnostics) {
    let source = sources.file(file);
    let before = diags.list.len();
    let tokens = lex::lex(&source.text, source.base, names, diags);
    let end = source.base + source.text.len() as u32;
    let span = Span::new(source.base, end);
    if diags.list[before..].iter().any(|d| d.code != LEXICAL) {
        ast.files.push(File { id: file, package: None, items: Vec::new(), span });
        return;
    }
    let lexical = diags.list.split_off(before);
    let mut session = Session::new(source, tokens, ast, Attempts::All);
    session.run(names, ast, diags);
    let errors = std::mem::take(&mut session.errors);
    let Parsed { package, items, .. } = session.file;
    report(source, lexical, errors, before, diags);
    mark_noinline(source, &items, ast);
    ast.files.push(File { id: file, package, items, span });
}

/// Notes the functions in whose comment `//go:noinline` is a line.
fn mark_noinline(source: &SourceFile, items: &[TopItem], ast: &mut Ast) {
    const MARK: &str = "//go:noinline";
    let is_comment = |line: &str| line.starts_with("//");
    for (at, _) in source.text.match_indices(MARK) {
        let mut lines = source.text[at..].split_inclusive('\n');
        let comment: usize = lines.by_ref().take_while(|l| is_comment(l)).map(str::len).sum();
        let line = source.text[at..].lines().next().unwrap_or_default();
        let begins_line = source.text[..at].chars().next_back().is_none_or(|c| c == '\n');
        if !begins_line || line.trim_end() != MARK {
            continue;
        }
        let follows = source.base + (at + comment) as u32;
        ast.noinline.extend(items.iter().find_map(|item| match item {
            TopItem::Func(f) if ast.func(*f).span.lo == follows => Some(*f),
            _ => None,
        }));
    }
}

/// Whether a text is the beginning of something longer: its only fault is that it ends.
pub fn is_incomplete(text: &str) -> bool {
    let (mut names, mut ast, mut diags) = (Interner::default(), Ast::default(), Diagnostics::default());
    let mut sources = SourceMap::default();
    let file = sources.add(String::new(), text.to_string());
    let source = sources.file(file);
    let tokens = lex::lex(text, source.base, &mut names, &mut diags);
    if !diags.list.is_empty() {
        let open = ["comment not terminated", "string not terminated"];
        let at_end = |d: &Diagnostic| open.contains(&&d.message[..]) && !sources.text(d.span).starts_with('"');
        return diags.list.iter().all(at_end);
    }
    let mut session = Session::new(source, tokens, &ast, Attempts::One);
    session.run(&mut names, &mut ast, &mut diags);
    session.ended_early
}

/// Adds a file's reports: lexical errors, syntax errors (one a line, none on a line with a lexical error), then what
/// the builder had to say.
fn report(
    source: &SourceFile,
    lexical: Vec<Diagnostic>,
    syntax: Vec<Diagnostic>,
    before: usize,
    diags: &mut Diagnostics,
) {
    let built = diags.list.split_off(before);
    let mut lines: Vec<u32> = lexical.iter().map(|d| source.line_col(d.span.lo).0).collect();
    diags.list.extend(lexical);
    for d in syntax.into_iter().chain(built) {
        let line = source.line_col(d.span.lo).0;
        let is_syntax = d.message.starts_with("syntax error");
        if is_syntax && lines.contains(&line) {
            continue;
        }
        if is_syntax {
            lines.push(line);
        }
        diags.list.push(d);
    }
}

/// What may follow a whole operand, in the grammar's names.
const AFTER_OPERAND: &[&str] = &[";", ",", ")", "]", "}", ":", ":=", "=", "{body"];

/// The grammar takes any operand before the `{` of a literal. Behind one that is no type the brace itself is wrong.
fn no_literal(tokens: &[Spanned], frames: &[Frame]) -> Option<usize> {
    let frame = frames.last().filter(|f| f.place == Place::Composite)?;
    let before = tokens[frame.open.checked_sub(1)?].1;
    let value = matches!(before, Tok::Int(_) | Tok::Float(_) | Tok::Imag(_) | Tok::Char(_) | Tok::Str(_) | Tok::RParen);
    value.then_some(frame.open)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempts {
    All,
    /// Up to the first error.
    One,
}

/// The parse of one file.
struct Session<'s> {
    source: &'s SourceFile,
    tokens: Vec<Spanned>,
    file: Parsed,
    errors: Vec<Diagnostic>,
    attempts: Attempts,
    /// The first error was the end of the text.
    ended_early: bool,
}

impl<'s> Session<'s> {
    fn new(source: &'s SourceFile, tokens: Vec<Spanned>, ast: &Ast, attempts: Attempts) -> Session<'s> {
        let mark = Mark { exprs: ast.exprs.len(), stmts: ast.stmts.len(), funcs: ast.funcs.len(), ..Mark::default() };
        let file = Parsed { first_stmt: ast.stmts.len(), mark, ..Parsed::default() };
        Session { source, tokens, file, errors: Vec::new(), attempts, ended_early: false }
    }

    fn run(&mut self, names: &mut Interner, ast: &mut Ast, diags: &mut Diagnostics) {
        self.file.mark.diags = diags.list.len();
        let package = self.tokens.first().is_some_and(|t| t.1 == Tok::Package);
        contextual(&mut self.tokens, package);
        let mut repeated = 0;
        for repairs in 0.. {
            let Err((mut at, mut expected)) = self.attempt(names, ast, diags) else { return };
            let mark = self.file.mark;
            let mut frames = outline(&self.tokens, mark.token, at);
            if let Some(open) = no_literal(&self.tokens, &frames) {
                at = open;
                frames.pop();
                expected = AFTER_OPERAND.iter().map(|s| s.to_string()).collect();
            }
            let misfit =
                Misfit {
                    tokens: &self.tokens,
                    from: mark.token,
                    at,
                    frames: &frames,
                    expected: &expected,
                    package,
                    after_bodiless_function: self.file.items.last().is_some_and(
                        |i| matches!(i, crate::syntax::ast::TopItem::Func(f) if ast.func(*f).body.is_none()),
                    ),
                    names,
                    end: self.source.base + self.source.text.len() as u32,
                };
            let diagnostic = misfit.diagnostic();
            self.ended_early |= self.errors.is_empty() && at >= self.tokens.len();
            let stray = diagnostic.message == super::build::STRAY;
            if !self.follows(at, stray, &frames) {
                self.errors.push(diagnostic);
            }
            self.file.stray |= stray;
            self.file.repaired = true;
            let package_clause = self.tokens.get(mark.token).is_some_and(|t| t.1 == Tok::Package);
            if self.attempts == Attempts::One || package_clause || self.errors.len() >= MAX_SYNTAX_ERRORS {
                return;
            }
            repeated += self.tokens.len() - mark.token;
            if repairs >= MAX_REPAIRS || repeated > MAX_REPEATED_TOKENS {
                return;
            }
            if !repair(&mut self.tokens, at, &frames, package, self.source) {
                return;
            }
            plain(&mut self.tokens[mark.token..]);
            contextual(&mut self.tokens[mark.token..], package);
        }
    }

    /// Whether an error only follows from an earlier one.
    fn follows(&self, at: usize, stray: bool, frames: &[Frame]) -> bool {
        let tok = |i: Option<usize>| i.and_then(|i| self.tokens.get(i)).map(|t| t.1);
        let closer = matches!(tok(Some(at)), Some(Tok::RParen | Tok::RBrack | Tok::RBrace));
        let after_bad = tok(at.checked_sub(1)) == Some(Tok::Bad);
        let after_bad_entry = closer && tok(at.checked_sub(2)) == Some(Tok::Bad);
        if at >= self.tokens.len() {
            return !self.errors.is_empty();
        }
        let cut_off = self.file.repaired && cut_off(&self.tokens, at, frames, self.source).is_some();
        stray && self.file.stray || after_bad || after_bad_entry || cut_off
    }

    /// Parses from the mark on; at an error gives the index of the token that does not fit and what would.
    fn attempt(
        &mut self,
        names: &mut Interner,
        ast: &mut Ast,
        diags: &mut Diagnostics,
    ) -> Result<(), (usize, Vec<String>)> {
        let Mark { exprs, stmts, funcs, diags: reports, items, token } = self.file.mark;
        ast.exprs.truncate(exprs);
        ast.stmts.truncate(stmts);
        ast.funcs.truncate(funcs);
        diags.list.truncate(reports);
        self.file.items.truncate(items);
        self.file.stmt_depths.truncate(stmts - self.file.first_stmt);
        let taken = Cell::new(token);
        let tokens = &self.tokens[..];
        let stop = Cell::new(false);
        let input = std::iter::from_fn(|| {
            if stop.get() {
                return Some(Err(()));
            }
            let next = tokens.get(taken.get()).copied().map(Ok);
            taken.set(taken.get() + 1);
            next
        });
        let mut builder = Builder {
            ast,
            names,
            diags,
            text: &self.source.text,
            base: self.source.base,
            tokens,
            taken: &taken,
            stop: &stop,
            file: std::mem::take(&mut self.file),
        };
        let result = grammar::FileParser::new().parse(&mut builder, input);
        self.file = builder.file;
        self.file.mark.token = self.file.mark.token.min(self.tokens.len());
        match result {
            // Too deep: that is reported, and nothing else.
            Ok(()) | Err(ParseError::User { .. }) => Ok(()),
            Err(e) => {
                let expected = match e {
                    ParseError::UnrecognizedToken { expected, .. } => expected,
                    ParseError::UnrecognizedEof { expected, .. } => expected,
                    _ => Vec::new(),
                };
                Err(((taken.get() - 1).min(self.tokens.len()), expected))
            }
        }
    }
}
