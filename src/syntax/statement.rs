//! Builds statements: keeps their depth, turns simple statements into conditions, cases and type switches, and reports
//! what the grammar lets through.
use super::build::Builder;
use super::token::Tok;
use crate::base::diag::Diagnostic;
use crate::base::limits::MAX_NESTING;
use crate::base::span::Span;
use crate::syntax::ast::*;

pub struct RawCase {
    pub head: Option<StmtId>,
    pub body: Vec<StmtId>,
    pub span: Span,
    pub colon: u32,
}

pub enum RawFor {
    Clause(Option<StmtId>, Option<StmtId>, Option<StmtId>),
    Range { lhs: Vec<ExprId>, define: bool, x: ExprId },
}

pub fn const_group(mut specs: Vec<ConstSpec>) -> Decl {
    for (i, spec) in specs.iter_mut().enumerate() {
        spec.iota = i as u32;
    }
    Decl::Const(specs)
}

impl Builder<'_> {
    pub fn stmt(&mut self, mut kind: StmtKind, lo: u32, hi: u32) -> StmtId {
        let mut depth = 1 + self.parts_depth(&kind);
        if depth > MAX_NESTING {
            self.too_deep(Span::new(lo, hi));
            kind = StmtKind::Bad;
            depth = 1;
        }
        self.ast.stmts.push(Stmt { kind, span: Span::new(lo, hi) });
        self.file.stmt_depths.push(depth);
        StmtId(self.ast.stmts.len() as u32 - 1)
    }

    fn stmt_depth(&self, s: StmtId) -> u32 {
        self.file.stmt_depths.get(s.0 as usize - self.file.first_stmt).copied().unwrap_or(0)
    }

    fn stmts_depth(&self, list: &[StmtId]) -> u32 {
        list.iter().map(|&s| self.stmt_depth(s)).max().unwrap_or(0)
    }

    pub fn block_depth(&self, b: &Block) -> u32 {
        self.stmts_depth(&b.stmts)
    }

    fn parts_depth(&self, kind: &StmtKind) -> u32 {
        let d = |e: &ExprId| self.ast.expr(*e).depth;
        let o = |e: &Option<ExprId>| e.as_ref().map_or(0, d);
        let s = |s: &Option<StmtId>| s.map_or(0, |s| self.stmt_depth(s));
        let list = |v: &[ExprId]| self.exprs_depth(v);
        match kind {
            StmtKind::Bad | StmtKind::Empty | StmtKind::Fallthrough => 0,
            StmtKind::Break(_) | StmtKind::Continue(_) | StmtKind::Goto(_) => 0,
            StmtKind::Decl(Decl::Var(v)) => v.iter().map(|v| o(&v.ty).max(list(&v.values))).max().unwrap_or(0),
            StmtKind::Decl(Decl::Const(v)) => v.iter().map(|v| o(&v.ty).max(list(&v.values))).max().unwrap_or(0),
            StmtKind::Decl(Decl::Type(v)) => {
                let params = |t: &TypeSpec| t.tparams.iter().map(|p| d(&p.constraint)).max().unwrap_or(0);
                v.iter().map(|t| d(&t.ty).max(params(t))).max().unwrap_or(0)
            }
            StmtKind::Expr(x) | StmtKind::Go(x) | StmtKind::Defer(x) | StmtKind::IncDec { x, .. } => d(x),
            StmtKind::Send { chan, value } => d(chan).max(d(value)),
            StmtKind::Assign { lhs, rhs, .. } | StmtKind::Define { lhs, rhs, .. } => list(lhs).max(list(rhs)),
            StmtKind::OpAssign { lhs, rhs, .. } => d(lhs).max(d(rhs)),
            StmtKind::Return(v) => list(v),
            StmtKind::Block(b) => self.block_depth(b),
            StmtKind::If { init, cond, then, els } => d(cond).max(s(init)).max(s(els)).max(self.block_depth(then)),
            StmtKind::Switch { init, tag, cases, .. } => self.cases_depth(cases).max(s(init)).max(o(tag)),
            StmtKind::TypeSwitch { init, x, cases, .. } => self.cases_depth(cases).max(s(init)).max(d(x)),
            StmtKind::Select { cases, .. } => {
                cases.iter().map(|c| self.stmts_depth(&c.body).max(s(&c.comm))).max().unwrap_or(0)
            }
            StmtKind::For { init, cond, post, body } => self.block_depth(body).max(s(init)).max(s(post)).max(o(cond)),
            StmtKind::Range { lhs, x, body, .. } => self.block_depth(body).max(list(lhs)).max(d(x)),
            StmtKind::Labeled { stmt, .. } => self.stmt_depth(*stmt),
        }
    }

    /// After a clause of a switch or select: its last statement must have ended.
    pub fn case(&mut self, head: Option<StmtId>, body: Vec<StmtId>, span: Span, colon: u32) -> RawCase {
        let next = self.taken.get().saturating_sub(1);
        if let Some(&(lo, t @ (Tok::Case | Tok::Default), hi)) = self.tokens.get(next)
            && !matches!(self.tokens[next - 1].1, Tok::Semi(_) | Tok::Colon)
        {
            let found = super::explain::describe(t, self.names);
            self.error(Span::new(lo, hi), format!("syntax error: unexpected {found} at end of statement"));
        }
        RawCase { head, body, span, colon }
    }

    fn cases_depth(&self, cases: &[Case]) -> u32 {
        cases.iter().map(|c| self.stmts_depth(&c.body).max(self.exprs_depth(&c.exprs))).max().unwrap_or(0)
    }

    pub fn labeled(&mut self, label: Ident, colon: u32, stmt: Option<StmtId>, hi: u32) -> StmtId {
        let stmt = match stmt {
            Some(s) => s,
            None => {
                // An empty statement needs a semicolon or the block's end.
                let next = self.taken.get().checked_sub(1).and_then(|i| self.tokens.get(i));
                if let Some((_, Tok::Case | Tok::Default, _)) = next {
                    self.error(Span::new(colon, colon + 1), "syntax error: missing statement after label");
                }
                self.stmt(StmtKind::Empty, hi, hi)
            }
        };
        self.stmt(StmtKind::Labeled { label, stmt }, label.span.lo, hi)
    }

    /// `go` and `defer`.
    pub fn called(&mut self, x: ExprId, keyword: &str) -> ExprId {
        let inner = self.ast.unparen(x);
        if inner != x {
            let span = self.ast.span(x);
            self.soft_error(span, format!("expression in {keyword} must not be parenthesized"));
        }
        inner
    }

    pub fn expr_stmt(&mut self, mut list: Vec<ExprId>, lo: u32, hi: u32) -> StmtId {
        if list.len() > 1 {
            // Kept as an assignment without right sides: a case's list, or an error.
            return self.stmt(StmtKind::Assign { lhs: list, rhs: Vec::new(), op_span: Span::NONE }, lo, hi);
        }
        match list.pop() {
            Some(x) if !self.is_bad(x) => self.stmt(StmtKind::Expr(x), lo, hi),
            _ => self.stmt(StmtKind::Bad, lo, hi),
        }
    }

    /// A simple statement where the grammar takes a list that only cases may have.
    pub fn checked(&mut self, s: StmtId) -> StmtId {
        if let StmtKind::Assign { rhs, .. } = &self.ast.stmt(s).kind
            && rhs.is_empty()
        {
            let end = self.ast.stmt(s).span.hi;
            let next = self.tokens.partition_point(|t| t.0 < end);
            let (span, found) = match self.tokens.get(next).copied() {
                Some((lo, t, hi)) => (Span::new(lo, hi.max(lo + 1)), super::explain::describe(t, self.names)),
                None => (Span::new(end, end), "EOF".into()),
            };
            self.error(span, format!("syntax error: unexpected {found}, expected := or = or comma"));
        }
        s
    }

    pub fn op_assign(&mut self, op: BinaryOp, op_span: Span, x: Vec<ExprId>, y: Vec<ExprId>, at: Span) -> StmtId {
        if x.len() > 1 {
            let op = self.source(op_span);
            self.error(op_span, format!("syntax error: unexpected {op}, expected := or = or comma"));
        } else if let Some(&second) = y.get(1) {
            let span = self.ast.span(second);
            self.error(span, "syntax error: unexpected comma at end of statement");
        }
        let (Some(&lhs), Some(&rhs)) = (x.first(), y.first()) else {
            return self.stmt(StmtKind::Bad, at.lo, at.hi);
        };
        self.stmt(StmtKind::OpAssign { op, lhs, rhs, op_span }, at.lo, at.hi)
    }

    /// A simple statement that is to be a condition or a switch's tag.
    fn condition(&mut self, s: StmtId) -> ExprId {
        let stmt = self.ast.stmt(s);
        let span = stmt.span;
        let mut help = None;
        let shown = match &stmt.kind {
            StmtKind::Expr(x) => return *x,
            StmtKind::Bad => None,
            StmtKind::Assign { lhs, rhs, .. } if rhs.is_empty() => {
                let _ = lhs;
                self.checked(s);
                None
            }
            StmtKind::Assign { lhs, rhs, .. } => {
                help = Some("== compares");
                Some(format!("assignment {} = {}", self.emphasized(lhs), self.emphasized(rhs)))
            }
            StmtKind::IncDec { x, inc } => {
                Some(format!("{}{}", self.source(self.ast.span(*x)), if *inc { "++" } else { "--" }))
            }
            _ => Some(self.source(span)),
        };
        if let Some(shown) = shown {
            let mut d = Diagnostic::error("syntax", span, format!("syntax error: cannot use {shown} as value"));
            d.help = help.map(str::to_string);
            self.diags.push(d);
        }
        self.bad(span)
    }

    /// The source of one side of an assignment, in parentheses if it is a binary expression.
    fn emphasized(&self, side: &[ExprId]) -> String {
        let one = |e: &ExprId| {
            let text = self.source(self.ast.span(*e));
            if side.len() == 1 && matches!(self.ast.expr(*e).kind, ExprKind::Binary { .. }) {
                format!("({text})")
            } else {
                text
            }
        };
        side.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    pub fn if_stmt(
        &mut self,
        (init, cond): (Option<StmtId>, StmtId),
        then: Block,
        els: Option<StmtId>,
        lo: u32,
        hi: u32,
    ) -> StmtId {
        let cond = self.condition(cond);
        let init = init.map(|s| self.checked(s));
        self.stmt(StmtKind::If { init, cond, then, els }, lo, hi)
    }

    /// A case's list of expressions or types.
    fn case_exprs(&mut self, head: Option<StmtId>) -> Vec<ExprId> {
        let Some(s) = head else { return Vec::new() };
        match &self.ast.stmt(s).kind {
            StmtKind::Expr(x) => vec![*x],
            StmtKind::Bad => Vec::new(),
            StmtKind::Assign { lhs, rhs, .. } if rhs.is_empty() => lhs.clone(),
            kind => {
                let (op, span) = match kind {
                    StmtKind::Assign { op_span, .. }
                    | StmtKind::Define { op_span, .. }
                    | StmtKind::OpAssign { op_span, .. } => (self.source(*op_span), *op_span),
                    StmtKind::Send { .. } => ("<-".into(), self.ast.stmt(s).span),
                    StmtKind::IncDec { inc: true, .. } => ("++".into(), self.ast.stmt(s).span),
                    _ => ("--".into(), self.ast.stmt(s).span),
                };
                self.error(span, format!("syntax error: unexpected {op}, expected :"));
                Vec::new()
            }
        }
    }

    pub fn switch(
        &mut self,
        (init, head): (Option<StmtId>, Option<StmtId>),
        raw: Vec<RawCase>,
        body: Span,
        lo: u32,
        hi: u32,
    ) -> StmtId {
        let mut cases = Vec::with_capacity(raw.len());
        for c in raw {
            let exprs = self.case_exprs(c.head);
            cases.push(Case { exprs, is_default: c.head.is_none(), body: c.body, span: c.span, colon: c.colon });
        }
        let init = init.map(|s| self.checked(s));
        if let Some((bind, x)) = head.and_then(|s| self.type_switch_guard(s)) {
            return self.stmt(StmtKind::TypeSwitch { init, bind, x, cases, body }, lo, hi);
        }
        let tag = head.map(|s| self.condition(s));
        self.stmt(StmtKind::Switch { init, tag, cases, body }, lo, hi)
    }

    /// `x.(type)`, alone or bound.
    fn type_switch_guard(&self, s: StmtId) -> Option<(Option<Ident>, ExprId)> {
        let (bind, x) = match &self.ast.stmt(s).kind {
            StmtKind::Expr(x) => (None, *x),
            StmtKind::Define { lhs, rhs, .. } => match (&lhs[..], &rhs[..]) {
                ([l], [r]) => (Some(*l), *r),
                _ => return None,
            },
            _ => return None,
        };
        let ExprKind::TypeAssert { x, ty: None } = self.ast.expr(x).kind else { return None };
        match bind.map(|b| (&self.ast.expr(b).kind, self.ast.span(b))) {
            None => Some((None, x)),
            Some((ExprKind::Ident(name), span)) => Some((Some(Ident { name: *name, span }), x)),
            Some(_) => None,
        }
    }

    pub fn select(&mut self, raw: Vec<RawCase>, body: Span, lo: u32, hi: u32) -> StmtId {
        let mut cases = Vec::with_capacity(raw.len());
        for c in raw {
            let comm = c.head.map(|s| self.checked(s));
            cases.push(CommCase { comm, body: c.body, span: c.span, colon: c.colon });
        }
        self.stmt(StmtKind::Select { cases, body }, lo, hi)
    }

    pub fn for_stmt(&mut self, head: RawFor, body: Block, lo: u32, hi: u32) -> StmtId {
        match head {
            RawFor::Range { lhs, define, x } => self.stmt(StmtKind::Range { lhs, define, x, body }, lo, hi),
            RawFor::Clause(init, cond, post) => {
                let init = init.map(|s| self.checked(s));
                let cond = cond.map(|s| self.condition(s));
                let post = post.map(|s| self.checked(s));
                if let Some(p) = post
                    && let StmtKind::Define { .. } = self.ast.stmt(p).kind
                {
                    let span = self.ast.stmt(p).span;
                    self.error(span, "syntax error: cannot declare in post statement of for loop");
                }
                self.stmt(StmtKind::For { init, cond, post, body }, lo, hi)
            }
        }
    }
}
