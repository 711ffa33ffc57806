//! Operators: arithmetic, shifts, string concatenation, comparisons as values.
//!
//! A register of a narrow integer type holds the extension of its value. Operations that leave other bits above are followed
//! by an `Ext`, unless the consumer looks at the low bits only (`canon` is false).
use super::Compiler;
use super::lvalue::extend_op;
use super::regs::Reg;
use super::types::Lay;
use crate::bytecode::op::Op;
use crate::bytecode::program::*;
use crate::syntax::ast::*;
use crate::types::ty::TypeId;

/// An operand in a slot, or small enough to stand in the instruction.
#[derive(Clone, Copy)]
pub enum Operand {
    Slot(Reg),
    Small(i64),
    /// A larger constant, which follows the instruction.
    Large(i64),
}

impl Compiler<'_> {
    /// An integer of which only the bits of its type are wanted.
    fn raw(&mut self, e: ExprId) -> Reg {
        let e = self.ast.unparen(e);
        if !self.info.consts.contains_key(&e) {
            match self.ast.expr(e).kind {
                ExprKind::Binary { op, op_span, x, y } => {
                    return self.binary(e, op, x, y, op_span.lo, None, false);
                }
                ExprKind::Unary { op, x } => return self.unary(e, op, x, None, false),
                _ => {}
            }
        }
        self.expr(e, None)
    }

    pub fn unary(&mut self, e: ExprId, op: UnaryOp, x: ExprId, want: Option<Reg>, canon: bool) -> Reg {
        let ty = self.ty(e);
        match op {
            UnaryOp::Plus => self.expr(x, want),
            UnaryOp::Addr => self.address_of(e, x, want),
            UnaryOp::Recv => self.receive(e, x, want),
            UnaryOp::Not => {
                let mark = self.f.regs.mark();
                let r = self.expr(x, None);
                self.f.regs.release(mark);
                let d = self.dst(want, ty);
                self.f.code.rr(Op::Not, d, r);
                d
            }
            UnaryOp::Neg | UnaryOp::BitNot => {
                let l = self.lay(ty);
                let mark = self.f.regs.mark();
                // the complement of a sign extension is one, which saves an `Ext`
                let extended = op == UnaryOp::BitNot && l.is_signed() && canon;
                let r = if l.is_int() && !extended { self.raw(x) } else { self.expr(x, None) };
                if l.is_complex() {
                    let r = self.widen_complex(r, l);
                    let d = self.f.regs.scalars(2);
                    self.f.code.rr(Op::NegF, d, r);
                    self.f.code.rr(Op::NegF, d.add(1), r.add(1));
                    return self.narrow_complex(d, l, ty, want);
                }
                self.f.regs.release(mark);
                let d = self.dst(want, ty);
                if op == UnaryOp::BitNot {
                    self.f.code.rri(Op::XorK, d, r, -1);
                    if !l.is_signed() {
                        self.extend(d, l, canon);
                    }
                } else if l.is_float() {
                    self.f.code.rr(Op::NegF, d, r);
                } else {
                    self.f.code.rr(Op::Neg, d, r);
                    self.extend(d, l, canon);
                }
                d
            }
        }
    }

    fn extend(&mut self, d: Reg, l: Lay, canon: bool) {
        if canon
            && l.is_narrow_int()
            && let Some(op) = extend_op(l.mem)
        {
            self.f.code.rr(op, d, d);
        }
    }

    fn widen_complex(&mut self, r: Reg, l: Lay) -> Reg {
        if l.kind != Kind::Complex64 {
            return r;
        }
        let d = self.f.regs.scalars(2);
        self.f.code.rr(Op::WidenC64, d, r);
        d
    }

    fn narrow_complex(&mut self, r: Reg, l: Lay, ty: TypeId, want: Option<Reg>) -> Reg {
        if l.kind != Kind::Complex64 {
            return match want {
                Some(w) => {
                    self.f.code.mov_n(w, r, 2);
                    w
                }
                None => r,
            };
        }
        let d = self.dst(want, ty);
        self.f.code.rr(Op::NarrowC64, d, r);
        d
    }

    #[allow(clippy::too_many_arguments)]
    pub fn binary(
        &mut self,
        e: ExprId,
        op: BinaryOp,
        x: ExprId,
        y: ExprId,
        pos: u32,
        want: Option<Reg>,
        canon: bool,
    ) -> Reg {
        use BinaryOp::*;
        let ty = self.ty(e);
        match op {
            LAnd | LOr => self.logic(e, op == LOr, x, y, want),
            Eq | Ne | Lt | Le | Gt | Ge => self.comparison(op, x, y, pos, want),
            Shl | Shr => self.shift(op == Shl, ty, x, y, pos, want, canon),
            _ => {
                let l = self.lay(ty);
                if l.kind == Kind::String {
                    return self.concat(e, want);
                }
                if l.is_int() {
                    return self.int_binary(op, l, ty, x, y, pos, want, canon);
                }
                let mark = self.f.regs.mark();
                let (a, b) = self.operands_as(x, ty, y, ty);
                self.set_pos(pos);
                if !l.is_complex() {
                    self.f.regs.release(mark);
                }
                self.arith(op, l, ty, a, Operand::Slot(b), want, canon)
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn int_binary(
        &mut self,
        op: BinaryOp,
        l: Lay,
        ty: TypeId,
        x: ExprId,
        y: ExprId,
        pos: u32,
        want: Option<Reg>,
        canon: bool,
    ) -> Reg {
        use BinaryOp::*;
        let mark = self.f.regs.mark();
        let low = matches!(op, Add | Sub | Mul | And | Or | Xor | AndNot);
        // a bit operation on extended operands gives an extended result, which is worth more than to save an `Ext` below
        let low = low && (!canon || !matches!(op, And | Or | Xor | AndNot));
        if let Some(k) = self.small_const(y) {
            let a = if low { self.raw(x) } else { self.expr(x, None) };
            self.set_pos(pos);
            self.f.regs.release(mark);
            return self.arith(op, l, ty, a, Operand::Small(k), want, canon);
        }
        if let Some(k) = self.large_const(op, l, y) {
            let a = if low { self.raw(x) } else { self.expr(x, None) };
            self.set_pos(pos);
            self.f.regs.release(mark);
            return self.arith(op, l, ty, a, Operand::Large(k), want, canon);
        }
        if let Some(k) = self.small_const(x)
            && matches!(op, Add | Mul | And | Or | Xor | Sub)
        {
            let b = if low { self.raw(y) } else { self.expr(y, None) };
            self.set_pos(pos);
            self.f.regs.release(mark);
            if op == Sub {
                let d = self.dst(want, ty);
                self.f.code.rri(Op::RsbK, d, b, k);
                self.extend(d, l, canon);
                return d;
            }
            return self.arith(op, l, ty, b, Operand::Small(k), want, canon);
        }
        if let Some(k) = self.large_const(op, l, x)
            && matches!(op, Add | Mul | And | Or | Xor)
        {
            let b = if low { self.raw(y) } else { self.expr(y, None) };
            self.set_pos(pos);
            self.f.regs.release(mark);
            return self.arith(op, l, ty, b, Operand::Large(k), want, canon);
        }
        let (a, b) = if low && !self.has_safepoint(y) {
            let a = self.raw(x);
            (a, self.raw(y))
        } else {
            self.operands(x, y)
        };
        self.set_pos(pos);
        self.f.regs.release(mark);
        self.arith(op, l, ty, a, Operand::Slot(b), want, canon)
    }

    /// A constant operand of an integer operation that is no immediate but can follow the instruction.
    pub fn large_const(&self, op: BinaryOp, l: Lay, y: ExprId) -> Option<i64> {
        use BinaryOp::*;
        let k = self.int_const(y).filter(|&k| l.is_int() && i16::try_from(k).is_err())?;
        match op {
            Div | Rem => l.is_signed() && k > 0,
            _ => matches!(op, Add | Sub | Mul | And | Or | Xor | AndNot),
        }
        .then_some(k)
    }

    /// `a op b` for operands that have been evaluated.
    #[allow(clippy::too_many_arguments)]
    pub fn arith(
        &mut self,
        op: BinaryOp,
        l: Lay,
        ty: TypeId,
        a: Reg,
        b: Operand,
        want: Option<Reg>,
        canon: bool,
    ) -> Reg {
        use BinaryOp::*;
        if l.kind == Kind::String {
            let d = self.dst(want, ty);
            let b = self.in_slot(b);
            self.f.code.rrr(Op::Concat, d, a, b);
            return d;
        }
        if l.is_complex() {
            let b = self.in_slot(b);
            let a = self.widen_complex(a, l);
            let b = self.widen_complex(b, l);
            let op = match op {
                Add => Op::AddC,
                Sub => Op::SubC,
                Mul => Op::MulC,
                _ => Op::DivC,
            };
            let r = self.f.regs.scalars(2);
            self.f.code.rrr(op, r, a, b);
            return self.narrow_complex(r, l, ty, want);
        }
        if l.is_float() {
            let b = self.in_slot(b);
            let op = match op {
                Add => Op::AddF,
                Sub => Op::SubF,
                Mul => Op::MulF,
                _ => Op::DivF,
            };
            let d = self.dst(want, ty);
            if d == a
                && l.kind != Kind::Float32
                && matches!(op, Op::AddF | Op::SubF)
                && self.is_spent(b)
                && let Some((x, y)) = self.f.code.take_last(Op::MulF, b)
            {
                self.f.code.rrr(if op == Op::AddF { Op::MacF } else { Op::MsbF }, d, x, y);
                return d;
            }
            self.f.code.rrr(op, d, a, b);
            if l.kind == Kind::Float32 {
                self.f.code.rr(Op::RoundF32, d, d);
            }
            return d;
        }
        let d = self.dst(want, ty);
        let signed = l.is_signed();
        if let (Operand::Small(k) | Operand::Large(k), true, Div | Rem) = (b, signed, op)
            && self.divide(op == Rem, d, a, k)
        {
            self.extend_after(op, d, l, canon);
            return d;
        }
        if let Operand::Large(k) = b {
            let (op_l, k) = match op {
                Add => (Op::AddL, k),
                Sub => (Op::AddL, k.wrapping_neg()),
                Mul => (Op::MulL, k),
                And => (Op::AndL, k),
                Or => (Op::OrL, k),
                Xor => (Op::XorL, k),
                _ => (Op::AndL, !k),
            };
            self.f.code.rr(op_l, d, a);
            self.f.code.extra(k as u64);
            self.extend_after(op, d, l, canon);
            return d;
        }
        if let Operand::Small(k) = b {
            let (kop, k) = match op {
                Add => (Op::AddK, k),
                Sub if i16::try_from(-k).is_err() => {
                    // no slot is free for the constant: `a` may have been given back
                    self.f.code.rri(Op::AddK, d, a, -k - 1);
                    self.f.code.rri(Op::AddK, d, d, 1);
                    self.extend_after(op, d, l, canon);
                    return d;
                }
                Sub => (Op::AddK, -k),
                Mul if k > 1 && (k as u64).is_power_of_two() => (Op::ShlK, k.trailing_zeros() as i64),
                Mul => (Op::MulK, k),
                Div if signed && k != 0 => (Op::DivIK, k),
                Div if k > 1 && (k as u64).is_power_of_two() => (Op::ShrUK, k.trailing_zeros() as i64),
                Div if k != 0 => (Op::DivUK, k),
                Rem if signed && k != 0 => (Op::RemIK, k),
                Rem if k > 0 && (k as u64).is_power_of_two() => (Op::AndK, k - 1),
                Rem if k != 0 => (Op::RemUK, k),
                And => (Op::AndK, k),
                Or => (Op::OrK, k),
                Xor => (Op::XorK, k),
                AndNot => (Op::AndK, !k),
                _ => (Op::Nop, k),
            };
            if kop != Op::Nop {
                self.f.code.rri(kop, d, a, k);
                self.extend_after(op, d, l, canon);
                return d;
            }
        }
        let b = self.in_slot(b);
        let op3 = match (op, signed) {
            (Add, _) => Op::Add,
            (Sub, _) => Op::Sub,
            (Mul, _) => Op::Mul,
            (Div, true) => Op::DivI,
            (Div, false) => Op::DivU,
            (Rem, true) => Op::RemI,
            (Rem, false) => Op::RemU,
            (And, _) => Op::And,
            (Or, _) => Op::Or,
            (Xor, _) => Op::Xor,
            _ => Op::AndNot,
        };
        if d == a
            && op3 == Op::Add
            && !l.is_narrow_int()
            && self.is_spent(b)
            && let Some((x, y)) = self.f.code.take_last(Op::Mul, b)
        {
            self.f.code.rrr(Op::Mac, d, x, y);
            return d;
        }
        self.f.code.rrr(op3, d, a, b);
        self.extend_after(op, d, l, canon);
        d
    }

    /// A temporary that has been given back: nothing reads it but what is emitted next.
    fn is_spent(&self, r: Reg) -> bool {
        r.is_scalar() && r.index() >= self.f.regs.top
    }

    fn extend_after(&mut self, op: BinaryOp, d: Reg, l: Lay, canon: bool) {
        use BinaryOp::*;
        match op {
            Add | Sub | Mul => self.extend(d, l, canon),
            // the least value divided by -1
            Div if l.is_signed() => self.extend(d, l, canon),
            _ => {}
        }
    }

    pub fn in_slot(&mut self, o: Operand) -> Reg {
        match o {
            Operand::Slot(r) => r,
            Operand::Small(k) => {
                let r = self.scalar();
                self.f.code.rx(Op::LdI, r, k as i32);
                r
            }
            Operand::Large(k) => {
                let r = self.scalar();
                let k = self.constant(Constant::Word(k as u64));
                self.f.code.rx(Op::LdK, r, k);
                r
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn shift(&mut self, left: bool, ty: TypeId, x: ExprId, y: ExprId, pos: u32, want: Option<Reg>, canon: bool) -> Reg {
        let l = self.lay(ty);
        let mark = self.f.regs.mark();
        if let Some(k) = self.int_const(y) {
            let a = if left { self.raw(x) } else { self.expr_as(x, ty, None) };
            self.f.regs.release(mark);
            self.set_pos(pos);
            return self.shift_by(left, l, ty, a, k, want, canon);
        }
        let (a, b) = {
            let yt = self.ty(y);
            self.operands_as(x, ty, y, yt)
        };
        self.set_pos(pos);
        self.f.regs.release(mark);
        let yt = self.ty(y);
        self.shift_reg(left, l, ty, a, b, yt, want, canon)
    }

    /// A shift by a constant.
    #[allow(clippy::too_many_arguments)]
    pub fn shift_by(&mut self, left: bool, l: Lay, ty: TypeId, a: Reg, k: i64, want: Option<Reg>, canon: bool) -> Reg {
        let d = self.dst(want, ty);
        if left {
            if (0..64).contains(&k) {
                self.f.code.rri(Op::ShlK, d, a, k);
                self.extend(d, l, canon);
            } else {
                self.f.code.rx(Op::LdI, d, 0);
            }
        } else if l.is_signed() {
            self.f.code.rri(Op::ShrIK, d, a, k.clamp(0, 63));
        } else if (0..64).contains(&k) {
            self.f.code.rri(Op::ShrUK, d, a, k);
        } else {
            self.f.code.rx(Op::LdI, d, 0);
        }
        d
    }

    /// A shift by a count in a slot.
    #[allow(clippy::too_many_arguments)]
    pub fn shift_reg(
        &mut self,
        left: bool,
        l: Lay,
        ty: TypeId,
        a: Reg,
        b: Reg,
        count: TypeId,
        want: Option<Reg>,
        canon: bool,
    ) -> Reg {
        if self.lay(count).is_signed() {
            self.f.code.r(Op::ChkShift, b);
        }
        let d = self.dst(want, ty);
        let op = match (left, l.is_signed()) {
            (true, _) => Op::Shl,
            (false, true) => Op::ShrI,
            (false, false) => Op::ShrU,
        };
        self.f.code.rrr(op, d, a, b);
        if left {
            self.extend(d, l, canon);
        }
        d
    }

    /// `x + y + z` of strings, in one go.
    fn concat(&mut self, e: ExprId, want: Option<Reg>) -> Reg {
        let mut parts = Vec::new();
        self.flatten(e, &mut parts);
        let mark = self.f.regs.mark();
        if let [x, y] = parts[..] {
            let (a, b) = self.operands(x, y);
            self.f.regs.release(mark);
            let d = self.dst(want, TypeId::STRING);
            self.f.code.rrr(Op::Concat, d, a, b);
            return d;
        }
        let n = parts.len() as u32;
        let ahead = self.calls_ahead(&parts);
        let calls = parts.iter().any(|&p| self.has_safepoint(p));
        let first = if calls {
            let mut bits = BitMap::default();
            (0..n as usize).for_each(|i| bits.set(i));
            let map = self.intern_map(bits.clone());
            self.f.regs.range(map, &bits, n)
        } else {
            self.f.regs.scalars(n)
        };
        for i in self.calls_first(parts.iter().copied()) {
            self.expr(parts[i], Some(first.add(i as u32)));
        }
        self.end_ahead(ahead);
        self.f.regs.release(mark);
        let d = self.dst(want, TypeId::STRING);
        self.f.code.rri(Op::ConcatN, d, first, n as i64);
        d
    }

    fn flatten(&self, e: ExprId, out: &mut Vec<ExprId>) {
        let inner = self.ast.unparen(e);
        if !self.info.consts.contains_key(&inner)
            && out.len() < 200
            && let ExprKind::Binary { op: BinaryOp::Add, x, y, .. } = self.ast.expr(inner).kind
        {
            self.flatten(x, out);
            self.flatten(y, out);
            return;
        }
        out.push(e);
    }

    fn logic(&mut self, e: ExprId, or: bool, x: ExprId, y: ExprId, want: Option<Reg>) -> Reg {
        let end = self.f.code.label();
        match want {
            // the wanted slot may be read by the right side
            Some(d) if !d.is_scalar() || !self.is_temp(d) => {
                let short = self.f.code.label();
                self.cond(e, short, false);
                self.f.code.rx(Op::LdI, d, 1);
                self.f.code.jump(end);
                self.f.code.bind(short);
                self.f.code.rx(Op::LdI, d, 0);
                self.f.code.bind(end);
                d
            }
            _ => {
                let d = match want {
                    Some(d) => d,
                    None => self.scalar(),
                };
                let mark = self.f.regs.mark();
                self.expr(x, Some(d));
                self.f.regs.release(mark);
                self.f.code.jump_if(d, or, end);
                self.expr(y, Some(d));
                self.f.regs.release(mark);
                self.f.code.bind(end);
                d
            }
        }
    }

    /// No variable lives in this slot.
    fn is_temp(&self, d: Reg) -> bool {
        d.index() + 1 >= self.f.regs.top
            && !self.f.vars.values().any(|v| matches!(v, super::func::Var::Slot(r) if *r == d))
    }

    /// A comparison as a bool value.
    fn comparison(&mut self, op: BinaryOp, x: ExprId, y: ExprId, pos: u32, want: Option<Reg>) -> Reg {
        use BinaryOp::*;
        let mark = self.f.regs.mark();
        if matches!(op, Eq | Ne)
            && let Some((v, k)) = self.compared_with(x, y)
        {
            let r = self.expr(v, None);
            self.set_pos(pos);
            self.f.regs.release(mark);
            let d = self.dst(want, TypeId::BOOL);
            self.f.code.rri(if op == Eq { Op::EqK } else { Op::NeK }, d, r, k);
            return d;
        }
        let ty = self.compare_type(x, y);
        let (a, b) = self.operands_as(x, ty, y, ty);
        self.set_pos(pos);
        if !matches!(Class::of(self.lay(ty)), Class::Complex | Class::Parts) {
            self.f.regs.release(mark);
        }
        self.compare(op, ty, a, b, want)
    }

    /// For `x == y` where one operand is nil, the empty string or a small integer: the other operand, and the word.
    pub fn compared_with(&mut self, x: ExprId, y: ExprId) -> Option<(ExprId, i64)> {
        for (v, c) in [(x, y), (y, x)] {
            let ct = self.ty(c);
            if ct == TypeId::UNTYPED_NIL || self.info.mode(self.ast.unparen(c)) == crate::types::info::Mode::Nil {
                return Some((v, 0));
            }
            let vt = self.ty(v);
            if self.info.types.is_interface(vt) {
                continue;
            }
            if let Some(k) = self.small_const(c) {
                return Some((v, k));
            }
            if matches!(self.info.consts.get(&c), Some(crate::types::constant::Const::Str(s)) if s.is_empty()) {
                return Some((v, 0));
            }
        }
        None
    }

    /// The type in which two operands are compared.
    pub fn compare_type(&mut self, x: ExprId, y: ExprId) -> TypeId {
        let (tx, ty) = (self.ty(x), self.ty(y));
        let boxed = !self.info.types.is_interface(tx) && self.info.types.is_interface(ty);
        if boxed || self.info.types.is_untyped(tx) { ty } else { tx }
    }

    /// `a op b` as a bool.
    pub fn compare(&mut self, op: BinaryOp, ty: TypeId, a: Reg, b: Reg, want: Option<Reg>) -> Reg {
        use BinaryOp::*;
        let l = self.lay(ty);
        let (mut a, mut b) = (a, b);
        if matches!(op, Gt | Ge) {
            std::mem::swap(&mut a, &mut b);
        }
        let class = Class::of(l);
        let op3 = match (op, class) {
            (Eq, Class::Signed | Class::Unsigned) => Op::Eq,
            (Ne, Class::Signed | Class::Unsigned) => Op::Ne,
            (Lt | Gt, Class::Signed) => Op::LtI,
            (Le | Ge, Class::Signed) => Op::LeI,
            (Lt | Gt, Class::Unsigned) => Op::LtU,
            (Le | Ge, Class::Unsigned) => Op::LeU,
            (Eq, Class::Float) => Op::EqF,
            (Ne, Class::Float) => Op::NeF,
            (Lt | Gt, Class::Float) => Op::LtF,
            (Le | Ge, Class::Float) => Op::LeF,
            (Eq, Class::Str) => Op::EqS,
            (Ne, Class::Str) => Op::NeS,
            (Lt | Gt, Class::Str) => Op::LtS,
            (Le | Ge, Class::Str) => Op::LeS,
            _ => {
                let d = self.equal(ty, l, class, a, b, want);
                if op == Ne {
                    self.f.code.rr(Op::Not, d, d);
                }
                return d;
            }
        };
        let d = self.dst(want, TypeId::BOOL);
        self.f.code.rrr(op3, d, a, b);
        d
    }

    /// Equality of what has no compare-and-jump op.
    fn equal(&mut self, ty: TypeId, l: Lay, class: Class, a: Reg, b: Reg, want: Option<Reg>) -> Reg {
        match class {
            Class::Iface => {
                let d = self.dst(want, TypeId::BOOL);
                self.f.code.rrr(Op::EqIface, d, a, b);
                d
            }
            Class::Complex => {
                let a = self.widen_complex(a, l);
                let b = self.widen_complex(b, l);
                let d = self.dst(want, TypeId::BOOL);
                self.f.code.rrr(Op::EqC, d, a, b);
                d
            }
            _ => {
                let a = self.spread(a, ty);
                let b = self.spread(b, ty);
                let d = self.dst(want, TypeId::BOOL);
                let t = self.rtype(ty);
                self.f.code.rrr(Op::EqT, d, a, b);
                self.f.code.extra(t.0 as u64);
                d
            }
        }
    }
}

/// How values of a type are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Signed integers, and all that is equal when its words are.
    Signed,
    Unsigned,
    Float,
    Complex,
    Str,
    Iface,
    /// Structs and arrays.
    Parts,
}

impl Class {
    pub fn of(l: Lay) -> Class {
        match l.kind {
            Kind::String => Class::Str,
            Kind::Interface => Class::Iface,
            Kind::Struct | Kind::Array => Class::Parts,
            Kind::Float32 | Kind::Float64 => Class::Float,
            Kind::Complex64 | Kind::Complex128 => Class::Complex,
            _ if l.is_int() && !l.is_signed() => Class::Unsigned,
            _ => Class::Signed,
        }
    }
}
