//! Loops over slices, arrays, strings, maps, channels and integers. Loops over functions are in `iter`.
use super::Compiler;
use super::closure::{ASSIGNED, CAPTURED};
use super::emit::Label;
use super::func::Var;
use super::lvalue::Place;
use super::regs::Reg;
use super::stmt::Ctrl;
use super::types::Lay;
use crate::base::intern::Sym;
use crate::bytecode::op::Op;
use crate::bytecode::program::*;
use crate::syntax::ast::*;
use crate::types::info::*;
use crate::types::ty::{Type, TypeId};

/// The parts of a loop that all kinds share.
pub struct Loop<'l> {
    lhs: &'l [ExprId],
    define: bool,
    body: &'l Block,
    label: Option<Sym>,
    top: Label,
    cont: Label,
    end: Label,
}

impl Compiler<'_> {
    pub fn range_stmt(
        &mut self,
        id: StmtId,
        lhs: &[ExprId],
        define: bool,
        x: ExprId,
        body: &Block,
        label: Option<Sym>,
    ) {
        let xt = self.ty(x);
        let xt = self.info.types.default_type(xt);
        let under = self.under(xt);
        if let Type::Func(_) = under {
            return self.range_func(id, lhs, define, x, body, label);
        }
        let lp = Loop {
            lhs,
            define,
            body,
            label,
            top: self.f.code.label(),
            cont: self.f.code.label(),
            end: self.f.code.label(),
        };
        let pos = self.f.code.pos;
        if define && self.ast.shares_loop_variables(pos) {
            self.declare_shared(lhs);
        }
        match under {
            Type::Slice(elem) => self.range_slice(lp, x, xt, elem, pos),
            Type::Array(elem, n) => self.range_array(lp, x, xt, xt, elem, n, pos),
            Type::Pointer(a) => {
                if let Type::Array(elem, n) = self.under(a) {
                    self.range_array(lp, x, xt, a, elem, n, pos);
                }
            }
            Type::Map(k, v) => self.range_map(lp, x, xt, k, v, pos),
            Type::Chan(_, elem) => self.range_chan(lp, x, elem, pos),
            _ if self.lay(xt).kind == Kind::String => self.range_string(lp, x, pos),
            _ => self.range_int(lp, x, xt, pos),
        }
    }

    /// Declares the variables of a loop that its iterations share, where that can be told.
    fn declare_shared(&mut self, lhs: &[ExprId]) {
        for &l in lhs {
            let Some(&obj) = self.info.defs.get(&self.ast.span(l).lo) else { continue };
            let ty = self.sub(self.info.obj(obj).ty);
            if matches!(self.info.obj(obj).kind, ObjKind::Local) && self.is_boxed(obj, ty) {
                self.declare_zero(obj, ty);
                self.f.shared.insert(obj);
            }
        }
    }

    fn wanted(&self, lp: &Loop, i: usize) -> Option<ExprId> {
        let l = *lp.lhs.get(i)?;
        (!matches!(self.ast.expr(self.ast.unparen(l)).kind, ExprKind::Ident(Sym::BLANK))).then_some(l)
    }

    /// The variable that iteration variable `l` declares, if it may be the loop's own slot: it never changes.
    fn own_slot(&mut self, lp: &Loop, l: Option<ExprId>, ty: TypeId) -> Option<ObjId> {
        let l = l?;
        if !lp.define {
            return None;
        }
        let obj = *self.info.defs.get(&self.ast.span(l).lo)?;
        let var = self.sub(self.info.obj(obj).ty);
        (matches!(self.info.obj(obj).kind, ObjKind::Local)
            && self.analysis.flags(obj) & ASSIGNED == 0
            && !self.is_boxed(obj, var)
            && var == ty)
            .then_some(obj)
    }

    /// The declared iteration variable's slot, to be written by each iteration.
    fn direct_slot(&mut self, lp: &Loop, l: Option<ExprId>, ty: TypeId) -> Option<Reg> {
        let l = l?;
        if !lp.define {
            return None;
        }
        let obj = *self.info.defs.get(&self.ast.span(l).lo)?;
        let var = self.sub(self.info.obj(obj).ty);
        if !matches!(self.info.obj(obj).kind, ObjKind::Local) || self.is_boxed(obj, var) || var != ty {
            return None;
        }
        let r = self.slots_for(ty);
        self.f.vars.insert(obj, Var::Slot(r));
        Some(r)
    }

    fn body(&mut self, lp: &Loop) {
        self.f.ctrl.push(Ctrl { label: lp.label, brk: lp.end, cont: Some(lp.cont) });
        self.block(lp.body);
        self.f.ctrl.pop();
        self.f.code.bind(lp.cont);
    }

    /// A counter from 0, with the variable that shows it if that can be the same.
    fn counter(&mut self, lp: &Loop, ty: TypeId) -> (Reg, bool) {
        let l = self.wanted(lp, 0);
        let i = self.scalar();
        self.f.code.rx(Op::LdI, i, 0);
        match self.own_slot(lp, l, ty) {
            Some(obj) => {
                self.f.vars.insert(obj, Var::Slot(i));
                (i, true)
            }
            None => (i, l.is_none()),
        }
    }

    /// Gives the first iteration variable its value; if both are assigned at once, that comes with the second.
    fn set_counter(&mut self, lp: &Loop, i: Reg, shown: bool, ty: TypeId) {
        if !shown
            && !self.assigns_both(lp)
            && let Some(l) = self.wanted(lp, 0)
        {
            self.bind_value(l, lp.define, i, ty);
        }
    }

    /// Both iteration variables are assigned, and what the second one is may depend on the first: `for i, a[i] = range s`.
    fn assigns_both(&self, lp: &Loop) -> bool {
        let is_variable = |e| matches!(self.ast.expr(self.ast.unparen(e)).kind, ExprKind::Ident(_));
        !lp.define && self.wanted(lp, 0).is_some() && self.wanted(lp, 1).is_some_and(|l| !is_variable(l))
    }

    fn assign_both(&mut self, lp: &Loop, values: [(Reg, TypeId); 2]) {
        let (places, types) = self.places(lp.lhs, false);
        for ((place, ty), (r, from)) in places.into_iter().zip(types).zip(values) {
            self.store_as(place, ty, r, from);
        }
    }

    fn range_slice(&mut self, lp: Loop, x: ExprId, xt: TypeId, elem: TypeId, pos: u32) {
        let r = self.expr(x, None);
        let s = self.own_copy(x, r, xt);
        let n = self.scalar();
        self.f.code.rr(Op::LenSlice, n, s);
        let (i, shown) = self.counter(&lp, TypeId::INT);
        self.f.code.jump_rk(Op::JLeK, n, 0, lp.end);
        let second = self.wanted(&lp, 1);
        let direct = self.direct_slot(&lp, second, elem);
        let mark = self.f.regs.mark();
        let next = direct.filter(|&d| (n.add(1), n.add(2)) == (i, d)).and_then(|_| next_op(self.lay(elem)));
        if let (Some(_), Some(d)) = (next, direct) {
            self.set_pos(pos);
            self.load(Place::Elem { slice: s, index: i }, elem, Some(d));
        }
        self.f.code.bind(lp.top);
        self.set_counter(&lp, i, shown, TypeId::INT);
        if let (None, Some(l)) = (next, second) {
            self.set_pos(pos);
            self.range_value(&lp, l, i, Place::Elem { slice: s, index: i }, elem, direct);
        }
        self.body(&lp);
        self.f.regs.release(mark);
        self.set_pos(pos);
        match next {
            Some(op) => self.f.code.loop_rr(op, n, s, lp.top),
            None => self.f.code.loop_rr(Op::LIncLt, i, n, lp.top),
        }
        self.f.code.bind(lp.end);
    }

    /// Gives the second iteration variable the value of a place, which counter `i` belongs to.
    fn range_value(&mut self, lp: &Loop, l: ExprId, i: Reg, place: Place, ty: TypeId, direct: Option<Reg>) {
        if let Some(d) = direct {
            self.load(place, ty, Some(d));
            return self.disown_value(d, ty);
        }
        let r = self.load(place, ty, None);
        self.disown_value(r, ty);
        if self.assigns_both(lp) {
            return self.assign_both(lp, [(i, TypeId::INT), (r, ty)]);
        }
        self.bind_value(l, lp.define, r, ty);
    }

    /// A slot with the value of the range expression that the body cannot change.
    fn own_copy(&mut self, x: ExprId, r: Reg, ty: TypeId) -> Reg {
        let e = self.ast.unparen(x);
        let constant = match (&self.ast.expr(e).kind, self.info.uses.get(&e)) {
            (ExprKind::Ident(_), Some(&obj)) => self.analysis.flags(obj) & ASSIGNED == 0,
            (ExprKind::Ident(_), None) | (ExprKind::Selector { .. } | ExprKind::Index { .. }, _) => false,
            _ => true,
        };
        if constant {
            return self.hold(r, ty);
        }
        let d = self.slots_for(ty);
        let n = self.lay(ty).slots;
        self.f.code.mov_n(d, r, n);
        d
    }

    #[allow(clippy::too_many_arguments)]
    fn range_array(&mut self, lp: Loop, x: ExprId, xt: TypeId, array: TypeId, elem: TypeId, n: u64, pos: u32) {
        let second = self.wanted(&lp, 1);
        let mut place = Place::Blank;
        if second.is_some() || self.has_safepoint(x) {
            if xt != array {
                let r = self.expr(x, None);
                let r = self.own_copy(x, r, xt);
                place = Place::behind(r);
            } else {
                place = self.place(x);
                place = self.hold_place(place);
                // the loop sees the array as it was
                place = match place {
                    Place::Slot(r) | Place::Word(r) => {
                        let d =
                            if self.lay(array).big() { self.fresh_copy(r, array) } else { self.own_copy(x, r, array) };
                        if self.lay(array).big() { Place::boxed(d) } else { Place::Slot(d) }
                    }
                    _ => {
                        let from = self.address(place, array);
                        Place::boxed(self.fresh_copy_any(from, array))
                    }
                };
            }
        }
        if n == 0 {
            return;
        }
        let count = self.scalar();
        self.load_word(n, count);
        let (i, shown) = self.counter(&lp, TypeId::INT);
        let direct = self.direct_slot(&lp, second, elem);
        let mark = self.f.regs.mark();
        self.f.code.bind(lp.top);
        self.set_counter(&lp, i, shown, TypeId::INT);
        if let Some(l) = second {
            self.set_pos(pos);
            let p = self.dyn_element(place, array, elem, n, i);
            self.range_value(&lp, l, i, p, elem, direct);
        }
        self.body(&lp);
        self.f.regs.release(mark);
        self.set_pos(pos);
        match i16::try_from(n) {
            Ok(k) => self.f.code.loop_rk(Op::LIncLtK, i, k as i64, lp.top),
            Err(_) => self.f.code.loop_rr(Op::LIncLt, i, count, lp.top),
        }
        self.f.code.bind(lp.end);
    }

    /// A copy in new memory of a value in memory.
    fn fresh_copy_any(&mut self, from: Reg, ty: TypeId) -> Reg {
        if self.lay(ty).big() {
            return self.fresh_copy(from, ty);
        }
        let v = self.load(Place::behind(from), ty, None);
        self.disown_value(v, ty);
        let b = self.new_box(ty);
        self.store(Place::boxed(b), ty, v);
        b
    }

    fn range_string(&mut self, lp: Loop, x: ExprId, pos: u32) {
        let r = self.expr(x, None);
        let s = self.own_copy(x, r, TypeId::STRING);
        let at = self.scalar();
        self.f.code.rx(Op::LdI, at, 0);
        let rune = self.f.regs.scalars(2);
        let (first, second) = (self.wanted(&lp, 0), self.wanted(&lp, 1));
        let own_at = self.own_slot(&lp, first, TypeId::INT);
        let own_rune = self.own_slot(&lp, second, TypeId::INT32);
        if let Some(o) = own_at {
            self.f.vars.insert(o, Var::Slot(at));
        }
        if let Some(o) = own_rune {
            self.f.vars.insert(o, Var::Slot(rune));
        }
        let mark = self.f.regs.mark();
        self.f.code.bind(lp.top);
        self.f.code.rrr(Op::RangeStr, rune, s, at);
        self.f.code.extra_jump(lp.end);
        if self.assigns_both(&lp) {
            self.assign_both(&lp, [(at, TypeId::INT), (rune, TypeId::INT32)]);
        } else {
            if let (Some(l), None) = (first, own_at) {
                self.bind_value(l, lp.define, at, TypeId::INT);
            }
            if let (Some(l), None) = (second, own_rune) {
                self.bind_value(l, lp.define, rune, TypeId::INT32);
            }
        }
        self.body(&lp);
        self.f.regs.release(mark);
        self.set_pos(pos);
        self.f.code.mov(at, rune.add(1));
        self.f.code.jump(lp.top);
        self.f.code.bind(lp.end);
    }

    fn range_map(&mut self, lp: Loop, x: ExprId, xt: TypeId, k: TypeId, v: TypeId, pos: u32) {
        let m = self.expr(x, None);
        let it = self.ptr_slot();
        let t = self.rtype(xt).0 as u64;
        self.set_pos(pos);
        self.f.code.rr(Op::MapIter, it, m);
        self.f.code.extra(t);
        let mut parts = Vec::new();
        for (i, ty) in [(0, k), (1, v)] {
            let l = self.wanted(&lp, i);
            let big = self.lay(ty).big();
            let direct = if big { None } else { self.direct_slot(&lp, l, ty) };
            let reg = match (l, direct) {
                (None, _) => Reg::NONE,
                (_, Some(d)) => d,
                (Some(_), None) => {
                    let l = self.lay(ty);
                    self.raw_words(l)
                }
            };
            parts.push((l, reg, direct.is_some(), ty));
        }
        let mark = self.f.regs.mark();
        self.f.code.bind(lp.top);
        self.set_pos(pos);
        self.f.code.rrr(Op::MapNext, it, parts[0].1, parts[1].1);
        self.f.code.extra(t);
        self.f.code.extra_jump(lp.end);
        let mut values = Vec::new();
        for (l, reg, done, ty) in parts {
            if let Some(l) = l
                && !done
            {
                let r = if self.lay(ty).big() { self.box_words(reg, ty) } else { reg };
                values.push((l, r, ty));
            }
        }
        match values[..] {
            [(_, a, k), (_, b, v)] if self.assigns_both(&lp) => self.assign_both(&lp, [(a, k), (b, v)]),
            _ => values.into_iter().for_each(|(l, r, ty)| self.bind_value(l, lp.define, r, ty)),
        }
        self.body(&lp);
        self.f.regs.release(mark);
        self.set_pos(pos);
        self.f.code.jump(lp.top);
        self.f.code.bind(lp.end);
    }

    fn range_chan(&mut self, lp: Loop, x: ExprId, elem: TypeId, pos: u32) {
        let xt = self.ty(x);
        let r = self.expr(x, None);
        let c = self.own_copy(x, r, xt);
        let d = self.words_and_flag(elem);
        let l = self.lay(elem);
        let first = self.wanted(&lp, 0);
        let own = if l.big() { None } else { self.own_slot(&lp, first, elem) };
        if let Some(o) = own {
            self.f.vars.insert(o, Var::Slot(d));
        }
        let mark = self.f.regs.mark();
        self.f.code.bind(lp.top);
        self.set_pos(pos);
        self.f.code.rri(Op::Recv, d, c, 1);
        self.f.code.jump_if(d.add(l.words), false, lp.end);
        if let (Some(e), None) = (first, own) {
            let r = if l.big() { self.box_words(d, elem) } else { d };
            self.bind_value(e, lp.define, r, elem);
        }
        self.body(&lp);
        self.f.regs.release(mark);
        self.set_pos(pos);
        self.f.code.jump(lp.top);
        self.f.code.bind(lp.end);
    }

    fn range_int(&mut self, lp: Loop, x: ExprId, xt: TypeId, pos: u32) {
        // the counter has the type of the variable
        let ty = match self.wanted(&lp, 0) {
            Some(l) if lp.define => match self.info.defs.get(&self.ast.span(l).lo) {
                Some(&obj) => self.sub(self.info.obj(obj).ty),
                None => xt,
            },
            Some(l) => self.ty(l),
            None => xt,
        };
        let ty = if self.lay(ty).is_int() { ty } else { xt };
        let constant = self.small_const(x).filter(|&k| k > 0);
        let n = if constant.is_some() {
            Reg::NONE
        } else {
            let r = self.expr_as(x, ty, None);
            self.own_copy(x, r, ty)
        };
        let (i, shown) = self.counter(&lp, ty);
        let unsigned = !self.lay(ty).is_signed() && self.lay(ty).mem == Mem::W;
        if constant.is_none() {
            self.f.code.jump_rk(if unsigned { Op::JEqK } else { Op::JLeK }, n, 0, lp.end);
        }
        let mark = self.f.regs.mark();
        self.f.code.bind(lp.top);
        self.set_counter(&lp, i, shown, ty);
        self.body(&lp);
        self.f.regs.release(mark);
        self.set_pos(pos);
        match constant {
            Some(k) => self.f.code.loop_rk(Op::LIncLtK, i, k, lp.top),
            None if unsigned => {
                self.f.code.rri(Op::AddK, i, i, 1);
                self.f.code.jump_rr(Op::JLtU, i, n, lp.top);
            }
            None => self.f.code.loop_rr(Op::LIncLt, i, n, lp.top),
        }
        self.f.code.bind(lp.end);
    }

    /// Hidden use of flags by `iter`.
    pub fn is_captured(&self, obj: ObjId) -> bool {
        self.analysis.flags(obj) & CAPTURED != 0
    }
}

/// The op that begins the next iteration of a loop over a slice, where counter, length and element are neighbours.
fn next_op(elem: Lay) -> Option<Op> {
    match elem.mem {
        Mem::W => Some(Op::LNextW),
        Mem::U8 => Some(Op::LNextU8),
        Mem::I32 => Some(Op::LNextI32),
        _ => None,
    }
}
