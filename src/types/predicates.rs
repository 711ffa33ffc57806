//! Questions about types: classes of basic types, comparability, type sets of type parameters, default types.
//! `all_*` ask about every type of a type parameter's type set; the plain ones only about the type itself.
use super::ty::*;
use std::sync::Arc;

impl Basic {
    pub fn is_untyped(self) -> bool {
        self >= Basic::UntypedBool
    }
    pub fn is_boolean(self) -> bool {
        matches!(self, Basic::Bool | Basic::UntypedBool)
    }
    pub fn is_integer(self) -> bool {
        (self >= Basic::Int && self <= Basic::Uintptr) || matches!(self, Basic::UntypedInt | Basic::UntypedRune)
    }
    pub fn is_unsigned(self) -> bool {
        self >= Basic::Uint && self <= Basic::Uintptr
    }
    pub fn is_float(self) -> bool {
        matches!(self, Basic::Float32 | Basic::Float64 | Basic::UntypedFloat)
    }
    pub fn is_complex(self) -> bool {
        matches!(self, Basic::Complex64 | Basic::Complex128 | Basic::UntypedComplex)
    }
    pub fn is_numeric(self) -> bool {
        self.is_integer() || self.is_float() || self.is_complex()
    }
    pub fn is_string(self) -> bool {
        matches!(self, Basic::String | Basic::UntypedString)
    }
    pub fn is_ordered(self) -> bool {
        self.is_integer() || self.is_float() || self.is_string()
    }
    /// A type constants may have.
    pub fn is_const_type(self) -> bool {
        !matches!(self, Basic::UnsafePointer | Basic::UntypedNil)
    }
    pub fn name(self) -> &'static str {
        use Basic::*;
        match self {
            Bool => "bool",
            Int => "int",
            Int8 => "int8",
            Int16 => "int16",
            Int32 => "int32",
            Int64 => "int64",
            Uint => "uint",
            Uint8 => "uint8",
            Uint16 => "uint16",
            Uint32 => "uint32",
            Uint64 => "uint64",
            Uintptr => "uintptr",
            Float32 => "float32",
            Float64 => "float64",
            Complex64 => "complex64",
            Complex128 => "complex128",
            String => "string",
            UnsafePointer => "unsafe.Pointer",
            UntypedBool => "untyped bool",
            UntypedInt => "untyped int",
            UntypedRune => "untyped rune",
            UntypedFloat => "untyped float",
            UntypedComplex => "untyped complex",
            UntypedString => "untyped string",
            UntypedNil => "untyped nil",
        }
    }
}

/// Why a type is not comparable.
pub enum Incomparable {
    /// Slices, maps and functions, type parameters, or a part whose own cause is plain.
    Plain,
    Field(crate::base::intern::Sym),
    Element(TypeId),
    TypeParam,
    EmptyTypeSet,
}

impl Types {
    pub fn basic(&self, ty: TypeId, test: impl Fn(Basic) -> bool) -> bool {
        matches!(self.underlying(ty), Type::Basic(b) if test(*b))
    }

    pub fn is_untyped(&self, ty: TypeId) -> bool {
        ty >= TypeId::UNTYPED_BOOL && ty <= TypeId::UNTYPED_NIL
    }

    pub fn is_tparam(&self, ty: TypeId) -> bool {
        matches!(self.get(ty), Type::TypeParam(_))
    }

    pub fn as_tparam(&self, ty: TypeId) -> Option<TypeParamId> {
        match self.get(ty) {
            Type::TypeParam(p) => Some(*p),
            _ => None,
        }
    }

    /// The constraint of a type parameter as an interface; `None` while it is not resolved.
    pub fn constraint(&self, p: TypeParamId) -> Option<&Arc<InterfaceType>> {
        match self.underlying(self.tparam(p).constraint) {
            Type::Interface(i) => Some(i),
            _ => None,
        }
    }

    /// The interface behind an interface type or a type parameter.
    pub fn interface_of(&self, ty: TypeId) -> Option<&Arc<InterfaceType>> {
        match self.underlying(ty) {
            Type::Interface(i) => Some(i),
            Type::TypeParam(p) => self.constraint(*p),
            _ => None,
        }
    }

    /// The underlying type, for a type parameter its constraint.
    pub fn is_interface_like(&self, ty: TypeId) -> bool {
        self.is_interface(ty) || self.is_tparam(ty)
    }

    /// Calls `f` with each type of the type set and its underlying type, or once with `None` for a type parameter
    /// without specific types or with none at all; true if all calls are. Any other type stands for itself.
    pub fn all(&self, ty: TypeId, mut f: impl FnMut(Option<(TypeId, TypeId)>) -> bool) -> bool {
        let Type::TypeParam(p) = self.get(ty) else { return f(Some((ty, self.underlying_id(ty)))) };
        match self.constraint(*p).and_then(|i| i.terms.as_ref()) {
            None => f(None),
            // nothing holds of the types of an empty set
            Some(terms) if terms.is_empty() => f(None),
            Some(terms) => terms.iter().all(|t| f(Some((t.ty, self.underlying_id(t.ty))))),
        }
    }

    /// The specific types of a type parameter; a type by itself otherwise.
    pub fn type_set(&self, ty: TypeId) -> Option<Vec<TypeId>> {
        let mut list = Vec::new();
        let specific = self.all(ty, |t| match t {
            Some((t, _)) => {
                list.push(t);
                true
            }
            None => false,
        });
        specific.then_some(list)
    }

    pub fn all_basic(&self, ty: TypeId, test: impl Fn(Basic) -> bool) -> bool {
        self.all(ty, |t| t.is_some_and(|(_, u)| matches!(self.get(u), Type::Basic(b) if test(*b))))
    }

    pub fn has_empty_type_set(&self, ty: TypeId) -> bool {
        match self.get(ty) {
            Type::TypeParam(p) => {
                self.constraint(*p).and_then(|i| i.terms.as_ref()).is_some_and(|terms| terms.is_empty())
            }
            _ => false,
        }
    }

    /// Predeclared types, declared types and type parameters have names.
    pub fn has_name(&self, ty: TypeId) -> bool {
        matches!(self.get(ty), Type::Basic(_) | Type::Named(_) | Type::TypeParam(_))
    }

    /// Types that include nil.
    pub fn has_nil(&self, ty: TypeId) -> bool {
        match self.underlying(ty) {
            Type::Basic(b) => matches!(b, Basic::UnsafePointer | Basic::UntypedNil),
            Type::Pointer(_) | Type::Slice(_) | Type::Map(..) | Type::Chan(..) | Type::Func(_) => true,
            Type::Interface(_) => true,
            Type::TypeParam(_) => self.all(ty, |t| t.is_some_and(|(t, _)| !self.is_tparam(t) && self.has_nil(t))),
            _ => false,
        }
    }

    /// The default type of an untyped type; other types are their own.
    pub fn default_type(&self, ty: TypeId) -> TypeId {
        match ty {
            TypeId::UNTYPED_BOOL => TypeId::BOOL,
            TypeId::UNTYPED_INT => TypeId::INT,
            TypeId::UNTYPED_RUNE => TypeId::INT32,
            TypeId::UNTYPED_FLOAT => TypeId::FLOAT64,
            TypeId::UNTYPED_COMPLEX => TypeId::COMPLEX128,
            TypeId::UNTYPED_STRING => TypeId::STRING,
            _ => ty,
        }
    }

    /// Comparable with `==`; `dynamic`: interfaces count (their dynamic values may panic), otherwise only strictly
    /// comparable types do.
    pub fn comparable(&self, ty: TypeId, dynamic: bool) -> bool {
        let mut seen = rustc_hash::FxHashSet::default();
        self.incomparable(ty, dynamic, &mut seen).is_none()
    }

    pub fn incomparable_cause(&self, ty: TypeId) -> Option<Incomparable> {
        let mut seen = rustc_hash::FxHashSet::default();
        self.incomparable(ty, true, &mut seen)
    }

    /// `seen` holds types found comparable, or being looked at (then any fault is reported elsewhere).
    fn incomparable(
        &self,
        ty: TypeId,
        dynamic: bool,
        seen: &mut rustc_hash::FxHashSet<TypeId>,
    ) -> Option<Incomparable> {
        if !seen.insert(ty) {
            return None;
        }
        match self.underlying(ty) {
            Type::Basic(Basic::UntypedNil) => Some(Incomparable::Plain),
            Type::Invalid | Type::Basic(_) | Type::Pointer(_) | Type::Chan(..) => None,
            Type::Struct(fields) => {
                fields.iter().find_map(|f| self.incomparable(f.ty, dynamic, seen).map(|_| Incomparable::Field(f.name)))
            }
            Type::Array(elem, _) => self.incomparable(*elem, dynamic, seen).map(|_| Incomparable::Element(ty)),
            Type::Interface(i) => {
                if dynamic || self.iface_comparable(i, seen) {
                    None
                } else {
                    Some(Incomparable::Plain)
                }
            }
            Type::TypeParam(p) => match self.constraint(*p) {
                Some(i) if i.terms.as_ref().is_some_and(|t| t.is_empty()) => Some(Incomparable::EmptyTypeSet),
                Some(i) if !self.iface_comparable(i, seen) => Some(Incomparable::TypeParam),
                _ => None,
            },
            _ => Some(Incomparable::Plain),
        }
    }

    fn iface_comparable(&self, i: &InterfaceType, seen: &mut rustc_hash::FxHashSet<TypeId>) -> bool {
        match &i.terms {
            None => i.comparable,
            Some(terms) => terms.iter().all(|t| self.incomparable(t.ty, false, seen).is_none()),
        }
    }

    /// All types of the interface's type set are comparable.
    pub fn interface_is_comparable(&self, i: &InterfaceType) -> bool {
        self.iface_comparable(i, &mut rustc_hash::FxHashSet::default())
    }

    /// No terms, not `comparable`: usable as the type of a variable.
    pub fn is_basic_interface(i: &InterfaceType) -> bool {
        i.terms.is_none() && !i.comparable
    }

    pub fn is_empty_interface(i: &InterfaceType) -> bool {
        i.methods.is_empty() && i.terms.is_none() && !i.comparable
    }

    pub fn empty_interface(&mut self) -> TypeId {
        self.intern(Type::Interface(Arc::new(InterfaceType { methods: Vec::new(), terms: None, comparable: false })))
    }

    /// `(element, true)` for a pointer literal type, `(ty, false)` otherwise.
    pub fn deref(&self, ty: TypeId) -> (TypeId, bool) {
        match self.get(ty) {
            Type::Pointer(e) => (*e, true),
            _ => (ty, false),
        }
    }

    /// `"array"`, `"slice"` and so on; empty for basic types.
    pub fn composite_kind(&self, ty: TypeId) -> &'static str {
        match self.underlying(ty) {
            Type::Array(..) => "array",
            Type::Slice(_) => "slice",
            Type::Struct(_) => "struct",
            Type::Pointer(_) => "pointer",
            Type::Func(_) => "func",
            Type::Interface(_) => "interface",
            Type::Map(..) => "map",
            Type::Chan(..) => "chan",
            Type::Tuple(_) => "tuple",
            Type::TypeParam(_) => "type parameter",
            _ => "",
        }
    }

    pub fn is_bytes_or_runes(&self, ty: TypeId) -> bool {
        match self.underlying(ty) {
            Type::Slice(e) => matches!(self.underlying(*e), Type::Basic(Basic::Uint8 | Basic::Int32)),
            _ => false,
        }
    }

    /// A term's type set includes `ty`.
    pub fn term_includes(&self, term: &Term, ty: TypeId) -> bool {
        let ty = if term.tilde { self.underlying_id(ty) } else { ty };
        let own = if term.tilde { self.underlying_id(term.ty) } else { term.ty };
        own == ty
    }

    fn term_subset(&self, x: &Term, y: &Term) -> bool {
        if x.tilde && !y.tilde {
            return false;
        }
        self.term_includes(y, x.ty)
    }

    /// Every type of `x` is one of `y`; `None` are all types.
    pub fn terms_subset(&self, x: Option<&[Term]>, y: Option<&[Term]>) -> bool {
        match (x, y) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(x), Some(y)) => x.iter().all(|t| y.iter().any(|u| self.term_subset(t, u))),
        }
    }

    /// The union without terms that others include.
    pub fn normalize_terms(&self, terms: &[Term]) -> Vec<Term> {
        let mut out: Vec<Term> = Vec::new();
        for t in terms {
            if out.iter().any(|o| self.term_subset(t, o)) {
                continue;
            }
            out.retain(|o| !self.term_subset(o, t));
            out.push(*t);
        }
        out
    }

    pub fn intersect_terms(&self, x: Option<Vec<Term>>, y: Option<Vec<Term>>) -> Option<Vec<Term>> {
        let (x, y) = match (x, y) {
            (None, y) => return y,
            (x, None) => return x,
            (Some(x), Some(y)) => (x, y),
        };
        let mut out = Vec::new();
        for a in &x {
            for b in &y {
                if self.term_subset(a, b) {
                    out.push(*a);
                } else if self.term_subset(b, a) {
                    out.push(*b);
                }
            }
        }
        Some(self.normalize_terms(&out))
    }
}
