//! Types, interned: two `TypeId`s are equal exactly when the types are identical as Go defines it (aliases are
//! resolved; parameter names play no part). A declared type is a `Named`, whose underlying type and methods are
//! filled in after it has been created, so that types may refer to themselves.
use crate::base::intern::Sym;
use rustc_hash::FxHashMap;
use std::sync::Arc;

use super::info::{ObjId, PkgId};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct TypeId(pub u32);
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct NamedId(pub u32);
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct TypeParamId(pub u32);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum Basic {
    Bool,
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Uintptr,
    Float32,
    Float64,
    Complex64,
    Complex128,
    String,
    /// Only so that programs that use it can be refused by name.
    UnsafePointer,
    UntypedBool,
    UntypedInt,
    UntypedRune,
    UntypedFloat,
    UntypedComplex,
    UntypedString,
    UntypedNil,
}

impl Basic {
    pub const ALL: [Basic; 25] = {
        use Basic::*;
        [
            Bool,
            Int,
            Int8,
            Int16,
            Int32,
            Int64,
            Uint,
            Uint8,
            Uint16,
            Uint32,
            Uint64,
            Uintptr,
            Float32,
            Float64,
            Complex64,
            Complex128,
            String,
            UnsafePointer,
            UntypedBool,
            UntypedInt,
            UntypedRune,
            UntypedFloat,
            UntypedComplex,
            UntypedString,
            UntypedNil,
        ]
    };
}

/// Fixed ids: `Types::new` interns these first, in this order.
impl TypeId {
    pub const INVALID: TypeId = TypeId(0);
    /// No values: the type of a call without results.
    pub const VOID: TypeId = TypeId(1);
    pub const fn basic(b: Basic) -> TypeId {
        TypeId(2 + b as u32)
    }
    pub const BOOL: TypeId = TypeId::basic(Basic::Bool);
    pub const INT: TypeId = TypeId::basic(Basic::Int);
    pub const INT32: TypeId = TypeId::basic(Basic::Int32);
    pub const INT64: TypeId = TypeId::basic(Basic::Int64);
    pub const UINT: TypeId = TypeId::basic(Basic::Uint);
    pub const UINT8: TypeId = TypeId::basic(Basic::Uint8);
    pub const UINTPTR: TypeId = TypeId::basic(Basic::Uintptr);
    pub const FLOAT64: TypeId = TypeId::basic(Basic::Float64);
    pub const COMPLEX128: TypeId = TypeId::basic(Basic::Complex128);
    pub const STRING: TypeId = TypeId::basic(Basic::String);
    pub const UNTYPED_BOOL: TypeId = TypeId::basic(Basic::UntypedBool);
    pub const UNTYPED_INT: TypeId = TypeId::basic(Basic::UntypedInt);
    pub const UNTYPED_RUNE: TypeId = TypeId::basic(Basic::UntypedRune);
    pub const UNTYPED_FLOAT: TypeId = TypeId::basic(Basic::UntypedFloat);
    pub const UNTYPED_COMPLEX: TypeId = TypeId::basic(Basic::UntypedComplex);
    pub const UNTYPED_STRING: TypeId = TypeId::basic(Basic::UntypedString);
    pub const UNTYPED_NIL: TypeId = TypeId::basic(Basic::UntypedNil);
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Dir {
    Both,
    Send,
    Recv,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Type {
    Invalid,
    Basic(Basic),
    /// A declared type, or an instance of a generic one (`NamedData::args`).
    Named(NamedId),
    Pointer(TypeId),
    Slice(TypeId),
    Array(TypeId, u64),
    Map(TypeId, TypeId),
    Chan(Dir, TypeId),
    Struct(Arc<[Field]>),
    /// Several results of a call. The empty tuple is `TypeId::VOID`.
    Tuple(Arc<[TypeId]>),
    Func(Arc<FuncType>),
    Interface(Arc<InterfaceType>),
    TypeParam(TypeParamId),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Field {
    pub name: Sym,
    /// The declaring package where the name is unexported (or blank), else `PkgId::NONE`: part of the identity.
    pub pkg: PkgId,
    pub ty: TypeId,
    pub embedded: bool,
    /// The unquoted tag; `Sym::EMPTY` without one.
    pub tag: Sym,
}

/// A signature without receiver. With `variadic` the last parameter's type is the slice type.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FuncType {
    pub params: Vec<TypeId>,
    pub results: Vec<TypeId>,
    pub variadic: bool,
}

/// An interface in flattened form: embedded interfaces are merged in.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct InterfaceType {
    /// All methods, sorted by name text, then by package.
    pub methods: Vec<IfaceMethod>,
    /// `None`: all types. Constraint interfaces only.
    pub terms: Option<Vec<Term>>,
    pub comparable: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct IfaceMethod {
    pub name: Sym,
    /// As `Field::pkg`.
    pub pkg: PkgId,
    /// A `Type::Func`.
    pub sig: TypeId,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Term {
    pub tilde: bool,
    pub ty: TypeId,
}

pub struct NamedData {
    /// The `ObjKind::TypeName` that declared it (for an instance: the generic type's).
    pub obj: ObjId,
    pub name: Sym,
    pub pkg: PkgId,
    /// Parameters of a generic type; empty for instances.
    pub tparams: Vec<TypeParamId>,
    /// For an instance: the generic type and its arguments.
    pub origin: Option<NamedId>,
    pub args: Vec<TypeId>,
    /// Never a `Named`; `TypeId::INVALID` until resolved.
    pub underlying: TypeId,
    /// Declared methods (`ObjKind::Func`), in source order; an instance shares its origin's.
    pub methods: Vec<ObjId>,
    /// Declared inside a function.
    pub local: bool,
    /// For a type declared inside a generic function: the type parameters in scope there, which the type may use
    /// without listing them. Substituting them gives an instance, like that of a generic type (`args` begins with their
    /// values).
    pub outer: Vec<TypeParamId>,
}

pub struct TypeParamData {
    pub name: Sym,
    pub obj: ObjId,
    /// Position in its list.
    pub index: u32,
    /// A `Type::Interface` (or a `Named` one).
    pub constraint: TypeId,
}

/// What is known of a type from its parts.
#[derive(Clone, Copy)]
struct Shape {
    /// 1 + the largest depth of its parts.
    depth: u32,
    /// A type parameter occurs in it.
    parameterized: bool,
}

/// All types of a program.
pub struct Types {
    types: Vec<Type>,
    shapes: Vec<Shape>,
    ids: FxHashMap<Type, TypeId>,
    pub named: Vec<NamedData>,
    pub tparams: Vec<TypeParamData>,
    /// `(generic type, arguments)` to the instance.
    pub instances: FxHashMap<(NamedId, Vec<TypeId>), NamedId>,
    /// Instances that have no underlying type yet (see `instantiate`).
    pub(super) queue: Vec<NamedId>,
    /// Instances whose generic type is not resolved yet.
    pub(super) waiting: Vec<NamedId>,
    pub(super) expanding: bool,
    /// More or deeper instances than the limits allow were asked for: those stay unresolved.
    pub overflowed: bool,
    /// Memo of `strip_tags`.
    pub(super) stripped: FxHashMap<TypeId, TypeId>,
}

impl Default for Types {
    fn default() -> Self {
        let mut types = Types {
            types: Vec::new(),
            shapes: Vec::new(),
            ids: FxHashMap::default(),
            named: Vec::new(),
            tparams: Vec::new(),
            instances: FxHashMap::default(),
            queue: Vec::new(),
            waiting: Vec::new(),
            expanding: false,
            overflowed: false,
            stripped: FxHashMap::default(),
        };
        assert_eq!(types.intern(Type::Invalid), TypeId::INVALID);
        assert_eq!(types.intern(Type::Tuple(Arc::new([]))), TypeId::VOID);
        for b in Basic::ALL {
            assert_eq!(types.intern(Type::Basic(b)), TypeId::basic(b));
        }
        types
    }
}

impl Types {
    pub fn intern(&mut self, ty: Type) -> TypeId {
        if let Some(&id) = self.ids.get(&ty) {
            return id;
        }
        let id = TypeId(self.types.len() as u32);
        let shape = self.shape_of(&ty);
        self.shapes.push(shape);
        self.types.push(ty.clone());
        self.ids.insert(ty, id);
        id
    }

    fn shape_of(&self, ty: &Type) -> Shape {
        let mut shape = Shape { depth: 0, parameterized: false };
        let mut add = |id: &TypeId| {
            let part = self.shapes[id.0 as usize];
            shape.depth = shape.depth.max(part.depth);
            shape.parameterized |= part.parameterized;
        };
        match ty {
            Type::Invalid | Type::Basic(_) => {}
            Type::Named(n) => {
                let named = self.named(*n);
                named.args.iter().for_each(&mut add);
                shape.parameterized |= named.origin.is_none() && !named.outer.is_empty();
            }
            Type::Pointer(t) | Type::Slice(t) | Type::Array(t, _) | Type::Chan(_, t) => add(t),
            Type::Map(k, v) => {
                add(k);
                add(v);
            }
            Type::Struct(fields) => fields.iter().for_each(|f| add(&f.ty)),
            Type::Tuple(list) => list.iter().for_each(add),
            Type::Func(f) => f.params.iter().chain(&f.results).for_each(add),
            Type::Interface(i) => {
                i.methods.iter().for_each(|m| add(&m.sig));
                i.terms.iter().flatten().for_each(|t| add(&t.ty));
            }
            Type::TypeParam(_) => shape.parameterized = true,
        }
        shape.depth += 1;
        shape
    }

    /// Nesting of type literals and type arguments in `id`; a declared type counts as one.
    pub fn depth(&self, id: TypeId) -> u32 {
        self.shapes[id.0 as usize].depth
    }

    /// A type parameter occurs in `id`.
    pub fn parameterized(&self, id: TypeId) -> bool {
        self.shapes[id.0 as usize].parameterized
    }

    /// Adds a declared type; its `outer` and `args` must be final.
    pub fn new_named(&mut self, data: NamedData) -> (NamedId, TypeId) {
        let id = NamedId(self.named.len() as u32);
        self.named.push(data);
        (id, self.intern(Type::Named(id)))
    }

    pub fn new_tparam(&mut self, name: Sym, obj: ObjId, index: u32, constraint: TypeId) -> (TypeParamId, TypeId) {
        let id = TypeParamId(self.tparams.len() as u32);
        self.tparams.push(TypeParamData { name, obj, index, constraint });
        (id, self.intern(Type::TypeParam(id)))
    }

    pub fn tparam(&self, id: TypeParamId) -> &TypeParamData {
        &self.tparams[id.0 as usize]
    }

    /// The id of a type parameter's type.
    pub fn tparam_type(&mut self, id: TypeParamId) -> TypeId {
        self.intern(Type::TypeParam(id))
    }

    pub fn get(&self, id: TypeId) -> &Type {
        &self.types[id.0 as usize]
    }

    pub fn named(&self, id: NamedId) -> &NamedData {
        &self.named[id.0 as usize]
    }

    /// The underlying type's id: itself unless `Named`.
    pub fn underlying_id(&self, id: TypeId) -> TypeId {
        match self.get(id) {
            Type::Named(n) => self.named(*n).underlying,
            _ => id,
        }
    }

    pub fn underlying(&self, id: TypeId) -> &Type {
        self.get(self.underlying_id(id))
    }

    pub fn as_basic(&self, id: TypeId) -> Option<Basic> {
        match self.underlying(id) {
            Type::Basic(b) => Some(*b),
            _ => None,
        }
    }

    pub fn as_named(&self, id: TypeId) -> Option<NamedId> {
        match self.get(id) {
            Type::Named(n) => Some(*n),
            _ => None,
        }
    }

    pub fn is_interface(&self, id: TypeId) -> bool {
        matches!(self.underlying(id), Type::Interface(_))
    }

    pub fn pointer(&mut self, elem: TypeId) -> TypeId {
        self.intern(Type::Pointer(elem))
    }

    pub fn slice(&mut self, elem: TypeId) -> TypeId {
        self.intern(Type::Slice(elem))
    }

    pub fn len(&self) -> usize {
        self.types.len()
    }

    pub fn is_empty(&self) -> bool {
        false
    }
}
