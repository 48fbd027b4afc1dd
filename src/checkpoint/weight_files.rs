//! The names of the files that hold weights, and which of them is taken.

use std::path::Path;

use super::source::Source;
use super::tensor_entry::TensorEntry;
use super::{CheckpointError, pytorch, safetensors};

/// Reads the tensors that a file lists.
pub(super) type Read = fn(&Source) -> Result<Vec<(String, TensorEntry)>, CheckpointError>;

/// A way in which weights are kept: the single file, and the index of several.
pub(super) struct Form {
    pub(super) file: &'static str,
    pub(super) index: &'static str,
    pub(super) read: Read,
}

/// In the order in which they are looked for.
pub(super) const FORMS: [Form; 2] = [
    Form {
        file: "model.safetensors",
        index: "model.safetensors.index.json",
        read: safetensors::read,
    },
    Form {
        file: "pytorch_model.bin",
        index: "pytorch_model.bin.index.json",
        read: pytorch::read,
    },
];

/// Whether a folder holds weights, or says where they lie.
pub(super) fn in_folder(folder: &Path) -> bool {
    choose(|file| folder.join(file).exists()).is_some()
}

/// The weights that a model's list of files offers, in the order in which they are looked for.
pub(super) struct WeightFiles {
    /// A single file, or the index of several.
    pub(super) file: &'static str,
    pub(super) is_index: bool,
    /// Whether a tensor can be read without the rest of its file.
    pub(super) by_tensor: bool,
}

/// The weights to take of those that are offered; `None` if none can be read.
pub(super) fn choose(offered: impl Fn(&str) -> bool) -> Option<WeightFiles> {
    FORMS.iter().enumerate().find_map(|(i, form)| {
        let files = [(form.file, false), (form.index, true)];
        let (file, is_index) = files.into_iter().find(|(file, _)| offered(file))?;
        Some(WeightFiles {
            file,
            is_index,
            by_tensor: i == 0,
        })
    })
}

/// What is looked for, for messages.
pub(super) fn looked_for() -> String {
    let looked_for: Vec<&str> = FORMS.iter().flat_map(|f| [f.file, f.index]).collect();
    looked_for.join(", ")
}
