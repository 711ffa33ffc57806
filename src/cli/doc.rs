//! `gmpl doc`: what a package offers, and what a name in it is for, from its source text: signatures as declared, with the
//! comments above them. Natives are declared there without a body, so nothing is missing.
use super::{answer, complain, status};
use crate::base::diag::Diagnostics;
use crate::base::intern::Interner;
use crate::base::span::{SourceMap, Span};
use crate::syntax::ast::*;
use crate::vm::source;
use std::fmt::Write;

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  gmpl doc strings              # the package and all it offers
  gmpl doc strings.Cut
  gmpl doc sync.WaitGroup.Go
  gmpl doc ./lib.gm             # a file of your own")]
pub struct Args {
    /// A package, a name in a package, a method, or a file; without one, the packages are listed
    name: Option<String>,
}

pub fn run(args: Args) -> i32 {
    match find(args.name.as_deref()) {
        Ok(text) => answer(&text),
        Err(e) => {
            complain(&e);
            status::COMPILE_ERROR
        }
    }
}

/// The text for a name, as `gmpl doc` prints it; without a name, the list of packages.
///
/// # Errors
/// A sentence: there is nothing of this name, and what is near it.
pub fn find(name: Option<&str>) -> Result<String, String> {
    let Some(name) = name else { return Ok(list()) };
    if name.ends_with(".gm") || name.ends_with(".go") || name.starts_with(['.', '/']) {
        let files = source::Files::read(std::path::Path::new(name), &Default::default())?.files;
        return Ok(Docs::new(name, files).package());
    }
    let (path, rest) = split(name)?;
    let files = source::std_files(&path).iter().map(|f| (f.1.to_string(), f.2.to_string())).collect();
    let docs = Docs::new(&path, files);
    match rest {
        None => Ok(docs.package()),
        Some(rest) => docs.name(rest),
    }
}

/// The names a package offers, each with its declaration on a line.
pub fn members(path: &str) -> Vec<(String, String)> {
    let files = source::std_files(path).iter().map(|f| (f.1.to_string(), f.2.to_string())).collect();
    let mut list = Vec::new();
    for item in Docs::new(path, files).items.iter().filter(|i| i.kind != Kind::Method && i.is_exported()) {
        for name in item.names.iter().filter(|n| n.starts_with(char::is_uppercase)) {
            let what = if item.names.len() == 1 { item.line() } else { name.clone() };
            list.push((name.clone(), what));
        }
    }
    list
}

fn list() -> String {
    let mut text = String::from("Packages inside gmpl (`gmpl doc NAME` shows one):\n\n");
    for path in source::std_packages() {
        let files: Vec<(String, String)> =
            source::std_files(path).iter().map(|f| (f.1.to_string(), f.2.to_string())).collect();
        let summary = package_comment(&files);
        let summary = summary.lines().next().unwrap_or("");
        let _ = writeln!(text, "{}", format!("  {path:<22} {summary}").trim_end());
    }
    text
}

/// Splits `encoding/json.Marshal` into the package's path and the rest; `json.Marshal` finds the package by its name.
fn split(name: &str) -> Result<(String, Option<&str>), String> {
    let slash = name.rfind('/').map_or(0, |i| i + 1);
    let dot = name[slash..].find('.').map(|i| slash + i);
    let (path, rest) = dot.map_or((name, None), |i| (&name[..i], Some(&name[i + 1..])));
    if source::std_packages().any(|p| p == path) {
        return Ok((path.to_string(), rest));
    }
    if let Some(p) = source::std_package_named(path) {
        return Ok((p.to_string(), rest));
    }
    let near = source::std_packages()
        .flat_map(|p| [p, p.rsplit('/').next().unwrap_or(p)])
        .map(|p| (strsim::damerau_levenshtein(p, path), p))
        .min()
        .filter(|n| n.0 <= 2);
    Err(match near {
        Some((_, near)) => format!("there is no package {path}; did you mean {near}?"),
        None => format!("there is no package {path}; `gmpl doc` lists those there are"),
    })
}

/// The comment above a package clause, of the first file that has one.
fn package_comment(files: &[(String, String)]) -> String {
    for (_, text) in files {
        let at = if text.starts_with("package ") { Some(0) } else { text.find("\npackage ").map(|i| i + 1) };
        if let Some(at) = at {
            let comment = comment_above(text, at);
            if !comment.is_empty() {
                return comment;
            }
        }
    }
    String::new()
}

/// The `//` lines that end just above the line of offset `at`, without their marks.
fn comment_above(text: &str, at: usize) -> String {
    let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let mut lines: Vec<&str> = Vec::new();
    for line in text[..start].lines().rev() {
        let Some(comment) = line.trim_start().strip_prefix("//") else { break };
        if comment.starts_with("go:") {
            continue;
        }
        lines.push(comment.strip_prefix(' ').unwrap_or(comment));
    }
    lines.reverse();
    lines.join("\n")
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Const,
    Var,
    Func,
    Type,
    Method,
}

/// One declaration.
struct Item {
    kind: Kind,
    /// The type a method belongs to, or that a function returns first.
    of: String,
    names: Vec<String>,
    /// As it is written, without a body.
    text: String,
    comment: String,
}

impl Item {
    /// The declaration on one line.
    fn line(&self) -> String {
        let mut lines = self.text.lines();
        let first = lines.next().unwrap_or("");
        if lines.next().is_none() { first.to_string() } else { format!("{} ... }}", first.trim_end()) }
    }
}

/// A package's declarations.
struct Docs {
    path: String,
    comment: String,
    items: Vec<Item>,
}

impl Docs {
    fn new(path: &str, files: Vec<(String, String)>) -> Docs {
        let (mut sources, mut names, mut ast) = (SourceMap::default(), Interner::default(), Ast::default());
        let mut diags = Diagnostics::default();
        let comment = package_comment(&files);
        for (name, text) in files {
            let id = sources.add(name, text);
            crate::syntax::parse_file(id, &sources, &mut names, &mut ast, &mut diags);
        }
        let mut docs = Docs { path: path.to_string(), comment, items: Vec::new() };
        for file in &ast.files {
            for item in &file.items {
                docs.item(item, &ast, &names, &sources);
            }
        }
        docs
    }

    fn item(&mut self, item: &TopItem, ast: &Ast, names: &Interner, sources: &SourceMap) {
        match item {
            TopItem::Import(_) => {}
            TopItem::Func(id) => {
                let f = ast.func(*id);
                let Some(name) = f.name else { return };
                let recv = f.recv.as_ref().and_then(|r| r.first()).map(|r| base_name(ast, names, r.ty));
                let made = f.sig.results.first().map(|r| base_name(ast, names, r.ty)).unwrap_or_default();
                let end = f.body.as_ref().map_or(f.span.hi, |b| b.span.lo);
                let text = sources.text(Span::new(f.span.lo, end)).trim_end().to_string();
                let kind = if recv.is_some() { Kind::Method } else { Kind::Func };
                let names = vec![names.name(name.name).to_string()];
                let comment = comment_at(sources, f.span.lo);
                self.items.push(Item { kind, of: recv.unwrap_or(made), names, text, comment });
            }
            TopItem::Stmt(id) => {
                let s = ast.stmt(*id);
                let StmtKind::Decl(d) = &s.kind else { return };
                let specs: Vec<(Kind, Vec<Ident>, Span)> = match d {
                    Decl::Var(list) => list.iter().map(|s| (Kind::Var, s.names.clone(), s.span)).collect(),
                    Decl::Const(list) => list.iter().map(|s| (Kind::Const, s.names.clone(), s.span)).collect(),
                    Decl::Type(list) => list.iter().map(|s| (Kind::Type, vec![s.name], s.span)).collect(),
                };
                self.decl(s.span, specs, names, sources);
            }
        }
    }

    fn decl(&mut self, whole: Span, specs: Vec<(Kind, Vec<Ident>, Span)>, names: &Interner, sources: &SourceMap) {
        let text = sources.text(whole);
        let grouped = text.split_once('(').is_some_and(|(word, _)| matches!(word.trim(), "var" | "const" | "type"));
        let comment = comment_at(sources, whole.lo);
        let list = |n: &[Ident]| n.iter().map(|n| names.name(n.name).to_string()).collect::<Vec<_>>();
        if grouped && specs.first().is_some_and(|s| s.0 != Kind::Type) {
            // The group says more than its entries: it is shown whole.
            let kind = specs.first().map_or(Kind::Var, |s| s.0);
            let all = specs.iter().flat_map(|s| list(&s.1)).collect();
            self.items.push(Item { kind, of: String::new(), names: all, text: text.to_string(), comment });
            return;
        }
        for (kind, idents, span) in specs {
            let word = match kind {
                Kind::Type => "type ",
                Kind::Const => "const ",
                _ => "var ",
            };
            let own = comment_at(sources, span.lo);
            let comment = if grouped && !own.is_empty() { own } else { comment.clone() };
            let text = format!("{word}{}", hide(sources.text(span)));
            self.items.push(Item { kind, of: String::new(), names: list(&idents), text, comment });
        }
    }

    /// The package's comment, and a line for each of its names.
    fn package(&self) -> String {
        let mut text = format!("package {}\n", self.path);
        if !self.comment.is_empty() {
            let _ = write!(text, "\n{}\n", self.comment);
        }
        for kind in [Kind::Const, Kind::Var, Kind::Func, Kind::Type] {
            let mut items: Vec<&Item> = self.items.iter().filter(|i| i.kind == kind && i.is_exported()).collect();
            if kind == Kind::Func {
                items.retain(|i| !self.has_type(&i.of));
            }
            if matches!(kind, Kind::Func | Kind::Type) {
                items.sort_by(|a, b| a.names.cmp(&b.names));
            }
            if !items.is_empty() {
                text.push('\n');
            }
            for item in items {
                if kind == Kind::Const || kind == Kind::Var {
                    let _ = writeln!(text, "{}", item.text);
                    continue;
                }
                let _ = writeln!(text, "{}", item.line());
                if kind == Kind::Type {
                    for of in self.of_type(&item.names[0]) {
                        let _ = writeln!(text, "    {}", of.line());
                    }
                }
            }
        }
        text
    }

    fn has_type(&self, name: &str) -> bool {
        self.items.iter().any(|i| i.kind == Kind::Type && i.is_exported() && i.names[0] == name)
    }

    /// The functions that make values of a type, then its methods.
    fn of_type(&self, name: &str) -> Vec<&Item> {
        let mut list: Vec<&Item> = self
            .items
            .iter()
            .filter(|i| matches!(i.kind, Kind::Func | Kind::Method) && i.is_exported() && i.of == name)
            .collect();
        list.sort_by(|a, b| (a.kind, &a.names).cmp(&(b.kind, &b.names)));
        list
    }

    /// A name, or `Type.Method`.
    fn name(&self, name: &str) -> Result<String, String> {
        let mut text = String::new();
        if let Some((ty, method)) = name.split_once('.') {
            let found = self.items.iter().find(|i| i.kind == Kind::Method && i.of == ty && i.names[0] == method);
            if let Some(item) = found {
                item.write(&mut text);
                return Ok(text);
            }
            let field = self.items.iter().find(|i| i.kind == Kind::Type && i.names[0] == ty);
            if let Some(line) = field.and_then(|t| field_line(&t.text, method)) {
                return Ok(format!("{line}\n"));
            }
            let names = self.items.iter().filter(|i| i.kind == Kind::Method && i.of == ty).map(|i| i.names[0].as_str());
            return Err(self.missing(name, method, names));
        }
        let found = self.items.iter().filter(|i| i.kind != Kind::Method && i.names.iter().any(|n| n == name));
        for item in found {
            item.write(&mut text);
            if item.kind == Kind::Type {
                for of in self.of_type(name) {
                    let _ = writeln!(text, "{}", of.line());
                }
            }
        }
        if text.is_empty() {
            // `gmpl doc strings.WriteString`: the methods of this name.
            for item in self.items.iter().filter(|i| i.kind == Kind::Method && i.names[0] == name) {
                item.write(&mut text);
            }
        }
        if text.is_empty() {
            let names = self.items.iter().filter(|i| i.is_exported()).flat_map(|i| i.names.iter().map(|n| n.as_str()));
            return Err(self.missing(name, name, names));
        }
        Ok(text)
    }

    fn missing<'a>(&self, shown: &str, wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
        let fold = wanted.to_lowercase();
        let near = names.map(|n| (strsim::damerau_levenshtein(&n.to_lowercase(), &fold), n)).min();
        match near.filter(|n| n.0 <= 1 + wanted.len() / 4) {
            Some((_, near)) => format!("package {} has no {shown}; did you mean {near}?", self.path),
            None => format!("package {} has no {shown}", self.path),
        }
    }
}

impl Item {
    fn is_exported(&self) -> bool {
        self.names.iter().any(|n| n.starts_with(char::is_uppercase))
    }

    /// The declaration with its comment.
    fn write(&self, out: &mut String) {
        let _ = writeln!(out, "{}", self.text);
        for line in self.comment.lines() {
            let _ = writeln!(out, "{}", format!("    {line}").trim_end());
        }
        out.push('\n');
    }
}

/// The name in a type such as `*T`, `T[K]` or `[]T`; of another package, none.
fn base_name(ast: &Ast, names: &Interner, mut e: ExprId) -> String {
    loop {
        e = match &ast.expr(e).kind {
            ExprKind::Ident(name) => return names.name(*name).to_string(),
            ExprKind::Star(x) | ExprKind::Paren(x) | ExprKind::SliceType { elem: x } => *x,
            ExprKind::Index { x, .. } => *x,
            _ => return String::new(),
        };
    }
}

fn comment_at(sources: &SourceMap, pos: u32) -> String {
    sources.find(pos).map_or(String::new(), |f| comment_above(&f.text, (pos - f.base) as usize))
}

/// A struct's unexported fields become one line that says so.
fn hide(text: &str) -> String {
    if !text.contains("struct {\n") || !text.ends_with('}') {
        return text.to_string();
    }
    let mut out = String::new();
    let mut hidden = false;
    for line in text.lines() {
        let own = line.strip_prefix('\t').filter(|l| !l.starts_with(['\t', '}']));
        let unexported = own.is_some_and(|l| {
            let name = l.trim_start_matches('*');
            !l.starts_with("//") && name.starts_with(|c: char| c.is_lowercase() || c == '_')
        });
        if unexported {
            hidden = true;
            continue;
        }
        if line == "}" && hidden {
            out.push_str("\t// and fields that are not exported\n");
        }
        out.push_str(line);
        out.push('\n');
    }
    out.trim_end().to_string()
}

/// The line of a field or interface method in a type's text.
fn field_line(text: &str, name: &str) -> Option<String> {
    let line = text
        .lines()
        .map(str::trim)
        .find(|l| l.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '\t', '(', ','])))?;
    Some(line.to_string())
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn names_are_found_with_their_comments() {
        let cut = find(Some("strings.Cut")).unwrap();
        assert!(cut.starts_with("func Cut(s, sep string) ("), "{cut}");
        assert!(cut.contains("\n    Cut "), "{cut}");
        assert!(find(Some("strings")).unwrap().contains("\nfunc Cut("));
        assert!(find(Some("sync.WaitGroup")).unwrap().contains("func (wg *WaitGroup) Wait()"));
        assert!(find(Some("strings.Builder.Len")).unwrap().starts_with("func (b *Builder) Len() int\n"));
        assert!(find(None).unwrap().contains("  strings"));
    }

    #[test]
    fn near_misses_are_named() {
        assert_eq!(find(Some("strigns")).unwrap_err(), "there is no package strigns; did you mean strings?");
        assert_eq!(find(Some("strings.Cute")).unwrap_err(), "package strings has no Cute; did you mean Cut?");
    }

    #[test]
    fn every_package_can_be_shown() {
        for path in crate::vm::source::std_packages() {
            assert!(find(Some(path)).unwrap().starts_with(&format!("package {path}\n")));
        }
    }
}
