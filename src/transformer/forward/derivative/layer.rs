//! Back through a layer, in each of the orders in which norms and sublayers follow each other.

use std::sync::Arc;

use candle_core::Tensor;

use crate::checkpoint::NormPlacement;

use super::super::ForwardError;
use super::super::layer::Layer;
use super::super::ops::{Norm, with_numbers};
use super::Batch;
use super::attention::AttentionTape;
use super::feed_forward::FeedForwardTape;
use super::norm::NormTape;

/// A layer at the states of a text: what its derivatives are taken at.
pub(super) struct LayerTape {
    layer: Arc<Layer>,
    attention: AttentionTape,
    feed_forward: FeedForwardTape,
    /// Before attention, or after its sum.
    attention_norm: Option<NormTape>,
    /// Before the feed-forward part, or after its sum; none where both halves share one.
    ff_norm: Option<NormTape>,
    post_norms: [Option<NormTape>; 2],
}

/// A norm and its tape, if there is one.
fn normed(norm: Option<&Norm>, x: &Tensor) -> Result<(Tensor, Option<NormTape>), ForwardError> {
    Ok(match norm {
        Some(norm) => (norm.of(x)?, Some(NormTape::new(norm, x)?)),
        None => (x.clone(), None),
    })
}

fn back_through(norm: Option<&NormTape>, back: Tensor) -> Result<Tensor, ForwardError> {
    let Some(norm) = norm else {
        return Ok(back);
    };
    let mut numbers = with_numbers(&back, <[f32]>::to_vec)?;
    norm.back(&mut numbers);
    Ok(Tensor::from_vec(numbers, back.shape(), back.device())?)
}

impl LayerTape {
    /// `x`: the states before the layer, `[tokens, d_model]`.
    pub(super) fn new(layer: Arc<Layer>, x: &Tensor) -> Result<Self, ForwardError> {
        let pre = layer.placement == NormPlacement::Pre;
        let (read, before) = normed(layer.attention_norm.as_ref().filter(|_| pre), x)?;
        let (attention, written) = AttentionTape::new(&layer, &read)?;
        let (written, post_attention) = normed(layer.post_norm(0), &written)?;
        let sum = (x + written)?;
        let (middle, after) = normed(layer.attention_norm.as_ref().filter(|_| !pre), &sum)?;
        let (read, ff_norm) = match (layer.parallel, &layer.ff_norm) {
            (true, None) => (read, None),
            (true, norm) => normed(norm.as_ref(), x)?,
            (false, norm) => normed(norm.as_ref().filter(|_| pre), &middle)?,
        };
        let (feed_forward, written) = FeedForwardTape::new(&layer, &read)?;
        let (written, post_feed_forward) = normed(layer.post_norm(1), &written)?;
        let (_, last) = normed(
            layer.ff_norm.as_ref().filter(|_| !pre),
            &(middle + written)?,
        )?;
        Ok(Self {
            attention,
            feed_forward,
            attention_norm: before.or(after),
            ff_norm: ff_norm.or(last),
            post_norms: [post_attention, post_feed_forward],
            layer,
        })
    }

    /// Cotangents of the states after the layer become those of the states before it.
    pub(super) fn back(&self, back: &Tensor, batch: Batch) -> Result<Tensor, ForwardError> {
        let (first, second) = (self.attention_norm.as_ref(), self.ff_norm.as_ref());
        if self.layer.placement == NormPlacement::Post {
            let sum = back_through(second, back.clone())?;
            let middle = (&sum + self.through_feed_forward(&sum)?)?;
            let sum = back_through(first, middle)?;
            return Ok((&sum + self.through_attention(&sum, batch)?)?);
        }
        let of_feed_forward = self.through_feed_forward(back)?;
        if self.layer.parallel {
            let of_attention = self.through_attention(back, batch)?;
            let both = match second {
                None => back_through(first, (of_attention + of_feed_forward)?)?,
                Some(_) => {
                    let of_attention = back_through(first, of_attention)?;
                    (of_attention + back_through(second, of_feed_forward)?)?
                }
            };
            return Ok((back + both)?);
        }
        let middle = (back + back_through(second, of_feed_forward)?)?;
        let of_attention = self.through_attention(&middle, batch)?;
        Ok((&middle + back_through(first, of_attention)?)?)
    }

    fn through_attention(&self, back: &Tensor, batch: Batch) -> Result<Tensor, ForwardError> {
        let back = back_through(self.post_norms[0].as_ref(), back.clone())?;
        self.attention.back(&self.layer, &back, batch)
    }

    fn through_feed_forward(&self, back: &Tensor) -> Result<Tensor, ForwardError> {
        let back = back_through(self.post_norms[1].as_ref(), back.clone())?;
        self.feed_forward.back(&self.layer, &back)
    }
}
