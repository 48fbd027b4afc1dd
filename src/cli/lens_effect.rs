//! `lexiscope lens-effect`: what a fitted lens changes in each layer's lists.

use std::time::Instant;

use anyhow::Result;
use clap::Args;

use super::machine::Machine;
use super::shared_args::{CsvArgs, FilterArgs, list_length};
use super::{milliseconds, open, print, say};
use crate::query::sheet::lens_effect_sheet;
use crate::query::{Answering, Callbacks, LensEffectPlan};
use crate::report::{self, ChartFormat, Format};
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
    csv: CsvArgs,
    /// Add how long it took
    #[arg(long)]
    timings: bool,
    #[command(flatten)]
    machine: Machine,
    #[command(flatten)]
    filters: FilterArgs,
}

/// Shows it.
pub(super) fn run(args: LensEffectArgs) -> Result<()> {
    let (mut reader, open) = open(&args.model, args.machine)?;
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
    match args.format {
        ChartFormat::Svg => print(&report::lens_chart(&card, &plan, &effect)?),
        ChartFormat::Text(format) => {
            if args.timings && format != Format::Json {
                say::line(timings);
            }
            let sheet = lens_effect_sheet(&card, &plan, &effect);
            let sheet = sheet.timed(args.timings.then_some(timings));
            print(&args.csv.written(report::write(&sheet, format), format))
        }
    }
}
