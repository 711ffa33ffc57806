//! `gmpl test`, on the packages in `tests/suites/`. What real `go test` prints for the command lines of `cases.txt` lies in
//! `expected.txt`, which `oracle.sh` writes; what Go does not have is expected here.
use std::process::{Command, Output, Stdio};

fn gmpl(suite: &str, args: &[&str]) -> (i32, String) {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suites").join(suite);
    // Both streams in one order, as a terminal shows them.
    let o: Output = Command::new("sh")
        .args(["-c", "exec \"$0\" test \"$@\" 2>&1", env!("CARGO_BIN_EXE_gmpl")])
        .args(args)
        .current_dir(dir)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .expect("gmpl runs");
    (o.status.code().unwrap_or(-1), String::from_utf8_lossy(&o.stdout).into_owned())
}

/// Splits a command line at spaces that are not between quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("never empty").push(c),
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

/// Replaces `number` + `unit` behind `before` by `by`.
fn replace_time(line: &str, before: &str, unit: &str, by: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(i) = rest.find(before) {
        let (head, tail) = rest.split_at(i + before.len());
        out.push_str(head);
        let n = tail.bytes().take_while(|c| c.is_ascii_digit() || *c == b'.').count();
        rest = tail;
        if n > 0 && tail[n..].starts_with(unit) {
            out.push_str(by);
            rest = &tail[n + unit.len()..];
        }
    }
    out + rest
}

/// As `oracle.sh` does.
fn normal(text: &str) -> String {
    let mut out = String::new();
    let mut stack = false;
    for line in text.lines() {
        let head = line.strip_prefix("goroutine ").and_then(|r| r.split(' ').next());
        if head.is_some_and(|n| n.parse::<u64>().is_ok()) {
            if !stack {
                out.push_str("<stack>\n");
            }
            stack = true;
        }
        stack &= !line.starts_with("FAIL\t");
        if stack {
            continue;
        }
        let mut line = replace_time(line, "(", "s)", "T)");
        line = replace_time(&line, "\t", "s", "T");
        line = replace_time(&line, "\\t", "s", "T");
        line = replace_time(&line, "\"Elapsed\":", "", "T");
        if let Some(i) = line.find("\"Time\":\"") {
            let end = line[i + 8..].find('"').map_or(line.len(), |n| i + 8 + n);
            line.replace_range(i + 8..end, "T");
        }
        if line.starts_with("cpu: ") {
            line = "cpu: C".into();
        }
        if line.starts_with("Benchmark") && line.contains("ns/op") {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let name = fields[0].split('-').next().unwrap_or_default();
            line = format!("{name} \t      {}\tN ns/op", fields[1]);
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// Spaces of measured figures do not count.
fn figures(text: &str) -> String {
    text.lines()
        .map(|l| if l.contains("N ns/op") { l.split_whitespace().collect::<Vec<_>>().join(" ") } else { l.to_string() } + "\n")
        .collect()
}

#[test]
fn prints_what_go_test_prints() {
    let expected = include_str!("suites/expected.txt");
    let mut wrong = String::new();
    let mut cases = 0;
    for case in expected.split("$ ").filter(|c| !c.is_empty()) {
        let (command, want) = case.split_once('\n').expect("a command line");
        let command_words = words(command);
        let args: Vec<&str> = command_words[1..].iter().map(String::as_str).collect();
        let (status, text) = gmpl(&command_words[0], &args);
        let got = format!("{}status {status}\n", normal(&text));
        if figures(&got) != figures(want) {
            wrong.push_str(&format!("$ {command}\n--- gmpl\n{got}--- go\n{want}\n"));
        }
        cases += 1;
    }
    assert!(cases > 20 && wrong.is_empty(), "{wrong}");
}

#[test]
fn profiles_of_coverage_are_those_of_go() {
    let profile = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("profile.txt");
    let flag = format!("-coverprofile={}", profile.display());
    for mode in ["count", "atomic", "set"] {
        let (status, text) = gmpl("cover", &["-covermode", mode, &flag, "./..."]);
        assert!(status == 1 && text.contains("[no statements]"), "{text}");
        let found = std::fs::read_to_string(&profile).expect("a profile");
        let mut expected = String::new();
        for line in include_str!("suites/cover/profile.txt").lines() {
            match line.rsplit_once(' ') {
                Some(("mode:", _)) => expected.push_str(&format!("mode: {mode}\n")),
                Some((block, count)) if mode == "set" && count != "0" => expected.push_str(&format!("{block} 1\n")),
                _ => expected.push_str(&format!("{line}\n")),
            }
        }
        assert_eq!(found, expected);
    }
    let (status, text) = gmpl("cover", &["-coverprofile=/nowhere/profile.txt"]);
    assert!(status == 2 && text.contains("/nowhere/profile.txt: No such file or directory"), "{text}");
    let (status, text) = gmpl("cover", &["-covermode=often"]);
    assert!(status == 2 && text.contains("valid modes are set, count and atomic"), "{text}");
}

#[test]
fn leaked_goroutines_fail_their_test() {
    let (status, text) = gmpl("failing", &["-run", "TestLeak"]);
    assert_eq!(status, 1, "{text}");
    assert!(
        text.contains("--- FAIL: TestLeak (") && text.contains("    leaked: 1 goroutine can never run again\n"),
        "{text}"
    );
    assert!(text.contains("1 goroutine [chan send]: "), "{text}");
    let (status, text) = gmpl("failing", &["-run", "TestSubLeak"]);
    assert!(status == 1 && text.contains("    --- FAIL: TestSubLeak/leaks ("), "{text}");
    assert!(text.contains("        leaked: 1 goroutine can never run again\n"), "{text}");
    assert!(text.matches("leaked:").count() == 1 && !text.contains("TestSubLeak/fine"), "{text}");
    let (status, text) = gmpl("failing", &["-run", "TestLeak", "--allow-leaks"]);
    assert_eq!(status, 0, "{text}");
}

#[test]
fn a_seed_that_fails_is_found_and_replayed() {
    let (status, text) = gmpl("failing", &["--seeds", "200", "-run", "TestTurns|TestOK"]);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("2 tests under 200 schedules each: 1 failed\nFAIL\n"), "{text}");
    let line = text.lines().find(|l| l.contains("gmpl test --seed ")).unwrap_or_else(|| panic!("{text}"));
    let replay = words(line.trim().strip_prefix("gmpl test ").expect("a command"));
    let replay: Vec<&str> = replay.iter().map(String::as_str).collect();
    for _ in 0..3 {
        let (status, again) = gmpl("failing", &replay);
        assert!(status == 1 && again.contains("taken 2 times"), "{replay:?}\n{again}");
    }
    let (status, again) = gmpl("failing", &[&replay[..], &["-v"]].concat());
    assert!(status == 1 && again.contains("taken 2 times"), "it depends on -v\n{again}");
}

#[test]
fn a_timeout_shows_all_goroutines() {
    let (_, text) = gmpl("failing", &["-run", "TestTimeout", "-timeout", "200ms"]);
    assert!(text.contains("panic: test timed out after 200ms\n\trunning tests:\n\t\tTestTimeout (0s)\n"), "{text}");
    assert!(text.contains("failing.TestTimeout(...)") && text.contains("main.main(...)"), "{text}");
}

#[test]
fn tests_are_shut_in_and_limited_as_programs_are() {
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("shut_in");
    std::fs::create_dir_all(dir.join("p/testdata")).expect("a folder");
    std::fs::write(dir.join("p/testdata/f"), "x").expect("a file");
    std::fs::write(dir.join("go.mod"), "module shut_in\n").expect("a file");
    let text = "package p\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestRead(t *testing.T) {\n\t\
                if _, err := os.ReadFile(\"testdata/f\"); err != nil {\n\t\tt.Fatal(err)\n\t}\n}\n\n\
                func TestSpin(t *testing.T) {\n\tfor i := range 1_000_000 {\n\t\t_ = i\n\t}\n}\n";
    std::fs::write(dir.join("p/p_test.go"), text).expect("a file");
    let run = |args: &[&str]| gmpl(&dir.display().to_string(), &[args, &["./..."]].concat());
    let (status, text) = run(&["--sandbox"]);
    assert!(status == 1 && text.contains("permission denied: read \"testdata/f\" (run with --allow-read="), "{text}");
    // Paths are seen from the package's folder; what the command itself writes needs no grant.
    let profile = format!("-coverprofile={}", dir.join("c.out").display());
    let (status, text) = run(&["--allow-read=testdata", &profile]);
    assert!(status == 0 && text.contains("[no statements]"), "{text}");
    assert_eq!(std::fs::read_to_string(dir.join("c.out")).expect("a profile"), "mode: set\n");
    let (status, text) = run(&["--max-instructions", "500000", "-run", "Spin"]);
    assert!(status == 1 && text.contains("fatal error: instruction limit reached (limit 500000)"), "{text}");
    let (_, text) = run(&["--seeds", "2", "--allow-read=nothing", "-run", "Read"]);
    assert!(text.contains("gmpl test --seed 1 -run '^TestRead$' --allow-read=nothing ./p\n"), "{text}");
}

#[test]
fn mistakes_are_reported() {
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("mistakes");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("a folder");
    let write = |text: &str| std::fs::write(dir.join("x_test.gm"), text).expect("a file");
    let run = |args: &[&str]| gmpl(&dir.display().to_string(), args);
    write("package x\n\nimport \"testing\"\n\nfunc TestX(t *testing.T) { y() }\n");
    let (status, text) = run(&[]);
    assert!(status == 1 && text.contains("x_test.gm:5:28: undefined: y"), "{text}");
    assert!(text.contains("FAIL\tmistakes [build failed]\n"), "{text}");
    write("package x\n\nimport \"testing\"\n\nfunc TestX(t *testing.B) {}\n");
    let (status, text) = run(&[]);
    assert!(status == 1 && text.contains("wrong signature for TestX, must be: func TestX(t *testing.T)"), "{text}");
    let (status, text) = run(&["-benchmm"]);
    assert!(status == 2 && text.contains("'--benchmem'"), "{text}");
    for (flag, wanted) in [("-race", "--seeds 100"), ("-fuzz=X", "seed corpus"), ("-vet=all", "`gmpl check`")] {
        let (status, text) = run(&[flag]);
        assert!(status == 2 && text.contains(wanted), "{text}");
    }
    let (status, text) = run(&["-vet=off", "-race=false", "./nowhere"]);
    assert!(status == 1 && text.contains("no such file"), "{text}");
    let (status, text) = run(&["./nowhere"]);
    assert!(status == 1 && text.contains("./nowhere: no such file or folder"), "{text}");
}
