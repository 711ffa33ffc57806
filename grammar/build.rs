//! Generates the parser from the grammar, and the list of the gmpl halves of the standard packages.
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=stdlib");
    println!("cargo::rerun-if-changed=grammar/build.rs");
    println!("cargo::rerun-if-changed=grammar/gmpl.lalrpop");
    embed_stdlib();
    lalrpop::Configuration::new()
        .set_in_dir("grammar")
        .emit_rerun_directives(false)
        .process()
        .expect("the grammar has no conflict");
}

/// Writes `stdlib.rs`: `FILES`, one `(package path, file name, text)` for each file, sorted by package.
fn embed_stdlib() {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("stdlib");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort_by_key(|f| (f.parent().map(|p| p.to_string_lossy().into_owned()), f.clone()));
    let mut out = String::from("pub static FILES: &[(&str, &str, &str)] = &[\n");
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let package = relative.parent().unwrap().to_str().unwrap();
        writeln!(out, "    ({package:?}, {:?}, include_str!({file:?})),", relative.to_str().unwrap()).unwrap();
    }
    out.push_str("];\n");
    let target = PathBuf::from(std::env::var("OUT_DIR").unwrap()).join("stdlib.rs");
    std::fs::write(target, out).unwrap();
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|e| e == "gm") {
            files.push(path);
        }
    }
}
