//! Whole screens, by key script, at several sizes.

mod model;

use lexiscope::explorer::bookmarks::Bookmark;
use lexiscope::explorer::effect::{BookmarkChange, Effect};
use lexiscope::explorer::key::keys;
use lexiscope::explorer::state::State;
use lexiscope::explorer::theme::{ColorChoice, Theme};
use lexiscope::explorer::{update, view};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// An explorer on a terminal of a size, its worker and its store played by the test.
struct Screen {
    state: State,
    theme: Theme,
    terminal: Terminal<TestBackend>,
}

impl Screen {
    /// Opens the model and draws.
    fn new(width: u16, height: u16) -> Self {
        let mut screen = Self {
            state: State::new(7),
            theme: Theme::choose(ColorChoice::Always, |_| None),
            terminal: Terminal::new(TestBackend::new(width, height)).unwrap(),
        };
        let effects = model::open(&mut screen.state, 1, "gpt2-pl");
        screen.perform(effects);
        screen
    }

    /// Does what the state wants, and draws until it wants no more.
    fn perform(&mut self, mut effects: Vec<Effect>) {
        loop {
            model::answer(&mut self.state, &effects);
            for effect in effects {
                if let Effect::Bookmark(change) = effect {
                    self.keep(change);
                }
            }
            effects = self.draw();
            if effects.is_empty() {
                return;
            }
        }
    }

    fn keep(&mut self, change: BookmarkChange) {
        let mut marks = self.state.bookmarks.clone();
        match change {
            BookmarkChange::Add {
                model,
                address,
                note,
            } => marks.push(Bookmark {
                model,
                address,
                note,
            }),
            BookmarkChange::Note { address, note, .. } => {
                let mark = marks.iter_mut().find(|mark| mark.address == address);
                mark.unwrap().note = note;
            }
            BookmarkChange::Remove { address, .. } => marks.retain(|m| m.address != address),
        }
        update::bookmarks(&mut self.state, marks);
    }

    fn draw(&mut self) -> Vec<Effect> {
        let mut regions = None;
        let (state, theme) = (&self.state, &self.theme);
        self.terminal
            .draw(|frame| regions = Some(view::view(state, theme, frame)))
            .unwrap();
        update::drawn(&mut self.state, regions.unwrap())
    }

    /// Presses keys, written with spaces between.
    fn press(&mut self, script: &str) -> &mut Self {
        for key in keys(script) {
            let effects = update::key(&mut self.state, key);
            self.perform(effects);
        }
        self
    }

    /// Types a text, a key a letter.
    fn write(&mut self, text: &str) -> &mut Self {
        let effects = update::paste(&mut self.state, text);
        self.perform(effects);
        self
    }

    fn text(&self) -> String {
        self.terminal.backend().to_string()
    }
}

#[test]
fn shows_a_neuron_at_every_size() {
    for (width, height) in [
        (60, 15),
        (80, 24),
        (120, 30),
        (200, 60),
        (48, 20),
        (39, 15),
        (90, 14),
    ] {
        let name = format!("neurons-{width}x{height}");
        insta::assert_snapshot!(name, Screen::new(width, height).text());
    }
}

#[test]
fn shows_a_head_at_every_size() {
    for (width, height) in [(60, 15), (80, 24), (80, 40), (120, 30), (200, 60)] {
        let mut screen = Screen::new(width, height);
        let name = format!("heads-{width}x{height}");
        insta::assert_snapshot!(name, screen.press("Tab ↓ → v").text());
    }
}
