//! One layer: its weights, read when its turn comes, and what it makes of the states.

use std::ops::Range;

use candle_core::Tensor;

use crate::checkpoint::{NormPlacement, Rope};
use crate::task::CancelToken;

use super::activation::Activation;
use super::attention::Heads;
use super::ops::{Linear, Norm, add_to};
use super::rope::RopeTable;
use super::{ForwardError, Site};

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
    pub qk_norm: Option<[Norm; 2]>,
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

/// Takes a tensor of a site; for attention, that of the text of this number in the chunk.
type See<'a> = &'a mut dyn FnMut(Site, Option<usize>, &Tensor) -> Result<(), ForwardError>;

/// Who looks on while a layer runs.
pub(super) struct Onlooker<'a> {
    pub sites: &'a [Site],
    pub cancel: CancelToken<'a>,
    pub see: See<'a>,
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
        onlooker: &mut Onlooker<'_>,
    ) -> Result<Tensor, ForwardError> {
        let pre = self.placement == NormPlacement::Pre;
        let read = normed(self.attention_norm.as_ref().filter(|_| pre), x)?;
        let written = self.attend(&read, texts, onlooker)?;
        // In a parallel layer the second half reads what the first one did.
        let aside = self.parallel.then(|| match &self.ff_norm {
            Some(norm) => norm.of(x),
            None => Ok(read.clone()),
        });
        drop(read);
        let mut x = add_to(written, x)?;
        if !pre {
            x = normed(self.attention_norm.as_ref(), &x)?;
        }
        let read = match aside {
            Some(read) => read?,
            None => normed(self.ff_norm.as_ref().filter(|_| pre), &x)?,
        };
        let written = self.feed_forward(&read, onlooker)?;
        let x = add_to(written, &x)?;
        let after = self.ff_norm.as_ref().filter(|_| !pre);
        Ok(match after {
            Some(norm) => norm.of(&x)?,
            None => x,
        })
    }

    /// What attention writes.
    fn attend(
        &self,
        read: &Tensor,
        texts: &[Range<usize>],
        onlooker: &mut Onlooker<'_>,
    ) -> Result<Tensor, ForwardError> {
        let mut qkv = Vec::with_capacity(3);
        for map in [&self.query, &self.key, &self.value] {
            onlooker.cancel.check()?;
            qkv.push(map.of(read, Activation::Linear)?);
        }
        if let Some(norms) = &self.qk_norm {
            for (x, norm) in qkv.iter_mut().zip(norms) {
                *x = norm.of_heads(x)?;
            }
        }
        if let Some(rope) = &self.rope {
            let table = RopeTable::new(rope, texts, read.device())?;
            for x in &mut qkv[..2] {
                *x = table.rotate(x, self.heads.d_head)?;
            }
        }
        let keep = onlooker.sites.contains(&Site::Attention);
        let attended = self
            .heads
            .attend([&qkv[0], &qkv[1], &qkv[2]], texts, keep)?;
        drop(qkv);
        for (text, probabilities) in attended.probabilities.iter().enumerate() {
            (onlooker.see)(Site::Attention, Some(text), probabilities)?;
        }
        let written = self.attention_out.of(&attended.read, Activation::Linear)?;
        Ok(self.written(0, written)?)
    }

    /// What the feed-forward part writes.
    fn feed_forward(
        &self,
        read: &Tensor,
        onlooker: &mut Onlooker<'_>,
    ) -> Result<Tensor, ForwardError> {
        onlooker.cancel.check()?;
        let activations = match &self.ff_gate {
            None => self.ff_in.of(read, self.activation)?,
            Some(gate) => {
                let open = gate.of(read, self.activation)?;
                (open * self.ff_in.of(read, Activation::Linear)?)?
            }
        };
        if onlooker.sites.contains(&Site::Activations) {
            (onlooker.see)(Site::Activations, None, &activations)?;
        }
        onlooker.cancel.check()?;
        let written = self.ff_out.of(&activations, Activation::Linear)?;
        Ok(self.written(1, written)?)
    }

    fn written(&self, half: usize, x: Tensor) -> candle_core::Result<Tensor> {
        match &self.post_norms {
            Some(norms) => norms[half].of(&x),
            None => Ok(x),
        }
    }
}
