//! What the heads and neurons of a layer write along a direction of the residual stream.

use candle_core::{D, Tensor};

use crate::checkpoint::NeuronBlock;

use super::feed_forward::FeedForward;
use super::layer::Layer;
use super::linear::Linear;
use super::ops::{Frozen, Norm, with_numbers};
use super::{Forward, ForwardError};

/// What a layer's hooks showed at one position.
#[derive(Clone, Debug, Default)]
pub struct LayerActivations {
    /// What the heads read, `[n_heads × d_head]`; empty in a layer without heads.
    pub z: Vec<f32>,
    /// What a layer without heads writes in their place, `[d_model]`, if it was asked for.
    pub mixed: Vec<f32>,
    /// What the router gives each expert, `[experts]`; empty in a layer without experts.
    pub router: Vec<f32>,
    /// What the neurons pass on, `[neurons]`.
    pub post: Vec<f32>,
}

/// Products of what a layer writes with a direction.
#[derive(Clone, Debug)]
pub struct WrittenAlong {
    /// Of each head's z·W_O.
    pub heads: Vec<f64>,
    /// Of what the layer has in the place of heads.
    pub mixed: f64,
    /// Of each neuron's activation times its value.
    pub neurons: Vec<f64>,
    /// Of what belongs to no head and no neuron: the biases of both outputs and of post-norms.
    pub constant: f64,
}

/// A map, the inputs of a sublayer that go through it from `first` on, and what its bias counts.
struct Output<'a> {
    map: &'a Linear,
    first: usize,
    share: f64,
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
        let (at, layer) = (layer, self.layer(layer)?);
        let [attention, feed_forward] = [0, 1].map(|half| layer.post_norm(half));
        let heads = layer.attention.as_ref().map(|attention| Output {
            map: &attention.out,
            first: 0,
            share: 1.0,
        });
        let z = along(heads.as_slice(), attention, &activations.z, direction)?;
        let mixed = match layer.mixer {
            Some(_) => Frozen::unchanged(direction).product(&activations.mixed),
            None => 0.0,
        };
        let maps = self.outputs(at, &layer, activations)?;
        let outputs: Vec<Output<'_>> = maps.iter().map(StoredOutput::seen).collect();
        let post = along(&outputs, feed_forward, &activations.post, direction)?;
        let d_head = layer.attention.as_ref().map_or(1, |of| of.heads.d_head);
        let heads = z.terms.chunks(d_head.max(1));
        Ok(WrittenAlong {
            mixed,
            heads: heads.map(|terms| terms.iter().sum()).collect(),
            neurons: post.terms,
            constant: z.constant + post.constant,
        })
    }

    /// The outputs of the neurons of which any is active.
    fn outputs(
        &self,
        at: usize,
        layer: &Layer,
        activations: &LayerActivations,
    ) -> Result<Vec<StoredOutput>, ForwardError> {
        let experts = match &layer.feed_forward {
            None => return Ok(Vec::new()),
            Some(FeedForward::Experts(experts)) => experts,
            Some(FeedForward::Dense(maps)) => {
                return Ok(vec![StoredOutput {
                    map: maps.out.clone(),
                    first: 0,
                    share: 1.0,
                }]);
            }
        };
        let (sizes, mut outputs) = (experts.sizes, Vec::new());
        let blocks = (0..sizes.experts).map(NeuronBlock::Expert);
        let shared = (sizes.shared > 0).then_some(NeuronBlock::Shared);
        for block in blocks.chain(shared) {
            let first = sizes.first(block);
            let own = activations.post.get(first..first + sizes.size(block));
            let share = match block {
                NeuronBlock::Expert(expert) => activations.router.get(expert).copied(),
                NeuronBlock::Dense | NeuronBlock::Shared => Some(1.0),
            };
            let share = f64::from(share.unwrap_or(0.0));
            if share != 0.0 || own.is_some_and(|own| own.iter().any(|x| *x != 0.0)) {
                outputs.push(StoredOutput {
                    map: self.loader.neurons(at, block)?.out,
                    first,
                    share,
                });
            }
        }
        Ok(outputs)
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
        let (at, layer) = (layer, self.layer(layer)?);
        let mut sizes = vec![0.0; activations.post.len()];
        for StoredOutput { map, first, .. } in self.outputs(at, &layer, activations)? {
            let values = map.weight.sqr()?.sum(D::Minus1)?.sqrt()?;
            let values: Vec<f32> = values.to_vec1()?;
            let neurons = activations.post[first..].iter().zip(values);
            let own = neurons.map(|(post, value)| post.abs() * value);
            sizes[first..]
                .iter_mut()
                .zip(own)
                .for_each(|(size, own)| *size = own);
        }
        Ok(sizes)
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
        let Some(attention) = &layer.attention else {
            return Ok(Vec::new());
        };
        let (heads, width) = (attention.heads.heads, attention.heads.d_head);
        let mut apart = vec![0.0; heads * heads * width];
        for (head, row) in apart.chunks_exact_mut(heads * width).enumerate() {
            let own = head * width..(head + 1) * width;
            row[own.clone()].copy_from_slice(&z[own]);
        }
        let weight = &attention.out.weight;
        let apart = Tensor::from_vec(apart, (heads, heads * width), weight.device())?;
        let written = apart.matmul(weight)?;
        Ok(written.sqr()?.sum(D::Minus1)?.sqrt()?.to_vec1()?)
    }

    /// The value vector of a neuron, `[d_model]`.
    ///
    /// # Errors
    /// As [`Self::written_along`].
    pub fn value(&self, layer: usize, neuron: usize) -> Result<Vec<f32>, ForwardError> {
        let (at, layer) = (layer, self.layer(layer)?);
        let row = match &layer.feed_forward {
            None => return Err(ForwardError::NoNeurons { layer: at }),
            Some(FeedForward::Dense(maps)) => maps.out.weight.narrow(0, neuron, 1)?,
            Some(FeedForward::Experts(experts)) => {
                let (block, own) = experts.sizes.place(neuron);
                let maps = self.loader.neurons(at, block)?;
                maps.out.weight.narrow(0, own, 1)?
            }
        };
        Ok(row.flatten_all()?.to_vec1()?)
    }
}

/// An output that was read for this, or one of the layer's.
struct StoredOutput {
    map: Linear,
    first: usize,
    share: f64,
}

impl StoredOutput {
    fn seen(&self) -> Output<'_> {
        Output {
            map: &self.map,
            first: self.first,
            share: self.share,
        }
    }
}

struct Terms {
    /// One for each input of the maps.
    terms: Vec<f64>,
    constant: f64,
}

/// The products of what each input of some maps writes with a direction, and of what the maps and
/// the norm after them add; nothing without maps.
fn along(
    outputs: &[Output<'_>],
    post_norm: Option<&Norm>,
    inputs: &[f32],
    direction: &[f32],
) -> Result<Terms, ForwardError> {
    if outputs.is_empty() && inputs.is_empty() {
        return Ok(Terms {
            terms: Vec::new(),
            constant: 0.0,
        });
    }
    let through = match post_norm {
        None => Frozen::unchanged(direction),
        Some(norm) => {
            let mut raw = vec![0f32; direction.len()];
            for output in outputs {
                let own = &inputs[output.first..output.first + output.map.weight.dim(0)?];
                let x = Tensor::from_slice(own, (1, own.len()), output.map.weight.device())?;
                let bias = (&output.map.bias * output.share)?;
                let written = x.matmul(&output.map.weight)?.broadcast_add(&bias)?;
                let written: Vec<f32> = written.flatten_all()?.to_vec1()?;
                raw.iter_mut().zip(written).for_each(|(raw, x)| *raw += x);
            }
            norm.frozen_at(&raw, direction)?
        }
    };
    let direction: Vec<f32> = through.direction.iter().map(|&x| x as f32).collect();
    let (mut terms, mut constant) = (vec![0.0; inputs.len()], through.constant);
    for output in outputs {
        let weight = &output.map.weight;
        let direction = Tensor::from_slice(&direction, (1, direction.len()), weight.device())?;
        let products = direction.matmul(&weight.t()?)?.flatten_all()?;
        with_numbers(&products, |products| {
            let own = inputs[output.first..].iter().zip(products);
            let own = own.map(|(x, p)| f64::from(*x) * f64::from(*p));
            let terms = terms[output.first..].iter_mut();
            terms.zip(own).for_each(|(term, own)| *term = own);
        })?;
        let bias = with_numbers(&output.map.bias, |bias| through.product(bias))?;
        constant += output.share * bias;
    }
    Ok(Terms { terms, constant })
}
