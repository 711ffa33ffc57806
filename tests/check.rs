//! The warnings of `gmpl check`: each program under `tests/check/` marks the lines it is warned of with
//! `// WARNING "text"`. There may be no other report.
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check")
}

fn check(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gmpl"));
    command.arg("check").args(args).current_dir(folder()).output().expect("gmpl starts")
}

/// The marks, or the reports, of a program: `line: text`.
fn marks(text: &str) -> Vec<(usize, String)> {
    let mark = |(i, line): (usize, &str)| {
        let text = line.split_once("// WARNING \"")?.1;
        Some((i + 1, text[..text.rfind('"')?].to_string()))
    };
    text.lines().enumerate().filter_map(mark).collect()
}

fn reports(json: &str) -> Vec<(usize, String, String)> {
    let field = |line: &str, name: &str, end: char| {
        let rest = line.split_once(&format!("\"{name}\":")).map_or("", |r| r.1).trim_start_matches('"').to_string();
        rest[..rest.find(end).unwrap_or(rest.len())].to_string()
    };
    let line =
        |l: &str| (field(l, "line", ',').parse().unwrap_or(0), field(l, "severity", '"'), field(l, "message", '"'));
    json.lines().map(line).collect()
}

#[test]
fn marked_lines_are_warned_of_and_no_others() {
    let mut wrong = String::new();
    let mut count = 0;
    let mut files: Vec<_> = std::fs::read_dir(folder()).unwrap().flatten().map(|e| e.path()).collect();
    files.sort();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let expected = marks(&std::fs::read_to_string(&path).unwrap());
        let o = check(&["--format", "json", name]);
        let mut said = reports(&String::from_utf8_lossy(&o.stderr));
        for (line, text) in expected {
            count += 1;
            match said.iter().position(|(l, s, m)| *l == line && s == "warning" && m.contains(&text)) {
                Some(i) => {
                    said.remove(i);
                }
                None => wrong += &format!("{name}:{line}: missing: {text}\n"),
            }
        }
        for (line, severity, message) in said {
            wrong += &format!("{name}:{line}: not expected: {severity}: {message}\n");
        }
        if o.status.code() != Some(0) {
            wrong += &format!("{name}: status {}\n", o.status);
        }
    }
    assert!(wrong.is_empty() && count > 30, "{count} marks\n{wrong}");
}

#[test]
fn warnings_can_be_silenced_and_denied() {
    let allowed = check(&["--allow", "send-to-self", "send_to_self.gm"]);
    assert!(allowed.stderr.is_empty() && allowed.status.success());
    assert!(check(&["--allow", "all", "format.gm"]).stderr.is_empty());
    assert_eq!(check(&["--deny", "send_to_self.gm"]).status.code(), Some(1));
    let unknown = check(&["--allow", "copied-lok", "format.gm"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("'copied-lock'"));
    let list = check(&["--warnings"]);
    assert!(String::from_utf8_lossy(&list.stdout).contains("\nlost-cancel "));
}

/// What is wrong in Go's packages indeed: a way out with the lock held, and files that stay open until the end.
const FOUND_IN_GO: &[(&str, &str)] = &[("testing/testing.go", "lost-unlock"), ("nistec/generate.go", "defer-in-loop")];

/// Packages of code that is as it should be: no warning may be given. Ours always, Go's own where it is installed.
#[test]
fn standard_libraries_are_warned_of_nowhere() {
    let mut folders = Vec::new();
    packages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("stdlib"), &mut folders);
    assert!(folders.len() > 50, "{folders:?}");
    for folder in ["examples", "examples/tour"] {
        let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
        let programs = entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "gm"));
        folders.extend(programs.filter(|p| !p.ends_with("deadlock.gm")));
    }
    let go = Command::new("go").args(["env", "GOROOT"]).output().ok().filter(|o| o.status.success());
    if let Some(o) = go {
        let before = folders.len();
        packages(&Path::new(String::from_utf8_lossy(&o.stdout).trim()).join("src"), &mut folders);
        assert!(folders.len() > before + 100, "Go without its sources");
    }
    let next = std::sync::atomic::AtomicUsize::new(0);
    let found = std::sync::Mutex::new(String::new());
    std::thread::scope(|s| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |n| n.get()) {
            s.spawn(|| {
                while let Some(folder) = folders.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    // Errors are no matter here: natives have no bodies, and of Go's packages some are missing.
                    let o = check(&["--format", "json", "--max-errors", "1", folder.to_str().unwrap()]);
                    let text = String::from_utf8_lossy(&o.stderr);
                    let ended = matches!(o.status.code(), Some(0 | 1));
                    let mut found = found.lock().unwrap();
                    let known = |l: &str| {
                        FOUND_IN_GO.iter().any(|(file, code)| l.contains(&format!("{file}\"")) && l.contains(code))
                    };
                    let is_warning = |l: &str| l.contains("\"severity\":\"warning\"") && !known(l);
                    for line in text.lines().filter(|l| !ended || is_warning(l)) {
                        *found += &format!("{}: {line}\n", o.status);
                    }
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    assert!(found.is_empty(), "{found}");
}

/// Folders with programs, below this one. What tests feed to tools is meant to be wrong.
fn packages(dir: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    let (mut has_files, mut below) = (false, Vec::new());
    for path in entries.flatten().map(|e| e.path()) {
        if path.is_dir() {
            below.push(path);
        } else {
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
            has_files |= name.ends_with(".gm") || name.ends_with(".go") && !name.ends_with("_test.go");
        }
    }
    if has_files {
        out.push(dir.to_path_buf());
    }
    below.sort();
    for path in below {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
        if !matches!(name, "testdata" | "vendor" | "cmd") {
            packages(&path, out);
        }
    }
}
