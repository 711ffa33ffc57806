//! By hand: Go's own source as a test of the checker. `GMPL_GOROOT=... cargo test --lib goroot -- --ignored --nocapture`.
use super::{Checked, big_stack, check_files};
use crate::base::diag::Severity;
use crate::types::load::{LoadError, LoadedPackage, Loader};
use std::path::{Path, PathBuf};

pub struct GoRoot {
    pub src: PathBuf,
}

/// Would the file be built on this platform?
fn selected(name: &str, text: &str) -> bool {
    const OSES: &[&str] = &[
        "windows", "darwin", "freebsd", "netbsd", "openbsd", "plan9", "js", "wasip1", "solaris", "aix", "dragonfly",
        "android", "ios", "illumos",
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
        if path == "test/unsafe" {
            // enough of package unsafe for the library's own code to be checked
            return Ok(LoadedPackage {
                std: true,
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
                return Ok(LoadedPackage { std: true, files });
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
