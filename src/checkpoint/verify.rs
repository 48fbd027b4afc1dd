//! Whether the weights are what `config.json` says: names, shapes and kinds of number of every
//! tensor that will be read.

use super::error::one_line;
use super::family::StoredMap;
use super::files::Files;
use super::number::Dtype;
use super::packed;
use super::tensors::Tensors;
use super::wrapped::landmarks;
use super::{AttentionInput, Checkpoint, CheckpointError, Family, Layout, NeuronMap};

/// What stands before the family's names, found by the embedding, or by the first layer.
pub(super) fn prefix(
    family: &Family,
    tensors: &Tensors,
    files: &Files,
) -> Result<&'static str, CheckpointError> {
    for name in landmarks(family) {
        let there = |prefix: &&&str| tensors.get(&format!("{prefix}{name}")).is_some();
        if let Some(prefix) = family.prefixes.iter().find(there) {
            return Ok(prefix);
        }
    }
    Err(no_embedding(family, tensors, files))
}

/// That there is no embedding under any of its names.
pub(super) fn no_embedding(family: &Family, tensors: &Tensors, files: &Files) -> CheckpointError {
    let full = |prefix: &&str| format!("{prefix}{}", family.embedding);
    let tried: Vec<String> = family.prefixes.iter().map(full).collect();
    let there: Vec<&str> = tensors.names().take(3).collect();
    CheckpointError::MissingTensor {
        place: files.name(),
        tensor: tried.join(" or "),
        why: format!(
            "in every {}, got {}, …",
            family.title,
            one_line(&there.join(", "))
        ),
        advice: files.described_by().advice().into(),
    }
}

/// Every tensor that will be read, with the shape and the kind of number it must have.
pub(super) fn shapes(checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
    let spec = checkpoint.spec();
    for stored in checkpoint.embeddings() {
        let shape = [stored.rows.end, stored.cols.end];
        check(checkpoint, &stored.tensor, &shape)?;
    }
    if let Some((positions, rows)) = checkpoint.positions() {
        let shape = [rows.end, checkpoint.added_width()];
        check(checkpoint, positions, &shape)?;
    }
    for layer in 0..spec.layers {
        if spec.heads_in(layer) > 0 {
            heads(checkpoint, layer)?;
        }
        neurons(checkpoint, layer)?;
    }
    Ok(())
}

/// The maps of a layer's heads.
fn heads(checkpoint: &Checkpoint, layer: usize) -> Result<(), CheckpointError> {
    let (spec, family) = (checkpoint.spec(), checkpoint.family());
    if let Some(sizes) = spec.latent {
        for (name, outputs, inputs) in sizes.maps(spec.heads, spec.d_model) {
            let map = StoredMap::of_expert(checkpoint.in_layer(layer, name));
            check_map(checkpoint, layer, &map, [inputs, outputs])?;
        }
        let out = checkpoint.linear(layer, &family.attention_out);
        return check(checkpoint, &out, &[spec.d_model, spec.heads * sizes.value]);
    }
    let sizes = spec.head_sizes(layer);
    let (all, keys) = (sizes.heads * sizes.d_head, sizes.n_kv_heads * sizes.d_head);
    let inputs = [
        (AttentionInput::Query, all),
        (AttentionInput::Key, keys),
        (AttentionInput::Value, keys),
    ];
    for (input, outputs) in inputs {
        let at = checkpoint.head_map(layer, input);
        let map = StoredMap::of(at.linear, checkpoint.in_layer(at.layer, at.linear.name));
        check_map(checkpoint, layer, &map, [spec.d_model, outputs])?;
    }
    let out = &family.attention_out;
    let map = StoredMap::of(out, checkpoint.in_layer(layer, out.name));
    check_map(checkpoint, layer, &map, [all, spec.d_model])
}

/// The maps of a layer's neurons, and of the router among its experts.
fn neurons(checkpoint: &Checkpoint, layer: usize) -> Result<(), CheckpointError> {
    let (spec, family) = (checkpoint.spec(), checkpoint.family());
    for (block, neurons) in spec.neuron_parts(layer).blocks() {
        let sizes = [
            (NeuronMap::Gate, [spec.d_model, neurons]),
            (NeuronMap::In, [spec.d_model, neurons]),
            (NeuronMap::Out, [neurons, spec.d_model]),
        ];
        for (which, sizes) in sizes {
            if let Some(map) = checkpoint.neuron_map(layer, block, which) {
                check_map(checkpoint, layer, &map, sizes)?;
            }
        }
    }
    if let (Some(names), Some(sizes)) = (&family.experts, spec.experts(layer)) {
        let router = format!("{}.weight", checkpoint.in_layer(layer, names.router));
        check(checkpoint, &router, &[sizes.experts, spec.d_model])?;
    }
    Ok(())
}

/// A map with so many inputs and outputs.
fn check_map(
    checkpoint: &Checkpoint,
    layer: usize,
    map: &StoredMap,
    [inputs, outputs]: [usize; 2],
) -> Result<(), CheckpointError> {
    let sizes = checkpoint.spec().head_sizes(layer);
    let outputs = sizes.outputs(map.split, outputs);
    let shape = match map.layout {
        Layout::OutIn => [outputs, inputs],
        Layout::InOut => [inputs, outputs],
    };
    check(checkpoint, &format!("{}.weight", map.name), &shape)
}

/// The first of a tensor's names that is there.
pub(super) fn first<'n>(
    checkpoint: &Checkpoint,
    names: &'n [String],
) -> Result<&'n str, CheckpointError> {
    let there = |name: &&String| checkpoint.tensors.get(name).is_some();
    let found = names.iter().find(there);
    found
        .map(String::as_str)
        .ok_or_else(|| CheckpointError::MissingTensor {
            place: checkpoint.files.name(),
            tensor: names.join(" or "),
            why: "for the forward pass".into(),
            advice: "take a checkpoint that holds the whole model".into(),
        })
}

/// Whether a tensor is there, with the shape and the kind of number it must have.
pub(super) fn check(
    checkpoint: &Checkpoint,
    tensor: &str,
    expected: &[usize],
) -> Result<(), CheckpointError> {
    matrix(&checkpoint.tensors, &checkpoint.files, tensor, expected)
}

/// The same, of tensors of which no checkpoint is made yet.
pub(super) fn matrix(
    tensors: &Tensors,
    files: &Files,
    tensor: &str,
    expected: &[usize],
) -> Result<(), CheckpointError> {
    let Some((entry, file)) = tensors.get(tensor) else {
        if let Some(packed) = packed::instead(tensors, tensor, &files.name()) {
            return Err(packed);
        }
        return Err(CheckpointError::MissingTensor {
            place: files.name(),
            tensor: tensor.to_string(),
            why: format!(
                "with shape {expected:?}, as {} has it",
                files.described_by()
            ),
            advice: files.described_by().advice().into(),
        });
    };
    if entry.shape != expected && entry.shape.contains(&0) {
        return Err(CheckpointError::Placeholder {
            tensor: tensor.to_string(),
            file: file.to_string(),
            expected: expected.to_vec(),
            got: entry.shape.clone(),
        });
    }
    // A file of blocks may hold types that cannot be read: what looks at such a tensor is refused.
    let of_blocks = matches!(entry.dtype, Dtype::Blocks(_));
    if !entry.dtype.is_readable() && !of_blocks {
        return Err(packed::unreadable(tensors, tensor, entry, file));
    }
    // Its scales are part of it.
    let quantised = matches!(entry.dtype, Dtype::Quantised(_) | Dtype::Merged(_));
    if entry.shape != expected {
        if !quantised && let Some(packed) = packed::instead(tensors, tensor, file) {
            return Err(packed);
        }
        return Err(CheckpointError::Shape {
            tensor: tensor.to_string(),
            file: file.to_string(),
            expected: expected.to_vec(),
            described_by: files.described_by(),
            got: entry.shape.clone(),
        });
    }
    if !quantised && let Some(scale) = scale_beside(tensors, tensor) {
        return Err(CheckpointError::Scaled {
            tensor: tensor.to_string(),
            file: file.to_string(),
            scale,
        });
    }
    Ok(())
}

/// The tensor by which a quantised weight is yet to be multiplied, if one lies beside it: then its
/// numbers are no weights, whatever kind of number they are stored as.
fn scale_beside(tensors: &Tensors, tensor: &str) -> Option<String> {
    const SCALES: [&str; 6] = [
        "weight_scale",
        "weight_scale_inv",
        "weight_global_scale",
        "weight_zero_point",
        "scales",
        "SCB",
    ];
    let module = tensor.strip_suffix("weight")?;
    let mut scales = SCALES.iter().map(|scale| format!("{module}{scale}"));
    scales.find(|scale| tensors.get(scale).is_some())
}
