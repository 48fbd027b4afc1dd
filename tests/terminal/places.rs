//! Going from place to place.

use super::Home;
use super::answers::columns;

pub const UP: &str = "\x1b[A";
pub const DOWN: &str = "\x1b[B";
pub const RIGHT: &str = "\x1b[C";
pub const LEFT: &str = "\x1b[D";
pub const ESC: &str = "\x1b";
pub const BACK_TAB: &str = "\x1b[Z";

#[test]
fn the_first_start_shows_four_columns_of_the_bundled_model() {
    let home = Home::new();
    let answer = columns(&home, 0, 892, &[]);
    let mut program = home.start(&[]);
    program.until("gpt2-pl").until_at("L0.N892");
    program.wait("the columns", |screen| answer.are_on(screen));
    let (row, _) = program.find("▌K");
    let text = program.text();
    let titles = text.lines().nth(row.into()).unwrap();
    for title in ["▌K ", " V ", " −K ", " −V "] {
        assert!(titles.contains(title), "{title} in {titles}");
    }
    assert!(program.text().contains("arrows step"), "{text}");
    program.send(DOWN).until_gone("arrows step").quit();
}

#[test]
fn arrows_step_through_neurons_and_layers() {
    let home = Home::new();
    let mut program = home.start(&["gpt2-pl", "--at", "L2.N100"]);
    program.until_at("L2.N100");
    for (key, address) in [
        (DOWN, "L2.N101"),
        (RIGHT, "L3.N101"),
        (UP, "L3.N100"),
        (LEFT, "L2.N100"),
        ("12j", "L2.N112"),
        ("G", "L2.N1023"),
    ] {
        program.send(key).until_at(address);
    }
    program.quit();
}

#[test]
fn a_held_key_ends_at_the_right_neuron_with_its_own_words() {
    let home = Home::new();
    let mut program = home.start(&["gpt2-pl", "--at", "L1.N10"]);
    program.until_at("L1.N10");
    for _ in 0..600 {
        program.send(DOWN);
    }
    for key in [UP, RIGHT, UP, LEFT] {
        for _ in 0..50 {
            program.send(key);
        }
    }
    // Fifty to the right and fifty to the left, but there are six layers.
    program.until_at("L0.N510");
    let answer = columns(&home, 0, 510, &[]);
    program.wait("the columns", |screen| answer.are_on(screen));
    program.quit();
}

#[test]
fn a_colon_jumps_to_an_address_and_refuses_a_bad_one() {
    let home = Home::new();
    let mut program = home.start(&[]);
    program.until_at("L0.N892");
    program
        .send(":L3.N103\r")
        .until_at("L3.N103")
        .until_gone("go to");
    let answer = columns(&home, 3, 103, &[]);
    program.wait("the columns", |screen| answer.are_on(screen));
    program
        .send(":L9.N103\r")
        .until("✗")
        .until("expected 0 to 7");
    program.send(ESC).until_at("L3.N103");
    program.until_gone("go to").send(":zzz\r").until("nothing");
    program
        .send(ESC)
        .until_gone("zzz")
        .send("\\")
        .until("\\ does nothing here");
    program.until_at("L3.N103").quit();
}

#[test]
fn a_question_mark_shows_the_keys_until_escape() {
    let home = Home::new();
    let mut program = home.start(&[]);
    program.until_at("L0.N892").send("?");
    program.until("next neuron").until("somewhere at random");
    program
        .send("bookm")
        .until_gone("next neuron")
        .until("bookmarks of all models");
    program
        .send(ESC)
        .until_gone("bookmarks of all models")
        .quit();
}

#[test]
fn a_place_that_is_not_there_ends_a_start_or_is_said() {
    let home = Home::new();
    let mut program = home.start(&["gpt2-pl", "--at", "L9.N0"]);
    program.until("✗").until("expected 0 to 7").quit();
    let mut program = home.start(&["no-such-model"]);
    assert_eq!(program.ended().exit_code(), 1);
    program.until_over();
    assert!(
        program
            .text()
            .starts_with("lexiscope: no-such-model: no such model")
    );
    assert!(
        !program.written().contains('\x1b'),
        "the terminal was taken"
    );
}
