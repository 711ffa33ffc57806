//! Random programs, made by `tests/generator` as gmpl runs it, print what they print under Go. The sums of that are in
//! `recorded.txt`. When one differs, `tests/generator/fuzz.sh` shows where.
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn random_programs_print_what_they_print_under_go() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generator");
    let recorded = std::fs::read_to_string(dir.join("recorded.txt")).expect("recorded.txt");
    let mut wrong = Vec::new();
    for line in recorded.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [seed, units, sum, len] = fields[..] else { panic!("recorded.txt: {line}") };
        let generator = dir.to_str().expect("a path of UTF-8");
        let program = run(&["run", generator, "-seed", seed, "-units", units], b"");
        let output = run(&["run", "-"], &program);
        if format!("{:016x}", fnv(&output)) != sum || output.len().to_string() != len {
            wrong.push(format!("seed {seed}: {} bytes, {len} under Go", output.len()));
        }
    }
    assert!(recorded.lines().count() >= 10);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn run(args: &[&str], stdin: &[u8]) -> Vec<u8> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gmpl"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("gmpl starts");
    child.stdin.take().expect("a pipe").write_all(stdin).expect("gmpl reads its input");
    let out = child.wait_with_output().expect("gmpl ends");
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// FNV-1a.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(14695981039346656037, |h, &b| (h ^ b as u64).wrapping_mul(1099511628211))
}
