//! The checker's state, its environment (what surrounds the code being checked), scopes, and reporting.
//! The work itself is split by topic: `resolve` and `decl` (declarations), `typexpr` (types), `expr`, `index`,
//! `literal`, `call`, `builtin`, `conversion`, `assign` (expressions), `stmt`, `range`, `labels` (statements), `infer`
//! and `unify` (type arguments), `init_order`, `cycles` (what is only known at the end).
//!
//! Invariants: an expression that was reported has mode `Invalid` and type `INVALID`, and nothing is reported because
//! of it again. Function bodies and checks that need complete types wait in `later` until all declarations of the
//! package are resolved.
use super::constant::Const;
use super::decl::{Decl, GenericAlias};
use super::info::*;
use super::load::{Loader, PackageGraph};
use super::print::{self, Style};
use super::ty::*;
use crate::base::diag::{Diagnostic, Diagnostics, Severity};
use crate::base::intern::{Interner, Sym};
use crate::base::span::{SourceMap, Span};
use crate::syntax::ast::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;
use std::rc::Rc;

/// How a program is checked.
#[derive(Clone, Copy, Default)]
pub struct CheckOptions<'l> {
    /// Unused variables and imports of scripts are errors, as Go's.
    pub strict: bool,
    /// Asked which standard package has a name, for help lines.
    pub loader: Option<&'l dyn Loader>,
    /// Programs may be imported: by their tests.
    pub programs: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct ScopeId(pub u32);

pub(super) const UNIVERSE: ScopeId = ScopeId(0);

pub(super) struct Scope {
    pub parent: Option<ScopeId>,
    pub names: FxHashMap<Sym, ObjId>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Unresolved,
    /// Being declared; where it lies on the path of such objects.
    InProgress,
    Done,
}

/// What the checker knows of an object beyond `Object`.
pub(super) struct ObjAux {
    pub state: State,
    pub decl: Option<u32>,
    pub used: bool,
    /// Parameters and results need not be used.
    pub param: bool,
}

/// What surrounds the code that is being checked.
#[derive(Clone)]
pub(super) struct Env {
    pub pkg: PkgId,
    pub scope: ScopeId,
    /// The package-level declaration, for dependencies.
    pub decl: Option<u32>,
    pub iota: Option<u32>,
    /// Where to report faults of an inherited constant expression.
    pub errors_at: Option<Span>,
    /// Inside a function: its signature.
    pub sig: Option<TypeId>,
    /// Named results.
    pub results: Rc<[ObjId]>,
    /// Type parameters of the enclosing generic function.
    pub outer: Rc<[TypeParamId]>,
    /// The top-level statements of a script.
    pub script: bool,
    /// A call or receive was seen (`len` of such an array is not constant).
    pub has_call: bool,
}

impl Env {
    /// Outside of functions.
    pub fn new(pkg: PkgId, scope: ScopeId, decl: Option<u32>) -> Env {
        Env {
            pkg,
            scope,
            decl,
            iota: None,
            errors_at: None,
            sig: None,
            results: Rc::new([]),
            outer: Rc::new([]),
            script: false,
            has_call: false,
        }
    }
}

pub(super) type Later<'a> = Box<dyn FnOnce(&mut Checker<'a>) + 'a>;

pub(super) struct ImportUse {
    pub obj: ObjId,
    pub span: Span,
    pub path: Sym,
    /// The name as written, if it differs from the path's last element.
    pub named: Option<Sym>,
    pub script: bool,
}

pub(super) struct Checker<'a> {
    pub ast: &'a Ast,
    pub names: &'a mut Interner,
    pub sources: &'a SourceMap,
    pub diags: &'a mut Diagnostics,
    pub graph: &'a PackageGraph,
    pub options: CheckOptions<'a>,
    pub info: Info,
    pub aux: Vec<ObjAux>,
    pub decls: Vec<Decl<'a>>,
    pub scopes: Vec<Scope>,
    pub env: Env,
    pub later: VecDeque<Later<'a>>,
    /// Objects being declared, outermost first.
    pub path: Vec<ObjId>,
    /// Methods by the type name they are declared for.
    pub methods: FxHashMap<ObjId, Vec<ObjId>>,
    pub generic_aliases: FxHashMap<ObjId, GenericAlias>,
    /// Left operands of non-constant shifts whose type is not known yet.
    pub shift_lhs: FxHashSet<ExprId>,
    /// Declared type parameter lists being evaluated, type declarations in progress.
    pub type_depth: u32,
    /// A type that is not resolved yet was met where it would have been needed: try again later.
    pub incomplete: bool,
    /// The declared types it waits for, each with the interface that embeds it.
    pub waits: Vec<super::decl::Wait>,
    /// The interfaces being evaluated, the innermost last.
    pub interfaces: Vec<ExprId>,
    /// The right sides of type declarations that are themselves declared types.
    pub right_sides: FxHashMap<NamedId, NamedId>,
    /// Where an instance of a generic type is first mentioned.
    pub instance_spans: FxHashMap<NamedId, Span>,
    pub retries: Vec<super::decl::Retry<'a>>,
    /// Declared types that wait for the underlying type of another.
    pub pending: Vec<(NamedId, NamedId)>,
    pub imports: Vec<ImportUse>,
    /// Imported by being used in a script: name to package.
    pub auto_imports: FxHashMap<Sym, PkgId>,
    pub auto_import_objects: FxHashMap<Sym, ObjId>,
    /// The file scope of the script being checked.
    pub script_scope: Option<ScopeId>,
    /// All package-level objects have their types.
    pub all_resolved: bool,
    pub dot_imports: FxHashMap<(ScopeId, Sym), ObjId>,
    /// Type parameters whose constraint may turn out to be no interface: it then stands for itself.
    pub open_bounds: Vec<TypeParamId>,
    /// Package-level variables and functions, in source order.
    pub package_objects: Vec<ObjId>,
    /// The declared types of the package, for the checks at its end.
    pub declared: Vec<NamedId>,
    /// Instantiations, for the search for endless ones.
    pub instantiations: Vec<super::cycles::Instantiation>,
    /// Fresh type parameters to those they were copied from.
    pub canonical: FxHashMap<TypeParamId, TypeParamId>,
    pub comparable_memo: FxHashMap<TypeId, bool>,
    /// The body of the function whose labels are being checked has labels.
    pub has_label: bool,
    pub depth: u32,
    pub syms: Syms,
    pub byte_name: (bool, bool),
    pub rune_name: (bool, bool),
    pub package_scope: ScopeId,
    /// By index in the graph.
    pub pkg_ids: Vec<PkgId>,
    /// What is kept of the inputs before, if the program is a session.
    pub session: Option<super::session::Kept>,
    pub error_type: TypeId,
    pub comparable_type: TypeId,
    pub any_type: TypeId,
}

/// Names the checker asks about.
pub(super) struct Syms {
    pub init: Sym,
    pub main: Sym,
    pub iota: Sym,
    pub dot: Sym,
}

/// Recursion of the checker itself: far above what `limits::MAX_NESTING` allows in one declaration, far below what
/// the front wing's stack holds.
const MAX_DEPTH: u32 = 40_000;

/// Nesting of types: they can be built up over many declarations.
pub(super) const MAX_TYPE_DEPTH: u32 = 5_000;

/// Type-checks a program. `main_files` are indices into `Ast::files`; imported packages come from `graph`.
pub fn check_program(
    main_files: &[usize],
    ast: &Ast,
    graph: &PackageGraph,
    names: &mut Interner,
    sources: &SourceMap,
    options: CheckOptions,
    diags: &mut Diagnostics,
) -> Info {
    let mut c = Checker::new(ast, graph, names, sources, options, diags, Info::default());
    c.universe();
    c.graph_packages();
    let name = main_files.first().and_then(|&f| ast.files[f].package).map_or(c.syms.main, |p| p.name);
    let main = c.syms.main;
    c.package(main, name, main_files, &graph.main_imports, false, true);
    let info = c.finish();
    super::teach::add_help(diags);
    info
}

impl<'a> Checker<'a> {
    /// A checker in whose tables nothing is yet, or what an earlier one left in `info`.
    pub fn new(
        ast: &'a Ast,
        graph: &'a PackageGraph,
        names: &'a mut Interner,
        sources: &'a SourceMap,
        options: CheckOptions<'a>,
        diags: &'a mut Diagnostics,
        mut info: Info,
    ) -> Checker<'a> {
        info.expr_types.resize(ast.exprs.len(), TypeId::INVALID);
        info.modes.resize(ast.exprs.len(), Mode::Invalid);
        let done = || ObjAux { state: State::Done, decl: None, used: true, param: false };
        let aux = info.objects.iter().map(|_| done()).collect();
        let syms = Syms {
            init: names.intern("init"),
            main: names.intern("main"),
            iota: names.intern("iota"),
            dot: names.intern("."),
        };
        Checker {
            ast,
            names,
            sources,
            diags,
            graph,
            options,
            info,
            aux,
            decls: Vec::new(),
            scopes: Vec::new(),
            env: Env::new(PkgId::NONE, UNIVERSE, None),
            later: VecDeque::new(),
            path: Vec::new(),
            methods: FxHashMap::default(),
            generic_aliases: FxHashMap::default(),
            shift_lhs: FxHashSet::default(),
            type_depth: 0,
            incomplete: false,
            waits: Vec::new(),
            interfaces: Vec::new(),
            right_sides: FxHashMap::default(),
            instance_spans: FxHashMap::default(),
            retries: Vec::new(),
            pending: Vec::new(),
            imports: Vec::new(),
            auto_imports: FxHashMap::default(),
            auto_import_objects: FxHashMap::default(),
            script_scope: None,
            all_resolved: false,
            dot_imports: FxHashMap::default(),
            open_bounds: Vec::new(),
            package_objects: Vec::new(),
            declared: Vec::new(),
            instantiations: Vec::new(),
            canonical: FxHashMap::default(),
            comparable_memo: FxHashMap::default(),
            has_label: false,
            depth: 0,
            syms,
            byte_name: (false, false),
            rune_name: (false, false),
            package_scope: UNIVERSE,
            pkg_ids: Vec::new(),
            session: None,
            error_type: TypeId::INVALID,
            comparable_type: TypeId::INVALID,
            any_type: TypeId::INVALID,
        }
    }

    /// Checks the packages of the graph that have not been checked.
    pub fn graph_packages(&mut self) {
        let graph = self.graph;
        for package in &graph.packages[self.pkg_ids.len()..] {
            let id = self.package(package.path, package.name, &package.files, &package.imports, package.std, false);
            self.pkg_ids.push(id);
        }
    }
}

impl<'a> Checker<'a> {
    /// Last touches once all packages are checked.
    pub fn finish(mut self) -> Info {
        for n in 0..self.info.types.named.len() {
            if let Some(origin) = self.info.types.named[n].origin {
                self.info.types.named[n].methods = self.info.types.named(origin).methods.clone();
            }
        }
        // As in Go, these are looked for once all else is right.
        let late = |d: &Diagnostic| matches!(d.code, "missing-body" | "anonymous-cycle");
        if self.diags.list.iter().any(|d| d.severity == Severity::Error && !late(d)) {
            self.diags.list.retain(|d| !late(d));
        }
        self.info
    }

    // --- reporting

    pub fn report(&mut self, mut d: Diagnostic) {
        if let Some(at) = self.env.errors_at {
            d.span = at;
        }
        // follow-on faults of types that were reported before
        if (d.message.contains("invalid type") || d.message.contains("invalid operand")) && self.diags.has_errors() {
            return;
        }
        self.diags.push(d);
    }

    pub fn err(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.report(Diagnostic::error(code, span, message));
    }

    /// A place as Go's messages name it.
    pub fn place(&self, span: Span) -> String {
        match self.sources.locate(span.lo) {
            Some((file, line, col)) => format!("{file}:{line}:{col}"),
            None => String::new(),
        }
    }

    pub fn span(&self, e: ExprId) -> Span {
        self.ast.span(e)
    }

    pub fn name(&self, sym: Sym) -> &str {
        self.names.name(sym)
    }

    pub fn style(&self) -> Style {
        Style::Message {
            pkg: self.env.pkg,
            byte: self.byte_name.0 || !self.byte_name.1,
            rune: self.rune_name.0 && !self.rune_name.1,
        }
    }

    /// A type as messages show it.
    pub fn ts(&self, ty: TypeId) -> String {
        let mut s = print::type_string(&self.info, self.names, ty, self.style());
        if s.len() > 1000 {
            let cut = (0..=1000).rev().find(|&i| s.is_char_boundary(i)).unwrap_or(0);
            s.truncate(cut);
            s.push_str("...");
        }
        s
    }

    pub fn sig_string(&self, sig: TypeId) -> String {
        print::signature_string(&self.info, self.names, sig, self.style())
    }

    // --- recursion

    /// Counts one level of recursion; `false`, with a report, if there are too many.
    pub fn enter(&mut self, span: Span) -> bool {
        if self.depth >= MAX_DEPTH {
            self.err("nesting", span, "program is nested too deeply");
            return false;
        }
        self.depth += 1;
        true
    }

    pub fn leave(&mut self) {
        self.depth -= 1;
    }

    // --- objects and scopes

    pub fn t(&self) -> &Types {
        &self.info.types
    }

    pub fn types(&mut self) -> &mut Types {
        &mut self.info.types
    }

    pub fn obj(&self, id: ObjId) -> &Object {
        self.info.obj(id)
    }

    pub fn set_type(&mut self, id: ObjId, ty: TypeId) {
        self.info.objects[id.0 as usize].ty = ty;
    }

    pub fn new_object(&mut self, name: Sym, kind: ObjKind, ty: TypeId, span: Span) -> ObjId {
        let id = ObjId(self.info.objects.len() as u32);
        self.info.objects.push(Object { name, kind, ty, span, pkg: self.env.pkg });
        self.aux.push(ObjAux { state: State::Done, decl: None, used: false, param: false });
        id
    }

    pub fn aux(&mut self, id: ObjId) -> &mut ObjAux {
        &mut self.aux[id.0 as usize]
    }

    pub fn new_scope(&mut self, parent: Option<ScopeId>) -> ScopeId {
        let id = ScopeId(self.scopes.len() as u32);
        self.scopes.push(Scope { parent, names: FxHashMap::default() });
        id
    }

    pub fn open_scope(&mut self) -> ScopeId {
        let outer = self.env.scope;
        self.env.scope = self.new_scope(Some(outer));
        outer
    }

    /// Closes a block: variables never used are reported.
    pub fn close_scope(&mut self, outer: ScopeId) {
        self.usage(self.env.scope);
        self.env.scope = outer;
    }

    pub fn usage(&mut self, scope: ScopeId) {
        let mut unused: Vec<ObjId> = self.scopes[scope.0 as usize]
            .names
            .values()
            .copied()
            .filter(|&o| {
                let aux = &self.aux[o.0 as usize];
                !aux.used && !aux.param && matches!(self.obj(o).kind, ObjKind::Local | ObjKind::Global)
            })
            .collect();
        unused.sort_by_key(|&o| self.obj(o).span.lo);
        for o in unused {
            let (name, span, global) = {
                let o = self.obj(o);
                (o.name, o.span, matches!(o.kind, ObjKind::Global))
            };
            self.unused_variable(name, span, global);
        }
    }

    pub fn unused_variable(&mut self, name: Sym, span: Span, global: bool) {
        let message = format!("declared and not used: {}", self.name(name));
        let d = if (global || self.is_script()) && !self.options.strict {
            Diagnostic::warning("unused-variable", span, message)
        } else {
            Diagnostic::error("unused-variable", span, message)
        };
        self.report(d.label("declared here and never read"));
    }

    /// The package being checked is a script.
    pub fn is_script(&self) -> bool {
        match self.info.packages.get(self.env.pkg.0 as usize) {
            Some(p) => p.files.iter().any(|&f| self.ast.files[f].package.is_none()),
            None => false,
        }
    }

    /// Enters `obj` into a scope under its name; a second declaration is reported.
    pub fn declare(&mut self, scope: ScopeId, obj: ObjId) {
        let (name, span) = (self.obj(obj).name, self.obj(obj).span);
        if !span.is_none() {
            self.info.defs.insert(span.lo, obj);
        }
        if name == Sym::BLANK {
            return;
        }
        if let Some(&other) = self.scopes[scope.0 as usize].names.get(&name) {
            self.redeclared(obj, other);
            return;
        }
        self.scopes[scope.0 as usize].names.insert(name, obj);
    }

    pub fn redeclared(&mut self, obj: ObjId, other: ObjId) {
        let (name, span) = (self.name(self.obj(obj).name).to_string(), self.obj(obj).span);
        let mut d = Diagnostic::error("redeclared", span, format!("{name} redeclared in this block"));
        let first = self.obj(other).span;
        if !first.is_none() {
            d = d.related(first, format!("other declaration of {name}"));
        }
        self.report(d);
    }

    pub fn lookup(&mut self, name: Sym) -> Option<ObjId> {
        let mut scope = Some(self.env.scope);
        while let Some(id) = scope {
            let s = &self.scopes[id.0 as usize];
            if let Some(&obj) = s.names.get(&name) {
                if let Some(&import) = self.dot_imports.get(&(id, name)) {
                    self.aux(import).used = true;
                }
                return Some(obj);
            }
            scope = s.parent;
        }
        let pkg = self.auto_imports.get(&name).copied()?;
        Some(self.auto_import(name, pkg))
    }

    /// A standard package used in a script without an import.
    fn auto_import(&mut self, name: Sym, pkg: PkgId) -> ObjId {
        if let Some(&obj) = self.auto_import_objects.get(&name) {
            return obj;
        }
        let obj = self.new_object(name, ObjKind::Package(pkg), TypeId::INVALID, Span::NONE);
        self.auto_import_objects.insert(name, obj);
        obj
    }

    /// Where declarations go: the block's scope, but at the top level of a script the package's.
    pub fn decl_scope(&self) -> ScopeId {
        if self.at_script_top() { self.package_scope } else { self.env.scope }
    }

    pub fn at_script_top(&self) -> bool {
        self.env.script && Some(self.env.scope) == self.script_scope
    }

    /// Notes that the current package-level declaration refers to `obj`.
    pub fn add_dep(&mut self, obj: ObjId) {
        if let Some(d) = self.env.decl
            && self.aux[obj.0 as usize].decl.is_some()
        {
            self.decls[d as usize].deps.insert(obj);
        }
    }

    // --- recording

    pub fn record(&mut self, e: ExprId, mode: Mode, ty: TypeId, val: Option<&Const>) {
        let i = e.0 as usize;
        self.info.modes[i] = mode;
        self.info.expr_types[i] = ty;
        match val {
            Some(v) if mode == Mode::Const => {
                self.info.consts.insert(e, v.clone());
            }
            _ => {
                if !self.info.consts.is_empty() {
                    self.info.consts.remove(&e);
                }
            }
        }
    }

    /// The package of an unexported name, as fields and methods carry it.
    pub fn id_pkg(&self, name: Sym) -> PkgId {
        if super::lookup::is_exported(self.name(name)) { PkgId::NONE } else { self.env.pkg }
    }

    pub fn exported(&self, name: Sym) -> bool {
        super::lookup::is_exported(self.name(name))
    }

    pub fn defer(&mut self, f: impl FnOnce(&mut Checker<'a>) + 'a) {
        let env = self.env.clone();
        self.later.push_back(Box::new(move |c: &mut Checker<'a>| {
            let saved = std::mem::replace(&mut c.env, env);
            f(c);
            c.env = saved;
        }));
    }

    pub fn run_later(&mut self) {
        while let Some(f) = self.later.pop_front() {
            f(self);
        }
    }
}
