//! What is shown: filters, pasted text, heads.

use super::Home;
use super::answers::{columns, pairs};
use super::places::{BACK_TAB, ESC};

#[test]
fn filters_are_switched_in_their_menu() {
    let home = Home::new();
    let first = columns(&home, 0, 892, &[]);
    let ascii = columns(&home, 0, 892, &["--ascii"]);
    let all = columns(&home, 0, 892, &[]);
    let mut program = home.start(&[]);
    program.wait("the columns", |screen| first.are_on(screen));
    program.send("fa").send(ESC).until("● ascii");
    program.wait("the columns in ASCII", |screen| ascii.are_on(screen));
    program
        .send("f0")
        .send(ESC)
        .until("○ ascii")
        .until("○ undertrained hidden");
    program
        .wait("all columns", |screen| all.are_on(screen))
        .quit();
}

#[test]
fn a_slash_finds_as_one_types_and_escape_takes_it_back() {
    let home = Home::new();
    let all = columns(&home, 0, 892, &[]);
    let mut program = home.start(&[]);
    program
        .wait("the columns", |screen| all.are_on(screen))
        .send("/");
    for typed in ["s", "k", "i"] {
        program.send(typed);
    }
    let found = columns(&home, 0, 892, &["--contains", "ski"]);
    program.wait("what was found", |screen| found.are_on(screen));
    program.send("\x7f\x7f");
    let fewer = columns(&home, 0, 892, &["--contains", "s"]);
    program.wait("what was found", |screen| fewer.are_on(screen));
    program
        .send(ESC)
        .wait("the columns", |screen| all.are_on(screen));
    program
        .send("/ski\r")
        .wait("what was found", |screen| found.are_on(screen));
    program.until("contains: ski").quit();
}

#[test]
fn pasted_text_is_typed_and_never_runs_as_keys() {
    let home = Home::new();
    let mut program = home.start(&[]);
    program.until_at("L0.N892");
    let paste = |text: &str| format!("\x1b[200~{text}\x1b[201~");
    program
        .send(&paste("jjq\rmq"))
        .until("nothing to paste into");
    program.until_read().until_at("L0.N892");
    assert!(!home.bookmarks().exists());
    program.send("/").send(&paste("qqx\rq"));
    // One line is typed, and nothing accepts it.
    program.until("qqx").send(ESC).until_gone("qqx");
    program.send("/").send(&paste("ński"));
    let found = columns(&home, 0, 892, &["--contains", "ński"]);
    program.wait("what was found", |screen| found.are_on(screen));
    program.send("\r").until("contains: ński").quit();
}

#[test]
fn the_lists_of_a_head_become_exact() {
    let home = Home::new();
    let mut program = home.start(&["gpt2-pl", "--at", "L3.N0"]);
    program.until_at("L3.N0").send("\t").until("▌Heads");
    program.send(":L3.H1\r").until_at("L3.H1");
    let exact = |text: &str| text.matches("exact · ").count();
    program.wait("both lists", |screen| exact(&screen.contents()) == 2);
    let (vo, qk) = (pairs(&home, "vo", 3, 1), pairs(&home, "qk", 3, 1));
    program.wait("their pairs", |screen| {
        vo.are_on(screen) && qk.are_on(screen)
    });
    program.send(BACK_TAB).until_at("L3.N0").quit();
}
