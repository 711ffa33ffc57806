//! Where source text comes from: the program's files, the packages inside the binary, the packages of a module.
use super::prune::{Library, Pruned};
use crate::types::load::{LoadError, LoadedPackage, Loader};
use std::path::{Path, PathBuf};

include!(concat!(env!("OUT_DIR"), "/stdlib.rs"));

/// The files of a program, as `(name, text)`, and the module they lie in.
#[derive(Default)]
pub struct Files {
    pub files: Vec<(String, String)>,
    pub module: Option<Module>,
    /// Packages whose files are given here instead of found, by import path.
    pub packages: Vec<(String, Vec<(String, String)>)>,
}

/// A `go.mod`: the module's path and its folder.
#[derive(Clone, Debug)]
pub struct Module {
    pub path: String,
    pub dir: PathBuf,
}

impl Files {
    /// One file of the given name.
    pub fn one(name: impl Into<String>, text: impl Into<String>) -> Files {
        Files { files: vec![(name.into(), text.into())], ..Files::default() }
    }

    /// Reads a program from standard input.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the input.
    pub fn read_input() -> Result<Files, String> {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes).map_err(|e| why("standard input", &e))?;
        Ok(Files {
            files: vec![("standard input".into(), text_of("standard input", bytes)?)],
            module: find_module(Path::new(".")),
            ..Files::default()
        })
    }

    /// Reads a program: a file, `-` for standard input, or all source files of a folder but tests.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the path.
    pub fn read(path: &Path) -> Result<Files, String> {
        if path.as_os_str() == "-" {
            return Files::read_input();
        }
        let shown = path.display();
        let meta = std::fs::metadata(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => match nearest(path) {
                Some(near) => format!("{shown}: no such file or folder; did you mean {}?", near.display()),
                None => format!("{shown}: no such file or folder"),
            },
            _ => why(&shown.to_string(), &e),
        })?;
        let dir = if meta.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) };
        let files = if meta.is_dir() {
            let files = read_dir(path)?;
            if files.is_empty() {
                return Err(format!("{shown}: the folder has no .gm or .go files"));
            }
            files
        } else {
            vec![(shown.to_string(), read_text(path)?)]
        };
        Ok(Files { files, module: find_module(dir), ..Files::default() })
    }
}

/// The source files of a folder but tests, in order.
fn read_dir(dir: &Path) -> Result<Vec<(String, String)>, String> {
    let entries = std::fs::read_dir(dir).map_err(|e| why(&dir.display().to_string(), &e))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| is_source(p)).collect();
    paths.sort();
    paths.into_iter().map(|p| Ok((p.display().to_string(), read_text(&p)?))).collect()
}

fn is_source(path: &Path) -> bool {
    is_source_or_test(path) && !is_test(path)
}

/// Whether a path names a source file of a package or of its tests.
pub fn is_source_or_test(path: &Path) -> bool {
    let source = path.extension().is_some_and(|e| e == "gm" || e == "go");
    let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or("");
    source && path.is_file() && !stem.starts_with(['.', '_'])
}

/// Whether a source file holds tests.
pub fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|s| s.to_str().is_some_and(|s| s.ends_with("_test")))
}

/// Reads a source file.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn read_text(path: &Path) -> Result<String, String> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|e| why(&shown, &e))?;
    text_of(&shown, bytes)
}

/// What is wrong with a file, in the system's words without their number.
fn why(shown: &str, e: &std::io::Error) -> String {
    let e = e.to_string();
    let words = e.find(" (os error").map_or(e.as_str(), |i| &e[..i]);
    format!("{shown}: {}{}", words[..1].to_lowercase(), &words[1..])
}

/// The file in the same folder whose name is almost the missing one's.
fn nearest(path: &Path) -> Option<PathBuf> {
    let wanted = path.file_name()?.to_str()?;
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty());
    let entries = std::fs::read_dir(dir.unwrap_or(Path::new("."))).ok()?;
    let names = entries.flatten().take(10_000).filter_map(|e| e.file_name().into_string().ok());
    let near = names.filter(|n| is_source(&dir.unwrap_or(Path::new("")).join(n)));
    let near = near.map(|n| (strsim::damerau_levenshtein(&n, wanted), n)).min().filter(|n| n.0 <= 3)?;
    Some(dir.map_or_else(|| PathBuf::from(&near.1), |d| d.join(&near.1)))
}

/// The bytes of a source file as text.
fn text_of(shown: &str, bytes: Vec<u8>) -> Result<String, String> {
    if bytes.len() > u32::MAX as usize / 4 {
        return Err(format!("{shown}: the file is larger than 1 GB"));
    }
    if memchr::memchr(0, &bytes[..bytes.len().min(4096)]).is_some() {
        return Err(format!("{shown}: this is a binary file, not a program"));
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.trim().is_empty() => Err(format!("{shown}: the file is empty")),
        Ok(text) => Ok(text),
        Err(e) => {
            let at = e.utf8_error().valid_up_to();
            let line = 1 + memchr::memchr_iter(b'\n', &e.as_bytes()[..at]).count();
            Err(format!("{shown}:{line}: the file is not UTF-8 text (byte {at})"))
        }
    }
}

/// The nearest `go.mod` upward from a folder.
pub fn find_module(dir: &Path) -> Option<Module> {
    let dir = std::fs::canonicalize(dir).ok()?;
    for folder in dir.ancestors() {
        if let Ok(text) = std::fs::read_to_string(folder.join("go.mod")) {
            let path = text.lines().find_map(|l| l.trim().strip_prefix("module "))?;
            let path = path.split("//").next().unwrap_or("").trim().trim_matches('"').to_string();
            return Some(Module { path, dir: folder.to_path_buf() });
        }
    }
    None
}

/// Finds imported packages.
pub struct PackageLoader {
    module: Option<Module>,
    given: Vec<(String, Vec<(String, String)>)>,
    /// What the program reaches of the standard packages; `None`: they are loaded whole.
    pruned: Option<Pruned>,
}

impl PackageLoader {
    pub fn new(module: Option<Module>) -> PackageLoader {
        PackageLoader { module, given: Vec::new(), pruned: None }
    }

    /// For the packages of a program, and no more of the standard ones than it reaches if that is given.
    pub(super) fn of(files: &Files, pruned: Option<Pruned>) -> PackageLoader {
        PackageLoader { module: files.module.clone(), given: files.packages.clone(), pruned }
    }
}

/// The paths of the standard packages that programs may import.
pub fn std_packages() -> impl Iterator<Item = &'static str> {
    let mut last = "";
    FILES.iter().map(|f| f.0).filter(move |p| {
        let new = *p != last && !p.split('/').any(|part| part == "internal") && !p.is_empty();
        last = p;
        new
    })
}

/// The files of a standard package: path, file name, text.
pub fn std_files(path: &str) -> &'static [(&'static str, &'static str, &'static str)] {
    let start = FILES.partition_point(|f| f.0 < path);
    let len = FILES[start..].iter().take_while(|f| f.0 == path).count();
    &FILES[start..start + len]
}

/// What the program in these files reaches of the standard packages.
pub(super) fn prune(files: &Files) -> Option<Pruned> {
    let library = Library { files: std_files, named: std_package_named };
    let given = files.packages.iter().flat_map(|p| &p.1);
    let texts: Vec<&str> = files.files.iter().chain(given).map(|f| f.1.as_str()).collect();
    let elsewhere = |path: &str| {
        let given = files.packages.iter().any(|p| p.0 == path);
        !given && files.module.as_ref().is_some_and(|m| path.starts_with(&m.path))
    };
    Pruned::new(&texts, &library, &elsewhere)
}

/// The path of the standard package of this name.
pub fn std_package_named(name: &str) -> Option<&'static str> {
    let last = |p: &str| p.rsplit('/').next().is_some_and(|l| l == name);
    // The shortest path wins: `rand` is math/rand, not crypto/rand.
    FILES
        .iter()
        .map(|f| f.0)
        .filter(|p| !p.starts_with("internal") && last(p) && !p.contains('.'))
        .min_by_key(|p| (p.starts_with("crypto/"), p.len()))
}

impl Loader for PackageLoader {
    fn load(&self, path: &str) -> Result<LoadedPackage, LoadError> {
        if let Some((_, files)) = self.given.iter().find(|p| p.0 == path) {
            return Ok(LoadedPackage { std: false, files: files.clone() });
        }
        let files = std_files(path);
        if !files.is_empty() {
            // The runtime's own package is needed whole.
            let reached = self.pruned.as_ref().filter(|_| path != "internal/rt").and_then(|p| p.files(path));
            if let Some(files) = reached {
                let files = files.into_iter().map(|(name, text)| (format!("$std/{name}"), text)).collect();
                return Ok(LoadedPackage { std: true, files });
            }
            let files = files.iter().map(|f| (format!("$std/{}", f.1), f.2.to_string())).collect();
            return Ok(LoadedPackage { std: true, files });
        }
        if let Some(module) = &self.module {
            let inside = match path.strip_prefix(&module.path) {
                Some("") => Some(""),
                Some(rest) => rest.strip_prefix('/'),
                None => None,
            };
            if let Some(inside) = inside {
                let dir = module.dir.join(inside);
                let message = match read_dir(&dir) {
                    Ok(files) if !files.is_empty() => return Ok(LoadedPackage { std: false, files }),
                    Ok(_) => format!("no .gm or .go files in {}", dir.display()),
                    Err(e) => e,
                };
                return Err(LoadError { message, help: None });
            }
        }
        let first = path.split('/').next().unwrap_or("");
        let message = if first.contains('.') {
            format!("package {path} is not part of the program (gmpl fetches no modules)")
        } else {
            format!("package {path} is not in std")
        };
        let nearest = FILES
            .iter()
            .map(|f| f.0)
            .filter(|p| !p.starts_with("internal"))
            .map(|p| (strsim::damerau_levenshtein(p, path), p))
            .min();
        let help = nearest.filter(|n| n.0 <= 2).map(|n| format!("did you mean \"{}\"?", n.1));
        Err(LoadError { message, help })
    }

    fn std_package_named(&self, name: &str) -> Option<String> {
        std_package_named(name).map(str::to_string)
    }
}
