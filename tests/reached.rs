//! What a program reaches of the standard packages is enough for it: with it and with whole packages the same reports
//! come, and the same program but for what is not there. That it also does the same, the golden programs show: they run
//! with what they reach.
use gmpl::vm::source::Files;
use gmpl::vm::{CompileOptions, StdPackages, compile};
use std::path::{Path, PathBuf};

fn programs(dir: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    // A folder with a go.mod is one program.
    if dir.join("go.mod").exists() {
        return out.push(dir.to_path_buf());
    }
    for path in entries {
        if path.is_dir() {
            programs(&path, out);
        } else if path.extension().is_some_and(|e| e == "gm") {
            out.push(path);
        }
    }
}

/// The reports on a program, a line each.
fn reports(program: &Path, packages: StdPackages) -> Vec<String> {
    let files = Files::read(program, &Default::default()).unwrap();
    let compiled = compile(files, CompileOptions { vet: true, packages, ..CompileOptions::default() });
    let list = &compiled.diagnostics.list;
    list.iter().map(|d| format!("{:?} {:?} {}", d.severity, d.span, d.message)).collect()
}

#[test]
fn what_is_reached_is_enough() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    for dir in ["tests/golden", "tests/check", "examples", "benches"] {
        programs(&root.join(dir), &mut all);
    }
    assert!(all.len() > 300);
    let mut failed = String::new();
    for program in all {
        let whole = reports(&program, StdPackages::Whole);
        // A program with errors is compiled again, with whole packages.
        let packages = match whole.iter().any(|r| r.starts_with("Error")) {
            true => StdPackages::Reached,
            false => StdPackages::OnlyReached,
        };
        let reached = reports(&program, packages);
        if whole != reached {
            failed += &format!("{}:\nwhole: {whole:#?}\nreached: {reached:#?}\n", program.display());
        }
    }
    assert!(failed.is_empty(), "{failed}");
}
