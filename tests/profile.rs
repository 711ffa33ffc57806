//! Profiles: what runs write, read by `gmpl prof`, by `go tool pprof` where there is one, and the page with the flame graph
//! in a browser where there is one.
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("gmpl-profile-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.0.join(name), bytes).expect("a file");
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn run(&self, program: &str, args: &[&str]) -> Output {
        Command::new(program)
            .args(args)
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .env("NO_COLOR", "1")
            .env("GOMAXPROCS", "2")
            .env_remove("GMPLDEBUG")
            .output()
            .unwrap_or_else(|e| panic!("{program}: {e}"))
    }

    /// Status and standard error of a command that may fail.
    fn try_gmpl(&self, args: &[&str]) -> (Option<i32>, String) {
        let o = self.run(env!("CARGO_BIN_EXE_gmpl"), args);
        (o.status.code(), text(&o.stderr))
    }

    /// Standard output of a command that succeeds.
    fn gmpl(&self, args: &[&str]) -> String {
        let o = self.run(env!("CARGO_BIN_EXE_gmpl"), args);
        assert!(o.status.success(), "{args:?}: {}", text(&o.stderr));
        text(&o.stdout)
    }

    /// What `go tool pprof` prints; `None`, with a message, where there is no Go.
    fn pprof(&self, args: &[&str]) -> Option<String> {
        if Command::new("go").arg("version").output().is_err() {
            eprintln!("skipped: go tool pprof is not there");
            return None;
        }
        let o = self.run("go", &[&["tool", "pprof"], args].concat());
        assert!(o.status.success(), "{args:?}: {}", text(&o.stderr));
        Some(text(&o.stdout))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A row of a table of functions: flat, flat%, cum, cum%.
fn row(table: &str, name: &str) -> [String; 4] {
    let found = table.lines().find(|l| l.split_whitespace().nth(5) == Some(name));
    let words: Vec<&str> = found.unwrap_or_else(|| panic!("no {name} in\n{table}")).split_whitespace().collect();
    [0, 1, 3, 4].map(|i| words[i].to_string())
}

fn percent(text: &str) -> f64 {
    text.trim_end_matches('%').parse().unwrap_or_else(|_| panic!("{text} is no share"))
}

const SPLIT: &str = "package main

func work(n int) (s int) {
	for i := 0; i < n; i++ {
		s += i ^ s>>3
	}
	return
}

func seventy() int { return work(700) }
func twenty() int  { return work(200) }
func ten() int     { return work(100) }

func main() {
	for range 20000 {
		seventy()
		twenty()
		ten()
	}
}
";

fn has_the_split(table: &str) {
    for (name, share) in [("main.seventy", 70.0), ("main.twenty", 20.0), ("main.ten", 10.0)] {
        let found = percent(&row(table, name)[3]);
        assert!((found - share).abs() < 3.0, "{name} has {found}%:\n{table}");
    }
}

#[test]
fn a_known_split_is_found_and_follows_from_the_seed() {
    let f = Folder::new("split");
    f.write("split.gm", SPLIT);
    f.gmpl(&["run", "--seed", "7", "--cpuprofile", "a", "split.gm"]);
    f.gmpl(&["run", "--seed", "7", "--cpuprofile", "b", "split.gm"]);
    assert_eq!(f.read("a"), f.read("b"));
    let table = f.gmpl(&["prof", "a"]);
    assert!(table.contains("Type: instructions\n"), "{table}");
    has_the_split(&table);
    f.gmpl(&["run", "--profile-instructions", "--cpuprofile", "c", "split.gm"]);
    has_the_split(&f.gmpl(&["prof", "c"]));
    if let Some(table) = f.pprof(&["-top", "a"]) {
        has_the_split(&table);
    }
    let list = f.gmpl(&["prof", "a", "--list", "^main.work$"]);
    assert!(list.contains("ROUTINE ======================== main.work in split.gm\n"), "{list}");
    assert!(list.lines().any(|l| l.ends_with("     5:\t\ts += i ^ s>>3")), "{list}");
    let tree = f.gmpl(&["prof", "a", "--tree"]);
    let at = |what: &str| tree.find(what).unwrap_or_else(|| panic!("no {what:?} in\n{tree}"));
    assert!(at("  main.main\n") < at("    main.seventy\n") && at("    main.seventy\n") < at("      main.work\n"));
}

const IN_EACH_OTHER: &str = "package main

import \"time\"

type vec struct{ x, y int }

func (v vec) dot(w vec) int {
	return v.x*w.x + v.y*w.y
}

func (v vec) far(n int) bool {
	return v.dot(v) > n
}

func main() {
	n := 0
	for begun := time.Now(); time.Since(begun) < 2*time.Second; {
		for i := range 300000 {
			if (vec{i, n}).far(1000) {
				n++
			}
		}
	}
}
";

#[test]
fn functions_compiled_in_place_of_their_calls_have_frames() {
    let f = Folder::new("inlined");
    f.write("p.gm", IN_EACH_OTHER);
    assert!(f.gmpl(&["disasm", "p.gm"]).contains("(inlined main.vec.dot)"));
    f.gmpl(&["run", "--cpuprofile", "cpu", "p.gm"]);
    let table = f.gmpl(&["prof", "cpu", "--rows", "0"]);
    let [flat, _, cum, _] = row(&table, "main.vec.dot");
    assert!(flat != "0" && flat == cum, "{table}");
    let share = |name: &str| percent(&row(&table, name)[3]);
    assert!(share("main.vec.dot") < share("main.vec.far") && share("main.vec.far") < share("main.main"), "{table}");
    let tree = f.gmpl(&["prof", "cpu", "--tree"]);
    let at = |what: &str| tree.find(what).unwrap_or_else(|| panic!("no {what:?} in\n{tree}"));
    assert!(at("  main.main\n") < at("    main.vec.far\n") && at("    main.vec.far\n") < at("      main.vec.dot\n"));
    let list = f.gmpl(&["prof", "cpu", "--list", "far"]);
    assert!(list.lines().any(|l| l.ends_with("    12:\treturn v.dot(v) > n")), "{list}");
}

const NATIVES: &str = "package main

import (
	\"fmt\"
	\"sort\"
	\"strings\"
	\"time\"
)

func loop() (s int) {
	for i := range 10000000 {
		s += i
	}
	return
}

func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

func repeats() (n int) {
	for range 400 {
		n += len(strings.Repeat(\"hello, \", 30000))
	}
	return
}

func sorts() {
	a := make([]int, 1<<18)
	x := uint32(1)
	for i := range a {
		x = x*1664525 + 1013904223
		a[i] = int(x)
	}
	sort.Ints(a)
}

func main() {
	// So long that each has its samples, however few there are.
	for begun := time.Now(); time.Since(begun) < 3*time.Second; {
		fmt.Sprint(loop(), fib(27), repeats())
		sorts()
	}
}
";

#[test]
fn time_is_that_of_loops_calls_and_natives() {
    let f = Folder::new("natives");
    f.write("p.gm", NATIVES);
    f.gmpl(&["run", "--cpuprofile", "cpu", "p.gm"]);
    let table = f.gmpl(&["prof", "cpu", "--rows", "0"]);
    assert!(table.contains("Type: cpu\n"), "{table}");
    for name in ["main.loop", "main.fib", "main.repeats", "strings.Repeat", "main.sorts", "sort.Ints", "main.main"] {
        assert_ne!(row(&table, name)[2], "0", "{table}");
    }
    assert!(percent(&row(&table, "main.main")[3]) > 99.0, "{table}");
    if let Some(theirs) = f.pprof(&["-top", "-nodefraction=0", "cpu"]) {
        for name in ["main.loop", "main.fib", "strings.Repeat"] {
            assert_eq!(
                percent(&row(&table, name)[3]).round(),
                percent(&row(&theirs, name)[3]).round(),
                "{name}\n{theirs}"
            );
        }
    }
}

const MEMORY: &str = "package main

import \"fmt\"

type node struct {
	next *node
	data [7]int
}

var list *node

func lists() {
	for range 2000000 {
		list = &node{next: list}
	}
}

func garbage() (n int) {
	for range 100000 {
		n += len(make([]byte, 1000))
	}
	return
}

func large() (n int) {
	for range 300 {
		n += len(make([]byte, 1<<20))
	}
	return
}

func main() {
	lists()
	fmt.Println(garbage(), large())
}
";

/// `12.5MB` in megabytes.
fn megabytes(text: &str) -> f64 {
    let at = text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len());
    let n: f64 = text[..at].parse().unwrap_or_else(|_| panic!("{text} is no size"));
    match &text[at..] {
        "GB" => n * 1024.0,
        "MB" => n,
        "kB" => n / 1024.0,
        _ => 0.0,
    }
}

#[test]
fn memory_is_scaled_to_what_was_allocated() {
    let f = Folder::new("memory");
    f.write("p.gm", MEMORY);
    f.gmpl(&["run", "--seed", "1", "--memprofile", "mem", "p.gm"]);
    let check = |tables: [String; 2]| {
        let [used, made] = tables;
        // 64 bytes each; what is sampled is within a few percent of it.
        let close = |n: f64, mb: f64| (n - mb).abs() < mb / 5.0;
        assert!(close(megabytes(&row(&used, "main.lists")[0]), 122.0), "{used}");
        assert!(close(megabytes(&row(&made, "main.lists")[0]), 122.0), "{made}");
        assert!(close(megabytes(&row(&made, "main.garbage")[0]), 100.0), "{made}");
        assert!(close(megabytes(&row(&made, "main.large")[0]), 300.0), "{made}");
        assert!(!used.contains("main.garbage") && !used.contains("main.large"), "{used}");
    };
    check([f.gmpl(&["prof", "mem"]), f.gmpl(&["prof", "--sample", "alloc_space", "mem"])]);
    let theirs = [f.pprof(&["-top", "mem"]), f.pprof(&["-top", "-sample_index=alloc_space", "mem"])];
    if let [Some(used), Some(made)] = theirs {
        check([used, made]);
    }
    let (status, err) = f.try_gmpl(&["prof", "--sample", "cpu", "mem"]);
    assert_eq!(status, Some(2));
    assert!(err.contains("it has alloc_objects, alloc_space, inuse_objects, inuse_space"), "{err}");
}

const WAITS: &str = "package main

import (
	\"sync\"
	\"time\"
)

var mu sync.Mutex

func holder(ready chan bool) {
	mu.Lock()
	close(ready)
	time.Sleep(20 * time.Millisecond)
	mu.Unlock()
}

func receiver(c chan int) { <-c }

func main() {
	ready := make(chan bool)
	go holder(ready)
	<-ready
	mu.Lock()
	mu.Unlock()
	c := make(chan int)
	go receiver(c)
	time.Sleep(30 * time.Millisecond)
	c <- 1
	time.Sleep(time.Millisecond)
}
";

#[test]
fn waits_are_those_of_who_waited_and_who_was_waited_for() {
    let f = Folder::new("waits");
    f.write("p.gm", WAITS);
    // Virtual time: exact.
    f.gmpl(&["run", "--seed", "3", "--blockprofile", "block", "--mutexprofile", "mutex", "p.gm"]);
    let check = |block: String, mutex: String| {
        for (table, name, least) in [
            (&block, "main.receiver", 30.0),
            (&block, "sync.(*Mutex).Lock", 19.0),
            (&mutex, "main.holder", 19.0),
            (&mutex, "sync.(*Mutex).Unlock", 19.0),
        ] {
            let cum = &row(table, name)[2];
            let ms: f64 = cum.trim_end_matches("ms").parse().unwrap_or_else(|_| panic!("{cum}"));
            assert!(cum.ends_with("ms") && ms >= least && ms < least + 5.0, "{name} {cum}\n{table}");
        }
        assert!(!mutex.contains("main.receiver"), "{mutex}");
    };
    check(f.gmpl(&["prof", "block"]), f.gmpl(&["prof", "mutex"]));
    if let (Some(block), Some(mutex)) = (f.pprof(&["-top", "block"]), f.pprof(&["-top", "mutex"])) {
        check(block, mutex);
    }
}

const OWN: &str = "package main

import (
	\"context\"
	\"os\"
	\"runtime\"
	\"runtime/pprof\"
)

func waiter(c chan int) { <-c }

func leak() { go waiter(make(chan int)) }

func main() {
	c := make(chan int)
	pprof.Do(context.Background(), pprof.Labels(\"stage\", \"two\"), func(context.Context) {
		for range 5 {
			go waiter(c)
		}
	})
	leak()
	for range 1000 {
		runtime.Gosched()
	}
	for _, p := range pprof.Profiles() {
		f, err := os.Create(p.Name())
		if err != nil {
			panic(err)
		}
		p.WriteTo(f, 0)
		f.Close()
	}
	runtime.KeepAlive(c)
}
";

#[test]
fn programs_write_their_own() {
    let f = Folder::new("own");
    f.write("p.gm", OWN);
    f.gmpl(&["run", "p.gm"]);
    let waiters = |table: &str| row(table, "main.waiter")[2].clone();
    assert_eq!(waiters(&f.gmpl(&["prof", "goroutine"])), "6");
    assert_eq!(waiters(&f.gmpl(&["prof", "goroutineleak"])), "1");
    f.gmpl(&["prof", "threadcreate"]);
    if let Some(traces) = f.pprof(&["-traces", "goroutine"]) {
        assert!(traces.contains("stage:  two") && traces.contains("5   runtime.chanrecv1"), "{traces}");
    }
    for name in ["allocs", "block", "goroutineleak", "heap", "mutex", "threadcreate"] {
        f.pprof(&["-top", name]);
    }
}

#[test]
fn a_profile_is_written_however_the_run_ends() {
    let f = Folder::new("ends");
    let busy = "func busy() (s int) {\n\tfor i := range 30000000 {\n\t\ts += i\n\t}\n\treturn\n}\n\n";
    let ends = [
        ("panic(1)", 2, vec![]),
        ("var mu sync.Mutex\n\tmu.Lock()\n\tmu.Lock()", 2, vec![]),
        ("os.Exit(7)", 7, vec![]),
        ("defer runtime.Gosched()\n\truntime.Goexit()", 2, vec![]),
        ("for {\n\t}", 2, vec!["--timeout", "1s"]),
        ("for {\n\t\tbusy()\n\t}", 2, vec!["--max-instructions", "200000000"]),
    ];
    for (end, status, flags) in ends {
        let imports = ["os", "runtime", "sync"].map(|p| match end.contains(&format!("{p}.")) {
            true => format!("import \"{p}\"\n"),
            false => String::new(),
        });
        f.write("p.gm", format!("package main\n\n{}\n{busy}func main() {{\n\tbusy()\n\t{end}\n}}\n", imports.concat()));
        let args = [&["run", "--cpuprofile", "cpu", "--memprofile", "mem"], &flags[..], &["p.gm"]].concat();
        let (code, err) = f.try_gmpl(&args);
        assert_eq!(code, Some(status), "{end}: {err}");
        assert!(f.gmpl(&["prof", "cpu"]).contains("main.busy"), "{end}");
        f.gmpl(&["prof", "mem"]);
    }
}

#[test]
fn a_profile_is_written_when_the_run_is_interrupted() {
    let f = Folder::new("interrupt");
    f.write("p.gm", "package main\n\nfunc main() {\n\tfor x := 0; ; x++ {\n\t\tif x == 100000000 {\n\t\t\tprintln(\"ready\")\n\t\t}\n\t}\n}\n");
    for (signal, status) in [("-INT", Some(130)), ("-TERM", None), ("-QUIT", Some(2))] {
        use std::io::{BufRead, BufReader, Read};
        let mut child = Command::new(env!("CARGO_BIN_EXE_gmpl"))
            .args(["run", "--cpuprofile", "cpu", "p.gm"])
            .current_dir(&f.0)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gmpl starts");
        let mut err = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        err.read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().is_ok_and(|s| s.success()));
        let _ = err.read_to_string(&mut line);
        assert_eq!(child.wait().expect("it ends").code(), status);
        assert!(f.gmpl(&["prof", "cpu"]).contains("main.main"), "{signal}");
    }
}

#[test]
fn what_cannot_be_written_is_said() {
    let f = Folder::new("unwritable");
    f.write("p.gm", "package main\n\nfunc main() { println(\"ran\") }\n");
    let (status, err) = f.try_gmpl(&["run", "--memprofile", "no/such/folder", "p.gm"]);
    assert_eq!(status, Some(2));
    assert!(err.starts_with("gmpl: cannot write no/such/folder: ") && !err.contains("ran"), "{err}");
    if Path::new("/dev/full").exists() {
        let (_, err) = f.try_gmpl(&["run", "--memprofile", "/dev/full", "p.gm"]);
        assert!(err.starts_with("ran\n") && err.contains("the profile is lost"), "{err}");
    }
}

#[test]
fn tests_are_profiled() {
    let f = Folder::new("tests");
    f.write("go.mod", "module example.com/m\n");
    f.write("m_test.gm", "package m\n\nimport \"testing\"\n\nvar keep []*[64]int\n\nfunc TestWork(t *testing.T) {\n\tfor range 40000 {\n\t\tkeep = append(keep, new([64]int))\n\t}\n\tfor i := 0; i < 30000000; i++ {\n\t}\n}\n");
    f.gmpl(&["test", "-cpuprofile=cpu", "-memprofile", "mem"]);
    assert!(f.gmpl(&["prof", "cpu"]).contains("TestWork"));
    assert!(f.gmpl(&["prof", "mem"]).contains("TestWork"));
    let (status, err) = f.try_gmpl(&["test", "-cpuprofile", "cpu", "--seeds", "2"]);
    assert_eq!((status, err.as_str()), (Some(2), "gmpl: cannot use -cpuprofile with --seeds\n"));
}

#[test]
fn files_that_are_no_profiles_are_refused() {
    let f = Folder::new("bad");
    f.write("split.gm", SPLIT);
    f.gmpl(&["run", "--seed", "7", "--cpuprofile", "good", "split.gm"]);
    let good = f.read("good");
    let refused = |what: &str, bytes: &[u8]| {
        f.write("bad", bytes);
        let (status, err) = f.try_gmpl(&["prof", "bad"]);
        assert_eq!(status, Some(2), "{what}: {err}");
        assert!(err.starts_with("gmpl: bad: ") && err.lines().count() == 1, "{what}: {err}");
    };
    refused("nothing", b"");
    refused("a text", b"package main\n");
    for n in [1, 3, 10, 20, good.len() / 2, good.len() - 1] {
        refused("a cut file", &good[..n]);
    }
    for i in (10..good.len()).step_by(good.len() / 20) {
        let mut damaged = good.clone();
        damaged[i] ^= 0x55;
        refused("a damaged file", &damaged);
    }
    let (status, err) = f.try_gmpl(&["prof", "absent"]);
    assert!(status == Some(2) && err.starts_with("gmpl: cannot read absent: "), "{err}");
    let (status, err) = f.try_gmpl(&["prof", "good", "--list", "("]);
    assert!(status == Some(2) && err.starts_with("gmpl: --list (: "), "{err}");
}

/// Runs a script in a page, behind the page's own; returns what it logged and the errors that there were.
fn in_browser(f: &Folder, page: &str, script: &str) -> Option<Vec<String>> {
    let program = ["chromium", "google-chrome"].into_iter().find(|p| Command::new(p).arg("--version").output().is_ok());
    let Some(program) = program else {
        eprintln!("skipped: there is no browser (Debian: apt-get install chromium)");
        return None;
    };
    let html = text(&f.read(page));
    let begin = "<script>const said = []; onerror = e => { said.push(\"error: \" + e); }; const say = s => said.push(s);\
                 console.error = console.warn = say;</script>\n</head>";
    let end = format!(
        "<script>try {{ {script} }} catch (e) {{ say(\"error: \" + e); }}
         const out = document.createElement(\"pre\"); out.id = \"said\"; out.textContent = said.join(\"\\n\");
         document.body.append(out);</script>\n</body>"
    );
    f.write("driven.html", html.replacen("</head>", begin, 1).replacen("</body>", &end, 1));
    let path = format!("file://{}", f.0.join("driven.html").display());
    let profile = format!("--user-data-dir={}", f.0.join("browser").display());
    let flags =
        ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1000,800", &profile, "--dump-dom", &path];
    let dom = text(&f.run(program, &flags).stdout);
    let said = dom.rsplit_once("<pre id=\"said\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let (said, _) = said.unwrap_or_else(|| panic!("the page has not run to its end:\n{dom}"));
    Some(said.lines().map(str::to_string).collect())
}

#[test]
fn the_page_can_be_searched_zoomed_and_used_by_keyboard() {
    let f = Folder::new("page");
    f.write("split.gm", SPLIT);
    f.gmpl(&["run", "--seed", "7", "--cpuprofile", "<a>.pprof", "split.gm"]);
    f.gmpl(&["prof", "<a>.pprof", "--html", "page.html"]);
    let page = text(&f.read("page.html"));
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("<a>"), "the page is whole");
    let script = r#"
        const at_ = id => document.getElementById(id), key = (k, to) => (to || document.activeElement)
            .dispatchEvent(new KeyboardEvent("keydown", { key: k, bubbles: true, cancelable: true }));
        const about_ = () => at_("about").querySelector("b").textContent;
        say(document.title + "|" + at_("name").textContent + "|" + at_("table").rows[0].cells[4].textContent);
        const pixels = pen.getImageData(0, 0, canvas.width, canvas.height).data, colours = new Set();
        for (let i = 0; i < pixels.length; i += 4) colours.add(pixels[i] << 16 | pixels[i + 1] << 8 | pixels[i + 2]);
        say("painted " + (colours.size > 8));
        key("/");
        say("search has focus " + (document.activeElement === at_("search")));
        at_("search").value = "/\\.wor./";
        at_("search").dispatchEvent(new Event("input"));
        say(at_("found").textContent.replace(/^99\.\d%/, "99%"));
        key("Enter");
        say(about_());
        key("ArrowUp");
        say(about_());
        key("Enter");
        say("zoomed to " + label(nodes[zoom]));
        key("ArrowUp");
        key("ArrowDown");
        key("ArrowRight");
        say(about_());
        key("Escape");
        say("zoomed to " + label(nodes[zoom]));
        const box = canvas.getBoundingClientRect();
        canvas.dispatchEvent(new MouseEvent("click", { clientX: box.left + box.width * 0.8, clientY: box.top + 2.5 * ROW }));
        say("zoomed to " + label(nodes[zoom]) + " of " + about_());
        at_("reset").click();
        say("zoomed to " + label(nodes[zoom]));
        at_("search").value = "nothing like it";
        at_("search").dispatchEvent(new Event("input"));
        say(at_("found").textContent);
        at_("type").value = "0";
        at_("type").dispatchEvent(new Event("change"));
        say(at_("total").textContent.replace(/\d[\d,]*/, "N"));
    "#;
    let Some(said) = in_browser(&f, "page.html", script) else { return };
    let expected = [
        "&lt;a&gt;.pprof – profile|&lt;a&gt;.pprof|main.work",
        "painted true",
        "search has focus true",
        "99% in 3 places",
        "main.work",
        "main.seventy",
        "zoomed to main.seventy",
        "main.twenty",
        "zoomed to everything",
        "zoomed to main.twenty of main.twenty",
        "zoomed to everything",
        "nothing",
        "split.gm, samples: N",
    ];
    assert_eq!(said, expected);
}
