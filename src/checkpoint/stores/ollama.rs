//! Ollama's store: `manifests/HOST/NAMESPACE/MODEL/TAG` is JSON that names files in `blobs`. Newer
//! versions keep them in `manifests-v2`, as links to blobs, and a manifest may be a list of
//! manifests, one for each program that runs the model.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::outside::{self, escape};

use super::{ModelStore, StoreListing, StoredModel, entries, located, size, unreadable};

/// More bytes than any manifest has: it lists a model's files.
const LONGEST_MANIFEST: u64 = 4 << 20;

/// Folders of manifests, the newer layout first.
const LAYOUTS: [&str; 2] = ["manifests-v2", "manifests"];

/// What the names of its models begin with.
const PREFIX: &str = "ollama:";

/// Hosts of Ollama's own library, which names leave out.
const OWN_HOSTS: [&str; 2] = ["registry.ollama.ai", "ollama.com"];

/// The namespace that names leave out.
const LIBRARY: &str = "library";

const MODEL: &str = "application/vnd.ollama.image.model";
const ADAPTER: &str = "application/vnd.ollama.image.adapter";
const TENSOR: &str = "application/vnd.ollama.image.tensor";

/// The store of a user, and that of the system's service.
#[derive(Debug)]
pub(super) struct Ollama {
    roots: Vec<PathBuf>,
    /// Whether the environment names the folder: then it should be there.
    named: bool,
}

/// A manifest, or a list of them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
    #[serde(default)]
    manifests: Vec<Manifest>,
    #[serde(default)]
    runner: String,
    /// Of one in a list that lies in a blob of its own.
    digest: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
}

/// `[HOST/][NAMESPACE/]MODEL[:TAG]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ModelName {
    /// `None` for Ollama's own library.
    host: Option<String>,
    namespace: String,
    model: String,
    tag: String,
}

impl ModelName {
    fn parse(name: &str) -> Option<Self> {
        let (path, tag) = match name.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, tag),
            _ => (name, "latest"),
        };
        let mut parts = path.rsplit('/');
        let model = parts.next()?;
        let namespace = parts.next().unwrap_or(LIBRARY);
        let host = parts.next().filter(|host| !OWN_HOSTS.contains(host));
        let all = [model, namespace, tag].into_iter().chain(host);
        let plain = all.into_iter().all(escape::is_plain_name);
        (plain && parts.next().is_none()).then(|| Self {
            host: host.map(str::to_owned),
            namespace: namespace.to_owned(),
            model: model.to_owned(),
            tag: tag.to_owned(),
        })
    }

    /// As [`Self::parse`] reads it, without what it leaves out.
    fn shown(&self) -> String {
        let Self {
            host,
            namespace,
            model,
            tag,
        } = self;
        match host {
            Some(host) => format!("{host}/{namespace}/{model}:{tag}"),
            None if namespace == LIBRARY => format!("{model}:{tag}"),
            None => format!("{namespace}/{model}:{tag}"),
        }
    }

    /// Ollama takes names in either case.
    fn is(&self, other: &Self) -> bool {
        let [one, other] = [self, other].map(|name| name.shown().to_lowercase());
        one == other
    }
}

/// A manifest's file.
struct Tagged<'r> {
    name: ModelName,
    root: &'r Path,
    path: PathBuf,
}

impl Ollama {
    /// The store in the folder that the environment names.
    pub(super) fn at(root: PathBuf) -> Self {
        Self {
            roots: vec![root],
            named: true,
        }
    }

    /// The stores in those of the usual folders that are there.
    pub(super) fn usual(roots: impl Iterator<Item = PathBuf>) -> Self {
        Self {
            roots: roots.collect(),
            named: false,
        }
    }

    /// Every manifest, those of the newer layout and of the user first; one of each name.
    fn tagged(&self, problems: &mut Vec<String>) -> Vec<Tagged<'_>> {
        let mut known = HashSet::new();
        let mut all = Vec::new();
        for root in &self.roots {
            match fs::metadata(root) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound && !self.named => continue,
                Err(error) => {
                    problems.push(unreadable(root, &error));
                    continue;
                }
            }
            for layout in LAYOUTS {
                let mut below = vec![(Vec::new(), root.join(layout))];
                for _ in 0..4 {
                    let mut next = Vec::new();
                    for (names, path) in below {
                        // A file that the system keeps beside the folders is none.
                        if !path.is_dir() && !names.is_empty() {
                            continue;
                        }
                        next.extend(entries(&path, problems).into_iter().map(|(name, path)| {
                            let mut names: Vec<String> = names.clone();
                            names.push(name);
                            (names, path)
                        }));
                    }
                    below = next;
                }
                for (names, path) in below {
                    let Ok([host, namespace, model, tag]) = <[String; 4]>::try_from(names) else {
                        continue;
                    };
                    let name = ModelName {
                        host: Some(host).filter(|host| !OWN_HOSTS.contains(&host.as_str())),
                        namespace,
                        model,
                        tag,
                    };
                    if !name.tag.starts_with('.') && known.insert(name.shown().to_lowercase()) {
                        all.push(Tagged { name, root, path });
                    }
                }
            }
        }
        all
    }
}

impl ModelStore for Ollama {
    fn list(&self, listing: &mut StoreListing) {
        for tagged in self.tagged(&mut listing.problems) {
            let name = tagged.name.shown();
            match tagged.weights() {
                Ok(path) => {
                    let name = format!("{PREFIX}{name}");
                    listing.models.push(StoredModel {
                        bytes: size(&path),
                        base: None,
                        location: located(&name, path),
                        place: "Ollama",
                        name,
                    });
                }
                Err(why) => listing.problems.push(format!("{PREFIX}{name}: {why}")),
            }
        }
    }

    fn find(&self, name: &str) -> Option<Result<PathBuf, String>> {
        let name = name.strip_prefix(PREFIX)?;
        let Some(wanted) = ModelName::parse(name) else {
            let expected = "expected a name as Ollama has it, such as ollama:llama3.2:1b";
            return Some(Err(expected.to_owned()));
        };
        let mut problems = Vec::new();
        let tagged = self.tagged(&mut problems);
        Some(match tagged.iter().find(|tagged| tagged.name.is(&wanted)) {
            Some(tagged) => tagged.weights(),
            None => {
                let roots: Vec<String> = self.roots.iter().map(|r| escape::path(r)).collect();
                let none = format!("Ollama keeps none of that name in {}", roots.join(" or "));
                problems.insert(0, none);
                Err(problems.join("; "))
            }
        })
    }
}

impl Tagged<'_> {
    /// The file of the model's weights, a GGUF file.
    ///
    /// # Errors
    /// The manifest is damaged, or what it names is none or is not there.
    fn weights(&self) -> Result<PathBuf, String> {
        let again = || format!("get it again with `ollama pull {}`", self.name.shown());
        let manifest = self.manifest(&self.path)?;
        let of_kind = |kind: &str| {
            let mut layers = manifest.layers.iter();
            layers.find(|layer| layer.media_type.split(';').next() == Some(kind))
        };
        let Some(model) = of_kind(MODEL) else {
            return Err(match of_kind(TENSOR) {
                Some(_) => {
                    "Ollama keeps this variant tensor by tensor, for its MLX runner, which is \
                            not read here: pull a variant that is GGUF"
                        .to_owned()
                }
                None => "its manifest names no weights: Ollama runs it elsewhere (a cloud model)"
                    .to_owned(),
            });
        };
        if of_kind(ADAPTER).is_some() {
            return Err(
                "it is a model with an adapter beside it that would have to be applied: open the \
                 model that it was made from"
                    .to_owned(),
            );
        }
        let blob = self.blob(&model.digest)?;
        match fs::metadata(&blob) {
            Ok(_) => Ok(blob),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(format!(
                "its manifest names {}, which is not there: {}",
                escape::path(&blob),
                again()
            )),
            Err(error) => Err(unreadable(&blob, &error)),
        }
    }

    /// The manifest in a file; of a list, the one of a program that runs GGUF, or else the first.
    fn manifest(&self, path: &Path) -> Result<Manifest, String> {
        let read = |path: &Path| -> Result<Manifest, String> {
            let bytes = outside::read(path, LONGEST_MANIFEST).map_err(|e| e.to_string())?;
            serde_json::from_slice(&bytes).map_err(|error| {
                format!(
                    "{}: expected a manifest of Ollama, got {}: pull the model again",
                    escape::path(path),
                    escape::short(&error.to_string())
                )
            })
        };
        let mut manifest = read(path)?;
        if manifest.manifests.is_empty() {
            return Ok(manifest);
        }
        let of_gguf = |one: &Manifest| !one.runner.eq_ignore_ascii_case("mlx");
        let at = manifest.manifests.iter().position(of_gguf).unwrap_or(0);
        let chosen = manifest.manifests.swap_remove(at);
        match &chosen.digest {
            Some(digest) if chosen.layers.is_empty() => read(&self.blob(digest)?),
            _ => Ok(chosen),
        }
    }

    /// The file of a digest, `sha256:HEX`.
    fn blob(&self, digest: &str) -> Result<PathBuf, String> {
        let hex = digest
            .strip_prefix("sha256")
            .and_then(|rest| rest.strip_prefix([':', '-']));
        let hex = hex.filter(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match hex {
            Some(hex) => Ok(self.root.join("blobs").join(format!("sha256-{hex}"))),
            None => Err(format!(
                "its manifest names {:?}, expected sha256: and 64 digits: pull the model again",
                escape::short(digest)
            )),
        }
    }
}
