//! `lexiscope lens-effect`: what a fitted lens changes in each layer's lists.

use std::time::Instant;

use anyhow::Result;
use clap::Args;

use super::shared_args::{ChartOutputArgs, FilterArgs, list_length};
use super::{milliseconds, open, print_chart_or_sheet};
use crate::query::sheet::lens_effect_sheet;
use crate::query::{Answering, Callbacks, LensEffectPlan};
use crate::report::{self, ChartFormat};
use crate::sheet::Timings;

/// Of which neurons, and how it is written.
#[derive(Debug, Args)]
pub struct LensEffectArgs {
    /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]; with --lens
    model: String,
    /// Neurons of each layer that are looked at, evenly spaced
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = list_length)]
    neurons: usize,
    /// table, json, csv, markdown or svg
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: ChartFormat,
    #[command(flatten)]
    output: ChartOutputArgs,
    #[command(flatten)]
    filters: FilterArgs,
}

/// Shows it.
pub(super) fn run(args: LensEffectArgs) -> Result<()> {
    let (mut reader, open) = open(&args.model, args.output.machine)?;
    let plan = LensEffectPlan {
        neurons: args.neurons,
        filters: args.filters.read()?.per_token(),
    };
    let start = Instant::now();
    let effect = reader.lens_effect(&plan, Callbacks::none())?;
    let timings = Timings {
        open,
        compute: milliseconds(start),
        ..Timings::default()
    };
    let card = reader.card();
    print_chart_or_sheet(
        (args.format, args.output),
        timings,
        || Ok(report::lens_chart(&card, &plan, &effect)?),
        || Ok(lens_effect_sheet(&card, &plan, &effect)),
    )
}
