//! NumPy's arrays: `.npy` files, and `.npz` archives of them, stored or compressed.

use std::io::{self, Read, Seek, SeekFrom, Write};

use zip::{CompressionMethod, ZipArchive};

use crate::checkpoint::CheckpointError;
use crate::checkpoint::number::Dtype;
use crate::checkpoint::source::Source;
use crate::checkpoint::tensor_entry::TensorEntry;
use crate::checkpoint::tensors::{MOST_TENSORS, Tensors};

/// A header is a line of Python; that of an array of many fields is longer, and is not read.
const LONGEST_HEADER: usize = 1 << 16;

/// The array of an `.npy` file, from byte `start` of its source on.
///
/// # Errors
/// It is none, or it is cut short.
pub(super) fn npy(source: &Source, start: u64, len: u64) -> Result<TensorEntry, CheckpointError> {
    let damaged = |what: &str| {
        let what =
            format!("expected an array of NumPy (.npy), got {what}; save it with numpy.save");
        CheckpointError::damaged(source.name(), what)
    };
    let head = source.copy(start, len.min(12) as usize)?;
    let (length, from) = match head[..] {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b, ..] => {
            (usize::from(u16::from_le_bytes([a, b])), 10)
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _, a, b, c, d] => {
            (u32::from_le_bytes([a, b, c, d]) as usize, 12)
        }
        _ => return Err(damaged("a file without its signature")),
    };
    if length > LONGEST_HEADER || from + length as u64 > len {
        return Err(damaged("a header that is too long or cut short"));
    }
    let header = source.copy(start + from, length)?;
    let header = String::from_utf8_lossy(&header);
    let described = description(&header).ok_or_else(|| damaged("a header of another form"))?;
    let mut entry = TensorEntry::contiguous(
        described.dtype,
        described.shape,
        start + from + length as u64,
    );
    if described.columns_first {
        let mut step = 1usize;
        for (stride, &size) in entry.strides.iter_mut().zip(&entry.shape) {
            *stride = step;
            step = step.saturating_mul(size);
        }
    }
    if entry.end().is_none_or(|end| end > start + len) {
        return Err(damaged(&format!(
            "{:?} numbers of {} in only {len} bytes: it is cut short",
            entry.shape, entry.dtype
        )));
    }
    Ok(entry)
}

struct Description {
    dtype: Dtype,
    shape: Vec<usize>,
    columns_first: bool,
}

/// What a header says: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
fn description(header: &str) -> Option<Description> {
    let after = |key: &str| Some(header.split_once(&format!("'{key}':"))?.1.trim_start());
    let descr = after("descr")?;
    let dtype = match descr.strip_prefix('\'').and_then(|d| d.split_once('\'')) {
        Some(("<f4", _)) => Dtype::F32,
        Some(("<f2", _)) => Dtype::F16,
        Some(("<f8", _)) => Dtype::F64,
        Some((other, _)) => Dtype::Other(format!("NumPy's {other}")),
        None => Dtype::Made("records"),
    };
    let (shape, _) = after("shape")?.strip_prefix('(')?.split_once(')')?;
    let sizes = shape.split(',').map(str::trim).filter(|s| !s.is_empty());
    Some(Description {
        dtype,
        shape: sizes.map(|size| size.parse().ok()).collect::<Option<_>>()?,
        columns_first: after("fortran_order")?.starts_with("True"),
    })
}

/// The arrays of an `.npz` archive by their names. Those that are compressed are inflated into a file
/// of their own that goes when the program does: they are read by windows like any other.
///
/// # Errors
/// It is no archive, it is cut short, or there is no room to inflate.
pub(super) fn npz(source: Source) -> Result<Tensors, CheckpointError> {
    let name = source.name().to_owned();
    let broken = |e: &dyn std::fmt::Display| {
        let what = format!(
            "expected a whole archive of NumPy's arrays (.npz), got one that is wrong or cut short \
             ({e}); get the file again"
        );
        CheckpointError::damaged(&name, what)
    };
    let mut tensors = Tensors::default();
    let mut stored = Vec::new();
    let mut archive = ZipArchive::new(source.reader()?).map_err(|e| broken(&e))?;
    if archive.len() > MOST_TENSORS {
        return Err(broken(&"too many arrays"));
    }
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).map_err(|e| broken(&e))?;
        let of = entry.name().map_err(|e| broken(&e))?.into_owned();
        let array = of.strip_suffix(".npy").unwrap_or(&of).to_owned();
        if entry.compression() == CompressionMethod::Stored {
            let start = entry.data_start().ok_or_else(|| broken(&"no place"))?;
            stored.push((array, start, entry.size()));
            continue;
        }
        let size = entry.size();
        let inflated = inflated(&mut entry, size).map_err(|e| broken(&e))?;
        let own = Source::temporary(format!("{name}/{of}"), inflated)?;
        let entry = npy(&own, 0, own.len())?;
        tensors.add(own, vec![(array, entry)])?;
    }
    drop(archive);
    let entries = stored.into_iter().map(|(array, start, size)| {
        let end = start.checked_add(size);
        if end.is_none_or(|end| end > source.len()) {
            return Err(broken(&"an array beyond its end"));
        }
        Ok((array, npy(&source, start, size)?))
    });
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    tensors.add(source, entries)?;
    Ok(tensors)
}

/// The content of an entry, of `size` bytes, as a file without a name.
fn inflated(entry: &mut impl Read, size: u64) -> io::Result<std::fs::File> {
    let mut file = tempfile::tempfile()?;
    let written = io::copy(&mut entry.take(size.saturating_add(1)), &mut file)?;
    if written != size {
        return Err(io::Error::other("an array of another length"));
    }
    file.flush()?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}
