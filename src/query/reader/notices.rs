//! What the user should know of a checkpoint that was opened.

use crate::checkpoint::{Checkpoint, MergedAdapter, OutputEmbedding};
use crate::query::card::NO_HEAD;

/// What llama.cpp's converter leaves out of encoders.
const NO_PREDICTIONS: &str = "GGUF files of encoders have no masked-language-model head: lists and states are whole, predictions cannot be made";

/// An adapter that was merged into a model, in a sentence.
fn merged(adapter: &MergedAdapter) -> String {
    let MergedAdapter {
        kind,
        rank,
        matrices,
        copies,
        base,
    } = adapter;
    let changes = match copies {
        0 => format!("{matrices} matrices"),
        _ => format!("{matrices} matrices, and {copies} tensors as a whole"),
    };
    format!(
        "{base} with an adapter merged into it: {kind} up to rank {rank}, which changes {changes}"
    )
}

/// What the user should know of a checkpoint, a sentence each.
pub(super) fn told(checkpoint: &Checkpoint) -> Vec<String> {
    let spec = checkpoint.spec();
    let decided = match spec.output {
        OutputEmbedding::Differs => Some(spec.output.describe(spec.vocab)),
        OutputEmbedding::Missing => Some(NO_HEAD.to_owned()),
        OutputEmbedding::Tied | OutputEmbedding::Equal { .. } | OutputEmbedding::Apart => None,
    };
    let encoder = checkpoint.forward().is_some_and(|forward| !forward.causal);
    let no_predictions = encoder && checkpoint.gguf_metadata().is_some();
    let of_gguf = no_predictions.then(|| NO_PREDICTIONS.to_owned());
    let adapter = checkpoint.adapter().map(merged);
    let note = checkpoint.family().note.map(str::to_owned);
    let told = decided.into_iter().chain(of_gguf);
    told.chain(adapter).chain(note).collect()
}
