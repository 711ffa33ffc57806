//! Calls of the predeclared functions.
use super::call::Arg;
use super::check::*;
use super::constant::Const;
use super::info::*;
use super::operand::*;
use super::ty::*;
use crate::base::span::Span;
use crate::syntax::ast::*;

impl<'a> Checker<'a> {
    pub fn builtin(&mut self, e: ExprId, b: Builtin, args: &'a [ExprId], spread: bool, parens: Span) -> Operand {
        use Builtin::*;
        let name = b.name();
        if spread && b != Append {
            let at = args.last().map_or(self.span(e), |&a| self.span(a));
            self.err("variadic", at, format!("invalid operation: invalid use of ... with built-in {name}"));
            self.use_exprs(args);
            return Operand::invalid(e);
        }
        let has_call = self.env.has_call;
        if matches!(b, Len | Cap) {
            self.env.has_call = false;
        }
        let mut xs: Vec<Operand> = Vec::new();
        let lazy = matches!(b, Make | New);
        if !lazy {
            if args.len() == 1 {
                xs = self.multi_expr(args[0], false).0;
            } else {
                for &a in args {
                    xs.push(self.expr(None, a));
                }
            }
        }
        let contains_call = std::mem::replace(&mut self.env.has_call, has_call);
        if !matches!(b, Len | Cap) {
            self.env.has_call |= contains_call;
        }
        if xs.iter().any(|x| !x.ok()) {
            return Operand::invalid(e);
        }
        let n = if lazy { args.len() } else { xs.len() };
        let (want, variadic) = match b {
            Append | Make | Max | Min => (1, true),
            Print | Println => (0, true),
            Recover => (0, false),
            Complex | Copy | Delete => (2, false),
            _ => (1, false),
        };
        if n < want || !variadic && n > want {
            let qualifier = if n < want { "not enough" } else { "too many" };
            let message =
                format!("invalid operation: {qualifier} arguments for {} (expected {want}, found {n})", self.es(e));
            let at = if n > want && args.len() > want { self.span(args[want]) } else { parens };
            if lazy && b == New {
                self.use_exprs(args);
            }
            self.err("argument-count", at, message);
            return Operand::invalid(e);
        }
        let result = match b {
            Append => self.append(e, xs, args, spread, parens),
            Len | Cap => self.len_cap(e, b, &xs[0], contains_call),
            Clear => {
                let ok = self.t().all(xs[0].ty, |t| {
                    t.is_some_and(|(_, u)| matches!(self.t().get(u), Type::Map(..) | Type::Slice(_)))
                });
                if !ok {
                    let message = format!(
                        "invalid argument: cannot clear {}: argument must be (or constrained by) map or slice",
                        self.operand_string(&xs[0])
                    );
                    self.err("argument", self.operand_span(&xs[0]), message);
                    None
                } else {
                    Some(Operand::at(Mode::NoValue, TypeId::VOID, e))
                }
            }
            Close => self.close(e, &xs[0]),
            Complex => self.complex(e, xs),
            Real | Imag => self.real_imag(e, b, xs),
            Copy => self.copy(e, &xs[0], &xs[1]),
            Delete => self.delete(e, xs),
            Make => self.make(e, args),
            New => self.new_call(e, args[0]),
            Max | Min => self.min_max(e, b, xs),
            Panic => {
                let any = self.any_type;
                let mut x = xs.remove(0);
                self.assignment(&mut x, Some(any), "argument to panic");
                x.ok().then(|| Operand::at(Mode::NoValue, TypeId::VOID, e))
            }
            Print | Println => {
                let mut ok = true;
                for x in &mut xs {
                    self.assignment(x, None, &format!("argument to built-in {name}"));
                    ok &= x.ok();
                }
                ok.then(|| Operand::at(Mode::NoValue, TypeId::VOID, e))
            }
            Recover => Some(Operand::at(Mode::Value, self.any_type, e)),
        };
        result.unwrap_or_else(|| Operand::invalid(e))
    }

    fn append(&mut self, e: ExprId, xs: Vec<Operand>, args: &[ExprId], spread: bool, parens: Span) -> Option<Operand> {
        let slice = xs[0].ty;
        if xs[0].is_nil() {
            let message = "invalid append: first argument to append must be a typed slice; have untyped nil";
            self.err("argument", self.operand_span(&xs[0]), message);
            return None;
        }
        let elem = match self.common_under(slice) {
            Ok(u) => match self.t().get(u) {
                Type::Slice(t) => Some(*t),
                _ => None,
            },
            Err(_) => None,
        };
        let bytes = self.types().slice(TypeId::UINT8);
        let Some(elem) = elem else {
            let message = format!("invalid append: argument must be a slice; have {}", self.operand_string(&xs[0]));
            self.err("argument", self.operand_span(&xs[0]), message);
            return None;
        };
        // append([]byte, string...)
        if xs.len() == 2 && spread && self.assignable(&xs[0], bytes, &mut String::new()) {
            let y = &xs[1];
            let set = self.t().type_set(y.ty).unwrap_or_default();
            let string = |t: TypeId| self.t().basic(t, |b| b.is_string());
            let any_string = set.iter().any(|&t| string(t));
            if any_string && set.iter().all(|&t| string(t) || self.t().underlying_id(t) == bytes) {
                if self.t().is_untyped(y.ty) {
                    let mut y = y.clone();
                    self.convert_untyped(&mut y, TypeId::STRING);
                }
                return Some(Operand::at(Mode::Value, slice, e));
            }
        }
        let variadic = self.types().slice(elem);
        let sig = self.types().func(vec![slice, variadic], vec![slice], true);
        let callee = Operand::new(Mode::Value, sig);
        let ExprKind::Call { fun, .. } = self.ast.expr(e).kind else { return None };
        let list = xs.into_iter().map(|x| Arg { x, targs: Vec::new() }).collect();
        self.arguments(e, fun, callee, Vec::new(), &[], args, list, spread, parens);
        Some(Operand::at(Mode::Value, slice, e))
    }

    fn len_cap(&mut self, e: ExprId, b: Builtin, x: &Operand, has_call: bool) -> Option<Operand> {
        let under = self.t().underlying_id(x.ty);
        let array = match self.t().get(under) {
            Type::Pointer(p) => match self.t().underlying(*p) {
                Type::Array(_, n) => Some(*n),
                _ => None,
            },
            Type::Array(_, n) => Some(*n),
            _ => None,
        };
        let constant = |v: i64| {
            let mut r = Operand::at(Mode::Const, TypeId::INT, e);
            r.val = Some(Const::int(v));
            Some(r)
        };
        if let Some(n) = array {
            if !has_call {
                return constant(n as i64);
            }
            return Some(Operand::at(Mode::Value, TypeId::INT, e));
        }
        let len = b == Builtin::Len;
        let fits = |t: &Types, u: TypeId| match t.get(u) {
            Type::Basic(b) => b.is_string() && len,
            Type::Array(..) | Type::Slice(_) | Type::Chan(..) => true,
            Type::Pointer(p) => matches!(t.underlying(*p), Type::Array(..)),
            Type::Map(..) => len,
            _ => false,
        };
        if x.mode == Mode::Const
            && len
            && let Some(s) = x.val.as_ref().and_then(|v| v.as_bytes())
        {
            let n = s.len() as i64;
            if self.t().is_untyped(x.ty)
                && let Some(at) = x.expr
            {
                self.update_type(at, TypeId::STRING, true);
            }
            return constant(n);
        }
        if !x.is_nil() && self.t().all(x.ty, |t| t.is_some_and(|(_, u)| fits(self.t(), u))) {
            return Some(Operand::at(Mode::Value, TypeId::INT, e));
        }
        let message = format!("invalid argument: {} for built-in {}", self.operand_string(x), b.name());
        self.err("argument", self.operand_span(x), message);
        None
    }

    fn close(&mut self, e: ExprId, x: &Operand) -> Option<Operand> {
        let mut what = "";
        let ok = self.t().all(x.ty, |t| match t.map(|(_, u)| self.t().get(u)) {
            Some(Type::Chan(Dir::Recv, _)) => {
                what = "receive-only channel";
                false
            }
            Some(Type::Chan(..)) => true,
            _ => {
                what = "non-channel";
                false
            }
        });
        if !ok {
            let message = format!("invalid operation: cannot close {what} {}", self.operand_string(x));
            self.err("argument", self.operand_span(x), message);
            return None;
        }
        Some(Operand::at(Mode::NoValue, TypeId::VOID, e))
    }

    fn complex(&mut self, e: ExprId, mut xs: Vec<Operand>) -> Option<Operand> {
        let mut y = xs.pop()?;
        let mut x = xs.pop()?;
        // an untyped operand takes the type of the other; two constants become floats
        let (xu, yu) = (self.t().is_untyped(x.ty), self.t().is_untyped(y.ty));
        match (xu, yu) {
            (false, false) => {}
            (true, false) => self.convert_untyped(&mut x, y.ty),
            (false, true) => self.convert_untyped(&mut y, x.ty),
            (true, true) => {
                if x.mode == Mode::Const && y.mode == Mode::Const {
                    for o in [&mut x, &mut y] {
                        let real = o.val.as_ref().and_then(|v| v.as_rational());
                        if self.t().basic(o.ty, |b| b.is_numeric())
                            && let Some(r) = real
                        {
                            o.ty = TypeId::UNTYPED_FLOAT;
                            o.val = Some(Const::Float(r));
                        }
                    }
                } else {
                    self.convert_untyped(&mut x, TypeId::FLOAT64);
                    self.convert_untyped(&mut y, TypeId::FLOAT64);
                }
            }
        }
        if !x.ok() || !y.ok() {
            return None;
        }
        if x.ty != y.ty {
            let message =
                format!("invalid operation: {} (mismatched types {} and {})", self.es(e), self.ts(x.ty), self.ts(y.ty));
            self.err("mismatched-types", self.operand_span(&x), message);
            return None;
        }
        let result = match self.t().as_basic(x.ty) {
            Some(Basic::Float32) => TypeId::basic(Basic::Complex64),
            Some(Basic::Float64) => TypeId::COMPLEX128,
            Some(Basic::UntypedFloat) => TypeId::UNTYPED_COMPLEX,
            _ => {
                let message =
                    format!("invalid argument: arguments have type {}, expected floating-point", self.ts(x.ty));
                self.err("argument", self.operand_span(&x), message);
                return None;
            }
        };
        let mut r = Operand::at(Mode::Value, result, e);
        if x.mode == Mode::Const
            && y.mode == Mode::Const
            && let (Some(a), Some(b)) = (&x.val, &y.val)
            && let (Some(a), Some(b)) = (a.as_rational(), b.as_rational())
        {
            r.mode = Mode::Const;
            r.val = Some(Const::Complex(a, b));
        }
        Some(r)
    }

    fn real_imag(&mut self, e: ExprId, b: Builtin, mut xs: Vec<Operand>) -> Option<Operand> {
        let mut x = xs.pop()?;
        if self.t().is_untyped(x.ty) {
            if x.mode == Mode::Const {
                if self.t().basic(x.ty, |b| b.is_numeric())
                    && let Some((r, i)) = x.val.as_ref().and_then(|v| v.as_complex())
                {
                    x.ty = TypeId::UNTYPED_COMPLEX;
                    x.val = Some(Const::Complex(r, i));
                }
            } else {
                self.convert_untyped(&mut x, TypeId::COMPLEX128);
                if !x.ok() {
                    return None;
                }
            }
        }
        let result = match self.t().as_basic(x.ty) {
            Some(Basic::Complex64) => TypeId::basic(Basic::Float32),
            Some(Basic::Complex128) => TypeId::FLOAT64,
            Some(Basic::UntypedComplex) => TypeId::UNTYPED_FLOAT,
            _ => {
                let message = format!("invalid argument: argument has type {}, expected complex type", self.ts(x.ty));
                self.err("argument", self.operand_span(&x), message);
                return None;
            }
        };
        let mut r = Operand::at(Mode::Value, result, e);
        if x.mode == Mode::Const
            && let Some((re, im)) = x.val.as_ref().and_then(|v| v.as_complex())
        {
            r.mode = Mode::Const;
            r.val = Some(Const::Float(if b == Builtin::Real { re } else { im }));
        }
        Some(r)
    }

    fn copy(&mut self, e: ExprId, x: &Operand, y: &Operand) -> Option<Operand> {
        let elem = |c: &Self, o: &Operand, strings: bool| -> Option<TypeId> {
            if o.is_nil() {
                return None;
            }
            let list = c.t().type_set(o.ty)?;
            let mut found = None;
            for t in list {
                let elem = match c.t().underlying(t) {
                    Type::Slice(t) => *t,
                    Type::Basic(b) if strings && b.is_string() => TypeId::UINT8,
                    _ => return None,
                };
                if found.is_some_and(|f| f != elem) {
                    return None;
                }
                found = Some(elem);
            }
            found
        };
        let Some(a) = elem(self, x, false) else {
            let message = format!("invalid copy: argument must be a slice; have {}", self.operand_string(x));
            self.err("argument", self.operand_span(x), message);
            return None;
        };
        let Some(b) = elem(self, y, true) else {
            let message = format!("invalid copy: argument must be a slice; have {}", self.operand_string(y));
            self.err("argument", self.operand_span(y), message);
            return None;
        };
        if a != b {
            let message = format!(
                "invalid copy: arguments {} and {} have different element types {} and {}",
                self.operand_string(x),
                self.operand_string(y),
                self.ts(a),
                self.ts(b)
            );
            self.err("argument", self.operand_span(x), message);
            return None;
        }
        if self.t().is_untyped(y.ty)
            && let Some(at) = y.expr
        {
            self.update_type(at, TypeId::STRING, true);
        }
        Some(Operand::at(Mode::Value, TypeId::INT, e))
    }

    fn delete(&mut self, e: ExprId, mut xs: Vec<Operand>) -> Option<Operand> {
        let mut key = xs.pop()?;
        let map = xs.pop()?;
        let mut key_type: Option<TypeId> = None;
        let mut differs = false;
        let ok = self.t().all(map.ty, |t| match t.map(|(_, u)| self.t().get(u)) {
            Some(Type::Map(k, _)) => {
                if key_type.is_some_and(|other| other != *k) {
                    differs = true;
                    return false;
                }
                key_type = Some(*k);
                true
            }
            _ => false,
        });
        let Some(k) = key_type.filter(|_| ok) else {
            let text = self.operand_string(&map);
            let message = if differs {
                format!("invalid argument: maps of {text} must have identical key types")
            } else {
                format!("invalid argument: {text} is not a map")
            };
            self.err("argument", self.operand_span(&map), message);
            return None;
        };
        self.assignment(&mut key, Some(k), "argument to delete");
        key.ok().then(|| Operand::at(Mode::NoValue, TypeId::VOID, e))
    }

    fn make(&mut self, e: ExprId, args: &[ExprId]) -> Option<Operand> {
        let ty = self.var_type(args[0]);
        if ty == TypeId::INVALID {
            self.use_exprs(&args[1..]);
            return None;
        }
        let min = match self.common_under(ty).map(|u| self.t().get(u).clone()) {
            Ok(Type::Slice(_)) => 2,
            Ok(Type::Map(..) | Type::Chan(..)) => 1,
            other => {
                let text = self.es(args[0]);
                let cause = match other {
                    Err(cause) => cause,
                    Ok(_) => "type must be slice, map, or channel".into(),
                };
                let message = format!("invalid argument: cannot make {text}: {cause}");
                self.err("argument", self.span(args[0]), message);
                self.use_exprs(&args[1..]);
                return None;
            }
        };
        if args.len() < min || args.len() > min + 1 {
            let message = format!(
                "invalid operation: {} expects {min} or {} arguments; found {}",
                self.es(e),
                min + 1,
                args.len()
            );
            self.err("argument-count", self.span(e), message);
            self.use_exprs(&args[1..]);
            return None;
        }
        let mut sizes: Vec<u64> = Vec::new();
        for &a in &args[1..] {
            // a size may be a float constant with an integer value
            if let Some(Some(v)) = self.index(a, None, "index") {
                sizes.push(v);
            }
        }
        if let [len, cap] = sizes[..]
            && len > cap
        {
            self.err("argument", self.span(args[1]), "invalid argument: length and capacity swapped");
        }
        Some(Operand::at(Mode::Value, ty, e))
    }

    fn new_call(&mut self, e: ExprId, arg: ExprId) -> Option<Operand> {
        let mut x = self.expr_or_type(arg, false);
        match x.mode {
            Mode::Invalid => None,
            Mode::Type => {
                let ty = x.ty;
                if let Type::Interface(i) = self.t().underlying(ty)
                    && !Types::is_basic_interface(i)
                {
                    self.var_type(arg);
                    return None;
                }
                let ty = self.types().pointer(ty);
                Some(Operand::at(Mode::Value, ty, e))
            }
            Mode::Builtin => {
                let message = format!("{} must be called", self.operand_string(&x));
                self.err("not-a-value", self.span(arg), message);
                None
            }
            _ => {
                // new(expr): a pointer to a variable with that value
                self.assignment(&mut x, None, "argument to new");
                if !x.ok() {
                    return None;
                }
                if self.t().is_untyped(x.ty) {
                    let ty = self.t().default_type(x.ty);
                    self.convert_untyped(&mut x, ty);
                }
                let ty = self.types().pointer(x.ty);
                Some(Operand::at(Mode::Value, ty, e))
            }
        }
    }

    fn min_max(&mut self, e: ExprId, b: Builtin, xs: Vec<Operand>) -> Option<Operand> {
        for x in &xs {
            if x.is_nil() || !self.t().all_basic(x.ty, |b| b.is_ordered()) {
                let message = format!("invalid argument: {} cannot be ordered", self.operand_string(x));
                self.err("argument", self.operand_span(x), message);
                return None;
            }
        }
        let mut list = xs.into_iter();
        let mut x = list.next()?;
        let mut parts: Vec<ExprId> = x.expr.into_iter().collect();
        for mut y in list {
            parts.extend(y.expr);
            let (xu, yu) = (self.t().is_untyped(x.ty), self.t().is_untyped(y.ty));
            let string = |c: &Self, t: TypeId| c.t().all_basic(t, |b| b.is_string());
            if (xu || yu) && string(self, x.ty) == string(self, y.ty) {
                self.convert_untyped(&mut x, y.ty);
                if !x.ok() {
                    return None;
                }
                self.convert_untyped(&mut y, x.ty);
                if !y.ok() {
                    return None;
                }
            }
            if x.ty != y.ty {
                let message = format!(
                    "invalid argument: mismatched types {} (previous argument) and {} (type of {})",
                    self.ts(x.ty),
                    self.ts(y.ty),
                    self.operand_expr(&y)
                );
                self.err("mismatched-types", self.operand_span(&y), message);
                return None;
            }
            if x.mode == Mode::Const && y.mode == Mode::Const {
                if let (Some(a), Some(c)) = (&x.val, &y.val) {
                    let less = a.compare(c).1 == Some(std::cmp::Ordering::Less);
                    if less == (b == Builtin::Max) {
                        x.val = y.val;
                    }
                }
            } else {
                x.mode = Mode::Value;
                x.val = None;
            }
        }
        if x.mode != Mode::Const {
            x.mode = Mode::Value;
            for p in parts {
                let ty = x.ty;
                self.update_type(p, ty, !self.t().is_untyped(ty));
            }
        }
        x.expr = Some(e);
        x.text = None;
        Some(x)
    }
}
