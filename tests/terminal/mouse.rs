//! The mouse, as terminals send it (SGR).

use super::answers::columns;
use super::{Home, Program};

const LEFT: u8 = 0;
const WHEEL_UP: u8 = 64;
const WHEEL_DOWN: u8 = 65;

fn press(program: &mut Program, button: u8, text: &str) {
    let (row, col) = program.find(text);
    let at = format!("{button};{};{}", col + 1, row + 1);
    // A wheel is never let go of.
    let release = if button == LEFT {
        format!("\x1b[<{at}m")
    } else {
        String::new()
    };
    program.send(&format!("\x1b[<{at}M{release}"));
}

#[test]
fn a_click_on_a_tab_shows_its_pane() {
    let home = Home::new();
    let mut program = home.start(&["gpt2-pl", "--at", "L0.N892"]);
    program.until_at("L0.N892");
    press(&mut program, LEFT, "Heads");
    program.until("▌Heads");
    press(&mut program, LEFT, "Neurons");
    program.until_at("L0.N892").quit();
}

#[test]
fn the_wheel_scrolls_words_and_steps_through_neurons() {
    let home = Home::new();
    let all = columns(&home, 0, 892, &[]);
    let mut program = home.start(&["gpt2-pl", "--at", "L0.N892"]);
    program.wait("the columns", |screen| all.are_on(screen));
    press(&mut program, WHEEL_DOWN, "społecze ");
    program.wait("other rows", |screen| !all.are_on(screen));
    press(&mut program, WHEEL_UP, "moich ");
    program.wait("the first rows", |screen| all.are_on(screen));
    press(&mut program, WHEEL_DOWN, "▸  892");
    program.until_at("L0.N893");
    press(&mut program, LEFT, " 895 ");
    program.until_at("L0.N895").quit();
}

#[test]
fn without_the_mouse_the_terminal_keeps_it() {
    let home = Home::new();
    let mut program = home.start(&["--no-mouse"]);
    program.until_at("L0.N892");
    let mode = program.look(|screen| screen.mouse_protocol_mode());
    assert_eq!(mode, vt100::MouseProtocolMode::None);
    program.quit();
}
