//! AWQ (Lin et al. 2023), as its GEMM kernel takes it: whole numbers of four bits, packed along the
//! outputs in an order of their own, with a scale and a zero for each group of inputs.

use std::sync::Arc;

use super::super::CheckpointError;
use super::codes::{Words, words_of};
use super::scales::BlockScales;
use super::{Module, Parts, Scheme, Window};

const BITS: usize = 4;
const PER_WORD: usize = 8;

/// Where the code of each of eight neighbours stands in its word: the word holds 0, 2, 4, 6, 1, 3, 5,
/// 7, the low bits first.
const PLACES: [usize; PER_WORD] = [0, 4, 1, 5, 2, 6, 3, 7];

#[derive(Debug)]
struct Awq {
    /// `[in, out / 8]`.
    qweight: String,
    /// `[groups, out / 8]`.
    qzeros: String,
    /// `[groups, out]`, for the matrix `[in, out]`.
    scales: BlockScales,
    /// Inputs that share a zero.
    group: usize,
    shape: [usize; 2],
}

pub(super) fn find(module: &Module<'_>) -> Result<Option<Arc<dyn Scheme>>, CheckpointError> {
    Ok(awq(module).map(|awq| Arc::new(awq) as Arc<dyn Scheme>))
}

fn awq(module: &Module<'_>) -> Option<Awq> {
    let [inputs, words] = module.matrix("qweight", "I32")?;
    let [groups, zero_words] = module.matrix("qzeros", "I32")?;
    let version = module.word("version").to_ascii_lowercase();
    let out = words * PER_WORD;
    let bits = module.whole("bits").or(module.whole("w_bit"));
    let known = module.method() == "awq"
        && matches!(version.as_str(), "" | "gemm")
        && bits == Some(BITS)
        && zero_words == words
        && groups > 0;
    let group = inputs.div_ceil(groups.max(1));
    let scales = BlockScales::find(
        module.tensors,
        module.full("scales"),
        [inputs, out],
        [Some(group), None],
    )?;
    known.then(|| Awq {
        qweight: module.full("qweight"),
        qzeros: module.full("qzeros"),
        scales,
        group,
        shape: [out, inputs],
    })
}

impl Scheme for Awq {
    fn title(&self) -> String {
        "AWQ 4-bit".to_owned()
    }

    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    fn parts(&self) -> Vec<&str> {
        vec![&self.qweight, &self.qzeros, &self.scales.name]
    }

    fn dequantise(
        &self,
        parts: &dyn Parts,
        window: &Window,
        out: &mut [f32],
    ) -> Result<(), CheckpointError> {
        let Window { rows, cols } = window;
        let words = words_of(rows, PER_WORD);
        let codes = Words::read(parts, &self.qweight, cols.clone(), words.clone(), BITS)?;
        let groups = cols.start / self.group..cols.end.div_ceil(self.group);
        let zeros = Words::read(parts, &self.qzeros, groups, words, BITS)?;
        // The matrix as it is stored: an input a row.
        let turned = Window {
            rows: cols.clone(),
            cols: rows.clone(),
        };
        let scales = self.scales.read(parts, &turned)?;
        let mut out = out.iter_mut();
        for row in rows.clone() {
            let (word, place) = (row / PER_WORD, PLACES[row % PER_WORD]);
            for (col, out) in cols.clone().zip(out.by_ref()) {
                let code = codes.code(col, word, place);
                let zero = zeros.code(col / self.group, word, place);
                *out = (code as f32 - zero as f32) * scales.at(col, row);
            }
        }
        Ok(())
    }
}
