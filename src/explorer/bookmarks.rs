//! Bookmarks: places worth coming back to, in a TOML file that the user may edit and that several
//! running programs may change. Each change is made to the file as it is at that moment.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::query::Address;

use super::saved_view::SavedView;
use super::store::{self, Loaded, StoreError};

/// A place in a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bookmark {
    /// Unique; assigned on reading where the file has none.
    #[serde(default)]
    pub id: String,
    /// The model as the user named it.
    pub model: String,
    pub address: Address,
    /// How it was looked at: a [`SavedView`] as text. Empty in marks of earlier versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub view: String,
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
    fn new(mark: NewMark) -> Self {
        let created = store::now();
        Self {
            id: format!("{created:x}-{:016x}", fastrand::u64(..)),
            model: mark.model,
            address: mark.address,
            view: mark.view,
            note: mark.note,
            created,
            other: toml::Table::new(),
        }
    }

    /// The view that is marked; `None` if it is a mark of an earlier version, of a layer, or its
    /// view was edited into something else than its address.
    pub fn view(&self) -> Option<SavedView> {
        let view: SavedView = self.view.parse().ok()?;
        let view = SavedView {
            model: Some(self.model.clone()),
            ..view
        };
        view.same_place(&self.place()).then_some(view)
    }

    /// The view that is marked, or its place alone.
    pub fn target(&self) -> SavedView {
        self.view().unwrap_or_else(|| self.place())
    }

    fn place(&self) -> SavedView {
        SavedView {
            model: Some(self.model.clone()),
            ..self.address.into()
        }
    }
}

/// A mark to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMark {
    pub model: String,
    pub address: Address,
    /// As in a [`Bookmark`].
    pub view: String,
    pub note: Option<String>,
}

/// A change to the kept bookmarks.
#[derive(Clone, Debug, PartialEq)]
pub enum BookmarkChange {
    /// None, but another program may have changed them.
    Refresh,
    Add(NewMark),
    Annotate {
        id: String,
        note: Option<String>,
    },
    Remove {
        id: String,
    },
    /// One that was removed, as it was and where it was in the list.
    Restore {
        mark: Box<Bookmark>,
        at: usize,
    },
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

    /// Makes a change to the file as it is now. A mark that is added is the last of the list; one
    /// that is to be removed or annotated may be gone already.
    ///
    /// # Errors
    /// The file cannot be written; the list stays.
    pub fn apply(&mut self, change: BookmarkChange) -> Result<Notice, StoreError> {
        match change {
            BookmarkChange::Refresh => self.refresh(),
            BookmarkChange::Add(mark) => self.change(|list| list.push(Bookmark::new(mark))),
            BookmarkChange::Annotate { id, note } => self.change(|list| {
                if let Some(bookmark) = list.iter_mut().find(|b| b.id == id) {
                    bookmark.note = note;
                }
            }),
            BookmarkChange::Remove { id } => self.change(|list| list.retain(|b| b.id != id)),
            BookmarkChange::Restore { mark, at } => self.change(|list| {
                if list.iter().all(|b| b.id != mark.id) {
                    list.insert(at.min(list.len()), *mark);
                }
            }),
        }
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
