//! The linear maps of attention, all heads of a layer together.

use crate::checkpoint::{CheckpointError, Matrix};
use crate::task::Callbacks;
use crate::transformer::AttentionMap;

use super::{WeightSlice, Weights};

impl Weights {
    /// The vectors of a linear map of attention, all heads' one after another,
    /// `[heads × d_head, d_model]`: rows of W_Q, W_K or W_V as they are read with, or of W_O as they
    /// are written. Heads that share keys and values (GQA) have them once.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn attention_vectors(
        &self,
        layer: usize,
        map: AttentionMap,
    ) -> Result<Matrix, CheckpointError> {
        self.read_all(self.attention_slices(layer, map))
    }

    /// Brings near what [`Self::attention_vectors`] reads, if it lies on the hub.
    ///
    /// # Errors
    /// As [`Checkpoint::bring`](crate::checkpoint::Checkpoint::bring).
    pub fn bring_attention(
        &self,
        layer: usize,
        map: AttentionMap,
        callbacks: Callbacks<'_>,
    ) -> Result<(), CheckpointError> {
        self.bring(self.attention_slices(layer, map), callbacks)
    }

    pub(super) fn attention_slices(&self, layer: usize, map: AttentionMap) -> Vec<WeightSlice> {
        let sizes = self.spec().head_sizes(layer);
        let step = match map {
            AttentionMap::Query | AttentionMap::Output => 1,
            AttentionMap::Key | AttentionMap::Value => sizes.queries_per_kv_head(),
        };
        let heads = (0..sizes.heads).step_by(step.max(1));
        let slice = |head| {
            let [left, right] = self.form_slices(map.form(), layer, head);
            if map.on_the_right() { right } else { left }
        };
        heads.map(slice).collect()
    }
}
