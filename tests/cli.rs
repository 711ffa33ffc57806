//! The commands as a shell sees them: exit statuses, standard output, standard error.
use std::io::Write;
use std::process::{Command, Output, Stdio};

fn gmpl(args: &[&str]) -> Output {
    with_input(args, "")
}

fn with_input(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gmpl"))
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("gmpl starts");
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("gmpl ends")
}

fn out(o: &Output) -> String {
    String::from_utf8_lossy(&o.stdout).into_owned()
}

fn err(o: &Output) -> String {
    String::from_utf8_lossy(&o.stderr).into_owned()
}

/// Status, and parts of standard output and standard error.
#[track_caller]
fn check(o: Output, status: i32, stdout: &str, stderr: &str) {
    let (out, err) = (out(&o), err(&o));
    assert!(
        o.status.code() == Some(status) && out.contains(stdout) && err.contains(stderr),
        "status {:?}, expected {status}\n--- stdout\n{out}--- expected {stdout:?}\n--- stderr\n{err}--- expected {stderr:?}",
        o.status
    );
}

/// A folder of this test's own.
fn folder(name: &str) -> std::path::PathBuf {
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("a folder");
    dir
}

#[test]
fn statuses() {
    check(gmpl(&["run", "-e", "fmt.Println(1)"]), 0, "1\n", "");
    check(gmpl(&["run", "-e", "x := y"]), 1, "", "undefined: y");
    check(gmpl(&["run", "-e", "panic(1)"]), 2, "", "panic: 1");
    check(gmpl(&["run", "-e", "<-make(chan int)"]), 2, "", "all goroutines are asleep - deadlock!");
    check(gmpl(&["run", "-e", "fmt.Print(7); os.Exit(7)"]), 7, "7", "");
    check(gmpl(&["run"]), 2, "", "Usage:");
}

#[test]
fn shorthands() {
    check(gmpl(&["-e", "fmt.Println(os.Args[1:])", "a", "-b", "--c"]), 0, "[a -b --c]\n", "");
    check(gmpl(&["-e", "x := 1", "-e", "fmt.Println(x)"]), 0, "1\n", "");
    check(gmpl(&["examples/hello.gm"]), 0, "", "");
    check(with_input(&["-"], "fmt.Println(2)"), 0, "2\n", "");
    check(with_input(&["run", "-", "x"], "fmt.Println(os.Args)"), 0, "[- x]\n", "");
    check(with_input(&[], "fmt.Println(3)"), 0, "3\n", "");
    check(with_input(&["check", "-"], "x := \"\" + 1"), 1, "", "standard input:1:6");
}

#[test]
fn a_program_in_a_folder_and_under_any_name() {
    let dir = folder("folder");
    std::fs::write(dir.join("a.gm"), "package main\nfunc main() { println(b()) }\n").unwrap();
    std::fs::write(dir.join("b.gm"), "package main\nfunc b() int { return 5 }\n").unwrap();
    std::fs::write(dir.join("b_test.gm"), "package main\nfunc b() int { return 6 }\n").unwrap();
    check(gmpl(&["run", dir.to_str().unwrap()]), 0, "", "5\n");
    let script = dir.join("tool");
    std::fs::write(&script, "#!/usr/bin/env gmpl\nfmt.Println(os.Args[1])\n").unwrap();
    check(gmpl(&[script.to_str().unwrap(), "x"]), 0, "x\n", "");
}

#[test]
fn bad_input() {
    let dir = folder("bad");
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_string()
    };
    let run = |path: &str| gmpl(&["run", path]);
    check(run("no/such.gm"), 1, "", "no/such.gm: no such file or folder\n");
    check(run("examples/helo.gm"), 1, "", "did you mean examples/hello.gm?");
    check(run(dir.to_str().unwrap()), 1, "", "the folder has no .gm or .go files");
    check(run(&file("empty.gm", b"")), 1, "", "empty.gm: the file is empty\n");
    check(run(&file("latin.gm", b"x := 1\ny := \"\xe9\"\n")), 1, "", "latin.gm:2: the file is not UTF-8 text");
    check(run(&file("binary.gm", b"\x7fELF\0\0\0")), 1, "", "this is a binary file");
    check(with_input(&["-"], "\0\0"), 1, "", "standard input: this is a binary file");
    check(gmpl(&["check", "no/such.gm"]), 1, "", "no such file");
}

#[test]
fn the_nearest_command_and_flag_are_suggested() {
    check(gmpl(&["chekc", "x"]), 2, "", "'check'");
    check(gmpl(&["run", "--prcs", "2", "x.gm"]), 2, "", "'--procs'");
    check(gmpl(&["run", "--procs", "many", "x.gm"]), 2, "", "invalid value 'many'");
}

#[test]
fn every_command_shows_an_example() {
    for command in ["run", "check", "doc", "disasm", "version", "completions", "man"] {
        check(gmpl(&[command, "--help"]), 0, "Example", "");
    }
    check(gmpl(&["--help"]), 0, "130  stopped by Ctrl-C", "");
}

#[test]
fn what_a_shell_wants() {
    check(gmpl(&["version"]), 0, concat!("gmpl ", env!("CARGO_PKG_VERSION"), "\n"), "");
    check(gmpl(&["--version"]), 0, env!("CARGO_PKG_VERSION"), "");
    for (shell, part) in [("bash", "_gmpl()"), ("zsh", "#compdef gmpl"), ("fish", "complete -c gmpl")] {
        check(gmpl(&["completions", shell]), 0, part, "");
    }
    check(gmpl(&["man"]), 0, ".SH \"GMPL RUN\"", "");
}

#[test]
fn documentation() {
    check(gmpl(&["doc", "strings.Cut"]), 0, "func Cut(s, sep string)", "");
    check(gmpl(&["doc", "strigns"]), 1, "", "did you mean strings?");
    check(gmpl(&["doc"]), 0, "  sync ", "");
}

#[test]
fn reports() {
    check(gmpl(&["check", "--format", "json", "-"]), 1, "", "");
    let o = with_input(&["check", "--format", "json", "-"], "var x int = \"a\"\n");
    check(o, 1, "", "{\"file\":\"standard input\",\"line\":1,\"column\":13,");
    check(with_input(&["check", "-"], "x := 1"), 0, "", "declared and not used: x");
    check(with_input(&["check", "--strict", "-"], "x := 1"), 1, "", "declared and not used: x");
    let coloured = err(&with_input(&["--color", "always", "check", "-"], "x := y"));
    let plain = err(&with_input(&["check", "-"], "x := y"));
    assert!(coloured.contains("\x1b[") && !plain.contains("\x1b["), "{coloured}\n{plain}");
}

/// Runs a shell line with `$G` standing for gmpl; gives its status and both outputs.
fn shell(line: &str) -> Output {
    let line = line.replace("$G", env!("CARGO_BIN_EXE_gmpl"));
    Command::new("bash").args(["-c", &line]).stdin(Stdio::null()).output().expect("bash")
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let o = shell("$G -e 'for i := 0; ; i++ { fmt.Println(i) }' | head -n 2");
    assert_eq!((out(&o).as_str(), err(&o).as_str()), ("0\n1\n", ""));
    let o = shell("$G doc strings | head -n 1");
    assert_eq!((out(&o).as_str(), err(&o).as_str()), ("package strings\n", ""));
}

#[test]
fn a_full_disk_is_said() {
    if std::path::Path::new("/dev/full").exists() {
        let o = shell("$G -e 'fmt.Println(1)' > /dev/full");
        check(o, 2, "", "gmpl: cannot write to standard output: No space left on device\n");
    }
}

#[test]
fn ctrl_c_ends_with_130_after_the_output() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gmpl"))
        .args(["-e", "fmt.Println(1); fmt.Fprintln(os.Stderr, 2); fmt.Println(3); for {}"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("gmpl starts");
    let mut byte = [0; 1];
    std::io::Read::read_exact(child.stderr.as_mut().expect("a pipe"), &mut byte).expect("a byte");
    std::thread::sleep(std::time::Duration::from_millis(50));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    let o = child.wait_with_output().expect("gmpl ends");
    check(o, 130, "1\n3\n", "");
}

#[test]
fn an_opcode_profile_counts_what_was_executed() {
    let o = gmpl(&[
        "run",
        "--opcode-profile",
        "-e",
        "func f() { n := 0; for i := 0; i < 1000; i++ { n += i * n }; fmt.Println(n) }; f()",
    ]);
    let err = err(&o);
    assert_eq!((o.status.code(), out(&o).as_str()), (Some(0), "0\n"));
    let row = |title: &str| err.lines().any(|l| l.trim_start().starts_with("1000 ") && l.ends_with(title));
    assert!(err.contains(" instructions\n") && row("  Mul") && row("  Mul Add"), "{err}");
}
