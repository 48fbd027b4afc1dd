//! The files of a location by name, whether they lie in a folder, in the program or on the hub.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::outside::escape;

use super::elsewhere;
use super::error::DescribedBy;
use super::source::Source;
use super::{Bundle, CheckpointError, Location, Remote, gguf, weight_files};

/// The files beside each other that make a checkpoint.
#[derive(Debug)]
pub(super) enum Files {
    Bundled(&'static Bundle),
    Folder(PathBuf),
    /// A file of GGUF, which holds what a folder's files do; of shards the first.
    Gguf(PathBuf),
    Remote(Arc<Remote>),
}

impl Files {
    /// The files of a location.
    ///
    /// # Errors
    /// A folder that is not there, is a file, or cannot be read.
    pub(super) fn of(location: &Location) -> Result<Self, CheckpointError> {
        let path = match location {
            Location::Bundled(bundle) => return Ok(Self::Bundled(bundle)),
            Location::Remote(remote) => return Ok(Self::Remote(Arc::clone(remote))),
            Location::Adapted(adapted) => return Self::of(&adapted.base),
            Location::Difference(compared) => return Self::of(&compared.tuned),
            Location::Folder { path, .. } => path,
        };
        let name = escape::path(path);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() && gguf::is_gguf(path) => {
                Ok(Self::Gguf(path.clone()))
            }
            Ok(metadata) if !metadata.is_dir() => Err(CheckpointError::NotAFolder { path: name }),
            Ok(_) => match fs::read_dir(path) {
                Ok(_) => Self::in_folder(path),
                Err(error) => Err(CheckpointError::io(&name, error)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(CheckpointError::NotFound {
                    name,
                    advice: "there is no such folder; check the spelling".into(),
                })
            }
            Err(error) => Err(CheckpointError::io(&name, error)),
        }
    }

    fn in_folder(path: &Path) -> Result<Self, CheckpointError> {
        let described = path.join("config.json").exists();
        if described && weight_files::in_folder(path) {
            return Ok(Self::Folder(path.to_owned()));
        }
        if let Some(file) = gguf::in_folder(path)? {
            return Ok(Self::Gguf(file));
        }
        let inner = elsewhere::transformer_of(path).filter(|_| !described);
        Ok(Self::Folder(inner.unwrap_or_else(|| path.to_owned())))
    }

    /// What lies here in the place of a checkpoint, if anything tells.
    pub(super) fn elsewhere(&self) -> Option<CheckpointError> {
        match self {
            Self::Bundled(_) | Self::Remote(_) | Self::Gguf(_) => None,
            Self::Folder(path) => elsewhere::in_folder(path, &self.name()),
        }
    }

    /// What messages call the folder.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Bundled(bundle) => bundle.name.to_string(),
            Self::Folder(path) | Self::Gguf(path) => escape::path(path),
            Self::Remote(remote) => remote.id().to_string(),
        }
    }

    /// Where it is said which tensors there are and of which shapes.
    pub(super) fn described_by(&self) -> DescribedBy {
        match self {
            Self::Gguf(_) => DescribedBy::Header,
            Self::Bundled(_) | Self::Folder(_) | Self::Remote(_) => DescribedBy::ConfigJson,
        }
    }

    /// A file; `None` if there is none of that name.
    pub(super) fn open(&self, file: &str) -> Result<Option<Source>, CheckpointError> {
        match self {
            Self::Folder(path) => Source::open(&path.join(file)),
            Self::Gguf(path) => Source::open(&path.with_file_name(file)),
            Self::Remote(remote) => remote.open(file),
            Self::Bundled(bundle) => {
                let found = bundle.files.iter().find(|(name, _)| *name == file);
                Ok(found
                    .map(|(_, bytes)| Source::bundled(format!("{}/{file}", bundle.name), bytes)))
            }
        }
    }

    /// The content of a file of at most `limit` bytes; `None` if there is none of that name.
    pub(super) fn read(
        &self,
        file: &str,
        limit: u64,
    ) -> Result<Option<Cow<'static, [u8]>>, CheckpointError> {
        self.open(file)?
            .map(|source| source.whole(limit))
            .transpose()
    }
}
