//! What a run tells about itself while it goes on, and how it answers signals.
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

fn start(args: &[&str], code: &str, debug: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_gmpl"))
        .args(["run"])
        .args(args)
        .args(["-e", code])
        .env("GMPLDEBUG", debug)
        .env("GOMAXPROCS", "2")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("gmpl starts")
}

/// Status (`None`: a signal), standard output and standard error.
fn end(child: Child) -> (Option<i32>, String, String) {
    let o = child.wait_with_output().expect("gmpl ends");
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    (o.status.code(), text(&o.stdout), text(&o.stderr))
}

/// Sends a signal once the program has printed a line to standard error; returns as [`end`].
fn signalled(code: &str, signal: &str) -> (Option<i32>, String, String) {
    let mut child = start(&[], code, "");
    let mut err = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    err.read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|s| s.success()));
    let mut rest = String::new();
    err.read_to_string(&mut rest).expect("text");
    let (status, out, _) = end(child);
    (status, out, rest)
}

const BUSY: &str = "fmt.Println(1)
var mu sync.Mutex
mu.Lock()
go func() { mu.Lock() }()
go func() {
	for x := 0; ; x++ {
		if x == 1000000 {
			println(\"ready\")
		}
	}
}()
select {}";

#[test]
fn sigquit_shows_all_goroutines() {
    let (status, out, err) = signalled(BUSY, "-QUIT");
    assert_eq!((status, out.as_str()), (Some(2), "1\n"), "{err}");
    for part in
        ["SIGQUIT: quit\n", "goroutine 1 [select (no cases)]:", "[sync.Mutex.Lock]:", "[running]:", "created by main"]
    {
        assert!(err.contains(part), "{part:?} is not in\n{err}");
    }
}

#[test]
fn signals_that_end_a_run_keep_its_output() {
    assert_eq!(signalled(BUSY, "-INT"), (Some(130), "1\n".into(), String::new()));
    assert_eq!(signalled(BUSY, "-TERM"), (None, "1\n".into(), String::new()));
}

#[test]
fn a_program_hears_signals_itself() {
    let code = "c := make(chan os.Signal, 1)
signal.Notify(c, os.Interrupt)
println(\"ready\")
fmt.Println(<-c)";
    assert_eq!(signalled(code, "-INT"), (Some(0), "interrupt\n".into(), String::new()));
}

/// Two goroutines that wait for each other's locks while main goes on; in its round `{when}` main gives them free.
const ABBA: &str = "var a, b sync.Mutex
var held sync.WaitGroup
held.Add(2)
lock := func(x, y *sync.Mutex) {
	x.Lock()
	held.Done()
	held.Wait()
	y.Lock()
}
go lock(&a, &b)
go lock(&b, &a)
for i := 0; i < 600; i++ {
	time.Sleep(10 * time.Millisecond)
	if i == {when} {
		a.Unlock()
		b.Unlock()
		break
	}
}";

#[test]
fn an_early_deadlock_ends_the_run() {
    let code = "func start() {
	a, b := make(chan int), make(chan int)
	go func() { <-a; b <- 1 }()
	go func() { <-b; a <- 1 }()
}
start()
time.Sleep(time.Hour)";
    let (status, _, err) = end(start(&["--deadlock=early"], code, ""));
    assert_eq!(status, Some(2), "{err}");
    for part in ["fatal error: partial deadlock: 2 goroutines can never run again\n", "chan receive", "created by main"]
    {
        assert!(err.contains(part), "{part:?} is not in\n{err}");
    }
}

const UNLOCK: &str = "\tif i == {when} {\n\t\ta.Unlock()\n\t\tb.Unlock()\n\t\tbreak\n\t}\n";

/// What main holds but never looks at again does not count.
#[test]
fn locks_that_main_has_done_with_are_stuck() {
    let code = format!("func run() {{\n{}\n}}\nrun()", ABBA.replace(UNLOCK, ""));
    let (status, _, err) = end(start(&["--deadlock=early"], &code, ""));
    assert_eq!(status, Some(2), "{err}");
    assert!(err.contains("waits for a sync.Mutex that goroutine"), "{err}");
}

#[test]
fn a_deadlock_that_main_can_end_is_none() {
    let ended = end(start(&["--deadlock=early"], &ABBA.replace("{when}", "80"), ""));
    assert_eq!(ended, (Some(0), String::new(), String::new()));
}

#[test]
fn schedtrace_prints_lines_in_gos_form() {
    let (status, _, err) = end(start(&[], "time.Sleep(100 * time.Millisecond)", "schedtrace=10"));
    assert_eq!(status, Some(0));
    let lines: Vec<&str> = err.lines().collect();
    assert!(lines.len() >= 3, "{err}");
    for line in lines {
        assert!(line.starts_with("SCHED ") && line.contains("ms: gomaxprocs=2 idleprocs="), "{line}");
        assert!(line.contains(" threads=") && line.contains(" runqueue=0 [ 0 0 ]"), "{line}");
    }
    let (_, _, err) = end(start(&[], "time.Sleep(100 * time.Millisecond)", "schedtrace=10,scheddetail=1"));
    for part in ["\n  P1: status=0 ", "\n  M0: p=nil ", "\n  G1: status=4(sleep) "] {
        assert!(err.contains(part), "{part:?} is not in\n{err}");
    }
}
