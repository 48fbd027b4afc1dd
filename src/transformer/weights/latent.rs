//! The forms of heads of latent attention (MLA), as products of its factors.

use std::ops::Range;

use faer::MatRef;

use crate::checkpoint::latent::{self, LatentSizes};
use crate::checkpoint::{CheckpointError, Matrix};
use crate::transformer::Form;
use crate::transformer::norms::norm;

use super::{FormWeights, Weights};

impl Weights {
    /// The two factors of a head's form, `[d_model, d_head]`; channels beyond the form's own are 0.
    /// QK at one position is of the channels without positions, at a distance of those that rotate:
    /// the two are normed apart, so that their sum differs from token to token. Gains of the latent
    /// vectors' norms are in them.
    pub(super) fn latent_form(
        &self,
        sizes: LatentSizes,
        form: Form,
        (layer, head): (usize, usize),
        distance: usize,
    ) -> Result<FormWeights, CheckpointError> {
        let LatentSizes {
            nope, rope, value, ..
        } = sizes;
        let (left, right) = match (form, distance) {
            (Form::Vo, _) => {
                let first = head * (nope + value) + nope;
                let values = self.of_latent(sizes, layer, first..first + value)?;
                (values, self.latent_output(sizes, layer, head)?)
            }
            (Form::Qk, 0) => {
                let first = head * (nope + rope);
                let queries = self.queries(sizes, layer, first..first + nope)?;
                let first = head * (nope + value);
                (queries, self.of_latent(sizes, layer, first..first + nope)?)
            }
            (Form::Qk, distance) => {
                let first = head * (nope + rope) + nope;
                // A row of d_model queries of the channels that rotate.
                let queries = self.queries(sizes, layer, first..first + rope)?;
                let mut queries = queries.transposed();
                if let Some(turn) = self.source().position_scheme().rope(layer) {
                    let rows = queries.data_mut().chunks_exact_mut(rope.max(1));
                    rows.for_each(|row| turn.rotate(row, distance));
                }
                let keys = self.read_rows(layer, latent::DOWN, sizes.rank..sizes.rank + rope)?;
                (queries.transposed(), keys)
            }
        };
        let padded = |rows: Matrix| {
            let (own, cols) = (rows.rows(), rows.cols());
            let mut data = rows.into_data();
            data.resize(self.spec().d_head.max(own) * cols, 0.0);
            Matrix::new(self.spec().d_head.max(own), cols, data).transposed()
        };
        Ok(FormWeights {
            left: padded(left),
            right: padded(right),
        })
    }

    /// Some queries as they read the residual stream, `[n, d_model]`.
    fn queries(
        &self,
        sizes: LatentSizes,
        layer: usize,
        rows: Range<usize>,
    ) -> Result<Matrix, CheckpointError> {
        let Some(rank) = sizes.query_rank else {
            return self.read_rows(layer, latent::QUERY, rows);
        };
        let up = self.read_rows(layer, latent::QUERY_UP, rows)?;
        let down = self.read_rows(layer, latent::QUERY_DOWN, 0..rank)?;
        self.through(layer, latent::QUERY_NORM, up, &down)
    }

    /// Some keys or values as they read the residual stream, `[n, d_model]`.
    fn of_latent(
        &self,
        sizes: LatentSizes,
        layer: usize,
        rows: Range<usize>,
    ) -> Result<Matrix, CheckpointError> {
        let up = self.read_rows(layer, latent::UP, rows)?;
        let down = self.read_rows(layer, latent::DOWN, 0..sizes.rank)?;
        self.through(layer, latent::NORM, up, &down)
    }

    /// `up·diag(γ)·down` with the gain of a latent vector's norm.
    fn through(
        &self,
        layer: usize,
        name: &str,
        mut up: Matrix,
        down: &Matrix,
    ) -> Result<Matrix, CheckpointError> {
        let name = self.source().in_layer(layer, name);
        let gain = norm(self.source(), &name, up.cols())?.gain;
        let width = up.cols().max(1);
        for row in up.data_mut().chunks_exact_mut(width) {
            row.iter_mut().zip(&gain).for_each(|(x, gain)| *x *= gain);
        }
        let of = |m: &'_ Matrix| (m.rows(), m.cols());
        let [(rows, rank), (_, d_model)] = [of(&up), of(down)];
        let product = MatRef::from_row_major_slice(up.data(), rows, rank)
            * MatRef::from_row_major_slice(down.data(), rank, d_model);
        let data = (0..rows).flat_map(|i| (0..d_model).map(move |j| (i, j)));
        let data = data.map(|at| product[at]).collect();
        Ok(Matrix::new(rows, d_model, data))
    }

    /// What a head's values write, `[value, d_model]`.
    fn latent_output(
        &self,
        sizes: LatentSizes,
        layer: usize,
        head: usize,
    ) -> Result<Matrix, CheckpointError> {
        let out = &self.source().family().attention_out;
        let name = self.source().linear(layer, out);
        let own = head * sizes.value..(head + 1) * sizes.value;
        let rows = 0..self.spec().d_model;
        let block = self.source().version(self.version, &name, rows, own)?;
        Ok(block.transposed())
    }

    /// Rows of a map.
    fn read_rows(
        &self,
        layer: usize,
        name: &str,
        rows: Range<usize>,
    ) -> Result<Matrix, CheckpointError> {
        let name = format!("{}.weight", self.source().in_layer(layer, name));
        let inputs = match self.source().spec().latent {
            Some(sizes) => sizes.inputs_of(&name, self.spec().d_model),
            None => self.spec().d_model,
        };
        self.source().version(self.version, &name, rows, 0..inputs)
    }
}
