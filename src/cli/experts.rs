//! `lexiscope experts`: the words that call a layer's experts, and every token's first expert.

use anyhow::{Result, bail};
use clap::Args;

use super::convention::ConventionChoice;
use super::listed::listed;
use super::shared_args::{FilterArgs, OutputArgs, ReadingArgs, list_length};
use crate::query::{Address, Convention, ExpertsQuery, Query};

/// Which experts, and how their words are listed.
#[derive(Debug, Args)]
pub struct ExpertsArgs {
    /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
    pub model: String,
    /// A layer, counted from 0 (3 or L3), or one of its experts (L3.E37)
    #[arg(value_name = "PLACE")]
    place: String,
    /// Tokens in each list [default: 8 of a layer's experts, 30 of one]
    #[arg(short, value_parser = list_length)]
    k: Option<usize>,
    /// How weights become words; as for `neuron`
    #[arg(long, default_value_t, value_name = "NAMES")]
    convention: ConventionChoice,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    filters: FilterArgs,
}

/// Tokens in the lists of one expert.
const WORDS_OF_ONE: usize = 30;

impl ExpertsArgs {
    fn place(&self) -> Result<(usize, Option<usize>)> {
        let number = self.place.parse().ok();
        let digits = self.place.bytes().all(|byte| byte.is_ascii_digit());
        match (number.filter(|_| digits), self.place.parse()) {
            (Some(layer), _) | (None, Ok(Address::Layer { layer })) => Ok((layer, None)),
            (
                None,
                Ok(Address::Expert {
                    layer,
                    expert: Some(expert),
                    neuron: None,
                }),
            ) => Ok((layer, Some(expert))),
            _ => bail!(
                "expected a layer (3 or L3) or an expert that the router chooses (L3.E37), got {}",
                self.place
            ),
        }
    }
}

/// Lists them.
pub(super) fn experts(args: &ExpertsArgs) -> Result<()> {
    let (layer, expert) = super::usage("experts", args.place());
    let usual = expert.map_or(ExpertsQuery::WORDS, |_| WORDS_OF_ONE);
    let query = ExpertsQuery {
        layer,
        expert,
        k: args.k.unwrap_or(usual),
        filters: args.filters.clone().read()?,
        convention: Convention::RAW,
    };
    let reading = ReadingArgs::untested(args.convention);
    listed(
        &args.model,
        None,
        Query::Experts(query),
        reading,
        args.output,
    )
}
