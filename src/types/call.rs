//! Calls, conversions written as calls, and the instantiation of generic functions.
use super::check::*;
use super::expr::{Kind, Target};
use super::info::*;
use super::instantiate::{Subst, subst};
use super::operand::*;
use super::ty::*;
use crate::base::span::Span;
use crate::syntax::ast::*;

/// An argument: a generic function may come with some of its type arguments.
pub(super) struct Arg {
    pub x: Operand,
    pub targs: Vec<TypeId>,
}

/// The written type arguments of a call: types and places.
#[derive(Default)]
struct Given {
    types: Vec<TypeId>,
    spans: Vec<Span>,
}

impl<'a> Checker<'a> {
    pub fn call(&mut self, e: ExprId, fun: ExprId, args: &'a [ExprId], spread: bool, parens: Span) -> (Operand, Kind) {
        let ast = self.ast;
        let mut inst: Option<&'a [ExprId]> = None;
        let mut x;
        if let ExprKind::Index { x: base, indices } = &ast.expr(fun).kind {
            match self.index_expr(fun, *base, indices) {
                Some(found) => {
                    x = found;
                    if x.is_generic() {
                        inst = Some(indices);
                    }
                }
                None => x = Operand::invalid(fun),
            }
            x.expr = Some(fun);
            self.record_operand(fun, &x);
        } else {
            x = self.expr_or_type(fun, true);
        }
        match x.mode {
            Mode::Invalid => {
                self.use_exprs(args);
                return (Operand::invalid(e), Kind::Statement);
            }
            Mode::Type => {
                self.non_generic(None, &mut x);
                if !x.ok() {
                    self.use_exprs(args);
                    return (Operand::invalid(e), Kind::Conversion);
                }
                return (self.conversion_call(e, x.ty, args, spread), Kind::Conversion);
            }
            Mode::Builtin => {
                let Some(b) = x.builtin else { return (Operand::invalid(e), Kind::Statement) };
                let result = self.builtin(e, b, args, spread, parens);
                if result.ok() && result.mode != Mode::Const {
                    self.env.has_call = true;
                }
                return (result, builtin_kind(b));
            }
            _ => {}
        }
        let mut sig = match self.common_under(x.ty) {
            Ok(u) if matches!(self.t().get(u), Type::Func(_)) => u,
            other => {
                let text = self.operand_string(&x);
                let cause = match other {
                    Err(cause) => cause,
                    Ok(_) => format!("{} is not a function", self.ts(x.ty)),
                };
                let message = format!("invalid operation: cannot call {text}: {cause}");
                self.err("not-a-function", self.operand_span(&x), message);
                self.use_exprs(args);
                return (Operand::invalid(e), Kind::Statement);
            }
        };
        let mut given = Given::default();
        if let Some(indices) = inst {
            given.types = indices.iter().map(|&i| self.var_type(i)).collect();
            given.spans = indices.iter().map(|&i| self.span(i)).collect();
            let (got, want) = (given.types.len(), x.tparams.len());
            let fault = given.types.contains(&TypeId::INVALID);
            if !fault && got > want {
                let message = format!("got {got} type arguments but want {want}");
                self.err("type-arguments", self.span(indices[want]), message);
            }
            if fault || got > want {
                self.use_exprs(args);
                return (Operand::invalid(e), Kind::Statement);
            }
            if got == want {
                let Given { types, spans } = std::mem::take(&mut given);
                self.instantiate_operand(&mut x, types, fun, &spans);
                sig = x.ty;
            }
        }
        let callee = if x.is_generic() { x } else { Operand { ty: sig, ..x } };
        let args_list = self.generic_expr_list(args);
        let (result, complete) =
            self.arguments(e, fun, callee, given.types, &given.spans, args, args_list, spread, parens);
        self.env.has_call = true;
        let Type::Func(f) = self.t().get(result).clone() else { return (Operand::invalid(e), Kind::Statement) };
        if !complete && f.results.iter().any(|&r| self.t().parameterized(r)) {
            return (Operand::invalid(e), Kind::Statement);
        }
        let x = match &f.results[..] {
            [] => Operand::at(Mode::NoValue, TypeId::VOID, e),
            [one] => {
                if self.complete(*one) {
                    Operand::at(Mode::Value, *one, e)
                } else {
                    Operand::invalid(e)
                }
            }
            list => {
                let ty = self.types().results_type(list);
                Operand::at(Mode::Value, ty, e)
            }
        };
        (x, Kind::Statement)
    }

    fn conversion_call(&mut self, e: ExprId, target: TypeId, args: &[ExprId], spread: bool) -> Operand {
        match args {
            [] => {
                let message = format!("missing argument in conversion to {}", self.ts(target));
                self.err("conversion", self.span(e), message);
                Operand::invalid(e)
            }
            [arg] => {
                if !self.complete(target) {
                    self.use_exprs(args);
                    return Operand::invalid(e);
                }
                let text = "conversion".to_string();
                let fn_target = self.target(target, &text);
                let mut x = self.expr(fn_target.as_ref(), *arg);
                if !x.ok() {
                    return Operand::invalid(e);
                }
                if let Type::Interface(i) = self.t().underlying(target)
                    && !Types::is_basic_interface(i)
                {
                    let message = format!(
                        "cannot use interface {} in conversion (contains specific type constraints or is comparable)",
                        self.ts(target)
                    );
                    self.err("conversion", self.span(e), message);
                    return Operand::invalid(e);
                }
                if spread {
                    let message = format!("invalid use of ... in conversion to {}", self.ts(target));
                    self.err("variadic", self.span(*arg), message);
                    return Operand::invalid(e);
                }
                self.conversion(&mut x, target);
                if !x.ok() {
                    return Operand::invalid(e);
                }
                x.expr = Some(e);
                x.text = None;
                x
            }
            [.., last] => {
                self.use_exprs(args);
                let message = format!("too many arguments in conversion to {}", self.ts(target));
                self.err("conversion", self.span(*last), message);
                Operand::invalid(e)
            }
        }
    }

    // --- instantiation

    /// Instantiates generic function `x`; missing type arguments follow from `target`. Without `infer`, given but too
    /// few arguments are handed back.
    pub fn func_inst(
        &mut self,
        target: Option<&Target>,
        x: &mut Operand,
        e: ExprId,
        indices: Option<&[ExprId]>,
        infer: bool,
    ) -> Option<Vec<TypeId>> {
        let mut targs: Vec<TypeId> = Vec::new();
        let mut spans: Vec<Span> = Vec::new();
        if let Some(list) = indices {
            targs = list.iter().map(|&i| self.var_type(i)).collect();
            spans = list.iter().map(|&i| self.span(i)).collect();
            if targs.contains(&TypeId::INVALID) {
                x.invalidate();
                return None;
            }
        }
        let (got, want) = (targs.len(), x.tparams.len());
        if got > want {
            let message = format!("got {got} type arguments but want {want}");
            self.err("type-arguments", spans[want], message);
            x.invalidate();
            return None;
        }
        if got < want {
            if !infer {
                return Some(targs);
            }
            let (tparams, sig) = self.renamed(&x.tparams.clone(), x.ty, true);
            let mut params = Vec::new();
            let mut args = Vec::new();
            if let Some(t) = target {
                params.push(sig);
                let mut arg = Operand::at(Mode::Value, t.sig, e);
                arg.text = Some(t.text.clone());
                args.push(arg);
            }
            let mut given: Vec<Option<TypeId>> = targs.iter().map(|&t| Some(t)).collect();
            given.resize(want, None);
            match self.infer(self.span(e), &tparams, given, &params, &args, true) {
                Ok(all) => targs = all,
                Err(fault) => {
                    if let Some((at, message)) = fault {
                        let message = if target.is_none() && indices.is_none() {
                            format!("cannot use generic function {} without instantiation", self.operand_expr(x))
                        } else {
                            message
                        };
                        self.err("type-inference", at, message);
                    }
                    x.invalidate();
                    return None;
                }
            }
        }
        self.instantiate_operand(x, targs, e, &spans);
        None
    }

    /// `x` becomes the instance of itself with `targs`.
    fn instantiate_operand(&mut self, x: &mut Operand, targs: Vec<TypeId>, e: ExprId, spans: &[Span]) {
        let tparams = std::mem::take(&mut x.tparams);
        let map = Subst::new(&tparams, &targs);
        let sig = x.ty;
        x.ty = subst(self.types(), sig, &map);
        x.mode = Mode::Value;
        let ty = x.ty;
        // the innermost name carries the arguments
        let mut at = e;
        loop {
            self.info.expr_types[at.0 as usize] = ty;
            self.info.modes[at.0 as usize] = Mode::Value;
            match &self.ast.expr(at).kind {
                ExprKind::Paren(inner) => at = *inner,
                ExprKind::Index { x: inner, .. } => at = *inner,
                _ => break,
            }
        }
        self.info.instances.insert(at, targs.clone());
        let span = self.span(e);
        let spans = spans.to_vec();
        self.defer(move |c| c.verify_instance(span, &tparams, &targs, &spans));
    }

    /// Type arguments must satisfy their constraints.
    pub fn verify_instance(&mut self, span: Span, tparams: &[TypeParamId], targs: &[TypeId], spans: &[Span]) {
        let map = Subst::new(tparams, targs);
        for (i, (&p, &arg)) in tparams.iter().zip(targs).enumerate() {
            let bound = self.t().tparam(p).constraint;
            let bound = subst(self.types(), bound, &map);
            if bound == self.any_type {
                continue;
            }
            let bound = self.as_bound(bound);
            let mut cause = String::new();
            if !self.implements(arg, bound, true, &mut cause) {
                let at = spans.get(i).copied().unwrap_or(span);
                self.err("constraint", at, cause);
                return;
            }
        }
        self.note_instantiation(tparams, targs, span);
    }

    /// Fresh copies of type parameters, and their types.
    pub fn rename_tparams(&mut self, tparams: &[TypeParamId]) -> (Vec<TypeParamId>, Vec<TypeId>) {
        let mut fresh = Vec::with_capacity(tparams.len());
        let mut args = Vec::with_capacity(tparams.len());
        for &p in tparams {
            let data = self.t().tparam(p);
            let (name, obj, index, constraint) = (data.name, data.obj, data.index, data.constraint);
            let (q, ty) = self.types().new_tparam(name, obj, index, constraint);
            let canonical = self.canonical.get(&p).copied().unwrap_or(p);
            self.canonical.insert(q, canonical);
            fresh.push(q);
            args.push(ty);
        }
        let map = Subst::new(tparams, &args);
        for &q in &fresh {
            let bound = self.t().tparam(q).constraint;
            let bound = subst(self.types(), bound, &map);
            self.info.types.tparams[q.0 as usize].constraint = bound;
        }
        (fresh, args)
    }

    /// Type parameters and a type in them, renamed if they might occur in the arguments (inside the generic function
    /// itself, or when `always`).
    fn renamed(&mut self, tparams: &[TypeParamId], ty: TypeId, always: bool) -> (Vec<TypeParamId>, TypeId) {
        if !always && !tparams.iter().any(|p| self.env.outer.contains(p)) {
            return (tparams.to_vec(), ty);
        }
        let (fresh, args) = self.rename_tparams(tparams);
        let ty = subst(self.types(), ty, &Subst::new(tparams, &args));
        (fresh, ty)
    }

    // --- arguments

    /// Evaluates arguments; one call with several results gives as many. Generic functions stay generic.
    pub fn generic_expr_list(&mut self, list: &'a [ExprId]) -> Vec<Arg> {
        let ast = self.ast;
        let mut out = Vec::with_capacity(list.len());
        for &e in list {
            if let ExprKind::Index { x: base, indices } = &ast.expr(e).kind {
                let mut targs = Vec::new();
                let mut x = match self.index_expr(e, *base, indices) {
                    Some(x) => x,
                    None => Operand::invalid(e),
                };
                if x.is_generic() {
                    match self.func_inst(None, &mut x, e, Some(indices), false) {
                        Some(partial) => targs = partial,
                        None => {
                            x.expr = Some(e);
                        }
                    }
                } else if x.mode == Mode::Type {
                    let message = format!("{} is not an expression", {
                        x.expr = Some(e);
                        self.operand_string(&x)
                    });
                    self.err("not-a-value", self.span(e), message);
                    x.invalidate();
                }
                x.expr = Some(e);
                self.record_operand(e, &x);
                out.push(Arg { x, targs });
                continue;
            }
            if list.len() == 1 {
                let (values, _) = self.multi_generic(e);
                out.extend(values.into_iter().map(|x| Arg { x, targs: Vec::new() }));
                continue;
            }
            let x = self.generic_expr(e, TypeId::INVALID);
            out.push(Arg { x, targs: Vec::new() });
        }
        out
    }

    fn multi_generic(&mut self, e: ExprId) -> (Vec<Operand>, bool) {
        let (mut x, _) = self.raw_expr(None, e, TypeId::INVALID, true);
        let message = match x.mode {
            Mode::NoValue => Some(format!("{} (no value) used as value", self.es(e))),
            Mode::Builtin => Some(format!("{} must be called", self.operand_string(&x))),
            Mode::Type => Some(format!("{} is not an expression", self.operand_string(&x))),
            _ => None,
        };
        if let Some(message) = message {
            self.err("not-a-value", self.span(e), message);
            x.invalidate();
        }
        if x.ok()
            && let Type::Tuple(list) = self.t().get(x.ty).clone()
        {
            return (list.iter().map(|&t| Operand::at(Mode::Value, t, e)).collect(), false);
        }
        (vec![x], false)
    }

    /// Checks the arguments of a call; the signature after inference, and whether all is known about it.
    #[allow(clippy::too_many_arguments)]
    pub fn arguments(
        &mut self,
        e: ExprId,
        fun: ExprId,
        mut callee: Operand,
        given: Vec<TypeId>,
        spans: &[Span],
        exprs: &[ExprId],
        mut args: Vec<Arg>,
        spread: bool,
        parens: Span,
    ) -> (TypeId, bool) {
        let generic = callee.is_generic();
        let failed = (callee.ty, !generic);
        let Type::Func(f) = self.t().get(callee.ty).clone() else { return failed };
        let n = args.len();
        let mut params = f.params.clone();
        let mut expected = params.len();
        if f.variadic {
            if spread {
                if exprs.len() == 1 && n > 1 {
                    let message = format!("cannot use ... with {n}-valued {}", self.es(exprs[0]));
                    self.err("variadic", self.span(exprs[0]), message);
                    return failed;
                }
            } else if n + 1 >= params.len() {
                // each further argument is of the element type
                let last = params.pop().unwrap_or(TypeId::INVALID);
                let elem = match self.t().underlying(last) {
                    Type::Slice(t) => *t,
                    _ => TypeId::INVALID,
                };
                params.resize(n, elem);
                expected = n;
            } else {
                expected -= 1;
            }
        } else if spread {
            let at = exprs.last().map_or(self.span(e), |&a| self.span(a));
            let message = format!("cannot use ... in call to non-variadic {}", self.es(fun));
            self.err("variadic", at, message);
            return failed;
        }
        if n != expected {
            // An argument that gives no value still counts; one that is wrong by itself may count for anything.
            let void = |a: &Arg| a.x.expr.is_some_and(|e| self.info.mode(e) == Mode::NoValue);
            if args.iter().any(|a| !a.x.ok() && !void(a)) {
                return failed;
            }
            let (at, qualifier) = if n > expected {
                (self.operand_span(&args[expected].x), "too many")
            } else if n > 0 {
                (self.operand_span(&args[n - 1].x), "not enough")
            } else {
                (parens, "not enough")
            };
            let have: Vec<TypeId> = args.iter().map(|a| a.x.ty).collect();
            let message = format!(
                "{qualifier} arguments in call to {}\n\thave {}\n\twant {}",
                self.es(fun),
                self.types_summary(&have, false, spread),
                self.types_summary(&f.params, f.variadic, false)
            );
            self.err("argument-count", at, message);
            return failed;
        }
        let mut tparams = callee.tparams.clone();
        let own = tparams.len();
        let any_generic = args.iter().any(|a| a.x.is_generic());
        let mut result = callee.ty;
        if own > 0 || any_generic {
            if args.iter().any(|a| !a.x.ok()) {
                return failed;
            }
            let mut targs: Vec<Option<TypeId>> = given.iter().map(|&t| Some(t)).collect();
            targs.resize(own, None);
            if own > 0 {
                let tuple = self.types().intern(Type::Tuple(params.clone().into()));
                let (fresh, tuple) = self.renamed(&tparams, tuple, any_generic);
                if let Type::Tuple(list) = self.t().get(tuple) {
                    params = list.to_vec();
                }
                tparams = fresh;
            }
            // generic functions as arguments: their parameters are inferred together with the callee's
            let mut parts: Vec<(usize, usize)> = Vec::new();
            for (i, a) in args.iter_mut().enumerate() {
                if !a.x.is_generic() {
                    continue;
                }
                let (fresh, ty) = self.renamed(&a.x.tparams.clone(), a.x.ty, true);
                a.x.ty = ty;
                a.x.tparams = fresh.clone();
                parts.push((i, tparams.len()));
                targs.extend(a.targs.iter().map(|&t| Some(t)));
                tparams.extend(&fresh);
                targs.resize(tparams.len(), None);
            }
            let operands: Vec<Operand> = args.iter().map(|a| a.x.clone()).collect();
            let inferred = match self.infer(self.span(e), &tparams, targs, &params, &operands, false) {
                Ok(list) => list,
                Err(fault) => {
                    if let Some((at, message)) = fault {
                        let message = format!("in call to {}, {message}", self.es(fun));
                        self.err("type-inference", at, message);
                    }
                    return failed;
                }
            };
            if own > 0 {
                let mine = inferred[..own].to_vec();
                let map = Subst::new(&tparams[..own], &mine);
                for p in &mut params {
                    *p = subst(self.types(), *p, &map);
                }
                self.instantiate_operand(&mut callee, mine, fun, spans);
                result = callee.ty;
            }
            for (i, start) in parts {
                let a = &mut args[i].x;
                let end = start + a.tparams.len();
                let mine = inferred[start..end].to_vec();
                let at = a.expr.unwrap_or(fun);
                let mut x = a.clone();
                self.instantiate_operand(&mut x, mine, at, &[]);
                self.record_operand(at, &x);
                args[i].x = x;
            }
        }
        if !args.is_empty() {
            let context = format!("argument to {}", self.es(fun));
            for (a, &p) in args.iter_mut().zip(&params) {
                self.assignment(&mut a.x, Some(p), &context);
            }
        }
        (result, true)
    }
}

fn builtin_kind(b: Builtin) -> Kind {
    use Builtin::*;
    match b {
        Append | Cap | Complex | Imag | Len | Make | Max | Min | New | Real => Kind::Expression,
        _ => Kind::Statement,
    }
}
