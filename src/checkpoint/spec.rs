//! A model's sizes and choices, as its family's keys name them in `config.json`, and what only the
//! file can tell.

use super::latent::LatentSizes;
use super::{
    ExpertSizes, HeadParts, HeadSizes, LayerParts, MixerSizes, NeuronParts, NormPlacement, Reading,
    RopeLayout, UnknownChoice,
};

/// Sizes and choices of one checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Layers with weights of their own.
    pub layers: usize,
    /// The layers that a text goes through, one after another: each once, but where a model runs
    /// some of them several times (ALBERT).
    pub passes: Vec<usize>,
    /// Size of the residual stream.
    pub d_model: usize,
    /// Numbers of a token's row: d_model, or fewer where a map brings it to that.
    pub embedding_width: usize,
    /// Whether there is such a map.
    pub narrow: bool,
    /// Attention heads per layer, counted by their queries: the most that a layer has.
    pub heads: usize,
    /// Heads of keys and values per layer: fewer than `heads` in grouped-query attention (GQA).
    pub n_kv_heads: usize,
    /// Size of one head; where layers differ, `parts` says how.
    pub d_head: usize,
    /// Feed-forward neurons of a layer without experts.
    pub neurons: usize,
    /// By layer: which heads and neurons it has.
    pub parts: Vec<LayerParts>,
    /// Rows of the embedding; the vocabulary may name fewer.
    pub vocab: usize,
    /// Learned positions, 0 if there are none.
    pub positions: usize,
    /// The row of the learned positions that a text's first token has.
    pub first_position: usize,
    /// The token that takes no position of its own but the row before the first, as in RoBERTa.
    pub padding: Option<u32>,
    /// Whether positions are rotary (RoPE).
    pub rotary: bool,
    /// Positions that the configuration states (`max_position_embeddings`).
    pub context: usize,
    /// By layer: how many positions behind a query the furthest key that it attends to can lie.
    pub reach: Vec<usize>,
    /// The most tokens that a text may have.
    pub longest: usize,
    /// The activation's name, as the configuration spells it.
    pub activation: String,
    /// Whether blocks normalise before or after their sums.
    pub norm: NormPlacement,
    /// Sizes of latent attention (MLA), in a model that has it.
    pub latent: Option<LatentSizes>,
    /// Whether the queries and keys of each head are normed (QK-norm).
    pub qk_norm: bool,
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
        let of_heads = 2 * self.heads as u64 * self.d_head as u64;
        let rows = (of_neurons + of_heads).saturating_mul(self.layers as u64);
        let numbers = rows.saturating_add(self.vocab as u64);
        numbers.saturating_mul(2 * self.d_model as u64)
    }

    /// Whether some layers are run several times.
    pub fn repeats_layers(&self) -> bool {
        self.passes.len() > self.layers
    }

    /// That layers are run several times, in a sentence; nothing of a model that runs each once.
    pub fn repeated(&self) -> Option<String> {
        let times = self.passes.len();
        self.repeats_layers().then(|| match self.layers {
            1 => format!("one layer, run {times} times"),
            layers => format!("{layers} layers, run {times} times in all"),
        })
    }

    /// The neurons of a layer.
    pub fn neuron_parts(&self, layer: usize) -> NeuronParts {
        let parts = self.parts.get(layer);
        parts.map_or(NeuronParts::Without("nothing"), |parts| parts.neurons)
    }

    /// How many neurons a layer has.
    pub fn neurons_in(&self, layer: usize) -> usize {
        self.neuron_parts(layer).count()
    }

    /// The most neurons that a layer has.
    pub fn most_neurons(&self) -> usize {
        let counts = self.parts.iter().map(|parts| parts.neurons.count());
        counts.max().unwrap_or(0)
    }

    /// The neurons of all layers.
    pub fn all_neurons(&self) -> usize {
        self.parts.iter().map(|parts| parts.neurons.count()).sum()
    }

    /// The sizes of a layer's heads.
    pub fn head_sizes(&self, layer: usize) -> HeadSizes {
        match self.parts.get(layer).map(|parts| parts.heads) {
            Some(HeadParts::Heads(sizes)) => sizes,
            Some(HeadParts::Without(_)) | None => HeadSizes::default(),
        }
    }

    /// How many heads a layer has.
    pub fn heads_in(&self, layer: usize) -> usize {
        self.head_sizes(layer).heads
    }

    /// The heads of all layers.
    pub fn all_heads(&self) -> usize {
        (0..self.layers).map(|layer| self.heads_in(layer)).sum()
    }

    /// The experts of a layer, if it has any.
    pub fn experts(&self, layer: usize) -> Option<ExpertSizes> {
        self.neuron_parts(layer).experts()
    }

    /// The experts of the first layer that has any.
    pub fn first_experts(&self) -> Option<ExpertSizes> {
        (0..self.layers).find_map(|layer| self.experts(layer))
    }

    /// The first choice that is not known here and that a reading depends on.
    pub fn unknown_for(&self, reading: Reading) -> Option<&UnknownChoice> {
        let mut unknown = self.unknown.iter();
        unknown.find(|choice| choice.touches.contains(&reading))
    }
}

/// What `config.json` says about the forward pass alone.
#[derive(Clone, Debug, PartialEq)]
pub struct ForwardSpec {
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
    /// Cap of attention scores s, which become cap · tanh(s / cap) (Gemma 2).
    pub attention_softcap: Option<f64>,
    /// Cap of the logits, as that of attention scores (Gemma 2).
    pub logit_softcap: Option<f64>,
    /// What logits are multiplied with, before their cap.
    pub logit_scale: f64,
    /// What embeddings are multiplied with: √d_model in Gemma.
    pub embedding_scale: f64,
    /// What attention and the feed-forward part write is multiplied with (Granite).
    pub written_scale: f64,
    /// Queries, keys and values are cut off at ± this number (OLMo).
    pub clip: Option<f64>,
    /// The activation of a masked-language-model head, as the configuration spells it.
    pub head_activation: String,
    /// Whether they fall with the distance, and if so whether before they are scaled.
    pub alibi: Option<bool>,
    /// Whether both halves of a layer read the same state.
    pub parallel: bool,
    /// How a router chooses among experts, in a model that has them.
    pub routing: Option<Routing>,
    /// Bounds of the inputs of gated neurons (gpt-oss).
    pub clamped: Option<ClampedInputs>,
    /// Scores of content with distances (DeBERTa).
    pub distances: Option<DistanceAttention>,
    /// Sizes of what layers without heads have.
    pub mixer: Option<MixerSizes>,
    /// Its activation, as the configuration spells it, where it is not that of the neurons.
    pub mixer_activation: Option<String>,
}

/// How heads see distances (He et al. 2020, arXiv 2006.03654).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DistanceAttention {
    /// Whether queries of content score distances …
    pub content_to_position: bool,
    /// … and distances score keys of content.
    pub position_to_content: bool,
    /// Half of the rows that the table of distances has: one for each distance on either side.
    pub span: usize,
    /// The furthest distance, where those beyond half of the span share rows.
    pub furthest: Option<usize>,
    /// Whether distances go through the maps of content.
    pub shared: bool,
    /// Whether the table goes through a norm.
    pub normed: bool,
}

/// Gated neurons with bounded inputs: g·σ(αg)·(u + 1), g clamped from above and u on both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClampedInputs {
    pub alpha: f64,
    pub limit: f64,
}

/// How a router chooses experts for a token, and what their outputs are multiplied with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Routing {
    /// How many experts there are to choose from.
    pub experts: usize,
    /// How many experts a token takes.
    pub per_token: usize,
    pub scores: RouterScores,
    /// Whether the weights of those that are taken are brought to a sum of 1.
    pub renormalised: bool,
    /// What the weights are multiplied with then.
    pub factor: f64,
    /// Which groups of experts are left to choose from, if not all are.
    pub groups: Option<RouterGroups>,
}

/// What a router makes of its products with a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouterScores {
    /// Softmax over all experts.
    Softmax,
    /// Softmax over those that are taken.
    SoftmaxOfTaken,
    /// Each one's sigmoid.
    Sigmoid,
}

/// Choice limited to groups of experts (DeepSeek-AI 2024, arXiv 2405.04434, §2.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouterGroups {
    pub groups: usize,
    /// How many of them are left.
    pub taken: usize,
    /// A group is judged by the sum of so many of its best experts.
    pub judged_by: usize,
}

/// How a layer tells positions apart, beside learned position embeddings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PositionScheme {
    /// By layer: the size of its sliding window in positions, counted back from the query, which is
    /// one of them; in a model that looks both ways, centred on the query. `None` sees everything.
    pub windows: Vec<Option<usize>>,
    /// RoPE of layers without a window.
    pub rope: Option<Rope>,
    /// RoPE of layers with a window.
    pub local_rope: Option<Rope>,
    /// By layer: whether it rotates nothing whatever stands above (NoPE); empty if all layers rotate.
    pub without_rope: Vec<bool>,
}

impl PositionScheme {
    /// The rotary position embedding of a layer; `None` in a layer without one.
    pub fn rope(&self, layer: usize) -> Option<&Rope> {
        if self.without_rope.get(layer) == Some(&true) {
            return None;
        }
        let rope = match self.windows.get(layer) {
            Some(Some(_)) => self.local_rope.as_ref(),
            _ => self.rope.as_ref(),
        };
        rope.filter(|rope| !rope.frequencies.is_empty())
    }
}

/// Rotary position embedding (RoPE): at position p, pair i of a head's dimensions is rotated by p
/// times its frequency (Su et al. 2021, arXiv 2104.09864).
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    /// Radians per position, one for each pair.
    pub frequencies: Vec<f64>,
    /// Other frequencies for the whole of a text of more tokens than this (LongRoPE, Ding et al.
    /// 2024, arXiv 2402.13753).
    pub beyond: Option<(usize, Vec<f64>)>,
    /// Which dimensions make a pair.
    pub layout: RopeLayout,
    /// Factor of rotated queries and keys (YaRN and LongRoPE; else 1).
    pub factor: f64,
}

impl Rope {
    /// The two dimensions of a pair.
    pub fn dims(&self, pair: usize) -> [usize; 2] {
        match self.layout {
            RopeLayout::Neighbours => [2 * pair, 2 * pair + 1],
            RopeLayout::Halves => [pair, pair + self.frequencies.len()],
        }
    }

    /// Radians per position in a text of `tokens` tokens, one for each pair.
    pub fn frequencies_of(&self, tokens: usize) -> &[f64] {
        match &self.beyond {
            Some((trained, long)) if tokens > *trained => long,
            _ => &self.frequencies,
        }
    }

    /// Rotates one head's vector, `[d_head]`, as at `position` in a text that ends there. The
    /// factor is left out.
    pub fn rotate(&self, head: &mut [f32], position: usize) {
        let frequencies = self.frequencies_of(position.saturating_add(1));
        for (pair, frequency) in frequencies.iter().enumerate() {
            let (sin, cos) = (position as f64 * frequency).sin_cos();
            let [i, j] = self.dims(pair);
            let (a, b) = (f64::from(head[i]), f64::from(head[j]));
            head[i] = (a * cos - b * sin) as f32;
            head[j] = (a * sin + b * cos) as f32;
        }
    }
}
