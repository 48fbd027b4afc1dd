//! Keys and values of a text so far (KV cache): a text that goes on costs one row a layer for each
//! token more.

use candle_core::Tensor;
use candle_nn::kv_cache::KvCache;

use super::chunk::Chunk;
use super::{Forward, ForwardError, Hook, HookRequest, Start};

/// Rows by which the memory of a layer's keys and values grows.
const GROWTH: usize = 64;

/// The keys and values of one text, as a run of it left them: what a replacement at a hook point
/// changed in them stays changed.
#[derive(Default)]
pub struct KeyValueCache {
    /// The tokens that they are of.
    text: Vec<u32>,
    /// By layer, after norms and rotations, `[tokens, n_kv_heads × d_head]`.
    layers: Vec<KvCache>,
}

impl KeyValueCache {
    /// How many of a text's tokens need not be run again. There are none in a model that looks ahead,
    /// of another text, after a run that failed, or where the text has become so long that all its
    /// positions rotate otherwise (LongRoPE).
    fn reusable(&self, forward: &Forward<'_>, text: &[u32]) -> usize {
        let (past, loader) = (self.text.len(), forward.loader);
        let places = loader.checkpoint.position_scheme();
        let turned_alike = |layer: usize| {
            let rope = places.rope(layer);
            rope.is_none_or(|rope| rope.frequencies_of(past) == rope.frequencies_of(text.len()))
        };
        let whole = |(layer, kept): (usize, &KvCache)| {
            kept.k_cache().current_seq_len() == past && turned_alike(layer)
        };
        let goes_on = past < text.len() && text.starts_with(&self.text);
        match loader.choices.causal && goes_on && self.layers.iter().enumerate().all(whole) {
            true => past,
            false => 0,
        }
    }
}

impl Forward<'_> {
    /// Runs those tokens of a text that are not in the cache yet, through all layers, and keeps their
    /// keys and values there too: the state of these tokens after the last layer, before the final
    /// norm, `[tokens, d_model]`. Hooks see their rows alone.
    ///
    /// # Errors
    /// As [`Forward::run`].
    pub fn run_on(
        &self,
        text: &[u32],
        kept: &mut KeyValueCache,
        request: HookRequest<'_>,
        hook: Hook<'_>,
    ) -> Result<Tensor, ForwardError> {
        self.check(&[text])?;
        let past = kept.reusable(self, text);
        if past == 0 {
            let layers = self.states() - 1;
            kept.layers = (0..layers).map(|_| KvCache::new(0, GROWTH)).collect();
        }
        // Left empty where the run fails.
        kept.text.clear();
        let state = self.embed(&[text], past)?;
        let chunk = Chunk {
            texts: 0..1,
            rows: std::iter::once(0..text.len() - past).collect(),
            past,
        };
        let start = Start {
            layer: 0,
            state: &state,
        };
        let last = self.run_layers(start, (chunk, Some(&mut kept.layers)), request, hook)?;
        kept.text.extend_from_slice(text);
        Ok(last)
    }
}
