//! One layer: its weights, read when its turn comes, and what it makes of the states.

use std::ops::Range;

use candle_core::Tensor;

use crate::checkpoint::{NormPlacement, Rope};

use super::ForwardError;
use super::activation::Activation;
use super::attention::{Attended, Heads, Keep};
use super::hook::{HookPoint, LayerHooks};
use super::ops::{HeadNorm, Linear, Norm, add_to};
use super::rope::RopeTable;

/// A layer's weights on a device.
pub(super) struct Layer {
    pub placement: NormPlacement,
    /// Whether both halves read the state before the layer.
    pub parallel: bool,
    pub attention_norm: Option<Norm>,
    pub query: Linear,
    pub key: Linear,
    pub value: Linear,
    pub attention_out: Linear,
    /// Of each query and each key.
    pub qk_norm: Option<[HeadNorm; 2]>,
    /// Queries, keys and values are cut off at ± this number.
    pub clip: Option<f32>,
    /// None in a parallel layer whose halves share a norm.
    pub ff_norm: Option<Norm>,
    /// Of what attention and what the feed-forward part write.
    pub post_norms: Option<[Norm; 2]>,
    pub ff_gate: Option<Linear>,
    pub ff_in: Linear,
    pub ff_out: Linear,
    pub rope: Option<Rope>,
    pub heads: Heads,
    pub activation: Activation,
}

fn normed(norm: Option<&Norm>, x: &Tensor) -> Result<Tensor, ForwardError> {
    Ok(match norm {
        Some(norm) => norm.of(x)?,
        None => x.clone(),
    })
}

impl Layer {
    /// The states after the layer, both `[rows, d_model]`.
    pub(super) fn run(
        &self,
        x: &Tensor,
        texts: &[Range<usize>],
        hooks: &mut LayerHooks<'_>,
    ) -> Result<Tensor, ForwardError> {
        let pre = self.placement == NormPlacement::Pre;
        let x = &hooks.pass(HookPoint::ResidPre, x.clone())?;
        let read = normed(self.attention_norm.as_ref().filter(|_| pre), x)?;
        let written = self.attend(&read, texts, hooks)?;
        // In a parallel layer the second half reads what the first one did.
        let aside = self.parallel.then(|| match &self.ff_norm {
            Some(norm) => norm.of(x),
            None => Ok(read.clone()),
        });
        drop(read);
        let mut x = added(written, x, HookPoint::AttnOut, hooks)?;
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
        let written = self.feed_forward(&read, hooks)?;
        let x = added(written, &x, HookPoint::MlpOut, hooks)?;
        let after = normed(self.ff_norm.as_ref().filter(|_| !pre), &x)?;
        hooks.pass(HookPoint::ResidPost, after)
    }

    /// What attention writes.
    fn attend(
        &self,
        read: &Tensor,
        texts: &[Range<usize>],
        hooks: &mut LayerHooks<'_>,
    ) -> Result<Tensor, ForwardError> {
        let mut qkv = Vec::with_capacity(3);
        for map in [&self.query, &self.key, &self.value] {
            hooks.request.cancel.check()?;
            let x = map.of(read, Activation::Linear)?;
            qkv.push(match self.clip {
                Some(clip) => x.clamp(-clip, clip)?,
                None => x,
            });
        }
        if let Some(norms) = &self.qk_norm {
            for (x, norm) in qkv.iter_mut().zip(norms) {
                *x = norm.of(x)?;
            }
        }
        if let Some(rope) = &self.rope {
            let table = RopeTable::new(rope, texts, read.device())?;
            for x in &mut qkv[..2] {
                *x = table.rotate(x, self.heads.d_head)?;
            }
        }
        let keep = match (
            hooks.request.has(HookPoint::AttnPattern),
            hooks.request.pattern_from,
        ) {
            (false, _) => Keep::Nothing,
            (true, None) => Keep::All,
            (true, Some(position)) => Keep::From(position),
        };
        let attended = self
            .heads
            .attend([&qkv[0], &qkv[1], &qkv[2]], texts, keep)?;
        let z = self.through_patterns(attended, &qkv[2], texts, hooks)?;
        drop(qkv);
        let z = hooks.pass(HookPoint::AttnZ, z)?;
        let written = self.attention_out.of(&z, Activation::Linear)?;
        hooks.pass(HookPoint::AttnOut, self.post_normed(0, written)?)
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
            let of = |x: &Tensor| x.narrow(0, rows.start, rows.len());
            parts.push(match instead {
                Some((_, pattern)) => self.heads.mix(pattern, &of(values)?)?,
                None => of(&attended.read)?,
            });
        }
        Ok(Tensor::cat(&parts, 0)?)
    }

    /// What the feed-forward part writes.
    fn feed_forward(
        &self,
        read: &Tensor,
        hooks: &mut LayerHooks<'_>,
    ) -> Result<Tensor, ForwardError> {
        hooks.request.cancel.check()?;
        let through = self.ff_gate.as_ref().unwrap_or(&self.ff_in);
        let activated = match hooks.request.has(HookPoint::MlpPre) {
            false => through.of(read, self.activation)?,
            true => {
                let before = through.of(read, Activation::Linear)?;
                let before = hooks.pass(HookPoint::MlpPre, before)?;
                self.activation.of(&before)?
            }
        };
        let activations = match self.ff_gate {
            None => activated,
            Some(_) => (activated * self.ff_in.of(read, Activation::Linear)?)?,
        };
        let activations = hooks.pass(HookPoint::MlpPost, activations)?;
        hooks.request.cancel.check()?;
        let written = self.ff_out.of(&activations, Activation::Linear)?;
        hooks.pass(HookPoint::MlpOut, self.post_normed(1, written)?)
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

    /// Bytes that the maps take.
    pub(super) fn bytes(&self) -> u64 {
        let maps = [
            &self.query,
            &self.key,
            &self.value,
            &self.attention_out,
            &self.ff_in,
            &self.ff_out,
        ];
        let maps = maps.into_iter().chain(&self.ff_gate);
        maps.map(|map| map.bytes() as u64).sum()
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
