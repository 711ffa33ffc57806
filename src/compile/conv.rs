//! Conversions: between types of values, and into and out of interfaces.
use super::Compiler;
use super::lvalue::extend_op;
use super::regs::Reg;
use super::types::Lay;
use crate::bytecode::op::Op;
use crate::bytecode::program::*;
use crate::syntax::ast::*;
use crate::types::constant::Const;
use crate::types::ty::{Type, TypeId};

impl Compiler<'_> {
    /// `T(x)` that is not constant.
    pub fn conversion(&mut self, x: ExprId, to: TypeId, want: Option<Reg>) -> Reg {
        let from = self.ty(x);
        if let Some(c) = self.info.consts.get(&x).cloned() {
            let tl = self.lay(to);
            match (&c, tl.kind) {
                (Const::Int(_), Kind::String) => {}
                (Const::Str(_), Kind::Slice) => {}
                (_, Kind::Interface) => return self.expr_as(x, to, want),
                _ => {
                    if let Some(c) = constant_as(&c, tl) {
                        return self.const_value(&c, to, want);
                    }
                }
            }
        }
        if self.info.types.is_interface(to) || from == TypeId::UNTYPED_NIL {
            return self.expr_as(x, to, want);
        }
        let (fl, tl) = (self.lay(from), self.lay(to));
        if self.is_plain_conversion(from, to) {
            return self.expr(x, want);
        }
        let mark = self.f.regs.mark();
        let r = self.expr(x, None);
        if !tl.is_complex() {
            self.f.regs.release(mark);
        }
        self.convert(r, fl, from, tl, to, want)
    }

    /// The value's slots are the same in both types.
    fn is_plain_conversion(&mut self, from: TypeId, to: TypeId) -> bool {
        let (f, t) = (self.lay(from), self.lay(to));
        if f.kind == t.kind {
            return true;
        }
        f.is_int() && t.is_int() && int_fits(f, t)
    }

    /// Converts a value that has been evaluated.
    fn convert(&mut self, r: Reg, fl: Lay, from: TypeId, tl: Lay, to: TypeId, want: Option<Reg>) -> Reg {
        if tl.kind == Kind::String {
            let d = self.dst(want, to);
            let op = match self.under(from) {
                Type::Slice(e) if self.lay(e).kind == Kind::Int32 => Op::StrOfRunes,
                Type::Slice(_) => Op::StrOfBytes,
                _ => Op::StrOfRune,
            };
            self.f.code.rr(op, d, r);
            return d;
        }
        if fl.kind == Kind::String {
            let elem = self.element_type(to);
            let op = if self.lay(elem).kind == Kind::Int32 { Op::RunesOfStr } else { Op::BytesOfStr };
            let d = self.dst(want, to);
            self.f.code.rr(op, d, r);
            return d;
        }
        if fl.kind == Kind::Slice {
            return self.slice_to_array(r, to, want);
        }
        if tl.is_complex() {
            return self.convert_complex(r, fl, tl, to, want);
        }
        let d = self.dst(want, to);
        match (fl.is_float(), tl.is_float()) {
            (true, true) => {
                let op = if tl.kind == Kind::Float32 { Op::RoundF32 } else { Op::Mov };
                self.f.code.rr(op, d, r);
            }
            (true, false) => {
                let op = if matches!(tl.kind, Kind::Uint | Kind::Uint64 | Kind::Uintptr) { Op::F2U } else { Op::F2I };
                self.f.code.rr(op, d, r);
                if let Some(op) = extend_op(tl.mem) {
                    self.f.code.rr(op, d, d);
                }
            }
            (false, true) => {
                let wide = matches!(fl.kind, Kind::Uint | Kind::Uint64 | Kind::Uintptr);
                let op = match (wide, tl.kind == Kind::Float32) {
                    (false, false) => Op::I2F,
                    (false, true) => Op::I2F32,
                    (true, false) => Op::U2F,
                    (true, true) => Op::U2F32,
                };
                self.f.code.rr(op, d, r);
            }
            (false, false) => match extend_op(tl.mem) {
                Some(op) if !int_fits(fl, tl) => self.f.code.rr(op, d, r),
                _ => self.f.code.mov_n(d, r, tl.slots),
            },
        }
        d
    }

    fn convert_complex(&mut self, r: Reg, fl: Lay, tl: Lay, to: TypeId, want: Option<Reg>) -> Reg {
        let d = self.dst(want, to);
        match (fl.kind, tl.kind) {
            (Kind::Complex128, Kind::Complex64) => self.f.code.rr(Op::NarrowC64, d, r),
            (Kind::Complex64, Kind::Complex128) => self.f.code.rr(Op::WidenC64, d, r),
            _ => self.f.code.mov_n(d, r, tl.slots),
        }
        d
    }

    fn slice_to_array(&mut self, r: Reg, to: TypeId, want: Option<Reg>) -> Reg {
        if let Type::Pointer(a) = self.under(to) {
            let Type::Array(_, n) = self.under(a) else { return r };
            let d = self.dst(want, to);
            self.f.code.rr(Op::SliceToArr, d, r);
            self.f.code.extra(n);
            return d;
        }
        let Type::Array(_, n) = self.under(to) else { return r };
        let p = self.ptr_slot();
        self.f.code.rr(Op::SliceToArr, p, r);
        self.f.code.extra(n);
        let l = self.lay(to);
        if l.big() {
            let c = self.fresh_copy(p, to);
            return match want {
                Some(w) => {
                    self.f.code.mov(w, c);
                    w
                }
                None => c,
            };
        }
        if l.words == 0 {
            return self.dst(want, to);
        }
        let d = self.load(super::lvalue::Place::behind(p), to, want);
        self.disown_value(d, to);
        d
    }

    /// An interface of type `to` that holds the value of `e`, whose type is `from`.
    pub fn box_expr(&mut self, e: ExprId, from: TypeId, to: TypeId, want: Option<Reg>) -> Reg {
        if let Some(c) = self.info.consts.get(&e) {
            let c = c.clone();
            let from = self.info.types.default_type(from);
            return self.box_const(&c, from, want);
        }
        let mark = self.f.regs.mark();
        let r = self.value(e, from);
        // What is copied into new memory needs its slot until the memory is there.
        if !self.lay(from).big() {
            self.f.regs.release(mark);
        }
        self.box_value(r, from, to, want)
    }

    pub fn box_const(&mut self, c: &Const, from: TypeId, want: Option<Reg>) -> Reg {
        let l = self.lay(from);
        let t = self.rtype_iface(from);
        let d = match want {
            Some(w) => w,
            None => self.ptr_slot(),
        };
        if l.kind == Kind::String
            && let Const::Str(s) = c
        {
            let k = self.constant(Constant::StrIface(t, s.clone()));
            self.f.code.rx(Op::LdK, d, k);
            return d;
        }
        // what fits inline needs no op at run time
        let word = if l.is_scalar() { self.const_word(c, l.kind) } else { 0 };
        let head = iface::INLINE | (t.0 as u64) << iface::TYPE_SHIFT;
        let inline = match l.boxing {
            Boxing::Int if (word as i64) << 16 >> 16 == word as i64 => Some(head | word & iface::PAYLOAD),
            Boxing::Uint if word <= iface::PAYLOAD => Some(head | word),
            Boxing::Float if word & 0xffff == 0 => Some(head | word >> 16),
            _ => None,
        };
        if let Some(w) = inline {
            self.load_word(w, d);
            return d;
        }
        let mark = self.f.regs.mark();
        let r = self.const_value(c, from, None);
        self.f.regs.release(mark);
        self.box_value(r, from, self.any, Some(d))
    }

    /// An interface that holds a value in a slot.
    pub fn box_value(&mut self, r: Reg, from: TypeId, to: TypeId, want: Option<Reg>) -> Reg {
        let l = self.lay(from);
        if l.boxing == Boxing::Never {
            return match want {
                Some(w) => {
                    self.f.code.mov(w, r);
                    w
                }
                None => r,
            };
        }
        let t = self.rtype_iface(from);
        let r = if l.big() { self.fresh_copy(r, from) } else { r };
        let d = self.dst(want, to);
        let op = match l.boxing {
            Boxing::Direct => Op::IfP,
            _ if l.big() => Op::IfP,
            Boxing::Int => Op::IfI,
            Boxing::Uint => Op::IfU,
            Boxing::Float => Op::IfF,
            _ => Op::IfN,
        };
        self.f.code.rri(op, d, r, t.0 as i64);
        d
    }

    /// The value that an interface holds, whose dynamic type is known to be `to`.
    pub fn unbox(&mut self, i: Reg, to: TypeId, want: Option<Reg>) -> Reg {
        let l = self.lay(to);
        let op = match l.boxing {
            Boxing::Direct => Op::UnP,
            Boxing::Int => Op::UnI,
            Boxing::Uint => Op::UnU,
            Boxing::Float => Op::UnF,
            Boxing::Never => Op::Mov,
            Boxing::Words => {
                if l.big() {
                    let held = self.ptr_slot();
                    self.f.code.rr(Op::UnP, held, i);
                    let b = self.fresh_copy(held, to);
                    return match want {
                        Some(w) => {
                            self.f.code.mov(w, b);
                            w
                        }
                        None => b,
                    };
                }
                let t = self.rtype(to);
                let d = self.dst(want, to);
                self.f.code.rri(Op::UnN, d, i, t.0 as i64);
                return d;
            }
        };
        let d = self.dst(want, to);
        self.f.code.rr(op, d, i);
        d
    }
}

/// Every value of the first integer type is one of the second, as the same register.
fn int_fits(from: Lay, to: Lay) -> bool {
    let (fb, tb) = (bits(from), bits(to));
    match (from.is_signed(), to.is_signed()) {
        (true, true) | (false, false) => fb <= tb,
        // a 64-bit register is the same bits either way; a sign extension is no zero extension
        (true, false) => tb == 64,
        (false, true) => fb < tb || tb == 64,
    }
}

fn bits(l: Lay) -> u32 {
    match l.mem {
        Mem::I8 | Mem::U8 => 8,
        Mem::I16 | Mem::U16 => 16,
        Mem::I32 | Mem::U32 => 32,
        _ => 64,
    }
}

/// A constant in the form of a basic type.
fn constant_as(c: &Const, to: Lay) -> Option<Const> {
    Some(match to.kind {
        Kind::Bool | Kind::String => c.clone(),
        Kind::Float32 | Kind::Float64 => Const::Float(c.as_rational()?),
        Kind::Complex64 | Kind::Complex128 => {
            let (re, im) = c.as_complex()?;
            Const::Complex(re, im)
        }
        _ if to.is_int() => Const::Int(c.as_int()?),
        _ => return None,
    })
}
