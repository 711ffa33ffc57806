//! Visiting a tree: every statement and expression below one, in source order. The depth is bounded by
//! `limits::MAX_NESTING`, as the parser holds it.
use super::ast::*;

/// What is done at each node; `false` leaves out what lies below it.
pub trait Visit {
    fn expr(&mut self, _ast: &Ast, _e: ExprId) -> bool {
        true
    }
    fn stmt(&mut self, _ast: &Ast, _s: StmtId) -> bool {
        true
    }
}

pub fn block(ast: &Ast, b: &Block, v: &mut impl Visit) {
    stmts(ast, &b.stmts, v);
}

pub fn stmts(ast: &Ast, list: &[StmtId], v: &mut impl Visit) {
    list.iter().for_each(|&s| stmt(ast, s, v));
}

fn exprs(ast: &Ast, list: &[ExprId], v: &mut impl Visit) {
    list.iter().for_each(|&e| expr(ast, e, v));
}

pub fn stmt(ast: &Ast, s: StmtId, v: &mut impl Visit) {
    if !v.stmt(ast, s) {
        return;
    }
    match &ast.stmt(s).kind {
        StmtKind::Bad
        | StmtKind::Empty
        | StmtKind::Break(_)
        | StmtKind::Continue(_)
        | StmtKind::Goto(_)
        | StmtKind::Fallthrough
        | StmtKind::Decl(Decl::Type(_)) => {}
        StmtKind::Decl(Decl::Var(specs)) => specs.iter().for_each(|s| exprs(ast, &s.values, v)),
        StmtKind::Decl(Decl::Const(specs)) => specs.iter().for_each(|s| exprs(ast, &s.values, v)),
        StmtKind::Expr(e) | StmtKind::Go(e) | StmtKind::Defer(e) => expr(ast, *e, v),
        StmtKind::Send { chan, value } => exprs(ast, &[*chan, *value], v),
        StmtKind::IncDec { x, .. } => expr(ast, *x, v),
        StmtKind::Assign { lhs, rhs, .. } | StmtKind::Define { lhs, rhs, .. } => {
            exprs(ast, lhs, v);
            exprs(ast, rhs, v);
        }
        StmtKind::OpAssign { lhs, rhs, .. } => exprs(ast, &[*lhs, *rhs], v),
        StmtKind::Return(list) => exprs(ast, list, v),
        StmtKind::Block(b) => block(ast, b, v),
        StmtKind::If { init, cond, then, els } => {
            init.iter().for_each(|&s| stmt(ast, s, v));
            expr(ast, *cond, v);
            block(ast, then, v);
            els.iter().for_each(|&s| stmt(ast, s, v));
        }
        StmtKind::Switch { init, tag, cases, .. } => {
            init.iter().for_each(|&s| stmt(ast, s, v));
            tag.iter().for_each(|&e| expr(ast, e, v));
            for c in cases {
                exprs(ast, &c.exprs, v);
                stmts(ast, &c.body, v);
            }
        }
        StmtKind::TypeSwitch { init, x, cases, .. } => {
            init.iter().for_each(|&s| stmt(ast, s, v));
            expr(ast, *x, v);
            cases.iter().for_each(|c| stmts(ast, &c.body, v));
        }
        StmtKind::Select { cases, .. } => {
            for c in cases {
                c.comm.iter().for_each(|&s| stmt(ast, s, v));
                stmts(ast, &c.body, v);
            }
        }
        StmtKind::For { init, cond, post, body } => {
            init.iter().for_each(|&s| stmt(ast, s, v));
            cond.iter().for_each(|&e| expr(ast, e, v));
            post.iter().for_each(|&s| stmt(ast, s, v));
            block(ast, body, v);
        }
        StmtKind::Range { lhs, x, body, .. } => {
            exprs(ast, lhs, v);
            expr(ast, *x, v);
            block(ast, body, v);
        }
        StmtKind::Labeled { stmt: inner, .. } => stmt(ast, *inner, v),
    }
}

pub fn expr(ast: &Ast, e: ExprId, v: &mut impl Visit) {
    if !v.expr(ast, e) {
        return;
    }
    match &ast.expr(e).kind {
        ExprKind::Bad
        | ExprKind::Ident(_)
        | ExprKind::Lit { .. }
        | ExprKind::FuncType(_)
        | ExprKind::StructType { .. }
        | ExprKind::InterfaceType { .. }
        | ExprKind::SliceType { .. }
        | ExprKind::MapType { .. }
        | ExprKind::ChanType { .. }
        | ExprKind::ArrayType { .. } => {}
        ExprKind::Composite { elems, .. } => {
            for el in elems {
                el.key.iter().for_each(|&k| expr(ast, k, v));
                expr(ast, el.value, v);
            }
        }
        ExprKind::FuncLit(f) => {
            if let Some(body) = &ast.func(*f).body {
                block(ast, body, v);
            }
        }
        ExprKind::Paren(x) | ExprKind::Star(x) | ExprKind::Tilde(x) => expr(ast, *x, v),
        ExprKind::Selector { x, .. } | ExprKind::TypeAssert { x, .. } | ExprKind::Unary { x, .. } => expr(ast, *x, v),
        ExprKind::Index { x, indices } => {
            expr(ast, *x, v);
            exprs(ast, indices, v);
        }
        ExprKind::Slice { x, lo, hi, max, .. } => {
            expr(ast, *x, v);
            [lo, hi, max].into_iter().flatten().for_each(|&e| expr(ast, e, v));
        }
        ExprKind::Call { fun, args, .. } => {
            expr(ast, *fun, v);
            exprs(ast, args, v);
        }
        ExprKind::Binary { x, y, .. } => exprs(ast, &[*x, *y], v),
    }
}
