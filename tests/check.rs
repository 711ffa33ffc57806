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
