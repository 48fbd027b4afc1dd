//! `lexiscope dictionary`: directions from a file as words.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Args;

use super::convention::ConventionChoice;
use super::listed;
use super::lookup_args::Order;
use super::shared_args::{FilterArgs, OutputArgs, ReadingArgs, list_length, whole_path};
use crate::checkpoint::{DictionaryHook, DictionaryOptions, DictionarySide};
use crate::query::{
    Address, Convention, DictionaryAsk, DictionaryQuery, DictionarySource, Query, RankMetric,
    RankQuery,
};

/// Which dictionary, and what of it.
#[derive(Debug, Args)]
pub struct DictionaryArgs {
    /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
    pub model: String,
    /// A direction: D120, or its number; without one, what the dictionary is
    #[arg(value_name = "DIRECTION")]
    direction: Option<String>,
    /// The directions: .safetensors, .npz, .npy or .pt, or a folder as SAELens, Gemma Scope, Llama
    /// Scope, sparsify, dictionary_learning or circuit-tracer keep theirs
    #[arg(long, value_name = "FILE")]
    directions: PathBuf,
    #[command(flatten)]
    place: DictionaryPlaceArgs,
    /// Directions in whose lists a word stands highest; dom*, /owa$/ and id:91769 as for `find`. May be
    /// repeated
    #[arg(long, value_name = "WORD", conflicts_with_all = ["direction", "rank", "similar"])]
    find: Vec<String>,
    /// What the best of --find are the best by
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHAT",
        requires = "find"
    )]
    by: Order,
    /// Rank the directions by overlap, norm, z or stem, as neurons
    #[arg(long, value_name = "WHAT", conflicts_with_all = ["direction", "similar"])]
    rank: Option<RankMetric>,
    /// Directions and neurons of the model that are like it, by cosine
    #[arg(long, requires = "direction")]
    similar: bool,
    /// How weights become words; as for `neuron`
    #[arg(long, default_value_t, value_name = "NAMES")]
    pub convention: ConventionChoice,
    /// Tokens in each column; of --find places of each kind
    #[arg(short, default_value_t = 30, value_parser = list_length)]
    k: usize,
    /// Directions in a ranking, or that are similar
    #[arg(short = 'n', default_value_t = 30, value_parser = list_length)]
    count: usize,
    /// Tokens of each side that come with a ranked direction
    #[arg(long, value_name = "N", default_value_t = RankQuery::WORDS, requires = "rank")]
    list_words: usize,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    filters: FilterArgs,
}

/// What files of directions do not say of themselves.
#[derive(Clone, Debug, Args)]
pub struct DictionaryPlaceArgs {
    /// The layer that the directions are of, where the files do not say; of folders with a file for
    /// each layer, which
    #[arg(long, value_name = "N", requires = "directions")]
    layer: Option<usize>,
    /// Of a cross-layer transcoder, the layer that is written to
    #[arg(long, value_name = "N", requires = "directions")]
    target: Option<usize>,
    /// Only what is read, or written; what the rows of a plain matrix do [default of those: writes]
    #[arg(long, value_name = "reads|writes", requires = "directions")]
    side: Option<DictionarySide>,
    /// Where: resid_pre, resid_mid, resid_post, attn_in, attn.z, attn_out, mlp_in, mlp_written or
    /// mlp_out
    #[arg(long, value_name = "HOOK", requires = "directions")]
    hook: Option<DictionaryHook>,
    /// The matrix, where a file has several
    #[arg(long, value_name = "NAME", requires = "directions")]
    tensor: Option<String>,
}

impl DictionaryPlaceArgs {
    /// The dictionary in a file, with what is said of it.
    pub(super) fn source(self, path: &Path) -> DictionarySource {
        let Self {
            layer,
            target,
            side,
            hook,
            tensor,
        } = self;
        DictionarySource {
            path: whole_path(path),
            options: DictionaryOptions {
                layer,
                target,
                side,
                hook,
                tensor,
            },
        }
    }
}

impl DictionaryArgs {
    /// The query that is meant.
    ///
    /// # Errors
    /// No address of a direction, or a file of filters that cannot be read.
    pub fn query(self) -> Result<DictionaryQuery> {
        let row = self.direction.as_deref().map(row).transpose()?;
        let ask = match (row, self.rank) {
            (Some(row), _) if self.similar => DictionaryAsk::Similar { row, n: self.count },
            (Some(row), _) => DictionaryAsk::Direction { row, k: self.k },
            (None, Some(by)) => DictionaryAsk::Rank {
                by,
                count: self.count,
                words: self.list_words.min(RankMetric::TOP),
            },
            (None, None) if !self.find.is_empty() => DictionaryAsk::Find {
                words: self.find,
                by: self.by.into(),
                k: self.k,
            },
            (None, None) => DictionaryAsk::About,
        };
        Ok(DictionaryQuery {
            source: Arc::new(self.place.source(&self.directions)),
            ask,
            filters: self.filters.read()?,
            convention: Convention::RAW,
        })
    }
}

/// Prints what is asked of a dictionary.
pub(super) fn run(args: DictionaryArgs) -> Result<()> {
    let reading = ReadingArgs::untested(args.convention);
    let (model, output) = (args.model.clone(), args.output);
    let query = Query::Dictionary(args.query()?);
    listed(&model, None, query, reading, output)
}

/// The number of a direction: `D120`, `120`.
fn row(text: &str) -> Result<usize> {
    match (text.parse::<usize>(), text.parse::<Address>()) {
        (Ok(row), _) | (_, Ok(Address::Direction { row })) => Ok(row),
        _ => bail!("expected a direction's address (D120) or number (120), got {text}"),
    }
}
