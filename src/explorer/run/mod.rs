//! The loop: waits, updates, does what is wanted of the world, draws. Nothing runs while nothing
//! happens.

mod keeping;
mod models;

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use crossterm::event::{Event as Input, MouseButton, MouseEventKind};

use super::bookmarks::Bookmarks;
use super::compared_models::ComparedModels;
use super::effect::Effect;
use super::fetching::{Fetching, News};
use super::files::{complete, full_name, read, read_source, read_texts, write_new};
use super::key::Key;
use super::opening::Opener;
use super::session::Session;
use super::setup::Setup;
use super::state::{ModelChoice, Opening, Origin, Purpose, State};
use super::terminal::{self, Screen};
use super::theme::Theme;
use super::{screen, shell, views};
use crate::checkpoint::{Bundle, FoundModel, Location, ModelStores};
use crate::hub::{HubError, HubSettings};
use crate::report::Format;
use crate::worker::{Event, Worker};

/// Between two frames at least this long: a burst of events is drawn once.
const FRAME: Duration = Duration::from_millis(10);

/// What wakes the loop.
enum Message {
    Input(io::Result<Input>),
    #[cfg(unix)]
    Signal(super::signals::Signal),
    Worker(Event),
    /// Of a further model of the chart, by its key.
    Compared(u64, Event),
    /// Models that lie on this machine, and what could not be read.
    Stored(Vec<ModelChoice>, Vec<String>),
    /// Of a transfer from the hub, by its number.
    Hub(u64, News),
}

/// Runs the explorer to its end.
///
/// # Errors
/// The terminal cannot be had or is gone, or the model asked for cannot be opened.
pub fn run(setup: Setup) -> Result<()> {
    if let Some(model) = &setup.model {
        let settings = HubSettings::from_environment();
        // What cannot be had at all needs no screen to say so.
        if let FoundModel::OnHub(id) = Location::find(model, &ModelStores::from_environment())?
            && settings.offline
        {
            let what = id.to_string();
            return Err(HubError::Offline { what }.into());
        }
    }
    let (sender, messages) = channel();
    let (state, bookmarks) = begin(&setup);
    let opener = Opener::new(&state, &setup);
    let open = move |location: &Location| opener.open(location);
    let tell = sender.clone();
    // Once the loop is gone nobody is left to be told anything.
    let worker = Worker::spawn(open, move |event| drop(tell.send(Message::Worker(event))))?;
    let tell = sender.clone();
    #[cfg(unix)]
    super::signals::listen(move |signal| drop(tell.send(Message::Signal(signal))))?;
    let tell = sender.clone();
    let compared_models = ComparedModels::new(setup.device, move |key, event| {
        drop(tell.send(Message::Compared(key, event)));
    });
    let tell = sender.clone();
    let fetching = Fetching::new(move |number, news| {
        drop(tell.send(Message::Hub(number, news)));
    });
    let tell = sender.clone();
    let mut explorer = Explorer {
        tell,
        fetching,
        blocks: (setup.paths.blocks(), setup.blocks_max),
        state,
        worker,
        compared_models,
        bookmarks,
        screen: Screen::enter(setup.mouse).context("the terminal cannot be taken")?,
        theme: setup.theme,
        state_folder: setup.paths.state,
        settled: false,
        over: None,
    };
    terminal::read_input(move |input| drop(sender.send(Message::Input(input))))?;
    let ended = explorer.run(&messages);
    let Explorer {
        state,
        screen,
        state_folder,
        ..
    } = explorer;
    let saved = match state.model {
        Some(_) => state.session().save(&state_folder),
        None => Ok(()),
    };
    drop(screen);
    ended?;
    Ok(saved?)
}

/// The state to begin with: the session's, with what the command line says of it.
pub(super) fn begin(setup: &Setup) -> (State, Bookmarks) {
    let mut state = State::new(fastrand::u64(..));
    let (mut session, notice) = Session::load(&setup.paths.state);
    state.welcome = session == Session::default();
    let (bookmarks, marks_notice) = Bookmarks::open(&setup.paths.data);
    state.bookmarks = bookmarks.list().to_vec();
    let of_view = setup.at.as_ref().and_then(|at| at.model.as_ref());
    if let Some(model) = setup.model.as_ref().or(of_view) {
        let name = full_name(model);
        if session.model.as_ref() != Some(&name) {
            (session.neuron, session.head, session.state) = (None, None, None);
            session.views.clear();
            session.by_tensor = false;
        }
        session.model = Some(name);
        session.by_tensor |= setup.by_tensor;
        state.strict = true;
    }
    session
        .model
        .get_or_insert_with(|| Bundle::all()[0].name.to_owned());
    let bundled = Bundle::all()
        .iter()
        .map(|bundle| ModelChoice::new(bundle.name, Origin::Bundled));
    state.resume(session, bundled.collect());
    state.favour();
    if let (Some(scan), Some(opening)) = (&setup.scan, &state.opening) {
        let scan = std::path::absolute(scan).unwrap_or_else(|_| scan.clone());
        state.scans.insert(opening.name.clone(), scan);
        // What was asked for is not opened without it.
        state.strict = true;
    }
    let mut unread = None;
    if let Some(opening) = &mut state.opening {
        opening.then.extend(setup.at.clone());
        for view in &mut opening.then {
            unread = unread.or(read_source(view));
        }
    }
    if let Some(notice) = notice.or(marks_notice).or(unread) {
        state.fail(notice);
    }
    (state, bookmarks)
}

struct Explorer {
    state: State,
    tell: Sender<Message>,
    worker: Worker,
    compared_models: ComparedModels,
    fetching: Fetching,
    /// Where parts of models are kept, and how many bytes of them.
    blocks: (PathBuf, u64),
    bookmarks: Bookmarks,
    screen: Screen,
    theme: Theme,
    state_folder: PathBuf,
    /// What the log says last: nothing on the screen waits for anything.
    settled: bool,
    /// Set when it is time to end.
    over: Option<Result<()>>,
}

impl Explorer {
    fn run(&mut self, messages: &Receiver<Message>) -> Result<()> {
        if let Some(Opening { name, .. }) = self.state.opening.clone() {
            self.perform(vec![Effect::Open(name)])?;
        }
        loop {
            if !self.is_settled() {
                self.log_settled(false);
            }
            self.draw()?;
            let drawn = Instant::now();
            let settled = self.is_settled();
            let message = match messages.try_recv() {
                Err(TryRecvError::Empty) => {
                    self.log_settled(settled);
                    messages.recv().ok()
                }
                message => message.ok(),
            };
            let Some(message) = message else {
                return Ok(());
            };
            self.take(message)?;
            // All that has come, and all that comes until the next frame is due.
            loop {
                if let Some(ended) = self.over.take() {
                    return ended;
                }
                let left = FRAME.saturating_sub(drawn.elapsed());
                match messages.recv_timeout(left) {
                    Ok(message) => self.take(message)?,
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                }
            }
        }
    }

    /// Whether the model is open and all that was asked of it is answered. The answers may not have
    /// been taken yet.
    fn is_settled(&self) -> bool {
        self.state.opening.is_none() && self.worker.is_settled()
    }

    /// Tells the log when the screen begins to wait for something (before it is drawn so) and when
    /// all that was asked is on it (after): for scripts and tests that look at the screen.
    fn log_settled(&mut self, settled: bool) {
        if settled != self.settled {
            self.settled = settled;
            tracing::debug!("{}", if settled { "settled" } else { "working" });
        }
    }

    /// Draws, and asks for what turns out to fit on the screen.
    fn draw(&mut self) -> Result<()> {
        let mut regions = None;
        let (state, theme) = (&self.state, &self.theme);
        self.screen
            .draw(|frame| regions = Some(screen::draw(state, theme, frame)))?;
        let effects = shell::drawn(&mut self.state, regions.unwrap_or_default());
        self.perform(effects)
    }

    fn take(&mut self, message: Message) -> Result<()> {
        let state = &mut self.state;
        let effects = match message {
            Message::Worker(event) => shell::event(state, event),
            Message::Compared(key, event) => shell::compared(state, key, event),
            Message::Hub(number, news) if self.fetching.is_latest(number) => self.news(news),
            Message::Hub(..) => Vec::new(),
            Message::Stored(models, problems) => {
                views::models::stored(state, models, problems);
                Vec::new()
            }
            Message::Input(input) => match input.context("the terminal is gone")? {
                Input::Key(event) => match Key::from_event(event) {
                    Some(key) => shell::key(state, key),
                    None => Vec::new(),
                },
                Input::Paste(text) => shell::paste(state, &text),
                Input::Mouse(mouse) => match mouse.kind {
                    MouseEventKind::Down(MouseButton::Left) => {
                        shell::click(state, mouse.column, mouse.row)
                    }
                    MouseEventKind::ScrollUp => shell::wheel(state, mouse.column, mouse.row, false),
                    MouseEventKind::ScrollDown => {
                        shell::wheel(state, mouse.column, mouse.row, true)
                    }
                    _ => Vec::new(),
                },
                // Where no signal tells it.
                Input::Resize(..) => vec![Effect::Redraw],
                Input::FocusGained | Input::FocusLost => Vec::new(),
            },
            #[cfg(unix)]
            Message::Signal(signal) => {
                use super::signals::Signal;
                match signal {
                    Signal::End => vec![Effect::Quit],
                    Signal::Suspend => vec![Effect::Suspend],
                    Signal::Resumed => {
                        self.screen.resume()?;
                        Vec::new()
                    }
                    // It may have been smaller for a moment, and have lost what did not fit.
                    Signal::Resized => vec![Effect::Redraw],
                }
            }
        };
        self.perform(effects)
    }

    /// Does what is wanted. What fails is said in the status line, unless it is the terminal.
    fn perform(&mut self, effects: Vec<Effect>) -> Result<()> {
        for effect in effects {
            let more = match effect {
                Effect::Want(queries) => self.ask(|worker, id| worker.want(id, queries)),
                Effect::Idle(queries) => self.ask(|worker, id| worker.idle(id, queries)),
                Effect::ListModels => self.list_models(),
                Effect::Open(name) => self.open(&name),
                Effect::Fetch { name, by_tensor } => self.fetch(&name, by_tensor),
                Effect::StopFetch => {
                    self.fetching.stop();
                    Vec::new()
                }
                Effect::Copy(text) => {
                    self.screen.copy(&text)?;
                    Vec::new()
                }
                Effect::CopyAnswers(answers) => {
                    let text = self.write_out(&answers, Format::Table);
                    self.screen.copy(&text)?;
                    Vec::new()
                }
                Effect::Bookmark(change) => self.keep(change),
                Effect::Export { path, answers } => {
                    let written = self.export(&path, &answers);
                    self.written(Purpose::Export, &path, written)
                }
                Effect::Write { path, text } => {
                    let written = write_new(&path, &text);
                    self.written(Purpose::ExportChart, &path, written)
                }
                Effect::Compared(key, what) => self.compared(key, what),
                Effect::Complete { typed, folders } => {
                    let found = complete(&typed, folders);
                    shell::completed(&mut self.state, &typed, found)
                }
                Effect::ReadTexts(path) => match read_texts(&path) {
                    Ok(texts) => shell::texts(&mut self.state, texts),
                    Err(error) => self.unread(Purpose::Texts, &path, &error),
                },
                Effect::ReadWords(path) => match read(&path) {
                    Ok(file) => shell::words(&mut self.state, file.words()),
                    Err(error) => self.unread(Purpose::WordsFile, &path, &error),
                },
                Effect::ReadText(path) => match read(&path) {
                    Ok(file) => shell::text(&mut self.state, file.text()),
                    Err(error) => self.unread(Purpose::Text, &path, &error),
                },
                Effect::Redraw => {
                    self.screen.redraw();
                    Vec::new()
                }
                Effect::Suspend => {
                    #[cfg(unix)]
                    self.screen.suspend()?;
                    Vec::new()
                }
                Effect::GiveUp(message) => {
                    self.over = Some(Err(anyhow::Error::msg(message)));
                    Vec::new()
                }
                Effect::Quit => {
                    self.over = Some(Ok(()));
                    Vec::new()
                }
            };
            self.perform(more)?;
        }
        Ok(())
    }
}
