//! FP8: floats of 8 bits (E4M3, without infinities: Micikevicius et al. 2022, arXiv:2209.05433), times
//! a scale of the tensor, the row or a rectangle. `weight_scale_inv` is multiplied by, whatever its
//! name says.

use std::sync::Arc;

use serde_json::Value;

use super::super::CheckpointError;
use super::scales::BlockScales;
use super::{Module, Parts, Scheme, Window};

#[derive(Debug)]
struct Fp8 {
    weight: String,
    shape: [usize; 2],
    scales: BlockScales,
}

pub(super) fn find(module: &Module<'_>) -> Result<Option<Arc<dyn Scheme>>, CheckpointError> {
    let Some(shape) = module.matrix("weight", "F8_E4M3") else {
        return Ok(None);
    };
    let scale = ["weight_scale_inv", "weight_scale"]
        .into_iter()
        .find(|scale| module.holds(scale));
    let block = block(module.config);
    let scales =
        scale.and_then(|scale| BlockScales::find(module.tensors, module.full(scale), shape, block));
    Ok(scales.map(|scales| {
        let weight = module.stored_weight();
        Arc::new(Fp8 {
            weight,
            shape,
            scales,
        }) as Arc<dyn Scheme>
    }))
}

/// Rows and columns of a rectangle that shares a scale.
fn block(config: &Value) -> [Option<usize>; 2] {
    let sizes = config.get("weight_block_size").or_else(|| {
        let groups = config.get("config_groups")?.as_object()?;
        groups
            .values()
            .find_map(|group| group.get("weights")?.get("block_structure"))
    });
    let size = |axis: usize| Some(sizes?.get(axis)?.as_u64()? as usize).filter(|size| *size > 0);
    // What transformers takes where nothing is said.
    [0, 1].map(|axis| size(axis).or(Some(128)))
}

impl Scheme for Fp8 {
    fn title(&self) -> String {
        "FP8".to_owned()
    }

    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    fn parts(&self) -> Vec<&str> {
        vec![&self.weight, &self.scales.name]
    }

    fn dequantise(
        &self,
        parts: &dyn Parts,
        window: &Window,
        out: &mut [f32],
    ) -> Result<(), CheckpointError> {
        let codes = parts.raw(&self.weight, window.rows.clone(), window.cols.clone())?;
        let scales = self.scales.read(parts, window)?;
        let mut at = 0;
        for row in window.rows.clone() {
            for col in window.cols.clone() {
                out[at] = e4m3(codes[at]) * scales.at(row, col);
                at += 1;
            }
        }
        Ok(())
    }
}

/// A float of one sign bit, four of exponent (bias 7) and three of mantissa. All ones are no number;
/// there is no infinity.
fn e4m3(code: u8) -> f32 {
    let (exponent, mantissa) = ((code >> 3) & 15, f32::from(code & 7));
    let size = match (exponent, code & 7) {
        (15, 7) => f32::NAN,
        (0, _) => mantissa / 8.0 * (-6f32).exp2(),
        (exponent, _) => (1.0 + mantissa / 8.0) * (f32::from(exponent) - 7.0).exp2(),
    };
    match code >> 7 {
        0 => size,
        _ => -size,
    }
}
