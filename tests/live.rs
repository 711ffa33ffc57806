//! `gmpl run --watch` in a pty: what it shows, and that it leaves the terminal as it was.
#[path = "repl/terminal.rs"]
#[allow(dead_code, reason = "sessions need more of it")]
mod terminal;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use terminal::{Options, Terminal};

fn watch(args: &[&str]) -> Terminal {
    Terminal::spawn(Options {
        columns: 100,
        rows: 32,
        args: &[&["run"], args].concat(),
        env: &[("GOMAXPROCS", "2")],
        ..Default::default()
    })
}

#[test]
fn slow_motion_goes_on_decision_by_decision() {
    let mut t = watch(&["--watch=slow", "--seed", "1", "tests/trace/handoff.gm"]);
    t.until("the first decision", |s| s.text().contains("g1 begins to run on P0") && s.text().contains("held"));
    for last in ["P0  g3 begins to run", "P0  g2 begins to run", "P0  g1 begins to run"] {
        t.keys(" ");
        t.until(last, |s| {
            let text = s.text();
            text.lines().rfind(|l| l.contains("│P0  ")).is_some_and(|l| l.contains(last))
        });
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trace/slow.screen");
    if std::env::var_os("UPDATE_TRACE").is_some() {
        std::fs::write(&golden, format!("{}\n", t.screen.text())).expect("the golden file");
    }
    // The decision may have been drawn before what came of it.
    let expected = std::fs::read_to_string(&golden).expect("the golden file");
    t.until(&expected, |s| format!("{}\n", s.text()) == expected);
    // By itself, faster and faster, to its end.
    t.keys("+++++++");
    assert!(t.ended().success());
    assert_eq!(t.screen.text(), "0\n2\n");
}

#[test]
fn the_live_view_shows_what_goes_on() {
    let before = {
        let mut t = Terminal::spawn(Options { args: &["run", "-e", "time.Sleep(time.Hour)"], ..Default::default() });
        let modes = t.modes();
        t.keys("\x03");
        t.ended();
        modes
    };
    let code = "go func() { for { } }()\nvar mu sync.Mutex\nmu.Lock()\nfor range 3 { go func() { mu.Lock() }() }\n\
                println(\"to the\\tright\")\nfmt.Println(\"out\")\nselect {}";
    let mut t = watch(&["--watch", "--procs", "2", "-e", code]);
    let parts = [
        "gmpl  -e  ",
        "│       1 run, 0 ready",
        "│       3 sync.Mutex.Lock",
        "│       1 select (no cases)",
        "┌ Goroutines: 5, of which 4 wait ",
        "│to the    right",
        "│out",
        "0 blocking calls",
        "q ends the program",
    ];
    t.until("all of it", |s| parts.iter().all(|p| s.text().contains(p)));
    let text = t.screen.text();
    let p = |i: usize| {
        text.lines().find(|l| l.starts_with(&format!("│P{i} "))).unwrap_or_else(|| panic!("no P{i}:\n{text}"))
    };
    assert!([p(0), p(1)].iter().any(|l| l.contains("g2 ")), "{text}");
    assert_ne!(t.modes(), before);
    t.keys("\x03");
    assert_eq!(t.ended().code(), Some(130));
    assert_eq!(t.modes(), before);
    assert_eq!(t.screen.text(), "to the\tright\nout\n");
}

#[test]
fn the_terminal_is_put_back_however_the_run_ends() {
    let wait = "go func() { for { } }(); fmt.Println(\"out\"); time.Sleep(300 * time.Millisecond); ";
    for (speed, code, status, last) in [
        ("--watch", "panic(\"no\")", 2, "exit status 2\n"),
        ("--watch", "os.Exit(7)", 7, "out\n"),
        ("--watch=slow", "", 0, "out\n"),
        ("--watch", "var mu sync.Mutex; mu.Unlock()", 2, "exit status 2\n"),
    ] {
        let mut t = watch(&[speed, "-e", &format!("{wait}{code}")]);
        t.until("the view", |s| s.text().contains("Processors"));
        t.keys("+++++++");
        assert_eq!(t.ended().code(), Some(status), "{code}");
        let text = t.screen.text();
        assert!(text.starts_with("out\n") && text.ends_with(last) && !text.contains('│'), "{code}:\n{text}");
        assert!(t.raw.ends_with(b"\n") && t.modes().2 & libc::ECHO != 0);
    }
    let mut t = watch(&["--watch=slow", "-e", "fmt.Println(1)"]);
    t.until("the view", |s| s.text().contains("g1 begins to run"));
    // SAFETY: a signal to a child that has not been waited for.
    unsafe { libc::kill(t.child.id() as i32, libc::SIGTERM) };
    assert_eq!(t.ended().signal(), Some(libc::SIGTERM));
    assert!(t.modes().2 & libc::ECHO != 0 && t.screen.text().trim().is_empty(), "{}", t.screen.text());
}

#[test]
fn a_program_does_not_get_the_keys() {
    let mut t = watch(&["--watch", "-e", "fmt.Println(bufio.NewScanner(os.Stdin).Scan())"]);
    assert!(t.ended().success());
    assert_eq!(t.screen.text(), "false\n");
}

#[test]
fn without_a_terminal_it_is_an_error() {
    for args in [&["run", "--watch", "-e", "fmt.Println(1)"], &["run", "--watch=slow", "-e", "fmt.Println(1)"]] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_gmpl")).args(args).stdin(Stdio::null()).output().expect("gmpl runs");
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]));
        assert_eq!(output.stderr, b"gmpl: --watch needs a terminal: standard output is none\n");
    }
}
