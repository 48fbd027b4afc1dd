//! The terminal given back where the program is killed from within: it aborts (a failed allocation,
//! a panic in a panic), or a page of its own file is gone.

use std::fs::File;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGABRT, SIGBUS, SIGQUIT, SIGXCPU};
use signal_hook::low_level::{emulate_default_handler, register};

use super::{TAKEN, input};

/// Signals that end the program there and then.
const FATAL: [i32; 4] = [SIGABRT, SIGBUS, SIGQUIT, SIGXCPU];
/// What [`super::leave`] writes, as plain bytes.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[?1006l\x1b[?1002l\x1b[?1000l\x1b[?2004l\x1b[?1049l\x1b[?25h";

/// The terminal, and how it was before it was taken first.
static BEFORE: OnceLock<(File, Termios)> = OnceLock::new();

/// Notes how the terminal is, and gives it back so when a fatal signal comes. To be called before
/// it is taken; calls after the first do nothing.
///
/// # Errors
/// There is no terminal, or no handler is to be had.
pub(super) fn prepare() -> io::Result<()> {
    if BEFORE.get().is_some() {
        return Ok(());
    }
    let tty = input::tty()?;
    let modes = tcgetattr(&tty)?;
    if BEFORE.set((tty, modes)).is_err() {
        return Ok(());
    }
    for signal in FATAL {
        #[expect(
            unsafe_code,
            reason = "what runs in a signal handler is unsafe, and nothing else sees these signals"
        )]
        // SAFETY: the handler only reads atomics, makes the system calls `write` and `tcsetattr`,
        // and calls `emulate_default_handler`; all of them may be called in a signal handler.
        // Nothing in it allocates, locks or panics.
        unsafe { register(signal, move || give_back(signal)) }?;
    }
    Ok(())
}

fn give_back(signal: i32) {
    if TAKEN.swap(false, Ordering::SeqCst)
        && let Some((tty, modes)) = BEFORE.get()
    {
        // The program is at its end: where this fails, nothing is left to try.
        let _gone = rustix::io::write(rustix::stdio::stdout(), LEAVE);
        let _gone = tcsetattr(tty, OptionalActions::Now, modes);
    }
    let _ended = emulate_default_handler(signal);
}
