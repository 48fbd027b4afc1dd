//! A model's sizes, read from `config.json` by its family's keys.

/// Sizes and choices of one checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    pub layers: usize,
    /// d, the width of the residual stream.
    pub width: usize,
    /// Attention heads a layer.
    pub heads: usize,
    /// Width of one head.
    pub head_width: usize,
    /// Feed-forward neurons a layer.
    pub neurons: usize,
    /// Rows of the embedding; the vocabulary may name fewer.
    pub vocab: usize,
    /// Learned positions, 0 if there are none.
    pub positions: usize,
    /// The activation's name, as the configuration spells it.
    pub activation: String,
    /// Whether one matrix is both input and output embedding.
    pub tied: bool,
}

/// What `config.json` says about the forward pass alone.
#[derive(Clone, Debug, PartialEq)]
pub struct PassSpec {
    /// Whether a position sees only those before it.
    pub causal: bool,
    pub norm_epsilon: f64,
    /// Whether attention scores are divided by the root of the head's width.
    pub scale_scores: bool,
    /// Whether they are divided by the layer's number, counted from 1, too.
    pub scale_by_layer: bool,
    /// Kind of position where it is not the usual learned, absolute one.
    pub odd_positions: Option<String>,
}
