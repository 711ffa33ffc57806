//! Programs that try to get out of the sandbox. Each has a folder `in` that is granted, a folder `out` that is not, and
//! a file `f` in both; a program prints what it managed to do that it should not have.
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Trial {
    dir: PathBuf,
    flags: Vec<String>,
}

const PROLOGUE: &str = r#"
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

var _ = []any{bytes.Equal, context.Background, rand.Read, errors.Is, fs.ValidPath, net.Dial, os.Open, exec.Command, filepath.Join,
	strings.Cut, sync.OnceFunc, syscall.ENOENT, time.Now}

// refused complains unless the sandbox refused.
func refused(what string, err error) {
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "permission denied: ") {
		fmt.Println(what, "gave", err)
	}
}

// granted complains of errors.
func granted(what string, err error) {
	if err != nil {
		fmt.Println(what, "failed:", err)
	}
}

func read(name string) error { _, err := os.ReadFile(name); return err }

func opened(name string, flag int) error {
	f, err := os.OpenFile(name, flag, 0666)
	if err == nil {
		f.Close()
	}
	return err
}
"#;

impl Trial {
    fn new(name: &str, flags: &[&str]) -> Trial {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sandbox-{name}"));
        let _ = std::fs::remove_dir_all(&dir);
        for (folder, text) in [("in", "granted"), ("out", "secret")] {
            std::fs::create_dir_all(dir.join(folder).join("sub")).expect("a folder");
            std::fs::write(dir.join(folder).join("f"), text).expect("a file");
        }
        Trial { dir, flags: flags.iter().map(|f| f.to_string()).collect() }
    }

    fn link(self, to: &str, name: &str) -> Trial {
        std::os::unix::fs::symlink(to, self.dir.join(name)).expect("a link");
        self
    }

    fn run(&self, body: &str) -> Output {
        std::fs::write(self.dir.join("prog.go"), format!("{PROLOGUE}\n{body}")).expect("a program");
        let mut command = Command::new(env!("CARGO_BIN_EXE_gmpl"));
        command.arg("run").args(&self.flags).args(["--timeout", "60s", "prog.go"]).current_dir(&self.dir);
        command.env("SECRET", "s3cret").env("SHOWN", "shown").env("NO_COLOR", "1").output().expect("gmpl runs")
    }

    /// Nothing is printed, and nothing outside has changed.
    #[track_caller]
    fn stays_inside(&self, body: &str) {
        let names = || {
            let out = self.dir.join("out");
            let mut names: Vec<_> = std::fs::read_dir(&out).unwrap().map(|e| e.unwrap().path()).collect();
            names.push(out);
            names.sort();
            let about = |path: PathBuf| {
                let m = path.metadata().unwrap();
                (path, m.permissions(), m.modified().unwrap(), m.uid())
            };
            names.into_iter().map(about).collect::<Vec<_>>()
        };
        let before = names();
        let o = self.run(body);
        let shown = format!("{}{}", String::from_utf8_lossy(&o.stdout), String::from_utf8_lossy(&o.stderr));
        assert!(o.status.success() && shown.is_empty(), "{:?}\n{shown}", o.status);
        assert_eq!(names(), before);
        assert_eq!(std::fs::read_to_string(self.dir.join("out/f")).unwrap(), "secret");
    }
}

#[test]
fn no_name_leads_out() {
    let trial = Trial::new("names", &["--allow-read=in"]);
    let trial =
        trial.link("../out/f", "in/link").link("../out", "in/dir").link("/", "in/root").link("link", "in/chain");
    std::fs::hard_link(trial.dir.join("in/f"), trial.dir.join("in/hard")).unwrap();
    trial.stays_inside(
        r#"func main() {
	wd, err := os.Getwd()
	granted("Getwd", err)
	for _, name := range []string{"out/f", "in/../out/f", "in/link", "in/chain", "in/dir/f", "in/root/etc/passwd", "/etc/passwd",
		"in/./sub/../../out/f", "in//..//out//f", wd + "/out/f", wd + "/in/../out/f", "/proc/self/root" + wd + "/out/f",
		"/proc/self/cwd/out/f", "/proc/self/environ", "/proc/self/mem", "/proc/thread-self/root/etc/passwd", "/dev/fd/0",
		"/dev/stdin", "../../../../../../../../etc/passwd", "out/none", "none/f", "/nowhere/../etc/passwd"} {
		refused("reading "+name, read(name))
		_, err := os.Stat(name)
		refused("Stat "+name, err)
		_, err = exec.LookPath("./" + name)
		refused("LookPath "+name, err)
	}
	for _, name := range []string{"in/f", "in/hard", "in/sub/../f", wd + "/in/f", "in/../in//f"} {
		granted("reading "+name, read(name))
	}
	for _, name := range []string{"out", "in/dir", "..", "/", "/etc", "in/root"} {
		_, err := os.ReadDir(name)
		refused("ReadDir "+name, err)
		refused("Chdir "+name, os.Chdir(name))
		_, err = fs.ReadDir(os.DirFS(name), "sub")
		refused("DirFS "+name, err)
	}
	_, err = os.Lstat("in/link")
	granted("Lstat of a link", err)
	if to, err := os.Readlink("in/link"); err != nil || to != "../out/f" {
		fmt.Println("Readlink", to, err)
	}
	_, err = filepath.EvalSymlinks("in/link")
	refused("EvalSymlinks", err)
	if found, _ := filepath.Glob("out/*"); found != nil {
		fmt.Println("Glob", found)
	}
	filepath.WalkDir("in", func(path string, d fs.DirEntry, err error) error {
		granted("walking "+path, err)
		if strings.Contains(path, "dir/") || strings.Contains(path, "root/") {
			fmt.Println("walked", path)
		}
		return nil
	})
}"#,
    );
}

#[test]
fn changing_the_folder_changes_nothing() {
    Trial::new("chdir", &["--allow-read=in", "--allow-write=in"]).stays_inside(
        r#"func main() {
	start, _ := os.Getwd()
	granted("Chdir", os.Chdir("in/sub"))
	granted("reading", read("../f"))
	refused("reading", read("../../out/f"))
	refused("Chdir", os.Chdir("../.."))
	if wd, err := os.Getwd(); err != nil || wd != start+"/in/sub" {
		fmt.Println("Getwd", wd, err)
	}
	if abs, err := filepath.Abs("x"); err != nil || abs != start+"/in/sub/x" {
		fmt.Println("Abs", abs, err)
	}
	d, err := os.Open("..")
	granted("Open", err)
	granted("Chdir of a file", d.Chdir())
	granted("reading", read("f"))
	refused("reading", read("../out/f"))
	// The folder that one is in is exchanged for a link.
	granted("Rename", os.Rename("sub", "gone"))
	granted("Symlink", os.Symlink("../out", "sub"))
	refused("Chdir to a link", os.Chdir("sub"))
	refused("reading", read("sub/f"))
	// An open folder goes on being the one it was.
	g, err := os.Open("gone")
	granted("Open", err)
	granted("WriteFile", os.WriteFile("gone/here", nil, 0666))
	granted("Rename", os.Rename("gone", "moved"))
	granted("Symlink", os.Symlink("../out", "gone"))
	names, err := g.Readdirnames(-1)
	if len(names) != 1 || names[0] != "here" {
		fmt.Println("Readdirnames", names, err)
	}
}"#,
    );
}

#[test]
fn what_may_be_read_may_not_be_changed() {
    let trial = Trial::new("readonly", &["--allow-read=.", "--allow-write=in"]).link("../out/f", "in/link");
    trial.stays_inside(
        r#"func main() {
	granted("reading", read("out/f"))
	for _, flag := range []int{os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_TRUNC, os.O_RDONLY | os.O_CREATE, os.O_APPEND, 3,
		os.O_WRONLY | 0x410000, os.O_RDWR | 0x410000} {
		for _, name := range []string{"out/f", "in/link", "out/new", "in/../out", "in/../out/f"} {
			refused(fmt.Sprintf("opening %s with %#x", name, flag), opened(name, flag))
		}
	}
	f, err := os.Open("out/f")
	granted("Open", err)
	refused("Chmod of a file", f.Chmod(0777))
	if f.Truncate(0) == nil {
		fmt.Println("truncated")
	}
	if _, err := f.Write([]byte("x")); err == nil {
		fmt.Println("written")
	}
	refused("Chmod", os.Chmod("out/f", 0777))
	refused("Chmod", os.Chmod("in/link", 0777))
	refused("Truncate", os.Truncate("in/link", 0))
	refused("Chtimes", os.Chtimes("in/link", time.Time{}, time.Time{}))
	refused("Remove", os.Remove("out/f"))
	refused("RemoveAll", os.RemoveAll("out"))
	refused("Mkdir", os.Mkdir("out/dir", 0777))
	refused("MkdirAll", os.MkdirAll("out/sub/dir", 0777))
	refused("CreateTemp", func() error { _, err := os.CreateTemp("out", "x"); return err }())
	refused("MkdirTemp", func() error { _, err := os.MkdirTemp("out", "x"); return err }())
	refused("Rename out", os.Rename("in/f", "out/g"))
	refused("Rename over", os.Rename("in/f", "out/f"))
	refused("Rename in", os.Rename("out/f", "in/g"))
	refused("Link", os.Link("out/f", "in/g"))
	refused("Link out", os.Link("in/f", "out/g"))
	refused("Symlink", os.Symlink("f", "out/g"))
	// A link may be made; who follows it is asked.
	granted("Symlink", os.Symlink("../out", "in/l"))
	refused("writing", os.WriteFile("in/l/g", nil, 0666))
	refused("Mkdir", os.Mkdir("in/l/g", 0777))
	refused("Remove", os.Remove("in/l/f"))
	granted("Symlink", os.Symlink("../out/new", "in/dangling"))
	refused("writing", os.WriteFile("in/dangling", nil, 0666))
	if err := opened("in/dangling", os.O_RDWR|os.O_CREATE|os.O_EXCL); !errors.Is(err, fs.ErrExist) {
		fmt.Println("creating", err)
	}
	granted("RemoveAll", os.RemoveAll("in/l"))
	// All of this may be done inside.
	granted("MkdirAll", os.MkdirAll("in/a/b/c/", 0777))
	granted("WriteFile", os.WriteFile("in/a/f", []byte("x"), 0666))
	granted("Rename", os.Rename("in/a/f", "in/a/b/f"))
	granted("Link", os.Link("in/a/b/f", "in/a/g"))
	granted("Chmod", os.Chmod("in/a/g", 0600))
	granted("Chtimes", os.Chtimes("in/a/g", time.Now(), time.Now()))
	granted("Truncate", os.Truncate("in/a/g", 0))
	granted("Symlink", os.Symlink("b/f", "in/a/s"))
	granted("appending", opened("in/a/s", os.O_APPEND|os.O_WRONLY))
	granted("RemoveAll", os.RemoveAll("in/a"))
	t, err := os.CreateTemp("in", "x*")
	granted("CreateTemp", err)
	granted("Chmod of a file", t.Chmod(0600))
	granted("Remove", os.Remove(t.Name()))
}"#,
    );
}

#[test]
fn nothing_becomes_readable_by_being_moved() {
    let trial = Trial::new("moved", &["--allow-read=in", "--allow-write=."]);
    trial.stays_inside(
        r#"func main() {
	refused("reading", read("out/f"))
	refused("Rename", os.Rename("out/f", "in/g"))
	refused("Rename of a folder", os.Rename("out", "in/out"))
	refused("Link", os.Link("out/f", "in/g"))
	granted("Rename", os.Rename("in/f", "in/g"))
	granted("Rename", os.Rename("in", "old"))
	refused("Rename to what is granted", os.Rename("out", "in"))
	granted("Symlink", os.Symlink("out", "in"))
	refused("reading", read("in/f"))
}"#,
    );
}

/// What is looked up is exchanged for a link, again and again, while it is used.
#[test]
fn nobody_slips_through_between_look_and_use() {
    let trial = Trial::new("race", &["--procs", "4", "--allow-read=in", "--allow-write=in"]);
    // By these it is told when it is seen.
    std::fs::write(trial.dir.join("out/unseen"), "").unwrap();
    for (name, mode) in [("out", 0o701), ("out/f", 0o604)] {
        std::fs::set_permissions(trial.dir.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    trial.stays_inside(
        r#"func main() {
	granted("Mkdir", os.Mkdir("in/good", 0777))
	granted("WriteFile", os.WriteFile("in/good/f", []byte("granted"), 0666))
	granted("Symlink", os.Symlink("../out", "in/bad"))
	granted("Symlink", os.Symlink("../out/f", "in/badfile"))
	done := make(chan bool)
	var wg sync.WaitGroup
	work := func(f func()) {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					f()
				}
			}
		})
	}
	// A folder and a link to another; a file and a link to another.
	work(func() {
		os.Rename("in/good", "in/now")
		os.Rename("in/now", "in/good")
		os.Rename("in/bad", "in/now")
		os.Rename("in/now", "in/bad")
	})
	work(func() {
		os.WriteFile("in/tmp", []byte("granted"), 0666)
		os.Rename("in/tmp", "in/file")
		os.Link("in/badfile", "in/tmp")
		os.Rename("in/tmp", "in/file")
		os.Remove("in/file")
	})
	reads := 0
	for range 2 {
		work(func() {
			for _, name := range []string{"in/now/f", "in/file"} {
				b, err := os.ReadFile(name)
				if bytes.Contains(b, []byte("secret")) {
					fmt.Println("read", name)
					os.Exit(1)
				}
				if err == nil && name == "in/now/f" {
					reads++
				}
			}
			for _, name := range []string{"in/now", "in/now/"} {
				l, err := os.ReadDir(name)
				if err == nil && len(l) > 0 && l[len(l)-1].Name() == "unseen" {
					fmt.Println("listed", name, l)
				}
				if i, err := os.Lstat(name); err == nil && i.Mode().Perm() == 0701 {
					fmt.Println("seen", name)
				}
			}
			if i, err := os.Stat("in/file"); err == nil && i.Mode().Perm() == 0604 {
				fmt.Println("seen in/file")
			}
		})
		work(func() {
			os.WriteFile("in/now/f", []byte("granted"), 0666)
			os.WriteFile("in/now/new", nil, 0666)
			os.Remove("in/now/new")
			os.Mkdir("in/now/newdir", 0777)
			os.RemoveAll("in/now/newdir")
			os.WriteFile("in/file", []byte("granted"), 0666)
			os.Truncate("in/file", 3)
			os.Chmod("in/file", 0666)
			os.Chtimes("in/file", time.Time{}, time.Unix(1, 0))
			os.Lchown("in/now/", 1, 1)
			if l, err := net.Listen("unix", "in/now/sock"); err == nil {
				l.Close()
			}
		})
	}
	time.Sleep(1500 * time.Millisecond)
	close(done)
	wg.Wait()
	if reads == 0 {
		fmt.Println("the race was none")
	}
}"#,
    );
}

#[test]
fn the_environment_is_hidden() {
    Trial::new("env", &["--allow-env=SHOWN", "--allow-run=env"]).stays_inside(
        r#"func main() {
	v, ok := os.LookupEnv("SECRET")
	if v != "" || ok || os.Getenv("SHOWN") != "shown" || os.ExpandEnv("$SECRET") != "" || len(os.Environ()) != 1 {
		fmt.Println(v, ok, os.Environ())
	}
	out, err := exec.Command("env").Output()
	granted("env", err)
	if string(out) != "SHOWN=shown\n" {
		fmt.Printf("%s\n", out)
	}
	os.Setenv("SECRET", "mine")
	if os.Getenv("SECRET") != "mine" {
		fmt.Println("Setenv")
	}
}"#,
    );
}

#[test]
fn other_programs_are_out_of_reach() {
    Trial::new("run", &["--allow-run=echo,sleep"]).stays_inside(
        r#"func main() {
	out, err := exec.Command("echo", "hello").CombinedOutput()
	granted("echo", err)
	if string(out) != "hello\n" {
		fmt.Printf("%s\n", out)
	}
	for _, name := range []string{"ls", "/bin/ls", "./in/echo", "sh", "/bin/sh", "/proc/self/exe"} {
		_, err := exec.Command(name).Output()
		refused(name, err)
	}
	var notFound *exec.Error
	if _, err := exec.LookPath("ls"); !errors.As(err, &notFound) {
		fmt.Println("LookPath", err)
	}
	var bad *fs.PathError
	if _, err := os.StartProcess("/bin/ls", []string{"ls"}, &os.ProcAttr{}); !errors.As(err, &bad) {
		fmt.Println("StartProcess", err)
	}
	// Programs that are many in one look at their name.
	c := exec.Command("echo")
	c.Args[0] = "sh"
	refused("another name", c.Run())
	c = exec.Command("echo")
	c.Env = []string{"LD_PRELOAD=/tmp/x.so"}
	refused("a library", c.Run())
	for _, pid := range []int{1, os.Getppid()} {
		p, _ := os.FindProcess(pid)
		refused("Signal", p.Signal(syscall.Signal(0)))
		refused("Kill", p.Kill())
		_, err = p.Wait()
		refused("Wait", err)
	}
	// What it has started is its own.
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := exec.CommandContext(ctx, "sleep", "60").Run(); err == nil || err.Error() != "signal: killed" {
		fmt.Println("sleep", err)
	}
}"#,
    );
    Trial::new("norun", &["--sandbox"]).stays_inside(
        r#"func main() {
	refused("echo", exec.Command("echo").Run())
	refused("echo", exec.Command("/bin/echo").Run())
}"#,
    );
}

#[test]
fn the_network_is_out_of_reach() {
    Trial::new("nonet", &["--sandbox"]).stays_inside(
        r#"func main() {
	var op *net.OpError
	for _, network := range []string{"tcp", "udp", "tcp6"} {
		for _, address := range []string{"127.0.0.1:9", "[::1]:9", "localhost:9", "example.com:80", "[::ffff:127.0.0.1]:9", ":9"} {
			_, err := net.Dial(network, address)
			if _, parse := err.(*net.OpError).Err.(*net.AddrError); !parse {
				refused("dial "+network+" "+address, err)
			}
			if !errors.As(err, &op) {
				fmt.Printf("%T\n", err)
			}
		}
	}
	for _, address := range []string{":0", "127.0.0.1:0", "localhost:0"} {
		_, err := net.Listen("tcp", address)
		refused("listen "+address, err)
		_, err = net.ListenPacket("udp", address)
		refused("listen for packets "+address, err)
	}
	_, err := net.LookupHost("localhost")
	refused("lookup", err)
	_, err = net.Interfaces()
	refused("interfaces", err)
	for _, name := range []string{"in/sock", "@name", "/run/x"} {
		_, err = net.Dial("unix", name)
		refused("dial "+name, err)
		_, err = net.Listen("unix", name)
		refused("listen "+name, err)
		_, err = net.ListenPacket("unixgram", name)
		refused("listen for packets "+name, err)
	}
}"#,
    );
}

#[test]
fn only_the_hosts_that_are_granted_are_reached() {
    let trial = Trial::new("net", &["--allow-net=localhost,127.0.0.5:7", "--allow-read=in", "--allow-write=in"]);
    trial.link("../out", "in/l").stays_inside(
        r#"func echo(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		c.Write([]byte("hello"))
		c.Close()
	}
}

func main() {
	l, err := net.Listen("tcp", "localhost:0")
	granted("listen", err)
	go echo(l)
	c, err := net.Dial("tcp", l.Addr().String())
	granted("dial", err)
	b := make([]byte, 9)
	if n, err := c.Read(b); string(b[:n]) != "hello" {
		fmt.Println(string(b[:n]), err)
	}
	_, err = net.Dial("tcp", "127.0.0.5:8")
	refused("another port", err)
	_, err = net.Dial("tcp", "127.0.0.5:7")
	if errors.Is(err, fs.ErrPermission) || err == nil {
		fmt.Println(err)
	}
	_, err = net.Dial("tcp", "127.0.0.2:7")
	refused("another address", err)
	_, err = net.Listen("tcp", "0.0.0.0:0")
	refused("all addresses", err)
	u, err := net.ListenPacket("udp", "localhost:0")
	granted("udp", err)
	_, err = u.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 9), Port: 9})
	refused("sending", err)
	// Unix sockets are files.
	s, err := net.Listen("unix", "in/sock")
	granted("unix", err)
	go echo(s)
	d, err := net.Dial("unix", "in/sub/../sock")
	granted("unix", err)
	if n, err := d.Read(b); string(b[:n]) != "hello" || s.Addr().String() != "in/sock" {
		fmt.Println(string(b[:n]), err, s.Addr())
	}
	granted("Close", s.Close())
	if _, err := os.Lstat("in/sock"); !os.IsNotExist(err) {
		fmt.Println("the socket is there", err)
	}
	_, err = net.Listen("unix", "in/l/sock")
	refused("unix", err)
	_, err = net.Listen("unix", "out/sock")
	refused("unix", err)
}"#,
    );
}

/// What is refused names the flag that grants it, and that flag does.
#[test]
fn a_refusal_says_what_helps() {
    let body = r#"func main() { fmt.Println(read("out/f")) }"#;
    let o = Trial::new("hint", &["--sandbox"]).run(body);
    let text = String::from_utf8_lossy(&o.stdout).into_owned();
    assert_eq!(text, "open out/f: permission denied: read \"out/f\" (run with --allow-read=out/f)\n");
    let (_, flag) = text.trim_end().trim_end_matches(')').split_once("(run with ").expect("a hint");
    assert_eq!(String::from_utf8_lossy(&Trial::new("hint", &[flag]).run(body).stdout), "<nil>\n");
    for flag in ["--allow-read", "--allow-read=out", "--allow-read=in,out", "--allow-read=in/../out/f"] {
        assert_eq!(String::from_utf8_lossy(&Trial::new("hint", &[flag]).run(body).stdout), "<nil>\n", "{flag}");
    }
    for flag in ["--allow-env", "--allow-write", "--allow-net", "--allow-run", "--allow-read=in"] {
        assert_eq!(String::from_utf8_lossy(&Trial::new("hint", &[flag]).run(body).stdout), text, "{flag}");
    }
}

#[test]
fn streams_and_dev_null_are_always_there() {
    let o = Trial::new("streams", &["--sandbox"]).run(
        r#"func main() {
	fmt.Fprintln(os.Stdout, "out", len(os.Args))
	fmt.Fprintln(os.Stderr, "err")
	_, err := os.Stdin.Stat()
	granted("Stdin", err)
	f, err := os.OpenFile(os.DevNull, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0666)
	granted("DevNull", err)
	f.Write([]byte("x"))
	r, w, err := os.Pipe()
	granted("Pipe", err)
	go w.Write([]byte("x"))
	r.Read(make([]byte, 1))
	if time.Now().Year() < 2020 {
		fmt.Println(time.Now())
	}
	_, err = rand.Read(make([]byte, 8))
	granted("rand", err)
}"#,
    );
    assert_eq!((o.stdout.as_slice(), o.stderr.as_slice()), (&b"out 1\n"[..], &b"err\n"[..]));
}
