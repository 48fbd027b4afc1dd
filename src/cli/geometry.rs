//! `lexiscope geometry`: the same texts through one model after another.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;

use crate::geometry::{Language, Texts};
use crate::query::sheet::{ModelGeometry, geometry_sheet};
use crate::query::{
    Answer, Answering, Callbacks, GeometryAnswer, ModelCard, Query, QueryError, language_of,
};
use crate::report::{self, GeometryFormat};
use crate::sheet::Timings;

use super::geometry_args::GeometryArgs;
use super::progress::ProgressLine;
use super::say::{self, say};
use super::{milliseconds, open_on, print, start_threads};

struct Answered {
    card: Arc<ModelCard>,
    answer: GeometryAnswer,
    timings: Timings,
}

/// Measures every model and prints what was measured.
pub(super) fn run(args: &GeometryArgs) -> Result<()> {
    let mut texts = args.texts()?;
    start_threads(args.machine)?;
    let mut answered: Vec<Answered> = Vec::new();
    for model in &args.models {
        answered.push(answer(model, &mut texts, args)?);
    }
    let bundled = || Texts::bundled(Language::Polish);
    let query = args.query(texts.unwrap_or_else(bundled));
    if args.timings && args.format != GeometryFormat::Text(report::Format::Json) {
        for one in &answered {
            say::line(format_args!("{}: {}", one.card.name, one.timings));
        }
    }
    let models: Vec<ModelGeometry<'_>> = answered
        .iter()
        .map(|one| ModelGeometry {
            card: &one.card,
            answer: &one.answer,
            timings: args.timings.then_some(one.timings),
        })
        .collect();
    let chart = args.chart();
    print(&match args.format {
        GeometryFormat::Text(format) => {
            let text = report::write(&geometry_sheet(&models, &query, &chart), format);
            args.csv.written(text, format)
        }
        GeometryFormat::Svg => report::chart(&models, &query, &chart)?,
    })
}

/// Measures one model; the first settles which of the bundled texts are taken, where no others are.
fn answer(model: &str, texts: &mut Option<Texts>, args: &GeometryArgs) -> Result<Answered> {
    let (mut reader, open) = open_on(model, args.machine)?;
    let card = reader.card();
    let fitting = || {
        let texts = Texts::bundled(language_of(&card.vocabulary));
        let (label, count) = (&texts.label, texts.texts.len());
        say(format_args!(
            "measured on {count} texts: {label}; --texts takes others"
        ));
        texts
    };
    let query = args.query(texts.get_or_insert_with(fitting).clone());
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
    let answer = reader.answer(&Query::Geometry(query), callbacks);
    line.end();
    let Answer::Geometry(answer) = answer? else {
        return Err(QueryError::WrongAnswer.into());
    };
    for notice in answer.notices.iter().cloned().chain(missing(&answer)) {
        say(format_args!("{}: {notice}", card.name));
    }
    let compute = milliseconds(start);
    Ok(Answered {
        card,
        answer,
        timings: Timings { open, compute },
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
