//! Bookmarks: places worth coming back to, in a TOML file that the user may edit and that several
//! running programs may change. Each change is made to the file as it is at that moment.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::query::Address;

use super::store::{self, Loaded, StoreError};

/// A place in a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bookmark {
    /// Unlike any other; given when it is read if whoever wrote it gave none.
    #[serde(default)]
    pub id: String,
    /// The model as the user named it.
    pub model: String,
    pub address: Address,
    #[serde(default)]
    pub note: Option<String>,
    /// Seconds since 1970.
    #[serde(default)]
    pub created: u64,
    /// What another version wrote; kept.
    #[serde(flatten)]
    other: toml::Table,
}

impl Bookmark {
    /// A bookmark made now.
    fn new(model: &str, address: Address, note: Option<&str>) -> Self {
        let created = store::now();
        Self {
            id: format!("{created:x}-{:016x}", fastrand::u64(..)),
            model: model.to_owned(),
            address,
            note: note.map(str::to_owned),
            created,
            other: toml::Table::new(),
        }
    }
}

/// The file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    #[serde(default)]
    bookmark: Vec<Bookmark>,
    #[serde(flatten)]
    other: toml::Table,
}

impl Content {
    /// Gives identifiers where there are none or the same twice, as after editing by hand; the
    /// same ones at every reading, since they say what a change is about.
    fn identify(&mut self) {
        let mut taken = HashSet::with_capacity(self.bookmark.len());
        // How many there are of a place already, so that many marks of one are no search each.
        let mut copies: HashMap<String, usize> = HashMap::new();
        for mark in &mut self.bookmark {
            if mark.id.is_empty() || taken.contains(&mark.id) {
                let place = format!("{} {}", mark.model, mark.address);
                let copy = copies.entry(place.clone()).or_default();
                mark.id = place.clone();
                while taken.contains(&mark.id) {
                    *copy += 1;
                    mark.id = format!("{place}+{copy}");
                }
            }
            taken.insert(mark.id.clone());
        }
    }
}

/// The bookmarks as they were at the last reading or change.
#[derive(Debug)]
pub struct Bookmarks {
    path: PathBuf,
    list: Vec<Bookmark>,
}

/// What the user should know about a change that was made, if anything: a file set aside.
pub type Notice = Option<String>;

impl Bookmarks {
    /// The bookmarks in `bookmarks.toml` in `folder`; nothing is made until one is added. A file
    /// that cannot be read is set aside, or left if even that fails; the list is empty then, and
    /// the notice says so.
    pub fn open(folder: &Path) -> (Self, Notice) {
        let mut bookmarks = Self {
            path: folder.join("bookmarks.toml"),
            list: Vec::new(),
        };
        let notice = bookmarks.refresh().unwrap_or_else(|e| Some(e.to_string()));
        (bookmarks, notice)
    }

    /// Oldest first, as in the file.
    pub fn list(&self) -> &[Bookmark] {
        &self.list
    }

    /// Reads again what other programs, or the user, may have changed.
    ///
    /// # Errors
    /// The file can be neither understood nor set aside; the list stays.
    pub fn refresh(&mut self) -> Result<Notice, StoreError> {
        let loaded = store::load(&self.path)?;
        Ok(self.take(loaded))
    }

    /// Adds a bookmark, the last of the list.
    ///
    /// # Errors
    /// The file cannot be written; the list stays. So with the other changes.
    pub fn add(
        &mut self,
        model: &str,
        address: Address,
        note: Option<&str>,
    ) -> Result<Notice, StoreError> {
        let bookmark = Bookmark::new(model, address, note);
        self.change(|list| list.push(bookmark))
    }

    /// Removes a bookmark; it may be gone already.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn remove(&mut self, id: &str) -> Result<Notice, StoreError> {
        self.change(|list| list.retain(|b| b.id != id))
    }

    /// Changes a bookmark's note, unless the bookmark is gone.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn annotate(&mut self, id: &str, note: Option<&str>) -> Result<Notice, StoreError> {
        self.change(|list| {
            if let Some(bookmark) = list.iter_mut().find(|b| b.id == id) {
                bookmark.note = note.map(str::to_owned);
            }
        })
    }

    fn change(&mut self, f: impl FnOnce(&mut Vec<Bookmark>)) -> Result<Notice, StoreError> {
        let loaded = store::change(&self.path, |content: &mut Content| {
            content.identify();
            f(&mut content.bookmark);
        })?;
        Ok(self.take(loaded))
    }

    fn take(&mut self, mut loaded: Loaded<Content>) -> Notice {
        loaded.content.identify();
        self.list = loaded.content.bookmark;
        loaded.notice
    }
}

#[cfg(test)]
mod tests;
