//! A small file beside the weights that is read when it is asked for, as often as it is.

use std::borrow::Cow;
use std::time::SystemTime;

use super::source::Source;
use super::{Checkpoint, CheckpointError};

/// Larger than any tokenizer's file.
const LARGEST_FILE: u64 = 256 << 20;

/// A small file, open: its bytes need not be kept to be read once more.
#[derive(Debug)]
pub struct OpenFile {
    source: Source,
    /// When it was opened.
    modified: Option<SystemTime>,
}

impl Checkpoint {
    /// A small file beside the weights, `tokenizer.json` for one; `None` if there is none.
    ///
    /// # Errors
    /// A file that is there and cannot be read, or is larger than any such file should be.
    pub fn file(&self, name: &str) -> Result<Option<Cow<'static, [u8]>>, CheckpointError> {
        self.open_file(name)?.map(|file| file.read()).transpose()
    }

    /// The same, not read as yet.
    ///
    /// # Errors
    /// A file that is there and cannot be opened.
    pub fn open_file(&self, name: &str) -> Result<Option<OpenFile>, CheckpointError> {
        // A tokenizer that was saved with an adapter has the tokens that were added for it.
        if let Some((_, beside)) = &self.adapter
            && beside.open("tokenizer.json")?.is_some()
            && let Some(source) = beside.open(name)?
        {
            return OpenFile::of(source).map(Some);
        }
        self.files.open(name)?.map(OpenFile::of).transpose()
    }
}

impl OpenFile {
    pub(super) fn of(source: Source) -> Result<Self, CheckpointError> {
        let modified = source.modified()?;
        Ok(Self { source, modified })
    }

    /// All its bytes.
    ///
    /// # Errors
    /// A file that cannot be read, is larger than any such file should be, or has changed since it was
    /// opened.
    pub fn read(&self) -> Result<Cow<'static, [u8]>, CheckpointError> {
        let bytes = self.source.whole(LARGEST_FILE)?;
        if self.source.modified()? != self.modified {
            let what = "it has changed since it was opened; open the model again";
            return Err(CheckpointError::damaged(self.source.name(), what));
        }
        Ok(bytes)
    }
}
