//! Index and slice expressions.
use super::check::*;
use super::constant::{Const, Unfit};
use super::info::*;
use super::operand::*;
use super::ty::*;
use crate::syntax::ast::*;

/// What indexing a type gives.
#[derive(Clone, Copy)]
struct Indexed {
    elem: TypeId,
    mode: Mode,
    key: Option<TypeId>,
    len: Option<u64>,
}

impl<'a> Checker<'a> {
    /// `x[indices]`. A generic function comes back as it is, to be instantiated. `None`: wrong.
    pub fn index_expr(&mut self, e: ExprId, base: ExprId, indices: &'a [ExprId]) -> Option<Operand> {
        let mut x = self.expr_or_type(base, true);
        match x.mode {
            Mode::Invalid => {
                self.use_exprs(indices);
                return None;
            }
            Mode::Type => {
                // an instantiated type
                let ty = self.typ(e);
                return (ty != TypeId::INVALID).then(|| Operand::at(Mode::Type, ty, e));
            }
            Mode::Builtin => {
                let message = format!("{} must be called", self.operand_string(&x));
                self.err("not-a-value", self.span(e), message);
                return None;
            }
            _ => {}
        }
        if x.is_generic() {
            return Some(x);
        }
        self.non_generic(None, &mut x);
        if !x.ok() {
            return None;
        }
        if x.mode == Mode::Const && self.t().basic(x.ty, |b| b.is_string()) {
            // a constant string indexed by a constant is a byte, not a constant
            let len = x.val.as_ref().and_then(|v| v.as_bytes()).map(|b| b.len() as u64);
            if self.t().is_untyped(x.ty) {
                self.update_type(base, TypeId::STRING, true);
            }
            let index = self.single_index(e, indices)?;
            self.index(index, len, "index");
            return Some(Operand::at(Mode::Value, TypeId::UINT8, e));
        }
        let Some(found) = self.indexed(&x) else {
            let mut message = format!("cannot index {}", self.operand_string(&x));
            if let Some(why) = self.ptr_error(x.ty) {
                message = format!("{message} ({why})");
            }
            self.err("index", self.operand_span(&x), message);
            self.use_exprs(indices);
            return None;
        };
        let index = self.single_index(e, indices)?;
        if let Some(key) = found.key {
            let mut k = self.generic_expr(index, TypeId::INVALID);
            self.assignment(&mut k, Some(key), "map index");
            return Some(Operand::at(found.mode, found.elem, e));
        }
        self.index(index, found.len, "index");
        Some(Operand::at(found.mode, found.elem, e))
    }

    fn single_index(&mut self, _e: ExprId, indices: &[ExprId]) -> Option<ExprId> {
        if let [_, more, ..] = indices {
            self.err("index", self.span(*more), "invalid operation: more than one index");
            return None;
        }
        indices.first().copied()
    }

    fn indexed(&self, x: &Operand) -> Option<Indexed> {
        let types = self.t();
        let mut result: Option<Indexed> = None;
        let one = |under: TypeId| -> Option<Indexed> {
            let mode = if x.mode == Mode::Variable { Mode::Variable } else { Mode::Value };
            Some(match types.get(under) {
                Type::Basic(b) if b.is_string() => {
                    Indexed { elem: TypeId::UINT8, mode: Mode::Value, key: None, len: None }
                }
                Type::Array(elem, n) => Indexed { elem: *elem, mode, key: None, len: Some(*n) },
                Type::Pointer(p) => match types.underlying(*p) {
                    Type::Array(elem, n) => Indexed { elem: *elem, mode: Mode::Variable, key: None, len: Some(*n) },
                    _ => return None,
                },
                Type::Slice(elem) => Indexed { elem: *elem, mode: Mode::Variable, key: None, len: None },
                Type::Map(k, v) => Indexed { elem: *v, mode: Mode::MapIndex, key: Some(*k), len: None },
                _ => return None,
            })
        };
        if !types.is_tparam(x.ty) {
            return one(types.underlying_id(x.ty));
        }
        let ok = types.all(x.ty, |t| {
            let Some(found) = t.and_then(|(_, u)| one(u)) else { return false };
            match &mut result {
                None => result = Some(found),
                Some(r) => {
                    if r.elem != found.elem || r.key != found.key {
                        return false;
                    }
                    if let Some(n) = found.len {
                        r.len = Some(r.len.map_or(n, |m| m.min(n)));
                    }
                    if found.mode == Mode::Value {
                        r.mode = Mode::Value;
                    }
                }
            }
            true
        });
        if ok { result } else { None }
    }

    /// An index or a bound: an integer, not negative, below `max` (if constant). Its constant value.
    pub fn index(&mut self, e: ExprId, max: Option<u64>, what: &str) -> Option<Option<u64>> {
        let mut x = self.expr(None, e);
        if !self.valid_index(&mut x, what, false) {
            return None;
        }
        if x.mode != Mode::Const {
            return Some(None);
        }
        let Some(v) = x.val.as_ref().and_then(Const::to_i64) else { return Some(None) };
        if let Some(max) = max
            && v as u64 >= max
        {
            let message = format!("invalid argument: index {v} out of bounds [0:{max}]");
            self.err("index-range", self.span(e), message);
            return None;
        }
        Some(Some(v as u64))
    }

    pub fn valid_index(&mut self, x: &mut Operand, what: &str, allow_negative: bool) -> bool {
        if !x.ok() {
            return false;
        }
        let mut truncated = false;
        if self.t().is_untyped(x.ty) && x.mode == Mode::Const {
            let integral = x.val.as_ref().and_then(Const::as_int).is_some();
            truncated = !integral && x.val.as_ref().is_some_and(Const::is_numeric);
        }
        if self.t().is_untyped(x.ty) && !truncated {
            let large = x.val.as_ref().and_then(Const::as_int).filter(|v| i64::try_from(v.clone()).is_err());
            if let Some(v) = large {
                let message = if v.sign() == num_bigint::Sign::Minus {
                    format!("invalid argument: {what} {} must not be negative", self.operand_string(x))
                } else {
                    format!("invalid argument: {what} {} overflows int", self.operand_string(x))
                };
                self.err("index", self.operand_span(x), message);
                x.invalidate();
                return false;
            }
            match self.implicit_type(x, TypeId::INT) {
                Ok((ty, val)) => self.set_implicit_type(x, ty, val),
                Err(Unfit::Other) => {
                    self.convert_untyped(x, TypeId::INT);
                    return false;
                }
                Err(Unfit::Truncated | Unfit::Overflows) => {
                    let message = format!("invalid argument: {what} {} must be integer", self.operand_string(x));
                    self.err("index", self.operand_span(x), message);
                    x.invalidate();
                    return false;
                }
            }
        }
        if truncated {
            let message = format!("{} truncated to int", self.operand_string(x));
            self.err("index", self.operand_span(x), message);
            x.invalidate();
            return false;
        }
        if !self.t().all_basic(x.ty, |b| b.is_integer()) {
            let message = format!("invalid argument: {what} {} must be integer", self.operand_string(x));
            self.err("index", self.operand_span(x), message);
            x.invalidate();
            return false;
        }
        if x.mode == Mode::Const {
            if !allow_negative && x.val.as_ref().is_some_and(Const::is_negative) {
                let message = format!("invalid argument: {what} {} must not be negative", self.operand_string(x));
                self.err("index", self.operand_span(x), message);
                x.invalidate();
                return false;
            }
            if x.val.as_ref().is_some_and(|v| v.to_i64().is_none()) {
                let message = format!("invalid argument: {what} {} overflows int", self.operand_string(x));
                self.err("index", self.operand_span(x), message);
                x.invalidate();
                return false;
            }
        }
        true
    }

    pub fn slice_expr(
        &mut self,
        e: ExprId,
        base: ExprId,
        lo: Option<ExprId>,
        hi: Option<ExprId>,
        max: Option<ExprId>,
        full: bool,
    ) -> Operand {
        let bounds: Vec<ExprId> = [lo, hi, max].into_iter().flatten().collect();
        let x = self.expr(None, base);
        if !x.ok() {
            self.use_exprs(&bounds);
            return Operand::invalid(e);
        }
        let mut len: Option<u64> = None;
        let mut result = x.ty;
        let under = if self.t().is_tparam(x.ty) {
            // all types of the set: strings and byte slices together are byte slices
            let list = self.t().type_set(x.ty).unwrap_or_default();
            let strings = list.iter().filter(|&&t| self.t().basic(t, |b| b.is_string())).count();
            if strings > 0 && strings < list.len() {
                let bytes = self.types().slice(TypeId::UINT8);
                if list.iter().all(|&t| self.t().basic(t, |b| b.is_string()) || self.t().underlying_id(t) == bytes) {
                    Ok(TypeId::STRING)
                } else {
                    self.common_under(x.ty)
                }
            } else {
                self.common_under(x.ty)
            }
        } else {
            Ok(self.t().underlying_id(x.ty))
        };
        let under = match under {
            Ok(u) => u,
            Err(cause) => {
                let message = if cause == "no specific type" {
                    format!("cannot slice {}: no specific type in {}", self.operand_string(&x), self.ts(x.ty))
                } else {
                    format!("cannot slice {}: {cause}", self.operand_string(&x))
                };
                self.err("slice", self.operand_span(&x), message);
                self.use_exprs(&bounds);
                return Operand::invalid(e);
            }
        };
        let mut valid = false;
        match self.t().get(under).clone() {
            Type::Basic(b) if b.is_string() => {
                if full {
                    let at = max.or(hi).unwrap_or(e);
                    self.err("slice", self.span(at), "invalid operation: 3-index slice of string");
                    self.use_exprs(&bounds);
                    return Operand::invalid(e);
                }
                valid = true;
                if x.mode == Mode::Const {
                    len = x.val.as_ref().and_then(|v| v.as_bytes()).map(|b| b.len() as u64);
                }
                if self.t().is_untyped(x.ty) {
                    self.update_type(base, TypeId::STRING, true);
                    result = TypeId::STRING;
                }
            }
            Type::Array(elem, n) => {
                valid = true;
                len = Some(n);
                if x.mode != Mode::Variable {
                    let message = format!("cannot slice unaddressable value {}", self.operand_string(&x));
                    self.err("slice", self.operand_span(&x), message);
                    self.use_exprs(&bounds);
                    return Operand::invalid(e);
                }
                result = self.types().slice(elem);
            }
            Type::Pointer(p) => {
                if let Type::Array(elem, n) = *self.t().underlying(p) {
                    valid = true;
                    len = Some(n);
                    result = self.types().slice(elem);
                }
            }
            Type::Slice(_) => valid = true,
            _ => {}
        }
        if !valid {
            let message = format!("cannot slice {}", self.operand_string(&x));
            self.err("slice", self.operand_span(&x), message);
            self.use_exprs(&bounds);
            return Operand::invalid(e);
        }
        if full && (hi.is_none() || max.is_none()) {
            self.err("slice", self.span(e), "middle or final index required in 3-index slice");
            return Operand::invalid(e);
        }
        let mut consts: Vec<(ExprId, u64)> = Vec::new();
        for b in [lo, hi, max].into_iter().flatten() {
            // a slice bound may equal the length
            if let Some(Some(v)) = self.index(b, len.map(|n| n.saturating_add(1)), "index") {
                consts.push((b, v));
            }
        }
        'outer: for (i, &(_, x)) in consts.iter().enumerate() {
            for &(at, y) in &consts[i + 1..] {
                if y < x {
                    let message = format!("invalid slice indices: {y} < {x}");
                    self.err("slice", self.span(at), message);
                    break 'outer;
                }
            }
        }
        Operand::at(Mode::Value, result, e)
    }
}
