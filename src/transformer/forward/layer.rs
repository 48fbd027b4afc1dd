//! One layer: its weights, read when its turn comes, and what it makes of the states.

use std::ops::Range;

use candle_core::Tensor;
use candle_nn::kv_cache::KvCache;
use rayon::prelude::*;

use crate::checkpoint::{NormPlacement, Rope};

use super::ForwardError;
use super::activation::Activation;
use super::attention::{Attended, Heads, Keep};
use super::attention_maps::AttentionMaps;
use super::feed_forward::{ExpertMaps, FeedForward, NeuronFunction, NeuronMaps};
use super::hook::{HookPoint, HookRequest, LayerHooks};
use super::host_numbers::HostNumbers;
use super::linear::{Linear, rows_at_once};
use super::mixer::TokenMixer;
use super::ops::{HeadNorm, Norm, add_to};
use super::rope::RopeTable;

/// A layer's weights on a device.
pub(super) struct Layer {
    pub placement: NormPlacement,
    /// Whether both halves read the state before the layer.
    pub parallel: bool,
    pub attention_norm: Option<Norm>,
    pub attention: Option<Attention>,
    /// What the layer has in the place of heads.
    pub mixer: Option<Box<dyn TokenMixer>>,
    /// None in a parallel layer whose halves share a norm.
    pub ff_norm: Option<Norm>,
    /// Of what attention and what the feed-forward part write.
    pub post_norms: Option<[Norm; 2]>,
    pub feed_forward: Option<FeedForward>,
    pub function: NeuronFunction,
}

/// The heads of a layer.
pub(super) struct Attention {
    pub inputs: AttentionMaps,
    /// To what the sigmoid of is multiplied with what heads read (Qwen3-Next).
    pub gate: Option<Linear>,
    pub out: Linear,
    /// Of each query and each key.
    pub qk_norm: Option<[HeadNorm; 2]>,
    /// Queries and keys after their norms, and values, are cut off at ± this number.
    pub clip: Option<f32>,
    pub rope: Option<Rope>,
    pub heads: Heads,
}

/// The texts that a layer is run on.
pub(super) struct TextRows<'a> {
    /// The rows of each.
    pub rows: &'a [Range<usize>],
    /// Keys and values of the positions before the rows, of one text that goes on; those of the rows
    /// join them.
    pub earlier: Option<&'a mut KvCache>,
}

fn normed(norm: Option<&Norm>, x: &Tensor) -> Result<Tensor, ForwardError> {
    Ok(match norm {
        Some(norm) => norm.of(x)?,
        None => x.clone(),
    })
}

impl Layer {
    /// The states after the layer, both `[rows, d_model]`. Where no hook looks into the layer, a thread
    /// takes some of many texts through all of it.
    pub(super) fn run(
        &self,
        x: &Tensor,
        texts: TextRows<'_>,
        experts: ExpertMaps<'_>,
        hooks: &mut LayerHooks<'_>,
    ) -> Result<Tensor, ForwardError> {
        let inside = |point: &HookPoint| !matches!(point, HookPoint::State | HookPoint::Logits);
        let together = texts.earlier.is_some()
            || matches!(self.feed_forward, Some(FeedForward::Experts(_)))
            || !HostNumbers::are_in(&[x])
            || hooks.request.points.iter().any(inside);
        // Of long texts threads would have more than others.
        let short = |rows: &usize| texts.rows.iter().all(|text| 2 * text.len() <= *rows);
        let rows = rows_at_once(x.dim(0)?).filter(short);
        let Some(rows) = rows.filter(|_| !together) else {
            return self.run_together(x, texts, experts, hooks);
        };
        let request = HookRequest {
            points: &[],
            ..hooks.request
        };
        let part = |texts: &[Range<usize>]| {
            let start = texts.first().map_or(0, |text| text.start);
            let texts: Vec<Range<usize>> = texts
                .iter()
                .map(|text| text.start - start..text.end - start)
                .collect();
            let own = x.narrow(0, start, texts.last().map_or(0, |text| text.end))?;
            let texts = TextRows {
                rows: &texts,
                earlier: None,
            };
            let mut hooks = LayerHooks {
                request,
                call: &mut |_, _, _| Ok(None),
            };
            self.run_together(&own, texts, experts, &mut hooks)
        };
        // A text belongs where it begins.
        let groups: Vec<&[Range<usize>]> = texts
            .rows
            .chunk_by(|a, b| a.start / rows == b.start / rows)
            .collect();
        let parts: Vec<Result<Tensor, ForwardError>> = groups.into_par_iter().map(part).collect();
        let parts = parts.into_iter().collect::<Result<Vec<Tensor>, _>>()?;
        Ok(Tensor::cat(&parts, 0)?)
    }

    fn run_together(
        &self,
        x: &Tensor,
        texts: TextRows<'_>,
        experts: ExpertMaps<'_>,
        hooks: &mut LayerHooks<'_>,
    ) -> Result<Tensor, ForwardError> {
        let pre = self.placement == NormPlacement::Pre;
        let x = &hooks.pass(HookPoint::ResidPre, x.clone())?;
        let read = normed(self.attention_norm.as_ref().filter(|_| pre), x)?;
        let written = self.mixed(&read, texts, hooks)?;
        // In a parallel layer the second half reads what the first one did.
        let aside = self.parallel.then(|| match &self.ff_norm {
            Some(norm) => norm.of(x),
            None => Ok(read.clone()),
        });
        drop(read);
        let mut x = match written {
            Some(written) => added(written, x, HookPoint::AttnOut, hooks)?,
            None => x.clone(),
        };
        if !pre {
            x = normed(self.attention_norm.as_ref(), &x)?;
        }
        let read = match aside {
            Some(read) => read?,
            None => {
                x = hooks.pass(HookPoint::ResidMid, x)?;
                normed(self.ff_norm.as_ref().filter(|_| pre), &x)?
            }
        };
        if let Some(feed_forward) = &self.feed_forward {
            let written = feed_forward.run(&read, self.function, experts, hooks)?;
            let written = hooks.pass(HookPoint::MlpOut, self.post_normed(1, written)?)?;
            x = added(written, &x, HookPoint::MlpOut, hooks)?;
        }
        let after = normed(self.ff_norm.as_ref().filter(|_| !pre), &x)?;
        hooks.pass(HookPoint::ResidPost, after)
    }

    /// What attention, or what the layer has in its place, writes.
    fn mixed(
        &self,
        read: &Tensor,
        texts: TextRows<'_>,
        hooks: &mut LayerHooks<'_>,
    ) -> Result<Option<Tensor>, ForwardError> {
        let written = match (&self.attention, &self.mixer) {
            (Some(attention), _) => attention.run(read, texts, hooks)?,
            (None, Some(mixer)) => mixer.mix(read, texts.rows, hooks.request.cancel)?,
            (None, None) => return Ok(None),
        };
        let written = self.post_normed(0, written)?;
        hooks.pass(HookPoint::AttnOut, written).map(Some)
    }

    /// The norm of what attention (0) or the feed-forward part (1) writes.
    pub(super) fn post_norm(&self, half: usize) -> Option<&Norm> {
        self.post_norms.as_ref().map(|norms| &norms[half])
    }

    fn post_normed(&self, half: usize, x: Tensor) -> candle_core::Result<Tensor> {
        match self.post_norm(half) {
            Some(norm) => norm.of(&x),
            None => Ok(x),
        }
    }

    /// The heads.
    ///
    /// # Errors
    /// There are none: the derivative of what the layer has in their place is not known here.
    pub(super) fn attention(&self) -> Result<&Attention, ForwardError> {
        match &self.attention {
            Some(attention) if attention.gate.is_none() => Ok(attention),
            Some(_) => Err(ForwardError::NoDerivative("heads with gates")),
            None => Err(ForwardError::NoDerivative("layers without heads")),
        }
    }

    /// The maps of the neurons.
    ///
    /// # Errors
    /// Experts, whose derivative is not known here.
    pub(super) fn dense(&self) -> Result<&NeuronMaps, ForwardError> {
        match &self.feed_forward {
            Some(FeedForward::Dense(maps)) => Ok(maps),
            Some(FeedForward::Experts(_)) => Err(ForwardError::NoDerivative("experts")),
            None => Err(ForwardError::NoDerivative("layers without neurons")),
        }
    }

    /// Bytes that the maps take.
    pub(super) fn bytes(&self) -> u64 {
        let heads = self.attention.as_ref().map_or(0, Attention::bytes);
        let mixer = self.mixer.as_ref().map_or(0, |mixer| mixer.bytes());
        let neurons = self.feed_forward.as_ref().map_or(0, FeedForward::bytes);
        heads + mixer + neurons
    }
}

impl Attention {
    /// What attention writes.
    fn run(
        &self,
        read: &Tensor,
        texts: TextRows<'_>,
        hooks: &mut LayerHooks<'_>,
    ) -> Result<Tensor, ForwardError> {
        let mut qkv = self.inputs.of(read, hooks.request.cancel)?;
        if let Some(norms) = &self.qk_norm {
            for (x, norm) in qkv.iter_mut().zip(norms) {
                *x = norm.of(x)?;
            }
        }
        if let Some(clip) = self.clip {
            for x in &mut qkv {
                *x = x.clamp(-clip, clip)?;
            }
        }
        let TextRows {
            rows: texts,
            earlier,
        } = texts;
        let kept = earlier.as_ref().map(|kept| kept.k_cache());
        let past = kept.map_or(0, |keys| keys.current_seq_len());
        if let Some(rope) = &self.rope {
            let table = RopeTable::new(rope, (texts, past), read.device())?;
            for x in &mut qkv[..2] {
                *x = table.rotate(x, self.heads.d_head)?;
            }
        }
        if let Some(kept) = earlier {
            (qkv[1], qkv[2]) = kept.append(&qkv[1].contiguous()?, &qkv[2].contiguous()?)?;
        }
        let keep = match (
            hooks.request.has(HookPoint::AttnPattern),
            hooks.request.pattern_from,
        ) {
            (false, _) => Keep::Nothing,
            (true, None) => Keep::All,
            (true, Some(position)) => Keep::From(position.saturating_sub(past)),
        };
        let attended = self
            .heads
            .attend([&qkv[0], &qkv[1], &qkv[2]], texts, keep)?;
        let z = self.through_patterns(attended, &qkv[2], texts, hooks)?;
        drop(qkv);
        let z = match &self.gate {
            None => z,
            Some(gate) => (z * gate.of(read, Activation::Sigmoid)?)?,
        };
        let z = hooks.pass(HookPoint::AttnZ, z)?;
        Ok(self.out.of(&z, Activation::Linear)?)
    }

    /// What the heads read, by their own attention weights or by those that take their place.
    fn through_patterns(
        &self,
        attended: Attended,
        values: &Tensor,
        texts: &[Range<usize>],
        hooks: &mut LayerHooks<'_>,
    ) -> Result<Tensor, ForwardError> {
        let mut replaced = Vec::new();
        for (text, pattern) in attended.probabilities.iter().enumerate() {
            let instead = hooks.replacement(HookPoint::AttnPattern, Some(text), pattern)?;
            replaced.extend(instead.map(|instead| (text, instead)));
        }
        if replaced.is_empty() || hooks.request.pattern_from.is_some() {
            return Ok(attended.read);
        }
        let mut parts = Vec::with_capacity(texts.len());
        for (text, rows) in texts.iter().enumerate() {
            let instead = replaced.iter().find(|(of, _)| *of == text);
            let seen = rows.start..rows.end + values.dim(0)? - attended.read.dim(0)?;
            parts.push(match instead {
                Some((_, pattern)) => {
                    let values = values.narrow(0, seen.start, seen.len())?;
                    self.heads.mix(pattern, &values)?
                }
                None => attended.read.narrow(0, rows.start, rows.len())?,
            });
        }
        Ok(Tensor::cat(&parts, 0)?)
    }

    /// The maps to queries, keys and values.
    ///
    /// # Errors
    /// Attention that is not made of three maps, whose derivative is not known here.
    pub(super) fn plain_maps(&self) -> Result<&[Linear; 3], ForwardError> {
        if self.heads.distances.is_some() {
            return Err(ForwardError::NoDerivative("scores of distances"));
        }
        match &self.inputs {
            AttentionMaps::Plain(maps) => Ok(maps),
            AttentionMaps::Latent(_) => Err(ForwardError::NoDerivative("latent attention")),
        }
    }

    fn bytes(&self) -> u64 {
        let gate = self.gate.as_ref().map_or(0, Linear::bytes);
        let distances = self.heads.distances.as_ref().map_or(0, |d| d.bytes());
        self.inputs.bytes() + (self.out.bytes() + gate) as u64 + distances
    }
}

/// The state with what a half of the layer wrote, in place unless a hook may have kept that.
fn added(
    written: Tensor,
    x: &Tensor,
    point: HookPoint,
    hooks: &LayerHooks<'_>,
) -> candle_core::Result<Tensor> {
    match hooks.request.has(point) {
        true => written + x,
        false => add_to(written, x),
    }
}
