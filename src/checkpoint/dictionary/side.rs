//! What of a dictionary's tensors is what, once that is known.

use crate::checkpoint::CheckpointError;

use super::files::DictionaryFiles;
use super::hook::DictionaryHook;

/// Names of decoders, without a layer's number.
pub(super) const DECODERS: [&str; 4] = ["W_dec", "w_dec", "decoder.weight", "decoder"];

/// Where one side's directions lie.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SideLayout {
    pub(super) tensor: String,
    /// Whether directions are the tensor's columns.
    pub(super) transposed: bool,
    pub(super) hook: DictionaryHook,
    pub(super) layer: Option<usize>,
    /// How many there are.
    pub(super) count: usize,
}

/// What of the tensors is what.
#[derive(Debug, Default)]
pub(super) struct DictionaryLayout {
    pub(super) title: &'static str,
    pub(super) reads: Option<SideLayout>,
    pub(super) writes: Option<SideLayout>,
    pub(super) bias: Option<String>,
    pub(super) threshold: Option<String>,
}

/// The title of a matrix of no layout.
pub(super) const PLAIN: &str = "matrix";

pub(super) fn damaged(files: &DictionaryFiles, what: String) -> CheckpointError {
    CheckpointError::damaged(&files.name, what)
}
