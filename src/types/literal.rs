//! Composite literals.
use super::check::*;
use super::constant::Const;
use super::info::*;
use super::lookup::{Entry, Lookup, lookup_field_or_method};
use super::operand::*;
use super::ty::*;
use crate::base::diag::Diagnostic;
use crate::base::intern::Sym;
use crate::base::span::Span;
use crate::syntax::ast::*;
use rustc_hash::{FxHashMap, FxHashSet};

/// A constant key as something to compare.
#[derive(PartialEq, Eq, Hash, Clone)]
pub(super) enum Key {
    Bool(bool),
    Str(Vec<u8>),
    /// Numbers by exact value: numerator and denominator of real and imaginary part.
    Num([String; 2]),
}

pub(super) fn key_of(v: &Const) -> Option<Key> {
    Some(match v {
        Const::Bool(b) => Key::Bool(*b),
        Const::Str(s) => Key::Str(s.to_vec()),
        _ => {
            let (r, i) = v.as_complex()?;
            Key::Num([r.to_string(), i.to_string()])
        }
    })
}

impl<'a> Checker<'a> {
    /// `ty{elems}`; without type, `hint` is the element type of the literal around it.
    pub fn composite(
        &mut self,
        e: ExprId,
        ty: Option<ExprId>,
        elems: &'a [Element],
        braces: Span,
        hint: TypeId,
    ) -> Operand {
        let mut open_array = None;
        let mut inner = false;
        let (ty, base) = match ty {
            Some(t) => {
                if let ExprKind::ArrayType { len: None, elem } = self.ast.expr(t).kind {
                    let elem = self.var_type(elem);
                    open_array = Some((t, elem));
                    (TypeId::INVALID, TypeId::INVALID)
                } else {
                    let ty = self.typ(t);
                    (ty, ty)
                }
            }
            None if hint != TypeId::INVALID => {
                inner = true;
                let base = match self.common_under(hint).map(|u| self.t().get(u).clone()) {
                    Ok(Type::Pointer(b)) => b,
                    _ => hint,
                };
                (hint, base)
            }
            None => {
                self.err(
                    "composite-type",
                    self.span(e),
                    "invalid composite literal type: missing type in composite literal",
                );
                self.use_elements(elems);
                return Operand::invalid(e);
            }
        };
        if let Some((t, elem)) = open_array {
            let n = self.indexed_elements(elems, elem, None);
            if elem == TypeId::INVALID {
                return Operand::invalid(e);
            }
            let ty = self.types().intern(Type::Array(elem, n));
            self.record(t, Mode::Type, ty, None);
            return Operand::at(Mode::Value, ty, e);
        }
        if base == TypeId::INVALID {
            self.use_elements(elems);
            return Operand::invalid(e);
        }
        if !self.complete(base) {
            self.use_elements(elems);
            return Operand::invalid(e);
        }
        let under = self.common_under(base);
        let (under, cause) = match under {
            Ok(u) => (u, ""),
            Err(_) => (TypeId::VOID, " (no common underlying type)"),
        };
        match self.t().get(under).clone() {
            Type::Struct(fields) => {
                if elems.is_empty() {
                } else if elems[0].key.is_some() {
                    self.keyed_fields(base, under, elems);
                } else {
                    self.positional_fields(base, &fields, elems, braces);
                }
            }
            Type::Array(elem, n) => {
                self.indexed_elements(elems, elem, Some(n));
            }
            Type::Slice(elem) => {
                self.indexed_elements(elems, elem, None);
            }
            Type::Map(key, value) => self.map_elements(key, value, elems),
            Type::Invalid => {
                self.use_elements(elems);
                return Operand::invalid(e);
            }
            _ => {
                self.use_elements(elems);
                let what = if inner { " element" } else { "" };
                let message = format!("invalid composite literal{what} type {}{cause}", self.ts(ty));
                self.err("composite-type", self.span(e), message);
                return Operand::invalid(e);
            }
        }
        Operand::at(Mode::Value, ty, e)
    }

    /// A declared type that is still being declared cannot be used for values; a report if so.
    pub fn complete(&mut self, ty: TypeId) -> bool {
        if ty == TypeId::INVALID {
            return false;
        }
        if self.t().underlying_id(ty) != TypeId::INVALID {
            return true;
        }
        if let Some(n) = self.t().as_named(ty) {
            let origin = self.t().named(n).origin.unwrap_or(n);
            let o = self.t().named(origin).obj;
            if let Some(start) = self.path.iter().position(|&p| p == o) {
                let cycle: Vec<ObjId> = self.path[start..].to_vec();
                self.cycle_error(&cycle);
                // one report is enough
                self.info.types.set_underlying(origin, TypeId::INVALID);
            }
        }
        false
    }

    fn use_elements(&mut self, elems: &[Element]) {
        for el in elems {
            let inner = self.ast.unparen(el.value);
            if let ExprKind::Composite { ty: None, elems, .. } = &self.ast.expr(inner).kind {
                let elems: Vec<Element> = elems.clone();
                self.use_elements(&elems);
            } else {
                self.use_exprs(&[el.value]);
            }
        }
    }

    fn keyed_fields(&mut self, base: TypeId, under: TypeId, elems: &'a [Element]) {
        let mut seen: Vec<(Vec<u32>, Sym)> = Vec::new();
        let mut simple: FxHashSet<u32> = FxHashSet::default();
        for el in elems {
            let Some(key) = el.key else {
                self.err(
                    "composite-mixture",
                    self.span(el.value),
                    "mixture of field:value and value elements in struct literal",
                );
                continue;
            };
            let ExprKind::Ident(name) = self.ast.expr(key).kind else {
                self.generic_expr(el.value, TypeId::INVALID);
                let message = format!("invalid field name {} in struct literal", self.es(key));
                self.err("field-name", self.span(key), message);
                continue;
            };
            let pkg = self.id_pkg(name);
            let found = lookup_field_or_method(&self.info, under, false, name, pkg, None);
            let Lookup::Found(found) = found else {
                self.generic_expr(el.value, TypeId::INVALID);
                let message = self.field_error(base, under, name);
                let mut d = Diagnostic::error("unknown-field", self.span(key), message);
                if let Some(near) = self.nearest_field(under, name) {
                    d = d.help(format!("did you mean `{near}`?"));
                }
                self.report(d);
                continue;
            };
            let Entry::Field { ty } = found.entry else {
                self.generic_expr(el.value, TypeId::INVALID);
                let message = format!("{} is not a field", self.es(key));
                self.err("unknown-field", self.span(key), message);
                continue;
            };
            let mut x = self.field_value(el.value, ty);
            if found.indirect {
                let message = format!("invalid implicit pointer indirection to reach {}", self.es(key));
                self.err("unknown-field", self.span(key), message);
                continue;
            }
            self.assignment(&mut x, Some(ty), "struct literal");
            let duplicate = if found.path.len() == 1 && !seen.iter().any(|(p, _)| p.len() > 1) {
                (!simple.insert(found.path[0])).then_some((0, name))
            } else {
                simple.extend((found.path.len() == 1).then(|| found.path[0]));
                seen.iter()
                    .find(|(p, _)| p.starts_with(&found.path) || found.path.starts_with(p))
                    .map(|(p, n)| (p.len().abs_diff(found.path.len()), *n))
            };
            if let Some((difference, other)) = duplicate {
                let text = self.name(name);
                let other_text = self.name(other);
                let message = if difference == 0 {
                    format!("duplicate field name {text} in struct literal")
                } else if seen.iter().any(|(p, n)| *n == other && p.len() < found.path.len()) {
                    format!("cannot specify promoted field {text} and enclosing embedded field {other_text}")
                } else {
                    format!("cannot specify embedded field {text} and enclosed promoted field {other_text}")
                };
                self.err("duplicate-field", self.span(key), message);
            }
            seen.push((found.path.clone(), name));
            self.info
                .selections
                .insert(key, Selection { kind: SelectionKind::Field, path: found.path, recv: base, ty });
        }
    }

    /// The value of a field; its type may not be left out of a literal.
    fn field_value(&mut self, e: ExprId, ty: TypeId) -> Operand {
        let elided = matches!(self.ast.expr(e).kind, ExprKind::Composite { ty: None, .. });
        self.generic_expr(e, if elided { TypeId::INVALID } else { ty })
    }

    fn positional_fields(&mut self, base: TypeId, fields: &[Field], elems: &'a [Element], braces: Span) {
        for (i, el) in elems.iter().enumerate() {
            if el.key.is_some() {
                let at = el.key.unwrap_or(el.value);
                self.err(
                    "composite-mixture",
                    self.span(at),
                    "mixture of field:value and value elements in struct literal",
                );
                continue;
            }
            let Some(f) = fields.get(i) else {
                let x = self.generic_expr(el.value, TypeId::INVALID);
                let message = format!("too many values in struct literal of type {}", self.ts(base));
                self.err("composite-count", self.operand_span(&x), message);
                break;
            };
            let mut x = self.field_value(el.value, f.ty);
            if f.pkg != PkgId::NONE && f.pkg != self.env.pkg {
                let message = format!(
                    "implicit assignment to unexported field {} in struct literal of type {}",
                    self.name(f.name),
                    self.ts(base)
                );
                self.err("unexported-field", self.operand_span(&x), message);
                continue;
            }
            self.assignment(&mut x, Some(f.ty), "struct literal");
        }
        if elems.len() < fields.len() {
            let hidden = fields.iter().any(|f| f.pkg != PkgId::NONE && f.pkg != self.env.pkg);
            let hint = if hidden { " (type has unexported fields - use key:value pairs)" } else { "" };
            let message = format!("too few values in struct literal of type {}{hint}", self.ts(base));
            self.err("composite-count", Span::new(braces.hi.saturating_sub(1), braces.hi), message);
        }
    }

    /// The elements of an array or slice literal; its length.
    fn indexed_elements(&mut self, elems: &'a [Element], elem: TypeId, len: Option<u64>) -> u64 {
        let mut seen: FxHashSet<u64> = FxHashSet::default();
        let keyed = elems.iter().any(|e| e.key.is_some());
        let (mut next, mut max) = (0u64, 0u64);
        for el in elems {
            let mut valid = true;
            let mut at = el.value;
            if let Some(key) = el.key {
                at = key;
                match self.index(key, len, "index") {
                    Some(Some(i)) => next = i,
                    Some(None) => {
                        let message = format!("index {} must be integer constant", self.es(key));
                        self.err("index", self.span(key), message);
                        valid = false;
                    }
                    None => valid = false,
                }
            } else if let Some(n) = len
                && next >= n
            {
                let message = format!("index {next} is out of bounds (>= {n})");
                self.err("index-range", self.span(el.value), message);
                valid = false;
            }
            if keyed && valid && !seen.insert(next) {
                let message = format!("duplicate index {next} in array or slice literal");
                self.err("duplicate-index", self.span(at), message);
            }
            next = next.saturating_add(1);
            max = max.max(next);
            let mut x = self.generic_expr(el.value, elem);
            if elem != TypeId::INVALID {
                self.assignment(&mut x, Some(elem), "array or slice literal");
            }
        }
        max
    }

    fn map_elements(&mut self, key: TypeId, value: TypeId, elems: &'a [Element]) {
        let mut seen: FxHashMap<(Key, TypeId), Span> = FxHashMap::default();
        for el in elems {
            let Some(k) = el.key else {
                self.err("composite-key", self.span(el.value), "missing key in map literal");
                self.generic_expr(el.value, value);
                continue;
            };
            let mut x = self.generic_expr(k, key);
            self.assignment(&mut x, Some(key), "map literal");
            if x.ok()
                && x.mode == Mode::Const
                && let Some(v) = &x.val
                && let Some(id) = key_of(v)
            {
                // keys of interface type are equal only if their types are too
                let ty = if self.t().is_interface(key) { x.ty } else { TypeId::INVALID };
                let span = self.span(k);
                let text = v.show();
                if let Some(&first) = seen.get(&(id.clone(), ty)) {
                    self.report(
                        Diagnostic::error("duplicate-key", span, format!("duplicate key {text} in map literal"))
                            .related(first, "first given here"),
                    );
                } else {
                    seen.insert((id, ty), span);
                }
            }
            let mut x = self.generic_expr(el.value, value);
            self.assignment(&mut x, Some(value), "map literal");
        }
    }

    fn field_error(&self, base: TypeId, under: TypeId, name: Sym) -> String {
        let text = self.name(name);
        let ty = self.ts(base);
        let alt = lookup_field_or_method(&self.info, under, false, name, PkgId::NONE, Some(self.names)).found();
        let Some(alt) = alt else { return format!("unknown field {text} in struct literal of type {ty}") };
        let other = self.name(alt.name);
        if alt.pkg != PkgId::NONE && alt.pkg != self.env.pkg {
            if alt.name == name {
                return format!("cannot refer to unexported field {other} in struct literal of type {ty}");
            }
            return format!("unknown field {text} in struct literal of type {ty}, but does have unexported {other}");
        }
        format!("unknown field {text} in struct literal of type {ty}, but does have {other}")
    }

    /// The field or method of `ty` whose name is spelt most like `name`.
    pub fn nearest_field(&self, ty: TypeId, name: Sym) -> Option<String> {
        let text = self.name(name);
        let limit = match text.chars().count() {
            0..=2 => return None,
            3..=4 => 1,
            _ => 2,
        };
        let (base, _) = self.t().deref(ty);
        let mut names: Vec<Sym> = Vec::new();
        if let Some(n) = self.t().as_named(base) {
            let origin = self.t().named(n).origin.unwrap_or(n);
            names.extend(self.t().named(origin).methods.iter().map(|&m| self.obj(m).name));
        }
        match self.t().underlying(base) {
            Type::Struct(fields) => names.extend(fields.iter().map(|f| f.name)),
            Type::Interface(i) => names.extend(i.methods.iter().map(|m| m.name)),
            _ => {}
        }
        names
            .into_iter()
            .map(|n| self.name(n))
            .filter(|n| !n.eq_ignore_ascii_case(text))
            .map(|n| (strsim::osa_distance(n, text), n))
            .filter(|&(d, _)| d <= limit)
            .min()
            .map(|(_, n)| n.to_string())
    }
}
