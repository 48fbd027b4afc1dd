//! The neurons of a layer, or its heads, ranked by a metric.

mod answering;
mod best_heads;
pub(super) mod cache;
mod input_output;
mod metric;
mod near_sides;
mod ranking;
mod relation;
mod repeated_tokens;
mod same_words;
mod score_shape;
mod sheet;

use serde::{Deserialize, Serialize};

pub(super) use answering::EmbeddingGram;
pub(super) use cache::RankCache;
pub use metric::{InputOutputClass, RankMetric};
pub use ranking::Ranking;
pub(super) use ranking::{Judged, judge, of_neuron, ranked, standardise};
pub(super) use repeated_tokens::RepeatedTokens;
pub use sheet::{command_of_all as rank_command, sheet_of_all as rank_sheet};

use super::kind::{AnswerKind, AnyListed, NotFinite, QueryKind};
use super::pairs::{readings_of, takes_seconds};
use super::{Address, Answer, Callbacks, Convention, ModelCard, QueryError, Reader};
use crate::checkpoint::Reading;
use crate::transformer::Form;
use crate::vocabulary::Filters;

/// Asks for a layer's best neurons, or heads, by a metric. Of gated neurons K is the gate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RankQuery {
    pub layer: usize,
    pub by: RankMetric,
    /// How many.
    pub count: usize,
    /// Tokens of each side that come with each of them.
    pub words: usize,
    pub filters: Filters,
    /// How weights become words. Biases are no part of figures of the weights.
    pub convention: Convention,
    /// Whether pairs of heads that are likely the best will do, where proving them takes seconds.
    pub likely: bool,
}

impl RankQuery {
    /// Tokens of each side, unless others are asked for.
    pub const WORDS: usize = 10;

    /// Whether the figures of a model's heads are soon known by pairs that are likely the best, and
    /// only later proven.
    pub fn has_likely(&self, card: &ModelCard) -> bool {
        let by_pairs = self.by.of_heads() && !self.by.of_weights();
        by_pairs && takes_seconds(card)
    }

    /// Whether its layer has any of what it ranks.
    pub fn has_any(&self, card: &ModelCard) -> bool {
        match self.by.of_heads() {
            true => card.spec.heads_in(self.layer) > 0,
            false => card.spec.neurons_in(self.layer) > 0,
        }
    }

    /// Where one of what is ranked stands.
    pub fn address(&self, of: &RankedItem) -> Address {
        let (layer, item) = (self.layer, of.item);
        match self.by.form() {
            form @ Some(_) => Address::Head {
                layer,
                head: item,
                form,
            },
            None => Address::Neuron {
                layer,
                neuron: item,
            },
        }
    }
}

/// A layer's ranked neurons, or heads, of all or of those looked at so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankAnswer {
    /// The best first; ties go to the smaller number.
    pub items: Vec<RankedItem>,
    /// The mean figure of all that were looked at, in the list or not.
    pub mean: f32,
    /// Share of the layer that was looked at, 0 to 1.
    pub done: f32,
}

/// A neuron, or a head, with the figure that ranks it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankedItem {
    /// The number of the neuron or the head.
    pub item: usize,
    pub figure: f32,
    /// The best tokens of K, the first few; of a head those that its best pairs read.
    pub key: Vec<u32>,
    /// The best of V; of a head those that its best pairs write.
    pub value: Vec<u32>,
    /// Whether its figure is that of the best pairs, not of those that are likely the best.
    #[serde(default = "proven")]
    pub proven: bool,
}

fn proven() -> bool {
    true
}

impl RankAnswer {
    /// What it holds beside itself, in bytes.
    pub fn heap_bytes(&self) -> usize {
        let of = |n: &RankedItem| {
            size_of::<RankedItem>() + size_of_val(&n.key[..]) + size_of_val(&n.value[..])
        };
        self.items.iter().map(of).sum()
    }
}

impl QueryKind for RankQuery {
    fn filters(&self) -> Option<&Filters> {
        Some(&self.filters)
    }

    fn convention(&self) -> Option<Convention> {
        Some(self.convention)
    }

    fn address(&self) -> Option<Address> {
        Some(Address::Layer { layer: self.layer })
    }

    /// The forward pass says itself what it cannot read.
    fn readings(&self) -> &'static [Reading] {
        let form = self.by.form();
        if self.by.runs() {
            return &[];
        }
        form.map_or(&[Reading::Neurons], |form| readings_of(form, 0))
    }

    fn needs_all_weights(&self) -> bool {
        self.by.runs()
    }

    fn needs_output(&self) -> bool {
        self.by == RankMetric::Overlap || self.by.form() == Some(Form::Vo)
    }

    fn check(&self, card: &ModelCard) -> Result<(), String> {
        if let (true, Some(why)) = (self.by.runs(), &card.not_run) {
            return Err(format!("`{}` is of the model as it runs: {why}", self.by));
        }
        match self.by.of_gated() && !card.gated() {
            true => Err(format!(
                "{} has neurons without gates, which `{}` is about: of them `enrichment` and \
                 `depletion` compare what is read with what is written",
                card.name, self.by
            )),
            false => Ok(()),
        }
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Rank(reader.rank(self, callbacks)?))
    }

    fn listed(&self) -> Option<&dyn AnyListed> {
        Some(self)
    }
}

impl AnswerKind for RankAnswer {
    fn heap_bytes(&self) -> usize {
        self.heap_bytes()
    }

    /// Items without a figure are none of the best.
    fn not_finite(&self) -> Option<NotFinite> {
        None
    }
}
