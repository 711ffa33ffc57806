//! Types as text, in two styles: as Go's compiler writes them in messages, and as `%T` shows them at run time.
use super::info::{Info, PkgId};
use super::ty::*;
use crate::base::intern::{Interner, Sym};
use std::fmt::Write;

/// How types are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// In a message about this package, whose own names are not qualified. `byte`/`rune`: how uint8 and int32 are
    /// called, since the two names of each denote one type.
    Message { pkg: PkgId, byte: bool, rune: bool },
    /// `%T`, `reflect.Type.String`.
    Runtime,
}

/// Longest text of a type: types can be exponentially larger than their declaration.
const MAX_TEXT: usize = 64 * 1024;

/// The type as text.
pub fn type_string(info: &Info, names: &Interner, ty: TypeId, style: Style) -> String {
    let mut p = Printer { info, names, style, out: String::new(), in_args: false };
    p.ty(ty);
    p.out
}

/// The type as `%T` shows it.
pub fn runtime_string(info: &Info, names: &Interner, ty: TypeId) -> String {
    type_string(info, names, ty, Style::Runtime)
}

/// A signature without `func`: `(int) string`.
pub fn signature_string(info: &Info, names: &Interner, sig: TypeId, style: Style) -> String {
    let mut p = Printer { info, names, style, out: String::new(), in_args: false };
    if let Type::Func(f) = info.types.get(sig) {
        p.signature(f);
    }
    p.out
}

struct Printer<'a> {
    info: &'a Info,
    names: &'a Interner,
    style: Style,
    out: String,
    /// Inside type arguments, which the run time qualifies by path.
    in_args: bool,
}

impl Printer<'_> {
    fn runtime(&self) -> bool {
        self.style == Style::Runtime
    }

    fn sym(&mut self, sym: Sym) {
        self.out.push_str(self.names.name(sym));
    }

    fn list(&mut self, list: &[TypeId], sep: &str) {
        for (i, &t) in list.iter().enumerate() {
            if i > 0 {
                self.out.push_str(sep);
            }
            self.ty(t);
        }
    }

    fn ty(&mut self, ty: TypeId) {
        if self.out.len() > MAX_TEXT {
            return;
        }
        match self.info.types.get(ty) {
            Type::Invalid => self.out.push_str("invalid type"),
            Type::Basic(b) => {
                let name = match (b, self.style) {
                    (Basic::Uint8, Style::Message { byte: true, .. }) => "byte",
                    (Basic::Int32, Style::Message { rune: true, .. }) => "rune",
                    _ => b.name(),
                };
                self.out.push_str(name);
            }
            Type::Named(n) => self.named(*n),
            Type::Pointer(t) => {
                self.out.push('*');
                self.ty(*t);
            }
            Type::Slice(t) => {
                self.out.push_str("[]");
                self.ty(*t);
            }
            Type::Array(t, n) => {
                let _ = write!(self.out, "[{n}]");
                self.ty(*t);
            }
            Type::Map(k, v) => {
                self.out.push_str("map[");
                self.ty(*k);
                self.out.push(']');
                self.ty(*v);
            }
            Type::Chan(dir, t) => {
                self.out.push_str(match dir {
                    Dir::Both => "chan ",
                    Dir::Send => "chan<- ",
                    Dir::Recv => "<-chan ",
                });
                let parens = *dir != Dir::Send && matches!(self.info.types.get(*t), Type::Chan(Dir::Recv, _));
                let parens = parens && *dir == Dir::Both;
                if parens {
                    self.out.push('(');
                }
                self.ty(*t);
                if parens {
                    self.out.push(')');
                }
            }
            Type::Struct(fields) => self.structure(fields),
            Type::Tuple(list) => {
                self.out.push('(');
                self.list(list, ", ");
                self.out.push(')');
            }
            Type::Func(f) => {
                self.out.push_str("func");
                self.signature(f);
            }
            Type::Interface(i) => self.interface(i),
            Type::TypeParam(p) => self.sym(self.info.types.tparam(*p).name),
        }
    }

    fn named(&mut self, n: NamedId) {
        let data = self.info.types.named(n);
        if data.pkg != PkgId::NONE {
            match self.style {
                Style::Message { pkg, .. } if pkg == data.pkg => {}
                _ => {
                    let package = self.info.pkg(data.pkg);
                    self.sym(if self.in_args && self.runtime() { package.path } else { package.name });
                    self.out.push('.');
                }
            }
        }
        self.sym(data.name);
        if !data.args.is_empty() {
            let was = std::mem::replace(&mut self.in_args, true);
            let outer = match data.origin.map(|o| self.info.types.named(o)) {
                Some(origin) if !origin.tparams.is_empty() => origin.outer.len(),
                _ => 0,
            };
            self.out.push('[');
            if outer > 0 && self.runtime() {
                self.list(&data.args[..outer], ",");
                self.out.push(';');
            }
            self.list(&data.args[outer..], ",");
            self.out.push(']');
            self.in_args = was;
        } else if !data.tparams.is_empty() && !self.runtime() {
            self.out.push('[');
            for (i, &p) in data.tparams.iter().enumerate() {
                if i > 0 {
                    self.out.push_str(", ");
                }
                let p = self.info.types.tparam(p);
                let (name, constraint) = (p.name, p.constraint);
                self.sym(name);
                let next = data.tparams.get(i + 1).map(|&q| self.info.types.tparam(q).constraint);
                if next != Some(constraint) {
                    self.out.push(' ');
                    self.ty(constraint);
                }
            }
            self.out.push(']');
        }
    }

    fn structure(&mut self, fields: &[Field]) {
        if fields.is_empty() {
            self.out.push_str(if self.runtime() { "struct {}" } else { "struct{}" });
            return;
        }
        self.out.push_str(if self.runtime() { "struct { " } else { "struct{" });
        for (i, f) in fields.iter().enumerate() {
            if i > 0 {
                self.out.push_str("; ");
            }
            if !f.embedded {
                self.sym(f.name);
                self.out.push(' ');
            }
            self.ty(f.ty);
            if f.tag != Sym::EMPTY {
                self.out.push(' ');
                self.out.push_str(&super::constant::quote(self.names.name(f.tag)));
            }
        }
        self.out.push_str(if self.runtime() { " }" } else { "}" });
    }

    fn signature(&mut self, f: &FuncType) {
        self.out.push('(');
        for (i, &t) in f.params.iter().enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            if f.variadic && i + 1 == f.params.len() {
                self.out.push_str("...");
                match self.info.types.get(t) {
                    Type::Slice(e) => self.ty(*e),
                    _ => self.ty(t),
                }
            } else {
                self.ty(t);
            }
        }
        self.out.push(')');
        match f.results[..] {
            [] => {}
            [one] => {
                self.out.push(' ');
                self.ty(one);
            }
            _ => {
                self.out.push_str(" (");
                self.list(&f.results, ", ");
                self.out.push(')');
            }
        }
    }

    fn interface(&mut self, i: &InterfaceType) {
        if Types::is_empty_interface(i) {
            self.out.push_str(if self.runtime() { "interface {}" } else { "any" });
            return;
        }
        if i.methods.is_empty() && !i.comparable && !self.runtime() {
            if let Some(terms) = &i.terms {
                self.terms(terms);
            }
            return;
        }
        self.out.push_str(if self.runtime() { "interface { " } else { "interface{" });
        let mut first = true;
        let mut sep = |p: &mut Self| {
            if !std::mem::take(&mut first) {
                p.out.push_str("; ");
            }
        };
        for m in &i.methods {
            sep(self);
            self.sym(m.name);
            if let Type::Func(f) = self.info.types.get(m.sig) {
                self.signature(f);
            }
        }
        if i.comparable {
            sep(self);
            self.out.push_str("comparable");
        }
        if let Some(terms) = &i.terms {
            sep(self);
            self.terms(terms);
        }
        self.out.push_str(if self.runtime() { " }" } else { "}" });
    }

    fn terms(&mut self, terms: &[Term]) {
        if terms.is_empty() {
            self.out.push('∅');
        }
        for (i, t) in terms.iter().enumerate() {
            if i > 0 {
                self.out.push_str(" | ");
            }
            if t.tilde {
                self.out.push('~');
            }
            self.ty(t.ty);
        }
    }
}

/// A union as messages show it: `~int | string`.
pub fn terms_string(info: &Info, names: &Interner, terms: &[Term], style: Style) -> String {
    let mut p = Printer { info, names, style, out: String::new(), in_args: false };
    p.terms(terms);
    p.out
}
