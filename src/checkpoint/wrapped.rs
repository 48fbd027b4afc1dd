//! Names that a training program put something in front of: `module.` of data parallelism,
//! `_orig_mod.` of `torch.compile`, `base_model.model.` of merged adapters, `model.` of Lightning.

use super::tensors::Tensors;
use super::{CheckpointError, Family};

/// What stands in for a module wherever in the model it lies.
const INSIDE: [&str; 4] = [
    "_orig_mod.",
    "_forward_module.",
    "_fsdp_wrapped_module.",
    "_checkpoint_wrapped_module.",
];

/// The same tensors without such names, if the family's are found below them.
///
/// # Errors
/// Two tensors have one name without them.
pub(super) fn unwrapped(family: &Family, tensors: Tensors) -> Result<Tensors, CheckpointError> {
    let inside = |name: &str| INSIDE.iter().fold(name.to_owned(), |n, w| n.replace(w, ""));
    let wrapped = tensors
        .names()
        .any(|name| INSIDE.iter().any(|wrapper| name.contains(wrapper)));
    let tensors = match wrapped {
        true => tensors.renamed(inside)?,
        false => tensors,
    };
    let Some(before) = before(family, &tensors) else {
        return Ok(tensors);
    };
    tensors.renamed(|name| name.strip_prefix(&before).unwrap_or(name).to_owned())
}

/// What stands before the family's names, if not just one of its own prefixes. Where that could be
/// several things (a model and its copy), it is none.
fn before(family: &Family, tensors: &Tensors) -> Option<String> {
    let landmarks = landmarks(family);
    let full = landmarks.iter().flat_map(|name| {
        let prefixes = family.prefixes.iter();
        prefixes.map(move |prefix| format!("{prefix}{name}"))
    });
    let full: Vec<String> = full.collect();
    if full.iter().any(|name| tensors.get(name).is_some()) {
        return None;
    }
    full.iter().find_map(|own| {
        let before = |name: &'_ str| name.strip_suffix(own.as_str()).map(str::to_owned);
        let mut found = tensors.names().filter_map(before);
        let mut found = found.by_ref().filter(|before| before.ends_with('.'));
        found.next().filter(|_| found.next().is_none())
    })
}

/// Names below the prefix of which every checkpoint of a family holds one: the embedding, or where
/// only the head is stored, the first layer's output, or the norm before it if it has no neurons.
pub(super) fn landmarks(family: &Family) -> Vec<String> {
    let layer = family.layer.replace("{}", "0");
    let output = format!("{layer}{}.weight", family.ff_out.name);
    let of_expert = family.experts.as_ref().map(|names| {
        let expert = names.expert.replace("{}", "0");
        format!("{layer}{expert}{}.weight", names.ff_out)
    });
    let norms = family
        .forward
        .as_ref()
        .map(|forward| forward.attention_norm);
    let norm = norms
        .and_then(<[_]>::first)
        .map(|name| format!("{layer}{name}.weight"));
    let always = [family.embedding.to_owned(), output];
    always.into_iter().chain(of_expert).chain(norm).collect()
}
