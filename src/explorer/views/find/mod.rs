//! Looking up by word: where in the model a word stands.

mod act;
mod draw;
mod state;

use ratatui::layout::Rect;

use crate::explorer::action::Action;
use crate::explorer::board::Shown;
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::screen::Canvas;
use crate::explorer::state::{Field, State};
use crate::explorer::view::{Export, Exported, List, View};
use crate::query::Query;

pub use act::open_with;
pub use state::{Find, FoundPlace};

/// The list of places.
pub struct FindView;

impl View for FindView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Find, Scope::Lists]
    }

    fn queries(&self, state: &State) -> Vec<Query> {
        let query = state.find_query();
        // Its words are marked as those of the tabs are, whichever of them is below.
        let marks = query.is_some().then_some(Query::Undertrained);
        query.into_iter().chain(marks).collect()
    }

    fn act(&self, state: &mut State, action: Action, _: Option<usize>) -> Option<Vec<Effect>> {
        act::act(state, action).then(Vec::new)
    }

    /// A place that is selected stays so, wherever a better answer puts it.
    fn answering(&self, state: &mut State, shown: &Shown) {
        let Some(answer) = state::places(shown) else {
            return;
        };
        let selected = state.views.find.chooser.selected;
        let place = |found: &FoundPlace<'_>| (found.role, found.address);
        let here = state.places_found().get(selected).map(place);
        let Some(here) = here.filter(|_| selected > 0) else {
            return;
        };
        let places = state.places_of(answer);
        let at = places.iter().position(|found| place(found) == here);
        state.views.find.chooser.selected = at.unwrap_or(selected);
    }

    fn failed(&self, _: &mut State, query: &Query) -> bool {
        // What is being typed is seldom a word yet: the list says so, not the status line.
        state::is_find(query)
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn field<'s>(&self, state: &'s mut State) -> Option<&'s mut Field> {
        Some(&mut state.views.find.chooser.field)
    }

    fn list(&self) -> Option<&dyn List> {
        Some(self)
    }

    fn export(&self, state: &State) -> Option<Export> {
        let words = state.views.find.chooser.field.text().trim();
        let shown: Vec<Shown> = state.found_shown().into_iter().cloned().collect();
        Some(Export {
            name: words.replace(['/', '\\', ' ', '*'], "_"),
            what: Exported::Answers {
                in_focus: shown.clone(),
                all: shown,
            },
        })
    }
}

impl List for FindView {
    fn rows(&self, state: &State) -> usize {
        state.places_found().len()
    }

    fn selected<'s>(&self, state: &'s mut State) -> Option<&'s mut usize> {
        Some(&mut state.views.find.chooser.selected)
    }

    fn take(&self, state: &mut State, row: usize) -> Vec<Effect> {
        let found = state.places_found().get(row).copied();
        if let Some(FoundPlace {
            role, address, hit, ..
        }) = found
        {
            let hit = *hit;
            act::lead_to(state, role, address, &hit);
        }
        Vec::new()
    }

    fn nothing(&self, state: &State) -> Option<String> {
        state.find_status()
    }
}
