//! `lexiscope similar`: neurons whose columns over the vocabulary are like a neuron's, in its own model or
//! in another one.

use std::time::Instant;

use anyhow::Result;
use clap::Args;

use super::convention::ConventionChoice;
use super::shared_args::{FilterArgs, OutputArgs, list_length};
use super::{milliseconds, open, open_on, print_sheet, usage};
use crate::query::sheet::similar_sheet;
use crate::query::{Address, Answering, Callbacks, SimilarNeuronsQuery};
use crate::sheet::Timings;
use crate::transformer::Input;

/// Which neuron, and where the similar ones are.
#[derive(Debug, Args)]
pub struct SimilarArgs {
    /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
    model: String,
    /// The neuron: L3.N103
    neuron: Address,
    /// The model whose neurons are compared; tokens are matched by their strings [default: the neuron's own]
    #[arg(long, value_name = "MODEL")]
    to: Option<String>,
    /// Neurons in each list
    #[arg(short, default_value_t = 10, value_parser = list_length)]
    k: usize,
    /// Of gated neurons, which input is the key: gate or up
    #[arg(long, default_value = "gate", value_name = "INPUT")]
    key: Input,
    /// Tokens of K and V that come with a neuron
    #[arg(long, value_name = "N", default_value_t = SimilarNeuronsQuery::WORDS)]
    list_words: usize,
    /// How weights become words; as for `neuron`
    #[arg(long, default_value_t, value_name = "NAMES")]
    convention: ConventionChoice,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    filters: FilterArgs,
}

/// Lists them.
pub(super) fn similar(args: SimilarArgs) -> Result<()> {
    let (mut reader, opened) = open(&args.model, args.output.machine)?;
    let address = reader.card().counted(args.neuron)?;
    let Address::Neuron { layer, neuron } = address else {
        return usage(
            "similar",
            Err(anyhow::anyhow!(
                "expected a neuron (L3.N103), got {}",
                args.neuron
            )),
        );
    };
    let (mut other, more) = match &args.to {
        Some(to) => {
            let (other, more) = open_on(to, args.output.machine)?;
            (Some(other), more)
        }
        None => (None, 0.0),
    };
    let query = SimilarNeuronsQuery {
        layer,
        neuron,
        input: args.key,
        count: args.k,
        words: args.list_words,
        filters: args.filters.read()?.per_token(),
        convention: args.convention.of(&mut reader)?,
    };
    let start = Instant::now();
    let answer = reader.similar_neurons_to(&query, other.as_mut(), Callbacks::none())?;
    let timings = Timings {
        open: opened + more,
        compute: milliseconds(start),
        ..Timings::default()
    };
    let to = other.as_ref().map(Answering::card);
    let sheet = similar_sheet(&reader.card(), to.as_deref(), &query, &answer);
    print_sheet(sheet, timings, args.output)
}
