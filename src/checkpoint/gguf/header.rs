//! The header of a GGUF file, versions 2 and 3 (ggml's docs/gguf.md): keys, tensors' descriptions,
//! and where the numbers begin. Every count and length is held against the file's size before
//! memory is taken for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::CheckpointError;
use super::super::ggml::GgmlType;
use super::super::number::Dtype;
use super::super::source::Source;
use super::super::tensor_entry::TensorEntry;
use super::super::tensors::MOST_TENSORS;
use super::metadata::GgufMetadata;
use super::reader::HeaderReader;
use super::value::MetadataValue;

/// What a GGUF file begins with.
pub(super) const MAGIC: &[u8; 4] = b"GGUF";

const MOST_KEYS: u64 = 1 << 16;
const MOST_AXES: u32 = 4;
const LARGEST_SIZE: u64 = 1 << 40;
const LARGEST_ALIGNMENT: u64 = 1 << 20;

/// All that stands before the numbers of a file.
pub(super) struct Header {
    pub(super) metadata: GgufMetadata,
    /// The tensors by GGUF's names, axes as PyTorch counts them: the last one is contiguous.
    pub(super) tensors: Vec<(String, TensorEntry)>,
}

/// Reads the header of a file.
///
/// # Errors
/// Another format, a version that is not read, big-endian numbers, or a header that contradicts
/// itself or the file's length.
pub(super) fn read(source: Arc<Source>) -> Result<Header, CheckpointError> {
    let mut reader = HeaderReader::new(&source, 0);
    version(&source, &mut reader)?;
    let tensors = reader.count("tensors", MOST_TENSORS as u64, 24)?;
    let keys = reader.count("keys", MOST_KEYS, 13)?;
    let mut values = BTreeMap::new();
    for _ in 0..keys {
        let key = reader.name("a key")?;
        let value = reader.value(&key)?;
        values.insert(key, value);
    }
    let mut described = BTreeMap::new();
    for _ in 0..tensors {
        let name = reader.name("a tensor's name")?;
        let entry = tensor(&mut reader, &name)?;
        if described.insert(name.clone(), entry).is_some() {
            return Err(reader.damaged(format!("expected one tensor {name}, got two")));
        }
    }
    let alignment = alignment(&reader, &values)?;
    let data = reader.position().next_multiple_of(alignment);
    for (name, entry) in &mut described {
        let beyond = || reader.damaged(format!("tensor {name}: expected its numbers in the file"));
        entry.offset = entry.offset.checked_add(data).ok_or_else(beyond)?;
    }
    Ok(Header {
        metadata: GgufMetadata::new(Arc::clone(&source), values),
        tensors: described.into_iter().collect(),
    })
}

/// Checks magic and version.
fn version(source: &Source, reader: &mut HeaderReader<'_>) -> Result<(), CheckpointError> {
    let not_read = |what: String| Err(CheckpointError::damaged(source.name(), what));
    if source.len() < 24 {
        return not_read(format!(
            "expected GGUF, got {} bytes: the file is cut short; get it again",
            source.len()
        ));
    }
    if &reader.array::<4>()? != MAGIC {
        return not_read("expected GGUF, got something else; get the file again".into());
    }
    match reader.u32()? {
        2 | 3 => Ok(()),
        1 => not_read(
            "expected GGUF of version 2 or 3, got version 1, which nothing has written since 2023; \
             take a newer file of the model"
                .into(),
        ),
        swapped if swapped & 0xffff == 0 => not_read(
            "expected little-endian GGUF, got big-endian numbers; take the little-endian file of \
             the model"
                .into(),
        ),
        other => not_read(format!(
            "expected GGUF of version 2 or 3, got version {other}; take another file of the model"
        )),
    }
}

/// A tensor's description, its offset counted from the first number of the file.
fn tensor(reader: &mut HeaderReader<'_>, name: &str) -> Result<TensorEntry, CheckpointError> {
    let axes = reader.u32()?;
    if axes > MOST_AXES {
        let what = format!("tensor {name}: expected at most {MOST_AXES} axes, got {axes}");
        return Err(reader.damaged(what));
    }
    let mut shape = Vec::new();
    for _ in 0..axes {
        let size = reader.u64()?;
        let fits = usize::try_from(size).ok().filter(|_| size < LARGEST_SIZE);
        let what = || format!("tensor {name}: expected sizes below 2^40, got {size}");
        shape.push(fits.ok_or_else(|| reader.damaged(what()))?);
    }
    let dtype = Dtype::of_ggml(GgmlType::of(reader.u32()?));
    let offset = reader.u64()?;
    let row = shape.first().copied().unwrap_or(1);
    if !row.is_multiple_of(dtype.block()) {
        let block = dtype.block();
        return Err(reader.damaged(format!(
            "tensor {name}: expected rows of a multiple of {block} numbers for {dtype}, got {row}"
        )));
    }
    shape.reverse();
    Ok(TensorEntry::contiguous(dtype, shape, offset))
}

/// What the numbers' first byte is a multiple of.
fn alignment(
    reader: &HeaderReader<'_>,
    values: &BTreeMap<String, MetadataValue>,
) -> Result<u64, CheckpointError> {
    match values.get("general.alignment") {
        None => Ok(32),
        Some(&MetadataValue::Unsigned(n)) if n.is_power_of_two() && n <= LARGEST_ALIGNMENT => Ok(n),
        Some(_) => Err(reader.damaged(format!(
            "`general.alignment`: expected a power of two up to {LARGEST_ALIGNMENT}, got another value"
        ))),
    }
}
