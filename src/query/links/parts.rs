//! What neurons and heads read and write, as vectors of the residual stream, and the products
//! between them.

use std::ops::Range;

use super::ReadSide;
use crate::checkpoint::{CheckpointError, Matrix};
use crate::projection::product;
use crate::transformer::{Form, Input, SublayerAt, Weights};

/// One side by which a neuron or head reads.
pub(super) struct ReadRows {
    pub side: ReadSide,
    /// Directions before the norm: `[1, d_model]` of a neuron, `[d_head, d_model]` of a head.
    rows: Matrix,
    /// Of a head, the products among the rows of the form's other side, `[d_head, d_head]`.
    other: Option<Matrix>,
    /// Length of the key, or Frobenius norm of the head's form.
    length: f64,
}

/// What a neuron or head adds to the residual stream.
pub(super) struct WrittenRows {
    /// The value, `[1, d_model]`, or W_O of a head, `[d_head, d_model]`.
    rows: Matrix,
    /// Of a head, the products among the columns of W_V, `[d_head, d_head]`.
    read: Option<Matrix>,
}

/// What a link amounts to; see [`super::Link`].
#[derive(Clone, Copy)]
pub(super) struct Strength {
    pub strength: f64,
    pub share: f64,
}

impl Strength {
    fn of(strength: f64, lengths: f64) -> Self {
        // What is all zeros is linked to nothing.
        let share = if lengths > 0.0 {
            strength / lengths
        } else {
            0.0
        };
        Self { strength, share }
    }
}

/// The keys of some neurons by one input, `[n, d_model]`, before the norm.
pub(super) fn keys(
    weights: &Weights,
    layer: usize,
    neurons: Range<usize>,
    input: Input,
) -> Result<Matrix, CheckpointError> {
    let at = SublayerAt::feed_forward(layer);
    weights.before_norm(at, weights.keys(layer, neurons, input)?)
}

/// The values of some neurons as they are added, `[n, d_model]`.
pub(super) fn values(
    weights: &Weights,
    layer: usize,
    neurons: Range<usize>,
) -> Result<Matrix, CheckpointError> {
    let at = SublayerAt::feed_forward(layer);
    weights.after_own_norm(at, weights.values(layer, neurons)?)
}

/// The sides by which a head reads, and what it writes.
pub(super) fn head(
    weights: &Weights,
    layer: usize,
    head: usize,
) -> Result<(Vec<ReadRows>, WrittenRows), CheckpointError> {
    let at = SublayerAt::attention(layer);
    let read = |factor: Matrix| weights.before_norm(at, factor.transposed());
    let qk = weights.form(Form::Qk, layer, head, 0)?;
    let vo = weights.form(Form::Vo, layer, head, 0)?;
    let (query, key, value) = (read(qk.left)?, read(qk.right)?, read(vo.left)?);
    let out = weights.after_own_norm(at, vo.right.transposed())?;
    let [of_query, of_key, of_value, of_out] = [&query, &key, &value, &out].map(gram);
    let (scores, written) = (
        norm_of_form(&of_query, &of_key),
        norm_of_form(&of_value, &of_out),
    );
    let side = |side, rows, other, length| ReadRows {
        side,
        rows,
        other: Some(other),
        length,
    };
    let sides = vec![
        side(ReadSide::Query, query, of_key, scores),
        side(ReadSide::HeadKey, key, of_query, scores),
        side(ReadSide::HeadValue, value, of_out, written),
    ];
    let written = WrittenRows {
        rows: out,
        read: Some(of_value),
    };
    Ok((sides, written))
}

impl ReadRows {
    /// Of one key (`[1, d_model]`, before the norm).
    pub(super) fn of_key(side: ReadSide, key: Matrix) -> Self {
        Self {
            side,
            length: length(key.data()),
            rows: key,
            other: None,
        }
    }

    /// What each of `values` (`[n, d_model]`) gives it.
    pub(super) fn of_values(&self, values: &Matrix) -> Vec<Strength> {
        let products = product(values, &self.rows.clone().transposed());
        let own = length(self.rows.data());
        let of = |i: usize| {
            let strength = match self.other {
                None => f64::from(products.row(i)[0]),
                Some(_) => length(products.row(i)),
            };
            Strength::of(strength, own * length(values.row(i)))
        };
        (0..values.rows()).map(of).collect()
    }

    /// What a head gives it.
    pub(super) fn of_head(&self, head: &WrittenRows) -> Strength {
        let Some(read) = &head.read else {
            return Strength::of(0.0, 0.0);
        };
        let between = product(&head.rows, &self.rows.clone().transposed());
        let strength = norm_between(read, &between, self.other.as_ref());
        let written = norm_of_form(read, &gram(&head.rows));
        Strength::of(strength, written * self.length)
    }
}

impl WrittenRows {
    /// Of one value (`[1, d_model]`).
    pub(super) fn of_value(value: Matrix) -> Self {
        Self {
            rows: value,
            read: None,
        }
    }

    /// The same as it is found further on.
    pub(super) fn carried(
        &self,
        weights: &Weights,
        from: SublayerAt,
        to: SublayerAt,
    ) -> Result<Self, CheckpointError> {
        Ok(Self {
            rows: weights.carried(from, to, self.rows.clone())?,
            read: self.read.clone(),
        })
    }

    /// What it gives each of `keys` (`[n, d_model]`, before the norm).
    pub(super) fn to_keys(&self, keys: &Matrix) -> Vec<Strength> {
        let products = product(keys, &self.rows.clone().transposed());
        let written = match &self.read {
            None => length(self.rows.data()),
            Some(read) => norm_of_form(read, &gram(&self.rows)),
        };
        let of = |i: usize| {
            let along = products.row(i);
            let strength = match &self.read {
                None => f64::from(along[0]),
                Some(read) => {
                    let along = Matrix::new(along.len(), 1, along.to_vec());
                    norm_between(read, &along, None)
                }
            };
            Strength::of(strength, written * length(keys.row(i)))
        };
        (0..keys.rows()).map(of).collect()
    }

    /// What it gives one side of a head.
    pub(super) fn to_head(&self, side: &ReadRows) -> Strength {
        match &self.read {
            Some(_) => side.of_head(self),
            None => side.of_values(&self.rows).remove(0),
        }
    }
}

/// The products among rows, `[n, n]`.
fn gram(rows: &Matrix) -> Matrix {
    product(rows, &rows.clone().transposed())
}

/// Frobenius norm of Aᵀ·B by the products among the rows of each.
fn norm_of_form(a: &Matrix, b: &Matrix) -> f64 {
    sum_of_products(a, b).max(0.0).sqrt()
}

/// Frobenius norm of Aᵀ·M·B by the products among the rows of A and of B, `[n, n]` and `[m, m]`;
/// without B that of Aᵀ·M.
fn norm_between(a: &Matrix, between: &Matrix, b: Option<&Matrix>) -> f64 {
    let inner = product(&between.clone().transposed(), &product(a, between));
    let squares = match b {
        Some(b) => sum_of_products(&inner, b),
        None => (0..inner.rows()).map(|i| f64::from(inner.row(i)[i])).sum(),
    };
    squares.max(0.0).sqrt()
}

/// Σ aᵢⱼ·bᵢⱼ.
fn sum_of_products(a: &Matrix, b: &Matrix) -> f64 {
    let products = a.data().iter().zip(b.data());
    products.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn length(numbers: &[f32]) -> f64 {
    let squares = numbers.iter().map(|&x| f64::from(x) * f64::from(x));
    squares.sum::<f64>().sqrt()
}
