//! What a reader may hold in memory beside the embedding.

use super::QueryError;

/// Bytes beside the embedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryBudget {
    /// What is kept to be shown again.
    pub kept: u64,
    /// What is never exceeded: a question that takes more is refused.
    pub most: Option<u64>,
}

impl From<u64> for MemoryBudget {
    /// So much is kept; what a question takes besides is not bounded.
    fn from(kept: u64) -> Self {
        Self { kept, most: None }
    }
}

impl MemoryBudget {
    /// Bytes that a search for pairs takes at most: the two factors over all rows (`[rows, d_head]` in
    /// f32) with their [bounds](Self::of_bounds); where a device bounds the products the balanced factors
    /// in f32; and each thread's rows.
    pub(super) fn of_pairs(rows: usize, d_head: usize, on_host: bool) -> u64 {
        let factors = 2 * size_of::<f32>() * d_head;
        let balanced = if on_host { 0 } else { factors };
        let of_threads = rayon::current_num_threads() * rows.min(1024) * factors;
        let grows = rows as u64 * (factors + balanced) as u64;
        grows + of_threads as u64 + Self::of_bounds(rows, d_head)
    }

    /// Bytes that a search for pairs takes at most where the factors are not multiplied out: their bounds,
    /// and of each thread some rows of the embedding.
    pub(super) fn of_products(rows: usize, d_head: usize, d_model: usize) -> u64 {
        let read = size_of::<f32>() * (d_model + 2 * d_head);
        let of_threads = (rayon::current_num_threads() + 2) * rows.min(512) * read;
        of_threads as u64 + Self::of_bounds(rows, d_head)
    }

    /// Bytes of what products are bounded by: rows in 8-bit integers, those of one side twice, sums of
    /// their squares, and numbers that lengths and leading coordinates take; and what does not grow with
    /// a large vocabulary.
    fn of_bounds(rows: usize, d_head: usize) -> u64 {
        let integers = d_head + 32;
        let sums = 2 * size_of::<[f32; 2]>() * d_head.div_ceil(16);
        let numbers = 400;
        let of_threads = rayon::current_num_threads() * rows.min(1024) * 1024;
        // Shapes of the factors and widths are taken from samples.
        let of_shapes = rows.min(4096) * 2 * size_of::<f32>() * d_head + 64 * d_head * d_head;
        let sampled = 32 * rows.min(320).pow(2);
        let grows = rows as u64 * (3 * integers + sums + numbers) as u64;
        grows + (of_threads + of_shapes + sampled) as u64
    }

    /// # Errors
    /// So many bytes are more than there may be.
    pub(super) fn check(&self, model: &str, needed: u64) -> Result<(), QueryError> {
        match self.most {
            Some(most) if needed > most => Err(QueryError::Memory {
                model: model.to_owned(),
                needed: needed.div_ceil(1 << 20),
                most: most >> 20,
            }),
            Some(_) | None => Ok(()),
        }
    }
}
