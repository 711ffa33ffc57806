//! The program that runs a package's tests: what its files declare as tests, benchmarks, fuzz tests and examples, and a `main`
//! that hands them to package testing.
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::intern::Interner;
use crate::base::span::{SourceMap, Span};
use crate::syntax::ast::{Ast, ExprKind, Func, TopItem};
use crate::vm::constraint::Tags;
use crate::vm::module::Module;
use crate::vm::source::{Files, is_test, read_text};
use std::fmt::Write;
use std::path::Path;

/// What the file of the program's `main` is called, as in Go.
const MAIN_FILE: &str = "_testmain.go";

/// What a package declares to be run.
#[derive(Default)]
pub struct Found {
    /// `(package, name)`: package is the name that `main` gives it.
    tests: Vec<(&'static str, String)>,
    benchmarks: Vec<(&'static str, String)>,
    fuzz: Vec<(&'static str, String)>,
    examples: Vec<Example>,
    main: Option<&'static str>,
}

struct Example {
    package: &'static str,
    name: String,
    output: String,
    unordered: bool,
}

/// The program that tests a package, and mistakes in what it declares as tests.
pub struct Harness {
    pub files: Files,
    pub sources: SourceMap,
    pub diagnostics: Diagnostics,
    found: Found,
}

impl Harness {
    /// Reads the named files of a folder; reports show them as `shown` and the name. An import path is needed, since
    /// the tests are a package of their own beside it, or in it.
    ///
    /// # Errors
    /// A sentence that says which file cannot be read.
    pub fn read(path: &str, dir: &Path, shown: &Path, names: &[String], tags: Tags) -> Result<Harness, String> {
        let mut harness = Harness {
            files: Files { module: Module::find(dir), tags, ..Files::default() },
            sources: SourceMap::default(),
            diagnostics: Diagnostics::default(),
            found: Found::default(),
        };
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        for name in names {
            let text = read_text(&dir.join(name))?;
            let label = if shown == Path::new(".") { name.clone() } else { shown.join(name).display().to_string() };
            let test = is_test(Path::new(name));
            let external = test && harness.look(&label, &text);
            if external { &mut outside } else { &mut inside }.push((label, text));
        }
        let (has_inside, has_outside) = (!inside.is_empty(), !outside.is_empty());
        if has_inside {
            harness.files.packages.push((path.to_string(), inside));
        }
        if has_outside {
            harness.files.packages.push((format!("{path}_test"), outside));
        }
        let text = harness.found.main_text(path, has_inside, has_outside);
        harness.files.files.push((MAIN_FILE.into(), text));
        Ok(harness)
    }

    /// The top-level tests, examples and fuzz tests, in the order in which they run.
    pub fn tests(&self) -> Vec<String> {
        let f = &self.found;
        let names = f.tests.iter().chain(&f.fuzz).map(|t| t.1.clone());
        names.chain(f.examples.iter().map(|e| e.name.clone())).collect()
    }

    /// Looks through a test file; whether it is of the package beside the one that is tested.
    fn look(&mut self, label: &str, text: &str) -> bool {
        let (mut names, mut ast) = (Interner::default(), Ast::default());
        // Syntax errors are reported when the program is compiled.
        let mut ignored = Diagnostics::default();
        let id = self.sources.add(label.to_string(), text.to_string());
        crate::syntax::parse_file(id, &self.sources, &mut names, &mut ast, &mut ignored);
        let Some(file) = ast.files.first() else { return false };
        let external = file.package.is_some_and(|p| names.name(p.name).ends_with("_test"));
        let package = if external { "_xtest" } else { "_test" };
        let base = self.sources.file(id).base;
        let mut examples = Vec::new();
        for item in &file.items {
            let TopItem::Func(f) = item else { continue };
            let func = ast.func(*f);
            let (Some(ident), None) = (func.name, &func.recv) else { continue };
            let name = names.name(ident.name);
            let list = if name == "TestMain" && parameter(&ast, &names, func).is_none_or(|t| t == "M") {
                self.check(&ast, &names, func, "M");
                self.found.main = Some(package);
                continue;
            } else if is_named(name, "Test") {
                self.check(&ast, &names, func, "T");
                &mut self.found.tests
            } else if is_named(name, "Benchmark") {
                self.check(&ast, &names, func, "B");
                &mut self.found.benchmarks
            } else if is_named(name, "Fuzz") {
                self.check(&ast, &names, func, "F");
                &mut self.found.fuzz
            } else if is_named(name, "Example") && func.sig.params.is_empty() && func.sig.results.is_empty() {
                if let Some(body) = &func.body {
                    let inside = &text[(body.span.lo - base) as usize..(body.span.hi - base) as usize];
                    if let Some((output, unordered)) = example_output(inside) {
                        examples.push(Example { package, name: name.to_string(), output, unordered });
                    }
                }
                continue;
            } else {
                continue;
            };
            list.push((package, name.to_string()));
        }
        // Those of a file in the order of their names, as go/doc gives them.
        examples.sort_by(|a, b| a.name.cmp(&b.name));
        self.found.examples.append(&mut examples);
        external
    }

    /// Reports a function whose name says that it is a test and whose parameters do not.
    fn check(&mut self, ast: &Ast, names: &Interner, func: &Func, kind: &str) {
        let Some(name) = func.name else { return };
        let span = Span::new(name.span.lo, func.sig.span.hi);
        if !func.tparams.is_empty() {
            let text =
                format!("wrong signature for {}, test functions cannot have type parameters", names.name(name.name));
            self.diagnostics.push(Diagnostic::error("test-signature", span, text));
        } else if !func.sig.results.is_empty() || parameter(ast, names, func).as_deref() != Some(kind) {
            let (name, p) = (names.name(name.name), kind.to_lowercase());
            let text = format!("wrong signature for {name}, must be: func {name}({p} *testing.{kind})");
            self.diagnostics.push(Diagnostic::error("test-signature", span, text));
        }
    }
}

/// The name behind the dot of the only parameter's type, which is a pointer: `T` of `*testing.T`, or of `*T`.
fn parameter(ast: &Ast, names: &Interner, func: &Func) -> Option<String> {
    let [param] = func.sig.params.as_slice() else { return None };
    let ExprKind::Star(inner) = ast.expr(param.ty).kind else { return None };
    match &ast.expr(inner).kind {
        ExprKind::Selector { sel, .. } => Some(names.name(sel.name).to_string()),
        ExprKind::Ident(name) => Some(names.name(*name).to_string()),
        _ => None,
    }
}

/// Whether a name is the prefix alone, or the prefix and a word that does not begin with a small letter.
fn is_named(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.chars().next().is_none_or(|c| !c.is_lowercase()))
}

impl Found {
    fn main_text(&self, path: &str, inside: bool, outside: bool) -> String {
        let mut used = [false, false];
        let mut body = String::new();
        let mut list = |what: &str, kind: &str, names: &[(&'static str, String)]| {
            let _ = writeln!(body, "\nvar {what} = []testing.{kind}{{");
            for (package, name) in names {
                used[(*package == "_xtest") as usize] = true;
                let _ = writeln!(body, "\t{{{name:?}, {package}.{name}}},");
            }
            body.push_str("}\n");
        };
        list("tests", "InternalTest", &self.tests);
        list("benchmarks", "InternalBenchmark", &self.benchmarks);
        list("fuzzTargets", "InternalFuzzTarget", &self.fuzz);
        body.push_str("\nvar examples = []testing.InternalExample{\n");
        for e in &self.examples {
            used[(e.package == "_xtest") as usize] = true;
            let _ =
                writeln!(body, "\t{{{:?}, {}.{}, {}, {}}},", e.name, e.package, e.name, quote(&e.output), e.unordered);
        }
        body.push_str("}\n\nfunc main() {\n");
        let _ = writeln!(
            body,
            "\tm := testing.MainStart(testhook.Deps{{Path: {path:?}}}, tests, benchmarks, fuzzTargets, examples)"
        );
        if let Some(package) = self.main {
            used[(package == "_xtest") as usize] = true;
            let _ = writeln!(body, "\t{package}.TestMain(m)\n\tos.Exit(testhook.ExitCode)\n}}");
        } else {
            body.push_str("\tos.Exit(m.Run())\n}\n");
        }
        let mut text = String::from("package main\n\nimport (\n\t\"internal/testhook\"\n\t\"os\"\n\t\"testing\"\n");
        for (name, path, there, used) in
            [("_test", path.to_string(), inside, used[0]), ("_xtest", format!("{path}_test"), outside, used[1])]
        {
            if there {
                let _ = writeln!(text, "\t{} {path:?}", if used { name } else { "_" });
            }
        }
        text + ")\n" + &body
    }
}

/// A string literal of the language.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c < ' ' => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out + "\""
}

/// What the last comment of an example's body says that it prints, and whether the order of lines does not matter.
fn example_output(body: &str) -> Option<(String, bool)> {
    let text = comment_text(&last_comments(body)?);
    let trimmed = text.trim_start();
    let (unordered, rest) = match strip_word(trimmed, "unordered") {
        Some(rest) => (true, rest.trim_start()),
        None => (false, trimmed),
    };
    let rest = strip_word(rest, "output:")?;
    let rest = rest.trim_start_matches(' ');
    Some((rest.strip_prefix('\n').unwrap_or(rest).to_string(), unordered))
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| &text[word.len()..])
}

/// The last group of comments: those with nothing but one line end between them.
fn last_comments(body: &str) -> Option<Vec<&str>> {
    let b = body.as_bytes();
    let mut group: Vec<&str> = Vec::new();
    let mut end = 0;
    let mut i = 0;
    while i < b.len() {
        let next = match b[i] {
            b'/' if b.get(i + 1) == Some(&b'/') => memchr::memchr(b'\n', &b[i..]).map_or(b.len(), |n| i + n),
            b'/' if b.get(i + 1) == Some(&b'*') => body[i + 2..].find("*/").map_or(b.len(), |n| i + n + 4),
            b'`' => {
                i = body[i + 1..].find('`').map_or(b.len(), |n| i + n + 2);
                continue;
            }
            q @ (b'"' | b'\'') => {
                i += 1;
                while i < b.len() && b[i] != q && b[i] != b'\n' {
                    i += if b[i] == b'\\' { 2 } else { 1 };
                }
                i += 1;
                continue;
            }
            _ => {
                i += 1;
                continue;
            }
        };
        let between = &body[end..i];
        let joins = between.trim().is_empty() && between.matches('\n').count() <= 1;
        if !joins {
            group.clear();
        }
        group.push(&body[i..next]);
        end = next;
        i = next;
    }
    (!group.is_empty()).then_some(group)
}

/// The words of comments: without their marks, directives, spaces at line ends, and more than one empty line in a row.
fn comment_text(comments: &[&str]) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for comment in comments {
        if let Some(inside) = comment.strip_prefix("/*") {
            lines.extend(inside.strip_suffix("*/").unwrap_or(inside).split('\n').map(str::trim_end));
        } else {
            let line = comment.strip_prefix("//").unwrap_or(comment);
            let directive = line.split_once(':').is_some_and(|(word, rest)| {
                let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
                !word.is_empty() && word.chars().all(small) && rest.starts_with(small)
            });
            if !directive {
                lines.push(line.strip_prefix(' ').unwrap_or(line).trim_end());
            }
        }
    }
    let mut text = String::new();
    let mut empty = true;
    for line in lines {
        if !line.is_empty() || !empty {
            text.push_str(line);
            text.push('\n');
        }
        empty = line.is_empty();
    }
    while text.ends_with("\n\n") {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tests_do_not_go_on_with_a_small_letter() {
        let named = ["Test", "TestX", "Test_x", "Test1", "TestÄ"];
        assert!(named.iter().all(|n| is_named(n, "Test")));
        assert!(!is_named("Testing", "Test") && !is_named("Tes", "Test") && !is_named("Testä", "Test"));
    }

    #[test]
    fn outputs_of_examples_are_read() {
        let output = |body| example_output(body);
        assert_eq!(output("{\n\tf()\n\t// Output: a\n\t// b\n}"), Some(("a\nb\n".into(), false)));
        assert_eq!(output("{\n\t// Output:\n\t//  a\n\t//\n\t//\n\t// b\n}"), Some((" a\n\nb\n".into(), false)));
        assert_eq!(output("{\n\tf(\"// Output: no\")\n\t// Unordered output: 2\n}"), Some(("2\n".into(), true)));
        assert_eq!(output("{\n\t// Output: first\n\n\t// last\n}"), None);
        assert_eq!(output("{\n\t/* OUTPUT:\nx */\n}"), Some(("x\n".into(), false)));
        assert_eq!(output("{\n\t// Output:\n}"), Some((String::new(), false)));
        assert_eq!(output("{}"), None);
    }
}
