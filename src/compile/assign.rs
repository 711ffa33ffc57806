//! Assignments.
//!
//! As Go's compiler does: calls in the operands and values first, in order; then what may panic, values before places, where
//! only one variable is assigned. Several variables: operands of the left sides, the values, then the stores in order.
use super::Compiler;
use super::arith::Operand;
use super::func::Var;
use super::lvalue::Place;
use super::regs::Reg;
use crate::base::intern::Sym;
use crate::bytecode::op::Op;
use crate::syntax::ast::*;
use crate::types::info::*;
use crate::types::ty::TypeId;

impl Compiler<'_> {
    fn is_blank(&self, e: ExprId) -> bool {
        matches!(self.ast.expr(self.ast.unparen(e)).kind, ExprKind::Ident(Sym::BLANK))
    }

    /// The slot of an unboxed local variable.
    fn slot_of(&self, e: ExprId) -> Option<Reg> {
        let e = self.ast.unparen(e);
        match self.info.uses.get(&e).and_then(|o| self.f.vars.get(o)) {
            Some(&Var::Slot(r)) if matches!(self.ast.expr(e).kind, ExprKind::Ident(_)) => Some(r),
            _ => None,
        }
    }

    pub fn assign(&mut self, lhs: &[ExprId], rhs: &[ExprId]) {
        match (lhs, rhs) {
            (&[l], &[r]) => self.assign_one(l, r),
            _ if lhs.len() == rhs.len() => self.assign_parallel(lhs, rhs),
            (_, &[r]) => {
                let ahead = self.calls_ahead_of_lists(lhs, &[]);
                let (places, types) = self.places(lhs, true);
                let values = self.multi_values(r);
                self.end_ahead(ahead);
                for ((place, ty), (v, from)) in places.into_iter().zip(types).zip(values) {
                    self.store_as(place, ty, v, from);
                }
            }
            _ => {}
        }
    }

    fn assign_one(&mut self, l: ExprId, r: ExprId) {
        let ast = self.ast;
        if self.is_blank(l) {
            return self.discard(r);
        }
        let ty = self.ty(l);
        if self.assign_append(l, r, ty) {
            return;
        }
        if let Some(slot) = self.slot_of(l) {
            self.expr_as(r, ty, Some(slot));
            return;
        }
        let pos = ast.span(l).lo;
        let ahead = self.calls_ahead(&[l, r]);
        self.assign_in_turn(l, r, ty, pos);
        self.end_ahead(ahead);
    }

    fn assign_in_turn(&mut self, l: ExprId, r: ExprId, ty: TypeId, pos: u32) {
        if self.has_safepoint(l) {
            let place = self.place(l);
            let place = if self.has_safepoint(r) { self.hold_place(place) } else { place };
            let v = self.value(r, ty);
            self.set_pos(pos);
            return self.store(place, ty, v);
        }
        // a big value is copied straight from where it lies
        let v = self.value(r, ty);
        self.set_pos(pos);
        let place = self.place(l);
        let lay = self.lay(ty);
        if lay.mem == crate::bytecode::program::Mem::W
            && lay.words == 1
            && let Some((slice, k)) = self.constant_element(l, place)
        {
            return self.f.code.rri(Op::SxWK, v, slice, k);
        }
        self.store(place, ty, v);
    }

    /// `x = append(x, v)` and `x = append(x, y...)` with the same `x`.
    fn assign_append(&mut self, l: ExprId, r: ExprId, ty: TypeId) -> bool {
        let ast = self.ast;
        let ExprKind::Call { fun, args, spread: false, parens } = &ast.expr(ast.unparen(r)).kind else { return false };
        if self.builtin(*fun) != Some(Builtin::Append) {
            return false;
        }
        let &[s, v] = &args[..] else { return false };
        if self.ty(s) != ty || !self.same_place(l, s) || self.has_safepoint(l) {
            return false;
        }
        let elem = self.element_type(ty);
        let val = self.value(v, elem);
        self.set_pos(parens.lo);
        let place = self.place(l);
        self.append_own(place, ty, elem, val);
        true
    }

    /// Both expressions denote the same variable, and evaluating them has no effects.
    fn same_place(&self, a: ExprId, b: ExprId) -> bool {
        let ast = self.ast;
        let (a, b) = (ast.unparen(a), ast.unparen(b));
        match (&ast.expr(a).kind, &ast.expr(b).kind) {
            (ExprKind::Ident(_), ExprKind::Ident(_)) => match (self.info.uses.get(&a), self.info.uses.get(&b)) {
                (Some(x), Some(y)) => x == y && matches!(self.info.obj(*x).kind, ObjKind::Local | ObjKind::Global),
                _ => false,
            },
            (ExprKind::Selector { x, sel }, ExprKind::Selector { x: y, sel: sel2 }) => {
                sel.name == sel2.name
                    && match (self.info.selections.get(&a), self.info.selections.get(&b)) {
                        (Some(s), Some(t)) => {
                            s.kind == SelectionKind::Field && s.path == t.path && self.same_place(*x, *y)
                        }
                        (None, None) => {
                            self.info.uses.contains_key(&a) && self.info.uses.get(&a) == self.info.uses.get(&b)
                        }
                        _ => false,
                    }
            }
            (ExprKind::Index { x, indices: i }, ExprKind::Index { x: y, indices: j }) => {
                i.len() == 1 && j.len() == 1 && self.same_place(*x, *y) && self.same_value(i[0], j[0])
            }
            (ExprKind::Star(x), ExprKind::Star(y)) => self.same_place(*x, *y),
            _ => false,
        }
    }

    fn same_value(&self, a: ExprId, b: ExprId) -> bool {
        match (self.info.consts.get(&a), self.info.consts.get(&b)) {
            (Some(x), Some(y)) => return x == y,
            (None, None) => {}
            _ => return false,
        }
        if self.same_place(a, b) {
            return true;
        }
        let (a, b) = (self.ast.unparen(a), self.ast.unparen(b));
        match (&self.ast.expr(a).kind, &self.ast.expr(b).kind) {
            (ExprKind::Binary { op, x, y, .. }, ExprKind::Binary { op: op2, x: x2, y: y2, .. }) => {
                op == op2 && self.same_value(*x, *x2) && self.same_value(*y, *y2)
            }
            _ => false,
        }
    }

    /// Is `r` one of the slots?
    fn in_slots(slots: &[(Reg, u32)], r: Reg) -> bool {
        slots.iter().any(|&(s, n)| r.0 >= s.0 && r.0 < s.0 + n.max(1))
    }

    fn protect(&mut self, slots: &[(Reg, u32)], r: Reg, ty: TypeId) -> Reg {
        if !Self::in_slots(slots, r) {
            return r;
        }
        let t = self.slots_for(ty);
        let n = self.lay(ty).slots;
        self.f.code.mov_n(t, r, n);
        t
    }

    fn protect_ptr(&mut self, slots: &[(Reg, u32)], r: Reg) -> Reg {
        if !Self::in_slots(slots, r) {
            return r;
        }
        let t = self.ptr_slot();
        self.f.code.mov(t, r);
        t
    }

    /// Keeps a place from changing when the slots are assigned.
    fn protect_place(&mut self, slots: &[(Reg, u32)], place: Place) -> Place {
        match place {
            Place::Mem { base, off, known } => Place::Mem { base: self.protect_ptr(slots, base), off, known },
            Place::Elem { slice, index } => {
                Place::Elem { slice: self.protect_ptr(slots, slice), index: self.protect(slots, index, TypeId::INT) }
            }
            Place::FrameElem { array, index, len } => {
                Place::FrameElem { array, index: self.protect(slots, index, TypeId::INT), len }
            }
            Place::MapElem { map, key, ty } => {
                let k = match self.under(ty) {
                    crate::types::ty::Type::Map(k, _) => k,
                    _ => TypeId::INT,
                };
                let map = self.protect_ptr(slots, map);
                let key = if self.lay(k).big() { key } else { self.protect(slots, key, k) };
                Place::MapElem { map, key, ty }
            }
            p => p,
        }
    }

    fn assign_parallel(&mut self, lhs: &[ExprId], rhs: &[ExprId]) {
        let ahead = self.calls_ahead_of_lists(lhs, rhs);
        let calls = rhs.iter().any(|&r| self.has_safepoint(r));
        let (places, mut types) = self.places(lhs, calls);
        for (t, &r) in types.iter_mut().zip(rhs) {
            if *t == TypeId::INVALID {
                let own = self.ty(r);
                *t = self.info.types.default_type(own);
            }
        }
        let values = self.parallel_values(rhs, &types);
        self.store_parallel(&places, &types, values);
        self.end_ahead(ahead);
    }

    /// What several left sides denote, as it is before any of them is assigned; `hold`: over a safepoint. Blank ones have
    /// no type.
    pub fn places(&mut self, lhs: &[ExprId], hold: bool) -> (Vec<Place>, Vec<TypeId>) {
        let mut assigned = Vec::new();
        let mut places = Vec::with_capacity(lhs.len());
        let mut types = Vec::with_capacity(lhs.len());
        for &l in lhs {
            if self.is_blank(l) {
                places.push(Place::Blank);
                types.push(TypeId::INVALID);
                continue;
            }
            let ty = self.ty(l);
            let place = self.place(l);
            let place = if hold { self.hold_place(place) } else { place };
            let place = self.protect_place(&assigned, place);
            if let Place::Slot(r) | Place::Word(r) = place {
                let n = self.lay(ty).slots;
                assigned.push((r, n));
            }
            places.push(place);
            types.push(ty);
        }
        (places, types)
    }

    /// Evaluates values that will be stored together, or the results of the one call that gives them all.
    pub fn parallel_values(&mut self, rhs: &[ExprId], types: &[TypeId]) -> Vec<(Reg, TypeId)> {
        if let &[one] = rhs
            && types.len() != 1
        {
            return self.multi_values(one);
        }
        let ahead = self.calls_ahead(rhs);
        let mut out = vec![(Reg::fixed(0), TypeId::INVALID); rhs.len()];
        let last = rhs.iter().rposition(|&e| self.has_safepoint(e));
        for i in self.calls_first(rhs.iter().copied()) {
            let (e, t) = (rhs[i], types[i]);
            let r = if self.lay(t).big() {
                let d = self.ptr_slot();
                self.expr_as(e, t, Some(d))
            } else {
                self.value(e, t)
            };
            let later = last.is_some_and(|l| i < l) && self.has_safepoint(e);
            out[i] = (if later { self.hold(r, t) } else { r }, t);
        }
        self.end_ahead(ahead);
        out
    }

    /// Stores values in order, each as it was before the first store.
    pub fn store_parallel(&mut self, places: &[Place], types: &[TypeId], values: Vec<(Reg, TypeId)>) {
        let mut assigned: Vec<(Reg, u32)> = Vec::new();
        let mut safe = Vec::with_capacity(values.len());
        for ((place, &ty), (r, from)) in places.iter().zip(types).zip(values) {
            safe.push((self.protect(&assigned, r, from), from));
            if let Place::Slot(s) | Place::Word(s) = place {
                let n = self.lay(ty).slots;
                assigned.push((*s, n));
            }
        }
        for ((&place, &ty), (r, from)) in places.iter().zip(types).zip(safe) {
            self.store_as(place, ty, r, from);
        }
    }

    /// `:=` with at least one variable that exists already.
    pub fn define_mixed(&mut self, lhs: &[ExprId], rhs: &[ExprId]) {
        let ast = self.ast;
        // room for new variables first, below the temporaries
        let mut new = Vec::with_capacity(lhs.len());
        for &l in lhs {
            let def = match self.info.uses.contains_key(&l) || self.is_blank(l) {
                true => None,
                false => self.info.defs.get(&ast.span(l).lo).copied(),
            };
            new.push(match def {
                Some(obj) => {
                    let ty = self.sub(self.info.obj(obj).ty);
                    Some((self.declare_uninit(obj, ty), ty))
                }
                None => None,
            });
        }
        let mark = self.f.regs.mark();
        let mut places = Vec::with_capacity(lhs.len());
        let mut types = Vec::with_capacity(lhs.len());
        for (&l, n) in lhs.iter().zip(&new) {
            let (place, ty) = match *n {
                Some(p) => p,
                None if self.is_blank(l) => (Place::Blank, TypeId::INVALID),
                None => {
                    let place = self.place(l);
                    (self.hold_place(place), self.ty(l))
                }
            };
            places.push(place);
            types.push(ty);
        }
        if rhs.len() == lhs.len() {
            for (t, &r) in types.iter_mut().zip(rhs) {
                if *t == TypeId::INVALID {
                    let own = self.ty(r);
                    *t = self.info.types.default_type(own);
                }
            }
            let values = self.parallel_values(rhs, &types);
            self.store_parallel(&places, &types, values);
        } else if let Some(&r) = rhs.first() {
            let values = self.multi_values(r);
            for ((&place, &ty), (v, from)) in places.iter().zip(&types).zip(values) {
                self.store_as(place, ty, v, from);
            }
        }
        self.f.regs.release(mark);
    }

    pub fn inc_dec(&mut self, x: ExprId, inc: bool, pos: u32) {
        let ty = self.ty(x);
        let l = self.lay(ty);
        self.set_pos(pos.saturating_sub(2));
        let place = self.place(x);
        if l.is_int()
            && self.update_in_place(if inc { BinaryOp::Add } else { BinaryOp::Sub }, place, ty, Operand::Small(1))
        {
            return;
        }
        let r = self.load(place, ty, None);
        let op = if inc { BinaryOp::Add } else { BinaryOp::Sub };
        let one = if l.is_int() {
            Operand::Small(1)
        } else {
            let c = crate::types::constant::Const::int(1);
            Operand::Slot(self.const_value(&c, ty, None))
        };
        self.update(op, place, ty, r, one);
    }

    /// `place op= y` as one instruction, for sums of whole words in memory.
    fn update_in_place(&mut self, op: BinaryOp, place: Place, ty: TypeId, y: Operand) -> bool {
        use crate::bytecode::program::{Kind, Mem};
        let l = self.lay(ty);
        let float = l.kind == Kind::Float64;
        if l.mem != Mem::W || l.words != 1 || !(l.is_int() || float) {
            return false;
        }
        let (in_memory, in_slice) = match (op, float) {
            (BinaryOp::Add, false) => (Op::AddM, Op::AddX),
            (BinaryOp::Sub, false) if matches!(y, Operand::Small(_)) => (Op::AddM, Op::AddX),
            (BinaryOp::Add, true) => (Op::AddMF, Op::AddXF),
            (BinaryOp::Sub, true) => (Op::SubMF, Op::SubXF),
            _ => return false,
        };
        let small = match y {
            Operand::Small(k) if op == BinaryOp::Sub => Some(-k),
            Operand::Small(k) => Some(k),
            Operand::Slot(_) | Operand::Large(_) => None,
        };
        let small = match small {
            Some(k) if i16::try_from(k).is_err() => return false,
            k => k,
        };
        match (place, y) {
            (Place::Mem { base, off, .. }, _) => {
                let (base, off) = self.near(base, off);
                match (small, y) {
                    (Some(k), _) => self.f.code.irr(Op::IncM, k, base, off as u32),
                    (None, Operand::Slot(v)) => self.f.code.rri(in_memory, v, base, off),
                    _ => return false,
                }
            }
            (Place::Elem { slice, index }, _) => match (small, y) {
                (Some(k), _) => self.f.code.irr(Op::IncX, k, slice, index.0),
                (None, Operand::Slot(v)) => self.f.code.rrr(in_slice, v, slice, index),
                _ => return false,
            },
            _ => return false,
        }
        true
    }

    /// Stores `r op y` in the place that `r` was read from.
    fn update(&mut self, op: BinaryOp, place: Place, ty: TypeId, r: Reg, y: Operand) {
        let l = self.lay(ty);
        let want = match place {
            Place::Slot(s) => Some(s),
            Place::Word(s) if l.mem == crate::bytecode::program::Mem::W => Some(s),
            _ => None,
        };
        // memory keeps the low bytes only
        let canon = matches!(place, Place::Slot(_) | Place::MapElem { .. });
        let v = self.arith(op, l, ty, r, y, want, canon);
        self.store(place, ty, v);
    }

    pub fn op_assign(&mut self, op: BinaryOp, lhs: ExprId, rhs: ExprId, pos: u32) {
        let ty = self.ty(lhs);
        let l = self.lay(ty);
        let shift = matches!(op, BinaryOp::Shl | BinaryOp::Shr);
        let early = self.has_safepoint(rhs);
        let place = if self.has_safepoint(lhs) {
            let p = self.place(lhs);
            Some(self.hold_place(p))
        } else {
            None
        };
        let yt = if shift { self.ty(rhs) } else { ty };
        let small = if shift { self.int_const(rhs) } else { self.small_const(rhs).filter(|_| l.is_int()) };
        let mut y = self.large_const(op, l, rhs).map(Operand::Large);
        if small.is_none() && y.is_none() && early {
            let r = self.expr_as(rhs, yt, None);
            y = Some(Operand::Slot(self.hold(r, yt)));
        }
        let place = match place {
            Some(p) => p,
            None => self.place(lhs),
        };
        let y = match (small, y) {
            (Some(k), _) => Operand::Small(k),
            (None, Some(y)) => y,
            (None, None) => {
                let mark = self.f.regs.mark();
                let y = self.expr_as(rhs, yt, None);
                // Nothing is evaluated any more: a product may be spent on a sum.
                if l.is_float() && matches!(place, Place::Slot(_)) {
                    self.f.regs.release(mark);
                }
                Operand::Slot(y)
            }
        };
        self.set_pos(pos);
        if !shift && self.update_in_place(op, place, ty, y) {
            return;
        }
        let r = self.load(place, ty, None);
        if !shift {
            return self.update(op, place, ty, r, y);
        }
        let left = op == BinaryOp::Shl;
        let want = if let Place::Slot(s) = place { Some(s) } else { None };
        let canon = matches!(place, Place::Slot(_) | Place::MapElem { .. });
        let v = match y {
            Operand::Small(k) => self.shift_by(left, l, ty, r, k, want, canon),
            Operand::Slot(c) => self.shift_reg(left, l, ty, r, c, yt, want, canon),
            Operand::Large(_) => return,
        };
        self.store(place, ty, v);
    }
}
