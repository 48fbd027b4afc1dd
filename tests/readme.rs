//! What the README says of keys is what the key table says.

use lexiscope::explorer::keymap;

#[test]
fn the_key_tables_are_those_of_the_program() {
    let readme = include_str!("../README.md");
    let table = keymap::markdown();
    assert!(
        readme.contains(table.trim()),
        "README.md: expected these tables below `## All keys`:\n{table}"
    );
}
