//! What a layer's neurons or heads did over texts: recorded while the texts run through it, kept in
//! memory within a budget and of the layer in hand on disk.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::run_texts::CountedTexts;
use super::{ContextTexts, ContextsQuery};
use crate::outside;
use crate::query::kind::Items;
use crate::transformer::{ForwardError, HookPoint, Hooked, TextBatch, with_numbers};

/// Bytes of all records on disk; the oldest go.
const ON_DISK: u64 = 512 << 20;
/// Bytes of one of them at most.
const LARGEST_FILE: u64 = 128 << 20;

/// Which numbers a record has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RecordKey {
    pub layer: usize,
    pub among: Items,
    pub texts: ContextTexts,
}

impl RecordKey {
    pub(super) fn of(query: &ContextsQuery) -> Self {
        Self {
            layer: query.layer,
            among: query.among,
            texts: query.texts.clone(),
        }
    }
}

/// Numbers of a layer's neurons at all positions that count, or of its heads for all pairs of
/// positions: those of one unit after those of another.
pub(super) struct LayerRecord {
    pub key: RecordKey,
    /// The neurons or heads: all, or some where all take too much.
    pub units: Range<usize>,
    /// Numbers of each.
    len: usize,
    numbers: Vec<f32>,
}

impl LayerRecord {
    /// Zeros.
    pub(super) fn new(key: RecordKey, units: Range<usize>, texts: &CountedTexts) -> Self {
        let len = Self::len_of(key.among, texts);
        Self {
            key,
            len,
            numbers: vec![0.0; units.len() * len],
            units,
        }
    }

    /// Numbers of one unit.
    pub(super) fn len_of(among: Items, texts: &CountedTexts) -> usize {
        match among {
            Items::Neurons => texts.count(),
            Items::Heads => texts.pair_count(),
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        size_of_val(&self.numbers[..]) as u64
    }

    /// The numbers of a unit; `None` if it is none of those recorded.
    pub(super) fn unit(&self, item: usize) -> Option<&[f32]> {
        let at = item.checked_sub(self.units.start)?;
        self.numbers.get(at * self.len..(at + 1) * self.len)
    }

    pub(super) fn point(&self) -> HookPoint {
        match self.key.among {
            Items::Neurons => HookPoint::MlpPost,
            Items::Heads => HookPoint::AttnPattern,
        }
    }

    /// Takes in what a hook shows; `first`: the number of the first text of the run.
    pub(super) fn take(
        &mut self,
        hooked: &Hooked<'_>,
        first: usize,
        texts: &CountedTexts,
    ) -> Result<(), ForwardError> {
        with_numbers(hooked.tensor, |x| match self.key.among {
            Items::Neurons => self.take_rows(x, hooked, first, texts),
            Items::Heads => self.take_pattern(x, first + hooked.texts.start, texts),
        })?;
        Ok(())
    }

    fn take_rows(&mut self, x: &[f32], hooked: &Hooked<'_>, first: usize, texts: &CountedTexts) {
        let rows = hooked.rows.last().map_or(0, |rows| rows.end);
        let width = x.len() / rows.max(1);
        for (text, rows) in hooked.texts.clone().zip(hooked.rows) {
            let text = first + text;
            let counted = &texts.texts[text].counted;
            for (position, at) in texts.positions(text).zip(counted) {
                let row = (rows.start + at) * width;
                let numbers = &x[row + self.units.start..row + self.units.end];
                for (unit, number) in numbers.iter().enumerate() {
                    self.numbers[unit * self.len + position] = *number;
                }
            }
        }
    }

    fn take_pattern(&mut self, x: &[f32], text: usize, texts: &CountedTexts) {
        let place = texts.pairs(text);
        for (at, head) in self.units.clone().enumerate() {
            let from = &x[head * place.len()..(head + 1) * place.len()];
            let start = at * self.len + place.start;
            self.numbers[start..start + place.len()].copy_from_slice(from);
        }
    }
}

/// Texts on their way through the layers.
pub(super) struct StoppedRun {
    pub texts: ContextTexts,
    /// The next layer.
    pub next: usize,
    pub batches: Vec<TextBatch>,
}

/// What is kept between queries.
#[derive(Default)]
pub(in crate::query) struct KeptContexts {
    pub(super) records: Vec<Arc<LayerRecord>>,
    pub(super) run: Option<StoppedRun>,
}

impl KeptContexts {
    /// A record that has a unit.
    pub(super) fn find(&self, key: &RecordKey, item: usize) -> Option<Arc<LayerRecord>> {
        let of = |record: &&Arc<LayerRecord>| record.key == *key && record.units.contains(&item);
        self.records.iter().find(of).cloned()
    }

    /// Keeps a record, and throws out those of other texts, then those of layers farthest from it,
    /// until all take at most `bytes`.
    pub(super) fn keep(&mut self, record: Arc<LayerRecord>, bytes: u64) {
        let RecordKey { layer, texts, .. } = record.key.clone();
        self.records.retain(|other| {
            other.key.texts == texts && (other.key != record.key || other.units != record.units)
        });
        self.records.push(record);
        let far = |other: &Arc<LayerRecord>| other.key.layer.abs_diff(layer);
        self.records.sort_by_key(far);
        let mut used = 0;
        self.records.retain(|record| {
            used += record.bytes();
            used <= bytes || far(record) == 0
        });
    }
}

/// A record that lies on disk, if it is there and whole.
pub(super) fn on_disk(
    file: &Path,
    key: &RecordKey,
    units: Range<usize>,
    texts: &CountedTexts,
) -> Option<LayerRecord> {
    if !file.exists() {
        return None;
    }
    let bytes = outside::read(file, LARGEST_FILE).ok()?;
    let (numbers, hash) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
    let len = LayerRecord::len_of(key.among, texts);
    if Sha256::digest(numbers)[..] != *hash || numbers.len() != units.len() * len * 4 {
        tracing::warn!(file = %file.display(), "kept activations are not what was kept");
        return None;
    }
    Some(LayerRecord {
        key: key.clone(),
        units,
        len,
        numbers: from_bytes(numbers),
    })
}

fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    let mut numbers = vec![0.0; bytes.len() / size_of::<f32>()];
    bytemuck::cast_slice_mut(&mut numbers).copy_from_slice(bytes);
    numbers
}

/// Puts a record on disk, in the place of the oldest. That it cannot be kept is no fault of the
/// answer's: the log says so.
pub(super) fn put_on_disk(file: &Path, record: &LayerRecord) {
    if record.bytes() + 32 > LARGEST_FILE {
        return;
    }
    let written = || -> std::io::Result<()> {
        let folder = file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        make_room(folder, record.bytes())?;
        let mut bytes = bytemuck::cast_slice::<f32, u8>(&record.numbers).to_vec();
        let hash = Sha256::digest(&bytes);
        bytes.extend_from_slice(&hash);
        let fresh = file.with_extension("tmp");
        fs::write(&fresh, bytes)?;
        fs::rename(&fresh, file)
    };
    if let Err(error) = written() {
        tracing::warn!(%error, file = %file.display(), "activations were not kept");
    }
}

fn make_room(folder: &Path, bytes: u64) -> std::io::Result<()> {
    let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        if about.is_file() {
            files.push((about.modified()?, about.len(), entry.path()));
        }
    }
    files.sort();
    let mut used = bytes + files.iter().map(|(_, size, _)| size).sum::<u64>();
    for (_, size, file) in files {
        if used <= ON_DISK {
            break;
        }
        fs::remove_file(file)?;
        used -= size;
    }
    Ok(())
}
