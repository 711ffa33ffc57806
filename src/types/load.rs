//! Program loading: from the parsed files of the program over their imports to all packages, in dependency order.
//! Where packages come from is the `Loader`'s business.
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::intern::{Interner, Sym};
use crate::base::span::{FileId, SourceMap, Span};
use crate::syntax::ast::*;
use rustc_hash::{FxHashMap, FxHashSet};

/// The source of a package.
pub struct LoadedPackage {
    /// Of the standard library.
    pub std: bool,
    /// The release of Go, 1.N, that it is written for.
    pub release: u32,
    /// File name (as shown) and text.
    pub files: Vec<(String, String)>,
}

/// Why a package cannot be had.
pub struct LoadError {
    /// As after `could not import x: `.
    pub message: String,
    pub help: Option<String>,
}

pub trait Loader {
    fn load(&self, path: &str) -> Result<LoadedPackage, LoadError>;

    /// Whether a package, `None` for the program itself, may import another: one below `internal` not from everywhere.
    fn allows(&self, _path: &str, _importer: Option<&str>) -> bool {
        true
    }

    /// The path of the standard package that is called `name`, for scripts and help lines.
    fn std_package_named(&self, name: &str) -> Option<String>;
}

/// One imported package.
pub struct GraphPackage {
    pub path: Sym,
    pub name: Sym,
    /// Indices into `Ast::files`.
    pub files: Vec<usize>,
    /// Import path to index in `PackageGraph::packages`.
    pub imports: FxHashMap<Sym, usize>,
    pub std: bool,
}

/// All imported packages, dependencies first.
#[derive(Default)]
pub struct PackageGraph {
    pub packages: Vec<GraphPackage>,
    /// Imports of the program's own files.
    pub main_imports: FxHashMap<Sym, usize>,
    /// Packages a script uses without importing them: name to index.
    pub auto_imports: FxHashMap<Sym, usize>,
}

/// The package that declares the errors of run-time panics.
pub const RUNTIME_TYPES: &str = "internal/rt";

/// Parses one file into the tree: `syntax::parse_file`.
pub type ParseFile = fn(FileId, &SourceMap, &mut Interner, &mut Ast, &mut Diagnostics);

/// Loads everything the program's files import.
pub fn load_program(
    main_files: &[usize],
    loader: &dyn Loader,
    parse: ParseFile,
    sources: &mut SourceMap,
    names: &mut Interner,
    ast: &mut Ast,
    diags: &mut Diagnostics,
) -> PackageGraph {
    load_more(PackageGraph::default(), main_files, loader, parse, sources, names, ast, diags)
}

/// As [`load_program`] for one more input of a session: to the packages of those before, new ones are added.
#[allow(clippy::too_many_arguments)]
pub fn load_more(
    mut graph: PackageGraph,
    main_files: &[usize],
    loader: &dyn Loader,
    parse: ParseFile,
    sources: &mut SourceMap,
    names: &mut Interner,
    ast: &mut Ast,
    diags: &mut Diagnostics,
) -> PackageGraph {
    let known = graph.packages.iter().enumerate().map(|(i, p)| (p.path, Known::Loaded(i))).collect();
    graph.main_imports.clear();
    let mut l = Load { loader, parse, sources, names, ast, diags, graph, known };
    l.program(main_files);
    l.graph
}

enum Known {
    /// Being loaded: an import cycle if met again.
    Loading,
    Loaded(usize),
    Failed,
}

struct Load<'a> {
    loader: &'a dyn Loader,
    parse: ParseFile,
    sources: &'a mut SourceMap,
    names: &'a mut Interner,
    ast: &'a mut Ast,
    diags: &'a mut Diagnostics,
    graph: PackageGraph,
    known: FxHashMap<Sym, Known>,
}

/// A package whose imports are being loaded.
struct Open {
    path: Sym,
    files: Vec<usize>,
    std: bool,
    todo: Vec<(Sym, Span)>,
    imports: FxHashMap<Sym, usize>,
}

impl Load<'_> {
    fn program(&mut self, main_files: &[usize]) {
        // What the run-time system makes values of is part of every program.
        let rt = self.names.intern(RUNTIME_TYPES);
        self.package(rt, Span::NONE);
        let todo = self.imports_of(main_files);
        for (path, span) in todo {
            if self.allows(path, span, None)
                && let Some(i) = self.package(path, span)
            {
                self.graph.main_imports.insert(path, i);
            }
        }
        for &f in main_files {
            if self.ast.files[f].package.is_none() {
                self.auto_imports(f);
            }
        }
    }

    /// Distinct import paths in source order.
    fn imports_of(&self, files: &[usize]) -> Vec<(Sym, Span)> {
        let mut seen = FxHashSet::default();
        let mut list = Vec::new();
        for &f in files {
            for item in &self.ast.files[f].items {
                if let TopItem::Import(spec) = item
                    && seen.insert(spec.path)
                {
                    list.push((spec.path, spec.path_span));
                }
            }
        }
        list
    }

    /// Loads a package and, depth first without recursion, what it imports.
    fn package(&mut self, path: Sym, span: Span) -> Option<usize> {
        let mut stack: Vec<Open> = Vec::new();
        match self.open(path, span, &stack) {
            Ok(Some(i)) => return Some(i),
            Ok(None) => return None,
            Err(open) => stack.push(open),
        }
        let mut result = None;
        while let Some(top) = stack.last_mut() {
            if let Some((path, span)) = top.todo.pop() {
                let (importer, std) = (top.path, top.std);
                if !std && !self.allows(path, span, Some(importer)) {
                    continue;
                }
                match self.open(path, span, &stack) {
                    Ok(Some(i)) => {
                        if let Some(top) = stack.last_mut() {
                            top.imports.insert(path, i);
                        }
                    }
                    Ok(None) => {}
                    Err(open) => stack.push(open),
                }
                continue;
            }
            let Some(done) = stack.pop() else { break };
            let index = self.graph.packages.len();
            let name = done.files.iter().find_map(|&f| self.ast.files[f].package).map_or(done.path, |p| p.name);
            self.known.insert(done.path, Known::Loaded(index));
            if let Some(parent) = stack.last_mut() {
                parent.imports.insert(done.path, index);
            }
            result = Some(index);
            self.graph.packages.push(GraphPackage {
                path: done.path,
                name,
                files: done.files,
                imports: done.imports,
                std: done.std,
            });
        }
        result
    }

    /// Whether a package, `None` for the program, may import another; reported if not.
    fn allows(&mut self, path: Sym, span: Span, importer: Option<Sym>) -> bool {
        let text = self.names.name(path);
        let allowed = self.loader.allows(text, importer.map(|i| self.names.name(i)));
        if !allowed {
            let message = format!("use of internal package {text} not allowed");
            let outer = text.split("internal").next().unwrap_or("").trim_end_matches('/');
            let mut d = Diagnostic::error("import", span, message);
            d.help = (!outer.is_empty()).then(|| format!("only packages below {outer} may import it"));
            self.diags.push(d);
        }
        allowed
    }

    /// `Ok` with the package if it is known (`None`: refused), `Err` with it if its imports are to be loaded first.
    fn open(&mut self, path: Sym, span: Span, stack: &[Open]) -> Result<Option<usize>, Open> {
        match self.known.get(&path) {
            Some(Known::Loaded(i)) => return Ok(Some(*i)),
            Some(Known::Failed) => return Ok(None),
            Some(Known::Loading) => {
                self.cycle(path, span, stack);
                return Ok(None);
            }
            None => {}
        }
        let text = self.names.name(path).to_string();
        let refused = match &text[..] {
            "unsafe" => Some(("package unsafe is not supported: programs are memory-safe", "")),
            "C" => Some(("cgo is not supported", "run what is written in C as a program of its own, with os/exec")),
            "embed" => {
                Some(("package embed is not supported", "read the files when the program runs: os.ReadFile, os.DirFS"))
            }
            "plugin" => {
                Some(("package plugin is not supported", "import the package, or run it as a program of its own"))
            }
            "" => Some(("invalid import path (empty string)", "")),
            _ => None,
        };
        if let Some((message, help)) = refused {
            let mut d = Diagnostic::error("import", span, message);
            d.help = (!help.is_empty()).then(|| help.to_string());
            self.diags.push(d);
            self.known.insert(path, Known::Failed);
            return Ok(None);
        }
        let package = match self.loader.load(&text) {
            Ok(package) => package,
            Err(e) => {
                let mut d = Diagnostic::error("import", span, format!("could not import {text} ({})", e.message));
                d.help = e.help;
                self.diags.push(d);
                self.known.insert(path, Known::Failed);
                return Ok(None);
            }
        };
        let mut files = Vec::new();
        for (name, text) in package.files {
            let id = self.sources.add(name, text);
            let before = self.ast.files.len();
            (self.parse)(id, self.sources, self.names, self.ast, self.diags);
            files.extend(before..self.ast.files.len());
            self.ast.set_release(before, package.release);
        }
        self.known.insert(path, Known::Loading);
        let mut todo = self.imports_of(&files);
        todo.reverse();
        Err(Open { path, files, std: package.std, todo, imports: FxHashMap::default() })
    }

    fn cycle(&mut self, path: Sym, span: Span, stack: &[Open]) {
        let start = stack.iter().position(|o| o.path == path).unwrap_or(0);
        let mut list: Vec<&str> = stack[start..].iter().map(|o| self.names.name(o.path)).collect();
        list.push(self.names.name(path));
        let d = Diagnostic::error("import-cycle", span, "import cycle not allowed")
            .help(format!("the cycle is {}", list.join(" imports ")));
        self.diags.push(d);
    }

    /// Standard packages a script names in `name.Sel` without importing them.
    fn auto_imports(&mut self, file: usize) {
        let mut declared: FxHashSet<Sym> = FxHashSet::default();
        for item in &self.ast.files[file].items {
            match item {
                TopItem::Import(spec) => {
                    declared.insert(match spec.name {
                        Some(name) => name.name,
                        None => match self.graph.main_imports.get(&spec.path) {
                            Some(&i) => self.graph.packages[i].name,
                            None => spec.path,
                        },
                    });
                }
                TopItem::Func(f) => declared.extend(self.ast.func(*f).name.map(|n| n.name)),
                TopItem::Stmt(s) => match &self.ast.stmt(*s).kind {
                    StmtKind::Decl(Decl::Var(specs)) => {
                        declared.extend(specs.iter().flat_map(|s| s.names.iter().map(|n| n.name)));
                    }
                    StmtKind::Decl(Decl::Const(specs)) => {
                        declared.extend(specs.iter().flat_map(|s| s.names.iter().map(|n| n.name)));
                    }
                    StmtKind::Decl(Decl::Type(specs)) => declared.extend(specs.iter().map(|s| s.name.name)),
                    _ => {}
                },
            }
        }
        let range = self.ast.files[file].span;
        let mut seen: FxHashSet<Sym> = FxHashSet::default();
        let mut wanted: Vec<(Sym, Span)> = Vec::new();
        for e in &self.ast.exprs {
            if let ExprKind::Selector { x, sel } = &e.kind
                && e.span.lo >= range.lo
                && e.span.hi <= range.hi
                && let ExprKind::Ident(name) = self.ast.expr(*x).kind
                && !declared.contains(&name)
                && super::lookup::is_exported(self.names.name(sel.name))
                && seen.insert(name)
            {
                wanted.push((name, self.ast.span(*x)));
            }
        }
        for (name, span) in wanted {
            let Some(path) = self.loader.std_package_named(self.names.name(name)) else { continue };
            let path = self.names.intern(&path);
            if let Some(i) = self.package(path, span) {
                self.graph.auto_imports.insert(name, i);
            }
        }
    }
}
