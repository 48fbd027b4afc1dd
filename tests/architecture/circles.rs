//! No files import each other in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::sources::{code, is_test_file, may_only_shrink, sources};

/// The one circle that is left: the shell acts on the state, the state holds what a view keeps, and
/// the registry hands the shell its views by the trait. May shrink, not grow.
const SHELL_AND_VIEWS: &[&str] = &[
    "explorer::bookmarks",
    "explorer::effect",
    "explorer::saved_view",
    "explorer::screen",
    "explorer::shell",
    "explorer::shell::export",
    "explorer::state",
    "explorer::view",
    "explorer::views",
    "explorer::views::bookmarks",
    "explorer::views::conventions",
    "explorer::views::download",
    "explorer::views::filters",
    "explorer::views::geometry",
    "explorer::views::legend",
    "explorer::views::line",
];

#[test]
fn no_files_import_each_other_in_a_circle() {
    let imports = imports();
    // All that a file needs, directly or through others.
    let needed = |from: &str| {
        let mut needed = BTreeSet::new();
        let mut open = vec![from];
        while let Some(name) = open.pop() {
            for to in imports.get(name).into_iter().flatten() {
                if needed.insert(to.as_str()) {
                    open.push(to);
                }
            }
        }
        needed
    };
    let circled: BTreeSet<&str> = imports
        .keys()
        .map(String::as_str)
        .filter(|name| needed(name).contains(name))
        .collect();
    may_only_shrink(SHELL_AND_VIEWS, circled.clone());
    let of_shell = needed("explorer::shell");
    let apart: Vec<_> = circled.iter().filter(|n| !of_shell.contains(*n)).collect();
    assert!(apart.is_empty(), "a circle of their own: {apart:#?}");
}

/// For each file, by its module path, those that it imports. Between a module and those inside it
/// nothing is counted.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let modules: BTreeMap<String, String> = sources()
        .into_iter()
        .filter(|(path, _)| !is_test_file(path))
        .map(|(path, text)| {
            let inside = path.strip_prefix(&root).unwrap().with_extension("");
            let names = inside.iter().map(|name| name.to_string_lossy());
            let name = names.collect::<Vec<_>>().join("::");
            let name = name.strip_suffix("::mod").unwrap_or(&name).to_owned();
            (name, code(&text))
        })
        .filter(|(name, _)| name != "lib" && name != "main")
        .collect();
    let known = |path: &[String]| {
        let lengths = (1..=path.len()).rev();
        let mut names = lengths.map(|len| path[..len].join("::"));
        names.find(|name| modules.contains_key(name))
    };
    let inside = |a: &str, b: &str| a == b || a.starts_with(&format!("{b}::"));
    let of = |(name, text): (&String, &String)| {
        let paths = paths(name, text).into_iter();
        let found = paths.filter_map(|path| known(&path));
        let found = found.filter(|to| !inside(to, name) && !inside(name, to));
        (name.clone(), found.collect())
    };
    modules.iter().map(of).collect()
}

/// The paths that begin with `crate` or `super`, or with a module of its own, in `text`, the file of
/// the module `name`; each from the root, names in braces spelt out.
fn paths(name: &str, text: &str) -> Vec<Vec<String>> {
    let here: Vec<String> = name.split("::").map(str::to_owned).collect();
    let from_root = |path: Vec<String>| {
        let up = path.iter().take_while(|part| *part == "super").count();
        match path.first().map(String::as_str) {
            Some("crate") => path[1..].to_vec(),
            Some("super") => [&here[..here.len() - up], &path[up..]].concat(),
            Some("self") => [&here[..], &path[1..]].concat(),
            _ => [&here[..], &path[..]].concat(),
        }
    };
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("use ") {
        let starts = rest[..at].ends_with([' ', '\n']) || at == 0;
        rest = &rest[at + "use ".len()..];
        if starts && let Some(end) = rest.find(';') {
            spelt_out(&[], &rest[..end], &mut found);
        }
    }
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let in_code = text.split(|c| !word(c)).map(|path| path.split("::"));
    let in_code = in_code.map(|path| path.map(str::to_owned).collect::<Vec<_>>());
    found.extend(in_code.filter(|path| {
        let first = path.first().map(String::as_str);
        path.len() > 1 && matches!(first, Some("crate" | "super"))
    }));
    found.into_iter().map(from_root).collect()
}

/// What stands behind a `use`, each name with the path before its braces.
fn spelt_out(before: &[String], text: &str, found: &mut Vec<Vec<String>>) {
    let (mut depth, mut start) = (0, 0);
    let mut parts = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    for part in parts {
        let (path, inner) = match part.split_once('{') {
            Some((path, inner)) => (path, inner.trim_end().strip_suffix('}')),
            None => (part, None),
        };
        let path = path.split(" as ").next().unwrap_or_default();
        let names = path.split("::").map(str::trim).filter(|n| !n.is_empty());
        let path: Vec<String> = before
            .iter()
            .cloned()
            .chain(names.map(str::to_owned))
            .collect();
        match inner {
            Some(inner) => spelt_out(&path, inner, found),
            None if path.is_empty() => {}
            None => found.push(path),
        }
    }
}
