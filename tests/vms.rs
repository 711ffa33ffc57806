//! Many VMs in one process: made, run and dropped, they leave nothing behind.
use gmpl::value::env::Host;
use gmpl::vm::source::Files;
use gmpl::vm::{CompileOptions, LimitOptions, Permissions, RunOptions, Vm, compile};
use std::io::Result;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Default)]
struct Quiet {
    out: Mutex<Vec<u8>>,
}

impl Host for Quiet {
    fn stdout(&self, bytes: &[u8]) -> Result<()> {
        self.out.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    }
    fn flush_stdout(&self) -> Result<()> {
        Ok(())
    }
    fn stderr(&self, bytes: &[u8]) -> Result<()> {
        self.stdout(bytes)
    }
    fn stdin(&self, _: &mut [u8]) -> Result<usize> {
        Ok(0)
    }
    fn args(&self) -> &[String] {
        &[]
    }
    fn env(&self, _: &str) -> Option<String> {
        None
    }
    fn environ(&self) -> Vec<String> {
        Vec::new()
    }
}

const PROGRAM: &str = r#"
package main

import (
	"fmt"
	"time"
)

type node struct{ next *node; data [20]int }

func main() {
	c := make(chan int)
	stuck := make(chan int)
	for i := range 50 {
		go func() {
			var list *node
			for range 200 { list = &node{next: list} }
			m := map[int]string{}
			for k := range 100 { m[k] = fmt.Sprint(k, i) }
			c <- len(m)
			defer fmt.Println("never")
			select {
			case <-stuck:
			case <-time.After(time.Hour):
			}
		}()
	}
	sum := 0
	for range 50 { sum += <-c }
	fmt.Println(sum)
}
"#;

fn run_one() {
    let compiled = compile(Files::one("prog.gm", PROGRAM), CompileOptions::default());
    let host = Arc::new(Quiet::default());
    let options = RunOptions { procs: 2, max_memory: Some(64 << 20), ..RunOptions::default() };
    let program = compiled.program.expect("a good program");
    let exit = Vm::new(program, compiled.sources, host.clone(), &options).expect("a VM").run();
    let out = String::from_utf8_lossy(&host.out.lock().unwrap()).into_owned();
    assert_eq!((exit.status, out.as_str()), (0, "5000\n"));
}

fn kb(name: &str) -> usize {
    let text = std::fs::read_to_string("/proc/self/status").expect("proc");
    let line = text.lines().find_map(|l| l.strip_prefix(name)).expect(name);
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn files() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("proc").count()
}

/// Held by who counts what the whole process has.
static COUNTS: Mutex<()> = Mutex::new(());

#[test]
#[cfg(target_os = "linux")]
fn a_thousand_vms_leave_nothing_behind() {
    let _alone = COUNTS.lock().unwrap_or_else(|e| e.into_inner());
    let count = if cfg!(feature = "hostile") { 40 } else { 1000 };
    (0..20).for_each(|_| run_one());
    let before = (kb("VmRSS:"), kb("VmSize:"), files());
    (0..count / 2).for_each(|_| run_one());
    std::thread::scope(|s| {
        for _ in 0..16 {
            s.spawn(|| (0..count / 32).for_each(|_| run_one()));
        }
    });
    // Threads that ran blocking jobs end by themselves a little later.
    let mut threads = kb("Threads:");
    for _ in 0..100 {
        if threads <= 3 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
        threads = kb("Threads:");
    }
    let after = (kb("VmRSS:"), kb("VmSize:"), files());
    assert!(threads <= 3, "{threads} threads");
    assert_eq!(after.2, before.2, "open files");
    assert!(after.0 < before.0 + (48 << 10), "resident: {} kB, then {} kB", before.0, after.0);
    assert!(after.1 < before.1 + (2 << 20), "address space: {} kB, then {} kB", before.1, after.1);
}

fn limited(text: &str, options: RunOptions) -> (i32, String) {
    let compiled = compile(Files::one("prog.gm", text), CompileOptions::default());
    let host = Arc::new(Quiet::default());
    let exit = Vm::new(compiled.program.expect("a good program"), compiled.sources, host.clone(), &options);
    let status = exit.expect("a VM").run().status;
    (status, String::from_utf8_lossy(&host.out.lock().unwrap()).into_owned())
}

#[test]
fn limits_end_a_run_and_keep_its_output() {
    let limits = LimitOptions::default();
    let with = |limits| RunOptions { procs: 2, limits, ..RunOptions::default() };
    let loops = "package main\nfunc main() { println(1); for {} }";
    let spawns = "package main\nfunc main() { println(1); for { go func() { select {} }() } }";
    let prints = "package main\nimport \"fmt\"\nfunc main() { for { fmt.Println(1) } }";
    let sleeps = "package main\nimport \"time\"\nfunc main() { println(1); time.Sleep(time.Hour) }";
    let grows = "package main\nvar m = map[int][]int{}\nfunc main() { println(1); for i := 0; ; i++ { m[i] = make([]int, 100) } }";
    let cases = [
        (loops, with(LimitOptions { instructions: Some(10_000_000), ..limits.clone() }), "instruction limit"),
        (loops, with(LimitOptions { time: Some(Duration::from_millis(200)), ..limits.clone() }), "time limit"),
        (sleeps, with(LimitOptions { time: Some(Duration::from_millis(200)), ..limits.clone() }), "time limit"),
        (spawns, with(LimitOptions { goroutines: Some(1000), ..limits.clone() }), "too many goroutines (limit 1000)"),
        (prints, with(LimitOptions { output: Some(1001), ..limits.clone() }), "output limit"),
        (
            grows,
            RunOptions { procs: 2, max_memory: Some(32 << 20), ..RunOptions::default() },
            "out of memory (limit 32M)",
        ),
    ];
    for (text, options, says) in cases {
        let (status, out) = limited(text, options);
        assert_eq!(status, 2, "{out}");
        assert!(out.starts_with("1\n") && out.contains(&format!("fatal error: {says}")), "{out}");
    }
}

const NETWORK: &str = r#"
package main

import (
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil { panic(err) }
	r, _, _ := os.Pipe()
	go r.Read(make([]byte, 1))
	go func() {
		for {
			c, err := l.Accept()
			if err != nil { return }
			go io.Copy(c, c)
		}
	}()
	b := make([]byte, 5)
	for range 5 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil { panic(err) }
		fmt.Fprint(c, "hello")
		io.ReadFull(c, b)
		go c.Read(b[:1])
	}
	fmt.Println(string(b))
}
"#;

/// Open sockets, waiting goroutines and the poller all go with their VM.
#[test]
fn vms_with_open_connections_leave_no_descriptors() {
    let _alone = COUNTS.lock().unwrap_or_else(|e| e.into_inner());
    let sockets = || {
        let fds = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        let to = |e: std::fs::DirEntry| std::fs::read_link(e.path()).unwrap_or_default().to_string_lossy().into_owned();
        fds.map(to).filter(|to| to.starts_with("socket:") || to.starts_with("anon_inode:[eventpoll]")).count()
    };
    let before = sockets();
    for _ in 0..10 {
        let compiled = compile(Files::one("prog.gm", NETWORK), CompileOptions::default());
        let host = Arc::new(Quiet::default());
        let permissions = Permissions::none().allow_net(["127.0.0.1"]);
        let options = RunOptions { procs: 2, permissions, ..RunOptions::default() };
        let program = compiled.program.expect("a good program");
        let exit = Vm::new(program, compiled.sources, host.clone(), &options).expect("a VM").run();
        let out = String::from_utf8_lossy(&host.out.lock().unwrap()).into_owned();
        assert_eq!((exit.status, out.as_str()), (0, "hello\n"));
    }
    assert_eq!(sockets(), before);
}

const REACHES_OUT: &str = r#"
package main

import (
	crand "crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	_, read := os.ReadFile("Cargo.toml")
	_, dial := net.Dial("tcp", "127.0.0.1:9")
	_, crypto := crand.Reader.Read(make([]byte, 8))
	for _, err := range []error{read, os.WriteFile("x", nil, 0666), os.Chdir("/"), dial, exec.Command("ls").Run(), crypto} {
		if !errors.Is(err, fs.ErrPermission) { fmt.Println(err) }
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGUSR1)
	self, _ := os.FindProcess(os.Getpid())
	fmt.Println(time.Now().Year(), rand.Uint64(), os.Getenv("HOME"), errors.Is(self.Signal(syscall.SIGUSR1), fs.ErrPermission))
}
"#;

/// A VM reaches nothing that its host has not granted.
#[test]
fn nothing_is_granted_unless_the_host_says_so() {
    let first = limited(REACHES_OUT, RunOptions { procs: 2, ..RunOptions::default() });
    assert!(
        first.0 == 0 && first.1.starts_with("1970 ") && first.1.ends_with("  true\n") && first.1.lines().count() == 1,
        "{}",
        first.1
    );
    // Without randomness it is always the same.
    assert_eq!(limited(REACHES_OUT, RunOptions { procs: 1, ..RunOptions::default() }), first);
    let permissions = Permissions::none().allow_read(["Cargo.toml"]).allow_clock().allow_randomness();
    let (status, out) = limited(REACHES_OUT, RunOptions { procs: 2, permissions, ..RunOptions::default() });
    assert!(status == 0 && out.starts_with("<nil>\n<nil>\n") && !out.contains("\n1970 "), "{out}");
}
