//! The predeclared functions.
use super::Compiler;
use super::lvalue::Place;
use super::regs::Reg;
use crate::bytecode::op::Op;
use crate::bytecode::program::*;
use crate::syntax::ast::*;
use crate::types::info::*;
use crate::types::ty::{Type, TypeId};

impl Compiler<'_> {
    pub fn builtin_call(&mut self, e: ExprId, want: Option<Reg>) -> Reg {
        let ast = self.ast;
        let ExprKind::Call { fun, args, spread, parens } = &ast.expr(e).kind else { return Reg(0) };
        let Some(b) = self.builtin(*fun) else { return Reg(0) };
        let pos = parens.lo;
        let ty = self.ty(e);
        if let Some(operands) = self.results_as_operands(args) {
            return self.builtin_of_results(b, operands, ty, pos, want);
        }
        match (b, &args[..]) {
            (Builtin::Append, _) => self.append(args, *spread, ty, pos, want),
            (Builtin::Len | Builtin::Cap, &[x]) => self.len_cap(b == Builtin::Len, x, want),
            (Builtin::Make, _) => self.make(args, ty, pos, want),
            (Builtin::New, &[x]) => self.new_builtin(x, ty, want),
            (Builtin::Complex, &[re, im]) => {
                let part = if self.lay(ty).kind == Kind::Complex64 {
                    TypeId::basic(crate::types::ty::Basic::Float32)
                } else {
                    TypeId::FLOAT64
                };
                let (a, b) = self.operands_as(re, part, im, part);
                self.complex_of(a, b, ty, want)
            }
            (Builtin::Real | Builtin::Imag, &[x]) => {
                let xt = self.ty(x);
                let l = self.lay(xt);
                let mut r = self.expr(x, None);
                if l.kind == Kind::Complex64 {
                    let pair = self.f.regs.scalars(2);
                    self.f.code.rr(Op::WidenC64, pair, r);
                    r = pair;
                }
                let r = r.add((b == Builtin::Imag) as u32);
                match want {
                    Some(w) => {
                        self.f.code.mov(w, r);
                        w
                    }
                    None => r,
                }
            }
            (Builtin::Min | Builtin::Max, _) => {
                let list: Vec<_> = args.iter().map(|&a| (a, ty)).collect();
                let regs = self.eval_all(&list);
                self.min_max(b == Builtin::Min, &regs, ty, want)
            }
            (Builtin::Copy, &[to, from]) => {
                let (tt, ft) = (self.ty(to), self.ty(from));
                let (a, b) = self.operands(to, from);
                let d = self.dst(want, TypeId::INT);
                self.emit_copy(tt, ft, a, b, d);
                d
            }
            (Builtin::Recover, _) => {
                let d = self.dst(want, self.any);
                self.f.code.r(Op::Recover, d);
                d
            }
            _ => {
                // no results
                let types = self.builtin_args(b, args);
                let regs = self.eval_all(&types);
                self.set_pos(pos);
                let list: Vec<_> = types.iter().map(|t| t.1).collect();
                self.builtin_stmt(b, &regs, &list);
                want.unwrap_or(Reg(0))
            }
        }
    }

    /// The operands of `builtin(f())`, where `f` has several results.
    pub fn results_as_operands(&mut self, args: &[ExprId]) -> Option<Vec<(Reg, TypeId)>> {
        let &[call] = args else { return None };
        let t = self.ty(call);
        matches!(self.info.types.get(t), Type::Tuple(list) if list.len() > 1).then(|| self.multi_values(call))
    }

    fn builtin_of_results(
        &mut self,
        b: Builtin,
        operands: Vec<(Reg, TypeId)>,
        ty: TypeId,
        pos: u32,
        want: Option<Reg>,
    ) -> Reg {
        let (regs, types): (Vec<_>, Vec<_>) = operands.iter().copied().unzip();
        match b {
            Builtin::Append => {
                let elem = self.element_type(ty);
                let slice = self.info.types.slice(elem);
                let list = self.ptr_slot();
                self.argument(&super::call::Arg::RestSlots(operands[1..].to_vec(), slice), list);
                self.set_pos(pos);
                let d = self.dst(want, ty);
                let t = self.rtype(elem).0 as u64;
                self.f.code.rrr(Op::AppendSlice, d, regs[0], list);
                self.f.code.extra(t);
                d
            }
            Builtin::Complex => self.complex_of(regs[0], regs[1], ty, want),
            Builtin::Min | Builtin::Max => self.min_max(b == Builtin::Min, &regs, ty, want),
            Builtin::Copy => {
                let d = self.dst(want, TypeId::INT);
                self.emit_copy(types[0], types[1], regs[0], regs[1], d);
                d
            }
            _ => {
                self.set_pos(pos);
                self.builtin_stmt(b, &regs, &types);
                want.unwrap_or(Reg(0))
            }
        }
    }

    fn complex_of(&mut self, re: Reg, im: Reg, ty: TypeId, want: Option<Reg>) -> Reg {
        let d = self.dst(want, ty);
        let pair = self.f.regs.scalars(2);
        self.f.code.mov(pair, re);
        self.f.code.mov(pair.add(1), im);
        if self.lay(ty).kind == Kind::Complex64 {
            self.f.code.rr(Op::NarrowC64, d, pair);
        } else {
            self.f.code.mov_n(d, pair, 2);
        }
        d
    }

    /// Arguments of a built-in without results, with the types they are evaluated as.
    pub fn builtin_args(&mut self, b: Builtin, args: &[ExprId]) -> Vec<(ExprId, TypeId)> {
        let mut out = Vec::with_capacity(args.len());
        for (i, &a) in args.iter().enumerate() {
            let t = self.ty(a);
            let t = match b {
                Builtin::Panic => self.any,
                Builtin::Delete if i == 1 => match out.first().map(|&(_, m)| self.under(m)) {
                    Some(Type::Map(k, _)) => k,
                    _ => t,
                },
                _ => self.info.types.default_type(t),
            };
            out.push((a, t));
        }
        out
    }

    /// Evaluates several operands in order.
    pub fn eval_all(&mut self, list: &[(ExprId, TypeId)]) -> Vec<Reg> {
        let ahead = self.calls_ahead_of_args(&[], list);
        let mut out = Vec::with_capacity(list.len());
        for (i, &(e, t)) in list.iter().enumerate() {
            let later = list[i + 1..].iter().any(|&(e, _)| self.has_safepoint(e));
            let r = self.expr_as(e, t, None);
            out.push(if later { self.hold(r, t) } else { r });
        }
        self.end_ahead(ahead);
        out
    }

    /// A built-in without results, applied to values.
    pub fn builtin_stmt(&mut self, b: Builtin, regs: &[Reg], types: &[TypeId]) {
        match (b, regs) {
            (Builtin::Close, &[c]) => self.f.code.r(Op::Close, c),
            (Builtin::Panic, &[v]) => self.f.code.panic(v),
            (Builtin::Delete, &[m, k]) => {
                let t = self.rtype(types[0]);
                let key = match self.under(types[0]) {
                    Type::Map(key, _) => key,
                    _ => types[1],
                };
                let k = match key == types[1] {
                    true => k,
                    // A result of a call.
                    false => {
                        let d = self.slots_for(key);
                        self.slot_as(k, types[1], key, d);
                        d
                    }
                };
                let k = self.spread(k, key);
                self.f.code.rr(Op::MapDel, m, k);
                self.f.code.extra(t.0 as u64);
            }
            (Builtin::Clear, &[x]) => {
                let (op, t) = match self.under(types[0]) {
                    Type::Slice(e) => (Op::ClearSlice, e),
                    _ => (Op::MapClear, types[0]),
                };
                let t = self.rtype(t);
                self.f.code.r(op, x);
                self.f.code.extra(t.0 as u64);
            }
            (Builtin::Copy, &[a, b]) => self.emit_copy(types[0], types[1], a, b, Reg::NONE),
            (Builtin::Recover, _) => {
                let d = self.ptr_slot();
                self.f.code.r(Op::Recover, d);
            }
            (Builtin::Print | Builtin::Println, _) => {
                let line = b == Builtin::Println;
                for (i, (&r, &t)) in regs.iter().zip(types).enumerate() {
                    let r = self.spread(r, t);
                    let id = self.rtype(t);
                    self.f.code.rii(Op::PrintW, r, id.0 as i64, (line && i > 0) as i64);
                }
                if line {
                    self.f.code.rii(Op::PrintW, Reg::scalar(0), 0, 2);
                    self.f.regs.max = self.f.regs.max.max(1);
                }
            }
            _ => {}
        }
    }

    fn emit_copy(&mut self, tt: TypeId, ft: TypeId, a: Reg, b: Reg, d: Reg) {
        if self.lay(ft).kind == Kind::String {
            return self.f.code.rrr(Op::CopyStr, d, a, b);
        }
        let elem = self.element_type(tt);
        let t = self.rtype(elem);
        self.f.code.rrr(Op::CopySlice, d, a, b);
        self.f.code.extra(t.0 as u64);
    }

    fn append(&mut self, args: &[ExprId], spread: bool, ty: TypeId, pos: u32, want: Option<Reg>) -> Reg {
        let Some((&s, rest)) = args.split_first() else { return Reg(0) };
        if rest.is_empty() {
            let r = self.value(s, ty);
            return match want {
                Some(w) => {
                    self.f.code.mov(w, r);
                    w
                }
                None => r,
            };
        }
        let ahead = self.calls_ahead(args);
        let later = rest.iter().any(|&r| self.has_safepoint(r));
        let mut base = self.expr_as(s, ty, None);
        if later {
            base = self.hold_ptr(base);
        }
        let r = self.append_to(base, rest, spread, ty, pos, want);
        self.end_ahead(ahead);
        r
    }

    /// `append(base, rest...)`.
    fn append_to(&mut self, base: Reg, rest: &[ExprId], spread: bool, ty: TypeId, pos: u32, want: Option<Reg>) -> Reg {
        let elem = self.element_type(ty);
        let t = self.rtype(elem).0 as u64;
        if spread {
            let from = self.ty(rest[0]);
            let y = self.expr(rest[0], None);
            self.set_pos(pos);
            let d = self.dst(want, ty);
            if from == TypeId::UNTYPED_NIL {
                self.f.code.mov(d, base);
            } else if self.lay(from).kind == Kind::String {
                self.f.code.rrr(Op::AppendStr, d, base, y);
            } else {
                self.f.code.rrr(Op::AppendSlice, d, base, y);
                self.f.code.extra(t);
            }
            return d;
        }
        if let [one] = rest {
            let v = self.value(*one, elem);
            let v = self.spread(v, elem);
            self.set_pos(pos);
            let d = self.dst(want, ty);
            self.f.code.rrr(Op::Append, d, base, v);
            self.f.code.extra(t);
            return d;
        }
        let list = self.ptr_slot();
        self.pack_values(rest, elem, list);
        self.set_pos(pos);
        let d = self.dst(want, ty);
        self.f.code.rrr(Op::AppendSlice, d, base, list);
        self.f.code.extra(t);
        d
    }

    fn pack_values(&mut self, rest: &[ExprId], elem: TypeId, d: Reg) {
        let slice = self.info.types.slice(elem);
        let arg = super::call::Arg::Rest(rest.to_vec(), slice);
        self.argument(&arg, d);
    }

    /// `x = append(x, v)` where `x` is the place: its header may grow in place.
    pub fn append_own(&mut self, place: Place, ty: TypeId, elem: TypeId, v: Reg) {
        let t = self.rtype(elem).0 as u64;
        let v = self.spread(v, elem);
        let s = self.load(place, ty, None);
        self.f.code.rrr(Op::AppendOwn, s, Reg(0), v);
        self.f.code.extra(t);
        self.store(place, ty, s);
    }

    pub fn len_cap(&mut self, len: bool, x: ExprId, want: Option<Reg>) -> Reg {
        let xt = self.ty(x);
        let mut under = self.under(xt);
        if let Type::Pointer(a) = under {
            under = self.under(a);
        }
        if let Type::Array(_, n) = under {
            if self.has_safepoint(x) {
                self.expr(x, None);
            }
            let d = self.dst(want, TypeId::INT);
            self.load_word(n, d);
            return d;
        }
        let op = match (self.lay(xt).kind, len) {
            (Kind::String, _) => Op::LenStr,
            (Kind::Map, _) => Op::LenMap,
            (Kind::Chan, true) => Op::LenChan,
            (Kind::Chan, false) => Op::CapChan,
            (_, true) => Op::LenSlice,
            (_, false) => Op::CapSlice,
        };
        let mark = self.f.regs.mark();
        let r = self.expr(x, None);
        self.f.regs.release(mark);
        let d = self.dst(want, TypeId::INT);
        self.f.code.rr(op, d, r);
        d
    }

    fn make(&mut self, args: &[ExprId], ty: TypeId, pos: u32, want: Option<Reg>) -> Reg {
        let sizes: Vec<_> = args[1..]
            .iter()
            .map(|&a| {
                let t = self.ty(a);
                let t = self.info.types.default_type(t);
                (a, if self.info.consts.contains_key(&a) { TypeId::INT } else { t })
            })
            .collect();
        let regs: Vec<Reg> = self.eval_all(&sizes);
        let t = self.rtype(ty);
        let zero = |c: &mut Self| {
            let r = c.scalar();
            c.f.code.rx(Op::LdI, r, 0);
            r
        };
        match self.under(ty) {
            Type::Slice(e) => {
                let len = match regs.first() {
                    Some(&r) => r,
                    None => zero(self),
                };
                let cap = regs.get(1).copied().unwrap_or(len);
                let t = self.rtype(e);
                self.set_pos(pos);
                let d = self.dst(want, ty);
                self.f.code.rrr(Op::MkSlice, d, len, cap);
                self.f.code.extra(t.0 as u64);
                d
            }
            Type::Map(..) => {
                let n = match regs.first() {
                    Some(&r) => r,
                    None => zero(self),
                };
                let d = self.dst(want, ty);
                self.f.code.rr(Op::MkMap, d, n);
                self.f.code.extra(t.0 as u64);
                d
            }
            _ => {
                let n = match regs.first() {
                    Some(&r) => r,
                    None => zero(self),
                };
                let elem = self.element_type(ty);
                let t = self.rtype(elem);
                self.set_pos(pos);
                let d = self.dst(want, ty);
                self.f.code.rr(Op::MkChan, d, n);
                self.f.code.extra(t.0 as u64);
                d
            }
        }
    }

    fn new_builtin(&mut self, x: ExprId, ty: TypeId, want: Option<Reg>) -> Reg {
        let elem = self.element_type(ty);
        if self.info.mode(x) == Mode::Type {
            let d = self.dst(want, ty);
            self.new_box_in(elem, d);
            return d;
        }
        // new(value)
        let v = self.value(x, elem);
        let b = self.new_box(elem);
        self.store(Place::boxed(b), elem, v);
        match want {
            Some(w) => {
                self.f.code.mov(w, b);
                w
            }
            None => b,
        }
    }

    fn min_max(&mut self, min: bool, regs: &[Reg], ty: TypeId, want: Option<Reg>) -> Reg {
        let l = self.lay(ty);
        let d = self.slots_for(ty);
        let Some((&first, rest)) = regs.split_first() else { return d };
        self.f.code.mov(d, first);
        for &y in rest {
            let end = self.f.code.label();
            if l.is_float() {
                let take = self.f.code.label();
                let (lo, hi) = if min { (d, y) } else { (y, d) };
                self.f.code.jump_rr(Op::JLtF, lo, hi, end);
                self.f.code.jump_rr(Op::JLtF, hi, lo, take);
                self.f.code.jump_rr(Op::JNeF, d, d, end);
                self.f.code.jump_rr(Op::JNeF, y, y, take);
                // equal: only the sign of zero may differ
                self.f.code.rrr(if min { Op::Or } else { Op::And }, d, d, y);
                self.f.code.jump(end);
                self.f.code.bind(take);
            } else {
                let (lo, hi) = if min { (d, y) } else { (y, d) };
                self.jump_compare(BinaryOp::Le, ty, lo, hi, end, true);
            }
            self.f.code.mov(d, y);
            self.f.code.bind(end);
        }
        match want {
            Some(w) => {
                self.f.code.mov(w, d);
                w
            }
            None => d,
        }
    }
}
