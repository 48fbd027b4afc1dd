//! `lexiscope geometry`: the same texts through one model after another.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::geometry::{Language, Texts};
use crate::query::sheet::{MapOf, ModelGeometry, geometry_sheet, map_sheet};
use crate::query::{Answer, Answering, Callbacks, GeometryAnswer, ModelCard, Query, QueryError};
use crate::report::{self, ChartFormat};
use crate::sheet::Timings;

use super::geometry_args::GeometryArgs;
use super::progress::ProgressLine;
use super::say::{self, say};
use super::texts_args::fitting;
use super::{milliseconds, open_on, print, start_threads};

struct Answered<A> {
    card: Arc<ModelCard>,
    answer: A,
    timings: Timings,
}

/// Measures every model, or makes a map of each, and prints what came of it.
pub(super) fn run(args: &GeometryArgs) -> Result<()> {
    let mut texts = args.texts()?;
    start_threads(args.machine)?;
    if args.points {
        return points(args, texts);
    }
    let mut answered: Vec<Answered<GeometryAnswer>> = Vec::new();
    for model in &args.models {
        answered.push(measured(model, &mut texts, args)?);
    }
    let query = args.query(texts.unwrap_or_else(|| Texts::bundled(Language::Polish)));
    let models: Vec<ModelGeometry<'_>> = answered
        .iter()
        .map(|one| ModelGeometry {
            card: &one.card,
            answer: &one.answer,
            timings: timings(args, one),
        })
        .collect();
    let chart = args.chart();
    print(&match args.format {
        ChartFormat::Text(format) => {
            let text = report::write(&geometry_sheet(&models, &query, &chart), format);
            args.csv.written(text, format)
        }
        ChartFormat::Svg => report::chart(&models, &query, &chart)?,
    })
}

/// Prints the token's occurrences as points, a map for each model.
fn points(args: &GeometryArgs, mut texts: Option<Texts>) -> Result<()> {
    let models = args.models.len();
    if args.format == ChartFormat::Svg && models > 1 {
        bail!("a picture is of one map: expected one model, got {models}; ask for each alone");
    }
    let mut sheets = Vec::with_capacity(models);
    for model in &args.models {
        let query = |texts| args.map_query(texts).map(Query::ContextMap);
        let of = answer(model, &mut texts, args, query)?;
        let (Some(query), Answer::Map(map)) =
            (texts.clone().and_then(|t| args.map_query(t)), &of.answer)
        else {
            return Err(QueryError::WrongAnswer.into());
        };
        map.notices
            .iter()
            .for_each(|notice| say(format_args!("{}: {notice}", of.card.name)));
        let map = MapOf::occurrences(&of.card, &query, map);
        let timings = timings(args, &of);
        match args.format {
            ChartFormat::Svg => return print(&report::map_chart(&map)?),
            ChartFormat::Text(_) => sheets.push(map_sheet(&map).timed(timings)),
        }
    }
    let ChartFormat::Text(format) = args.format else {
        return Ok(());
    };
    print(&args.csv.written(report::write_all(&sheets, format), format))
}

/// How long it took, if that is asked for: in JSON, else on standard error.
fn timings<A>(args: &GeometryArgs, of: &Answered<A>) -> Option<Timings> {
    if args.timings && args.format != ChartFormat::Text(report::Format::Json) {
        say::line(format_args!("{}: {}", of.card.name, of.timings));
    }
    args.timings.then_some(of.timings)
}

/// Measures one model.
fn measured(
    model: &str,
    texts: &mut Option<Texts>,
    args: &GeometryArgs,
) -> Result<Answered<GeometryAnswer>> {
    let query = |texts| Some(Query::Geometry(args.query(texts)));
    let Answered {
        card,
        answer,
        timings,
    } = answer(model, texts, args, query)?;
    let Answer::Geometry(answer) = answer else {
        return Err(QueryError::WrongAnswer.into());
    };
    for notice in answer.notices.iter().cloned().chain(missing(&answer)) {
        say(format_args!("{}: {notice}", card.name));
    }
    Ok(Answered {
        card,
        answer,
        timings,
    })
}

/// Asks one model; the first settles which of the bundled texts are taken, where no others are.
fn answer(
    model: &str,
    texts: &mut Option<Texts>,
    args: &GeometryArgs,
    query: impl FnOnce(Texts) -> Option<Query>,
) -> Result<Answered<Answer>> {
    let (mut reader, open) = open_on(model, args.machine)?;
    let card = reader.card();
    let query = query(texts.get_or_insert_with(|| fitting(&card)).clone());
    let query = query.ok_or(QueryError::WrongAnswer)?;
    let start = Instant::now();
    let line = ProgressLine::new();
    let on_partial = |partial| {
        if let Answer::Geometry(partial) = partial {
            line.show(&format!("{}: {:3.0} %", card.name, 100.0 * partial.done));
        }
    };
    let callbacks = Callbacks {
        on_partial: line.rewritten.then_some(&on_partial),
        ..Callbacks::none()
    };
    let answer = reader.answer(&query, callbacks);
    line.end();
    let timings = Timings {
        open,
        compute: milliseconds(start),
        ..Timings::default()
    };
    Ok(Answered {
        card,
        answer: answer?,
        timings,
    })
}

/// What could not be measured, a sentence for each reason. That no text holds the token is said
/// already.
fn missing(answer: &GeometryAnswer) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    let nowhere = answer.token.as_ref().is_some_and(|t| t.occurrences == 0);
    for curve in &answer.curves {
        let Some(why) = &curve.missing else { continue };
        if nowhere && curve.measure.of_token() {
            continue;
        }
        match reasons.iter_mut().find(|(reason, _)| reason == why) {
            Some((_, titles)) => titles.push(curve.measure.title()),
            None => reasons.push((why, vec![curve.measure.title()])),
        }
    }
    let sentence = |(why, titles): (&str, Vec<&str>)| format!("no {}: {why}", titles.join(", "));
    reasons.into_iter().map(sentence).collect()
}
