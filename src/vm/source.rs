//! Where source text comes from: the program's files, the packages inside the binary, the packages of a module.
use super::constraint::Tags;
use super::module::Module;
use super::prune::{Pruned, imports_of};
use crate::base::limits::GO_RELEASE;
use crate::types::load::{LoadError, LoadedPackage, Loader};
use rustc_hash::FxHashSet;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

include!(concat!(env!("OUT_DIR"), "/stdlib.rs"));

/// The files of a program, as `(name, text)`, and the module they lie in.
#[derive(Default)]
pub struct Files {
    pub files: Vec<(String, String)>,
    pub module: Option<Module>,
    /// Packages whose files are given here instead of found, by import path.
    pub packages: Vec<(String, Vec<(String, String)>)>,
    /// Which files of a folder are used.
    pub tags: Tags,
    /// The program's own import path, where it lies in a module.
    pub path: Option<String>,
}

impl Files {
    /// One file of the given name.
    pub fn one(name: impl Into<String>, text: impl Into<String>) -> Files {
        Files { files: vec![(name.into(), text.into())], ..Files::default() }
    }

    /// Files of a folder, with the module that it lies in.
    fn of(files: Vec<(String, String)>, dir: &Path, tags: &Tags) -> Files {
        let module = Module::find(dir);
        let path = module.as_ref().and_then(|m| m.path_of(dir));
        Files { files, module, packages: Vec::new(), tags: tags.clone(), path }
    }

    /// Reads a program from standard input.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the input.
    pub fn read_input(tags: &Tags) -> Result<Files, String> {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes).map_err(|e| why("standard input", &e))?;
        let text = text_of("standard input", bytes)?;
        Ok(Files::of(vec![("standard input".into(), text)], Path::new("."), tags))
    }

    /// Reads a program: a file whatever its constraints, `-` for standard input, or the source files of a folder but tests
    /// that are for this machine and these tags.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the path.
    pub fn read(path: &Path, tags: &Tags) -> Result<Files, String> {
        if path.as_os_str() == "-" {
            return Files::read_input(tags);
        }
        let shown = path.display();
        let meta = std::fs::metadata(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => match nearest(path) {
                Some(near) => format!("{shown}: no such file or folder; did you mean {}?", near.display()),
                None => format!("{shown}: no such file or folder"),
            },
            _ => why(&shown.to_string(), &e),
        })?;
        if meta.is_dir() {
            return Ok(Files::of(Folder::read(path, tags)?.sources(path)?, path, tags));
        }
        let text = read_text(path)?;
        tags.fit_text(&text).map_err(|e| format!("{shown}: {e}"))?;
        let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Files::of(vec![(shown.to_string(), text)], dir, tags))
    }
}

/// The files of a package: names and texts, in order.
pub struct Folder {
    pub files: Vec<(String, String)>,
    /// The names of those that constraints exclude.
    pub excluded: Vec<String>,
    /// One that is excluded since it uses cgo.
    pub cgo: Option<String>,
}

impl Folder {
    /// Reads the source files of a folder, tests among them.
    ///
    /// # Errors
    /// A sentence that says what cannot be read.
    pub fn read(dir: &Path, tags: &Tags) -> Result<Folder, String> {
        let entries = std::fs::read_dir(dir).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => format!("{}: no such file or folder", dir.display()),
            _ => why(&dir.display().to_string(), &e),
        })?;
        let paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        let sources = paths.iter().filter(|p| is_source_or_test(p));
        let mut names: Vec<String> =
            sources.filter_map(|p| p.file_name().and_then(|n| n.to_str()).map(str::to_string)).collect();
        names.sort();
        let mut folder = Folder { files: Vec::new(), excluded: Vec::new(), cgo: None };
        let without = paths.iter().any(|p| is_assembly(p, tags)).then(|| tags.without_architecture());
        let tags = without.as_ref().unwrap_or(tags);
        for name in names {
            if !tags.fit_name(&name) {
                folder.excluded.push(name);
                continue;
            }
            let text = read_text(&dir.join(&name))?;
            let fits = tags.fit_text(&text).map_err(|e| format!("{}: {e}", dir.join(&name).display()))?;
            // As Go does without cgo: a package may have other files for that.
            let cgo = fits && imports_of(&text).iter().any(|i| i.1 == "C");
            if cgo {
                folder.cgo = Some(name.clone());
            }
            if fits && !cgo {
                folder.files.push((name, text));
            } else {
                folder.excluded.push(name);
            }
        }
        Ok(folder)
    }

    /// The files but tests, under their whole names.
    ///
    /// # Errors
    /// A sentence: there are none.
    fn sources(self, dir: &Path) -> Result<Vec<(String, String)>, String> {
        let (mut sources, mut tests) = (self.files, self.excluded.is_empty());
        tests &= !sources.is_empty();
        sources.retain(|f| !is_test(Path::new(&f.0)));
        if !sources.is_empty() {
            return Ok(sources.into_iter().map(|(n, text)| (dir.join(n).display().to_string(), text)).collect());
        }
        let shown = dir.display();
        Err(match () {
            () if tests => format!("{shown}: the folder has only tests; `gmpl test {shown}` runs them"),
            () if self.excluded.is_empty() => format!("{shown}: the folder has no .gm or .go files"),
            () => format!(
                "{}{}",
                excluded_all(dir),
                self.cgo.map_or(String::new(), |f| format!("; {f} uses cgo, which gmpl has not"))
            ),
        })
    }
}

/// What Go says of a folder whose files are all for other machines, or for nobody.
pub fn excluded_all(dir: &Path) -> String {
    let dir = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_path_buf());
    format!("build constraints exclude all Go files in {}", dir.display())
}

/// Whether a path names a source file of a package or of its tests.
pub fn is_source_or_test(path: &Path) -> bool {
    let source = path.extension().is_some_and(|e| e == "gm" || e == "go");
    let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or("");
    source && path.is_file() && !stem.starts_with(['.', '_'])
}

/// The release of Go, 1.N, that a program in this module is written for.
pub(super) fn release_of(module: Option<&Module>) -> u32 {
    module.map_or(GO_RELEASE, |m| m.release)
}

/// Whether a file has functions in assembly for this machine. What a package has in their place on machines for which it has
/// none is what can be used here.
fn is_assembly(path: &Path, tags: &Tags) -> bool {
    if path.extension().is_none_or(|e| e != "s") {
        return false;
    }
    let tags = tags.with_assembler();
    path.file_name().and_then(|n| n.to_str()).is_some_and(|n| tags.fit_name(n))
        && std::fs::read_to_string(path).is_ok_and(|text| tags.fit_text(&text).unwrap_or(false))
}

/// Whether a source file holds tests.
pub fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|s| s.to_str().is_some_and(|s| s.ends_with("_test")))
}

/// A path as seen from here, if it lies below.
pub fn shown(path: &Path) -> PathBuf {
    let here = std::fs::canonicalize(".").unwrap_or_default();
    match path.strip_prefix(here) {
        Ok(rest) if rest.as_os_str().is_empty() => PathBuf::from("."),
        Ok(rest) => Path::new(".").join(rest),
        Err(_) => path.to_path_buf(),
    }
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
    let near = names.filter(|n| is_source_or_test(&dir.unwrap_or(Path::new("")).join(n)));
    let near = near.map(|n| (strsim::damerau_levenshtein(&n, wanted), n)).min().filter(|n| n.0 <= 3)?;
    Some(dir.map_or_else(|| PathBuf::from(&near.1), |d| d.join(&near.1)))
}

/// The bytes of a source file as text.
fn text_of(shown: &str, bytes: Vec<u8>) -> Result<String, String> {
    if bytes.len() > u32::MAX as usize / 4 {
        return Err(format!("{shown}: the file is larger than 1 GB"));
    }
    if bytes[..bytes.len().min(4096)].contains(&0) {
        return Err(format!("{shown}: this is a binary file, not a program"));
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.trim().is_empty() => Err(format!("{shown}: the file is empty")),
        Ok(text) => Ok(text),
        Err(e) => {
            let at = e.utf8_error().valid_up_to();
            let line = 1 + e.as_bytes()[..at].iter().filter(|&&b| b == b'\n').count();
            Err(format!("{shown}:{line}: the file is not UTF-8 text (byte {at})"))
        }
    }
}

/// Finds imported packages.
pub struct PackageLoader {
    module: Option<Module>,
    given: Vec<(String, Vec<(String, String)>)>,
    tags: Tags,
    /// The import path of the program itself.
    path: Option<String>,
    /// What the program reaches of the standard packages; `None`: they are loaded whole.
    pruned: Option<Pruned>,
}

impl PackageLoader {
    pub fn new(module: Option<Module>) -> PackageLoader {
        PackageLoader { module, given: Vec::new(), tags: Tags::default(), path: None, pruned: None }
    }

    /// For the packages of a program, and no more of the standard ones than it reaches if that is given.
    pub(super) fn of(files: &Files, pruned: Option<Pruned>) -> PackageLoader {
        let (module, given) = (files.module.clone(), files.packages.clone());
        PackageLoader { module, given, tags: files.tags.clone(), path: files.path.clone(), pruned }
    }

    /// What to do about a package that is nowhere.
    fn help(&self, path: &str) -> Option<String> {
        let folder = |dir: &Path| path.starts_with(char::is_alphanumeric) && dir.join(path).is_dir();
        match &self.module {
            Some(m) if folder(&m.dir) => return Some(format!("did you mean \"{}/{path}\"?", m.path)),
            None if folder(Path::new("")) => {
                return Some(format!(
                    "with a file go.mod beside the folder {path} that says `module NAME`, import \"NAME/{path}\""
                ));
            }
            _ => {}
        }
        let near = std_packages().map(|p| (strsim::damerau_levenshtein(p, path), p)).min().filter(|n| n.0 <= 2);
        if let Some((_, near)) = near {
            return Some(format!("did you mean \"{near}\"?"));
        }
        let first = path.split('/').next().unwrap_or("");
        match &self.module {
            _ if path.starts_with('.') => Some("import it by its module's path and its folder".into()),
            None if first.contains('.') => {
                Some("packages of others need a go.mod that says where they are: `go mod init NAME`".into())
            }
            Some(m) if first.contains('.') && !path.starts_with(&m.path) => Some(format!(
                "gmpl fetches nothing: `go get {path}` does, or `replace` in go.mod names a folder that has it"
            )),
            _ => None,
        }
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
    let given = files.packages.iter().flat_map(|p| &p.1);
    let mut texts: Vec<Cow<str>> = files.files.iter().chain(given).map(|f| f.1.as_str().into()).collect();
    // The packages of the module are read once more when they are loaded.
    let mut known: FxHashSet<String> = files.packages.iter().map(|p| p.0.clone()).collect();
    let mut at = 0;
    while at < texts.len() {
        let text = std::mem::take(&mut texts[at]);
        for (_, path) in imports_of(&text) {
            if std_files(path).is_empty() && known.insert(path.to_string()) {
                let dir = files.module.as_ref()?.folder_of(path)?.ok()?;
                let folder = Folder::read(&dir, &files.tags).ok()?;
                texts.extend(folder.files.into_iter().map(|f| f.1.into()));
            }
        }
        texts[at] = text;
        at += 1;
    }
    Pruned::new(texts.iter().map(|t| &**t), std_package_named)
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
            let release = release_of(self.module.as_ref());
            return Ok(LoadedPackage { std: false, release, files: files.clone() });
        }
        let files = std_files(path);
        if !files.is_empty() {
            // The runtime's own package is needed whole.
            let reached = self.pruned.as_ref().filter(|_| path != "internal/rt").and_then(|p| p.files(path, FILES));
            if let Some(files) = reached {
                let files = files.into_iter().map(|(name, text)| (format!("$std/{name}"), text)).collect();
                return Ok(LoadedPackage { std: true, release: GO_RELEASE, files });
            }
            let files = files.iter().map(|f| (format!("$std/{}", f.1), f.2.to_string())).collect();
            return Ok(LoadedPackage { std: true, release: GO_RELEASE, files });
        }
        let (message, mut help) = match self.module.as_ref().and_then(|m| m.folder_of(path)) {
            Some(Ok(dir)) => {
                let release = self.module.as_ref().map_or(GO_RELEASE, |m| m.release_of(path, &dir));
                let dir = shown(&dir);
                match Folder::read(&dir, &self.tags).and_then(|f| f.sources(&dir)) {
                    Ok(files) => return Ok(LoadedPackage { std: false, release, files }),
                    Err(e) => (e, None),
                }
            }
            Some(Err(dir)) => (format!("{}: no such folder", shown(&dir).display()), None),
            None if path.starts_with('.') => ("relative import paths are not supported".into(), None),
            None if path.split('/').next().is_some_and(|first| first.contains('.')) => {
                ("no required module provides it".into(), None)
            }
            None => (format!("package {path} is not in std"), None),
        };
        help = help.or_else(|| self.help(path));
        Err(LoadError { message, help })
    }

    fn allows(&self, path: &str, importer: Option<&str>) -> bool {
        let at = match path.rfind("/internal/") {
            Some(at) => at,
            None if path.starts_with("internal/") || path == "internal" => 0,
            None => match path.strip_suffix("/internal") {
                Some(parent) => parent.len(),
                None => return true,
            },
        };
        if importer.is_none() && !self.given.is_empty() {
            // The program that runs a package's tests imports what it needs.
            return true;
        }
        let importer = importer.or(self.path.as_deref()).unwrap_or("");
        let importer = importer.strip_suffix("_test").unwrap_or(importer);
        let below = importer.strip_prefix(&path[..at]);
        std_files(path).is_empty() && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn std_package_named(&self, name: &str) -> Option<String> {
        std_package_named(name).map(str::to_string)
    }
}
