//! The predeclared names.
use super::check::{Checker, UNIVERSE};
use super::constant::Const;
use super::info::*;
use super::ty::*;
use crate::base::span::Span;
use std::sync::Arc;

impl Builtin {
    pub fn name(self) -> &'static str {
        use Builtin::*;
        match self {
            Append => "append",
            Cap => "cap",
            Clear => "clear",
            Close => "close",
            Complex => "complex",
            Copy => "copy",
            Delete => "delete",
            Imag => "imag",
            Len => "len",
            Make => "make",
            Max => "max",
            Min => "min",
            New => "new",
            Panic => "panic",
            Print => "print",
            Println => "println",
            Real => "real",
            Recover => "recover",
        }
    }

    pub const ALL: [Builtin; 18] = {
        use Builtin::*;
        [
            Append, Cap, Clear, Close, Complex, Copy, Delete, Imag, Len, Make, Max, Min, New, Panic, Print, Println,
            Real, Recover,
        ]
    };
}

impl Checker<'_> {
    pub fn universe(&mut self) {
        self.new_scope(None);
        for b in Basic::ALL {
            if !b.is_untyped() && b != Basic::UnsafePointer {
                self.predeclare(b.name(), ObjKind::TypeName, TypeId::basic(b));
            }
        }
        self.predeclare("byte", ObjKind::TypeName, TypeId::UINT8);
        self.predeclare("rune", ObjKind::TypeName, TypeId::INT32);
        let any = self.types().empty_interface();
        self.any_type = any;
        self.predeclare("any", ObjKind::TypeName, any);

        let error_method = self.names.intern("Error");
        let sig = self.types().func(vec![], vec![TypeId::STRING], false);
        let methods = vec![IfaceMethod { name: error_method, pkg: PkgId::NONE, sig }];
        self.error_type = self.predeclared_interface("error", methods, false);
        self.comparable_type = self.predeclared_interface("comparable", vec![], true);

        self.predeclare("true", ObjKind::Const(Const::Bool(true)), TypeId::UNTYPED_BOOL);
        self.predeclare("false", ObjKind::Const(Const::Bool(false)), TypeId::UNTYPED_BOOL);
        self.predeclare("iota", ObjKind::Const(Const::int(0)), TypeId::UNTYPED_INT);
        self.predeclare("nil", ObjKind::Nil, TypeId::UNTYPED_NIL);
        for b in Builtin::ALL {
            self.predeclare(b.name(), ObjKind::Builtin(b), TypeId::INVALID);
        }
    }

    fn predeclare(&mut self, name: &str, kind: ObjKind, ty: TypeId) -> ObjId {
        let name = self.names.intern(name);
        let obj = self.new_object(name, kind, ty, Span::NONE);
        self.scopes[UNIVERSE.0 as usize].names.insert(name, obj);
        obj
    }

    fn predeclared_interface(&mut self, name: &str, methods: Vec<IfaceMethod>, comparable: bool) -> TypeId {
        let obj = self.predeclare(name, ObjKind::TypeName, TypeId::INVALID);
        let underlying =
            self.types().intern(Type::Interface(Arc::new(InterfaceType { methods, terms: None, comparable })));
        let name = self.obj(obj).name;
        let (_, ty) = self.types().new_named(NamedData {
            obj,
            name,
            pkg: PkgId::NONE,
            tparams: Vec::new(),
            origin: None,
            args: Vec::new(),
            underlying,
            methods: Vec::new(),
            local: false,
            outer: Vec::new(),
        });
        self.set_type(obj, ty);
        ty
    }
}
