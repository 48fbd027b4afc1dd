//! Weights that are there, but in a form that cannot be read: quantised, sparse, with an adapter that
//! was not merged. Told by the tensors that lie beside, so that the message can name what it is.

use super::CheckpointError;
use super::number::Dtype;
use super::tensor_entry::TensorEntry;
use super::tensors::Tensors;

const QUANTISED: &str = "checkpoints that are quantised so cannot be read; take the one that it was made from, or dequantise it and save that";
const MERGE: &str = "merge the adapter into its base (`merge_and_unload`) and save that";
const REMOVE: &str =
    "remove the parametrisation (`remove`, `remove_parametrizations`) and save that";
const PLAIN: &str = "save it as plain tensors of F32, F16 or BF16";

/// What programs store beside, or in the place of, the tensor `BASE.weight`.
struct Scheme {
    /// After `BASE`; all of them are there.
    beside: &'static [&'static str],
    what: &'static str,
    advice: &'static str,
}

const fn quantised(beside: &'static [&'static str], what: &'static str) -> Scheme {
    Scheme {
        beside,
        what,
        advice: QUANTISED,
    }
}

/// The more special ones first.
const SCHEMES: [Scheme; 22] = [
    quantised(&[".qweight", ".g_idx"], "whole numbers packed by GPTQ"),
    quantised(
        &[".qweight", ".qzeros"],
        "whole numbers packed by AWQ or GPTQ",
    ),
    quantised(&[".qweight"], "packed whole numbers"),
    quantised(&[".weight.quant_map"], "4-bit numbers of bitsandbytes"),
    quantised(&[".weight.absmax"], "4-bit numbers of bitsandbytes"),
    quantised(&[".SCB"], "8-bit numbers of bitsandbytes"),
    quantised(&[".weight_packed"], "numbers packed by compressed-tensors"),
    quantised(&[".W_q"], "whole numbers packed by HQQ"),
    quantised(&[".codebooks", ".codes"], "codes of AQLM"),
    quantised(&[".Qidxs"], "codes of QuIP#"),
    quantised(&[".q_weight", ".q_scale"], "whole numbers packed by EXL2"),
    quantised(&[".trellis"], "codes of EXL3"),
    quantised(&["_blocks", "_scales"], "4-bit floats in blocks (MXFP4)"),
    quantised(&["._packed_params.dtype"], "torch's quantised numbers"),
    quantised(&[".weight_scale_inv"], "scaled 8-bit floats (FP8)"),
    quantised(&[".weight_scale"], "scaled 8-bit numbers"),
    quantised(&[".scales", ".biases"], "whole numbers packed by MLX"),
    quantised(&[".scales"], "numbers packed with scales"),
    Scheme {
        beside: &[".base_layer.weight"],
        what: "the base of a PEFT adapter that was not merged",
        advice: MERGE,
    },
    Scheme {
        beside: &[".weight_orig", ".weight_mask"],
        what: "weights with a mask of torch.nn.utils.prune",
        advice: REMOVE,
    },
    Scheme {
        beside: &[".weight_g", ".weight_v"],
        what: "weights with a norm of their own (weight_norm)",
        advice: REMOVE,
    },
    Scheme {
        beside: &[".parametrizations.weight.original0"],
        what: "parametrised weights",
        advice: REMOVE,
    },
];

/// What is stored where the numbers of `tensor` should be; `None` if nothing tells.
pub(super) fn instead(tensors: &Tensors, tensor: &str, file: &str) -> Option<CheckpointError> {
    let base = tensor.strip_suffix(".weight").unwrap_or(tensor);
    let there = |suffix: &&str| tensors.get(&format!("{base}{suffix}")).is_some();
    let scheme = SCHEMES
        .iter()
        .find(|scheme| scheme.beside.iter().all(there))?;
    Some(packed(tensor, file, scheme.what.to_owned(), scheme.advice))
}

/// Why a tensor's numbers cannot be read.
pub(super) fn unreadable(
    tensors: &Tensors,
    tensor: &str,
    entry: &TensorEntry,
    file: &str,
) -> CheckpointError {
    if let Some(packed) = instead(tensors, tensor, file) {
        return packed;
    }
    let got = entry.dtype.to_string();
    let short = got.to_ascii_lowercase();
    match &entry.dtype {
        Dtype::Made(what) => packed(tensor, file, (*what).to_owned(), PLAIN),
        _ if short.starts_with("f8") || short.starts_with("float8") => {
            packed(tensor, file, format!("8-bit floats ({got})"), QUANTISED)
        }
        _ => CheckpointError::Dtype {
            tensor: tensor.to_owned(),
            file: file.to_owned(),
            got,
        },
    }
}

fn packed(tensor: &str, file: &str, what: String, advice: &'static str) -> CheckpointError {
    CheckpointError::Packed {
        tensor: tensor.to_owned(),
        file: file.to_owned(),
        what,
        advice,
    }
}
