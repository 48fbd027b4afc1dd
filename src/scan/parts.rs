//! Where the finished parts of a scan lie until all are there: the folder `FILE.parts` beside the
//! file, with the settings that they were made with.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::outside::{self, Locked};

use super::ScanError;
use super::file::{beside, join, settings_of, write_part};
use super::list::Lists;
use super::plan::{ScanChunk, ScanSettings};

/// More than any scan's settings take.
const LONGEST_SETTINGS: u64 = 16 << 20;

/// The parts of one scan, which belong to this process while it is open.
pub(super) struct Parts {
    out: PathBuf,
    folder: PathBuf,
    settings: ScanSettings,
    /// Locked as long as it is open.
    _lock: File,
}

impl Parts {
    /// Whether `out` is there already, made with these settings.
    ///
    /// # Errors
    /// It is something else, or cannot be a file.
    pub(super) fn finished(out: &Path, settings: &ScanSettings) -> Result<bool, ScanError> {
        let looks_like_a_folder = out.as_os_str().to_string_lossy().ends_with('/');
        if looks_like_a_folder || out.is_dir() || out.file_name().is_none() {
            return Err(ScanError::NoFile {
                path: out.to_owned(),
            });
        }
        if !out.exists() {
            return Ok(false);
        }
        same(out, &settings_of(out)?, settings)?;
        // It was ended between its last two steps.
        let folder = beside(out, ".parts");
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(ScanError::write(&folder))?;
        }
        Ok(true)
    }

    /// Opens the folder of parts beside `out`, or makes it.
    ///
    /// # Errors
    /// It cannot be made, another process has it, or its parts were made with other settings.
    pub(super) fn open(out: &Path, settings: ScanSettings) -> Result<Self, ScanError> {
        let folder = beside(out, ".parts");
        let path = folder.join("settings.json");
        let failed = ScanError::write(out);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        let mut file = outside::open_lock(&path)?;
        // A file system that knows no locks is no reason to scan nothing.
        if let Locked::Busy = outside::lock(&file, || true) {
            return Err(ScanError::Busy {
                path: out.to_owned(),
            });
        }
        let read = Read::by_ref(&mut file).take(LONGEST_SETTINGS);
        let text = io::read_to_string(read).map_err(&failed)?;
        if text.is_empty() {
            let text = serde_json::to_string_pretty(&settings).map_err(|e| failed(e.into()))?;
            file.write_all(text.as_bytes()).map_err(&failed)?;
            file.sync_all().map_err(&failed)?;
        } else {
            let there: Vec<(String, String)> =
                serde_json::from_str(&text).map_err(|error| ScanError::Damaged {
                    path,
                    reason: error.to_string(),
                })?;
            same(&folder, &there, &settings)?;
        }
        Ok(Self {
            out: out.to_owned(),
            folder,
            settings,
            _lock: file,
        })
    }

    fn path(&self, part: &ScanChunk) -> PathBuf {
        self.folder.join(part.file_name())
    }

    /// Whether a part is there.
    pub(super) fn has(&self, part: &ScanChunk) -> bool {
        self.path(part).exists()
    }

    /// Keeps a part.
    ///
    /// # Errors
    /// No room, or no right.
    pub(super) fn keep(
        &self,
        part: &ScanChunk,
        model: &str,
        lists: &Lists,
    ) -> Result<(), ScanError> {
        write_part(&self.path(part), model, &self.settings, lists)
    }

    /// Joins all parts into the file and removes their folder.
    ///
    /// # Errors
    /// As [`Parts::keep`].
    pub(super) fn finish(self, parts: &[ScanChunk]) -> Result<(), ScanError> {
        let paths: Vec<PathBuf> = parts.iter().map(|part| self.path(part)).collect();
        join(&self.out, &self.settings, &paths)?;
        fs::remove_dir_all(&self.folder).map_err(ScanError::write(&self.folder))
    }
}

/// # Errors
/// The first setting that differs.
fn same(path: &Path, there: &[(String, String)], here: &ScanSettings) -> Result<(), ScanError> {
    for (name, here) in here {
        let found = there.iter().find(|(other, _)| other == name);
        let there = found.map_or("none", |(_, value)| value.as_str());
        if there != here {
            return Err(ScanError::Others {
                path: path.to_owned(),
                name: (*name).to_owned(),
                there: there.to_owned(),
                here: here.clone(),
            });
        }
    }
    Ok(())
}
