//! Families whose layers differ: which have heads, and what mixes tokens in the others.

use std::fmt;

/// What mixes tokens in a layer without heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mixer {
    /// The gated delta rule (Yang et al. 2024, arXiv 2412.06464).
    LinearAttention,
    /// A gated convolution over a few positions (LFM2).
    ShortConvolution,
    /// A selective state space (Mamba 2, Dao and Gu 2024, arXiv 2405.21060).
    Mamba,
    /// Nothing: the layer has neurons only.
    Nothing,
}

impl fmt::Display for Mixer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LinearAttention => "linear attention",
            Self::ShortConvolution => "a short convolution",
            Self::Mamba => "Mamba",
            Self::Nothing => "neurons only",
        })
    }
}

/// What a word of the configuration makes of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerKind {
    Heads,
    Without(Mixer),
    /// Neurons of one feed-forward part only, also where other layers have experts.
    Dense,
}

/// How a family's configuration says of each layer what it is.
#[derive(Clone, Copy, Debug)]
pub struct LayerKinds {
    /// Keys of a list of words, one a layer; the first counts that is there.
    pub lists: &'static [&'static str],
    /// What its words mean.
    pub words: &'static [(&'static str, LayerKind)],
    /// What layers are without a list.
    pub usual: UsualKinds,
    /// What layers without heads have.
    pub mixer: Mixer,
    /// What stands before the names of its tensors, below the layer's prefix.
    pub prefix: &'static str,
    /// The least length of a step of Mamba, where it is a key of its own.
    pub least_step: Option<&'static str>,
    /// The activation of the mixer; that of the neurons where it is absent.
    pub activation: Option<&'static str>,
    /// Whether a layer that mixes tokens has no neurons, and one with neurons mixes none.
    pub alone: bool,
}

/// How layers that see everything differ in their heads from those with a window, and which layers
/// attend to keys and values of another one (Gemma 3n and 4).
#[derive(Clone, Copy, Debug)]
pub struct HeadKeys {
    /// How many of the last layers attend to keys and values of the last layer of their kind before
    /// these.
    pub shared: &'static str,
    /// Each of so many layers sees everything, where no list says which.
    pub every: &'static str,
    /// Where layers that see everything have sizes of their own.
    pub global: Option<GlobalHeadKeys>,
}

/// Keys about the heads of layers that see everything.
#[derive(Clone, Copy, Debug)]
pub struct GlobalHeadKeys {
    pub d_head: &'static str,
    /// Whether values are what the map of keys makes; only then `n_kv_heads` counts.
    pub keys_as_values: &'static str,
    pub n_kv_heads: &'static str,
    /// By layer number, sizes that differ from the model's, as transformers saves them.
    pub by_layer: &'static str,
    /// Whether layers that attend to another's keys have twice as many neurons.
    pub doubled: &'static str,
}

/// What layers are where no list says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsualKinds {
    /// Each of so many has heads: the key, and the number without it.
    Every(&'static str, usize),
    /// Those of a list of numbers have heads; without the list all have.
    Listed(&'static str),
    /// A letter a layer in one word, which the words explain as they do those of a list.
    Letters(&'static str),
    /// None has.
    Never,
}
