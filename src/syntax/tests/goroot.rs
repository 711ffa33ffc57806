//! By hand: every file of Go's own source parses. `GMPL_GOROOT=$(go env GOROOT) cargo test --lib every_file -- --ignored`.
use super::Text;
use std::path::{Path, PathBuf};

fn go_files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|n| n != "testdata") {
                go_files(&path, out);
            }
        } else if path.extension().is_some_and(|e| e == "go") {
            out.push(path);
        }
    }
}

#[test]
#[ignore = "needs Go's source: GMPL_GOROOT"]
fn every_file_of_go_parses() {
    let root = std::env::var("GMPL_GOROOT").expect("GMPL_GOROOT names Go's root");
    let mut files = Vec::new();
    go_files(&Path::new(&root).join("src"), &mut files);
    assert!(files.len() > 1000, "{} files", files.len());
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let errors = Text::parse(&text).errors();
        assert!(errors.is_empty(), "{}: {errors:?}", file.display());
    }
}
