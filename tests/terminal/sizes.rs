//! Windows of every size.

use vt100::Screen;

use super::Home;
use super::program::rows;

/// Whether the frames of the lists reach the right edge of the screen.
fn is_drawn(screen: &Screen) -> bool {
    let width = screen.size().1.get();
    let corner = |row| screen.cell(row, width - 1).unwrap().contents() == "╮";
    (0..screen.size().0.get()).any(corner) && screen.contents().contains("L0.N892")
}

#[test]
fn a_storm_of_sizes_leaves_the_same_screen() {
    let home = Home::new();
    let mut program = home.start(&["gpt2-pl", "--at", "L0.N892"]);
    program.until_at("L0.N892").until_settled();
    // Without the first row, which says how long the answer took, and the last, which says what
    // the last key did.
    let screen = |screen: &Screen| {
        let rows = rows(screen);
        rows[1..rows.len() - 1].to_vec()
    };
    let before = program.look(screen);
    let sizes = [
        (1, 1),
        (300, 100),
        (39, 14),
        (40, 15),
        (2, 90),
        (250, 1),
        (61, 16),
        (119, 29),
    ];
    for round in 0..10 {
        for (cols, rows) in sizes {
            program.resize(cols + round % 3, rows + round);
        }
    }
    program
        .resize(120, 30)
        .until_settled()
        .wait("the same", |now| screen(now) == before);
    for (cols, rows) in [(300, 100), (40, 15), (60, 15), (89, 24), (200, 20)] {
        program.resize(cols, rows).wait("a frame", is_drawn);
    }
    program.until_read().quit();
}

#[test]
fn a_terminal_that_does_not_tell_its_size_is_asked_of_the_environment() {
    let home = Home::new();
    let variables = [("COLUMNS", "101"), ("LINES", "25")];
    let mut program = home.start_unsized(&variables, [101, 25]);
    program.wait("a frame", is_drawn);
    program.until_read();
    let last = program.look(|screen| rows(screen)[24].clone());
    assert!(last.contains("does nothing here"), "{last}");
    program.quit();
    let mut program = home.start_unsized(&[], [80, 24]);
    program.wait("a frame", is_drawn).quit();
}

#[test]
fn a_dumb_terminal_is_written_to_like_a_file() {
    let home = Home::new();
    let mut program = home.start_with(&["gpt2-pl", "--at", "L3.N103"], &[("TERM", "dumb")]);
    assert!(program.ended().success());
    program.until_over();
    let written = program.written();
    assert!(written.contains("gpt2-pl  L3.N103") && !written.contains('\x1b'));
}

#[test]
fn a_window_that_is_too_small_says_so() {
    let home = Home::new();
    let mut program = home.start(&[]);
    program
        .until_at("L0.N892")
        .resize(30, 10)
        .until("lexiscope needs")
        .until("30 × 10");
    program.resize(200, 5).until("200 × 5").resize(1, 1);
    program.resize(120, 30).until_at("L0.N892").quit();
}
