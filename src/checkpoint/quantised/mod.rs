//! Matrices that are stored quantised, as several tensors: codes, scales, offsets. Each is known under
//! the name that it would have as plain numbers, and windows of it are dequantised as its scheme's
//! definition says. Another scheme is another file here and a line in [`SCHEMES`].

mod awq;
mod bitsandbytes;
mod codes;
mod compressed_tensors;
mod fp8;
mod gptq;
mod mlx;
mod mxfp4;
mod scales;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::CheckpointError;
use super::number::Dtype;
use super::quantised_matrix::{KEPT, Parts, QuantisedMatrix, Scheme, Window};
use super::tensor_entry::TensorEntry;
use super::tensors::Tensors;

pub(super) use mxfp4::FusedBlocks;

/// A module's tensors, and what the configuration says of how they are quantised.
struct Module<'a> {
    tensors: &'a Tensors,
    /// What stands before `.weight`.
    name: &'a str,
    config: &'a Value,
}

/// Looks whether a module's weight is stored in a scheme; `None` if it is not, or in a variant that
/// is not read here.
type Find = fn(&Module<'_>) -> Result<Option<Arc<dyn Scheme>>, CheckpointError>;

const SCHEMES: [Find; 7] = [
    gptq::find,
    awq::find,
    bitsandbytes::four_bits,
    bitsandbytes::eight_bits,
    compressed_tensors::find,
    fp8::find,
    mlx::find,
];

/// The same tensors, and each quantised matrix under the name of its plain numbers. `config` is what
/// `config.json` says of the quantisation.
///
/// # Errors
/// A description of a quantised matrix that cannot be read.
pub(super) fn assembled(
    mut tensors: Tensors,
    config: Option<&Value>,
) -> Result<Tensors, CheckpointError> {
    const CODES: [&str; 3] = [".qweight", ".weight_packed", ".weight"];
    let module = |name: &'_ str| {
        let module = CODES.iter().find_map(|codes| name.strip_suffix(codes));
        module.map(str::to_owned)
    };
    let modules: BTreeSet<String> = tensors.names().filter_map(module).collect();
    let config = config.unwrap_or(&Value::Null);
    for name in modules {
        let module = Module {
            tensors: &tensors,
            name: &name,
            config,
        };
        let mut found = None;
        for find in SCHEMES {
            found = find(&module)?;
            if found.is_some() {
                break;
            }
        }
        if let Some(scheme) = found {
            let dtype = Dtype::Quantised(QuantisedMatrix::new(Arc::clone(&scheme)));
            let matrix = TensorEntry::contiguous(dtype, scheme.shape().to_vec(), 0);
            let codes = scheme
                .parts()
                .first()
                .copied()
                .unwrap_or_default()
                .to_owned();
            let weight = format!("{name}.weight");
            if codes.ends_with(KEPT) {
                tensors.rename(&weight, &codes);
            }
            tensors.insert_beside(&codes, weight, matrix);
        }
    }
    Ok(tensors)
}

impl Module<'_> {
    /// Full name of one of its tensors.
    fn full(&self, part: &str) -> String {
        format!("{}.{part}", self.name)
    }

    /// The name under which its weight's codes are kept, where they have the weight's own name.
    fn stored_weight(&self) -> String {
        format!("{}.weight{KEPT}", self.name)
    }

    /// The shape of one of its tensors, if it is there and stored as the type of that name.
    fn shape(&self, part: &str, stored_as: &str) -> Option<Vec<usize>> {
        let (entry, _) = self.tensors.get(&self.full(part))?;
        (entry.dtype.to_string() == stored_as).then(|| entry.shape.clone())
    }

    /// The same of a matrix.
    fn matrix(&self, part: &str, stored_as: &str) -> Option<[usize; 2]> {
        self.shape(part, stored_as)?.try_into().ok()
    }

    fn holds(&self, part: &str) -> bool {
        self.tensors.get(&self.full(part)).is_some()
    }

    /// `quant_method` of the configuration.
    fn method(&self) -> &str {
        self.word("quant_method")
    }

    fn word(&self, key: &str) -> &str {
        self.config
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn whole(&self, key: &str) -> Option<usize> {
        whole(self.config, key)
    }
}

fn whole(value: &Value, key: &str) -> Option<usize> {
    let number = value.get(key)?.as_u64()?;
    usize::try_from(number).ok().filter(|number| *number > 0)
}
