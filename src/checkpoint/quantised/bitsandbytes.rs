//! bitsandbytes: whole numbers of 8 bits with a scale a row (LLM.int8(), Dettmers et al. 2022), and
//! codes of 4 bits that stand for the numbers of a table, with a scale for each run of them (QLoRA,
//! Dettmers et al. 2023), which may be quantised again.

use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;

use super::super::CheckpointError;
use super::super::error::one_line;
use super::scales::BlockScales;
use super::{Module, Parts, Scheme, Window};

/// Longer than any description of how a matrix is quantised.
const LONGEST_STATE: usize = 1 << 16;

#[derive(Debug)]
struct EightBits {
    weight: String,
    /// The largest size in each row, which 127 stands for.
    scb: BlockScales,
    shape: [usize; 2],
}

pub(super) fn eight_bits(module: &Module<'_>) -> Result<Option<Arc<dyn Scheme>>, CheckpointError> {
    let Some(shape) = module.matrix("weight", "I8") else {
        return Ok(None);
    };
    let scb = BlockScales::find(module.tensors, module.full("SCB"), shape, [None, None]);
    Ok(scb.map(|scb| {
        let weight = module.stored_weight();
        Arc::new(EightBits { weight, scb, shape }) as Arc<dyn Scheme>
    }))
}

impl Scheme for EightBits {
    fn title(&self) -> String {
        "bitsandbytes 8-bit".to_owned()
    }

    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    fn parts(&self) -> Vec<&str> {
        vec![&self.weight, &self.scb.name]
    }

    fn dequantise(
        &self,
        parts: &dyn Parts,
        window: &Window,
        out: &mut [f32],
    ) -> Result<(), CheckpointError> {
        let codes = parts.raw(&self.weight, window.rows.clone(), window.cols.clone())?;
        let scb = self.scb.read(parts, window)?;
        let lines = out.chunks_mut(window.cols.len());
        let codes = codes.chunks(window.cols.len());
        for ((row, out), codes) in window.rows.clone().zip(lines).zip(codes) {
            let scale = scb.at(row, 0) / 127.0;
            for (out, &code) in out.iter_mut().zip(codes) {
                *out = f32::from(code as i8) * scale;
            }
        }
        Ok(())
    }
}

/// What the tensor `quant_state` says, in JSON.
#[derive(Debug, Deserialize)]
struct State {
    shape: [usize; 2],
    blocksize: usize,
    /// Of scales that are quantised again.
    nested_blocksize: Option<usize>,
    nested_offset: Option<f32>,
}

#[derive(Debug)]
struct FourBits {
    /// Two codes a byte, the first in the high bits.
    weight: String,
    kind: &'static str,
    state: State,
    absmax: String,
    quant_map: String,
    /// Scales of the scales, and the numbers that their codes stand for.
    nested: Option<[String; 2]>,
}

pub(super) fn four_bits(module: &Module<'_>) -> Result<Option<Arc<dyn Scheme>>, CheckpointError> {
    for kind in ["nf4", "fp4"] {
        let state = format!("weight.quant_state.bitsandbytes__{kind}");
        let Some(&[length]) = module.shape(&state, "U8").as_deref() else {
            continue;
        };
        let name = module.full(&state);
        let bytes = module
            .tensors
            .raw_flat(&name, 0..length.min(LONGEST_STATE))?;
        let state: State = serde_json::from_slice(&bytes).map_err(|error| {
            let file = module.tensors.get(&name).map_or("", |(_, file)| file);
            let error = one_line(&error.to_string());
            let what = format!("{name}: expected how a matrix is quantised, got {error}");
            CheckpointError::damaged(file, what)
        })?;
        return Ok(of_state(module, kind, state).map(|found| Arc::new(found) as Arc<dyn Scheme>));
    }
    Ok(None)
}

fn of_state(module: &Module<'_>, kind: &'static str, state: State) -> Option<FourBits> {
    let count = state.shape[0].checked_mul(state.shape[1])?;
    let len = |part: &str| {
        let (entry, _) = module.tensors.get(&module.full(part))?;
        Some(entry.shape.iter().product::<usize>())
    };
    let nested = match (state.nested_blocksize, state.nested_offset) {
        (Some(1..), Some(_)) => Some(["weight.nested_absmax", "weight.nested_quant_map"]),
        (None, None) => None,
        _ => return None,
    };
    let blocks = count.div_ceil(Some(state.blocksize).filter(|size| *size > 0)?);
    let nested_fits = match (nested, state.nested_blocksize) {
        (Some([absmax, map]), Some(size)) => {
            len(absmax) == Some(blocks.div_ceil(size)) && len(map) == Some(256)
        }
        _ => true,
    };
    let fits = len("weight") == Some(count.div_ceil(2))
        && module.shape("weight", "U8").is_some()
        && len("weight.absmax") == Some(blocks)
        && module
            .shape("weight.absmax", if nested.is_some() { "U8" } else { "F32" })
            .is_some()
        && len("weight.quant_map") == Some(16)
        && nested_fits;
    fits.then(|| FourBits {
        weight: module.stored_weight(),
        kind,
        state,
        absmax: module.full("weight.absmax"),
        quant_map: module.full("weight.quant_map"),
        nested: nested.map(|parts| parts.map(|part| module.full(part))),
    })
}

impl FourBits {
    /// The scales of a range of blocks.
    fn scales(&self, parts: &dyn Parts, blocks: Range<usize>) -> Result<Vec<f32>, CheckpointError> {
        let bytes = parts.raw_flat(&self.absmax, blocks.clone())?;
        let (Some([absmax, map]), Some(size), Some(offset)) = (
            &self.nested,
            self.state.nested_blocksize,
            self.state.nested_offset,
        ) else {
            let (numbers, _) = bytes.as_chunks();
            return Ok(numbers.iter().map(|&b| f32::from_le_bytes(b)).collect());
        };
        let first = blocks.start / size;
        let absmax = parts.floats_flat(absmax, first..blocks.end.div_ceil(size))?;
        let map = parts.floats_flat(map, 0..256)?;
        let scales = bytes.iter().zip(blocks);
        let scale = |(&code, block)| map[usize::from(code)] * absmax[block / size - first] + offset;
        Ok(scales.map(scale).collect())
    }
}

impl Scheme for FourBits {
    fn title(&self) -> String {
        format!("bitsandbytes {}", self.kind)
    }

    fn shape(&self) -> [usize; 2] {
        self.state.shape
    }

    fn parts(&self) -> Vec<&str> {
        let parts = [&self.weight, &self.absmax, &self.quant_map].into_iter();
        parts
            .chain(self.nested.iter().flatten())
            .map(String::as_str)
            .collect()
    }

    fn dequantise(
        &self,
        parts: &dyn Parts,
        window: &Window,
        out: &mut [f32],
    ) -> Result<(), CheckpointError> {
        let Window { rows, cols } = window;
        let (width, run) = (self.state.shape[1], self.state.blocksize);
        // Codes follow each other without regard to rows.
        let codes = rows.start * width + cols.start..(rows.end - 1) * width + cols.end;
        let bytes = codes.start / 2..codes.end.div_ceil(2);
        let packed = parts.raw_flat(&self.weight, bytes.clone())?;
        let blocks = codes.start / run..codes.end.div_ceil(run);
        let scales = self.scales(parts, blocks.clone())?;
        let map = parts.floats_flat(&self.quant_map, 0..16)?;
        let mut out = out.iter_mut();
        for row in rows.clone() {
            for (col, out) in cols.clone().zip(out.by_ref()) {
                let at = row * width + col;
                let byte = packed[at / 2 - bytes.start];
                let code = match at % 2 {
                    0 => byte >> 4,
                    _ => byte & 15,
                };
                *out = map[usize::from(code)] * scales[at / run - blocks.start];
            }
        }
        Ok(())
    }
}
