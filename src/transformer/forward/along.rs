//! What the heads and neurons of a layer write along a direction of the residual stream.

use candle_core::{D, Tensor};

use super::ops::{Frozen, Linear, Norm, with_numbers};
use super::{Forward, ForwardError};

/// What a layer's hooks showed at one position.
#[derive(Clone, Debug, Default)]
pub struct LayerActivations {
    /// What the heads read, `[n_heads × d_head]`.
    pub z: Vec<f32>,
    /// What the neurons pass on, `[neurons]`.
    pub post: Vec<f32>,
}

/// Products of what a layer writes with a direction.
#[derive(Clone, Debug)]
pub struct WrittenAlong {
    /// Of each head's z·W_O.
    pub heads: Vec<f64>,
    /// Of each neuron's activation times its value.
    pub neurons: Vec<f64>,
    /// Of what belongs to no head and no neuron: the biases of both outputs and of post-norms.
    pub constant: f64,
}

impl Forward<'_> {
    /// What a layer's heads and neurons write along `direction` (`[d_model]`). Post-norms are frozen
    /// at what they made of the activations.
    ///
    /// # Errors
    /// Weights that cannot be read, or a device that fails.
    pub fn written_along(
        &self,
        layer: usize,
        activations: &LayerActivations,
        direction: &[f32],
    ) -> Result<WrittenAlong, ForwardError> {
        let layer = self.layer(layer)?;
        let [attention, feed_forward] = [0, 1].map(|half| layer.post_norm(half));
        let z = along(&layer.attention_out, attention, &activations.z, direction)?;
        let post = along(&layer.ff_out, feed_forward, &activations.post, direction)?;
        let heads = z.terms.chunks(layer.heads.d_head);
        Ok(WrittenAlong {
            heads: heads.map(|terms| terms.iter().sum()).collect(),
            neurons: post.terms,
            constant: z.constant + post.constant,
        })
    }

    /// |activation|·‖value‖ of each neuron of a layer.
    ///
    /// # Errors
    /// As [`Self::written_along`].
    pub fn neuron_sizes(
        &self,
        layer: usize,
        activations: &LayerActivations,
    ) -> Result<Vec<f32>, ForwardError> {
        let layer = self.layer(layer)?;
        let values = layer.ff_out.weight.sqr()?.sum(D::Minus1)?.sqrt()?;
        let values: Vec<f32> = values.to_vec1()?;
        let neurons = activations.post.iter().zip(values);
        Ok(neurons.map(|(post, value)| post.abs() * value).collect())
    }

    /// The length of each head's z·W_O.
    ///
    /// # Errors
    /// As [`Self::written_along`].
    pub fn head_sizes(
        &self,
        layer: usize,
        activations: &LayerActivations,
    ) -> Result<Vec<f32>, ForwardError> {
        let (layer, z) = (self.layer(layer)?, &activations.z);
        let (heads, width) = (layer.heads.heads, layer.heads.d_head);
        let mut apart = vec![0.0; heads * heads * width];
        for (head, row) in apart.chunks_exact_mut(heads * width).enumerate() {
            let own = head * width..(head + 1) * width;
            row[own.clone()].copy_from_slice(&z[own]);
        }
        let weight = &layer.attention_out.weight;
        let apart = Tensor::from_vec(apart, (heads, heads * width), weight.device())?;
        let written = apart.matmul(weight)?;
        Ok(written.sqr()?.sum(D::Minus1)?.sqrt()?.to_vec1()?)
    }

    /// The value vector of a neuron, `[d_model]`.
    ///
    /// # Errors
    /// As [`Self::written_along`].
    pub fn value(&self, layer: usize, neuron: usize) -> Result<Vec<f32>, ForwardError> {
        let layer = self.layer(layer)?;
        let row = layer.ff_out.weight.narrow(0, neuron, 1)?;
        Ok(row.flatten_all()?.to_vec1()?)
    }
}

struct Terms {
    /// One for each input of the map.
    terms: Vec<f64>,
    constant: f64,
}

/// The products of what each input of a map writes with a direction, and of what the map and the
/// norm after it add.
fn along(
    map: &Linear,
    post_norm: Option<&Norm>,
    inputs: &[f32],
    direction: &[f32],
) -> Result<Terms, ForwardError> {
    let device = map.weight.device();
    let through = match post_norm {
        None => Frozen::unchanged(direction),
        Some(norm) => {
            let x = Tensor::from_slice(inputs, (1, inputs.len()), device)?;
            let raw = x.matmul(&map.weight)?.broadcast_add(&map.bias)?;
            norm.frozen_at(&raw.flatten_all()?.to_vec1::<f32>()?, direction)?
        }
    };
    let direction: Vec<f32> = through.direction.iter().map(|&x| x as f32).collect();
    let size = direction.len();
    let direction = Tensor::from_vec(direction, (1, size), device)?;
    let products = direction.matmul(&map.weight.t()?)?.flatten_all()?;
    let terms = with_numbers(&products, |products| {
        let terms = inputs.iter().zip(products);
        terms.map(|(x, p)| f64::from(*x) * f64::from(*p)).collect()
    })?;
    let bias = with_numbers(&map.bias, |bias| through.product(bias))?;
    Ok(Terms {
        terms,
        constant: bias + through.constant,
    })
}
