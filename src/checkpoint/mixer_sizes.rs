//! Sizes of what mixes tokens without heads, and its kernels.

use super::CheckpointError;
use super::tensors::Tensors;

/// Those of a model's layers without heads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MixerSizes {
    Delta(DeltaSizes),
    Convolution {
        /// Positions that a convolution looks at.
        kernel: usize,
    },
    Mamba(MambaSizes),
}

/// Sizes of linear attention by the gated delta rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeltaSizes {
    /// Queries and keys, each shared by as many values.
    pub key_heads: usize,
    pub value_heads: usize,
    pub d_key: usize,
    pub d_value: usize,
    /// Positions that the convolution before it looks at.
    pub kernel: usize,
}

/// Sizes of Mamba 2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MambaSizes {
    pub heads: usize,
    pub d_head: usize,
    /// Inputs and outputs of the state, each shared by as many heads.
    pub groups: usize,
    /// Numbers of a channel's state.
    pub state: usize,
    /// Positions that the convolution before it looks at.
    pub kernel: usize,
    /// The shortest and the longest step.
    pub steps: [f64; 2],
}

impl DeltaSizes {
    /// Heads of values that share a key.
    pub fn shared(&self) -> usize {
        self.value_heads / self.key_heads
    }

    /// Queries, or keys, of all heads.
    pub fn keys(&self) -> usize {
        self.key_heads * self.d_key
    }

    /// Values of all heads.
    pub fn values(&self) -> usize {
        self.value_heads * self.d_value
    }

    /// Queries, keys and values: what the convolution goes over.
    pub fn channels(&self) -> usize {
        2 * self.keys() + self.values()
    }
}

impl MambaSizes {
    /// Channels of all heads.
    pub fn inner(&self) -> usize {
        self.heads * self.d_head
    }

    /// Channels, inputs and outputs of the state: what the convolution goes over.
    pub fn channels(&self) -> usize {
        self.inner() + 2 * self.groups * self.state
    }
}

/// The same tensors, with kernels of convolutions, `[channels, 1, kernel]`, as matrices.
///
/// # Errors
/// Two tensors of one name.
pub(super) fn kernels_as_matrices(tensors: Tensors) -> Result<Tensors, CheckpointError> {
    tensors.mapped(|name, entry| {
        let mut entry = entry.clone();
        if entry.shape.len() == 3 && entry.shape[1] == 1 {
            entry.shape.remove(1);
            entry.strides.remove(1);
        }
        vec![(name.to_owned(), entry)]
    })
}
