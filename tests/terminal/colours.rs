//! With colours and without.

use super::bytes::colours;
use super::places::{BACK_TAB, DOWN, ESC};
use super::{Home, Program};

/// Goes where there is something to colour; all that was written on the way.
fn walk(program: &mut Program) -> String {
    program
        .until_at("L0.N892")
        .until("showing")
        .send("m")
        .until("★");
    program.send("fa").send(ESC).until("● ascii");
    program.send(":L9\r").until("✗").send(ESC).until_gone("✗");
    program
        .send("\t:L0.H0\r")
        .until_at("L0.H0")
        .until("exact")
        .send(DOWN)
        .until_at("L0.H1")
        .until("exact");
    program
        .send("?")
        .until("somewhere at random")
        .send(ESC)
        .until_gone("somewhere at random");
    program.send(BACK_TAB).until_at("L0.N892");
    program.written()
}

/// Whether the cells of two texts look different.
fn differ(program: &Program, one: &str, other: &str) -> bool {
    let look = |text: &str| {
        let (row, col) = program.find(text);
        program.look(|screen| {
            let cell = screen.cell(row, col).unwrap();
            (cell.bold(), cell.dim(), cell.underline(), cell.inverse())
        })
    };
    look(one) != look(other)
}

#[test]
fn colours_are_used_where_they_are_welcome() {
    let home = Home::new();
    let mut program = home.start(&[]);
    assert!(!colours(&walk(&mut program)).is_empty());
    program.quit();
    let mut program = home.start_with(&["--color", "always"], &[("NO_COLOR", "1")]);
    program.until_at("L0.N892");
    assert!(!colours(&program.written()).is_empty());
    program.quit();
}

#[test]
fn without_colours_none_is_sent_and_one_sees_where_one_is() {
    let (none, never) = (&[][..], &["--color", "never"][..]);
    for (arguments, variables) in [(none, &[("NO_COLOR", "1")][..]), (never, &[])] {
        let home = Home::new();
        let mut program = home.start_with(arguments, variables);
        assert_eq!(colours(&walk(&mut program)), [""; 0]);
        assert!(differ(&program, "Neurons", "Heads"));
        assert!(differ(&program, "892", "893"));
        program.quit();
    }
}
