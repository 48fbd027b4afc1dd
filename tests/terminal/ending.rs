//! Signals, stops, ends, and rest.

use super::Home;
use super::answers::columns;
use super::places::DOWN;
#[cfg(target_os = "linux")]
use super::program::eventually;

#[test]
fn signals_end_it_well_and_the_place_is_kept() {
    for (signal, neuron) in [("TERM", 41), ("HUP", 42), ("INT", 43)] {
        let home = Home::new();
        let address = format!("L1.N{neuron}");
        let mut program = home.start(&["gpt2-pl", "--at", &address]);
        program.until_at(&address).signal(signal);
        program.ended_well();
        home.start(&[]).until_at(&address);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn signals_that_kill_it_leave_the_terminal_as_it_was() {
    for signal in ["ABRT", "BUS", "QUIT"] {
        let home = Home::new();
        let mut program = home.start(&[]);
        program.until_at("L0.N892").signal(signal);
        assert!(!program.ended().success());
        assert!(program.is_cooked(), "{signal}");
        program.until_over();
        program.look(|screen| {
            assert!(!screen.alternate_screen() && !screen.hide_cursor());
            assert!(!screen.bracketed_paste());
            assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        });
    }
}

#[test]
fn keys_end_it_well() {
    let home = Home::new();
    for key in ["q", "\x03"] {
        let mut program = home.start(&[]);
        program.until_at("L0.N892").send(key);
        program.ended_well();
    }
}

#[test]
fn a_closed_window_ends_it_and_the_place_is_kept() {
    let home = Home::new();
    // The last neuron: as it is closed, this terminal types C-d, which goes no further there.
    let mut program = home.start(&["gpt2-pl", "--at", "L1.N1023"]);
    program.until_at("L1.N1023").hang_up();
    let status = program.ended();
    assert!(status.exit_code() < 2, "{status:?}");
    home.start(&[]).until_at("L1.N1023");
}

#[test]
#[cfg(target_os = "linux")]
fn a_stop_gives_the_terminal_back_until_it_goes_on() {
    let home = Home::new();
    let answer = columns(&home, 2, 7, &[]);
    let mut program = home.start(&["gpt2-pl", "--at", "L2.N7"]);
    program.wait("the columns", |screen| answer.are_on(screen));
    for stop in ["\x1a", "TSTP"] {
        assert!(!program.is_cooked());
        if stop.len() == 1 {
            program.send(stop);
        } else {
            program.signal(stop);
        }
        program.wait("the shell's screen", |screen| !screen.alternate_screen());
        eventually("the stop", || (program.stat()[0] == "T").then_some(()));
        program.look(|screen| {
            assert!(!screen.hide_cursor() && !screen.bracketed_paste());
            assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        });
        assert!(program.is_cooked());
        program.signal("CONT");
        program.wait("the columns", |screen| {
            screen.alternate_screen() && answer.are_on(screen)
        });
        program
            .send(DOWN)
            .until_at("L2.N8")
            .send("k")
            .until_at("L2.N7");
        program.wait("the columns", |screen| answer.are_on(screen));
    }
    program.quit();
}

#[test]
fn a_terminal_that_is_gone_without_a_signal_ends_it_and_the_place_is_kept() {
    let home = Home::new();
    let mut program = home.start_unsignalled(&["gpt2-pl", "--at", "L1.N1023"]);
    program.until_at("L1.N1023").hang_up();
    let status = program.ended();
    assert!(status.exit_code() < 2, "{status:?}");
    home.start(&[]).until_at("L1.N1023");
}

/// Once everything is drawn and the neighbours are known, nothing runs: no thread wakes while
/// another program does its work.
#[test]
#[cfg(target_os = "linux")]
fn nothing_runs_while_nothing_happens() {
    let home = Home::new();
    let mut program = home.start(&[]);
    program.until_at("L0.N892").send(DOWN).until_at("L0.N893");
    program.until_settled();
    let used = || (program.switches(), program.written().len());
    eventually("rest", || {
        let before = used();
        home.print(&["neuron", "gpt2-pl", "0", "893"]);
        (used() == before).then_some(())
    });
    program.quit();
}
