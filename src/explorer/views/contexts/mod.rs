//! Where the neuron or head in hand fires: passages of texts, and whether its key tells.

mod draw;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, Motion, TabId, ViewId};
use crate::explorer::board::Shown;
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::screen::Canvas;
use crate::explorer::shell;
use crate::explorer::state::State;
use crate::explorer::view::{Export, Exported, View};
use crate::explorer::views::legend::LegendEntry;
use crate::query::{
    Address, ContextTexts, ContextsAnswer, ContextsQuery, Convention, Items, Passage, Query,
};
use crate::transformer::Input;

/// Passages of each end.
const PASSAGES: usize = 10;

/// What outlives the view.
#[derive(Clone, Debug, Default)]
pub struct Contexts {
    /// Whether it was opened: from then on the layer in hand is run when nothing else is to be done.
    opened: bool,
    /// The passage in hand.
    selected: usize,
}

/// The view.
pub struct ContextsView;

impl View for ContextsView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Contexts]
    }

    fn page(&self) -> Option<&'static str> {
        Some("prompt")
    }

    fn queries(&self, state: &State) -> Vec<Query> {
        match state.views.geometry.lacks_language() {
            true => vec![Query::TextLanguage],
            false => state.contexts_query().into_iter().collect(),
        }
    }

    fn act(&self, state: &mut State, action: Action, count: Option<usize>) -> Option<Vec<Effect>> {
        let on_top = state.is_on_top(ViewId::Contexts);
        match action {
            Action::OpenContexts if state.place_that_fires().is_some() => {
                state.views.contexts = Contexts {
                    opened: true,
                    selected: 0,
                };
                state.put_on_top(ViewId::Contexts);
            }
            Action::OpenContexts => state.say("texts set off neurons (g n) and heads (g h)"),
            Action::Move(motion) if on_top => step(state, motion, count.unwrap_or(1)),
            Action::Accept if on_top => open(state),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn opened(&self, state: &mut State) {
        state.views.contexts = Contexts::default();
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn row(&self, state: &mut State, row: usize) {
        match state.views.contexts.selected == row {
            true => open(state),
            false => state.views.contexts.selected = row,
        }
    }

    fn export(&self, state: &State) -> Option<Export> {
        let query = state.contexts_query();
        let shown = query.and_then(|query| state.board.get(&query).cloned());
        let whole = shown.filter(is_whole);
        Some(Export {
            name: format!("{}-contexts", state.address()),
            what: match whole {
                Some(shown) => Exported::Answers {
                    in_focus: vec![shown.clone()],
                    all: vec![shown],
                },
                None => Exported::Unfinished("the texts are still being run".to_owned()),
            },
        })
    }

    fn legend(&self, _: &State, text: &str) -> Vec<LegendEntry> {
        let rows = [
            (
                "[word]",
                "the token at which the neuron is so active, or from which the head looks; those around \
                 are shaded by their own numbers",
                &["[", "]"][..],
            ),
            ("‹word›", "the token that the head looks at", &["‹", "›"]),
            (
                "0.1 ▁█▂ 9.8",
                "how the activations or attention weights lie, from the least to the most, as bars of \
                 the logarithm of how many there are",
                &["▁"],
            ),
            (
                "precision",
                "of the 10 positions where the neuron is most active, the share whose token is among the \
                 first 10 of its K list; in brackets the same of all positions",
                &["precision of K"],
            ),
        ];
        let shown = rows
            .into_iter()
            .filter(|(.., covers)| covers.iter().any(|sign| text.contains(sign)));
        shown
            .map(|(sign, words, covers)| LegendEntry::new(sign, words, covers))
            .collect()
    }
}

fn is_whole(shown: &Shown) -> bool {
    let answer = shown.of::<ContextsQuery>();
    answer.is_some_and(|(_, answer)| answer.done >= 1.0)
}

impl State {
    /// The neuron or head in hand.
    fn place_that_fires(&self) -> Option<(Items, usize, usize)> {
        let (neurons, heads) = (&self.views.neurons, &self.views.heads);
        match self.tab {
            TabId::Neurons => Some((Items::Neurons, neurons.layer, neurons.neuron)),
            TabId::Heads => Some((Items::Heads, heads.layer, heads.head)),
            TabId::Geometry | TabId::Prompt | TabId::Dictionary => None,
        }
    }

    /// What is asked about the neuron or head in hand: over the texts of the Geometry pane.
    fn contexts_query(&self) -> Option<Query> {
        let (among, layer, item) = self.place_that_fires()?;
        let of_neuron = among == Items::Neurons;
        Some(Query::Contexts(ContextsQuery {
            layer,
            item,
            among,
            input: if of_neuron { self.input() } else { Input::Gate },
            texts: ContextTexts::new(self.views.geometry.settings.texts.clone()),
            k: PASSAGES,
            convention: match of_neuron {
                true => self.convention(),
                false => Convention::RAW,
            },
        }))
    }

    /// The same when nothing else is to be done, once the view was opened.
    pub fn idle_contexts(&self) -> Option<Query> {
        let known = self.views.contexts.opened && !self.views.geometry.lacks_language();
        self.contexts_query().filter(|_| known)
    }

    /// What is known of the neuron or head in hand.
    fn contexts_answer(&self) -> Option<&ContextsAnswer> {
        let shown = self.board.get(&self.contexts_query()?)?;
        let (_, answer) = shown.of::<ContextsQuery>()?;
        Some(answer)
    }

    /// Its passages, the most active first, then the least active.
    fn passages(&self) -> Vec<&Passage> {
        let answer = self.contexts_answer();
        let passages = answer.map(|answer| answer.most.iter().chain(&answer.least));
        passages.into_iter().flatten().collect()
    }
}

/// Another passage, or with left and right another neuron or head.
fn step(state: &mut State, motion: Motion, times: usize) {
    let last = state.passages().len().saturating_sub(1);
    let room = state.regions.list_rows.max(1);
    let at = state.views.contexts.selected;
    state.views.contexts.selected = match motion {
        Motion::Up => at.saturating_sub(times),
        Motion::Down => (at + times).min(last),
        Motion::PageUp | Motion::HalfUp => at.saturating_sub(room * times),
        Motion::PageDown | Motion::HalfDown => (at + room * times).min(last),
        Motion::First => 0,
        Motion::Last => last,
        Motion::Left => return aside(state, false, times),
        Motion::Right => return aside(state, true, times),
    };
}

fn aside(state: &mut State, right: bool, times: usize) {
    let Some((among, layer, item)) = state.place_that_fires() else {
        return;
    };
    let last = state
        .card()
        .map_or(0, |card| among.count(&card.spec, layer));
    let item = match right {
        true => (item + times).min(last.saturating_sub(1)),
        false => item.saturating_sub(times),
    };
    let address = match among {
        Items::Neurons => Address::Neuron {
            layer,
            neuron: item,
        },
        Items::Heads => Address::Head {
            layer,
            head: item,
            form: None,
        },
    };
    shell::go(state, address);
}

/// The passage's whole text in the Prompt pane, at its position, after the layer.
fn open(state: &mut State) {
    let at = state.views.contexts.selected;
    let place = state.place_that_fires();
    let passage = state.passages().get(at).map(|of| (of.text, of.position));
    let (Some((_, layer, _)), Some((text, position))) = (place, passage) else {
        return state.say("the texts are still being run");
    };
    let texts = &state.views.geometry.settings.texts.texts;
    let Some(text) = texts.get(text).cloned() else {
        return;
    };
    let prompt = &mut state.views.prompt;
    prompt.settings.text = text;
    prompt.unplaced();
    let address = Address::Token {
        state: layer + 1,
        position,
    };
    if shell::go(state, address) {
        state.stack.pop();
    }
}
