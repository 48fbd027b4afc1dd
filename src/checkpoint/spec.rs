//! A model's sizes and choices, as its family's keys name them in `config.json`, and what only the
//! file can tell.

use std::fmt;
use std::ops::Range;

use super::{NormPlacement, Role, Split};

/// Sizes and choices of one checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    pub layers: usize,
    /// d, the width of the residual stream.
    pub width: usize,
    /// Attention heads a layer, counted by their queries.
    pub heads: usize,
    /// Keys and values a layer: fewer than heads where several share one.
    pub key_heads: usize,
    /// Width of one head.
    pub head_width: usize,
    /// Feed-forward neurons a layer.
    pub neurons: usize,
    /// Rows of the embedding; the vocabulary may name fewer.
    pub vocab: usize,
    /// Learned positions, 0 if there are none.
    pub positions: usize,
    /// The row of the learned positions that a text's first token has.
    pub first_position: usize,
    /// The token that takes no position of its own but the row before the first, as in RoBERTa.
    pub padding: Option<u32>,
    /// Whether queries and keys turn with their positions.
    pub rotary: bool,
    /// Positions that the configuration states (`max_position_embeddings`).
    pub context: usize,
    /// By layer: how far behind a query a key can lie that it still sees.
    pub reach: Vec<usize>,
    /// The most tokens that a text may have.
    pub longest: usize,
    /// The activation's name, as the configuration spells it.
    pub activation: String,
    /// Whether blocks normalise before or after their sums.
    pub norm: NormPlacement,
    /// Whether queries and keys are normed, head by head.
    pub head_norms: bool,
    /// Whether one matrix is both input and output embedding.
    pub tied: bool,
    /// How the file decides that.
    pub output: OutputEmbedding,
    /// Values of `config.json` that are not known here, each with what it would change.
    pub unknown: Vec<UnknownChoice>,
}

/// Where the output embedding lies. The file decides, whatever `tie_word_embeddings` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputEmbedding {
    /// The file holds one matrix, which is both.
    Tied,
    /// The file holds two, of which these rows were compared and are equal: of a local file all.
    Equal { rows: usize },
    /// A matrix of its own, as `config.json` says.
    Apart,
    /// `config.json` says tied, or nothing; the file holds another head, which is used.
    Differs,
    /// Not tied, as `config.json` says, and the file holds none: V and VO cannot be read.
    Missing,
}

impl OutputEmbedding {
    /// In words; `vocab` is the number of rows.
    pub fn describe(self, vocab: usize) -> String {
        match self {
            Self::Tied => "tied".to_owned(),
            Self::Equal { rows } if rows < vocab => {
                format!("tied: {rows} of {vocab} rows of both matrices compared")
            }
            Self::Equal { .. } => "tied: the file holds both, and they are equal".to_owned(),
            Self::Apart => "not tied".to_owned(),
            Self::Differs => {
                "config says tied, the file's head differs: the head is used".to_owned()
            }
            Self::Missing => "not tied, and the file has no head".to_owned(),
        }
    }
}

impl Spec {
    /// The least that weights take at two bytes a number: one embedding, and of each layer the
    /// feed-forward matrices, three if `gated`, and the maps of queries and of what heads write.
    pub fn plain_bytes(&self, gated: bool) -> u64 {
        let of_neurons = self.neurons as u64 * if gated { 3 } else { 2 };
        let of_heads = 2 * self.heads as u64 * self.head_width as u64;
        let rows = (of_neurons + of_heads).saturating_mul(self.layers as u64);
        let numbers = rows.saturating_add(self.vocab as u64);
        numbers.saturating_mul(2 * self.width as u64)
    }

    /// How many heads share one key and value.
    pub fn sharing(&self) -> usize {
        self.heads / self.key_heads
    }

    /// The first choice that is not known here and that a reading depends on.
    pub fn unknown_for(&self, reading: Reading) -> Option<&UnknownChoice> {
        let mut unknown = self.unknown.iter();
        unknown.find(|choice| choice.touches.contains(&reading))
    }

    /// Outputs of a tensor, of which a map with `own` outputs is a part.
    pub fn outputs(&self, split: Split, own: usize) -> usize {
        match split {
            Split::Whole => own,
            Split::Part(_, n) => n * own,
            Split::Stacked | Split::Grouped => (self.heads + 2 * self.key_heads) * self.head_width,
        }
    }

    /// Which of a tensor's outputs are a head's. Heads are counted by their queries, those of one
    /// group have the same key and value.
    pub fn channels(&self, split: Split, role: Role, head: usize) -> Range<usize> {
        let n = self.sharing();
        let group = head / n;
        let at = match (split, role) {
            (Split::Whole | Split::Part(..) | Split::Stacked, Role::Query) => head,
            (Split::Whole | Split::Part(..), Role::Key | Role::Value) => group,
            (Split::Stacked, Role::Key) => self.heads + group,
            (Split::Stacked, Role::Value) => self.heads + self.key_heads + group,
            (Split::Grouped, Role::Query) => group * (n + 2) + head % n,
            (Split::Grouped, Role::Key) => group * (n + 2) + n,
            (Split::Grouped, Role::Value) => group * (n + 2) + n + 1,
        };
        at * self.head_width..(at + 1) * self.head_width
    }
}

/// What `config.json` says about the forward pass alone.
#[derive(Clone, Debug, PartialEq)]
pub struct PassSpec {
    /// Whether a position sees only those before it.
    pub causal: bool,
    pub norm_epsilon: f64,
    /// Whether the file holds gains and biases of norms; else gains are 1 and biases 0.
    pub affine_norms: bool,
    /// Norm after the last layer, below the model's prefix.
    pub final_norm: Option<&'static str>,
    /// What attention scores are multiplied with.
    pub scale: f64,
    /// Whether they are divided by the layer's number, counted from 1, too.
    pub scale_by_layer: bool,
    /// What they are bent to stay below.
    pub score_cap: Option<f64>,
    /// Whether they fall with the distance, and if so whether before they are scaled.
    pub alibi: Option<bool>,
    /// Whether both halves of a layer read the same state.
    pub parallel: bool,
}

/// What is read of a model, as far as a choice of its configuration can change its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Neurons' lists.
    Neurons,
    /// VO pair lists.
    Vo,
    /// QK pair lists, at any distance.
    Qk,
    /// QK pair lists at a distance above 0.
    Distance,
    /// The forward pass.
    Forward,
}

impl Reading {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Neurons,
        Self::Vo,
        Self::Qk,
        Self::Distance,
        Self::Forward,
    ];
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Neurons => "neurons",
            Self::Vo => "VO",
            Self::Qk => "QK",
            Self::Distance => "QK at a distance",
            Self::Forward => "texts",
        })
    }
}

/// A choice in `config.json` that is not known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownChoice {
    pub key: String,
    pub expected: String,
    pub got: String,
    /// What it would change.
    pub touches: &'static [Reading],
}

/// How a layer's positions are told apart, beside learned ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Places {
    /// By layer: a window of so many positions, back from each and itself counted; in a model
    /// that looks both ways, centred on it.
    pub windows: Vec<Option<usize>>,
    /// For layers that see everything.
    pub rotation: Option<Rotation>,
    /// For layers with a window.
    pub local_rotation: Option<Rotation>,
}

impl Places {
    /// How a layer turns queries and keys.
    pub fn rotation(&self, layer: usize) -> Option<&Rotation> {
        let rotation = match self.windows.get(layer) {
            Some(Some(_)) => self.local_rotation.as_ref(),
            _ => self.rotation.as_ref(),
        };
        rotation.filter(|rotation| !rotation.frequencies.is_empty())
    }
}

/// Rotary positions: at position p, pair i of a head's channels turns by p times its frequency
/// (Su et al. 2021, arXiv 2104.09864).
#[derive(Clone, Debug, PartialEq)]
pub struct Rotation {
    /// Radians a position, a pair each.
    pub frequencies: Vec<f64>,
    /// Other frequencies for the whole of a text of more tokens than this (LongRoPE, Ding et al.
    /// 2024, arXiv 2402.13753).
    pub beyond: Option<(usize, Vec<f64>)>,
    /// Pairs are channels 2i and 2i + 1, not i and i + the number of pairs.
    pub neighbours: bool,
    /// What turned queries and keys are multiplied with.
    pub factor: f64,
}

impl Rotation {
    /// The two channels of a pair.
    pub fn channels(&self, pair: usize) -> [usize; 2] {
        if self.neighbours {
            [2 * pair, 2 * pair + 1]
        } else {
            [pair, pair + self.frequencies.len()]
        }
    }

    /// Radians a position in a text of so many tokens, a pair each.
    pub fn frequencies_of(&self, tokens: usize) -> &[f64] {
        match &self.beyond {
            Some((trained, long)) if tokens > *trained => long,
            _ => &self.frequencies,
        }
    }

    /// Turns one head's channels as at a position, in a text no longer than that takes; the factor
    /// is left out.
    pub fn turn(&self, head: &mut [f32], position: usize) {
        let frequencies = self.frequencies_of(position.saturating_add(1));
        for (pair, frequency) in frequencies.iter().enumerate() {
            let (sin, cos) = (position as f64 * frequency).sin_cos();
            let [i, j] = self.channels(pair);
            let (a, b) = (f64::from(head[i]), f64::from(head[j]));
            head[i] = (a * cos - b * sin) as f32;
            head[j] = (a * sin + b * cos) as f32;
        }
    }
}
