//! What each layer of a model has: heads or none, neurons in one feed-forward part, in experts, or
//! none. Neurons of a layer are counted through: expert after expert, then the shared one.

use std::ops::Range;

use super::{AttentionInput, Mixer, Split};

/// What one layer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerParts {
    pub heads: HeadParts,
    pub neurons: NeuronParts,
}

impl LayerParts {
    /// Heads of these sizes, and so many neurons.
    pub const fn dense(heads: HeadSizes, neurons: usize) -> Self {
        Self {
            heads: HeadParts::Heads(heads),
            neurons: NeuronParts::Dense(neurons),
        }
    }
}

/// The heads of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadParts {
    /// Some; layers may differ in how many and how wide.
    Heads(HeadSizes),
    /// None; what the layer has in their place.
    Without(Mixer),
}

/// Sizes of a layer's heads; of a layer without heads all are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadSizes {
    /// Heads, counted by their queries.
    pub heads: usize,
    /// Heads of keys and values: fewer in grouped-query attention (GQA).
    pub n_kv_heads: usize,
    /// Size of one head.
    pub d_head: usize,
    /// The earlier layer whose keys and values they attend to; `None`: they have their own.
    pub keys_of: Option<usize>,
    /// Whether values are what the map of keys makes (K = V).
    pub values_are_keys: bool,
}

impl HeadSizes {
    /// Heads with keys and values of their own.
    pub const fn own(heads: usize, n_kv_heads: usize, d_head: usize) -> Self {
        Self {
            heads,
            n_kv_heads,
            d_head,
            keys_of: None,
            values_are_keys: false,
        }
    }

    /// How many heads share one key and value (the size of a group in GQA).
    pub fn queries_per_kv_head(&self) -> usize {
        self.heads / self.n_kv_heads.max(1)
    }

    /// Outputs of a tensor, of which a map with `own` outputs is a part.
    pub fn outputs(&self, split: Split, own: usize) -> usize {
        match split {
            Split::Whole => own,
            Split::Part(_, n) => n * own,
            Split::Gated => 2 * own,
            Split::Stacked | Split::Grouped | Split::Runs(_) => {
                (self.heads + 2 * self.n_kv_heads) * self.d_head
            }
        }
    }

    /// Which of a tensor's outputs are a head's. Heads are counted by their queries, those of one
    /// group have the same key and value.
    pub fn head_outputs(&self, split: Split, role: AttentionInput, head: usize) -> Range<usize> {
        let n = self.queries_per_kv_head().max(1);
        let group = head / n;
        let at = match (split, role) {
            (Split::Whole | Split::Part(..) | Split::Stacked, AttentionInput::Query) => head,
            (Split::Gated, AttentionInput::Query) => 2 * head,
            (
                Split::Whole | Split::Part(..) | Split::Gated,
                AttentionInput::Key | AttentionInput::Value,
            ) => group,
            (Split::Stacked, AttentionInput::Key) => self.heads + group,
            (Split::Stacked, AttentionInput::Value) => self.heads + self.n_kv_heads + group,
            (Split::Runs(runs), role) => {
                let each = self.heads / runs.max(1);
                let place = match role {
                    AttentionInput::Query => 0,
                    AttentionInput::Value => 1,
                    AttentionInput::Key => 2,
                };
                match each {
                    0 => head,
                    _ => head / each * 3 * each + place * each + head % each,
                }
            }
            (Split::Grouped, AttentionInput::Query) => group * (n + 2) + head % n,
            (Split::Grouped, AttentionInput::Key) => group * (n + 2) + n,
            (Split::Grouped, AttentionInput::Value) => group * (n + 2) + n + 1,
        };
        at * self.d_head..(at + 1) * self.d_head
    }
}

/// The neurons of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeuronParts {
    /// One feed-forward part of so many.
    Dense(usize),
    /// Parts of which a router chooses some for each token (mixture of experts).
    Experts(ExpertSizes),
    /// None; what the layer has in their place.
    Without(&'static str),
}

/// The experts of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpertSizes {
    /// How many the router chooses among.
    pub experts: usize,
    /// Neurons of each of them.
    pub each: usize,
    /// Neurons of the one that every token takes; 0 without one.
    pub shared: usize,
}

/// Neurons of a layer whose weights lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NeuronBlock {
    /// All of a layer without experts.
    Dense,
    /// Those of one expert.
    Expert(usize),
    /// Those of the expert that every token takes.
    Shared,
}

/// Some neurons of a block, counted within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockNeurons {
    pub block: NeuronBlock,
    pub neurons: Range<usize>,
}

impl ExpertSizes {
    /// Neurons of the experts that the router chooses among.
    pub fn routed(&self) -> usize {
        self.experts * self.each
    }

    /// All neurons.
    pub fn count(&self) -> usize {
        self.routed() + self.shared
    }

    /// The expert of a neuron of the layer, and the neuron's number within it.
    pub fn place(&self, neuron: usize) -> (NeuronBlock, usize) {
        match neuron.checked_sub(self.routed()) {
            Some(own) => (NeuronBlock::Shared, own),
            None => (NeuronBlock::Expert(neuron / self.each), neuron % self.each),
        }
    }

    /// How many neurons a block has; none if there is no such block.
    pub fn size(&self, block: NeuronBlock) -> usize {
        match block {
            NeuronBlock::Dense => 0,
            NeuronBlock::Expert(expert) if expert < self.experts => self.each,
            NeuronBlock::Expert(_) => 0,
            NeuronBlock::Shared => self.shared,
        }
    }

    /// The number in the layer of a block's first neuron.
    pub fn first(&self, block: NeuronBlock) -> usize {
        match block {
            NeuronBlock::Dense => 0,
            NeuronBlock::Expert(expert) => expert * self.each,
            NeuronBlock::Shared => self.routed(),
        }
    }
}

impl NeuronParts {
    /// How many neurons the layer has.
    pub fn count(&self) -> usize {
        match self {
            Self::Dense(count) => *count,
            Self::Experts(sizes) => sizes.count(),
            Self::Without(_) => 0,
        }
    }

    /// The experts, if the layer has any.
    pub fn experts(&self) -> Option<ExpertSizes> {
        match self {
            Self::Experts(sizes) => Some(*sizes),
            Self::Dense(_) | Self::Without(_) => None,
        }
    }

    /// All blocks, with how many neurons each has.
    pub fn blocks(&self) -> Vec<(NeuronBlock, usize)> {
        match self {
            Self::Dense(count) => vec![(NeuronBlock::Dense, *count)],
            Self::Without(_) => Vec::new(),
            Self::Experts(sizes) => {
                let routed = (0..sizes.experts).map(NeuronBlock::Expert);
                let shared = (sizes.shared > 0).then_some(NeuronBlock::Shared);
                let blocks = routed.chain(shared);
                blocks.map(|block| (block, sizes.size(block))).collect()
            }
        }
    }

    /// Some neurons of the layer, block after block. What lies beyond the last is asked of the last
    /// block, which has it not: reading it is an error.
    pub fn within(&self, neurons: Range<usize>) -> Vec<BlockNeurons> {
        let Self::Experts(sizes) = self else {
            let block = NeuronBlock::Dense;
            return vec![BlockNeurons { block, neurons }];
        };
        let mut parts = Vec::new();
        let mut at = neurons.start;
        while at < neurons.end {
            let (block, own) = sizes.place(at);
            let end = match block {
                NeuronBlock::Expert(_) => neurons.end.min(at - own + sizes.each),
                NeuronBlock::Dense | NeuronBlock::Shared => neurons.end,
            };
            parts.push(BlockNeurons {
                block,
                neurons: own..own + (end - at),
            });
            at = end;
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: ExpertSizes = ExpertSizes {
        experts: 3,
        each: 10,
        shared: 4,
    };

    #[test]
    fn neurons_are_counted_expert_after_expert_and_then_the_shared_one() {
        let parts = NeuronParts::Experts(SIZES);
        assert_eq!(parts.count(), 34);
        assert_eq!(SIZES.place(0), (NeuronBlock::Expert(0), 0));
        assert_eq!(SIZES.place(29), (NeuronBlock::Expert(2), 9));
        assert_eq!(SIZES.place(30), (NeuronBlock::Shared, 0));
        let within: Vec<_> = parts.within(8..32).into_iter().collect();
        let part = |block, neurons| BlockNeurons { block, neurons };
        assert_eq!(
            within,
            [
                part(NeuronBlock::Expert(0), 8..10),
                part(NeuronBlock::Expert(1), 0..10),
                part(NeuronBlock::Expert(2), 0..10),
                part(NeuronBlock::Shared, 0..2),
            ]
        );
        assert_eq!(parts.within(4..4), []);
    }

    #[test]
    fn what_lies_beyond_the_last_neuron_is_asked_of_the_last_block() {
        let beyond = NeuronParts::Experts(SIZES).within(33..40);
        assert_eq!(beyond[0].neurons, 3..10);
        let dense = NeuronParts::Dense(5).within(3..9);
        assert_eq!(dense[0].neurons, 3..9);
    }
}
