//! In a pseudo-terminal: each test runs itself once more as a program of its own and reads what
//! that writes.

use std::io::Read;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};
use ratatui::style::Stylize;

use super::*;
use crate::explorer::signals;

const LEAVES: &str = "\x1b[?1049l";
/// Set, to anything, for the program inside.
const INSIDE: &str = "LEXISCOPE_TEST_TERMINAL";

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

fn say(screen: &mut Screen, text: &str) {
    let view = |frame: &mut Frame| frame.render_widget(text.red().bold(), frame.area());
    screen.draw(view).unwrap();
}

/// A program in a terminal of 80 × 24.
struct Play {
    child: Box<dyn Child + Send + Sync>,
    written: Receiver<Vec<u8>>,
    text: String,
}

impl Play {
    /// Runs the test called `test` inside.
    fn begin(test: &str) -> Self {
        let pty = native_pty_system().openpty(PtySize::default()).unwrap();
        let (_, module) = module_path!().split_once("::").unwrap();
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args(["--exact", &format!("{module}::{test}"), "--nocapture"]);
        command.env(INSIDE, "1");
        command.env("NO_COLOR", "1");
        command.env("RUST_BACKTRACE", "0");
        let child = pty.slave.spawn_command(command).unwrap();
        let (send, written) = channel();
        let mut reader = pty.master.try_clone_reader().unwrap();
        thread::spawn(move || {
            let _master = pty.master;
            let mut bytes = [0; 4096];
            // Reading fails, rather than ends, once the program is gone.
            while let Ok(n @ 1..) = reader.read(&mut bytes) {
                let _test_is_over = send.send(bytes[..n].to_vec());
            }
        });
        Self {
            child,
            written,
            text: String::new(),
        }
    }

    /// Reads until `text` has been written.
    fn until(&mut self, text: &str) {
        while !self.text.contains(text) {
            let bytes = self.written.recv();
            let bytes = bytes.unwrap_or_else(|_| panic!("no {text:?} in {:?}", self.text));
            self.text += &String::from_utf8_lossy(&bytes);
        }
    }

    /// All that it writes until it ends, and whether it ended well.
    fn end(mut self) -> (String, bool) {
        for bytes in self.written {
            self.text += &String::from_utf8_lossy(&bytes);
        }
        (self.text, self.child.wait().unwrap().success())
    }

    fn kill(&self, signal: &str) {
        let id = self.child.process_id().unwrap().to_string();
        let killed = std::process::Command::new("kill")
            .args([signal, &id])
            .status();
        assert!(killed.unwrap().success());
    }
}

/// Where `part` is, which must be there once.
#[track_caller]
fn once(text: &str, part: &str) -> usize {
    let found: Vec<_> = text.match_indices(part).map(|(at, _)| at).collect();
    assert_eq!(found.len(), 1, "{part:?} in {text:?}");
    found[0]
}

#[test]
fn a_frame_is_shown_at_once_and_bold_without_colours_stays_bold() {
    if is_inside() {
        let mut screen = Screen::enter(true).unwrap();
        say(&mut screen, "a frame");
        screen.copy("słowo").unwrap();
        drop(screen);
        return leave().unwrap();
    }
    let (text, well) =
        Play::begin("a_frame_is_shown_at_once_and_bold_without_colours_stays_bold").end();
    assert!(well);
    let frame = once(&text, "a frame");
    assert!(once(&text, "\x1b[?1049h") < once(&text, "\x1b[?2026h"));
    assert!(once(&text, "\x1b[?2026h") < frame);
    assert!(text[frame..].find("\x1b[?2026l") < text[frame..].find(LEAVES));
    assert!(text.contains("\x1b[1m") && !text.contains("\x1b[;m"));
    assert!(text.contains("\x1b]52;c;c8WCb3dv\x1b\\"));
    assert!(!text.contains("\x1b[?1003h"), "every movement of the mouse");
    for undone in ["\x1b[?1000l", "\x1b[?2004l", "\x1b[?25h"] {
        assert!(text.contains(undone), "{undone:?}");
    }
    once(&text, LEAVES);
}

#[test]
fn a_panic_on_another_thread_leaves_the_screen_alone() {
    if is_inside() {
        let mut screen = Screen::enter(false).unwrap();
        let worker = thread::spawn(|| panic!("index out of bounds"));
        assert!(worker.join().is_err());
        return say(&mut screen, "goes on");
    }
    let (text, well) = Play::begin("a_panic_on_another_thread_leaves_the_screen_alone").end();
    assert!(well);
    assert!(once(&text, "goes on") < once(&text, LEAVES));
    assert!(!text.contains("index out of bounds"));
    assert!(!text.contains("\x1b[?1000h"), "the mouse was not asked for");
}

#[test]
fn a_panic_while_drawing_is_printed_on_the_terminal_given_back() {
    if is_inside() {
        let mut screen = Screen::enter(true).unwrap();
        let _ = screen.draw(|_| panic!("a fault in the view"));
    }
    let (text, well) =
        Play::begin("a_panic_while_drawing_is_printed_on_the_terminal_given_back").end();
    assert!(!well);
    assert!(once(&text, LEAVES) < once(&text, "a fault in the view"));
    assert!(!text.contains("\x1b[?2026h") || text.contains("\x1b[?2026l"));
}

#[test]
fn a_suspended_program_gives_the_terminal_back_and_draws_all_again() {
    if is_inside() {
        let mut screen = Screen::enter(true).unwrap();
        say(&mut screen, "the same frame");
        screen.suspend().unwrap();
        return say(&mut screen, "the same frame");
    }
    let mut play = Play::begin("a_suspended_program_gives_the_terminal_back_and_draws_all_again");
    play.until(LEAVES);
    // It stops a moment after it has left; what continues it before that is without effect.
    while play.text.matches("\x1b[?1049h").count() < 2 {
        play.kill("-CONT");
        if let Ok(bytes) = play.written.recv_timeout(Duration::from_millis(20)) {
            play.text += &String::from_utf8_lossy(&bytes);
        }
    }
    let (text, well) = play.end();
    assert!(well);
    let parts: Vec<_> = text.split(LEAVES).collect();
    assert_eq!(parts.len(), 3);
    for part in &parts[..2] {
        assert!(part.contains("\x1b[?1049h") && part.contains("the same frame"));
    }
}

#[test]
fn the_second_call_to_end_is_not_kept_waiting() {
    if is_inside() {
        let (send, asked) = channel();
        signals::listen(move |signal| send.send(signal).unwrap()).unwrap();
        let mut screen = Screen::enter(true).unwrap();
        say(&mut screen, "ready");
        assert_eq!(asked.recv(), Ok(signals::Signal::End));
        say(&mut screen, "hanging");
        loop {
            thread::park();
        }
    }
    let mut play = Play::begin("the_second_call_to_end_is_not_kept_waiting");
    play.until("ready");
    play.kill("-TERM");
    play.until("hanging");
    play.kill("-HUP");
    let (text, well) = play.end();
    assert!(!well);
    assert!(once(&text, "hanging") < once(&text, LEAVES));
}

#[test]
fn an_abort_gives_the_terminal_back() {
    if is_inside() {
        let mut screen = Screen::enter(true).unwrap();
        say(&mut screen, "ready");
        std::process::abort();
    }
    let (text, well) = Play::begin("an_abort_gives_the_terminal_back").end();
    assert!(!well);
    assert!(once(&text, "ready") < once(&text, LEAVES));
}
