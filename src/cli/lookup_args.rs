//! What `find` and `directions` take, and the queries that are meant.

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::convention::ConventionChoice;
use super::place::MatrixPlace;
use super::shared_args::{FilterArgs, OutputArgs, ReadingArgs, list_length};
use super::{listed, usage};
use crate::query::{Convention, DirectionsQuery, FindQuery, Query, RankBy};
use crate::transformer::Input;

/// Looking up by word.
#[derive(Debug, Args)]
pub struct FindArgs {
    /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
    pub model: String,
    /// Words; dom* is all that begins so, /owa$/ what a regular expression finds, id:91769 one token
    #[arg(required = true, value_name = "WORD")]
    pub words: Vec<String>,
    /// What the best are the best by
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub by: Order,
    /// Of gated feed-forwards, which input is the key: gate or up
    #[arg(long, default_value = "gate", value_name = "INPUT")]
    pub key: Input,
    /// How weights become words; as for `neuron`
    #[arg(long, default_value_t, value_name = "NAMES")]
    pub convention: ConventionChoice,
    /// Places of each kind
    #[arg(short, default_value_t = 10, value_parser = list_length)]
    pub k: usize,
    /// No heads, which take longer
    #[arg(long)]
    pub neurons_only: bool,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub filters: FilterArgs,
}

/// As [`RankBy`], for the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// The word's rank in the neuron's own list, counted for every neuron; of heads, whose lists
    /// are of pairs, the score of its best pair
    #[default]
    Rank,
    /// The inner product with the word's embedding
    Score,
    /// … of both at length 1
    Cosine,
}

impl From<Order> for RankBy {
    fn from(order: Order) -> Self {
        match order {
            Order::Score => Self::Score,
            Order::Cosine => Self::Cosine,
            Order::Rank => Self::Rank,
        }
    }
}

/// Taking a matrix apart.
#[derive(Debug, Args)]
pub struct DirectionsArgs {
    /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
    pub model: String,
    #[command(flatten)]
    pub place: MatrixPlace,
    /// How weights become words; as for `neuron`, but directions have no biases
    #[arg(long, default_value_t, value_name = "NAMES")]
    pub convention: ConventionChoice,
    /// Directions, the largest first
    #[arg(short, default_value_t = 10, value_parser = list_length)]
    pub n: usize,
    /// Tokens at each end
    #[arg(short, default_value_t = 10, value_parser = list_length)]
    pub k: usize,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub filters: FilterArgs,
}

/// First words that come with each of the best neurons.
const GIST: usize = 5;

/// Prints where words stand.
pub(super) fn find(args: FindArgs) -> Result<()> {
    let query = FindQuery {
        convention: Convention::RAW,
        words: args.words,
        by: args.by.into(),
        gist: GIST,
        input: args.key,
        k: args.k,
        heads: !args.neurons_only,
        filters: args.filters.read()?,
    };
    let reading = ReadingArgs::untested(args.convention);
    listed(&args.model, None, Query::Find(query), reading, args.output)
}

/// Takes a matrix apart.
pub(super) fn directions(args: DirectionsArgs) -> Result<()> {
    let (part, layer, head) = usage("directions", args.place.read());
    let query = DirectionsQuery {
        part,
        layer,
        head,
        n: args.n,
        k: args.k,
        filters: args.filters.read()?,
        convention: Convention::RAW,
    };
    let reading = ReadingArgs::untested(args.convention);
    listed(
        &args.model,
        None,
        Query::Directions(query),
        reading,
        args.output,
    )
}
