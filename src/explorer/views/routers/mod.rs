//! The experts of the layer in hand: the words that call each, and how many tokens have it first.

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
use crate::query::{Address, ExpertWords, ExpertsAnswer, ExpertsQuery, Query};

/// What outlives the view.
#[derive(Clone, Debug, Default)]
pub struct Routers {
    /// The expert in hand, in the order of the list.
    selected: usize,
    /// Whether the experts lie in the order of how many tokens have them first.
    by_first: bool,
}

/// The view.
pub struct RoutersView;

impl View for RoutersView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Routers]
    }

    fn page(&self) -> Option<&'static str> {
        Some("models")
    }

    fn queries(&self, state: &State) -> Vec<Query> {
        state
            .experts_query()
            .into_iter()
            .map(Query::Experts)
            .collect()
    }

    fn act(&self, state: &mut State, action: Action, count: Option<usize>) -> Option<Vec<Effect>> {
        let on_top = state.is_on_top(ViewId::Routers);
        match action {
            Action::OpenRouters if state.tab != TabId::Neurons => {
                state.say("experts are of neurons (g n)");
            }
            Action::OpenRouters => open(state),
            Action::NextMetric if on_top => {
                let routers = &mut state.views.routers;
                routers.by_first = !routers.by_first;
                routers.selected = 0;
            }
            Action::Move(motion) if on_top => step(state, motion, count.unwrap_or(1)),
            Action::Accept if on_top => go_to(state),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn opened(&self, state: &mut State) {
        state.views.routers = Routers::default();
    }

    fn failed(&self, _: &mut State, query: &Query) -> bool {
        matches!(query, Query::Experts(_))
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn row(&self, state: &mut State, row: usize) {
        match state.views.routers.selected == row {
            true => go_to(state),
            false => state.views.routers.selected = row,
        }
    }

    fn export(&self, state: &State) -> Option<Export> {
        let query = state.experts_query().map(Query::Experts);
        let shown = query.and_then(|query| state.board.get(&query).cloned());
        Some(Export {
            name: format!("L{}-experts", state.views.neurons.layer),
            what: match shown {
                Some(shown) => Exported::Answers {
                    in_focus: vec![shown.clone()],
                    all: vec![shown],
                },
                None => Exported::Unfinished("the router is still being read".to_owned()),
            },
        })
    }

    fn legend(&self, _: &State, _: &str) -> Vec<LegendEntry> {
        let rows = [
            (
                "first of",
                "how many of the tokens that pass the filters have this expert first",
            ),
            (
                "called by",
                "words along the expert's row of the router, less the mean of all rows: what a router \
                 adds to all experts alike changes no choice",
            ),
            ("turns away", "words at the low end of that row"),
        ];
        let entry =
            |(sign, words): (&'static str, &'static str)| LegendEntry::new(sign, words, &[]);
        rows.into_iter().map(entry).collect()
    }
}

impl State {
    /// What asks for the experts of the layer in hand, if it has any.
    fn experts_query(&self) -> Option<ExpertsQuery> {
        let layer = self.views.neurons.layer;
        self.card()?.spec.experts(layer)?;
        Some(ExpertsQuery {
            layer,
            expert: None,
            k: ExpertsQuery::WORDS,
            filters: self.filters.per_token(),
            convention: self.convention(),
        })
    }

    fn experts(&self) -> Option<&ExpertsAnswer> {
        let shown = self.board.get(&Query::Experts(self.experts_query()?))?;
        let (_, answer) = shown.of::<ExpertsQuery>()?;
        Some(answer)
    }

    /// The experts in the order of the list.
    fn experts_listed(&self) -> Vec<&ExpertWords> {
        let experts = self.experts().map_or(&[][..], |answer| &answer.experts);
        let mut experts: Vec<&ExpertWords> = experts.iter().collect();
        if self.views.routers.by_first {
            experts.sort_by_key(|of| (std::cmp::Reverse(of.first), of.expert));
        }
        experts
    }

    /// The expert of the neuron in hand.
    fn expert_in_hand(&self) -> Option<usize> {
        match self.address() {
            Address::Expert { expert, .. } => expert,
            _ => None,
        }
    }
}

/// Why a layer has no list of experts.
pub fn no_experts(layer: usize) -> String {
    format!(
        "layer {layer} has no experts: its neurons are those of one feed-forward, from L{layer}.N0 on"
    )
}

fn open(state: &mut State) {
    let layer = state.views.neurons.layer;
    if state.experts_query().is_none() {
        return state.say(no_experts(layer));
    }
    let expert = state.expert_in_hand();
    let routers = &mut state.views.routers;
    routers.selected = expert.filter(|_| !routers.by_first).unwrap_or(0);
    state.put_on_top(ViewId::Routers);
}

/// Another expert, or with left and right another layer that has experts.
fn step(state: &mut State, motion: Motion, times: usize) {
    let last = state.experts_listed().len().saturating_sub(1);
    let room = state.regions.list_rows.max(1);
    let at = state.views.routers.selected;
    state.views.routers.selected = match motion {
        Motion::Up => at.saturating_sub(times),
        Motion::Down => (at + times).min(last),
        Motion::PageUp | Motion::HalfUp => at.saturating_sub(room * times),
        Motion::PageDown | Motion::HalfDown => (at + room * times).min(last),
        Motion::First => 0,
        Motion::Last => last,
        Motion::Left => return other_layer(state, false),
        Motion::Right => return other_layer(state, true),
    };
}

fn other_layer(state: &mut State, above: bool) {
    let at = state.views.neurons.layer;
    let Some(card) = state.card() else { return };
    let has = |layer: &usize| card.spec.experts(*layer).is_some();
    let next = match above {
        true => (at + 1..card.spec.layers).find(has),
        false => (0..at).rev().find(has),
    };
    match next {
        Some(layer) => {
            shell::go(state, Address::Layer { layer });
        }
        None => state.say("no layer that way has experts"),
    }
}

/// Goes to the first neuron of the expert in hand.
fn go_to(state: &mut State) {
    let selected = state.views.routers.selected;
    let expert = state.experts_listed().get(selected).map(|of| of.expert);
    let Some(expert) = expert else {
        return state.say("the router is still being read");
    };
    let address = Address::Expert {
        layer: state.views.neurons.layer,
        expert: Some(expert),
        neuron: Some(0),
    };
    if shell::go(state, address) {
        state.stack.pop();
    }
}
