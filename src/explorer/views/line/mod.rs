//! A line to type, in the place of the hints: for the view that asked for it.

mod draw;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, ViewId};
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::screen::Canvas;
use crate::explorer::shell;
use crate::explorer::state::{Field, Purpose, State, TypedLine};
use crate::explorer::view::{TypedPath, View};

pub use draw::draw;

/// The line.
pub struct LineView;

impl View for LineView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Prompt]
    }

    fn act(&self, state: &mut State, action: Action, _: Option<usize>) -> Option<Vec<Effect>> {
        if !state.is_on_top(ViewId::Line) {
            return None;
        }
        match action {
            Action::Accept => Some(accept(state)),
            Action::Cancel => {
                state.stack.pop();
                if let Some(TypedLine { purpose, .. }) = state.views.line.take() {
                    purpose.asker().line_left(state, &purpose);
                }
                Some(Vec::new())
            }
            // Nothing moves below it.
            Action::Move(_) => Some(Vec::new()),
            _ => None,
        }
    }

    /// It lies in the last row, and is drawn there by the shell.
    fn draw(&self, _: &mut Canvas, _: Rect) {}

    fn field<'s>(&self, state: &'s mut State) -> Option<&'s mut Field> {
        state.views.line.as_mut().map(|line| &mut line.field)
    }

    fn path(&self, state: &State) -> Option<TypedPath> {
        let TypedLine { purpose, field } = state.views.line.as_ref()?;
        let (before, path) = match purpose {
            Purpose::WordsFile | Purpose::Export | Purpose::ExportChart => ("", field.text()),
            Purpose::Text | Purpose::Texts => ("@", field.text().strip_prefix('@')?),
            Purpose::Contains
            | Purpose::Note { .. }
            | Purpose::Token
            | Purpose::PromptText
            | Purpose::PromptTarget
            | Purpose::PromptAgainst
            | Purpose::PromptChange => return None,
        };
        Some(TypedPath {
            before,
            path: path.to_owned(),
            of_model: false,
        })
    }

    fn typed(&self, state: &mut State) {
        if let Some(TypedLine { purpose, field }) = state.views.line.clone() {
            purpose.asker().line_changed(state, &purpose, field.text());
        }
    }

    /// The name of a file to write to.
    fn line(&self, state: &mut State, purpose: &Purpose, typed: &str) -> Option<Vec<Effect>> {
        Some(match purpose {
            Purpose::Export => shell::export::export(state, typed),
            _ => shell::export::export_chart(state, typed),
        })
    }
}

/// Enter: what is typed goes to the view that asked for it.
fn accept(state: &mut State) -> Vec<Effect> {
    let Some(line) = state.views.line.clone() else {
        return Vec::new();
    };
    let typed = match line.purpose {
        // A space at its end is a part of it.
        Purpose::PromptText => line.field.text(),
        _ => line.field.text().trim(),
    };
    let needed = matches!(
        line.purpose,
        Purpose::WordsFile | Purpose::Text | Purpose::Export | Purpose::ExportChart
    );
    if needed && typed.is_empty() {
        state.say(format!(
            "nothing is typed ({}); Esc leaves",
            line.purpose.advice()
        ));
        return Vec::new();
    }
    state.stack.pop();
    state.views.line = None;
    match line.purpose.asker().line(state, &line.purpose, typed) {
        Some(effects) => effects,
        None => {
            state.views.line = Some(line);
            state.put_on_top(ViewId::Line);
            Vec::new()
        }
    }
}

/// Asks for a line; what is proposed is replaced by what is typed.
pub fn ask(state: &mut State, purpose: Purpose, proposed: &str) {
    let field = Field::proposed(proposed);
    put(state, purpose, field);
}

/// Asks for a line that goes on from a text.
pub fn ask_with(state: &mut State, purpose: Purpose, text: &str) {
    put(state, purpose, Field::with(text));
}

fn put(state: &mut State, purpose: Purpose, field: Field) {
    state.views.line = Some(TypedLine { purpose, field });
    state.put_on_top(ViewId::Line);
}
