//! Unification of types: finding what type parameters must stand for so that two types become identical (or, where
//! allowed, assignable).
use super::info::Info;
use super::instantiate::method_signature;
use super::lookup::{Entry, lookup_field_or_method};
use super::ty::*;

/// The rules of assignment apply at the top of the types.
pub(super) const ASSIGN: u8 = 1;
/// Types must become identical: no underlying types, no channel directions dropped.
pub(super) const EXACT: u8 = 2;

/// Beyond this nesting types do not match: only endless ones get there.
const MAX_DEPTH: u32 = 100;

pub(super) struct Unifier {
    /// Parameters and the slot each shares with those it was joined with.
    params: Vec<(TypeParamId, usize)>,
    slots: Vec<Option<TypeId>>,
    depth: u32,
}

impl Unifier {
    pub fn new(tparams: &[TypeParamId], given: &[Option<TypeId>]) -> Unifier {
        Unifier {
            params: tparams.iter().copied().enumerate().map(|(i, p)| (p, i)).collect(),
            slots: given.to_vec(),
            depth: 0,
        }
    }

    fn slot(&self, p: TypeParamId) -> Option<usize> {
        self.params.iter().find(|(q, _)| *q == p).map(|(_, s)| *s)
    }

    pub fn at(&self, p: TypeParamId) -> Option<TypeId> {
        self.slot(p).and_then(|s| self.slots[s])
    }

    pub fn set(&mut self, p: TypeParamId, ty: TypeId) {
        if let Some(s) = self.slot(p) {
            self.slots[s] = Some(ty);
        }
    }

    pub fn unknowns(&self) -> usize {
        self.params.iter().filter(|(_, s)| self.slots[*s].is_none()).count()
    }

    fn bound(&self, info: &Info, ty: TypeId) -> Option<TypeParamId> {
        info.types.as_tparam(ty).filter(|&p| self.slot(p).is_some())
    }

    /// `false` if both have (different) types already.
    fn join(&mut self, x: TypeParamId, y: TypeParamId) -> bool {
        let (Some(a), Some(b)) = (self.slot(x), self.slot(y)) else { return false };
        if a == b {
            return true;
        }
        let (from, to) = match (self.slots[a], self.slots[b]) {
            (Some(_), Some(_)) => return false,
            (Some(_), None) => (b, a),
            _ => (a, b),
        };
        for (_, s) in &mut self.params {
            if *s == from {
                *s = to;
            }
        }
        true
    }

    pub fn unify(&mut self, info: &mut Info, x: TypeId, y: TypeId, mode: u8) -> bool {
        if x == y {
            return true;
        }
        if self.depth >= MAX_DEPTH {
            return false;
        }
        self.depth += 1;
        let result = self.step(info, x, y, mode);
        self.depth -= 1;
        result
    }

    fn step(&mut self, info: &mut Info, mut x: TypeId, mut y: TypeId, mode: u8) -> bool {
        // a declared type, or a parameter to be inferred, goes to y or x respectively
        if info.types.as_named(x).is_some() || self.bound(info, y).is_some() {
            std::mem::swap(&mut x, &mut y);
        }
        let exact = mode & EXACT != 0;
        if !exact
            && info.types.as_named(y).is_some()
            && info.types.as_named(x).is_none()
            && !info.types.is_tparam(x)
            && !info.types.is_interface(x)
        {
            // a type literal matches a declared type's underlying type
            y = info.types.underlying_id(y);
            if x == y {
                return true;
            }
        }
        match (self.bound(info, x), self.bound(info, y)) {
            (Some(p), Some(q)) => {
                if self.join(p, q) {
                    return true;
                }
                let (Some(a), Some(b)) = (self.at(p), self.at(q)) else { return false };
                return self.unify(info, a, b, mode);
            }
            (Some(p), None) => {
                let Some(known) = self.at(p) else {
                    self.set(p, y);
                    return true;
                };
                return self.known(info, p, known, y, mode);
            }
            _ => {}
        }
        if !exact {
            let (xi, yi) = (info.types.is_interface(x), info.types.is_interface(y));
            if xi && yi {
                return self.interfaces(info, x, y);
            }
            if xi || yi {
                let (iface, other) = if xi { (x, y) } else { (y, x) };
                if !info.types.is_tparam(other) || info.types.interface_of(other).is_some() {
                    return self.implements(info, iface, other);
                }
            }
        }
        if info.types.is_tparam(y) {
            std::mem::swap(&mut x, &mut y);
        }
        // inside a type literal, assignment rules no longer apply
        let inner = if mode & ASSIGN != 0 { mode | EXACT } else { mode };
        match (info.types.get(x).clone(), info.types.get(y).clone()) {
            (Type::Array(a, n), Type::Array(b, m)) => n == m && self.unify(info, a, b, inner),
            (Type::Slice(a), Type::Slice(b)) | (Type::Pointer(a), Type::Pointer(b)) => self.unify(info, a, b, inner),
            (Type::Map(a, b), Type::Map(c, d)) => self.unify(info, a, c, inner) && self.unify(info, b, d, inner),
            (Type::Chan(d, a), Type::Chan(e, b)) => (!exact || d == e) && self.unify(info, a, b, inner),
            (Type::Struct(a), Type::Struct(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b.iter()).all(|(f, g)| {
                        f.name == g.name
                            && f.pkg == g.pkg
                            && f.embedded == g.embedded
                            && f.tag == g.tag
                            && self.unify(info, f.ty, g.ty, inner)
                    })
            }
            (Type::Tuple(a), Type::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(&s, &t)| self.unify(info, s, t, mode))
            }
            (Type::Func(a), Type::Func(b)) => {
                a.variadic == b.variadic
                    && a.params.len() == b.params.len()
                    && a.results.len() == b.results.len()
                    && a.params.iter().zip(&b.params).all(|(&s, &t)| self.unify(info, s, t, inner))
                    && a.results.iter().zip(&b.results).all(|(&s, &t)| self.unify(info, s, t, inner))
            }
            (Type::Interface(a), Type::Interface(b)) => {
                a.comparable == b.comparable
                    && a.terms == b.terms
                    && a.methods.len() == b.methods.len()
                    && a.methods
                        .iter()
                        .zip(&b.methods)
                        .all(|(m, n)| m.name == n.name && m.pkg == n.pkg && self.unify(info, m.sig, n.sig, EXACT))
            }
            (Type::Named(a), Type::Named(b)) => {
                let (a, b) = (info.types.named(a), info.types.named(b));
                if a.origin.is_none() || a.origin != b.origin {
                    return false;
                }
                let (a, b) = (a.args.clone(), b.args.clone());
                a.len() == b.len() && a.iter().zip(&b).all(|(&s, &t)| self.unify(info, s, t, mode))
            }
            (Type::TypeParam(p), _) => {
                // a parameter of the function around: what all its types share
                let terms = info.types.constraint(p).and_then(|i| i.terms.clone());
                let Some(terms) = terms else { return false };
                let mut unders = terms.iter().map(|t| info.types.underlying_id(t.ty));
                let Some(first) = unders.next() else { return false };
                if !unders.all(|u| u == first) {
                    return false;
                }
                self.unify(info, first, y, ASSIGN)
            }
            _ => false,
        }
    }

    /// `p` is known to stand for `x`; it must also do for `y`.
    fn known(&mut self, info: &mut Info, p: TypeParamId, x: TypeId, y: TypeId, mode: u8) -> bool {
        if !self.unify(info, x, y, mode) {
            return false;
        }
        let iface = |info: &Info, t: TypeId| match info.types.underlying(t) {
            Type::Interface(i) => Some(i.methods.len()),
            _ => None,
        };
        let (xn, yn) = (info.types.as_named(x).is_some(), info.types.as_named(y).is_some());
        match (iface(info, x), iface(info, y)) {
            (Some(a), Some(b)) => {
                if xn && yn {
                    return x == y;
                }
                if a != b {
                    return false;
                }
            }
            (None, None) => {}
            // a type and an interface it implements are not the same type argument
            _ => return false,
        }
        if mode & EXACT == 0 && !xn {
            // prefer declared types, and channels with a direction
            let directed = matches!(info.types.underlying(y), Type::Chan(d, _) if *d != Dir::Both);
            if yn || directed {
                self.set(p, y);
            }
        }
        true
    }

    fn interfaces(&mut self, info: &mut Info, x: TypeId, y: TypeId) -> bool {
        let (Some(a), Some(b)) = (info.types.interface_of(x).cloned(), info.types.interface_of(y).cloned()) else {
            return false;
        };
        if a.comparable != b.comparable || a.terms != b.terms {
            return false;
        }
        let (few, many) = if a.methods.len() <= b.methods.len() { (&a, &b) } else { (&b, &a) };
        few.methods.iter().all(|m| {
            many.methods
                .iter()
                .find(|n| n.name == m.name && n.pkg == m.pkg)
                .is_some_and(|n| self.unify(info, m.sig, n.sig, EXACT))
        })
    }

    /// `ty` has the methods of `iface`, unified.
    fn implements(&mut self, info: &mut Info, iface: TypeId, ty: TypeId) -> bool {
        let Some(i) = info.types.interface_of(iface).cloned() else { return false };
        for m in &i.methods {
            let Some(found) = lookup_field_or_method(info, ty, false, m.name, m.pkg, None).found() else {
                return false;
            };
            let sig = match found.entry {
                Entry::Method { obj, recv, .. } => method_signature(info, recv, obj),
                Entry::Interface { sig, .. } => sig,
                Entry::Field { .. } => return false,
            };
            if !self.unify(info, m.sig, sig, EXACT) {
                return false;
            }
        }
        true
    }
}
