//! Substitution of type parameters, instances of generic types, and signatures of their methods.
//!
//! An instance is interned by its generic type and arguments; its underlying type is computed at once through a work
//! queue (so expansion does not recurse), or, where the generic type is still being declared, as soon as it is
//! resolved. Expansion is bounded: a program that needs more is refused by the checker (`Types::overflowed`).
use super::info::{Info, ObjId, ObjKind};
use super::ty::*;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Nesting of type arguments beyond which instances are not expanded: only endless instantiation gets there.
const MAX_ARG_DEPTH: u32 = 200;
/// Instances of generic types in one program.
const MAX_INSTANCES: usize = 200_000;

/// What each type parameter stands for. Lists are short.
#[derive(Clone, Default, Debug)]
pub struct Subst {
    pub pairs: Vec<(TypeParamId, TypeId)>,
}

impl Subst {
    pub fn new(params: &[TypeParamId], args: &[TypeId]) -> Subst {
        Subst {
            pairs: params.iter().copied().zip(args.iter().copied()).filter(|(_, t)| *t != TypeId::INVALID).collect(),
        }
    }

    pub fn get(&self, p: TypeParamId) -> Option<TypeId> {
        self.pairs.iter().find(|(q, _)| *q == p).map(|(_, t)| *t)
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

/// `ty` with the type parameters of `map` replaced.
pub fn subst(types: &mut Types, ty: TypeId, map: &Subst) -> TypeId {
    if map.is_empty() || !types.parameterized(ty) {
        return ty;
    }
    let result = Substituter { map, memo: FxHashMap::default() }.ty(types, ty);
    types.expand();
    result
}

struct Substituter<'a> {
    map: &'a Subst,
    memo: FxHashMap<TypeId, TypeId>,
}

impl Substituter<'_> {
    fn ty(&mut self, types: &mut Types, ty: TypeId) -> TypeId {
        if !types.parameterized(ty) {
            return ty;
        }
        if let Type::TypeParam(p) = types.get(ty) {
            return self.map.get(*p).unwrap_or(ty);
        }
        if let Some(&done) = self.memo.get(&ty) {
            return done;
        }
        let result = match types.get(ty).clone() {
            Type::Invalid | Type::Basic(_) | Type::TypeParam(_) => ty,
            Type::Pointer(t) => {
                let t = self.ty(types, t);
                types.intern(Type::Pointer(t))
            }
            Type::Slice(t) => {
                let t = self.ty(types, t);
                types.intern(Type::Slice(t))
            }
            Type::Array(t, n) => {
                let t = self.ty(types, t);
                types.intern(Type::Array(t, n))
            }
            Type::Chan(dir, t) => {
                let t = self.ty(types, t);
                types.intern(Type::Chan(dir, t))
            }
            Type::Map(k, v) => {
                let (k, v) = (self.ty(types, k), self.ty(types, v));
                types.intern(Type::Map(k, v))
            }
            Type::Struct(fields) => {
                let fields: Vec<Field> =
                    fields.iter().map(|f| Field { ty: self.ty(types, f.ty), ..f.clone() }).collect();
                types.intern(Type::Struct(fields.into()))
            }
            Type::Tuple(list) => {
                let list: Vec<TypeId> = list.iter().map(|&t| self.ty(types, t)).collect();
                types.intern(Type::Tuple(list.into()))
            }
            Type::Func(f) => {
                let params = f.params.iter().map(|&t| self.ty(types, t)).collect();
                let results = f.results.iter().map(|&t| self.ty(types, t)).collect();
                types.intern(Type::Func(Arc::new(FuncType { params, results, variadic: f.variadic })))
            }
            Type::Interface(i) => {
                let methods = i.methods.iter().map(|m| IfaceMethod { sig: self.ty(types, m.sig), ..m.clone() });
                let methods = methods.collect();
                let terms =
                    i.terms.as_ref().map(|ts| ts.iter().map(|t| Term { ty: self.ty(types, t.ty), ..*t }).collect());
                types.intern(Type::Interface(Arc::new(InterfaceType { methods, terms, comparable: i.comparable })))
            }
            Type::Named(n) => {
                let data = types.named(n);
                let (origin, args) = match data.origin {
                    Some(origin) => (origin, data.args.clone()),
                    None if !data.tparams.is_empty() => return ty,
                    None => {
                        let outer = data.outer.clone();
                        (n, outer.into_iter().map(|p| types.tparam_type(p)).collect())
                    }
                };
                let new: Vec<TypeId> = args.iter().map(|&t| self.ty(types, t)).collect();
                if new == args { ty } else { types.instance_unexpanded(origin, new) }
            }
        };
        self.memo.insert(ty, result);
        result
    }
}

impl Types {
    /// The parameters that an instance's `args` stand for: those of the function that it is declared in, then its own.
    fn instance_params(&self, origin: NamedId) -> Vec<TypeParamId> {
        let data = self.named(origin);
        [&data.outer[..], &data.tparams[..]].concat()
    }

    /// The instance of a generic type, where its name is in scope. The number of arguments must be right.
    pub fn instantiate(&mut self, origin: NamedId, args: Vec<TypeId>) -> TypeId {
        let outer = self.named(origin).outer.clone();
        let mut all: Vec<TypeId> = outer.into_iter().map(|p| self.tparam_type(p)).collect();
        all.extend(args);
        let id = self.instance_unexpanded(origin, all);
        self.expand();
        id
    }

    fn instance_unexpanded(&mut self, origin: NamedId, args: Vec<TypeId>) -> TypeId {
        if self.named(origin).tparams.is_empty() {
            // a local type of a generic function under its own parameters is that type itself
            let own = self.named(origin).outer.clone();
            let own: Vec<TypeId> = own.into_iter().map(|p| self.tparam_type(p)).collect();
            if own == args {
                return self.intern(Type::Named(origin));
            }
        }
        let key = (origin, args);
        if let Some(&n) = self.instances.get(&key) {
            return self.intern(Type::Named(n));
        }
        let data = self.named(origin);
        let new = NamedData {
            obj: data.obj,
            name: data.name,
            pkg: data.pkg,
            tparams: Vec::new(),
            origin: Some(origin),
            args: key.1.clone(),
            underlying: TypeId::INVALID,
            methods: data.methods.clone(),
            local: data.local,
            outer: Vec::new(),
        };
        let (n, id) = self.new_named(new);
        self.instances.insert(key, n);
        if self.depth(id) > MAX_ARG_DEPTH || self.instances.len() > MAX_INSTANCES {
            self.overflowed = true;
        } else {
            self.queue.push(n);
        }
        id
    }

    /// Gives every queued instance its underlying type, as far as the generic types are resolved.
    pub fn expand(&mut self) {
        if self.expanding {
            return;
        }
        self.expanding = true;
        while let Some(n) = self.queue.pop() {
            let Some(origin) = self.named(n).origin else { continue };
            let generic = self.named(origin).underlying;
            if generic == TypeId::INVALID {
                self.waiting.push(n);
                continue;
            }
            let map = Subst::new(&self.instance_params(origin), &self.named(n).args);
            let underlying = Substituter { map: &map, memo: FxHashMap::default() }.ty(self, generic);
            self.named[n.0 as usize].underlying = underlying;
        }
        self.expanding = false;
    }

    /// Resolves a declared type, and the instances that waited for it.
    pub fn set_underlying(&mut self, n: NamedId, underlying: TypeId) {
        self.named[n.0 as usize].underlying = underlying;
        if underlying == TypeId::INVALID || self.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.waiting);
        for w in waiting {
            if self.named(w).origin == Some(n) { self.queue.push(w) } else { self.waiting.push(w) }
        }
        self.expand();
    }

    /// `ty` without the tags of its structs: two types are convertible when these are the same.
    pub fn strip_tags(&mut self, ty: TypeId) -> TypeId {
        if let Some(&done) = self.stripped.get(&ty) {
            return done;
        }
        let result = match self.get(ty).clone() {
            Type::Pointer(t) => {
                let t = self.strip_tags(t);
                self.intern(Type::Pointer(t))
            }
            Type::Slice(t) => {
                let t = self.strip_tags(t);
                self.intern(Type::Slice(t))
            }
            Type::Array(t, n) => {
                let t = self.strip_tags(t);
                self.intern(Type::Array(t, n))
            }
            Type::Chan(dir, t) => {
                let t = self.strip_tags(t);
                self.intern(Type::Chan(dir, t))
            }
            Type::Map(k, v) => {
                let (k, v) = (self.strip_tags(k), self.strip_tags(v));
                self.intern(Type::Map(k, v))
            }
            Type::Struct(fields) => {
                let fields: Vec<Field> = fields
                    .iter()
                    .map(|f| Field { ty: self.strip_tags(f.ty), tag: crate::base::intern::Sym::EMPTY, ..f.clone() })
                    .collect();
                self.intern(Type::Struct(fields.into()))
            }
            Type::Func(f) => {
                let params = f.params.iter().map(|&t| self.strip_tags(t)).collect();
                let results = f.results.iter().map(|&t| self.strip_tags(t)).collect();
                self.intern(Type::Func(Arc::new(FuncType { params, results, variadic: f.variadic })))
            }
            _ => ty,
        };
        self.stripped.insert(ty, result);
        result
    }

    pub fn func(&mut self, params: Vec<TypeId>, results: Vec<TypeId>, variadic: bool) -> TypeId {
        self.intern(Type::Func(Arc::new(FuncType { params, results, variadic })))
    }

    /// The type of a list of results: nothing, one type, or a tuple.
    pub fn results_type(&mut self, results: &[TypeId]) -> TypeId {
        match results {
            [one] => *one,
            _ => self.intern(Type::Tuple(results.into())),
        }
    }
}

/// The signature of declared method `obj` as a method of `recv`, a declared type or an instance of the generic type
/// the method is declared for.
pub fn method_signature(info: &mut Info, recv: NamedId, obj: ObjId) -> TypeId {
    let sig = info.obj(obj).ty;
    let ObjKind::Func(f) = &info.obj(obj).kind else { return TypeId::INVALID };
    let args = &info.types.named(recv).args;
    if args.is_empty() || f.tparams.is_empty() {
        return sig;
    }
    let map = Subst::new(&f.tparams, args);
    subst(&mut info.types, sig, &map)
}

/// The substitution under which a method's body is the body for receiver type `recv`.
pub fn method_subst(info: &Info, recv: NamedId, obj: ObjId) -> Subst {
    match &info.obj(obj).kind {
        ObjKind::Func(f) => Subst::new(&f.tparams, &info.types.named(recv).args),
        _ => Subst::default(),
    }
}
