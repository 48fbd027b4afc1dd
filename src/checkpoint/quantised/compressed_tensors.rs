//! compressed-tensors: whole numbers of 8 bits as they are (`int-quantized`, `naive-quantized`), or of
//! 4 or 8 bits packed along the inputs (`pack-quantized`), with scales, and perhaps zeros, of the
//! tensor, the row or a group of inputs. Its floats of 8 bits are those of `fp8.rs`.

use std::sync::Arc;

use serde_json::Value;

use super::super::CheckpointError;
use super::codes::{Words, per_word, words_of};
use super::scales::BlockScales;
use super::{Module, Parts, Scheme, Window, whole};

/// How the numbers are stored.
#[derive(Debug)]
enum Codes {
    /// A signed byte each.
    Bytes,
    /// Packed, each with half of its range added.
    Packed { bits: usize },
}

#[derive(Debug)]
struct CompressedTensors {
    weight: String,
    codes: Codes,
    scales: BlockScales,
    /// Stored as the numbers are: packed ones along the outputs.
    zeros: Option<String>,
    /// Columns of scales and zeros.
    groups: usize,
    group: usize,
    shape: [usize; 2],
}

pub(super) fn find(module: &Module<'_>) -> Result<Option<Arc<dyn Scheme>>, CheckpointError> {
    if module.method() != "compressed-tensors" || module.holds("weight_g_idx") {
        return Ok(None);
    }
    let found = match module.holds("weight_packed") {
        true => packed(module)?,
        false => bytes(module),
    };
    Ok(found.map(|found| Arc::new(found) as Arc<dyn Scheme>))
}

fn bytes(module: &Module<'_>) -> Option<CompressedTensors> {
    let shape = module.matrix("weight", "I8")?;
    of(module, Codes::Bytes, shape)
}

fn packed(module: &Module<'_>) -> Result<Option<CompressedTensors>, CheckpointError> {
    let groups = module
        .config
        .get("config_groups")
        .and_then(Value::as_object);
    let mut weights = groups.into_iter().flat_map(|groups| groups.values());
    let bits = weights.find_map(|group| whole(group.get("weights")?, "num_bits"));
    let (Some(bits), Some([rows, words])) = (bits, module.matrix("weight_packed", "I32")) else {
        return Ok(None);
    };
    let Some(per_word) = per_word(bits) else {
        return Ok(None);
    };
    // The last word of a row may not be full.
    let mut inputs = words * per_word;
    if module
        .shape("weight_shape", "I64")
        .is_some_and(|shape| shape == [2])
    {
        let sizes = module
            .tensors
            .raw_flat(&module.full("weight_shape"), 0..2)?;
        let (sizes, _) = sizes.as_chunks();
        let sizes: Vec<i64> = sizes.iter().map(|&size| i64::from_le_bytes(size)).collect();
        let stated = usize::try_from(sizes.get(1).copied().unwrap_or_default());
        match stated {
            Ok(stated) if stated.div_ceil(per_word) == words => inputs = stated,
            _ => return Ok(None),
        }
    }
    Ok(of(module, Codes::Packed { bits }, [rows, inputs]))
}

fn of(module: &Module<'_>, codes: Codes, shape: [usize; 2]) -> Option<CompressedTensors> {
    let (entry, _) = module.tensors.get(&module.full("weight_scale"))?;
    let groups = match entry.shape[..] {
        [_, groups] => groups.max(1),
        _ => 1,
    };
    let group = shape[1].div_ceil(groups);
    let scales = BlockScales::find(
        module.tensors,
        module.full("weight_scale"),
        shape,
        [None, Some(group)],
    )?;
    let zeros = module.holds("weight_zero_point");
    let fits = match (&codes, zeros) {
        (_, false) => true,
        (Codes::Bytes, true) => {
            let zeros = module.shape("weight_zero_point", "I8");
            zeros.is_some_and(|zeros| zeros.iter().product::<usize>() == shape[0] * groups)
        }
        (Codes::Packed { bits }, true) => {
            let zeros = module.matrix("weight_zero_point", "I32");
            zeros == Some([shape[0].div_ceil(32 / bits), groups])
        }
    };
    Some(CompressedTensors {
        weight: match codes {
            Codes::Bytes => module.stored_weight(),
            Codes::Packed { .. } => module.full("weight_packed"),
        },
        codes,
        scales,
        zeros: zeros.then(|| module.full("weight_zero_point")),
        groups,
        group,
        shape,
    })
    .filter(|_| fits)
}

impl CompressedTensors {
    /// The zeros of a window's rows, `[rows, groups]`.
    fn zeros(&self, parts: &dyn Parts, window: &Window) -> Result<Vec<i32>, CheckpointError> {
        let (rows, groups) = (&window.rows, self.groups);
        let Some(name) = &self.zeros else {
            return Ok(vec![0; rows.len() * groups]);
        };
        match self.codes {
            Codes::Bytes => {
                let bytes = parts.raw_flat(name, rows.start * groups..rows.end * groups)?;
                Ok(bytes.iter().map(|&b| i32::from(b as i8)).collect())
            }
            Codes::Packed { bits } => {
                let per_word = 32 / bits;
                let words = words_of(rows, per_word);
                let words = Words::read(parts, name, words, 0..groups, bits)?;
                let all = rows
                    .clone()
                    .flat_map(|row| (0..groups).map(move |g| (row, g)));
                let zero = |(row, g)| words.code(row / per_word, g, row % per_word) as i32;
                Ok(all.map(|place| zero(place) - (1 << (bits - 1))).collect())
            }
        }
    }
}

impl Scheme for CompressedTensors {
    fn title(&self) -> String {
        match self.codes {
            Codes::Bytes => "compressed-tensors 8-bit".to_owned(),
            Codes::Packed { bits } => format!("compressed-tensors {bits}-bit"),
        }
    }

    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    fn parts(&self) -> Vec<&str> {
        let parts = [&*self.weight, &self.scales.name].into_iter();
        parts.chain(self.zeros.as_deref()).collect()
    }

    fn dequantise(
        &self,
        parts: &dyn Parts,
        window: &Window,
        out: &mut [f32],
    ) -> Result<(), CheckpointError> {
        let Window { rows, cols } = window;
        let codes: Vec<i32> = match self.codes {
            Codes::Bytes => {
                let bytes = parts.raw(&self.weight, rows.clone(), cols.clone())?;
                bytes.iter().map(|&b| i32::from(b as i8)).collect()
            }
            Codes::Packed { bits } => {
                let per_word = 32 / bits;
                let words = words_of(cols, per_word);
                let words = Words::read(parts, &self.weight, rows.clone(), words, bits)?;
                let all = rows
                    .clone()
                    .flat_map(|row| cols.clone().map(move |col| (row, col)));
                let code = |(row, col)| words.code(row, col / per_word, col % per_word) as i32;
                all.map(|place| code(place) - (1 << (bits - 1))).collect()
            }
        };
        let scales = self.scales.read(parts, window)?;
        let zeros = self.zeros(parts, window)?;
        let mut codes = codes.into_iter().zip(out);
        for (row, zeros) in rows.clone().zip(zeros.chunks(self.groups)) {
            for (col, (code, out)) in cols.clone().zip(codes.by_ref()) {
                let zero = zeros[col / self.group];
                *out = (code - zero) as f32 * scales.at(row, col);
            }
        }
        Ok(())
    }
}
