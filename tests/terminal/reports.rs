//! What terminals say unasked, or in answer to others.

use super::Home;
use super::places::{DOWN, ESC, UP};
use super::program::toml;

/// Reports of modes, colours, names, sizes, the clipboard and the keyboard, each with bytes that
/// would do something as keys.
pub const REPORTS: [&str; 14] = [
    "\x1b[?2026;2$y",
    "\x1b[?997;1n",
    "\x1b[>4;2m",
    "\x1b[?64;1;2;22c",
    "\x1b[12;40R",
    "\x1b[8;30;120t",
    "\x1b[?1u",
    "\x1b[I",
    "\x1b]11;rgb:1c1c/1c1c/1c1c\x1b\\",
    "\x1b]52;c;bWFwZGVsamptcQ==\x07",
    "\x1bP>|XTerm(370)\x1b\\",
    "\x1b_Gi=31;mOK\x1b\\",
    "\x1b^mdq\x1b\\",
    "\x1bXmdq\x1b\\",
];

#[test]
fn what_a_terminal_says_unasked_is_no_key() {
    let home = Home::new();
    let mut program = home.start(&["gpt2-pl", "--at", "L0.N892"]);
    program.until_at("L0.N892").send("m").until("★");
    for report in REPORTS {
        program.send(report);
        for (key, address) in [(DOWN, "L0.N893"), (UP, "L0.N892")] {
            program.send(key).until_at(address);
        }
    }
    let marks = &toml(&home.bookmarks())["bookmark"];
    assert_eq!(marks.as_array().unwrap().len(), 1);
    // Nor is any of it typed.
    program.send(":").until("go to");
    for report in REPORTS {
        program.send(report);
    }
    program.send("L3.N103\r").until_at("L3.N103");
    program.send("\x03");
    program.ended_well();
}

#[test]
fn an_unfinished_report_takes_no_key_for_long() {
    let home = Home::new();
    let mut program = home.start(&["gpt2-pl", "--at", "L0.N892"]);
    for begun in ["\x1b[?2026", "\x1b]11;rgb:1c", "\x1bP>|X", ESC] {
        program.until_at("L0.N892").send(begun).send("\x03");
        program.ended_well();
        program = home.start(&[]);
    }
}
