//! Arrows between rooms run one way, and each crate stays in its rooms.

use super::sources::{is_test_file, room, sources, without_tests};

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
    ("regex", &["checkpoint", "vocabulary"]),
    ("tokenizers", &["vocabulary"]),
    ("minijinja", &["vocabulary"]),
    ("minijinja_contrib", &["vocabulary"]),
    ("base64", &["vocabulary"]),
    ("icu_normalizer", &["vocabulary"]),
    (
        "rayon",
        &[
            "projection",
            "geometry",
            "query",
            "transformer",
            "vocabulary",
            "checkpoint",
            "cli",
            "worker",
        ],
    ),
];

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
