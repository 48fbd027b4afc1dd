//! The numbers of norms: of the forward pass's, and of those that a convention folds into what is
//! read and what is written.

use crate::checkpoint::{Checkpoint, CheckpointError, Matrix, NormKind, QkNormScope};

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

impl NormWeights {
    /// A layer norm without gains and biases.
    fn plain(width: usize) -> Self {
        Self {
            gain: vec![1.0; width],
            bias: Some(vec![0.0; width]),
            centring: true,
        }
    }

    /// A norm of the family's kind with these gains and without a bias.
    pub(super) fn bare(checkpoint: &Checkpoint, gain: Vec<f32>) -> Self {
        let centring = match checkpoint.norm_kind() {
            NormKind::Rms | NormKind::RmsPlusOne => false,
            NormKind::Layer
            | NormKind::LayerBare
            | NormKind::LayerPlain
            | NormKind::LayerPlusOne => true,
        };
        Self {
            bias: centring.then(|| vec![0.0; gain.len()]),
            gain,
            centring,
        }
    }

    /// What of a norm is linear and the same for every vector, over the rows of `[width, n]`: the
    /// mean over the rows taken out, where it is, and the gains.
    pub(super) fn apply_to_rows(&self, matrix: &mut Matrix) {
        let (rows, cols) = (matrix.rows(), matrix.cols());
        let mut means = vec![0f64; if self.centring { cols } else { 0 }];
        for row in matrix.data().chunks_exact(cols.max(1)) {
            let terms = means.iter_mut().zip(row);
            terms.for_each(|(mean, &x)| *mean += f64::from(x) / rows as f64);
        }
        let rows = matrix.data_mut().chunks_exact_mut(cols.max(1));
        for (row, gain) in rows.zip(&self.gain) {
            let less = means.iter().copied().chain(std::iter::repeat(0.0));
            let numbers = row.iter_mut().zip(less);
            numbers.for_each(|(x, mean)| *x = ((f64::from(*x) - mean) * f64::from(*gain)) as f32);
        }
    }

    /// The bias, if it has one and not all of it is 0.
    pub fn added(&self) -> Option<&[f32]> {
        let bias = self.bias.as_deref();
        bias.filter(|bias| bias.iter().any(|x| *x != 0.0))
    }

    /// The norm of `x` (`[width]`), in place: LayerNorm or RMSNorm, with ε added to what is under
    /// the root.
    pub fn apply(&self, x: &mut [f32], epsilon: f64) {
        let n = x.len().max(1) as f64;
        let mean = match self.centring {
            true => x.iter().map(|&x| f64::from(x)).sum::<f64>() / n,
            false => 0.0,
        };
        let squares = x.iter().map(|&x| (f64::from(x) - mean).powi(2));
        let scale = (squares.sum::<f64>() / n + epsilon).sqrt().recip();
        for (i, (x, gain)) in x.iter_mut().zip(&self.gain).enumerate() {
            let bias = self.bias.as_ref().map_or(0.0, |bias| f64::from(bias[i]));
            *x = ((f64::from(*x) - mean) * scale * f64::from(*gain) + bias) as f32;
        }
    }
}

/// A norm by its full name without `.weight`; old files say gamma and beta.
pub(super) fn norm(
    checkpoint: &Checkpoint,
    name: &str,
    width: usize,
) -> Result<NormWeights, CheckpointError> {
    let kind = checkpoint.norm_kind();
    let [weights, biases] = names(name);
    if !affine(checkpoint) && !holds(checkpoint, &weights) {
        return Ok(NormWeights::plain(width));
    }
    let mut gain = checkpoint.vector(&weights, width)?;
    if matches!(kind, NormKind::RmsPlusOne | NormKind::LayerPlusOne) {
        gain.iter_mut().for_each(|g| *g += 1.0);
    }
    let bias = match kind {
        NormKind::Rms | NormKind::RmsPlusOne => None,
        NormKind::LayerBare if !holds(checkpoint, &biases) => Some(vec![0.0; width]),
        NormKind::Layer | NormKind::LayerBare | NormKind::LayerPlusOne | NormKind::LayerPlain => {
            Some(checkpoint.vector(&biases, width)?)
        }
    };
    Ok(NormWeights {
        gain,
        centring: bias.is_some(),
        bias,
    })
}

/// The norm of queries or keys (by its name below the layer's prefix) as one head has it, `[d_head]`;
/// of keys, heads are counted by their keys.
pub(super) fn head_norm(
    checkpoint: &Checkpoint,
    layer: usize,
    name: &str,
    head: usize,
) -> Result<NormWeights, CheckpointError> {
    let sizes = checkpoint.spec().head_sizes(layer);
    let (full, width) = (checkpoint.in_layer(layer, name), sizes.d_head);
    let own = head * width..(head + 1) * width;
    match checkpoint.family().qk_norm_scope {
        QkNormScope::Head => norm(checkpoint, &full, width),
        QkNormScope::HeadRows => {
            let row = checkpoint.block(&format!("{full}.weight"), head..head + 1, 0..width)?;
            Ok(NormWeights::bare(checkpoint, row.into_data()))
        }
        QkNormScope::HeadModules => {
            let name = format!("{full}.norms.{head}.weight");
            Ok(NormWeights::bare(
                checkpoint,
                checkpoint.vector(&[name], width)?,
            ))
        }
        QkNormScope::AllHeads => {
            let heads = match checkpoint.qk_norm() {
                Some([_, key]) if key == name => sizes.n_kv_heads,
                _ => sizes.heads,
            };
            let all = norm(checkpoint, &full, heads * width)?;
            let bias = all.bias.map(|bias| bias[own.clone()].to_vec());
            Ok(NormWeights {
                gain: all.gain[own].to_vec(),
                bias,
                centring: all.centring,
            })
        }
    }
}

/// Whether norms have numbers in the file.
fn affine(checkpoint: &Checkpoint) -> bool {
    let flag = checkpoint.forward().is_none_or(|f| f.affine_norms);
    flag && checkpoint.norm_kind() != NormKind::LayerPlain
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
    let needed = needed || !affine(checkpoint);
    let found = found.or_else(|| all.next().filter(|_| needed));
    let d_model = checkpoint.spec().d_model;
    found
        .map(|name| norm(checkpoint, &name, d_model))
        .transpose()
}

/// Whether one of these norms is there, or need not be.
///
/// # Errors
/// None is.
pub(super) fn check(checkpoint: &Checkpoint, any_of: &[String]) -> Result<(), CheckpointError> {
    if !affine(checkpoint) || any_of.is_empty() {
        return Ok(());
    }
    let there = |name: &&String| holds(checkpoint, &names(name)[0]);
    let found = any_of.iter().find(there).unwrap_or(&any_of[0]);
    let [weights, biases] = names(found);
    checkpoint.require(&weights)?;
    match checkpoint.norm_kind() {
        NormKind::Layer | NormKind::LayerPlusOne => checkpoint.require(&biases),
        NormKind::LayerBare | NormKind::LayerPlain | NormKind::Rms | NormKind::RmsPlusOne => Ok(()),
    }
}

/// Names of gain and bias.
fn names(name: &str) -> [[String; 2]; 2] {
    let both = |now: &str, once: &str| [format!("{name}.{now}"), format!("{name}.{once}")];
    [both("weight", "gamma"), both("bias", "beta")]
}

fn holds(checkpoint: &Checkpoint, names: &[String]) -> bool {
    names.iter().any(|name| checkpoint.holds(name))
}
