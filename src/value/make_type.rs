//! Types made while the program runs (`reflect.SliceOf` and its kin), and the search for a type by its structure.
//! Identical types have one number: a type is made only when the program has none of its structure.
use super::env::Env;
use super::map::MapType;
use crate::base::limits::{MAX_INLINE_WORDS, MAX_RUNTIME_TYPES};
use crate::bytecode::program::*;
use rustc_hash::FxHashMap;

/// Arrays and structs of more words than this are not made.
const MAX_MADE_WORDS: u64 = 1 << 28;

/// What tells a type without a name from all others.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Structure {
    Basic(Kind),
    Pointer(RTypeId),
    Slice(RTypeId),
    Array(RTypeId, u64),
    Map(RTypeId, RTypeId),
    Chan(RTypeId, u8),
    Func(Vec<RTypeId>, Vec<RTypeId>, bool),
    Struct(Vec<(String, String, RTypeId, bool, String)>),
}

#[derive(Default)]
pub struct Index {
    known: FxHashMap<Structure, RTypeId>,
    ready: bool,
}

fn structure(t: &RType) -> Option<Structure> {
    if t.named.is_some() {
        return None;
    }
    Some(match t.kind {
        Kind::Invalid | Kind::Interface => return None,
        Kind::Pointer => Structure::Pointer(t.elem),
        Kind::Slice => Structure::Slice(t.elem),
        Kind::Array => Structure::Array(t.elem, t.len),
        Kind::Map => Structure::Map(t.key, t.elem),
        Kind::Chan => Structure::Chan(t.elem, t.chan_dir),
        Kind::Func => Structure::Func(t.params.clone(), t.results.clone(), t.variadic),
        Kind::Struct => Structure::Struct(
            t.fields.iter().map(|f| (f.name.clone(), f.pkg.clone(), f.ty, f.embedded, f.tag.clone())).collect(),
        ),
        kind => Structure::Basic(kind),
    })
}

/// The type of this structure; made if the program has none. `None`: there are too many types, or it is too large.
pub fn find_or_make(env: &Env, s: Structure) -> Option<RTypeId> {
    let mut index = env.made_types.lock();
    if !index.ready {
        index.ready = true;
        for (i, t) in env.program.types.iter().enumerate().skip(1) {
            if let Some(s) = structure(t) {
                index.known.entry(s).or_insert(RTypeId(i as u32));
            }
        }
    }
    if let Some(&id) = index.known.get(&s) {
        return Some(id);
    }
    let id = env.program.types.total();
    if id >= MAX_RUNTIME_TYPES {
        return None;
    }
    let t = describe(env, &s)?;
    let info = Env::prepare_type(&env.program, &env.heap, &t);
    let is_map = t.kind == Kind::Map;
    env.types.push_extra(info)?;
    env.program.types.push_extra(t)?;
    let id = RTypeId(id as u32);
    let map = is_map.then(|| MapType::new(&env.heap, &env.program, &env.types, id, env.hash_seed));
    env.map_types.push_extra(map)?;
    index.known.insert(s, id);
    Some(id)
}

/// `*T`.
pub fn pointer_to(env: &Env, t: RTypeId) -> Option<RTypeId> {
    let known = env.ty(t.0).ptr_to;
    if known != RTypeId::NONE {
        return Some(known);
    }
    find_or_make(env, Structure::Pointer(t))
}

/// A predeclared type.
pub fn basic(env: &Env, kind: Kind) -> Option<RTypeId> {
    find_or_make(env, Structure::Basic(kind))
}

/// Whether a value of the type is passed in a frame as the address of a copy.
pub fn is_big(t: &RType) -> bool {
    t.words as usize > MAX_INLINE_WORDS
}

/// Slots of a frame that a value takes: a large one is a pointer there.
pub fn slots(t: &RType) -> usize {
    if is_big(t) { 1 } else { t.words as usize }
}

fn one_word(kind: Kind, name: String) -> RType {
    let mut ptr_map = BitMap::default();
    ptr_map.set(0);
    RType { boxing: Boxing::Direct, words: 1, ptr_map, name, comparable: true, ..RType::of_kind(kind) }
}

fn describe(env: &Env, s: &Structure) -> Option<RType> {
    let name = |t: RTypeId| env.ty(t.0).name.clone();
    Some(match s {
        Structure::Basic(kind) => basic_type(*kind),
        Structure::Pointer(e) => RType { elem: *e, ..one_word(Kind::Pointer, format!("*{}", name(*e))) },
        Structure::Slice(e) => {
            RType { elem: *e, comparable: false, ..one_word(Kind::Slice, format!("[]{}", name(*e))) }
        }
        Structure::Map(k, e) => RType {
            elem: *e,
            key: *k,
            comparable: false,
            ..one_word(Kind::Map, format!("map[{}]{}", name(*k), name(*e)))
        },
        Structure::Chan(e, dir) => {
            let elem = name(*e);
            let name = match dir {
                1 => format!("chan<- {elem}"),
                2 => format!("<-chan {elem}"),
                _ if elem.starts_with("<-") => format!("chan ({elem})"),
                _ => format!("chan {elem}"),
            };
            RType { elem: *e, chan_dir: *dir, ..one_word(Kind::Chan, name) }
        }
        Structure::Func(params, results, variadic) => {
            let mut text = String::from("func(");
            for (i, &p) in params.iter().enumerate() {
                if i > 0 {
                    text += ", ";
                }
                if *variadic && i + 1 == params.len() {
                    text += "...";
                    text += &name(env.ty(p.0).elem);
                } else {
                    text += &name(p);
                }
            }
            text.push(')');
            let outs: Vec<String> = results.iter().map(|&r| name(r)).collect();
            match outs.len() {
                0 => {}
                1 => text += &format!(" {}", outs[0]),
                _ => text += &format!(" ({})", outs.join(", ")),
            }
            RType {
                params: params.clone(),
                results: results.clone(),
                variadic: *variadic,
                comparable: false,
                ..one_word(Kind::Func, text)
            }
        }
        Structure::Array(e, len) => {
            let elem = env.ty(e.0);
            let words = match elem.mem {
                Mem::N => len.checked_mul(elem.words as u64)?,
                m => len.checked_mul(m.bytes() as u64)?.div_ceil(8),
            };
            if words > MAX_MADE_WORDS {
                return None;
            }
            let mut ptr_map = BitMap::default();
            if !elem.ptr_map.is_empty() {
                for i in 0..*len as usize {
                    elem.ptr_map.iter().for_each(|w| ptr_map.set(i * elem.words as usize + w));
                }
            }
            RType {
                elem: *e,
                len: *len,
                boxing: Boxing::Words,
                mem: Mem::N,
                words: words as u32,
                ptr_map,
                comparable: elem.comparable,
                ..one_word(Kind::Array, format!("[{len}]{}", elem.name))
            }
        }
        Structure::Struct(list) => {
            let (mut fields, mut words, mut ptr_map) = (Vec::new(), 0u64, BitMap::default());
            let (mut comparable, mut text) = (true, String::from("struct {"));
            for (i, (name, pkg, ty, embedded, tag)) in list.iter().enumerate() {
                let t = env.ty(ty.0);
                t.ptr_map.iter().for_each(|w| ptr_map.set(words as usize + w));
                comparable &= t.comparable;
                text += if i > 0 { "; " } else { " " };
                if *embedded {
                    text += &t.name;
                } else {
                    text += &format!("{name} {}", t.name);
                }
                if !tag.is_empty() {
                    text += &format!(" {tag:?}");
                }
                fields.push(RField {
                    name: name.clone(),
                    pkg: pkg.clone(),
                    ty: *ty,
                    offset: words as u32,
                    embedded: *embedded,
                    exported: pkg.is_empty(),
                    tag: tag.clone(),
                });
                words += t.words as u64;
                if words > MAX_MADE_WORDS {
                    return None;
                }
            }
            text += if list.is_empty() { "}" } else { " }" };
            RType {
                fields,
                boxing: Boxing::Words,
                mem: Mem::N,
                words: words as u32,
                ptr_map,
                comparable,
                ..one_word(Kind::Struct, text)
            }
        }
    })
}

fn basic_type(kind: Kind) -> RType {
    let name = match kind {
        Kind::UnsafePointer => "unsafe.Pointer".to_string(),
        k => format!("{k:?}").to_lowercase(),
    };
    let (mem, boxing, words) = match kind {
        Kind::Bool | Kind::Uint8 => (Mem::U8, Boxing::Uint, 1),
        Kind::Int8 => (Mem::I8, Boxing::Int, 1),
        Kind::Int16 => (Mem::I16, Boxing::Int, 1),
        Kind::Int32 => (Mem::I32, Boxing::Int, 1),
        Kind::Uint16 => (Mem::U16, Boxing::Uint, 1),
        Kind::Uint32 => (Mem::U32, Boxing::Uint, 1),
        Kind::Int | Kind::Int64 => (Mem::W, Boxing::Int, 1),
        Kind::Float32 => (Mem::F32, Boxing::Float, 1),
        Kind::Float64 => (Mem::W, Boxing::Float, 1),
        Kind::Complex64 => (Mem::W, Boxing::Words, 1),
        Kind::Complex128 => (Mem::N, Boxing::Words, 2),
        Kind::String | Kind::UnsafePointer => return one_word(kind, name),
        _ => (Mem::W, Boxing::Uint, 1),
    };
    RType { mem, boxing, words, ptr_map: BitMap::default(), ..one_word(kind, name) }
}
