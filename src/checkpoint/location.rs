//! Where a checkpoint is: in the program, in a folder, or on the hub.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::hub::{Cache, HubId};

use super::adapter::{self, NamedBase};
use super::error::one_line;
use super::files::Files;
use super::{CheckpointError, ModelStores, Remote, gguf, weights};

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
    /// A folder or a file of GGUF, under the name the user knows it by (its path, or a hub id).
    Folder {
        name: String,
        path: PathBuf,
    },
    /// On the hub, where the weights stay.
    Remote(Arc<Remote>),
    /// A model with an adapter merged into it.
    Adapted(Arc<Adapted>),
    /// The weights of a model less those of another.
    Difference(Arc<ModelPair>),
}

/// Two models of which one is taken from the other.
#[derive(Debug, PartialEq, Eq)]
pub struct ModelPair {
    /// The name that opens the difference.
    pub name: String,
    pub tuned: Location,
    pub base: Location,
}

/// Between the names of a model and of the one that is taken from it: `./tuned~./base`.
pub const AGAINST: char = '~';

/// An adapter and its base.
#[derive(Debug, PartialEq, Eq)]
pub struct Adapted {
    /// The name that opens both: the adapter's, with its base's where that was given.
    pub name: String,
    /// The adapter's folder, or its file of GGUF.
    pub path: PathBuf,
    pub base: Location,
}

/// Between the name of an adapter and that of the base that is to be taken: `./adapter+./model`.
pub const WITH_BASE: char = '+';

/// Where a model is that a user calls by some name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundModel {
    Here(Location),
    /// Not here; the hub may have it.
    OnHub(HubId),
}

/// The two names of a difference: the tuned model's and its base's; `None` of any other name.
pub fn compared_names(name: &str) -> Option<(&str, &str)> {
    let names = name.rsplit_once(AGAINST);
    names.filter(|(tuned, base)| !tuned.is_empty() && !base.is_empty())
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled(bundle) => f.write_str(bundle.name),
            Self::Folder { name, .. } => f.write_str(name),
            Self::Remote(remote) => remote.id().fmt(f),
            Self::Adapted(adapted) => f.write_str(&adapted.name),
            Self::Difference(compared) => f.write_str(&compared.name),
        }
    }
}

impl Location {
    /// Where the model that a user calls `name` is: a bundled one, a folder, a name of one of the
    /// places where other programs keep models (`ollama:llama3.2:1b`), or a hub id
    /// `owner/name[@revision]`, whose weights may all lie in the cache of Hugging Face's tools. An
    /// adapter is opened with the base that it names, or that is given after a `+`; two names with a
    /// `~` between them are the difference of two models.
    ///
    /// # Errors
    /// It can be none of these; the message says what is spelled alike. An adapter without its base.
    pub fn find(name: &str, stores: &ModelStores) -> Result<FoundModel, CheckpointError> {
        if let Some(bundle) = Bundle::named(name) {
            return Ok(FoundModel::Here(Self::Bundled(bundle)));
        }
        let path = Path::new(name);
        if path.is_dir() || gguf::is_gguf(path) {
            return Self::in_place(name, path.to_path_buf(), None, stores).map(FoundModel::Here);
        }
        if let Some(found) = Self::difference(name, stores)? {
            return Ok(FoundModel::Here(found));
        }
        if let Some(found) = Self::with_base(name, stores)? {
            return Ok(FoundModel::Here(found));
        }
        if path.exists() {
            return Err(CheckpointError::NotAFolder {
                path: one_line(name),
            });
        }
        match stores.find(name)? {
            Some(Self::Folder { path, .. }) => {
                return Self::in_place(name, path, None, stores).map(FoundModel::Here);
            }
            Some(location) => return Ok(FoundModel::Here(location)),
            None => {}
        }
        let alike = || alike(name, stores.names());
        let Some(id) = HubId::parse(name) else {
            return Err(nowhere(name, &alike()));
        };
        if let Some(path) = stores.cache().snapshot(&id)
            && adapter::named_base(&path)?.is_some()
        {
            return Self::in_place(name, path, None, stores).map(FoundModel::Here);
        }
        match Self::cached(&id, stores.cache()) {
            Some(location) => Ok(FoundModel::Here(location)),
            // A slip in a bundled name should not ask the hub.
            None if id.owner.is_none() => match alike() {
                alike if alike.is_empty() => Ok(FoundModel::OnHub(id)),
                alike => Err(nowhere(name, &alike)),
            },
            None => Ok(FoundModel::OnHub(id)),
        }
    }

    /// What lies in a folder or file of the user's: a model, or an adapter with its base.
    fn in_place(
        name: &str,
        path: PathBuf,
        given: Option<&str>,
        stores: &ModelStores,
    ) -> Result<Self, CheckpointError> {
        let Some(NamedBase(named)) = adapter::named_base(&path)? else {
            let name = name.to_string();
            return Ok(Self::Folder { name, path });
        };
        let missing = |why: String| CheckpointError::NoBase {
            adapter: one_line(name),
            why,
        };
        let Some(base) = given.or(named.as_deref()) else {
            return Err(missing("names no base".to_owned()));
        };
        let shown = one_line(base);
        let location = match Self::find(base, stores) {
            Ok(FoundModel::Here(Self::Adapted(_))) => {
                return Err(missing(format!("is of {shown}, which is an adapter too")));
            }
            Ok(FoundModel::Here(location)) => location,
            Ok(FoundModel::OnHub(id)) => {
                let get = format!("get it with `lexiscope download {id}`");
                return Err(missing(format!("is of {shown}, which is not here; {get}")));
            }
            Err(error) if given.is_some() => return Err(error),
            Err(_) => return Err(missing(format!("is of {shown}, which is not here"))),
        };
        Ok(Self::Adapted(Arc::new(Adapted {
            name: match given {
                Some(given) => format!("{name}{WITH_BASE}{given}"),
                None => name.to_owned(),
            },
            path,
            base: location,
        })))
    }

    /// The difference of two models: `./tuned~./base`; `None` if it is no such name.
    fn difference(name: &str, stores: &ModelStores) -> Result<Option<Self>, CheckpointError> {
        let Some((tuned, base)) = compared_names(name) else {
            return Ok(None);
        };
        let found = |of: &str| match Self::find(of, stores)? {
            FoundModel::Here(Self::Difference(_)) => Err(CheckpointError::NotFound {
                name: one_line(name),
                advice: "a difference is of two models: give two".into(),
            }),
            FoundModel::Here(location) => Ok(location),
            FoundModel::OnHub(id) => Err(CheckpointError::NotFound {
                name: id.to_string(),
                advice: format!(
                    "two models that are compared must be here: get it with `lexiscope download {id}`"
                ),
            }),
        };
        Ok(Some(Self::Difference(Arc::new(ModelPair {
            name: name.to_owned(),
            tuned: found(tuned)?,
            base: found(base)?,
        }))))
    }

    /// An adapter with a base that is given: `./adapter+./model`; `None` if it is no such name.
    fn with_base(name: &str, stores: &ModelStores) -> Result<Option<Self>, CheckpointError> {
        for (at, _) in name.match_indices(WITH_BASE) {
            let (own, base) = (&name[..at], &name[at + WITH_BASE.len_utf8()..]);
            let path = Path::new(own);
            let path = match path.is_dir() || gguf::is_gguf(path) {
                true => Some(path.to_owned()),
                false => HubId::parse(own).and_then(|id| stores.cache().snapshot(&id)),
            };
            if let Some(path) = path
                && adapter::named_base(&path)?.is_some()
            {
                return Self::in_place(own, path, Some(base), stores).map(Some);
            }
        }
        Ok(None)
    }

    /// As [`Self::find`] in the places that the environment names, for who does not ask the hub.
    ///
    /// # Errors
    /// It is not here; the message says how to get it, or what is spelled alike.
    pub fn resolve(name: &str) -> Result<Self, CheckpointError> {
        let stores = ModelStores::from_environment();
        match Self::find(name, &stores)? {
            FoundModel::Here(location) => Ok(location),
            FoundModel::OnHub(id) => Err(CheckpointError::NotFound {
                name: id.to_string(),
                advice: format!(
                    "it is no folder and not in the local Hugging Face cache; get it with \
                     `lexiscope download {id}`{}",
                    alike(name, stores.names())
                ),
            }),
        }
    }

    /// A model whose weights all lie in the cache.
    pub fn cached(id: &HubId, cache: &Cache) -> Option<Self> {
        let path = cache.snapshot(id)?;
        // Of a model that was looked at in parts, or by a program that wanted its tokenizer only,
        // there is a snapshot too.
        let complete = weights::complete(&Files::Folder(path.clone())).unwrap_or(false);
        complete.then(|| Self::Folder {
            name: id.to_string(),
            path,
        })
    }
}

fn nowhere(name: &str, alike: &str) -> CheckpointError {
    let bundled: Vec<&str> = Bundle::all().iter().map(|b| b.name).collect();
    CheckpointError::NotFound {
        name: one_line(name),
        advice: format!(
            "expected a bundled model ({}), a folder, a hub id owner/name, or a name such as \
             ollama:llama3.2:1b{alike}",
            bundled.join(", ")
        ),
    }
}

/// `; did you mean …?` with those of the `known` names that are spelled almost as `name`, or end as
/// it does.
pub(super) fn alike(name: &str, known: impl Iterator<Item = String>) -> String {
    let last = |name: &str| name.rsplit('/').next().unwrap_or(name).to_lowercase();
    let wanted = last(name);
    if wanted.is_empty() || wanted.chars().count() > 100 {
        return String::new();
    }
    let near: Vec<String> = known
        .filter(|known| {
            let known = last(known);
            let most = known.chars().count().max(wanted.chars().count()) / 4;
            edits(&wanted, &known) <= most.max(1)
        })
        .take(3)
        .collect();
    if near.is_empty() {
        return String::new();
    }
    format!("; did you mean {}?", near.join(" or "))
}

/// Letters to insert, drop or exchange to get from one text to the other (Levenshtein).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &y) in b.iter().enumerate() {
            let cost = (diagonal + usize::from(x != y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A cache that holds `models--sdadas--polish-gpt2-medium` with one snapshot, and of another
    /// model only its configuration.
    fn stores(root: &Path) -> ModelStores {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        for (name, file) in [("medium", "model.safetensors"), ("small", "config.json")] {
            let model = root.join(format!("models--sdadas--polish-gpt2-{name}"));
            let snapshot = model.join("snapshots").join(commit);
            fs::create_dir_all(&snapshot).unwrap();
            fs::write(snapshot.join(file), "").unwrap();
            fs::create_dir_all(model.join("refs")).unwrap();
            fs::write(model.join("refs/main"), commit).unwrap();
        }
        let root = root.as_os_str().to_owned();
        ModelStores::located(move |name| (name == "HF_HUB_CACHE").then(|| root.clone()))
    }

    #[test]
    fn finds_bundled_models_folders_and_cached_ids() {
        let root = tempfile::tempdir().unwrap();
        let stores = stores(root.path());
        let here = |name: &str| match Location::find(name, &stores).unwrap() {
            FoundModel::Here(location) => location,
            FoundModel::OnHub(id) => panic!("{id} is here"),
        };
        let bundle = Bundle::named("bert-pl").unwrap();
        assert_eq!(here("bert-pl"), Location::Bundled(bundle));
        let folder = root.path().to_str().unwrap();
        assert_eq!(here(folder).to_string(), folder);
        let id = "sdadas/polish-gpt2-medium";
        let Location::Folder { name, path } = here(id) else {
            panic!("expected a folder");
        };
        assert_eq!(name, id);
        assert!(path.ends_with("snapshots/0123456789abcdef0123456789abcdef01234567"));
        assert_eq!(
            stores.names().collect::<Vec<_>>(),
            ["gpt2-pl", "bert-pl", id]
        );
    }

    #[test]
    fn leaves_to_the_hub_what_is_not_here_whole() {
        let root = tempfile::tempdir().unwrap();
        let stores = stores(root.path());
        for name in ["sdadas/polish-gpt2-small", "sdadas/other@v1", "gpt2"] {
            let id = HubId::parse(name).unwrap();
            assert_eq!(
                Location::find(name, &stores).unwrap(),
                FoundModel::OnHub(id)
            );
        }
    }

    #[test]
    fn says_what_a_name_may_be_and_what_is_spelled_alike() {
        let root = tempfile::tempdir().unwrap();
        let stores = stores(root.path());
        let error = |name: &str| Location::find(name, &stores).unwrap_err().to_string();
        let misspelled = error("gpt-pl");
        assert!(misspelled.contains("expected a bundled model (gpt2-pl, bert-pl)"));
        assert!(
            misspelled.ends_with("; did you mean gpt2-pl?"),
            "{misspelled}"
        );
        assert!(!error("/nowhere/at/all").contains("did you mean"));
        let file = root.path().join("model.safetensors");
        fs::write(&file, "").unwrap();
        assert!(error(file.to_str().unwrap()).contains("expected a folder, got a file"));
        assert!(!error("a\nb").contains('\n'));
        let near = alike("sdadas/polish-gpt2-medum", stores.names());
        assert_eq!(near, "; did you mean sdadas/polish-gpt2-medium?");
    }
}
