//! The shape of the code, held by reading it: arrows one way, files of one idea, and what only
//! some rooms may know.

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
    ("candle_core", &["projection", "query", "transformer"]),
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
        let within = |folder: &str| path.components().any(|c| c.as_os_str() == folder);
        if within("view") || within("widget") {
            for word in ["&mut State", "std::fs", "std::thread", "crate::worker"] {
                assert!(!text.contains(word), "{}: {word}", path.display());
            }
        }
        if within("update") {
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

#[test]
fn nothing_unwraps_outside_tests() {
    for (path, text) in sources() {
        if is_test_file(&path) {
            continue;
        }
        for word in [".unwrap()", "todo!(", "unimplemented!(", "dbg!("] {
            assert!(
                !without_tests(&text).contains(word),
                "{}: {word}",
                path.display()
            );
        }
    }
}
