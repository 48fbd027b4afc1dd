//! Of two compared models, the neurons and heads that changed most.

mod both_lists;
mod draw;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, Motion, TabId, ViewId};
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::screen::Canvas;
use crate::explorer::shell;
use crate::explorer::state::State;
use crate::explorer::view::{Export, Exported, View};
use crate::explorer::views::legend::LegendEntry;
use crate::query::{Address, BothListsAnswer, BothListsQuery, ChangesAnswer, ChangesQuery, Query};

pub use both_lists::draw as draw_both_lists;

/// Neurons, and heads, in the list.
const COUNT: usize = 50;
/// Length of the lists whose overlap is told.
const OVERLAP: usize = 30;
/// What is said where nothing is compared.
const NOTHING: &str =
    "nothing is compared: in the chooser of models (o) Alt-v compares with the model there";

/// What outlives the view.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The row in hand.
    selected: usize,
    /// Whether both models' lists stand in the place of the change's, where there is no room beside.
    pub both: bool,
}

/// The view.
pub struct ChangesView;

impl View for ChangesView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Changes]
    }

    fn page(&self) -> Option<&'static str> {
        Some("tuned")
    }

    fn queries(&self, state: &State) -> Vec<Query> {
        let asked = state.changes_query().map(Query::Changes);
        let asked = asked.filter(|query| state.is_worth_asking(query));
        asked.into_iter().collect()
    }

    fn keeps(&self, state: &State, query: &Query) -> bool {
        // For when the list is opened again: it takes seconds.
        matches!(query, Query::Changes(of) if state.changes_query().as_ref() == Some(of))
    }

    fn act(&self, state: &mut State, action: Action, count: Option<usize>) -> Option<Vec<Effect>> {
        let on_top = state.is_on_top(ViewId::Changes);
        let compared = state.changes_query().is_some();
        match action {
            Action::OpenChanges | Action::BothLists if !compared => state.say(NOTHING),
            Action::OpenChanges => {
                state.views.changes.selected = 0;
                state.put_on_top(ViewId::Changes);
            }
            Action::BothLists if state.tab == TabId::Neurons => {
                let both = &mut state.views.changes.both;
                *both = !*both;
                let neurons = &mut state.views.neurons;
                (neurons.directions, neurons.points) = (false, false);
            }
            Action::BothLists => state.say("both models' lists are of neurons (g n)"),
            Action::Move(motion) if on_top => step(state, motion, count.unwrap_or(1)),
            Action::Accept if on_top => go_to(state),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn opened(&self, state: &mut State) {
        state.views.changes.selected = 0;
    }

    fn failed(&self, _: &mut State, query: &Query) -> bool {
        matches!(query, Query::Changes(_) | Query::BothLists(_))
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn row(&self, state: &mut State, row: usize) {
        match state.views.changes.selected == row {
            true => go_to(state),
            false => state.views.changes.selected = row,
        }
    }

    fn export(&self, state: &State) -> Option<Export> {
        let query = state.changes_query().map(Query::Changes);
        let shown = query.and_then(|query| state.board.get(&query).cloned());
        Some(Export {
            name: "changes".to_owned(),
            what: match shown {
                Some(shown) => Exported::Answers {
                    in_focus: vec![shown.clone()],
                    all: vec![shown],
                },
                None => Exported::Unfinished("the models are still being compared".to_owned()),
            },
        })
    }

    fn legend(&self, _: &State, _: &str) -> Vec<LegendEntry> {
        let rows = [
            (
                "|Δ|/|base|",
                "the length of the change over the base's own, of all vectors together",
            ),
            (
                "cos",
                "the cosine of both models' vectors, of K and of V, or of VO and QK",
            ),
            (
                "27/30",
                "how many of the best 30 words of K, and of V, both models share",
            ),
            (
                "≈",
                "no number of it changed by more than rounding to 16 bits does",
            ),
        ];
        let entry =
            |(sign, words): (&'static str, &str)| LegendEntry::new(sign, words, &["≈", "|"]);
        rows.into_iter().map(entry).collect()
    }
}

impl State {
    /// What ranks the changes, if two models are compared.
    fn changes_query(&self) -> Option<ChangesQuery> {
        self.card()?.against.as_ref()?;
        Some(ChangesQuery {
            layer: None,
            neurons: COUNT,
            heads: COUNT,
            k: OVERLAP,
            pairs: false,
            filters: self.filters.per_token(),
            convention: self.convention(),
        })
    }

    fn changes(&self) -> Option<&ChangesAnswer> {
        let shown = self.board.get(&Query::Changes(self.changes_query()?))?;
        let (_, answer) = shown.of::<ChangesQuery>()?;
        Some(answer)
    }

    /// The places of the list: neurons, then heads.
    fn changed(&self) -> Vec<Address> {
        let Some(changes) = self.changes() else {
            return Vec::new();
        };
        let neurons = changes.neurons.iter().map(|of| {
            let (layer, neuron) = (of.layer, of.neuron);
            self.named(Address::Neuron { layer, neuron })
        });
        let heads = changes.heads.iter().map(|of| Address::Head {
            layer: of.layer,
            head: of.head,
            form: None,
        });
        neurons.chain(heads).collect()
    }

    /// What asks for both models' lists of the neuron in hand, if two models are compared.
    pub fn both_lists_query(&self) -> Option<Query> {
        self.card()?.against.as_ref()?;
        let query = BothListsQuery::Neuron(self.neuron_query());
        Some(Query::BothLists(query))
    }

    /// Both models' lists, once they are known.
    fn both_lists(&self) -> Option<&BothListsAnswer> {
        let shown = self.board.get(&self.both_lists_query()?)?;
        let (_, answer) = shown.of::<BothListsQuery>()?;
        Some(answer)
    }
}

fn step(state: &mut State, motion: Motion, times: usize) {
    let last = state.changed().len().saturating_sub(1);
    let room = state.regions.list_rows.max(1);
    let at = state.views.changes.selected;
    // Left and right: to the neurons and to the heads.
    let neurons = state.changes().map_or(0, |changes| changes.neurons.len());
    state.views.changes.selected = match motion {
        Motion::Up => at.saturating_sub(times),
        Motion::Down => (at + times).min(last),
        Motion::PageUp | Motion::HalfUp => at.saturating_sub(room * times),
        Motion::PageDown | Motion::HalfDown => (at + room * times).min(last),
        Motion::First | Motion::Left => 0,
        Motion::Right => neurons.min(last),
        Motion::Last => last,
    };
}

fn go_to(state: &mut State) {
    let Some(address) = state.changed().get(state.views.changes.selected).copied() else {
        return state.say("the models are still being compared");
    };
    if shell::go(state, address) {
        state.stack.pop();
    }
}
