//! `lexiscope rank`: the ranked neurons or heads of a layer, or of all.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use super::convention::ConventionChoice;
use super::listed::{answering, listed};
use super::shared_args::{FilterArgs, OutputArgs, ReadingArgs, list_length};
use super::{card_for, milliseconds, print, say_timings};
use crate::query::sheet::rank_sheet;
use crate::query::{Callbacks, Convention, Query, RankAnswer, RankMetric, RankQuery};
use crate::report;
use crate::sheet::Timings;
use crate::vocabulary::Filters;

/// What is ranked, and by what.
#[derive(Debug, Args)]
pub struct RankArgs {
    /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
    pub model: String,
    /// Counted from 0; without it all layers, which takes a product with every neuron
    #[arg(long, short, value_name = "N")]
    layer: Option<usize>,
    /// overlap: share of the 30 best tokens that K and V have in common; norm: length of the
    /// value; z: how far the best score of K or V lies above the layer's, in standard deviations;
    /// stem: share of the 30 best tokens of K or V that look alike; kurtosis of the scores of K or V
    /// over the vocabulary; outliers: share of scores 4 standard deviations above the mean;
    /// enrichment or depletion: cosine of what is read and written, of gated neurons how clearly
    /// they are of the class, as conditional-enrichment, conditional-depletion,
    /// proportional-change and orthogonal-output. Of heads, copying: the copying score of VO; same:
    /// share of its 30 best pairs that are twice the same word; matching and same-qk: the same of QK;
    /// previous-token and induction: over repeated random tokens, attention to the token before, and
    /// to what followed the same token last time; a bundled relation (pl-capital, en-past …): the
    /// share of its pairs that VO maps
    #[arg(long, default_value_t, value_name = "WHAT")]
    by: RankMetric,
    /// Neurons or heads in the list
    #[arg(short = 'n', default_value_t = 30, value_parser = list_length)]
    count: usize,
    /// Tokens of each side that come with a neuron or a head; without any (0) heads are ranked by
    /// copying and matching faster
    #[arg(long, value_name = "N", default_value_t = RankQuery::WORDS, value_parser = words_length)]
    list_words: usize,
    /// Rank heads by `same` and `same-qk` by pairs that are likely the best, without the search that
    /// proves it: over large vocabularies seconds a head are saved
    #[arg(long)]
    likely: bool,
    /// Take the lists from this finished scan of the model, where it has them
    #[arg(long, value_name = "FILE")]
    pub scan: Option<PathBuf>,
    /// How weights become words; as for `neuron`
    #[arg(long, default_value_t, value_name = "NAMES")]
    pub convention: ConventionChoice,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    filters: FilterArgs,
}

fn words_length(text: &str) -> Result<usize, String> {
    let most = RankMetric::TOP;
    let length = text.parse().ok().filter(|words| *words <= most);
    length.ok_or_else(|| format!("expected a whole number from 0 to {most}"))
}

impl RankArgs {
    /// The query that is meant, of a layer.
    fn query(&self, layer: usize, filters: &Filters) -> RankQuery {
        RankQuery {
            layer,
            by: self.by,
            count: self.count,
            words: self.list_words,
            filters: filters.clone(),
            convention: Convention::RAW,
            likely: self.likely,
        }
    }
}

/// Ranks a layer, or all of them.
pub(super) fn rank(args: RankArgs) -> Result<()> {
    let filters = args.filters.clone().read()?;
    let (model, scan, output) = (&args.model, args.scan.as_deref(), args.output);
    if let Some(layer) = args.layer {
        let query = Query::Rank(args.query(layer, &filters));
        let reading = ReadingArgs::untested(args.convention);
        return listed(model, scan, query, reading, output);
    }
    let first = Query::Rank(args.query(0, &filters));
    let (mut reader, first, open) = answering(model, scan, first, args.convention, output)?;
    let convention = first.convention().unwrap_or_default();
    let start = Instant::now();
    let card = card_for(&mut *reader, &first, output)?;
    let queries = (0..card.spec.layers).map(|layer| RankQuery {
        convention,
        ..args.query(layer, &filters)
    });
    let queries: Vec<RankQuery> = queries.filter(|query| query.has_any(&card)).collect();
    let answers = reader.rank_layers(&queries, Callbacks::none())?;
    let timings = Timings {
        open,
        compute: milliseconds(start),
        ..Timings::default()
    };
    let shown = output.timings.then_some(timings);
    let layers: Vec<(&RankQuery, &RankAnswer)> = queries.iter().zip(&answers).collect();
    let sheet = rank_sheet(&card, &layers, args.count).map(|sheet| sheet.timed(shown));
    let text = sheet.map_or_else(String::new, |sheet| report::write(&sheet, output.format));
    say_timings(output, timings);
    print(&output.csv.written(text, output.format))
}
