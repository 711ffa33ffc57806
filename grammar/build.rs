//! Generates the parser from the grammar, the list of the gmpl halves of the standard packages, and an index of what is in
//! them; says how the command is linked.
use std::fmt::Write;
use std::path::{Path, PathBuf};

mod declarations;
mod index;
#[path = "../src/vm/prune/text.rs"]
mod text;

fn main() {
    println!("cargo::rerun-if-changed=stdlib");
    println!("cargo::rerun-if-changed=grammar");
    println!("cargo::rerun-if-changed=src/vm/prune/text.rs");
    embed_stdlib();
    link_for_start();
    lalrpop::Configuration::new()
        .set_in_dir("grammar")
        .emit_rerun_directives(false)
        .process()
        .expect("the grammar has no conflict");
}

/// Writes `stdlib.rs`: `FILES`, one `(package path, file name, text)` for each file, sorted by package; and their index.
fn embed_stdlib() {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("stdlib");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort_by_key(|f| (f.parent().map(|p| p.to_string_lossy().into_owned()), f.clone()));
    let mut out = String::from("pub static FILES: &[(&str, &str, &str)] = &[\n");
    let mut texts = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let package = relative.parent().unwrap().to_str().unwrap();
        let name = relative.to_str().unwrap();
        writeln!(out, "    ({package:?}, {name:?}, include_str!({file:?})),").unwrap();
        texts.push((package.to_string(), name.to_string(), std::fs::read_to_string(&file).unwrap()));
    }
    out.push_str("];\n");
    let target = PathBuf::from(std::env::var("OUT_DIR").unwrap());
    std::fs::write(target.join("stdlib.rs"), out).unwrap();
    std::fs::write(target.join("stdlib_index.rs"), index::index(&texts)).unwrap();
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

/// Links the command at a fixed address, with its C library inside, and in the order of need. A third of what it costs to begin would otherwise
/// be the loader's: three libraries to find and map, and a hundred pages of pointers to correct. Where the C compiler has no
/// static libraries, only the address is fixed. Tests and the library are linked as usual.
fn link_for_start() {
    let is = |key: &str, value: &str| std::env::var(key).is_ok_and(|v| v.split(',').any(|v| v == value));
    let linux = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    let native = std::env::var("HOST").ok() == std::env::var("TARGET").ok();
    if !linux || !native || is("CARGO_CFG_TARGET_FEATURE", "crt-static") {
        return;
    }
    println!("cargo::rustc-link-arg-bins=-no-pie");
    // Not every linker that somebody may have chosen reads such a script.
    let chosen = std::env::var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|f| f.contains("-ld=") || f.contains("linker"));
    if !chosen && std::env::var_os("RUSTC_LINKER").is_none() {
        let order = PathBuf::from(std::env::var("OUT_DIR").unwrap()).join("order.ld");
        std::fs::write(&order, side_by_side(include_str!("order.txt"))).unwrap();
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", order.display());
    }
    // What rustc asks for by name is found here first. It wants the shared unwinder; the static one is called otherwise.
    let libraries = ["c:c", "m:m", "gcc_eh:gcc_s", "dl:dl", "rt:rt", "pthread:pthread", "util:util"];
    let dir = PathBuf::from(std::env::var("OUT_DIR").unwrap()).join("static");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    for library in libraries {
        let (there, here) = library.split_once(':').unwrap();
        let Some(file) = static_library(there) else { return };
        if std::os::unix::fs::symlink(file, dir.join(format!("lib{here}.a"))).is_err() {
            return;
        }
    }
    let dir = format!("-L{}", dir.display());
    for arg in ["-static", &dir, "-Wl,--start-group", "-lgcc", "-lgcc_s", "-lc", "-Wl,--end-group"] {
        println!("cargo::rustc-link-arg-bins={arg}");
    }
}

/// A linker script that lays the functions of short runs, and their tables, side by side before all others. A page of the
/// command's file is mapped with fifteen around it: what is scattered takes twice the memory, and twice the page faults.
/// `order.txt` is made by `benches/order.sh`; what has another name by now lies where it would have anyway.
fn side_by_side(names: &str) -> String {
    let mut script = String::new();
    for section in [".text", ".rodata"] {
        writeln!(script, "SECTIONS {{ {section}.start : {{").unwrap();
        for line in names.lines() {
            let (file, name) = line.split_once(' ').unwrap_or(("", line));
            match name.contains(':') {
                true => writeln!(script, "*{name}({section} {section}.*)"),
                false => writeln!(script, "*{file}({section}.{name} {section}.unlikely.{name})"),
            }
            .unwrap();
        }
        writeln!(script, "}} }} INSERT BEFORE {section};").unwrap();
    }
    script
}

/// Where the C compiler keeps a static library.
fn static_library(name: &str) -> Option<PathBuf> {
    let asked = std::process::Command::new("cc").arg(format!("-print-file-name=lib{name}.a")).output().ok()?;
    let path = PathBuf::from(String::from_utf8(asked.stdout).ok()?.trim());
    (path.is_absolute() && path.exists()).then_some(path)
}
