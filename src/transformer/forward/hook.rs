//! Hook points of the forward pass: what can be looked at, and replaced, while a model runs.

use std::ops::Range;

use candle_core::Tensor;

use super::ForwardError;
use crate::task::CancelToken;

/// A place in the forward pass, by the field's names. Rows are those of all texts of a chunk, one
/// after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookPoint {
    /// The residual stream before a layer, `[rows, d_model]`.
    ResidPre,
    /// Attention weights of a layer in one text, `[n_heads, n, n]`, from (rows) to (columns).
    AttnPattern,
    /// What the heads of a layer read, gated where they have gates, before W_O:
    /// `[rows, n_heads × d_head]`. Layers without heads have none, and no pattern.
    AttnZ,
    /// What attention, or what a layer has in its place, adds to the residual stream, its bias and its post-norm included,
    /// `[rows, d_model]`.
    AttnOut,
    /// The residual stream between attention and feed-forward, `[rows, d_model]`. Layers that run
    /// both side by side have none.
    ResidMid,
    /// What each expert's output is multiplied with, `[rows, experts]`: 0 of those that are not taken.
    /// It cannot be replaced. Layers without experts have none.
    Router,
    /// What goes through the activation function of a layer's neurons: of gated ones the gate,
    /// `[rows, neurons]`. Layers with experts have none.
    MlpPre,
    /// Activations of a layer's neurons, what their values are multiplied with, `[rows, neurons]`; of
    /// experts' neurons what the router gives the expert is part of them.
    MlpPost,
    /// What the feed-forward part adds to the residual stream, as [`Self::AttnOut`].
    MlpOut,
    /// The residual stream after a layer, `[rows, d_model]`.
    ResidPost,
    /// Hugging Face's `hidden_states`, `[rows, d_model]`: number 0 is the embedding output, number
    /// i the output of the i-th layer, and the last one is after the final norm where there is one.
    /// It cannot be replaced.
    State,
    /// The logits, `[rows, vocab]`.
    Logits,
}

impl HookPoint {
    /// The field's name: `resid_pre`, `attn.z`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ResidPre => "resid_pre",
            Self::AttnPattern => "attn.pattern",
            Self::AttnZ => "attn.z",
            Self::AttnOut => "attn_out",
            Self::ResidMid => "resid_mid",
            Self::Router => "mlp.router",
            Self::MlpPre => "mlp.pre",
            Self::MlpPost => "mlp.post",
            Self::MlpOut => "mlp_out",
            Self::ResidPost => "resid_post",
            Self::State => "hidden_states",
            Self::Logits => "logits",
        }
    }
}

/// A tensor as it arises.
pub struct Hooked<'a> {
    pub point: HookPoint,
    /// The number of the layer; of [`HookPoint::State`] that of the state; of logits the number of
    /// layers.
    pub at: usize,
    /// Which of the texts it is about.
    pub texts: Range<usize>,
    /// The rows of each of them; for attention there are none.
    pub rows: &'a [Range<usize>],
    /// The position of the first row, of a text that goes on; else 0.
    pub first: usize,
    pub tensor: &'a Tensor,
}

/// The texts that a tensor is of.
#[derive(Clone, Copy)]
pub(super) struct HookedRows<'a> {
    pub texts: &'a Range<usize>,
    pub rows: &'a [Range<usize>],
    /// Positions before the first row.
    pub past: usize,
}

impl<'a> Hooked<'a> {
    /// A tensor of a chunk's texts, or of one of them, by its number in the chunk.
    pub(super) fn of(
        of: HookedRows<'a>,
        (point, at, text): (HookPoint, usize, Option<usize>),
        tensor: &'a Tensor,
    ) -> Self {
        let (texts, rows) = match text {
            Some(i) => (of.texts.start + i..of.texts.start + i + 1, &[][..]),
            None => (of.texts.clone(), of.rows),
        };
        Self {
            point,
            at,
            texts,
            rows,
            first: of.past,
            tensor,
        }
    }
}

/// Looks at a tensor; what it returns takes the tensor's place.
pub type Hook<'a> = &'a mut dyn FnMut(Hooked<'_>) -> Result<Option<Tensor>, ForwardError>;

/// Which hook points of a run are asked for.
#[derive(Clone, Copy)]
pub struct HookRequest<'a> {
    pub points: &'a [HookPoint],
    /// Attention weights are kept from this position alone, `[n_heads, 1, n]`, and cannot be
    /// replaced: those of all positions take the square of a text's length.
    pub pattern_from: Option<usize>,
    pub cancel: CancelToken<'a>,
}

impl HookRequest<'_> {
    /// Whether a point is asked for.
    pub(super) fn has(&self, point: HookPoint) -> bool {
        self.points.contains(&point)
    }
}

/// Calls a hook; with the number of the text that an attention pattern is of.
type Call<'a> =
    &'a mut dyn FnMut(HookPoint, Option<usize>, &Tensor) -> Result<Option<Tensor>, ForwardError>;

/// The hooks of one layer while it runs.
pub(super) struct LayerHooks<'a> {
    pub request: HookRequest<'a>,
    pub call: Call<'a>,
}

impl LayerHooks<'_> {
    /// The tensor that goes on from a point: `x`, or what takes its place.
    pub(super) fn pass(&mut self, point: HookPoint, x: Tensor) -> Result<Tensor, ForwardError> {
        if !self.request.has(point) {
            return Ok(x);
        }
        let instead = self.replacement(point, None, &x)?;
        Ok(instead.unwrap_or(x))
    }

    /// What takes the place of a tensor, if something does.
    pub(super) fn replacement(
        &mut self,
        point: HookPoint,
        text: Option<usize>,
        x: &Tensor,
    ) -> Result<Option<Tensor>, ForwardError> {
        match (self.call)(point, text, x)? {
            Some(instead) if instead.dims() != x.dims() => Err(ForwardError::Replacement {
                point: point.name(),
                expected: format!("{:?}", x.dims()),
                got: format!("{:?}", instead.dims()),
            }),
            instead => Ok(instead),
        }
    }
}
