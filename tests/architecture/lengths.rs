//! Files and functions stay short.

use std::collections::BTreeSet;

use super::sources::{is_test_file, may_only_shrink, sources, without_tests};

/// Functions of more than [`LONGEST_FUNCTION`] lines. May shrink, not grow.
const LONG_FUNCTIONS: &[&str] = &[
    "src/cli/mod.rs: run",
    "src/explorer/views/geometry/act.rs: chart",
];

/// Lines of a function's body, comments left out.
const LONGEST_FUNCTION: usize = 70;

#[test]
fn files_stay_short_and_say_what_they_are_for() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(
            lines <= 400,
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
