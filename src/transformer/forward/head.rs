//! From the last state to the logits: the final norm, an encoder's head of dense layer, activation
//! and norm, and what follows the product with the output embedding, W_U.

use candle_core::Tensor;

use super::ForwardError;
use super::activation::Activation;
use super::linear::Linear;
use super::ops::{Frozen, Norm};

/// What a model does with its last state beside the product with W_U.
pub struct LogitHead {
    /// After the last layer, N.
    pub(super) norm: Option<Norm>,
    /// Of a masked-language-model head: what lies before W_U.
    pub(super) transform: Option<HeadTransform>,
    /// Added to the logits, `[vocab]`.
    pub(super) bias: Option<Vec<f32>>,
    /// Logits are bent to stay below it: cap·tanh(x/cap).
    pub(super) softcap: Option<f32>,
    /// What logits are multiplied with.
    pub(super) scale: f64,
}

/// A dense layer, its activation, and a norm.
pub(super) struct HeadTransform {
    pub dense: Linear,
    pub activation: Activation,
    pub norm: Norm,
}

impl LogitHead {
    /// What W_U is multiplied with, `[rows, d_model]`, of states before the final norm: each
    /// normed by its own statistics. What logits are multiplied with is in it.
    ///
    /// # Errors
    /// The device fails.
    pub fn read(&self, states: &Tensor) -> Result<Tensor, ForwardError> {
        let mut x = self.normed(states)?;
        if let Some(head) = &self.transform {
            x = head.norm.of(&head.dense.of(&x, head.activation)?)?;
        }
        if self.scale != 1.0 {
            x = (x * self.scale)?;
        }
        Ok(x)
    }

    /// States after the final norm.
    pub(super) fn normed(&self, states: &Tensor) -> Result<Tensor, ForwardError> {
        Ok(match &self.norm {
            Some(norm) => norm.of(states)?,
            None => states.clone(),
        })
    }

    /// What is added to the logits, `[vocab]`, if anything is.
    pub fn bias(&self) -> Option<&[f32]> {
        self.bias.as_deref()
    }

    /// What logits are bent to stay below, if anything.
    pub fn softcap(&self) -> Option<f32> {
        self.softcap
    }

    /// Whether a head that is not linear lies between the last state and the logits.
    pub fn is_linear(&self) -> bool {
        self.transform.is_none()
    }

    /// A direction of the logits, `[d_model]`, as one of the residual stream: the final norm's
    /// statistics frozen at a state.
    ///
    /// # Errors
    /// The device fails.
    pub fn frozen_at(&self, state: &[f32], direction: &[f32]) -> Result<Frozen, ForwardError> {
        let scaled: Vec<f32> = direction
            .iter()
            .map(|&x| (f64::from(x) * self.scale) as f32)
            .collect();
        match &self.norm {
            Some(norm) => Ok(norm.frozen_at(state, &scaled)?),
            None => Ok(Frozen::unchanged(&scaled)),
        }
    }
}
