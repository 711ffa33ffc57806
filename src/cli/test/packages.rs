//! Which packages a command line means, and which files they have.
use crate::vm::source::{Module, find_module, is_source_or_test, is_test};
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
pub fn find(args: &[String]) -> Result<Vec<Package>, String> {
    let here = find_module(Path::new("."));
    if args.is_empty() {
        return folder(Path::new("."), here.as_ref()).map(|p| vec![p]);
    }
    if args.iter().any(|a| a.ends_with(".gm") || a.ends_with(".go")) {
        return of_files(args).map(|p| vec![p]);
    }
    let mut packages: Vec<Package> = Vec::new();
    for arg in args {
        let found = match arg.strip_suffix("...") {
            Some(root) => below(root, here.as_ref())?,
            None => vec![folder(&place(arg, here.as_ref()), here.as_ref())?],
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
    let inside = |m: &Module| {
        let rest = arg.strip_prefix(&m.path)?;
        let rest = if rest.is_empty() { rest } else { rest.strip_prefix('/')? };
        let here = std::fs::canonicalize(".").ok()?;
        Some(shown(&m.dir.join(rest), &here))
    };
    let path = Path::new(arg);
    if path.is_dir() || arg.starts_with('.') {
        return path.to_path_buf();
    }
    module.and_then(inside).unwrap_or_else(|| path.to_path_buf())
}

/// A path as seen from here, if it lies below.
fn shown(path: &Path, here: &Path) -> PathBuf {
    match path.strip_prefix(here) {
        Ok(rest) if rest.as_os_str().is_empty() => PathBuf::from("."),
        Ok(rest) => Path::new(".").join(rest),
        Err(_) => path.to_path_buf(),
    }
}

/// The source files of a folder, in order.
fn files_of(dir: &Path) -> Result<Vec<String>, String> {
    let entries = std::fs::read_dir(dir).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => format!("{}: no such file or folder", dir.display()),
        _ => format!("{}: {}", dir.display(), crate::cli::terminal::why(&e)),
    })?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|e| is_source_or_test(&e.path()))
        .filter_map(|e| e.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

fn folder(dir: &Path, module: Option<&Module>) -> Result<Package, String> {
    let files = files_of(dir)?;
    if files.is_empty() {
        return Err(format!("{}: the folder has no .gm or .go files", dir.display()));
    }
    Ok(Package { path: import_path(dir, module), dir: dir.to_path_buf(), files })
}

/// The import path of a folder: below its module's, or its own name where there is none.
fn import_path(dir: &Path, here: Option<&Module>) -> String {
    let full = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_path_buf());
    let own;
    let module = match here {
        Some(m) if full.starts_with(&m.dir) => Some(m),
        _ => {
            own = find_module(dir);
            own.as_ref()
        }
    };
    if let Some(m) = module
        && let Ok(rest) = full.strip_prefix(&m.dir)
    {
        return match rest.to_str() {
            Some("") | None => m.path.clone(),
            Some(rest) => format!("{}/{rest}", m.path),
        };
    }
    full.file_name().map_or_else(|| COMMAND_LINE.into(), |n| n.to_string_lossy().into_owned())
}

/// The packages in a folder and below, without those that begin with `.` or `_`, `testdata`, and other modules.
fn below(root: &str, module: Option<&Module>) -> Result<Vec<Package>, String> {
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
        let files = files_of(&dir)?;
        if !files.is_empty() {
            packages.push(Package { path: import_path(&dir, module), dir: dir.clone(), files });
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
    let mut package = Package { path: COMMAND_LINE.into(), dir: PathBuf::new(), files: Vec::new() };
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
