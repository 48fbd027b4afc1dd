//! The numbers of norms: of the forward pass's, and of those that a convention folds into what is
//! read and what is written.

use crate::checkpoint::{Checkpoint, CheckpointError, NormKind};

/// A norm's numbers, `[width]` each.
#[derive(Clone, Debug, PartialEq)]
pub struct NormWeights {
    /// What is multiplied; where the file leaves 1 out, it is added.
    pub gain: Vec<f32>,
    /// What is added; none in a root mean square norm.
    pub bias: Option<Vec<f32>>,
    /// Whether the mean over the width is taken out first.
    pub centring: bool,
}

/// A norm by its full name without `.weight`; old files say gamma and beta.
pub(super) fn norm(
    checkpoint: &Checkpoint,
    name: &str,
    width: usize,
) -> Result<NormWeights, CheckpointError> {
    let kind = checkpoint.family().norm_kind;
    let [weights, biases] = names(name);
    let mut gain = checkpoint.vector(&weights, width)?;
    if kind == NormKind::RmsPlusOne {
        gain.iter_mut().for_each(|g| *g += 1.0);
    }
    let bias = match kind {
        NormKind::Rms | NormKind::RmsPlusOne => None,
        NormKind::LayerBare if !holds(checkpoint, &biases) => Some(vec![0.0; width]),
        NormKind::Layer | NormKind::LayerBare => Some(checkpoint.vector(&biases, width)?),
    };
    Ok(NormWeights {
        gain,
        centring: bias.is_some(),
        bias,
    })
}

/// The first of a layer's norms that is there; `None` if none is and none need be.
pub(super) fn layer_norm(
    checkpoint: &Checkpoint,
    layer: usize,
    names_below: &[&str],
    needed: bool,
) -> Result<Option<NormWeights>, CheckpointError> {
    let full = |name: &&str| checkpoint.in_layer(layer, name);
    let mut all = names_below.iter().map(full);
    let there = |name: &String| holds(checkpoint, &names(name)[0]);
    let found = all.clone().find(there);
    let found = found.or_else(|| all.next().filter(|_| needed));
    let width = checkpoint.spec().width;
    found.map(|name| norm(checkpoint, &name, width)).transpose()
}

/// Names of gain and bias.
fn names(name: &str) -> [[String; 2]; 2] {
    let both = |now: &str, once: &str| [format!("{name}.{now}"), format!("{name}.{once}")];
    [both("weight", "gamma"), both("bias", "beta")]
}

fn holds(checkpoint: &Checkpoint, names: &[String]) -> bool {
    names.iter().any(|name| checkpoint.holds(name))
}
