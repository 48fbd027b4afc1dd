//! A router's rows: what its products with a state choose experts by.

use crate::checkpoint::{CheckpointError, Matrix};

use super::Weights;

impl Weights {
    /// Rows of a layer's router, `[experts, d_model]`; none in a layer without experts.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn router(&self, layer: usize) -> Result<Matrix, CheckpointError> {
        let d_model = self.spec().d_model;
        let names = self.checkpoint.family().experts.as_ref();
        let (Some(names), Some(sizes)) = (names, self.spec().experts(layer)) else {
            return Ok(Matrix::new(0, d_model, Vec::new()));
        };
        let name = format!("{}.weight", self.checkpoint.in_layer(layer, names.router));
        self.checkpoint.block(&name, 0..sizes.experts, 0..d_model)
    }

    /// What is added to the router's products, `[experts]`, less its mean; `None` if nothing is.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn router_biases(&self, layer: usize) -> Result<Option<Vec<f32>>, CheckpointError> {
        let names = self.checkpoint.family().experts.as_ref();
        let (Some(names), Some(sizes)) = (names, self.spec().experts(layer)) else {
            return Ok(None);
        };
        let name = format!("{}.bias", self.checkpoint.in_layer(layer, names.router));
        if !self.checkpoint.holds(&name) {
            return Ok(None);
        }
        let mut biases = self.checkpoint.vector(&[name], sizes.experts)?;
        let mean = biases.iter().sum::<f32>() / biases.len().max(1) as f32;
        biases.iter_mut().for_each(|bias| *bias -= mean);
        Ok(Some(biases))
    }
}
