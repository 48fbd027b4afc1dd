//! GPTQ (Frantar et al. 2022): whole numbers of a few bits, packed along the inputs, with a scale and
//! a zero for each group of inputs. The first version of the format stores zeros less 1.

use std::ops::Range;
use std::sync::Arc;

use super::super::CheckpointError;
use super::codes::{Words, per_word, words_of};
use super::scales::BlockScales;
use super::{Module, Parts, Scheme, Window};

#[derive(Debug)]
struct Gptq {
    /// `[in / per word, out]`.
    qweight: String,
    /// `[groups, out / per word]`.
    qzeros: String,
    /// `[groups, out]`.
    scales: BlockScales,
    /// The group of each input, where they are not in order.
    g_idx: Option<String>,
    group: usize,
    groups: usize,
    bits: usize,
    /// What is stored of a zero is less by it.
    zero_offset: u32,
    shape: [usize; 2],
}

pub(super) fn find(module: &Module<'_>) -> Result<Option<Arc<dyn Scheme>>, CheckpointError> {
    Ok(gptq(module).map(|gptq| Arc::new(gptq) as Arc<dyn Scheme>))
}

fn gptq(module: &Module<'_>) -> Option<Gptq> {
    let bits = module.whole("bits")?;
    let per_word = per_word(bits)?;
    let [words, out] = module.matrix("qweight", "I32")?;
    let [groups, zero_words] = module.matrix("qzeros", "I32")?;
    let inputs = words * per_word;
    let zero_offset = match (module.method(), module.word("checkpoint_format")) {
        ("gptq", "" | "gptq") => 1,
        ("gptq", "gptq_v2") => 0,
        _ => return None,
    };
    let shape = module.shape("g_idx", "I32");
    let g_idx = shape.is_some().then(|| module.full("g_idx"));
    let fits = zero_words == out.div_ceil(per_word) && shape.is_none_or(|shape| shape == [inputs]);
    Some(Gptq {
        qweight: module.full("qweight"),
        qzeros: module.full("qzeros"),
        scales: BlockScales::find(
            module.tensors,
            module.full("scales"),
            [groups, out],
            [None, None],
        )?,
        g_idx,
        group: inputs.div_ceil(groups),
        groups,
        bits,
        zero_offset,
        shape: [out, inputs],
    })
    .filter(|_| fits)
}

impl Gptq {
    /// The groups of a range of inputs.
    fn groups_of(
        &self,
        parts: &dyn Parts,
        inputs: Range<usize>,
    ) -> Result<Vec<usize>, CheckpointError> {
        let Some(g_idx) = &self.g_idx else {
            return Ok(inputs.map(|input| input / self.group).collect());
        };
        let bytes = parts.raw_flat(g_idx, inputs)?;
        let (numbers, _) = bytes.as_chunks();
        let groups = numbers.iter().map(|&bytes| i32::from_le_bytes(bytes));
        let groups = groups.map(|group| usize::try_from(group).ok().filter(|g| *g < self.groups));
        groups.collect::<Option<Vec<_>>>().ok_or_else(|| {
            let what = format!(
                "{g_idx}: expected groups below {}, got others; get the file again",
                self.groups
            );
            CheckpointError::damaged(parts.file(g_idx), what)
        })
    }
}

impl Scheme for Gptq {
    fn title(&self) -> String {
        format!("GPTQ {}-bit", self.bits)
    }

    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    fn parts(&self) -> Vec<&str> {
        let parts = [&*self.qweight, &self.qzeros, &self.scales.name];
        parts.into_iter().chain(self.g_idx.as_deref()).collect()
    }

    fn dequantise(
        &self,
        parts: &dyn Parts,
        window: &Window,
        out: &mut [f32],
    ) -> Result<(), CheckpointError> {
        let Window { rows, cols } = window;
        let (bits, per_word) = (self.bits, 32 / self.bits);
        let codes = words_of(cols, per_word);
        let codes = Words::read(parts, &self.qweight, codes, rows.clone(), bits)?;
        let zeros = words_of(rows, per_word);
        let zeros = Words::read(parts, &self.qzeros, 0..self.groups, zeros, bits)?;
        let of_groups = Window {
            rows: 0..self.groups,
            cols: rows.clone(),
        };
        let scales = self.scales.read(parts, &of_groups)?;
        let groups = self.groups_of(parts, cols.clone())?;
        let highest = (1 << bits) - 1;
        let mut out = out.iter_mut();
        for row in rows.clone() {
            for ((col, group), out) in cols.clone().zip(&groups).zip(out.by_ref()) {
                let code = codes.code(col / per_word, row, col % per_word);
                let zero = zeros.code(*group, row / per_word, row % per_word);
                let zero = (zero + self.zero_offset) & highest;
                *out = (code as f32 - zero as f32) * scales.at(*group, row);
            }
        }
        Ok(())
    }
}
