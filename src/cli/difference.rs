//! `lexiscope difference`: neurons and heads by how much a fine-tune changed them.

use anyhow::Result;
use clap::Args;

use super::convention::ConventionChoice;
use super::listed;
use super::shared_args::{FilterArgs, OutputArgs, ReadingArgs, list_length};
use crate::query::{ChangesQuery, Convention, Query};

/// What is ranked.
#[derive(Debug, Args)]
pub struct DifferenceArgs {
    /// The tuned model, or an adapter; --against gives the one that it is compared with
    pub model: String,
    /// Counted from 0; without it all layers
    #[arg(long, short, value_name = "N")]
    layer: Option<usize>,
    /// Neurons, and heads, in the list
    #[arg(short = 'n', default_value_t = 20, value_parser = list_length)]
    count: usize,
    /// Length of the lists of which the overlap is told: how many of the best words both models share
    #[arg(short, default_value_t = 30, value_parser = list_length)]
    k: usize,
    /// The overlap of heads' best pairs too, where a search takes seconds for each head
    #[arg(long, conflicts_with = "neurons_only")]
    pairs: bool,
    /// No heads
    #[arg(long, conflicts_with = "heads_only")]
    neurons_only: bool,
    /// No neurons
    #[arg(long)]
    heads_only: bool,
    /// How weights become words; as for `neuron`
    #[arg(long, default_value_t, value_name = "NAMES")]
    convention: ConventionChoice,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    filters: FilterArgs,
}

/// Ranks what changed.
pub(super) fn difference(args: DifferenceArgs) -> Result<()> {
    let wanted = |left_out: bool| if left_out { 0 } else { args.count };
    let query = ChangesQuery {
        layer: args.layer,
        neurons: wanted(args.heads_only),
        heads: wanted(args.neurons_only),
        k: args.k,
        pairs: args.pairs,
        filters: args.filters.read()?,
        convention: Convention::RAW,
    };
    let reading = ReadingArgs::untested(args.convention);
    listed(
        &args.model,
        None,
        Query::Changes(query),
        reading,
        args.output,
    )
}
