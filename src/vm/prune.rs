//! Leaves out of the standard packages what a program cannot reach, before anything of them is parsed.
//!
//! The program's files say which names of which packages they mention. From these the mentions are followed from
//! declaration to declaration, by name alone: too much may be kept, never too little. A type keeps its methods. What is
//! left out becomes empty lines, so that places stay what they are. Standard files are formatted: a declaration begins
//! at the start of a line with its keyword.
//!
//! What prints values calls their methods, and catches what those panic with. Most small programs have no such method:
//! for them the caller stays a head without a body (`METHOD_CALLER`).
//!
//! A program with errors is compiled again with whole packages: reports may speak of any name.
use rustc_hash::{FxHashMap, FxHashSet};

/// A file of the standard library: package path, file name, text.
pub type StdFile = (&'static str, &'static str, &'static str);

/// The function that calls the methods of values that are printed. Without a body it is a native, which has to know
/// `EXEMPT` only.
const METHOD_CALLER: (&str, &str) = ("fmt", "call");
/// The error that this package has for itself.
const EXEMPT: (&str, &str) = ("fmt", "writeError");
/// Where one of these is mentioned or a kept type has a method of the name, a value may have methods for printing. What
/// panics at run time is a value with such methods, too.
const METHODS: &[&str] = &["Error", "String", "GoString", "Format"];
const SOURCES: &[&str] = &["recover", "error", "Stringer", "GoStringer", "Formatter"];

/// One top-level declaration.
struct Unit {
    file: usize,
    lo: usize,
    hi: usize,
}

#[derive(Default)]
struct Package {
    units: Vec<Unit>,
    /// Declarations by name; methods under their type.
    by_name: FxHashMap<&'static str, Vec<usize>>,
    kept: FxHashSet<usize>,
    /// Of each file: its text and what its imports are called.
    files: Vec<(&'static StdFile, FxHashMap<String, &'static str>)>,
}

/// What a program reaches of each standard package.
pub struct Pruned {
    packages: FxHashMap<&'static str, Package>,
    /// Some value may have a method for printing.
    has_methods: bool,
    /// `METHOD_CALLER` is reached.
    calls_methods: bool,
}

/// Where the standard packages are.
pub struct Library {
    pub files: fn(&str) -> &'static [StdFile],
    /// The path of the package of this name, for scripts.
    pub named: fn(&str) -> Option<&'static str>,
}

impl Pruned {
    /// Follows the mentions of a program's files. `None`: it mentions packages in a way that needs all of them. `elsewhere`
    /// tells of a path whether it is a package of the program whose files are not among the texts.
    pub fn new(texts: &[&str], library: &Library, elsewhere: &dyn Fn(&str) -> bool) -> Option<Pruned> {
        let mut pruned = Pruned { packages: FxHashMap::default(), has_methods: false, calls_methods: false };
        let mut work: Vec<(&'static str, &'static str)> = Vec::new();
        for text in texts {
            let mut imports = FxHashMap::default();
            for (name, path) in imports_of(text) {
                if elsewhere(path) || name == "." {
                    return None;
                }
                if let Some(f) = (library.files)(path).first() {
                    imports.insert(name.to_string(), f.0);
                }
            }
            let mut found = FxHashSet::default();
            let has_methods = &mut pruned.has_methods;
            mentions(text, &mut |from, name| {
                *has_methods |= METHODS.contains(&name) || SOURCES.contains(&name);
                let Some(from) = from else { return };
                let path = imports.get(from).copied().or_else(|| (library.named)(from));
                if let Some(path) = path {
                    found.insert((path, name));
                }
            });
            for (path, name) in found {
                pruned.open(path, library);
                // The name as the library spells it lives as long as the library does.
                if let Some((&name, _)) = pruned.packages.get(path).and_then(|p| p.by_name.get_key_value(name)) {
                    work.push((path, name));
                }
            }
        }
        while let Some((path, name)) = work.pop() {
            pruned.keep(path, name, library, &mut work);
            if work.is_empty() && pruned.calls_methods && pruned.has_methods {
                pruned.calls_methods = false;
                pruned.keep_unit(METHOD_CALLER.0, METHOD_CALLER.1, library, &mut work);
            }
        }
        if pruned.calls_methods {
            pruned.keep_head(METHOD_CALLER.0, METHOD_CALLER.1);
        }
        Some(pruned)
    }

    /// Reads a package's declarations, if that has not been done.
    fn open(&mut self, path: &'static str, library: &Library) {
        if self.packages.contains_key(path) {
            return;
        }
        let mut package = Package::default();
        for (at, file) in (library.files)(path).iter().enumerate() {
            let imports = imports_of(file.2)
                .filter_map(|(name, path)| Some((name.to_string(), (library.files)(path).first()?.0)))
                .collect();
            package.files.push((file, imports));
            for (lo, hi) in declarations(file.2) {
                let unit = package.units.len();
                let mut named = false;
                declared(&file.2[lo..hi], &mut |name| {
                    named = true;
                    package.by_name.entry(name).or_default().push(unit);
                });
                if named {
                    package.units.push(Unit { file: at, lo, hi });
                }
            }
        }
        self.packages.insert(path, package);
        // What runs at the start belongs to the package as a whole.
        let mut work = vec![(path, "init")];
        while let Some((path, name)) = work.pop() {
            self.keep(path, name, library, &mut work);
        }
    }

    fn keep(
        &mut self,
        path: &'static str,
        name: &'static str,
        library: &Library,
        work: &mut Vec<(&'static str, &'static str)>,
    ) {
        self.open(path, library);
        if (path, name) == METHOD_CALLER {
            self.calls_methods = true;
        } else {
            self.keep_unit(path, name, library, work);
        }
    }

    /// Keeps a function without its body.
    fn keep_head(&mut self, path: &str, name: &str) {
        let Some(package) = self.packages.get_mut(path) else { return };
        for &u in package.by_name.get(name).into_iter().flatten() {
            let unit = &mut package.units[u];
            let text = &package.files[unit.file].0.2[unit.lo..unit.hi];
            unit.hi = unit.lo + text.find(" {\n").unwrap_or(text.len());
            package.kept.insert(u);
        }
    }

    fn keep_unit(
        &mut self,
        path: &'static str,
        name: &'static str,
        library: &Library,
        work: &mut Vec<(&'static str, &'static str)>,
    ) {
        let Some(package) = self.packages.get_mut(path) else { return };
        let Some(units) = package.by_name.get(name) else { return };
        let mut outside = Vec::new();
        for &u in units {
            if !package.kept.insert(u) {
                continue;
            }
            let unit = &package.units[u];
            let (file, imports) = &package.files[unit.file];
            let text = &file.2[unit.lo..unit.hi];
            if (path, name) != EXEMPT {
                self.has_methods |= method(text).is_some_and(|name| METHODS.contains(&name));
            }
            mentions(text, &mut |from, name| match from {
                None if name == "recover" => self.has_methods = true,
                None => {
                    if let Some((&name, _)) = package.by_name.get_key_value(name) {
                        work.push((path, name));
                    }
                }
                Some(from) => {
                    if let Some(&other) = imports.get(from) {
                        outside.push((other, name));
                    }
                }
            });
        }
        for (other, name) in outside {
            self.open(other, library);
            if let Some((&name, _)) = self.packages.get(other).and_then(|p| p.by_name.get_key_value(name)) {
                work.push((other, name));
            }
        }
    }

    /// A package's files as far as they are reached: `(file name, text)`.
    pub fn files(&self, path: &str) -> Option<Vec<(String, String)>> {
        let package = self.packages.get(path)?;
        let mut out = Vec::new();
        for (at, (file, imports)) in package.files.iter().enumerate() {
            let text = file.2;
            let mut kept: Vec<&Unit> =
                package.kept.iter().map(|&u| &package.units[u]).filter(|u| u.file == at).collect();
            if kept.is_empty() && !package.kept.is_empty() {
                continue;
            }
            kept.sort_by_key(|u| u.lo);
            kept.dedup_by_key(|u| u.lo);
            let mut used = FxHashSet::default();
            for u in &kept {
                mentions(&text[u.lo..u.hi], &mut |from, _| {
                    if let Some(from) = from {
                        used.insert(from);
                    }
                });
            }
            let mut pruned = String::with_capacity(kept.iter().map(|u| u.hi - u.lo).sum::<usize>() + 256);
            let mut done = 0;
            let blank = |from: usize, to: usize, out: &mut String| {
                out.extend(memchr::memchr_iter(b'\n', &text.as_bytes()[from..to]).map(|_| '\n'));
            };
            let head = declarations(text).next().map_or(text.len(), |d| d.0);
            // Package clause and imports: those that nothing needs any more go.
            for line in text[..head].split_inclusive('\n') {
                let spec = import_spec(line).filter(|(name, _)| *name != "_");
                let needed = spec.is_none_or(|(name, _)| !imports.contains_key(name) || used.contains(name));
                pruned.push_str(if needed { line } else { "\n" });
            }
            done += head;
            for u in kept {
                blank(done, u.lo, &mut pruned);
                pruned.push_str(&text[u.lo..u.hi]);
                done = u.hi;
            }
            out.push((file.1.to_string(), pruned));
        }
        Some(out)
    }
}

/// The end of the comment, string or rune literal that begins at `at`; `None`: none begins there.
fn skip(b: &[u8], at: usize) -> Option<usize> {
    let until = |from: usize, end: &[u8]| {
        memchr::memmem::find(&b[from.min(b.len())..], end).map_or(b.len(), |i| from + i + end.len())
    };
    match b[at] {
        b'/' if b.get(at + 1) == Some(&b'/') => Some(memchr::memchr(b'\n', &b[at..]).map_or(b.len(), |i| at + i)),
        b'/' if b.get(at + 1) == Some(&b'*') => Some(until(at + 2, b"*/")),
        b'`' => Some(until(at + 1, b"`")),
        q @ (b'"' | b'\'') => {
            let mut i = at + 1;
            while i < b.len() && b[i] != q && b[i] != b'\n' {
                i += if b[i] == b'\\' { 2 } else { 1 };
            }
            Some((i + 1).min(b.len()))
        }
        _ => None,
    }
}

fn is_ident(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c >= 0x80
}

/// Calls `f` on every name: `(None, name)` on its own, `(Some(x), name)` for `x.name`.
fn mentions<'a>(text: &'a str, f: &mut dyn FnMut(Option<&'a str>, &'a str)) {
    let b = text.as_bytes();
    let mut i = 0;
    // The name before, if a dot follows it; whether a dot stands before.
    let mut last: Option<&str> = None;
    let mut dot = false;
    while i < b.len() {
        if let Some(end) = skip(b, i) {
            i = end;
            (last, dot) = (None, false);
        } else if is_ident(b[i]) {
            let lo = i;
            while i < b.len() && is_ident(b[i]) {
                i += 1;
            }
            let name = &text[lo..i];
            match (dot, last) {
                (true, Some(from)) => f(Some(from), name),
                (true, None) => {}
                _ => f(None, name),
            }
            last = if dot { None } else { Some(name) };
            dot = false;
        } else {
            match b[i] {
                b'.' => dot = true,
                b' ' | b'\t' | b'\r' => {}
                _ => (last, dot) = (None, false),
            }
            i += 1;
        }
    }
}

/// Whether a declaration's keyword stands here.
fn keyword(b: &[u8]) -> bool {
    match b.first() {
        Some(b'f') => b.starts_with(b"func "),
        Some(b't') => b.starts_with(b"type "),
        Some(b'v') => b.starts_with(b"var "),
        Some(b'c') => b.starts_with(b"const "),
        _ => false,
    }
}

/// Byte ranges of the top-level declarations but imports, each with what follows it up to the next. In no standard file does
/// a line of a string or comment begin as a declaration does.
fn declarations(text: &'static str) -> impl Iterator<Item = (usize, usize)> {
    let b = text.as_bytes();
    // The first declaration at or behind the line that begins at `i`.
    let next = move |i: usize| {
        let lines = memchr::memchr_iter(b'\n', b.get(i..).unwrap_or(&[])).map(move |n| i + n + 1);
        std::iter::once(i).chain(lines).find(|&i| i < b.len() && keyword(&b[i..])).unwrap_or(b.len())
    };
    let mut at = next(0);
    std::iter::from_fn(move || {
        let lo = at;
        at = next(lo + 1);
        (lo < b.len()).then_some((lo, at))
    })
}

/// The name of the method that this declares, if it does.
fn method(text: &str) -> Option<&str> {
    let (_, rest) = text.strip_prefix("func (")?.split_once(") ")?;
    rest.split(|c: char| !c.is_ascii() || !is_ident(c as u8)).next()
}

/// Calls `f` on the names that a declaration declares; on a method's type instead of the method.
fn declared<'a>(text: &'a str, f: &mut dyn FnMut(&'a str)) {
    let first = |s: &'a str| {
        let n = s.bytes().take_while(|&c| is_ident(c)).count();
        (&s[..n], &s[n..])
    };
    if let Some(rest) = text.strip_prefix("func ") {
        let Some(receiver) = rest.strip_prefix('(') else { return f(first(rest).0) };
        let inside = receiver.split(')').next().unwrap_or("");
        let ty = inside.rsplit([' ', '*']).find(|s| !s.is_empty()).unwrap_or("");
        // The type parameters of a generic receiver may hold spaces.
        let ty = match inside.split_once('[') {
            Some((before, _)) => before.rsplit([' ', '*']).next().unwrap_or(""),
            None => ty,
        };
        return f(first(ty).0);
    }
    let Some((_, rest)) = text.split_once(' ') else { return };
    let mut names = |line: &'a str| {
        let mut rest = line;
        loop {
            let (name, after) = first(rest);
            if !name.is_empty() && name != "_" {
                f(name);
            }
            match after.strip_prefix(", ") {
                Some(more) => rest = more,
                None => return,
            }
        }
    };
    if !rest.starts_with('(') {
        return names(rest);
    }
    // A group: specifications stand at one tab.
    let b = rest.as_bytes();
    let mut i = 0;
    while i < b.len() {
        if b[i] != b'\n' {
            i = skip(b, i).unwrap_or(i + 1);
            continue;
        }
        i += 1;
        if b.get(i) == Some(&b'\t') && b.get(i + 1).is_some_and(|&c| is_ident(c)) {
            names(&rest[i + 1..]);
        }
    }
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

/// What a standard package is called.
fn package_name(path: &str) -> &str {
    let mut parts = path.rsplit('/');
    let last = parts.next().unwrap_or(path);
    let version = last.strip_prefix('v').is_some_and(|v| v.bytes().all(|c| c.is_ascii_digit()));
    match path {
        "internal/rt" => "runtime",
        _ if version => parts.next().unwrap_or(last),
        _ => last,
    }
}

/// All imports of a file, as `(name, path)`.
pub(super) fn imports_of(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut group = false;
    // Declarations follow the imports.
    text.lines().take_while(|line| !keyword(line.as_bytes())).filter_map(move |line| {
        if group {
            group = !line.starts_with(')');
            return import_spec(line).filter(|_| group);
        }
        if let Some(rest) = line.trim_start().strip_prefix("import") {
            if rest.trim_start().starts_with('(') {
                // `import ("fmt"; "os")` on one line is rare: its names are looked up as a script's are.
                group = !rest.contains(')');
                return None;
            }
            return import_spec(line.trim_start());
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        declared(text, &mut |n| out.push(n));
        out
    }

    #[test]
    fn declarations_and_their_names_are_found() {
        let text = "package p\n\n// C is.\nconst (\n\tA, B = iota, `\n\tfunc x`\n\tC = 1\n)\n\nfunc (m *Map[K, V]) Get() {}\n\n\
                    /*\n\tfunc no() {}\n*/\ntype T struct {\n\tx int\n}\n\nfunc F() string { return \"\\\"func\" }\n";
        let found: Vec<&str> = declarations(text).map(|(lo, hi)| &text[lo..hi]).collect();
        assert_eq!(found.len(), 4);
        assert_eq!(names(found[0]), ["A", "B", "C"]);
        assert_eq!(names(found[1]), ["Map"]);
        assert_eq!(names(found[2]), ["T"]);
        assert_eq!(names(found[3]), ["F"]);
        assert_eq!(names("func (t Time) String() string"), ["Time"]);
        assert_eq!(names("var ErrX, errY = 1, 2"), ["ErrX", "errY"]);
    }

    #[test]
    fn no_string_or_comment_looks_like_a_declaration() {
        for (package, file, text) in crate::vm::source::std_packages().flat_map(crate::vm::source::std_files) {
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
            let found: Vec<usize> = declarations(text).map(|d| d.0).collect();
            assert_eq!(found, starts, "{package}/{file}");
        }
    }

    #[test]
    fn mentions_keep_the_package_they_come_from() {
        let mut out = Vec::new();
        mentions("x := fmt.Sprint(a.b.c, \"no.no\", 'z') // q.r\n\tio. Writer", &mut |f, n| out.push((f, n)));
        let plain = |n| (None, n);
        assert_eq!(
            out,
            [
                plain("x"),
                plain("fmt"),
                (Some("fmt"), "Sprint"),
                plain("a"),
                (Some("a"), "b"),
                plain("io"),
                (Some("io"), "Writer")
            ]
        );
    }

    #[test]
    fn imports_are_named() {
        let text = "package p\n\nimport \"os\"\nimport (\n\tr \"math/rand/v2\"\n\t\"math/rand/v2\"\n\t// \"x\"\n\t. \"fmt\"\n)\n\nfunc f() {}\nimport \"no\"\n";
        let found: Vec<_> = imports_of(text).collect();
        assert_eq!(found, [("os", "os"), ("r", "math/rand/v2"), ("rand", "math/rand/v2"), (".", "fmt")]);
    }
}
