//! Where a neuron or a head fires: the passages of texts where it is most and least active, how its
//! activations lie, and whether its key tells when.
//!
//! **Positions** are tokens of the texts as the model reads them, the special tokens that its
//! tokenizer adds included. Those that *count* are neither a text's first nor special tokens: there
//! models keep what they do not need. Of heads the *pairs* of positions count whose both sides do; in
//! causal models only those whose second is not after the first.

mod answering;
mod figures;
mod passages;
mod record;
mod run_texts;
mod sheet;

use super::geometry::add_reading;
use super::kind::{AnswerKind, AnyListed, Items, NotFinite, QueryKind};
use super::{
    Address, Answer, Callbacks, Convention, ModelCard, Query, QueryError, Reader, TextReading,
};
use crate::checkpoint::Reading;
use crate::geometry::{Subwords, Texts};
use crate::sheet::CommandLine;
use crate::transformer::Input;

pub(super) use figures::TopPositions;
pub use figures::{KeyBand, KeyFigures, Spread};
pub(super) use record::KeptContexts;
pub(super) use run_texts::{CountedTexts, batches_within};
pub use sheet::{lines as contexts_lines, passage_text};

/// Texts, and how much of each is run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContextTexts {
    pub texts: Texts,
    /// Longer ones are cut, special tokens counted.
    pub max_tokens: usize,
}

impl ContextTexts {
    /// The tokens of a text that are run unless something else is said: attention weights take
    /// their square.
    pub const MAX_TOKENS: usize = 512;

    /// So many tokens of each text.
    pub fn new(texts: Texts) -> Self {
        Self {
            texts,
            max_tokens: Self::MAX_TOKENS,
        }
    }

    /// The same, with the positions that count.
    fn reading(&self) -> TextReading {
        TextReading {
            texts: self.texts.clone(),
            max_tokens: Some(self.max_tokens),
            skip_first: true,
            skip_special: true,
        }
    }

    /// Adds the options that name them.
    pub(super) fn add_to(&self, line: &mut CommandLine) {
        let own = self.max_tokens != Self::MAX_TOKENS;
        let reading = TextReading {
            max_tokens: own.then_some(self.max_tokens),
            ..TextReading::new(self.texts.clone())
        };
        add_reading(line, &reading, None, Subwords::default());
    }

    /// In a line: `bundled Polish (101)`.
    pub(super) fn described(&self) -> String {
        let texts = &self.texts;
        let mut line = format!("{} ({})", texts.label, texts.texts.len());
        if self.max_tokens != Self::MAX_TOKENS {
            line += &format!(", {} tokens of each", self.max_tokens);
        }
        line
    }
}

/// Asks where a neuron or a head fires.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContextsQuery {
    pub layer: usize,
    /// The number of the neuron or the head.
    pub item: usize,
    pub among: Items,
    /// Of a gated neuron, which input is the key.
    pub input: Input,
    pub texts: ContextTexts,
    /// Passages of each end.
    pub k: usize,
    /// How the key becomes words.
    pub convention: Convention,
}

impl ContextsQuery {
    /// The neuron or the head.
    pub fn place(&self) -> Address {
        let (layer, item) = (self.layer, self.item);
        match self.among {
            Items::Neurons => Address::Neuron {
                layer,
                neuron: item,
            },
            Items::Heads => Address::Head {
                layer,
                head: item,
                form: None,
            },
        }
    }
}

/// Where a neuron or a head fires.
#[derive(Clone, Debug, PartialEq)]
pub struct ContextsAnswer {
    /// Positions that count; of a head, pairs of them.
    pub count: usize,
    /// Of the activations, or of the attention weights.
    pub spread: Spread,
    /// The passages with the highest value, each text once, at its highest position. Ties go to the
    /// earlier text, and in a text to the earlier position.
    pub most: Vec<Passage>,
    /// Of a neuron, those with the lowest, in the same way.
    pub least: Vec<Passage>,
    pub figures: ContextsFigures,
    /// What the user should know, a sentence each.
    pub notices: Vec<String>,
    /// Share of the work that is done, 0 to 1; before that nothing else is known.
    pub done: f32,
}

/// What else is told.
#[derive(Clone, Debug, PartialEq)]
pub enum ContextsFigures {
    /// Nothing yet.
    Pending,
    /// Of a neuron: whether its key tells when it fires.
    Key(KeyFigures),
    /// Of a head: where it looks.
    Attention(AttentionFigures),
}

/// The mean attention weight from the positions that count.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AttentionFigures {
    /// To the first position of the text.
    pub first: f64,
    /// To the position itself.
    pub itself: f64,
    /// To the position before.
    pub previous: f64,
}

/// A piece of a text with one position, or two, in the middle of attention.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    /// The number of the text, from 0.
    pub text: usize,
    /// The position in the text: of a head the one that looks.
    pub position: usize,
    /// Of a head the position that is looked at.
    pub to: Option<usize>,
    /// The activation, or the attention weight.
    pub value: f32,
    /// Of a neuron the rank of the token at the position in its K list, from 1.
    pub rank: Option<usize>,
    /// The position of the first token of the piece.
    pub first: usize,
    /// The piece.
    pub ids: Vec<u32>,
    /// A number for each of its tokens: the activation there, or the attention from the position.
    pub values: Vec<f32>,
}

impl ContextsAnswer {
    /// Work that is so far done.
    fn so_far(done: f32) -> Self {
        Self {
            count: 0,
            spread: Spread::default(),
            most: Vec::new(),
            least: Vec::new(),
            figures: ContextsFigures::Pending,
            notices: Vec::new(),
            done,
        }
    }
}

impl QueryKind for ContextsQuery {
    fn convention(&self) -> Option<Convention> {
        (self.among == Items::Neurons).then_some(self.convention)
    }

    fn address(&self) -> Option<Address> {
        Some(self.place())
    }

    fn readings(&self) -> &'static [Reading] {
        match self.among {
            Items::Neurons => &[Reading::Neurons],
            Items::Heads => &[],
        }
    }

    fn needs_all_weights(&self) -> bool {
        true
    }

    fn check(&self, card: &ModelCard) -> Result<(), String> {
        match self.among {
            Items::Neurons => card.check_input(self.input),
            Items::Heads => Ok(()),
        }
    }

    fn shares_place(&self, other: &Query) -> bool {
        matches!(other, Query::Contexts(other) if other.among == self.among)
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        let answer = reader.contexts(self, callbacks)?;
        Ok(Answer::Contexts(Box::new(answer)))
    }

    fn listed(&self) -> Option<&dyn AnyListed> {
        Some(self)
    }
}

impl AnswerKind for Box<ContextsAnswer> {
    fn heap_bytes(&self) -> usize {
        let passage = |p: &Passage| size_of_val(p) + 8 * p.ids.len();
        let passages = self.most.iter().chain(&self.least);
        size_of::<ContextsAnswer>() + passages.map(passage).sum::<usize>()
    }

    fn not_finite(&self) -> Option<NotFinite> {
        let Spread {
            least, mean, most, ..
        } = &self.spread;
        NotFinite::among("activations", [f64::from(*least), *mean, f64::from(*most)])
    }
}
