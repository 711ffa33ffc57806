//! Collecting the declarations of a package, and checking the package from first to last.
use super::check::*;
use super::decl::{Decl, DeclKind, decl_of};
use super::info::*;
use super::ty::*;
use crate::base::diag::Diagnostic;
use crate::base::intern::Sym;
use crate::base::span::Span;
use crate::syntax::ast::{self, *};
use rustc_hash::FxHashMap;
use std::rc::Rc;

impl<'a> Checker<'a> {
    /// Checks a package; `is_main`: the program itself, or an input of a session.
    pub fn package(
        &mut self,
        path: Sym,
        name: Sym,
        files: &[usize],
        imports: &FxHashMap<Sym, usize>,
        std: bool,
        is_main: bool,
    ) -> PkgId {
        let mut imported: Vec<PkgId> = imports.values().map(|&i| self.pkg_ids[i]).collect();
        if is_main {
            self.auto_imports = self.graph.auto_imports.iter().map(|(&n, &i)| (n, self.pkg_ids[i])).collect();
            imported.extend(self.auto_imports.values());
        }
        imported.sort();
        imported.dedup();
        let package = Package {
            path,
            name,
            files: files.to_vec(),
            imports: imported,
            scope: FxHashMap::default(),
            inits: Vec::new(),
            init_funcs: Vec::new(),
            std,
        };
        let earlier = self.session.as_ref().filter(|_| is_main).and_then(|s| s.main);
        let pkg = earlier.unwrap_or(PkgId(self.info.packages.len() as u32));
        match self.info.packages.get_mut(pkg.0 as usize) {
            Some(same) => *same = package,
            None => self.info.packages.push(package),
        }
        let outer = if is_main { self.session_scope(pkg) } else { UNIVERSE };
        self.package_scope = self.new_scope(Some(outer));
        self.env.pkg = pkg;
        self.env.scope = self.package_scope;
        self.package_objects.clear();
        self.imports.clear();
        self.dot_imports.clear();
        self.declared.clear();
        self.instantiations.clear();
        self.methods.clear();
        self.script_scope = None;
        self.byte_name = (false, false);
        self.rune_name = (false, false);

        let mut file_scopes = Vec::new();
        let mut method_decls = Vec::new();
        for &f in files {
            let scope = self.new_scope(Some(self.package_scope));
            file_scopes.push(scope);
            self.collect_file(f, scope, imports, &mut method_decls);
        }
        self.import_conflicts(&file_scopes);
        self.attach_methods(method_decls);
        self.all_resolved = false;
        self.resolve_all();
        self.all_resolved = true;
        for (&f, &scope) in files.iter().zip(&file_scopes) {
            if self.ast.files[f].package.is_none() {
                self.script(f, scope);
            }
        }
        self.run_later();
        self.flush_types();
        self.check_declared_types();
        self.check_instantiations();
        self.init_order();
        if self.session.is_none() || !is_main {
            if self.script_scope.is_some() {
                self.usage(self.package_scope);
            }
            self.unused_imports();
        } else {
            self.keep(&file_scopes);
        }
        if name == self.syms.main && is_main && self.script_scope.is_none() && !files.is_empty() {
            self.require_main(files);
        }
        let scope = std::mem::take(&mut self.scopes[self.package_scope.0 as usize].names);
        self.info.packages[pkg.0 as usize].scope = scope;
        pkg
    }

    fn require_main(&mut self, files: &[usize]) {
        let main = self.scopes[self.package_scope.0 as usize].names.get(&self.syms.main).copied();
        if !main.is_some_and(|m| matches!(self.obj(m).kind, ObjKind::Func(_))) && !self.diags.has_errors() {
            let span = self.ast.files[files[0]].package.map_or(Span::NONE, |p| p.span);
            self.report(
                Diagnostic::error("no-main", span, "function main is undeclared in the main package")
                    .help("add `func main() { ... }`, or leave out the package clause to write a script"),
            );
        }
    }

    fn collect_file(
        &mut self,
        f: usize,
        scope: ScopeId,
        imports: &FxHashMap<Sym, usize>,
        method_decls: &mut Vec<(ObjId, FuncId)>,
    ) {
        let ast = self.ast;
        let file = &ast.files[f];
        let is_script = file.package.is_none();
        if is_script {
            self.script_scope = Some(scope);
        }
        if let Some(p) = file.package {
            let expected = self.info.packages[self.env.pkg.0 as usize].name;
            if p.name == Sym::BLANK {
                self.err("package-name", p.span, "invalid package name _");
            } else if p.name != expected {
                let message = format!("package {}; expected package {}", self.name(p.name), self.name(expected));
                self.err("package-name", p.span, message);
            }
        }
        for item in &file.items {
            match item {
                TopItem::Import(spec) => self.import(spec, scope, imports, is_script),
                TopItem::Func(id) => self.collect_func(*id, scope, method_decls),
                TopItem::Stmt(id) => {
                    if let StmtKind::Decl(d) = &ast.stmt(*id).kind {
                        self.collect_decl(d, scope, is_script);
                    }
                    if is_script {
                        self.info.script.push(*id);
                    }
                }
            }
        }
    }

    fn import(&mut self, spec: &'a ImportSpec, scope: ScopeId, imports: &FxHashMap<Sym, usize>, script: bool) {
        let Some(&index) = imports.get(&spec.path) else {
            // it was reported by the loader; the name stays known so that its uses are not reported too
            if spec.name.is_none_or(|n| n.name != Sym::BLANK && n.name != self.syms.dot) {
                let name = spec.name.map_or_else(
                    || {
                        let path = self.name(spec.path).to_string();
                        self.names.intern(path.rsplit('/').next().unwrap_or(&path))
                    },
                    |n| n.name,
                );
                let obj = self.new_object(name, ObjKind::Package(PkgId::NONE), TypeId::INVALID, spec.span);
                self.scopes[scope.0 as usize].names.entry(name).or_insert(obj);
            }
            return;
        };
        let pkg = self.pkg_ids[index];
        let own = self.info.pkg(pkg).name;
        if own == self.syms.main && !self.options.programs {
            let message = format!("import \"{}\" is a program, not an importable package", self.name(spec.path));
            self.err("import", spec.path_span, message);
            return;
        }
        let name = spec.name.map_or(own, |n| n.name);
        let span = spec.name.map_or(spec.path_span, |n| n.span);
        if name == self.syms.init {
            self.err("import", span, "cannot import package as init - init must be a func");
            return;
        }
        if name == Sym::BLANK {
            return;
        }
        let obj = self.new_object(name, ObjKind::Package(pkg), TypeId::INVALID, span);
        let base = self.name(spec.path).rsplit('/').next().unwrap_or("").to_string();
        let named = (self.name(name) != base && name != self.syms.dot).then_some(name);
        self.imports.push(ImportUse { obj, span: spec.span, path: spec.path, named, script });
        if name == self.syms.dot {
            let members: Vec<(Sym, ObjId)> = {
                let scope = &self.info.pkg(pkg).scope;
                scope.iter().filter(|(n, _)| self.exported(**n)).map(|(n, o)| (*n, *o)).collect()
            };
            for (n, o) in members {
                if let Some(&other) = self.scopes[scope.0 as usize].names.get(&n) {
                    self.redeclared_at(n, span, other);
                    continue;
                }
                self.scopes[scope.0 as usize].names.insert(n, o);
                self.dot_imports.insert((scope, n), obj);
            }
            return;
        }
        self.declare(scope, obj);
    }

    fn redeclared_at(&mut self, name: Sym, span: Span, other: ObjId) {
        let name = self.name(name).to_string();
        let first = self.obj(other).span;
        let mut d = Diagnostic::error("redeclared", span, format!("{name} redeclared in this block"));
        if !first.is_none() {
            d = d.related(first, format!("other declaration of {name}"));
        }
        self.report(d);
    }

    pub fn new_decl(&mut self, kind: DeclKind<'a>, scope: ScopeId) -> u32 {
        self.decls.push(Decl { kind, scope, pkg: self.env.pkg, deps: Default::default() });
        self.decls.len() as u32 - 1
    }

    fn package_object(&mut self, name: Ident, kind: ObjKind, decl: u32) -> ObjId {
        let obj = self.new_object(name.name, kind, TypeId::INVALID, name.span);
        let aux = self.aux(obj);
        aux.state = State::Unresolved;
        aux.decl = Some(decl);
        self.package_objects.push(obj);
        obj
    }

    fn collect_decl(&mut self, d: &'a ast::Decl, scope: ScopeId, script: bool) {
        match d {
            ast::Decl::Var(_) if script => {}
            ast::Decl::Var(specs) => {
                for spec in specs {
                    self.collect_vars(spec, scope);
                }
            }
            ast::Decl::Const(specs) => {
                let mut last: Option<&'a ConstSpec> = None;
                for spec in specs {
                    let inherited = spec.ty.is_none() && spec.values.is_empty();
                    if !inherited {
                        last = Some(spec);
                    }
                    for (i, &name) in spec.names.iter().enumerate() {
                        let kind = DeclKind::Const(decl_of(spec, last, i));
                        let decl = self.new_decl(kind, scope);
                        let obj = self.package_object(name, ObjKind::Const(super::constant::Const::int(0)), decl);
                        self.declare_package(name, obj);
                    }
                    self.const_arity(spec, last, inherited);
                }
            }
            ast::Decl::Type(specs) => {
                for spec in specs {
                    let decl = self.new_decl(DeclKind::Type(spec), scope);
                    let obj = self.package_object(spec.name, ObjKind::TypeName, decl);
                    self.declare_package(spec.name, obj);
                }
            }
        }
    }

    fn collect_vars(&mut self, spec: &'a VarSpec, scope: ScopeId) {
        let shared = spec.values.len() == 1 && spec.names.len() > 1;
        if shared {
            let decl = self
                .new_decl(DeclKind::Var { lhs: Vec::new(), ty: spec.ty, init: spec.values.first().copied() }, scope);
            let mut lhs = Vec::new();
            for &name in &spec.names {
                let obj = self.package_object(name, ObjKind::Global, decl);
                self.declare_package(name, obj);
                lhs.push(obj);
            }
            if let DeclKind::Var { lhs: list, .. } = &mut self.decls[decl as usize].kind {
                *list = lhs;
            }
            return;
        }
        for (i, &name) in spec.names.iter().enumerate() {
            let init = spec.values.get(i).copied();
            let decl = self.new_decl(DeclKind::Var { lhs: Vec::new(), ty: spec.ty, init }, scope);
            let obj = self.package_object(name, ObjKind::Global, decl);
            if let DeclKind::Var { lhs, .. } = &mut self.decls[decl as usize].kind {
                lhs.push(obj);
            }
            self.declare_package(name, obj);
        }
        self.var_arity(spec);
    }

    /// Numbers of names and values must agree.
    pub fn var_arity(&mut self, spec: &'a VarSpec) {
        let (l, r) = (spec.names.len(), spec.values.len());
        if r == 0 || l == r || r == 1 {
            return;
        }
        if l < r {
            let e = spec.values[l];
            let message = format!("extra init expr {}", self.es(e));
            self.err("assignment-count", self.span(e), message);
        } else {
            let n = spec.names[r];
            let message = format!("missing init expr for {}", self.name(n.name));
            self.err("assignment-count", n.span, message);
        }
    }

    pub fn const_arity(&mut self, spec: &'a ConstSpec, last: Option<&'a ConstSpec>, inherited: bool) {
        let values = last.map_or(0, |s| s.values.len());
        let l = spec.names.len();
        if l < values {
            if inherited {
                let e = last.map(|s| s.values[l]);
                let at = e.map_or(String::new(), |e| self.place(self.span(e)));
                self.err("assignment-count", spec.names[0].span, format!("extra init expr at {at}"));
            } else {
                let e = spec.values[l];
                let message = format!("extra init expr {}", self.es(e));
                self.err("assignment-count", self.span(e), message);
            }
        } else if l > values {
            let n = spec.names[values];
            let message = format!("missing init expr for {}", self.name(n.name));
            self.err("assignment-count", n.span, message);
        }
    }

    fn declare_package(&mut self, name: Ident, obj: ObjId) {
        if name.name == self.syms.init {
            self.err("redeclared", name.span, "cannot declare init - must be func");
            return;
        }
        let is_main = self.info.packages[self.env.pkg.0 as usize].name == self.syms.main;
        if name.name == self.syms.main && is_main && self.script_scope.is_none() {
            self.err("redeclared", name.span, "cannot declare main - must be func");
            return;
        }
        self.declare(self.package_scope, obj);
    }

    fn collect_func(&mut self, id: FuncId, scope: ScopeId, method_decls: &mut Vec<(ObjId, FuncId)>) {
        let func = self.ast.func(id);
        let Some(name) = func.name else { return };
        let decl = self.new_decl(DeclKind::Func(id), scope);
        let std = self.info.packages[self.env.pkg.0 as usize].std;
        let native = func.body.is_none() && std;
        let kind = ObjKind::Func(FuncObj {
            func: Some(id),
            recv: None,
            tparams: Vec::new(),
            method_tparams: Vec::new(),
            native,
        });
        let obj = self.package_object(name, kind, decl);
        if func.recv.is_some() {
            self.info.defs.insert(name.span.lo, obj);
            method_decls.push((obj, id));
            if func.body.is_none() && !std {
                self.err("missing-body", name.span, "missing function body");
            }
            return;
        }
        let is_main_pkg = self.info.packages[self.env.pkg.0 as usize].name == self.syms.main;
        let special = name.name == self.syms.init || (name.name == self.syms.main && is_main_pkg);
        if special {
            let text = self.name(name.name).to_string();
            if !func.tparams.is_empty() {
                self.err(
                    "main-signature",
                    func.tparams[0].name.span,
                    format!("func {text} must have no type parameters"),
                );
            }
            if !func.sig.params.is_empty() || !func.sig.results.is_empty() {
                let message = format!("func {text} must have no arguments and no return values");
                self.err("main-signature", name.span, message);
            }
        }
        if name.name == self.syms.init {
            self.info.defs.insert(name.span.lo, obj);
            let pkg = self.env.pkg;
            self.info.packages[pkg.0 as usize].init_funcs.push(obj);
            if func.body.is_none() {
                self.err("main-signature", name.span, "func init must have a body");
            }
            return;
        }
        if func.body.is_none() && !std {
            self.err("missing-body", name.span, "missing function body");
        }
        self.declare(self.package_scope, obj);
    }

    /// A name may not be both imported in a file and declared in the package.
    fn import_conflicts(&mut self, file_scopes: &[ScopeId]) {
        for &scope in file_scopes {
            let mut clashes: Vec<(ObjId, ObjId)> = self.scopes[scope.0 as usize]
                .names
                .iter()
                .filter_map(|(n, &import)| {
                    let own = self.scopes[self.package_scope.0 as usize].names.get(n)?;
                    Some((import, *own))
                })
                .collect();
            clashes.sort_by_key(|&(_, o)| self.obj(o).span.lo);
            for (import, own) in clashes {
                let name = self.name(self.obj(own).name).to_string();
                let message = match self.obj(import).kind {
                    ObjKind::Package(p) if p != PkgId::NONE => {
                        let path = self.name(self.info.pkg(p).path).to_string();
                        format!("{name} already declared through import of package {path}")
                    }
                    ObjKind::Package(_) => format!("{name} already declared through import"),
                    _ => format!("{name} already declared through dot-import"),
                };
                let (at, other) = (self.obj(own).span, self.obj(import).span);
                let mut d = Diagnostic::error("redeclared", at, message);
                if !other.is_none() {
                    d = d.related(other, format!("other declaration of {name}"));
                }
                self.report(d);
            }
        }
    }

    /// Finds the type name each method is declared for.
    fn attach_methods(&mut self, method_decls: Vec<(ObjId, FuncId)>) {
        let mut later: Vec<(NamedId, ObjId)> = Vec::new();
        for (obj, id) in method_decls {
            let func = self.ast.func(id);
            let Some(recv) = func.recv.as_ref().and_then(|r| r.first()) else { continue };
            let (pointer, base) = self.receiver_base(recv.ty);
            if let Some(base) = base
                && self.obj(obj).name != Sym::BLANK
            {
                if let ObjKind::Func(f) = &mut self.info.objects[obj.0 as usize].kind {
                    f.recv = Some(Recv { base: TypeId::INVALID, pointer });
                }
                match self.earlier_type(base) {
                    Some(n) => later.push((n, obj)),
                    None => self.methods.entry(base).or_default().push(obj),
                }
            }
        }
        self.attach_to_earlier(later);
    }

    /// The type name in a receiver's type, through aliases of this package, by syntax alone.
    fn receiver_base(&self, mut e: ExprId) -> (bool, Option<ObjId>) {
        let mut pointer = false;
        let mut through_alias = false;
        for _ in 0..1000 {
            match &self.ast.expr(e).kind {
                // an alias of an instance is no receiver type
                ExprKind::Index { .. } if through_alias => return (pointer, None),
                ExprKind::Paren(x) => e = *x,
                ExprKind::Star(x) => {
                    pointer = true;
                    e = *x;
                }
                ExprKind::Index { x, .. } => e = *x,
                ExprKind::Ident(name) => {
                    let Some(&obj) = self.scopes[self.package_scope.0 as usize].names.get(name) else {
                        return (pointer, self.session_type(*name));
                    };
                    let aux = &self.aux[obj.0 as usize];
                    let Some(d) = aux.decl else { return (pointer, None) };
                    match &self.decls[d as usize].kind {
                        DeclKind::Type(spec) if spec.alias && spec.tparams.is_empty() => {
                            through_alias = true;
                            e = spec.ty;
                        }
                        DeclKind::Type(spec) if spec.alias => return (pointer, None),
                        DeclKind::Type(_) => return (pointer, Some(obj)),
                        _ => return (pointer, None),
                    }
                }
                _ => return (pointer, None),
            }
        }
        (pointer, None)
    }

    /// Resolves every object: declared types first, so that aliases in cycles find them, then aliases, then the rest.
    fn resolve_all(&mut self) {
        let objects = self.package_objects.clone();
        let class = |c: &Self, o: ObjId| match c.aux[o.0 as usize].decl.map(|d| &c.decls[d as usize].kind) {
            Some(DeclKind::Type(spec)) if !spec.alias => 0,
            Some(DeclKind::Type(_)) => 1,
            _ => 2,
        };
        for phase in 0..3 {
            for &o in &objects {
                if class(self, o) == phase {
                    self.resolve(o);
                }
            }
        }
        self.flush_types();
    }

    /// The statements of a script: the body of its main function.
    fn script(&mut self, file: usize, scope: ScopeId) {
        let ast = self.ast;
        let saved = self.env.clone();
        self.env.scope = scope;
        self.env.script = true;
        self.env.sig = Some({
            let t = self.types();
            t.func(vec![], vec![], false)
        });
        self.env.results = Rc::new([]);
        let list: Vec<StmtId> = ast.files[file]
            .items
            .iter()
            .filter_map(|i| match i {
                TopItem::Stmt(s) => Some(*s),
                _ => None,
            })
            .collect();
        self.has_label = false;
        self.stmt_list(0, &list);
        if self.has_label {
            self.labels(&list);
        }
        self.env = saved;
    }

    fn unused_imports(&mut self) {
        let list: Vec<(Span, Sym, Option<Sym>, bool)> = self
            .imports
            .iter()
            .filter(|u| !self.aux[u.obj.0 as usize].used)
            .map(|u| (u.span, u.path, u.named, u.script))
            .collect();
        for (span, path, named, script) in list {
            let path = self.name(path).to_string();
            let message = match named {
                Some(n) => format!("\"{path}\" imported as {} and not used", self.name(n)),
                None => format!("\"{path}\" imported and not used"),
            };
            let d = if script && !self.options.strict {
                Diagnostic::warning("unused-import", span, message)
            } else {
                Diagnostic::error("unused-import", span, message)
            };
            self.report(d);
        }
    }
}
