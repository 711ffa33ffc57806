//! Runs every program under `tests/golden/` and `examples/` and compares what it does with the expectations in its
//! comments. A program is a `.gm` file, or a folder with a `go.mod`, whose expectations stand in its `main.gm`.
//!
//! Expectations, in trailing comments (`tests/oracle/main.go` writes them from what Go does):
//! - `// Output:`, then `// line` lines: standard output, exactly;
//! - `// Stderr:`, then `// text` lines: parts of standard error, in this order; without it nothing may be there;
//! - `// Exit: 2`: the exit status, 0 without it;
//! - `// ERROR "text"` and `// WARNING "text"` at the end of a line: a report about this line that holds the text;
//!   there may be no other report, and a program with an ERROR exits with 1.
//!
//! Directives, each on a line of its own: `// args: a b`, `// stdin: line` (once a line), `// env: X=1`,
//! `// flags: --seed 1`, `// procs: 1` (run only with that many), `// not: seed` (skipped in that mode, or with
//! `hostile` by that build), `// unordered` (sorted lines are compared), `// gmpl only` (the oracle has nothing to say).
//!
//! `GOLDEN=text cargo test --test golden` runs the programs with the text in their path.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const HOSTILE: bool = cfg!(feature = "hostile");
/// The hostile build collects at every safepoint.
const TIMEOUT: Duration = Duration::from_secs(if HOSTILE { 150 } else { 20 });
/// Whether the suite also runs with these seeds: virtual time, one order of everything.
const SEEDS: &[u64] = &[1];
/// Whether the portable driver runs what lies in these areas.
const PORTABLE_AREAS: &[&str] = &["control", "closures", "panics", "defers", "channels", "iterators", "methods"];

/// How a pass over the programs runs them.
struct Mode {
    name: String,
    procs: Option<usize>,
    flags: Vec<String>,
    env: Vec<(&'static str, &'static str)>,
    areas: Option<&'static [&'static str]>,
}

impl Mode {
    fn procs(n: usize) -> Mode {
        Mode { name: format!("procs {n}"), procs: Some(n), flags: Vec::new(), env: Vec::new(), areas: None }
    }
}

#[test]
fn programs_on_one_processor() {
    run_all(&Mode::procs(1));
}

#[test]
fn programs_on_four_processors() {
    run_all(&Mode::procs(4));
}

#[test]
fn programs_with_a_seed() {
    for seed in SEEDS {
        let flags = vec!["--seed".to_string(), seed.to_string()];
        run_all(&Mode { name: format!("seed {seed}"), flags, procs: None, env: Vec::new(), areas: None });
    }
}

#[test]
fn programs_on_the_portable_driver() {
    if !PORTABLE_AREAS.is_empty() {
        let mode = Mode::procs(2);
        let env = vec![("GMPLDEBUG", "portable=1")];
        run_all(&Mode { name: "portable".into(), env, areas: Some(PORTABLE_AREAS), ..mode });
    }
}

/// Collections mark while the program runs, however small its heap; under the hostile build they come one after the other.
#[test]
fn programs_that_run_while_others_mark() {
    let env = vec![("GMPLDEBUG", "gcconcurrent=1"), ("GOGC", "3")];
    run_all(&Mode { name: "gcconcurrent".into(), env, ..Mode::procs(4) });
}

/// A profiled run has other handlers, and looks at stacks at any instruction.
#[test]
fn programs_that_are_profiled() {
    let kinds = ["--cpuprofile", "--memprofile", "--blockprofile", "--mutexprofile"];
    let flags = kinds.iter().flat_map(|kind| [kind.to_string(), "/dev/null".to_string()]).collect();
    run_all(&Mode { name: "profiled".into(), flags, ..Mode::procs(4) });
}

/// The headings of the Go specification under which programs can show something.
#[rustfmt::skip]
const SECTIONS: &[&str] = &[
    "Characters",
    "Letters and digits",
    "Comments",
    "Tokens",
    "Semicolons",
    "Identifiers",
    "Keywords",
    "Operators and punctuation",
    "Integer literals",
    "Floating-point literals",
    "Imaginary literals",
    "Rune literals",
    "String literals",
    "Constants",
    "Variables",
    "Boolean types",
    "Numeric types",
    "String types",
    "Array types",
    "Slice types",
    "Struct types",
    "Pointer types",
    "Function types",
    "Interface types",
    "Basic interfaces",
    "Embedded interfaces",
    "General interfaces",
    "Implementing an interface",
    "Map types",
    "Channel types",
    "Representation of values",
    "Underlying types",
    "Type identity",
    "Assignability",
    "Representability",
    "Method sets",
    "Blocks",
    "Declarations and scope",
    "Label scopes",
    "Blank identifier",
    "Predeclared identifiers",
    "Exported identifiers",
    "Uniqueness of identifiers",
    "Constant declarations",
    "Iota",
    "Type declarations",
    "Alias declarations",
    "Type definitions",
    "Type parameter declarations",
    "Type constraints",
    "Satisfying a type constraint",
    "Variable declarations",
    "Short variable declarations",
    "Function declarations",
    "Method declarations",
    "Operands",
    "Qualified identifiers",
    "Composite literals",
    "Function literals",
    "Primary expressions",
    "Selectors",
    "Method expressions",
    "Method values",
    "Index expressions",
    "Slice expressions",
    "Simple slice expressions",
    "Full slice expressions",
    "Type assertions",
    "Calls",
    "Passing arguments to ... parameters",
    "Instantiations",
    "Type inference",
    "Type unification",
    "Operators",
    "Operator precedence",
    "Arithmetic operators",
    "Integer operators",
    "Integer overflow",
    "Floating-point operators",
    "String concatenation",
    "Comparison operators",
    "Logical operators",
    "Address operators",
    "Receive operator",
    "Conversions",
    "Conversions between numeric types",
    "Conversions to and from a string type",
    "Conversions from slice to array or array pointer",
    "Constant expressions",
    "Order of evaluation",
    "Terminating statements",
    "Empty statements",
    "Labeled statements",
    "Expression statements",
    "Send statements",
    "IncDec statements",
    "Assignment statements",
    "If statements",
    "Switch statements",
    "Expression switches",
    "Type switches",
    "For statements",
    "For statements with single condition",
    "For statements with for clause",
    "For statements with range clause",
    "Go statements",
    "Select statements",
    "Return statements",
    "Break statements",
    "Continue statements",
    "Goto statements",
    "Fallthrough statements",
    "Defer statements",
    "Appending to and copying slices",
    "Clear",
    "Close",
    "Manipulating complex numbers",
    "Deletion of map elements",
    "Length and capacity",
    "Making slices, maps and channels",
    "Min and max",
    "Allocation",
    "Handling panics",
    "Bootstrapping",
    "Packages",
    "Source file organization",
    "Package clause",
    "Import declarations",
    "An example package",
    "The zero value",
    "Package initialization",
    "Program initialization",
    "Program execution",
    "Errors",
    "Run-time panics",
    "Package unsafe",
    "Size and alignment guarantees",
];

#[test]
fn every_section_of_the_specification_has_programs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let text = std::fs::read_to_string(root.join("spec.txt")).expect("spec.txt");
    let mut listed = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let (section, programs) = line.split_once(": ").unwrap_or((line, ""));
        for name in programs.split(' ') {
            if !root.join(name).is_dir() && !root.join(format!("{name}.gm")).is_file() {
                wrong.push(format!("{section}: there is no {name}"));
            }
        }
        if !SECTIONS.contains(&section) || listed.insert(section, programs).is_some() {
            wrong.push(format!("{section}: no section, or for the second time"));
        }
    }
    wrong.extend(SECTIONS.iter().filter(|s| !listed.contains_key(*s)).map(|s| format!("{s}: no programs")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A program and what is expected of it.
struct Program {
    /// Relative to the root of the repository.
    path: PathBuf,
    directives: BTreeMap<String, Vec<String>>,
    output: Vec<String>,
    stderr: Vec<String>,
    status: i32,
    /// Line, `error` or `warning`, text.
    reports: Vec<(usize, &'static str, String)>,
    /// How many lines it has: a report about the end of the file is marked on the last one.
    lines: usize,
}

impl Program {
    fn is(&self, directive: &str) -> bool {
        self.directives.contains_key(directive)
    }

    fn values(&self, directive: &str) -> &[String] {
        self.directives.get(directive).map_or(&[], Vec::as_slice)
    }

    fn words(&self, directive: &str) -> Vec<String> {
        self.values(directive).iter().flat_map(|v| v.split_whitespace()).map(str::to_string).collect()
    }

    fn runs_in(&self, mode: &Mode) -> bool {
        let area = self.path.iter().rev().nth(1).and_then(|a| a.to_str()).unwrap_or("");
        let kind = mode.name.split(' ').next().unwrap_or("");
        mode.areas.is_none_or(|areas| areas.contains(&area))
            && !self.words("not").iter().any(|m| *m == mode.name || m == kind || (HOSTILE && m == "hostile"))
            && (self.values("procs").is_empty() || mode.procs.is_some_and(|n| self.values("procs")[0] == n.to_string()))
    }
}

const DIRECTIVES: &[&str] = &["args", "stdin", "env", "flags", "procs", "not", "unordered", "gmpl only"];

/// Reads the expectations out of a program's text.
fn read(path: PathBuf, text: &str) -> Program {
    let mut p = Program {
        path,
        directives: BTreeMap::new(),
        output: Vec::new(),
        stderr: Vec::new(),
        status: 0,
        reports: Vec::new(),
        lines: text.lines().count(),
    };
    let mut block = "";
    for (i, line) in text.lines().enumerate() {
        for (kind, marker) in [("error", "// ERROR \""), ("warning", "// WARNING \"")] {
            for part in line.split(marker).skip(1) {
                let part = part.split("// WARNING \"").next().unwrap_or(part);
                let end =
                    part.rfind('"').unwrap_or_else(|| panic!("{}:{}: a mark without end", p.path.display(), i + 1));
                p.reports.push((i + 1, kind, part[..end].to_string()));
            }
        }
        let Some(comment) = line.strip_prefix("//") else {
            block = "";
            continue;
        };
        let comment = comment.strip_prefix(' ').unwrap_or(comment);
        match comment {
            "Output:" => block = "output",
            "Stderr:" => block = "stderr",
            _ if block == "output" => p.output.push(comment.to_string()),
            _ if block == "stderr" => p.stderr.push(comment.to_string()),
            _ => {
                if let Some(status) = comment.strip_prefix("Exit: ") {
                    p.status = status.trim().parse().expect("a number after Exit:");
                }
                let (key, value) = comment.split_once(": ").unwrap_or((comment, ""));
                if DIRECTIVES.contains(&key) {
                    p.directives.entry(key.to_string()).or_default().push(value.to_string());
                }
            }
        }
    }
    if p.reports.iter().any(|r| r.1 == "error") {
        p.status = 1;
    }
    p
}

fn collect(root: &Path, dir: &Path, out: &mut Vec<Program>) {
    let Ok(entries) = std::fs::read_dir(root.join(dir)) else { return };
    let mut names: Vec<_> = entries.flatten().map(|e| e.file_name()).collect();
    names.sort();
    for name in names {
        let path = dir.join(&name);
        let full = root.join(&path);
        let main = if !full.is_dir() {
            full.clone()
        } else if full.join("go.mod").exists() {
            full.join("main.gm")
        } else {
            collect(root, &path, out);
            continue;
        };
        if main.extension().is_some_and(|e| e == "gm") {
            let text = std::fs::read_to_string(&main).expect("a readable program");
            out.push(read(path, &text));
        }
    }
}

/// One pass at a time: each already uses every core.
static PASS: Mutex<()> = Mutex::new(());

fn run_all(mode: &Mode) {
    let _pass = PASS.lock().unwrap_or_else(|e| e.into_inner());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut programs = Vec::new();
    collect(root, Path::new("tests/golden"), &mut programs);
    collect(root, Path::new("examples"), &mut programs);
    let filter = std::env::var("GOLDEN").unwrap_or_default();
    programs.retain(|p| p.runs_in(mode) && p.path.to_string_lossy().contains(&filter));

    let next = AtomicUsize::new(0);
    let failures = Mutex::new(BTreeMap::new());
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|s| {
        for _ in 0..workers {
            s.spawn(|| {
                while let Some(p) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = run_one(root, p, mode) {
                        failures.lock().unwrap().insert(p.path.display().to_string(), why);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    if !failures.is_empty() {
        let mut text = String::new();
        for (path, why) in &failures {
            let _ = writeln!(text, "---- {path} [{}]\n{}", mode.name, why.trim_end());
        }
        let _ = writeln!(text, "\nfailed [{}]:", mode.name);
        for path in failures.keys() {
            let _ = writeln!(text, "    {path}");
        }
        panic!("\n{text}{} of {} programs failed [{}]", failures.len(), programs.len(), mode.name);
    }
}

fn run_one(root: &Path, p: &Program, mode: &Mode) -> Result<(), String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gmpl"));
    command.current_dir(root).arg("run").args(&mode.flags).args(p.words("flags"));
    if !p.reports.is_empty() {
        command.args(["--format", "json"]);
    }
    command.arg(&p.path).args(p.words("args"));
    command.env_remove("GOGC").env_remove("GMPLDEBUG").env_remove("GOMAXPROCS").env("NO_COLOR", "1");
    if let Some(n) = mode.procs {
        command.env("GOMAXPROCS", n.to_string());
    }
    command.envs(mode.env.iter().copied());
    command.envs(p.values("env").iter().filter_map(|e| e.split_once('=')));
    let mut input = p.values("stdin").join("\n");
    if !input.is_empty() {
        input.push('\n');
    }
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let done = finish(child.map_err(|e| format!("cannot start: {e}"))?, input);
    let mut why = String::new();
    compare(p, &done, &mut why);
    if why.is_empty() { Ok(()) } else { Err(why) }
}

struct Done {
    /// None: it had to be stopped.
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Waits for the end of the child, or stops it.
fn finish(mut child: Child, input: String) -> Done {
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut stderr = child.stderr.take().expect("a pipe");
    std::thread::scope(|s| {
        s.spawn(move || {
            // A program that does not read its input closes the pipe early.
            let _ = stdin.write_all(input.as_bytes());
        });
        let out = s.spawn(move || read_all(&mut stdout));
        let err = s.spawn(move || read_all(&mut stderr));
        let start = Instant::now();
        let mut pause = Duration::from_micros(200);
        let status = loop {
            match child.try_wait().expect("the child can be waited for") {
                Some(status) => break Some(status.code().unwrap_or(-1)),
                None if start.elapsed() > TIMEOUT => {
                    let _ = child.kill();
                    let _ = child.wait();
                    break None;
                }
                None => std::thread::sleep(pause),
            }
            pause = (pause * 2).min(Duration::from_millis(10));
        };
        Done { status, stdout: out.join().expect("a reader"), stderr: err.join().expect("a reader") }
    })
}

fn read_all(from: &mut dyn Read) -> String {
    let mut bytes = Vec::new();
    let _ = from.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn compare(p: &Program, done: &Done, why: &mut String) {
    match done.status {
        None => {
            let _ = writeln!(why, "stopped after {} s", TIMEOUT.as_secs());
        }
        Some(status) if status != p.status => {
            let _ = writeln!(why, "exit status {status}, expected {}", p.status);
        }
        Some(_) => {}
    }
    let mut output: Vec<String> = done.stdout.lines().map(str::to_string).collect();
    let mut expected = p.output.clone();
    if p.is("unordered") {
        output.sort();
        expected.sort();
    }
    if output != expected {
        let _ = writeln!(why, "standard output (- expected, + printed):");
        diff(&expected, &output, why);
    } else if !done.stdout.is_empty() && !done.stdout.ends_with('\n') {
        let _ = writeln!(why, "standard output has no last newline");
    }
    let rest = if p.reports.is_empty() { done.stderr.clone() } else { compare_reports(p, &done.stderr, why) };
    let mut at = 0;
    for part in &p.stderr {
        match rest[at..].find(part.as_str()) {
            Some(i) => at += i + part.len(),
            None => {
                let _ = writeln!(why, "standard error lacks (in this order): {part}\nstandard error:");
                indent(&rest, why);
                break;
            }
        }
    }
    if p.stderr.is_empty() && !rest.is_empty() {
        let _ = writeln!(why, "standard error should be empty:");
        indent(&rest, why);
    }
}

/// Matches the reports among the lines of standard error with the marks; returns the other lines.
fn compare_reports(p: &Program, stderr: &str, why: &mut String) -> String {
    let mut rest = String::new();
    let mut said = Vec::new();
    for line in stderr.lines() {
        match report(line) {
            Some(r) => said.push(r),
            None => {
                let _ = writeln!(rest, "{line}");
            }
        }
    }
    for (line, kind, text) in &p.reports {
        match said.iter().position(|(l, k, m)| (*l).min(p.lines) == *line && k == kind && m.contains(text.as_str())) {
            Some(i) => {
                said.remove(i);
            }
            None => {
                let _ = writeln!(why, "missing: line {line}: {kind}: {text}");
            }
        }
    }
    for (line, kind, message) in said {
        let _ = writeln!(why, "not expected: line {line}: {kind}: {message}");
    }
    rest
}

/// A report in JSON: its line, severity and message.
fn report(text: &str) -> Option<(usize, String, String)> {
    if !text.starts_with('{') {
        return None;
    }
    let message = string_field(text, "message")?;
    let severity = string_field(text, "severity")?;
    let digits = text.split_once("\"line\":").map_or("0", |(_, rest)| rest);
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    Some((digits.parse().unwrap_or(0), severity, message))
}

fn string_field(text: &str, name: &str) -> Option<String> {
    let rest = text.split_once(&format!("\"{name}\":\""))?.1;
    let mut out = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some(out),
            '\\' => match chars.next()? {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'u' => {
                    let code: String = chars.by_ref().take(4).collect();
                    out.push(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32).unwrap_or('?'));
                }
                c => out.push(c),
            },
            c => out.push(c),
        }
    }
}

fn indent(text: &str, out: &mut String) {
    for line in text.lines().take(60) {
        let _ = writeln!(out, "    {line}");
    }
}

/// Lines that only one side has, each side in order, with a little of what surrounds them.
fn diff(expected: &[String], printed: &[String], out: &mut String) {
    let start = expected.iter().zip(printed).take_while(|(a, b)| a == b).count();
    let (a, b) = (&expected[start..], &printed[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    for line in &expected[start.saturating_sub(3)..start] {
        let _ = writeln!(out, "      {line}");
    }
    for (sign, lines) in [('-', &a[..a.len() - end]), ('+', &b[..b.len() - end])] {
        for line in lines.iter().take(40) {
            let _ = writeln!(out, "    {sign} {line}");
        }
        if lines.len() > 40 {
            let _ = writeln!(out, "    {sign} ... {} lines more", lines.len() - 40);
        }
    }
    for line in a[a.len() - end..].iter().take(3) {
        let _ = writeln!(out, "      {line}");
    }
}
