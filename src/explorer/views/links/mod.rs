//! Who writes what the neuron or head in hand reads, and who reads what it writes: a list to walk along.

mod draw;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, Motion, TabId, ViewId};
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::saved_view::Shows;
use crate::explorer::screen::Canvas;
use crate::explorer::shell;
use crate::explorer::state::State;
use crate::explorer::view::{Export, Exported, View};
use crate::explorer::views::legend::LegendEntry;
use crate::query::{Address, Link, LinksAnswer, LinksQuery, Query};

/// Neurons, and heads, of each way.
const COUNT: usize = 10;

/// What outlives the view.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// The row in hand.
    selected: usize,
    /// The places that one came along, the first one first.
    path: Vec<Address>,
}

/// The view.
pub struct LinksView;

impl View for LinksView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Links]
    }

    fn page(&self) -> Option<&'static str> {
        Some("reading-lists")
    }

    fn queries(&self, state: &State) -> Vec<Query> {
        let query = state.links_query().map(Query::Links);
        let asked = query.filter(|query| state.is_worth_asking(query));
        asked.into_iter().collect()
    }

    fn act(&self, state: &mut State, action: Action, count: Option<usize>) -> Option<Vec<Effect>> {
        let on_top = state.is_on_top(ViewId::Links);
        match action {
            Action::OpenLinks => match state.links_query() {
                Some(_) => open(state),
                None => state.say("links are of neurons (g n) and heads (g h)"),
            },
            Action::Move(motion) if on_top => step(state, motion, count.unwrap_or(1)),
            Action::Accept if on_top => follow(state),
            // The history leads back; the path is one place shorter then.
            Action::Back if on_top => {
                let back = state.views.links.path.pop();
                state.views.links.selected = 0;
                if back.is_some() {
                    return None;
                }
                state.say("the walk began here: Esc leaves it");
            }
            Action::CopyAddress if on_top => return Some(copy_address(state)),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn opened(&self, state: &mut State) {
        state.views.links = Links::default();
    }

    fn failed(&self, _: &mut State, query: &Query) -> bool {
        matches!(query, Query::Links(_))
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn row(&self, state: &mut State, row: usize) {
        match state.views.links.selected == row {
            true => follow(state),
            false => state.views.links.selected = row,
        }
    }

    fn export(&self, state: &State) -> Option<Export> {
        let query = state.links_query().map(Query::Links);
        let shown = query.and_then(|query| state.board.get(&query).cloned());
        let whole = shown.filter(|_| state.links().is_some_and(|links| links.done >= 1.0));
        Some(Export {
            name: format!("{}-links", state.address()),
            what: match whole {
                Some(shown) => Exported::Answers {
                    in_focus: vec![shown.clone()],
                    all: vec![shown],
                },
                None => Exported::Unfinished("the layers are still being looked at".to_owned()),
            },
        })
    }

    fn legend(&self, _: &State, _: &str) -> Vec<LegendEntry> {
        let rows = [
            (
                "key, up, Q, K, V",
                "by what the one that reads does so: a neuron's key (of a gated one its gate) or up input, a \
                 head's queries, keys or values",
            ),
            (
                "strength",
                "between neurons value · γ ⊙ key: how much the reader's input rises with the writer's \
                 activation; of heads the length of what goes through",
            ),
            (
                "share",
                "the strength over the product of both lengths: between neurons the cosine, between heads \
                 the composition score",
            ),
            (
                "L0.N1 ▸ L3.H2",
                "the way that one walked; H goes back along it",
            ),
        ];
        let entry =
            |(sign, words): (&str, &str)| LegendEntry::new(sign, words, &["strength", "share"]);
        rows.into_iter().map(entry).collect()
    }
}

impl State {
    /// What is asked about the neuron or head in hand.
    fn links_query(&self) -> Option<LinksQuery> {
        let of = match self.tab {
            TabId::Neurons => {
                let neurons = &self.views.neurons;
                Address::Neuron {
                    layer: neurons.layer,
                    neuron: neurons.neuron,
                }
            }
            TabId::Heads => self.address(),
            TabId::Geometry | TabId::Prompt | TabId::Dictionary => return None,
        };
        Some(LinksQuery {
            of,
            input: match self.tab {
                TabId::Neurons => self.input(),
                _ => Default::default(),
            },
            count: COUNT,
            words: LinksQuery::WORDS,
            filters: self.filters.per_token(),
            convention: self.convention(),
        })
    }

    /// What is known of its links.
    fn links(&self) -> Option<&LinksAnswer> {
        let shown = self.board.get(&Query::Links(self.links_query()?))?;
        let (_, answer) = shown.of::<LinksQuery>()?;
        Some(answer)
    }

    /// All links in a row: upstream neurons and heads, then downstream.
    fn links_listed(&self) -> Vec<&Link> {
        let links = self.links();
        let lists = links.map(|links| [&links.upstream, &links.downstream]);
        let lists = lists.into_iter().flatten();
        lists
            .flat_map(|lists| lists.neurons.iter().chain(&lists.heads))
            .collect()
    }
}

/// Puts the view on top, of the place one is at.
pub fn open(state: &mut State) {
    state.views.links = Links::default();
    if !state.stack.contains(&ViewId::Links) {
        state.put_on_top(ViewId::Links);
    }
}

fn step(state: &mut State, motion: Motion, times: usize) {
    let last = state.links_listed().len().saturating_sub(1);
    let room = state.regions.list_rows.max(1);
    let at = state.views.links.selected;
    state.views.links.selected = match motion {
        Motion::Up | Motion::Left => at.saturating_sub(times),
        Motion::Down | Motion::Right => (at + times).min(last),
        Motion::PageUp | Motion::HalfUp => at.saturating_sub(room * times),
        Motion::PageDown | Motion::HalfDown => (at + room * times).min(last),
        Motion::First => 0,
        Motion::Last => last,
    };
}

/// Goes to the neuron or head of the row in hand, with its own links.
fn follow(state: &mut State) {
    let listed = state.links_listed();
    let Some(to) = listed.get(state.views.links.selected).map(|link| link.at) else {
        return state.say("the layers are still being looked at");
    };
    let here = state.address();
    if shell::go(state, to) {
        state.views.neurons.directions = false;
        state.views.links.path.push(here);
        state.views.links.selected = 0;
    }
}

fn copy_address(state: &mut State) -> Vec<Effect> {
    let mut view = state.saved_view();
    if let Some(settings) = &mut view.settings {
        settings.shows = Shows::Links;
    }
    let text = view.to_string();
    state.say(format!("copied {text}"));
    vec![Effect::Copy(text)]
}
