//! Embeddings that are narrower than the layers, and layers that are run several times (ALBERT).

/// How rows narrower than the layers are brought to them, and states back.
#[derive(Clone, Copy, Debug)]
pub struct NarrowEmbedding {
    /// The key of the rows' width.
    pub width: &'static str,
    /// The map from rows to the layers, `[d_model, width]`, below the model's prefix.
    pub input: &'static str,
    /// The map from the layers to rows of the output embedding, `[width, d_model]`, below the model's
    /// prefix; without a name it is the dense layer of the masked-language-model head, and where the
    /// file has none the transpose of the other.
    pub output: Option<&'static str>,
    /// Whether there is a map even where both are equally wide.
    pub always: bool,
    /// What is as narrow as tokens.
    pub extent: NarrowExtent,
}

/// Keys of layers that are run several times.
#[derive(Clone, Copy, Debug)]
pub struct SharedLayers {
    /// How many there are; pass i of n runs layer ⌊i / (n / groups)⌋.
    pub groups: &'static str,
    /// How many of other weights each of them consists of: one is understood.
    pub inner: &'static str,
}

/// What has the embedding's width, and not that of the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NarrowExtent {
    /// Tokens: positions are added to what the map makes of them (OPT).
    Tokens,
    /// Positions, token types and their norm too: the map comes after them (ELECTRA, ALBERT).
    AllEmbeddings,
}
