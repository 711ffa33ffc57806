//! Tests of the checker: small programs with the errors expected of them, and, by hand, Go's own library and test
//! data (`GMPL_GOROOT` names the Go source tree).
mod goroot;
mod table;

use super::check::{CheckOptions, check_program};
use super::info::Info;
use super::load::{LoadError, LoadedPackage, Loader, load_program};
use crate::base::diag::Diagnostics;
use crate::base::intern::Interner;
use crate::base::limits::GO_RELEASE;
use crate::base::span::SourceMap;
use crate::syntax::ast::Ast;
use crate::syntax::parse_file;

#[allow(dead_code)]
pub struct Checked {
    pub info: Info,
    pub names: Interner,
    pub sources: SourceMap,
    pub diags: Diagnostics,
    pub ast: Ast,
}

/// Parses and checks a program given as file names and texts.
pub fn check_files(files: &[(String, String)], loader: &dyn Loader) -> Checked {
    let mut sources = SourceMap::default();
    let mut names = Interner::default();
    let mut ast = Ast::default();
    let mut diags = Diagnostics::default();
    for (name, text) in files {
        let id = sources.add(name.clone(), text.clone());
        parse_file(id, &sources, &mut names, &mut ast, &mut diags);
    }
    let main: Vec<usize> = (0..ast.files.len()).collect();
    let graph = load_program(&main, loader, parse_file, &mut sources, &mut names, &mut ast, &mut diags);
    let options = CheckOptions { strict: false, loader: Some(loader), programs: false };
    let info = check_program(&main, &ast, &graph, &mut names, &sources, options, &mut diags);
    Checked { info, names, sources, diags, ast }
}

/// Runs on a thread with the front wing's stack.
pub fn big_stack<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new()
        .stack_size(crate::base::limits::FRONT_STACK_BYTES)
        .spawn(f)
        .expect("thread")
        .join()
        .unwrap_or_else(|e| std::panic::resume_unwind(e))
}

/// Knows a few tiny packages.
pub struct FakeStd;

impl Loader for FakeStd {
    fn load(&self, path: &str) -> Result<LoadedPackage, LoadError> {
        if path == super::load::RUNTIME_TYPES {
            return Ok(LoadedPackage {
                std: true,
                release: GO_RELEASE,
                files: vec![("rt.go".into(), "package runtime\n".into())],
            });
        }
        let text = match path {
            "fmt" => {
                "package fmt\nfunc Println(a ...any) (n int, err error)\nfunc Sprint(a ...any) string\n\
                 func Printf(f string, a ...any)\ntype Stringer interface { String() string }\n"
            }
            "strings" => {
                "package strings\nfunc ToUpper(s string) string\ntype Builder struct { buf []byte }\n\
                 func (b *Builder) WriteString(s string) (int, error) { b.buf = append(b.buf, s...); return len(s), nil }\n\
                 func (b *Builder) String() string { return string(b.buf) }\n"
            }
            "errors" => "package errors\nfunc New(s string) error\n",
            _ => {
                return Err(LoadError { message: format!("package {path} is not in std"), help: None });
            }
        };
        Ok(LoadedPackage { std: true, release: GO_RELEASE, files: vec![(format!("{path}.gm"), text.into())] })
    }

    fn std_package_named(&self, name: &str) -> Option<String> {
        ["fmt", "strings", "errors"].contains(&name).then(|| name.to_string())
    }
}
