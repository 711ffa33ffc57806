//! Statements.
use super::check::*;
use super::constant::Const;
use super::expr::Kind;
use super::info::*;
use super::literal::{Key, key_of};
use super::operand::*;
use super::ty::*;
use crate::base::diag::Diagnostic;
use crate::base::intern::Sym;
use crate::base::span::Span;
use crate::syntax::ast::*;
use rustc_hash::FxHashMap;

/// What a statement may be, as bits.
pub(super) const BREAK_OK: u32 = 1;
pub(super) const CONTINUE_OK: u32 = 2;
const FALLTHROUGH_OK: u32 = 4;
const FINAL_CASE: u32 = 8;
const IN_TYPE_SWITCH: u32 = 16;

type Seen = FxHashMap<(Key, TypeId), Span>;

impl<'a> Checker<'a> {
    pub fn stmt_list(&mut self, ctx: u32, list: &[StmtId]) {
        let ast = self.ast;
        let inner = ctx & !FALLTHROUGH_OK;
        let mut end = list.len();
        while end > 0 && matches!(ast.stmt(list[end - 1]).kind, StmtKind::Empty) {
            end -= 1;
        }
        for (i, &s) in list[..end].iter().enumerate() {
            let last = i + 1 == end;
            self.stmt(if last { ctx } else { inner }, s);
        }
    }

    fn block(&mut self, ctx: u32, b: &'a Block) {
        let outer = self.open_scope();
        self.stmt_list(ctx, &b.stmts);
        self.close_scope(outer);
    }

    fn simple(&mut self, s: Option<StmtId>) {
        if let Some(s) = s {
            self.stmt(0, s);
        }
    }

    pub fn stmt(&mut self, ctx: u32, id: StmtId) {
        let ast = self.ast;
        let s = ast.stmt(id);
        if !self.enter(s.span) {
            return;
        }
        self.stmt_inner(ctx, s);
        self.leave();
    }

    fn stmt_inner(&mut self, ctx: u32, s: &'a Stmt) {
        let ast = self.ast;
        let inner = ctx & !(FALLTHROUGH_OK | FINAL_CASE | IN_TYPE_SWITCH);
        match &s.kind {
            StmtKind::Bad | StmtKind::Empty => {}
            StmtKind::Decl(d) => self.local_decl(d),
            StmtKind::Expr(e) => self.expr_stmt(*e),
            StmtKind::Send { chan, value } => {
                let ch = self.expr(None, *chan);
                let mut val = self.generic_expr(*value, TypeId::INVALID);
                if !ch.ok() || !val.ok() {
                    return;
                }
                if let Some(elem) = self.chan_elem(&ch, false, s.span) {
                    self.assignment(&mut val, Some(elem), "send");
                }
            }
            StmtKind::IncDec { x: e, inc } => {
                let mut x = self.expr(None, *e);
                if !x.ok() {
                    return;
                }
                if !self.t().all_basic(x.ty, |b| b.is_numeric()) {
                    let op = if *inc { "++" } else { "--" };
                    let message =
                        format!("invalid operation: {}{op} (non-numeric type {})", self.es(*e), self.ts(x.ty));
                    self.err("operator", self.span(*e), message);
                    return;
                }
                self.assign_var(*e, None, Some(&mut x), "assignment");
            }
            StmtKind::Assign { lhs, rhs, .. } => self.assign_vars(lhs, rhs),
            StmtKind::OpAssign { op, lhs, rhs, op_span } => {
                let mut x = self.binary(None, *lhs, *rhs, *op, *op_span);
                // the result is assigned to lhs, not lhs to itself
                let expr = x.expr;
                x.text = x.expr.map(|e| self.es(e));
                x.expr = expr;
                self.assign_var(*lhs, None, Some(&mut x), "assignment");
            }
            StmtKind::Define { lhs, rhs, op_span } => self.short_var_decl(*op_span, lhs, rhs),
            StmtKind::Go(call) => self.suspended_call("go", *call),
            StmtKind::Defer(call) => self.suspended_call("defer", *call),
            StmtKind::Return(list) => self.return_stmt(s.span, list),
            StmtKind::Break(label) => {
                if label.is_some() {
                    self.has_label = true;
                } else if ctx & BREAK_OK == 0 {
                    self.err("break", s.span, "break is not in a loop, switch, or select");
                }
            }
            StmtKind::Continue(label) => {
                if label.is_some() {
                    self.has_label = true;
                } else if ctx & CONTINUE_OK == 0 {
                    self.err("continue", s.span, "continue is not in a loop");
                }
            }
            StmtKind::Goto(_) => self.has_label = true,
            StmtKind::Fallthrough => {
                if ctx & FALLTHROUGH_OK == 0 {
                    let message = if ctx & FINAL_CASE != 0 {
                        "cannot fallthrough final case in switch"
                    } else if ctx & IN_TYPE_SWITCH != 0 {
                        "cannot fallthrough in type switch"
                    } else {
                        "fallthrough statement out of place"
                    };
                    self.err("fallthrough", s.span, message);
                }
            }
            StmtKind::Block(b) => self.block(inner, b),
            StmtKind::If { init, cond, then, els } => {
                let outer = self.open_scope();
                self.simple(*init);
                self.condition(*cond, "if");
                self.block(inner, then);
                if let Some(e) = els {
                    self.stmt(inner, *e);
                }
                self.close_scope(outer);
            }
            StmtKind::Switch { init, tag, cases, body } => {
                let outer = self.open_scope();
                self.simple(*init);
                self.switch_stmt(inner | BREAK_OK, *tag, cases, *body);
                self.close_scope(outer);
            }
            StmtKind::TypeSwitch { init, bind, x, cases, .. } => {
                let outer = self.open_scope();
                self.simple(*init);
                self.type_switch(inner | BREAK_OK | IN_TYPE_SWITCH, *bind, *x, cases);
                self.close_scope(outer);
            }
            StmtKind::Select { cases, .. } => self.select_stmt(inner | BREAK_OK, cases),
            StmtKind::For { init, cond, post, body } => {
                let outer = self.open_scope();
                self.simple(*init);
                if let Some(c) = cond {
                    self.condition(*c, "for");
                }
                if let Some(p) = post {
                    if let StmtKind::Define { rhs, .. } = &ast.stmt(*p).kind {
                        let span = ast.stmt(*p).span;
                        self.err("for-post", span, "cannot declare in post statement of for loop");
                        self.use_exprs(rhs);
                    } else {
                        self.simple(Some(*p));
                    }
                }
                self.block(inner | BREAK_OK | CONTINUE_OK, body);
                self.close_scope(outer);
            }
            StmtKind::Range { lhs, define, x, body } => {
                self.range_stmt(inner | BREAK_OK | CONTINUE_OK, s.span, lhs, *define, *x, body);
            }
            StmtKind::Labeled { stmt, .. } => {
                self.has_label = true;
                self.stmt(ctx, *stmt);
            }
        }
    }

    pub fn loop_body(&mut self, ctx: u32, body: &'a Block) {
        self.block(ctx, body);
    }

    fn condition(&mut self, e: ExprId, what: &str) {
        let x = self.expr(None, e);
        if !x.ok() {
            return;
        }
        if !self.t().all_basic(x.ty, |b| b.is_boolean()) {
            let message = format!("non-boolean condition in {what} statement");
            let d = Diagnostic::error("condition", self.span(e), message);
            let text = format!("this is of type {}", self.ts(x.ty));
            self.report(d.label(text));
            return;
        }
        let ty = self.t().default_type(x.ty);
        self.update_type(e, ty, true);
    }

    fn expr_stmt(&mut self, e: ExprId) {
        let (x, kind) = self.raw_expr(None, e, TypeId::INVALID, false);
        if self.shows_value(e, &x) {
            return;
        }
        let message = match x.mode {
            Mode::Invalid => return,
            Mode::Builtin => "must be called",
            Mode::Type => "is not an expression",
            _ if kind == Kind::Statement => return,
            _ => "is not used",
        };
        let message = format!("{} {message}", self.operand_string(&x));
        self.err("unused-result", self.span(e), message);
    }

    fn suspended_call(&mut self, keyword: &str, e: ExprId) {
        if !matches!(self.ast.expr(e).kind, ExprKind::Call { .. }) {
            let mut d =
                Diagnostic::error("not-a-call", self.span(e), format!("expression in {keyword} must be function call"));
            if matches!(self.ast.expr(self.ast.unparen(e)).kind, ExprKind::FuncLit(_)) {
                d = d.help("add `()` after the function literal to call it");
            }
            self.report(d);
            self.use_exprs(&[e]);
            return;
        }
        let (x, kind) = self.raw_expr(None, e, TypeId::INVALID, false);
        if !x.ok() {
            return;
        }
        let message = match kind {
            Kind::Conversion => "requires function call, not conversion",
            Kind::Expression => "discards result of",
            Kind::Statement => return,
        };
        let message = format!("{keyword} {message} {}", self.operand_string(&x));
        self.err("unused-result", self.span(e), message);
    }

    fn return_stmt(&mut self, span: Span, list: &[ExprId]) {
        let named = self.env.results.clone();
        if list.is_empty() && !named.is_empty() {
            for &o in named.iter() {
                let name = self.obj(o).name;
                if name == Sym::BLANK {
                    continue;
                }
                if let Some(other) = self.lookup(name)
                    && other != o
                {
                    let text = self.name(name).to_string();
                    let at = self.obj(other).span;
                    self.report(
                        Diagnostic::error(
                            "shadowed-result",
                            span,
                            format!("result parameter {text} not in scope at return"),
                        )
                        .related(at, format!("inner declaration of {text}")),
                    );
                }
            }
            return;
        }
        self.return_values(span, list);
    }

    // --- switch

    fn multiple_defaults(&mut self, defaults: impl Iterator<Item = Span>) {
        let mut first: Option<Span> = None;
        for span in defaults {
            match first {
                None => first = Some(span),
                Some(f) => {
                    let message = format!("multiple defaults (first at {})", self.place(f));
                    self.report(Diagnostic::error("duplicate-default", span, message).related(f, "first default"));
                }
            }
        }
    }

    fn switch_stmt(&mut self, ctx: u32, tag: Option<ExprId>, cases: &'a [Case], _body: Span) {
        let mut x;
        match tag {
            Some(t) => {
                x = self.expr(None, t);
                self.assignment(&mut x, None, "switch expression");
                if x.ok() && !self.comparable(x.ty) && !self.t().has_nil(x.ty) {
                    let message =
                        format!("cannot switch on {} ({} is not comparable)", self.operand_string(&x), self.ts(x.ty));
                    self.err("switch", self.operand_span(&x), message);
                    x.invalidate();
                }
            }
            None => {
                x = Operand::new(Mode::Const, TypeId::BOOL);
                x.val = Some(Const::Bool(true));
                x.text = Some("true".into());
            }
        }
        self.multiple_defaults(cases.iter().filter(|c| c.is_default).map(|c| c.span));
        let mut seen: Seen = FxHashMap::default();
        for (i, c) in cases.iter().enumerate() {
            let ctx = ctx | if i + 1 < cases.len() { FALLTHROUGH_OK } else { FINAL_CASE };
            for &e in &c.exprs {
                self.case_value(&x, e, &mut seen);
            }
            let outer = self.open_scope();
            self.stmt_list(ctx, &c.body);
            self.close_scope(outer);
        }
    }

    fn case_value(&mut self, x: &Operand, e: ExprId, seen: &mut Seen) {
        let mut v = self.expr(None, e);
        if !x.ok() || !v.ok() {
            return;
        }
        // an untyped case takes the type of the tag
        if self.t().is_untyped(v.ty) {
            self.convert_untyped(&mut v, x.ty);
            if !v.ok() {
                return;
            }
        }
        let mut r = v.clone();
        self.comparison(&mut r, &mut x.clone(), BinaryOp::Eq, true);
        if !r.ok() || v.mode != Mode::Const {
            return;
        }
        let Some(val) = &v.val else { return };
        // duplicate booleans are not reported, as Go
        if matches!(val, Const::Bool(_)) {
            return;
        }
        let Some(key) = key_of(val) else { return };
        if let Some(&first) = seen.get(&(key.clone(), v.ty)) {
            let message = format!("duplicate case {} in expression switch", self.operand_string(&v));
            self.report(Diagnostic::error("duplicate-case", self.span(e), message).related(first, "previous case"));
            return;
        }
        let span = self.span(e);
        seen.insert((key, v.ty), span);
    }

    fn type_switch(&mut self, ctx: u32, bind: Option<Ident>, e: ExprId, cases: &'a [Case]) {
        let mut bind = bind;
        if let Some(b) = bind
            && b.name == Sym::BLANK
        {
            self.err("short-declaration", b.span, "no new variable on left side of :=");
            bind = None;
        }
        // the operand of x.(type), or x itself
        let operand = match self.ast.expr(self.ast.unparen(e)).kind {
            ExprKind::TypeAssert { x, ty: None } => x,
            _ => e,
        };
        let x = self.expr(None, operand);
        let mut valid = None;
        if x.ok() {
            if self.t().is_tparam(x.ty) {
                let message = format!("cannot use type switch on type parameter value {}", self.operand_string(&x));
                self.err("type-switch", self.operand_span(&x), message);
            } else if self.t().is_interface(x.ty) {
                valid = Some(x.clone());
            } else {
                let message = format!("{} is not an interface", self.operand_string(&x));
                self.err("type-switch", self.operand_span(&x), message);
            }
        }
        self.multiple_defaults(cases.iter().filter(|c| c.is_default).map(|c| c.span));
        let mut vars: Vec<ObjId> = Vec::new();
        let mut seen: FxHashMap<Option<TypeId>, Span> = FxHashMap::default();
        for c in cases {
            let ty = self.case_types(valid.as_ref(), &c.exprs, &mut seen);
            let outer = self.open_scope();
            if let Some(b) = bind {
                let o = self.new_object(b.name, ObjKind::Local, ty, b.span);
                let scope = self.env.scope;
                self.scopes[scope.0 as usize].names.insert(b.name, o);
                self.info.implicits.insert(c.span.lo, o);
                vars.push(o);
            }
            self.stmt_list(ctx, &c.body);
            if let Some(&v) = vars.last() {
                // whether it is used is asked over all clauses
                self.scopes[self.env.scope.0 as usize].names.retain(|_, o| *o != v);
            }
            self.close_scope(outer);
        }
        if let Some(b) = bind
            && !vars.iter().any(|v| self.aux[v.0 as usize].used)
        {
            self.unused_variable(b.name, b.span, false);
        }
    }

    fn case_types(
        &mut self,
        x: Option<&Operand>,
        exprs: &[ExprId],
        seen: &mut FxHashMap<Option<TypeId>, Span>,
    ) -> TypeId {
        let mut last = None;
        for &e in exprs {
            let is_nil = match self.ast.expr(self.ast.unparen(e)).kind {
                ExprKind::Ident(name) => self.lookup(name).is_some_and(|o| matches!(self.obj(o).kind, ObjKind::Nil)),
                _ => false,
            };
            let ty = if is_nil {
                self.expr(None, e);
                None
            } else {
                let t = self.var_type(e);
                if t == TypeId::INVALID {
                    last = Some(TypeId::INVALID);
                    continue;
                }
                Some(t)
            };
            last = ty;
            if let Some(&first) = seen.get(&ty) {
                let text = ty.map_or("nil".into(), |t| self.ts(t));
                let message = format!("duplicate case {text} in type switch");
                self.report(Diagnostic::error("duplicate-case", self.span(e), message).related(first, "previous case"));
                continue;
            }
            let span = self.span(e);
            seen.insert(ty, span);
            if let (Some(x), Some(t)) = (x, ty) {
                self.type_assertion(e, x, t, true);
            }
        }
        match (exprs.len(), last) {
            (1, Some(t)) => t,
            _ => x.map_or(TypeId::INVALID, |x| x.ty),
        }
    }

    // --- select

    fn select_stmt(&mut self, ctx: u32, cases: &'a [CommCase]) {
        let ast = self.ast;
        self.multiple_defaults(cases.iter().filter(|c| c.comm.is_none()).map(|c| c.span));
        for c in cases {
            let received = match c.comm.map(|s| &ast.stmt(s).kind) {
                None | Some(StmtKind::Send { .. }) => None,
                Some(StmtKind::Expr(e)) => Some(Some(*e)),
                Some(StmtKind::Assign { rhs, .. } | StmtKind::Define { rhs, .. }) if rhs.len() == 1 => {
                    Some(Some(rhs[0]))
                }
                Some(_) => Some(None),
            };
            if let Some(r) = received {
                let ok = r.is_some_and(|e| {
                    matches!(ast.expr(ast.unparen(e)).kind, ExprKind::Unary { op: UnaryOp::Recv, .. })
                });
                if !ok {
                    let span = c.comm.map_or(c.span, |s| ast.stmt(s).span);
                    self.err("select", span, "select case must be send or receive (possibly with assignment)");
                    continue;
                }
            }
            let outer = self.open_scope();
            if let Some(s) = c.comm {
                self.stmt(ctx, s);
            }
            self.stmt_list(ctx, &c.body);
            self.close_scope(outer);
        }
    }
}
