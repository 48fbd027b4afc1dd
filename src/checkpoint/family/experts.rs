//! What a family's checkpoints say of feed-forward parts among which a router chooses (mixture of
//! experts). Names are below the layer's prefix.

use super::{Layout, Linear, Split};
use crate::checkpoint::RouterScores;

/// One of the maps of neurons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeuronMap {
    /// What goes through the activation, of gated neurons.
    Gate,
    /// The input; of gated neurons what is multiplied with the gate.
    In,
    /// What neurons write.
    Out,
}

impl NeuronMap {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Gate, Self::In, Self::Out];
}

/// Experts as they are stored, and the keys of `config.json` about them.
#[derive(Clone, Copy, Debug)]
pub struct ExpertNames {
    pub layers: ExpertLayers,
    /// How many experts a layer has; the last key has the default.
    pub count: &'static [&'static str],
    /// Neurons of each.
    pub neurons: &'static [&'static str],
    /// How many a token takes.
    pub per_token: &'static [&'static str],
    /// The router's map, `[experts, d_model]`; a bias counts if it is there.
    pub router: &'static str,
    /// What is added to the scores for the choice alone, `[experts]`.
    pub correction: Option<&'static str>,
    /// What stands before an expert's maps, `{}` for its number.
    pub expert: &'static str,
    /// An expert's maps, each `[out, in]`.
    pub ff_in: &'static str,
    pub ff_gate: Option<&'static str>,
    pub ff_out: &'static str,
    /// How the maps of all experts lie in files that hold them in one tensor each.
    pub fused: FusedExperts,
    pub shared: Option<SharedNames>,
    pub routing: RoutingKeys,
}

/// Which layers have experts; the others have the family's own feed-forward part.
#[derive(Clone, Copy, Debug)]
pub enum ExpertLayers {
    All,
    /// Those whose number, counted from 1, is a multiple of `step`, but for those of the list.
    Every {
        step: &'static str,
        but: &'static str,
    },
    /// Those from the key's number on.
    From(&'static str),
}

/// The expert that every token takes.
#[derive(Clone, Copy, Debug)]
pub struct SharedNames {
    /// What stands before its maps.
    pub prefix: &'static str,
    pub neurons: SharedNeurons,
    /// The maps of gates, and then inputs, and of outputs, below the layer's prefix, in a family that
    /// stores gates and inputs in one.
    pub fused: Option<[&'static str; 2]>,
    /// A map `[1, d_model]` whose sigmoid its output is multiplied with.
    pub gate: Option<&'static str>,
}

/// How many neurons the shared expert has.
#[derive(Clone, Copy, Debug)]
pub enum SharedNeurons {
    /// As this key says.
    Key(&'static str),
    /// As many as so many of the others.
    Times(&'static str),
}

/// Tensors that hold the maps of all experts of a layer, by the end of their names.
#[derive(Clone, Copy, Debug)]
pub struct FusedExperts {
    /// Gates and inputs.
    pub inputs: &'static str,
    pub outputs: &'static str,
    pub layout: FusedLayout,
}

/// How they lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FusedLayout {
    /// `[experts, 2·neurons, d_model]`, all gates before all inputs, and `[experts, d_model,
    /// neurons]`.
    Stacked,
    /// `[experts, d_model, 2·neurons]`, gates and inputs in turn, and `[experts, neurons, d_model]`
    /// (gpt-oss).
    Interleaved,
}

/// How a router chooses.
#[derive(Clone, Copy, Debug)]
pub struct RoutingKeys {
    pub scores: RouterScores,
    pub renormalised: Renormalised,
    /// A number that weights are multiplied with.
    pub factor: Option<&'static str>,
    /// How many groups there are, and how many are left to choose from.
    pub groups: Option<GroupKeys>,
}

/// Whether the weights of the experts that are taken are brought to a sum of 1.
#[derive(Clone, Copy, Debug)]
pub enum Renormalised {
    Always,
    Never,
    /// As a flag says.
    Flag(&'static str),
}

/// Groups of experts.
#[derive(Clone, Copy, Debug)]
pub struct GroupKeys {
    pub groups: &'static str,
    pub taken: &'static str,
    /// A group is judged by the sum of so many of its best.
    pub judged_by: usize,
    /// Only if this key has this value.
    pub only_if: Option<[&'static str; 2]>,
}

impl ExpertNames {
    /// A map's name below an expert's prefix.
    pub fn below(&self, map: NeuronMap) -> Option<&'static str> {
        match map {
            NeuronMap::Gate => self.ff_gate,
            NeuronMap::In => Some(self.ff_in),
            NeuronMap::Out => Some(self.ff_out),
        }
    }
}

/// A linear map of neurons, where it lies.
#[derive(Clone, Debug)]
pub struct StoredMap {
    /// Full name, without `.weight`.
    pub name: String,
    pub layout: Layout,
    pub split: Split,
    /// Whether it must have a bias.
    pub biased: bool,
}

impl StoredMap {
    /// One of an expert's: a matrix `[out, in]` of its own.
    pub(crate) fn of_expert(name: String) -> Self {
        Self {
            name,
            layout: Layout::OutIn,
            split: Split::Whole,
            biased: false,
        }
    }

    /// The gate or the input of neurons whose gates and inputs lie in one tensor.
    pub(crate) fn of_fused(name: String, map: NeuronMap) -> Self {
        let part = usize::from(map != NeuronMap::Gate);
        Self {
            split: Split::Part(part, 2),
            ..Self::of_expert(name)
        }
    }

    /// One of the family's, under its full name.
    pub(crate) fn of(linear: &Linear, name: String) -> Self {
        Self {
            name,
            layout: linear.layout,
            split: linear.split,
            biased: linear.biased,
        }
    }
}
