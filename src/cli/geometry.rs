//! `lexiscope geometry`: the same texts through one model after another.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::query::{Answer, Answering, GeometryAnswer, GeometryQuery, ModelCard, Query, Watch};
use crate::report::{self, GeometryFormat, ModelGeometry, Timings};

use super::geometry_args::GeometryArgs;
use super::{milliseconds, open_on, print, start_threads};

struct Answered {
    card: Arc<ModelCard>,
    answer: GeometryAnswer,
    timings: Timings,
}

/// Measures every model and prints what was measured.
pub(super) fn run(args: &GeometryArgs) -> Result<()> {
    let query = args.query()?;
    start_threads(args.machine)?;
    let answered = args.models.iter().map(|model| answer(model, &query, args));
    let answered: Vec<Answered> = answered.collect::<Result<_>>()?;
    if args.timings && args.format != GeometryFormat::Text(report::Format::Json) {
        for one in &answered {
            eprintln!("{}: {}", one.card.name, one.timings);
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
        GeometryFormat::Text(format) => report::geometry(&models, &query, chart.corrected, format),
        GeometryFormat::Svg => report::chart(&models, &chart)?,
    })
}

fn answer(model: &str, query: &GeometryQuery, args: &GeometryArgs) -> Result<Answered> {
    let (mut reader, open) = open_on(model, args.machine)?;
    let card = reader.card();
    let start = Instant::now();
    let watch = Progress {
        name: &card.name,
        shown: std::io::stderr().is_terminal(),
    };
    let answer = reader.answer(&Query::Geometry(query.clone()), &watch);
    watch.clear();
    let Some(Answer::Geometry(answer)) = answer? else {
        bail!("no answer came back; this is a defect of lexiscope");
    };
    let missing = answer
        .curves
        .iter()
        .filter_map(|c| c.missing.as_ref().map(|why| (c, why)));
    let missing = missing.map(|(c, why)| format!("no {}: {why}", c.measure.title()));
    for notice in answer.notices.iter().cloned().chain(missing) {
        eprintln!("lexiscope: {}: {notice}", card.name);
    }
    let compute = milliseconds(start);
    Ok(Answered {
        card,
        answer,
        timings: Timings { open, compute },
    })
}

/// Waits to the end, and shows how far it is.
struct Progress<'a> {
    name: &'a str,
    shown: bool,
}

impl Progress<'_> {
    fn clear(&self) {
        if self.shown {
            eprint!("\r\x1b[K");
        }
    }
}

impl Watch for Progress<'_> {
    fn wanted(&self) -> bool {
        true
    }

    fn improved(&self, partial: Answer) {
        if let (true, Answer::Geometry(partial)) = (self.shown, partial) {
            eprint!("\r{}: {:3.0} %", self.name, 100.0 * partial.done);
            // What cannot be shown is no reason to stop.
            let _ = std::io::stderr().flush();
        }
    }
}
