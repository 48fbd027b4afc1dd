//! Today's form: a zip archive with `data.pkl` and each storage as a stored entry `data/KEY`.

use std::collections::HashMap;

use zip::{CompressionMethod, ZipArchive};

use super::state_dict::{Tensor, View};
use super::{CheckpointError, LONGEST_PICKLE, Source, TensorEntry};
use crate::checkpoint::pickle::{self, Pickle};

/// Where an entry's bytes lie in the archive.
struct Stored {
    start: u64,
    size: u64,
}

/// The tensors that `find` finds in the pickle of names.
pub(super) fn read(
    source: &Source,
    find: impl for<'a> FnOnce(&Pickle<'a>) -> Result<Vec<(String, Tensor<'a>)>, String>,
) -> Result<Vec<(String, TensorEntry)>, CheckpointError> {
    let stored = list(source)?;
    let damaged = |what: String| CheckpointError::damaged(source.name(), what);
    if let Some(order) = stored.get("byteorder") {
        let length = order.size.min(16) as usize;
        let order = source.copy(order.start, length)?;
        if order != b"little" {
            let order = String::from_utf8_lossy(&order);
            let order = order.trim();
            return Err(damaged(format!(
                "expected little-endian numbers, got byte order {order}; save it on another machine"
            )));
        }
    }
    let Some(names) = stored.get("data.pkl") else {
        return Err(damaged(
            "expected an entry data.pkl in the archive, got none: this is no PyTorch checkpoint; \
             get the file again"
                .into(),
        ));
    };
    if names.size > LONGEST_PICKLE {
        let size = names.size;
        return Err(damaged(format!(
            "expected a data.pkl of at most {LONGEST_PICKLE} bytes, got {size}; save the state \
             dict alone"
        )));
    }
    let bytes = source.copy(names.start, names.size as usize)?;
    let entries = pickle::parse(&bytes).and_then(|(pickle, _)| {
        let tensors = find(&pickle)?.into_iter();
        let entry = |(name, tensor): (String, _)| {
            let entry = match tensor {
                Tensor::View(view) => place(&name, view, &stored)?,
                Tensor::Other(what) => TensorEntry::unreadable(what),
            };
            Ok((name, entry))
        };
        tensors.map(entry).collect()
    });
    entries.map_err(|what| damaged(format!("data.pkl: {what}")))
}

/// Every file entry below the archive's one folder, by its name there.
fn list(source: &Source) -> Result<HashMap<String, Stored>, CheckpointError> {
    let damaged = |what: String| CheckpointError::damaged(source.name(), what);
    let broken = |e: zip::result::ZipError| {
        damaged(format!(
            "expected a whole zip archive of PyTorch, got one that is wrong or cut short ({e}); \
             get the file again"
        ))
    };
    let mut archive = ZipArchive::new(source.reader()?).map_err(broken)?;
    let mut stored = HashMap::new();
    for i in 0..archive.len() {
        let entry = archive.by_index_raw(i).map_err(broken)?;
        let name = entry.name().map_err(broken)?.into_owned();
        let inner = name
            .split_once('/')
            .map_or(name.as_str(), |(_, inner)| inner);
        if entry.compression() != CompressionMethod::Stored || entry.encrypted() {
            return Err(damaged(format!(
                "{name}: expected an entry stored as it is, got {:?}; save it with torch.save, or \
                 zip it again without compression",
                entry.compression()
            )));
        }
        let (Some(start), size) = (entry.data_start(), entry.size()) else {
            return Err(damaged(format!(
                "{name}: expected a place in the archive, got none"
            )));
        };
        let end = start.checked_add(size);
        if end.is_none_or(|end| end > source.len()) || size != entry.compressed_size() {
            return Err(damaged(format!(
                "{name}: expected {size} bytes from byte {start}, got a file of {}; get it again",
                source.len()
            )));
        }
        stored.insert(inner.to_string(), Stored { start, size });
    }
    Ok(stored)
}

/// Where in the file the tensor's first number is.
fn place(
    name: &str,
    view: View<'_>,
    stored: &HashMap<String, Stored>,
) -> Result<TensorEntry, String> {
    let key = format!("data/{}", view.storage.key);
    let entry = stored.get(&key).ok_or_else(|| {
        format!("expected the numbers of {name} in {key}, got no such entry; get the file again")
    })?;
    view.entry(name, entry.start, entry.size)
}
