//! Compares what the standard packages export with what Go's export: `tests/compatibility/go.txt` has every name of the
//! packages in `packages.txt` with its type or value (`tests/compatibility/main.go` writes it), the checker says the same
//! of gmpl's, and `stdlib/COMPATIBILITY.md` must account for every difference, and for none that is not there.
//!
//! In the table, a `##` heading opens a package. Below it lines begin with what they speak of:
//! - `- absent: ` names that gmpl does not have, in backquotes; `T.*` stands for all fields and methods of T, `*` for all that
//!   is not there; after ` — ` why.
//! - `- differs: ` names that are there with another type, value, or behaviour; after ` — ` how.
//! - `- extra: ` names that Go does not have.
//!
//! `COMPATIBILITY_WRITE=1` writes the counts in the table's head anew.
use gmpl::base::diag::Diagnostics;
use gmpl::base::intern::{Interner, Sym};
use gmpl::base::span::SourceMap;
use gmpl::syntax::ast::Ast;
use gmpl::types::check::{CheckOptions, check_program};
use gmpl::types::constant::Const;
use gmpl::types::info::{Info, ObjKind, Object, PkgId, SelectionKind};
use gmpl::types::load::load_program;
use gmpl::types::lookup::{Entry, is_exported, method_set};
use gmpl::types::ty::*;
use gmpl::vm::source::{PackageLoader, std_packages};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Packages of gmpl's that are not part of Go's standard library.
const NOT_OF_GO: &[&str] = &["golang.org/x/"];

/// A package whose types belong to another: every program has it.
const SHOWN_AS: (&str, &str) = ("internal/rt", "runtime");

/// A package's names, each with what it is.
type Names = BTreeMap<String, String>;

fn folder(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(folder(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// What Go exports, as recorded.
fn of_go() -> BTreeMap<String, Names> {
    let mut packages: BTreeMap<String, Names> = BTreeMap::new();
    let mut current = String::new();
    for line in read("tests/compatibility/go.txt").lines() {
        if let Some(path) = line.strip_prefix("package ") {
            current = path.to_string();
            packages.entry(current.clone()).or_default();
        } else if let Some((name, what)) = line.trim().split_once(' ') {
            packages.entry(current.clone()).or_default().insert(name.into(), what.into());
        }
    }
    packages
}

/// What gmpl exports, as its checker sees it.
fn of_gmpl() -> BTreeMap<String, Names> {
    let paths: Vec<&str> = std_packages().filter(|p| !NOT_OF_GO.iter().any(|n| p.starts_with(n))).collect();
    let mut text = String::from("package main\n\nimport (\n");
    for path in &paths {
        let _ = writeln!(text, "\t_ \"{path}\"");
    }
    text.push_str(")\n\nfunc main() {}\n");
    let (mut sources, mut names, mut ast) = (SourceMap::default(), Interner::default(), Ast::default());
    let mut diags = Diagnostics::default();
    let id = sources.add("main.gm".to_string(), text);
    let parse = gmpl::syntax::parse_file;
    parse(id, &sources, &mut names, &mut ast, &mut diags);
    let loader = PackageLoader::new(None);
    let graph = load_program(&[0], &loader, parse, &mut sources, &mut names, &mut ast, &mut diags);
    let options = CheckOptions { loader: Some(&loader), ..CheckOptions::default() };
    let info = check_program(&[0], &ast, &graph, &mut names, &sources, options, &mut diags);
    assert!(!diags.has_errors(), "the standard library does not check");
    let mut packages = BTreeMap::new();
    for (i, package) in info.packages.iter().enumerate() {
        let path = names.name(package.path);
        if paths.contains(&path) {
            let lister = Lister { info: &info, names: &names };
            packages.insert(path.to_string(), lister.package(PkgId(i as u32)));
        }
    }
    assert_eq!(packages.len(), paths.len());
    packages
}

/// Writes objects and types as `tests/compatibility/main.go` does.
struct Lister<'a> {
    info: &'a Info,
    names: &'a Interner,
}

impl Lister<'_> {
    fn name(&self, sym: Sym) -> &str {
        self.names.name(sym)
    }

    fn package(&self, id: PkgId) -> Names {
        let mut list = Names::new();
        for (&sym, &obj) in &self.info.pkg(id).scope {
            let name = self.name(sym).to_string();
            if is_exported(&name) {
                self.object(name, self.info.obj(obj), id, &mut list);
            }
        }
        list
    }

    fn object(&self, name: String, obj: &Object, pkg: PkgId, list: &mut Names) {
        let types = &self.info.types;
        let what = match &obj.kind {
            ObjKind::Const(value) => format!("const {} = {}", self.ty(obj.ty), constant(value)),
            ObjKind::Global => format!("var {}", self.ty(obj.ty)),
            ObjKind::Func(f) => format!("func{}{}", self.params(&f.tparams), self.signature(obj.ty)),
            ObjKind::TypeName => match types.get(obj.ty) {
                Type::Named(n) if self.belongs_to(*n, pkg) && self.name(types.named(*n).name) == name => {
                    format!("type{}", self.declared(&name, *n, obj.ty, list))
                }
                _ => format!("= {}", self.ty(obj.ty)),
            },
            _ => return,
        };
        list.insert(name, what);
    }

    fn belongs_to(&self, n: NamedId, pkg: PkgId) -> bool {
        let of = self.info.types.named(n).pkg;
        of == pkg || of != PkgId::NONE && self.path(of) == self.path(pkg)
    }

    fn path(&self, pkg: PkgId) -> &str {
        let path = self.name(self.info.pkg(pkg).path);
        if path == SHOWN_AS.0 { SHOWN_AS.1 } else { path }
    }

    /// Describes a type; its fields and methods are added to the list.
    fn declared(&self, name: &str, named: NamedId, ty: TypeId, list: &mut Names) -> String {
        let types = &self.info.types;
        let mut what = self.params(&types.named(named).tparams);
        match types.underlying(ty) {
            Type::Struct(fields) => {
                what.push_str(" struct");
                if types.comparable(ty, true) {
                    what.push_str(" =");
                }
                for f in fields.iter().filter(|f| is_exported(self.name(f.name))) {
                    let kind = if f.embedded { "embedded" } else { "field" };
                    list.insert(format!("{name}.{}", self.name(f.name)), format!("{kind} {}", self.ty(f.ty)));
                }
            }
            Type::Interface(i) => {
                let methods_only = i.terms.is_none() && !i.comparable;
                what.push(' ');
                what.push_str(&if methods_only { "interface".to_string() } else { self.interface(i) });
                for m in &i.methods {
                    if is_exported(self.name(m.name)) {
                        let text = format!("method{}", self.signature(m.sig));
                        list.insert(format!("{name}.{}", self.name(m.name)), text);
                    }
                }
                if i.methods.iter().any(|m| !is_exported(self.name(m.name))) {
                    what.push_str(" closed");
                }
                return what;
            }
            _ => {
                let _ = write!(what, " {}", self.ty(types.underlying_id(ty)));
            }
        }
        let by_value: BTreeSet<Sym> = method_set(self.info, self.names, ty).iter().map(|m| m.name).collect();
        // An addressable value has the methods of its pointer, too, in Go and in the search below.
        for m in self.all_methods(ty) {
            let kind = if by_value.contains(&m.0) { "method" } else { "*method" };
            list.insert(format!("{name}.{}", self.name(m.0)), format!("{kind}{}", m.1));
        }
        what
    }

    /// The exported methods of a type and its pointer, with their signatures.
    fn all_methods(&self, ty: TypeId) -> Vec<(Sym, String)> {
        let mut seen = BTreeSet::new();
        let mut work = vec![ty];
        let mut found = Vec::new();
        while let Some(t) = work.pop() {
            if let Type::Named(n) = self.info.types.get(t) {
                let origin = self.info.types.named(*n).origin.unwrap_or(*n);
                for &m in &self.info.types.named(origin).methods {
                    seen.insert(self.info.obj(m).name);
                }
            }
            match self.info.types.underlying(t) {
                Type::Struct(fields) => {
                    work.extend(fields.iter().filter(|f| f.embedded).map(|f| self.info.types.deref(f.ty).0));
                }
                Type::Interface(i) => seen.extend(i.methods.iter().map(|m| m.name)),
                _ => {}
            }
        }
        for sym in seen.into_iter().filter(|s| is_exported(self.name(*s))) {
            let look = gmpl::types::lookup::lookup_field_or_method(self.info, ty, true, sym, PkgId::NONE, None);
            let text = match look.found().map(|f| f.entry) {
                Some(Entry::Method { obj, .. }) => {
                    let obj = self.info.obj(obj);
                    let ObjKind::Func(f) = &obj.kind else { continue };
                    format!("{}{}", self.params(&f.method_tparams), self.signature(obj.ty))
                }
                Some(Entry::Interface { sig, .. }) => self.signature(sig),
                _ => continue,
            };
            found.push((sym, text));
        }
        found
    }

    fn params(&self, list: &[TypeParamId]) -> String {
        if list.is_empty() {
            return String::new();
        }
        let list: Vec<String> = list.iter().map(|p| self.ty(self.info.types.tparam(*p).constraint)).collect();
        format!("[{}]", list.join(", "))
    }

    fn tuple(&self, list: &[TypeId], variadic: bool) -> String {
        let mut parts: Vec<String> = list.iter().map(|t| self.ty(*t)).collect();
        if let Some(last) = parts.last_mut().filter(|_| variadic)
            && let Some(elem) = last.strip_prefix("[]")
        {
            *last = format!("...{elem}");
        }
        parts.join(", ")
    }

    fn signature(&self, sig: TypeId) -> String {
        let Type::Func(f) = self.info.types.get(sig) else { panic!("not a signature") };
        let params = self.tuple(&f.params, f.variadic);
        match f.results[..] {
            [] => format!("({params})"),
            [one] => format!("({params}) {}", self.ty(one)),
            _ => format!("({params}) ({})", self.tuple(&f.results, false)),
        }
    }

    fn ty(&self, ty: TypeId) -> String {
        let types = &self.info.types;
        match types.get(ty) {
            Type::Invalid => "invalid".into(),
            Type::Basic(b) => b.name().into(),
            Type::Named(n) => self.named(*n, ty),
            Type::TypeParam(p) => format!("${}", types.tparam(*p).index),
            Type::Pointer(t) => format!("*{}", self.ty(*t)),
            Type::Slice(t) => format!("[]{}", self.ty(*t)),
            Type::Array(t, n) => format!("[{n}]{}", self.ty(*t)),
            Type::Map(k, v) => format!("map[{}]{}", self.ty(*k), self.ty(*v)),
            Type::Chan(Dir::Send, t) => format!("chan<- {}", self.ty(*t)),
            Type::Chan(Dir::Recv, t) => format!("<-chan {}", self.ty(*t)),
            Type::Chan(Dir::Both, t) => format!("chan {}", self.ty(*t)),
            Type::Func(_) => format!("func{}", self.signature(ty)),
            Type::Struct(fields) => {
                let list: Vec<String> =
                    fields.iter().map(|f| format!("{} {}", self.name(f.name), self.ty(f.ty))).collect();
                format!("struct{{{}}}", list.join("; "))
            }
            Type::Interface(i) => self.interface(i),
            Type::Tuple(list) => format!("({})", self.tuple(list, false)),
        }
    }

    fn named(&self, n: NamedId, ty: TypeId) -> String {
        let data = self.info.types.named(n);
        let name = self.name(data.name);
        if data.pkg == PkgId::NONE {
            return name.to_string();
        }
        if let Type::Interface(i) = self.info.types.underlying(ty)
            && !is_exported(name)
        {
            return self.interface(i);
        }
        let mut text = format!("{}.{name}", self.path(data.pkg));
        if !data.args.is_empty() {
            let args: Vec<String> = data.args.iter().map(|t| self.ty(*t)).collect();
            let _ = write!(text, "[{}]", args.join(", "));
        }
        text
    }

    fn interface(&self, i: &InterfaceType) -> String {
        let mut parts: Vec<String> =
            i.methods.iter().map(|m| format!("{}{}", self.name(m.name), self.signature(m.sig))).collect();
        if i.comparable {
            parts.push("comparable".into());
        }
        if let Some(terms) = &i.terms {
            let list: Vec<String> =
                terms.iter().map(|t| format!("{}{}", if t.tilde { "~" } else { "" }, self.ty(t.ty))).collect();
            parts.push(list.join(" | "));
        }
        if parts.is_empty() { "any".into() } else { format!("interface{{{}}}", parts.join("; ")) }
    }
}

/// A constant's value: floats as the nearest float64, the rest exactly.
fn constant(value: &Const) -> String {
    match value {
        Const::Bool(b) => b.to_string(),
        Const::Str(s) => gmpl::types::constant::quote(&String::from_utf8_lossy(s)),
        Const::Int(i) => i.to_string(),
        Const::Float(r) if r.is_integer() => r.to_integer().to_string(),
        Const::Float(_) => hexadecimal(value.to_f64().unwrap_or(f64::NAN)),
        Const::Complex(..) => value.show(),
    }
}

/// As `%x` of Go's fmt.
fn hexadecimal(f: f64) -> String {
    let bits = f.abs().to_bits();
    let (mut exponent, mut mantissa) = ((bits >> 52) as i64 - 1023, bits & ((1 << 52) - 1));
    if bits >> 52 == 0 {
        let shift = mantissa.leading_zeros() as i64 - 11;
        mantissa = (mantissa << shift) & ((1 << 52) - 1);
        exponent = -1022 - shift;
    }
    let digits = format!("{mantissa:013x}");
    let digits = digits.trim_end_matches('0');
    let point = if digits.is_empty() { "" } else { "." };
    let (minus, sign) = (if f < 0.0 { "-" } else { "" }, if exponent < 0 { '-' } else { '+' });
    format!("{minus}0x1{point}{digits}p{sign}{:02}", exponent.abs())
}

/// What the table says of a package.
#[derive(Default)]
struct Said {
    absent: BTreeSet<String>,
    differs: BTreeSet<String>,
    extra: BTreeSet<String>,
}

/// Reads the table; complains of lines that say nothing.
fn table(text: &str, wrong: &mut Vec<String>) -> BTreeMap<String, Said> {
    let mut said: BTreeMap<String, Said> = BTreeMap::new();
    let mut current = None;
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("## ") {
            let path = path.trim_matches('`').to_string();
            if said.insert(path.clone(), Said::default()).is_some() {
                wrong.push(format!("the table has {path} twice"));
            }
            current = Some(path);
            continue;
        }
        let Some(rest) = line.strip_prefix("- ") else { continue };
        let Some(package) = current.as_ref().and_then(|p| said.get_mut(p)) else { continue };
        let Some((kind, rest)) = rest.split_once(": ") else { continue };
        let Some((names, why)) = rest.split_once(" — ") else {
            wrong.push(format!("the table does not say why: {line}"));
            continue;
        };
        let names = names.split('`').skip(1).step_by(2).map(str::to_string);
        match kind {
            "absent" => package.absent.extend(names),
            "differs" => package.differs.extend(names),
            "extra" => package.extra.extend(names),
            _ => wrong.push(format!("the table has a line of an unknown kind: {line}")),
        }
        if why.trim().is_empty() {
            wrong.push(format!("the table does not say why: {line}"));
        }
    }
    said
}

/// Does an entry of the table stand for the name?
fn stands_for(entry: &str, name: &str) -> bool {
    match entry.strip_suffix(".*") {
        Some(ty) => name.strip_prefix(ty).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
        None => entry == name || entry == "*",
    }
}

/// Compares a package with Go's; gives how many names are the same, differ, and are absent.
fn compare(path: &str, go: &Names, gmpl: &Names, said: &Said, wrong: &mut Vec<String>) -> [usize; 3] {
    let mut counts = [0; 3];
    let mut used = BTreeSet::new();
    for (name, what) in go {
        let absent: Vec<&String> = said.absent.iter().filter(|e| stands_for(e, name)).collect();
        match gmpl.get(name) {
            None => {
                counts[2] += 1;
                if absent.is_empty() {
                    wrong.push(format!("{path}.{name} is absent: {what}"));
                }
                used.extend(absent);
            }
            Some(own) => {
                let differs = said.differs.contains(name);
                counts[differs as usize] += 1;
                if absent.iter().any(|e| !e.contains('*')) {
                    wrong.push(format!("{path}.{name} is there, but the table says that it is absent"));
                }
                if own != what && !differs {
                    wrong.push(format!("{path}.{name} differs: {own}; in Go: {what}"));
                }
            }
        }
    }
    for name in gmpl.keys().filter(|n| !go.contains_key(*n)) {
        if !said.extra.contains(name) {
            wrong.push(format!("{path}.{name} is not in Go"));
        }
    }
    for name in &said.absent {
        if !used.contains(name) {
            wrong.push(format!("{path}: the table says that {name} is absent, but Go has no such name"));
        }
    }
    for name in &said.differs {
        if !go.contains_key(name) || !gmpl.contains_key(name) {
            wrong.push(format!("{path}: the table says that {name} differs, but it is not in both"));
        }
    }
    for name in &said.extra {
        if go.contains_key(name) || !gmpl.contains_key(name) {
            wrong.push(format!("{path}: the table says that {name} is extra, and it is not"));
        }
    }
    counts
}

/// The table of counts at the head of the page.
fn overview(counts: &BTreeMap<String, [usize; 3]>) -> String {
    let mut text = String::from("| package | same | differs | absent |\n|---|---|---|---|\n");
    for (path, [same, differs, absent]) in counts {
        let _ = writeln!(text, "| `{path}` | {same} | {differs} | {absent} |");
    }
    text
}

const TABLE: &str = "stdlib/COMPATIBILITY.md";
const UNCALLED: &str = "tests/compatibility/uncalled.txt";

#[test]
fn table_says_every_difference() {
    let (go, gmpl, mut wrong) = (of_go(), of_gmpl(), Vec::new());
    let page = read(TABLE);
    let said = table(&page, &mut wrong);
    let mut counts = BTreeMap::new();
    let (none, nothing) = (Names::new(), Said::default());
    for (path, names) in &go {
        let own = gmpl.get(path).unwrap_or(&none);
        let said = said.get(path).unwrap_or(&nothing);
        counts.insert(path.clone(), compare(path, names, own, said, &mut wrong));
    }
    for path in gmpl.keys().chain(said.keys()).filter(|p| !go.contains_key(*p)) {
        wrong.push(format!("{path} is not among the packages of tests/compatibility/packages.txt"));
    }
    let start = page.find("| package |").unwrap_or(page.len());
    let end = start + page[start..].find("\n\n").map_or(page.len() - start, |i| i + 1);
    let counted = overview(&counts);
    if std::env::var_os("COMPATIBILITY_WRITE").is_some() {
        std::fs::write(folder(TABLE), format!("{}{counted}{}", &page[..start], &page[end..])).unwrap();
    } else if page[start..end] != counted {
        wrong.push(format!("the counts in {TABLE} are old (COMPATIBILITY_WRITE=1 writes them)"));
    }
    assert!(wrong.is_empty(), "{}\n{} differences that {TABLE} does not say", wrong.join("\n"), wrong.len());
}

/// The list of Go's names is whole: it was not cut off, and has the packages it is meant to have.
#[test]
fn recorded_names_are_of_all_packages() {
    let go = of_go();
    let wanted: Vec<String> =
        read("tests/compatibility/packages.txt").lines().filter(|l| !l.starts_with('#')).map(str::to_string).collect();
    assert_eq!(go.keys().cloned().collect::<BTreeSet<_>>(), wanted.into_iter().collect());
    for (path, names) in &go {
        assert!(!names.is_empty(), "{path} has no names");
    }
    assert_eq!(go["strings"]["Cut"], "func(string, string) (string, string, bool)");
}

/// The golden programs, as `tests/golden.rs` finds them: files, and folders with a `go.mod`.
fn golden_programs(dir: &std::path::Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            match path.join("go.mod").exists() {
                true => out.push(path),
                false => golden_programs(&path, out),
            }
        } else if path.extension().is_some_and(|e| e == "gm") {
            out.push(path);
        }
    }
}

/// The files of tests in a package's folder.
fn tests_of(path: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten().map(|e| e.path());
    entries.filter(|p| gmpl::vm::source::is_source_or_test(p) && gmpl::vm::source::is_test(p)).collect()
}

/// The exported functions and methods of standard packages that a program mentions.
fn mentioned(path: &std::path::Path, called: &mut BTreeSet<String>) {
    let mut files = gmpl::vm::source::Files::read(path, &Default::default()).unwrap_or_default();
    for test in tests_of(path) {
        files.files.push((test.display().to_string(), std::fs::read_to_string(&test).unwrap()));
    }
    let (mut sources, mut names, mut ast) = (SourceMap::default(), Interner::default(), Ast::default());
    let mut diags = Diagnostics::default();
    let parse = gmpl::syntax::parse_file;
    let mut main_files = Vec::new();
    for (name, text) in files.files {
        let id = sources.add(name, text);
        parse(id, &sources, &mut names, &mut ast, &mut diags);
        main_files.push(ast.files.len() - 1);
    }
    let own_exprs = ast.exprs.len() as u32;
    let loader = PackageLoader::new(files.module);
    let graph = load_program(&main_files, &loader, parse, &mut sources, &mut names, &mut ast, &mut diags);
    let options = CheckOptions { loader: Some(&loader), ..CheckOptions::default() };
    let info = check_program(&main_files, &ast, &graph, &mut names, &sources, options, &mut diags);
    if diags.has_errors() {
        return;
    }
    // The program's own expressions were parsed first.
    let uses = info.uses.iter().filter(|u| u.0.0 < own_exprs).map(|u| *u.1);
    let mut add = |package: PkgId, recv: Option<Sym>, name: Sym| {
        if package == PkgId::NONE || !info.pkg(package).std {
            return;
        }
        let (path, name) = (names.name(info.pkg(package).path), names.name(name));
        let package = if path == SHOWN_AS.0 { SHOWN_AS.1 } else { path };
        called.insert(match recv {
            Some(recv) => format!("{package}.{}.{name}", names.name(recv)),
            None => format!("{package}.{name}"),
        });
    };
    for id in uses {
        let obj = info.obj(id);
        if matches!(obj.kind, ObjKind::Func(_)) {
            add(obj.pkg, None, obj.name);
        }
    }
    for (_, selection) in info.selections.iter().filter(|s| s.0.0 < own_exprs) {
        let (SelectionKind::Method { obj } | SelectionKind::MethodExpr { obj }) = selection.kind else { continue };
        let obj = info.obj(obj);
        let ObjKind::Func(f) = &obj.kind else { continue };
        // The type that declares the method, and the one that it was selected from.
        for ty in f.recv.map(|r| r.base).into_iter().chain([info.types.deref(selection.recv).0]) {
            if let Some(named) = info.types.as_named(ty).map(|n| info.types.named(n)) {
                add(named.pkg, Some(named.name), obj.name);
            }
        }
    }
}

/// Each function and method that Go has, too, is mentioned by a golden program, or a suite whose tests print what `go test`
/// prints, but for those that `uncalled.txt` lists.
#[test]
fn golden_programs_call_every_function() {
    let mut programs = Vec::new();
    golden_programs(&folder("tests/golden"), &mut programs);
    golden_programs(&folder("tests/suites"), &mut programs);
    let mut called = BTreeSet::new();
    for path in &programs {
        mentioned(path, &mut called);
    }
    let (go, gmpl) = (of_go(), of_gmpl());
    let mut uncalled = String::new();
    for (path, names) in &gmpl {
        for (name, what) in names {
            let func = what.starts_with("func") || what.starts_with("method") || what.starts_with("*method");
            let of_interface = name.split_once('.').is_some_and(|(ty, _)| names[ty].contains(" interface"));
            let known = go.get(path).is_some_and(|g| g.contains_key(name));
            if func && known && !of_interface && !called.contains(&format!("{path}.{name}")) {
                let _ = writeln!(uncalled, "{path}.{name}");
            }
        }
    }
    if std::env::var_os("COMPATIBILITY_WRITE").is_some() {
        std::fs::write(folder(UNCALLED), &uncalled).unwrap();
    }
    let listed = std::fs::read_to_string(folder(UNCALLED)).unwrap_or_default();
    let (listed, uncalled): (BTreeSet<&str>, BTreeSet<&str>) = (listed.lines().collect(), uncalled.lines().collect());
    let more: Vec<_> = uncalled.difference(&listed).collect();
    let fewer: Vec<_> = listed.difference(&uncalled).collect();
    assert!(more.is_empty(), "no golden program calls {more:#?}");
    assert!(
        fewer.is_empty(),
        "golden programs call these now (COMPATIBILITY_WRITE=1 takes them off the list): {fewer:#?}"
    );
}
