//! Programs of many packages, in `tests/modules/`: which files of a folder count, and where imported packages lie. What real
//! `go run` prints for the command lines of `cases.txt` lies in `expected.txt`, which `oracle.sh` writes.
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/modules")
}

/// Exit status, and both streams.
fn gmpl(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gmpl"));
    command.args(args).current_dir(dir).env("NO_COLOR", "1").stdin(Stdio::null());
    let o: Output = command.output().expect("gmpl runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (o.status.code().unwrap_or(-1), text(&o.stdout), text(&o.stderr))
}

#[test]
fn programs_print_what_they_print_with_go() {
    let cases = std::fs::read_to_string(folder().join("cases.txt")).expect("cases are there");
    let mut found = String::new();
    for line in cases.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let (_, out, err) = gmpl(&folder().join(words[0]), &[&["run"], &words[1..]].concat());
        // `println` writes to standard error.
        found.push_str(&format!("== {line}\n{out}{err}"));
    }
    let expected = std::fs::read_to_string(folder().join("expected.txt")).expect("expectations are there");
    assert_eq!(found, expected);
}

#[test]
fn what_cannot_be_imported_is_explained() {
    for (dir, args, wanted) in [
        ("constraints", &["run", "./excluded"][..], &["build constraints exclude all Go files in ", "/excluded\n"][..]),
        ("constraints", &["run", "wrong"], &["wrong/main.go: parsing //go:build line: unexpected end of expression"]),
        ("constraints", &["run", "lib"], &["package lib is not a main package", "package main"]),
        ("constraints", &["check", "excluded"], &["build constraints exclude all Go files"]),
        (
            "app",
            &["run", "./cmd/stranger"],
            &[
                "use of internal package example.com/dep/internal/secret not allowed",
                "only packages below example.com/dep may import it",
            ],
        ),
        (
            "app",
            &["run", "./cmd/lost"],
            &[
                "could not import example.com/app/nowhere (./nowhere: no such folder)",
                "could not import example.com/elsewhere (no required module provides it)",
                "`go get example.com/elsewhere` does",
            ],
        ),
    ] {
        let (status, out, err) = gmpl(&folder().join(dir), args);
        assert_eq!((status, out.as_str()), (1, ""), "{args:?}: {err}");
        // Reports are as wide as they like to be.
        let flat = err.replace("\n  │ ", " ");
        for w in wanted {
            assert!(flat.contains(w), "{args:?}: no {w:?} in\n{err}");
        }
    }
}

#[test]
fn every_command_looks_at_the_same_files() {
    let dir = folder().join("constraints");
    assert_eq!(gmpl(&dir, &["check", "--deny", "."]), (0, String::new(), String::new()));
    let (status, out, _) = gmpl(&dir, &["doc", "./lib"]);
    assert!(status == 0 && out.contains("\"others\"") && !out.contains("plan9"), "{out}");
    let (status, out, err) = gmpl(&dir, &["test", "./..."]);
    let wanted = "?   \texample.com/constraints\t[no test files]\n?   \texample.com/constraints/lib\t[no test files]\n\
                  FAIL\texample.com/constraints/wrong [setup failed]\nFAIL\n";
    assert_eq!((status, out.as_str()), (1, wanted), "{err}");
    assert!(err.starts_with("# example.com/constraints/wrong\n"), "{err}");
    let (status, out, err) = gmpl(&dir, &["test", "./excluded"]);
    assert_eq!((status, out.as_str()), (1, "FAIL\texample.com/constraints/excluded [setup failed]\nFAIL\n"));
    assert!(
        err.contains("package example.com/constraints/excluded: build constraints exclude all Go files in"),
        "{err}"
    );
}

#[test]
fn imports_that_gmpl_cannot_serve_say_what_to_do() {
    for (import, wanted) in [
        ("embed", "os.ReadFile"),
        ("C", "os/exec"),
        ("plugin", "a program of its own"),
        ("strngs", "did you mean \"strings\"?"),
        ("example.com/x", "go mod init"),
        ("./x", "by its module's path"),
        ("lib", "import \"NAME/lib\""),
    ] {
        // Outside of any module.
        let dir = std::env::temp_dir().join(format!("gmpl-imports-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("lib")).expect("a folder for the test");
        std::fs::write(dir.join("x.go"), format!("package main\n\nimport _ {import:?}\n\nfunc main() {{}}\n")).unwrap();
        let (status, _, err) = gmpl(&dir, &["run", "x.go"]);
        let _ = std::fs::remove_dir_all(&dir);
        assert!(status == 1 && err.contains(wanted), "{import}: {err}");
    }
}
