//! The commands as a shell sees them: exit statuses, standard output, standard error.
use std::io::Write;
use std::path::Path;
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
    check(gmpl(&[dir.to_str().unwrap(), "argument"]), 0, "", "5\n");
    let here = Command::new(env!("CARGO_BIN_EXE_gmpl")).arg("folder").current_dir(dir.parent().unwrap()).output();
    check(here.unwrap(), 0, "", "5\n");
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
    let none = folder("none");
    check(gmpl(&["disasm", none.to_str().unwrap()]), 1, "", "the folder has no .gm or .go files");
    check(gmpl(&[none.to_str().unwrap()]), 1, "", "the folder has no .gm or .go files");
    check(gmpl(&["doc", "./no/such.gm"]), 1, "", "no such file");
    check(run("/dev/null"), 1, "", "the file is empty");
    std::fs::create_dir(dir.join("folder.gm")).unwrap();
    check(run(dir.join("folder.gm").to_str().unwrap()), 1, "", "the folder has no .gm or .go files");
    // A name that is no text, a loop of links, and files that say no.
    let odd = std::os::unix::ffi::OsStrExt::from_bytes(b"\xff\xfe.gm");
    let o = Command::new(env!("CARGO_BIN_EXE_gmpl")).arg("run").arg::<&std::ffi::OsStr>(odd).output().unwrap();
    check(o, 1, "", "no such file or folder");
    std::os::unix::fs::symlink("loop.gm", dir.join("loop.gm")).unwrap();
    check(run(dir.join("loop.gm").to_str().unwrap()), 1, "", "loop.gm: ");
    if Path::new("/proc/self/mem").exists() {
        check(run("/proc/self/mem"), 1, "", "/proc/self/mem: ");
    }
    let secret = file("secret.gm", b"println(1)\n");
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0)).unwrap();
    // Root may read everything.
    if std::fs::read(&secret).is_err() {
        check(run(&secret), 1, "", "secret.gm: permission denied");
    }
}

#[test]
fn the_nearest_command_and_flag_are_suggested() {
    check(gmpl(&["chekc", "x"]), 2, "", "'check'");
    check(gmpl(&["run", "--prcs", "2", "x.gm"]), 2, "", "'--procs'");
    check(gmpl(&["run", "--procs", "many", "x.gm"]), 2, "", "invalid value 'many'");
    check(gmpl(&["rnu", "x.gm"]), 2, "", "'run'");
    check(gmpl(&["help", "dco"]), 2, "", "'doc'");
    check(gmpl(&["--colour", "never", "version"]), 2, "", "'--color'");
    check(gmpl(&["completions", "bsh"]), 2, "", "'bash'");
    check(gmpl(&["run", "--format", "jsno", "x.gm"]), 2, "", "'json'");
    check(gmpl(&["serendipity"]), 2, "", "there is no such file or folder either");
    check(gmpl(&["run", "-e"]), 2, "", "a value is required for '-e <CODE>'");
}

#[test]
fn every_command_shows_an_example() {
    let help = out(&gmpl(&["--help"]));
    let commands = help.split_once("Commands:\n").expect("commands").1.lines().take_while(|l| !l.is_empty());
    let commands: Vec<&str> = commands.filter_map(|l| l.split_whitespace().next()).filter(|c| *c != "help").collect();
    assert!(commands.len() >= 8, "{commands:?}");
    for command in commands {
        check(gmpl(&[command, "--help"]), 0, "Example", "");
    }
    check(gmpl(&["run", "--help"]), 0, "3    goroutines were leaked (with --leaks)", "");
    check(gmpl(&["check", "--help"]), 0, "Exit status: 0; 1 if there are errors", "");
    check(gmpl(&["--help"]), 0, "130  stopped by Ctrl-C", "");
}

#[test]
fn what_a_shell_wants() {
    check(gmpl(&["version"]), 0, concat!("gmpl ", env!("CARGO_PKG_VERSION"), "\n"), "");
    for shell in ["bash", "zsh", "fish"] {
        let script = out(&gmpl(&["completions", shell]));
        assert!(script.contains("coverprofile") && !script.contains("test-binary"), "{shell}: {script}");
    }
    check(gmpl(&["--version"]), 0, env!("CARGO_PKG_VERSION"), "");
    for (shell, part) in [("bash", "_gmpl()"), ("zsh", "#compdef gmpl"), ("fish", "complete -c gmpl")] {
        check(gmpl(&["completions", shell]), 0, part, "");
    }
    check(gmpl(&["version"]), 0, "\nfeatures: ", "");
    let page = out(&gmpl(&["man"]));
    for part in
        [".TH gmpl 1", ".SH \"GMPL RUN\"", ".SH \"GMPL CHECK\"", "130  stopped by Ctrl\\-C", "gmpl run \\-\\-procs 4"]
    {
        assert!(page.contains(part), "{part}\n{page}");
    }
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
    for command in ["--help", "run --help", "man", "completions bash", "version", "disasm examples/hello.gm"] {
        let o = shell(&format!("cd {}; $G {command} | true; echo ${{PIPESTATUS[0]}}", env!("CARGO_MANIFEST_DIR")));
        assert_eq!((out(&o).as_str(), err(&o).as_str()), ("0\n", ""), "{command}");
    }
    // Reports that nobody reads, and a program that goes on printing to two readers that are gone.
    let o = shell("{ $G -e 'x := y' 2>&1; echo $? >&3; } 3>&2 | true");
    assert_eq!(err(&o), "1\n");
    let o = shell("{ $G -e 'for { fmt.Println(1); fmt.Fprintln(os.Stderr, 2) }' 2>&1; } | head -n 1 | wc -l");
    assert_eq!(out(&o).trim(), "1");
}

#[test]
fn a_full_disk_is_said() {
    if std::path::Path::new("/dev/full").exists() {
        let o = shell("$G -e 'fmt.Println(1)' > /dev/full");
        let full = "gmpl: cannot write to standard output: No space left on device\n";
        check(o, 2, "", full);
        for command in ["--help", "--version", "version", "doc", "man", "completions zsh", "check --warnings"] {
            check(shell(&format!("$G {command} > /dev/full")), 2, "", full);
        }
        // Where the reports themselves cannot be written, the status is all that is left.
        check(shell("$G -e 'panic(1)' 2> /dev/full"), 2, "", "");
        check(shell("$G -e 'x := y' 2> /dev/full"), 1, "", "");
        check(shell("$G rnu 2> /dev/full"), 2, "", "");
        // The program's own status counts before ours.
        check(shell("$G -e 'fmt.Println(1); os.Exit(7)' > /dev/full"), 7, "", "");
    }
}

#[test]
fn closed_streams_are_no_fault() {
    check(shell("$G -e 'fmt.Println(1)' >&-"), 0, "", "");
    check(shell("$G -e 'println(1); fmt.Println(2)' 2>&-"), 0, "2\n", "");
    check(shell("$G -e 'fmt.Scan(new(int)); fmt.Println(2)' <&-"), 0, "2\n", "");
    check(shell("$G - <&-"), 1, "", "standard input: the file is empty");
}

#[test]
fn colours_are_for_terminals_unless_asked_for() {
    let colour = |line: &str| err(&shell(line)).contains("\x1b[");
    assert!(!colour("$G -e 'x := y'"));
    assert!(colour("NO_COLOR= $G --color always run -e 'x := y'"));
    assert!(colour("NO_COLOR=1 $G run --color always -e 'x := y'"));
    assert!(!colour("$G run --color never -e 'x := y'"));
    assert!(!colour("$G run --color auto -e 'x := y'"));
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

#[test]
fn loops_over_slices_may_be_longer_than_a_short_jump() {
    const LINES: i64 = 9000;
    let mut text = "s := 0\n".to_string();
    let mut expected = 0_i64;
    for (list, values) in
        [("[]int{3, 1, 2}", [3, 1, 2]), ("[]byte{104, 0, 5}", [104, 0, 5]), ("[]rune{5, 2, -7}", [5, 2, -7])]
    {
        text.push_str(&format!("for i, x := range {list} {{ if i == 1 {{ s += 3; continue }}\n"));
        (0..LINES).for_each(|k| text.push_str(&format!("s = s*3 + int(x) + {k}\n")));
        text.push_str("}\n");
        for (i, x) in values.into_iter().enumerate() {
            match i {
                1 => expected += 3,
                _ => (0..LINES).for_each(|k| expected = expected.wrapping_mul(3).wrapping_add(x + k)),
            }
        }
    }
    let o = with_input(&["run", "-"], &(text + "fmt.Println(s)\n"));
    check(o, 0, &format!("{expected}\n"), "");
}

#[test]
fn small_functions_are_compiled_in_place_unless_they_are_marked() {
    let text = |mark: &str| {
        format!(
            "package main\n\n// F doubles.\n{mark}\n// It is small.\nfunc f(n int) int {{ return n * 2 }}\n\nfunc main() {{ println(f(len(\"ab\"))) }}\n"
        )
    };
    let dir = folder("noinline");
    let code = |mark: &str| {
        let file = dir.join("p.go");
        std::fs::write(&file, text(mark)).expect("a file");
        let o = gmpl(&["disasm", &file.to_string_lossy()]);
        (o.status.code(), out(&o).contains("(inlined main.f)"))
    };
    assert_eq!(code("//"), (Some(0), true));
    assert_eq!(code("//go:noinline"), (Some(0), false));
    assert_eq!(code("//go:noinlined"), (Some(0), true));
    assert_eq!(code("// See //go:noinline"), (Some(0), true));
}
