//! The program under a terminal, and the person before it.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use vt100::{Parser, Screen};

use super::bytes::{outside_frames, whole_frames};
use super::support::{BINARY, Home, text};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Keys that do nothing but say so.
const PROBES: [&str; 2] = ["ß", "þ"];

impl Home {
    pub fn bookmarks(&self) -> PathBuf {
        self.path("data/lexiscope/bookmarks.toml")
    }

    /// Starts the explorer in a terminal of 120 × 30.
    pub fn start(&self, arguments: &[&str]) -> Program {
        self.start_with(arguments, &[])
    }

    pub fn start_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Program {
        let command = self.in_terminal(arguments, variables);
        Program::start(command, [120, 30], self.log())
    }

    /// Starts the explorer in a terminal that does not tell its size.
    pub fn start_unsized(&self, variables: &[(&str, &str)], size: [u16; 2]) -> Program {
        let command = self.in_terminal(&[], variables);
        Program::start_in(
            command,
            PtySize {
                rows: 0,
                cols: 0,
                ..PtySize::default()
            },
            size,
            self.log(),
        )
    }

    /// Starts the explorer in a terminal whose end no signal tells.
    pub fn start_unsignalled(&self, arguments: &[&str]) -> Program {
        let mut command = self.in_terminal(arguments, &[]);
        command.set_controlling_tty(false);
        Program::start(command, [120, 30], self.log())
    }

    fn log(&self) -> PathBuf {
        self.path("state/lexiscope/lexiscope.log")
    }

    fn in_terminal(&self, arguments: &[&str], variables: &[(&str, &str)]) -> CommandBuilder {
        let mut command = CommandBuilder::new(BINARY);
        command.args(arguments);
        command.env_clear();
        for (name, value) in self.variables() {
            command.env(name, value);
        }
        for (name, value) in variables {
            command.env(name, value);
        }
        command.env(
            "LEXISCOPE_LOG",
            "lexiscope=error,lexiscope::explorer::run=debug",
        );
        command.cwd(self.path(""));
        command
    }

    /// What a one-shot command prints.
    pub fn print(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{output:?}");
        text(&output.stdout)
    }
}

/// What the terminal has got.
struct Seen {
    parser: Parser,
    /// All of it.
    bytes: Vec<u8>,
    /// How much of it is on the screen: whole frames, as a terminal shows them.
    shown: usize,
    /// The window is to be closed.
    closing: bool,
    /// Nothing more will come.
    over: bool,
}

#[derive(Clone)]
struct Terminal(Arc<(Mutex<Seen>, Condvar)>);

impl Terminal {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.0.lock().unwrap()
    }

    /// Takes what the program writes until it is gone.
    fn listen(self, mut reader: Box<dyn Read + Send>) {
        let mut bytes = [0; 1 << 14];
        // Reading fails, rather than ends, once the program is gone.
        while let Ok(n @ 1..) = reader.read(&mut bytes) {
            let mut seen = self.seen();
            seen.bytes.extend(&bytes[..n]);
            let whole = whole_frames(&seen.bytes[seen.shown..]);
            seen.show(whole);
            self.0.1.notify_all();
            if seen.closing {
                break;
            }
        }
        drop(reader);
        let mut seen = self.seen();
        let rest = seen.bytes.len() - seen.shown;
        seen.show(rest);
        seen.over = true;
        self.0.1.notify_all();
    }
}

impl Seen {
    fn show(&mut self, count: usize) {
        let Self { parser, bytes, .. } = self;
        parser.process(&bytes[self.shown..self.shown + count]);
        self.shown += count;
    }
}

/// The running program.
pub struct Program {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    terminal: Terminal,
    log: PathBuf,
    /// Where in the log its part begins.
    log_start: usize,
    /// Probes that have been sent.
    probes: usize,
}

impl Program {
    fn start(command: CommandBuilder, [cols, rows]: [u16; 2], log: PathBuf) -> Self {
        let size = PtySize {
            rows,
            cols,
            ..PtySize::default()
        };
        Self::start_in(command, size, [cols, rows], log)
    }

    /// Starts it in a terminal of a size that tells another one.
    fn start_in(
        command: CommandBuilder,
        size: PtySize,
        [cols, rows]: [u16; 2],
        log: PathBuf,
    ) -> Self {
        let log_start = std::fs::metadata(&log).map_or(0, |log| log.len() as usize);
        let pty = native_pty_system().openpty(size).unwrap();
        let child = pty.slave.spawn_command(command).unwrap();
        let reader = pty.master.try_clone_reader().unwrap();
        let seen = Seen {
            parser: Parser::new(cells(rows), cells(cols), 0),
            bytes: Vec::new(),
            shown: 0,
            closing: false,
            over: false,
        };
        let terminal = Terminal(Arc::new((Mutex::new(seen), Condvar::new())));
        let listener = terminal.clone();
        thread::spawn(move || listener.listen(reader));
        Self {
            child,
            keys: Some(pty.master.take_writer().unwrap()),
            master: Some(pty.master),
            terminal,
            log,
            log_start,
            probes: 0,
        }
    }

    /// Types: letters as they are, and escape sequences as a terminal sends them.
    pub fn send(&mut self, text: &str) -> &mut Self {
        self.keys
            .as_mut()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        self
    }

    /// Waits until the screen is as wished.
    #[track_caller]
    pub fn wait(&mut self, what: &str, wish: impl Fn(&Screen) -> bool) -> &mut Self {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.terminal.seen();
        while !wish(seen.parser.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || seen.over {
                let screen = seen.parser.screen().contents();
                let tail = &seen.bytes[seen.bytes.len().saturating_sub(300)..];
                let tail = tail.escape_ascii().to_string();
                drop(seen);
                panic!("waited in vain for {what}; at last: {tail}\non the screen:\n{screen}");
            }
            seen = self.terminal.0.1.wait_timeout(seen, left).unwrap().0;
        }
        drop(seen);
        self
    }

    /// Waits until a text is on the screen.
    #[track_caller]
    pub fn until(&mut self, text: &str) -> &mut Self {
        self.wait(&format!("`{text}`"), |screen| {
            screen.contents().contains(text)
        })
    }

    /// Waits until a text is no longer on the screen.
    #[track_caller]
    pub fn until_gone(&mut self, text: &str) -> &mut Self {
        let what = format!("`{text}` to go");
        self.wait(&what, |screen| !screen.contents().contains(text))
    }

    /// Waits until the title says that one is at an address.
    #[track_caller]
    pub fn until_at(&mut self, address: &str) -> &mut Self {
        self.wait(address, |screen| address_of(screen) == address)
    }

    /// Waits until all that is in the terminal's way has been written: a key that does nothing
    /// but say so is answered after all that was sent before it.
    #[track_caller]
    pub fn until_read(&mut self) -> &mut Self {
        let probe = PROBES[self.probes % PROBES.len()];
        self.probes += 1;
        self.send(probe)
            .until(&format!("{probe} does nothing here"))
    }

    /// Waits until all that was sent has been read and all that it asks for is on the screen, what
    /// is computed when there is nothing else to do too: the log says so after the frame, and a
    /// probe after that is drawn later still.
    #[track_caller]
    pub fn until_settled(&mut self) -> &mut Self {
        self.until_read();
        eventually("the last answer", || {
            let log = self.log();
            log.lines().last()?.ends_with("settled").then_some(())
        });
        self.until_read()
    }

    /// What the program has written to its log.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        log.get(self.log_start..).unwrap_or_default().to_owned()
    }

    /// What is on the screen.
    pub fn look<T>(&self, f: impl FnOnce(&Screen) -> T) -> T {
        f(self.terminal.seen().parser.screen())
    }

    pub fn text(&self) -> String {
        self.look(Screen::contents)
    }

    /// All that was written, as it was written.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.terminal.seen().bytes).into_owned()
    }

    /// Where a text stands, row and column from 0.
    #[track_caller]
    pub fn find(&self, text: &str) -> (u16, u16) {
        let found = self.look(|screen| find(screen, text));
        found.unwrap_or_else(|| panic!("`{text}` is not on the screen:\n{}", self.text()))
    }

    /// Another size, as when a window is pulled.
    pub fn resize(&mut self, cols: u16, rows: u16) -> &mut Self {
        let size = PtySize {
            rows,
            cols,
            ..PtySize::default()
        };
        // What the terminal shows must not be older than its size.
        let mut seen = self.terminal.seen();
        seen.parser.screen_mut().set_size(cells(rows), cells(cols));
        self.master.as_ref().unwrap().resize(size).unwrap();
        drop(seen);
        self
    }

    /// Whether the terminal echoes and collects lines, as shells find it.
    pub fn is_cooked(&self) -> bool {
        let termios = self.master.as_ref().unwrap().get_termios().unwrap();
        let flags = termios.local_flags.bits();
        let cooked = libc::ECHO | libc::ICANON;
        (flags & cooked) == cooked
    }

    pub fn id(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    pub fn signal(&mut self, name: &str) -> &mut Self {
        assert!(signal(self.id(), name));
        self
    }

    /// The fields of `/proc/ID/stat` from the process's state on.
    #[cfg(target_os = "linux")]
    pub fn stat(&self) -> Vec<String> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        fields.split_whitespace().map(str::to_owned).collect()
    }

    /// How often its threads have gone to sleep or been put aside.
    #[cfg(target_os = "linux")]
    pub fn switches(&self) -> u64 {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.id())).unwrap();
        let of = |thread: std::fs::DirEntry| {
            let status = std::fs::read_to_string(thread.path().join("status")).unwrap();
            let lines = status.lines().filter(|line| line.contains("ctxt_switches"));
            let count = |line: &str| line.rsplit('\t').next().unwrap().parse::<u64>().unwrap();
            lines.map(count).sum::<u64>()
        };
        threads.map(|thread| of(thread.unwrap())).sum()
    }

    /// Closes the window, at the next thing that the program writes to it.
    pub fn hang_up(&mut self) -> &mut Self {
        self.terminal.seen().closing = true;
        self.send(PROBES[0]);
        self.until_over();
        (self.keys, self.master) = (None, None);
        self
    }

    /// Whether the program has ended.
    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until the program can write no more.
    pub fn until_over(&mut self) {
        let (seen, changed) = &*self.terminal.0;
        let over = changed.wait_timeout_while(seen.lock().unwrap(), PATIENCE, |seen| !seen.over);
        assert!(over.unwrap().0.over, "waited in vain for the last byte");
    }

    /// Waits for the end.
    pub fn ended(&mut self) -> ExitStatus {
        eventually("the end", || self.child.try_wait().unwrap())
    }

    /// Waits for a good end, after which the terminal is as it was and no text is left on it.
    #[track_caller]
    pub fn ended_well(&mut self) {
        let status = self.ended();
        self.until_over();
        assert!(status.success(), "{status:?}\n{}", self.text());
        self.look(|screen| {
            assert!(!screen.alternate_screen() && !screen.hide_cursor());
            assert!(!screen.bracketed_paste());
            assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
            assert_eq!(screen.contents(), "");
        });
        assert!(self.is_cooked());
        assert_eq!(outside_frames(&self.written()), "");
    }

    #[track_caller]
    pub fn quit(&mut self) {
        self.send("q");
        self.ended_well();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            signal(self.id(), "KILL");
            let _ended = self.child.wait();
        }
    }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

fn signal(id: u32, name: &str) -> bool {
    let kill = format!("kill -{name} {id}");
    let status = Command::new("sh").args(["-c", &kill]).status();
    status.is_ok_and(|status| status.success())
}

/// Asks again and again, for what nobody announces.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The rows of the screen.
pub fn rows(screen: &Screen) -> Vec<String> {
    screen.rows(0, screen.size().1.get()).collect()
}

/// Where a text stands, row and column from 0.
fn find(screen: &Screen, text: &str) -> Option<(u16, u16)> {
    let (height, width) = screen.size();
    for row in 0..height.get() {
        let cell = |col| screen.cell(row, col).unwrap();
        let shown = |col| match cell(col).contents() {
            "" if !cell(col).is_wide_continuation() => " ",
            contents => contents,
        };
        let cells: Vec<&str> = (0..width.get()).map(shown).collect();
        let starts = |col: &usize| cells[*col..].concat().starts_with(text);
        if let Some(col) = (0..cells.len()).find(starts) {
            return Some((row, col as u16));
        }
    }
    None
}

/// The address in the second row, if there is one.
pub fn address_of(screen: &Screen) -> String {
    let rows = rows(screen);
    let words = rows.get(1).map_or("", String::as_str).split_whitespace();
    let mut addresses = words.filter(|word| word.starts_with('L') && word.contains('.'));
    addresses.next().unwrap_or_default().to_owned()
}

/// A file as TOML, which it must be.
pub fn toml(path: &Path) -> toml::Table {
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}
