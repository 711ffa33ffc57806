//! Leaves out of the standard packages what a program cannot reach, before anything of them is parsed.
//!
//! The program's files say which names of which packages they mention. From these the mentions are followed from
//! declaration to declaration, by name alone: too much may be kept, never too little. Which declaration mentions what is
//! known since the build (`index.rs`). A method is kept if its type is, and its name is mentioned behind a dot or in an
//! interface, or may be found at run time: by reflection, or because values are printed. What is left out becomes empty
//! lines, so that places stay what they are.
//!
//! What prints values calls their methods, and catches what those panic with. Most small programs have no such method:
//! for them the caller stays a head without a body (`METHOD_CALLER`).
//!
//! A program with errors is compiled again with whole packages: reports may speak of any name.
mod index;
mod text;

use index::{FILES, METHODS, NONE, PACKAGES, SYMBOLS, UNITS, list};
use rustc_hash::{FxHashMap, FxHashSet};
pub(super) use text::imports_of;
use text::{Mention, mentions};

/// A file of the standard library: package path, file name, text.
pub type StdFile = (&'static str, &'static str, &'static str);

/// The function that calls the methods of values that are printed. Without a body it is a native, which has to know
/// one method only: that of the error that fmt has for itself.
const METHOD_CALLER: (&str, &str) = ("fmt", "call");
/// Methods that natives look for. Where the program mentions one of these, a value may have methods for printing. What
/// panics at run time is a value with such methods, too.
const PRINTING: &[&str] = &["Error", "String", "GoString", "Format"];
const SOURCES: &[&str] = &["recover", "error", "Stringer", "GoStringer", "Formatter"];
/// Who says one of these may find any method.
const FINDERS: &[&str] = &["Method", "Methods", "MethodByName", "NumMethod"];

/// A set of small numbers.
struct Bits(Vec<u64>);

impl Bits {
    fn below(n: usize) -> Bits {
        Bits(vec![0; n.div_ceil(64)])
    }

    fn has(&self, n: u16) -> bool {
        self.0[n as usize / 64] >> (n % 64) & 1 != 0
    }

    /// Whether it was not there.
    fn insert(&mut self, n: u16) -> bool {
        let new = !self.has(n);
        self.0[n as usize / 64] |= 1 << (n % 64);
        new
    }
}

/// What a program reaches of the standard packages, by the numbers of the index.
pub struct Pruned {
    units: Bits,
    symbols: Bits,
    /// Names of methods that somebody may call.
    called: Bits,
    packages: Bits,
    /// Units whose mentions are not followed yet.
    work: Vec<u16>,
    /// Some value may have a method for printing.
    has_methods: bool,
    /// `METHOD_CALLER` is reached.
    calls_methods: bool,
    /// Only the head of `METHOD_CALLER` is kept.
    head: Option<u16>,
}

impl Pruned {
    /// Follows the mentions of all files of a program but the standard ones. `None`: it mentions packages in a way that needs
    /// all of them. `named` tells the path of the package of a name, for scripts.
    pub fn new<'a>(texts: impl Iterator<Item = &'a str>, named: fn(&str) -> Option<&'static str>) -> Option<Pruned> {
        let mut pruned = Pruned {
            units: Bits::below(UNITS.len()),
            symbols: Bits::below(SYMBOLS.len()),
            called: Bits::below(METHODS.len()),
            packages: Bits::below(PACKAGES.len()),
            work: Vec::new(),
            has_methods: false,
            calls_methods: false,
            head: None,
        };
        for name in PRINTING {
            pruned.call(name);
        }
        for text in texts {
            pruned.program_text(text, named)?;
        }
        let (package, name) = METHOD_CALLER;
        let caller = index::package(package).and_then(|p| index::symbol(p, name)).unwrap_or(NONE);
        pruned.follow(caller);
        if pruned.calls_methods && pruned.has_methods {
            pruned.keep_units_of(caller);
            pruned.follow(NONE);
        } else if pruned.calls_methods {
            pruned.head = list(SYMBOLS[caller as usize].units).next();
            pruned.head.map(|u| pruned.units.insert(u));
        }
        Some(pruned)
    }

    /// Keeps what a file of the program mentions.
    fn program_text(&mut self, text: &str, named: fn(&str) -> Option<&'static str>) -> Option<()> {
        let mut imports = FxHashMap::default();
        for (name, path) in imports_of(text) {
            if let Some(package) = index::package(path) {
                if name == "." {
                    return None;
                }
                imports.insert(name, package);
                if name == "_" {
                    self.open(package);
                }
            }
        }
        // How often a name stands on its own or before a dot, and how often before a dot.
        let mut names: FxHashMap<&str, (u32, u32)> = FxHashMap::default();
        let (mut pairs, mut selected) = (FxHashSet::default(), FxHashSet::default());
        mentions(text, &mut |m| match m {
            Mention::Name(name) => names.entry(name).or_default().0 += 1,
            Mention::Of(from, name) => {
                names.entry(from).or_default().1 += 1;
                pairs.insert((from, name));
            }
            Mention::Selected(name) => {
                selected.insert(name);
            }
        });
        for (from, name) in pairs {
            let import = imports.get(from).copied();
            if let Some(package) = import.or_else(|| named(from).and_then(index::package)) {
                self.open(package);
                if let Some(symbol) = index::symbol(package, name) {
                    self.keep(symbol);
                }
            }
            // A name that never stands without a dot is nothing that is declared here.
            if import.is_none() || names[from].0 != names[from].1 {
                selected.insert(name);
            }
        }
        // Names of methods of interfaces stand on their own.
        for &name in names.keys().chain(&selected) {
            self.has_methods |= PRINTING.contains(&name) || SOURCES.contains(&name);
            if name.starts_with(|c: char| c.is_ascii_uppercase()) {
                self.call(name);
            }
            if FINDERS.contains(&name) {
                self.call_all();
            }
        }
        Some(())
    }

    /// Keeps what is reached from what is kept. The body of `caller` has to wait.
    fn follow(&mut self, caller: u16) {
        while let Some(unit) = self.work.pop() {
            let unit = &UNITS[unit as usize];
            self.has_methods |= unit.flags & index::HAS_METHODS != 0;
            if unit.flags & index::FINDS_METHODS != 0 {
                self.call_all();
            }
            for symbol in list(unit.refs) {
                if symbol == caller {
                    self.calls_methods = true;
                } else {
                    self.keep(symbol);
                }
            }
            list(unit.calls).for_each(|method| self.call_number(method));
        }
    }

    /// What runs at the start belongs to the package as a whole.
    fn open(&mut self, package: u16) {
        let init = PACKAGES[package as usize].init;
        if self.packages.insert(package) && init != NONE {
            self.keep(init);
        }
    }

    fn keep(&mut self, symbol: u16) {
        if self.symbols.insert(symbol) {
            self.open(SYMBOLS[symbol as usize].package);
            self.keep_units_of(symbol);
        }
    }

    fn keep_units_of(&mut self, symbol: u16) {
        for unit in list(SYMBOLS[symbol as usize].units) {
            let method = UNITS[unit as usize].method;
            if method == NONE || self.called.has(method) {
                self.keep_unit(unit);
            }
        }
    }

    fn keep_unit(&mut self, unit: u16) {
        if self.units.insert(unit) {
            self.work.push(unit);
        }
    }

    /// Keeps the methods of this name that kept types have.
    fn call(&mut self, name: &str) {
        if let Some(method) = index::method(name) {
            self.call_number(method);
        }
    }

    fn call_number(&mut self, method: u16) {
        if self.called.insert(method) {
            for unit in list(METHODS[method as usize].units) {
                if self.symbols.has(UNITS[unit as usize].owner) {
                    self.keep_unit(unit);
                }
            }
        }
    }

    /// Keeps what reflection may find: every method that is exported.
    fn call_all(&mut self) {
        for (method, m) in METHODS.iter().enumerate() {
            if m.name.starts_with(|c: char| c.is_ascii_uppercase()) {
                self.call_number(method as u16);
            }
        }
    }

    /// The files of a package, as far as they are reached, among all files: `(file name, text)`.
    pub fn files(&self, path: &str, files: &'static [StdFile]) -> Option<Vec<(&'static str, String)>> {
        let number = index::package(path).filter(|&p| self.packages.has(p))?;
        let package = &PACKAGES[number as usize];
        let units = (package.units.0..package.units.0 + package.units.1).filter(|&u| self.units.has(u));
        let mut of_files = vec![Vec::new(); package.files.1 as usize];
        units.for_each(|u| of_files[(UNITS[u as usize].file - package.files.0) as usize].push(u));
        let nothing = of_files.iter().all(Vec::is_empty);
        let mut out = Vec::new();
        for (at, units) in of_files.iter().enumerate() {
            // A package has a file, be it empty.
            if units.is_empty() && !(nothing && at == 0) {
                continue;
            }
            let file = package.files.0 as usize + at;
            let (_, name, text) = files[file];
            out.push((name, self.text(file, text, units)));
        }
        Some(out)
    }

    /// A file with these units.
    fn text(&self, file: usize, text: &str, units: &[u16]) -> String {
        let used = units.iter().fold(0, |used, &u| used | UNITS[u as usize].imports);
        let bytes: u32 = units.iter().map(|&u| UNITS[u as usize].hi - UNITS[u as usize].lo).sum();
        let last = units.last().map_or(0, |&u| UNITS[u as usize].line);
        let mut out = String::with_capacity(bytes as usize + last as usize + 256);
        let mut done = 0;
        let mut put = |lo: u32, hi: u32, line: u32, lines: u32| {
            out.extend((done..line).map(|_| '\n'));
            out.push_str(&text[lo as usize..hi as usize]);
            done = line + lines;
        };
        for &(lo, hi, line, import) in FILES[file].head {
            if import == index::ALWAYS || used >> import & 1 != 0 {
                put(lo, hi, line, 1);
            }
        }
        for &u in units {
            let unit = &UNITS[u as usize];
            if self.head == Some(u) {
                let body = text[unit.lo as usize..].find(" {\n").map_or(unit.hi, |at| unit.lo + at as u32);
                put(unit.lo, body, unit.line, 0);
            } else {
                put(unit.lo, unit.hi, unit.line, unit.lines);
            }
        }
        out
    }
}

#[cfg(test)]
#[path = "../../../grammar/declarations.rs"]
mod declarations;

#[cfg(test)]
mod tests {
    use super::declarations::{declarations, declared, in_interfaces, keyword, method, without_tail};
    use super::text::skip;
    use super::*;
    use crate::vm::source::{std_files, std_package_named, std_packages};

    #[test]
    fn declarations_and_their_names_are_found() {
        let text = "package p\n\n// C is.\nconst (\n\tA, B = iota, `\n\tfunc x`\n\tC = 1\n)\n\nfunc (m *Map[K, V]) Get() {}\n\n\
                    /*\n\tfunc no() {}\n*/\ntype T struct {\n\tx int\n}\n\nfunc F() string { return \"\\\"func\" }\n";
        let found: Vec<&str> = declarations(text).into_iter().map(|(lo, hi)| &text[lo..hi]).collect();
        assert_eq!(found.len(), 4);
        assert_eq!(declared(found[0]), ["A", "B", "C"]);
        assert_eq!(method(found[1]), Some(("Map", "Get")));
        assert_eq!(declared(found[1]), Vec::<&str>::new());
        assert_eq!(declared(found[2]), ["T"]);
        assert_eq!(declared(found[3]), ["F"]);
        assert_eq!(method(found[3]), None);
        assert_eq!(method("func (t Time) String() string"), Some(("Time", "String")));
        assert_eq!(method("func (*T) x()"), Some(("T", "x")));
        assert_eq!(declared("var ErrX, errY = 1, 2"), ["ErrX", "errY"]);
        assert_eq!(without_tail("func f() {\n\t// a\n}\n\n// b\n//\n\n"), "func f() {\n\t// a\n}\n");
        assert_eq!(without_tail("var x = 1\n"), "var x = 1\n");
    }

    #[test]
    fn methods_of_interfaces_are_found() {
        let text = "func f(x any) { if y, ok := x.(interface { A() struct{ a int }; B() }); ok { C() } }\ntype I interface{ D() }";
        assert_eq!(in_interfaces(text), ["A", "struct", "a", "int", "B", "D"]);
    }

    #[test]
    fn no_string_or_comment_looks_like_a_declaration() {
        for (package, file, text) in std_packages().flat_map(std_files) {
            let b = text.as_bytes();
            let (mut i, mut starts) = (0, Vec::new());
            while i < b.len() {
                if keyword(&b[i..]) {
                    starts.push(i);
                }
                while i < b.len() && b[i] != b'\n' {
                    i = skip(b, i).unwrap_or(i + 1);
                }
                i += 1;
            }
            let found: Vec<usize> = declarations(text).into_iter().map(|d| d.0).collect();
            assert_eq!(found, starts, "{package}/{file}");
        }
    }

    #[test]
    fn mentions_keep_the_package_they_come_from() {
        let mut out = Vec::new();
        mentions("x := fmt.Sprint(a.b.c, \"no.no\", 'z') // q.r\n\tio. Writer\ny ...T\n\tf().\n\tg()", &mut |m| {
            out.push(m)
        });
        use Mention::{Name, Of, Selected};
        assert_eq!(
            out,
            [
                Name("x"),
                Name("fmt"),
                Of("fmt", "Sprint"),
                Name("a"),
                Of("a", "b"),
                Selected("c"),
                Name("io"),
                Of("io", "Writer"),
                Name("y"),
                Name("T"),
                Name("f"),
                Selected("g"),
            ]
        );
    }

    #[test]
    fn imports_are_named() {
        let text = "package p\n\nimport \"os\"\nimport (\n\tr \"math/rand/v2\"\n\t\"math/rand/v2\"\n\t// \"x\"\n\t. \"fmt\"\n)\n\nfunc f() {}\nimport \"no\"\n";
        let all = [("os", "os"), ("r", "math/rand/v2"), ("rand", "math/rand/v2"), (".", "fmt")];
        assert_eq!(imports_of(text), all);
        let text = "#!/usr/bin/gmpl\n/* a\nfunc f() */ import ( \"fmt\"; _ `os`; ) ; import m \"a/b\" // c\nx := \"y\"";
        assert_eq!(imports_of(text), [("fmt", "fmt"), ("_", "os"), ("m", "a/b")]);
        assert_eq!(imports_of("import (\"a\""), [("a", "a")]);
        assert_eq!(imports_of("import \""), []);
    }

    /// What a program keeps of a package.
    fn kept(program: &str, package: &str) -> String {
        let pruned = Pruned::new([program].into_iter(), std_package_named).unwrap();
        let files = pruned.files(package, crate::vm::source::FILES).unwrap_or_default();
        files.into_iter().map(|f| f.1).collect()
    }

    #[test]
    fn methods_are_kept_that_may_be_called() {
        let head = "package main\nimport \"strings\"\n";
        let none = kept(&format!("{head}var b strings.Builder"), "strings");
        assert!(none.contains("type Builder struct") && none.contains(") String()") && !none.contains(") Grow("));
        let called = kept(&format!("{head}func f(b *strings.Builder) {{ b.Grow(1) }}"), "strings");
        assert!(called.contains(") Grow(") && !called.contains(") Cap("));
        let in_interface =
            kept(&format!("{head}var b any = strings.Builder{{}}.\n(interface{{ Cap() int }})"), "strings");
        assert!(in_interface.contains(") Cap(") && !in_interface.contains(") Grow("));
        let hidden = kept(&format!("{head}func f(strings strings.Builder) {{ strings.Cap() }}"), "strings");
        assert!(hidden.contains(") Cap("));
        let reflected = kept(&format!("{head}var b strings.Builder\nvar m = reflect.ValueOf(b).Method(0)"), "strings");
        assert!(reflected.contains(") Cap(") && reflected.contains(") Grow("));
    }

    #[test]
    fn places_stay_what_they_are() {
        let program = "package main\nimport \"os\"\nfunc main() { os.Exit(len(os.Args)) }";
        let pruned = Pruned::new([program].into_iter(), std_package_named).unwrap();
        for (name, text) in pruned.files("os", crate::vm::source::FILES).unwrap() {
            let whole = std_files("os").iter().find(|f| f.1 == name).unwrap().2;
            for (kept, line) in text.lines().zip(whole.lines()) {
                assert!(kept.is_empty() || kept == line, "{name}: {kept}");
            }
        }
    }
}
