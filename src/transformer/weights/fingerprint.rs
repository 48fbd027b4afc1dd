//! A number that tells models of other weights apart.

use crate::checkpoint::CheckpointError;
use crate::transformer::{Form, Input};

use super::{FormWeights, Weights};

impl Weights {
    /// A number that differs, but for chance, between models of other weights: FNV-1a over the key
    /// and the value of the first neuron in every layer; with an adapter, or of a difference, the first
    /// head too.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn fingerprint(&self) -> Result<u64, CheckpointError> {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |numbers: &[f32]| {
            for byte in numbers.iter().flat_map(|x| x.to_le_bytes()) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        let changed = self.checkpoint.adapter().is_some() || self.checkpoint.against().is_some();
        for layer in 0..self.spec().layers {
            if self.spec().neurons_in(layer) > 0 {
                add(self.keys(layer, 0..1, Input::Gate)?.data());
                add(self.values(layer, 0..1)?.data());
            }
            // An adapter may leave the neurons as they are.
            if changed && self.spec().heads_in(layer) > 0 {
                for form in [Form::Vo, Form::Qk] {
                    let FormWeights { left, right } = self.form(form, layer, 0, 0)?;
                    add(left.data());
                    add(right.data());
                }
            }
        }
        Ok(hash)
    }
}
