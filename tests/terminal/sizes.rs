//! Windows of every size.

use vt100::Screen;

use super::Home;
use super::program::rows;

/// Whether the frames of the lists reach the right edge of the screen.
fn is_drawn(screen: &Screen) -> bool {
    let width = screen.size().1.get();
    let corner = |row| screen.cell(row, width - 1).unwrap().contents() == "╮";
    (0..screen.size().0.get()).any(corner) && screen.contents().contains("L0.N302")
}

#[test]
fn a_storm_of_sizes_leaves_the_same_screen() {
    let home = Home::new();
    let mut program = home.start(&["gpt2-pl", "--at", "L0.N302"]);
    program.until_at("L0.N302").wait("a frame", is_drawn);
    program.until("showing 30").until("▲ 0.6");
    // Without the first row: it says how long the answer took.
    let screen = |screen: &Screen| rows(screen)[1..].to_vec();
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
        .wait("the same", |now| screen(now) == before);
    for (cols, rows) in [(300, 100), (40, 15), (60, 15), (89, 24), (200, 20)] {
        program.resize(cols, rows).wait("a frame", is_drawn);
    }
    program.until_read().quit();
}

#[test]
fn a_window_that_is_too_small_says_so() {
    let home = Home::new();
    let mut program = home.start(&[]);
    program
        .until_at("L0.N302")
        .resize(30, 10)
        .until("lexiscope needs")
        .until("30 × 10");
    program.resize(200, 5).until("200 × 5").resize(1, 1);
    program.resize(120, 30).until_at("L0.N302").quit();
}
