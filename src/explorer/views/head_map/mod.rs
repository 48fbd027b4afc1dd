//! The map of heads: layer × head, a cell each, by a measure.

mod act;
mod draw;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, TabId, ViewId};
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::screen::Canvas;
use crate::explorer::shell;
use crate::explorer::state::State;
use crate::explorer::view::{Export, View};
use crate::explorer::views::legend::LegendEntry;
use crate::explorer::views::ranking::{after, answers, commands};
use crate::query::{Address, Query, RankMetric, RankQuery};

/// Where the cursor of the map is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadMap {
    pub layer: usize,
    pub head: usize,
}

/// The map.
pub struct HeadMapView;

impl View for HeadMapView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::HeadMap]
    }

    fn page(&self) -> Option<&'static str> {
        Some("definitions")
    }

    /// All layers, or of a model in parts the one that the cursor is in.
    fn queries(&self, state: &State) -> Vec<Query> {
        let by = state.views.ranking.heads_by;
        match drawn_layer(state) {
            Some(layer) => vec![Query::Rank(state.rank_of(by, layer))],
            None => state.all_layers(by, state.views.heads.layer),
        }
    }

    fn keeps(&self, state: &State, query: &Query) -> bool {
        // For when the map is opened again.
        let by = state.views.ranking.heads_by;
        matches!(query, Query::Rank(query) if *query == RankQuery {
            likely: query.likely,
            ..state.rank_of(by, query.layer)
        })
    }

    fn act(&self, state: &mut State, action: Action, _: Option<usize>) -> Option<Vec<Effect>> {
        let on_top = state.is_on_top(ViewId::HeadMap);
        match action {
            Action::OpenRanking if state.tab == TabId::Heads => {
                let heads = &state.views.heads;
                state.views.head_map = HeadMap {
                    layer: heads.layer,
                    head: heads.head,
                };
                state.put_on_top(ViewId::HeadMap);
            }
            Action::Move(motion) if on_top => act::step(state, motion),
            Action::NextBest => act::in_order(state, 1),
            Action::PreviousBest => act::in_order(state, -1),
            Action::NextMetric if on_top => {
                let all = state.card().map(RankMetric::of_heads_in);
                let by = &mut state.views.ranking.heads_by;
                *by = after(&all.unwrap_or_default(), *by);
            }
            Action::Accept if on_top => {
                let HeadMap { layer, head } = state.views.head_map;
                go(state, layer, head);
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn export(&self, state: &State) -> Option<Export> {
        let by = state.views.ranking.heads_by;
        Some(Export {
            name: format!("heads-{by}"),
            what: answers(state, by, drawn_layer(state)),
        })
    }

    fn commands(&self, state: &State) -> Vec<String> {
        commands(state, state.views.ranking.heads_by, drawn_layer(state))
    }

    fn row(&self, state: &mut State, row: usize) {
        let ranked = state.all_ranked(state.views.ranking.heads_by);
        if let Some((layer, head)) = ranked.get(row).map(|(layer, head)| (*layer, head.item)) {
            go(state, layer, head);
        }
    }

    fn legend(&self, state: &State, _: &str) -> Vec<LegendEntry> {
        let words = format!(
            "the map's shades, from the lowest figure to the highest: {}; \
             s takes another measure",
            state.views.ranking.heads_by.meaning()
        );
        let likely = "of pairs that are likely the best; proven after all heads have a figure";
        vec![
            LegendEntry::new("░▒▓█", words, &["░", "▒", "▓", "█"]),
            LegendEntry::new("~0.9", likely.to_owned(), &[]),
        ]
    }
}

/// The layer of the cursor, which alone a model in parts has a map of; `None` if all are drawn.
fn drawn_layer(state: &State) -> Option<usize> {
    state.is_in_parts().then_some(state.views.head_map.layer)
}

/// Goes to a head, and leaves the map.
fn go(state: &mut State, layer: usize, head: usize) {
    let form = state.views.ranking.heads_by.form();
    if shell::go(state, Address::Head { layer, head, form }) {
        state.stack.pop();
    }
}
