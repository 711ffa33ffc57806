//! How types lie in slots and memory, and the runtime types of the program.
//!
//! A value of more than `MAX_INLINE_WORDS` words is *big*: in a frame it is one slot with the address of memory that
//! holds it. What may be shared is copied before it is bound to a variable, passed or returned.
use super::Compiler;
use super::regs::{MapId, Reg};
use crate::base::diag::Diagnostic;
use crate::base::intern::Sym;
use crate::base::limits::{MAX_INLINE_WORDS, MAX_RUNTIME_TYPES};
use crate::base::span::Span;
use crate::bytecode::program::*;
use crate::types::info::PkgId;
use crate::types::lookup::is_exported;
use crate::types::print::{Style, runtime_string, signature_string};
use crate::types::ty::*;
use std::rc::Rc;

/// Words of the largest value: the heap could not hold more.
const MAX_WORDS: u64 = 1 << 27;

/// A type's layout.
#[derive(Clone, Copy, Debug)]
pub struct Lay {
    pub kind: Kind,
    pub mem: Mem,
    pub boxing: Boxing,
    /// Words in memory.
    pub words: u32,
    /// Slots in a frame.
    pub slots: u32,
    /// Pointers among the words.
    pub map: MapId,
    /// Pointers among the slots.
    pub fmap: MapId,
    /// Slices are among its parts.
    pub has_slice: bool,
}

impl Lay {
    pub fn big(&self) -> bool {
        self.words as usize > MAX_INLINE_WORDS
    }
    pub fn has_ptr(&self) -> bool {
        self.fmap != MapId::NONE
    }
    pub fn is_scalar(&self) -> bool {
        self.mem != Mem::N
    }
    /// Bytes from one array element to the next.
    pub fn stride(&self) -> u32 {
        if self.mem == Mem::N { self.words * 8 } else { self.mem.bytes() }
    }
    /// A register of this type is an integer narrower than 64 bits.
    pub fn is_narrow_int(&self) -> bool {
        !matches!(self.mem, Mem::W | Mem::N | Mem::F32) && self.kind != Kind::Bool
    }
    pub fn is_signed(&self) -> bool {
        self.kind >= Kind::Int && self.kind <= Kind::Int64
    }
    pub fn is_int(&self) -> bool {
        self.kind >= Kind::Int && self.kind <= Kind::Uintptr
    }
    pub fn is_float(&self) -> bool {
        matches!(self.kind, Kind::Float32 | Kind::Float64)
    }
    pub fn is_complex(&self) -> bool {
        matches!(self.kind, Kind::Complex64 | Kind::Complex128)
    }
}

fn basic_kind(b: Basic) -> Kind {
    match b {
        Basic::Bool | Basic::UntypedBool => Kind::Bool,
        Basic::Int | Basic::UntypedInt => Kind::Int,
        Basic::Int8 => Kind::Int8,
        Basic::Int16 => Kind::Int16,
        Basic::Int32 | Basic::UntypedRune => Kind::Int32,
        Basic::Int64 => Kind::Int64,
        Basic::Uint => Kind::Uint,
        Basic::Uint8 => Kind::Uint8,
        Basic::Uint16 => Kind::Uint16,
        Basic::Uint32 => Kind::Uint32,
        Basic::Uint64 => Kind::Uint64,
        Basic::Uintptr => Kind::Uintptr,
        Basic::Float32 => Kind::Float32,
        Basic::Float64 | Basic::UntypedFloat => Kind::Float64,
        Basic::Complex64 => Kind::Complex64,
        Basic::Complex128 | Basic::UntypedComplex => Kind::Complex128,
        Basic::String | Basic::UntypedString => Kind::String,
        Basic::UnsafePointer | Basic::UntypedNil => Kind::UnsafePointer,
    }
}

impl Compiler<'_> {
    /// The type with the current instance's type arguments in place of type parameters.
    pub fn sub(&mut self, t: TypeId) -> TypeId {
        if !self.info.types.parameterized(t) {
            return t;
        }
        if let Some(&done) = self.f.sub_memo.get(&t) {
            return done;
        }
        let done = crate::types::instantiate::subst(&mut self.info.types, t, &self.f.subst);
        self.f.sub_memo.insert(t, done);
        done
    }

    pub fn under(&self, t: TypeId) -> Type {
        self.info.types.underlying(t).clone()
    }

    pub fn intern_map(&mut self, map: BitMap) -> MapId {
        if let Some(&id) = self.map_ids.get(&map) {
            return id;
        }
        let id = MapId(self.maps.len() as u32);
        self.maps.push(map.clone());
        self.map_ids.insert(map, id);
        id
    }

    pub fn lay(&mut self, t: TypeId) -> Lay {
        if let Some(&l) = self.lays.get(&t) {
            return l;
        }
        let one = |kind, mem, boxing, map| Lay {
            kind,
            mem,
            boxing,
            words: 1,
            slots: 1,
            map,
            fmap: map,
            has_slice: kind == Kind::Slice,
        };
        let direct = |kind| one(kind, Mem::W, Boxing::Direct, MapId::ONE);
        let lay = match self.under(t) {
            Type::Basic(b) => {
                let kind = basic_kind(b);
                let (mem, boxing) = match kind {
                    Kind::Bool => (Mem::U8, Boxing::Uint),
                    Kind::Int8 => (Mem::I8, Boxing::Int),
                    Kind::Int16 => (Mem::I16, Boxing::Int),
                    Kind::Int32 => (Mem::I32, Boxing::Int),
                    Kind::Uint8 => (Mem::U8, Boxing::Uint),
                    Kind::Uint16 => (Mem::U16, Boxing::Uint),
                    Kind::Uint32 => (Mem::U32, Boxing::Uint),
                    Kind::Int | Kind::Int64 => (Mem::W, Boxing::Int),
                    Kind::Float32 => (Mem::F32, Boxing::Float),
                    Kind::Float64 => (Mem::W, Boxing::Float),
                    Kind::Complex64 | Kind::Complex128 => (Mem::W, Boxing::Words),
                    Kind::String | Kind::UnsafePointer => (Mem::W, Boxing::Direct),
                    _ => (Mem::W, Boxing::Uint),
                };
                match kind {
                    Kind::String | Kind::UnsafePointer => direct(kind),
                    Kind::Complex128 => Lay { words: 2, slots: 2, ..one(kind, Mem::N, Boxing::Words, MapId::NONE) },
                    _ => one(kind, mem, boxing, MapId::NONE),
                }
            }
            Type::Pointer(_) => direct(Kind::Pointer),
            Type::Slice(_) => direct(Kind::Slice),
            Type::Map(..) => direct(Kind::Map),
            Type::Chan(..) => direct(Kind::Chan),
            Type::Func(_) => direct(Kind::Func),
            Type::Interface(_) => Lay { boxing: Boxing::Never, ..direct(Kind::Interface) },
            Type::Array(elem, n) => {
                let e = self.lay(elem);
                let words = if e.is_scalar() {
                    (n as u128 * e.mem.bytes() as u128).div_ceil(8)
                } else {
                    n as u128 * e.words as u128
                };
                let words = self.checked_words(t, words);
                let mut map = BitMap::default();
                if e.map != MapId::NONE {
                    let part = self.maps[e.map.0 as usize].clone();
                    let mut at = 0;
                    while at < words as usize {
                        part.iter().for_each(|i| map.set(at + i));
                        at += e.words.max(1) as usize;
                    }
                }
                self.composite(Kind::Array, words, map, e.has_slice && n > 0)
            }
            Type::Struct(fields) => {
                let mut words = 0u128;
                let mut map = BitMap::default();
                let mut has_slice = false;
                for f in fields.iter() {
                    let l = self.lay(f.ty);
                    if words + (l.words as u128) <= MAX_WORDS as u128 {
                        self.maps[l.map.0 as usize].iter().for_each(|i| map.set(words as usize + i));
                    }
                    words += l.words as u128;
                    has_slice |= l.has_slice;
                }
                let words = self.checked_words(t, words);
                self.composite(Kind::Struct, words, map, has_slice)
            }
            Type::Tuple(list) => {
                let words = list.iter().map(|&t| self.lay(t).slots).sum();
                Lay { words, slots: words, ..one(Kind::Invalid, Mem::N, Boxing::Never, MapId::NONE) }
            }
            Type::TypeParam(_) | Type::Named(_) | Type::Invalid => {
                one(Kind::Invalid, Mem::W, Boxing::Never, MapId::NONE)
            }
        };
        self.lays.insert(t, lay);
        lay
    }

    fn checked_words(&mut self, t: TypeId, words: u128) -> u32 {
        if words > MAX_WORDS as u128 {
            let name = runtime_string(self.info, self.names, t);
            let span = Span::new(self.f.code.pos, self.f.code.pos + 1);
            self.diags.push(Diagnostic::error(
                "type-too-large",
                span,
                format!("type {name} is larger than a heap may be"),
            ));
            return 0;
        }
        words as u32
    }

    fn composite(&mut self, kind: Kind, words: u32, map: BitMap, has_slice: bool) -> Lay {
        let map = if map.is_empty() { MapId::NONE } else { self.intern_map(map) };
        let big = words as usize > MAX_INLINE_WORDS;
        Lay {
            kind,
            mem: Mem::N,
            boxing: Boxing::Words,
            words,
            slots: if big { 1 } else { words },
            map,
            fmap: if big { MapId::ONE } else { map },
            has_slice,
        }
    }

    /// Field types and word offsets of a struct type.
    pub fn fields(&mut self, t: TypeId) -> Rc<[(TypeId, u32)]> {
        let u = self.info.types.underlying_id(t);
        if let Some(f) = self.field_memo.get(&u) {
            return f.clone();
        }
        let mut out = Vec::new();
        if let Type::Struct(fields) = self.under(u) {
            let mut at = 0;
            for f in fields.iter() {
                out.push((f.ty, at));
                at += self.lay(f.ty).words;
            }
        }
        let out: Rc<[(TypeId, u32)]> = out.into();
        self.field_memo.insert(u, out.clone());
        out
    }

    /// Word offsets of the slices in a value that is not big.
    pub fn slice_words(&mut self, t: TypeId, base: u32, out: &mut Vec<u32>) {
        let l = self.lay(t);
        if !l.has_slice {
            return;
        }
        match self.under(t) {
            Type::Slice(_) => out.push(base),
            Type::Array(e, n) => {
                let step = self.lay(e).words;
                for i in 0..n as u32 {
                    self.slice_words(e, base + i * step, out);
                }
            }
            Type::Struct(_) => {
                for &(ft, off) in self.fields(t).iter() {
                    self.slice_words(ft, base + off, out);
                }
            }
            _ => {}
        }
    }

    /// Fresh slots for a value of a type.
    pub fn slots_for(&mut self, t: TypeId) -> Reg {
        let l = self.lay(t);
        self.f.regs.range(l.fmap, &self.maps[l.fmap.0 as usize], l.slots)
    }

    pub fn ptr_slot(&mut self) -> Reg {
        self.f.regs.range(MapId::ONE, &self.maps[1], 1)
    }

    pub fn scalar(&mut self) -> Reg {
        self.f.regs.scalars(1)
    }

    /// The runtime type, without methods unless it is known to reach an interface.
    pub fn rtype(&mut self, t: TypeId) -> RTypeId {
        if let Some(&id) = self.rtypes.get(&t) {
            return id;
        }
        let id = RTypeId(self.prog.types.len() as u32);
        if id.0 as usize == MAX_RUNTIME_TYPES {
            let span = Span::new(self.f.code.pos, self.f.code.pos + 1);
            self.diags.push(Diagnostic::error(
                "too-many-types",
                span,
                format!("the program has more than {MAX_RUNTIME_TYPES} types"),
            ));
        }
        if id.0 as usize >= MAX_RUNTIME_TYPES {
            return RTypeId(MAX_RUNTIME_TYPES as u32 - 1);
        }
        self.rtypes.insert(t, id);
        let l = self.lay(t);
        let named = self.info.types.as_named(t).map(|n| {
            let d = self.info.types.named(n);
            let full = runtime_string(self.info, self.names, t);
            let bare = match (d.pkg, full.find('.')) {
                (p, Some(dot)) if p != PkgId::NONE => full[dot + 1..].to_string(),
                _ => full,
            };
            let path = if d.pkg == PkgId::NONE { String::new() } else { self.pkg_path(d.pkg) };
            (bare, path)
        });
        let name = runtime_string(self.info, self.names, t);
        let comparable = self.info.types.comparable(t, true);
        self.prog.types.push(RType {
            boxing: l.boxing,
            mem: l.mem,
            words: l.words,
            ptr_map: self.maps[l.map.0 as usize].clone(),
            name,
            named,
            comparable,
            ..RType::of_kind(l.kind)
        });
        self.rtype_order.push(t);
        let i = id.0 as usize;
        match self.under(t) {
            Type::Pointer(e) | Type::Slice(e) => self.prog.types[i].elem = self.rtype(e),
            Type::Array(e, n) => {
                self.prog.types[i].elem = self.rtype(e);
                self.prog.types[i].len = n;
            }
            Type::Chan(dir, e) => {
                self.prog.types[i].elem = self.rtype(e);
                self.prog.types[i].chan_dir = dir as u8;
            }
            Type::Map(k, v) => {
                self.prog.types[i].key = self.rtype(k);
                self.prog.types[i].elem = self.rtype(v);
            }
            Type::Struct(fields) => {
                let places = self.fields(t);
                let mut out = Vec::with_capacity(fields.len());
                for (f, &(_, offset)) in fields.iter().zip(places.iter()) {
                    let ty = self.rtype(f.ty);
                    let name = self.names.name(f.name).to_string();
                    out.push(RField {
                        exported: is_exported(&name),
                        name,
                        pkg: if f.pkg == PkgId::NONE { String::new() } else { self.pkg_path(f.pkg) },
                        ty,
                        offset,
                        embedded: f.embedded,
                        tag: if f.tag == Sym::EMPTY { String::new() } else { self.names.name(f.tag).to_string() },
                    });
                }
                self.prog.types[i].fields = out;
            }
            Type::Func(f) => {
                let params = f.params.iter().map(|&p| self.rtype(p)).collect();
                let results = f.results.iter().map(|&p| self.rtype(p)).collect();
                let out = &mut self.prog.types[i];
                out.params = params;
                out.results = results;
                out.variadic = f.variadic;
            }
            Type::Interface(iface) => {
                let mut ids: Vec<_> = iface.methods.iter().map(|m| self.method_id(m.name, m.pkg, m.sig)).collect();
                ids.sort();
                self.prog.types[i].iface_methods = ids;
            }
            _ => {}
        }
        id
    }

    pub fn pkg_path(&self, p: PkgId) -> String {
        self.names.name(self.info.pkg(p).path).to_string()
    }

    /// The runtime type of something that reaches an interface: its method table will be there.
    pub fn rtype_iface(&mut self, t: TypeId) -> RTypeId {
        self.reach(t);
        self.rtype(t)
    }

    fn reach(&mut self, t: TypeId) {
        if !self.reached.insert(t) {
            return;
        }
        self.new_reached.push(t);
        if self.reflects {
            self.reach_more(t);
        }
        match self.under(t) {
            Type::Pointer(e) | Type::Slice(e) | Type::Array(e, _) => self.reach(e),
            Type::Map(k, v) => {
                self.reach(k);
                self.reach(v);
            }
            Type::Struct(fields) => fields.iter().for_each(|f| self.reach(f.ty)),
            _ => {}
        }
    }

    /// What reflection may make of a value of the type: its address, what a channel or function gives.
    fn reach_more(&mut self, t: TypeId) {
        self.rtype(t);
        if self.info.types.as_named(t).is_some() && !self.info.types.is_interface(t) {
            let p = self.info.types.pointer(t);
            self.reach(p);
        }
        match self.under(t) {
            Type::Chan(_, e) => self.reach(e),
            Type::Func(f) => f.params.iter().chain(&f.results).for_each(|&t| self.reach(t)),
            _ => {}
        }
    }

    /// Which packages of the program look at values by their types.
    pub fn look_at_imports(&mut self) {
        let script = !self.info.script.is_empty();
        for p in 0..self.info.packages.len() {
            // what a script mentions it imports
            match self.pkg_path(PkgId(p as u32)).as_str() {
                "reflect" if script => (self.reflects, self.keeps_methods) = (true, true),
                "text/template" => (self.reflects, self.keeps_methods) = (true, true),
                "encoding/json" => self.reflects = true,
                _ => {}
            }
            let std = self.info.packages[p].std;
            for i in 0..self.info.packages[p].imports.len() {
                let path = self.pkg_path(self.info.packages[p].imports[i]);
                match path.as_str() {
                    "reflect" if !std => (self.reflects, self.keeps_methods) = (true, true),
                    "reflect" => self.reflects = true,
                    _ => {}
                }
            }
        }
    }

    /// The id of a method that some interface of the program has.
    pub fn method_id(&mut self, name: Sym, pkg: PkgId, sig: TypeId) -> MethodId {
        if let Some(&id) = self.method_ids.get(&(name, pkg, sig)) {
            return id;
        }
        let id = MethodId(self.prog.methods.len() as u32);
        self.method_ids.insert((name, pkg, sig), id);
        self.prog.methods.push(MethodName {
            name: self.names.name(name).to_string(),
            pkg: if pkg == PkgId::NONE { String::new() } else { self.pkg_path(pkg) },
            sig: format!("func{}", signature_string(self.info, self.names, sig, Style::Runtime)),
            sig_type: RTypeId::NONE,
        });
        let sig_type = self.rtype(sig);
        self.prog.methods[id.0 as usize].sig_type = sig_type;
        self.new_method_ids.push((name, pkg, sig));
        id
    }

    /// Links types to their pointer types and underlying types, where the program has those.
    pub fn link_types(&mut self) {
        for (k, &t) in self.rtype_order.clone().iter().enumerate() {
            let i = k + 1;
            if let Type::Pointer(e) = *self.info.types.get(t)
                && let Some(&e) = self.rtypes.get(&e)
            {
                self.prog.types[e.0 as usize].ptr_to = RTypeId(i as u32);
            }
            let u = self.info.types.underlying_id(t);
            if u != t
                && let Some(&u) = self.rtypes.get(&u)
            {
                self.prog.types[i].underlying = u;
            }
            self.prog.types[i].methods.sort_by_key(|m| m.id);
        }
    }
}
