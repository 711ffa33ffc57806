//! A session: inputs checked one after the other, each against what those before have declared. All inputs are one
//! package. The names of an input lie in a scope of its own inside that of the session, so a name may be declared
//! again: what was compiled before keeps the old meaning, what comes after sees the new one.
//!
//! Only an input without errors leaves anything behind. What the checker knows (`Info`) only grows, so that every number
//! it has given out stays valid: what a refused input left there, nothing refers to.
use super::check::*;
use super::decl::GenericAlias;
use super::info::*;
use super::load::PackageGraph;
use super::operand::Operand;
use super::ty::*;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::intern::{Interner, Sym};
use crate::base::span::SourceMap;
use crate::syntax::ast::*;
use rustc_hash::FxHashMap;

/// What the inputs so far have declared.
#[derive(Default)]
pub struct Session {
    /// All that is known; the program's package is one of `packages`, at the index `main`.
    pub info: Info,
    pub main: Option<PkgId>,
    /// The session's names: declarations, and packages by the names they were imported under.
    pub names: FxHashMap<Sym, ObjId>,
    universe: FxHashMap<Sym, ObjId>,
    pkg_ids: Vec<PkgId>,
    generic_aliases: FxHashMap<ObjId, GenericAlias>,
    canonical: FxHashMap<TypeParamId, TypeParamId>,
    error_type: Option<[TypeId; 3]>,
}

/// The part of a session that a checker works with.
#[derive(Default)]
pub(super) struct Kept {
    pub main: Option<PkgId>,
    names: FxHashMap<Sym, ObjId>,
    added: Vec<(Sym, ObjId)>,
    /// The methods that types of earlier inputs had before this one.
    before: Vec<(NamedId, Vec<ObjId>)>,
    attached: Vec<ObjId>,
    shown: Option<(ExprId, Vec<TypeId>)>,
}

/// What became of an input.
pub struct Checked {
    /// It has no errors.
    pub ok: bool,
    /// The types of the value or values of the last statement, if it is an expression: as text, to be shown with them.
    pub shown: Option<(ExprId, Vec<TypeId>)>,
    /// Methods of types that earlier inputs have declared.
    pub attached: Vec<ObjId>,
    added: Vec<(Sym, ObjId)>,
    before: Vec<(NamedId, Vec<ObjId>)>,
}

impl Session {
    /// What an input has declared is there for the next.
    pub fn commit(&mut self, input: Checked) {
        self.names.extend(input.added);
    }

    /// An input is forgotten.
    pub fn refuse(&mut self, input: Checked) {
        for (n, methods) in input.before.into_iter().rev() {
            self.info.types.named[n.0 as usize].methods = methods;
        }
    }
}

/// Checks one more input, the file at index `file`. It is then to be committed or refused.
#[allow(clippy::too_many_arguments)]
pub fn check_input(
    session: &mut Session,
    file: usize,
    ast: &Ast,
    graph: &PackageGraph,
    names: &mut Interner,
    sources: &SourceMap,
    options: CheckOptions,
    diags: &mut Diagnostics,
) -> Checked {
    let info = std::mem::take(&mut session.info);
    let mut c = Checker::new(ast, graph, names, sources, options, diags, info);
    match session.error_type {
        None => {
            c.universe();
            session.universe = c.scopes[UNIVERSE.0 as usize].names.clone();
            session.error_type = Some([c.error_type, c.comparable_type, c.any_type]);
        }
        Some([error, comparable, any]) => {
            let universe = c.new_scope(None);
            c.scopes[universe.0 as usize].names = session.universe.clone();
            (c.error_type, c.comparable_type, c.any_type) = (error, comparable, any);
        }
    }
    c.generic_aliases = std::mem::take(&mut session.generic_aliases);
    c.canonical = std::mem::take(&mut session.canonical);
    c.pkg_ids = std::mem::take(&mut session.pkg_ids);
    c.graph_packages();
    c.info.script.clear();
    c.session = Some(Kept { main: session.main, names: session.names.clone(), ..Kept::default() });
    let main = c.syms.main;
    let id = c.package(main, main, &[file], &graph.main_imports, false, true);
    let kept = c.session.take().unwrap_or_default();
    let ok = !c.diags.has_errors();
    session.main = Some(id);
    session.pkg_ids = std::mem::take(&mut c.pkg_ids);
    session.generic_aliases = std::mem::take(&mut c.generic_aliases);
    session.canonical = std::mem::take(&mut c.canonical);
    session.info = c.finish();
    super::teach::add_help(diags);
    let Kept { added, before, attached, shown, .. } = kept;
    Checked { ok, shown, attached, added, before }
}

impl Checker<'_> {
    /// The scope around an input's own.
    pub(super) fn session_scope(&mut self, pkg: PkgId) -> ScopeId {
        let Some(kept) = &mut self.session else { return UNIVERSE };
        kept.main = Some(pkg);
        let names = kept.names.clone();
        let scope = self.new_scope(Some(UNIVERSE));
        self.scopes[scope.0 as usize].names = names;
        scope
    }

    /// Notes what an input has declared, imports among it.
    pub(super) fn keep(&mut self, file_scopes: &[ScopeId]) {
        let mut added = Vec::new();
        for scope in file_scopes.iter().chain([&self.package_scope]) {
            added.extend(self.scopes[scope.0 as usize].names.iter().map(|(&n, &o)| (n, o)));
        }
        if let Some(kept) = &mut self.session {
            kept.added = added;
        }
    }

    /// A type name of an earlier input: methods may be declared for it.
    pub(super) fn session_type(&self, name: Sym) -> Option<ObjId> {
        let obj = self.session.as_ref()?.names.get(&name).copied()?;
        self.earlier_type(obj).map(|_| obj)
    }

    /// The type that an earlier input has defined under this name.
    pub(super) fn earlier_type(&self, obj: ObjId) -> Option<NamedId> {
        let kept = self.session.as_ref()?;
        let o = self.obj(obj);
        if Some(o.pkg) != kept.main || !matches!(o.kind, ObjKind::TypeName) || self.aux[obj.0 as usize].decl.is_some() {
            return None;
        }
        let n = self.t().as_named(o.ty)?;
        (self.t().named(n).obj == obj).then_some(n)
    }

    /// Adds methods to types of earlier inputs.
    pub(super) fn attach_to_earlier(&mut self, list: Vec<(NamedId, ObjId)>) {
        for (n, m) in list {
            let base = self.types().intern(Type::Named(n));
            if let ObjKind::Func(f) = &mut self.info.objects[m.0 as usize].kind
                && let Some(recv) = &mut f.recv
            {
                recv.base = base;
            }
            let name = self.obj(m).name;
            let methods = self.t().named(n).methods.clone();
            let first = methods.iter().copied().find(|&o| self.obj(o).name == name);
            let field = match self.t().underlying(base) {
                Type::Struct(fields) => fields.iter().any(|f| f.name == name),
                _ => false,
            };
            let (ty, shown) = (self.name(self.t().named(n).name).to_string(), self.name(name).to_string());
            let span = self.obj(m).span;
            if let Some(first) = first {
                let place = self.place(self.obj(first).span);
                let message = format!("method {ty}.{shown} already declared at {place}");
                let help = format!("a method keeps its meaning for values that exist; declare type {ty} again first");
                self.report(Diagnostic::error("redeclared", span, message).help(help));
                continue;
            }
            if field {
                self.err("redeclared", span, format!("field and method with the same name {shown}"));
                continue;
            }
            self.info.types.named[n.0 as usize].methods.push(m);
            if let Some(kept) = &mut self.session {
                kept.before.push((n, methods));
                kept.attached.push(m);
            }
        }
    }

    /// At the top level of a session an expression is a statement: its value is shown. Notes its types.
    pub(super) fn shows_value(&mut self, e: ExprId, x: &Operand) -> bool {
        if self.session.is_none() || !self.at_script_top() {
            return false;
        }
        if matches!(x.mode, Mode::Invalid | Mode::NoValue | Mode::Builtin | Mode::Type) {
            return false;
        }
        let types = match self.t().get(x.ty).clone() {
            Type::Tuple(list) => list.to_vec(),
            _ => {
                let ty = self.t().default_type(x.ty);
                self.update_type(e, ty, true);
                vec![ty]
            }
        };
        if let Some(kept) = &mut self.session {
            kept.shown = Some((e, types));
        }
        true
    }
}
