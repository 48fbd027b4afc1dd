//! Waits for what the terminal sends, on threads of its own.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;

use crossterm::event::{Event, KeyEventKind, MouseEventKind};

use super::decode::Decoder;

/// Ends of file, one after the other, after which the terminal is gone. One alone may be a Ctrl-D
/// that was typed before the terminal was taken.
const ENDS_MAX: usize = 8;

/// Starts the threads that wait for keys, the mouse and pasted text, and hand each to `on_event`; an
/// error is the last that they hand, and the end of the terminal is one. Released keys, mere
/// movements of the mouse and all that the terminal says unasked are left out.
///
/// # Errors
/// There is no terminal to read from, or the system gives no thread.
pub fn read_input(on_event: impl Fn(io::Result<Event>) + Send + 'static) -> io::Result<()> {
    let tty = tty()?;
    let (sender, bytes) = channel();
    let spawn = |name: &str| thread::Builder::new().name(name.to_owned());
    spawn("terminal").spawn(move || read(tty, &sender))?;
    spawn("input").spawn(move || decode(&bytes, on_event))?;
    Ok(())
}

/// The terminal of standard input, without the buffer that hides how much has come; else the one
/// that controls the program.
pub(super) fn tty() -> io::Result<File> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Ok(stdin.as_fd().try_clone_to_owned()?.into());
    }
    File::open("/dev/tty")
}

/// Passes on what can be read, up to the first error.
fn read(tty: impl Read + 'static, sender: &Sender<io::Result<Vec<u8>>>) {
    let mut tty: Box<dyn Read> = Box::new(tty);
    let mut bytes = [0; 1 << 12];
    let mut ends = 0;
    loop {
        let got = match tty.read(&mut bytes) {
            Ok(0) if ends < ENDS_MAX => {
                ends += 1;
                continue;
            }
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => Ok(bytes[..n].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // Whoever had standard input before left it so that reading does not wait. The same
            // terminal, opened anew, waits.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                match File::open("/dev/tty") {
                    Ok(file) => {
                        tty = Box::new(file);
                        continue;
                    }
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        };
        ends = 0;
        let over = got.is_err();
        if sender.send(got).is_err() || over {
            return;
        }
    }
}

fn decode(bytes: &Receiver<io::Result<Vec<u8>>>, on_event: impl Fn(io::Result<Event>)) {
    let mut decoder = Decoder::new();
    let tell = |event: Event| match event {
        Event::Key(key) if key.kind == KeyEventKind::Release => {}
        Event::Mouse(mouse) if mouse.kind == MouseEventKind::Moved => {}
        event => on_event(Ok(event)),
    };
    loop {
        let got = match decoder.patience() {
            Some(patience) => bytes.recv_timeout(patience),
            None => bytes.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match got {
            Ok(Ok(bytes)) => decoder.read(&bytes).into_iter().for_each(tell),
            Ok(Err(error)) => return on_event(Err(error)),
            Err(RecvTimeoutError::Timeout) => decoder.expire().into_iter().for_each(tell),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is handed on of a terminal that says this and is then gone.
    fn events(said: &'static [u8]) -> Vec<String> {
        let (sender, bytes) = channel();
        read(said, &sender);
        drop(sender);
        let events = std::cell::RefCell::new(Vec::new());
        decode(&bytes, |event| {
            let told = match event {
                Ok(event) => format!("{event:?}"),
                Err(error) => error.kind().to_string(),
            };
            events.borrow_mut().push(told);
        });
        events.into_inner()
    }

    #[test]
    fn the_end_of_a_terminal_is_told_once_and_ends_the_waiting() {
        assert_eq!(events(b""), ["unexpected end of file"]);
        let told = events(b"j\x1b[?2026;2$y\x1b[200~x\x1b[201~");
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].contains("Char('j')"), "{told:?}");
        assert_eq!(told[1], "Paste(\"x\")");
        assert_eq!(told[2], "unexpected end of file");
    }

    #[test]
    fn what_was_not_asked_for_is_left_out() {
        let told = events(b"\x1b[106;1:3u\x1b[<35;2;1M\x1b[I");
        assert_eq!(told, ["unexpected end of file"]);
    }
}
