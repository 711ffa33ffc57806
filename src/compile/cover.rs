//! Which basic blocks a package under test has: where `go test -cover` would count, so that both give the same numbers.
//!
//! A list of statements is cut behind each that may go elsewhere, or that has a function literal in it, and before each
//! label. What such a statement has inside are blocks of their own. Lines without code (comments, empty lines) belong to
//! no block: where there are some between statements the block ends before and another begins behind.
use super::Compiler;
use super::regs::Reg;
use crate::base::diag::Diagnostics;
use crate::base::intern::{Interner, Sym};
use crate::base::span::SourceFile;
use crate::bytecode::cover::{CoverMode, Coverage, CoveredBlock};
use crate::bytecode::op::Op;
use crate::syntax::ast::*;
use crate::syntax::lex::lex;
use crate::syntax::token::Tok;
use crate::syntax::walk::{self, Visit};
use rustc_hash::FxHashMap;

/// What is to be counted, and where.
#[derive(Default)]
pub struct Cover {
    pub coverage: Coverage,
    /// Blocks that begin with a statement.
    before: FxHashMap<StmtId, Vec<u32>>,
    /// Blocks without statements, by the place of their brace or colon.
    empty: FxHashMap<u32, u32>,
}

impl Cover {
    pub fn new(mode: CoverMode) -> Cover {
        Cover { coverage: Coverage { mode, ..Coverage::default() }, ..Cover::default() }
    }

    /// Finds the blocks of a file, which profiles show under `name`.
    pub fn add_file(&mut self, file: &File, source: &SourceFile, ast: &Ast, name: String) {
        let (mut names, mut ignored) = (Interner::default(), Diagnostics::default());
        let tokens = lex(&source.text, source.base, &mut names, &mut ignored);
        let is_code = |t: &Tok| !matches!(t, Tok::LBrace | Tok::RBrace | Tok::Semi(true));
        let tokens = tokens.into_iter().filter(|t| is_code(&t.1)).map(|(lo, _, hi)| Token {
            lo,
            line: source.line_col(lo).0,
            last_line: source.line_col(hi).0,
        });
        self.coverage.files.push(name);
        let mut finder = Finder { cover: self, ast, source, tokens: tokens.collect() };
        for item in &file.items {
            match item {
                TopItem::Func(f) => {
                    let f = ast.func(*f);
                    if let (Some(body), Some(name)) = (&f.body, f.name)
                        && name.name != Sym::BLANK
                    {
                        finder.block(body);
                        walk::block(ast, body, &mut finder);
                    }
                }
                TopItem::Stmt(s) => walk::stmt(ast, *s, &mut finder),
                TopItem::Import(_) => {}
            }
        }
    }
}

impl Compiler<'_> {
    /// Counters come first among the package-level variables.
    pub fn begin_cover(&mut self, cover: Option<Cover>) {
        self.cover = cover;
        if let Some(cover) = &mut self.cover {
            cover.coverage.first = self.prog.global_words;
            self.prog.global_words += cover.coverage.blocks.len() as u32;
            self.prog.coverage = Some(cover.coverage.clone());
        }
    }

    /// Counts the blocks that begin with a statement.
    pub fn count_before(&mut self, stmt: StmtId) {
        let Some(cover) = &self.cover else { return };
        for &block in cover.before.get(&stmt).into_iter().flatten() {
            count(&mut self.f.code, cover, block);
        }
    }

    /// Counts a block without statements, if there is one at a brace or colon.
    pub fn count_empty(&mut self, at: u32) {
        if let Some(cover) = &self.cover
            && let Some(&block) = cover.empty.get(&at)
        {
            count(&mut self.f.code, cover, block);
        }
    }
}

fn count(code: &mut super::emit::Code, cover: &Cover, block: u32) {
    let once = cover.coverage.mode == CoverMode::Set;
    code.rx(Op::Count, Reg(once as u32), (cover.coverage.first + block) as i32);
}

/// A token that is code, neither a brace nor a line's end.
struct Token {
    lo: u32,
    line: u32,
    last_line: u32,
}

/// A statement of a list, or its label alone.
#[derive(Clone, Copy)]
struct Piece {
    stmt: StmtId,
    label_only: bool,
}

struct Finder<'a> {
    cover: &'a mut Cover,
    ast: &'a Ast,
    source: &'a SourceFile,
    tokens: Vec<Token>,
}

/// A range of the source, and how many statements begin in it.
struct Range {
    lo: u32,
    hi: u32,
    statements: u32,
}

impl Visit for Finder<'_> {
    fn expr(&mut self, ast: &Ast, e: ExprId) -> bool {
        if let ExprKind::FuncLit(f) = ast.expr(e).kind
            && let Some(body) = &ast.func(f).body
        {
            self.block(body);
        }
        true
    }

    fn stmt(&mut self, ast: &Ast, s: StmtId) -> bool {
        match &ast.stmt(s).kind {
            StmtKind::Block(b) => self.block(b),
            StmtKind::For { body, .. } | StmtKind::Range { body, .. } => self.block(body),
            StmtKind::Switch { cases, .. } | StmtKind::TypeSwitch { cases, .. } => {
                cases.iter().for_each(|c| self.clause(c.colon, &c.body));
            }
            StmtKind::Select { cases, .. } => cases.iter().for_each(|c| self.clause(c.colon, &c.body)),
            StmtKind::If { init, cond, then, els } => {
                init.iter().for_each(|&s| walk::stmt(ast, s, self));
                walk::expr(ast, *cond, self);
                self.block(then);
                walk::block(ast, then, self);
                if let Some(els) = *els {
                    self.otherwise(els, then.span.hi);
                }
                return false;
            }
            _ => {}
        }
        true
    }
}

impl Finder<'_> {
    fn block(&mut self, b: &Block) {
        self.list(b.span.lo, b.span.lo, b.span.lo + 1, b.span.hi, &b.stmts, true);
    }

    fn clause(&mut self, colon: u32, body: &[StmtId]) {
        let end = body.last().map_or(colon + 1, |&s| self.ast.stmt(s).span.hi);
        self.list(colon, colon + 1, colon + 1, end, body, false);
    }

    /// What follows an `else`, which is searched from `from`: a block, or an `if` as a block's only statement.
    fn otherwise(&mut self, els: StmtId, from: u32) {
        let ast = self.ast;
        let (span, kind) = (ast.stmt(els).span, &ast.stmt(els).kind);
        let word = self.tokens[self.tokens.partition_point(|t| t.lo < from)..].first().map_or(span.lo, |t| t.lo + 4);
        if let StmtKind::Block(b) = kind {
            self.list(b.span.lo, word, word + 1, b.span.hi, &b.stmts, true);
            walk::block(ast, b, self);
        } else {
            self.list(span.lo, word, word + 1, span.hi + 1, &[els], true);
            walk::stmt(ast, els, self);
        }
    }

    /// Cuts a list of statements into blocks. `at`: its brace or colon; `pos`: where its first block begins, `inside`: where
    /// one without statements does; `to_end`: a block that reaches the list's end has the closing brace too.
    fn list(&mut self, at: u32, mut pos: u32, inside: u32, end: u32, stmts: &[StmtId], to_end: bool) {
        if stmts.is_empty() {
            let (lo, hi) = self.code_ranges(inside, end)[0];
            let block = self.add(lo, hi, 0);
            self.cover.empty.insert(at, block);
            return;
        }
        let mut rest: Vec<Piece> = stmts.iter().map(|&stmt| Piece { stmt, label_only: false }).collect();
        let mut whole = to_end;
        while !rest.is_empty() {
            let (mut last, mut hi) = (0, end);
            while last < rest.len() {
                let piece = rest[last];
                hi = self.boundary(piece.stmt);
                last += 1;
                if self.ends_block(piece.stmt) {
                    if let StmtKind::Labeled { stmt: inner, .. } = self.ast.stmt(piece.stmt).kind
                        && !self.is_control(inner)
                    {
                        // What has the label may be jumped to.
                        hi = self.ast.stmt(piece.stmt).span.lo;
                        rest[last - 1].label_only = true;
                        rest.insert(last, Piece { stmt: inner, label_only: false });
                    }
                    whole = false;
                    break;
                }
            }
            if whole {
                hi = end;
            }
            if pos != hi {
                for (i, range) in self.ranges(pos, hi, &rest[..last]).into_iter().enumerate() {
                    let block = self.add(range.lo, range.hi, range.statements);
                    let begins = |p: &&Piece| self.ast.stmt(p.stmt).span.lo >= range.lo;
                    let first = if i == 0 { rest.first() } else { rest.iter().find(begins) };
                    if let Some(first) = first.or(rest.last()) {
                        self.cover.before.entry(first.stmt).or_default().push(block);
                    }
                }
            }
            rest.drain(..last);
            pos = rest.first().map_or(pos, |p| self.ast.stmt(p.stmt).span.lo);
        }
    }

    fn add(&mut self, lo: u32, hi: u32, statements: u32) -> u32 {
        let (start, end) = (self.source.line_col(lo), self.source.line_col(hi));
        let coverage = &mut self.cover.coverage;
        coverage.blocks.push(CoveredBlock { file: coverage.files.len() as u32 - 1, start, end, statements });
        coverage.blocks.len() as u32 - 1
    }

    /// The ranges of code between two places, those that begin inside a statement joined with the one before.
    fn ranges(&self, lo: u32, hi: u32, pieces: &[Piece]) -> Vec<Range> {
        let begin = |p: &Piece| self.ast.stmt(p.stmt).span.lo;
        let end = |p: &Piece| if p.label_only { begin(p) } else { self.ast.stmt(p.stmt).span.hi };
        let mut list: Vec<Range> = Vec::new();
        for (lo, hi) in self.code_ranges(lo, hi) {
            let statements = pieces.iter().filter(|p| (lo..hi).contains(&begin(p))).count() as u32;
            let inside = pieces.iter().any(|p| begin(p) < lo && lo < end(p));
            match list.last_mut().filter(|_| inside) {
                Some(before) => {
                    before.hi = hi;
                    before.statements += statements;
                }
                None => list.push(Range { lo, hi, statements }),
            }
        }
        list
    }

    /// The parts between two places that have code on every line; an empty one at the beginning if there is none.
    fn code_ranges(&self, lo: u32, hi: u32) -> Vec<(u32, u32)> {
        let first = self.tokens.partition_point(|t| t.lo < lo);
        let mut list = Vec::new();
        let mut open: Option<(u32, u32)> = None;
        for t in self.tokens[first..].iter().take_while(|t| t.lo < hi) {
            open = match open {
                Some((begun, line)) if t.line > line + 1 => {
                    list.push((begun, self.line_start(line + 1)));
                    Some((t.lo, t.last_line))
                }
                Some((begun, line)) => Some((begun, line.max(t.last_line))),
                None => Some((t.lo, t.last_line)),
            };
        }
        match open {
            Some((begun, line)) => list.push((begun, hi.min(self.line_start(line + 1)))),
            None => list.push((lo, lo)),
        }
        list
    }

    fn line_start(&self, line: u32) -> u32 {
        self.source.line_start(line).unwrap_or(u32::MAX)
    }

    /// Where a statement's part of its block ends: before the blocks that it has inside.
    fn boundary(&self, s: StmtId) -> u32 {
        let stmt = self.ast.stmt(s);
        let (parts, body): (Vec<Node>, u32) = match &stmt.kind {
            StmtKind::Block(b) => return b.span.lo,
            StmtKind::Labeled { stmt, .. } => return self.boundary(*stmt),
            StmtKind::If { init, cond, then, .. } => {
                (init.map(Node::Stmt).into_iter().chain([Node::Expr(*cond)]).collect(), then.span.lo)
            }
            StmtKind::For { init, cond, post, body } => {
                let parts = [init.map(Node::Stmt), cond.map(Node::Expr), post.map(Node::Stmt)];
                (parts.into_iter().flatten().collect(), body.span.lo)
            }
            StmtKind::Range { x, body, .. } => (vec![Node::Expr(*x)], body.span.lo),
            StmtKind::Switch { init, tag, body, .. } => {
                ([init.map(Node::Stmt), tag.map(Node::Expr)].into_iter().flatten().collect(), body.lo)
            }
            StmtKind::TypeSwitch { init, body, .. } => (init.map(Node::Stmt).into_iter().collect(), body.lo),
            StmtKind::Select { body, .. } => return body.lo,
            _ => (vec![Node::Stmt(s)], stmt.span.hi),
        };
        parts.into_iter().find_map(|p| self.literal_in(p)).unwrap_or(body)
    }

    fn ends_block(&self, s: StmtId) -> bool {
        match &self.ast.stmt(s).kind {
            StmtKind::Break(_) | StmtKind::Continue(_) | StmtKind::Goto(_) | StmtKind::Fallthrough => true,
            StmtKind::Block(_) | StmtKind::If { .. } | StmtKind::Labeled { .. } => true,
            StmtKind::Expr(e) if self.is_panic(*e) => true,
            _ => self.is_control(s) || self.literal_in(Node::Stmt(s)).is_some(),
        }
    }

    fn is_control(&self, s: StmtId) -> bool {
        use StmtKind::*;
        matches!(self.ast.stmt(s).kind, For { .. } | Range { .. } | Switch { .. } | TypeSwitch { .. } | Select { .. })
    }

    /// A call of something that is called `panic`: as in Go, nobody looks what it is.
    fn is_panic(&self, e: ExprId) -> bool {
        let ExprKind::Call { fun, args, .. } = &self.ast.expr(e).kind else { return false };
        let is_name = matches!(self.ast.expr(*fun).kind, ExprKind::Ident(_));
        is_name && args.len() == 1 && self.text_at(self.ast.span(*fun).lo).starts_with("panic(")
    }

    fn text_at(&self, pos: u32) -> &str {
        self.source.text.get((pos - self.source.base) as usize..).unwrap_or("")
    }

    /// The brace of the first function literal in a node.
    fn literal_in(&self, node: Node) -> Option<u32> {
        struct Literal(Option<u32>);
        impl Visit for Literal {
            fn expr(&mut self, ast: &Ast, e: ExprId) -> bool {
                if let ExprKind::FuncLit(f) = ast.expr(e).kind {
                    self.0 = self.0.or(ast.func(f).body.as_ref().map(|b| b.span.lo));
                }
                self.0.is_none()
            }
        }
        let mut found = Literal(None);
        match node {
            Node::Stmt(s) => walk::stmt(self.ast, s, &mut found),
            Node::Expr(e) => walk::expr(self.ast, e, &mut found),
        }
        found.0
    }
}

#[derive(Clone, Copy)]
enum Node {
    Stmt(StmtId),
    Expr(ExprId),
}
