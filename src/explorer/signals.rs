//! What the system tells the program while it runs.

use std::io;
use std::thread;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::terminal;

/// What is asked of the explorer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// End: save, give the terminal back, go.
    End,
    /// Stop until continued: see `Screen::suspend`.
    Suspend,
    /// It was stopped and goes on: see `Screen::resume`.
    Resumed,
    /// The terminal has another size.
    Resized,
}

/// Starts the thread that hands signals to `on_signal`. Whoever asks twice for the end is not kept
/// waiting: the second time the program ends there and then, with the terminal given back.
///
/// # Errors
/// The system gives no handler or no thread.
pub fn listen(on_signal: impl Fn(Signal) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT, SIGWINCH])?;
    let listen = move || {
        let mut ending = false;
        for signal in signals.forever() {
            match signal {
                SIGCONT => on_signal(Signal::Resumed),
                SIGTSTP => on_signal(Signal::Suspend),
                SIGWINCH => on_signal(Signal::Resized),
                _ if ending => {
                    let ended = terminal::leave().and(emulate_default_handler(signal));
                    tracing::error!(?ended, "cannot end by signal {signal}");
                }
                _ => {
                    ending = true;
                    on_signal(Signal::End);
                }
            }
        }
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(listen)
        .map(|_| ())
}
