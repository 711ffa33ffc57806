//! Writes the index of the standard packages: their declarations, where these lie, and what each mentions, by number. What
//! the numbers mean says `src/vm/prune/index.rs`, which is what reads them.
use super::declarations::{declarations, declared, in_interfaces, method, without_tail};
use super::text::{Mention, imports_of, is_ident, mentions, package_name};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Methods that what prints values calls, and the type that does not count for this.
const PRINTING: &[&str] = &["Error", "String", "GoString", "Format"];
const EXEMPT: (&str, &str) = ("fmt", "writeError");

/// A file: package path, file name, text.
pub type File = (String, String, String);

struct Unit<'a> {
    file: usize,
    lo: usize,
    text: &'a str,
    /// Package and names that it declares.
    declares: Vec<(&'a str, &'a str)>,
    /// Receiver's type and name of a method.
    method: Option<(&'a str, &'a str)>,
}

/// The numbers of lists that follow each other in one long list.
#[derive(Default)]
struct Lists {
    numbers: Vec<usize>,
    known: BTreeMap<Vec<usize>, usize>,
}

impl Lists {
    /// Adds a list; gives the text of its range.
    fn add(&mut self, list: impl IntoIterator<Item = usize>) -> String {
        let list: Vec<usize> = list.into_iter().collect();
        let numbers = &mut self.numbers;
        let len = list.len();
        let at = *self.known.entry(list).or_insert_with_key(|list| {
            numbers.extend(list);
            numbers.len() - list.len()
        });
        format!("({at}, {len})")
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count()
}

/// The import that a line of an import declaration makes: what it is called, and its path.
fn import_spec(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let line = line.strip_prefix("import ").unwrap_or(line);
    let (name, rest) = line.split_once('"')?;
    let (path, _) = rest.split_once('"')?;
    let name = name.trim();
    if !name.bytes().all(|c| is_ident(c) || c == b'.') {
        return None;
    }
    Some((if name.is_empty() { package_name(path) } else { name }, path))
}

/// The text of the index for these files, which are sorted by package.
pub fn index(files: &[File]) -> String {
    let mut units = Vec::new();
    for (at, (package, _, text)) in files.iter().enumerate() {
        for (lo, hi) in declarations(text) {
            let unit = without_tail(&text[lo..hi]);
            let declares: Vec<_> = declared(unit).into_iter().map(|name| (package.as_str(), name)).collect();
            let method = method(unit);
            if method.is_some() || !declares.is_empty() {
                units.push(Unit { file: at, lo, text: unit, declares, method });
            }
        }
    }
    let symbols: Vec<(&str, &str)> =
        units.iter().flat_map(|u| &u.declares).copied().collect::<BTreeSet<_>>().into_iter().collect();
    let symbol = |package: &str, name: &str| symbols.binary_search(&(package, name)).ok();
    let methods: Vec<&str> =
        units.iter().filter_map(|u| Some(u.method?.1)).collect::<BTreeSet<_>>().into_iter().collect();
    let mut lists = Lists::default();
    let mut out = String::new();

    write!(out, "pub static FILES: &[File] = &[").unwrap();
    let mut imports = Vec::new();
    for (_, _, text) in files {
        let head = declarations(text).first().map_or(text.len(), |d| d.0);
        let mut specs: Vec<&str> = Vec::new();
        let mut pieces = Vec::new();
        let (mut lo, mut begun) = (0, false);
        for (line, piece) in text[..head].split_inclusive('\n').enumerate() {
            begun |= piece.starts_with("package ");
            if begun && !piece.trim().is_empty() && !piece.trim_start().starts_with("//") {
                let spec = import_spec(piece).filter(|(name, _)| *name != "_");
                let number = spec.map_or("ALWAYS".to_string(), |(name, _)| {
                    specs.push(name);
                    (specs.len() - 1).to_string()
                });
                pieces.push(format!("({lo}, {}, {line}, {number})", lo + piece.len()));
            }
            lo += piece.len();
        }
        assert!(specs.len() < 64, "a file imports too much for a mask of 64 bits");
        write!(out, "File {{ head: &[{}] }},", pieces.join(",")).unwrap();
        imports.push(specs);
    }

    write!(out, "];\npub static UNITS: &[Unit] = &[").unwrap();
    for u in &units {
        let (package, _, text) = &files[u.file];
        let paths: BTreeMap<&str, &str> = imports_of(text).into_iter().collect();
        let (mut refs, mut calls, mut mask, mut flags) = (BTreeSet::new(), BTreeSet::new(), 0u64, 0);
        let (mut alone, mut dotted) = (BTreeMap::new(), BTreeMap::new());
        mentions(u.text, &mut |m| match m {
            Mention::Name(name) => *alone.entry(name).or_insert(0) += 1,
            Mention::Of(from, _) => *dotted.entry(from).or_insert(0) += 1,
            Mention::Selected(_) => {}
        });
        mentions(u.text, &mut |m| match m {
            Mention::Name(name) => {
                refs.extend(symbol(package, name));
                if name == "recover" {
                    flags |= 1;
                }
            }
            Mention::Of(from, name) => {
                if let Some(path) = paths.get(from) {
                    refs.extend(symbol(path, name));
                    mask |= 1 << imports[u.file].iter().position(|n| n == &from).unwrap();
                }
                // A name that never stands without a dot is nothing that is declared here.
                if !paths.contains_key(from) || alone.get(from) != dotted.get(from) {
                    calls.extend(methods.binary_search(&name).ok());
                }
            }
            Mention::Selected(name) => calls.extend(methods.binary_search(&name).ok()),
        });
        calls.extend(in_interfaces(u.text).into_iter().filter_map(|name| methods.binary_search(&name).ok()));
        let printing = u.method.is_some_and(|(ty, name)| PRINTING.contains(&name) && (package.as_str(), ty) != EXEMPT);
        if printing {
            flags |= 1;
        }
        // Who looks for methods at run time may find any; by a name that stands there, this one.
        for (at, by_name) in u.text.match_indices(".MethodByName(") {
            match u.text[at + by_name.len()..].strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                Some(name) => calls.extend(methods.binary_search(&name).ok()),
                None if package != "reflect" => flags |= 2,
                None => {}
            }
        }
        if package != "reflect" && (u.text.contains(".Method(") || u.text.contains(".Methods(")) {
            flags |= 2;
        }
        let name = u.method.map_or("NONE".to_string(), |(_, name)| methods.binary_search(&name).unwrap().to_string());
        let owner = u.method.map_or("NONE".to_string(), |(ty, name)| {
            symbol(package, ty).unwrap_or_else(|| panic!("{package}: no type {ty} of method {name}")).to_string()
        });
        let (lo, hi, line) = (u.lo, u.lo + u.text.len(), line_of(text, u.lo));
        let (file, lines) = (u.file, line_of(u.text, u.text.len()));
        let (refs, calls) = (lists.add(refs), lists.add(calls));
        write!(
            out,
            "Unit {{ file: {file}, lo: {lo}, hi: {hi}, line: {line}, lines: {lines}, method: {name}, owner: {owner}, \
             refs: {refs}, calls: {calls}, imports: {mask}, flags: {flags} }},"
        )
        .unwrap();
    }

    write!(out, "];\npub static SYMBOLS: &[Symbol] = &[").unwrap();
    let mut packages: Vec<&str> = files.iter().map(|f| f.0.as_str()).collect();
    packages.dedup();
    let mut by_symbol: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (at, u) in units.iter().enumerate() {
        for &key in &u.declares {
            by_symbol.entry(key).or_default().push(at);
        }
        if let Some((ty, _)) = u.method {
            by_symbol.entry((&files[u.file].0, ty)).or_default().push(at);
        }
    }
    for key @ (package, name) in &symbols {
        let package = packages.binary_search(package).unwrap();
        let list = lists.add(by_symbol[key].iter().copied());
        write!(out, "Symbol {{ name: {name:?}, package: {package}, units: {list} }},").unwrap();
    }

    write!(out, "];\npub static METHODS: &[Method] = &[").unwrap();
    for (at, name) in methods.iter().enumerate() {
        let list = lists.add((0..units.len()).filter(|&u| units[u].method.is_some_and(|m| m.1 == methods[at])));
        write!(out, "Method {{ name: {name:?}, units: {list} }},").unwrap();
    }

    write!(out, "];\npub static PACKAGES: &[Package] = &[").unwrap();
    for package in &packages {
        let range = |is: &mut dyn Iterator<Item = bool>| {
            let is: Vec<bool> = is.collect();
            let lo = is.iter().position(|&b| b).unwrap_or(0);
            format!("({lo}, {})", is.iter().filter(|&&b| b).count())
        };
        let files_of = range(&mut files.iter().map(|f| f.0 == *package));
        let units_of = range(&mut units.iter().map(|u| files[u.file].0 == *package));
        let symbols_of = range(&mut symbols.iter().map(|s| s.0 == *package));
        let init = symbol(package, "init").map_or("NONE".to_string(), |s| s.to_string());
        write!(
            out,
            "Package {{ path: {package:?}, files: {files_of}, units: {units_of}, symbols: {symbols_of}, init: {init} }},"
        )
        .unwrap();
    }
    writeln!(out, "];\npub static LISTS: &[u16] = &{:?};", lists.numbers).unwrap();
    out
}
