//! Parts of remote files, kept on disk from one session to the next: a file a block, with the hash of
//! what came after it, the one that was used longest ago given up first.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::outside;

/// Bytes of the hash behind a block: SHA-256.
const HASH: u64 = 32;

/// A file that is half written is gone by then, unless its program was killed.
const LEFT_BEHIND: Duration = Duration::from_secs(60);

/// A block: the file's hash, where it begins there, and its length in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct BlockKey {
    pub(super) etag: String,
    pub(super) start: u64,
    pub(super) len: u64,
}

/// A bounded folder of blocks.
#[derive(Debug)]
pub struct Blocks {
    folder: PathBuf,
    limit: u64,
    index: Mutex<Index>,
}

#[derive(Debug, Default)]
struct Index {
    /// When each was used last: a number that grows.
    used: HashMap<BlockKey, u64>,
    by_use: BTreeMap<u64, BlockKey>,
    bytes: u64,
    now: u64,
}

impl BlockKey {
    fn path(&self, folder: &Path) -> PathBuf {
        folder
            .join(&self.etag)
            .join(format!("{:x}-{:x}", self.start, self.len))
    }
}

impl Index {
    fn touch(&mut self, key: &BlockKey) -> bool {
        let Some(used) = self.used.get_mut(key) else {
            return false;
        };
        self.now += 1;
        self.by_use.remove(&std::mem::replace(used, self.now));
        self.by_use.insert(self.now, key.clone());
        true
    }

    fn add(&mut self, key: &BlockKey) {
        if self.touch(key) {
            return;
        }
        self.now += 1;
        self.bytes += key.len;
        self.used.insert(key.clone(), self.now);
        self.by_use.insert(self.now, key.clone());
    }

    fn remove(&mut self, key: &BlockKey) {
        if let Some(used) = self.used.remove(key) {
            self.by_use.remove(&used);
            self.bytes -= key.len;
        }
    }
}

impl Blocks {
    /// The blocks that lie in `folder`, which need not exist, of which no more than `limit` bytes
    /// are kept.
    pub fn open(folder: PathBuf, limit: u64) -> Self {
        let mut found: Vec<(SystemTime, BlockKey)> = Vec::new();
        for of_file in entries(&folder) {
            let etag = of_file.file_name().to_string_lossy().into_owned();
            for block in entries(&of_file.path()) {
                let name = block.file_name().to_string_lossy().into_owned();
                let numbers = name.split_once('-').and_then(|(start, len)| {
                    let hex = |text| u64::from_str_radix(text, 16).ok();
                    Some((hex(start)?, hex(len)?))
                });
                let Ok(about) = block.metadata() else {
                    continue;
                };
                let used = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                match numbers {
                    Some((start, len)) if Some(about.len()) == len.checked_add(HASH) => {
                        let etag = etag.clone();
                        found.push((used, BlockKey { etag, start, len }));
                    }
                    _ if used.elapsed().is_ok_and(|age| age > LEFT_BEHIND) => {
                        // Without a hash, cut, or left by a program that was killed.
                        drop(fs::remove_file(block.path()));
                    }
                    _ => {}
                }
            }
        }
        found.sort_by_key(|(used, _)| *used);
        let mut index = Index::default();
        for (_, key) in &found {
            index.add(key);
        }
        Self {
            folder,
            limit,
            index: Mutex::new(index),
        }
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        // What a panic left is at worst a block that is fetched again.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a block is there.
    pub(super) fn has(&self, key: &BlockKey) -> bool {
        self.index().touch(key)
    }

    /// A block, if it is there and what it was when it came.
    pub(super) fn get(&self, key: &BlockKey) -> Option<Vec<u8>> {
        if !self.has(key) {
            return None;
        }
        let path = key.path(&self.folder);
        let read = outside::read(&path, key.len.saturating_add(HASH));
        if let Some(bytes) = read.ok().and_then(|bytes| whole(bytes, key)) {
            return Some(bytes);
        }
        // Another program has made room, a disk was lost, or has lost a bit.
        tracing::warn!(
            start = key.start,
            etag = key.etag,
            "a kept block is not what came"
        );
        self.index().remove(key);
        None
    }

    /// Keeps a block, and gives up what was used longest ago while there is too much. One that is
    /// larger than all there may be is not kept.
    ///
    /// # Errors
    /// The disk does not take it.
    pub(super) fn put(&self, key: &BlockKey, bytes: &[u8]) -> io::Result<()> {
        if key.len > self.limit {
            return Ok(());
        }
        let path = key.path(&self.folder);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.write_all(&Sha256::digest(bytes))?;
        file.persist(&path)?;
        let mut gone = Vec::new();
        let mut index = self.index();
        index.add(key);
        while index.bytes > self.limit {
            let Some((_, oldest)) = index.by_use.first_key_value() else {
                break;
            };
            let oldest = oldest.clone();
            index.remove(&oldest);
            gone.push(oldest);
        }
        drop(index);
        for key in gone {
            // It may be gone already.
            if let Err(error) = fs::remove_file(key.path(&self.folder)) {
                tracing::debug!(%error, "a block could not be removed");
            }
        }
        Ok(())
    }

    /// The folder, for messages.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// A block without the hash behind it, if that is its own.
fn whole(mut bytes: Vec<u8>, key: &BlockKey) -> Option<Vec<u8>> {
    let len = usize::try_from(key.len).ok()?;
    let (block, hash) = bytes.split_at_checked(len)?;
    if Sha256::digest(block)[..] != *hash {
        return None;
    }
    bytes.truncate(len);
    Some(bytes)
}

/// What is in a folder, nothing if it cannot be read.
fn entries(folder: &Path) -> Vec<fs::DirEntry> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(start: u64) -> BlockKey {
        BlockKey {
            etag: "abc".to_owned(),
            start,
            len: 10,
        }
    }

    #[test]
    fn keeps_what_was_used_last_within_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let blocks = Blocks::open(folder.path().join("blocks"), 25);
        for start in [0, 10] {
            blocks.put(&key(start), &[start as u8; 10]).unwrap();
        }
        assert_eq!(blocks.get(&key(0)), Some(vec![0; 10]));
        blocks.put(&key(20), &[20; 10]).unwrap();
        assert_eq!(blocks.get(&key(10)), None);
        assert_eq!(blocks.get(&key(0)), Some(vec![0; 10]));
        assert_eq!(blocks.get(&key(20)), Some(vec![20; 10]));
        let files = entries(&folder.path().join("blocks/abc")).len();
        assert_eq!(files, 2);
    }

    #[test]
    fn a_block_of_which_any_bit_was_lost_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = key(0).path(folder.path());
        for bit in 0..8 * (10 + HASH as usize) {
            let blocks = Blocks::open(folder.path().to_owned(), 100);
            blocks.put(&key(0), &[7; 10]).unwrap();
            let mut bytes = fs::read(&path).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, bytes).unwrap();
            assert_eq!(blocks.get(&key(0)), None, "bit {bit}");
            assert!(!blocks.has(&key(0)));
        }
    }

    #[test]
    fn what_a_killed_program_left_goes() {
        let folder = tempfile::tempdir().unwrap();
        let blocks = Blocks::open(folder.path().to_owned(), 100);
        blocks.put(&key(0), &[7; 10]).unwrap();
        let of_file = folder.path().join("abc");
        let long_ago = SystemTime::now() - 2 * LEFT_BEHIND;
        // Of an earlier version, half written, half written just now.
        for (name, time) in [
            ("a-a", long_ago),
            (".tmpAbCdEf", long_ago),
            (".tmpZ", SystemTime::now()),
        ] {
            fs::write(of_file.join(name), [7; 10]).unwrap();
            let file = fs::File::options()
                .write(true)
                .open(of_file.join(name))
                .unwrap();
            file.set_modified(time).unwrap();
        }
        let again = Blocks::open(folder.path().to_owned(), 100);
        assert_eq!(again.get(&key(0)), Some(vec![7; 10]));
        let mut left: Vec<_> = entries(&of_file)
            .iter()
            .map(fs::DirEntry::file_name)
            .collect();
        left.sort();
        assert_eq!(left, [".tmpZ", "0-a"]);
    }

    #[test]
    fn survives_the_session_and_a_block_that_was_cut_or_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Blocks::open(folder.path().to_owned(), 100);
        let blocks = open();
        for start in [0, 10, 20] {
            blocks.put(&key(start), &[7; 10]).unwrap();
        }
        fs::write(key(10).path(folder.path()), "cut").unwrap();
        fs::remove_file(key(20).path(folder.path())).unwrap();
        assert_eq!(blocks.get(&key(20)), None);
        let again = open();
        assert_eq!(again.get(&key(0)), Some(vec![7; 10]));
        assert_eq!(again.get(&key(10)), None);
        assert!(!again.has(&key(20)));
    }
}
