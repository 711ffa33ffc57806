//! Inference of type arguments: from function arguments, from constraints, from untyped constants.
use super::check::*;
use super::instantiate::{Subst, subst};
use super::lookup;
use super::operand::*;
use super::ty::*;
use super::unify::{ASSIGN, EXACT, Unifier};
use crate::base::span::Span;
use rustc_hash::FxHashSet;

/// What went wrong, and where; `None` if it was reported before.
pub(super) type Fault = Option<(Span, String)>;

impl Checker<'_> {
    /// Type arguments for `tparams`: those of `given` that are known, the others inferred. `params` and `args` match
    /// in number. `reverse`: from an assignment, not a call.
    pub fn infer(
        &mut self,
        at: Span,
        tparams: &[TypeParamId],
        given: Vec<Option<TypeId>>,
        params: &[TypeId],
        args: &[Operand],
        reverse: bool,
    ) -> Result<Vec<TypeId>, Fault> {
        if let Some(all) = given.iter().copied().collect::<Option<Vec<TypeId>>>() {
            return Ok(all);
        }
        if args.iter().any(|a| !a.ok()) {
            return Err(None);
        }
        let known: Vec<TypeId> = given.iter().map(|t| t.unwrap_or(TypeId::INVALID)).collect();
        let map = Subst::new(tparams, &known);
        let params: Vec<TypeId> = params.iter().map(|&p| subst(self.types(), p, &map)).collect();
        let mut u = Unifier::new(tparams, &given);

        // 1. typed arguments
        let mut untyped = Vec::new();
        for (i, (arg, &par)) in args.iter().zip(&params).enumerate() {
            if !mentions(self.t(), par, tparams) && !mentions(self.t(), arg.ty, tparams) {
                continue;
            }
            if self.t().is_untyped(arg.ty) {
                if self.t().is_tparam(par) && !arg.is_nil() {
                    untyped.push(i);
                }
                continue;
            }
            self.ensure_methods(arg.ty);
            if !u.unify(&mut self.info, par, arg.ty, ASSIGN) {
                return Err(Some(self.mismatch(&u, tparams, par, arg, reverse)));
            }
        }

        // 2. constraints, as long as that helps
        loop {
            let before = u.unknowns();
            for &p in tparams {
                let known = u.at(p);
                if let Some((term, single)) = self.core_term(p) {
                    match known {
                        Some(t) if !u.unify(&mut self.info, t, term.ty, 0) => {
                            let message = format!(
                                "{} (type {}) does not satisfy {}",
                                self.name(self.t().tparam(p).name),
                                self.ts(t),
                                self.ts(self.t().tparam(p).constraint)
                            );
                            return Err(Some((at, message)));
                        }
                        None if single && !term.tilde => u.set(p, term.ty),
                        _ => {}
                    }
                }
                if let Some(t) = known
                    && !mentions(self.t(), t, tparams)
                {
                    let bound = self.t().tparam(p).constraint;
                    let has_methods = self.t().interface_of(bound).is_some_and(|i| !i.methods.is_empty());
                    if has_methods {
                        self.ensure_methods(t);
                        let names = &*self.names;
                        let found = lookup::missing_method(&mut self.info, names, t, bound, true, &mut |info, a, b| {
                            u.unify(info, a, b, EXACT)
                        });
                        if let Some((m, missing)) = found {
                            let cause = self.missing_cause(t, bound, &m, &missing);
                            let message = format!(
                                "{} (type {}) does not satisfy {} {cause}",
                                self.name(self.t().tparam(p).name),
                                self.ts(t),
                                self.ts(bound)
                            );
                            return Err(Some((at, message)));
                        }
                    }
                }
            }
            if u.unknowns() == before {
                break;
            }
        }

        // 3. untyped constants: the largest of their default types
        let mut largest: Vec<(TypeParamId, TypeId)> = Vec::new();
        for i in untyped {
            let Some(p) = self.t().as_tparam(params[i]) else { continue };
            if !tparams.contains(&p) || u.at(p).is_some() {
                continue;
            }
            let ty = args[i].ty;
            match largest.iter_mut().find(|(q, _)| *q == p) {
                None => largest.push((p, ty)),
                Some((_, max)) => match self.max_type(*max, ty) {
                    Some(m) => *max = m,
                    None => {
                        let message = format!(
                            "mismatched types {} and {} (cannot infer {})",
                            self.ts(*max),
                            self.ts(ty),
                            self.name(self.t().tparam(p).name)
                        );
                        return Err(Some((self.operand_span(&args[i]), message)));
                    }
                },
            }
        }
        for (p, ty) in largest {
            let ty = self.t().default_type(ty);
            u.set(p, ty);
        }

        // 4. arguments may mention each other
        let mut inferred: Vec<Option<TypeId>> = tparams.iter().map(|&p| u.at(p)).collect();
        self.kill_cycles(tparams, &mut inferred);
        for _ in 0..=tparams.len() {
            let known: Vec<TypeId> = inferred.iter().map(|t| t.unwrap_or(TypeId::INVALID)).collect();
            let map = Subst::new(tparams, &known);
            let mut changed = false;
            for t in inferred.iter_mut().flatten() {
                let new = subst(&mut self.info.types, *t, &map);
                changed |= new != *t;
                *t = new;
            }
            if !changed {
                break;
            }
        }
        let mut out = Vec::with_capacity(tparams.len());
        for (&p, t) in tparams.iter().zip(&inferred) {
            match t {
                Some(t) if !mentions(self.t(), *t, tparams) => out.push(*t),
                _ => {
                    let data = self.t().tparam(p);
                    let declared = self.obj(data.obj).span;
                    let message =
                        format!("cannot infer {} (declared at {})", self.name(data.name), self.place(declared));
                    return Err(Some((at, message)));
                }
            }
        }
        Ok(out)
    }

    fn mismatch(
        &mut self,
        u: &Unifier,
        tparams: &[TypeParamId],
        par: TypeId,
        arg: &Operand,
        reverse: bool,
    ) -> (Span, String) {
        let at = self.operand_span(arg);
        let text = self.operand_expr(arg);
        let have = self.ts(arg.ty);
        let known: Vec<TypeId> = tparams.iter().map(|&p| u.at(p).unwrap_or(TypeId::INVALID)).collect();
        if known.iter().all(|&t| t == TypeId::INVALID) {
            let names: Vec<&str> = tparams.iter().map(|&p| self.name(self.t().tparam(p).name)).collect();
            let list = match &names[..] {
                [one] => one.to_string(),
                [a, b] => format!("{a} and {b}"),
                [init @ .., last] => format!("{}, and {last}", init.join(", ")),
                [] => String::new(),
            };
            return (at, format!("type {have} of {text} does not match {} (cannot infer {list})", self.ts(par)));
        }
        let inferred = subst(self.types(), par, &Subst::new(tparams, &known));
        let message = if inferred == par {
            format!("type {have} of {text} does not match {}", self.ts(par))
        } else if reverse {
            format!("inferred type {} for {} does not match type {have} of {text}", self.ts(inferred), self.ts(par))
        } else {
            format!("type {have} of {text} does not match inferred type {} for {}", self.ts(inferred), self.ts(par))
        };
        (at, message)
    }

    /// The one term of a constraint, or the underlying type all its terms share; `true` for the one.
    fn core_term(&self, p: TypeParamId) -> Option<(Term, bool)> {
        let terms = self.t().constraint(p)?.terms.as_ref()?;
        if let [one] = terms[..] {
            return Some((one, true));
        }
        let tilde = terms.iter().any(|t| t.tilde);
        let ty = self.common_under_terms(terms)?;
        Some((Term { tilde, ty }, false))
    }

    /// Arguments that contain themselves through one another are not inferred.
    fn kill_cycles(&self, tparams: &[TypeParamId], inferred: &mut [Option<TypeId>]) {
        let edges: Vec<Vec<usize>> = inferred
            .iter()
            .map(|t| match t {
                Some(t) => (0..tparams.len()).filter(|&j| mentions(self.t(), *t, &tparams[j..=j])).collect(),
                None => Vec::new(),
            })
            .collect();
        for i in 0..tparams.len() {
            let mut seen = vec![false; tparams.len()];
            let mut work = edges[i].clone();
            while let Some(j) = work.pop() {
                if j == i {
                    inferred[i] = None;
                    break;
                }
                if !std::mem::replace(&mut seen[j], true) {
                    work.extend(&edges[j]);
                }
            }
        }
    }
}

/// One of `tparams` occurs in `ty`.
pub(super) fn mentions(types: &Types, ty: TypeId, tparams: &[TypeParamId]) -> bool {
    fn walk(types: &Types, ty: TypeId, tparams: &[TypeParamId], seen: &mut FxHashSet<TypeId>) -> bool {
        if !types.parameterized(ty) || !seen.insert(ty) {
            return false;
        }
        let mut sub = |t: TypeId| walk(types, t, tparams, seen);
        match types.get(ty) {
            Type::Invalid | Type::Basic(_) => false,
            Type::TypeParam(p) => tparams.contains(p),
            Type::Pointer(t) | Type::Slice(t) | Type::Array(t, _) | Type::Chan(_, t) => sub(*t),
            Type::Map(k, v) => sub(*k) || sub(*v),
            Type::Struct(fields) => fields.iter().any(|f| sub(f.ty)),
            Type::Tuple(list) => list.iter().any(|&t| sub(t)),
            Type::Func(f) => f.params.iter().chain(&f.results).any(|&t| sub(t)),
            Type::Interface(i) => i.methods.iter().any(|m| sub(m.sig)) || i.terms.iter().flatten().any(|t| sub(t.ty)),
            Type::Named(n) => {
                let data = types.named(*n);
                data.args.iter().any(|&t| sub(t))
                    || data.origin.is_none() && data.outer.iter().any(|p| tparams.contains(p))
            }
        }
    }
    if !types.parameterized(ty) {
        return false;
    }
    walk(types, ty, tparams, &mut FxHashSet::default())
}
