//! Modules: which folder an import path means. Nothing is fetched: packages come from the module's own folders, from those
//! that `replace` or a `go.work` names, from `vendor`, and from what the go command has downloaded already.
use std::path::{Path, PathBuf};

/// A `go.mod`, and what it says of others.
#[derive(Clone, Debug)]
pub struct Module {
    pub path: String,
    pub dir: PathBuf,
    /// The release of Go, 1.N, that it is written for.
    pub release: u32,
    /// Paths of modules and their folders: of the workspace, and those that are required or replaced.
    others: Vec<(String, PathBuf)>,
}

impl Module {
    /// The nearest `go.mod` upward from a folder.
    pub fn find(dir: &Path) -> Option<Module> {
        let dir = std::fs::canonicalize(dir).ok()?;
        let (dir, text) = dir.ancestors().find_map(|d| Some((d, std::fs::read_to_string(d.join("go.mod")).ok()?)))?;
        let mut module =
            Module { path: path_in(&text)?, dir: dir.to_path_buf(), release: release_in(&text), others: Vec::new() };
        let mut modules = vec![(dir.to_path_buf(), text)];
        if let Some((root, workspace)) = workspace(dir) {
            for (_, words) in lines(&workspace).filter(|l| l.0 == "use") {
                let used = words.first().and_then(|w| std::fs::canonicalize(root.join(w)).ok());
                if let Some(used) = used.filter(|u| u != dir)
                    && let Ok(text) = std::fs::read_to_string(used.join("go.mod"))
                {
                    module.others.extend(path_in(&text).map(|path| (path, used.clone())));
                    modules.push((used, text));
                }
            }
            modules.push((root, workspace));
        }
        for verb in ["replace", "require"] {
            for (dir, text) in &modules {
                for (_, words) in lines(text).filter(|l| l.0 == verb) {
                    module.others.extend(other(dir, &words));
                }
            }
        }
        Some(module)
    }

    /// The folder of a package: `Ok` if it is there, `Err` with where it would be.
    pub fn folder_of(&self, path: &str) -> Option<Result<PathBuf, PathBuf>> {
        let own = (&self.path, &self.dir);
        let mut modules: Vec<_> =
            std::iter::once(own).chain(self.others.iter().map(|o| (&o.0, &o.1))).filter_map(below(path)).collect();
        // Of modules that lie in each other the innermost that has it; the first of those of one path.
        modules.sort_by_key(|m| std::cmp::Reverse(m.0));
        let vendored = self.dir.join("vendor").join(path);
        let wanted = modules.iter().find(|m| m.1.is_dir()).map(|m| Ok(m.1.clone()));
        let vendored = || vendored.is_dir().then_some(Ok(vendored));
        wanted.or_else(vendored).or_else(|| modules.into_iter().next().map(|m| Err(m.1)))
    }

    /// The release of Go, 1.N, that a package in this folder is written for, as its own module says.
    pub fn release_of(&self, path: &str, dir: &Path) -> u32 {
        let dir = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_path_buf());
        let vendor = self.dir.join("vendor");
        if dir.starts_with(&vendor) {
            return vendored_release(path, &std::fs::read_to_string(vendor.join("modules.txt")).unwrap_or_default());
        }
        let text = dir.ancestors().find_map(|d| std::fs::read_to_string(d.join("go.mod")).ok());
        text.map_or(NO_RELEASE, |text| release_in(&text))
    }

    /// The import path of a folder, if it lies in the module.
    pub fn path_of(&self, dir: &Path) -> Option<String> {
        let full = std::fs::canonicalize(dir).ok()?;
        let rest = full.strip_prefix(&self.dir).ok()?.to_str()?;
        Some(if rest.is_empty() { self.path.clone() } else { format!("{}/{rest}", self.path) })
    }
}

/// Of a module that a package may belong to: how long its path is, and the package's folder.
fn below<'p>(path: &'p str) -> impl FnMut((&String, &PathBuf)) -> Option<(usize, PathBuf)> + 'p {
    move |(module, dir)| {
        let rest = path.strip_prefix(module.as_str())?;
        match rest.strip_prefix('/') {
            Some(rest) => Some((module.len(), dir.join(rest))),
            None => rest.is_empty().then(|| (module.len(), dir.clone())),
        }
    }
}

/// The `go.work` that counts for a module, and its folder: one that uses it.
fn workspace(dir: &Path) -> Option<(PathBuf, String)> {
    if std::env::var_os("GOWORK").is_some_and(|w| w == "off") {
        return None;
    }
    let (root, text) =
        dir.ancestors().find_map(|d| Some((d.to_path_buf(), std::fs::read_to_string(d.join("go.work")).ok()?)))?;
    let uses =
        |words: &[&str]| words.first().is_some_and(|w| std::fs::canonicalize(root.join(w)).is_ok_and(|w| w == dir));
    let used = lines(&text).any(|(verb, words)| verb == "use" && uses(&words));
    used.then_some((root, text))
}

/// The module that the words of a `require` or `replace` line speak of, and its folder.
fn other(dir: &Path, words: &[&str]) -> Option<(String, PathBuf)> {
    let (path, target) = match words {
        [path, "=>", target @ ..] | [path, _, "=>", target @ ..] => (path, target),
        target @ [path, ..] => (path, target),
        [] => return None,
    };
    let folder = match target {
        [local] => dir.join(local),
        [path, version, ..] => downloaded(path, version)?,
        [] => return None,
    };
    Some((path.to_string(), folder))
}

/// Where the go command puts a module that it downloads. Capitals are written `!a`.
fn downloaded(path: &str, version: &str) -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = variable("GOMODCACHE").or_else(|| {
        let root = variable("GOPATH").or_else(|| Some(variable("HOME")?.join("go")));
        Some(root?.join("pkg/mod"))
    })?;
    let mut name = String::new();
    for c in format!("{path}@{version}").chars() {
        if c.is_ascii_uppercase() {
            name.push('!');
        }
        name.push(c.to_ascii_lowercase());
    }
    Some(cache.join(name))
}

fn path_in(text: &str) -> Option<String> {
    lines(text).find(|l| l.0 == "module")?.1.first().map(|path| path.to_string())
}

/// What a module is written for that does not say it, as Go has it.
const NO_RELEASE: u32 = 16;

/// The N of the line `go 1.N`.
fn release_in(text: &str) -> u32 {
    let line = lines(text).find(|l| l.0 == "go");
    line.and_then(|l| minor(l.1.first()?)).unwrap_or(NO_RELEASE)
}

fn minor(version: &str) -> Option<u32> {
    let digits = version.strip_prefix("1.")?;
    digits[..digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len())].parse().ok()
}

/// The release that `vendor/modules.txt` notes behind the module of a package: `# module version` and, on the next line,
/// `## explicit; go 1.N`.
fn vendored_release(package: &str, text: &str) -> u32 {
    let mut release = NO_RELEASE;
    for line in text.lines() {
        if let Some(notes) = line.strip_prefix("## ") {
            release = notes.split(';').find_map(|n| minor(n.trim().strip_prefix("go ")?)).unwrap_or(NO_RELEASE);
        } else if line.starts_with('#') {
            release = NO_RELEASE;
        } else if line == package {
            return release;
        }
    }
    NO_RELEASE
}

/// The lines of a `go.mod` or `go.work` as verb and words; those in parentheses have the verb before them.
fn lines(text: &str) -> impl Iterator<Item = (&str, Vec<&str>)> {
    let mut block = None;
    text.lines().filter_map(move |line| {
        let line = line.split_once("//").map_or(line, |(line, _)| line);
        let mut words: Vec<&str> = line.split_whitespace().map(|w| w.trim_matches(['"', '`'])).collect();
        match (block, words.as_slice()) {
            (_, []) => None,
            (Some(_), [")"]) => {
                block = None;
                None
            }
            (Some(verb), _) => Some((verb, words)),
            (None, [verb, "("]) => {
                block = Some(*verb);
                None
            }
            (None, _) => Some((words.remove(0), words)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_blocks_have_its_verb() {
        let text =
            "module \"a.b/c\" // why\n\ngo 1.27\nrequire (\n\tx v1.2 // indirect\n\n\ty v2\n)\nreplace x => ../x\n";
        let found: Vec<(&str, Vec<&str>)> = lines(text).collect();
        let wanted: [(&str, &[&str]); 5] = [
            ("module", &["a.b/c"]),
            ("go", &["1.27"]),
            ("require", &["x", "v1.2"]),
            ("require", &["y", "v2"]),
            ("replace", &["x", "=>", "../x"]),
        ];
        assert_eq!(found, wanted.map(|(verb, words)| (verb, words.to_vec())));
        assert_eq!(other(Path::new("/m"), &["x", "v1", "=>", "./y"]), Some(("x".into(), "/m/./y".into())));
    }

    #[test]
    fn the_innermost_module_has_a_package() {
        let dir = |p: &str| PathBuf::from(p);
        let others = vec![("a.b/c/d".to_string(), dir("/")), ("e".to_string(), dir("/nowhere"))];
        let module = Module { path: "a.b/c".into(), dir: dir("/nowhere"), release: 27, others };
        assert_eq!(module.folder_of("a.b/c/d"), Some(Ok(dir("/"))));
        assert_eq!(module.folder_of("a.b/c/x"), Some(Err(dir("/nowhere/x"))));
        assert_eq!(module.folder_of("e"), Some(Err(dir("/nowhere"))));
        assert_eq!(module.folder_of("a.b/cd"), None);
    }
}
