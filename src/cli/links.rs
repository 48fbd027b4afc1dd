//! `lexiscope links`: who writes what a neuron or head reads, and who reads what it writes.

use anyhow::Result;
use clap::Args;

use super::convention::ConventionChoice;
use super::listed;
use super::shared_args::{FilterArgs, OutputArgs, ReadingArgs, list_length};
use crate::query::{Address, Convention, LinksQuery, Query};
use crate::transformer::Input;

/// What is linked.
#[derive(Debug, Args)]
pub struct LinksArgs {
    /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
    model: String,
    /// A neuron or a head: L3.N103, L4.H3
    address: Address,
    /// Neurons, and heads, in each list
    #[arg(short = 'n', default_value_t = 10, value_parser = list_length)]
    count: usize,
    /// Of a gated neuron, the input that others write into: gate or up
    #[arg(long, default_value = "gate", value_name = "INPUT")]
    key: Input,
    /// Tokens of K and V that come with a neuron
    #[arg(long, value_name = "N", default_value_t = LinksQuery::WORDS)]
    list_words: usize,
    /// How weights become words; as for `neuron`
    #[arg(long, default_value_t, value_name = "NAMES")]
    convention: ConventionChoice,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    filters: FilterArgs,
}

/// Lists the links of a neuron or head.
pub(super) fn links(args: LinksArgs) -> Result<()> {
    let query = LinksQuery {
        of: args.address.without_form(),
        input: args.key,
        count: args.count,
        words: args.list_words,
        filters: args.filters.read()?.per_token(),
        convention: Convention::RAW,
    };
    let reading = ReadingArgs::untested(args.convention);
    listed(&args.model, None, Query::Links(query), reading, args.output)
}
