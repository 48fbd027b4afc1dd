//! Which parts of the model moved a word's logit (direct logit attribution), and which neurons and
//! heads wrote most.
//!
//! With u the difference of two rows of W_U, γ the final norm's gain and σ its standard deviation
//! (rms of an RMSNorm) at the position, frozen, a part c of the last state brings
//! ((c − mean c)⊙γ/σ)·u; without the mean of an RMSNorm. Post-norms are frozen in the same way.

use super::run::{KeptRun, row};
use super::{Attribution, HeadPart, LayerAttribution, NeuronPart};
use crate::task::CancelToken;
use crate::transformer::{Forward, ForwardError, LogitHead, WrittenAlong};

/// What is explained: a direction of the logits.
pub(super) struct LogitDirection {
    /// W_U's row of the target, less that of the word against it, `[d_model]`.
    pub rows: Vec<f32>,
    /// The difference of their biases.
    pub bias: f64,
    /// The difference of their logits before a softcap.
    pub expected: f64,
}

/// Parts of the model, the largest of each kind.
#[derive(Default)]
pub(super) struct Parts {
    pub attribution: Option<Attribution>,
    pub neurons: Vec<NeuronPart>,
    pub heads: Vec<HeadPart>,
}

/// The parts that the direction's logit is the sum of; of neurons and heads the k largest.
pub(super) fn attributed(
    forward: &Forward<'_>,
    (head, direction): (&LogitHead, &LogitDirection),
    run: &KeptRun,
    k: usize,
    cancel: CancelToken<'_>,
) -> Result<Parts, ForwardError> {
    let at = &run.at;
    let state = |i: usize| row(&run.states[i], at.position);
    let last = run.states.len() - 1;
    let frozen = head.frozen_at(&state(last)?, &direction.rows)?;
    let along: Vec<f32> = frozen.direction.iter().map(|&x| x as f32).collect();
    let embedding = frozen.product(&state(0)?);
    let mut constant = frozen.constant + direction.bias;
    let mut layers = Vec::with_capacity(at.layers.len());
    let (mut neurons, mut heads) = (Vec::new(), Vec::new());
    for (layer, activations) in at.layers.iter().enumerate() {
        cancel.check()?;
        let WrittenAlong {
            heads: of_heads,
            mixed,
            neurons: of_neurons,
            constant: of_biases,
        } = forward.written_along(layer, activations, &along)?;
        constant += of_biases;
        layers.push(LayerAttribution {
            attention: of_heads.iter().sum::<f64>() + mixed,
            feed_forward: of_neurons.iter().sum(),
        });
        neurons.extend(ranked(layer, of_neurons.into_iter()));
        heads.extend(ranked(layer, of_heads.into_iter()));
    }
    let parts = layers.iter().map(|l| l.attention + l.feed_forward);
    let sum = embedding + parts.sum::<f64>() + constant;
    let attribution = Attribution {
        embedding,
        layers,
        constant,
        sum,
        expected: direction.expected,
    };
    let neurons = largest(neurons, k).into_iter().map(|of| {
        let activation = at.layers[of.layer].post[of.unit];
        let value = forward.value(of.layer, of.unit)?;
        let squares = value.iter().map(|&x| f64::from(x).powi(2));
        Ok(NeuronPart {
            layer: of.layer,
            neuron: of.unit,
            activation,
            size: activation.abs() * squares.sum::<f64>().sqrt() as f32,
            attribution: Some(of.amount),
        })
    });
    let neurons = neurons.collect::<Result<_, ForwardError>>()?;
    let heads = largest(heads, k).into_iter().map(|of| {
        let sizes = forward.head_sizes(of.layer, &at.layers[of.layer])?;
        Ok(HeadPart {
            attribution: Some(of.amount),
            ..head_part(run, &of, sizes[of.unit])
        })
    });
    Ok(Parts {
        attribution: Some(attribution),
        neurons,
        heads: heads.collect::<Result<_, ForwardError>>()?,
    })
}

/// The k neurons and heads that write most, where no sum of parts makes the logits.
pub(super) fn by_size(
    forward: &Forward<'_>,
    run: &KeptRun,
    k: usize,
    cancel: CancelToken<'_>,
) -> Result<Parts, ForwardError> {
    let at = &run.at;
    let (mut neurons, mut heads) = (Vec::new(), Vec::new());
    for (layer, activations) in at.layers.iter().enumerate() {
        cancel.check()?;
        let of_neurons = forward.neuron_sizes(layer, activations)?;
        let of_heads = forward.head_sizes(layer, activations)?;
        neurons.extend(ranked(layer, of_neurons.into_iter().map(f64::from)));
        heads.extend(ranked(layer, of_heads.into_iter().map(f64::from)));
    }
    let neurons = largest(neurons, k).into_iter().map(|of| NeuronPart {
        layer: of.layer,
        neuron: of.unit,
        activation: at.layers[of.layer].post[of.unit],
        size: of.amount as f32,
        attribution: None,
    });
    let heads = largest(heads, k).into_iter();
    Ok(Parts {
        attribution: None,
        neurons: neurons.collect(),
        heads: heads
            .map(|of| head_part(run, &of, of.amount as f32))
            .collect(),
    })
}

/// How much a unit of a layer brings.
struct UnitAmount {
    layer: usize,
    unit: usize,
    amount: f64,
}

fn ranked(layer: usize, amounts: impl Iterator<Item = f64>) -> impl Iterator<Item = UnitAmount> {
    amounts.enumerate().map(move |(unit, amount)| UnitAmount {
        layer,
        unit,
        amount,
    })
}

/// The k of largest magnitude; ties go to the first.
fn largest(mut units: Vec<UnitAmount>, k: usize) -> Vec<UnitAmount> {
    // Sorting is stable.
    units.sort_by(|a, b| b.amount.abs().total_cmp(&a.amount.abs()));
    units.truncate(k);
    units
}

fn head_part(run: &KeptRun, of: &UnitAmount, size: f32) -> HeadPart {
    let tokens = run.ids.len();
    let pattern = &run.at.patterns[of.layer][of.unit * tokens..(of.unit + 1) * tokens];
    HeadPart {
        layer: of.layer,
        head: of.unit,
        size,
        attribution: None,
        attends: pattern.to_vec(),
    }
}
