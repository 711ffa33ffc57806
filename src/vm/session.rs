//! A session: one VM that is given inputs, each parsed, checked and compiled as an addition to what is there, and run in
//! a goroutine of its own. Both wings keep their tables between inputs and only add to them (`types::session`,
//! `compile::session`, `interp::session`).
//!
//! An input that has errors leaves nothing behind. One whose last statement is an expression has its value shown: it is
//! checked once to learn the type, then again with the call that shows it around the expression.
use super::module::Module;
use super::source::PackageLoader;
use super::{RunOptions, new_rt};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::intern::Interner;
use crate::base::span::{SourceMap, Span};
use crate::bytecode::disasm;
use crate::interp::session::{Driver, Goroutine};
use crate::syntax::ast::*;
use crate::types::check::CheckOptions;
use crate::types::info::{Info, ObjId, ObjKind, PkgId};
use crate::types::load::{LoadError, LoadedPackage, Loader, PackageGraph, load_more};
use crate::types::lookup;
use crate::types::print::{Style, type_string};
use crate::types::session::{Checked, check_input};
use crate::types::ty::{Type, TypeId};
use crate::value::env::Host;
use std::sync::Arc;

pub use crate::interp::session::Outcome;

/// What shows values: a name that programs cannot mean by chance.
const SHOW: &str = "__repl";
const SHOW_PACKAGE: &str = "internal/repl";

/// Calls whose results nobody wants to see.
const QUIET: &[&str] = &["fmt.Print", "fmt.Fprint", "os.Stdout.Write", "io.WriteString", "copy("];

pub struct Session {
    front: Front,
    compiler: Option<crate::compile::session::Session>,
    driver: Option<Driver>,
    host: Arc<dyn Host>,
    options: RunOptions,
    /// Inputs that were run.
    pub inputs: Vec<String>,
}

/// What the front wing keeps.
#[derive(Default)]
struct Front {
    sources: SourceMap,
    names: Interner,
    ast: Ast,
    graph: PackageGraph,
    types: crate::types::session::Session,
    count: usize,
}

/// A name that may stand somewhere, and what it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    pub name: String,
    pub what: String,
}

/// Finds packages as a program's would be found, and the one that shows values.
struct SessionLoader(PackageLoader);

impl Loader for SessionLoader {
    fn load(&self, path: &str) -> Result<LoadedPackage, LoadError> {
        self.0.load(path)
    }

    fn std_package_named(&self, name: &str) -> Option<String> {
        if name == SHOW { Some(SHOW_PACKAGE.into()) } else { self.0.std_package_named(name) }
    }
}

impl Front {
    fn loader(&self) -> SessionLoader {
        SessionLoader(PackageLoader::new(Module::find(std::path::Path::new("."))))
    }

    /// Parses and checks a text.
    fn check(&mut self, name: String, text: String, diags: &mut Diagnostics) -> Option<(usize, Checked)> {
        let loader = self.loader();
        let id = self.sources.add(name, text);
        let parse = crate::syntax::parse_file;
        parse(id, &self.sources, &mut self.names, &mut self.ast, diags);
        let file = self.ast.files.len() - 1;
        if let Some(p) = self.ast.files[file].package {
            let message = "an input of a session has no package clause";
            diags.push(Diagnostic::error("package-clause", p.span, message).help("use `:load` for a file"));
        }
        if diags.has_errors() {
            return None;
        }
        let graph = std::mem::take(&mut self.graph);
        self.graph =
            load_more(graph, &[file], &loader, parse, &mut self.sources, &mut self.names, &mut self.ast, diags);
        if diags.has_errors() {
            return None;
        }
        let options = CheckOptions { strict: false, loader: Some(&loader), programs: false };
        let checked =
            check_input(&mut self.types, file, &self.ast, &self.graph, &mut self.names, &self.sources, options, diags);
        Some((file, checked))
    }

    fn type_text(&self, ty: TypeId) -> String {
        let pkg = self.types.main.unwrap_or(PkgId::NONE);
        type_string(&self.types.info, &self.names, ty, Style::Message { pkg, byte: true, rune: false })
    }

    /// The expression that is the last statement of a file.
    fn last_expression(&self, file: usize) -> Option<Span> {
        let TopItem::Stmt(s) = self.ast.files[file].items.last()? else { return None };
        let StmtKind::Expr(e) = self.ast.stmt(*s).kind else { return None };
        let span = self.ast.span(e);
        let text = self.sources.text(span);
        (!QUIET.iter().any(|q| text.starts_with(q))).then_some(span)
    }
}

impl Session {
    pub fn new(host: Arc<dyn Host>, options: RunOptions) -> Session {
        Session { front: Front::default(), compiler: None, driver: None, host, options, inputs: Vec::new() }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.driver = None;
        self.compiler = None;
        self.front = Front::default();
        self.inputs.clear();
    }

    pub fn sources(&self) -> &SourceMap {
        &self.front.sources
    }

    /// Checks an input and starts to run it. Warnings are added to `diags`. `dim` surrounds the types of shown values.
    ///
    /// # Errors
    /// It was not run. `None`: `diags` says why. Otherwise a sentence; the session is of no use any more.
    pub fn feed(&mut self, text: &str, dim: (&str, &str), diags: &mut Diagnostics) -> Result<(), Option<String>> {
        let front = &mut self.front;
        front.count += 1;
        let name = format!("input {}", front.count);
        let source = format!("{}\n", text.trim_end());
        let Some((file, mut checked)) = front.check(name.clone(), source.clone(), diags) else { return Err(None) };
        if !checked.ok {
            front.types.refuse(checked);
            return Err(None);
        }
        let shown = front.last_expression(file).and_then(|span| Some((span, checked.shown.take()?)));
        if let Some((span, (_, types))) = shown {
            front.types.refuse(checked);
            let base = front.sources.find(span.lo).map_or(0, |f| f.base);
            let (lo, hi) = ((span.lo - base) as usize, (span.hi - base) as usize);
            let types: Vec<String> =
                types.iter().map(|&t| quote(&format!("{}{}{}", dim.0, front.type_text(t), dim.1))).collect();
            let call = format!("{SHOW}.Show({})(", types.join(", "));
            let wrapped = format!("{}{call}{}){}", &source[..lo], &source[lo..hi], &source[hi..]);
            let mut again = Diagnostics::default();
            match front.check(name, wrapped, &mut again) {
                Some((_, second)) if second.ok => checked = second,
                Some((_, second)) => {
                    front.types.refuse(second);
                    diags.list.extend(again.list);
                    return Err(None);
                }
                None => {
                    diags.list.extend(again.list);
                    return Err(None);
                }
            }
        }
        let Some(main) = front.types.main else { return Err(None) };
        let program = crate::compile::session::compile_input(
            &mut self.compiler,
            &front.ast,
            &mut front.types.info,
            &front.names,
            diags,
            main,
            &checked.attached,
        );
        front.types.commit(checked);
        if diags.has_errors() {
            return Err(Some("the input exceeds a limit of the compiler".into()));
        }
        self.inputs.push(text.trim_end().to_string());
        self.run(program).map_err(Some)
    }

    fn run(&mut self, program: crate::bytecode::program::Program) -> Result<(), String> {
        let sources = Arc::new(self.front.sources.clone());
        let Some(entry) = program.entry else { return Ok(()) };
        match &self.driver {
            Some(driver) => driver.extend(program, &crate::std::natives(), sources)?,
            None => {
                let rt = new_rt(program, sources, self.host.clone(), &self.options, true)?;
                self.driver = Some(Driver::start(rt)?);
            }
        }
        match &self.driver {
            Some(driver) => driver.begin(entry),
            None => Ok(()),
        }
    }

    /// The VM, once something has run.
    pub fn driver(&self) -> Option<&Driver> {
        self.driver.as_ref()
    }

    pub fn goroutines(&self) -> Vec<Goroutine> {
        self.driver.as_ref().map_or(Vec::new(), Driver::goroutines)
    }

    /// The type of an expression, as text; several for a call with several results.
    pub fn type_of(&mut self, text: &str, diags: &mut Diagnostics) -> Option<Vec<String>> {
        let types = self.types_of(text, diags)?;
        Some(types.into_iter().map(|t| self.front.type_text(t)).collect())
    }

    fn types_of(&mut self, text: &str, diags: &mut Diagnostics) -> Option<Vec<TypeId>> {
        let (_, mut checked) = self.front.check("expression".into(), format!("{text}\n"), diags)?;
        let shown = checked.shown.take();
        self.front.types.refuse(checked);
        if diags.has_errors() {
            return None;
        }
        Some(shown?.1)
    }

    /// The definition of a type that the session knows, or the declaration of another name.
    pub fn describe(&self, name: &str) -> Option<String> {
        let front = &self.front;
        let sym = front.names.lookup(name)?;
        let obj = *front.types.names.get(&sym)?;
        let info = &front.types.info;
        let o = info.obj(obj);
        if !matches!(o.kind, ObjKind::TypeName) {
            return Some(self.what(obj));
        }
        let mut text = format!("type {name} {}", front.type_text(info.types.underlying_id(o.ty)));
        let mut methods: Vec<String> = self.methods(o.ty).into_iter().map(|m| format!("  {}", m.what)).collect();
        methods.sort();
        for m in methods {
            text.push('\n');
            text.push_str(&m);
        }
        Some(text)
    }

    /// The bytecode of a function of the session.
    pub fn disassemble(&self, name: &str) -> Option<String> {
        let compiler = self.compiler.as_ref()?;
        let mut out = String::new();
        for f in compiler.functions_named(name) {
            let _ = disasm::function(compiler.program(), &self.front.sources, &f, &mut out);
        }
        (!out.is_empty()).then_some(out)
    }

    // ---- completion

    /// The session's names.
    pub fn names(&self) -> Vec<Candidate> {
        let front = &self.front;
        let list = front.types.names.iter().filter(|(n, _)| front.names.name(**n) != "_");
        list.map(|(&n, &o)| Candidate { name: front.names.name(n).to_string(), what: self.what(o) }).collect()
    }

    /// What may follow `text.`: fields and methods of an expression's value, or nothing.
    pub fn members(&mut self, text: &str) -> Vec<Candidate> {
        let mut diags = Diagnostics::default();
        let Some(types) = self.types_of(text, &mut diags) else { return Vec::new() };
        let [ty] = types[..] else { return Vec::new() };
        let mut list = self.methods(ty);
        let pointer = self.front.types.info.types.pointer(ty);
        for m in self.methods(pointer) {
            if !list.iter().any(|l| l.name == m.name) {
                list.push(m);
            }
        }
        self.fields(ty, 0, &mut list);
        list
    }

    fn methods(&self, ty: TypeId) -> Vec<Candidate> {
        let (front, info) = (&self.front, &self.front.types.info);
        let main = front.types.main.unwrap_or(PkgId::NONE);
        let mut list = Vec::new();
        if let Some(i) = info.types.interface_of(ty) {
            for m in &i.methods {
                let name = front.names.name(m.name).to_string();
                let what = front.type_text(m.sig).replacen("func", &name, 1);
                list.push(Candidate { name, what });
            }
            return list;
        }
        for m in lookup::method_set(info, &front.names, ty) {
            if m.pkg != PkgId::NONE && m.pkg != main {
                continue;
            }
            let name = front.names.name(m.name).to_string();
            let what = match &m.found.entry {
                lookup::Entry::Method { obj, .. } => front.type_text(info.obj(*obj).ty),
                lookup::Entry::Interface { sig, .. } => front.type_text(*sig),
                lookup::Entry::Field { .. } => continue,
            };
            list.push(Candidate { what: what.replacen("func", &name, 1), name });
        }
        list
    }

    fn fields(&self, ty: TypeId, depth: u32, list: &mut Vec<Candidate>) {
        let (front, info) = (&self.front, &self.front.types.info);
        let main = front.types.main.unwrap_or(PkgId::NONE);
        let ty = match info.types.underlying(ty) {
            Type::Pointer(e) => *e,
            _ => ty,
        };
        let Type::Struct(fields) = info.types.underlying(ty) else { return };
        for f in fields.iter() {
            let name = front.names.name(f.name).to_string();
            let visible = lookup::is_exported(&name) || f.pkg == main;
            if visible && !list.iter().any(|l| l.name == name) {
                list.push(Candidate { what: format!("{name} {}", front.type_text(f.ty)), name });
            }
            if f.embedded && depth < 8 {
                self.fields(f.ty, depth + 1, list);
            }
        }
    }

    /// The package a name of the session stands for.
    pub fn imported(&self, name: &str) -> Option<String> {
        let front = &self.front;
        let obj = front.types.names.get(&front.names.lookup(name)?)?;
        match front.types.info.obj(*obj).kind {
            ObjKind::Package(p) if p != PkgId::NONE => Some(front.names.name(front.types.info.pkg(p).path).to_string()),
            _ => None,
        }
    }

    fn what(&self, obj: ObjId) -> String {
        let (front, info): (_, &Info) = (&self.front, &self.front.types.info);
        let o = info.obj(obj);
        let name = front.names.name(o.name);
        let ty = || front.type_text(o.ty);
        match &o.kind {
            ObjKind::Local | ObjKind::Global => format!("var {name} {}", ty()),
            ObjKind::Const(_) => format!("const {name} {}", ty()),
            ObjKind::TypeName => format!("type {name}"),
            ObjKind::Func(_) => ty().replacen("func", &format!("func {name}"), 1),
            ObjKind::Package(_) => format!("package {name}"),
            ObjKind::Builtin(_) => format!("func {name}"),
            ObjKind::Nil | ObjKind::Label => name.to_string(),
        }
    }
}

/// A string literal.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
