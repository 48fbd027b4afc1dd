//! The command line as a value.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::contexts::{ContextsArgs, EvidenceArgs};
use super::convention::ConventionChoice;
use super::dictionary::{DictionaryArgs, DictionaryPlaceArgs};
use super::difference::DifferenceArgs;
use super::experts::ExpertsArgs;
use super::fit_lens::FitLensArgs;
use super::geometry_args::GeometryArgs;
use super::guide::GuideArgs;
use super::lens_effect::LensEffectArgs;
use super::links::LinksArgs;
use super::lookup_args::{DirectionsArgs, FindArgs};
use super::machine::Machine;
use super::place::{FormPlace, NeuronPlace};
use super::prompt::PromptArgs;
use super::rank::RankArgs;
use super::relations::RelationsArgs;
use super::shared_args::{CsvArgs, FilterArgs, OutputArgs, ReadingArgs, column, list_length};
use super::similar::SimilarArgs;
use crate::explorer::saved_view::SavedView;
use crate::query::{Convention, NeuronColumn};
use crate::report::Format;
use crate::scan::{Layers, ScanPlan, What};
use crate::transformer::Input;
use crate::vocabulary::Filters;

/// Read a transformer's weights as words.
///
/// Without a command it opens the explorer; in a pipe it prints what the explorer would show.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub explore: Explore,
}

const EXAMPLES: &str = "\
Examples:
  lexiscope                                      explore the last model, or the bundled gpt2-pl
  lexiscope ./my-gpt2 --at L19.N0                a checkpoint folder, at a neuron
  lexiscope neuron gpt2-pl 3 103 --alnum         a neuron's four columns
  lexiscope pairs bert-pl qk 2 1 --exclude-same  what a head brings together
  lexiscope pairs gpt2-pl vo 4 3 --format json   … as JSON
  lexiscope find gpt2-pl miasto woda             where words stand in it
  lexiscope directions gpt2-pl vo 4 3            what a head reads, and what it writes for it
  lexiscope difference ./tuned --against ./base  what a fine-tune changed most
  lexiscope neuron ./tuned L3.N103 --against ./base   … and what of it a neuron's words show
  lexiscope rank gpt2-pl --layer 3 --by stem     a layer's neurons, ranked by a measure
  lexiscope relations gpt2-pl                    which heads map words to their plurals, past …
  lexiscope links gpt2-pl L3.N103                who feeds a neuron, and whom it feeds
  lexiscope geometry bert-pl gpt2-pl             how far apart two models keep their words
  lexiscope geometry gpt2-pl --token zamek       … and one word of several meanings
  lexiscope prompt gpt2-pl --text 'Byłem w'      what a text sets off in it
  lexiscope contexts gpt2-pl L3.N103             where a neuron fires, and whether its key tells
  lexiscope sdadas/polish-gpt2-medium            a model from the hub, downloaded once
  lexiscope scan gpt2-pl --out gpt2-pl.parquet   every list of the model as one table
  lexiscope guide conventions                    a page of the guide; without a topic, the list";

/// What the explorer starts with.
#[derive(Debug, Args)]
pub struct Explore {
    /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
    pub model: Option<String>,
    /// Where to start: L3, L3.N907, L3.H7, L3.H7.VO, L3.H7.QK, S4; in quotes also with options as
    /// the explorer copies them ("L3.N907 --convention gain --ascii"), or a whole command line
    /// ("lexiscope neuron gpt2-pl 3 907")
    #[arg(long, value_name = "ADDRESS")]
    pub at: Option<SavedView>,
    /// Open directions from this file or folder beside the model, in a tab of their own; as for
    /// `dictionary`
    #[arg(long, value_name = "FILE", conflicts_with = "at")]
    pub directions: Option<PathBuf>,
    #[command(flatten)]
    pub dictionary: DictionaryPlaceArgs,
    /// Take lists from this finished scan of the model, this time and the next times
    #[arg(long, value_name = "FILE")]
    pub scan: Option<PathBuf>,
    /// When to use colour; NO_COLOR counts for auto
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
    /// Leave the mouse to the terminal
    #[arg(long)]
    pub no_mouse: bool,
    #[command(flatten)]
    pub machine: Machine,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// One-shot commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A neuron's tokens: columns K, V, −K, −V
    Neuron {
        /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
        model: String,
        #[command(flatten)]
        place: NeuronPlace,
        /// Tokens in each column
        #[arg(short, default_value_t = 30, value_parser = list_length)]
        k: usize,
        /// Of gated feed-forwards, which input is the key: gate or up
        #[arg(long, default_value = "gate", value_name = "INPUT")]
        key: Input,
        /// The best of one column as points in two dimensions, where their embeddings lie
        #[arg(long, requires = "column", conflicts_with_all = ["robustness", "scan"])]
        points: bool,
        /// The column of the points: K, V, -K or -V
        #[arg(long, value_parser = column, requires = "points", value_name = "COLUMN", allow_hyphen_values = true)]
        column: Option<NeuronColumn>,
        #[command(flatten)]
        reading: ReadingArgs,
        /// Take the lists from this finished scan of the model, where it has them
        #[arg(long, value_name = "FILE")]
        scan: Option<PathBuf>,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        filters: FilterArgs,
    },
    /// A head's best token pairs
    Pairs {
        /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
        model: String,
        #[command(flatten)]
        place: FormPlace,
        /// Pairs in the list
        #[arg(short, default_value_t = 50, value_parser = list_length)]
        k: usize,
        /// The lowest pairs, the most negative first
        #[arg(long)]
        lowest: bool,
        /// QK with rotary positions: how many tokens the key lies behind the query
        #[arg(long, default_value_t = 0, value_name = "TOKENS")]
        distance: usize,
        #[command(flatten)]
        reading: ReadingArgs,
        /// Take the lists from this finished scan of the model, where it has them
        #[arg(long, value_name = "FILE")]
        scan: Option<PathBuf>,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        filters: FilterArgs,
    },
    /// Where words stand: in which neurons, in which heads
    Find(FindArgs),
    /// The singular directions of a head's forms, or of a layer's keys or values
    Directions(DirectionsArgs),
    /// Directions from a file (an autoencoder, a transcoder, any rows) as words
    Dictionary(DictionaryArgs),
    /// The neurons of a layer, or its heads, ranked by a measure
    Rank(RankArgs),
    /// How far heads map words to others that stand in a relation to them (country → capital …)
    Relations(RelationsArgs),
    /// Who writes what a neuron or head reads, and who reads what it writes
    Links(LinksArgs),
    /// Neurons whose words are like a neuron's, in its own model or in another one
    Similar(SimilarArgs),
    /// What a fine-tune or an adapter changed: neurons and heads by how far they moved
    Difference(DifferenceArgs),
    /// The words that call a layer's experts, and each token's first expert (mixture of experts)
    Experts(ExpertsArgs),
    /// How far apart a model keeps its words, state by state
    Geometry(GeometryArgs),
    /// What a model does with a text: predictions, states as words, who moved a word; and changed
    Prompt(PromptArgs),
    /// Where a neuron or a head fires: passages of texts, and whether its key tells
    Contexts(ContextsArgs),
    /// Whether keys tell when neurons fire, and values what comes next: of all neurons, by layer
    Evidence(EvidenceArgs),
    /// Every neuron's and head's lists as one Parquet file; an ended scan goes on where it was
    Scan {
        /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
        model: String,
        /// The file to write; until it is whole its parts lie in FILE.parts
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        range: ScanRange,
        /// How weights become words, in all lists; as for `neuron`
        #[arg(long, default_value_t, value_name = "NAMES")]
        convention: ConventionChoice,
        #[command(flatten)]
        machine: Machine,
        #[command(flatten)]
        filters: FilterArgs,
    },
    /// Fit a Jacobian lens of a model on texts
    FitLens(FitLensArgs),
    /// What a fitted lens changes in each layer's lists, and whether words stand out more
    LensEffect(LensEffectArgs),
    /// What a model is: family, sizes, vocabulary
    Info {
        /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
        model: String,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// The models that can be opened by name; with --families all families and what works of each
    Models {
        /// Every model_type, what can be asked of its models, and what is refused and why
        #[arg(long)]
        families: bool,
        /// How to write it
        #[arg(long, default_value_t, value_name = "FORMAT")]
        format: Format,
        #[command(flatten)]
        csv: CsvArgs,
    },
    /// Bring a model from the hub into the cache that Python's tools use, and print its folder
    Download {
        /// owner/name[@revision]
        model: String,
    },
    /// Print a page of the guide, or the list of its topics
    Guide(GuideArgs),
    /// Print a completion script
    Completions { shell: clap_complete::Shell },
    /// Print manual pages (roff): one for the program and one for every command
    Man {
        /// Only the page of this command
        command: Option<String>,
    },
}

/// What of a model is scanned.
#[derive(Clone, Debug, Args)]
pub struct ScanRange {
    /// Only these layers: 0..8 (0 to 7), or one: 3
    #[arg(long, value_name = "LAYERS")]
    layers: Option<Layers>,
    /// Tokens in each column of a neuron
    #[arg(short, default_value_t = 30, value_parser = list_length)]
    k: usize,
    /// Pairs in each list of a head
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = list_length)]
    pairs: usize,
    /// No heads
    #[arg(long, conflicts_with = "heads_only")]
    neurons_only: bool,
    /// No neurons
    #[arg(long)]
    heads_only: bool,
}

impl ScanRange {
    /// The scan that is asked for.
    pub fn plan(self, filters: Filters, convention: Convention) -> ScanPlan {
        let what = match (self.neurons_only, self.heads_only) {
            (true, _) => What::Neurons,
            (_, true) => What::Heads,
            _ => What::All,
        };
        ScanPlan {
            layers: self.layers,
            what,
            k: self.k,
            pairs: self.pairs,
            filters,
            convention,
        }
    }
}
