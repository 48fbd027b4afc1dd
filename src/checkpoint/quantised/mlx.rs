//! MLX: whole numbers of a few bits, packed along the inputs, and for each group of inputs a scale
//! that they are multiplied by and a bias that is added.

use std::sync::Arc;

use super::super::CheckpointError;
use super::codes::{Words, per_word, words_of};
use super::scales::BlockScales;
use super::{Module, Parts, Scheme, Window, whole};

#[derive(Debug)]
struct Mlx {
    /// `[out, in / per word]`.
    weight: String,
    /// `[out, groups]`.
    scales: BlockScales,
    biases: BlockScales,
    bits: usize,
    shape: [usize; 2],
}

pub(super) fn find(module: &Module<'_>) -> Result<Option<Arc<dyn Scheme>>, CheckpointError> {
    Ok(mlx(module).map(|mlx| Arc::new(mlx) as Arc<dyn Scheme>))
}

fn mlx(module: &Module<'_>) -> Option<Mlx> {
    let [out, words] = module.matrix("weight", "U32")?;
    // A module may have settings of its own.
    let own = module.config.get(module.name).unwrap_or(module.config);
    let group = whole(own, "group_size").or(module.whole("group_size"))?;
    let bits = whole(own, "bits").or(module.whole("bits"))?;
    let affine = matches!(module.word("mode"), "" | "affine");
    let shape = [out, words * per_word(bits)?];
    let find = |part: &str| {
        let block = [None, Some(group)];
        BlockScales::find(module.tensors, module.full(part), shape, block)
    };
    let (scales, biases) = (find("scales")?, find("biases")?);
    affine.then(|| Mlx {
        weight: module.stored_weight(),
        scales,
        biases,
        bits,
        shape,
    })
}

impl Scheme for Mlx {
    fn title(&self) -> String {
        format!("MLX {}-bit", self.bits)
    }

    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    fn parts(&self) -> Vec<&str> {
        vec![&self.weight, &self.scales.name, &self.biases.name]
    }

    fn dequantise(
        &self,
        parts: &dyn Parts,
        window: &Window,
        out: &mut [f32],
    ) -> Result<(), CheckpointError> {
        let Window { rows, cols } = window;
        let per_word = 32 / self.bits;
        let words = words_of(cols, per_word);
        let codes = Words::read(parts, &self.weight, rows.clone(), words, self.bits)?;
        let scales = self.scales.read(parts, window)?;
        let biases = self.biases.read(parts, window)?;
        let mut out = out.iter_mut();
        for row in rows.clone() {
            for (col, out) in cols.clone().zip(out.by_ref()) {
                let code = codes.code(row, col / per_word, col % per_word);
                *out = code as f32 * scales.at(row, col) + biases.at(row, col);
            }
        }
        Ok(())
    }
}
