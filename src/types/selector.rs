//! Selectors: qualified identifiers, fields, method values and method expressions.
use super::check::*;
use super::info::*;
use super::instantiate::{Subst, method_signature, subst};
use super::lookup::{Entry, Found, Lookup, is_exported, lookup_field_or_method};
use super::operand::*;
use super::ty::*;
use crate::base::diag::Diagnostic;
use crate::base::intern::Sym;
use crate::syntax::ast::*;

impl<'a> Checker<'a> {
    pub fn selector(&mut self, e: ExprId, want_type: bool) -> Operand {
        let ExprKind::Selector { x: base, sel } = &self.ast.expr(e).kind else { return Operand::invalid(e) };
        let (base, sel) = (*base, *sel);
        if let ExprKind::Ident(name) = self.ast.expr(base).kind
            && name != Sym::BLANK
            && let Some(o) = self.lookup(name)
            && let ObjKind::Package(pkg) = self.obj(o).kind
        {
            self.info.uses.insert(base, o);
            self.info.modes[base.0 as usize] = Mode::Package;
            self.aux(o).used = true;
            if pkg == PkgId::NONE {
                return Operand::invalid(e);
            }
            return self.qualified(e, pkg, sel);
        }
        if sel.name == Sym::BLANK {
            self.err("blank", sel.span, "cannot refer to blank field or method");
            self.use_exprs(&[base]);
            return Operand::invalid(e);
        }
        let x = self.expr_or_type(base, false);
        match x.mode {
            Mode::Invalid => return Operand::invalid(e),
            Mode::Builtin => {
                let message = format!("invalid use of {} in selector expression", self.operand_string(&x));
                self.err("not-a-value", self.span(e), message);
                return Operand::invalid(e);
            }
            _ => {}
        }
        if !x.is_nil() && !self.complete(x.ty) {
            return Operand::invalid(e);
        }
        if want_type {
            let message = format!("{} is not a type", self.es(e));
            self.err("not-a-type", sel.span, message);
            return Operand::invalid(e);
        }
        self.ensure_methods(x.ty);
        let pkg = self.id_pkg(sel.name);
        let addressable = x.mode == Mode::Variable;
        let found = match lookup_field_or_method(&self.info, x.ty, addressable, sel.name, pkg, None) {
            Lookup::Found(found) => found,
            fault => {
                self.selector_error(e, &x, sel, &fault);
                return Operand::invalid(e);
            }
        };
        self.selected(e, x, sel, found)
    }

    fn selected(&mut self, e: ExprId, x: Operand, sel: Ident, found: Found) -> Operand {
        let is_type = x.mode == Mode::Type;
        match found.entry {
            Entry::Field { ty } => {
                if is_type {
                    let message = format!(
                        "operand for field selector {} must be value of type {}",
                        self.name(sel.name),
                        self.ts(x.ty)
                    );
                    self.err("selector", self.operand_span(&x), message);
                    return Operand::invalid(e);
                }
                if ty == TypeId::INVALID {
                    return Operand::invalid(e);
                }
                let selection = Selection { kind: SelectionKind::Field, path: found.path, recv: x.ty, ty };
                self.info.selections.insert(e, selection);
                let mode = if x.mode == Mode::Variable || found.indirect { Mode::Variable } else { Mode::Value };
                Operand::at(mode, ty, e)
            }
            Entry::Method { obj, recv, .. } => {
                self.add_dep(obj);
                let mut sig = method_signature(&mut self.info, recv, obj);
                if sig == TypeId::INVALID {
                    return Operand::invalid(e);
                }
                let mut own = match &self.obj(obj).kind {
                    ObjKind::Func(f) => f.method_tparams.clone(),
                    _ => Vec::new(),
                };
                if !own.is_empty() && !self.t().named(recv).args.is_empty() {
                    (own, sig) = self.fresh_method_tparams(recv, obj, &own, sig);
                }
                self.info.uses.insert(e, obj);
                let kind = if is_type { SelectionKind::MethodExpr { obj } } else { SelectionKind::Method { obj } };
                self.method_operand(e, x, kind, found.path, sig, own)
            }
            Entry::Interface { index, sig, .. } => {
                let kind =
                    if is_type { SelectionKind::InterfaceExpr { index } } else { SelectionKind::Interface { index } };
                self.method_operand(e, x, kind, found.path, sig, Vec::new())
            }
        }
    }

    fn method_operand(
        &mut self,
        e: ExprId,
        x: Operand,
        kind: SelectionKind,
        path: Vec<u32>,
        sig: TypeId,
        tparams: Vec<TypeParamId>,
    ) -> Operand {
        let mut ty = sig;
        if x.mode == Mode::Type
            && let Type::Func(f) = self.t().get(sig).clone()
        {
            let mut params = vec![x.ty];
            params.extend(&f.params);
            ty = self.types().func(params, f.results.clone(), f.variadic);
        }
        self.info.selections.insert(e, Selection { kind, path, recv: x.ty, ty });
        let mut result = Operand::at(Mode::Value, ty, e);
        result.tparams = tparams;
        result
    }

    /// A generic method's own type parameters as they are for an instance of its receiver type.
    fn fresh_method_tparams(
        &mut self,
        recv: NamedId,
        obj: ObjId,
        own: &[TypeParamId],
        sig: TypeId,
    ) -> (Vec<TypeParamId>, TypeId) {
        let map = super::instantiate::method_subst(&self.info, recv, obj);
        let (fresh, args) = self.rename_tparams(own);
        for (&p, &q) in fresh.iter().zip(own) {
            let bound = self.t().tparam(q).constraint;
            let bound = subst(self.types(), bound, &map);
            let bound = subst(self.types(), bound, &Subst::new(own, &args));
            self.info.types.tparams[p.0 as usize].constraint = bound;
        }
        let sig = subst(self.types(), sig, &Subst::new(own, &args));
        (fresh, sig)
    }

    fn qualified(&mut self, e: ExprId, pkg: PkgId, sel: Ident) -> Operand {
        let text = self.name(sel.name).to_string();
        let found = self.info.pkg(pkg).scope.get(&sel.name).copied();
        let Some(o) = found.filter(|_| is_exported(&text)) else {
            let package = self.name(self.info.pkg(pkg).name).to_string();
            let what = self.es(e);
            let mut d = if found.is_some() {
                let message = format!("name {text} not exported by package {package}");
                Diagnostic::error("unexported", sel.span, message)
            } else {
                Diagnostic::error("undefined", sel.span, format!("undefined: {what}"))
            };
            let scope = &self.info.pkg(pkg).scope;
            let limit = if text.chars().count() < 4 { 1 } else { 2 };
            let near = scope
                .keys()
                .map(|&n| self.name(n))
                .filter(|n| is_exported(n))
                .map(|n| (if n.eq_ignore_ascii_case(&text) { 0 } else { strsim::osa_distance(n, &text) }, n))
                .filter(|&(d, _)| d <= limit)
                .min();
            if let Some((distance, n)) = near {
                if distance == 0 && found.is_none() {
                    d.message = format!("undefined: {what} (but have {n})");
                }
                d = d.help(format!("did you mean `{package}.{n}`?"));
            }
            self.report(d);
            return Operand::invalid(e);
        };
        self.info.uses.insert(e, o);
        let ty = self.obj(o).ty;
        if ty == TypeId::INVALID && !matches!(self.obj(o).kind, ObjKind::Builtin(_)) {
            return Operand::invalid(e);
        }
        match &self.obj(o).kind {
            ObjKind::Const(v) => {
                let v = v.clone();
                let mut x = Operand::at(Mode::Const, ty, e);
                x.val = Some(v);
                x
            }
            ObjKind::TypeName => Operand::at(Mode::Type, ty, e),
            ObjKind::Global => Operand::at(Mode::Variable, ty, e),
            ObjKind::Func(f) => {
                let tparams = f.tparams.clone();
                let mut x = Operand::at(Mode::Value, ty, e);
                x.tparams = tparams;
                x
            }
            _ => Operand::invalid(e),
        }
    }

    fn selector_error(&mut self, e: ExprId, x: &Operand, sel: Ident, fault: &Lookup) {
        if self.t().underlying_id(x.ty) == TypeId::INVALID {
            return;
        }
        let name = self.name(sel.name).to_string();
        let base = self.operand_expr(x);
        let ty = self.ts(x.ty);
        let _ = e;
        match fault {
            Lookup::Ambiguous => {
                self.err("ambiguous", sel.span, format!("ambiguous selector {base}.{name}"));
            }
            Lookup::NeedsPointer => {
                let message = if x.mode == Mode::Type {
                    format!("invalid method expression {ty}.{name} (needs pointer receiver (*{ty}).{name})")
                } else {
                    format!("cannot call pointer method {name} on {ty}")
                };
                self.err("pointer-method", sel.span, message);
            }
            _ => {
                let mut help = None;
                let why = match self.ptr_error(x.ty) {
                    Some(why) => why,
                    None => {
                        let addressable = x.mode == Mode::Variable;
                        let alt = lookup_field_or_method(
                            &self.info,
                            x.ty,
                            addressable,
                            sel.name,
                            PkgId::NONE,
                            Some(self.names),
                        );
                        if matches!(alt, Lookup::NotFound) {
                            help = self.nearest_field(x.ty, sel.name).map(|n| format!("did you mean `{n}`?"));
                        }
                        self.lookup_error(x.ty, sel.name, alt.found())
                    }
                };
                let mut d = Diagnostic::error("unknown-field", sel.span, format!("{base}.{name} undefined ({why})"));
                d.help = help;
                self.report(d);
            }
        }
    }

    fn lookup_error(&self, ty: TypeId, name: Sym, alt: Option<Found>) -> String {
        let sel = self.name(name);
        let type_text = self.ts(ty);
        let missing = format!("type {type_text} has no field or method {sel}");
        let Some(alt) = alt else { return missing };
        let other = self.name(alt.name);
        let what = if matches!(alt.entry, Entry::Field { .. }) { "field" } else { "method" };
        let same_package = match alt.entry {
            Entry::Method { obj, .. } => self.obj(obj).pkg == self.env.pkg,
            _ => alt.pkg == PkgId::NONE || alt.pkg == self.env.pkg,
        };
        let tail = |s: &str| s.chars().skip(1).collect::<String>();
        if same_package || (is_exported(sel) && is_exported(other)) {
            return format!("{missing}, but does have {what} {other}");
        }
        if is_exported(sel) {
            if !is_exported(other) && tail(sel) == tail(other) {
                return format!("{missing}, but does have unexported {what} {other}");
            }
        } else if is_exported(other) {
            if tail(sel) == tail(other) {
                return format!("{missing}, but does have {what} {other}");
            }
        } else if sel == other {
            return format!("cannot refer to unexported {what} {other}");
        }
        missing
    }
}
