//! Calls of small functions, whose bodies are compiled in place of the call.
//!
//! A body is taken that calls other small functions only and goes forward only: definitions and assignments, `if` and
//! `return`. Who looks at frames learns from the function which of its code belongs to whom (`bytecode::program::Inlined`);
//! arguments are evaluated before a body begins, so what is inlined in another lies within it.
//!
//! Parameters lie in slots of the caller, or are the slots that hold the arguments, where the body does not assign to them:
//! nothing that a body does can change a variable of the caller that lies in slots.
use super::call::Arg;
use super::closure::{self, ADDR, ASSIGNED, CAPTURED};
use super::emit::Label;
use super::func::Var;
use super::lvalue::Place;
use super::regs::Reg;
use super::{Compiler, FuncRef};
use crate::syntax::ast::*;
use crate::types::info::*;
use crate::types::instantiate::Subst;
use crate::types::ty::{Type, TypeId};

/// Expressions and statements in a body, at most: about as many instructions.
const MAX_NODES: usize = 40;
/// A frame's number has room for seven functions in each other.
const MAX_DEPTH: usize = 4;

/// A function whose body may stand in place of its calls.
#[derive(Clone, Copy)]
pub struct Small {
    /// What it counts of [`MAX_NODES`].
    nodes: usize,
    /// How many functions are in each other, itself counted.
    depth: usize,
}

/// What is left for a body that is looked at, and how deep its calls go.
struct Look {
    nodes: usize,
    depth: usize,
}

/// A call that is inlined.
pub struct Inline {
    obj: ObjId,
    targs: Vec<TypeId>,
    func: FuncId,
    args: Vec<Arg>,
    results: Vec<TypeId>,
    pos: u32,
}

/// Where an inlined function's result goes.
#[derive(Clone, Copy)]
struct Dest {
    at: Reg,
    ty: TypeId,
    /// Nobody reads it yet; else it may be a variable, of the function or one that is an argument too.
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
        self.small(func)?;
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
        Some(Inline { obj, targs, func, args: list, results, pos: parens.lo })
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
    fn small(&mut self, func: FuncId) -> Option<Small> {
        if let Some(&known) = self.small.get(&func) {
            return known;
        }
        // A function that calls itself is none.
        self.small.insert(func, None);
        let small = self.find_small(func);
        self.small.insert(func, small);
        small
    }

    fn find_small(&mut self, func: FuncId) -> Option<Small> {
        if self.ast.noinline.contains(&func) {
            return None;
        }
        let f = self.ast.func(func);
        let mut look = Look { nodes: MAX_NODES, depth: 0 };
        if !self.small_block(f.body.as_ref()?, !f.sig.results.is_empty(), &mut look) || look.depth >= MAX_DEPTH {
            return None;
        }
        closure::function(self.ast, self.info, &mut self.analysis, func);
        let names = f.recv.iter().flatten().chain(&f.sig.params).chain(&f.sig.results).filter_map(|p| p.name);
        let mut objs = names.filter_map(|n| self.info.defs.get(&n.span.lo));
        objs.all(|&obj| self.analysis.flags(obj) & (ADDR | CAPTURED) == 0)
            .then_some(Small { nodes: MAX_NODES - look.nodes, depth: look.depth + 1 })
    }

    /// `ends`: what falls off its end has no value to give.
    fn small_block(&mut self, b: &Block, ends: bool, look: &mut Look) -> bool {
        let ast = self.ast;
        let Some((&last, rest)) = b.stmts.split_last() else { return !ends };
        rest.iter().all(|&s| self.small_stmt(s, false, look))
            && self.small_stmt(last, ends, look)
            && (!ends || matches!(ast.stmt(last).kind, StmtKind::Return(_) | StmtKind::If { els: Some(_), .. }))
    }

    fn small_stmt(&mut self, s: StmtId, ends: bool, look: &mut Look) -> bool {
        let ast = self.ast;
        if look.nodes == 0 {
            return false;
        }
        look.nodes -= 1;
        let mut all = |c: &mut Self, list: &[ExprId]| list.iter().all(|&e| c.small_expr(e, look));
        match &ast.stmt(s).kind {
            StmtKind::Empty => !ends,
            StmtKind::Return(values) => all(self, values),
            StmtKind::IncDec { x, .. } => all(self, &[*x]),
            StmtKind::OpAssign { lhs, rhs, .. } => all(self, &[*lhs, *rhs]),
            StmtKind::Define { lhs, rhs, .. } => lhs.iter().all(|&l| self.is_small_variable(l)) && all(self, rhs),
            StmtKind::Assign { lhs, rhs, .. } => all(self, lhs) && all(self, rhs),
            StmtKind::Expr(e) => self.is_small_call(*e) && all(self, &[*e]),
            StmtKind::If { init: None, cond, then, els } => {
                all(self, &[*cond])
                    && self.small_block(then, ends && els.is_some(), look)
                    && els.is_none_or(|e| match &ast.stmt(e).kind {
                        StmtKind::Block(b) => self.small_block(b, ends, look),
                        _ => self.small_stmt(e, ends, look),
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

    fn small_expr(&mut self, e: ExprId, look: &mut Look) -> bool {
        let ast = self.ast;
        if self.info.consts.contains_key(&e) || self.info.mode(e) == Mode::Type {
            return true;
        }
        if look.nodes == 0 {
            return false;
        }
        look.nodes -= 1;
        match &ast.expr(e).kind {
            // The blank identifier is no operand.
            ExprKind::Ident(_) => {
                self.info.uses.get(&e).is_some_and(|&obj| {
                    matches!(self.info.obj(obj).kind, ObjKind::Local | ObjKind::Global | ObjKind::Nil)
                })
            }
            ExprKind::Paren(x) | ExprKind::Star(x) => self.small_expr(*x, look),
            ExprKind::Selector { x, .. } => match self.info.selections.get(&e).map(|s| s.kind) {
                Some(SelectionKind::Field) => self.small_expr(*x, look),
                Some(_) => false,
                None => {
                    let obj = self.info.uses.get(&e);
                    obj.is_some_and(|&o| matches!(self.info.obj(o).kind, ObjKind::Global))
                }
            },
            ExprKind::Index { x, indices } => {
                let over = self.info.types.underlying(self.info.type_of(*x));
                matches!(over, Type::Slice(_) | Type::Array(..) | Type::Pointer(_) | Type::Basic(_))
                    && self.small_expr(*x, look)
                    && indices.iter().all(|&i| self.small_expr(i, look))
            }
            ExprKind::Composite { elems, .. } => {
                matches!(self.info.types.underlying(self.info.type_of(e)), Type::Struct(_))
                    && elems.iter().all(|el| self.small_expr(el.value, look))
            }
            ExprKind::Slice { x, lo, hi, max, .. } => {
                let over = self.info.types.underlying(self.info.type_of(*x));
                matches!(over, Type::Slice(_) | Type::Basic(_))
                    && [Some(*x), *lo, *hi, *max].into_iter().flatten().all(|e| self.small_expr(e, look))
            }
            ExprKind::Unary { op: UnaryOp::Addr, x } => {
                matches!(ast.expr(ast.unparen(*x)).kind, ExprKind::Composite { .. }) && self.small_expr(*x, look)
            }
            ExprKind::Unary { op, x } => *op != UnaryOp::Recv && self.small_expr(*x, look),
            ExprKind::Binary { x, y, .. } => self.small_expr(*x, look) && self.small_expr(*y, look),
            ExprKind::Call { fun, args, .. } => {
                let plain = match self.info.mode(ast.unparen(*fun)) {
                    Mode::Type => matches!(self.info.types.underlying(self.info.type_of(e)), Type::Basic(_)),
                    Mode::Builtin => matches!(
                        self.builtin(*fun),
                        Some(Builtin::Len | Builtin::Cap | Builtin::Min | Builtin::Max | Builtin::Append)
                    ),
                    _ => self.small_callee(*fun, look),
                };
                plain && args.iter().all(|&a| self.small_expr(a, look))
            }
            _ => false,
        }
    }

    /// A call of a function, not a conversion or built-in.
    fn is_small_call(&self, e: ExprId) -> bool {
        let ExprKind::Call { fun, .. } = self.ast.expr(self.ast.unparen(e)).kind else { return false };
        !matches!(self.info.mode(self.ast.unparen(fun)), Mode::Type | Mode::Builtin)
    }

    /// Whether a body may call this: a small function whatever the type arguments are, or what is a single op.
    fn small_callee(&mut self, fun: ExprId, look: &mut Look) -> bool {
        let ast = self.ast;
        let fun = ast.unparen(fun);
        let (obj, recv) = match (&ast.expr(fun).kind, self.info.selections.get(&fun)) {
            (ExprKind::Selector { x, .. }, Some(s)) => match s.kind {
                SelectionKind::Method { obj } if self.info.mode(*x) != Mode::Type => (obj, Some(*x)),
                _ => return false,
            },
            _ => match self.info.uses.get(&fun) {
                Some(&obj) => (obj, None),
                None => return false,
            },
        };
        let ObjKind::Func(f) = &self.info.obj(obj).kind else { return false };
        if f.native {
            return super::call::op_of_native(&self.func_name(obj).1).is_some();
        }
        if !f.tparams.is_empty() || !f.method_tparams.is_empty() {
            return false;
        }
        let Some(small) = f.func.and_then(|f| self.small(f)) else { return false };
        look.depth = look.depth.max(small.depth);
        match look.nodes.checked_sub(small.nodes) {
            Some(left) => look.nodes = left,
            None => return false,
        }
        recv.is_none_or(|x| self.small_expr(x, look))
    }

    /// The value of an inlined call; it gives none or several: any slot.
    pub fn inline_call(&mut self, call: Inline, want: Option<Reg>) -> Reg {
        let &[ty] = &call.results[..] else {
            let values = self.inline_values(call);
            return values.first().map_or(Reg::scalar(self.f.regs.top), |v| v.0);
        };
        let named = self.has_named_results(call.func);
        let wanted = want.filter(|_| self.lay(ty).slots == 1 && !named);
        let d = Dest { at: wanted.unwrap_or_else(|| self.slots_for(ty)), ty, fresh: wanted.is_none() && !named };
        self.inline_body(call, vec![d]);
        match want {
            Some(w) => {
                let n = self.lay(ty).slots;
                self.f.code.mov_n(w, d.at, n);
                w
            }
            None => d.at,
        }
    }

    /// The values of an inlined call, in new slots.
    pub fn inline_values(&mut self, call: Inline) -> Vec<(Reg, TypeId)> {
        let fresh = !self.has_named_results(call.func);
        let list: Vec<Dest> = call.results.iter().map(|&ty| Dest { at: self.slots_for(ty), ty, fresh }).collect();
        let values = list.iter().map(|d| (d.at, d.ty)).collect();
        self.inline_body(call, list);
        values
    }

    fn inline_body(&mut self, call: Inline, dst: Vec<Dest>) {
        let ast = self.ast;
        let mark = self.f.regs.mark();
        // A slot of a window that is being filled may lie above what is in use: temporaries go beyond it.
        for d in dst.iter().filter(|d| d.at.is_scalar()) {
            let end = d.at.index() + self.lay(d.ty).slots.max(1);
            self.f.regs.set_top(self.f.regs.top.max(end));
        }
        let (pos, func) = (call.pos, call.func);
        self.inline_with(call, |c, body| {
            for (p, d) in ast.func(func).sig.results.iter().zip(&dst) {
                if let Some(obj) = p.name.and_then(|n| c.info.defs.get(&n.span.lo).copied()) {
                    let n = c.lay(d.ty).slots;
                    c.f.code.zero(d.at, n);
                    c.f.vars.insert(obj, Var::Slot(d.at));
                }
            }
            let end = c.f.code.label();
            c.inline_block(body, &dst, end, true);
            c.f.code.bind(end);
            if c.has_named_results(func) {
                dst.iter().for_each(|d| c.disown_value(d.at, d.ty));
            }
        });
        self.f.regs.release(mark);
        self.set_pos(pos);
    }

    fn has_named_results(&self, func: FuncId) -> bool {
        self.ast.func(func).sig.results.iter().any(|p| p.name.is_some())
    }

    /// Jumps to `to` if the value of an inlined call is `sense`; `false`: the call is none whose body is one expression.
    pub fn inline_cond(&mut self, e: ExprId, to: Label, sense: bool) -> bool {
        let ast = self.ast;
        let Some(call) = self.inlined(e).filter(|c| !self.has_named_results(c.func)) else { return false };
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
    fn inline_block(&mut self, b: &Block, dst: &[Dest], end: Label, last: bool) {
        let Some((&tail, rest)) = b.stmts.split_last() else { return };
        rest.iter().for_each(|&s| self.inline_stmt(s, dst, end, false));
        self.inline_stmt(tail, dst, end, last);
    }

    fn inline_stmt(&mut self, s: StmtId, dst: &[Dest], end: Label, last: bool) {
        let ast = self.ast;
        let stmt = ast.stmt(s);
        match &stmt.kind {
            StmtKind::Return(values) => {
                self.set_pos(stmt.span.lo);
                let mark = self.f.regs.mark();
                self.inline_return(values, dst);
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

    fn inline_return(&mut self, values: &[ExprId], dst: &[Dest]) {
        match (values, dst) {
            ([], _) => {}
            (&[e], &[d]) if d.fresh => self.expr_fresh(e, d.ty, d.at),
            (&[e], &[d]) => {
                self.expr_as(e, d.ty, Some(d.at));
            }
            _ if dst.len() == values.len()
                && dst.iter().all(|d| d.fresh)
                && !values.iter().any(|&e| self.has_safepoint(e)) =>
            {
                for (&e, d) in values.iter().zip(dst) {
                    let mark = self.f.regs.mark();
                    self.expr_fresh(e, d.ty, d.at);
                    self.f.regs.release(mark);
                }
            }
            _ => {
                let types: Vec<TypeId> = dst.iter().map(|d| d.ty).collect();
                let places: Vec<Place> = dst.iter().map(|d| Place::Slot(d.at)).collect();
                let list = self.parallel_values(values, &types);
                self.store_parallel(&places, &types, list);
            }
        }
    }
}
