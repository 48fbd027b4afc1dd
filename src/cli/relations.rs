//! `lexiscope relations`: how far heads map words to others that stand in a relation to them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::convention::ConventionChoice;
use super::progress::ProgressLine;
use super::shared_args::{ChartOutputArgs, FilterArgs, label, list_length};
use super::{milliseconds, open, print_chart_or_sheet};
use crate::geometry::Language;
use crate::outside::{self, LONGEST_TEXT, escape};
use crate::query::sheet::sheet;
use crate::query::{
    Answer, Answering, BundledRelation, Callbacks, Convention, Query, QueryError, Relation,
    RelationsQuery, language_of,
};
use crate::report::{self, ChartFormat};
use crate::sheet::Timings;

/// Which relations, and how the scores are written.
#[derive(Debug, Args)]
pub struct RelationsArgs {
    /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
    model: String,
    /// A file of pairs, one a line: source, a tab, target; may be repeated
    #[arg(long, value_name = "FILE.tsv")]
    pairs: Vec<PathBuf>,
    /// A bundled relation (pl-capital, en-past …; an unknown name lists them); may be repeated
    #[arg(long, value_name = "NAME", value_parser = bundled)]
    relation: Vec<BundledRelation>,
    /// The bundled relations of a language: polish, english or all; without this, --pairs and
    /// --relation the language that fits the model's vocabulary
    #[arg(long, value_name = "LANGUAGE", value_parser = languages)]
    language: Option<Languages>,
    /// How many of a source's best tokens count
    #[arg(short, default_value_t = RelationsQuery::K, value_parser = list_length)]
    k: usize,
    /// Heads that a table shows for a relation, each way; JSON and CSV have all
    #[arg(short = 'n', default_value_t = 3, value_parser = list_length)]
    count: usize,
    /// How weights become words; as for `neuron`
    #[arg(long, default_value_t, value_name = "NAMES")]
    convention: ConventionChoice,
    /// table, json, csv, markdown or svg: a map of heads for each relation
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: ChartFormat,
    #[command(flatten)]
    output: ChartOutputArgs,
    #[command(flatten)]
    filters: FilterArgs,
}

/// Languages whose relations are asked for.
#[derive(Clone, Copy, Debug)]
enum Languages {
    One(Language),
    All,
}

fn bundled(name: &str) -> Result<BundledRelation, String> {
    BundledRelation::named(name).ok_or_else(|| {
        let known: Vec<&str> = BundledRelation::all().map(BundledRelation::name).collect();
        format!("expected one of {}, got {name}", known.join(", "))
    })
}

fn languages(name: &str) -> Result<Languages, String> {
    match (name, Language::named(name)) {
        ("all", _) => Ok(Languages::All),
        (_, Some(language)) => Ok(Languages::One(language)),
        (_, None) => Err(format!("expected polish, english or all, got {name}")),
    }
}

/// A relation from a file, called by the file's name.
fn relation_file(path: &Path) -> Result<Relation> {
    let text = outside::read_text(path, LONGEST_TEXT)?;
    let name = label(Path::new(path.file_stem().unwrap_or(path.as_os_str())));
    let file = path.to_string_lossy().into_owned();
    let read = Relation::parse(&escape::line(&name), Some(file), &text);
    read.with_context(|| escape::path(path).to_string())
}

/// Scores them.
pub(super) fn relations(args: RelationsArgs) -> Result<()> {
    let filters = args.filters.clone().read()?.per_token();
    let files: Result<Vec<Relation>> = args.pairs.iter().map(|path| relation_file(path)).collect();
    let mut relations = files?;
    let (mut reader, open) = open(&args.model, args.output.machine)?;
    let named = !args.relation.is_empty() || !args.pairs.is_empty();
    let of_language: Vec<BundledRelation> = match args.language {
        Some(Languages::All) => BundledRelation::all().collect(),
        Some(Languages::One(language)) => BundledRelation::of(language).collect(),
        None if named => Vec::new(),
        None => BundledRelation::of(language_of(&reader.card().vocabulary)).collect(),
    };
    for relation in args.relation.iter().chain(&of_language) {
        relations.push(Relation::bundled(*relation)?);
    }
    let query = Query::Relations(RelationsQuery {
        relations: Arc::from(relations),
        k: args.k,
        count: args.count,
        filters,
        convention: Convention::RAW,
    });
    let query = query.under(args.convention.of(&mut reader)?);
    let start = Instant::now();
    let line = ProgressLine::new();
    let on_partial = |partial| {
        if let Answer::Relations(partial) = partial {
            line.show(&format!("{}: {:3.0} %", args.model, 100.0 * partial.done));
        }
    };
    let callbacks = Callbacks {
        on_partial: Some(&on_partial),
        ..Callbacks::none()
    };
    let answer = reader.answer(&query, callbacks);
    line.end();
    let answer = answer?;
    let timings = Timings {
        open,
        compute: milliseconds(start),
        ..Timings::default()
    };
    let card = reader.card();
    let (Query::Relations(of), Answer::Relations(found)) = (&query, &answer) else {
        bail!(QueryError::WrongAnswer);
    };
    print_chart_or_sheet(
        (args.format, args.output),
        timings,
        || Ok(report::relations_chart(&card, of, found)?),
        || sheet(&card, &query, &answer, None).ok_or(QueryError::WrongAnswer.into()),
    )
}
