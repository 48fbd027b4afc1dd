//! Where the user was, to begin there the next time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::geometry::Subwords;
use crate::projection::End;
use crate::query::{Address, Convention};
use crate::vocabulary::Filters;

use super::store::{self, StoreError};

/// The state of the explorer that outlives it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// The model as the user named it.
    pub model: Option<String>,
    /// Whether only what was looked at of it is here.
    pub by_tensor: bool,
    /// The name of the pane that was in front; empty for the first.
    pub pane: String,
    pub neuron: Option<Address>,
    pub head: Option<Address>,
    pub state: Option<Address>,
    /// The name of the measure that is charted; empty for the first.
    pub measure: String,
    /// The token that is measured.
    pub token: Option<String>,
    pub chart: Switches,
    /// Further models of the chart.
    pub beside: Vec<String>,
    pub end: End,
    /// The name of what the strip of layers shows; empty for the first.
    pub strip: String,
    /// The name of the measure that colours the grid of heads; empty for none.
    pub grid: String,
    /// Whether random places are anywhere, not of what is ranked.
    pub anywhere: bool,
    /// Folders that models were opened from, the latest first.
    pub recent_folders: Vec<String>,
    /// Word lists and texts are named by `views`.
    pub filters: Filters,
    pub convention: Convention,
    /// Which convention each model was read under last, by the names of the models.
    pub conventions: BTreeMap<String, KeptConvention>,
    /// Models' finished scans, by the names of the models.
    pub scans: BTreeMap<String, PathBuf>,
    /// The views of the panes, the one in front last, as [`super::saved_view::SavedView`]s.
    pub views: Vec<String>,
    /// Where one was in the panes of other models, by the names of the models.
    pub places: BTreeMap<String, Vec<Address>>,
}

/// A model's convention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptConvention {
    pub convention: Convention,
    /// Whether the user chose it, and not the model's own figures.
    pub own: bool,
    /// By which rule the figures chose it.
    pub rule: u32,
}

/// How the chart is shown, and what is measured for it. Texts are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Switches {
    pub corrected: bool,
    pub relative_depth: bool,
    pub log: bool,
    pub skip_first: bool,
    pub skip_special: bool,
    pub without_dominant: usize,
    pub pieces: Subwords,
}

const FILE: &str = "session.toml";

impl Session {
    /// The session kept in `folder`. One that cannot be read is set aside; the default takes its
    /// place, and the notice says so.
    pub fn load(folder: &Path) -> (Self, Option<String>) {
        match store::load(&folder.join(FILE)) {
            Ok(loaded) => (loaded.content, loaded.notice),
            Err(error) => (Self::default(), Some(error.to_string())),
        }
    }

    /// Keeps the session. Of two programs the last to end is remembered.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn save(&self, folder: &Path) -> Result<(), StoreError> {
        store::save(&folder.join(FILE), self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_as_it_was_saved() {
        let folder = tempfile::tempdir().unwrap();
        let filters = Filters {
            ascii: true,
            contains: "ński \"\\".to_owned(),
            ..Filters::default()
        };
        let session = Session {
            by_tensor: true,
            model: Some("gpt2-pl".to_owned()),
            pane: "heads".to_owned(),
            neuron: Some("L3.N103".parse().unwrap()),
            head: Some("L4.H3.VO".parse().unwrap()),
            state: Some("S2".parse().unwrap()),
            measure: "anisotropy".to_owned(),
            token: Some("zamek".to_owned()),
            chart: Switches {
                corrected: true,
                without_dominant: 3,
                pieces: Subwords::Last,
                ..Switches::default()
            },
            beside: vec!["bert-pl".to_owned()],
            end: End::Lowest,
            strip: "overlap".to_owned(),
            grid: "copying".to_owned(),
            anywhere: true,
            recent_folders: vec!["/models/gpt2".to_owned()],
            filters,
            convention: "gain+cosine".parse().unwrap(),
            conventions: [(
                "gpt2-pl".to_owned(),
                KeptConvention {
                    convention: "gain+cosine".parse().unwrap(),
                    own: true,
                    rule: 2,
                },
            )]
            .into(),
            scans: [("gpt2-pl".to_owned(), "/scans/gpt2-pl.parquet".into())].into(),
            views: vec!["L4.H3.VO --convention gain --contains 'a \"b'".to_owned()],
            places: [("bert-pl".to_owned(), vec!["L1.N2".parse().unwrap()])].into(),
        };
        let inner = folder.path().join("not/there/yet");
        session.save(&inner).unwrap();
        assert_eq!(Session::load(&inner), (session, None));
    }

    #[test]
    fn begins_anew_when_there_is_none_or_it_is_of_another_version() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Session::load(folder.path()), (Session::default(), None));
        std::fs::write(folder.path().join(FILE), "pane = \"heads\"\nzoom = 3\n").unwrap();
        let (session, notice) = Session::load(folder.path());
        assert_eq!((session.pane.as_str(), notice), ("heads", None));
    }

    #[test]
    fn a_damaged_one_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), b"pane = \xff\xfe").unwrap();
        let (session, notice) = Session::load(folder.path());
        assert_eq!(session, Session::default());
        assert!(notice.unwrap().contains("session.toml.broken-"));
        assert!(!folder.path().join(FILE).exists());
    }
}
