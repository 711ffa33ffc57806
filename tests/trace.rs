//! `gmpl trace`: that what it records is what happened, that it is written however a run ends, and that its page works in a browser.
#[path = "trace/browser.rs"]
mod browser;
#[path = "trace/json.rs"]
mod json;

use browser::Browser;
use gmpl::sched::trace::{Meaning, TABLE};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of a test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("gmpl-trace-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("text").to_string()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn gmpl(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gmpl"));
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trace");
    command.arg("trace").args(args).current_dir(tests).env("GOMAXPROCS", "2").stdin(Stdio::null());
    command
}

fn trace(args: &[&str]) -> Output {
    gmpl(args).output().expect("gmpl runs")
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The text of a trace of a program given as text.
fn text_of(test: &str, flags: &[&str], code: &str) -> (Output, String) {
    let folder = Folder::new(test);
    let path = folder.file("t.txt");
    let output = trace(&[flags, &["--format", "text", "-o", &path, "-e", code]].concat());
    (output, folder.read("t.txt"))
}

#[test]
fn a_seeded_run_is_told_event_by_event() {
    let folder = Folder::new("golden");
    let path = folder.file("t.txt");
    let output = trace(&["--seed", "1", "--format", "text", "-o", &path, "handoff.gm"]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"0\n2\n"[..]), "{}", err(&output));
    let told = folder.read("t.txt");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trace/handoff.txt");
    if std::env::var_os("UPDATE_TRACE").is_some() {
        std::fs::write(&golden, &told).expect("the golden file");
    }
    assert_eq!(told, std::fs::read_to_string(&golden).expect("the golden file"));
}

// ---- the page

/// What lies between two texts.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before}"));
    rest.split_once(after).unwrap_or_else(|| panic!("no {after}")).0
}

fn decode_base64(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        c => panic!("{c} in base64"),
    };
    let mut out = Vec::new();
    let (mut bits, mut have) = (0u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        (bits, have) = (bits << 6 | digit(c) as u32, have + 6);
        if have >= 8 {
            have -= 8;
            out.push((bits >> have) as u8);
            bits &= (1 << have) - 1;
        }
    }
    out
}

/// The events of a page, as its script reads them: kind, P (-1: none), time, the field g.
fn decode(page: &str) -> Vec<(&'static str, i64, i64, u64)> {
    let bytes = decode_base64(between(page, "id=\"data\">", "<"));
    let mut at = 0;
    let number = |at: &mut usize| {
        let (mut n, mut shift) = (0u64, 0);
        loop {
            let b = bytes[*at];
            *at += 1;
            n |= (b as u64 & 127) << shift;
            shift += 7;
            if b < 128 {
                return n;
            }
        }
    };
    let (mut events, mut time, mut g) = (Vec::new(), 0, 0u64);
    while at < bytes.len() {
        let info = &TABLE[bytes[at] as usize];
        at += 1;
        let p = number(&mut at) as i64 - 1;
        time += number(&mut at) as i64;
        let mut own = 0;
        for (name, meaning) in info.fields {
            let n = number(&mut at);
            if *meaning == Meaning::G {
                g = g.wrapping_add((n >> 1) ^ (n & 1).wrapping_neg());
                own = if *name == "g" { g } else { own };
            }
        }
        events.push((info.name, p, time, own));
    }
    events
}

#[test]
fn the_page_of_a_seed_is_always_the_same_and_holds_every_event() {
    let folder = Folder::new("page");
    let paths = [folder.file("a.html"), folder.file("b.html"), folder.file("t.txt")];
    for path in &paths[..2] {
        assert!(trace(&["--seed", "1", "handoff.gm", "-o", path]).status.success());
    }
    let page = folder.read("a.html");
    assert!(page == folder.read("b.html"), "two runs of a seed give different pages");
    for outside in ["http://", "https://", " src=", " href="] {
        assert!(!page.contains(outside), "the page needs {outside}");
    }
    assert!(trace(&["--seed", "1", "--format", "text", "handoff.gm", "-o", &paths[2]]).status.success());
    let events = decode(&page);
    let told = folder.read("t.txt");
    assert_eq!(events.len(), told.lines().count());
    for (&(kind, p, time, g), line) in events.iter().zip(told.lines()) {
        let (at, rest) = line.trim_start().split_once(" us").expect("a time");
        assert_eq!(at, format!("{:.3}", time as f64 / 1e3), "{line}");
        assert_eq!(rest.split_whitespace().next() == Some(&format!("P{p}")), p >= 0, "{line}");
        assert!(g == 0 || rest.contains(&format!("g{g} ")), "{kind} of g{g}: {line}");
    }
}

#[test]
fn what_the_program_says_cannot_break_the_page() {
    let folder = Folder::new("script");
    let path = folder.file("t.html");
    let code = "s := \"</script><b>\\u2028\"; _ = s; <-time.After(1)";
    assert!(trace(&["--seed", "1", "-o", &path, "-e", code]).status.success());
    let page = folder.read("t.html");
    assert!(page.contains("\\u003c/script>\\u003cb>"));
    assert_eq!(page.matches("</script>").count(), 3);
}

// ---- what is recorded

#[test]
fn each_p_runs_one_goroutine_at_a_time() {
    let code = "var wg sync.WaitGroup\nfor range 200 { wg.Go(func() { for i := range 20 { if i%5 == 0 { runtime.Gosched() }; x := 0; for range 3000 { x++ } } }) }\nwg.Wait()";
    let folder = Folder::new("one");
    let path = folder.file("t.html");
    let output = trace(&["--procs", "4", "-o", &path, "-e", code]);
    assert!(output.status.success(), "{}", err(&output));
    let events = decode(&folder.read("t.html"));
    let (mut running, mut ready) = (std::collections::HashMap::new(), std::collections::HashSet::new());
    let (mut started, mut ended) = (0, 0);
    for (i, &(kind, p, time, g)) in events.iter().enumerate() {
        assert!(i == 0 || events[i - 1].2 <= time);
        match kind {
            "Create" => {
                started += 1;
                assert!(ready.insert(g), "g{g} is made twice");
            }
            "Ready" => assert!(ready.insert(g), "g{g} is readied while it is ready"),
            "Start" => {
                assert!(ready.remove(&g), "g{g} runs without being ready");
                assert_eq!(running.insert(p, g), None, "P{p} runs two");
            }
            "Preempt" | "Yield" | "Park" | "End" => {
                assert_eq!(running.remove(&p), Some(g), "{kind} on P{p}");
                match kind {
                    "Preempt" | "Yield" => assert!(ready.insert(g)),
                    "End" => ended += 1,
                    _ => {}
                }
            }
            _ => {}
        }
    }
    // All but main, which is ended with the run, and at most one on each of the other Ps: that it has ended is noticed when
    // the next begins.
    assert!(started == 201 && (197..=200).contains(&ended), "{started} started, {ended} ended");
    assert!(events.iter().any(|e| e.0 == "Yield"));
}

#[test]
fn what_happens_is_recorded() {
    let code = "go func() { for { runtime.Gosched() } }()\nfor range 3 { runtime.GC() }\nruntime.GOMAXPROCS(3)\n\
        os.ReadFile(\"/dev/null\")\ndone := make(chan bool)\ntime.AfterFunc(time.Millisecond, func() { done <- true })\n<-done\n\
        runtime.LockOSThread()\nfor range 10 { time.Sleep(100 * time.Microsecond) }";
    let (output, told) = text_of("kinds", &["--procs", "2"], code);
    assert!(output.status.success(), "{}", err(&output));
    for part in [
        "garbage collection: begins, with the world stopped",
        "the world is to stop",
        "the world goes on",
        "GOMAXPROCS is 3 now",
        "what g1 called blocks: it runs on a thread without a P",
        "what g1 called is done",
        "g1 may go on: the blocking call is done",
        "a timer fires",
        "g1 may go on: a timer fired",
        "the runtime starts ",
        "g1 parks at -e:4: syscall",
        "makes way of its own accord at -e:1",
        "the run ends",
    ] {
        assert!(told.contains(part), "{part}\n{}", &told[told.len().saturating_sub(3000)..]);
    }
}

#[test]
fn a_thread_without_work_sleeps() {
    let (output, told) = text_of("idle", &["--procs", "1"], "time.Sleep(200 * time.Millisecond)");
    assert!(output.status.success(), "{}", err(&output));
    assert!(told.contains("P0 has nothing to run: its thread sleeps"), "{told}");
}

#[test]
fn the_newest_events_are_kept_and_goroutines_from_before_are_known() {
    let folder = Folder::new("ring");
    let path = folder.file("t.txt");
    let code = "gate := make(chan bool)\ngo func() { gate <- true }()\nc := make(chan int)\ngo func() { for { c <- 1 } }()\n\
                for range 100000 { <-c }";
    let output = trace(&["--events", "4000", "--seed", "1", "--format", "text", "-o", &path, "-e", code]);
    assert!(output.status.success(), "{}", err(&output));
    let told = folder.read("t.txt");
    let lines = told.lines().count();
    assert!((2000..8000).contains(&lines), "{lines} lines");
    let dropped: u64 = told.split(' ').next().and_then(|n| n.parse().ok()).expect("a number of lost events");
    assert!(dropped > 100_000, "{dropped}");
    let head: String = told.lines().take(8).collect::<Vec<_>>().join("\n");
    for part in ["g1 starts g2 at -e:2: it is to run main.main.func1", "g2 parks at -e:2: chan send"] {
        assert!(head.contains(part), "{part}\n{head}");
    }
}

// ---- however it ends

#[test]
fn it_is_written_however_the_run_ends() {
    for (name, code, status) in [
        ("panic", "panic(\"no\")", 2),
        ("deadlock", "select {}", 2),
        ("exit", "go func() { select {} }(); time.Sleep(1); os.Exit(7)", 7),
        ("fatal", "var mu sync.Mutex; mu.Unlock()", 2),
        ("goexit", "go func() { os.Exit(3) }(); runtime.Goexit()", 3),
    ] {
        for flags in [&["--procs", "1"][..], &["--procs", "3"], &["--seed", "5"]] {
            let (output, told) = text_of(name, flags, code);
            assert_eq!(output.status.code(), Some(status), "{name} {flags:?}: {}", err(&output));
            assert!(told.ends_with("the run ends\n"), "{name} {flags:?}: {told}");
            assert!(told.contains("g1 begins to run on P0"), "{name}: {told}");
        }
    }
}

#[test]
fn it_is_written_when_a_signal_ends_the_run() {
    for (signal, status) in [("-INT", Some(130)), ("-TERM", None), ("-QUIT", Some(2))] {
        let folder = Folder::new(&format!("signal{signal}"));
        let path = folder.file("t.txt");
        let code = "go func() { for { } }()\nfor i := 0; ; i++ { time.Sleep(time.Millisecond); if i == 50 { println(\"ready\") } }";
        let mut child =
            gmpl(&["--format", "text", "-o", &path, "-e", code]).stderr(Stdio::piped()).spawn().expect("gmpl");
        let mut line = [0; 6];
        std::io::Read::read_exact(child.stderr.as_mut().expect("a pipe"), &mut line).expect("a line");
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.is_ok_and(|s| s.success()));
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), status, "{signal}");
        let told = folder.read("t.txt");
        assert!(told.contains("g1 parks at -e:2: sleep") && told.ends_with('\n'), "{signal}: {told}");
    }
}

#[test]
fn a_reader_of_the_output_that_goes_away_loses_nothing_of_the_trace() {
    let folder = Folder::new("pipe");
    let path = folder.file("t.txt");
    let mut child = gmpl(&["--format", "text", "-o", &path, "-e", "for { fmt.Println(1) }"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("gmpl");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), None);
    assert!(folder.read("t.txt").contains("g1 begins to run on P0"));
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_before_the_run() {
    let output = trace(&["-o", "/nowhere/t.html", "-e", "fmt.Println(1)"]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]));
    assert_eq!(err(&output), "gmpl: cannot write /nowhere/t.html: No such file or directory\n");
}

#[test]
fn a_full_disk_is_said() {
    if Path::new("/dev/full").exists() {
        let output = trace(&["-o", "/dev/full", "-e", "fmt.Println(1)"]);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b"1\n"[..]));
        assert!(err(&output).starts_with("gmpl: the trace is lost: cannot write /dev/full: "), "{}", err(&output));
    }
}

#[test]
fn a_program_with_mistakes_leaves_no_file() {
    let folder = Folder::new("mistake");
    let path = folder.file("t.html");
    let output = trace(&["-o", &path, "-e", "x := "]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!Path::new(&path).exists());
}

#[test]
fn arguments_of_the_program_come_after_it() {
    let folder = Folder::new("args");
    let path = folder.file("t.txt");
    let output = trace(&["-e", "fmt.Println(os.Args[1:])", "one", "--format", "text", "-o", &path, "--", "-o", "two"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[one -o two]\n", "{}", err(&output));
}

// ---- Perfetto

#[test]
fn perfetto_gets_slices_that_do_not_overlap() {
    let folder = Folder::new("perfetto");
    let path = folder.file("t.json");
    let code = "c := make(chan int)\nfor i := range 8 { go func() { for { x := 0; for range 5000 { x++ }; c <- i } }() }\n\
                os.ReadFile(\"/dev/null\")\nfor range 500 { <-c }";
    let output = trace(&["--procs", "3", "--format", "perfetto", "-o", &path, "-e", code]);
    assert!(output.status.success(), "{}", err(&output));
    let text = folder.read("t.json");
    let events = json::events(&text);
    let number = |e: &json::Object, name: &str| e[name].parse::<f64>().unwrap_or_else(|_| panic!("{name} of {e:?}"));
    let mut lanes: std::collections::BTreeMap<(String, String), Vec<(f64, f64)>> = Default::default();
    let (mut begun, mut arrows) = (std::collections::HashSet::new(), 0);
    for e in &events {
        match e["ph"].as_str() {
            "\"X\"" => {
                let lane = (e["pid"].clone(), e["tid"].clone());
                lanes.entry(lane).or_default().push((number(e, "ts"), number(e, "dur")));
            }
            "\"s\"" => assert!(begun.insert(e["id"].clone())),
            "\"f\"" => {
                assert!(begun.contains(&e["id"]), "an arrow without a beginning: {e:?}");
                arrows += 1;
            }
            "\"M\"" | "\"C\"" | "\"i\"" => {}
            other => panic!("an event of kind {other}"),
        }
    }
    assert!(arrows > 100 && lanes.len() >= 4, "{arrows} arrows, {} lanes", lanes.len());
    for (lane, slices) in &mut lanes {
        slices.sort_by(|a, b| a.0.total_cmp(&b.0));
        for two in slices.windows(2) {
            // Microseconds with three digits: less than one of them is the sum's.
            assert!(two[0].0 + two[0].1 <= two[1].0 + 0.0005, "{lane:?}: {two:?}");
        }
    }
}

// ---- in a browser

const ENTER: &str = "\u{e007}";

/// Where on the screen the middle of a slice lies: row's kind, its label, the slice's number.
fn middle(browser: &Browser, kind: &str, label: &str, i: usize) -> (f64, f64) {
    let at = browser.script(&format!(
        "const row = rows.find(r => r.kind === '{kind}' && r.label === '{label}'), s = slicesOf(row), box = canvas.getBoundingClientRect();
         return [(xOf(s.begin[{i}]) + xOf(s.end[{i}])) / 2 + box.x, yOf(row) + 10 + box.y];"
    ));
    let (x, y) = at.split_once(',').expect("two numbers");
    (x.parse().expect("x"), y.parse().expect("y"))
}

#[test]
fn the_page_answers_in_a_browser() {
    let Some(browser) = Browser::start("answers") else { return };
    let folder = Folder::new("browser");
    let path = folder.file("t.html");
    assert!(trace(&["--seed", "1", "handoff.gm", "-o", &path]).status.success());
    browser.open(Path::new(&path));
    let inner = |what: &str| browser.script(&format!("return document.querySelector('{what}').innerText"));
    let facts = inner("#facts");
    assert!(facts.ends_with("of virtual time · 1 P · 3 goroutines · 39 events"), "{facts}");
    assert!(inner("#panel").contains("What you see"));

    // The numbers are those of the text.
    assert_eq!(browser.script("return [ps.length, ps[0].runs.count, readies.length, timers.length]"), "1,11,10,2");

    // A click on a slice: g1 computes in the last.
    let last = browser.script("return ps[0].runs.count - 1").parse().expect("a number");
    let (x, y) = middle(&browser, "p", "P0", last);
    browser.click(x, y);
    let panel = inner("#panel");
    assert!(panel.contains("ran on P0 for ") && panel.contains("It ran until the end."), "{panel}");
    assert!(inner("#what").contains("slice 6 of 6"), "{}", inner("#what"));

    // Its row: why it waited.
    let (x, y) = middle(&browser, "g", "g1", 0);
    browser.click(x - 100.0, y);
    browser.keys("/g1");
    assert!(inner("#panel").contains("1 found"), "{}", inner("#panel"));
    browser.keys(ENTER);
    let panel = inner("#panel");
    for part in [
        "Why did g1 wait?",
        "sleep: once, 2.00 ms in all, at handoff.gm:20",
        "chan send: twice, ",
        "chan receive: once, ",
        "ended by g2",
        "time.Sleep(2 * time.Millisecond)",
    ] {
        assert!(panel.contains(part), "{part}\n{panel}");
    }
    assert!(inner("#sums").contains("ran\t6 times"), "{}", inner("#sums"));

    // A stretch of waiting, by a click into the row.
    let i = browser.script(
        "const l = life(0); return [...l.what].findIndex((w, i) => w === WAIT && reasonOf(l.first[i]) === 'sleep')",
    );
    let (x, y) = middle(&browser, "g", "g1", i.parse().expect("a number"));
    browser.click(x, y);
    let panel = inner("#panel");
    assert!(
        panel.contains("waited 2.00 ms") && panel.contains("a timer fired") && panel.contains("handoff.gm:20"),
        "{panel}"
    );

    // Search by function, a link, the next slice.
    browser.keys("/double");
    browser.script("document.querySelector('#found a').click()");
    assert!(inner("#panel").contains("Why did g2 wait?"));
    browser.script("canvas.focus()");
    browser.keys("n");
    let panel = inner("#panel");
    assert!(
        panel.contains("slice 1 of ") && panel.contains("Why it stopped") && panel.contains("g2 parks at handoff.gm:"),
        "{panel}"
    );

    // Zoom and pan by keys and wheel, the whole again.
    let span = || browser.script("return view.t1 - view.t0").parse::<f64>().expect("a number");
    browser.keys("0");
    let whole = span();
    browser.keys("++w");
    assert!((span() / whole - 0.343).abs() < 1e-3, "{} of {whole}", span());
    let before = browser.script("return view.t0");
    browser.keys("d");
    assert_ne!(browser.script("return view.t0"), before);
    browser.script("canvas.dispatchEvent(new WheelEvent('wheel', { deltaY: 100, cancelable: true }))");
    assert!(span() > whole * 0.35);
    browser.keys("0");
    assert_eq!(span(), whole);

    // Light and dark, help, and nothing picked.
    let back = || browser.script("return getComputedStyle(document.body).backgroundColor");
    let light = back();
    browser.keys("t");
    assert_ne!(back(), light);
    browser.keys("?");
    assert_eq!(browser.script("return document.getElementById('keys').open"), "true");
    browser.script("document.getElementById('keys').close()");
    browser.keys("\u{e00c}");
    assert!(inner("#panel").contains("What you see"));
    browser.is_content();
}

#[test]
fn a_deadlock_is_seen_in_the_browser() {
    let Some(browser) = Browser::start("deadlock") else { return };
    let folder = Folder::new("seen");
    let path = folder.file("t.html");
    let code = "var mu sync.Mutex\nmu.Lock()\ngo func() {\n\tmu.Lock()\n}()\nruntime.Gosched()\nselect {}";
    assert_eq!(trace(&["--procs", "2", "-o", &path, "-e", code]).status.code(), Some(2));
    browser.open(Path::new(&path));
    browser.script("pickG(gIndex.get(2), true)");
    let panel = browser.script("return panel.innerText");
    for part in ["sync.Mutex.Lock: once", "at -e:4", "and it waits there still when the run ends", "Made by g1 at -e:3"]
    {
        assert!(panel.contains(part), "{part}\n{panel}");
    }
    browser.is_content();
}

#[test]
fn the_page_of_a_long_run_says_what_it_does_not_show() {
    let Some(browser) = Browser::start("long") else { return };
    let folder = Folder::new("long");
    let path = folder.file("t.html");
    let code = "c := make(chan int)\ngo func() { for { c <- 1 } }()\nfor range 20000 { <-c }";
    assert!(trace(&["--seed", "1", "--events", "3000", "-o", &path, "-e", code]).status.success());
    browser.open(Path::new(&path));
    let said = browser.script("return document.getElementById('loss').innerText");
    let kept = decode(&folder.read("t.html")).len() as f64
        - browser.script("return head.remembered").parse::<f64>().expect("a number");
    assert_eq!(browser.script("return head.events"), kept.to_string());
    for part in ["The last ", " events are shown, from ", " earlier ones were not kept (see --events)."] {
        assert!(said.contains(part), "{said}");
    }
    // Both goroutines began before, and are known.
    browser.script("pickG(gIndex.get(2), true)");
    assert!(browser.script("return panel.innerText").contains("Made by g1 at -e:2"));
    browser.is_content();
}

/// How long a page of a million events takes; `cargo test --release --test trace -- --ignored --nocapture`.
#[test]
#[ignore = "measures"]
fn a_million_events_are_soon_there_and_move_smoothly() {
    let Some(browser) = Browser::start("million") else { return };
    let folder = Folder::new("million");
    let path = folder.file("t.html");
    let code = "for range 2 { a, b := make(chan int), make(chan int); go func() { for v := range a { b <- v } }(); go func() { for { a <- 1; <-b } }() }\n\
                time.Sleep(2 * time.Second)";
    assert!(trace(&["--procs", "2", "-o", &path, "-e", code]).status.success());
    browser.open(Path::new(&path));
    let interactive: f64 =
        browser.script("return performance.getEntriesByType('navigation')[0].domInteractive").parse().expect("ms");
    let pan = "const times = []; let n = 0;
        const step = now => { times.push(now); pan(n % 20 < 10 ? 0.02 : -0.02); n++ < 90 ? requestAnimationFrame(step) : done(90000 / (times.at(-1) - times[0])) };";
    let rates: Vec<f64> = ["whole()", "zoom(0.1)", "zoom(0.01)"]
        .iter()
        .map(|zoom| browser.wait(&format!("{zoom}; {pan} requestAnimationFrame(step)")).parse().expect("a rate"))
        .collect();
    println!(
        "{} events: interactive after {interactive:.0} ms; frames a second: {rates:.0?}",
        browser.script("return head.events")
    );
    assert!(interactive < 2000.0 && rates.iter().all(|r| *r > 30.0));
    browser.is_content();
}
