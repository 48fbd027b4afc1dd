//! The neurons of a layer, or its heads, ranked by a metric.

mod answering;
pub(super) mod cache;
mod ranking;
mod sheet;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub(super) use answering::EmbeddingGram;
pub(super) use cache::RankCache;
pub use ranking::Ranking;
pub(super) use ranking::{Judged, judge, of_neuron, ranked, standardise};
pub use sheet::{command_of_all as rank_command, sheet_of_all as rank_sheet};

use super::kind::{AnswerKind, NotFinite, QueryKind};
use super::pairs::readings_of;
use super::{
    Address, Answer, Callbacks, Convention, ModelCard, QueryError, Reader, RobustnessAnswer,
};
use crate::checkpoint::Reading;
use crate::sheet::{CommandLine, Sheet};
use crate::transformer::Form;
use crate::vocabulary::Filters;

/// What neurons, by their [`Self::TOP`] best tokens in K and in V, or heads are ranked by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RankMetric {
    /// The share of tokens that are in both K and V: it promotes what it fires on.
    #[default]
    Overlap,
    /// The length of its value.
    Norm,
    /// By how many standard deviations of the layer's neurons its best score lies above their
    /// mean, in K or in V, whichever is more.
    Z,
    /// The share of tokens that look like one of them (see
    /// [`crate::vocabulary::Vocabulary::similar`]), in K or in V, whichever is more.
    Stem,
    /// Of heads: the copying score of VO over the vocabulary, the sum of its eigenvalues over the
    /// sum of their sizes (Elhage et al. 2021), −1 to 1.
    Copying,
    /// Of heads: the share of the [`Self::TOP`] best pairs of VO that are twice the same word.
    Same,
    /// Of heads: as the copying score, of QK: whether words attend to themselves.
    Matching,
    /// Of heads: the share of the [`Self::TOP`] best pairs of QK that are twice the same word.
    SameQk,
}

impl RankMetric {
    /// Length of the lists that are judged.
    pub const TOP: usize = 30;
    /// Those of neurons, in the order in which they are offered.
    pub const NEURONS: [Self; 4] = [Self::Overlap, Self::Norm, Self::Z, Self::Stem];
    /// Those of heads.
    pub const HEADS: [Self; 4] = [Self::Copying, Self::Same, Self::Matching, Self::SameQk];

    /// The form of the heads that are ranked by it; `None` if neurons are.
    pub fn form(self) -> Option<Form> {
        match self {
            Self::Overlap | Self::Norm | Self::Z | Self::Stem => None,
            Self::Copying | Self::Same => Some(Form::Vo),
            Self::Matching | Self::SameQk => Some(Form::Qk),
        }
    }

    /// Whether heads are ranked by it, and not neurons.
    pub fn of_heads(self) -> bool {
        self.form().is_some()
    }

    /// Whether it is a figure of the weights, and no list needs to be known for it.
    pub fn of_weights(self) -> bool {
        matches!(self, Self::Norm | Self::Copying | Self::Matching)
    }

    /// The name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overlap => "overlap",
            Self::Norm => "norm",
            Self::Z => "z",
            Self::Stem => "stem",
            Self::Copying => "copying",
            Self::Same => "same",
            Self::Matching => "matching",
            Self::SameQk => "same-qk",
        }
    }

    /// What the figure is, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Overlap => "share of words in both K and V",
            Self::Norm => "length of the value",
            Self::Z => "best score against the layer's, in standard deviations",
            Self::Stem => "share of words that look alike",
            Self::Copying => "copying score of VO",
            Self::Same => "share of VO's pairs of twice the same word",
            Self::Matching => "matching score of QK",
            Self::SameQk => "share of QK's pairs of twice the same word",
        }
    }
}

impl fmt::Display for RankMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for RankMetric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::NEURONS.into_iter().chain(Self::HEADS);
        all.find(|by| by.name() == text).ok_or_else(|| {
            let known = "overlap, norm, z, stem, copying, same, matching or same-qk";
            format!("expected {known}, got {text}")
        })
    }
}

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
}

impl RankQuery {
    /// Tokens of each side, unless others are asked for.
    pub const WORDS: usize = 10;

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

    fn readings(&self) -> &'static [Reading] {
        let form = self.by.form();
        form.map_or(&[Reading::Neurons], |form| readings_of(form, 0))
    }

    fn needs_output(&self) -> bool {
        self.by == RankMetric::Overlap || self.by.form() == Some(Form::Vo)
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Rank(reader.rank(self, callbacks)?))
    }

    fn sheet(
        &self,
        card: &ModelCard,
        answer: &Answer,
        _: Option<&RobustnessAnswer>,
    ) -> Option<Sheet> {
        match answer {
            Answer::Rank(answer) => Some(sheet::sheet(card, self, answer)),
            _ => None,
        }
    }

    fn command(&self, model: &str, _: bool) -> Option<CommandLine> {
        Some(sheet::command(model, self))
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
