//! The shape of the code, held by reading it: arrows one way, files of one idea, and what only
//! some rooms may know.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// For each room, the rooms whose items it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("outside", &[]),
    ("task", &[]),
    ("hub", &["outside", "task"]),
    ("log", &["outside"]),
    ("vocabulary", &["outside"]),
    ("checkpoint", &["hub", "outside", "task"]),
    ("transformer", &["checkpoint", "hub", "task"]),
    ("geometry", &[]),
    ("guide", &[]),
    ("sheet", &["vocabulary"]),
    (
        "projection",
        &["checkpoint", "transformer", "vocabulary", "task"],
    ),
    (
        "query",
        &[
            "sheet",
            "projection",
            "geometry",
            "transformer",
            "checkpoint",
            "vocabulary",
            "hub",
            "outside",
            "task",
        ],
    ),
    ("report", &["query", "sheet", "geometry", "outside"]),
    (
        "worker",
        &[
            "query",
            "projection",
            "geometry",
            "transformer",
            "checkpoint",
            "vocabulary",
            "hub",
            "task",
        ],
    ),
    (
        "scan",
        &[
            "query",
            "projection",
            "transformer",
            "vocabulary",
            "outside",
            "task",
        ],
    ),
    (
        "explorer",
        &[
            "worker",
            "scan",
            "guide",
            "report",
            "sheet",
            "query",
            "projection",
            "geometry",
            "transformer",
            "checkpoint",
            "vocabulary",
            "hub",
            "log",
            "outside",
            "task",
        ],
    ),
    (
        "cli",
        &[
            "explorer",
            "scan",
            "guide",
            "report",
            "sheet",
            "query",
            "projection",
            "geometry",
            "transformer",
            "checkpoint",
            "vocabulary",
            "hub",
            "log",
            "outside",
            "task",
        ],
    ),
];

/// Crates, and the rooms that may name them.
const CRATES: &[(&str, &[&str])] = &[
    ("ratatui", &["explorer"]),
    ("crossterm", &["explorer"]),
    ("signal_hook", &["explorer", "cli"]),
    ("rustix", &["explorer"]),
    ("parquet", &["scan"]),
    ("clap", &["cli"]),
    ("anyhow", &["cli", "explorer"]),
    (
        "candle_core",
        &["checkpoint", "projection", "query", "transformer"],
    ),
    ("candle_nn", &["transformer"]),
    ("candle_transformers", &["transformer"]),
    ("plotters", &["report"]),
    ("regex", &["vocabulary"]),
    ("tokenizers", &["vocabulary"]),
    ("base64", &["vocabulary"]),
    ("icu_normalizer", &["vocabulary"]),
    (
        "rayon",
        &[
            "projection",
            "geometry",
            "query",
            "transformer",
            "checkpoint",
            "cli",
        ],
    ),
];

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

/// Names that public types of several rooms have. May shrink, not grow: a type is named by what it
/// is an entry, model, row … of.
const SHARED_NAMES: &[&str] = &["Callbacks"];

/// Functions of more than [`LONGEST_FUNCTION`] lines. May shrink, not grow.
const LONG_FUNCTIONS: &[&str] = &[
    "src/cli/mod.rs: run",
    "src/explorer/views/geometry/act.rs: chart",
    "src/explorer/views/ranking/draw.rs: draw",
    "src/query/first_convention/answering.rs: choose",
];

/// Lines of a function's body, comments left out.
const LONGEST_FUNCTION: usize = 70;

/// What is in the `src` folder, each file with its code alone, tests left out.
fn sources() -> Vec<(PathBuf, String)> {
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

fn room(path: &Path) -> String {
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

fn is_test_file(path: &Path) -> bool {
    let inside_tests = path.components().any(|c| c.as_os_str() == "tests");
    inside_tests
        || path
            .file_stem()
            .is_some_and(|stem| stem.to_string_lossy().contains("tests"))
}

fn without_tests(text: &str) -> &str {
    text.split("\nmod tests {").next().unwrap()
}

#[test]
fn arrows_run_one_way() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let room = room(&path);
        if room == "lib" || room == "main" || is_test_file(&path) {
            continue;
        }
        let (_, allowed) = ARROWS
            .iter()
            .find(|(name, _)| *name == room)
            .unwrap_or_else(|| panic!("{room} is no room of the layout"));
        for (at, _) in without_tests(&text).match_indices("crate::") {
            let rest = &text[at + "crate::".len()..];
            let target: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if target != room && !allowed.contains(&target.as_str()) {
                faults.push(format!("{}: {room} → {target}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn each_crate_stays_in_its_rooms() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let room = room(&path);
        for (name, allowed) in CRATES {
            let used = text.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//") && line.contains(&format!("{name}::"))
            });
            if used && !allowed.contains(&room.as_str()) && !is_test_file(&path) {
                faults.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn what_draws_changes_nothing_and_what_changes_draws_nothing() {
    for (path, text) in sources() {
        let text = without_tests(&text);
        let inside = path
            .strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
            .unwrap();
        let within = |folder: &str| inside.components().any(|c| c.as_os_str() == folder);
        let is = |name: &str| path.file_name().is_some_and(|file| file == name);
        let in_view = |names: &[&str]| within("views") && names.iter().any(|name| is(name));
        let draws = [
            "draw.rs",
            "sidebar.rs",
            "grid.rs",
            "points.rs",
            "directions.rs",
        ];
        if in_view(&draws) || within("screen") || within("widget") {
            for word in ["&mut State", "std::fs", "std::thread", "crate::worker"] {
                assert!(!text.contains(word), "{}: {word}", path.display());
            }
        }
        if in_view(&["act.rs", "queries.rs", "state.rs", "words.rs"]) || within("shell") {
            for word in ["ratatui", "crossterm", "std::fs", "std::thread"] {
                assert!(!text.contains(word), "{}: {word}", path.display());
            }
        }
    }
}

#[test]
fn files_stay_short_and_say_what_they_are_for() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(
            lines <= 420,
            "{}: {lines} lines are two ideas",
            path.display()
        );
        assert!(
            is_test_file(&path) || text.starts_with("//!"),
            "{}: starts without saying what it is for",
            path.display()
        );
    }
}

/// Files are opened, and people are told things, through the doors that bound and escape what comes.
#[test]
fn what_comes_from_outside_goes_through_its_doors() {
    let doors = [
        (
            "File::open(",
            &[
                "src/outside/file.rs",
                "File::open(folder)",
                "File::open(\"/dev/tty\")",
            ][..],
        ),
        ("fs::read(", &[]),
        ("fs::read_to_string(", &[]),
        ("eprint", &[]),
    ];
    let mut faults = Vec::new();
    for (path, text) in sources() {
        if is_test_file(&path) {
            continue;
        }
        let name = path.to_string_lossy().into_owned();
        let code = without_tests(&text).lines();
        for line in code.filter(|line| !line.trim_start().starts_with("//")) {
            for (word, doors) in doors {
                let allowed = doors
                    .iter()
                    .any(|door| line.contains(door) || name.ends_with(door));
                if line.contains(word) && !allowed {
                    faults.push(format!("{name}: {}", line.trim()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
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

/// A file's text without comments and its module of tests.
fn code(text: &str) -> String {
    let lines = without_tests(text).lines();
    let bare = lines.map(|line| line.split("//").next().unwrap_or_default());
    bare.collect::<Vec<_>>().join("\n")
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

/// Fails on what is found and not listed, and on what is listed and no longer found.
fn may_only_shrink(list: &[&str], found: BTreeSet<&str>) {
    let list: BTreeSet<&str> = list.iter().copied().collect();
    let fresh: Vec<_> = found.difference(&list).collect();
    assert!(fresh.is_empty(), "against the rule: {fresh:#?}");
    let gone: Vec<_> = list.difference(&found).collect();
    assert!(gone.is_empty(), "mended, take out of the list: {gone:#?}");
}

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

#[test]
fn a_public_type_has_a_name_of_its_own() {
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in sources() {
        if is_test_file(&path) {
            continue;
        }
        for line in without_tests(&text).lines() {
            let kinds = ["pub struct ", "pub enum ", "pub trait ", "pub type "];
            let Some(rest) = kinds.iter().find_map(|kind| line.strip_prefix(kind)) else {
                continue;
            };
            let end = rest.find(|c: char| !c.is_alphanumeric());
            let name = rest[..end.unwrap_or(rest.len())].to_owned();
            rooms.entry(name).or_default().insert(room(&path));
        }
    }
    let shared = rooms.iter().filter(|(_, rooms)| rooms.len() > 1);
    let shared: BTreeSet<&str> = shared.map(|(name, _)| name.as_str()).collect();
    may_only_shrink(SHARED_NAMES, shared);
}

#[test]
fn functions_stay_short() {
    let mut long = BTreeSet::new();
    for (path, text) in sources() {
        if is_test_file(&path) {
            continue;
        }
        let file = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
        let lines: Vec<&str> = without_tests(&text).lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some((before, name)) = line.split_once("fn ") else {
                continue;
            };
            let indent: String = line.chars().take_while(|c| *c == ' ').collect();
            let visible = before.trim_start();
            if !(visible.is_empty() || visible.starts_with("pub") || visible == "const ") {
                continue;
            }
            // Where the signature ends, and where the body does.
            let rest = &lines[at..];
            let opens = rest.iter().position(|line| line.ends_with(['{', '}', ';']));
            let close = format!("{indent}}}");
            let (Some(opens), Some(closes)) = (opens, rest.iter().position(|l| *l == close)) else {
                continue;
            };
            let body = rest.get(opens + 1..closes).unwrap_or_default();
            let counts = |line: &&&str| !line.is_empty() && !line.trim_start().starts_with("//");
            if rest[opens].ends_with('{') && body.iter().filter(counts).count() > LONGEST_FUNCTION {
                let name = name.split(['<', '(']).next().unwrap_or_default();
                long.insert(format!("{}: {name}", file.display()));
            }
        }
    }
    may_only_shrink(LONG_FUNCTIONS, long.iter().map(String::as_str).collect());
}

#[test]
fn public_items_say_what_they_are() {
    let kinds = [
        "fn", "struct", "enum", "trait", "const", "static", "type", "union",
    ];
    let mut silent = Vec::new();
    for (path, text) in sources() {
        if is_test_file(&path) {
            continue;
        }
        let lines: Vec<&str> = without_tests(&text).lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            let kind = line.strip_prefix("pub ").and_then(|l| l.split(' ').next());
            if !kind.is_some_and(|kind| kinds.contains(&kind)) {
                continue;
            }
            // Attributes, over several lines perhaps, may stand between.
            let above = lines[..at].iter().rev();
            let above = above.take_while(|l| !l.is_empty() && !l.ends_with(['{', '}', ';']));
            if !above.into_iter().any(|line| line.starts_with("///")) {
                silent.push(format!("{}: {line}", path.display()));
            }
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}
