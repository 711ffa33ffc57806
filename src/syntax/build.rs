//! What the grammar's actions call: makes expressions, keeps their depth, and holds what the whole of one parse needs.
//! `signature` and `statement` add functions and statements. The builder reports what the grammar lets through.
use super::lex::Spanned;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::intern::{Interner, Sym};
use crate::base::limits::MAX_NESTING;
use crate::base::span::Span;
use crate::syntax::ast::*;
use crate::syntax::literal;
use std::cell::Cell;

pub struct Builder<'a> {
    pub ast: &'a mut Ast,
    pub names: &'a mut Interner,
    pub diags: &'a mut Diagnostics,
    pub text: &'a str,
    pub base: u32,
    pub tokens: &'a [Spanned],
    /// How many tokens the parser has taken: the last one is its lookahead.
    pub taken: &'a Cell<usize>,
    /// Ends the parse.
    pub stop: &'a Cell<bool>,
    pub file: Parsed,
}

/// What one file has given so far. Statements' depths lie beside the tree: only the parser needs them.
#[derive(Default)]
pub struct Parsed {
    pub package: Option<Ident>,
    pub items: Vec<TopItem>,
    /// A declaration other than an import has been seen.
    pub declared: bool,
    /// A statement outside of functions has been reported; those that follow it are not.
    pub stray: bool,
    /// The item that is being read has been repaired: what seems stray after it may be its own.
    pub repaired: bool,
    pub too_deep: bool,
    /// Depth of each statement from `first_stmt` on.
    pub stmt_depths: Vec<u32>,
    pub first_stmt: usize,
    pub mark: Mark,
}

/// How much stood when the last top-level item was complete: what a new attempt keeps.
#[derive(Clone, Copy, Default)]
pub struct Mark {
    pub exprs: usize,
    pub stmts: usize,
    pub funcs: usize,
    pub diags: usize,
    pub items: usize,
    /// Where the next item's tokens begin.
    pub token: usize,
}

impl Builder<'_> {
    /// An error that leaves the tree whole: the program is checked nevertheless.
    pub fn soft_error(&mut self, span: Span, message: impl Into<String>) {
        self.diags.push(Diagnostic::error(crate::base::diag::SOFT, span, message));
    }

    /// An operand that may not be left out; `at`: the token that stands in its place.
    pub fn needed(&mut self, e: Option<ExprId>, at: u32, message: &str) -> ExprId {
        e.unwrap_or_else(|| {
            self.soft_error(Span::new(at, at + 1), message);
            self.bad(Span::new(at, at))
        })
    }

    pub fn error(&mut self, span: Span, message: impl Into<String>) {
        self.diags.push(Diagnostic::error("syntax", span, message));
    }

    /// The source of a span on one line.
    pub fn source(&self, span: Span) -> String {
        let lo = (span.lo - self.base) as usize;
        let hi = (span.hi - self.base) as usize;
        self.text.get(lo..hi).unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    // ---- expressions

    pub fn expr(&mut self, kind: ExprKind, lo: u32, hi: u32) -> ExprId {
        let depth = 1 + self.depth_of(&kind);
        self.push(kind, Span::new(lo, hi), depth)
    }

    fn push(&mut self, mut kind: ExprKind, span: Span, mut depth: u32) -> ExprId {
        if depth > MAX_NESTING {
            self.too_deep(span);
            kind = ExprKind::Bad;
            depth = 1;
        }
        self.ast.exprs.push(Expr { kind, span, depth });
        ExprId(self.ast.exprs.len() as u32 - 1)
    }

    pub fn bad(&mut self, span: Span) -> ExprId {
        self.push(ExprKind::Bad, span, 1)
    }

    pub fn is_bad(&self, e: ExprId) -> bool {
        matches!(self.ast.expr(e).kind, ExprKind::Bad)
    }

    /// Reported once a file.
    pub fn too_deep(&mut self, span: Span) {
        if !self.file.too_deep {
            self.file.too_deep = true;
            self.stop.set(true);
            let first = Span::new(span.lo, span.lo + 1);
            self.diags.push(Diagnostic::error("nesting", first, "program is nested too deeply"));
        }
    }

    /// An expression that ends where `last` ends.
    pub fn to(&mut self, kind: ExprKind, lo: u32, last: ExprId) -> ExprId {
        let hi = self.ast.span(last).hi;
        self.expr(kind, lo, hi)
    }

    /// An expression that begins where `first` begins.
    pub fn from(&mut self, kind: ExprKind, first: ExprId, hi: u32) -> ExprId {
        let lo = self.ast.span(first).lo;
        self.expr(kind, lo, hi)
    }

    /// The largest depth of the parts.
    fn depth_of(&self, kind: &ExprKind) -> u32 {
        let d = |e: ExprId| self.ast.expr(e).depth;
        let o = |e: Option<ExprId>| e.map_or(0, d);
        match kind {
            ExprKind::Bad | ExprKind::Ident(_) | ExprKind::Lit { .. } => 0,
            ExprKind::FuncLit(f) => {
                let f = self.ast.func(*f);
                self.signature_depth(&f.sig).max(f.body.as_ref().map_or(0, |b| self.block_depth(b)))
            }
            ExprKind::Composite { ty, elems, .. } => {
                let parts = elems.iter().map(|e| d(e.value).max(o(e.key))).max().unwrap_or(0);
                parts.max(o(*ty))
            }
            ExprKind::Paren(x) | ExprKind::Star(x) | ExprKind::Tilde(x) => d(*x),
            ExprKind::Selector { x, .. } | ExprKind::Unary { x, .. } => d(*x),
            ExprKind::Index { x, indices } => d(*x).max(self.exprs_depth(indices)),
            ExprKind::Slice { x, lo, hi, max, .. } => d(*x).max(o(*lo)).max(o(*hi)).max(o(*max)),
            ExprKind::TypeAssert { x, ty } => d(*x).max(o(*ty)),
            ExprKind::Call { fun, args, .. } => d(*fun).max(self.exprs_depth(args)),
            ExprKind::Binary { x, y, .. } => d(*x).max(d(*y)),
            ExprKind::ArrayType { len, elem } => d(*elem).max(o(*len)),
            ExprKind::SliceType { elem } | ExprKind::ChanType { elem, .. } => d(*elem),
            ExprKind::MapType { key, value } => d(*key).max(d(*value)),
            ExprKind::FuncType(s) => self.signature_depth(s),
            ExprKind::StructType { fields } => fields.iter().map(|f| d(f.ty)).max().unwrap_or(0),
            ExprKind::InterfaceType { elems } => {
                let part = |e: &InterfaceElem| match e {
                    InterfaceElem::Method { sig, .. } => self.signature_depth(sig),
                    InterfaceElem::Embed(x) => d(*x),
                };
                elems.iter().map(part).max().unwrap_or(0)
            }
        }
    }

    pub fn exprs_depth(&self, list: &[ExprId]) -> u32 {
        list.iter().map(|&e| self.ast.expr(e).depth).max().unwrap_or(0)
    }

    fn signature_depth(&self, s: &Signature) -> u32 {
        s.params.iter().chain(&s.results).map(|p| self.ast.expr(p.ty).depth).max().unwrap_or(0)
    }

    pub fn ident(&mut self, i: Ident) -> ExprId {
        self.push(ExprKind::Ident(i.name), i.span, 1)
    }

    pub fn literal(&mut self, kind: LitKind, text: Sym, lo: u32, hi: u32) -> ExprId {
        self.push(ExprKind::Lit { kind, text }, Span::new(lo, hi), 1)
    }

    pub fn selector(&mut self, x: ExprId, sel: Ident) -> ExprId {
        self.from(ExprKind::Selector { x, sel }, x, sel.span.hi)
    }

    pub fn qualified(&mut self, package: Ident, sel: Ident) -> ExprId {
        let x = self.ident(package);
        self.selector(x, sel)
    }

    pub fn index(&mut self, x: ExprId, indices: Vec<ExprId>, hi: u32) -> ExprId {
        self.from(ExprKind::Index { x, indices }, x, hi)
    }

    pub fn binary(&mut self, op: BinaryOp, op_span: Span, x: ExprId, y: ExprId) -> ExprId {
        let (a, b) = (self.ast.expr(x), self.ast.expr(y));
        let span = Span::new(a.span.lo, b.span.hi);
        let depth = 1 + a.depth.max(b.depth);
        self.push(ExprKind::Binary { op, op_span, x, y }, span, depth)
    }

    pub fn call(&mut self, fun: ExprId, args: Vec<ExprId>, spread: bool, paren: u32, hi: u32) -> ExprId {
        self.from(ExprKind::Call { fun, args, spread, parens: Span::new(paren, hi) }, fun, hi)
    }

    pub fn composite(&mut self, ty: Option<ExprId>, elems: Vec<Element>, brace: u32, hi: u32) -> ExprId {
        let mut lo = brace;
        if let Some(t) = ty {
            lo = self.ast.span(t).lo;
            self.check_literal_type(t, brace);
        }
        self.expr(ExprKind::Composite { ty, elems, braces: Span::new(brace, hi) }, lo, hi)
    }

    /// The grammar takes any operand before `{`; only what may be a type can be one.
    fn check_literal_type(&mut self, ty: ExprId, brace: u32) {
        let inner = self.ast.unparen(ty);
        let fine = match &self.ast.expr(inner).kind {
            ExprKind::Index { x, indices } => !self.is_value(*x) && !indices.iter().any(|&i| self.is_value(i)),
            ExprKind::Bad
            | ExprKind::Ident(_)
            | ExprKind::Selector { .. }
            | ExprKind::ArrayType { .. }
            | ExprKind::SliceType { .. }
            | ExprKind::MapType { .. }
            | ExprKind::StructType { .. } => true,
            _ => false,
        };
        if !fine {
            self.error(Span::new(brace, brace + 1), "syntax error: unexpected { at end of statement");
        } else if inner != ty {
            let span = self.ast.span(ty);
            self.error(span, "syntax error: cannot parenthesize type in composite literal");
        }
    }

    /// Whether an expression can only be a value, as far as syntax tells.
    fn is_value(&self, e: ExprId) -> bool {
        match &self.ast.expr(e).kind {
            ExprKind::Lit { .. }
            | ExprKind::Composite { .. }
            | ExprKind::FuncLit(_)
            | ExprKind::Slice { .. }
            | ExprKind::TypeAssert { .. }
            | ExprKind::Call { .. }
            | ExprKind::Unary { .. }
            | ExprKind::Binary { .. } => true,
            ExprKind::Paren(x) => self.is_value(*x),
            ExprKind::Index { x, indices } => self.is_value(*x) || indices.iter().any(|&i| self.is_value(i)),
            _ => false,
        }
    }

    /// The array type `[n]elem` whose bracket was read as an index list.
    pub fn array_of(&mut self, lo: u32, bracket: Vec<ExprId>, elem: ExprId) -> ExprId {
        if let Some(&second) = bracket.get(1) {
            let span = self.ast.span(second);
            self.error(span, "syntax error: unexpected comma; expected ]");
        }
        self.to(ExprKind::ArrayType { len: bracket.first().copied(), elem }, lo, elem)
    }

    // ---- top level

    pub fn package(&mut self, name: Ident) {
        if self.file.package.is_some() || !self.file.items.is_empty() {
            self.error(name.span, "syntax error: package statement must be first");
            return;
        }
        self.file.package = Some(name);
        self.complete();
        // The clause's semicolon has been read: the lookahead begins the first item.
        self.file.mark.token -= 1;
    }

    /// The item before the lookahead, a semicolon, is complete.
    fn complete(&mut self) {
        self.file.stray |= std::mem::take(&mut self.file.repaired);
        self.file.mark = Mark {
            exprs: self.ast.exprs.len(),
            stmts: self.ast.stmts.len(),
            funcs: self.ast.funcs.len(),
            diags: self.diags.list.len(),
            items: self.file.items.len(),
            token: self.taken.get(),
        };
    }

    pub fn top_func(&mut self, f: FuncId) {
        self.file.declared = true;
        self.file.stray = false;
        self.file.items.push(TopItem::Func(f));
        self.complete();
    }

    pub fn top_stmt(&mut self, s: StmtId) {
        let stmt = self.ast.stmt(s);
        let (span, declares) = (stmt.span, matches!(stmt.kind, StmtKind::Decl(_)));
        match &stmt.kind {
            StmtKind::Decl(_) => {
                self.file.declared = true;
                self.file.stray = false;
            }
            StmtKind::Bad => {}
            StmtKind::Block(b) if self.after_bodiless_function() && !self.file.stray => {
                let brace = Span::new(b.span.lo, b.span.lo + 1);
                let message = "syntax error: unexpected semicolon or newline before {";
                self.diags.push(
                    Diagnostic::error("syntax", brace, message)
                        .help("the { of a function stands on the line of its func"),
                );
                self.file.stray = true;
            }
            _ if self.file.package.is_some() && !self.file.stray => {
                self.file.stray = true;
                let mut d = Diagnostic::error("syntax", span, STRAY);
                if let StmtKind::Define { .. } = stmt.kind {
                    d = d.help("use var outside of functions");
                } else {
                    d = d.help("put it in a function, or leave the package clause out: a file without one is a script");
                }
                self.diags.push(d);
            }
            _ => {}
        }
        if declares || self.file.package.is_none() {
            self.file.items.push(TopItem::Stmt(s));
        }
        self.complete();
    }

    /// Whether the last item is a function declared without a body.
    pub fn after_bodiless_function(&self) -> bool {
        matches!(self.file.items.last(), Some(TopItem::Func(f)) if self.ast.func(*f).body.is_none())
    }

    pub fn top_imports(&mut self, specs: Vec<ImportSpec>, lo: u32) {
        if self.file.declared && self.file.package.is_some() {
            let span = Span::new(lo, lo + 6);
            self.error(span, "syntax error: imports must appear before other declarations");
        }
        self.file.stray = false;
        self.file.items.extend(specs.into_iter().map(TopItem::Import));
        self.complete();
    }

    pub fn dot(&mut self, lo: u32, hi: u32) -> Ident {
        Ident { name: self.names.intern("."), span: Span::new(lo, hi) }
    }

    pub fn import(&mut self, name: Option<Ident>, path: Sym, path_span: Span, lo: u32) -> ImportSpec {
        let text = self.names.name(path).to_string();
        let legal =
            |c: char| !c.is_control() && !c.is_whitespace() && !"!\"#$%&'()*,:;<=>?[\\]^`{|}\u{FFFD}".contains(c);
        let path = match literal::unquote_string(&text).and_then(|b| String::from_utf8(b).ok()) {
            Some(p) if !p.is_empty() && p.chars().all(legal) => self.names.intern(&p),
            Some(p) => {
                let why = if p.is_empty() { "empty string" } else { "invalid character" };
                self.error(path_span, format!("invalid import path ({why})"));
                Sym::EMPTY
            }
            // The literal has been reported.
            None => Sym::EMPTY,
        };
        ImportSpec { name, path, path_span, span: Span::new(lo, path_span.hi) }
    }

    /// A broken import that was reported.
    pub fn bad_import(&self, span: Span) -> ImportSpec {
        ImportSpec { name: None, path: Sym::EMPTY, path_span: span, span }
    }
}

pub const STRAY: &str = "syntax error: non-declaration statement outside function body";
