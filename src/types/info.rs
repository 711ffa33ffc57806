//! What the checker found out: the contract between `types` and `compile`. Side tables over the tree.
//!
//! Generic functions are checked once, with type parameters standing for themselves; `compile` makes one copy for
//! each list of type arguments, substituting with `instantiate::subst`.
use super::constant::Const;
use super::ty::{TypeId, TypeParamId, Types};
use crate::base::intern::Sym;
use crate::base::span::Span;
use crate::syntax::ast::{ExprId, FuncId};
use rustc_hash::FxHashMap;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ObjId(pub u32);
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct PkgId(pub u32);

impl PkgId {
    pub const NONE: PkgId = PkgId(u32::MAX);
}

/// A named thing.
pub struct Object {
    pub name: Sym,
    pub kind: ObjKind,
    /// A variable's, constant's or function's type; the type a type name denotes; `INVALID` for packages and labels.
    pub ty: TypeId,
    /// The declaring identifier.
    pub span: Span,
    /// `PkgId::NONE` for predeclared names.
    pub pkg: PkgId,
}

pub enum ObjKind {
    /// A local variable, parameter or result.
    Local,
    /// A package-level variable.
    Global,
    Const(Const),
    TypeName,
    /// A function or method: `func` is `None` only where the declaration was broken.
    Func(FuncObj),
    Package(PkgId),
    Builtin(Builtin),
    Nil,
    Label,
}

pub struct FuncObj {
    pub func: Option<FuncId>,
    /// For a method: the receiver's base type as declared (generic: the generic type itself) and whether the receiver is a pointer.
    pub recv: Option<Recv>,
    /// The function's own type parameters, or for a method of a generic type those its receiver list declares
    /// (one for each of the generic type's, in order).
    pub tparams: Vec<TypeParamId>,
    /// The type parameters a method declares itself (Go 1.27's generic methods); empty for functions.
    pub method_tparams: Vec<TypeParamId>,
    /// Declared without a body: implemented by the native registered as `path.Name` or `path.Type.Name`.
    pub native: bool,
}

#[derive(Clone, Copy)]
pub struct Recv {
    pub base: TypeId,
    pub pointer: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Builtin {
    Append,
    Cap,
    Clear,
    Close,
    Complex,
    Copy,
    Delete,
    Imag,
    Len,
    Make,
    Max,
    Min,
    New,
    Panic,
    Print,
    Println,
    Real,
    Recover,
}

/// What an expression denotes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// Not visited, or wrong.
    #[default]
    Invalid,
    /// A call without results.
    NoValue,
    Builtin,
    Type,
    Const,
    /// Addressable.
    Variable,
    /// An element of a map: assignable, not addressable.
    MapIndex,
    Value,
    Nil,
    /// A value that also has a comma-ok form (map index, receive, type assertion): used as a single value. With
    /// two left sides the expression's type is the tuple `(T, bool)` and its mode `CommaOk`.
    CommaOk,
    /// The name of an imported package, on the left of a selector.
    Package,
}

/// A selector `x.f` that is no qualified identifier.
#[derive(Clone, Debug)]
pub struct Selection {
    pub kind: SelectionKind,
    /// Field indices from `x` to the field, or to the embedded field that has the method (then without the method).
    /// A pointer on the way is dereferenced implicitly.
    pub path: Vec<u32>,
    /// `x`'s type (`T` for a method expression `T.m`).
    pub recv: TypeId,
    /// The selected field's type or the method's signature without receiver; for a method expression the function
    /// type with the receiver as first parameter.
    pub ty: TypeId,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SelectionKind {
    Field,
    /// A declared method, reached over `path`. `addr`: the receiver's address is taken (`x` is addressable);
    /// `deref`: the receiver is dereferenced. Exactly as needed for the last step.
    Method {
        obj: ObjId,
    },
    /// A method of an interface (or of a type parameter's constraint) reached over `path`: index in
    /// `InterfaceType::methods` of that type.
    Interface {
        index: u32,
    },
    /// `T.m`
    MethodExpr {
        obj: ObjId,
    },
    /// `I.m`
    InterfaceExpr {
        index: u32,
    },
}

/// Package-level initialisation in dependency order: `lhs = rhs`.
pub struct Init {
    /// Blank names give no object.
    pub lhs: Vec<Option<ObjId>>,
    pub rhs: ExprId,
}

pub struct Package {
    /// Import path, e.g. `strings`, `example.com/x/util`; `main` for the program.
    pub path: Sym,
    pub name: Sym,
    /// Indices into `Ast::files`.
    pub files: Vec<usize>,
    pub imports: Vec<PkgId>,
    pub scope: FxHashMap<Sym, ObjId>,
    pub inits: Vec<Init>,
    /// `func init()` in source order.
    pub init_funcs: Vec<ObjId>,
    /// A package of the standard library: errors inside it are ours, its unexported natives are reachable.
    pub std: bool,
}

/// Everything the compiler needs beyond the tree.
#[derive(Default)]
pub struct Info {
    pub types: Types,
    pub objects: Vec<Object>,
    /// In dependency order: imported packages come before their importers; the program is last.
    pub packages: Vec<Package>,
    /// By `ExprId`: the type after untyped conversion. For a type expression the type it denotes.
    pub expr_types: Vec<TypeId>,
    /// By `ExprId`.
    pub modes: Vec<Mode>,
    /// Value of every constant expression (and of no other), already converted to the expression's type: its variant
    /// follows the type (`Int` for integer types and so on). A constant of type-parameter type keeps the variant of its
    /// untyped kind: convert it with `Const::represent` after substitution. Parts of a constant expression may stay
    /// untyped; only the outermost constant counts.
    pub consts: FxHashMap<ExprId, Const>,
    /// Identifiers and qualified identifiers (the `Selector`'s id) used as expressions or types.
    pub uses: FxHashMap<ExprId, ObjId>,
    /// Declaring identifiers by `span.lo`. In `x, y := ...` a name that is only assigned is in `uses` by its ExprId
    /// and not here. Labels, and labels' uses, are resolved by name by the compiler.
    pub defs: FxHashMap<u32, ObjId>,
    /// The variable of each clause of `switch x := y.(type)`, by the clause's `span.lo`.
    pub implicits: FxHashMap<u32, ObjId>,
    /// By the `Selector`; also by the key of each `key: value` of a struct literal (a path longer than one is a
    /// promoted field).
    pub selections: FxHashMap<ExprId, Selection>,
    /// Type arguments of a use of a generic function, by the `Ident` or `Selector` that denotes it (the innermost
    /// expression, which is in `uses`); of a generic method (its own arguments only), by the `Selector`.
    pub instances: FxHashMap<ExprId, Vec<TypeId>>,
    /// The top-level statements of a script in order (the body of `main`); empty otherwise.
    pub script: Vec<crate::syntax::ast::StmtId>,
}

impl Info {
    pub fn obj(&self, id: ObjId) -> &Object {
        &self.objects[id.0 as usize]
    }
    pub fn type_of(&self, id: ExprId) -> TypeId {
        self.expr_types.get(id.0 as usize).copied().unwrap_or(TypeId::INVALID)
    }
    pub fn mode(&self, id: ExprId) -> Mode {
        self.modes.get(id.0 as usize).copied().unwrap_or_default()
    }
    pub fn pkg(&self, id: PkgId) -> &Package {
        &self.packages[id.0 as usize]
    }
}
