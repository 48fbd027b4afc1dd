//! The explorer by key script: what it shows at several sizes, and what its keys do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod compared;
mod contexts;
mod conventions;
mod dictionary;
mod experts;
mod geometry;
mod guide;
mod head_map;
mod hub;
mod interesting;
mod keys;
mod legend;
mod links;
mod lookup;
mod model;
mod mouse;
mod prompt;
mod rows;
mod shown;
mod undertrained;

use lexiscope::explorer::bookmarks::Bookmarks;
use lexiscope::explorer::effect::{BookmarkChange, Effect};
use lexiscope::explorer::key;
use lexiscope::explorer::state::{Opening, State};
use lexiscope::explorer::theme::{ColorChoice, Theme};
use lexiscope::explorer::{screen, shell};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tempfile::TempDir;

/// An explorer on a terminal of a size, its worker and its store played by the test.
struct Screen {
    state: State,
    theme: Theme,
    terminal: Terminal<TestBackend>,
    store: Bookmarks,
    done: Vec<Effect>,
    _folder: TempDir,
}

impl Screen {
    /// Opens the model and draws.
    fn new(width: u16, height: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut screen = Self {
            store: Bookmarks::open(folder.path()).0,
            done: Vec::new(),
            _folder: folder,
            state: State::new(7),
            theme: Theme::choose(ColorChoice::Always, |_| None),
            terminal: Terminal::new(TestBackend::new(width, height)).unwrap(),
        };
        screen.state.opening = Some(Opening {
            id: None,
            transfer: None,
            name: String::new(),
            then: vec!["L3.H0".parse().unwrap(), "L3.N103".parse().unwrap()],
        });
        let effects = model::open(&mut screen.state, 1, "gpt2-pl");
        screen.perform(effects);
        screen
    }

    /// Does what the state wants, and draws until it wants no more.
    fn perform(&mut self, mut effects: Vec<Effect>) {
        loop {
            model::answer(&mut self.state, &effects);
            let mut more = Vec::new();
            for effect in effects {
                match effect {
                    Effect::Bookmark(change) => self.keep(change),
                    Effect::Open(name) => {
                        let id = self.state.model.as_ref().unwrap().id.0 + 1;
                        let wants = model::open(&mut self.state, id, &name);
                        model::answer(&mut self.state, &wants);
                    }
                    Effect::Want(_) | Effect::Idle(_) => {}
                    Effect::Compared(key, what) => {
                        let wants = geometry::compared(&mut self.state, key, what);
                        more.extend(wants);
                    }
                    other => self.done.push(other),
                }
            }
            effects = self.draw();
            effects.extend(more);
            if effects.is_empty() {
                return;
            }
        }
    }

    fn keep(&mut self, change: BookmarkChange) {
        assert_eq!(self.store.apply(change).unwrap(), None);
        shell::bookmarks(&mut self.state, self.store.list().to_vec());
    }

    fn draw(&mut self) -> Vec<Effect> {
        let mut regions = None;
        let (state, theme) = (&self.state, &self.theme);
        self.terminal
            .draw(|frame| regions = Some(screen::draw(state, theme, frame)))
            .unwrap();
        shell::drawn(&mut self.state, regions.unwrap())
    }

    /// Presses keys, written with spaces between.
    fn press(&mut self, script: &str) -> &mut Self {
        for key in key::keys(script) {
            let effects = shell::key(&mut self.state, key);
            self.perform(effects);
        }
        self
    }

    /// Types a text, a key a letter.
    fn write(&mut self, text: &str) -> &mut Self {
        let effects = shell::paste(&mut self.state, text);
        self.perform(effects);
        self
    }

    /// The screen as lines, wide characters as they are.
    fn text(&self) -> String {
        self.terminal.backend().to_string()
    }

    /// The last line.
    fn last_line(&self) -> String {
        let text = self.text();
        text.lines().last().unwrap_or_default().to_owned()
    }

    /// Where a text stands on the screen.
    fn find(&self, text: &str) -> (u16, u16) {
        let buffer = self.terminal.backend().buffer();
        let area = buffer.area;
        for y in 0..area.height {
            let cells: Vec<&str> = (0..area.width).map(|x| buffer[(x, y)].symbol()).collect();
            for x in 0..cells.len() {
                if cells[x..].concat().starts_with(text) {
                    return (x as u16, y);
                }
            }
        }
        panic!("`{text}` is not on the screen:\n{}", self.text());
    }

    fn click(&mut self, text: &str) -> &mut Self {
        let (x, y) = self.find(text);
        let effects = shell::click(&mut self.state, x, y);
        self.perform(effects);
        self
    }

    fn wheel(&mut self, text: &str, down: bool) -> &mut Self {
        let (x, y) = self.find(text);
        let effects = shell::wheel(&mut self.state, x, y, down);
        self.perform(effects);
        self
    }

    fn address(&self) -> String {
        self.state.address().to_string()
    }
}
