//! The Heads tab: the grid of heads, and the pair lists of one, or its directions.

mod act;
mod course;
mod draw;
mod grid;
mod queries;
mod words;

use std::collections::BTreeMap;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, Motion};
use crate::explorer::board::Shown;
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::saved_view::{Shows, ViewSettings, option};
use crate::explorer::screen::Canvas;
use crate::explorer::shell::export;
use crate::explorer::state::{PAIRS_MAX, RowCursor, State};
use crate::explorer::view::{Axis, Export, Exported, Tab, View, WordLists};
use crate::explorer::views::filters::Showing;
use crate::explorer::views::legend::LegendEntry;
use crate::explorer::views::{directions, filters, links};
use crate::projection::{End, Pair};
use crate::query::{Address, PairsQuery, Query, RankMetric};
use crate::sheet::with_boundary;
use crate::transformer::Form;

pub use act::swap_end;
pub use course::SearchCourse;
pub use queries::PAIRS;

/// Where one is in the Heads tab.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heads {
    pub layer: usize,
    pub head: usize,
    /// How many positions the key lies behind the query, where positions are rotary.
    pub distance: usize,
    pub end: End,
    /// Index of the list in focus, in the order of [`Heads::FORMS`].
    pub focus: usize,
    /// The pair under the cursor, or the line of directions, one per list.
    pub cursors: [RowCursor; 2],
    /// Which side of a pair or direction is in focus, 0 or 1.
    pub side: usize,
    /// Whether directions are shown in the place of pairs.
    pub directions: bool,
    /// By what the grid of heads is coloured; `None`: by the best pairs seen.
    pub grid: Option<RankMetric>,
    /// How the searches of the two lists go on.
    pub searches: [SearchCourse; 2],
    /// The best score of the heads seen so far, VO and QK, highest or lowest.
    pub seen: BTreeMap<(usize, usize), [Option<f32>; 2]>,
}

impl Heads {
    /// The two lists, in the order in which they are shown.
    pub const FORMS: [Form; 2] = [Form::Vo, Form::Qk];

    /// The number of a form's list.
    pub fn list_of(form: Form) -> usize {
        usize::from(form == Self::FORMS[1])
    }
}

/// Heads of the bundled models that are worth seeing first: layer and head. That of gpt2-pl answers
/// words with endings of the same case, that of bert-pl answers "asked" with words of questions.
const WORTH_SEEING: [(&str, usize, usize); 2] = [("gpt2-pl", 6, 1), ("bert-pl", 1, 3)];

/// The tab.
pub struct HeadsView;

impl View for HeadsView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Heads, Scope::Words, Scope::Panes]
    }

    fn queries(&self, state: &State) -> Vec<Query> {
        state.head_queries()
    }

    fn idle_queries(&self, state: &State) -> Vec<Query> {
        state.head_idle_queries()
    }

    fn act(&self, state: &mut State, action: Action, count: Option<usize>) -> Option<Vec<Effect>> {
        act::act(state, action, count)
    }

    fn answering(&self, state: &mut State, shown: &Shown) {
        course::follow(state, shown);
    }

    fn answered(&self, state: &mut State, shown: &Shown) {
        if let Some((query, answer)) = shown.of::<PairsQuery>()
            && let Some(best) = answer.pairs.first()
        {
            let seen = state.views.heads.seen.entry((query.layer, query.head));
            seen.or_default()[Heads::list_of(query.form)] = Some(best.score);
        }
    }

    /// A head to begin with: a known one, else the first of the middle layer.
    fn opened(&self, state: &mut State) {
        state.views.heads.seen.clear();
        let Some(model) = &state.model else { return };
        let mut known = WORTH_SEEING.iter();
        let spec = &model.card.spec;
        let known = known.find(|&&(name, layer, head)| {
            name == model.card.name && layer < spec.layers && head < spec.heads_in(layer)
        });
        let middle = spec.layers / 2;
        let (layer, head) = known.map_or((middle, 0), |&(_, layer, head)| (layer, head));
        (state.views.heads.layer, state.views.heads.head) = (layer, head);
    }

    fn relisted(&self, state: &mut State) {
        state.views.heads.seen.clear();
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn export(&self, state: &State) -> Option<Export> {
        Some(Export {
            name: self.address(state).to_string(),
            what: self.answers(state),
        })
    }

    fn commands(&self, state: &State) -> Vec<String> {
        export::command_in_focus(state, self)
    }

    fn lines(&self, state: &State) -> (String, Vec<String>) {
        if self.shows_directions(state) {
            let name = self.address(state).to_string();
            return (name, directions::text(state, self));
        }
        let focus = state.views.heads.focus;
        let list = state.pair_list(focus).filter(|(_, fresh, _)| *fresh);
        let (Some(card), Some((answer, ..))) = (state.card(), list) else {
            return (String::new(), Vec::new());
        };
        let word = |id| with_boundary(&card.vocabulary, id);
        let line = |pair: &Pair| format!("{}\t{}\t{}", word(pair.from), word(pair.to), pair.score);
        let asked = state.views.heads.cursors[focus].rows(PAIRS, PAIRS_MAX);
        let lines = answer.pairs.iter().take(asked).map(line).collect();
        (self.address(state).to_string(), lines)
    }

    fn legend(&self, state: &State, text: &str) -> Vec<LegendEntry> {
        act::legend(state, text)
    }
}

impl Tab for HeadsView {
    fn title(&self) -> &'static str {
        "Heads"
    }

    fn name(&self) -> &'static str {
        "heads"
    }

    fn address(&self, state: &State) -> Address {
        Address::Head {
            layer: state.views.heads.layer,
            head: state.views.heads.head,
            form: Some(state.form()),
        }
    }

    fn holds(&self, address: Address) -> bool {
        matches!(address, Address::Head { .. })
    }

    fn place(&self, state: &mut State, address: Address) {
        let heads = &mut state.views.heads;
        match address {
            Address::Head { layer, head, form } => {
                (heads.layer, heads.head) = (layer, head);
                heads.focus = form.map_or(heads.focus, Heads::list_of);
            }
            Address::Layer { layer } => heads.layer = layer,
            Address::Neuron { .. }
            | Address::Expert { .. }
            | Address::State { .. }
            | Address::Token { .. }
            | Address::Direction { .. } => {}
        }
    }

    fn number(&self, state: &State) -> String {
        format!("L{}.H", state.views.heads.layer)
    }

    fn axis<'s>(&self, state: &'s mut State, motion: Motion) -> Option<Axis<'s>> {
        let spec = &state.model.as_ref()?.card.spec;
        let heads = &mut state.views.heads;
        Some(match motion {
            Motion::Left | Motion::Right => Axis {
                what: "layer",
                first: 0,
                len: spec.layers,
                at: &mut heads.layer,
            },
            _ => Axis {
                what: "head",
                first: 0,
                len: spec.heads_in(heads.layer),
                at: &mut heads.head,
            },
        })
    }

    /// Layers without heads are stepped over, where there is one with heads beyond them.
    fn settled(&self, state: &mut State, motion: Motion) {
        let Some(spec) = state.model.as_ref().map(|model| &model.card.spec) else {
            return;
        };
        let at = &mut state.views.heads.layer;
        let has = |layer: &usize| spec.heads_in(*layer) > 0;
        let (before, after) = ((0..*at).rev().find(has), (*at..spec.layers).find(has));
        let found = match motion {
            Motion::Left => before.filter(|_| !has(at)).or(after),
            _ => after.or(before),
        };
        *at = found.unwrap_or(*at);
    }

    fn anywhere(&self, state: &mut State) -> Address {
        let spec = state.card().map(|card| &card.spec);
        let has = |layer: &usize| spec.is_some_and(|spec| spec.heads_in(*layer) > 0);
        let layers: Vec<usize> = (0..spec.map_or(0, |spec| spec.layers))
            .filter(has)
            .collect();
        let layer = state.random.choice(layers).unwrap_or(0);
        let heads = state.card().map_or(0, |card| card.spec.heads_in(layer));
        Address::Head {
            layer,
            head: state.random.usize(0..heads.max(1)),
            form: None,
        }
    }

    fn ranked(&self, state: &State) -> Vec<Address> {
        let by = state.views.ranking.heads_by;
        let heads = state.all_ranked(by);
        let best = heads.len().div_ceil(10);
        let address = |&(layer, head): &(usize, &crate::query::RankedItem)| Address::Head {
            layer,
            head: head.item,
            form: by.form(),
        };
        heads[..best].iter().map(address).collect()
    }

    fn settings(&self, state: &State) -> ViewSettings {
        let heads = &state.views.heads;
        ViewSettings {
            shows: Shows::of(heads.directions, false),
            end: heads.end,
            distance: heads.distance,
            convention: state.convention,
            filters: state.filters.clone(),
            ..ViewSettings::default()
        }
    }

    fn options(&self, settings: &ViewSettings) -> Vec<Vec<String>> {
        let mut own = Vec::new();
        if settings.end == End::Lowest {
            own.push(vec!["--lowest".to_owned()]);
        }
        if settings.distance > 0 {
            own.push(option("--distance", &settings.distance.to_string()));
        }
        settings.of_words(own)
    }

    fn restore(&self, state: &mut State, settings: &ViewSettings) -> Vec<Effect> {
        let heads = &mut state.views.heads;
        (heads.end, heads.distance) = (settings.end, settings.distance);
        heads.directions = settings.shows == Shows::Directions;
        if settings.shows == Shows::Links {
            links::open(state);
        }
        filters::restore(state, settings)
    }

    fn words(&self) -> Option<&dyn WordLists> {
        Some(self)
    }

    fn focus(&self, state: &State) -> Option<Query> {
        let focus = state.views.heads.focus;
        Some(match state.views.heads.directions {
            true => Query::Directions(self.directions(state, focus)),
            false => Query::Pairs(state.pairs_query(focus)),
        })
    }

    fn rows_asked(&self, state: &State, query: &Query) -> usize {
        let list = match query {
            Query::Pairs(query) => Heads::list_of(query.form),
            _ => state.views.heads.focus,
        };
        state.views.heads.cursors[list].rows(PAIRS, PAIRS_MAX)
    }

    fn settings_line(&self, canvas: &mut Canvas, row: Rect) {
        let state = canvas.state;
        let showing = match self.shows_directions(state) {
            true => directions::showing(state, self),
            false => state
                .pair_list(state.views.heads.focus)
                .map(|(answer, ..)| {
                    filters::showing(
                        state,
                        Showing {
                            shown: answer.pairs.len(),
                            passing: answer.passing,
                            rows: answer.rows,
                            pairs: true,
                        },
                    )
                }),
        };
        let end = match state.views.heads.end {
            End::Highest => "▲ highest  ",
            End::Lowest => "▼ lowest  ",
        };
        filters::line(canvas, row, Some(end), showing);
    }
}

impl HeadsView {
    fn answers(&self, state: &State) -> Exported {
        if self.shows_directions(state) {
            return directions::answers(state, self);
        }
        let lists = (0..self.lists()).filter_map(|list| state.pairs_shown(list));
        let robustness = (0..self.lists()).filter_map(|list| state.pairs_robustness(list));
        let focus = state.views.heads.focus;
        let in_focus = state.pairs_shown(focus).into_iter();
        Exported::Answers {
            in_focus: in_focus
                .chain(state.pairs_robustness(focus))
                .cloned()
                .collect(),
            all: lists.chain(robustness).cloned().collect(),
        }
    }
}
