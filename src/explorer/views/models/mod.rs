//! The chooser of models: to open one, or to set it beside the open one in the chart.

mod compare;
mod draw;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, ViewId};
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::screen::Canvas;
use crate::explorer::shell;
use crate::explorer::state::{Chooser, Field, ModelChoice, State, matches};
use crate::explorer::view::{List, TypedPath, View};
use crate::explorer::views::geometry;

/// The chooser.
#[derive(Clone, Debug, Default)]
pub struct Models {
    pub chooser: Chooser,
    /// Whether a model is set beside the open one.
    pub beside: bool,
    /// What of the places where models lie could not be read.
    pub problems: Vec<String>,
    /// Whether the model that is being opened was chosen here: if that fails, what was typed is
    /// proposed the next time.
    pub chosen: bool,
    /// The name of the last difference that was opened, to come back to it.
    pub difference: Option<String>,
}

/// A row of the chooser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelRow<'a> {
    Known(&'a ModelChoice),
    /// The model that is typed: a folder or a hub id.
    Typed(&'a str),
    /// What of the places where models lie could not be read.
    Unread(&'a str),
}

impl ModelRow<'_> {
    /// The model's name, or what is said in the place of one.
    pub fn name(&self) -> &str {
        match self {
            Self::Known(model) => &model.name,
            Self::Typed(text) | Self::Unread(text) => text,
        }
    }
}

/// The chooser.
pub struct ModelsView;

impl View for ModelsView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Models, Scope::Lists]
    }

    fn page(&self) -> Option<&'static str> {
        Some("models")
    }

    fn act(&self, state: &mut State, action: Action, _: Option<usize>) -> Option<Vec<Effect>> {
        match action {
            Action::OpenModels => Some(open(state, false)),
            Action::Compare => Some(compare::compare(state)),
            Action::NextVersion => Some(compare::next_version(state)),
            _ => None,
        }
    }

    fn opened(&self, state: &mut State) {
        state.views.models.chosen = false;
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn field<'s>(&self, state: &'s mut State) -> Option<&'s mut Field> {
        Some(&mut state.views.models.chooser.field)
    }

    fn path(&self, state: &State) -> Option<TypedPath> {
        Some(TypedPath {
            before: "",
            path: state.views.models.chooser.field.text().to_owned(),
            of_model: true,
        })
    }

    fn list(&self) -> Option<&dyn List> {
        Some(self)
    }
}

impl List for ModelsView {
    fn rows(&self, state: &State) -> usize {
        state.models_listed().len()
    }

    fn selected<'s>(&self, state: &'s mut State) -> Option<&'s mut usize> {
        Some(&mut state.views.models.chooser.selected)
    }

    fn take(&self, state: &mut State, row: usize) -> Vec<Effect> {
        let Some(name) = chosen(state, row) else {
            return Vec::new();
        };
        if state.views.models.beside {
            state.stack.pop();
            geometry::compare(state, name);
            return Vec::new();
        }
        shell::open_model(state, name, Vec::new())
    }
}

/// The name in a row; of what could not be read, the user is told why.
fn chosen(state: &mut State, row: usize) -> Option<String> {
    let rows = state.models_listed();
    match rows.get(row)? {
        ModelRow::Known(ModelChoice { name, .. }) => Some(name.clone()),
        ModelRow::Typed(typed) => Some((*typed).to_owned()),
        ModelRow::Unread(problem) => {
            let problem = (*problem).to_owned();
            state.fail(problem);
            None
        }
    }
}

/// Puts the chooser on top, and has it looked up which models lie on this machine.
pub fn open(state: &mut State, beside: bool) -> Vec<Effect> {
    let models = &mut state.views.models;
    let again = std::mem::take(&mut models.chosen) && !beside;
    models.chooser = Chooser {
        field: match again {
            true => Field::proposed(models.chooser.field.text()),
            false => Field::default(),
        },
        selected: 0,
    };
    models.beside = beside;
    state.put_on_top(ViewId::Models);
    vec![Effect::ListModels]
}

/// It was looked up which models lie on this machine, and what of them cannot be read. The row that
/// is selected stays so.
pub fn stored(state: &mut State, models: Vec<ModelChoice>, problems: Vec<String>) {
    let selected = state.views.models.chooser.selected;
    let of_row = |row: &ModelRow<'_>| row.name().to_owned();
    let name = state.models_listed().get(selected).map(of_row);
    state.take_models(models);
    state.views.models.problems = problems;
    let rows = state.models_listed();
    let at = name.and_then(|name| rows.iter().position(|row| row.name() == name));
    state.views.models.chooser.selected = match selected {
        0 => 0,
        _ => at.unwrap_or(0),
    };
}

impl State {
    /// What is typed, as it is, then the models that have all of it in their names, then what could
    /// not be read.
    pub fn models_listed(&self) -> Vec<ModelRow<'_>> {
        let typed = self.views.models.chooser.field.text().trim();
        let found = self.models.iter().filter(|m| matches(typed, &m.name));
        let (exact, near): (Vec<_>, Vec<_>) = found.partition(|m| m.name == typed);
        // Enter opens what is typed and nothing that is only called alike.
        let as_typed = !typed.is_empty() && exact.is_empty();
        let first = exact.into_iter().map(ModelRow::Known);
        let first = first.chain(as_typed.then_some(ModelRow::Typed(typed)));
        let known = first.chain(near.into_iter().map(ModelRow::Known));
        let problems = self.views.models.problems.iter();
        let problems = problems.filter(|problem| matches(typed, problem));
        known
            .chain(problems.map(|problem| ModelRow::Unread(problem)))
            .collect()
    }
}
