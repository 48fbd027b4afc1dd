//! Multi-head latent attention (MLA; DeepSeek-AI 2024, arXiv 2405.04434, §2.1): keys and values come
//! out of a small latent vector, and positions have channels of their own. Names are below the
//! layer's prefix, without `.weight`.

/// Queries where they come out of no latent vector, `[heads·(nope + rope), d_model]`.
pub const QUERY: &str = "self_attn.q_proj";
/// State → latent vector of queries, `[query_rank, d_model]`.
pub const QUERY_DOWN: &str = "self_attn.q_a_proj";
/// Its norm.
pub const QUERY_NORM: &str = "self_attn.q_a_layernorm";
/// Latent vector → queries, `[heads·(nope + rope), query_rank]`.
pub const QUERY_UP: &str = "self_attn.q_b_proj";
/// State → latent vector of keys and values, and the keys' rotary part, `[rank + rope, d_model]`.
pub const DOWN: &str = "self_attn.kv_a_proj_with_mqa";
/// The latent vector's norm.
pub const NORM: &str = "self_attn.kv_a_layernorm";
/// Latent vector → keys and values, head after head, `[heads·(nope + value), rank]`.
pub const UP: &str = "self_attn.kv_b_proj";

/// ε of the latent vectors' norms, whatever the configuration says of the others.
pub const EPSILON: f64 = 1e-6;

/// Sizes of a model's latent attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatentSizes {
    /// Of the queries' latent vector; `None` without one.
    pub query_rank: Option<usize>,
    /// Of that of keys and values.
    pub rank: usize,
    /// Channels of a head's queries and keys without positions.
    pub nope: usize,
    /// Those that rotate; of keys they are the same for all heads.
    pub rope: usize,
    /// Channels of a head's values.
    pub value: usize,
}

impl LatentSizes {
    /// Channels that hold any of a head's vectors.
    pub fn d_head(&self) -> usize {
        (self.nope + self.rope).max(self.value)
    }

    /// The maps that a file holds: name, outputs, inputs.
    pub fn maps(&self, heads: usize, d_model: usize) -> Vec<(&'static str, usize, usize)> {
        let queries = heads * (self.nope + self.rope);
        let mut maps = match self.query_rank {
            None => vec![(QUERY, queries, d_model)],
            Some(rank) => vec![(QUERY_DOWN, rank, d_model), (QUERY_UP, queries, rank)],
        };
        maps.extend([
            (DOWN, self.rank + self.rope, d_model),
            (UP, heads * (self.nope + self.value), self.rank),
        ]);
        maps
    }

    /// How many inputs a map of this name has.
    pub fn inputs_of(&self, name: &str, d_model: usize) -> usize {
        let maps = self.maps(1, d_model);
        let ending = |own: &str| name.trim_end_matches(".weight").ends_with(own);
        let found = maps.into_iter().find(|(own, ..)| ending(own));
        found.map_or(d_model, |(_, _, inputs)| inputs)
    }
}
