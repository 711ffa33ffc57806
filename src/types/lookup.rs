//! Fields and methods: selection through embedded fields, missing methods, implementation of interfaces.
//! Works on any type, generic or concrete, so `compile` can resolve a selection again after substitution.
use super::info::{Info, ObjId, ObjKind, PkgId};
use super::instantiate::method_signature;
use super::ty::*;
use crate::base::intern::{Interner, Sym};
use rustc_hash::{FxHashMap, FxHashSet};

/// What a name was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The last step of the path is the field.
    Field { ty: TypeId },
    /// A method declared for `recv` (an instance, or the declared type).
    Method { obj: ObjId, recv: NamedId, pointer: bool },
    /// A method of interface (or type parameter) `iface`.
    Interface { iface: TypeId, index: u32, sig: TypeId },
}

#[derive(Clone, Debug)]
pub struct Found {
    pub entry: Entry,
    /// As `Selection::path`.
    pub path: Vec<u32>,
    /// A pointer lies on the way (from the operand itself or an embedded field).
    pub indirect: bool,
    /// The declared name (may differ from the one asked for when letter case is ignored).
    pub name: Sym,
    /// Where that name is declared, if it is not exported.
    pub pkg: PkgId,
}

#[derive(Clone, Debug)]
pub enum Lookup {
    Found(Found),
    NotFound,
    /// At the shallowest depth there are several.
    Ambiguous,
    /// A method with pointer receiver, but the operand is not addressable.
    NeedsPointer,
}

impl Lookup {
    pub fn found(self) -> Option<Found> {
        match self {
            Lookup::Found(f) => Some(f),
            _ => None,
        }
    }
}

struct Candidate {
    ty: TypeId,
    path: Vec<u32>,
    indirect: bool,
    /// Several fields of this type at this depth.
    multiple: bool,
}

/// Is the name exported?
pub fn is_exported(name: &str) -> bool {
    name.chars().next().is_some_and(char::is_uppercase)
}

/// `name` in `ty` as seen from package `pkg` (`PkgId::NONE` if the name is exported). `addressable`: the operand's
/// address may be taken. With `fold`, letter case and package do not matter.
pub fn lookup_field_or_method(
    info: &Info,
    ty: TypeId,
    addressable: bool,
    name: Sym,
    pkg: PkgId,
    fold: Option<&Interner>,
) -> Lookup {
    let types = &info.types;
    if name == Sym::BLANK {
        return Lookup::NotFound;
    }
    // a declared pointer type has no methods, but its fields can be selected
    if let Type::Named(_) = types.get(ty)
        && let Type::Pointer(_) = types.underlying(ty)
    {
        let found = search(info, types.underlying_id(ty), addressable, name, pkg, fold);
        return match &found {
            Lookup::Found(f) if !matches!(f.entry, Entry::Field { .. }) => Lookup::NotFound,
            _ => found,
        };
    }
    search(info, ty, addressable, name, pkg, fold)
}

fn search(info: &Info, ty: TypeId, addressable: bool, name: Sym, pkg: PkgId, fold: Option<&Interner>) -> Lookup {
    let types = &info.types;
    let folded = fold.map(|names| (names, names.name(name).to_lowercase()));
    let same = |sym: Sym, p: PkgId| match &folded {
        Some((names, lower)) => names.name(sym).to_lowercase() == *lower,
        None => sym == name && (pkg == PkgId::NONE || p == pkg),
    };
    let (base, is_pointer) = types.deref(ty);
    if is_pointer && types.is_interface_like(base) {
        return Lookup::NotFound;
    }
    let mut current = vec![Candidate { ty: base, path: Vec::new(), indirect: is_pointer, multiple: false }];
    // Types of the levels before; most searches end at the first.
    let mut seen: Vec<TypeId> = Vec::new();
    while !current.is_empty() {
        let mut next: Vec<Candidate> = Vec::new();
        let mut found: Option<Found> = None;
        let mut collision = false;
        let mut note = |f: Found, multiple: bool, collision: &mut bool| {
            *collision |= multiple || found.is_some();
            found = Some(f);
        };
        for c in &current {
            if let Type::Named(n) = types.get(c.ty) {
                if seen.contains(&c.ty) {
                    continue;
                }
                let origin = types.named(*n).origin.unwrap_or(*n);
                let method = types.named(origin).methods.iter().copied().find(|&m| {
                    let o = info.obj(m);
                    same(o.name, o.pkg)
                });
                if let Some(m) = method {
                    let o = info.obj(m);
                    let pointer = matches!(&o.kind, ObjKind::Func(f) if f.recv.is_some_and(|r| r.pointer));
                    let entry = Entry::Method { obj: m, recv: *n, pointer };
                    let f = Found { entry, path: c.path.clone(), indirect: c.indirect, name: o.name, pkg: o.pkg };
                    note(f, c.multiple, &mut collision);
                    continue;
                }
            }
            match types.underlying(c.ty) {
                Type::Struct(fields) => {
                    for (i, f) in fields.iter().enumerate() {
                        let step = || {
                            let mut path = c.path.clone();
                            path.push(i as u32);
                            path
                        };
                        if same(f.name, f.pkg) {
                            let entry = Entry::Field { ty: f.ty };
                            let f = Found { entry, path: step(), indirect: c.indirect, name: f.name, pkg: f.pkg };
                            note(f, c.multiple, &mut collision);
                            continue;
                        }
                        if f.embedded {
                            let (ty, is_pointer) = types.deref(f.ty);
                            if matches!(types.get(ty), Type::Named(_) | Type::Struct(_) | Type::Interface(_)) {
                                next.push(Candidate {
                                    ty,
                                    path: step(),
                                    indirect: c.indirect || is_pointer,
                                    multiple: c.multiple,
                                });
                            }
                        }
                    }
                }
                Type::Interface(_) | Type::TypeParam(_) => {
                    let Some(iface) = types.interface_of(c.ty) else { continue };
                    if let Some(i) = iface.methods.iter().position(|m| same(m.name, m.pkg)) {
                        let m = &iface.methods[i];
                        let entry = Entry::Interface { iface: c.ty, index: i as u32, sig: m.sig };
                        let f = Found { entry, path: c.path.clone(), indirect: c.indirect, name: m.name, pkg: m.pkg };
                        note(f, c.multiple, &mut collision);
                    }
                }
                _ => {}
            }
        }
        if collision {
            return Lookup::Ambiguous;
        }
        if let Some(f) = found {
            return match f.entry {
                Entry::Method { pointer: true, .. } if !f.indirect && !addressable => Lookup::NeedsPointer,
                _ => Lookup::Found(f),
            };
        }
        seen.extend(current.iter().map(|c| c.ty));
        current = consolidate(next);
    }
    Lookup::NotFound
}

/// Several candidates of one type become one, marked `multiple`.
fn consolidate(list: Vec<Candidate>) -> Vec<Candidate> {
    if list.len() <= 1 {
        return list;
    }
    let mut at: FxHashMap<TypeId, usize> = FxHashMap::default();
    let mut out: Vec<Candidate> = Vec::with_capacity(list.len());
    for c in list {
        match at.get(&c.ty) {
            Some(&i) => out[i].multiple = true,
            None => {
                at.insert(c.ty, out.len());
                out.push(c);
            }
        }
    }
    out
}

/// What stands between a type and an interface.
#[derive(Clone, Debug)]
pub enum Missing {
    NotFound,
    /// Exists under a name that differs in case (its signature).
    WrongName {
        name: Sym,
        sig: TypeId,
    },
    Unexported,
    WrongSignature {
        have: TypeId,
    },
    Ambiguous,
    PointerReceiver,
    Field,
    /// Declares type parameters: never satisfies an interface method.
    Generic,
}

/// The first method of interface `iface` that `ty` lacks. `all`: every method must be there; otherwise only those
/// that interface `ty` has must agree (as for a type assertion). `same` compares signatures.
pub fn missing_method(
    info: &mut Info,
    names: &Interner,
    ty: TypeId,
    iface: TypeId,
    all: bool,
    same: &mut dyn FnMut(&mut Info, TypeId, TypeId) -> bool,
) -> Option<(IfaceMethod, Missing)> {
    let methods = info.types.interface_of(iface)?.clone();
    if methods.methods.is_empty() {
        return None;
    }
    if let Some(have) = info.types.interface_of(ty).cloned() {
        for m in &methods.methods {
            match have.methods.iter().find(|h| h.name == m.name && h.pkg == m.pkg) {
                None if all => return Some((m.clone(), Missing::NotFound)),
                Some(h) if !same(info, h.sig, m.sig) => {
                    return Some((m.clone(), Missing::WrongSignature { have: h.sig }));
                }
                _ => {}
            }
        }
        return None;
    }
    for m in &methods.methods {
        let missing = match lookup_field_or_method(info, ty, false, m.name, m.pkg, None) {
            Lookup::Found(f) => match f.entry {
                Entry::Field { .. } => Missing::Field,
                Entry::Method { obj, recv, .. } => {
                    let sig = method_signature(info, recv, obj);
                    let generic = matches!(&info.obj(obj).kind, ObjKind::Func(f) if !f.method_tparams.is_empty());
                    if generic {
                        Missing::Generic
                    } else if same(info, sig, m.sig) {
                        continue;
                    } else {
                        Missing::WrongSignature { have: sig }
                    }
                }
                Entry::Interface { sig, .. } => {
                    if same(info, sig, m.sig) {
                        continue;
                    }
                    Missing::WrongSignature { have: sig }
                }
            },
            Lookup::Ambiguous => Missing::Ambiguous,
            Lookup::NeedsPointer => Missing::PointerReceiver,
            Lookup::NotFound => match lookup_field_or_method(info, ty, false, m.name, m.pkg, Some(names)).found() {
                Some(Found { entry: Entry::Method { obj, recv, .. }, name, .. }) => {
                    if name == m.name {
                        Missing::Unexported
                    } else {
                        Missing::WrongName { name, sig: method_signature(info, recv, obj) }
                    }
                }
                _ => Missing::NotFound,
            },
        };
        return Some((m.clone(), missing));
    }
    None
}

/// `ty` has all methods of interface `iface`: what a run-time type assertion asks of a concrete type.
pub fn implements(info: &mut Info, names: &Interner, ty: TypeId, iface: TypeId) -> bool {
    missing_method(info, names, ty, iface, true, &mut |_, a, b| a == b).is_none()
}

/// A method of a concrete type's method set.
#[derive(Clone, Debug)]
pub struct MethodEntry {
    pub name: Sym,
    /// As `Field::pkg`.
    pub pkg: PkgId,
    pub found: Found,
}

/// The method set of `ty` (concrete, after substitution), promoted methods included, sorted by name text. `ty` may be
/// a pointer type. For an interface: its methods.
pub fn method_set(info: &Info, names: &Interner, ty: TypeId) -> Vec<MethodEntry> {
    let types = &info.types;
    // collect candidate names over all embedded types, then resolve each by the selection rules
    let mut candidates: FxHashSet<(Sym, PkgId)> = FxHashSet::default();
    let mut seen: FxHashSet<TypeId> = FxHashSet::default();
    let mut work = vec![types.deref(ty).0];
    while let Some(t) = work.pop() {
        if !seen.insert(t) {
            continue;
        }
        if let Type::Named(n) = types.get(t) {
            let origin = types.named(*n).origin.unwrap_or(*n);
            for &m in &types.named(origin).methods {
                let o = info.obj(m);
                let pkg = if is_exported(names.name(o.name)) { PkgId::NONE } else { o.pkg };
                candidates.insert((o.name, pkg));
            }
        }
        match types.underlying(t) {
            Type::Struct(fields) => {
                work.extend(fields.iter().filter(|f| f.embedded).map(|f| types.deref(f.ty).0));
            }
            Type::Interface(i) => candidates.extend(i.methods.iter().map(|m| (m.name, m.pkg))),
            _ => {}
        }
    }
    let mut list: Vec<MethodEntry> = candidates
        .into_iter()
        .filter_map(|(name, pkg)| {
            let found = lookup_field_or_method(info, ty, false, name, pkg, None).found()?;
            (!matches!(found.entry, Entry::Field { .. })).then_some(MethodEntry { name, pkg, found })
        })
        .collect();
    list.sort_by(|a, b| names.name(a.name).cmp(names.name(b.name)).then(a.pkg.cmp(&b.pkg)));
    list
}
