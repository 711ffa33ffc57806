//! Sessions, driven through a real terminal: a pty whose other end reads the screen.
#[path = "repl/terminal.rs"]
mod terminal;

use std::time::{Duration, Instant};
use terminal::{Options, Terminal};

fn start() -> Terminal {
    Terminal::start(Options::default())
}

#[track_caller]
fn has(shown: &str, part: &str) {
    assert!(shown.contains(part), "expected {part:?}, shown:\n{shown}");
}

#[test]
fn values_are_shown_with_their_types_and_names_can_be_declared_again() {
    let mut t = start();
    assert_eq!(t.input("x := 41"), "");
    assert_eq!(t.input("x + 1"), "42 int");
    assert_eq!(t.input("[]string{\"a\"}"), "[\"a\"] []string");
    assert_eq!(t.input("x := \"now a text\""), "");
    assert_eq!(t.input("x"), "\"now a text\" string");
    assert_eq!(t.input("func twice(n int) int { return 2 * n }"), "");
    assert_eq!(t.input("twice(4)"), "8 int");
    assert_eq!(t.input("func twice(n int) int { return n + n + 1 }"), "");
    assert_eq!(t.input("twice(4)"), "9 int");
    assert_eq!(t.input("strings.ToUpper(x)"), "\"NOW A TEXT\" string");
    t.keys("\x04");
    assert!(t.ended().success());
}

#[test]
fn what_is_typed_ahead_is_taken_input_by_input() {
    let mut t = start();
    t.keys("x := 20\ry := 2\rfmt.Println(x)\rx + y\r");
    t.until("the last answer", |s| s.text().contains("\n22 int\n>>>"));
    assert_eq!(t.input("y"), "2 int");
}

#[test]
fn an_input_goes_on_until_the_parser_is_content() {
    let mut t = start();
    t.screen.clear();
    t.keys("for i := range 2 {\r");
    t.until("a second line", |s| s.row == 1 && s.line().is_empty());
    t.keys("fmt.Println(\"}\", i)\r");
    t.until("a third line", |s| s.row == 2 && s.line().is_empty());
    assert!(t.input("}").ends_with("}\n} 0\n} 1"));
    // Braces in texts and comments open nothing.
    assert_eq!(t.input("s := \"{(\" // {"), "");
    assert_eq!(t.input("len(s)"), "2 int");
    t.screen.clear();
    t.keys("r := `one\r");
    t.until("a second line", |s| s.row == 1 && s.line().is_empty());
    assert_eq!(t.input("two`"), "two`");
    assert_eq!(t.input("r"), "\"one\\ntwo\" string");
}

#[test]
fn tab_completes_names_fields_methods_and_packages_with_their_types() {
    let mut t = start();
    t.input("type Point struct { Left, Right int }");
    t.input("func (p Point) Length() float64 { return 0 }");
    t.input("point := Point{1, 2}");
    t.keys("poi\t");
    t.until("a name", |s| s.line() == ">>> point");
    t.keys(".\t\t");
    t.until("fields and methods", |s| {
        let all = ["Left int", "Right int", "Length() float64"];
        all.iter().all(|m| s.text().contains(m)) && s.line() == ">>> point."
    });
    t.keys("Le\t\t");
    t.until("two of them", |s| s.line() == ">>> point.Le");
    t.keys("n\t");
    t.until("the method", |s| s.line() == ">>> point.Length");
    t.keys("\x15strin\t");
    t.until("the names of packages and types", |s| s.line() == ">>> string");
    t.keys("s.Cut\t\t");
    t.until("functions of the package", |s| {
        s.text().contains("func CutPrefix(s, prefix string) (after string, found bool)")
    });
    t.keys("\x15:gor\t");
    t.until("a command", |s| s.line() == ">>> :goroutines");
}

#[test]
fn words_are_coloured_and_brackets_find_their_partners() {
    let mut t = start();
    t.keys("for { f(1)");
    t.until("the text", |s| s.line() == ">>> for { f(1)");
    // The cursor stands behind the closing one.
    let raw = |t: &Terminal| String::from_utf8_lossy(&t.raw).into_owned();
    has(&raw(&t), "\x1b[1;34mfor\x1b[0m");
    has(&raw(&t), "f\x1b[1;7m(\x1b[0m\x1b[32m1\x1b[0m\x1b[1;7m)\x1b[0m");

    let mut plain = Terminal::start(Options { env: &[("NO_COLOR", "1")], ..Options::default() });
    plain.keys("for { f(1)");
    plain.until("the text", |s| s.line() == ">>> for { f(1)");
    assert!(!raw(&plain).contains("\x1b[1;"));
    let mut never = Terminal::start(Options { args: &["--color", "never", "repl"], ..Options::default() });
    has(&never.input("x := y"), "undefined: y");
    assert!(!raw(&never).contains("\x1b[1;") && !raw(&never).contains("\x1b[31"));
}

#[test]
fn inputs_are_remembered_from_one_session_to_the_next() {
    let history = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("repl-history");
    let _ = std::fs::remove_file(&history);
    let options = || Options { history: Some(history.clone()), ..Options::default() };
    let mut first = Terminal::start(options());
    first.input("remembered := 7");
    // It is written at once: nothing is lost with the terminal.
    drop(first);
    let mut second = Terminal::start(options());
    second.keys("\x1b[A");
    second.until("the input", |s| s.line() == ">>> remembered := 7");
    second.keys("\x15\x12remem");
    second.until("a search", |s| s.line().contains("remembered := 7"));
}

#[test]
fn goroutines_print_above_the_line_that_is_being_typed() {
    let mut t = start();
    t.input("stop := make(chan bool)");
    t.input("go func() { for i := 0; ; i++ { select { case <-stop: return; case <-time.After(30*time.Millisecond): fmt.Println(\"tick\", i) } } }()");
    t.keys("40 + ");
    t.until("ticks above the line", |s| s.has("tick 3") && s.line() == ">>> 40 +");
    t.keys("2");
    t.until("more of them", |s| s.has("tick 6") && s.line() == ">>> 40 + 2");
    t.keys("\r");
    t.until("the answer", |s| s.has("42 int"));
    // No tick was lost, torn or mixed with the line.
    let text = t.screen.text();
    let ticks: Vec<&str> = text.lines().filter(|l| l.contains("tick ")).take(7).collect();
    let expected: Vec<String> = (0..7).map(|i| format!("tick {i}")).collect();
    assert_eq!(
        ticks.iter().filter(|l| !l.contains("go func")).copied().collect::<Vec<_>>()[..6],
        expected[..6],
        "{text}"
    );
    t.keys("close(stop)\r");
    t.until("the end of it", |s| s.line() == ">>>");
}

#[test]
fn ctrl_c_stops_the_running_input_only() {
    let mut t = start();
    t.input("x := 1");
    t.input("n := make(chan int, 100)");
    t.input("go func() { for { n <- 1; time.Sleep(10*time.Millisecond) } }()");
    for endless in
        ["for { x++ }", "select {}", "time.Sleep(time.Hour)", "defer fmt.Println(\"deferred\"); <-make(chan int)"]
    {
        t.screen.clear();
        t.keys(endless);
        t.keys("\r");
        t.until("the input runs", |s| s.row > 0);
        std::thread::sleep(Duration::from_millis(100));
        t.keys("\x03");
        t.until("the end of the input", |s| s.has("^Cinterrupted") || s.has("interrupted"));
        t.prompt();
    }
    has(&t.screen.text(), "deferred");
    has(&t.input("x > 1"), "true bool");
    // What other inputs have started goes on.
    assert_eq!(t.input("for range cap(n) { <-n }; <-n"), "1 int");
    // At the prompt it takes back the line.
    t.keys("not finished(");
    t.until("the text", |s| s.line() == ">>> not finished(");
    t.keys("\x03");
    t.prompt();
    has(&t.input("x > 1"), "true bool");
}

#[test]
fn panics_and_deadlocks_leave_the_session_alive() {
    let mut t = start();
    t.input("kept := []int{1}");
    let panic = t.input("kept[5]");
    has(&panic, "panic: runtime error: index out of range [5] with length 1");
    has(&panic, "help: indexes go from 0 to len-1");
    let deadlock = t.input("defer fmt.Println(\"deferred\"); <-make(chan int)");
    has(&deadlock, "fatal error: all goroutines are asleep - deadlock!");
    has(&deadlock, "help: nobody will send");
    // What it had deferred is printed above the prompt, which is drawn again.
    t.until("the deferred call", |s| s.has("deferred") && s.line() == ">>>");
    has(&t.input("var mu sync.Mutex; mu.Lock(); mu.Lock()"), "help: a Mutex cannot be locked twice");
    has(&t.input("go func() { panic(\"in another\") }(); time.Sleep(50 * time.Millisecond)"), "panic: in another");
    assert_eq!(t.input("kept"), "[1] []int");
    // What was deadlocked has been taken down.
    t.until("nothing else", |s| s.line() == ">>>");
    assert_eq!(t.input(":goroutines"), "no goroutines");
}

#[test]
fn errors_show_the_input() {
    let mut t = start();
    let shown = t.input("größe := 1 + \"a\"");
    has(&shown, "1 │ größe := 1 + \"a\"");
    has(&shown, "mismatched types");
    let shown = t.input("fmt.Printl(1)");
    has(&shown, "input 2:1:5: undefined: fmt.Printl");
    has(&shown, "did you mean `fmt.Print");
}

#[test]
fn commands() {
    let mut t = start();
    t.input("type Celsius float64");
    t.input("func (c Celsius) Show() string { return fmt.Sprint(float64(c)) }");
    t.input("warm := Celsius(20)");
    assert_eq!(t.input(":type warm"), "var warm Celsius");
    assert_eq!(t.input(":type warm + 1"), "Celsius");
    assert_eq!(t.input(":type Celsius"), "type Celsius float64\n  Show() string");
    has(&t.input(":doc strings.Cut"), "func Cut(s, sep string) (before, after string, found bool)");
    has(&t.input(":doc warm"), "var warm Celsius");
    has(&t.input(":names"), "type Celsius\nvar warm Celsius");
    t.input("done := make(chan bool)");
    t.input("go func() { <-done }()");
    let list = t.input(":goroutines");
    assert!(list.starts_with("goroutine ") && list.contains("[chan receive] main.main.func1 input 5:1"), "{list}");
    has(&t.input(":goroutines 99"), "there is no goroutine 99");
    t.input("func plus(a, b int) int { return a + b }");
    t.input("plus(1, 2)");
    has(&t.input(":disasm plus"), "Add");
    let timed = t.input(":time plus(3, 4)");
    assert!(timed.starts_with("7 int\n") && timed.contains(" ms, of which "), "{timed}");
    has(&t.input(":tpye 1"), "did you mean :type?");

    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let saved = dir.join("saved.gm");
    let saved = saved.to_str().expect("UTF-8");
    has(&t.input(&format!(":save {saved}")), "inputs written to");
    assert_eq!(t.input(":reset"), "everything is forgotten");
    has(&t.input("warm"), "undefined: warm");
    // It runs as one input, whose last expression is shown.
    has(&t.input(&format!(":load {saved}")), "7 int");
    assert_eq!(t.input("warm.Show()"), "\"20\" string");
    has(&t.input(":load no/such.gm"), "no such file");
    has(&t.input(":save /no/such/folder/x.gm"), "/no/such/folder/x.gm: ");
    let help = t.input(":help");
    for command in ["type", "doc", "names", "goroutines", "disasm", "time", "load", "save", "reset", "help", "quit"] {
        has(&help, &format!(":{command} "));
    }
    t.keys(":quit\r");
    assert!(t.ended().success());
}

#[test]
fn os_exit_ends_the_session_with_its_status() {
    let mut t = start();
    t.keys("os.Exit(7)\r");
    assert_eq!(t.ended().code(), Some(7));
}

#[test]
fn a_narrow_terminal_wraps_reports_and_lines() {
    let mut t = Terminal::start(Options { columns: 40, ..Options::default() });
    let long = "this is a long text that needs more than one row";
    t.screen.clear();
    t.keys(&format!("s := {long:?}"));
    t.until("two rows", |s| s.row == 1 && s.line() == " more than one row\"");
    t.keys("\r");
    t.until("the next prompt", |s| s.row == 2 && s.line() == ">>>");
    assert_eq!(t.input("len(s)"), "48 int");
    let shown = t.input("undefinedName");
    assert!(shown.lines().all(|l| l.chars().count() <= 40), "{shown}");
    has(&shown, "undefinedName");
}

#[test]
fn a_terminal_that_vanishes_ends_the_session() {
    for nohup in [false, true] {
        let mut t = Terminal::start(Options { nohup, ..Options::default() });
        t.input("x := 1");
        t.vanish();
        assert_ne!(t.ended().code(), Some(101), "nohup {nohup}");

        let mut t = Terminal::start(Options { nohup, ..Options::default() });
        t.keys("time.Sleep(time.Second); for i := range 100_000 { fmt.Println(i) }\r");
        t.until("the input runs", |s| s.row > 0 && s.line().is_empty());
        t.vanish();
        assert_ne!(t.ended().code(), Some(101), "nohup {nohup}");
    }
    let mut t = Terminal::spawn(Options { args: &["-e", "fmt.Println(1); for {}"], ..Options::default() });
    t.until("output", |s| s.has("1"));
    std::thread::sleep(Duration::from_millis(100));
    t.vanish();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&t.ended()), Some(libc::SIGHUP));
}

#[test]
fn a_report_knows_the_width_of_its_terminal_and_colours_it() {
    let run = |columns, extra: &[&str]| {
        let mut args = extra.to_vec();
        args.extend(["run", "-e", "größe, 世界 := 1, \"日本語\" + 1; fmt.Println(größe + 世界, undefinedAndLong)"]);
        let mut t = Terminal::spawn(Options { columns, args: &args, ..Options::default() });
        assert_eq!(t.ended().code(), Some(1));
        let raw = String::from_utf8_lossy(&t.raw).into_owned();
        (t.screen.text(), raw)
    };
    let (wide, raw) = run(120, &[]);
    assert!(raw.contains("\x1b["), "no colours on a terminal");
    assert!(!run(120, &["--color", "never"]).1.contains("\x1b[3"));
    has(&wide, "日本語");
    let (narrow, _) = run(40, &[]);
    // What is not the program's own text is wrapped.
    let long = |l: &&str| l.chars().count() > 40 && !l.contains("世界");
    assert_eq!(narrow.lines().filter(long).collect::<Vec<_>>(), Vec::<&str>::new(), "{narrow}");
}

/// Prints times; a measurement, not a check: `cargo test --release --test repl -- --ignored --nocapture`.
#[test]
#[ignore]
fn times_of_the_first_prompt_and_an_answer() {
    let mut first = Vec::new();
    let mut answers = Vec::new();
    for _ in 0..20 {
        let mut t = start();
        first.push(t.started.elapsed());
        t.input("x := 1");
        for i in 0..10 {
            let begun = Instant::now();
            t.keys(&format!("x + {i}\r"));
            let expected = format!("{} int", 1 + i);
            t.until("the answer", |s| s.has(&expected));
            answers.push(begun.elapsed());
            t.prompt();
        }
    }
    for (what, times) in [("first prompt", &mut first), ("answer", &mut answers)] {
        times.sort();
        println!(
            "{what}: least {:?}, median {:?}, most {:?}",
            times[0],
            times[times.len() / 2],
            times[times.len() - 1]
        );
    }
}

#[test]
fn a_session_is_shut_in_and_limited_as_a_run_is() {
    use std::io::Write;
    let session = |args: &[&str], input: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gmpl"));
        command.arg("repl").args(args).stdin(std::process::Stdio::piped());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().expect("gmpl runs");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
        let o = child.wait_with_output().expect("it ends");
        let text = format!("{}{}", String::from_utf8_lossy(&o.stdout), String::from_utf8_lossy(&o.stderr));
        (o.status.code(), text)
    };
    let (status, text) = session(&["--sandbox"], "_, err := os.ReadDir(\"/\")\nerr\n1+1\n");
    assert!(status == Some(0) && text.contains("(run with --allow-read=/) error") && text.contains("2 int"), "{text}");
    let (status, text) = session(&["--allow-read=/"], "_, err := os.ReadDir(\"/\")\nerr == nil\n");
    assert!(status == Some(0) && text.contains("true bool"), "{text}");
    let (status, text) = session(&["--max-instructions=1e6"], "for {}\n1+1\n");
    assert!(status == Some(2) && text.contains("instruction limit reached") && !text.contains("2 int"), "{text}");
    // A goroutine that asks for too much is ended; the session is not.
    let (status, text) = session(&["--max-memory=64M"], "len(make([]byte, 1<<30))\n1+1\n");
    assert!(status == Some(0) && text.contains("out of memory (limit 64M)") && text.contains("2 int"), "{text}");
}
