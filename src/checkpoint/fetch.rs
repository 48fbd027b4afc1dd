//! From a hub id to a checkpoint that can be opened: which files are needed, and that the model is
//! one of the known families before any weight is asked for.

use std::iter;
use std::ops::Range;
use std::sync::Arc;

use crate::hub::{self, Blocks, Hub, HubError, HubId, Listing, Ranged};
use crate::task::Callbacks;

use super::config::Config;
use super::elsewhere;
use super::files::Files;
use super::location::alike;
use super::weight_files::{self, WeightFiles};
use super::weights::{self, LARGEST_INDEX};
use super::{Checkpoint, CheckpointError, Location, ModelStores, Remote, Spec, safetensors};

/// The file without which nothing is known of a model.
const CONFIG: &str = "config.json";

/// Where a vocabulary may lie, the best first: all files of a set are needed.
const VOCABULARIES: [&[&str]; 7] = [
    &["tokenizer.json"],
    &["vocab.json", "merges.txt"],
    &["vocab.txt"],
    &["tokenizer.model"],
    &["sentencepiece.bpe.model"],
    &["spiece.model"],
    &["tekken.json"],
];

/// What a configuration says of weights that are not plain numbers, or were not before they were saved.
const QUANTISED: [&str; 3] = ["quantization_config", "compression_config", "quantization"];

/// Bytes of headers that are looked at before all weights come.
const HEADERS_MAX: u64 = 1 << 30;

/// Read beside the vocabulary, whatever that lies in.
const BESIDE: [&str; 4] = [
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
];

/// What a vocabulary lies in where there is no tokenizer.json.
const OLDER: [&str; 8] = [
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "bpe.codes",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "spiece.model",
    "tekken.json",
];

/// How the weights of a model on the hub are fetched.
#[derive(Clone, Debug)]
pub enum FetchOption {
    /// All of them, into the cache that Python's tools use.
    Whole,
    /// Only what is looked at, into blocks of our own.
    ByTensor(Arc<Blocks>),
}

/// A checkpoint that was fetched from the hub.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub location: Location,
    /// What the user should know about how it came.
    pub notice: Option<String>,
}

/// Bytes that either option transfers if nothing is in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchEstimate {
    pub whole: u64,
    /// Embeddings and headers, with which looking can begin; `None` where there is only the whole.
    pub first_look: Option<u64>,
}

/// What to fetch of a model: its list of files and its configuration are known.
struct FetchPlan<'a> {
    hub: &'a Arc<Hub>,
    listing: Listing,
    spec: Spec,
    /// The key that says that the weights may be stored in a way that cannot be read.
    doubtful: Option<&'static str>,
    /// Whether neurons have a gate beside their input.
    gated: bool,
    weight_files: WeightFiles,
    /// Whether there is a head beside the embedding, where an index of several files says so.
    head: Option<bool>,
    /// The files of the weights; the index of several is not among them.
    weights: Vec<String>,
    /// Everything else that is needed.
    small: Vec<&'static str>,
    callbacks: Callbacks<'a>,
}

/// Brings a model from the hub. Where only parts are wanted and the server does not give any, all
/// of it comes, with a notice.
///
/// # Errors
/// The hub has it not or does not give it, it is of no known family, it has no weights that can be
/// read, or the transfer is cancelled.
pub fn fetch(
    hub: &Arc<Hub>,
    id: &HubId,
    option: &FetchOption,
    callbacks: Callbacks<'_>,
) -> Result<Fetched, CheckpointError> {
    let plan = FetchPlan::find(hub, id, callbacks).map_err(|error| or_alike(error, id, hub))?;
    let blocks = match option {
        FetchOption::Whole => return plan.whole(None),
        FetchOption::ByTensor(blocks) => blocks,
    };
    if !plan.weight_files.by_tensor {
        let why = "its weights are pickled, and only safetensors can be read in parts";
        return plan.whole(Some(format!("{id}: {why}: downloaded whole")));
    }
    match plan.remote(blocks) {
        Ok(remote) => Ok(Fetched {
            location: Location::Remote(remote),
            notice: Some(format!(
                "{id}: its weights come in parts: what came is held against a hash whenever it is \
                 read again, but only the whole file can be held against the hub's hash: \
                 `lexiscope download {id}` does that"
            )),
        }),
        Err(CheckpointError::Hub {
            error: error @ HubError::NoRanges { .. },
            ..
        }) => plan.whole(Some(format!("{error}: downloaded whole"))),
        Err(error) => Err(error),
    }
}

/// What either option of [`fetch`] would transfer. Only the configuration is fetched.
///
/// # Errors
/// As [`fetch`].
pub fn estimate(
    hub: &Arc<Hub>,
    id: &HubId,
    callbacks: Callbacks<'_>,
) -> Result<FetchEstimate, CheckpointError> {
    let plan = FetchPlan::find(hub, id, callbacks).map_err(|error| or_alike(error, id, hub))?;
    let names = plan.all_files();
    let sizes = hub.sizes(&plan.listing, &names, callbacks)?;
    let whole = sizes.iter().sum();
    let weights = names.iter().zip(&sizes).skip(plan.small.len());
    let weights: u64 = weights.map(|(_, size)| size).sum();
    let first_look = match plan.weight_files.by_tensor {
        true => Some(plan.embedding_bytes().min(weights) + (whole - weights)),
        false => None,
    };
    Ok(FetchEstimate { whole, first_look })
}

impl<'a> FetchPlan<'a> {
    fn find(
        hub: &'a Arc<Hub>,
        id: &HubId,
        callbacks: Callbacks<'a>,
    ) -> Result<Self, CheckpointError> {
        let listing = hub.list(id, callbacks)?;
        let has = |file: &str| listing.file(file).is_some();
        let names = || listing.files.iter().map(|file| file.name.as_str());
        let instead = || elsewhere::in_list(&id.to_string(), names(), None);
        let chosen = weight_files::choose(has);
        let weight_files = chosen.ok_or_else(|| {
            instead().unwrap_or_else(|| elsewhere::no_weights(&listing, weight_files::looked_for()))
        })?;
        if let (false, Some(instead)) = (has(CONFIG), instead()) {
            return Err(instead);
        }
        if !VOCABULARIES
            .iter()
            .any(|set| set.iter().all(|file| has(file)))
        {
            return Err(elsewhere::no_tokenizer(&listing));
        }
        let mut first = vec![CONFIG];
        first.extend(weight_files.is_index.then_some(weight_files.file));
        let folder = hub.download(&listing, &first, callbacks)?;
        let files = Files::Folder(folder);
        let (config, family) = Config::read(&files)?;
        let spec = config.spec(family)?;
        let doubtful = QUANTISED.into_iter().find(|key| config.has(key));
        let (weights, head) = if weight_files.is_index {
            let name = format!("{id}/{}", weight_files.file);
            let bytes = files
                .read(weight_files.file, LARGEST_INDEX)?
                .unwrap_or_default();
            let is_head = |tensor: &str| {
                let mut heads = family.output_embedding.iter();
                heads.any(|head| tensor.ends_with(head))
            };
            let head = weights::names_any(&name, &bytes, is_head)?;
            (weights::shards(&name, &bytes)?, Some(head))
        } else {
            (vec![weight_files.file.to_owned()], None)
        };
        let vocabulary: &[&'static str] = match has("tokenizer.json") {
            true => &["tokenizer.json"],
            false => &OLDER,
        };
        let others = vocabulary.iter().chain(&BESIDE).copied();
        let small = first.iter().copied().chain(others.filter(|file| has(file)));
        Ok(Self {
            hub,
            spec,
            doubtful,
            gated: family.ff_gate.is_some(),
            small: small.collect(),
            listing,
            weight_files,
            head,
            weights,
            callbacks,
        })
    }

    fn all_files(&self) -> Vec<&str> {
        let weights = self.weights.iter().map(String::as_str);
        self.small.iter().copied().chain(weights).collect()
    }

    fn whole(&self, notice: Option<String>) -> Result<Fetched, CheckpointError> {
        let weights: Vec<&str> = self.weights.iter().map(String::as_str).collect();
        if let Some(key) = self.doubtful
            && !self.hub.has(&self.listing, &weights)
        {
            match self.weight_files.by_tensor {
                true => self.check_headers()?,
                false => self.check_sizes(key, &weights)?,
            }
        }
        let folder = self
            .hub
            .download(&self.listing, &self.all_files(), self.callbacks)?;
        self.hub.point_to(&self.listing)?;
        let id = &self.listing.id;
        let unchecked = self
            .hub
            .without_hash(&self.listing, &weights, self.callbacks)?;
        let unchecked = (!unchecked.is_empty()).then(|| {
            let files = unchecked.join(", ");
            format!("{id}: the hub states no hash of {files}: only sizes were checked")
        });
        let notice = match (notice, unchecked) {
            (Some(notice), Some(unchecked)) => Some(format!("{notice}; {unchecked}")),
            (notice, unchecked) => notice.or(unchecked),
        };
        let location = Location::Folder {
            name: self.listing.id.to_string(),
            path: folder,
        };
        Ok(Fetched { location, notice })
    }

    /// Whether pickled weights, which have no headers, are as large as plain numbers are.
    fn check_sizes(&self, key: &'static str, weights: &[&str]) -> Result<(), CheckpointError> {
        let got = self.hub.sizes(&self.listing, weights, self.callbacks)?;
        let got = got.iter().fold(0u64, |sum, size| sum.saturating_add(*size));
        let needed = self.spec.plain_bytes(self.gated);
        match got < needed {
            true => Err(CheckpointError::QuantisedPickle {
                id: self.listing.id.to_string(),
                key,
                needed,
                got,
            }),
            false => Ok(()),
        }
    }

    /// Whether what the headers say can be read, before all that is behind them comes.
    fn check_headers(&self) -> Result<(), CheckpointError> {
        let folder = match tempfile::tempdir() {
            Ok(folder) => folder,
            // Then it shows when all is here.
            Err(error) => {
                tracing::warn!(%error, "no folder for headers");
                return Ok(());
            }
        };
        let blocks = Arc::new(Blocks::open(folder.path().to_owned(), HEADERS_MAX));
        match self.by_headers(&blocks).map(drop) {
            Err(CheckpointError::Hub {
                error: HubError::NoRanges { .. },
                ..
            }) => Ok(()),
            checked => checked,
        }
    }

    /// Headers and embeddings, which every look needs.
    fn remote(&self, blocks: &Arc<Blocks>) -> Result<Arc<Remote>, CheckpointError> {
        let (remote, checkpoint) = self.by_headers(blocks)?;
        checkpoint.bring(&checkpoint.embeddings(), self.callbacks)?;
        Ok(remote)
    }

    /// The model as its headers have it.
    fn by_headers(
        &self,
        blocks: &Arc<Blocks>,
    ) -> Result<(Arc<Remote>, Checkpoint), CheckpointError> {
        let folder = self
            .hub
            .download(&self.listing, &self.small, self.callbacks)?;
        let listing = Arc::new(self.listing.clone());
        let names: Vec<&str> = self.weights.iter().map(String::as_str).collect();
        let weights = Ranged::open(self.hub, &listing, &names, blocks, self.callbacks)?;
        headers(&weights, self.callbacks)?;
        let remote = Arc::new(Remote {
            id: self.listing.id.clone(),
            folder,
            weights: weights.into_iter().map(Arc::new).collect(),
        });
        let checkpoint = Checkpoint::open(&Location::Remote(Arc::clone(&remote)))?;
        Ok((remote, checkpoint))
    }

    /// What the embeddings take at two bytes a number. Where one file holds everything it is not yet
    /// known whether it holds a head: then what the configuration says counts.
    fn embedding_bytes(&self) -> u64 {
        let embeddings = match self.head {
            Some(head) => 1 + u64::from(head),
            None => 1 + u64::from(!self.spec.tied),
        };
        embeddings * 2 * self.spec.vocab as u64 * self.spec.embedding_width as u64
    }
}

/// Brings the headers of all files, those of several at a time.
fn headers(files: &[Ranged], callbacks: Callbacks<'_>) -> Result<(), CheckpointError> {
    // What is too short or says that it is too long is refused where it is read.
    let files: Vec<&Ranged> = files.iter().filter(|file| file.size() >= 8).collect();
    let span = |file, bytes: Range<u64>| (file, iter::once(bytes).collect());
    let mut spans = Vec::with_capacity(files.len());
    for file in &files {
        file.cut_at([8]);
        spans.push(span(*file, 0..8));
    }
    hub::bring(&spans, callbacks)?;
    spans.clear();
    for file in files {
        let bytes = file.read(0..8)?;
        let length = bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b));
        if length <= safetensors::LONGEST_HEADER && length <= file.size() - 8 {
            file.cut_at([8 + length]);
            spans.push(span(file, 8..8 + length));
        }
    }
    Ok(hub::bring(&spans, callbacks)?)
}

/// The error, with what is spelled alike where it may be a matter of spelling.
fn or_alike(error: CheckpointError, id: &HubId, hub: &Hub) -> CheckpointError {
    match error {
        CheckpointError::Hub {
            error:
                error @ (HubError::NotFound { .. }
                | HubError::Refused { .. }
                | HubError::Offline { .. }
                | HubError::Unreachable { .. }),
            ..
        } => CheckpointError::Hub {
            alike: {
                let cached = ModelStores::of_cache(hub.settings().cache.clone());
                alike(&id.to_string(), cached.names())
            },
            error,
        },
        other => other,
    }
}
