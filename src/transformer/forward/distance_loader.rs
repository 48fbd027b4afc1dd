//! What distances add to attention scores, from the checkpoint: a bias that all layers share (MPNet), or
//! a table of distances that all share, through a layer's maps (DeBERTa).

use std::sync::Arc;

use candle_core::Tensor;

use crate::checkpoint::{DistanceNames, Linear as Map, StoredMap};

use super::ForwardError;
use super::activation::Activation;
use super::attention_maps::AttentionMaps;
use super::distance_scores::DistanceScores;
use super::linear::Linear;
use super::loader::LayerLoader;
use super::ops::with_numbers;
use super::position_scores::RelativeScores;

impl LayerLoader<'_> {
    /// The scores of distances in a layer; `inputs`: its maps of content, which distances may go
    /// through too.
    pub(super) fn distances(
        &self,
        layer: usize,
        inputs: &AttentionMaps,
    ) -> Result<Option<Arc<DistanceScores>>, ForwardError> {
        let (Some(names), Some(sizes)) = (self.forward.distances, self.choices.distances) else {
            return Ok(None);
        };
        let (checkpoint, d_model) = (self.checkpoint, self.checkpoint.spec().d_model);
        let DistanceNames { table, norm, .. } = names;
        let rows = 2 * sizes.span;
        let table = checkpoint.block(&checkpoint.full(table), 0..rows, 0..d_model)?;
        let mut table = Tensor::from_vec(table.into_data(), (rows, d_model), self.device)?;
        if sizes.normed {
            table = self.norm_below(norm)?.of(&table)?;
        }
        let through = |map: &Linear| -> Result<Vec<f32>, ForwardError> {
            let found = map.of(&table, Activation::Linear)?;
            Ok(with_numbers(&found, <[f32]>::to_vec)?)
        };
        let role = |map: &Map, content: usize| match (sizes.shared, inputs) {
            (true, AttentionMaps::Plain(maps)) => through(&maps[content]),
            (true, AttentionMaps::Latent(_)) | (false, _) => {
                let heads = checkpoint.spec().head_sizes(layer);
                let map = StoredMap::of(map, checkpoint.in_layer(layer, map.name));
                through(&self.plain(&map, [d_model, heads.heads * heads.d_head])?)
            }
        };
        let keys = sizes.content_to_position.then(|| role(&names.key, 1));
        let queries = sizes.position_to_content.then(|| role(&names.query, 0));
        Ok(Some(Arc::new(DistanceScores {
            sizes,
            keys: keys.transpose()?,
            queries: queries.transpose()?,
        })))
    }

    /// The relative bias that all layers share, if they do.
    pub(super) fn relative(&self) -> Result<Option<Arc<RelativeScores>>, ForwardError> {
        let Some(name) = self.forward.relative_bias else {
            return Ok(None);
        };
        let heads = self.checkpoint.spec().heads;
        let name = self.checkpoint.full(name);
        let table = self
            .checkpoint
            .block(&name, 0..RelativeScores::BUCKETS, 0..heads)?;
        Ok(Some(Arc::new(RelativeScores {
            table: table.into_data(),
            heads,
        })))
    }
}
