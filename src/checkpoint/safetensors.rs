//! safetensors: a JSON header with names, shapes and offsets, then the numbers.

use safetensors::tensor::Metadata;

use super::CheckpointError;
use super::number::Dtype;
use super::source::Source;
use super::tensor_entry::TensorEntry;
use super::tensors::MOST_TENSORS;

/// Bytes of a header at most: that of as many tensors as are read is shorter. The reference
/// implementation takes three times as many.
pub(super) const LONGEST_HEADER: u64 = 32 << 20;

/// Axes of a tensor at most, as in PyTorch.
const MOST_AXES: usize = 64;

/// Every tensor of a safetensors file.
///
/// # Errors
/// A header that does not parse, contradicts itself, or disagrees with the file's length.
pub(super) fn read(source: &Source) -> Result<Vec<(String, TensorEntry)>, CheckpointError> {
    let damaged = |what: String| CheckpointError::damaged(source.name(), what);
    if let Some(other) = source.impostor()? {
        return Err(damaged(format!(
            "expected safetensors, got {other}; get the file again"
        )));
    }
    if source.len() < 8 {
        let got = source.len();
        return Err(damaged(format!(
            "expected safetensors, got {got} bytes: the file is cut short; get it again"
        )));
    }
    let remote = source.as_remote();
    // Of a file on the hub, what is asked for ends where a tensor ends.
    let cut_at = |bytes: &mut dyn Iterator<Item = u64>| {
        if let Some(file) = remote {
            file.cut_at(bytes);
        }
    };
    cut_at(&mut [8].into_iter());
    let length = source.length_at(0)?;
    if length > LONGEST_HEADER || length > source.len() - 8 {
        return Err(damaged(format!(
            "expected a safetensors header inside {} bytes, got one of {length} bytes: this is \
             no safetensors file, or it is cut short; get it again",
            source.len()
        )));
    }
    cut_at(&mut [8 + length].into_iter());
    // The length is below the limit above, so it fits.
    let header = source.copy(8, length as usize)?;
    let metadata = parse(&header, source)?;
    let data = 8 + length;
    let expected = data.saturating_add(metadata.data_len() as u64);
    if expected != source.len() {
        return Err(CheckpointError::Length {
            file: source.name().to_string(),
            expected,
            got: source.len(),
        });
    }
    let tensors = metadata.tensors();
    if let Some((name, info)) = tensors
        .iter()
        .find(|(_, info)| info.shape.len() > MOST_AXES)
    {
        return Err(damaged(format!(
            "tensor {name}: expected at most {MOST_AXES} axes, got {}; get the file again",
            info.shape.len()
        )));
    }
    let begins = tensors.values();
    cut_at(&mut begins.map(|info| data + info.data_offsets.0 as u64));
    let entries = tensors.into_iter().map(|(name, info)| {
        let dtype = match info.dtype {
            safetensors::Dtype::F32 => Dtype::F32,
            safetensors::Dtype::F16 => Dtype::F16,
            safetensors::Dtype::BF16 => Dtype::Bf16,
            safetensors::Dtype::F64 => Dtype::F64,
            other => Dtype::Other(format!("{other:?}")),
        };
        // Below the length of the file, which was just compared.
        let offset = data + info.data_offsets.0 as u64;
        (
            name,
            TensorEntry::contiguous(dtype, info.shape.clone(), offset),
        )
    });
    Ok(entries.collect())
}

/// What a file that [`read`] reads says beside its tensors, by name.
///
/// # Errors
/// As [`read`].
pub(super) fn metadata(source: &Source) -> Result<Vec<(String, String)>, CheckpointError> {
    let length = source.length_at(0)?.min(LONGEST_HEADER);
    let header = source.copy(8, length as usize)?;
    let parsed = parse(&header, source)?;
    let said = parsed.metadata().iter().flatten();
    let mut said: Vec<_> = said.map(|(k, v)| (k.clone(), v.clone())).collect();
    said.sort();
    Ok(said)
}

/// The description of all tensors in a header.
fn parse(header: &[u8], source: &Source) -> Result<Metadata, CheckpointError> {
    let damaged = |what: String| CheckpointError::damaged(source.name(), what);
    // An object for each tensor, one for what is said of all, and one around them.
    let objects = header.iter().filter(|&&b| b == b'{').count();
    if objects > MOST_TENSORS + 2 {
        return Err(damaged(format!(
            "expected at most {MOST_TENSORS} tensors, got more: this is no language model"
        )));
    }
    serde_json::from_slice(header).map_err(|e| {
        damaged(format!(
            "expected a safetensors header, got one that is wrong: {e}; get it again"
        ))
    })
}
