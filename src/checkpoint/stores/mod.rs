//! Places on this machine where other programs keep models: the cache of Hugging Face's tools,
//! Ollama's store, the folders of LM Studio and llama.cpp. Another place is another file here and a
//! line in [`ModelStores::located`].

mod folders;
mod huggingface;
mod ollama;
mod summary;

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::hub::Cache;
use crate::outside::{escape, folder, user_folder};

use super::adapter::{self, NamedBase};
use super::location::alike;
use super::{Bundle, CheckpointError, FoundModel, Location};
use folders::ModelFolders;
use huggingface::HuggingFace;
use ollama::Ollama;

pub use summary::ModelSummary;

/// Entries of a folder that are looked at.
const MOST_ENTRIES: usize = 10_000;

/// A place where models lie.
trait ModelStore: fmt::Debug + Send + Sync {
    /// Adds all its models, and what of it cannot be read. Files of weights are not opened.
    fn list(&self, listing: &mut StoreListing);

    /// The file or folder of the model that is called `name`; `None` if that is no name of this
    /// place, which begins with its own prefix and a colon. Models of the hub's cache have hub ids.
    fn find(&self, name: &str) -> Option<Result<PathBuf, String>>;
}

/// A model that lies on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredModel {
    /// The name that opens it.
    pub name: String,
    /// What lists call the place.
    pub place: &'static str,
    pub location: Location,
    /// Size of its weights.
    pub bytes: u64,
    /// Of an adapter, the model that it changes.
    pub base: Option<StoredBase>,
}

/// The model that an adapter changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBase {
    /// As the adapter names it; `None` if it names none.
    pub name: Option<String>,
    /// Why the adapter cannot be opened with it, if it cannot: as a rule it is not on this machine.
    pub missing: Option<String>,
}

/// What lies in the places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreListing {
    pub models: Vec<StoredModel>,
    /// What could not be read, a sentence each.
    pub problems: Vec<String>,
}

/// All places of this machine.
#[derive(Debug)]
pub struct ModelStores {
    cache: Cache,
    stores: Vec<Box<dyn ModelStore>>,
}

impl ModelStores {
    /// The places that the process's environment names, and the usual ones.
    pub fn from_environment() -> Self {
        Self::located(|name| env::var_os(name))
    }

    /// As `variable` has the environment, by the rules of each program.
    pub fn located(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let cache = Cache::located(&variable);
        let user = |path: &str| user_folder(&variable).map(|user| user.join(path));
        let named = folder(&variable, "OLLAMA_MODELS");
        let usual = [
            user(".ollama/models"),
            Some("/usr/share/ollama/.ollama/models".into()),
        ];
        let lm_studio = [user(".lmstudio/models"), user(".cache/lm-studio/models")];
        let llama_cpp = folder(&variable, "LLAMA_CACHE").or_else(|| {
            let caches = match () {
                () if cfg!(target_os = "macos") => user("Library/Caches"),
                () if cfg!(windows) => folder(&variable, "LOCALAPPDATA"),
                () => folder(&variable, "XDG_CACHE_HOME").or_else(|| user(".cache")),
            };
            Some(caches?.join("llama.cpp"))
        });
        let stores: Vec<Box<dyn ModelStore>> = vec![
            Box::new(HuggingFace::new(cache.clone())),
            Box::new(match named {
                Some(named) => Ollama::at(named),
                None => Ollama::usual(usual.into_iter().flatten()),
            }),
            Box::new(ModelFolders {
                title: "LM Studio",
                prefix: "lmstudio",
                roots: lm_studio.into_iter().flatten().collect(),
                depth: 2,
            }),
            Box::new(ModelFolders {
                title: "llama.cpp",
                prefix: "llama.cpp",
                roots: llama_cpp.into_iter().collect(),
                depth: 1,
            }),
        ];
        Self { cache, stores }
    }

    /// The cache of Hugging Face's tools.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The places, of which only a cache of Hugging Face's tools is there.
    pub fn of_cache(cache: Cache) -> Self {
        let stores: Vec<Box<dyn ModelStore>> = vec![Box::new(HuggingFace::new(cache.clone()))];
        Self { cache, stores }
    }

    /// Every model that lies on this machine, and every adapter: the bundled ones, then place by place.
    /// Only names and sizes are read, and of adapters which base they name; [`StoreListing::summaries`]
    /// reads headers.
    pub fn list(&self) -> StoreListing {
        let mut listing = self.listed();
        for model in &mut listing.models {
            let Some(base) = &mut model.base else {
                continue;
            };
            match Location::find(&model.name, self) {
                Ok(FoundModel::Here(location)) => model.location = location,
                Ok(FoundModel::OnHub(_)) => {}
                Err(error) => base.missing = Some(error.to_string()),
            }
        }
        listing
    }

    /// The same without a look for the bases of adapters.
    fn listed(&self) -> StoreListing {
        let bundled = Bundle::all().iter().map(|bundle| StoredModel {
            name: bundle.name.to_owned(),
            place: "bundled",
            location: Location::Bundled(bundle),
            bytes: bundle
                .files
                .iter()
                .map(|(_, bytes)| bytes.len() as u64)
                .sum(),
            base: None,
        });
        let mut listing = StoreListing {
            models: bundled.collect(),
            problems: Vec::new(),
        };
        for store in &self.stores {
            store.list(&mut listing);
        }
        listing
    }

    /// Where the model lies whose name begins with the prefix of a place; `None` if it has none.
    ///
    /// # Errors
    /// It is not there, or its store is damaged or cannot be read.
    pub(super) fn find(&self, name: &str) -> Result<Option<Location>, CheckpointError> {
        match self.stores.iter().find_map(|store| store.find(name)) {
            None => Ok(None),
            Some(Ok(path)) => Ok(Some(located(name, path))),
            Some(Err(why)) => Err(CheckpointError::NotFound {
                name: escape::short(name),
                advice: format!("{why}{}", alike(name, self.names())),
            }),
        }
    }

    /// The names of all models.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.listed().models.into_iter().map(|model| model.name)
    }
}

fn located(name: &str, path: PathBuf) -> Location {
    Location::Folder {
        name: name.to_owned(),
        path,
    }
}

/// What is in a folder: names that can be shown, in order. A folder that is not there is empty; one
/// that cannot be read is a problem of the listing.
fn entries(folder: &Path, problems: &mut Vec<String>) -> Vec<(String, PathBuf)> {
    let read = match fs::read_dir(folder) {
        Ok(read) => read,
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            problems.push(unreadable(folder, &error));
            return Vec::new();
        }
    };
    let mut entries = Vec::new();
    for entry in read.flatten() {
        if entries.len() == MOST_ENTRIES {
            problems.push(format!(
                "{}: more than {MOST_ENTRIES} entries: the rest is not listed",
                escape::path(folder)
            ));
            break;
        }
        match entry.file_name().into_string() {
            Ok(name) if escape::is_plain_name(&name) => entries.push((name, entry.path())),
            Ok(_) | Err(_) => problems.push(format!(
                "{}: not listed, since its name cannot be shown",
                escape::path(&entry.path())
            )),
        }
    }
    entries.sort();
    entries
}

fn unreadable(folder: &Path, error: &std::io::Error) -> String {
    let advice = match error.kind() {
        ErrorKind::PermissionDenied => {
            ": run lexiscope as a user who may read it, or copy the models to a folder of yours"
        }
        _ => "",
    };
    format!("{}: cannot be read: {error}{advice}", escape::path(folder))
}

/// The base that an adapter in a folder or file names; `None` if there is no adapter, or one that
/// cannot be read, which is a problem of the listing.
fn base_of(path: &Path, problems: &mut Vec<String>) -> Option<StoredBase> {
    match adapter::named_base(path) {
        Ok(base) => base.map(|NamedBase(name)| StoredBase {
            name,
            missing: None,
        }),
        Err(error) => {
            problems.push(error.to_string());
            None
        }
    }
}

/// Size of a file, 0 if it cannot be told.
fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

#[cfg(test)]
mod tests;
