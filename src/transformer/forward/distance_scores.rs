//! Disentangled attention (DeBERTa): scores of content with distances beside those of content with
//! content (He et al. 2020, arXiv 2006.03654, §3.1).

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use crate::checkpoint::DistanceAttention;

/// What a layer's heads see in distances.
pub(super) struct DistanceScores {
    pub sizes: DistanceAttention,
    /// Keys of the distances, `[2·span, n_heads × d_head]`, which queries of content score.
    pub keys: Option<Vec<f32>>,
    /// Queries of the distances, which score keys of content.
    pub queries: Option<Vec<f32>>,
}

/// The columns of one head.
#[derive(Clone, Copy)]
pub(super) struct HeadColumns {
    pub first: usize,
    pub d_head: usize,
    /// Of all heads.
    pub width: usize,
}

impl DistanceScores {
    /// The row of the distance from a query to a key.
    fn row(&self, query: usize, key: usize) -> usize {
        let apart = query as i64 - key as i64;
        let (span, apart) = (self.sizes.span as i64, self.bucket(apart));
        (apart + span).clamp(0, 2 * span - 1) as usize
    }

    /// Distances up to half of the buckets are themselves; those beyond share buckets that grow
    /// (`make_log_bucket_position` of transformers' modeling_deberta_v2.py, in single precision as
    /// there).
    fn bucket(&self, apart: i64) -> i64 {
        let Some(furthest) = self.sizes.furthest else {
            return apart;
        };
        let half = self.sizes.span as i64 / 2;
        if apart.abs() <= half {
            return apart;
        }
        let half_f = half as f32;
        let share = (apart.abs() as f32 / half_f).ln() / ((furthest as f32 - 1.0) / half_f).ln();
        let beyond = (share * (half_f - 1.0)).ceil() as i64 + half;
        beyond * apart.signum()
    }

    /// Adds a head's scores of distances to those of content, `[n, m]`: of the last n of m positions,
    /// by queries `[n, d_head]` and keys `[m, d_head]`.
    pub(super) fn add_to(
        &self,
        scores: &mut [f32],
        (q, k): (MatRef<'_, f32>, MatRef<'_, f32>),
        (head, scale): (HeadColumns, f32),
    ) {
        let (n, m) = (q.nrows(), k.nrows());
        let past = m - n;
        // Rows of the distances that occur: they rise with the distance.
        let rows = self.row(past, m - 1)..self.row(m - 1, 0) + 1;
        let products = |table: &Option<Vec<f32>>, of: MatRef<'_, f32>| {
            let table = table.as_ref()?;
            Some(products(of, own(table, rows.clone(), head), scale))
        };
        let (by_query, by_key) = (products(&self.keys, q), products(&self.queries, k));
        for (i, scores) in scores.chunks_exact_mut(m).enumerate() {
            for (j, score) in scores.iter_mut().enumerate() {
                let at = self.row(past + i, j) - rows.start;
                *score += by_query.as_ref().map_or(0.0, |p| p[i * rows.len() + at]);
                *score += by_key.as_ref().map_or(0.0, |p| p[j * rows.len() + at]);
            }
        }
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> u64 {
        let tables = self.keys.iter().chain(&self.queries);
        tables.map(|table| size_of_val(&table[..]) as u64).sum()
    }
}

/// A head's columns of some rows of a table.
fn own(table: &[f32], rows: Range<usize>, head: HeadColumns) -> MatRef<'_, f32> {
    let some = &table[rows.start * head.width..rows.end * head.width];
    let all = MatRef::from_row_major_slice(some, rows.len(), head.width);
    all.subcols(head.first, head.d_head)
}

fn products(of: MatRef<'_, f32>, table: MatRef<'_, f32>, scale: f32) -> Vec<f32> {
    let mut out = vec![0.0; of.nrows() * table.nrows()];
    let into = MatMut::from_row_major_slice_mut(&mut out, of.nrows(), table.nrows());
    matmul(into, Accum::Replace, of, table.transpose(), scale, Par::Seq);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By transformers' `make_log_bucket_position` with 16 buckets up to a distance of 104.
    #[test]
    fn distances_beyond_half_of_the_buckets_share_them() {
        let scores = DistanceScores {
            sizes: DistanceAttention {
                content_to_position: true,
                position_to_content: true,
                span: 16,
                furthest: Some(104),
                shared: true,
                normed: true,
            },
            keys: None,
            queries: None,
        };
        let expected = [
            (0, 0),
            (1, 1),
            (7, 7),
            (8, 8),
            (9, 9),
            (10, 9),
            (12, 10),
            (20, 11),
            (40, 13),
            (80, 15),
            (103, 15),
        ];
        for (apart, bucket) in expected {
            assert_eq!(scores.bucket(apart), bucket, "{apart}");
            assert_eq!(scores.bucket(-apart), -bucket, "{apart}");
        }
        assert_eq!((scores.row(0, 0), scores.row(200, 0)), (16, 31));
    }
}
