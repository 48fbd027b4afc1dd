//! Copies of the reference checkpoints, and ways to harm them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use lexiscope::checkpoint::{Checkpoint, CheckpointError, Location};
use serde_json::Value;
use tempfile::TempDir;

use crate::support;

/// A tensor as a safetensors file has it.
pub struct Stored {
    pub name: String,
    pub dtype: String,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

/// A copy of a reference checkpoint that may be harmed.
pub struct Copy {
    folder: TempDir,
}

impl Copy {
    pub fn of(reference: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        support::copy_files(&support::reference(reference), folder.path());
        Self { folder }
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.path(file)).unwrap()
    }

    pub fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(file), content).unwrap();
    }

    pub fn remove(&self, file: &str) {
        fs::remove_file(self.path(file)).unwrap();
    }

    pub fn cut(&self, file: &str, length: u64) {
        File::options()
            .write(true)
            .open(self.path(file))
            .unwrap()
            .set_len(length)
            .unwrap();
    }

    /// Puts other bytes in the place of the `nth` occurrence of `old`.
    pub fn patch(&self, file: &str, old: &[u8], nth: usize, new: &[u8]) {
        assert_eq!(old.len(), new.len());
        let mut bytes = self.read(file);
        let mut places = bytes
            .windows(old.len())
            .enumerate()
            .filter(|(_, w)| *w == old);
        let at = places.nth(nth).expect("the bytes to patch").0;
        bytes[at..at + new.len()].copy_from_slice(new);
        self.write(file, bytes);
    }

    /// Changes a JSON file.
    pub fn edit(&self, file: &str, change: impl FnOnce(&mut Value)) {
        let mut value = serde_json::from_slice(&self.read(file)).unwrap();
        change(&mut value);
        self.write(file, value.to_string());
    }

    /// Changes the header of `model.safetensors`, its length included.
    pub fn edit_header(&self, change: impl FnOnce(&mut Value)) {
        let bytes = self.read("model.safetensors");
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let mut header = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        change(&mut header);
        let header = header.to_string();
        let parts = [
            &(header.len() as u64).to_le_bytes(),
            header.as_bytes(),
            &bytes[8 + length..],
        ];
        self.write("model.safetensors", parts.concat());
    }

    /// Every tensor of `model.safetensors`, in the order of the file.
    pub fn tensors(&self) -> Vec<Stored> {
        let bytes = self.read("model.safetensors");
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        let data = &bytes[8 + length..];
        let tensors = header.as_object().unwrap().iter();
        let mut tensors: Vec<(usize, Stored)> = tensors
            .filter(|(name, _)| *name != "__metadata__")
            .map(|(name, about)| {
                let [start, end]: [usize; 2] =
                    serde_json::from_value(about["data_offsets"].clone()).unwrap();
                let stored = Stored {
                    name: name.clone(),
                    dtype: about["dtype"].as_str().unwrap().to_owned(),
                    shape: serde_json::from_value(about["shape"].clone()).unwrap(),
                    bytes: data[start..end].to_vec(),
                };
                (start, stored)
            })
            .collect();
        tensors.sort_by_key(|(start, _)| *start);
        tensors.into_iter().map(|(_, stored)| stored).collect()
    }

    /// Writes a `model.safetensors` of these tensors.
    pub fn write_tensors(&self, tensors: &[Stored]) {
        let mut header = serde_json::Map::new();
        let mut data = Vec::new();
        for stored in tensors {
            let end = data.len() + stored.bytes.len();
            let about = serde_json::json!({
                "dtype": stored.dtype, "shape": stored.shape, "data_offsets": [data.len(), end],
            });
            header.insert(stored.name.clone(), about);
            data.extend(&stored.bytes);
        }
        let header = Value::Object(header).to_string();
        let parts = [
            &(header.len() as u64).to_le_bytes(),
            header.as_bytes(),
            &data,
        ];
        self.write("model.safetensors", parts.concat());
    }

    pub fn open(&self) -> Result<Checkpoint, CheckpointError> {
        open(self.folder.path())
    }

    /// Opening it fails, in one line with all of `words`.
    pub fn is_refused(&self, words: &[&str]) {
        let opened = self.open().map(drop);
        expect_line(&opened.unwrap_err().to_string(), words);
    }
}

pub fn open(folder: &Path) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::open(&location(folder))
}

pub fn location(folder: &Path) -> Location {
    Location::Folder {
        name: "damaged".into(),
        path: folder.to_path_buf(),
    }
}

pub fn expect_line(message: &str, words: &[&str]) {
    assert!(!message.contains('\n'), "more than a line: {message}");
    assert!(message.len() < 700, "too long: {message}");
    for word in words {
        assert!(message.contains(word), "expected {word:?} in: {message}");
    }
}

#[test]
fn an_unharmed_copy_opens() {
    for reference in support::REFERENCES {
        Copy::of(reference).open().unwrap();
    }
}
