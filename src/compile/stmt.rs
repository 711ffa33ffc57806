//! Statements: blocks, declarations, branches, loops, returns, channels.
use super::Compiler;
use super::emit::Label;
use super::func::Var;
use super::iter::Exit;
use super::lvalue::Place;
use super::regs::Reg;
use crate::base::intern::Sym;
use crate::bytecode::op::Op;
use crate::bytecode::program::*;
use crate::syntax::ast::*;
use crate::types::info::*;
use crate::types::ty::{Type, TypeId};

/// A statement that `break` or `continue` may leave.
#[derive(Clone, Copy)]
pub struct Ctrl {
    pub label: Option<Sym>,
    pub brk: Label,
    pub cont: Option<Label>,
}

impl Compiler<'_> {
    pub fn block(&mut self, b: &Block) {
        self.count_empty(b.span.lo);
        self.block_stmts(&b.stmts);
    }

    pub fn block_stmts(&mut self, stmts: &[StmtId]) {
        let mark = self.f.regs.mark();
        for &s in stmts {
            self.stmt(s);
        }
        self.f.regs.release(mark);
    }

    pub fn stmt(&mut self, id: StmtId) {
        let ast = self.ast;
        let s = ast.stmt(id);
        self.set_pos(s.span.lo);
        self.count_before(id);
        let label = self.f.pending_label.take();
        match &s.kind {
            StmtKind::Bad | StmtKind::Empty => {}
            StmtKind::Decl(Decl::Var(specs)) => specs.iter().for_each(|s| self.var_spec(s)),
            StmtKind::Decl(_) => {}
            StmtKind::Define { lhs, rhs, .. } => self.define(lhs, rhs),
            StmtKind::Labeled { label, stmt } => {
                let at = self.goto_label(label.name);
                self.f.code.bind(at);
                self.f.pending_label = Some(label.name);
                self.stmt(*stmt);
                self.f.pending_label = None;
            }
            StmtKind::Block(b) => self.block(b),
            _ => {
                let mark = self.f.regs.mark();
                self.inner_stmt(id, label);
                self.f.regs.release(mark);
            }
        }
    }

    /// Statements that declare nothing for those after them.
    fn inner_stmt(&mut self, id: StmtId, label: Option<Sym>) {
        let ast = self.ast;
        let span = ast.stmt(id).span;
        match &ast.stmt(id).kind {
            StmtKind::Expr(e) => self.expr_stmt(*e),
            StmtKind::Send { chan, value } => self.send(*chan, *value, span.lo),
            StmtKind::IncDec { x, inc } => self.inc_dec(*x, *inc, span.hi),
            StmtKind::Assign { lhs, rhs, .. } => self.assign(lhs, rhs),
            StmtKind::OpAssign { op, lhs, rhs, op_span } => self.op_assign(*op, *lhs, *rhs, op_span.lo),
            StmtKind::Go(e) => self.go_or_defer(*e, false),
            StmtKind::Defer(e) => self.go_or_defer(*e, true),
            StmtKind::Return(values) => self.return_stmt(values),
            StmtKind::Break(l) => self.leave(Exit::Break(l.map(|l| l.name))),
            StmtKind::Continue(l) => self.leave(Exit::Continue(l.map(|l| l.name))),
            StmtKind::Goto(l) => self.leave(Exit::Goto(l.name)),
            StmtKind::If { init, cond, then, els } => {
                if let Some(i) = init {
                    self.stmt(*i);
                }
                self.set_pos(ast.span(*cond).lo);
                if els.is_none()
                    && self.cover.is_none()
                    && let [only] = then.stmts[..]
                    && let Some(to) = self.plain_exit(only)
                {
                    return self.cond(*cond, to, true);
                }
                let no = self.f.code.label();
                self.cond(*cond, no, false);
                self.block(then);
                match els {
                    Some(e) => {
                        let end = self.f.code.label();
                        self.f.code.jump(end);
                        self.f.code.bind(no);
                        self.stmt(*e);
                        self.f.code.bind(end);
                    }
                    None => self.f.code.bind(no),
                }
            }
            StmtKind::Switch { init, tag, cases, .. } => self.switch(*init, *tag, cases, label),
            StmtKind::TypeSwitch { init, x, cases, .. } => self.type_switch(*init, *x, cases, label),
            StmtKind::Select { cases, .. } => self.select_stmt(cases, label, span.lo),
            StmtKind::For { init, cond, post, body } => self.for_stmt(*init, *cond, *post, body, label),
            StmtKind::Range { lhs, define, x, body } => self.range_stmt(id, lhs, *define, *x, body, label),
            _ => {}
        }
    }

    pub fn expr_stmt(&mut self, e: ExprId) {
        let inner = self.ast.unparen(e);
        match &self.ast.expr(inner).kind {
            ExprKind::Call { fun, .. }
                if !matches!(self.info.mode(self.ast.unparen(*fun)), Mode::Type | Mode::Builtin) =>
            {
                match self.inlined(inner) {
                    Some(call) => {
                        let mark = self.f.regs.mark();
                        self.inline_call(call, None);
                        self.f.regs.release(mark);
                    }
                    None => {
                        self.call(inner);
                    }
                }
            }
            ExprKind::Unary { op: UnaryOp::Recv, x } => {
                let c = self.expr(*x, None);
                self.set_pos(self.ast.span(inner).lo);
                self.f.code.rri(Op::Recv, Reg::NONE, c, 0);
            }
            _ => {
                self.expr(inner, None);
            }
        }
    }

    fn goto_label(&mut self, name: Sym) -> Label {
        if let Some(&l) = self.f.labels.get(&name) {
            return l;
        }
        let l = self.f.code.label();
        self.f.labels.insert(name, l);
        l
    }

    /// Where a statement leads that is only a jump within this function.
    fn plain_exit(&mut self, stmt: StmtId) -> Option<Label> {
        match &self.ast.stmt(stmt).kind {
            StmtKind::Break(l) => self.exit_label(Exit::Break(l.map(|l| l.name))),
            StmtKind::Continue(l) => self.exit_label(Exit::Continue(l.map(|l| l.name))),
            _ => None,
        }
    }

    /// Where a `break`, `continue` or `goto` leads; `None` if its target is outside this function.
    fn exit_label(&mut self, exit: Exit) -> Option<Label> {
        match exit {
            Exit::Break(None) => self.f.ctrl.last().map(|c| c.brk),
            Exit::Break(name) => self.f.ctrl.iter().rev().find(|c| c.label == name).map(|c| c.brk),
            Exit::Continue(None) => self.f.ctrl.iter().rev().find_map(|c| c.cont),
            Exit::Continue(name) => self.f.ctrl.iter().rev().find(|c| c.label == name).and_then(|c| c.cont),
            Exit::Goto(name) if self.label_is_here(name) => Some(self.goto_label(name)),
            Exit::Goto(_) | Exit::Return => None,
        }
    }

    /// The jump that a `break`, `continue` or `goto` makes within this function; false if its target is outside.
    pub fn jump_to(&mut self, exit: Exit) -> bool {
        match self.exit_label(exit) {
            Some(l) => {
                self.f.code.jump(l);
                true
            }
            None => false,
        }
    }

    fn var_spec(&mut self, s: &VarSpec) {
        self.set_pos(s.span.lo);
        if s.values.is_empty() {
            for n in &s.names {
                if let Some(&obj) = self.info.defs.get(&n.span.lo) {
                    let ty = self.sub(self.info.obj(obj).ty);
                    if matches!(self.info.obj(obj).kind, ObjKind::Global) {
                        let at = self.global(obj);
                        self.store_zero(Place::Global(at), ty);
                    } else if n.name != Sym::BLANK {
                        self.declare_zero(obj, ty);
                    }
                }
            }
            return;
        }
        let names: Vec<_> = s.names.iter().map(|n| self.info.defs.get(&n.span.lo).copied()).collect();
        self.declare_values(&names, &s.names.iter().map(|n| n.name == Sym::BLANK).collect::<Vec<_>>(), &s.values);
    }

    fn define(&mut self, lhs: &[ExprId], rhs: &[ExprId]) {
        let ast = self.ast;
        if lhs.iter().any(|l| self.info.uses.contains_key(l)) {
            return self.define_mixed(lhs, rhs);
        }
        let names: Vec<_> = lhs.iter().map(|&l| self.info.defs.get(&ast.span(l).lo).copied()).collect();
        let blank: Vec<_> = lhs.iter().map(|&l| matches!(ast.expr(l).kind, ExprKind::Ident(Sym::BLANK))).collect();
        self.declare_values(&names, &blank, rhs);
    }

    /// Declares variables with values; blank ones only evaluate.
    fn declare_values(&mut self, names: &[Option<ObjId>], blank: &[bool], rhs: &[ExprId]) {
        if names.len() == rhs.len() {
            let ahead = self.calls_ahead(rhs);
            for i in self.calls_first(rhs.iter().copied()) {
                let e = rhs[i];
                match names[i] {
                    Some(obj) if !blank[i] => self.declare_with(obj, e),
                    _ => {
                        let mark = self.f.regs.mark();
                        self.discard(e);
                        self.f.regs.release(mark);
                    }
                }
            }
            self.end_ahead(ahead);
            return;
        }
        let Some(&e) = rhs.first() else { return };
        let top = self.f.regs.top;
        let places: Vec<_> = names
            .iter()
            .zip(blank)
            .map(|(&obj, &blank)| {
                let obj = obj.filter(|_| !blank)?;
                let ty = self.sub(self.info.obj(obj).ty);
                Some((obj, ty))
            })
            .collect();
        if let Some(call) = self.inlined(self.ast.unparen(e)) {
            let values = self.inline_values(call);
            let mut rest = Vec::new();
            for (p, (r, from)) in places.iter().zip(values) {
                match *p {
                    Some((obj, ty)) if ty == from && self.has_slots(obj, ty) => {
                        self.f.vars.insert(obj, Var::Slot(r));
                    }
                    p => rest.push((p, (r, from))),
                }
            }
            let (places, values): (Vec<_>, Vec<_>) = rest.into_iter().unzip();
            return self.store_new(&places, values);
        }
        // results of a call that need no slots elsewhere stay where they are
        let stay = self.is_real_call(e) && places.iter().flatten().all(|&(obj, ty)| self.stays(obj, ty));
        if stay {
            let (at, types) = self.call(self.ast.unparen(e));
            let end = self.f.regs.top;
            let mut slots = Vec::new();
            let mut k = 0;
            let mut same = true;
            for (i, &t) in types.iter().enumerate() {
                slots.push(at.add(k));
                k += self.lay(t).slots;
                same &= places[i].is_none_or(|(_, ty)| ty == t);
            }
            if same {
                for (p, r) in places.iter().zip(slots) {
                    if let Some((obj, _)) = p {
                        self.f.vars.insert(*obj, Var::Slot(r));
                    }
                }
                self.f.regs.top = end.max(top);
                return;
            }
            self.f.regs.top = end;
            return self.store_new(&places, slots.into_iter().zip(types).collect());
        }
        // slots first, so that they lie below the values
        let targets: Vec<_> = places.iter().map(|p| p.map(|(obj, ty)| self.declare_uninit(obj, ty))).collect();
        let mark = self.f.regs.mark();
        let values = self.multi_values(e);
        for ((p, t), (r, from)) in places.iter().zip(targets).zip(values) {
            if let (Some((_, ty)), Some(place)) = (p, t) {
                self.store_as(place, *ty, r, from);
            }
        }
        self.f.regs.release(mark);
    }

    fn store_new(&mut self, places: &[Option<(ObjId, TypeId)>], values: Vec<(Reg, TypeId)>) {
        for (p, (r, from)) in places.iter().zip(values) {
            if let Some((obj, ty)) = *p {
                let place = self.declare_uninit(obj, ty);
                self.store_as(place, ty, r, from);
            }
        }
    }

    /// The variable may live in a slot of a call window.
    fn stays(&mut self, obj: ObjId, ty: TypeId) -> bool {
        self.has_slots(obj, ty) && !self.lay(ty).has_ptr()
    }

    fn has_slots(&mut self, obj: ObjId, ty: TypeId) -> bool {
        matches!(self.info.obj(obj).kind, ObjKind::Local) && !self.is_boxed(obj, ty)
    }

    /// A call of a function, not a conversion or built-in, nor one that is a single op.
    pub fn is_real_call(&mut self, e: ExprId) -> bool {
        let e = self.ast.unparen(e);
        let ExprKind::Call { fun, .. } = self.ast.expr(e).kind else { return false };
        if matches!(self.info.mode(self.ast.unparen(fun)), Mode::Type | Mode::Builtin) {
            return false;
        }
        match self.static_callee(fun) {
            Some((obj, _)) => !matches!(&self.info.obj(obj).kind, ObjKind::Func(f) if f.native),
            None => true,
        }
    }

    pub fn discard(&mut self, e: ExprId) {
        let ty = self.ty(e);
        if ty == TypeId::UNTYPED_NIL {
            return;
        }
        let r = self.expr(e, None);
        if self.lay(ty).big() && self.info.mode(self.ast.unparen(e)) == Mode::Variable {
            // Only its address is known, which may be that of nothing.
            let word = self.scalar();
            self.f.code.rri(Op::LdW, word, r, 0);
        }
    }

    /// `obj := e`
    fn declare_with(&mut self, obj: ObjId, e: ExprId) {
        let ty = self.sub(self.info.obj(obj).ty);
        if matches!(self.info.obj(obj).kind, ObjKind::Global) {
            let mark = self.f.regs.mark();
            let r = self.value(e, ty);
            let at = self.global(obj);
            self.store(Place::Global(at), ty, r);
            self.f.regs.release(mark);
            return;
        }
        let l = self.lay(ty);
        if l.big() {
            let b = self.ptr_slot();
            let mark = self.f.regs.mark();
            self.expr_as(e, ty, Some(b));
            self.f.regs.release(mark);
            self.f.vars.insert(obj, Var::Boxed(b));
        } else if self.is_boxed(obj, ty) {
            let b = self.ptr_slot();
            let mark = self.f.regs.mark();
            let r = self.value(e, ty);
            // the new box must not replace the one a value came from
            self.new_box_in(ty, b);
            self.store(Place::boxed(b), ty, r);
            self.f.regs.release(mark);
            self.f.vars.insert(obj, Var::Boxed(b));
        } else if self.is_real_call(e) && !l.has_ptr() && l.slots > 0 && self.ty(e) == ty {
            let (r, _) = self.call(self.ast.unparen(e));
            self.f.vars.insert(obj, Var::Slot(r));
        } else {
            let r = self.slots_for(ty);
            let mark = self.f.regs.mark();
            self.expr_fresh(e, ty, r);
            self.f.regs.release(mark);
            self.f.vars.insert(obj, Var::Slot(r));
        }
    }

    fn return_stmt(&mut self, values: &[ExprId]) {
        let pos = self.f.code.pos;
        if values.is_empty() {
            self.set_pos(pos);
            return self.return_kept();
        }
        let types = self.f.results.clone();
        let keep = self.f.epilogue.is_some() || self.f.iter.is_some() || self.f.shared_results;
        if keep {
            let places = self.f.result_places.clone();
            if let (&[e], &[(Place::Slot(r), ty)]) = (values, &places[..])
                && types.len() == 1
            {
                self.expr_as(e, ty, Some(r));
            } else {
                let list = self.parallel_values(values, &types);
                let targets: Vec<Place> = places.iter().map(|p| p.0).collect();
                self.store_parallel(&targets, &types, list);
            }
            self.set_pos(pos);
            return self.return_kept();
        }
        if let &[e] = values
            && types.len() != 1
        {
            let mut to = 0;
            for ((r, from), &want) in self.multi_values(e).into_iter().zip(&types) {
                self.slot_as(r, from, want, Reg::fixed(to));
                to += self.lay(want).slots;
            }
            return self.f.code.plain(Op::Ret);
        }
        if let (&[e], &[ty]) = (values, &types[..]) {
            let l = self.lay(ty);
            if l.slots == 1 {
                let r = if l.big() {
                    let d = self.ptr_slot();
                    self.expr_as(e, ty, Some(d))
                } else {
                    self.value(e, ty)
                };
                return self.f.code.ret_word(r);
            }
        }
        self.return_values(values, &types);
    }

    /// Evaluates results into the result slots, which the collector does not see, and returns.
    fn return_values(&mut self, values: &[ExprId], types: &[TypeId]) {
        let ahead = self.calls_ahead(values);
        let mut at = 0;
        let mut slots = Vec::new();
        let mut last = None;
        for (i, (&e, &t)) in values.iter().zip(types).enumerate() {
            slots.push(Reg::fixed(at));
            at += self.lay(t).slots;
            if self.has_safepoint(e) {
                last = Some(i);
            }
        }
        let mut parked = Vec::new();
        for (i, (&e, &t)) in values.iter().zip(types).enumerate() {
            if !self.has_safepoint(e) {
                continue;
            }
            let l = self.lay(t);
            if !l.has_ptr() {
                self.expr_as(e, t, Some(slots[i]));
                continue;
            }
            let r = if l.big() {
                let d = self.ptr_slot();
                self.expr_as(e, t, Some(d))
            } else {
                self.value(e, t)
            };
            if last == Some(i) {
                self.f.code.mov_n(slots[i], r, l.slots);
            } else {
                let r = self.hold(r, t);
                parked.push((i, r, l.slots));
            }
        }
        for (i, (&e, &t)) in values.iter().zip(types).enumerate() {
            if !self.has_safepoint(e) {
                let mark = self.f.regs.mark();
                self.expr_fresh(e, t, slots[i]);
                self.f.regs.release(mark);
            }
        }
        for (i, r, n) in parked {
            self.f.code.mov_n(slots[i], r, n);
        }
        self.end_ahead(ahead);
        self.f.code.plain(Op::Ret);
    }

    /// Returns what the result variables hold.
    pub fn return_kept(&mut self) {
        if self.f.iter.is_some() {
            return self.leave(Exit::Return);
        }
        match self.f.epilogue {
            Some(l) => {
                self.run_defers();
                self.f.code.jump(l);
            }
            None => self.return_places(),
        }
    }

    fn for_stmt(
        &mut self,
        init: Option<StmtId>,
        cond: Option<ExprId>,
        post: Option<StmtId>,
        body: &Block,
        label: Option<Sym>,
    ) {
        if let Some(i) = init {
            self.stmt(i);
        }
        let shared = self.ast.shares_loop_variables(self.f.code.pos);
        let vars = if shared { Vec::new() } else { self.loop_boxes(init) };
        let (top, cont, end) = (self.f.code.label(), self.f.code.label(), self.f.code.label());
        let test = self.f.code.label();
        match cond {
            Some(c) if self.holds_at_start(init, c) => {}
            Some(c) if self.is_cheap(c) => {
                self.set_pos(self.ast.span(c).lo);
                self.cond(c, end, false);
            }
            Some(_) => self.f.code.jump(test),
            None => {}
        }
        self.f.code.bind(top);
        self.f.ctrl.push(Ctrl { label, brk: end, cont: Some(cont) });
        self.block(body);
        self.f.ctrl.pop();
        self.f.code.bind(cont);
        for (obj, ty) in &vars {
            self.renew_box(*obj, *ty);
        }
        let fused = match (cond, post) {
            (Some(c), Some(p)) if vars.is_empty() => self.fused_loop(c, p, top, test),
            _ => false,
        };
        if !fused {
            if let Some(p) = post {
                self.stmt(p);
            }
            self.f.code.bind(test);
            match cond {
                Some(c) => {
                    self.set_pos(self.ast.span(c).lo);
                    self.cond(c, top, true);
                }
                None => self.f.code.jump(top),
            }
        }
        self.f.code.bind(end);
    }

    /// Boxed variables of the loop's own, which each iteration has anew.
    fn loop_boxes(&mut self, init: Option<StmtId>) -> Vec<(ObjId, TypeId)> {
        let ast = self.ast;
        let Some(StmtKind::Define { lhs, .. }) = init.map(|i| &ast.stmt(i).kind) else { return Vec::new() };
        let mut out = Vec::new();
        for &l in lhs {
            let Some(&obj) = self.info.defs.get(&ast.span(l).lo) else { continue };
            let flags = self.analysis.flags(obj);
            if matches!(self.f.vars.get(&obj), Some(Var::Boxed(_)))
                && flags & (super::closure::CAPTURED | super::closure::ADDR) != 0
            {
                let ty = self.sub(self.info.obj(obj).ty);
                out.push((obj, ty));
            }
        }
        out
    }

    /// Gives a boxed variable new memory with the same value.
    fn renew_box(&mut self, obj: ObjId, ty: TypeId) {
        let Some(&Var::Boxed(old)) = self.f.vars.get(&obj) else { return };
        let mark = self.f.regs.mark();
        if self.lay(ty).big() {
            let b = self.fresh_copy(old, ty);
            self.f.code.mov(old, b);
        } else {
            let v = self.load(Place::boxed(old), ty, None);
            self.disown_value(v, ty);
            self.new_box_in(ty, old);
            self.store(Place::boxed(old), ty, v);
        }
        self.f.regs.release(mark);
    }

    /// The condition may be compiled twice.
    fn is_cheap(&mut self, c: ExprId) -> bool {
        self.ast.expr(c).depth <= 4 && !self.has_safepoint(c) && self.no_literals(c)
    }

    fn no_literals(&self, e: ExprId) -> bool {
        match &self.ast.expr(e).kind {
            ExprKind::Ident(_) | ExprKind::Lit { .. } => true,
            ExprKind::Paren(x) | ExprKind::Star(x) | ExprKind::Selector { x, .. } | ExprKind::Unary { x, .. } => {
                self.no_literals(*x)
            }
            ExprKind::Index { x, indices } => self.no_literals(*x) && indices.iter().all(|&i| self.no_literals(i)),
            ExprKind::Binary { x, y, .. } => self.no_literals(*x) && self.no_literals(*y),
            ExprKind::Call { args, .. } => args.iter().all(|&a| self.no_literals(a)),
            _ => false,
        }
    }

    /// `i := 0; i < 10`: the first test need not be made.
    fn holds_at_start(&self, init: Option<StmtId>, cond: ExprId) -> bool {
        let ast = self.ast;
        let Some(StmtKind::Define { lhs, rhs, .. }) = init.map(|i| &ast.stmt(i).kind) else { return false };
        let (&[l], &[r]) = (&lhs[..], &rhs[..]) else { return false };
        let ExprKind::Binary { op, x, y, .. } = ast.expr(ast.unparen(cond)).kind else { return false };
        let (Some(obj), Some(used)) = (self.info.defs.get(&ast.span(l).lo), self.info.uses.get(&ast.unparen(x))) else {
            return false;
        };
        let (Some(a), Some(b)) = (self.int_const(r), self.int_const(y)) else { return false };
        obj == used
            && match op {
                BinaryOp::Lt => a < b,
                BinaryOp::Le => a <= b,
                BinaryOp::Gt => a > b,
                BinaryOp::Ge => a >= b,
                BinaryOp::Ne => a != b,
                _ => false,
            }
    }

    /// The slot of an unboxed local variable of type int or int64.
    fn int_slot(&mut self, e: ExprId) -> Option<Reg> {
        let e = self.ast.unparen(e);
        let obj = self.info.uses.get(&e)?;
        let Some(&Var::Slot(r)) = self.f.vars.get(obj) else { return None };
        let ty = self.ty(e);
        matches!(self.lay(ty).kind, Kind::Int | Kind::Int64).then_some(r)
    }

    /// `i++` and `i < n` in one instruction.
    fn fused_loop(&mut self, cond: ExprId, post: StmtId, top: Label, test: Label) -> bool {
        let ast = self.ast;
        // a jump to the test must not increment
        let StmtKind::IncDec { x: i, inc: true } = ast.stmt(post).kind else { return false };
        let ExprKind::Binary { op: op @ (BinaryOp::Lt | BinaryOp::Le), x, y, op_span } =
            ast.expr(ast.unparen(cond)).kind
        else {
            return false;
        };
        if !self.is_cheap(cond) {
            return false;
        }
        let (Some(a), Some(b)) = (self.int_slot(i), self.int_slot(x)) else { return false };
        if a != b {
            return false;
        }
        if let Some(k) = self.int_const(y) {
            let k = if op == BinaryOp::Le { k.checked_add(1) } else { Some(k) };
            let Some(k) = k else { return false };
            self.set_pos(op_span.lo);
            self.f.code.bind(test);
            match i16::try_from(k) {
                Ok(_) => self.f.code.loop_rk(Op::LIncLtK, a, k, top),
                Err(_) => self.f.code.loop_rx(Op::LIncLtX, a, k, top),
            }
            return true;
        }
        let loop_op = if op == BinaryOp::Lt { Op::LIncLt } else { Op::LIncLe };
        if let Some(n) = self.int_slot(y) {
            if n == a {
                return false;
            }
            self.set_pos(op_span.lo);
            self.f.code.bind(test);
            self.f.code.loop_rr(loop_op, a, n, top);
            return true;
        }
        // len of a local slice or string
        if let ExprKind::Call { fun, args, .. } = &ast.expr(ast.unparen(y)).kind
            && self.builtin(*fun) == Some(Builtin::Len)
            && let &[s] = &args[..]
            && self.info.uses.get(&ast.unparen(s)).is_some_and(|o| matches!(self.f.vars.get(o), Some(Var::Slot(_))))
        {
            let st = self.ty(s);
            if !matches!(self.lay(st).kind, Kind::Slice | Kind::String) {
                return false;
            }
            self.set_pos(op_span.lo);
            let slot = self.expr(s, None);
            self.f.code.bind(test);
            if op == BinaryOp::Lt {
                let loop_op = if self.lay(st).kind == Kind::Slice { Op::LIncLtLen } else { Op::LIncLtStr };
                self.f.code.loop_rr(loop_op, a, slot, top);
                return true;
            }
            let n = self.len_cap(true, s, None);
            self.f.code.loop_rr(loop_op, a, n, top);
            return true;
        }
        false
    }

    pub fn receive(&mut self, e: ExprId, x: ExprId, want: Option<Reg>) -> Reg {
        let ty = self.ty(e);
        let l = self.lay(ty);
        let c = self.expr(x, None);
        // the channel must stay reachable while the G is parked
        let c = self.hold_ptr(c);
        self.set_pos(self.ast.span(e).lo);
        if l.big() {
            let words = self.raw_words(l);
            self.f.code.rri(Op::Recv, words, c, 0);
            let b = self.box_words(words, ty);
            return match want {
                Some(w) => {
                    self.f.code.mov(w, b);
                    w
                }
                None => b,
            };
        }
        match want {
            Some(w) if !l.has_ptr() || w.is_ptr() => {
                self.f.code.rri(Op::Recv, w, c, 0);
                w
            }
            _ => {
                let d = self.slots_for(ty);
                self.f.code.rri(Op::Recv, d, c, 0);
                match want {
                    Some(w) => {
                        self.f.code.mov_n(w, d, l.slots);
                        w
                    }
                    None => d,
                }
            }
        }
    }

    /// Slots for the words of a value and a flag behind them.
    pub fn words_and_flag(&mut self, ty: TypeId) -> Reg {
        let l = self.lay(ty);
        self.f.regs.range(l.map, &self.maps[l.map.0 as usize], l.words + 1)
    }

    /// The value and flag that lie in such slots.
    pub fn split_flag(&mut self, r: Reg, ty: TypeId) -> (Reg, Reg) {
        let l = self.lay(ty);
        let ok = r.add(l.words);
        (if l.big() { self.box_words(r, ty) } else { r }, ok)
    }

    fn send(&mut self, chan: ExprId, value: ExprId, pos: u32) {
        let ct = self.ty(chan);
        let elem = self.element_type(ct);
        let early = self.has_safepoint(value);
        let c = if early && !self.has_safepoint(chan) {
            None
        } else {
            let c = self.expr(chan, None);
            Some(self.hold_ptr(c))
        };
        let v = self.value(value, elem);
        let v = self.hold(v, elem);
        let v = self.spread(v, elem);
        let c = match c {
            Some(c) => c,
            None => {
                let c = self.expr(chan, None);
                self.hold_ptr(c)
            }
        };
        self.set_pos(pos);
        self.f.code.rr(Op::Send, c, v);
    }

    fn select_stmt(&mut self, cases: &[CommCase], label: Option<Sym>, pos: u32) {
        let ast = self.ast;
        if cases.is_empty() {
            return self.f.code.plain(Op::Forever);
        }
        struct Arm {
            value: Reg,
            ok: Reg,
            elem: TypeId,
        }
        let mut table = Vec::new();
        let mut arms = Vec::new();
        let mut has_default = false;
        for c in cases {
            let Some(comm) = c.comm else {
                has_default = true;
                arms.push(None);
                continue;
            };
            let recv = match &ast.stmt(comm).kind {
                StmtKind::Send { chan, value } => {
                    let ct = self.ty(*chan);
                    let elem = self.element_type(ct);
                    let ch = self.held(*chan);
                    let v = self.held_value(*value, elem);
                    let v = self.spread(v, elem);
                    table.push((true, ch, v, Reg::NONE));
                    arms.push(None);
                    continue;
                }
                StmtKind::Expr(e) => Some((*e, 0)),
                StmtKind::Assign { lhs, rhs, .. } | StmtKind::Define { lhs, rhs, .. } => {
                    rhs.first().map(|&r| (r, lhs.len()))
                }
                _ => None,
            };
            let Some((e, wanted)) = recv else { continue };
            let ExprKind::Unary { x, .. } = ast.expr(ast.unparen(e)).kind else { continue };
            let ct = self.ty(x);
            let elem = self.element_type(ct);
            let ch = self.held(x);
            let l = self.lay(elem);
            let value = if wanted == 0 { Reg::NONE } else { self.raw_words(l) };
            let ok = if wanted == 2 { self.scalar() } else { Reg::NONE };
            table.push((false, ch, value, ok));
            arms.push(Some(Arm { value, ok, elem }));
        }
        let index = self.prog.selects.len() as u32;
        self.prog.selects.push(Select { cases: Vec::new(), has_default, pos });
        self.f.code.add_select(index, table);
        let chosen = self.scalar();
        self.set_pos(pos);
        self.f.code.rx(Op::Select, chosen, index as i32);
        let labels: Vec<Label> = cases.iter().map(|_| self.f.code.label()).collect();
        let end = self.f.code.label();
        let mut k = 0;
        let mut rest = None;
        for (c, &l) in cases.iter().zip(&labels) {
            if c.comm.is_none() {
                rest = Some(l);
                continue;
            }
            self.f.code.jump_rk(Op::JEqK, chosen, k, l);
            k += 1;
        }
        match rest {
            Some(l) => self.f.code.jump(l),
            None => self.f.code.plain(Op::Unreachable),
        }
        self.f.ctrl.push(Ctrl { label, brk: end, cont: None });
        for ((c, l), arm) in cases.iter().zip(labels).zip(arms) {
            self.f.code.bind(l);
            let mark = self.f.regs.mark();
            if let (Some(comm), Some(arm)) = (c.comm, arm) {
                let lhs = match &ast.stmt(comm).kind {
                    StmtKind::Assign { lhs, .. } | StmtKind::Define { lhs, .. } => &lhs[..],
                    _ => &[],
                };
                let define = matches!(ast.stmt(comm).kind, StmtKind::Define { .. });
                if let Some(&l) = lhs.first() {
                    let v = if self.lay(arm.elem).big() { self.box_words(arm.value, arm.elem) } else { arm.value };
                    self.bind_value(l, define, v, arm.elem);
                }
                if let Some(&l) = lhs.get(1) {
                    self.bind_value(l, define, arm.ok, TypeId::BOOL);
                }
            }
            self.count_empty(c.colon);
            self.block_stmts(&c.body);
            self.f.regs.release(mark);
            self.f.code.jump(end);
        }
        self.f.ctrl.pop();
        self.f.code.bind(end);
    }

    /// Stores a value in what the left side of a definition or assignment denotes.
    pub fn bind_value(&mut self, l: ExprId, define: bool, r: Reg, from: TypeId) {
        let ast = self.ast;
        if matches!(ast.expr(ast.unparen(l)).kind, ExprKind::Ident(Sym::BLANK)) {
            return;
        }
        if define
            && !self.info.uses.contains_key(&l)
            && let Some(&obj) = self.info.defs.get(&ast.span(l).lo)
        {
            let ty = self.sub(self.info.obj(obj).ty);
            let place = match self.info.obj(obj).kind {
                ObjKind::Global => Place::Global(self.global(obj)),
                _ => match self.f.vars.get(&obj) {
                    // Declared before the loop, whose iterations share it.
                    Some(&Var::Boxed(b)) if self.f.shared.contains(&obj) => Place::boxed(b),
                    _ => self.declare_uninit(obj, ty),
                },
            };
            return self.store_as(place, ty, r, from);
        }
        let place = self.place(l);
        let ty = self.ty(l);
        self.store_as(place, ty, r, from);
    }

    /// Stores a value of one type as another.
    pub fn store_as(&mut self, place: Place, ty: TypeId, r: Reg, from: TypeId) {
        if let Place::Blank = place {
            return;
        }
        if self.info.types.is_interface(ty) && !self.info.types.is_interface(from) {
            let from = self.info.types.default_type(from);
            let v = self.box_value(r, from, ty, None);
            return self.store(place, ty, v);
        }
        self.store(place, ty, r);
    }

    /// The comma-ok forms and calls: several values of one expression.
    pub fn multi_values(&mut self, e: ExprId) -> Vec<(Reg, TypeId)> {
        let ast = self.ast;
        let e = ast.unparen(e);
        match ast.expr(e).kind {
            ExprKind::Index { x, ref indices } => {
                let mt = self.ty(x);
                let (Type::Map(k, v), Some(&i)) = (self.under(mt), indices.first()) else { return Vec::new() };
                let (m, key) = {
                    let later = self.has_safepoint(i);
                    let m = self.expr(x, None);
                    let m = if later { self.hold_ptr(m) } else { m };
                    let key = self.expr_as(i, k, None);
                    (m, self.spread(key, k))
                };
                self.set_pos(ast.span(x).hi);
                let d = self.words_and_flag(v);
                let t = self.rtype(mt);
                self.f.code.rrr(Op::MapGet2, d, m, key);
                self.f.code.extra(t.0 as u64);
                let (val, ok) = self.split_flag(d, v);
                self.disown_value(val, v);
                vec![(val, v), (ok, TypeId::BOOL)]
            }
            ExprKind::TypeAssert { x, ty: Some(t) } => {
                let to = self.ty(t);
                let (v, ok) = self.type_assert_ok(x, to);
                vec![(v, to), (ok, TypeId::BOOL)]
            }
            ExprKind::Unary { op: UnaryOp::Recv, x } => {
                let ct = self.ty(x);
                let elem = self.element_type(ct);
                let c = self.held(x);
                let d = self.words_and_flag(elem);
                self.set_pos(ast.span(e).lo);
                self.f.code.rri(Op::Recv, d, c, 1);
                let (v, ok) = self.split_flag(d, elem);
                vec![(v, elem), (ok, TypeId::BOOL)]
            }
            _ => {
                if let Some(call) = self.inlined(e) {
                    return self.inline_values(call);
                }
                let (at, types) = self.call(e);
                let mut k = 0;
                types
                    .into_iter()
                    .map(|t| {
                        let r = at.add(k);
                        k += self.lay(t).slots;
                        (r, t)
                    })
                    .collect()
            }
        }
    }
}
