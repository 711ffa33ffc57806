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
            Bool, Int, Int8, Int16, Int32, Int64, Uint, Uint8, Uint16, Uint32, Uint64, Uintptr, Float32, Float64,
            Complex64, Complex128, String, UnsafePointer, UntypedBool, UntypedInt, UntypedRune, UntypedFloat,
            UntypedComplex, UntypedString, UntypedNil,
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
    /// Declared inside a function: the function's name path, for printing nothing but for telling types apart.
    pub local: bool,
}

pub struct TypeParamData {
    pub name: Sym,
    pub obj: ObjId,
    /// Position in its list.
    pub index: u32,
    /// A `Type::Interface` (or a `Named` one).
    pub constraint: TypeId,
}

/// All types of a program.
pub struct Types {
    types: Vec<Type>,
    ids: FxHashMap<Type, TypeId>,
    pub named: Vec<NamedData>,
    pub tparams: Vec<TypeParamData>,
    /// `(generic type, arguments)` to the instance.
    pub instances: FxHashMap<(NamedId, Vec<TypeId>), NamedId>,
}

impl Default for Types {
    fn default() -> Self {
        let mut types = Types {
            types: Vec::new(),
            ids: FxHashMap::default(),
            named: Vec::new(),
            tparams: Vec::new(),
            instances: FxHashMap::default(),
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
        self.types.push(ty.clone());
        self.ids.insert(ty, id);
        id
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
