//! Measures of all layers: the map of heads, the strip of layers, the grid of heads, and what a
//! random place is drawn from.

use super::{Choice, Overlay, State};
use crate::explorer::action::Pane;
use crate::query::{Address, Answer, Interest, Interesting, Query, RankAnswer, RankQuery};

/// What the strip of layers shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strip {
    /// The mean norm of each layer's values.
    #[default]
    Norms,
    /// Anisotropy after each layer.
    Anisotropy,
    /// What neurons or heads are ranked by: the mean of a layer; of z, whose mean tells nothing,
    /// its best.
    Of(Interest),
}

impl Strip {
    /// All of them, in the order in which they are gone through.
    pub fn all() -> impl Iterator<Item = Self> {
        let measures = Interest::NEURONS.into_iter().chain(Interest::HEADS);
        let measures = measures.filter(|by| *by != Interest::Norm);
        [Self::Norms, Self::Anisotropy]
            .into_iter()
            .chain(measures.map(Self::Of))
    }

    /// The name in the session file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Norms => "norms",
            Self::Anisotropy => "anisotropy",
            Self::Of(by) => by.name(),
        }
    }

    /// What it shows, in a word or two.
    pub fn title(self) -> String {
        match self {
            Self::Norms => "‖V‖ mean".to_owned(),
            Self::Anisotropy => "anisotropy".to_owned(),
            Self::Of(Interest::Z) => "z best".to_owned(),
            Self::Of(by) => format!("{by} mean"),
        }
    }

    /// … and in a sentence.
    pub fn meaning(self) -> String {
        match self {
            Self::Norms => "the mean norm of the values".to_owned(),
            Self::Anisotropy => "anisotropy after each layer".to_owned(),
            Self::Of(Interest::Z) => format!("of each layer the best {}", Interest::Z.meaning()),
            Self::Of(by) => format!("of each layer the mean {}", by.meaning()),
        }
    }
}

impl State {
    /// The layers by a measure, the nearest to `from` first.
    pub(super) fn all_layers(&self, by: Interest, from: usize) -> Vec<Query> {
        let layers = self.card().map_or(0, |card| card.spec.layers);
        let mut order: Vec<usize> = (0..layers).collect();
        order.sort_by_key(|layer| layer.abs_diff(from));
        let query = |layer: usize| Query::Rank(self.rank_of(by, layer));
        order.into_iter().map(query).collect()
    }

    /// What the map of heads asks for, while it is on top: all layers, or of a model in parts the
    /// one that the cursor is in.
    pub(super) fn map_queries(&self) -> Vec<Query> {
        let Some(Overlay::HeadMap { layer, .. }) = self.list_on_top() else {
            return Vec::new();
        };
        let by = self.ranked.heads_by;
        match self.card().is_some_and(|card| card.remote) {
            true => vec![Query::Rank(self.rank_of(by, *layer))],
            false => self.all_layers(by, self.heads.layer),
        }
    }

    /// What is asked for when there is nothing else to do: how far the lists can be trusted, and
    /// the figures of the strip, or the grid.
    pub fn idle_needs(&self) -> Vec<Query> {
        let mut needs = self.trust_queries();
        needs.extend(self.measured());
        needs
    }

    fn measured(&self) -> Vec<Query> {
        let by = match (self.pane, self.strip) {
            (Pane::Neurons, Strip::Of(by)) => Some(by),
            (Pane::Neurons, _) if self.ranked.opened => Some(self.ranked.by),
            (Pane::Heads, _) => self.grid,
            _ => None,
        };
        match by {
            // Of a model in parts all weights would have to come.
            Some(by) if self.card().is_some_and(|card| !card.remote) => self.all_layers(by, 0),
            _ => Vec::new(),
        }
    }

    /// Forgets the rankings that nothing asks for any more.
    pub fn forget_rankings(&mut self) {
        let mut layers = std::mem::take(&mut self.ranked.layers);
        let again = [self.ranked.heads_by, self.ranked.by];
        layers.retain(|shown| {
            let asked = self.wanted.contains(&shown.query) || self.idle.contains(&shown.query);
            // The map's and the list's, for when they are opened again.
            let kept = |by: Interest| match &shown.query {
                Query::Rank(query) => *query == self.rank_of(by, query.layer),
                _ => false,
            };
            asked || again.into_iter().any(kept)
        });
        self.ranked.layers = layers;
    }

    /// The rankings of layers by a measure that are known, a layer each; some may be of a part of
    /// their layer.
    pub fn ranked_layers(&self, by: Interest) -> Vec<Option<&RankAnswer>> {
        let layers = self.card().map_or(0, |card| card.spec.layers);
        let mut found = vec![None; layers];
        let alike = self.rank_of(by, 0);
        for shown in &self.ranked.layers {
            if let (Query::Rank(query), Answer::Rank(answer)) = (&shown.query, &*shown.answer)
                && is_of(query, &alike)
                && let Some(slot) = found.get_mut(query.layer)
            {
                *slot = Some(answer);
            }
        }
        found
    }

    /// All heads, or neurons, whose figures are known, with their layers, the best first; what is no
    /// number goes last.
    pub fn all_ranked(&self, by: Interest) -> Vec<(usize, &Interesting)> {
        let layers = self.ranked_layers(by).into_iter().enumerate();
        let mut heads: Vec<(usize, &Interesting)> = layers
            .filter_map(|(layer, answer)| Some((layer, answer?)))
            .flat_map(|(layer, answer)| answer.items.iter().map(move |head| (layer, head)))
            .collect();
        let figure = |head: &Interesting| match head.figure.is_nan() {
            true => f32::NEG_INFINITY,
            false => head.figure,
        };
        let place = |(layer, head): &(usize, &Interesting)| (*layer, head.item);
        heads.sort_by(|a, b| {
            let by_figure = figure(b.1).total_cmp(&figure(a.1));
            by_figure.then_with(|| place(a).cmp(&place(b)))
        });
        heads
    }

    /// The rows of the list beside the map.
    pub(super) fn map_rows(&self) -> Vec<Choice<'_>> {
        let heads = self.all_ranked(self.ranked.heads_by).into_iter();
        heads
            .map(|(layer, head)| Choice::Head { layer, head })
            .collect()
    }

    /// The strip's figures, a layer each; empty if none is known.
    pub fn strip_figures(&self) -> Vec<Option<f32>> {
        let known = |figures: &[f32]| figures.iter().copied().map(Some).collect();
        match self.strip {
            Strip::Norms => self.value_norms().map_or_else(Vec::new, known),
            Strip::Anisotropy => self.layer_anisotropy().map_or_else(Vec::new, |f| known(&f)),
            Strip::Of(by) => {
                let figure = |answer: &RankAnswer| match by {
                    Interest::Z => answer.items.first().map_or(f32::NAN, |best| best.figure),
                    _ => answer.mean,
                };
                let whole = |answer: Option<&RankAnswer>| {
                    answer.filter(|answer| answer.done >= 1.0).map(figure)
                };
                self.ranked_layers(by).into_iter().map(whole).collect()
            }
        }
    }

    /// The interesting places of the pane that are known, of which a random one is drawn; none if
    /// it is to be anywhere.
    pub fn drawn_from(&self) -> Vec<Address> {
        if !self.ranked.draws {
            return Vec::new();
        }
        match self.pane {
            Pane::Neurons => {
                let ranked = self.ranked.layers.iter();
                let mut places: Vec<Address> = ranked
                    .filter_map(|shown| match (&shown.query, &*shown.answer) {
                        (Query::Rank(query), Answer::Rank(answer)) if !query.by.of_heads() => {
                            Some((query, answer))
                        }
                        _ => None,
                    })
                    .flat_map(|(query, answer)| answer.items.iter().map(|n| query.address(n)))
                    .collect();
                places.sort_unstable();
                places.dedup();
                places
            }
            Pane::Heads => {
                let heads = self.all_ranked(self.ranked.heads_by);
                let best = heads.len().div_ceil(10);
                let address = |&(layer, head): &(usize, &Interesting)| Address::Head {
                    layer,
                    head: head.item,
                    form: self.ranked.heads_by.form(),
                };
                heads[..best].iter().map(address).collect()
            }
            Pane::Geometry => Vec::new(),
        }
    }
}

/// Whether two queries differ in their layers at most.
fn is_of(query: &RankQuery, alike: &RankQuery) -> bool {
    let RankQuery {
        layer: _,
        by,
        count,
        words,
        filters,
        convention,
    } = query;
    (*by, *count, *words) == (alike.by, alike.count, alike.words)
        && (filters, convention) == (&alike.filters, &alike.convention)
}
