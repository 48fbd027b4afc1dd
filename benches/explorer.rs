//! The figures of the explorer: key press to frame at the rate of a held key, a frame alone, and
//! the first frame of the program. `cargo bench --bench explorer`; a synthetic checkpoint of the
//! size of GPT-2 medium with 51,200 tokens, but for the first frame. With `-- held MODEL` an arrow
//! held in the program itself, on its first opening of that model.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/checkpoint_writer/mod.rs"]
mod checkpoint_writer;

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use lexiscope::checkpoint::Location;
use lexiscope::explorer::effect::Effect;
use lexiscope::explorer::key::{self, Key};
use lexiscope::explorer::state::{Opening, State};
use lexiscope::explorer::theme::{ColorChoice, Theme};
use lexiscope::explorer::{screen, shell};
use lexiscope::projection::DeviceChoice;
use lexiscope::query::{Answering, Reader};
use lexiscope::worker::{Event, Worker};
use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

/// A key that repeats 30 times a second.
const REPEAT: Duration = Duration::from_millis(33);

struct Bench {
    state: State,
    theme: Theme,
    worker: Worker,
    events: Receiver<Event>,
    terminal: Terminal<CrosstermBackend<std::io::Sink>>,
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = asked.iter().position(|word| word == "held") {
        let model = asked.get(at + 1).expect("expected: held MODEL");
        return held(model);
    }
    let folder = checkpoint_writer::medium();
    let mut bench = Bench::open(Location::Folder {
        name: "medium".into(),
        path: folder,
    });
    bench.frames();
    bench.steps("↓", "a neuron on, held");
    bench.steps("→", "a layer on, held");
    bench.beside_a_pass();
    first_frames();
}

impl Bench {
    fn open(location: Location) -> Self {
        let (sender, events) = channel();
        let open = |location: &Location| {
            let reader = Reader::open(location, DeviceChoice::Cpu)?;
            Ok(Box::new(reader) as Box<dyn Answering>)
        };
        let worker = Worker::spawn(open, move |event| drop(sender.send(event))).expect("a thread");
        let mut state = State::new(1);
        state.opening = Some(Opening {
            transfer: None,
            id: None,
            name: location.to_string(),
            then: Vec::new(),
        });
        let id = worker.open(location);
        shell::opening(&mut state, id);
        let area = Rect::new(0, 0, 200, 60);
        let options = TerminalOptions {
            viewport: Viewport::Fixed(area),
        };
        let backend = CrosstermBackend::new(std::io::sink());
        let terminal = Terminal::with_options(backend, options).expect("a terminal");
        let theme = Theme::choose(ColorChoice::Always, |_| Some("truecolor".into()));
        let mut bench = Self {
            state,
            theme,
            worker,
            events,
            terminal,
        };
        bench.until_answered();
        bench
    }

    /// A frame of 200 × 60 cells: the same again, and with all cells new.
    fn frames(&mut self) {
        let mut same = Vec::new();
        let mut new = Vec::new();
        for _ in 0..200 {
            let start = Instant::now();
            self.draw();
            same.push(start.elapsed());
            self.terminal
                .resize(Rect::new(0, 0, 200, 60))
                .expect("a terminal");
            let start = Instant::now();
            self.draw();
            new.push(start.elapsed());
        }
        print("a frame of 200 × 60, nothing new", &mut same);
        print("a frame of 200 × 60, all new", &mut new);
    }

    /// From key press to the frame that shows its neuron.
    fn steps(&mut self, key: &str, what: &str) {
        let key: Key = key::keys(key).next().expect("a key");
        let mut times = Vec::new();
        for _ in 0..100 {
            let start = Instant::now();
            let effects = shell::key(&mut self.state, key);
            self.perform(effects);
            self.until_answered();
            self.draw();
            times.push(start.elapsed());
            std::thread::sleep(REPEAT.saturating_sub(start.elapsed()));
        }
        let late = times
            .iter()
            .filter(|&&time| time > Duration::from_millis(16))
            .count();
        print(what, &mut times);
        println!("    {} of 100 within 16 ms", 100 - late);
    }

    /// While the model runs on the bundled texts: a key to its frame in the Geometry pane, and
    /// leaving it for a neuron, for which the pass is called off.
    fn beside_a_pass(&mut self) {
        let (mut frames, mut leaving) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            self.press("g s");
            while self.state.views.geometry.part.done.is_none() {
                let event = self.events.recv().expect("the worker lives");
                let effects = shell::event(&mut self.state, event);
                self.perform(effects);
            }
            for key in ["→", "↓", "x", "→", "↑", "x"] {
                let start = Instant::now();
                while let Ok(event) = self.events.try_recv() {
                    let effects = shell::event(&mut self.state, event);
                    self.perform(effects);
                }
                self.press(key);
                self.draw();
                frames.push(start.elapsed());
                assert!(
                    self.state.views.geometry.part.shown.is_none(),
                    "it still runs"
                );
                std::thread::sleep(REPEAT);
            }
            let start = Instant::now();
            self.press("g n");
            self.press("r");
            self.until_answered();
            self.draw();
            leaving.push(start.elapsed());
        }
        print(
            "a key in the Geometry pane while the model runs",
            &mut frames,
        );
        print("from there to another neuron's columns", &mut leaving);
    }

    fn press(&mut self, keys: &str) {
        for key in key::keys(keys) {
            let effects = shell::key(&mut self.state, key);
            self.perform(effects);
        }
    }

    fn until_answered(&mut self) {
        loop {
            let queries = self.state.needs();
            let shown = self.state.neuron_shown();
            if !queries.is_empty() && shown.map(|shown| &shown.query) == queries.first() {
                return;
            }
            let event = self.events.recv().expect("the worker lives");
            let effects = shell::event(&mut self.state, event);
            self.perform(effects);
        }
    }

    fn draw(&mut self) {
        let mut regions = None;
        self.terminal
            .draw(|frame| regions = Some(screen::draw(&self.state, &self.theme, frame)))
            .expect("a terminal");
        let effects = shell::drawn(&mut self.state, regions.unwrap_or_default());
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let (Effect::Want(queries), Some(model)) = (effect, &self.state.model) {
                self.worker.want(model.id, queries);
            }
        }
    }
}

/// From the start of the program on the bundled model to the columns on the screen.
fn first_frames() {
    let home = tempfile::tempdir().expect("a folder");
    let mut times = Vec::new();
    for _ in 0..15 {
        let start = Instant::now();
        let mut program = Program::start(home.path(), &[], (120, 40));
        program.until_columns();
        times.push(start.elapsed());
    }
    print("start to the bundled model's columns", &mut times);
}

/// From each press of an arrow that repeats 30 times a second to the last byte before the next.
fn held(model: &str) {
    /// What is asked at the first opening of a model may still be computed after that.
    const READ: Duration = Duration::from_secs(3);
    let home = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(home.path(), &[model], (200, 60));
    program.until_columns();
    program.output_until(Instant::now() + READ);
    let mut times = Vec::new();
    for _ in 0..300 {
        let start = Instant::now();
        program.keys.write_all(b"\x1b[B").expect("it runs");
        let last = program.output_until(start + REPEAT);
        times.push(last.map_or(REPEAT, |last| last - start));
    }
    let late = Duration::from_millis(16);
    let late = times.iter().filter(|&&time| time > late).count();
    print("an arrow held in the program", &mut times);
    println!("    {} of {} within 16 ms", times.len() - late, times.len());
}

/// The program in a terminal of its own; ended when it is dropped.
struct Program {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    /// Each piece of what it writes, and when it was read.
    output: Receiver<(Instant, Vec<u8>)>,
    screen: vt100::Parser,
}

impl Program {
    fn start(home: &Path, arguments: &[&str], (cols, rows): (u16, u16)) -> Self {
        let size = PtySize {
            rows,
            cols,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pty = native_pty_system().openpty(size).expect("a terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_lexiscope"));
        let folders = [
            "HOME",
            "XDG_DATA_HOME",
            "XDG_STATE_HOME",
            "XDG_CONFIG_HOME",
            "XDG_CACHE_HOME",
        ];
        for name in folders {
            command.env(name, home);
        }
        command.env("TERM", "xterm-256color");
        command.args(arguments);
        let mut reader = pty.master.try_clone_reader().expect("a reader");
        let (sender, output) = channel();
        let child = pty.slave.spawn_command(command).expect("the program");
        std::thread::spawn(move || {
            let mut bytes = [0; 65536];
            while let Ok(n @ 1..) = reader.read(&mut bytes) {
                if sender.send((Instant::now(), bytes[..n].to_vec())).is_err() {
                    return;
                }
            }
        });
        let at_least_one = |n| NonZero::new(n).expect("a screen");
        Self {
            child,
            keys: pty.master.take_writer().expect("a writer"),
            output,
            screen: vt100::Parser::new(at_least_one(rows), at_least_one(cols), 0),
        }
    }

    fn until_columns(&mut self) {
        while !self.screen.screen().contents().contains('█') {
            let (_, bytes) = self.output.recv().expect("output");
            self.screen.process(&bytes);
        }
    }

    /// When the last byte came before `end`.
    fn output_until(&mut self, end: Instant) -> Option<Instant> {
        let left = || end.saturating_duration_since(Instant::now());
        let pieces = std::iter::from_fn(|| self.output.recv_timeout(left()).ok());
        pieces.last().map(|(at, _)| at)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
    println!("{what}: median {:.2} ms, 99 % {:.2} ms", at(50), at(99));
}
