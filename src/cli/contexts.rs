//! `lexiscope contexts` and `lexiscope evidence`: where neurons and heads fire, and whether their
//! lists tell.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;

use super::convention::ConventionChoice;
use super::listed::from_scan;
use super::machine::Machine;
use super::progress::ProgressLine;
use super::shared_args::{ChartOutputArgs, OutputArgs, list_length};
use super::texts_args::{TextsArgs, fitting};
use super::{milliseconds, open, print_chart_or_sheet, print_sheet, usage};
use crate::query::sheet::sheet;
use crate::query::{
    Address, Answer, Answering, Callbacks, ContextTexts, ContextsQuery, Convention, EvidenceQuery,
    Items, Query, QueryError,
};
use crate::report::{self, ChartFormat, Format};
use crate::sheet::Timings;
use crate::transformer::Input;

/// Of which neuron or head, over which texts.
#[derive(Debug, Args)]
pub struct ContextsArgs {
    /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
    pub model: String,
    /// A neuron (L3.N103) or a head (L6.H1)
    #[arg(value_name = "ADDRESS")]
    place: Address,
    #[command(flatten)]
    texts: RunArgs,
    /// Passages of each end, each of a text of its own
    #[arg(short, default_value_t = 10, value_parser = list_length)]
    k: usize,
    /// Of gated feed-forwards, which input is the key: gate or up
    #[arg(long, default_value = "gate", value_name = "INPUT")]
    key: Input,
    /// How the key becomes words; as for `neuron`
    #[arg(long, default_value_t, value_name = "NAMES")]
    convention: ConventionChoice,
    #[command(flatten)]
    output: OutputArgs,
}

/// The evidence of which model, over which texts.
#[derive(Debug, Args)]
pub struct EvidenceArgs {
    /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
    pub model: String,
    #[command(flatten)]
    texts: RunArgs,
    /// Of gated feed-forwards, which input is the key: gate or up
    #[arg(long, default_value = "gate", value_name = "INPUT")]
    key: Input,
    /// How weights become words; as for `neuron`
    #[arg(long, default_value_t, value_name = "NAMES")]
    convention: ConventionChoice,
    /// Take the lists from this finished scan of the model, where it has them
    #[arg(long, value_name = "FILE")]
    pub scan: Option<PathBuf>,
    /// table, json, csv, markdown or svg, a chart by layer
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: ChartFormat,
    #[command(flatten)]
    output: ChartOutputArgs,
}

/// Texts, and how much of each is run.
#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    texts: TextsArgs,
    /// Cut longer texts, special tokens counted
    #[arg(long, value_name = "N", value_parser = list_length, default_value_t = ContextTexts::MAX_TOKENS)]
    max_tokens: usize,
}

/// A query under way, with what it is of.
struct Asked {
    query: Query,
    answer: Answer,
    timings: Timings,
}

pub(super) fn contexts(args: &ContextsArgs) -> Result<()> {
    let among = usage(
        "contexts",
        match args.place {
            Address::Neuron { layer, neuron } => Ok((Items::Neurons, layer, neuron)),
            Address::Head {
                layer,
                head,
                form: None,
            } => Ok((Items::Heads, layer, head)),
            other => Err(anyhow::anyhow!(
                "expected a neuron (L3.N103) or a head (L6.H1), got {other}"
            )),
        },
    );
    let query = |texts, convention| {
        let (among, layer, item) = among;
        Query::Contexts(ContextsQuery {
            layer,
            item,
            among,
            input: args.key,
            texts,
            k: args.k,
            convention,
        })
    };
    let of = (&*args.model, None, &args.texts, args.convention);
    let (mut reader, asked) = ask(of, args.output.machine, query)?;
    let card = match args.output.format {
        Format::Table | Format::Markdown => reader.marked_card(Callbacks::none())?,
        Format::Json | Format::Csv => reader.card(),
    };
    let Some(sheet) = sheet(&card, &asked.query, &asked.answer, None) else {
        bail!(QueryError::WrongAnswer);
    };
    print_sheet(sheet, asked.timings, args.output)
}

pub(super) fn evidence(args: &EvidenceArgs) -> Result<()> {
    let query = |texts, convention| {
        Query::Evidence(EvidenceQuery {
            texts,
            input: args.key,
            convention,
        })
    };
    let scan = args.scan.as_deref();
    let of = (&*args.model, scan, &args.texts, args.convention);
    let (reader, asked) = ask(of, args.output.machine, query)?;
    let card = reader.card();
    let (Query::Evidence(query), Answer::Evidence(found)) = (&asked.query, &asked.answer) else {
        bail!(QueryError::WrongAnswer);
    };
    print_chart_or_sheet(
        (args.format, args.output),
        asked.timings,
        || Ok(report::evidence_chart(&card, query, found)?),
        || sheet(&card, &asked.query, &asked.answer, None).ok_or(QueryError::WrongAnswer.into()),
    )
}

/// Opens the model and answers, with a line of how far it is.
fn ask(
    (model, scan, texts, convention): (&str, Option<&Path>, &RunArgs, ConventionChoice),
    machine: Machine,
    query: impl Fn(ContextTexts, Convention) -> Query,
) -> Result<(Box<dyn Answering>, Asked)> {
    let given = texts.texts.read()?;
    let (reader, open) = open(model, machine)?;
    let texts = ContextTexts {
        texts: given.unwrap_or_else(|| fitting(&reader.card())),
        max_tokens: texts.max_tokens,
    };
    let query = query(texts.clone(), Convention::RAW);
    let (mut reader, query) = from_scan(reader, scan, query, convention)?;
    let start = Instant::now();
    let line = ProgressLine::new();
    let on_partial = |partial| {
        let done = match partial {
            Answer::Contexts(partial) => partial.done,
            Answer::Evidence(partial) => partial.done,
            _ => return,
        };
        line.show(&format!("{model}: {:3.0} %", 100.0 * done));
    };
    let callbacks = Callbacks {
        on_partial: Some(&on_partial),
        ..Callbacks::none()
    };
    let answer = reader.answer(&query, callbacks);
    line.end();
    let timings = Timings {
        open,
        compute: milliseconds(start),
        ..Timings::default()
    };
    let answer = answer?;
    Ok((
        reader,
        Asked {
            query,
            answer,
            timings,
        },
    ))
}
