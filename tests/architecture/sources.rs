//! The files of `src`, and lists that may only shrink.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What is in the `src` folder, each file with its code alone, tests left out.
pub fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    assert!(found.len() > 30, "the sources are not where they were");
    found
}

pub fn room(path: &Path) -> String {
    let inside = path
        .strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .unwrap();
    let first = inside
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

pub fn is_test_file(path: &Path) -> bool {
    let inside_tests = path.components().any(|c| c.as_os_str() == "tests");
    inside_tests
        || path
            .file_stem()
            .is_some_and(|stem| stem.to_string_lossy().contains("tests"))
}

pub fn without_tests(text: &str) -> &str {
    text.split("\nmod tests {").next().unwrap()
}

/// A file's text without comments and its module of tests.
pub fn code(text: &str) -> String {
    let lines = without_tests(text).lines();
    let bare = lines.map(|line| line.split("//").next().unwrap_or_default());
    bare.collect::<Vec<_>>().join("\n")
}

/// Fails on what is found and not listed, and on what is listed and no longer found.
pub fn may_only_shrink(list: &[&str], found: BTreeSet<&str>) {
    let list: BTreeSet<&str> = list.iter().copied().collect();
    let fresh: Vec<_> = found.difference(&list).collect();
    assert!(fresh.is_empty(), "against the rule: {fresh:#?}");
    let gone: Vec<_> = list.difference(&found).collect();
    assert!(gone.is_empty(), "mended, take out of the list: {gone:#?}");
}
