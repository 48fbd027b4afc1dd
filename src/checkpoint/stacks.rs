//! The tensors of an encoder and a decoder in one row of layers.

use super::error::one_line;
use super::family::TwoStacks;
use super::files::Files;
use super::tensors::Tensors;
use super::{CheckpointError, Family};

/// The same tensors, those of both stacks under the names that they have in one row.
///
/// # Errors
/// No decoder, or two tensors would have one name.
pub(super) fn in_a_row(
    family: &Family,
    encoder_layers: usize,
    tensors: Tensors,
    files: &Files,
) -> Result<Tensors, CheckpointError> {
    let Some(stacks) = &family.two_stacks else {
        return Ok(tensors);
    };
    if !tensors.names().any(|name| name.contains(stacks.decoder)) {
        let there: Vec<&str> = tensors.names().take(3).collect();
        return Err(CheckpointError::MissingTensor {
            place: files.name(),
            tensor: format!("{}0", stacks.decoder),
            why: format!(
                "in every {}, got {}, … without a decoder",
                family.title,
                one_line(&there.join(", "))
            ),
            advice: "take a checkpoint that holds both halves".into(),
        });
    }
    tensors
        .renamed(|name| row_name(stacks, encoder_layers, name).unwrap_or_else(|| name.to_owned()))
}

/// The name of a layer's tensor in the row; `None` of what belongs to no layer.
fn row_name(stacks: &TwoStacks, encoder_layers: usize, name: &str) -> Option<String> {
    let (before, own) = match name.strip_prefix("model.") {
        Some(own) => ("model.", own),
        None => ("", name),
    };
    let placed = |stack: &str| {
        let (layer, rest) = own.strip_prefix(stack)?.split_once('.')?;
        Some((layer.parse::<usize>().ok()?, rest))
    };
    let named = |layer: usize, rest: &str, names: &[(&str, &str)]| {
        let found = names
            .iter()
            .find_map(|(from, to)| Some((rest.strip_prefix(from)?, to)));
        found.map(|(end, to)| format!("{before}layers.{layer}.{to}{end}"))
    };
    if let Some((layer, rest)) = placed(stacks.encoder) {
        return named(layer, rest, stacks.in_encoder);
    }
    let (layer, rest) = placed(stacks.decoder)?;
    let first = layer.checked_mul(2)?.checked_add(encoder_layers)?;
    named(first, rest, stacks.self_attention)
        .or_else(|| named(first.checked_add(1)?, rest, stacks.cross_attention))
}
