//! A model's sizes and choices, as its family's keys name them in `config.json`.

use std::ops::Range;

use super::{Role, Split};

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
    /// Whether queries and keys turn with their positions.
    pub rotary: bool,
    /// The most tokens that a text may have.
    pub longest: usize,
    /// The activation's name, as the configuration spells it.
    pub activation: String,
    /// Whether one matrix is both input and output embedding.
    pub tied: bool,
}

impl Spec {
    /// How many heads share one key and value.
    pub fn sharing(&self) -> usize {
        self.heads / self.key_heads
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
    /// A choice with which the pass is not known here.
    pub unknown: Option<UnknownChoice>,
}

/// A choice in `config.json` that is not known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownChoice {
    pub key: String,
    pub expected: String,
    pub got: String,
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

    /// Turns one head's channels as at a position; the factor is left out.
    pub fn turn(&self, head: &mut [f32], position: usize) {
        for (pair, frequency) in self.frequencies.iter().enumerate() {
            let (sin, cos) = (position as f64 * frequency).sin_cos();
            let [i, j] = self.channels(pair);
            let (a, b) = (f64::from(head[i]), f64::from(head[j]));
            head[i] = (a * cos - b * sin) as f32;
            head[j] = (a * sin + b * cos) as f32;
        }
    }
}
