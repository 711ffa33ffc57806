//! Expressions: names, literals, unary and binary operations, shifts, comparisons, type assertions; and the conversion
//! of untyped expressions once their type is known.
use super::check::*;
use super::constant::{self, Const, Op, Unfit};
use super::info::*;
use super::operand::*;
use super::predicates::Incomparable;
use super::ty::*;
use crate::base::diag::Diagnostic;
use crate::base::intern::Sym;
use crate::base::span::Span;
use crate::syntax::ast::*;
use std::cmp::Ordering;

/// What a statement makes of an expression.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Conversion,
    Expression,
    Statement,
}

/// The function type an expression is assigned to, from which a generic function's arguments can be inferred.
#[derive(Clone)]
pub(super) struct Target {
    pub sig: TypeId,
    pub text: String,
}

impl<'a> Checker<'a> {
    /// A target, if `ty` is a function type.
    pub fn target(&self, ty: TypeId, text: &str) -> Option<Target> {
        let under = self.common_under(ty).ok()?;
        matches!(self.t().get(under), Type::Func(_)).then(|| Target { sig: under, text: text.to_string() })
    }

    // --- entry points

    /// A single value.
    pub fn expr(&mut self, target: Option<&Target>, e: ExprId) -> Operand {
        let (mut x, _) = self.raw_expr(target, e, TypeId::INVALID, false);
        self.exclude(&mut x, true, true, true);
        self.single_value(&mut x);
        x
    }

    /// A single value, perhaps a generic function; `hint` is the type of a composite literal without one.
    pub fn generic_expr(&mut self, e: ExprId, hint: TypeId) -> Operand {
        let (mut x, _) = self.raw_expr(None, e, hint, true);
        self.exclude(&mut x, true, true, true);
        self.single_value(&mut x);
        x
    }

    /// One or several values.
    pub fn multi_expr(&mut self, e: ExprId, allow_comma_ok: bool) -> (Vec<Operand>, bool) {
        let (mut x, _) = self.raw_expr(None, e, TypeId::INVALID, false);
        self.exclude(&mut x, true, true, true);
        if x.ok()
            && let Type::Tuple(list) = self.t().get(x.ty).clone()
        {
            let values = list.iter().map(|&t| Operand::at(Mode::Value, t, e)).collect();
            return (values, false);
        }
        if x.ok() && allow_comma_ok && matches!(x.mode, Mode::MapIndex | Mode::CommaOk) {
            let mut ok = Operand::at(Mode::Value, TypeId::UNTYPED_BOOL, e);
            ok.text = x.text.clone();
            x.mode = Mode::Value;
            return (vec![x, ok], true);
        }
        (vec![x], false)
    }

    pub fn expr_or_type(&mut self, e: ExprId, allow_generic: bool) -> Operand {
        let (mut x, _) = self.raw_expr(None, e, TypeId::INVALID, allow_generic);
        self.exclude(&mut x, true, false, false);
        self.single_value(&mut x);
        x
    }

    fn exclude(&mut self, x: &mut Operand, no_value: bool, builtin: bool, typ: bool) {
        let message = match x.mode {
            Mode::NoValue if no_value => format!("{} used as value", self.operand_string_no_value(x)),
            Mode::Builtin if builtin => format!("{} must be called", self.operand_string(x)),
            Mode::Type if typ => format!("{} is not an expression", self.operand_string(x)),
            _ => return,
        };
        self.err("not-a-value", self.operand_span(x), message);
        x.invalidate();
    }

    fn operand_string_no_value(&self, x: &Operand) -> String {
        format!("{} (no value)", self.operand_expr(x))
    }

    pub fn single_value(&mut self, x: &mut Operand) {
        if x.mode == Mode::Value
            && let Type::Tuple(list) = self.t().get(x.ty)
            && list.len() > 1
        {
            let message = format!("multiple-value {} in single-value context", self.operand_string(x));
            self.err("multiple-value", self.operand_span(x), message);
            x.invalidate();
        }
    }

    /// Evaluates anything and records it.
    pub fn raw_expr(
        &mut self,
        target: Option<&Target>,
        e: ExprId,
        hint: TypeId,
        allow_generic: bool,
    ) -> (Operand, Kind) {
        if !self.enter(self.span(e)) {
            return (Operand::invalid(e), Kind::Statement);
        }
        let (mut x, kind) = self.expr_inner(target, e, hint);
        if !allow_generic {
            self.non_generic(target, &mut x);
        }
        x.expr = Some(e);
        self.record_operand(e, &x);
        self.leave();
        (x, kind)
    }

    pub fn record_operand(&mut self, e: ExprId, x: &Operand) {
        self.record(e, x.mode, x.ty, x.val.as_ref());
    }

    /// A generic type or function must be instantiated; a function's arguments may follow from `target`.
    pub fn non_generic(&mut self, target: Option<&Target>, x: &mut Operand) {
        if x.mode == Mode::Type {
            if let Some(n) = self.t().as_named(x.ty)
                && !self.t().named(n).tparams.is_empty()
            {
                let message = format!("cannot use generic type {} without instantiation", self.operand_expr(x));
                self.err("generic-type", self.operand_span(x), message);
                x.invalidate();
            }
            return;
        }
        if !x.is_generic() {
            return;
        }
        if let (Some(t), Some(e)) = (target, x.expr) {
            self.func_inst(Some(t), x, e, None, true);
            if x.ok() {
                self.record_operand(e, x);
            }
            return;
        }
        let message = format!("cannot use generic function {} without instantiation", self.operand_expr(x));
        self.err("generic-function", self.operand_span(x), message);
        x.invalidate();
    }

    fn expr_inner(&mut self, target: Option<&Target>, e: ExprId, hint: TypeId) -> (Operand, Kind) {
        let ast = self.ast;
        let x = match &ast.expr(e).kind {
            ExprKind::Bad => Operand::invalid(e),
            ExprKind::Ident(name) => self.ident(e, *name, false),
            ExprKind::Lit { kind, text } => self.literal(e, *kind, *text),
            ExprKind::FuncLit(f) => {
                let ty = self.func_lit(*f);
                Operand::at(Mode::Value, ty, e)
            }
            ExprKind::Composite { ty, elems, braces } => self.composite(e, *ty, elems, *braces, hint),
            ExprKind::Paren(inner) => {
                // a parenthesized literal has no type from its context
                let (mut x, kind) = self.raw_expr(target, *inner, TypeId::INVALID, true);
                x.expr = Some(e);
                return (x, kind);
            }
            ExprKind::Selector { .. } => self.selector(e, false),
            ExprKind::Index { x, indices } => match self.index_expr(e, *x, indices) {
                Some(mut x) => {
                    if x.is_generic() {
                        self.func_inst(target, &mut x, e, Some(indices), true);
                    }
                    x.expr = Some(e);
                    x
                }
                None => Operand::invalid(e),
            },
            ExprKind::Slice { x, lo, hi, max, full } => self.slice_expr(e, *x, *lo, *hi, *max, *full),
            ExprKind::TypeAssert { x, ty } => {
                let x = self.expr(None, *x);
                if !x.ok() {
                    if let Some(t) = ty {
                        self.var_type(*t);
                    }
                    return (Operand::invalid(e), Kind::Statement);
                }
                let Some(ty) = ty else {
                    self.err("type-switch", self.span(e), "use of .(type) outside type switch");
                    return (Operand::invalid(e), Kind::Statement);
                };
                if self.t().is_tparam(x.ty) {
                    let message = format!(
                        "invalid operation: cannot use type assertion on type parameter value {}",
                        self.operand_string(&x)
                    );
                    self.err("type-assertion", self.operand_span(&x), message);
                    return (Operand::invalid(e), Kind::Statement);
                }
                if !self.t().is_interface(x.ty) {
                    let message = format!("invalid operation: {} is not an interface", self.operand_string(&x));
                    self.err("type-assertion", self.operand_span(&x), message);
                    return (Operand::invalid(e), Kind::Statement);
                }
                let t = self.var_type(*ty);
                if t == TypeId::INVALID {
                    return (Operand::invalid(e), Kind::Statement);
                }
                self.type_assertion(e, &x, t, false);
                Operand::at(Mode::CommaOk, t, e)
            }
            ExprKind::Call { fun, args, spread, parens } => {
                return self.call(e, *fun, args, *spread, *parens);
            }
            ExprKind::Star(inner) => self.star(e, *inner),
            ExprKind::Unary { op, x } => {
                let x = self.unary(target, e, *op, *x, hint);
                let kind = if *op == UnaryOp::Recv && x.ok() { Kind::Statement } else { Kind::Expression };
                return (x, kind);
            }
            ExprKind::Binary { op, op_span, x, y } => self.binary(Some(e), *x, *y, *op, *op_span),
            ExprKind::Tilde(_) => {
                self.err(
                    "tilde",
                    self.span(e),
                    "cannot use ~ outside of interface or type constraint (use ^ for bitwise complement)",
                );
                Operand::invalid(e)
            }
            ExprKind::ArrayType { .. }
            | ExprKind::SliceType { .. }
            | ExprKind::MapType { .. }
            | ExprKind::ChanType { .. }
            | ExprKind::FuncType(_)
            | ExprKind::StructType { .. }
            | ExprKind::InterfaceType { .. } => {
                let ty = self.typ(e);
                if ty == TypeId::INVALID { Operand::invalid(e) } else { Operand::at(Mode::Type, ty, e) }
            }
        };
        let kind = if x.ok() { Kind::Expression } else { Kind::Statement };
        (x, kind)
    }

    fn star(&mut self, e: ExprId, inner: ExprId) -> Operand {
        let x = self.expr_or_type(inner, false);
        match x.mode {
            Mode::Invalid => Operand::invalid(e),
            Mode::Type => {
                self.not_a_constraint(inner, x.ty);
                let ty = self.types().pointer(x.ty);
                Operand::at(Mode::Type, ty, e)
            }
            Mode::Builtin => {
                let message = format!("{} must be called", self.operand_string(&x));
                self.err("not-a-value", self.span(e), message);
                Operand::invalid(e)
            }
            _ => {
                if x.is_nil() {
                    self.err("indirect", self.span(inner), "invalid operation: cannot indirect nil");
                    return Operand::invalid(e);
                }
                let mut base: Option<TypeId> = None;
                let mut fault = None;
                let ok = self.t().all(x.ty, |t| {
                    let Some((_, u)) = t else {
                        fault = Some(false);
                        return false;
                    };
                    let Type::Pointer(b) = self.t().get(u) else {
                        fault = Some(false);
                        return false;
                    };
                    if base.is_some_and(|other| other != *b) {
                        fault = Some(true);
                        return false;
                    }
                    base = Some(*b);
                    true
                });
                match (ok, base) {
                    (true, Some(b)) => Operand::at(Mode::Variable, b, e),
                    _ => {
                        let text = self.operand_string(&x);
                        let message = if fault == Some(true) {
                            format!("invalid operation: pointers of {text} must have identical base types")
                        } else {
                            format!("invalid operation: cannot indirect {text}")
                        };
                        self.err("indirect", self.span(inner), message);
                        Operand::invalid(e)
                    }
                }
            }
        }
    }

    // --- names

    pub fn ident(&mut self, e: ExprId, name: Sym, want_type: bool) -> Operand {
        if name == Sym::BLANK {
            self.err("blank", self.span(e), "cannot use _ as value or type");
            return Operand::invalid(e);
        }
        let Some(o) = self.lookup(name) else {
            self.undefined(name, self.span(e), want_type);
            return Operand::invalid(e);
        };
        self.info.uses.insert(e, o);
        if self.aux[o.0 as usize].state != State::Done {
            // the dependency first: cycles are found through it
            if !matches!(self.obj(o).kind, ObjKind::TypeName) {
                self.add_dep(o);
            }
            self.resolve(o);
        }
        let ty = self.obj(o).ty;
        match &self.obj(o).kind {
            ObjKind::Package(_) => {
                let message = format!("use of package {} not in selector", self.name(name));
                self.aux(o).used = true;
                self.err("package", self.span(e), message);
                Operand::invalid(e)
            }
            ObjKind::Const(v) => {
                let v = v.clone();
                self.add_dep(o);
                if ty == TypeId::INVALID {
                    return Operand::invalid(e);
                }
                let val = if name == self.syms.iota && self.obj(o).pkg == PkgId::NONE {
                    match self.env.iota {
                        Some(i) => Const::int(i as i64),
                        None => {
                            self.err("iota", self.span(e), "cannot use iota outside constant declaration");
                            return Operand::invalid(e);
                        }
                    }
                } else {
                    v
                };
                let mut x = Operand::at(Mode::Const, ty, e);
                x.val = Some(val);
                x
            }
            ObjKind::TypeName => {
                if ty == TypeId::INVALID {
                    return Operand::invalid(e);
                }
                if self.obj(o).pkg == PkgId::NONE {
                    self.note_spelling(name, ty);
                }
                if !want_type && self.generic_aliases.contains_key(&o) {
                    let message = format!("cannot use generic type {} without instantiation", self.name(name));
                    self.err("generic-type", self.span(e), message);
                    return Operand::invalid(e);
                }
                Operand::at(Mode::Type, ty, e)
            }
            ObjKind::Local | ObjKind::Global => {
                self.aux(o).used = true;
                self.add_dep(o);
                if ty == TypeId::INVALID {
                    return Operand::invalid(e);
                }
                Operand::at(Mode::Variable, ty, e)
            }
            ObjKind::Func(f) => {
                let tparams = f.tparams.clone();
                self.add_dep(o);
                if ty == TypeId::INVALID {
                    return Operand::invalid(e);
                }
                let mut x = Operand::at(Mode::Value, ty, e);
                x.tparams = tparams;
                x
            }
            ObjKind::Builtin(b) => {
                let b = *b;
                let mut x = Operand::at(Mode::Builtin, TypeId::INVALID, e);
                x.builtin = Some(b);
                x
            }
            ObjKind::Nil => Operand::at(Mode::Nil, TypeId::UNTYPED_NIL, e),
            ObjKind::Label => Operand::invalid(e),
        }
    }

    /// Which of the two names of uint8 and int32 this package uses.
    fn note_spelling(&mut self, name: Sym, ty: TypeId) {
        if ty == TypeId::UINT8 {
            if self.name(name) == "byte" { self.byte_name.0 = true } else { self.byte_name.1 = true }
        } else if ty == TypeId::INT32 {
            if self.name(name) == "rune" { self.rune_name.0 = true } else { self.rune_name.1 = true }
        }
    }

    pub fn undefined(&mut self, name: Sym, span: Span, _want_type: bool) {
        let text = self.name(name).to_string();
        let mut d = Diagnostic::error("undefined", span, format!("undefined: {text}"));
        match self.options.loader.and_then(|l| l.std_package_named(&text)) {
            // A script would have it, had it been used rightly.
            Some(_) if self.script_scope.is_some() => {
                d = d.help(format!("what a package offers begins with a capital: fmt.Println, {text}.Name"));
            }
            Some(path) => d = d.label("not imported").help(format!("add `import \"{path}\"`")),
            None => {
                if let Some(near) = self.nearest(&text) {
                    d = d.label("not declared").help(format!("did you mean `{near}`?"));
                }
            }
        }
        self.report(d);
    }

    /// The name in scope that is spelt most like `text`.
    fn nearest(&self, text: &str) -> Option<String> {
        let limit = match text.chars().count() {
            0..=2 => return None,
            3..=4 => 1,
            _ => 2,
        };
        let mut best: Option<(usize, String)> = None;
        let mut scope = Some(self.env.scope);
        while let Some(id) = scope {
            let s = &self.scopes[id.0 as usize];
            for &n in s.names.keys() {
                let n = self.name(n);
                let d = if n.eq_ignore_ascii_case(text) { 0 } else { strsim::osa_distance(n, text) };
                if d <= limit && best.as_ref().is_none_or(|(b, t)| (d, n) < (*b, t)) {
                    best = Some((d, n.to_string()));
                }
            }
            scope = s.parent;
        }
        best.map(|(_, n)| n)
    }

    // --- literals

    fn literal(&mut self, e: ExprId, kind: LitKind, text: Sym) -> Operand {
        let s = self.name(text);
        let (val, ty) = match kind {
            LitKind::Int | LitKind::Float | LitKind::Imag if s.len() > constant::MAX_LITERAL => {
                let message = format!("excessively long constant: {}... ({} chars)", &s[..10], s.len());
                self.err("constant", self.span(e), message);
                return Operand::invalid(e);
            }
            LitKind::Int => (constant::parse_int(s), TypeId::UNTYPED_INT),
            LitKind::Float => (constant::parse_float(s), TypeId::UNTYPED_FLOAT),
            LitKind::Imag => (constant::parse_imag(s), TypeId::UNTYPED_COMPLEX),
            LitKind::Char => (constant::parse_char(s), TypeId::UNTYPED_RUNE),
            LitKind::String => (constant::parse_string(s), TypeId::UNTYPED_STRING),
        };
        let Some(val) = val else {
            let message = match kind {
                LitKind::Float | LitKind::Imag => format!("excessively large constant: {s}"),
                _ => format!("malformed constant: {s}"),
            };
            self.err("constant", self.span(e), message);
            return Operand::invalid(e);
        };
        let mut x = Operand::at(Mode::Const, ty, e);
        x.val = Some(val);
        self.overflow(&mut x, "", self.span(e));
        x
    }

    /// Checks the value of a constant operation; `op` names it.
    pub fn overflow(&mut self, x: &mut Operand, op: &str, at: Span) {
        let Some(val) = &x.val else { return };
        if !self.t().is_untyped(x.ty) {
            if let Some(b) = self.t().as_basic(x.ty) {
                match val.represent(b) {
                    Ok(v) => x.val = Some(v),
                    Err(unfit) => self.unfit(x, x.ty, unfit),
                }
            }
            return;
        }
        if let Const::Int(i) = val
            && i.bits() > constant::MAX_INT_BITS
        {
            let op = if op.is_empty() { String::new() } else { format!("{op} ") };
            self.err("constant-overflow", at, format!("constant {op}overflow"));
            x.invalidate();
        }
    }

    /// Reports that constant `x` is no value of type `ty`.
    fn unfit(&mut self, x: &mut Operand, ty: TypeId, unfit: Unfit) {
        let text = self.operand_string(x);
        let target = self.ts(ty);
        let message = match unfit {
            Unfit::Truncated => format!("{text} truncated to {target}"),
            Unfit::Overflows => format!("{text} overflows {target}"),
            Unfit::Other => format!("cannot convert {text} to type {target}"),
        };
        self.err("constant-overflow", self.operand_span(x), message);
        x.invalidate();
    }

    // --- untyped expressions

    /// Gives an untyped expression its type `ty`; `final_`: it will not change any more.
    pub fn update_type(&mut self, e: ExprId, ty: TypeId, final_: bool) {
        let old = self.info.type_of(e);
        if !self.t().is_untyped(old) || self.info.mode(e) == Mode::Nil && self.t().is_untyped(ty) {
            return;
        }
        if !self.enter(self.span(e)) {
            return;
        }
        let constant = self.info.consts.contains_key(&e);
        match &self.ast.expr(e).kind {
            ExprKind::Paren(x) => self.update_type(*x, ty, final_),
            ExprKind::Unary { x, .. } if !constant => self.update_type(*x, ty, final_),
            ExprKind::Binary { op, x, y, .. } if !constant => match op {
                // comparisons: the result's type has nothing to do with the operands'
                BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {}
                BinaryOp::Shl | BinaryOp::Shr => self.update_type(*x, ty, final_),
                _ => {
                    self.update_type(*x, ty, final_);
                    self.update_type(*y, ty, final_);
                }
            },
            _ => {}
        }
        self.leave();
        let i = e.0 as usize;
        if !final_ && self.t().is_untyped(ty) {
            self.info.expr_types[i] = ty;
            if let Some(b) = self.t().as_basic(ty)
                && let Some(v) = self.info.consts.get(&e).and_then(|v| v.in_kind(b))
            {
                self.info.consts.insert(e, v);
            }
            return;
        }
        if self.shift_lhs.remove(&e) && !self.t().all_basic(ty, |b| b.is_integer()) {
            let message =
                format!("invalid operation: shifted operand {} (type {}) must be integer", self.es(e), self.ts(ty));
            self.err("shift", self.span(e), message);
            return;
        }
        if let Some(val) = self.info.consts.get(&e).cloned() {
            if let Some(b) = self.t().as_basic(ty) {
                match val.represent(b) {
                    Ok(v) => {
                        self.info.consts.insert(e, v);
                    }
                    Err(unfit) => {
                        let mut x = Operand::at(Mode::Const, old, e);
                        x.val = Some(val);
                        self.unfit(&mut x, ty, unfit);
                        return;
                    }
                }
            } else if !self.t().is_tparam(ty)
                && let Some(b) = self.t().as_basic(self.t().default_type(old))
                && let Some(v) = val.in_kind(b)
            {
                self.info.consts.insert(e, v);
            }
        }
        self.info.expr_types[i] = ty;
    }

    /// The type an untyped operand takes in a context of type `target`, with its value if that changes.
    pub fn implicit_type(&self, x: &Operand, target: TypeId) -> Result<(TypeId, Option<Const>), Unfit> {
        if !x.ok() || !self.t().is_untyped(x.ty) || target == TypeId::INVALID {
            return Ok((x.ty, None));
        }
        if self.t().is_untyped(target) {
            return self.max_type(x.ty, target).map(|t| (t, None)).ok_or(Unfit::Other);
        }
        if x.is_nil() {
            return if self.t().has_nil(target) { Ok((target, None)) } else { Err(Unfit::Other) };
        }
        match self.t().underlying(target) {
            Type::Basic(b) => {
                let b = *b;
                if x.mode == Mode::Const {
                    let Some(v) = &x.val else { return Ok((target, None)) };
                    return self.representation(v, x.ty, b).map(|v| (target, Some(v)));
                }
                let fits = match x.ty {
                    TypeId::UNTYPED_BOOL => b.is_boolean(),
                    TypeId::UNTYPED_STRING => b.is_string(),
                    TypeId::UNTYPED_NIL => false,
                    _ => b.is_numeric(),
                };
                if fits { Ok((target, None)) } else { Err(Unfit::Other) }
            }
            Type::TypeParam(_) => {
                let ok = self.t().all(target, |t| t.is_some_and(|(_, u)| self.implicit_type(x, u).is_ok()));
                if ok { Ok((target, None)) } else { Err(Unfit::Other) }
            }
            Type::Interface(i) => {
                if !Types::is_empty_interface(i) {
                    return Err(Unfit::Other);
                }
                Ok((self.t().default_type(x.ty), None))
            }
            _ => Err(Unfit::Other),
        }
    }

    /// The value of a constant of type `from` as basic type `b`.
    pub fn representation(&self, v: &Const, from: TypeId, b: Basic) -> Result<Const, Unfit> {
        v.represent(b).map_err(|u| {
            // an integer constant never truncates, it overflows
            if self.t().basic(from, |b| b.is_numeric()) && b.is_numeric() {
                if !self.t().basic(from, |b| b.is_integer()) && b.is_integer() {
                    Unfit::Truncated
                } else {
                    Unfit::Overflows
                }
            } else {
                let _ = u;
                Unfit::Other
            }
        })
    }

    /// The larger of two untyped types, if they are of a kind.
    pub fn max_type(&self, a: TypeId, b: TypeId) -> Option<TypeId> {
        if a == b {
            return Some(a);
        }
        let numeric = |t| self.t().is_untyped(t) && self.t().basic(t, |b| b.is_numeric());
        (numeric(a) && numeric(b)).then(|| a.max(b))
    }

    /// Converts an untyped operand to `target`, with a report if it cannot be.
    pub fn convert_untyped(&mut self, x: &mut Operand, target: TypeId) {
        match self.implicit_type(x, target) {
            Ok((ty, val)) => self.set_implicit(x, ty, val),
            Err(unfit) => self.unfit(x, target, unfit),
        }
    }

    fn set_implicit(&mut self, x: &mut Operand, ty: TypeId, val: Option<Const>) {
        if let Some(v) = val {
            if let Some(e) = x.expr
                && self.info.consts.contains_key(&e)
                && x.text.is_none()
            {
                self.info.consts.insert(e, v.clone());
            }
            x.val = Some(v);
        }
        if ty != x.ty {
            if let Some(b) = self.t().as_basic(ty)
                && let Some(v) = x.val.as_ref().and_then(|v| v.in_kind(b))
            {
                x.val = Some(v);
            }
            x.ty = ty;
            if let Some(e) = x.expr
                && x.text.is_none()
            {
                self.update_type(e, ty, false);
            }
        }
    }

    pub fn set_implicit_type(&mut self, x: &mut Operand, ty: TypeId, val: Option<Const>) {
        self.set_implicit(x, ty, val);
    }

    // --- unary operations

    fn unary(&mut self, target: Option<&Target>, e: ExprId, op: UnaryOp, operand: ExprId, hint: TypeId) -> Operand {
        let _ = target;
        if op == UnaryOp::Addr {
            return self.address_of(e, operand, hint);
        }
        let mut x = self.expr(None, operand);
        if !x.ok() {
            return Operand::invalid(e);
        }
        if op == UnaryOp::Recv {
            let elem = self.chan_elem(&x, true, self.span(e));
            self.env.has_call = true;
            return match elem {
                Some(t) => Operand::at(Mode::CommaOk, t, e),
                None => Operand::invalid(e),
            };
        }
        let defined = match op {
            UnaryOp::Plus | UnaryOp::Neg => self.t().all_basic(x.ty, |b| b.is_numeric()),
            UnaryOp::BitNot => self.t().all_basic(x.ty, |b| b.is_integer()),
            _ => self.t().all_basic(x.ty, |b| b.is_boolean()),
        };
        if !defined {
            let message =
                format!("invalid operation: operator {} not defined on {}", unary_text(op), self.operand_string(&x));
            self.err("operator", self.operand_span(&x), message);
            return Operand::invalid(e);
        }
        if x.mode == Mode::Const {
            let bits =
                self.t().as_basic(x.ty).filter(|b| b.is_unsigned()).and_then(constant::int_range).map(|(bits, _)| bits);
            let val = x.val.as_ref().and_then(|v| match op {
                UnaryOp::Plus => Some(v.clone()),
                UnaryOp::Neg => v.neg(),
                UnaryOp::BitNot => v.complement(bits),
                _ => v.as_bool().map(|b| Const::Bool(!b)),
            });
            x.val = val;
            x.expr = Some(e);
            let name = if op == UnaryOp::BitNot { "bitwise complement" } else { "" };
            self.overflow(&mut x, name, self.span(e));
            return x;
        }
        x.mode = Mode::Value;
        x.expr = Some(e);
        x
    }

    fn address_of(&mut self, e: ExprId, operand: ExprId, hint: TypeId) -> Operand {
        let inner = self.ast.unparen(operand);
        let is_lit = matches!(self.ast.expr(inner).kind, ExprKind::Composite { .. });
        // &{...} inside a composite literal of pointers
        let elem_hint = match self.t().underlying(hint) {
            Type::Pointer(t) if is_lit => *t,
            _ => TypeId::INVALID,
        };
        let (mut x, _) = self.raw_expr(None, operand, elem_hint, false);
        self.exclude(&mut x, true, true, true);
        self.single_value(&mut x);
        if !x.ok() {
            return Operand::invalid(e);
        }
        if !is_lit && x.mode != Mode::Variable {
            let message = format!("invalid operation: cannot take address of {}", self.operand_string(&x));
            self.err("address", self.operand_span(&x), message);
            return Operand::invalid(e);
        }
        let ty = self.types().pointer(x.ty);
        Operand::at(Mode::Value, ty, e)
    }

    /// The element type of the channel `x`, for a receive or a send.
    pub fn chan_elem(&mut self, x: &Operand, recv: bool, at: Span) -> Option<TypeId> {
        let mut elem = None;
        let mut cause = String::new();
        let ok = self.t().all(x.ty, |t| {
            let Some((t, u)) = t else {
                cause = "no specific channel type".into();
                return false;
            };
            let Type::Chan(dir, e) = self.t().get(u) else {
                cause = format!("non-channel {}", self.ts(t));
                return false;
            };
            if recv && *dir == Dir::Send {
                cause = format!("send-only channel {}", self.ts(t));
                return false;
            }
            if !recv && *dir == Dir::Recv {
                cause = format!("receive-only channel {}", self.ts(t));
                return false;
            }
            if elem.is_some_and(|other| other != *e) {
                cause = "channels have different element types".into();
                return false;
            }
            elem = Some(*e);
            true
        });
        if ok && elem.is_some() {
            return elem;
        }
        let text = self.operand_string(x);
        let verb = if recv { "receive from" } else { "send to" };
        let message = if self.t().is_tparam(x.ty) {
            format!("invalid operation: cannot {verb} {text}: {cause}")
        } else {
            let kind = cause.split(' ').next().unwrap_or("");
            let kind = match kind {
                "non-channel" => "non-channel".to_string(),
                k => format!("{k} channel"),
            };
            format!("invalid operation: cannot {verb} {kind} {text}")
        };
        self.err("channel", at, message);
        None
    }

    // --- binary operations

    /// `e` is `None` for `lhs op= rhs`.
    pub fn binary(&mut self, e: Option<ExprId>, lhs: ExprId, rhs: ExprId, op: BinaryOp, op_span: Span) -> Operand {
        use BinaryOp::*;
        let result = e.unwrap_or(lhs);
        // left-leaning chains are long: walk them without recursion
        let mut x = self.expr(None, lhs);
        let mut y = self.expr(None, rhs);
        if !x.ok() || !y.ok() {
            return Operand::invalid(result);
        }
        if matches!(op, Shl | Shr) {
            self.shift(&mut x, &mut y, op, op_span);
            x.expr = Some(result);
            return x;
        }
        self.match_types(&mut x, &mut y);
        if !x.ok() || !y.ok() {
            return Operand::invalid(result);
        }
        if matches!(op, Eq | Ne | Lt | Le | Gt | Ge) {
            self.comparison(&mut x, &mut y, op, false);
            x.expr = Some(result);
            return x;
        }
        if x.ty != y.ty {
            let message = self.mismatch_message(e, lhs, rhs, op, x.ty, y.ty);
            self.err("mismatched-types", self.span(lhs), message);
            return Operand::invalid(result);
        }
        let defined = match op {
            Add => self.t().all_basic(x.ty, |b| b.is_numeric() || b.is_string()),
            Sub | Mul | Div => self.t().all_basic(x.ty, |b| b.is_numeric()),
            Rem | And | Or | Xor | AndNot => self.t().all_basic(x.ty, |b| b.is_integer()),
            _ => self.t().all_basic(x.ty, |b| b.is_boolean()),
        };
        if !defined {
            let message =
                format!("invalid operation: operator {} not defined on {}", binary_text(op), self.operand_string(&x));
            self.err("operator", self.operand_span(&x), message);
            return Operand::invalid(result);
        }
        let integer = self.t().all_basic(x.ty, |b| b.is_integer());
        if matches!(op, Div | Rem)
            && (x.mode == Mode::Const || integer)
            && y.mode == Mode::Const
            && y.val.as_ref().is_some_and(Const::is_zero)
        {
            self.err("division-by-zero", self.operand_span(&y), "invalid operation: division by zero");
            return Operand::invalid(result);
        }
        if x.mode == Mode::Const && y.mode == Mode::Const {
            let (Some(a), Some(b)) = (&x.val, &y.val) else { return Operand::invalid(result) };
            let val = match op {
                LAnd | LOr => match (a.as_bool(), b.as_bool()) {
                    (Some(a), Some(b)) => Some(Const::Bool(if op == LAnd { a && b } else { a || b })),
                    _ => None,
                },
                _ => {
                    let op = match op {
                        Add => Op::Add,
                        Sub => Op::Sub,
                        Mul => Op::Mul,
                        Div => Op::Div,
                        Rem => Op::Rem,
                        And => Op::And,
                        Or => Op::Or,
                        Xor => Op::Xor,
                        _ => Op::AndNot,
                    };
                    // typed operands are already of one kind; untyped ones may not be
                    match self.t().as_basic(x.ty) {
                        Some(k) => match (a.in_kind(k), b.in_kind(k)) {
                            (Some(a), Some(b)) => a.binary(op, &b),
                            _ => a.binary(op, b),
                        },
                        None => a.binary(op, b),
                    }
                }
            };
            let Some(val) = val else {
                self.err("constant-overflow", op_span, format!("constant {} overflow", op_name(op)));
                return Operand::invalid(result);
            };
            x.val = Some(val);
            x.expr = Some(result);
            self.overflow(&mut x, op_name(op), op_span);
            return x;
        }
        x.mode = Mode::Value;
        x.val = None;
        x.expr = Some(result);
        x
    }

    fn mismatch_message(
        &self,
        e: Option<ExprId>,
        lhs: ExprId,
        rhs: ExprId,
        op: BinaryOp,
        a: TypeId,
        b: TypeId,
    ) -> String {
        let what = match e {
            Some(e) => self.es(e),
            None => format!("{} {}= {}", self.es(lhs), binary_text(op), self.es(rhs)),
        };
        format!("invalid operation: {what} (mismatched types {} and {})", self.ts(a), self.ts(b))
    }

    /// Brings an untyped operand to the type of the other where that may be.
    fn match_types(&mut self, x: &mut Operand, y: &mut Operand) {
        let may_convert = {
            let t = self.t();
            if !t.is_untyped(x.ty) && !t.is_untyped(y.ty) {
                false
            } else if t.all_basic(x.ty, |b| b.is_numeric()) != t.all_basic(y.ty, |b| b.is_numeric()) {
                false
            } else if t.is_interface(x.ty) || t.is_interface(y.ty) {
                true
            } else if t.all_basic(x.ty, |b| b.is_boolean()) != t.all_basic(y.ty, |b| b.is_boolean())
                || t.all_basic(x.ty, |b| b.is_string()) != t.all_basic(y.ty, |b| b.is_string())
            {
                false
            } else if x.is_nil() {
                t.has_nil(y.ty)
            } else if y.is_nil() {
                t.has_nil(x.ty)
            } else {
                !matches!(t.underlying(x.ty), Type::Pointer(_)) && !matches!(t.underlying(y.ty), Type::Pointer(_))
            }
        };
        if may_convert {
            self.convert_untyped(x, y.ty);
            if x.ok() {
                self.convert_untyped(y, x.ty);
            }
        }
    }

    pub fn comparison(&mut self, x: &mut Operand, y: &mut Operand, op: BinaryOp, switch_case: bool) {
        if x.ty == TypeId::INVALID || y.ty == TypeId::INVALID {
            x.invalidate();
            return;
        }
        let mut cause = String::new();
        let mut error_at_y = false;
        let op = if switch_case { BinaryOp::Eq } else { op };
        let fault = 'check: {
            if !self.assignable(x, y.ty, &mut String::new()) && !self.assignable(y, x.ty, &mut String::new()) {
                error_at_y = true;
                cause = format!("mismatched types {} and {}", self.ts(x.ty), self.ts(y.ty));
                break 'check true;
            }
            if matches!(op, BinaryOp::Eq | BinaryOp::Ne) {
                if x.is_nil() || y.is_nil() {
                    let ty = if x.is_nil() { y.ty } else { x.ty };
                    if !self.t().has_nil(ty) || (x.is_nil() && y.is_nil() && self.t().is_untyped(ty)) {
                        error_at_y = true;
                        if x.is_nil() && y.is_nil() {
                            cause = format!("operator {} not defined on nil", binary_text(op));
                        }
                        break 'check true;
                    }
                } else if !self.comparable(x.ty) {
                    cause = self.incomparable_cause(x.ty);
                    break 'check true;
                } else if !self.comparable(y.ty) {
                    error_at_y = true;
                    cause = self.incomparable_cause(y.ty);
                    break 'check true;
                }
            } else if !self.t().all_basic(x.ty, |b| b.is_ordered()) {
                break 'check true;
            } else if !self.t().all_basic(y.ty, |b| b.is_ordered()) {
                error_at_y = true;
                break 'check true;
            }
            false
        };
        if !fault {
            if x.mode == Mode::Const && y.mode == Mode::Const {
                let (Some(a), Some(b)) = (&x.val, &y.val) else {
                    x.invalidate();
                    return;
                };
                let (equal, order) = a.compare(b);
                let r = match op {
                    BinaryOp::Eq => equal,
                    BinaryOp::Ne => !equal,
                    BinaryOp::Lt => order == Some(Ordering::Less),
                    BinaryOp::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                    BinaryOp::Gt => order == Some(Ordering::Greater),
                    _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
                };
                x.val = Some(Const::Bool(r));
            } else {
                x.mode = Mode::Value;
                x.val = None;
                // the operands have got their types now; if still untyped, their default types
                for o in [&*x, &*y] {
                    if let Some(e) = o.expr
                        && o.text.is_none()
                    {
                        let ty = self.t().default_type(o.ty);
                        self.update_type(e, ty, true);
                    }
                }
            }
            x.ty = TypeId::UNTYPED_BOOL;
            return;
        }
        let at = if error_at_y { &*y } else { &*x };
        if cause.is_empty() {
            if self.t().is_tparam(x.ty) || self.t().is_tparam(y.ty) {
                let at = if self.t().is_tparam(x.ty) { at } else { &*y };
                cause = format!("type parameter {} cannot use operator {}", self.ts(at.ty), binary_text(op));
            } else {
                let kind = self.t().composite_kind(at.ty);
                let what = if kind.is_empty() { self.ts(at.ty) } else { kind.to_string() };
                cause = format!("operator {} not defined on {what}", binary_text(op));
            }
        }
        let (xs, ys) = (self.operand_expr(x), self.operand_expr(y));
        if switch_case {
            let message = format!("invalid case {xs} in switch on {ys} ({cause})");
            self.err("mismatched-types", self.operand_span(x), message);
        } else {
            let message = format!("invalid operation: {xs} {} {ys} ({cause})", binary_text(op));
            self.err("mismatched-types", self.operand_span(at), message);
        }
        x.invalidate();
    }

    pub fn comparable(&mut self, ty: TypeId) -> bool {
        if let Some(&known) = self.comparable_memo.get(&ty) {
            return known;
        }
        let c = self.t().comparable(ty, true);
        // types in progress may change
        if self.type_depth == 0 {
            self.comparable_memo.insert(ty, c);
        }
        c
    }

    fn incomparable_cause(&self, ty: TypeId) -> String {
        match self.t().underlying(ty) {
            Type::Slice(_) | Type::Func(_) | Type::Map(..) => {
                format!("{} can only be compared to nil", self.t().composite_kind(ty))
            }
            _ => match self.t().incomparable_cause(ty) {
                Some(Incomparable::Field(name)) => {
                    let field = match self.t().underlying(ty) {
                        Type::Struct(fields) => fields.iter().find(|f| f.name == name).map(|f| f.ty),
                        _ => None,
                    };
                    match field {
                        Some(f) => format!("struct containing {} cannot be compared", self.ts(f)),
                        None => String::new(),
                    }
                }
                Some(Incomparable::Element(_)) => format!("{} cannot be compared", self.ts(ty)),
                Some(Incomparable::TypeParam) => "incomparable types in type set".into(),
                Some(Incomparable::EmptyTypeSet) => "empty type set".into(),
                _ => String::new(),
            },
        }
    }

    fn shift(&mut self, x: &mut Operand, y: &mut Operand, op: BinaryOp, op_span: Span) {
        let xval = if x.mode == Mode::Const { x.val.as_ref().and_then(Const::as_int) } else { None };
        let integer = self.t().all_basic(x.ty, |b| b.is_integer());
        if !(integer || self.t().is_untyped(x.ty) && xval.is_some()) {
            let message = format!("invalid operation: shifted operand {} must be integer", self.operand_string(x));
            self.err("shift", self.operand_span(x), message);
            x.invalidate();
            return;
        }
        let mut count = None;
        if y.mode == Mode::Const {
            let yval = y.val.as_ref().and_then(Const::as_int);
            if let Some(v) = &yval
                && v.sign() == num_bigint::Sign::Minus
            {
                let message = format!("invalid operation: negative shift count {}", self.operand_string(y));
                self.err("shift", self.operand_span(y), message);
                x.invalidate();
                return;
            }
            if self.t().is_untyped(y.ty) {
                // the count itself must be a uint, but its expression takes that type only below
                let fits = y.val.as_ref().is_some_and(|v| v.represent(Basic::Uint).is_ok());
                if !fits {
                    match y.val.as_ref().map(|v| self.representation(v, y.ty, Basic::Uint)) {
                        Some(Err(unfit)) => self.unfit(y, TypeId::UINT, unfit),
                        _ => y.invalidate(),
                    }
                    x.invalidate();
                    return;
                }
                if x.mode != Mode::Const
                    && let Some(e) = y.expr
                {
                    self.update_type(e, TypeId::UINT, true);
                }
            } else if yval.is_none() {
                let message = format!("invalid operation: shift count {} must be integer", self.operand_string(y));
                self.err("shift", self.operand_span(y), message);
                x.invalidate();
                return;
            }
            count = yval;
        } else if self.t().all_basic(y.ty, |b| b.is_integer()) && !self.t().is_untyped(y.ty) {
        } else if self.t().is_untyped(y.ty) && !y.is_nil() {
            self.convert_untyped(y, TypeId::UINT);
            if !y.ok() {
                x.invalidate();
                return;
            }
        } else {
            let message = format!("invalid operation: shift count {} must be integer", self.operand_string(y));
            self.err("shift", self.operand_span(y), message);
            x.invalidate();
            return;
        }
        if x.mode == Mode::Const {
            if y.mode == Mode::Const {
                let n = count.and_then(|c| u64::try_from(c).ok()).filter(|&n| n <= constant::MAX_SHIFT);
                let (Some(n), Some(v)) = (n, xval) else {
                    let message = format!("invalid operation: invalid shift count {}", self.operand_string(y));
                    self.err("shift", self.operand_span(y), message);
                    x.invalidate();
                    return;
                };
                if !self.t().basic(x.ty, |b| b.is_integer()) {
                    x.ty = TypeId::UNTYPED_INT;
                }
                x.val = Const::Int(v).shift(op == BinaryOp::Shl, n);
                self.overflow(x, if op == BinaryOp::Shl { "shift" } else { "" }, op_span);
                return;
            }
            if self.t().is_untyped(x.ty) {
                // a non-constant shift of an untyped constant takes its type from the context
                if let Some(e) = x.expr {
                    self.shift_lhs.insert(e);
                    let inner = self.ast.unparen(e);
                    self.shift_lhs.insert(inner);
                }
                x.mode = Mode::Value;
                x.val = None;
                return;
            }
        }
        if !integer {
            let message = format!("invalid operation: shifted operand {} must be integer", self.operand_string(x));
            self.err("shift", self.operand_span(x), message);
            x.invalidate();
            return;
        }
        x.mode = Mode::Value;
        x.val = None;
    }

    // --- type assertions

    /// `x.(ty)`, in an expression or a type switch, can succeed.
    pub fn type_assertion(&mut self, e: ExprId, x: &Operand, ty: TypeId, type_switch: bool) {
        // an interface may hold a value that has more methods, and a type parameter stand for one: the assertion is left to
        // run time
        if self.t().is_interface(ty) || self.t().is_tparam(ty) {
            return;
        }
        let Some((m, missing)) = self.missing_method(ty, x.ty, true) else { return };
        let cause = self.missing_cause(ty, x.ty, &m, &missing);
        self.impossible(e, x, ty, type_switch, &cause);
    }

    fn impossible(&mut self, e: ExprId, x: &Operand, ty: TypeId, type_switch: bool, cause: &str) {
        let message = if type_switch {
            format!(
                "impossible type switch case: {}\n\t{} cannot have dynamic type {} {cause}",
                self.es(e),
                self.operand_string(x),
                self.ts(ty)
            )
        } else {
            format!(
                "impossible type assertion: {}\n\t{} does not implement {} {cause}",
                self.es(e),
                self.ts(ty),
                self.ts(x.ty)
            )
        };
        self.err("impossible-assertion", self.span(e), message);
    }
}

fn op_name(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "addition",
        BinaryOp::Sub => "subtraction",
        BinaryOp::Xor => "bitwise XOR",
        BinaryOp::Mul => "multiplication",
        BinaryOp::Shl => "shift",
        BinaryOp::Div => "division",
        _ => "",
    }
}
