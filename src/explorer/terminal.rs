//! The terminal itself: taken, drawn on, lent back while stopped, and given back whatever
//! happens. Nothing else writes control sequences.

#[cfg(unix)]
mod abort;
#[cfg(unix)]
mod decode;
#[cfg(unix)]
mod input;
mod output;
#[cfg(unix)]
mod sequence;
#[cfg(unix)]
mod typed;

use std::fmt;
use std::io::{self, BufWriter, Stdout};
use std::mem::ManuallyDrop;
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{Command, execute, queue};
use ratatui::{Frame, Terminal};

#[cfg(unix)]
pub use input::read_input;
use output::Output;
pub(in crate::explorer) use output::{queue_style, terminal_size};

/// Whether the terminal is ours at the moment.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, taken; dropping it gives it back.
pub struct Screen {
    /// Buffered, so that a frame is one write. Never dropped: all that would do is to show the
    /// cursor, as `leave` does, and to panic where the terminal is gone.
    terminal: ManuallyDrop<Terminal<Output<BufWriter<Stdout>>>>,
    mouse: bool,
    /// The next frame draws every cell.
    anew: bool,
}

impl Screen {
    /// Takes the terminal: raw mode, the alternate screen, pasted text as one event and, with
    /// `mouse`, clicks, drags and the wheel. Whoever calls it first is taken for the thread that
    /// draws: its panics give the terminal back before they are printed, those of other threads
    /// go to the log while the terminal is taken.
    ///
    /// # Errors
    /// Standard output is no terminal, or does not take these commands.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        hook_panics();
        // With NO_COLOR, crossterm 0.29 writes a full reset for every colour, which wipes out the
        // bold and reverse text that a theme without colours lives on. The theme sees to NO_COLOR.
        crossterm::style::force_color_output(true);
        take(mouse)?;
        let output = BufWriter::with_capacity(1 << 16, io::stdout());
        match Terminal::new(Output::new(output)) {
            Ok(terminal) => Ok(Self {
                terminal: ManuallyDrop::new(terminal),
                mouse,
                anew: false,
            }),
            Err(error) => {
                leave()?;
                Err(error)
            }
        }
    }

    /// Draws a frame; the terminal shows it all at once.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, view: impl FnOnce(&mut Frame)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let drawn = self
            .forget()
            .and_then(|()| self.terminal.draw(view).map(|_| ()));
        let ended = execute!(self.terminal.backend_mut(), EndSynchronizedUpdate);
        drawn.and(ended)
    }

    /// Forgets what is on the terminal: the next frame draws every cell.
    pub fn redraw(&mut self) {
        self.anew = true;
    }

    /// Empties the terminal if it is to be drawn anew, inside a frame, so that it is never seen
    /// empty. `clear` would do it too, but first asks the terminal where its cursor is, and waits
    /// for the answer.
    fn forget(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.anew) {
            return Ok(());
        }
        let area = self.terminal.size()?.into();
        self.terminal.resize(area)
    }

    /// Takes the terminal anew, whatever others did to it: after the program was stopped and
    /// continued. The next frame draws every cell.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn resume(&mut self) -> io::Result<()> {
        // Raw mode is not set where it is believed to be set already.
        disable_raw_mode()?;
        take(self.mouse)?;
        self.redraw();
        Ok(())
    }

    /// Gives the terminal to the shell and stops, as Ctrl-Z does; returns when the program goes
    /// on and the terminal is taken again.
    ///
    /// # Errors
    /// The program cannot be stopped, or the terminal is gone.
    #[cfg(unix)]
    pub fn suspend(&mut self) -> io::Result<()> {
        use signal_hook::{consts::SIGTSTP, low_level::emulate_default_handler};

        leave()?;
        let stopped = emulate_default_handler(SIGTSTP);
        self.resume()?;
        stopped
    }

    /// Puts a text on the clipboard of the machine the terminal runs on (OSC 52), through SSH
    /// too. Some terminals do not allow it, and none says so.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(
            self.terminal.backend_mut(),
            CopyToClipboard::to_clipboard_from(text)
        )
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Err(error) = leave() {
            tracing::warn!(%error, "the terminal was not given back");
        }
    }
}

fn take(mouse: bool) -> io::Result<()> {
    #[cfg(unix)]
    abort::prepare()?;
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut out = io::stdout();
    let mut taken = execute!(out, EnterAlternateScreen, EnableBracketedPaste, Hide);
    if mouse && taken.is_ok() {
        taken = execute!(out, EnableMouseClicks);
    }
    if taken.is_err() {
        leave()?;
    }
    taken
}

/// Gives the terminal back if it is taken; any thread may call it, any number of times.
///
/// # Errors
/// The terminal is gone. Every step is tried nevertheless.
pub fn leave() -> io::Result<()> {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let left = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    disable_raw_mode().and(left)
}

/// As `crossterm::event::EnableMouseCapture`, without the event for every movement, which would
/// keep the program awake for nothing.
struct EnableMouseClicks;

impl Command for EnableMouseClicks {
    fn write_ansi(&self, f: &mut impl fmt::Write) -> fmt::Result {
        f.write_str("\x1b[?1000h\x1b[?1002h\x1b[?1006h")
    }

    #[cfg(windows)]
    fn execute_winapi(&self) -> io::Result<()> {
        crossterm::event::EnableMouseCapture.execute_winapi()
    }

    #[cfg(windows)]
    fn is_ansi_code_supported(&self) -> bool {
        false
    }
}

/// Once for the program: a panic on the thread that draws gives the terminal back, then is
/// printed; one on another thread must not touch the screen that is still being drawn on.
fn hook_panics() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let drawing = thread::current().id();
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().id() == drawing {
                // A panic is being reported; that the terminal is gone too changes nothing.
                let _gone = leave();
            }
            if TAKEN.load(Ordering::SeqCst) {
                let thread = thread::current();
                tracing::error!(thread = thread.name(), "{info}");
            } else {
                before(info);
            }
        }));
    });
}

/// As on other systems: the console tells keys and the mouse as events.
///
/// # Errors
/// The system gives no thread.
#[cfg(windows)]
pub fn read_input(
    on_event: impl Fn(io::Result<crossterm::event::Event>) + Send + 'static,
) -> io::Result<()> {
    use crossterm::event::{Event, KeyEventKind, MouseEventKind, read};

    let read = move || {
        loop {
            match read() {
                Ok(Event::Key(key)) if key.kind == KeyEventKind::Release => {}
                Ok(Event::Mouse(mouse)) if mouse.kind == MouseEventKind::Moved => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(event) => on_event(Ok(event)),
                Err(error) => return on_event(Err(error)),
            }
        }
    };
    thread::Builder::new()
        .name("input".to_owned())
        .spawn(read)
        .map(|_| ())
}

#[cfg(all(test, unix))]
mod tests;
