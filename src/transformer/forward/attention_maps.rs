//! From a state to queries, keys and values: one map each, or by way of latent vectors (MLA).

use candle_core::{D, Tensor};

use crate::task::CancelToken;

use super::ForwardError;
use super::activation::Activation;
use super::linear::Linear;
use super::ops::Norm;

/// How queries, keys and values are made.
pub(super) enum AttentionMaps {
    Plain([Linear; 3]),
    Latent(Box<LatentMaps>),
}

/// The maps of latent attention. In every head the channels that rotate come first, then those that
/// do not; those that a head has not are 0.
pub(super) struct LatentMaps {
    /// State → the queries' latent vector, and its norm.
    pub(super) query_down: Option<(Linear, Norm)>,
    pub(super) query: Linear,
    /// State → latent vector of keys and values, and the keys' channels that rotate.
    pub(super) down: Linear,
    pub(super) norm: Norm,
    pub(super) rank: usize,
    /// The latent vector → keys.
    pub(super) key: Linear,
    /// The channels that rotate → their places in every head's keys.
    pub(super) rotating: Tensor,
    pub(super) value: Linear,
}

impl AttentionMaps {
    /// Queries, keys and values of rows, `[rows, heads × d_head]`.
    pub(super) fn of(
        &self,
        read: &Tensor,
        cancel: CancelToken<'_>,
    ) -> Result<Vec<Tensor>, ForwardError> {
        let maps = match self {
            Self::Latent(maps) => return maps.of(read, cancel),
            Self::Plain(maps) => maps,
        };
        let of = |map: &Linear| {
            cancel.check()?;
            Ok(map.of(read, Activation::Linear)?)
        };
        maps.iter().map(of).collect()
    }

    /// Bytes that they take.
    pub(super) fn bytes(&self) -> u64 {
        let maps: Vec<&Linear> = match self {
            Self::Plain(maps) => maps.iter().collect(),
            Self::Latent(maps) => {
                let query_down = maps.query_down.iter().map(|(map, _)| map);
                query_down
                    .chain([&maps.query, &maps.down, &maps.key, &maps.value])
                    .collect()
            }
        };
        maps.into_iter().map(|map| map.bytes() as u64).sum()
    }
}

impl LatentMaps {
    fn of(&self, read: &Tensor, cancel: CancelToken<'_>) -> Result<Vec<Tensor>, ForwardError> {
        let plain = Activation::Linear;
        let query = match &self.query_down {
            Some((map, norm)) => self.query.of(&norm.of(&map.of(read, plain)?)?, plain)?,
            None => self.query.of(read, plain)?,
        };
        cancel.check()?;
        let both = self.down.of(read, plain)?;
        let rest = both.dim(1)? - self.rank;
        let rotating = both.narrow(D::Minus1, self.rank, rest)?.contiguous()?;
        let latent = both.narrow(D::Minus1, 0, self.rank)?.contiguous()?;
        let latent = self.norm.of(&latent)?;
        let key = (self.key.of(&latent, plain)? + rotating.matmul(&self.rotating)?)?;
        cancel.check()?;
        Ok(vec![query, key, self.value.of(&latent, plain)?])
    }
}
