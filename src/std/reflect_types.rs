//! Natives of `reflect` that ask about types: each takes and gives types by their numbers.
use crate::bytecode::program::{Kind, RType, RTypeId};
use crate::value::env::Env;
use crate::value::make_type::{self, Structure};
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};
use crate::value::reflect::too_many_types;

pub const NATIVES: &[NativeEntry] = &[
    ("reflect.typeOf", |cx| {
        let id = cx.iface_type(cx.word(0));
        done(cx, id.0 as i64)
    }),
    ("reflect.tKind", |cx| {
        let k = ty(cx, 0).1.kind as i64;
        done(cx, k)
    }),
    ("reflect.tString", |cx| {
        let t = ty(cx, 0).1;
        text(cx, &t.name)
    }),
    ("reflect.tName", name),
    ("reflect.tPkgPath", |cx| {
        let t = ty(cx, 0).1;
        text(cx, t.named.as_ref().map_or("", |n| &n.1))
    }),
    ("reflect.tElem", |cx| {
        let id = ty(cx, 0).1.elem;
        done(cx, id.0 as i64)
    }),
    ("reflect.tKey", |cx| {
        let id = ty(cx, 0).1.key;
        done(cx, id.0 as i64)
    }),
    ("reflect.tLen", |cx| {
        let n = ty(cx, 0).1.len;
        done(cx, n as i64)
    }),
    ("reflect.tSize", |cx| {
        let info = &cx.env.types[ty(cx, 0).0.0 as usize];
        cx.set_int(1, info.go_align as i64);
        done(cx, info.go_size as i64)
    }),
    ("reflect.tNumField", |cx| {
        let n = ty(cx, 0).1.fields.len();
        done(cx, n as i64)
    }),
    ("reflect.tField", field),
    ("reflect.tFunc", |cx| {
        let t = ty(cx, 0).1;
        cx.set_int(1, t.results.len() as i64);
        cx.set_bool(2, t.variadic);
        done(cx, t.params.len() as i64)
    }),
    ("reflect.tParam", |cx| {
        let (t, i) = (ty(cx, 0).1, cx.uint(1) as usize);
        let list = if cx.bool(2) { &t.results } else { &t.params };
        let id = list.get(i).map_or(0, |p| p.0 as i64);
        done(cx, id)
    }),
    ("reflect.tChanDir", |cx| {
        let d = ty(cx, 0).1.chan_dir;
        done(cx, d as i64)
    }),
    ("reflect.tNumMethod", |cx| {
        let n = methods(cx.env, ty(cx, 0).1).len();
        done(cx, n as i64)
    }),
    ("reflect.tMethod", method),
    ("reflect.tRelation", relation),
    ("reflect.tMake", make),
    ("reflect.tFuncOf", func_of),
    ("reflect.tStructOf", struct_of),
];

fn done(cx: &mut Cx, v: i64) -> NativeResult {
    cx.set_int(0, v);
    Ok(Outcome::Done)
}

fn text(cx: &mut Cx, s: &str) -> NativeResult {
    cx.set_str(0, s.as_bytes())?;
    Ok(Outcome::Done)
}

/// The type whose number is parameter `i`; the placeholder for what is no number of a type.
pub fn ty<'a>(cx: &Cx<'a>, i: usize) -> (RTypeId, &'a RType) {
    let id = cx.uint(i);
    let types = &cx.env.program.types;
    match usize::try_from(id).ok().and_then(|i| types.at(i)) {
        Some(t) => (RTypeId(id as u32), t),
        None => (RTypeId::NONE, &types[0]),
    }
}

/// `tName(t int) string`
fn name(cx: &mut Cx) -> NativeResult {
    let t = ty(cx, 0).1;
    match &t.named {
        Some(n) => text(cx, &n.0),
        None if t.kind <= Kind::Complex128 || t.kind == Kind::String => text(cx, &t.name),
        None if t.kind == Kind::UnsafePointer => text(cx, "Pointer"),
        None => text(cx, ""),
    }
}

/// `tField(t, i int) (typ int, name, pkg, tag string, offset int, embedded bool)`
fn field(cx: &mut Cx) -> NativeResult {
    let (t, i) = (ty(cx, 0).1, cx.uint(1) as usize);
    let Some(f) = t.fields.get(i) else { return Err(Trap::Panic("reflect: Field index out of bounds".into())) };
    let (mut at, mut offset) = (0, 0);
    for g in &t.fields[..=i] {
        let info = &cx.env.types[g.ty.0 as usize];
        offset = u64::next_multiple_of(at, info.go_align.max(1));
        at = offset + info.go_size;
    }
    cx.set_str(1, f.name.as_bytes())?;
    cx.set_str(2, f.pkg.as_bytes())?;
    cx.set_str(3, f.tag.as_bytes())?;
    cx.set_int(4, offset as i64);
    cx.set_bool(5, f.embedded);
    done(cx, f.ty.0 as i64)
}

/// The methods that reflection shows, by name: `(name, package, signature, index into the type's own table)`.
pub fn methods<'a>(env: &'a Env, t: &'a RType) -> Vec<(&'a str, &'a str, RTypeId, usize)> {
    let all = &env.program.methods;
    let mut out: Vec<_> = if t.kind == Kind::Interface {
        let list = t.iface_methods.iter().enumerate();
        list.map(|(i, id)| (&all[id.0 as usize], i)).collect()
    } else {
        let list = t.methods.iter().enumerate();
        list.map(|(i, m)| (&all[m.id.0 as usize], i)).filter(|(m, _)| m.pkg.is_empty()).collect()
    };
    out.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    out.into_iter().map(|(m, i)| (m.name.as_str(), m.pkg.as_str(), m.sig_type, i)).collect()
}

/// `tMethod(t, i int, name string) (i int, sig int, name, pkg string, index int)`: method `i`, or with `i` < 0 that of
/// the name; the first result is -1 when there is none.
fn method(cx: &mut Cx) -> NativeResult {
    let list = methods(cx.env, ty(cx, 0).1);
    let i = if cx.int(1) >= 0 {
        Some(cx.int(1) as usize)
    } else {
        let wanted = cx.str(2);
        list.iter().position(|m| m.0.as_bytes() == wanted)
    };
    match i.and_then(|i| Some((i, list.get(i)?))) {
        Some((i, &(name, pkg, sig, index))) => {
            cx.set_int(1, sig.0 as i64);
            cx.set_str(2, name.as_bytes())?;
            cx.set_str(3, pkg.as_bytes())?;
            cx.set_int(4, index as i64);
            done(cx, i as i64)
        }
        None => {
            (1..5).for_each(|i| cx.set_word(i, 0));
            done(cx, -1)
        }
    }
}

/// Whether a type has all methods of an interface type.
pub fn implements(env: &Env, t: RTypeId, interface: RTypeId) -> bool {
    let have = env.ty(t.0);
    let wanted = &env.ty(interface.0).iface_methods;
    if have.kind == Kind::Interface {
        wanted.iter().all(|m| have.iface_methods.contains(m))
    } else {
        wanted.iter().all(|m| have.methods.iter().any(|h| h.id == *m))
    }
}

/// Whether two types are identical but for their names, which count inside; `tags`: so do the tags.
pub fn same_underlying(env: &Env, a: RTypeId, b: RTypeId, tags: bool) -> bool {
    fn inside(env: &Env, a: RTypeId, b: RTypeId, tags: bool, depth: u32) -> bool {
        if a == b {
            return true;
        }
        let (x, y) = (env.ty(a.0), env.ty(b.0));
        if tags || x.named.is_some() || y.named.is_some() || depth > 100 {
            return false;
        }
        shape(env, x, y, tags, depth + 1)
    }
    fn lists(env: &Env, a: &[RTypeId], b: &[RTypeId], tags: bool, depth: u32) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| inside(env, a, b, tags, depth))
    }
    fn shape(env: &Env, x: &RType, y: &RType, tags: bool, depth: u32) -> bool {
        if x.kind != y.kind {
            return false;
        }
        match x.kind {
            Kind::Array => x.len == y.len && inside(env, x.elem, y.elem, tags, depth),
            Kind::Chan => x.chan_dir == y.chan_dir && inside(env, x.elem, y.elem, tags, depth),
            Kind::Pointer | Kind::Slice => inside(env, x.elem, y.elem, tags, depth),
            Kind::Map => inside(env, x.key, y.key, tags, depth) && inside(env, x.elem, y.elem, tags, depth),
            Kind::Func => {
                x.variadic == y.variadic
                    && lists(env, &x.params, &y.params, tags, depth)
                    && lists(env, &x.results, &y.results, tags, depth)
            }
            Kind::Interface => x.iface_methods == y.iface_methods,
            Kind::Struct => {
                x.fields.len() == y.fields.len()
                    && x.fields.iter().zip(&y.fields).all(|(f, g)| {
                        f.name == g.name
                            && f.pkg == g.pkg
                            && f.embedded == g.embedded
                            && (!tags || f.tag == g.tag)
                            && inside(env, f.ty, g.ty, tags, depth)
                    })
            }
            _ => true,
        }
    }
    a == b || shape(env, env.ty(a.0), env.ty(b.0), tags, 0)
}

/// A value of type `from` may be assigned to `to`.
pub fn assignable(env: &Env, from: RTypeId, to: RTypeId) -> bool {
    if from == to {
        return true;
    }
    let (f, t) = (env.ty(from.0), env.ty(to.0));
    if t.kind == Kind::Interface {
        return implements(env, from, to);
    }
    if f.named.is_some() && t.named.is_some()
        || f.kind != t.kind
        || f.kind <= Kind::Complex128
        || f.kind == Kind::String
    {
        return false;
    }
    if f.kind == Kind::Chan && f.chan_dir == 0 && f.elem == t.elem {
        return true;
    }
    same_underlying(env, from, to, true)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Int,
    Uint,
    Float,
    Complex,
    String,
    Other,
}

pub fn group(k: Kind) -> Group {
    match k {
        Kind::Int | Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => Group::Int,
        Kind::Uint | Kind::Uint8 | Kind::Uint16 | Kind::Uint32 | Kind::Uint64 | Kind::Uintptr => Group::Uint,
        Kind::Float32 | Kind::Float64 => Group::Float,
        Kind::Complex64 | Kind::Complex128 => Group::Complex,
        Kind::String => Group::String,
        _ => Group::Other,
    }
}

/// A slice of bytes or runes whose element type is predeclared or in no package, as a conversion from strings needs.
pub fn text_slice(env: &Env, t: &RType) -> Option<Kind> {
    let elem = env.ty(t.elem.0);
    let plain = elem.named.as_ref().is_none_or(|n| n.1.is_empty());
    (t.kind == Kind::Slice && plain && matches!(elem.kind, Kind::Uint8 | Kind::Int32)).then_some(elem.kind)
}

/// A value of type `from` may be converted to `to` (the length of a slice apart).
pub fn convertible(env: &Env, from: RTypeId, to: RTypeId) -> bool {
    if assignable(env, from, to) {
        return true;
    }
    let (f, t) = (env.ty(from.0), env.ty(to.0));
    use Group::*;
    match (group(f.kind), group(t.kind)) {
        (Int | Uint | Float, Int | Uint | Float) | (Int | Uint, String) | (Complex, Complex) | (String, String) => {
            return true;
        }
        (String, Other) if text_slice(env, t).is_some() => return true,
        (Other, String) if text_slice(env, f).is_some() => return true,
        _ => {}
    }
    if f.kind == Kind::Slice {
        let array = |id: RTypeId| env.ty(id.0).kind == Kind::Array && env.ty(id.0).elem == f.elem;
        if array(to) || t.kind == Kind::Pointer && array(t.elem) {
            return true;
        }
    }
    if same_underlying(env, from, to, false) {
        return true;
    }
    let plain = |t: &RType| t.kind == Kind::Pointer && t.named.is_none();
    plain(f) && plain(t) && same_underlying(env, f.elem, t.elem, false)
}

/// `tRelation(t, u, what int) bool`
fn relation(cx: &mut Cx) -> NativeResult {
    let ((a, t), (b, _)) = (ty(cx, 0), ty(cx, 1));
    let yes = match cx.int(2) {
        0 => implements(cx.env, a, b),
        1 => assignable(cx.env, a, b),
        2 => convertible(cx.env, a, b),
        _ => t.kind == Kind::Interface || t.comparable,
    };
    cx.set_bool(0, yes);
    Ok(Outcome::Done)
}

fn made(cx: &mut Cx, s: Structure) -> NativeResult {
    match make_type::find_or_make(cx.env, s) {
        Some(id) => done(cx, id.0 as i64),
        None => Err(too_many_types()),
    }
}

/// `tMake(kind, elem, key, n int) int`
fn make(cx: &mut Cx) -> NativeResult {
    let (elem, key, n) = (ty(cx, 1).0, ty(cx, 2).0, cx.int(3));
    if elem == RTypeId::NONE {
        return Err(Trap::Panic("reflect: nil type".into()));
    }
    let kind = cx.int(0);
    if kind == Kind::Pointer as i64 {
        let id = make_type::pointer_to(cx.env, elem).ok_or_else(too_many_types)?;
        return done(cx, id.0 as i64);
    }
    let s = match kind {
        k if k == Kind::Slice as i64 => Structure::Slice(elem),
        k if k == Kind::Map as i64 => Structure::Map(key, elem),
        k if k == Kind::Chan as i64 => Structure::Chan(elem, n as u8),
        _ => Structure::Array(elem, n.max(0) as u64),
    };
    made(cx, s)
}

fn type_list(cx: &Cx, param: usize) -> Vec<RTypeId> {
    let n = cx.slice(param).len;
    let id = |i| u32::try_from(cx.slice_word(param, i)).unwrap_or(0);
    (0..n).map(|i| RTypeId(id(i))).filter(|t| cx.env.program.types.at(t.0 as usize).is_some()).collect()
}

/// `tFuncOf(in, out []int, variadic bool) int`
fn func_of(cx: &mut Cx) -> NativeResult {
    let s = Structure::Func(type_list(cx, 0), type_list(cx, 1), cx.bool(2));
    made(cx, s)
}

/// `tStructOf(names, pkgs, tags []string, types []int, embedded []int) int`
fn struct_of(cx: &mut Cx) -> NativeResult {
    let types = type_list(cx, 3);
    let text = |param: usize, i: usize| String::from_utf8_lossy(cx.str_of(cx.slice_word(param, i))).into_owned();
    if (0..5).any(|p| cx.slice(p).len < types.len()) {
        return Err(Trap::Panic("reflect.StructOf: bad fields".into()));
    }
    let fields = types.iter().enumerate();
    let fields = fields.map(|(i, &t)| (text(0, i), text(1, i), t, cx.slice_word(4, i) != 0, text(2, i))).collect();
    made(cx, Structure::Struct(fields))
}
