//! The list of neurons by a measure; and the measures of all layers, which other views show too.

mod draw;
mod state;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, TabId, ViewId};
use crate::explorer::board::Shown;
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::screen::Canvas;
use crate::explorer::shell;
use crate::explorer::state::{Chooser, Field, State};
use crate::explorer::view::{Export, Exported, List, View};
use crate::explorer::views::legend::LegendEntry;
use crate::query::sheet::{command, rank_command};
use crate::query::{Answer, Query, RankMetric};

use state::OF_DICTIONARY;
pub use state::RankingState;

/// The list.
pub struct RankingView;

impl View for RankingView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Ranking, Scope::Lists]
    }

    fn page(&self) -> Option<&'static str> {
        Some("definitions")
    }

    fn queries(&self, state: &State) -> Vec<Query> {
        let mut queries = state.rank_queries();
        // Its words are marked as those of the tabs are, whichever of them is below.
        queries.insert(queries.len().min(1), Query::Undertrained);
        queries
    }

    fn can_wait(&self) -> bool {
        true
    }

    fn keeps(&self, state: &State, query: &Query) -> bool {
        // For when the list is opened again.
        match query {
            Query::Rank(query) => *query == state.rank_of(state.views.ranking.by, query.layer),
            Query::Dictionary(query) => state.dictionary_rank().as_ref() == Some(query),
            _ => false,
        }
    }

    fn act(&self, state: &mut State, action: Action, _: Option<usize>) -> Option<Vec<Effect>> {
        let on_top = state.is_on_top(ViewId::Ranking);
        match action {
            Action::OpenRanking if state.tab != TabId::Heads => {
                let ranking = &mut state.views.ranking;
                ranking.opened |= state.tab != TabId::Dictionary;
                ranking.chooser = Chooser::default();
                state.put_on_top(ViewId::Ranking);
            }
            Action::RankLayers if state.ranks_dictionary() => {
                state.say("directions of a file are of one layer or of none");
            }
            Action::RankLayers if on_top => {
                let ranking = &mut state.views.ranking;
                ranking.chooser.selected = 0;
                ranking.one_layer = !ranking.one_layer;
            }
            Action::RankLayers => state.say("i opens the list that this is about"),
            Action::NextMetric if on_top && state.ranks_dictionary() => {
                let ranking = &mut state.views.ranking;
                ranking.directions_by = after(&OF_DICTIONARY, ranking.directions_by);
                ranking.chooser.selected = 0;
            }
            Action::NextMetric if on_top => {
                let gated = state.card().is_some_and(|card| card.gated());
                let ranking = &mut state.views.ranking;
                ranking.by = after(&RankMetric::of_neurons(gated), ranking.by);
                ranking.chooser.selected = 0;
            }
            Action::NextMetric if !state.is_on_top(ViewId::HeadMap) => {
                state.say("i ranks all neurons, or all heads");
            }
            Action::DrawRanked => swap_draws(state),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn opened(&self, state: &mut State) {
        state.views.ranking.opened = false;
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn field<'s>(&self, state: &'s mut State) -> Option<&'s mut Field> {
        Some(&mut state.views.ranking.chooser.field)
    }

    fn list(&self) -> Option<&dyn List> {
        Some(self)
    }

    fn failed(&self, state: &mut State, query: &Query) -> bool {
        let ranked = state.dictionary_rank().map(Query::Dictionary);
        ranked.as_ref() == Some(query)
    }

    fn export(&self, state: &State) -> Option<Export> {
        if state.ranks_dictionary() {
            let by = state.ranked_by();
            return Some(Export {
                name: format!("directions-{by}"),
                what: of_dictionary(state),
            });
        }
        let (by, layer) = (state.views.ranking.by, listed_layer(state));
        let name = match layer {
            None => format!("neurons-{by}"),
            Some(layer) => format!("L{layer}-{by}"),
        };
        let what = answers(state, by, layer);
        Some(Export { name, what })
    }

    fn commands(&self, state: &State) -> Vec<String> {
        if let (true, Some(card)) = (state.ranks_dictionary(), state.card()) {
            let query = state.dictionary_rank().map(Query::Dictionary);
            let command = query.and_then(|query| command(&card.name, &query, false));
            return command.iter().map(ToString::to_string).collect();
        }
        commands(state, state.views.ranking.by, listed_layer(state))
    }

    fn legend(&self, state: &State, _: &str) -> Vec<LegendEntry> {
        let meaning = state.ranked_by().meaning();
        let words = format!("the figure before the words: {meaning}");
        vec![LegendEntry::new("0.9", words, &[])]
    }
}

impl List for RankingView {
    fn rows(&self, state: &State) -> usize {
        state.ranking_listed().len()
    }

    fn selected<'s>(&self, state: &'s mut State) -> Option<&'s mut usize> {
        Some(&mut state.views.ranking.chooser.selected)
    }

    fn take(&self, state: &mut State, row: usize) -> Vec<Effect> {
        let listed = state.ranking_listed();
        let address = listed
            .get(row)
            .map(|(layer, item)| state.ranked_address(*layer, item));
        if address.is_some_and(|address| shell::go(state, address)) {
            state.stack.pop();
        }
        Vec::new()
    }
}

/// The ranking of a dictionary's directions, once it is whole.
fn of_dictionary(state: &State) -> Exported {
    let query = state.dictionary_rank().map(Query::Dictionary);
    let shown = query.and_then(|query| state.board.get(&query).cloned());
    match shown.filter(|_| state.ranking_done() >= 1.0) {
        Some(shown) => Exported::Answers {
            in_focus: vec![shown.clone()],
            all: vec![shown],
        },
        None => Exported::Unfinished("the directions are still being ranked".to_owned()),
    }
}

/// The measure after another.
pub fn after(all: &[RankMetric], by: RankMetric) -> RankMetric {
    let at = all.iter().position(|other| *other == by);
    let next = all.get(at.map_or(0, |at| at + 1)).or(all.first());
    next.copied().unwrap_or(by)
}

/// The layer whose neurons the list shows; `None` if it shows those of all.
fn listed_layer(state: &State) -> Option<usize> {
    let layer = state.views.neurons.layer;
    state.ranks_one_layer().then_some(layer)
}

/// The ranking of a layer, or of all, by a measure: what its command prints, which is whole.
pub fn answers(state: &State, by: RankMetric, layer: Option<usize>) -> Exported {
    let layers = match layer {
        Some(layer) => layer..layer + 1,
        None => 0..state.card().map_or(0, |card| card.spec.layers),
    };
    let count = layers.len();
    let shown = layers.filter_map(|layer| {
        let query = Query::Rank(state.rank_of(by, layer));
        state.board.get(&query).cloned()
    });
    let whole = |shown: &Shown| matches!(&*shown.answer, Answer::Rank(rank) if rank.done >= 1.0);
    let all: Vec<Shown> = shown.filter(whole).collect();
    if all.len() < count {
        let ranked = all.len();
        let why = format!("{ranked} of {count} layers are ranked yet: wait for all of them");
        return Exported::Unfinished(why);
    }
    Exported::Answers {
        in_focus: all.clone(),
        all,
    }
}

/// The command that prints the ranking of a layer, or of all, by a measure.
pub fn commands(state: &State, by: RankMetric, layer: Option<usize>) -> Vec<String> {
    let Some(card) = state.card() else {
        return Vec::new();
    };
    let query = state.rank_of(by, layer.unwrap_or(0));
    let command = match layer {
        None if card.spec.layers > 1 => {
            let count = state.length_of_ranking(by);
            Some(rank_command(&card.name, &query, count))
        }
        _ => command(&card.name, &Query::Rank(query), false),
    };
    command.iter().map(ToString::to_string).collect()
}

/// Whether a random place is one of those that were ranked.
fn swap_draws(state: &mut State) {
    state.draws = !state.draws;
    let places = state.drawn_from().len();
    state.say(match (state.draws, places) {
        (false, _) => "r goes anywhere".to_owned(),
        (true, 0) => "r goes to what is ranked, once something is: i ranks".to_owned(),
        (true, n) => format!("r goes to one of {n} that are ranked best"),
    });
}
