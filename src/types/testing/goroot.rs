//! By hand: Go's own source as a test of the checker. `GMPL_GOROOT=... cargo test --lib goroot -- --ignored --nocapture`.
use super::{Checked, big_stack, check_files};
use crate::base::diag::{Diagnostics, Severity};
use crate::base::intern::Interner;
use crate::base::limits::GO_RELEASE;
use crate::syntax::lex::lex;
use crate::types::load::{LoadError, LoadedPackage, Loader};
use std::path::{Path, PathBuf};

pub struct GoRoot {
    pub src: PathBuf,
}

/// Would the file be built on this platform?
fn selected(name: &str, text: &str) -> bool {
    const OSES: &[&str] = &[
        "windows",
        "darwin",
        "freebsd",
        "netbsd",
        "openbsd",
        "plan9",
        "js",
        "wasip1",
        "solaris",
        "aix",
        "dragonfly",
        "android",
        "ios",
        "illumos",
        "zos",
    ];
    const ARCHES: &[&str] = &[
        "386", "arm", "arm64", "wasm", "ppc64", "ppc64le", "mips", "mipsle", "mips64", "mips64le", "riscv64", "s390x",
        "loong64",
    ];
    if !name.ends_with(".go") || name.ends_with("_test.go") {
        return false;
    }
    let stem = name.trim_end_matches(".go");
    let parts: Vec<&str> = stem.split('_').skip(1).collect();
    if let Some(last) = parts.last()
        && (OSES.contains(last) || ARCHES.contains(last))
    {
        return false;
    }
    if parts.len() > 1 && OSES.contains(&parts[parts.len() - 2]) {
        return false;
    }
    for line in text.lines() {
        if let Some(c) = line.strip_prefix("//go:build ") {
            return constraint(c);
        }
        if line.starts_with("package ") {
            break;
        }
    }
    true
}

fn constraint(text: &str) -> bool {
    let tokens: Vec<String> = text
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('!', " ! ")
        .replace("&&", " && ")
        .replace("||", " || ")
        .split_whitespace()
        .map(str::to_string)
        .collect();
    fn or(t: &[String], i: &mut usize) -> bool {
        let mut v = and(t, i);
        while t.get(*i).is_some_and(|x| x == "||") {
            *i += 1;
            let w = and(t, i);
            v = v || w;
        }
        v
    }
    fn and(t: &[String], i: &mut usize) -> bool {
        let mut v = not(t, i);
        while t.get(*i).is_some_and(|x| x == "&&") {
            *i += 1;
            let w = not(t, i);
            v = v && w;
        }
        v
    }
    fn not(t: &[String], i: &mut usize) -> bool {
        let x = t[*i].clone();
        *i += 1;
        match &x[..] {
            "!" => !not(t, i),
            "(" => {
                let v = or(t, i);
                *i += 1;
                v
            }
            "linux" | "amd64" | "unix" | "gc" => true,
            tag if tag.starts_with("go1.") => true,
            _ => false,
        }
    }
    or(&tokens, &mut 0)
}

pub fn read_package(dir: &Path) -> Option<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).ok()? {
        let path = entry.ok()?.path();
        let name = path.file_name()?.to_string_lossy().into_owned();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        if selected(&name, &text) {
            files.push((path.display().to_string(), text));
        }
    }
    files.sort();
    (!files.is_empty()).then_some(files)
}

impl Loader for GoRoot {
    fn load(&self, path: &str) -> Result<LoadedPackage, LoadError> {
        if path == crate::types::load::RUNTIME_TYPES {
            return Ok(LoadedPackage {
                std: true,
                release: GO_RELEASE,
                files: vec![("rt.go".into(), "package runtime\n".into())],
            });
        }
        if path == "test/unsafe" {
            // enough of package unsafe for the library's own code to be checked
            return Ok(LoadedPackage {
                std: true,
                release: GO_RELEASE,
                files: vec![(
                    "unsafe.go".into(),
                    "package unsafe\ntype ArbitraryType int\ntype IntegerType int\ntype Pointer *ArbitraryType\n\
                     func Sizeof(x any) uintptr\nfunc Offsetof(x any) uintptr\nfunc Alignof(x any) uintptr\n\
                     func Add(p Pointer, n int) Pointer\nfunc Slice[T any](p *T, n int) []T\n\
                     func SliceData[T any](s []T) *T\nfunc String(p *byte, n int) string\n\
                     func StringData(s string) *byte\n"
                        .into(),
                )],
            });
        }
        let dirs = [self.src.join(path), self.src.join("vendor").join(path)];
        for d in dirs {
            if let Some(mut files) = read_package(&d) {
                for (_, text) in &mut files {
                    *text = text.replace("\"unsafe\"", "\"test/unsafe\"");
                }
                return Ok(LoadedPackage { std: true, release: GO_RELEASE, files });
            }
        }
        Err(LoadError { message: format!("package {path} is not in std"), help: None })
    }

    fn std_package_named(&self, name: &str) -> Option<String> {
        self.src.join(name).is_dir().then(|| name.to_string())
    }
}

pub fn root() -> Option<PathBuf> {
    std::env::var_os("GMPL_GOROOT").map(|r| PathBuf::from(r).join("src"))
}

fn summary(c: &Checked, label: &str) -> usize {
    let mut n = 0;
    let mut all: Vec<_> = c.diags.list.iter().filter(|d| d.severity == Severity::Error).collect();
    all.sort_by_key(|d| d.span.lo);
    for d in all {
        // the stubs are no real package unsafe
        if ["unsafe.", "Sizeof", "Offsetof", "uintptr"].iter().any(|w| d.message.contains(w)) {
            continue;
        }
        n += 1;
        if n <= 60 && !d.message.is_empty() {
            let (file, line, col) = c.sources.locate(d.span.lo).unwrap_or(("?", 0, 0));
            println!("{label}: {file}:{line}:{col}: {}", d.message);
        }
    }
    n
}

#[test]
#[ignore = "needs the Go source tree"]
fn goroot_std() {
    let Some(src) = root() else { return };
    let list = std::env::var("GMPL_PKGS").unwrap_or_else(|_| {
        "strings sort slices maps strconv bufio container/list container/heap container/ring errors unicode/utf8 bytes \
         text/template encoding/json go/types go/parser regexp math/big fmt encoding/csv text/tabwriter iter cmp \
         compress/flate html/template net/http"
            .into()
    });
    for path in list.split_whitespace().map(str::to_string).collect::<Vec<_>>() {
        let src = src.clone();
        let start = std::time::Instant::now();
        let label = path.clone();
        let result = std::panic::catch_unwind(|| {
            big_stack(move || {
                let loader = GoRoot { src };
                let main = format!("package main\nimport _ \"{path}\"\nfunc main() {{}}\n");
                let c = check_files(&[("main.go".into(), main)], &loader);
                let lines: usize = c.sources.files().map(|f| f.text.lines().count()).sum();
                (summary(&c, &path), lines)
            })
        });
        match result {
            Ok((n, lines)) => println!("== {label}: {n} errors, {lines} lines, {:?}", start.elapsed()),
            Err(_) => println!("== {label}: PANIC"),
        }
    }
}

/// An error the test data asks for: where, and a text of its message (empty: any).
struct Wanted {
    file: String,
    line: u32,
    text: String,
    regex: bool,
}

fn wanted(name: &str, text: &str) -> Vec<Wanted> {
    // where tokens begin, without inserted semicolons
    let tokens: Vec<(u32, u32)> = lex(text, 0, &mut Interner::default(), &mut Diagnostics::default())
        .into_iter()
        .map(|t| (t.0 as u32, t.2 as u32))
        .filter(|&(lo, hi)| hi > lo && !text[lo as usize..].starts_with('\n'))
        .collect();
    let mut out = Vec::new();
    for marker in ["/* ERROR", "// ERROR", "/*ERROR"] {
        let mut from = 0;
        while let Some(i) = text[from..].find(marker) {
            let at = from + i;
            from = at + marker.len();
            let rest = &text[from..];
            let regex = rest.starts_with('x');
            let rest = rest.trim_start_matches('x').trim_start();
            let Some(quote) = rest.chars().next().filter(|c| *c == '"' || *c == '`') else { continue };
            let body = &rest[1..];
            let mut end = 0;
            let b = body.as_bytes();
            while end < b.len() && b[end] != quote as u8 {
                end += if quote == '"' && b[end] == b'\\' { 2 } else { 1 };
            }
            let mut msg = body[..end.min(body.len())].to_string();
            if quote == '"' {
                msg = msg.replace("\\\"", "\"").replace("\\\\", "\\").replace("\\t", "\t").replace("\\n", "\n");
            }
            // the token before the comment
            let k = tokens.partition_point(|&(lo, _)| (lo as usize) < at);
            let lo = if k == 0 { 0 } else { tokens[k - 1].0 as usize };
            let line = text[..lo].matches('\n').count() as u32 + 1;
            out.push(Wanted { file: name.to_string(), line, text: msg, regex });
        }
    }
    out
}

/// Go's own test data for its checker: how many of the errors it asks for are found, and how many others.
#[test]
#[ignore = "needs the Go source tree"]
fn goroot_testdata() {
    let Some(src) = root() else { return };
    let verbose = std::env::var("GMPL_VERBOSE").unwrap_or_default();
    let base = src.join("internal/types/testdata");
    let (mut total, mut by_line, mut by_text, mut extra, mut files, mut clean, mut unparsed) = (0, 0, 0, 0, 0, 0, 0);
    for dir in ["check", "examples", "fixedbugs", "spec"] {
        let mut entries: Vec<PathBuf> = std::fs::read_dir(base.join(dir)).unwrap().map(|e| e.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            let list: Vec<(String, String)> = if path.is_dir() {
                let mut l: Vec<_> = std::fs::read_dir(&path)
                    .unwrap()
                    .map(|e| e.unwrap().path())
                    .filter(|p| p.extension().is_some_and(|e| e == "go"))
                    .map(|p| (p.display().to_string(), std::fs::read_to_string(&p).unwrap_or_default()))
                    .collect();
                l.sort();
                l
            } else {
                vec![(path.display().to_string(), std::fs::read_to_string(&path).unwrap_or_default())]
            };
            let first = list[0].1.lines().next().unwrap_or("");
            if list[0].1.is_empty()
                || first.starts_with("// -lang")
                || list
                    .iter()
                    .any(|(_, t)| t.contains("\"unsafe\"") || t.contains("import \"C\"") || t.contains("//go:build"))
            {
                continue;
            }
            let short = path.strip_prefix(&base).unwrap().display().to_string();
            let mut want: Vec<Wanted> = list.iter().flat_map(|(n, t)| wanted(n, t)).collect();
            let src = src.clone();
            let result = std::panic::catch_unwind(|| {
                big_stack(move || {
                    let c = check_files(&list, &GoRoot { src });
                    let own: Vec<String> = list.iter().map(|(n, _)| n.clone()).collect();
                    let found: Vec<(String, u32, String)> = c
                        .diags
                        .list
                        .iter()
                        .filter(|d| d.severity == Severity::Error)
                        .filter_map(|d| {
                            let (f, l, _) = c.sources.locate(d.span.lo)?;
                            own.contains(&f.to_string()).then(|| (f.to_string(), l, d.message.clone()))
                        })
                        .collect();
                    found
                })
            });
            let Ok(found) = result else {
                unparsed += 1;
                println!("UNPARSED {short}");
                continue;
            };
            files += 1;
            let n = want.len();
            total += n;
            let mut unexpected = Vec::new();
            let mut wrong_text = Vec::new();
            for (f, l, m) in found {
                if m.contains("function main is undeclared") || m == "missing function body" || m == "undefined: assert"
                {
                    continue;
                }
                let exact = want.iter().position(|w| w.file == f && w.line == l && (w.regex || m.contains(&w.text)));
                if let Some(i) = exact {
                    want.remove(i);
                    by_line += 1;
                    by_text += 1;
                    continue;
                }
                match want.iter().position(|w| w.file == f && w.line == l) {
                    Some(i) => {
                        let w = want.remove(i);
                        by_line += 1;
                        wrong_text.push(format!("  {l}: want {:?} have {m:?}", w.text));
                    }
                    None => unexpected.push(format!("  {l}: unexpected: {m}")),
                }
            }
            extra += unexpected.len();
            if want.is_empty() && unexpected.is_empty() {
                clean += 1;
            }
            if verbose.contains('m') && !want.is_empty() || verbose.contains('u') && !unexpected.is_empty() {
                println!("-- {short}");
                if verbose.contains('u') {
                    unexpected.iter().for_each(|u| println!("{u}"));
                }
                if verbose.contains('m') {
                    want.iter().for_each(|w| println!("  {}: missing: {}", w.line, w.text));
                }
            }
            if verbose.contains('t') && !wrong_text.is_empty() {
                println!("-- {short}");
                wrong_text.iter().for_each(|u| println!("{u}"));
            }
        }
    }
    println!(
        "== {files} files ({clean} clean, {unparsed} not parsed), {total} errors wanted: {by_line} found by line, \
         {by_text} by text; {extra} unexpected"
    );
}
