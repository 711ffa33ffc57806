//! What is only known once all declarations are: types of endless size, and endless instantiation.
use super::check::*;
use super::info::*;
use super::ty::*;
use crate::base::diag::Diagnostic;
use crate::base::span::Span;
use rustc_hash::{FxHashMap, FxHashSet};

/// Type parameters given arguments that contain type parameters.
pub(super) struct Instantiation {
    params: Vec<TypeParamId>,
    args: Vec<TypeId>,
    span: Span,
}

impl Checker<'_> {
    // --- types that contain themselves

    /// Every declared type must have a finite size.
    pub fn check_declared_types(&mut self) {
        let mut done: FxHashSet<NamedId> = FxHashSet::default();
        for n in self.declared.clone() {
            let mut path: Vec<NamedId> = Vec::new();
            self.finite(n, &mut path, &mut done);
        }
    }

    /// Walks the types `n` holds by value. `false`: a cycle was reported.
    fn finite(&mut self, n: NamedId, path: &mut Vec<NamedId>, done: &mut FxHashSet<NamedId>) -> bool {
        if done.contains(&n) {
            return true;
        }
        let origin = |c: &Self, n: NamedId| c.t().named(n).origin.unwrap_or(n);
        // an endless chain of instances of one generic type is a cycle too
        let same = path.iter().filter(|&&p| origin(self, p) == origin(self, n)).count();
        if path.contains(&n) || same > 20 {
            let again = path.iter().position(|&p| p == n);
            let start = again.or_else(|| path.iter().position(|&p| origin(self, p) == origin(self, n))).unwrap_or(0);
            let mut cycle: Vec<ObjId> = Vec::new();
            // instances only lead from one declared type to the other, unless there is nothing else
            let declared = path[start..].iter().any(|&p| self.t().named(p).origin.is_none());
            for &p in &path[start..] {
                if declared && self.t().named(p).origin.is_some() {
                    continue;
                }
                let o = self.t().named(p).obj;
                if !cycle.contains(&o) {
                    cycle.push(o);
                }
            }
            // As in Go, an instance stands where it is mentioned.
            match self.instance_spans.get(&path[start]).filter(|_| cycle.len() == 1 && !declared) {
                Some(&span) => {
                    let text = {
                        let ty = self.types().intern(Type::Named(path[start]));
                        self.ts(ty)
                    };
                    self.err("cycle", span, format!("invalid recursive type: {text} refers to itself"));
                }
                None => self.cycle_error(&cycle),
            }
            for &p in path.iter() {
                done.insert(p);
            }
            return false;
        }
        path.push(n);
        // the parts held by value, through arrays and structs
        let mut seen: FxHashSet<TypeId> = FxHashSet::default();
        // without an underlying type, a cycle has been reported
        let underlying = self.t().named(n).underlying;
        let mut work = match self.right_sides.get(&n) {
            Some(&m) if underlying != TypeId::INVALID => vec![self.types().intern(Type::Named(m))],
            _ => vec![underlying],
        };
        let mut ok = true;
        while let Some(t) = work.pop() {
            if !seen.insert(t) {
                continue;
            }
            match self.t().get(t) {
                Type::Array(e, _) => work.push(*e),
                Type::Interface(i) => work.extend(i.terms.iter().flatten().rev().map(|t| t.ty)),
                Type::Struct(fields) => work.extend(fields.iter().rev().map(|f| f.ty)),
                Type::Named(m) => {
                    let m = *m;
                    if !self.enter(Span::NONE) {
                        ok = false;
                        break;
                    }
                    ok = self.finite(m, path, done);
                    self.leave();
                    if !ok {
                        break;
                    }
                }
                _ => {}
            }
        }
        path.pop();
        done.insert(n);
        ok
    }

    // --- endless instantiation

    pub fn note_instantiation(&mut self, params: &[TypeParamId], args: &[TypeId], span: Span) {
        if args.iter().any(|&t| self.t().parameterized(t)) {
            self.instantiations.push(Instantiation { params: params.to_vec(), args: args.to_vec(), span });
        }
    }

    /// A parameter that is instantiated, over any number of steps, with a type that contains itself needs endlessly
    /// many instances.
    pub fn check_instantiations(&mut self) {
        if self.diags.has_errors() {
            return;
        }
        struct Edge {
            to: TypeParamId,
            grows: bool,
            span: Span,
        }
        let canonical = |c: &Self, p: TypeParamId| {
            let mut p = p;
            while let Some(&q) = c.canonical.get(&p) {
                if q == p {
                    break;
                }
                p = q;
            }
            p
        };
        let mut edges: FxHashMap<TypeParamId, Vec<Edge>> = FxHashMap::default();
        for i in std::mem::take(&mut self.instantiations) {
            for (&p, &arg) in i.params.iter().zip(&i.args) {
                let to = canonical(self, p);
                for (q, nested) in type_params_in(self.t(), arg) {
                    let from = canonical(self, q);
                    edges.entry(from).or_default().push(Edge { to, grows: nested, span: i.span });
                }
            }
        }
        // an edge that grows and lies on a cycle
        let mut starts: Vec<TypeParamId> = edges.keys().copied().collect();
        starts.sort();
        let mut reported = false;
        for from in starts {
            for e in &edges[&from] {
                if !e.grows || reported {
                    continue;
                }
                let mut seen: FxHashSet<TypeParamId> = FxHashSet::default();
                let mut work = vec![e.to];
                while let Some(p) = work.pop() {
                    if p == from {
                        let span = e.span;
                        let name = self.name(self.t().tparam(from).name).to_string();
                        let declared = self.obj(self.t().tparam(from).obj).span;
                        self.report(
                            Diagnostic::error("instantiation-cycle", declared, "instantiation cycle")
                                .related(span, format!("{name} is instantiated here with a type that contains it")),
                        );
                        reported = true;
                        break;
                    }
                    if seen.insert(p) {
                        work.extend(edges.get(&p).into_iter().flatten().map(|e| e.to));
                    }
                }
            }
        }
        if self.t().overflowed && !reported {
            let span = self.declared.first().map_or(Span::NONE, |&n| self.obj(self.t().named(n).obj).span);
            self.err("instantiation-cycle", span, "too many instances of generic types");
        }
    }
}

/// The type parameters in `ty`, and whether each lies inside another type.
fn type_params_in(types: &Types, ty: TypeId) -> Vec<(TypeParamId, bool)> {
    let mut out = Vec::new();
    let mut seen: FxHashSet<TypeId> = FxHashSet::default();
    let mut work = vec![(ty, false)];
    while let Some((t, nested)) = work.pop() {
        if !types.parameterized(t) || !seen.insert(t) {
            continue;
        }
        match types.get(t) {
            Type::TypeParam(p) => out.push((*p, nested)),
            Type::Pointer(e) | Type::Slice(e) | Type::Array(e, _) | Type::Chan(_, e) => work.push((*e, true)),
            Type::Map(k, v) => work.extend([(*k, true), (*v, true)]),
            Type::Struct(fields) => work.extend(fields.iter().map(|f| (f.ty, true))),
            Type::Tuple(list) => work.extend(list.iter().map(|&t| (t, true))),
            Type::Func(f) => work.extend(f.params.iter().chain(&f.results).map(|&t| (t, true))),
            Type::Interface(i) => {
                work.extend(i.methods.iter().map(|m| (m.sig, true)));
                work.extend(i.terms.iter().flatten().map(|t| (t.ty, true)));
            }
            Type::Named(n) => {
                let data = types.named(*n);
                work.extend(data.args.iter().map(|&t| (t, true)));
                if data.origin.is_none() {
                    out.extend(data.outer.iter().map(|&p| (p, true)));
                }
            }
            Type::Invalid | Type::Basic(_) => {}
        }
    }
    out
}
