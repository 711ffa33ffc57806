//! Which packages a command line means, and which files they have.
use crate::vm::constraint::Tags;
use crate::vm::module::Module;
use crate::vm::source::{Folder, excluded_all, is_test, shown};
use std::path::{Path, PathBuf};

/// A package to be tested.
#[derive(Debug)]
pub struct Package {
    /// Its import path.
    pub path: String,
    /// Its folder, as it is shown.
    pub dir: PathBuf,
    /// The names of its files, tests among them.
    pub files: Vec<String>,
    /// Why it cannot be tested: what is wrong with its files' constraints.
    pub broken: Option<String>,
}

impl Package {
    pub fn has_tests(&self) -> bool {
        self.files.iter().any(|f| is_test(Path::new(f)))
    }
}

/// What packages of files on the command line are called, as in Go.
const COMMAND_LINE: &str = "command-line-arguments";

/// The packages that arguments mean: folders, `folder/...`, import paths of the module, or files of one package.
///
/// # Errors
/// A sentence that says which argument means none.
pub fn find(args: &[String], tags: &Tags) -> Result<Vec<Package>, String> {
    let here = Module::find(Path::new("."));
    if args.is_empty() {
        return folder(Path::new("."), here.as_ref(), tags).map(|p| vec![p]);
    }
    if args.iter().any(|a| a.ends_with(".gm") || a.ends_with(".go")) {
        return of_files(args).map(|p| vec![p]);
    }
    let mut packages: Vec<Package> = Vec::new();
    for arg in args {
        let found = match arg.strip_suffix("...") {
            Some(root) => below(root, here.as_ref(), tags)?,
            None => vec![folder(&place(arg, here.as_ref()), here.as_ref(), tags)?],
        };
        for package in found {
            if packages.iter().all(|p| p.path != package.path || p.dir != package.dir) {
                packages.push(package);
            }
        }
    }
    Ok(packages)
}

/// The folder of an argument: as it stands, or as an import path of the module.
fn place(arg: &str, module: Option<&Module>) -> PathBuf {
    let path = Path::new(arg);
    if path.is_dir() || arg.starts_with('.') {
        return path.to_path_buf();
    }
    let found = module.and_then(|m| m.folder_of(arg));
    found.map_or_else(|| path.to_path_buf(), |dir| shown(&dir.unwrap_or_else(|missing| missing)))
}

fn folder(dir: &Path, module: Option<&Module>, tags: &Tags) -> Result<Package, String> {
    if !dir.is_dir() {
        return Err(format!("{}: no such file or folder", dir.display()));
    }
    let package = package(dir, module, tags);
    if package.files.is_empty() && package.broken.is_none() {
        return Err(format!("{}: the folder has no .gm or .go files", dir.display()));
    }
    Ok(package)
}

/// The package in a folder.
fn package(dir: &Path, module: Option<&Module>, tags: &Tags) -> Package {
    let path = import_path(dir, module);
    let (files, broken) = match Folder::read(dir, tags) {
        Ok(f) if f.files.is_empty() && !f.excluded.is_empty() => {
            (Vec::new(), Some(format!("package {path}: {}", excluded_all(dir))))
        }
        Ok(f) => (f.files.into_iter().map(|f| f.0).collect(), None),
        Err(e) => (Vec::new(), Some(e)),
    };
    Package { path, dir: dir.to_path_buf(), files, broken }
}

/// The import path of a folder: below its module's, or its own name where there is none.
fn import_path(dir: &Path, here: Option<&Module>) -> String {
    let full = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_path_buf());
    let own;
    let module = match here {
        Some(m) if full.starts_with(&m.dir) => Some(m),
        _ => {
            own = Module::find(dir);
            own.as_ref()
        }
    };
    if let Some(path) = module.and_then(|m| m.path_of(dir)) {
        return path;
    }
    full.file_name().map_or_else(|| COMMAND_LINE.into(), |n| n.to_string_lossy().into_owned())
}

/// The packages in a folder and below, without those that begin with `.` or `_`, `testdata`, and other modules.
fn below(root: &str, module: Option<&Module>, tags: &Tags) -> Result<Vec<Package>, String> {
    let start = match root.trim_end_matches('/') {
        "" if root.starts_with('/') => PathBuf::from("/"),
        "" => PathBuf::from("."),
        root => place(root, module),
    };
    if !start.is_dir() {
        return Err(format!("{}: no such file or folder", start.display()));
    }
    let mut packages = Vec::new();
    let mut todo = vec![start.clone()];
    while let Some(dir) = todo.pop() {
        let package = package(&dir, module, tags);
        // One that is for other machines is passed over.
        if !package.files.is_empty() || package.broken.as_ref().is_some_and(|b| !b.ends_with(&excluded_all(&dir))) {
            packages.push(package);
        }
        let entries = std::fs::read_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        let mut names: Vec<String> = entries
            .flatten()
            .filter(|e| e.file_type().is_ok_and(|t| t.is_dir()))
            .filter_map(|e| e.file_name().into_string().ok())
            .filter(|n| !n.starts_with(['.', '_']) && n != "testdata" && n != "vendor")
            .filter(|n| !dir.join(n).join("go.mod").exists())
            .collect();
        // The first comes off the stack first.
        names.sort_by(|a, b| b.cmp(a));
        todo.extend(names.into_iter().map(|n| dir.join(n)));
    }
    Ok(packages)
}

fn of_files(args: &[String]) -> Result<Package, String> {
    let mut package = Package { path: COMMAND_LINE.into(), dir: PathBuf::new(), files: Vec::new(), broken: None };
    for (i, arg) in args.iter().enumerate() {
        let path = Path::new(arg);
        if !arg.ends_with(".gm") && !arg.ends_with(".go") {
            return Err(format!("{arg}: named files must be .gm or .go files"));
        }
        if !path.is_file() {
            return Err(format!("{arg}: no such file"));
        }
        let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if i > 0 && dir != package.dir {
            return Err(format!(
                "named files must all be in one folder; have {} and {}",
                package.dir.display(),
                dir.display()
            ));
        }
        package.dir = dir.to_path_buf();
        package.files.extend(path.file_name().map(|n| n.to_string_lossy().into_owned()));
    }
    Ok(package)
}
