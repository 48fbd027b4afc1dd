//! MXFP4: 4-bit floats (E2M1) in blocks of 32 with a power of two each (OCP Microscaling 1.0), as
//! gpt-oss stores its experts: blocks `[experts, rows, blocks, 16]`, scales `[experts, rows, blocks]`.

use std::sync::Arc;

use super::super::CheckpointError;
use super::super::number::Dtype;
use super::super::tensors::Tensors;
use super::{Parts, Scheme, Window};

/// Numbers that share a scale, and bytes that hold them.
const BLOCK: usize = 32;
const BYTES: usize = 16;

/// The values of the codes, the sign bit apart.
const VALUES: [f32; 8] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];

/// Matrices of all experts in two tensors.
#[derive(Clone, Debug)]
pub(in super::super) struct FusedBlocks {
    blocks: String,
    scales: String,
    pub(in super::super) experts: usize,
    /// Rows of each expert.
    pub(in super::super) rows: usize,
    cols: usize,
}

/// Rows of one expert: every `step`-th from `first` on, of all that are stored.
#[derive(Debug)]
struct Mxfp4 {
    of: FusedBlocks,
    rows: usize,
    first: usize,
    step: usize,
}

impl FusedBlocks {
    /// The two tensors whose names begin so, if they are there with shapes that fit.
    pub(in super::super) fn find(tensors: &Tensors, name: &str) -> Option<Self> {
        let (blocks, scales) = (format!("{name}_blocks"), format!("{name}_scales"));
        let bytes = |name: &str| {
            let (entry, _) = tensors.get(name)?;
            let is_bytes = matches!(&entry.dtype, Dtype::Other(name) if name == "U8");
            is_bytes.then(|| entry.shape.clone())
        };
        let (of_blocks, of_scales) = (bytes(&blocks)?, bytes(&scales)?);
        let &[experts, rows, count, BYTES] = &of_blocks[..] else {
            return None;
        };
        (of_scales == [experts, rows, count]).then_some(Self {
            blocks,
            scales,
            experts,
            rows,
            cols: count * BLOCK,
        })
    }

    /// The name of the blocks.
    pub(in super::super) fn name(&self) -> &str {
        &self.blocks
    }

    /// The rows of an expert, or the `part`-th of every `parts` of them.
    pub(in super::super) fn of_expert(
        &self,
        expert: usize,
        part: usize,
        parts: usize,
    ) -> Arc<dyn Scheme> {
        Arc::new(Mxfp4 {
            rows: self.rows / parts,
            first: expert * self.rows + part,
            step: parts,
            of: self.clone(),
        })
    }
}

impl Scheme for Mxfp4 {
    fn title(&self) -> String {
        "MXFP4".to_owned()
    }

    fn shape(&self) -> [usize; 2] {
        [self.rows, self.of.cols]
    }

    fn parts(&self) -> Vec<&str> {
        vec![&self.of.blocks, &self.of.scales]
    }

    fn dequantise(
        &self,
        parts: &dyn Parts,
        window: &Window,
        out: &mut [f32],
    ) -> Result<(), CheckpointError> {
        let (cols, per_row) = (&window.cols, self.of.cols / BLOCK);
        let blocks = cols.start / BLOCK..cols.end.div_ceil(BLOCK);
        let lines = out.chunks_exact_mut(cols.len().max(1));
        for (row, line) in window.rows.clone().zip(lines) {
            let stored = (self.first + row * self.step) * per_row;
            let (start, end) = (stored + blocks.start, stored + blocks.end);
            let codes = parts.raw_flat(&self.of.blocks, start * BYTES..end * BYTES)?;
            let scales = parts.raw_flat(&self.of.scales, start..end)?;
            for (col, x) in cols.clone().zip(line) {
                let at = col - blocks.start * BLOCK;
                // The first of two in the low bits.
                let code = codes[at / 2] >> (4 * (at % 2)) & 15;
                let size = VALUES[usize::from(code & 7)] * power(scales[at / BLOCK]);
                *x = if code & 8 == 0 { size } else { -size };
            }
        }
        Ok(())
    }
}

/// The power of two that a scale stands for, biased by 127; 255 is no number.
fn power(scale: u8) -> f32 {
    match scale {
        255 => f32::NAN,
        scale => (f32::from(scale) - 127.0).exp2(),
    }
}
