//! Programs full of data races, on more processors than the machine has: each must end by itself with an answer (0), or
//! with a panic or a fatal error (2), never by a signal.
//!
//! `TORTURE=seconds` runs each again until that time is over.
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn races_never_crash() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture");
    let seconds = std::env::var("TORTURE").ok().and_then(|t| t.parse().ok()).unwrap_or(0);
    let mut programs: Vec<_> = std::fs::read_dir(dir).expect("the programs").flatten().map(|e| e.path()).collect();
    programs.sort();
    assert!(!programs.is_empty());
    for program in &programs {
        let start = Instant::now();
        loop {
            for procs in ["1", "4", "8"] {
                let out = Command::new(env!("CARGO_BIN_EXE_gmpl"))
                    .args(["run", "--timeout", "60s", "--max-memory", "512M"])
                    .arg(program)
                    .env("GOMAXPROCS", procs)
                    .stdin(Stdio::null())
                    .output()
                    .expect("gmpl starts");
                let stderr = String::from_utf8_lossy(&out.stderr);
                let good = match out.status.code() {
                    Some(0) => out.stdout == b"ok\n",
                    Some(2) => stderr.starts_with("fatal error: concurrent map"),
                    _ => false,
                };
                assert!(good, "{} on {procs}: {:?}\n{stderr}", program.display(), out.status);
            }
            if start.elapsed() >= Duration::from_secs(seconds) {
                break;
            }
        }
    }
}
