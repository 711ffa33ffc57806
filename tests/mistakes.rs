//! The mistakes that newcomers to Go's concurrency and types make most, one program each under `tests/mistakes/`. For each
//! gmpl must say what to do, by a line of help: when it runs the program, or when it checks it.
//!
//! Expectations, in comments at the end; each line is a part of standard error, in this order:
//! - `// Stderr:` what `gmpl run` says in Go's words; `GMPL_GO=1 cargo test --test mistakes` asks Go whether it says so;
//! - `// Help:` what `gmpl run` adds;
//! - `// Check:` what `gmpl check` says;
//! - `// Exit: 2`: the status of the run, which is not made if none of the first two is there.
//!
//! `// flags: --leaks`, on a line of its own, gives flags for the run.
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

#[derive(Default)]
struct Mistake {
    path: PathBuf,
    stderr: Vec<String>,
    help: Vec<String>,
    check: Vec<String>,
    status: i32,
    flags: Vec<String>,
}

impl Mistake {
    fn runs(&self) -> bool {
        !self.stderr.is_empty() || !self.help.is_empty()
    }
}

fn read(path: PathBuf) -> Mistake {
    let text = std::fs::read_to_string(&path).expect("a program");
    let mut m = Mistake { path, ..Mistake::default() };
    let mut block = "";
    for line in text.lines() {
        let Some(comment) = line.strip_prefix("// ") else {
            block = "";
            continue;
        };
        match (comment, block) {
            ("Stderr:" | "Help:" | "Check:", _) => block = comment,
            (_, "Stderr:") => m.stderr.push(comment.to_string()),
            (_, "Help:") => m.help.push(comment.to_string()),
            (_, "Check:") => m.check.push(comment.to_string()),
            _ => {
                if let Some(status) = comment.strip_prefix("Exit: ") {
                    m.status = status.parse().expect("a status");
                } else if let Some(flags) = comment.strip_prefix("flags: ") {
                    m.flags = flags.split(' ').map(str::to_string).collect();
                }
            }
        }
    }
    m
}

fn all() -> Vec<Mistake> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes");
    let mut paths: Vec<_> = std::fs::read_dir(folder).expect("programs").flatten().map(|e| e.path()).collect();
    paths.sort();
    paths.into_iter().map(read).collect()
}

fn gmpl(command: &str, m: &Mistake, flags: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gmpl"))
        .arg(command)
        .args(flags)
        .arg(&m.path)
        .env("NO_COLOR", "1")
        .env_remove("GMPLDEBUG")
        .stdin(Stdio::null())
        .output()
        .expect("gmpl starts")
}

/// What of `parts` is not in the text, in this order; lines that a report has wrapped are put together again.
fn missing(text: &str, parts: &[String]) -> Option<String> {
    let words = |s: &str| s.split_whitespace().filter(|w| *w != "│").collect::<Vec<_>>().join(" ");
    let text = words(text);
    let mut at = 0;
    for part in parts {
        match text[at..].find(&words(part)) {
            Some(i) => at += i,
            None => return Some(part.clone()),
        }
    }
    None
}

fn json() -> [String; 2] {
    ["--format".into(), "json".into()]
}

/// Code and line of each report.
fn said(o: &Output) -> Vec<(String, usize)> {
    let field = |l: &str, key: &str| {
        let rest = l.split_once(key).map_or("", |r| r.1);
        rest.split(['"', ',']).next().unwrap_or("").to_string()
    };
    let text = String::from_utf8_lossy(&o.stderr).into_owned();
    text.lines().map(|l| (field(l, "\"code\":\""), field(l, "\"line\":").parse().unwrap_or(1))).collect()
}

#[test]
fn each_mistake_is_helped_with() {
    let mut wrong = String::new();
    let all = all();
    for m in &all {
        let name = m.path.file_stem().unwrap_or_default().to_string_lossy();
        let helps = m.help.iter().chain(&m.check).any(|l| l.starts_with("help: "));
        if !helps {
            wrong += &format!("{name}: expects no help\n");
        }
        if m.runs() {
            let o = gmpl("run", m, &m.flags);
            let text = String::from_utf8_lossy(&o.stderr);
            let both: [&[String]; 2] = [&m.stderr, &m.help];
            for lost in both.into_iter().filter_map(|parts| missing(&text, parts)) {
                wrong += &format!("{name}: run lacks: {lost}\n{text}\n");
            }
            if o.status.code() != Some(m.status) {
                wrong += &format!("{name}: {}\n", o.status);
            }
        }
        if !m.check.is_empty() {
            let o = gmpl("check", m, &[]);
            let text = String::from_utf8_lossy(&o.stderr);
            if let Some(lost) = missing(&text, &m.check) {
                wrong += &format!("{name}: check lacks: {lost}\n{text}\n");
            }
            // One mistake, one kind of report.
            let mut codes: Vec<String> = said(&gmpl("check", m, &json())).into_iter().map(|s| s.0).collect();
            codes.dedup();
            if codes.len() != 1 {
                wrong += &format!("{name}: {codes:?}\n{text}\n");
            }
        }
    }
    assert!(wrong.is_empty() && all.len() >= 30, "{} programs\n{wrong}", all.len());
}

/// A warning goes away by a comment on its line or above it, and by the flag.
#[test]
fn each_warning_can_be_silenced() {
    let mut wrong = String::new();
    for m in all().iter().filter(|m| !m.check.is_empty()) {
        let name = m.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut said = said(&gmpl("check", m, &json()));
        let code = said[0].0.clone();
        if !gmpl("check", m, &["--allow".into(), code.clone()]).stderr.is_empty() {
            wrong += &format!("{name}: --allow {code} does not silence it\n");
        }
        let mut lines: Vec<String> =
            std::fs::read_to_string(&m.path).expect("a program").lines().map(str::to_string).collect();
        said.sort_by_key(|s| std::cmp::Reverse(s.1));
        for (code, line) in &said {
            lines.insert(line - 1, format!("//gmpl:allow {code}"));
        }
        let quiet = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("silenced_{name}.gm"));
        std::fs::write(&quiet, lines.join("\n") + "\n").expect("a file");
        let o = gmpl("check", &Mistake { path: quiet, ..Mistake::default() }, &[]);
        if !o.stderr.is_empty() {
            wrong += &format!("{name}: the comment does not silence {code}\n{}\n", String::from_utf8_lossy(&o.stderr));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn go_says_the_same() {
    if std::env::var_os("GMPL_GO").is_none() {
        return;
    }
    let mut wrong = String::new();
    for m in all().iter().filter(|m| !m.stderr.is_empty()) {
        let name = m.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.go"));
        std::fs::copy(&m.path, &copy).expect("a copy");
        let o = Command::new("go").arg("run").arg(&copy).stdin(Stdio::null()).output().expect("go");
        let text = String::from_utf8_lossy(&o.stderr);
        if let Some(lost) = missing(&text, &m.stderr) {
            wrong += &format!("{name}: Go does not say: {lost}\n{text}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
