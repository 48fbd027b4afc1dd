//! Where things are kept: the platform's folders, or those that the XDG variables name.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use thiserror::Error;

/// The folders of this program; none of them need be there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// What the user made: bookmarks.
    pub data: PathBuf,
    /// What may be lost: the last session, logs.
    pub state: PathBuf,
    /// What the user sets.
    pub config: PathBuf,
    /// What can be fetched again.
    pub cache: PathBuf,
}

/// There is no place to keep anything.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "no home folder: set HOME, or XDG_DATA_HOME, XDG_STATE_HOME, XDG_CONFIG_HOME and XDG_CACHE_HOME"
)]
pub struct NoHome;

impl Paths {
    /// Finds the folders. On every Unix, macOS too, an absolute path in `XDG_DATA_HOME`,
    /// `XDG_STATE_HOME`, `XDG_CONFIG_HOME` or `XDG_CACHE_HOME` goes before the platform's own custom.
    ///
    /// # Errors
    /// Neither the variables nor a home folder.
    pub fn find(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, NoHome> {
        let dirs = ProjectDirs::from("", "", "lexiscope");
        let own = |folder: fn(&ProjectDirs) -> &Path| dirs.as_ref().map(|d| folder(d).to_owned());
        let xdg = |name: &str| {
            let base = variable(name).map(PathBuf::from);
            base.filter(|path| cfg!(unix) && path.is_absolute())
                .map(|path| path.join("lexiscope"))
        };
        let folder = |name, default| xdg(name).or_else(|| own(default)).ok_or(NoHome);
        Ok(Self {
            data: folder("XDG_DATA_HOME", ProjectDirs::data_dir)?,
            state: folder("XDG_STATE_HOME", |d| {
                d.state_dir().unwrap_or(d.data_local_dir())
            })?,
            config: folder("XDG_CONFIG_HOME", ProjectDirs::config_dir)?,
            cache: folder("XDG_CACHE_HOME", ProjectDirs::cache_dir)?,
        })
    }

    /// Where rankings of neurons are kept.
    pub fn rankings(&self) -> PathBuf {
        self.cache.join("rankings")
    }

    /// Where parts of models on the hub are kept.
    pub fn blocks(&self) -> PathBuf {
        self.cache.join("blocks")
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn absolute_variables_go_first_and_others_do_not_count() {
        let all = Paths::find(|name| Some(format!("/somewhere/{name}").into())).unwrap();
        let under = |name: &str| PathBuf::from(format!("/somewhere/{name}/lexiscope"));
        assert_eq!(all.data, under("XDG_DATA_HOME"));
        assert_eq!(all.state, under("XDG_STATE_HOME"));
        assert_eq!(all.config, under("XDG_CONFIG_HOME"));
        let relative = Paths::find(|name| Some(name.to_owned().into()));
        assert_eq!(relative, Paths::find(|_| None));
    }
}
