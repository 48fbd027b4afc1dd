//! Where a checkpoint is: in the program, or in a folder.

use std::fmt;
use std::path::{Path, PathBuf};

use super::CheckpointError;
use super::error::one_line;
use crate::hub::{Cache, HubId};

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
    /// A folder, under the name the user knows it by (its path, or a hub id).
    Folder {
        name: String,
        path: PathBuf,
    },
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled(bundle) => f.write_str(bundle.name),
            Self::Folder { name, .. } => f.write_str(name),
        }
    }
}

impl Location {
    /// Where the model that a user calls `name` is: a bundled one, a folder, or a hub id
    /// `owner/name[@revision]` that lies in the local Hugging Face cache.
    ///
    /// # Errors
    /// None of these; the message says how to get it, or what is spelled alike.
    pub fn resolve(name: &str) -> Result<Self, CheckpointError> {
        Self::resolve_in(name, &Cache::from_environment())
    }

    /// [`Self::resolve`] with a given cache.
    ///
    /// # Errors
    /// As there.
    pub fn resolve_in(name: &str, cache: &Cache) -> Result<Self, CheckpointError> {
        if let Some(bundle) = Bundle::named(name) {
            return Ok(Self::Bundled(bundle));
        }
        let path = Path::new(name);
        if path.is_dir() {
            return Ok(Self::Folder {
                name: name.to_string(),
                path: path.to_path_buf(),
            });
        }
        if path.exists() {
            return Err(CheckpointError::NotAFolder {
                path: name.to_string(),
            });
        }
        let id = HubId::parse(name);
        if let Some(path) = id.as_ref().and_then(|id| cache.snapshot(id)) {
            return Ok(Self::Folder {
                name: name.to_string(),
                path,
            });
        }
        let alike = alike(name, cache);
        let advice = match id {
            Some(id) if id.owner.is_some() => format!(
                "it is no folder and not in the local Hugging Face cache, and this version \
                 downloads nothing; get it with `{}` and try again{alike}",
                id.download_command()
            ),
            _ => format!(
                "expected a bundled model ({}), a folder, or a hub id owner/name that was \
                 downloaded before{alike}",
                Bundle::all()
                    .iter()
                    .map(|b| b.name)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        };
        Err(CheckpointError::NotFound {
            name: one_line(name),
            advice,
        })
    }
}

/// `; is it …?` with the known names that are spelled almost as `name`, or end as it does.
fn alike(name: &str, cache: &Cache) -> String {
    let last = |name: &str| name.rsplit('/').next().unwrap_or(name).to_lowercase();
    let wanted = last(name);
    if wanted.is_empty() || wanted.chars().count() > 100 {
        return String::new();
    }
    let cached = cache.models().into_iter().map(|model| model.name);
    let known = Bundle::all()
        .iter()
        .map(|bundle| bundle.name.to_string())
        .chain(cached);
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

    /// A cache that holds `models--sdadas--polish-gpt2-medium` with one empty snapshot.
    fn cache(root: &Path) -> Cache {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let model = root.join("models--sdadas--polish-gpt2-medium");
        fs::create_dir_all(model.join("snapshots").join(commit)).unwrap();
        fs::create_dir_all(model.join("refs")).unwrap();
        fs::write(model.join("refs/main"), commit).unwrap();
        let root = root.as_os_str().to_owned();
        Cache::located(move |name| (name == "HF_HUB_CACHE").then(|| root.clone()))
    }

    #[test]
    fn finds_bundled_models_folders_and_cached_ids() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        let bundled = Location::resolve_in("bert-pl", &cache).unwrap();
        assert_eq!(
            bundled,
            Location::Bundled(Bundle::named("bert-pl").unwrap())
        );
        let folder = root.path().to_str().unwrap();
        assert_eq!(
            Location::resolve_in(folder, &cache).unwrap().to_string(),
            folder
        );
        let id = "sdadas/polish-gpt2-medium";
        let Location::Folder { name, path } = Location::resolve_in(id, &cache).unwrap() else {
            panic!("expected a folder");
        };
        assert_eq!(name, id);
        assert!(path.ends_with("snapshots/0123456789abcdef0123456789abcdef01234567"));
    }

    #[test]
    fn says_how_to_get_what_is_not_there() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        let error = |name: &str| Location::resolve_in(name, &cache).unwrap_err().to_string();
        let absent = error("sdadas/polish-gpt2-medum@v1");
        assert!(absent.contains(
            "get it with `huggingface-cli download sdadas/polish-gpt2-medum --revision v1`"
        ));
        assert!(
            absent.ends_with("did you mean sdadas/polish-gpt2-medium?"),
            "{absent}"
        );
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
    }
}
