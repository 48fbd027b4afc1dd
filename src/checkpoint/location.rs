//! Where a checkpoint is: in the program, or in a folder.

use std::fmt;
use std::path::PathBuf;

/// A checkpoint whose files are part of the program.
#[derive(Debug, PartialEq, Eq)]
pub struct Bundle {
    pub name: &'static str,
    /// File name → content.
    pub files: &'static [(&'static str, &'static [u8])],
}

/// Where to open a checkpoint from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    Bundled(&'static Bundle),
    /// A folder, under the name the user knows it by (its path, or a hub id).
    Folder {
        name: String,
        path: PathBuf,
    },
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled(bundle) => f.write_str(bundle.name),
            Self::Folder { name, .. } => f.write_str(name),
        }
    }
}
