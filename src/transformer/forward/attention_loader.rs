//! The heads of a layer, from the checkpoint to a device.

use std::ops::Range;

use candle_core::Tensor;

use crate::checkpoint::{AttentionInput, QkNormScope, Split, StoredMap};

use super::super::norms::{self, NormWeights};
use super::ForwardError;
use super::attention::Heads;
use super::layer::Attention;
use super::linear::Linear;
use super::loader::LayerLoader;
use super::ops::HeadNorm;
use super::position_scores::Alibi;

impl LayerLoader<'_> {
    /// The heads of a layer.
    pub(super) fn attention(&self, layer: usize) -> Result<Attention, ForwardError> {
        let (family, spec) = (self.checkpoint.family(), self.checkpoint.spec());
        let sizes = spec.head_sizes(layer);
        let out = &family.attention_out;
        let out = StoredMap::of(out, self.checkpoint.in_layer(layer, out.name));
        let written = [sizes.heads * sizes.d_head, spec.d_model];
        let inputs = self.attention_maps(layer)?;
        let distances = self.distances(layer, &inputs)?;
        Ok(Attention {
            inputs,
            gate: match family.query.split {
                Split::Gated => Some(self.gates(layer)?),
                Split::Whole
                | Split::Part(..)
                | Split::Stacked
                | Split::Grouped
                | Split::Runs(_) => None,
            },
            out: match spec.latent {
                Some(sizes) => self.latent_output(layer, sizes)?,
                None => self.written(&out, written)?,
            },
            clip: self.choices.clip.map(|clip| clip as f32),
            qk_norm: self.qk_norm(layer)?,
            rope: self.checkpoint.position_scheme().rope(layer).cloned(),
            heads: Heads {
                distances,
                ..self.heads(layer)?
            },
        })
    }

    /// To the gates of what heads read, each of which lies behind the head's query.
    fn gates(&self, layer: usize) -> Result<Linear, ForwardError> {
        let sizes = self.checkpoint.spec().head_sizes(layer);
        let query = &self.checkpoint.family().query;
        let map = StoredMap::of(query, self.checkpoint.in_layer(layer, query.name));
        let of_head = |head: usize| {
            let own = sizes.head_outputs(query.split, AttentionInput::Query, head);
            own.end..own.end + sizes.d_head
        };
        let channels: Vec<Range<usize>> = (0..sizes.heads).map(of_head).collect();
        let all = sizes.outputs(query.split, sizes.heads * sizes.d_head);
        self.linear(&map, self.checkpoint.spec().d_model, (&channels, all))
    }

    /// The norms of queries and of keys.
    fn qk_norm(&self, layer: usize) -> Result<Option<[HeadNorm; 2]>, ForwardError> {
        let (checkpoint, sizes) = (self.checkpoint, self.checkpoint.spec().head_sizes(layer));
        let Some([query, key]) = checkpoint.qk_norm() else {
            return Ok(None);
        };
        let one = |name: &str, heads: usize| -> Result<HeadNorm, ForwardError> {
            let heads = heads.max(1);
            let each = (0..heads).map(|head| norms::head_norm(checkpoint, layer, name, head));
            match checkpoint.family().qk_norm_scope {
                QkNormScope::Head => Ok(HeadNorm {
                    norm: self.taken(norms::head_norm(checkpoint, layer, name, 0)?)?,
                    gains: None,
                }),
                QkNormScope::AllHeads => {
                    let width = heads * sizes.d_head;
                    let name = checkpoint.in_layer(layer, name);
                    Ok(HeadNorm {
                        norm: self.norm(&name, width)?,
                        gains: None,
                    })
                }
                QkNormScope::HeadRows | QkNormScope::HeadModules => {
                    let mut gains = Vec::with_capacity(heads * sizes.d_head);
                    for norm in each {
                        gains.extend(norm?.gain);
                    }
                    let width = gains.len();
                    let plain = NormWeights::bare(checkpoint, vec![1.0; sizes.d_head]);
                    Ok(HeadNorm {
                        norm: self.taken(plain)?,
                        gains: Some(Tensor::from_vec(gains, width, self.device)?),
                    })
                }
            }
        };
        Ok(Some([
            one(query, sizes.heads)?,
            one(key, sizes.n_kv_heads)?,
        ]))
    }

    fn heads(&self, layer: usize) -> Result<Heads, ForwardError> {
        let (sizes, choices) = (self.checkpoint.spec().head_sizes(layer), self.choices);
        let by_layer = if choices.scale_by_layer { layer + 1 } else { 1 };
        let windows = &self.checkpoint.position_scheme().windows;
        let sinks = self.forward.sinks.map(|name| {
            let name = self.checkpoint.in_layer(layer, name);
            self.checkpoint.vector(&[name], sizes.heads)
        });
        Ok(Heads {
            sinks: sinks.transpose()?,
            heads: sizes.heads,
            n_kv_heads: sizes.n_kv_heads,
            d_head: sizes.d_head,
            causal: choices.causal,
            window: windows.get(layer).copied().flatten(),
            scale: (choices.scale / by_layer as f64) as f32,
            cap: choices.attention_softcap.map(|cap| cap as f32),
            alibi: choices.alibi.map(|before_scale| Alibi { before_scale }),
            relative: self.relative()?,
            distances: None,
        })
    }
}
