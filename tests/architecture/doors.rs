//! What draws changes nothing, and what comes from outside goes through its doors.

use super::sources::{is_test_file, sources, without_tests};

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
