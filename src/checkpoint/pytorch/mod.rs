//! `pytorch_model.bin`: a pickle that names tensors, and the storages that they are views of.
//! Numbers are never loaded here: each tensor becomes a place in the file.

mod archive;
mod legacy;
mod nested;
mod state_dict;
#[cfg(test)]
mod tests;

use super::CheckpointError;
use super::number::Dtype;
use super::source::Source;
use super::tensor_entry::TensorEntry;

/// The longest pickle of names that is read; real ones take some hundred kilobytes.
const LONGEST_PICKLE: u64 = 32 << 20;

/// Every tensor of a file that `torch.save` wrote, in today's form or that of before 1.6.
///
/// # Errors
/// A file of another kind, or one that contradicts itself.
pub(super) fn read(source: &Source) -> Result<Vec<(String, TensorEntry)>, CheckpointError> {
    if let Some(other) = source.impostor()? {
        let what = format!("expected a PyTorch checkpoint, got {other}; get the file again");
        return Err(CheckpointError::damaged(source.name(), what));
    }
    let length = source.len().min(4) as usize;
    let head = source.copy(0, length)?;
    match head[..] {
        [b'P', b'K', ..] => archive::read(source, |pickle| {
            let tensors = state_dict::tensors(pickle)?.into_iter();
            let owned = tensors.map(|(name, tensor)| (name.to_owned(), tensor));
            Ok(owned.collect())
        }),
        [0x80, ..] => legacy::read(source),
        _ => Err(CheckpointError::damaged(
            source.name(),
            format!(
                "expected a PyTorch checkpoint (a zip archive or a pickle), got a file that \
                 starts with {head:02x?}; get the file again"
            ),
        )),
    }
}

/// What a file of `torch.save` holds at whatever depth.
pub(super) struct Nested {
    /// By the keys on the way to them, joined by dots; one that is the whole file is `tensor`.
    pub(super) tensors: Vec<(String, TensorEntry)>,
    /// Whole numbers, truths and texts, likewise.
    pub(super) plain: Vec<(String, String)>,
}

/// As [`read`], of objects that are no state dicts: one tensor, or dictionaries of tensors. Of files
/// from before PyTorch 1.6 the state dict.
///
/// # Errors
/// As [`read`].
pub(super) fn nested(source: &Source) -> Result<Nested, CheckpointError> {
    let head = source.copy(0, source.len().min(2) as usize)?;
    let mut plain = Vec::new();
    let tensors = match head[..] {
        [b'P', b'K'] => archive::read(source, |pickle| {
            let found = nested::walk(pickle)?;
            plain = found.plain;
            Ok(found.tensors)
        })?,
        _ => read(source)?,
    };
    Ok(Nested { tensors, plain })
}

/// A storage as a pickle refers to it.
#[derive(Clone, Debug, PartialEq)]
struct Storage<'a> {
    key: &'a str,
    /// `FloatStorage` and the like.
    kind: &'a str,
    /// How many numbers the whole storage has.
    count: usize,
    /// Where, in numbers, this view of the storage starts; only in old files not 0.
    start: usize,
}

impl Storage<'_> {
    fn dtype(&self) -> Dtype {
        match self.kind {
            "FloatStorage" => Dtype::F32,
            "HalfStorage" => Dtype::F16,
            "BFloat16Storage" => Dtype::Bf16,
            "DoubleStorage" => Dtype::F64,
            other => Dtype::Other(other.trim_end_matches("Storage").to_string()),
        }
    }

    /// Bytes a number in the file, if the kind is known.
    fn item(&self) -> Option<u64> {
        Some(match self.kind {
            "DoubleStorage" | "LongStorage" | "ComplexFloatStorage" => 8,
            "FloatStorage" | "IntStorage" | "QInt32Storage" => 4,
            "HalfStorage" | "BFloat16Storage" | "ShortStorage" => 2,
            "ByteStorage" | "CharStorage" | "BoolStorage" | "UntypedStorage" => 1,
            "QInt8Storage" | "QUInt8Storage" => 1,
            "ComplexDoubleStorage" => 16,
            _ => return None,
        })
    }
}
