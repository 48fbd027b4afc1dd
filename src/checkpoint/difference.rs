//! The difference of two models of one shape, a tuned one and its base: a checkpoint whose linear maps
//! and their biases are the tuned ones less the base's, and whose embeddings and norms are the tuned
//! model's.

use std::collections::BTreeMap;
use std::ops::Range;

use super::merged_matrix::MergedMatrix;
use super::number::Dtype;
use super::verify;
use super::{Checkpoint, CheckpointError, Linear, Location, Matrix, ModelPair};

/// The base, and which of its tensors are taken from the tuned model's.
#[derive(Debug)]
pub(super) struct Difference {
    base: Box<Checkpoint>,
    /// Full names, the tuned model's → the base's.
    counterparts: BTreeMap<String, String>,
    /// Whether the tuned model is the base with an adapter merged into it.
    of_adapter: bool,
}

/// Which of two compared models is read. Of a model that is not compared all are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// The tuned model less its base.
    Difference,
    Tuned,
    Base,
}

/// A change as the product of two thin factors, `left·rightᵀ`.
#[derive(Clone, Debug, PartialEq)]
pub struct ThinFactors {
    /// `[rows, rank]`, with the scale in it.
    pub left: Matrix,
    /// `[cols, rank]`.
    pub right: Matrix,
}

impl Checkpoint {
    /// Opens both models, and holds their shapes against each other before anything else is read.
    pub(super) fn open_difference(compared: &ModelPair) -> Result<Self, CheckpointError> {
        let mut tuned = Self::open(&compared.tuned)?;
        let base = Box::new(Self::open(&compared.base)?);
        comparable(compared, &tuned, &base)?;
        let mut counterparts = BTreeMap::new();
        let linears = |checkpoint: &Self| {
            let family = checkpoint.family();
            let all: [Option<Linear>; 7] = [
                Some(family.ff_in),
                family.ff_gate,
                Some(family.ff_out),
                Some(family.query),
                Some(family.key),
                Some(family.value),
                Some(family.attention_out),
            ];
            all
        };
        for layer in 0..tuned.spec.layers {
            let both = linears(&tuned).into_iter().zip(linears(&base));
            for (own, other) in both.filter_map(|(own, other)| own.zip(other)) {
                for part in ["weight", "bias"] {
                    let own = format!("{}.{part}", tuned.in_layer(layer, own.name));
                    let other = format!("{}.{part}", base.in_layer(layer, other.name));
                    if base.holds(&other) {
                        counterparts.insert(own, other);
                    }
                }
            }
        }
        tuned.difference = Some(Difference {
            of_adapter: match &compared.tuned {
                Location::Adapted(adapted) => adapted.base == compared.base,
                Location::Bundled(_)
                | Location::Folder { .. }
                | Location::Remote(_)
                | Location::Difference(_) => false,
            },
            base,
            counterparts,
        });
        Ok(tuned)
    }

    /// The model whose weights are taken from this one's, if this is a difference.
    pub fn against(&self) -> Option<&Self> {
        self.difference.as_ref().map(|difference| &*difference.base)
    }

    /// The block `rows × cols` of a tensor, by the tuned model's name, in one of the versions.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn version(
        &self,
        version: Version,
        name: &str,
        rows: Range<usize>,
        cols: Range<usize>,
    ) -> Result<Matrix, CheckpointError> {
        let tuned = || self.tensors.block(name, rows.clone(), cols.clone());
        let Some(of_base) = self.counterpart(name) else {
            return tuned();
        };
        let base = || {
            of_base
                .checkpoint
                .block(of_base.name, rows.clone(), cols.clone())
        };
        match version {
            Version::Tuned => tuned(),
            Version::Base => base(),
            Version::Difference => {
                let mut difference = tuned()?;
                let base = base()?;
                let numbers = difference.data_mut().iter_mut().zip(base.data());
                numbers.for_each(|(x, y)| *x -= y);
                Ok(difference)
            }
        }
    }

    /// As [`Checkpoint::vector`], in one of the versions.
    ///
    /// # Errors
    /// As [`Checkpoint::vector`].
    pub fn version_vector(
        &self,
        version: Version,
        names: &[String],
        len: usize,
    ) -> Result<Vec<f32>, CheckpointError> {
        let name = verify::first(self, names)?;
        verify::check(self, name, &[len])?;
        let mut tuned = self.tensors.vector(name)?;
        if version == Version::Difference
            && let Some(of_base) = self.counterpart(name)
        {
            let base = of_base
                .checkpoint
                .vector(&[of_base.name.to_owned()], tuned.len())?;
            tuned.iter_mut().zip(base).for_each(|(x, y)| *x -= y);
        }
        Ok(tuned)
    }

    fn counterpart<'c>(&'c self, name: &str) -> Option<Counterpart<'c>> {
        let difference = self.difference.as_ref()?;
        let name = difference.counterparts.get(name)?;
        Some(Counterpart {
            checkpoint: &difference.base,
            name,
        })
    }

    /// The change of a matrix as an adapter's factors, if the tuned model is the base with an adapter
    /// of plain products merged into it; of rank 0 where it leaves the matrix as it is.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn change_factors(&self, name: &str) -> Result<Option<ThinFactors>, CheckpointError> {
        let of_adapter = self.difference.as_ref().is_some_and(|d| d.of_adapter);
        let Some((entry, _)) = self.tensors.get(name).filter(|_| of_adapter) else {
            return Ok(None);
        };
        let merged: &MergedMatrix = match &entry.dtype {
            Dtype::Merged(merged) => merged,
            _ => {
                let &[rows, cols] = &entry.shape[..] else {
                    return Ok(None);
                };
                return Ok(Some(ThinFactors {
                    left: Matrix::zeros(rows, 0),
                    right: Matrix::zeros(cols, 0),
                }));
            }
        };
        let factors = merged.factors(&self.tensors)?;
        Ok(factors.map(|(left, right)| ThinFactors {
            left,
            right: right.transposed(),
        }))
    }
}

/// A tensor of the base.
struct Counterpart<'c> {
    checkpoint: &'c Checkpoint,
    name: &'c str,
}

/// Whether two models have the same matrices.
///
/// # Errors
/// They do not: the first thing that differs.
fn comparable(
    compared: &ModelPair,
    tuned: &Checkpoint,
    base: &Checkpoint,
) -> Result<(), CheckpointError> {
    let differ = |what: &'static str, got: String, expected: String| {
        Err(CheckpointError::NotComparable {
            tuned: compared.tuned.to_string(),
            base: compared.base.to_string(),
            what,
            got,
            expected,
        })
    };
    let families = [tuned, base].map(|one| one.family().title);
    if families[0] != families[1] {
        let [got, expected] = families.map(str::to_owned);
        return differ("family", got, expected);
    }
    let (own, other) = (tuned.spec(), base.spec());
    let sizes = [
        ("width", own.d_model, other.d_model),
        ("layers", own.layers, other.layers),
        ("neurons in a layer", own.neurons, other.neurons),
        ("heads in a layer", own.heads, other.heads),
        ("heads of keys and values", own.n_kv_heads, other.n_kv_heads),
        ("width of a head", own.d_head, other.d_head),
    ];
    match sizes.into_iter().find(|(_, got, expected)| got != expected) {
        Some((what, got, expected)) => differ(what, got.to_string(), expected.to_string()),
        None => Ok(()),
    }
}
