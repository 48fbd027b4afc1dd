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
    /// f32), one of them in 8-bit integers with a few numbers a row, or before that the leading
    /// coordinates of both; where a device bounds the products the balanced factors in f32; and what
    /// does not grow with a large vocabulary, each thread's rows among it.
    pub(super) fn of_pairs(rows: usize, d_head: usize, on_host: bool) -> u64 {
        let factors = 2 * size_of::<f32>() * d_head;
        let bounds = d_head.max(112) + 128;
        let balanced = if on_host { 0 } else { factors };
        let of_threads = rayon::current_num_threads() * rows.min(1024) * (factors + 1024);
        // Shapes of the factors are taken from some rows at a time, widths from a sample of pairs.
        let of_shapes = rows.min(4096) * factors + 64 * d_head * d_head;
        let sampled = 32 * rows.min(320).pow(2);
        let grows = rows as u64 * (factors + bounds + balanced) as u64;
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
