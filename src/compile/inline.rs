//! Calls of small functions, whose bodies are compiled in place of the call.
//!
//! A body is taken that calls nothing, reaches no safepoint and goes forward only: definitions and assignments, `if` and
//! `return`. So nobody can ask where it stands but who sees its panics and samples: for them the function says which of its
//! code belongs to whom (`bytecode::program::Inlined`). Nested bodies need no chain, as an inlined one calls nothing; arguments
//! are evaluated before it begins.
//!
//! Parameters lie in slots of the caller, or are the slots that hold the arguments, where the body does not assign to them:
//! nothing that a body without calls does can change a variable of the caller that lies in slots.
use super::call::Arg;
use super::closure::{self, ADDR, ASSIGNED, CAPTURED};
use super::emit::Label;
use super::func::Var;
use super::regs::Reg;
use super::{Compiler, FuncRef};
use crate::syntax::ast::*;
use crate::types::info::*;
use crate::types::instantiate::Subst;
use crate::types::ty::{Type, TypeId};

/// Expressions and statements in a body, at most: about as many instructions.
const MAX_NODES: usize = 40;

/// A call that is inlined.
pub struct Inline {
    obj: ObjId,
    targs: Vec<TypeId>,
    func: FuncId,
    args: Vec<Arg>,
    result: Option<TypeId>,
    pos: u32,
}

/// Where an inlined function's result goes.
#[derive(Clone, Copy)]
struct Dest {
    at: Reg,
    ty: TypeId,
    /// Nobody reads it yet; else it may be a variable that is an argument too.
    fresh: bool,
}

impl Compiler<'_> {
    /// How a call is inlined, if it is.
    pub fn inlined(&mut self, e: ExprId) -> Option<Inline> {
        if self.cover.is_some() {
            return None;
        }
        let ast = self.ast;
        let ExprKind::Call { fun, args, spread: false, parens } = &ast.expr(e).kind else { return None };
        let (obj, targs, recv) = self.declared_callee(*fun)?;
        let ObjKind::Func(f) = &self.info.obj(obj).kind else { return None };
        let func = f.func.filter(|_| !f.native)?;
        if !self.is_small(func) {
            return None;
        }
        let sig = self.decl_sig(obj, &targs);
        let (params, results, variadic) = self.signature(sig);
        let mut list: Vec<Arg> = recv.into_iter().collect();
        if variadic || params.len() != args.len() {
            return None;
        }
        self.arguments(args, &params, false, &mut list);
        let types = list.iter().map(|a| self.arg_type(a)).chain(results.iter().copied()).collect::<Vec<_>>();
        if types.into_iter().any(|t| self.lay(t).big()) {
            return None;
        }
        Some(Inline { obj, targs, func, args: list, result: results.first().copied(), pos: parens.lo })
    }

    /// The declared function or method that a call's operand names, its type arguments, and the receiver.
    fn declared_callee(&mut self, fun: ExprId) -> Option<(ObjId, Vec<TypeId>, Option<Arg>)> {
        if let Some((obj, targs)) = self.static_callee(fun) {
            return Some((obj, targs, None));
        }
        let e = self.ast.unparen(fun);
        if !matches!(self.info.selections.get(&e)?.kind, SelectionKind::Method { .. }) {
            return None;
        }
        let ExprKind::Selector { x, .. } = self.ast.expr(e).kind else { return None };
        let super::call::Target::Static { obj, targs, path, pointer } = self.target(e)? else { return None };
        let ty = self.recv_type(x, &path, pointer);
        Some((obj, targs, Some(Arg::Recv { x, path, pointer, ty })))
    }

    /// Whether a function's body may stand in place of its calls.
    fn is_small(&mut self, func: FuncId) -> bool {
        if let Some(&known) = self.small.get(&func) {
            return known;
        }
        let f = self.ast.func(func);
        let named = f.sig.results.iter().any(|r| r.name.is_some());
        let small = !named
            && f.sig.results.len() <= 1
            && f.body.as_ref().is_some_and(|b| {
                let mut nodes = MAX_NODES;
                self.small_block(b, !f.sig.results.is_empty(), &mut nodes)
            });
        let small = small && {
            closure::function(self.ast, self.info, &mut self.analysis, func);
            let params = f.recv.iter().flatten().chain(&f.sig.params).filter_map(|p| p.name);
            let objs = params.filter_map(|n| self.info.defs.get(&n.span.lo));
            objs.copied().all(|obj| self.analysis.flags(obj) & (ADDR | CAPTURED) == 0)
        };
        self.small.insert(func, small);
        small
    }

    /// `ends`: what falls off its end has no value to give.
    fn small_block(&mut self, b: &Block, ends: bool, nodes: &mut usize) -> bool {
        let ast = self.ast;
        let Some((&last, rest)) = b.stmts.split_last() else { return !ends };
        rest.iter().all(|&s| self.small_stmt(s, false, nodes))
            && self.small_stmt(last, ends, nodes)
            && (!ends || matches!(ast.stmt(last).kind, StmtKind::Return(_) | StmtKind::If { els: Some(_), .. }))
    }

    fn small_stmt(&mut self, s: StmtId, ends: bool, nodes: &mut usize) -> bool {
        let ast = self.ast;
        if *nodes == 0 {
            return false;
        }
        *nodes -= 1;
        let mut all = |c: &mut Self, list: &[ExprId]| list.iter().all(|&e| c.small_expr(e, nodes));
        match &ast.stmt(s).kind {
            StmtKind::Empty => !ends,
            StmtKind::Return(values) => all(self, values),
            StmtKind::IncDec { x, .. } => all(self, &[*x]),
            StmtKind::OpAssign { lhs, rhs, .. } => all(self, &[*lhs, *rhs]),
            StmtKind::Define { lhs, rhs, .. } => {
                lhs.len() == rhs.len() && lhs.iter().all(|&l| self.is_small_variable(l)) && all(self, rhs)
            }
            StmtKind::Assign { lhs, rhs, .. } => all(self, lhs) && all(self, rhs),
            StmtKind::If { init: None, cond, then, els } => {
                all(self, &[*cond])
                    && self.small_block(then, ends && els.is_some(), nodes)
                    && els.is_none_or(|e| match &ast.stmt(e).kind {
                        StmtKind::Block(b) => self.small_block(b, ends, nodes),
                        _ => self.small_stmt(e, ends, nodes),
                    })
            }
            _ => false,
        }
    }

    /// Whether a name on the left of `:=` declares a variable that lies in slots.
    fn is_small_variable(&mut self, name: ExprId) -> bool {
        let Some(&obj) = self.info.defs.get(&self.ast.span(name).lo) else { return false };
        let ty = self.info.obj(obj).ty;
        !self.info.types.parameterized(ty) && !self.lay(ty).big()
    }

    fn small_expr(&mut self, e: ExprId, nodes: &mut usize) -> bool {
        let ast = self.ast;
        if self.info.consts.contains_key(&e) || self.info.mode(e) == Mode::Type {
            return true;
        }
        if *nodes == 0 {
            return false;
        }
        *nodes -= 1;
        match &ast.expr(e).kind {
            // The blank identifier is no operand.
            ExprKind::Ident(_) => {
                self.info.uses.get(&e).is_some_and(|&obj| {
                    matches!(self.info.obj(obj).kind, ObjKind::Local | ObjKind::Global | ObjKind::Nil)
                })
            }
            ExprKind::Paren(x) | ExprKind::Star(x) => self.small_expr(*x, nodes),
            ExprKind::Selector { x, .. } => match self.info.selections.get(&e).map(|s| s.kind) {
                Some(SelectionKind::Field) => self.small_expr(*x, nodes),
                Some(_) => false,
                None => {
                    let obj = self.info.uses.get(&e);
                    obj.is_some_and(|&o| matches!(self.info.obj(o).kind, ObjKind::Global))
                }
            },
            ExprKind::Index { x, indices } => {
                let over = self.info.types.underlying(self.info.type_of(*x));
                matches!(over, Type::Slice(_) | Type::Array(..) | Type::Pointer(_) | Type::Basic(_))
                    && self.small_expr(*x, nodes)
                    && indices.iter().all(|&i| self.small_expr(i, nodes))
            }
            ExprKind::Composite { elems, .. } => {
                matches!(self.info.types.underlying(self.info.type_of(e)), Type::Struct(_))
                    && elems.iter().all(|el| self.small_expr(el.value, nodes))
            }
            ExprKind::Slice { x, lo, hi, max, .. } => {
                let over = self.info.types.underlying(self.info.type_of(*x));
                matches!(over, Type::Slice(_) | Type::Basic(_))
                    && [Some(*x), *lo, *hi, *max].into_iter().flatten().all(|e| self.small_expr(e, nodes))
            }
            ExprKind::Unary { op: UnaryOp::Addr, x } => {
                matches!(ast.expr(ast.unparen(*x)).kind, ExprKind::Composite { .. }) && self.small_expr(*x, nodes)
            }
            ExprKind::Unary { op, x } => *op != UnaryOp::Recv && self.small_expr(*x, nodes),
            ExprKind::Binary { x, y, .. } => self.small_expr(*x, nodes) && self.small_expr(*y, nodes),
            ExprKind::Call { fun, args, .. } => {
                let plain = match self.info.mode(ast.unparen(*fun)) {
                    Mode::Type => matches!(self.info.types.underlying(self.info.type_of(e)), Type::Basic(_)),
                    Mode::Builtin => {
                        matches!(self.builtin(*fun), Some(Builtin::Len | Builtin::Cap | Builtin::Min | Builtin::Max))
                    }
                    _ => false,
                };
                plain && args.iter().all(|&a| self.small_expr(a, nodes))
            }
            _ => false,
        }
    }

    /// The value of an inlined call; it gives none: any slot.
    pub fn inline_call(&mut self, call: Inline, want: Option<Reg>) -> Reg {
        let dst = call.result.map(|ty| {
            let wanted = want.filter(|_| self.lay(ty).slots == 1);
            Dest { at: wanted.unwrap_or_else(|| self.slots_for(ty)), ty, fresh: wanted.is_none() }
        });
        let mark = self.f.regs.mark();
        // A slot of a window that is being filled may lie above what is in use: temporaries go beyond it.
        if let Some(d) = dst.filter(|d| d.at.is_scalar()) {
            self.f.regs.set_top(mark.top().max(d.at.index() + 1));
        }
        let pos = call.pos;
        self.inline_with(call, |c, body| {
            let end = c.f.code.label();
            c.inline_block(body, dst, end, true);
            c.f.code.bind(end);
        });
        self.f.regs.release(mark);
        self.set_pos(pos);
        match (dst, want) {
            (Some(d), Some(w)) => {
                let n = self.lay(d.ty).slots;
                self.f.code.mov_n(w, d.at, n);
                w
            }
            (Some(d), None) => d.at,
            (None, _) => Reg::scalar(self.f.regs.top),
        }
    }

    /// Jumps to `to` if the value of an inlined call is `sense`; `false`: the call is none whose body is one expression.
    pub fn inline_cond(&mut self, e: ExprId, to: Label, sense: bool) -> bool {
        let ast = self.ast;
        let Some(call) = self.inlined(e) else { return false };
        let Some([only]) = ast.func(call.func).body.as_ref().map(|b| &b.stmts[..]) else { return false };
        let StmtKind::Return(values) = &ast.stmt(*only).kind else { return false };
        let &[value] = &values[..] else { return false };
        let (pos, at) = (call.pos, ast.stmt(*only).span.lo);
        self.inline_with(call, |c, _| {
            c.set_pos(at);
            c.cond(value, to, sense);
        });
        self.set_pos(pos);
        true
    }

    /// Evaluates the arguments, and compiles a body with them by `f`.
    fn inline_with(&mut self, call: Inline, f: impl FnOnce(&mut Self, &Block)) {
        let ast = self.ast;
        let Inline { obj, targs, func, args, pos, .. } = call;
        let decl = ast.func(func);
        let Some(body) = &decl.body else { return };
        let FuncRef::Code(idx) = self.func_ref(obj, targs.clone()) else { return };
        let names: Vec<Option<Ident>> = decl.recv.iter().flatten().chain(&decl.sig.params).map(|p| p.name).collect();
        let params: Vec<Option<ObjId>> =
            names.into_iter().map(|n| n.and_then(|n| self.info.defs.get(&n.span.lo).copied())).collect();
        let slots = self.inline_args(&args, &params);
        self.set_pos(pos);
        for (param, &slot) in params.iter().zip(&slots) {
            if let Some(p) = param {
                self.f.vars.insert(*p, Var::Slot(slot));
            }
        }
        let subst: Subst = self.func_subst(obj, &targs);
        let package = self.info.obj(obj).pkg;
        let outer = (
            std::mem::replace(&mut self.f.subst, subst),
            std::mem::take(&mut self.f.sub_memo),
            std::mem::replace(&mut self.f.package, package),
        );
        let begin = self.f.code.begin_inlined();
        f(self, body);
        self.f.code.end_inlined(begin, idx, pos);
        (self.f.subst, self.f.sub_memo, self.f.package) = outer;
    }

    /// Evaluates arguments as a call does, those with calls first; where they lie.
    fn inline_args(&mut self, args: &[Arg], params: &[Option<ObjId>]) -> Vec<Reg> {
        let calls = args.iter().any(|a| self.arg_has_safepoint(a));
        let early: Vec<bool> = args
            .iter()
            .map(|a| match a {
                Arg::Expr(e, t) if calls => self.is_early(*e, *t),
                _ => self.arg_has_safepoint(a),
            })
            .collect();
        let mut slots = vec![Reg::NONE; args.len()];
        for round in [true, false] {
            for (i, a) in args.iter().enumerate().filter(|&(i, _)| early[i] == round) {
                let assigned = params.get(i).copied().flatten().is_some_and(|p| self.analysis.flags(p) & ASSIGNED != 0);
                slots[i] = match a {
                    &Arg::Expr(e, t) if !assigned && round => self.held_value(e, t),
                    &Arg::Expr(e, t) if !assigned => self.value(e, t),
                    &Arg::Recv { x, ref path, ty, .. } if !assigned && path.is_empty() && self.ty(x) == ty => {
                        if round {
                            self.held_value(x, ty)
                        } else {
                            self.value(x, ty)
                        }
                    }
                    _ => {
                        let t = self.arg_type(a);
                        let d = self.slots_for(t);
                        self.argument(a, d);
                        d
                    }
                };
            }
        }
        slots
    }

    /// Compiles a body's statements; a `return` puts its value into `dst` and goes to `end`, which comes next after what is
    /// `last`.
    fn inline_block(&mut self, b: &Block, dst: Option<Dest>, end: Label, last: bool) {
        let Some((&tail, rest)) = b.stmts.split_last() else { return };
        rest.iter().for_each(|&s| self.inline_stmt(s, dst, end, false));
        self.inline_stmt(tail, dst, end, last);
    }

    fn inline_stmt(&mut self, s: StmtId, dst: Option<Dest>, end: Label, last: bool) {
        let ast = self.ast;
        let stmt = ast.stmt(s);
        match &stmt.kind {
            StmtKind::Return(values) => {
                self.set_pos(stmt.span.lo);
                let mark = self.f.regs.mark();
                if let (&[e], Some(d)) = (&values[..], dst) {
                    if d.fresh {
                        self.expr_fresh(e, d.ty, d.at);
                    } else {
                        self.expr_as(e, d.ty, Some(d.at));
                    }
                }
                self.f.regs.release(mark);
                if !last {
                    self.f.code.jump(end);
                }
            }
            StmtKind::Block(b) => self.inline_block(b, dst, end, last),
            StmtKind::If { cond, then, els, .. } => {
                self.set_pos(ast.span(*cond).lo);
                let no = self.f.code.label();
                self.cond(*cond, no, false);
                self.inline_block(then, dst, end, last && els.is_none());
                if let Some(e) = els {
                    let over = self.f.code.label();
                    self.f.code.jump(over);
                    self.f.code.bind(no);
                    self.inline_stmt(*e, dst, end, last);
                    self.f.code.bind(over);
                } else {
                    self.f.code.bind(no);
                }
            }
            _ => self.stmt(s),
        }
    }
}
