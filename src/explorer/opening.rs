//! Opening models, each with its finished scan if there is one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::checkpoint::Location;
use crate::projection::DeviceChoice;
use crate::query::{Answering, MemoryBudget, QueryError, Reader};
use crate::scan::Scanned;

use super::setup::Setup;
use super::state::State;

/// How models are opened in this sitting.
pub(super) struct Opener {
    device: DeviceChoice,
    memory: MemoryBudget,
    rankings: PathBuf,
    scans: BTreeMap<String, PathBuf>,
    /// The model whose scan was asked for on the command line.
    asked: Option<String>,
    /// The model that a fitted lens was given for, and its file.
    lens: Option<(String, PathBuf)>,
}

impl Opener {
    pub(super) fn new(state: &State, setup: &Setup) -> Self {
        let first = state.opening.as_ref().map(|opening| opening.name.clone());
        Self {
            device: setup.device,
            memory: setup.memory,
            rankings: setup.paths.rankings(),
            scans: state.scans.clone(),
            lens: first.clone().zip(setup.lens.clone()),
            asked: first.filter(|_| setup.scan.is_some()),
        }
    }

    /// Opens a model. A scan that is only remembered and does not fit any more is left out, and a
    /// notice says so.
    ///
    /// # Errors
    /// As [`Reader::open`]; a scan that was asked for and is not one of this model.
    pub(super) fn open(&self, location: &Location) -> Result<Box<dyn Answering>, QueryError> {
        let name = location.to_string();
        let reader = || {
            let mut reader = Reader::open(location, self.device)?.holding(self.memory);
            if let Some((_, lens)) = self.lens.as_ref().filter(|(of, _)| *of == name) {
                reader = reader.through_lens(lens)?;
            }
            Ok::<_, QueryError>(reader.keeping_rankings(self.rankings.clone()))
        };
        let Some(scan) = self.scans.get(&name) else {
            return Ok(Box::new(reader()?));
        };
        match scanned(reader()?, scan) {
            Ok(scanned) => Ok(Box::new(scanned)),
            Err(error) if self.asked.as_ref() == Some(&name) => Err(error),
            Err(error) => {
                let mut reader = reader()?;
                reader.notice(format!("{error}; lists are computed"));
                Ok(Box::new(reader))
            }
        }
    }
}

fn scanned(reader: Reader, scan: &Path) -> Result<Scanned, QueryError> {
    Scanned::open(reader, scan).map_err(|error| QueryError::Other(error.to_string()))
}
