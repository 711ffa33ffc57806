//! Holds the tree to its plan: each folder of `src/` has a rank and imports strictly lower ranks only, the front wing
//! and the run wing never import each other, and `unsafe` stays where it is meant to be.
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wing {
    /// Both wings may stand on it, or it wires them together.
    Shared,
    Front,
    Run,
}

/// Every folder of `src/`: its rank and its wing.
const ROOMS: &[(&str, u32, Wing)] = &[
    ("base", 0, Wing::Shared),
    ("bytecode", 1, Wing::Shared),
    ("profile", 1, Wing::Shared),
    ("syntax", 2, Wing::Front),
    ("types", 3, Wing::Front),
    ("compile", 4, Wing::Front),
    ("door", 2, Wing::Run),
    ("heap", 2, Wing::Run),
    ("sched", 2, Wing::Run),
    ("sync", 3, Wing::Run),
    ("value", 4, Wing::Run),
    ("interp", 5, Wing::Run),
    ("std", 5, Wing::Run),
    ("vm", 6, Wing::Shared),
    ("cli", 7, Wing::Shared),
];

/// Folders and files that may hold `unsafe`: who owns raw memory, and the natives that read a value's words.
const UNSAFE: &[&str] = &[
    // folders and files by their descriptors
    "door/",
    "heap/",
    "sched/",
    "sync/",
    "value/",
    "interp/",
    "std/atomic.rs",
    "std/binary.rs",
    "std/buffer.rs",
    "std/errors.rs",
    "std/fmt.rs",
    "std/iter.rs",
    // calls of the system that std has no safe way for, on descriptors the VM owns
    "std/files.rs",
    "std/net.rs",
    "std/os.rs",
    "std/process.rs",
    "std/rand/mod.rs",
    // The running goroutine.
    "std/profile.rs",
    "std/runtime.rs",
    // values by their type: words of memory as the type says
    "std/json/write.rs",
    "std/reflect.rs",
    "std/reflect_equal.rs",
    "std/reflect_types.rs",
    "std/sort.rs",
    "std/strings.rs",
    "std/sync.rs",
    "std/testhook.rs",
    "std/timers.rs",
    // The terminal and signals are the system's.
    "vm/host.rs",
    // A mapped stack.
    "vm/stack.rs",
    // Where the C library begins.
    "main.rs",
    "cli/terminal.rs",
    "cli/signals.rs",
    // Pages of the command's file.
    "cli/pages.rs",
];

fn room(name: &str) -> Option<(u32, Wing)> {
    ROOMS.iter().find(|r| r.0 == name).map(|r| (r.1, r.2))
}

#[test]
fn folders_import_lower_ranks_of_their_own_wing_only() {
    let mut wrong = Vec::new();
    let sources = sources();
    // The crate's macros have no folder: they are named from its root.
    let macros: Vec<&str> = sources
        .iter()
        .flat_map(|(_, code)| code.split("macro_rules!").skip(1))
        .filter_map(|m| words(m).next())
        .collect();
    for (path, code) in &sources {
        let Some((from, _)) = path.split_once('/') else { continue };
        let Some((rank, wing)) = room(from) else {
            wrong.push(format!("src/{path}: the folder {from} has no rank"));
            continue;
        };
        for (line, to) in imports(code) {
            if to == from || macros.contains(&to.as_str()) {
                continue;
            }
            let Some((to_rank, to_wing)) = room(&to) else {
                wrong.push(format!("src/{path}:{line}: imports {to}, which has no rank"));
                continue;
            };
            if to_rank >= rank {
                wrong.push(format!("src/{path}:{line}: {from} (rank {rank}) imports {to} (rank {to_rank})"));
            } else if wing != Wing::Shared && to_wing != Wing::Shared && wing != to_wing {
                wrong.push(format!("src/{path}:{line}: {from} ({wing:?} wing) imports {to} ({to_wing:?} wing)"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn unsafe_stays_where_it_is_meant_to_be() {
    let mut wrong = Vec::new();
    for (path, code) in sources() {
        let allowed = UNSAFE.iter().any(|u| path == *u || (u.ends_with('/') && path.starts_with(u)));
        if allowed {
            continue;
        }
        for (i, line) in code.lines().enumerate() {
            if words(line).any(|w| w == "unsafe") {
                wrong.push(format!("src/{path}:{}: unsafe", i + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Natives that reach out of the program, after they have asked the door: see `std/needs.rs`.
const OUTSIDE: &[&str] =
    &["std/files.rs", "std/net.rs", "std/os.rs", "std/process.rs", "std/rand/mod.rs", "std/zones.rs"];

#[test]
fn natives_reach_out_in_few_places() {
    let ways = ["std::fs", "std::env", "std::net", "std::process", "std::time", "libc::", "signal_hook", "host.env"];
    let mut wrong = Vec::new();
    for (path, code) in sources() {
        if !path.starts_with("std/") || OUTSIDE.contains(&path.as_str()) || path.ends_with("tests.rs") {
            continue;
        }
        for (i, line) in code.lines().enumerate() {
            if ways.iter().any(|w| line.contains(w)) {
                wrong.push(format!("src/{path}:{}: {}", i + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_owns() {
    let mut wrong = Vec::new();
    for path in files() {
        let text = std::fs::read_to_string(root().join(&path)).expect("a readable source file");
        if !text.trim_start().starts_with("//!") {
            wrong.push(format!("src/{path} does not open with //!"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every Rust file under `src/`, as a path from there with slashes.
fn files() -> Vec<String> {
    fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).expect("a readable folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push(path);
            }
        }
    }
    let mut out = Vec::new();
    walk(&root(), &mut out);
    let mut names: Vec<String> = out
        .iter()
        .map(|p| p.strip_prefix(root()).expect("a path below src").to_string_lossy().replace('\\', "/"))
        .collect();
    names.sort();
    names
}

/// Every file with its code: comments and literals blanked out, lines kept.
fn sources() -> Vec<(String, String)> {
    files()
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(root().join(&path)).expect("a readable source file");
            let code = code_of(&text);
            (path, code)
        })
        .collect()
}

/// The text without comments and the insides of string and character literals.
fn code_of(text: &str) -> String {
    let s: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    // Leaves out everything up to `end` but the line breaks.
    let skip = |from: usize, end: usize, out: &mut String| {
        out.extend(s[from..end.min(s.len())].iter().filter(|c| **c == '\n'));
        end
    };
    while i < s.len() {
        let at = |k: usize| s.get(i + k).copied().unwrap_or('\0');
        let word_before = i > 0 && (s[i - 1].is_alphanumeric() || s[i - 1] == '_');
        match s[i] {
            '/' if at(1) == '/' => {
                let end = (i..s.len()).find(|&j| s[j] == '\n').unwrap_or(s.len());
                i = skip(i, end, &mut out);
            }
            '/' if at(1) == '*' => {
                let end =
                    (i + 2..s.len()).find(|&j| s[j] == '*' && s.get(j + 1) == Some(&'/')).map_or(s.len(), |j| j + 2);
                i = skip(i, end, &mut out);
            }
            'r' if !word_before && (at(1) == '"' || (at(1) == '#' && (at(2) == '"' || at(2) == '#'))) => {
                let hashes = s[i + 1..].iter().take_while(|c| **c == '#').count();
                let closes = |j: usize| s[j] == '"' && s[j + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
                let end = (i + hashes + 2..s.len()).find(|&j| closes(j)).map_or(s.len(), |j| j + 1 + hashes);
                i = skip(i, end, &mut out);
            }
            '"' => {
                let mut j = i + 1;
                while j < s.len() && s[j] != '"' {
                    j += if s[j] == '\\' { 2 } else { 1 };
                }
                i = skip(i, j + 1, &mut out);
            }
            '\'' if at(1) == '\\' => {
                let end = (i + 3..s.len()).find(|&j| s[j] == '\'').map_or(s.len(), |j| j + 1);
                i = skip(i, end, &mut out);
            }
            '\'' if at(2) == '\'' => i = skip(i, i + 3, &mut out),
            c => {
                out.push(c);
                i += 1;
            }
        }
    }
    out
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty())
}

/// What the code names as `crate::room` or `crate::{room, room}`, with the line. Macros of the crate are left out.
fn imports(code: &str) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            let name = words(rest).next().unwrap_or("");
            if !rest[name.len()..].starts_with('!') {
                out.push((line, name.to_string()));
            }
            continue;
        };
        let (mut depth, mut start) = (0, true);
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && c.is_alphabetic() => {
                    out.push((line, words(&group[i..]).next().unwrap_or("").to_string()));
                    start = false;
                }
                _ => {}
            }
        }
    }
    out
}

#[test]
fn the_reader_of_this_test_reads_rust() {
    let code = code_of(
        "use crate::a::{b, c}; // crate::x\nlet s = \"crate::y\"; use crate::{d::{e}, f};\nr#\"unsafe\"# 'u' '\\'' &'a",
    );
    let found = imports(&code);
    assert_eq!(found, [(1, "a".to_string()), (2, "d".to_string()), (2, "f".to_string())]);
    assert!(!code.contains("unsafe"));
}
