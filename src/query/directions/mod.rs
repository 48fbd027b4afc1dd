//! The singular directions of a head's forms and of a layer's vectors: the question, and what
//! comes back.

mod answering;
mod sheet;

use std::fmt;
use std::str::FromStr;

use crate::projection::Scored;
use crate::transformer::{AttentionMap, Form, Input, StoredPart, StoredTypes};
use crate::vocabulary::Filters;

use super::kind::{AnswerKind, AnyListed, Items, NotFinite, QueryKind, Walk};
use super::pairs::readings_of;
use super::{Address, Answer, Callbacks, Convention, ModelCard, Query, QueryError, Reader, Switch};
use crate::checkpoint::Reading;

/// A weight matrix that is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatrixKind {
    /// A head's form, `[width, width]`.
    Form(Form),
    /// The keys of a layer, `[neurons, width]`: of gated neurons the gate, as K is everywhere.
    FfIn,
    /// The gates of a layer.
    FfGate,
    /// The other input of gated neurons.
    FfUp,
    /// The values of a layer, `[neurons, width]`.
    FfOut,
    /// A linear map of attention of all heads together, `[heads × d_head, width]`.
    Attention(AttentionMap),
}

impl MatrixKind {
    /// `vo`, `qk`, `ff-in`, `ff-gate`, `ff-up`, `ff-out`, `q`, `k`, `v`, `o`, as on the command line
    /// and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Form(form) => form.name(),
            Self::FfIn => "ff-in",
            Self::FfGate => "ff-gate",
            Self::FfUp => "ff-up",
            Self::FfOut => "ff-out",
            Self::Attention(map) => map.name(),
        }
    }

    /// Which input of gated neurons it is made of; `None` if it is of none.
    pub fn input(self) -> Option<Input> {
        match self {
            Self::FfIn | Self::FfGate => Some(Input::Gate),
            Self::FfUp => Some(Input::Up),
            Self::Form(_) | Self::FfOut | Self::Attention(_) => None,
        }
    }

    /// Whether it is made of a layer's keys, by whichever input.
    pub fn is_of_keys(self) -> bool {
        matches!(self, Self::FfIn | Self::FfGate | Self::FfUp)
    }

    /// What the two sides of a direction are.
    pub fn sides(self) -> [&'static str; 2] {
        match self {
            Self::Form(Form::Vo) => ["read", "written"],
            Self::Form(Form::Qk) => ["query", "key"],
            Self::FfIn | Self::FfGate | Self::FfUp => ["read", "neurons"],
            Self::FfOut => ["written", "neurons"],
            Self::Attention(AttentionMap::Output) => ["written", "heads"],
            Self::Attention(_) => ["read", "heads"],
        }
    }
}

impl fmt::Display for MatrixKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(form) => form.fmt(f),
            _ => f.write_str(self.name()),
        }
    }
}

impl FromStr for MatrixKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "ff-in" => Ok(Self::FfIn),
            "ff-gate" => Ok(Self::FfGate),
            "ff-up" => Ok(Self::FfUp),
            "ff-out" => Ok(Self::FfOut),
            other => {
                let map = AttentionMap::ALL
                    .into_iter()
                    .find(|map| map.name() == other);
                let form = || other.parse().map(Self::Form);
                map.map(Self::Attention).map_or_else(form, Ok).map_err(|_| {
                    format!(
                        "expected vo, qk, ff-in, ff-gate, ff-up, ff-out, q, k, v or o, got {text}"
                    )
                })
            }
        }
    }
}

/// The directions of a matrix, as tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DirectionsQuery {
    pub part: MatrixKind,
    pub layer: usize,
    /// 0 where the part is of a layer.
    pub head: usize,
    /// Directions, the largest first.
    pub n: usize,
    /// Tokens at each end of each side.
    pub k: usize,
    /// Those of pairs make no difference.
    pub filters: Filters,
    /// Biases are no part of a matrix: with them there is no answer.
    pub convention: Convention,
}

impl DirectionsQuery {
    /// The place that is asked about.
    pub fn address(&self) -> Address {
        let (layer, head) = (self.layer, self.head);
        match self.part {
            MatrixKind::Form(form) => Address::Head {
                layer,
                head,
                form: Some(form),
            },
            MatrixKind::FfIn
            | MatrixKind::FfGate
            | MatrixKind::FfUp
            | MatrixKind::FfOut
            | MatrixKind::Attention(_) => Address::Layer { layer },
        }
    }
}

/// The largest directions of a matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct DirectionsAnswer {
    /// All singular values of the matrix, falling.
    pub values: Vec<f32>,
    pub directions: Vec<Direction>,
    /// Of a head.
    pub copying: Option<Copying>,
    /// How many tokens passed the filters, of how many.
    pub passing: usize,
    pub rows: usize,
    /// False while the copying score over the vocabulary is still to come.
    pub exact: bool,
}

impl DirectionsAnswer {
    /// A direction's share of the sum of the squared singular values.
    pub fn share(&self, direction: usize) -> f32 {
        let square = |&s: &f32| f64::from(s).powi(2);
        let all: f64 = self.values.iter().map(square).sum();
        let one = self.values.get(direction).map_or(0.0, square);
        if all > 0.0 { (one / all) as f32 } else { 0.0 }
    }

    /// What it holds beside itself.
    pub fn heap_bytes(&self) -> usize {
        let lists = |d: &Direction| {
            let lists = d.left.iter().chain(&d.right);
            lists.map(|list| size_of_val(&list[..])).sum::<usize>()
        };
        let directions = self.directions.iter();
        size_of_val(&self.values[..])
            + directions
                .map(|d| size_of::<Direction>() + lists(d))
                .sum::<usize>()
    }
}

/// One direction: what lies at the two ends of its two sides, the high end first. The sides turn
/// together: what is at the high end on the left belongs to the high end on the right.
#[derive(Clone, Debug, PartialEq)]
pub struct Direction {
    pub value: f32,
    /// The number of the block of coinciding values that it belongs to, if it does; see
    /// [`BLOCK_GAP`](crate::projection::BLOCK_GAP).
    pub block: Option<usize>,
    /// Tokens. At the low end the score is that of the negated direction.
    pub left: [Vec<Scored>; 2],
    /// Tokens; of a layer's vectors the neurons that have most of the direction; of a linear map of
    /// attention, at the high end alone, the heads by their shares of its squared length.
    pub right: [Vec<Scored>; 2],
}

/// Whether a head keeps what it is given: the eigenvalues' real parts over their sizes, −1 to 1.
/// `None` where there are none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Copying {
    /// Of the `[width, width]` matrix of weights.
    pub weights: Option<f32>,
    /// Of the form over the vocabulary, `E·W·Eᵀ`, all tokens counted.
    pub vocabulary: Option<f32>,
}

impl QueryKind for DirectionsQuery {
    fn filters(&self) -> Option<&Filters> {
        Some(&self.filters)
    }

    fn convention(&self) -> Option<Convention> {
        Some(self.convention)
    }

    fn address(&self) -> Option<Address> {
        Some(self.address())
    }

    fn stored(&self, types: &StoredTypes) -> Vec<StoredPart> {
        match self.part {
            MatrixKind::Form(form) => types.form(self.layer, form),
            MatrixKind::FfIn | MatrixKind::FfGate | MatrixKind::FfOut => {
                types.neuron(self.layer, Input::Gate)
            }
            MatrixKind::FfUp => types.neuron(self.layer, Input::Up),
            MatrixKind::Attention(map) => {
                let mut both = types.form(self.layer, map.form());
                let at = usize::from(map.on_the_right());
                if at < both.len() {
                    both = vec![both.swap_remove(at)];
                }
                both
            }
        }
    }

    fn readings(&self) -> &'static [Reading] {
        match self.part {
            MatrixKind::Form(form) => readings_of(form, 0),
            MatrixKind::Attention(map) => readings_of(map.form(), 0),
            MatrixKind::FfIn | MatrixKind::FfGate | MatrixKind::FfUp | MatrixKind::FfOut => {
                &[Reading::Neurons]
            }
        }
    }

    fn needs_output(&self) -> bool {
        matches!(
            self.part,
            MatrixKind::Form(Form::Vo)
                | MatrixKind::FfOut
                | MatrixKind::Attention(AttentionMap::Output)
        )
    }

    fn check(&self, card: &ModelCard) -> Result<(), String> {
        if matches!(self.part, MatrixKind::Attention(_)) {
            if card.spec.latent.is_some() {
                return Err(
                    "its queries, keys and values are made by way of latent vectors (MLA), and \
                     no one matrix reads the residual stream for all heads: take vo or qk of a head"
                        .to_owned(),
                );
            }
            if card.spec.heads_in(self.layer) == 0 {
                return Err(format!(
                    "layer {} has no heads: take ff-in or ff-out",
                    self.layer
                ));
            }
        }
        match self.convention.has(Switch::Biases) {
            true => Err("directions are of the weights alone: give no biases".to_owned()),
            false => Ok(()),
        }
    }

    fn walk(&self) -> Option<Walk> {
        matches!(self.part, MatrixKind::Form(_)).then_some(Walk {
            layer: self.layer,
            item: self.head,
            among: Some(Items::Heads),
            nearest: true,
        })
    }

    fn moved(&self, layer: usize, head: usize) -> Option<Query> {
        Some(Query::Directions(Self {
            layer,
            head,
            ..self.clone()
        }))
    }

    fn shares_place(&self, other: &Query) -> bool {
        match other {
            Query::Directions(other) => {
                let keys = self.part.is_of_keys() && other.part.is_of_keys();
                keys || self.part == other.part
            }
            _ => false,
        }
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Directions(reader.directions(self, callbacks)?))
    }

    fn listed(&self) -> Option<&dyn AnyListed> {
        Some(self)
    }
}

impl AnswerKind for DirectionsAnswer {
    fn heap_bytes(&self) -> usize {
        self.heap_bytes()
    }

    fn not_finite(&self) -> Option<NotFinite> {
        let values = self.values.iter().map(|&value| f64::from(value));
        let sides = |d: &Direction| {
            d.left
                .iter()
                .chain(&d.right)
                .flatten()
                .copied()
                .collect::<Vec<_>>()
        };
        let lists = self.directions.iter().flat_map(sides);
        NotFinite::among("its singular values", values).or_else(|| {
            let scores = lists.map(|scored| f64::from(scored.score));
            NotFinite::among("scores of its directions", scores)
        })
    }
}
