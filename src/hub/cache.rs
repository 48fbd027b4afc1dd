//! The local Hugging Face cache: `models--owner--name/refs/REVISION` holds a commit, and
//! `snapshots/COMMIT/` its files.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::outside::{self, folder, user_folder};

use super::HubId;

/// A folder of downloaded models, which need not exist.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    root: Option<PathBuf>,
}

/// A model in the cache.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cached {
    /// `owner/name`, with `@revision` unless it is `main`.
    pub name: String,
    /// The snapshot's folder.
    pub path: PathBuf,
}

impl Cache {
    /// Where the process's environment says the cache is.
    pub fn from_environment() -> Self {
        Self::located(|name| env::var_os(name))
    }

    /// Where `variable` says the cache is, by the rules of Hugging Face's own library.
    pub fn located(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let root = folder(&variable, "HF_HUB_CACHE")
            .or_else(|| folder(&variable, "HUGGINGFACE_HUB_CACHE"))
            .or_else(|| Some(Self::home(&variable)?.join("hub")));
        Self { root }
    }

    /// The folder of Hugging Face's own files: that of `HF_HOME`, or `huggingface` among the caches.
    pub(super) fn home(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
        let caches = || {
            folder(&variable, "XDG_CACHE_HOME")
                .or_else(|| Some(user_folder(&variable)?.join(".cache")))
        };
        folder(&variable, "HF_HOME").or_else(|| Some(caches()?.join("huggingface")))
    }

    /// The folder itself, if the environment names one.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// The folder of a model's files, if it was downloaded.
    pub fn snapshot(&self, id: &HubId) -> Option<PathBuf> {
        let root = self.root()?.to_owned();
        snapshot(&root.join(id.repo().folder_name()), id.revision())
    }

    /// Every model that was downloaded, by name; a cache that cannot be read has none.
    pub fn models(&self) -> Vec<Cached> {
        let mut models = Vec::new();
        for (folder, path) in self.root().map(entries).unwrap_or_default() {
            let Some(name) = folder.strip_prefix("models--") else {
                continue;
            };
            let name = name.replacen("--", "/", 1);
            for (revision, _) in entries(&path.join("refs")) {
                let at = if revision == "main" {
                    String::new()
                } else {
                    format!("@{revision}")
                };
                models.extend(snapshot(&path, &revision).map(|path| Cached {
                    name: format!("{name}{at}"),
                    path,
                }));
            }
        }
        models.sort();
        models
    }
}

/// The snapshot of a revision below a model's folder.
fn snapshot(model: &Path, revision: &str) -> Option<PathBuf> {
    let commit = if is_commit(revision) {
        revision.to_string()
    } else {
        let commit = outside::read_text(&model.join("refs").join(revision), 1 << 12).ok()?;
        commit.trim().to_string()
    };
    let path = model.join("snapshots").join(&commit);
    (is_commit(&commit) && path.is_dir()).then_some(path)
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Names and paths in a folder, none if it cannot be read.
fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn at(variables: &[(&str, &str)]) -> Option<PathBuf> {
        let found = |name: &str| {
            let variable = variables.iter().find(|(key, _)| *key == name);
            variable.map(|(_, value)| OsString::from(value))
        };
        Cache::located(found).root
    }

    #[test]
    fn is_where_hugging_face_would_look() {
        let mut variables = vec![("HOME", "/h")];
        let mut expect = |variable, path: &str| {
            variables.push(variable);
            assert_eq!(at(&variables), Some(path.into()));
        };
        expect(("", ""), "/h/.cache/huggingface/hub");
        expect(("XDG_CACHE_HOME", "/x"), "/x/huggingface/hub");
        expect(("HF_HOME", "/hf"), "/hf/hub");
        expect(("HUGGINGFACE_HUB_CACHE", "/old"), "/old");
        expect(("HF_HUB_CACHE", "/new"), "/new");
        assert_eq!(
            at(&[("HF_HUB_CACHE", ""), ("HOME", "/h")]),
            at(&[("HOME", "/h")])
        );
        assert_eq!(at(&[]), None);
        // As Python reads them: `~` first, then variables, and what is not set stays.
        let home = ("HOME", "/h");
        for (value, path) in [
            ("~/hf", "/h/hf/hub"),
            ("~", "/h/hub"),
            ("$HOME/hf", "/h/hf/hub"),
            ("/d/${USER}-$NONE/$", "/d/ala-$NONE/$/hub"),
            ("~ala/hf", "~ala/hf/hub"),
        ] {
            let variables = [home, ("USER", "ala"), ("HF_HOME", value)];
            assert_eq!(at(&variables), Some(path.into()), "{value}");
        }
        assert_eq!(at(&[home, ("HF_HUB_CACHE", "~/c")]), Some("/h/c".into()));
        assert_eq!(
            at(&[home, ("XDG_CACHE_HOME", "$HOME/x")]),
            Some("/h/x/huggingface/hub".into())
        );
    }

    #[test]
    fn finds_a_model_by_branch_and_by_commit_and_lists_it() {
        let root = tempfile::tempdir().unwrap();
        let model = root.path().join("models--sdadas--polish-gpt2");
        let snapshot = model.join("snapshots").join(COMMIT);
        fs::create_dir_all(&snapshot).unwrap();
        fs::create_dir_all(model.join("refs")).unwrap();
        fs::write(model.join("refs/main"), COMMIT).unwrap();
        fs::write(model.join("refs/broken"), "../../..").unwrap();
        let cache = Cache {
            root: Some(root.path().into()),
        };
        let found = |id: &str| cache.snapshot(&HubId::parse(id).unwrap());
        assert_eq!(found("sdadas/polish-gpt2"), Some(snapshot.clone()));
        assert_eq!(
            found(&format!("sdadas/polish-gpt2@{COMMIT}")),
            Some(snapshot.clone())
        );
        assert_eq!(found("sdadas/polish-gpt2@broken"), None);
        assert_eq!(found("sdadas/polish-gpt2@v2"), None);
        assert_eq!(found("sdadas/other"), None);
        let listed = Cached {
            name: "sdadas/polish-gpt2".into(),
            path: snapshot,
        };
        assert_eq!(cache.models(), [listed]);
    }
}
