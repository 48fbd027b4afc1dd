//! What neurons and heads are ranked by.

use std::fmt;
use std::str::FromStr;

use crate::query::{BundledRelation, ModelCard};
use crate::transformer::Form;

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
    /// The kurtosis of its scores over the vocabulary, 3 if they are normally distributed, in K or
    /// in V, whichever is more (ROTATE, Avrahamy et al. 2026, arXiv 2604.06005).
    Kurtosis,
    /// The share of the vocabulary whose score lies more than [`Self::OUTLIER`] standard deviations
    /// above the mean, in K or in V, whichever is more.
    Outliers,
    /// How clearly it is of a class by what it writes of what it reads.
    InputOutput(InputOutputClass),
    /// Of heads: the copying score of VO over the vocabulary, the sum of its eigenvalues over the
    /// sum of their sizes (Elhage et al. 2021), −1 to 1.
    Copying,
    /// Of heads: the share of the [`Self::TOP`] best pairs of VO that are twice the same word.
    Same,
    /// Of heads: as the copying score, of QK: whether words attend to themselves.
    Matching,
    /// Of heads: the share of the [`Self::TOP`] best pairs of QK that are twice the same word.
    SameQk,
    /// Of heads: over repeated random tokens, the mean attention from the second half to the token
    /// before (TransformerLens's `previous_token_head`).
    PreviousToken,
    /// Of heads: over repeated random tokens, the mean attention from the second half to the token
    /// after the same token's first occurrence (TransformerLens's `induction_head`; Olsson et al.
    /// 2022, arXiv 2209.11895).
    Induction,
    /// Of heads: the share of a relation's pairs that VO maps, see [`crate::query::RelationsQuery`].
    Relation(BundledRelation),
}

impl RankMetric {
    /// Length of the lists that are judged.
    pub const TOP: usize = 30;
    /// Standard deviations above the mean from which on a score is an outlier.
    pub const OUTLIER: f64 = 4.0;
    /// Those of all neurons, in the order in which they are offered.
    pub const NEURONS: [Self; 8] = [
        Self::Overlap,
        Self::Norm,
        Self::Z,
        Self::Stem,
        Self::Kurtosis,
        Self::Outliers,
        Self::InputOutput(InputOutputClass::Enrichment),
        Self::InputOutput(InputOutputClass::Depletion),
    ];
    /// Those of gated neurons alone.
    pub const OF_GATED: [Self; 4] = [
        Self::InputOutput(InputOutputClass::ConditionalEnrichment),
        Self::InputOutput(InputOutputClass::ProportionalChange),
        Self::InputOutput(InputOutputClass::ConditionalDepletion),
        Self::InputOutput(InputOutputClass::OrthogonalOutput),
    ];
    /// Those of heads that are of the weights alone, relations left out.
    pub const HEADS: [Self; 4] = [Self::Copying, Self::Same, Self::Matching, Self::SameQk];
    /// Those of heads of models that can be run.
    pub const HEADS_RUN: [Self; 2] = [Self::PreviousToken, Self::Induction];

    /// Those of a model's neurons, in the order in which they are offered.
    pub fn of_neurons(gated: bool) -> Vec<Self> {
        let more: &[Self] = if gated { &Self::OF_GATED } else { &[] };
        [&Self::NEURONS, more].concat()
    }

    /// Those of a model's heads, in the order in which they are offered; relations are chosen by name.
    pub fn of_heads_in(card: &ModelCard) -> Vec<Self> {
        let run: &[Self] = match card.not_run {
            Some(_) => &[],
            None => &Self::HEADS_RUN,
        };
        [&Self::HEADS, run].concat()
    }

    /// The form of the heads that are ranked by it; `None` if neurons are.
    pub fn form(self) -> Option<Form> {
        match self {
            Self::Overlap
            | Self::Norm
            | Self::Z
            | Self::Stem
            | Self::Kurtosis
            | Self::Outliers
            | Self::InputOutput(_) => None,
            Self::Copying | Self::Same | Self::Relation(_) => Some(Form::Vo),
            Self::Matching | Self::SameQk | Self::PreviousToken | Self::Induction => Some(Form::Qk),
        }
    }

    /// Whether heads are ranked by it, and not neurons.
    pub fn of_heads(self) -> bool {
        self.form().is_some()
    }

    /// Whether the model is run for it.
    pub fn runs(self) -> bool {
        Self::HEADS_RUN.contains(&self)
    }

    /// Whether words come with heads at no cost: they are what the figure is made of.
    pub fn has_words(self) -> bool {
        matches!(self, Self::Relation(_))
    }

    /// Whether no list needs to be known for it.
    pub fn of_weights(self) -> bool {
        !matches!(
            self,
            Self::Overlap | Self::Z | Self::Stem | Self::Same | Self::SameQk
        )
    }

    /// Whether it is of gated neurons alone.
    pub fn of_gated(self) -> bool {
        Self::OF_GATED.contains(&self)
    }

    /// The name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overlap => "overlap",
            Self::Norm => "norm",
            Self::Z => "z",
            Self::Stem => "stem",
            Self::Kurtosis => "kurtosis",
            Self::Outliers => "outliers",
            Self::InputOutput(class) => class.name(),
            Self::Copying => "copying",
            Self::Same => "same",
            Self::Matching => "matching",
            Self::SameQk => "same-qk",
            Self::PreviousToken => "previous-token",
            Self::Induction => "induction",
            Self::Relation(relation) => relation.name(),
        }
    }

    /// What the figure is, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Overlap => "share of words in both K and V",
            Self::Norm => "length of the value",
            Self::Z => "best score against the layer's, in standard deviations",
            Self::Stem => "share of words that look alike",
            Self::Kurtosis => "kurtosis of the scores over the vocabulary",
            Self::Outliers => "share of scores 4 standard deviations above the mean",
            Self::InputOutput(class) => class.meaning(),
            Self::Copying => "copying score of VO",
            Self::Same => "share of VO's pairs of twice the same word",
            Self::Matching => "matching score of QK",
            Self::SameQk => "share of QK's pairs of twice the same word",
            Self::PreviousToken => "attention to the token before, over repeated random tokens",
            Self::Induction => "attention to what followed last time, over repeated random tokens",
            Self::Relation(relation) => relation.meaning(),
        }
    }
}

/// The six classes of gated neurons of Gerstner and Schütze (2025, arXiv 2505.17936), with
/// a = cos(up, value) and g = |cos(gate, value)|. A neuron is of the class whose figure is at least a
/// half. Neurons without gates can be the first or the last but one, with
/// a = cos(key, value) alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputOutputClass {
    /// min(a, g), or a: what is found is made more.
    Enrichment,
    /// min(a, 1 − g): the same, where a gate that reads something else is open.
    ConditionalEnrichment,
    /// min(g, 1 − |a|): the gate's direction is written, in proportion to another.
    ProportionalChange,
    /// min(−a, 1 − g).
    ConditionalDepletion,
    /// min(−a, g), or −a: what is found is made less.
    Depletion,
    /// min(1 − |a|, 1 − g): what is written is none of what is read.
    OrthogonalOutput,
}

impl InputOutputClass {
    fn name(self) -> &'static str {
        match self {
            Self::Enrichment => "enrichment",
            Self::ConditionalEnrichment => "conditional-enrichment",
            Self::ProportionalChange => "proportional-change",
            Self::ConditionalDepletion => "conditional-depletion",
            Self::Depletion => "depletion",
            Self::OrthogonalOutput => "orthogonal-output",
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Enrichment => "writes what it reads",
            Self::ConditionalEnrichment => "writes what it reads, if its gate opens for another",
            Self::ProportionalChange => "writes what its gate reads",
            Self::ConditionalDepletion => "takes away what it reads, if its gate opens for another",
            Self::Depletion => "takes away what it reads",
            Self::OrthogonalOutput => "writes nothing of what it reads",
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
        let all = Self::NEURONS.into_iter().chain(Self::OF_GATED);
        let mut all = all.chain(Self::HEADS).chain(Self::HEADS_RUN);
        let relation = BundledRelation::named(text).map(Self::Relation);
        let found = all.clone().find(|by| by.name() == text).or(relation);
        found.ok_or_else(|| {
            let known: Vec<&str> = all.by_ref().map(Self::name).collect();
            format!(
                "expected one of {}, or a bundled relation (pl-capital, en-past …), got {text}",
                known.join(", ")
            )
        })
    }
}
