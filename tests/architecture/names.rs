//! Public types have names of their own, and public items say what they are.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{is_test_file, may_only_shrink, room, sources, without_tests};

/// Names that public types of several rooms have. May shrink, not grow: a type is named by what it
/// is an entry, model, row … of.
const SHARED_NAMES: &[&str] = &["Callbacks"];

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
