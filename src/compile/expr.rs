//! Expressions: values into slots.
use super::closure::{ADDR, APPEND};
use super::lvalue::Place;
use super::regs::Reg;
use super::{Compiler, FuncRef};
use crate::bytecode::op::Op;
use crate::bytecode::program::*;
use crate::syntax::ast::*;
use crate::types::constant::Const;
use crate::types::info::*;
use crate::types::ty::{Type, TypeId};

impl Compiler<'_> {
    pub fn set_pos(&mut self, pos: u32) {
        self.f.code.pos = pos;
    }

    /// The value of an expression, without conversion to anything.
    pub fn expr(&mut self, e: ExprId, want: Option<Reg>) -> Reg {
        let ast = self.ast;
        let info = &*self.info;
        if let Some(c) = info.consts.get(&e) {
            let c = c.clone();
            let ty = self.ty(e);
            return self.const_value(&c, ty, want);
        }
        if !self.f.ahead.is_empty()
            && let Some(r) = self.ahead(e)
        {
            let Some(w) = want else { return r };
            let ty = self.ty(e);
            let ty = self.info.types.default_type(ty);
            let n = self.lay(ty).slots;
            self.f.code.mov_n(w, r, n);
            return w;
        }
        match &ast.expr(e).kind {
            ExprKind::Paren(x) => self.expr(*x, want),
            ExprKind::Ident(_) => self.name(e, want),
            ExprKind::FuncLit(f) => {
                let sig = self.ty(e);
                self.func_lit(*f, sig, want)
            }
            ExprKind::Composite { .. } => self.composite_lit(e, want),
            ExprKind::Selector { .. } => self.selector(e, want),
            ExprKind::Index { x, indices } => self.index(e, *x, indices, want),
            ExprKind::Slice { x, lo, hi, max, .. } => self.slice_expr(e, *x, *lo, *hi, *max, want),
            ExprKind::TypeAssert { x, ty } => match ty {
                Some(t) => self.type_assert(e, *x, *t, want),
                None => self.expr(*x, want),
            },
            ExprKind::Call { .. } => self.call_value(e, want),
            ExprKind::Star(_) => self.location(e, want),
            ExprKind::Unary { op, x } => self.unary(e, *op, *x, want, true),
            ExprKind::Binary { op, op_span, x, y } => self.binary(e, *op, *x, *y, op_span.lo, want, true),
            _ => {
                let ty = self.ty(e);
                self.dst(want, ty)
            }
        }
    }

    /// Like `expr`, but safe to keep over a safepoint.
    pub fn held(&mut self, e: ExprId) -> Reg {
        let r = self.expr(e, None);
        let ty = self.ty(e);
        self.hold(r, ty)
    }

    /// The value as one of type `to`, to which it is assignable.
    pub fn expr_as(&mut self, e: ExprId, to: TypeId, want: Option<Reg>) -> Reg {
        let from = self.ty(e);
        if from == to {
            return self.expr(e, want);
        }
        if from == TypeId::UNTYPED_NIL {
            return self.zero_value(to, want);
        }
        if self.info.types.is_interface(to) {
            if self.info.types.is_interface(from) {
                return self.expr(e, want);
            }
            return self.box_expr(e, from, to, want);
        }
        // a constant takes its form from the type it is wanted as
        if let Some(c) = self.info.consts.get(&e) {
            let c = c.clone();
            return self.const_value(&c, to, want);
        }
        self.expr(e, want)
    }

    /// The value, to be stored in a second place by the next instructions.
    pub fn value(&mut self, e: ExprId, to: TypeId) -> Reg {
        let r = self.expr_as(e, to, None);
        if self.may_be_owned(e) {
            let ty = self.ty(e);
            if !self.info.types.is_interface(to) || self.info.types.is_interface(ty) {
                self.disown_value(r, to);
            }
        }
        r
    }

    /// `value`, safe to keep over a safepoint.
    pub fn held_value(&mut self, e: ExprId, to: TypeId) -> Reg {
        let r = self.value(e, to);
        self.hold(r, to)
    }

    /// Two operands, in the order in which Go's compiler evaluates them: what contains calls goes first.
    pub fn operands(&mut self, x: ExprId, y: ExprId) -> (Reg, Reg) {
        let (tx, ty) = (self.ty(x), self.ty(y));
        self.operands_as(x, tx, y, ty)
    }

    pub fn operands_as(&mut self, x: ExprId, tx: TypeId, y: ExprId, ty: TypeId) -> (Reg, Reg) {
        let ahead = self.calls_ahead(&[x, y]);
        let operands = self.operands_in_turn(x, tx, y, ty);
        self.end_ahead(ahead);
        operands
    }

    fn operands_in_turn(&mut self, x: ExprId, tx: TypeId, y: ExprId, ty: TypeId) -> (Reg, Reg) {
        if self.has_safepoint(y) {
            if !self.has_safepoint(x) {
                let ry = self.expr_as(y, ty, None);
                let rx = self.expr_as(x, tx, None);
                return (rx, ry);
            }
            let rx = self.expr_as(x, tx, None);
            let rx = self.hold(rx, tx);
            let ry = self.expr_as(y, ty, None);
            return (rx, ry);
        }
        let rx = self.expr_as(x, tx, None);
        let ry = self.expr_as(y, ty, None);
        (rx, ry)
    }

    /// The order in which Go's compiler evaluates what stands side by side: what contains calls goes first.
    pub fn calls_first(&mut self, list: impl IntoIterator<Item = ExprId>) -> Vec<usize> {
        let calls: Vec<bool> = list.into_iter().map(|e| self.has_safepoint(e)).collect();
        let mut order: Vec<usize> = (0..calls.len()).collect();
        order.sort_by_key(|&i| !calls[i]);
        order
    }

    /// Evaluating the expression may reach a safepoint.
    pub fn has_safepoint(&mut self, e: ExprId) -> bool {
        if !self.f.ahead.is_empty() {
            return self.ahead(e).is_none() && self.find_safepoint(e);
        }
        match self.safe_memo.get(e.0 as usize) {
            Some(1) => return false,
            Some(2) => return true,
            _ => {}
        }
        let found = self.find_safepoint(e);
        if let Some(m) = self.safe_memo.get_mut(e.0 as usize) {
            *m = 1 + found as u8;
        }
        found
    }

    fn find_safepoint(&mut self, e: ExprId) -> bool {
        if self.info.consts.contains_key(&e) || self.info.mode(e) == Mode::Type {
            return false;
        }
        let ast = self.ast;
        match &ast.expr(e).kind {
            ExprKind::Paren(x) | ExprKind::Star(x) | ExprKind::Selector { x, .. } => self.has_safepoint(*x),
            ExprKind::Composite { elems, .. } => {
                elems.iter().any(|el| el.key.is_some_and(|k| self.has_safepoint(k)) || self.has_safepoint(el.value))
            }
            ExprKind::Index { x, indices } => self.has_safepoint(*x) || indices.iter().any(|&i| self.has_safepoint(i)),
            ExprKind::Slice { x, lo, hi, max, .. } => {
                self.has_safepoint(*x) || [lo, hi, max].into_iter().flatten().any(|&i| self.has_safepoint(i))
            }
            ExprKind::TypeAssert { x, .. } => self.has_safepoint(*x),
            ExprKind::Call { fun, args, .. } => {
                let plain = match self.info.mode(ast.unparen(*fun)) {
                    Mode::Type => true,
                    Mode::Builtin => !matches!(self.builtin(*fun), Some(Builtin::Panic | Builtin::Recover)),
                    _ => false,
                };
                !plain || args.iter().any(|&a| self.has_safepoint(a))
            }
            ExprKind::Unary { op, x } => *op == UnaryOp::Recv || self.has_safepoint(*x),
            ExprKind::Binary { x, y, .. } => self.has_safepoint(*x) || self.has_safepoint(*y),
            _ => false,
        }
    }

    pub fn builtin(&self, fun: ExprId) -> Option<Builtin> {
        let fun = self.ast.unparen(fun);
        match self.info.obj(*self.info.uses.get(&fun)?).kind {
            ObjKind::Builtin(b) => Some(b),
            _ => None,
        }
    }

    /// Slices in the value of `e` may have owned headers, so a copy must disown them.
    pub fn may_be_owned(&mut self, e: ExprId) -> bool {
        let ty = self.ty(e);
        if !self.lay(ty).has_slice {
            return false;
        }
        let ast = self.ast;
        let e = ast.unparen(e);
        match &ast.expr(e).kind {
            ExprKind::Ident(_) => match self.info.uses.get(&e) {
                Some(&obj) => match self.info.obj(obj).kind {
                    ObjKind::Local => self.analysis.flags(obj) & (APPEND | ADDR) != 0,
                    ObjKind::Global => true,
                    _ => false,
                },
                None => false,
            },
            ExprKind::Selector { .. } | ExprKind::Index { .. } | ExprKind::Star(_) => true,
            ExprKind::Call { fun, args, .. } if self.info.mode(ast.unparen(*fun)) == Mode::Type => {
                args.first().is_some_and(|&a| self.may_be_owned(a))
            }
            _ => false,
        }
    }

    /// The value of a variable, field, element or dereference.
    pub fn location(&mut self, e: ExprId, want: Option<Reg>) -> Reg {
        if let Some(r) = self.element_of_row(e, want) {
            return r;
        }
        let place = self.place(e);
        let ty = self.ty(e);
        let l = self.lay(ty);
        if l.mem == Mem::W
            && l.words == 1
            && (want.is_none() || !self.may_be_owned(e))
            && let Some((slice, k)) = self.constant_element(e, place)
        {
            let d = self.dst(want, ty);
            self.f.code.rri(Op::IxWK, d, slice, k);
            return d;
        }
        let Some(w) = want else { return self.load(place, ty, None) };
        if l.big() {
            let r = self.load(place, ty, None);
            let r = self.fresh_copy(r, ty);
            self.f.code.mov(w, r);
            return w;
        }
        if !self.may_be_owned(e) {
            return self.load(place, ty, want);
        }
        if l.kind == Kind::Slice {
            // a slot that holds the slice already needs no other move
            let r = if let Place::Slot(r) | Place::Word(r) = place { r } else { self.load(place, ty, want) };
            self.f.code.rr(Op::Disown, w, r);
        } else {
            self.load(place, ty, want);
            self.disown_value(w, ty);
        }
        w
    }

    /// The place just made of `e`, if it is a slice's element at a small constant index: the slot that the index was put
    /// in is not needed then.
    pub fn constant_element(&mut self, e: ExprId, place: Place) -> Option<(Reg, i64)> {
        let Place::Elem { slice, index } = place else { return None };
        let ExprKind::Index { indices, .. } = &self.ast.expr(self.ast.unparen(e)).kind else { return None };
        let k = self.int_const(*indices.first()?)?;
        (u16::try_from(k).is_ok() && self.f.code.take_constant(index)).then_some((slice, k))
    }

    /// `a[i][j]` of a slice of slices as one instruction.
    fn element_of_row(&mut self, e: ExprId, want: Option<Reg>) -> Option<Reg> {
        let ast = self.ast;
        let (row, j) = self.slice_element(e)?;
        let (rows, i) = self.slice_element(row)?;
        let ty = self.ty(e);
        let l = self.lay(ty);
        let op = match l.mem {
            Mem::W => Op::Ix2W,
            Mem::U8 => Op::Ix2U8,
            _ => return None,
        };
        if self.int_const(j).is_some()
            || !self.cannot_fail(j)
            || self.has_safepoint(row)
            || want.is_some() && self.may_be_owned(e)
        {
            return None;
        }
        let (rows_slot, i_slot) = self.operands(rows, i);
        let j_slot = self.expr(j, None);
        let (first, second) = (self.index_pos(rows, i), self.index_pos(ast.unparen(row), j));
        let d = self.dst(want, ty);
        self.set_pos(first);
        self.f.code.rrr(op, d, rows_slot, i_slot);
        self.set_pos(second);
        self.f.code.extra_slot(j_slot);
        Some(d)
    }

    /// The operands of an element of a slice.
    fn slice_element(&mut self, e: ExprId) -> Option<(ExprId, ExprId)> {
        let ast = self.ast;
        let ExprKind::Index { x, indices } = &ast.expr(ast.unparen(e)).kind else { return None };
        if self.info.mode(e) == Mode::Type || self.info.instances.contains_key(&ast.unparen(*x)) {
            return None;
        }
        let over = self.ty(*x);
        matches!(self.under(over), Type::Slice(_)).then_some((*x, *indices.first()?))
    }

    /// Evaluating the expression has no effects and does not fail: it may be done sooner.
    fn cannot_fail(&self, e: ExprId) -> bool {
        if self.info.consts.contains_key(&e) {
            return true;
        }
        match &self.ast.expr(e).kind {
            ExprKind::Ident(_) => self
                .info
                .uses
                .get(&e)
                .is_some_and(|&o| matches!(self.info.obj(o).kind, ObjKind::Local | ObjKind::Global)),
            ExprKind::Paren(x) => self.cannot_fail(*x),
            ExprKind::Binary { op, x, y, .. } => {
                matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::And | BinaryOp::Or)
                    && self.cannot_fail(*x)
                    && self.cannot_fail(*y)
            }
            _ => false,
        }
    }

    fn name(&mut self, e: ExprId, want: Option<Reg>) -> Reg {
        let Some(&obj) = self.info.uses.get(&e) else {
            // a name just declared, as in the left side of a definition
            return self.location(e, want);
        };
        match self.info.obj(obj).kind {
            ObjKind::Local | ObjKind::Global => self.location(e, want),
            ObjKind::Func(_) => self.func_value(e, obj, want),
            _ => {
                let ty = self.ty(e);
                self.zero_value(ty, want)
            }
        }
    }

    /// A declared function as a value.
    fn func_value(&mut self, e: ExprId, obj: ObjId, want: Option<Reg>) -> Reg {
        let targs = self.type_args(e);
        let idx = self.func_code_of(obj, targs);
        let d = match want {
            Some(w) => w,
            None => self.ptr_slot(),
        };
        let k = self.constant(Constant::Func(idx));
        self.f.code.rx(Op::LdK, d, k);
        d
    }

    /// The type arguments that go with a name.
    pub fn type_args(&mut self, e: ExprId) -> Vec<TypeId> {
        let args = self.info.instances.get(&e).cloned().unwrap_or_default();
        args.into_iter().map(|t| self.sub(t)).collect()
    }

    pub fn func_of(&mut self, e: ExprId, obj: ObjId) -> FuncRef {
        let targs = self.type_args(e);
        self.func_ref(obj, targs)
    }

    fn selector(&mut self, e: ExprId, want: Option<Reg>) -> Reg {
        let kind = self.info.selections.get(&e).map(|s| s.kind);
        match kind {
            Some(SelectionKind::Field) => self.location(e, want),
            Some(SelectionKind::Method { .. } | SelectionKind::Interface { .. }) => self.method_value(e, want),
            Some(SelectionKind::MethodExpr { .. } | SelectionKind::InterfaceExpr { .. }) => self.method_expr(e, want),
            None => match self.info.uses.get(&e).copied() {
                Some(obj) => match self.info.obj(obj).kind {
                    ObjKind::Func(_) => self.func_value(e, obj, want),
                    _ => self.location(e, want),
                },
                None => {
                    let ty = self.ty(e);
                    self.zero_value(ty, want)
                }
            },
        }
    }

    fn index(&mut self, e: ExprId, x: ExprId, indices: &[ExprId], want: Option<Reg>) -> Reg {
        if indices.iter().any(|&i| self.info.mode(i) == Mode::Type) {
            return self.expr(x, want);
        }
        let xt = self.ty(x);
        if self.lay(xt).kind != Kind::String {
            return self.location(e, want);
        }
        let Some(&index) = indices.first() else { return self.expr(x, want) };
        let mark = self.f.regs.mark();
        let (s, i) = self.operands(x, index);
        let pos = self.index_pos(x, index);
        self.set_pos(pos);
        self.f.regs.release(mark);
        let d = match want {
            Some(w) => w,
            None => self.scalar(),
        };
        self.f.code.rrr(Op::IxStr, d, s, i);
        d
    }

    fn slice_expr(
        &mut self,
        e: ExprId,
        x: ExprId,
        lo: Option<ExprId>,
        hi: Option<ExprId>,
        max: Option<ExprId>,
        want: Option<Reg>,
    ) -> Reg {
        let xt = self.ty(x);
        let under = self.under(xt);
        let early = [lo, hi, max].into_iter().flatten().any(|i| self.has_safepoint(i));
        let (base, array) = match &under {
            Type::Array(..) => {
                let place = self.place(x);
                (self.address(place, xt), Some(xt))
            }
            Type::Pointer(a) => (self.expr(x, None), Some(*a)),
            _ => (self.expr(x, None), None),
        };
        let base = if early { self.hold_ptr(base) } else { base };
        let len = match array.map(|a| self.under(a)) {
            Some(Type::Array(_, n)) => Some(n),
            _ => None,
        };
        let string = self.lay(xt).kind == Kind::String;
        let bounds = self.f.regs.scalars(2 + max.is_some() as u32);
        let ints = TypeId::INT;
        match lo {
            Some(lo) => {
                self.index_into(lo, bounds);
            }
            None => self.f.code.rx(Op::LdI, bounds, 0),
        }
        let ty = self.ty(e);
        match hi {
            Some(hi) => {
                self.index_into(hi, bounds.add(1));
            }
            None => match len {
                Some(n) => {
                    self.const_value(&Const::int(n as i64), ints, Some(bounds.add(1)));
                }
                None => {
                    let op = if string { Op::LenStr } else { Op::LenSlice };
                    self.f.code.rr(op, bounds.add(1), base);
                }
            },
        }
        let at = self.ast.span(x).hi;
        let unsigned = [lo, hi, max].map(|i| i.is_some_and(|i| self.is_unsigned_index(i)));
        if string {
            let flag = if unsigned.contains(&true) { UNSIGNED_INDEX } else { 0 };
            self.set_pos(at | flag);
            let d = self.dst(want, ty);
            self.f.code.rrr(Op::SubStr, d, base, bounds);
            return d;
        }
        if let Some(m) = max {
            self.index_into(m, bounds.add(2));
        }
        self.set_pos(at);
        let elem = self.element_type(ty);
        let mut info = self.rtype(elem).0 as u64;
        if max.is_some() {
            info |= SLICE_MAX;
        }
        for (i, &u) in unsigned.iter().enumerate() {
            info |= if u { SLICE_UNSIGNED >> i } else { 0 };
        }
        let d = self.dst(want, ty);
        match len {
            Some(n) => {
                self.f.code.rrr(Op::SliceArr, d, base, bounds);
                self.f.code.extra(info | n << 32);
            }
            None => {
                self.f.code.rrr(Op::SliceOf, d, base, bounds);
                self.f.code.extra(info);
            }
        }
        d
    }

    fn index_into(&mut self, e: ExprId, to: Reg) {
        self.expr(e, Some(to));
    }

    pub fn element_type(&mut self, ty: TypeId) -> TypeId {
        match self.under(ty) {
            Type::Slice(e) | Type::Array(e, _) | Type::Pointer(e) | Type::Chan(_, e) | Type::Map(_, e) => e,
            _ => TypeId::UINT8,
        }
    }

    fn type_assert(&mut self, e: ExprId, x: ExprId, t: ExprId, want: Option<Reg>) -> Reg {
        let (xt, to) = (self.ty(x), self.ty(t));
        let mark = self.f.regs.mark();
        let i = self.expr(x, None);
        self.set_pos(self.ast.span(e).hi.saturating_sub(1));
        let from = self.rtype(xt).0 as u64;
        let rt = self.rtype(to);
        if self.info.types.is_interface(to) {
            self.f.code.rir(Op::AssertI, i, rt.0 as i64, Reg(0));
            self.f.code.extra(from);
            self.f.regs.release(mark);
            let d = self.dst(want, to);
            self.f.code.mov(d, i);
            return d;
        }
        self.f.code.rir(Op::AssertT, i, rt.0 as i64, Reg(0));
        self.f.code.extra(from);
        self.unbox(i, to, want)
    }

    /// `v, ok := x.(T)`: value and flag.
    pub fn type_assert_ok(&mut self, x: ExprId, to: TypeId) -> (Reg, Reg) {
        let i = self.expr(x, None);
        let rt = self.rtype(to);
        let v = self.slots_for(to);
        let ok = self.scalar();
        let end = self.f.code.label();
        if self.info.types.is_interface(to) {
            self.f.code.rri(Op::IsI, ok, i, rt.0 as i64);
            self.f.code.mov(v, i);
            self.f.code.jump_if(ok, true, end);
            self.f.code.zero(v, 1);
        } else {
            let no = self.f.code.label();
            self.f.code.jump_rk(Op::JIsNot, i, rt.0 as i64, no);
            self.unbox(i, to, Some(v));
            self.f.code.rx(Op::LdI, ok, 1);
            self.f.code.jump(end);
            self.f.code.bind(no);
            self.zero_value(to, Some(v));
            self.f.code.rx(Op::LdI, ok, 0);
        }
        self.f.code.bind(end);
        (v, ok)
    }

    /// The integer value of a constant expression, if it is one and fits.
    pub fn int_const(&self, e: ExprId) -> Option<i64> {
        self.info.consts.get(&e)?.to_i64()
    }

    /// An integer constant that fits an immediate operand.
    pub fn small_const(&mut self, e: ExprId) -> Option<i64> {
        let k = self.int_const(e)?;
        let ty = self.ty(e);
        let l = self.lay(ty);
        (l.is_int() && i16::try_from(k).is_ok()).then_some(k)
    }

    /// A constant as a value of a type.
    pub fn const_value(&mut self, c: &Const, ty: TypeId, want: Option<Reg>) -> Reg {
        let l = self.lay(ty);
        match l.kind {
            Kind::Interface => {
                // an untyped constant where an interface is wanted has its default type
                let natural = match c {
                    Const::Bool(_) => TypeId::BOOL,
                    Const::Str(_) => TypeId::STRING,
                    Const::Int(_) => TypeId::INT,
                    Const::Float(_) => TypeId::FLOAT64,
                    Const::Complex(..) => TypeId::COMPLEX128,
                };
                return self.box_const(c, natural, want);
            }
            Kind::Complex64 | Kind::Complex128 => {
                let (re, im) = c.to_complex128().unwrap_or_default();
                let d = self.dst(want, ty);
                if l.kind == Kind::Complex64 {
                    let word = (re as f32).to_bits() as u64 | ((im as f32).to_bits() as u64) << 32;
                    self.load_word(word, d);
                } else {
                    self.load_word(re.to_bits(), d);
                    self.load_word(im.to_bits(), d.add(1));
                }
                return d;
            }
            Kind::String => {
                let d = self.dst(want, ty);
                match c {
                    Const::Str(s) if !s.is_empty() => {
                        let k = self.constant(Constant::Str(s.clone()));
                        self.f.code.rx(Op::LdK, d, k);
                    }
                    _ => self.f.code.rx(Op::LdI, d, 0),
                }
                return d;
            }
            _ => {}
        }
        let d = self.dst(want, ty);
        let word = self.const_word(c, l.kind);
        self.load_word(word, d);
        d
    }

    /// A scalar constant as a register.
    pub fn const_word(&self, c: &Const, kind: Kind) -> u64 {
        match kind {
            Kind::Bool => matches!(c, Const::Bool(true)) as u64,
            Kind::Float32 => (c.to_f32().unwrap_or_default() as f64).to_bits(),
            Kind::Float64 => c.to_f64().unwrap_or_default().to_bits(),
            _ => c.to_i64().map(|i| i as u64).or_else(|| c.to_u64()).unwrap_or_default(),
        }
    }

    pub fn load_word(&mut self, word: u64, d: Reg) {
        match i32::try_from(word as i64) {
            Ok(i) => self.f.code.rx(Op::LdI, d, i),
            Err(_) => {
                let k = self.constant(Constant::Word(word));
                self.f.code.rx(Op::LdK, d, k);
            }
        }
    }
}
