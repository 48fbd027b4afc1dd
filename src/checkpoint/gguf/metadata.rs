//! What a GGUF file says of its model: keys with typed values. Arrays stay in the file until they
//! are asked for, since a tokenizer's lists are longer than all the rest.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::super::CheckpointError;
use super::super::error::one_line;
use super::super::number::Dtype;
use super::super::source::Source;
use super::super::tensor_entry::TensorEntry;
use super::reader::HeaderReader;
use super::value::{ElementKind, MetadataValue, StoredValue};

/// The keys of a GGUF file and their values.
#[derive(Clone, Debug)]
pub struct GgufMetadata {
    source: Arc<Source>,
    values: BTreeMap<String, MetadataValue>,
}

impl GgufMetadata {
    pub(super) fn new(source: Arc<Source>, values: BTreeMap<String, MetadataValue>) -> Self {
        Self { source, values }
    }

    /// Name of the file, for messages.
    pub fn file(&self) -> &str {
        self.source.name()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&MetadataValue> {
        self.values.get(key)
    }

    /// All keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// A whole number of 0 or more; `None` if the key is absent or of another kind.
    pub fn whole(&self, key: &str) -> Option<u64> {
        whole(self.get(key)?)
    }

    /// A number; `None` if the key is absent or of another kind.
    pub fn real(&self, key: &str) -> Option<f64> {
        real(self.get(key)?)
    }

    /// A flag; `None` if the key is absent or of another kind.
    pub fn flag(&self, key: &str) -> Option<bool> {
        let Some(&MetadataValue::Flag(flag)) = self.get(key) else {
            return None;
        };
        Some(flag)
    }

    /// A text of up to 64 KiB; `None` if the key is absent or of another kind.
    pub fn text(&self, key: &str) -> Option<&str> {
        let Some(MetadataValue::Text(text)) = self.get(key) else {
            return None;
        };
        Some(text)
    }

    /// The bytes of a text of any length, or of an array of bytes; `None` if the key is absent or
    /// of another kind.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn bytes(&self, key: &str) -> Result<Option<Vec<u8>>, CheckpointError> {
        if let Some(text) = self.text(key) {
            return Ok(Some(text.as_bytes().to_vec()));
        }
        let stored = self.stored(key);
        let Some(stored) = stored.filter(|stored| stored.element.bytes() == Some(1)) else {
            return Ok(None);
        };
        let Range { start, end } = stored.bytes;
        // No longer than the header, which is bounded.
        self.source.copy(start, (end - start) as usize).map(Some)
    }

    /// An array of texts; `None` if the key is absent or of another kind.
    ///
    /// # Errors
    /// A text that is not UTF-8, or a file that cannot be read.
    pub fn texts(&self, key: &str) -> Result<Option<Vec<String>>, CheckpointError> {
        let stored = self.stored(key);
        let Some(stored) = stored.filter(|stored| stored.element == ElementKind::Text) else {
            return Ok(None);
        };
        let mut reader = HeaderReader::new(&self.source, stored.bytes.start);
        let mut texts = Vec::with_capacity(stored.len as usize);
        for index in 0..stored.len {
            let bytes = reader.text_bytes()?;
            let text = std::str::from_utf8(bytes).map_err(|_| {
                let what = format!(
                    "`{}`: expected UTF-8, got something else at index {index}; get the file again",
                    one_line(key)
                );
                CheckpointError::damaged(self.file(), what)
            })?;
            texts.push(text.to_owned());
        }
        Ok(Some(texts))
    }

    /// An array of numbers, flags counted as 0 and 1; `None` if the key is absent or of another
    /// kind.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn reals(&self, key: &str) -> Result<Option<Vec<f64>>, CheckpointError> {
        self.numbers(key, real)
    }

    /// An array of whole numbers of 0 or more, flags counted as 0 and 1; `None` if the key is
    /// absent or of another kind.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn wholes(&self, key: &str) -> Result<Option<Vec<u64>>, CheckpointError> {
        self.numbers(key, whole)
    }

    fn numbers<T>(
        &self,
        key: &str,
        number: fn(&MetadataValue) -> Option<T>,
    ) -> Result<Option<Vec<T>>, CheckpointError> {
        let stored = self.stored(key);
        let Some(stored) = stored.filter(|stored| stored.element.bytes().is_some()) else {
            return Ok(None);
        };
        let mut reader = HeaderReader::new(&self.source, stored.bytes.start);
        let numbers = (0..stored.len).map(|_| match reader.scalar(stored.element)? {
            MetadataValue::Flag(flag) => Ok(number(&MetadataValue::Unsigned(flag.into()))),
            other => Ok(number(&other)),
        });
        numbers.collect()
    }

    /// The numbers of an array of so many f32, each as a tensor of the file; none of anything else.
    pub(super) fn floats(&self, key: &str, count: usize) -> Vec<TensorEntry> {
        let stored = self
            .stored(key)
            .filter(|stored| stored.element == ElementKind::F32 && stored.len == count as u64);
        let each = stored
            .into_iter()
            .flat_map(|stored| stored.bytes.clone().step_by(4));
        each.map(|at| TensorEntry::contiguous(Dtype::F32, vec![1], at))
            .collect()
    }

    fn stored(&self, key: &str) -> Option<&StoredValue> {
        let Some(MetadataValue::Stored(stored)) = self.get(key) else {
            return None;
        };
        Some(stored)
    }
}

fn whole(value: &MetadataValue) -> Option<u64> {
    match value {
        MetadataValue::Unsigned(number) => Some(*number),
        MetadataValue::Signed(number) => u64::try_from(*number).ok(),
        MetadataValue::Real(_)
        | MetadataValue::Flag(_)
        | MetadataValue::Text(_)
        | MetadataValue::Stored(_) => None,
    }
}

fn real(value: &MetadataValue) -> Option<f64> {
    match value {
        MetadataValue::Unsigned(number) => Some(*number as f64),
        MetadataValue::Signed(number) => Some(*number as f64),
        MetadataValue::Real(number) => Some(*number),
        MetadataValue::Flag(_) | MetadataValue::Text(_) | MetadataValue::Stored(_) => None,
    }
}
