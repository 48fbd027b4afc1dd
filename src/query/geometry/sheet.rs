//! Geometry of one or more models as a sheet.

use crate::geometry::{Curve, Estimate, Measure, Subwords, Texts};
use crate::query::{GeometryAnswer, GeometryQuery, ModelCard, TextReading, TokenChoice};
use crate::sheet::{
    Block, Column, CommandLine, NumberForm, Provenance, Record, Section, Sheet, Timings,
    TokenNames, VERSION, Value,
};

/// What a chart shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeometryChart {
    pub measure: Measure,
    /// Less what vectors without any relation have.
    pub corrected: bool,
    pub depth: Depth,
    /// A logarithmic scale of values.
    pub log: bool,
}

/// The horizontal axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// From 0, the embeddings, to 1, the last state: models of any depth side by side.
    Relative,
    /// The number of the state.
    State,
}

/// One model's answer.
#[derive(Clone, Copy)]
pub struct ModelGeometry<'a> {
    pub card: &'a ModelCard,
    pub answer: &'a GeometryAnswer,
    pub timings: Option<Timings>,
}

/// The answers of models to one query. `chart` chooses what a table shows; JSON and CSV hold raw
/// and corrected values of all measures.
pub fn sheet(models: &[ModelGeometry<'_>], query: &GeometryQuery, chart: &GeometryChart) -> Sheet {
    let names: Vec<&str> = models.iter().map(|of| &*of.card.name).collect();
    let command = command(&names, query, chart);
    let texts = &query.reading.texts;
    let document = Record::new()
        .with("command", command.in_format("json"))
        .with("models", models.iter().map(model).collect::<Value>())
        .with("settings", settings(query))
        .with(
            "texts",
            Record::new()
                .with("count", texts.texts.len())
                .with("from", &*texts.label),
        )
        .with("version", VERSION);
    let said = described(query);
    Sheet {
        provenance: Some(Provenance {
            said: said.clone(),
            address: None,
            settings: vec![("settings", said)],
            command: Some(command),
        }),
        names: TokenNames::default(),
        document: document.into(),
        sections: vec![each_value(models), by_state(models, chart.corrected)],
        blocks: vec![Block::table([1])],
        csv_settings: &["settings", "version"],
    }
}

/// What is measured and how, in a line: `texts polish (101) · token zamek · without 3 dominant
/// dimensions`.
pub fn described(query: &GeometryQuery) -> String {
    let texts = &query.reading.texts;
    let mut parts = vec![format!("texts {} ({})", texts.label, texts.texts.len())];
    match &query.token {
        Some(TokenChoice::Word(word)) => parts.push(format!("token {word}")),
        Some(TokenChoice::Id(id)) => parts.push(format!("token id {id}")),
        None => {}
    }
    match query.pieces {
        Subwords::Mean => {}
        Subwords::First => parts.push("first piece of a word".to_owned()),
        Subwords::Last => parts.push("last piece of a word".to_owned()),
    }
    if let Some(max) = query.reading.max_tokens {
        parts.push(format!("at most {max} tokens of a text"));
    }
    if query.reading.skip_first {
        parts.push("without first positions".to_owned());
    }
    if query.reading.skip_special {
        parts.push("without special tokens".to_owned());
    }
    if query.without_dominant > 0 {
        let dimensions = query.without_dominant;
        parts.push(format!("without {dimensions} dominant dimensions"));
    }
    parts.join(" · ")
}

fn settings(query: &GeometryQuery) -> Record {
    let token = match &query.token {
        None => Value::Null,
        Some(TokenChoice::Id(id)) => Value::Integer(*id as usize),
        Some(TokenChoice::Word(word)) => Value::from(&**word),
    };
    Record::new()
        .with("max_tokens", query.reading.max_tokens)
        .with("pieces", query.pieces.name())
        .with("skip_first", query.reading.skip_first)
        .with("skip_special", query.reading.skip_special)
        .with("token", token)
        .with("without_dominant", query.without_dominant)
}

fn model(of: &ModelGeometry<'_>) -> Record {
    let answer = of.answer;
    let states = answer.dominant.len();
    let values = |measure| -> Value {
        match answer.curve(measure) {
            Some(curve) => curve.raw.iter().map(|e| e.map(|e| e.value)).collect(),
            None => vec![Value::Null; states].into_iter().collect(),
        }
    };
    let mut curves: Vec<&Curve> = answer.curves.iter().collect();
    curves.sort_by_key(|curve| curve.measure.name());
    let curves = curves.into_iter().map(|c| (c.measure.name(), curve(c)));
    let dominant = answer.dominant.iter();
    let dominant = dominant.map(|dimensions| Value::from_iter(dimensions.iter().copied()));
    let ids = |ids: &[u32]| Value::from_iter(ids.iter().map(|&id| id as usize));
    let spelling = |spelling: &Vec<u32>| {
        let texts = spelling.iter().map(|&id| of.card.vocabulary.text(id));
        Record::new().with("ids", ids(spelling)).with(
            "text",
            texts.map(|text| Value::from(&*text)).collect::<Value>(),
        )
    };
    let token = answer.token.as_ref().map(|token| {
        Record::new()
            .with("occurrences", token.occurrences)
            .with(
                "spellings",
                token.spellings.iter().map(spelling).collect::<Value>(),
            )
            .with("texts", token.texts)
    });
    let texts = answer.texts.iter().map(|text| {
        Record::new()
            .with(
                "anisotropy",
                Value::from_iter(text.anisotropy.iter().copied()),
            )
            .with("cut_from", text.cut_from)
            .with("ids", ids(&text.ids))
            .with("unknown", text.unknown)
    });
    let timings = of.timings.map(|timings| {
        let compute = Record::new().with("compute", timings.compute);
        compute.with("open", timings.open)
    });
    Record::new()
        .with("anisotropy", values(Measure::Anisotropy))
        .with("context_specificity", values(Measure::ContextSpecificity))
        .with("dominant_dimensions", dominant.collect::<Value>())
        .with("measures", curves.collect::<Record>())
        .with("model", &*of.card.name)
        .with("notices", Value::from_iter(answer.notices.iter().cloned()))
        .with("states", states)
        .with("texts", texts.collect::<Value>())
        .with_some("timing_ms", timings)
        .with("token", token)
}

fn curve(curve: &Curve) -> Record {
    let estimate = |estimate: &Option<Estimate>| {
        estimate.map(|estimate| {
            let interval = estimate.interval.map(Value::from_iter);
            let record = Record::new().with("interval", interval);
            record.with("value", estimate.value)
        })
    };
    Record::new()
        .with(
            "corrected",
            curve.corrected.iter().map(estimate).collect::<Value>(),
        )
        .with("intervals", curve.measure.method())
        .with("missing", curve.missing.as_deref())
        .with("raw", curve.raw.iter().map(estimate).collect::<Value>())
}

/// A value of a model's measure at a state.
struct Point<'a> {
    of: &'a ModelGeometry<'a>,
    curve: &'a Curve,
    state: usize,
}

/// A row for each model, measure and state.
fn each_value(models: &[ModelGeometry<'_>]) -> Section {
    let mut points = Vec::new();
    for of in models {
        for curve in &of.answer.curves {
            points.extend((0..curve.raw.len()).map(|state| Point { of, curve, state }));
        }
    }
    let points = || points.iter();
    let depth = |p: &Point<'_>| {
        let last = p.of.answer.dominant.len().saturating_sub(1).max(1);
        p.state as f64 / last as f64
    };
    let raw = || points().map(|p| p.curve.raw[p.state]);
    let corrected = || points().map(|p| p.curve.corrected.get(p.state).copied().flatten());
    let value = |e: Option<Estimate>| e.map(|e| e.value);
    let low = |e: Option<Estimate>| Some(e?.interval?[0]);
    let high = |e: Option<Estimate>| Some(e?.interval?[1]);
    Section::new([
        Column::of(points().map(|p| p.of.card.name.clone())).csv("model"),
        Column::of(points().map(|p| p.state)).csv("state"),
        Column::of(points().map(depth)).csv("relative_depth"),
        Column::of(points().map(|p| p.curve.measure.name().to_owned())).csv("measure"),
        Column::of(raw().map(value)).csv("value"),
        Column::of(raw().map(low)).csv("low"),
        Column::of(raw().map(high)).csv("high"),
        Column::of(corrected().map(value)).csv("corrected"),
        Column::of(corrected().map(low)).csv("corrected_low"),
        Column::of(corrected().map(high)).csv("corrected_high"),
    ])
}

/// A row for each model and state, a column for each measure.
fn by_state(models: &[ModelGeometry<'_>], corrected: bool) -> Section {
    let states = || {
        let models = models.iter();
        models.flat_map(|of| (0..of.answer.dominant.len()).map(move |state| (of, state)))
    };
    let measured = |m: &Measure| models.iter().any(|of| of.answer.curve(*m).is_some());
    let measures = Measure::ALL.into_iter().filter(measured).map(|measure| {
        let values = states().map(|(of, state)| {
            let curve = of.answer.curve(measure);
            let estimate = curve.and_then(|c| {
                let values = match corrected && !c.corrected.is_empty() {
                    true => &c.corrected,
                    false => &c.raw,
                };
                values.get(state).copied().flatten()
            });
            estimate.map_or("–".to_owned(), |e| format!("{:.4}", e.value))
        });
        Column::of(values).shown_right(heading(measure))
    });
    let models = Column::of(states().map(|(of, _)| of.card.name.clone()));
    let columns = [
        models.shown("model", NumberForm::Plain),
        Column::of(states().map(|(_, state)| state)).shown("state", NumberForm::Plain),
    ];
    Section::new(columns.into_iter().chain(measures))
}

/// A column's name: short, since there are eight of them.
fn heading(measure: Measure) -> &'static str {
    match measure {
        Measure::Anisotropy => "anisotropy",
        Measure::IntraSentence => "intra-sent.",
        Measure::ContextSpecificity => "context spec.",
        Measure::SelfSimilarity => "self-sim.",
        Measure::MevUncentred => "MEV",
        Measure::MevCentred => "MEV centred",
        Measure::MevTruncated => "MEV trunc.",
        Measure::TopThree => "top 3 dims",
    }
}

/// The command that measures them and what the chart shows.
pub fn command(models: &[&str], query: &GeometryQuery, chart: &GeometryChart) -> CommandLine {
    let mut line = CommandLine::new("geometry", &[]);
    for model in models {
        line.word(model);
    }
    add_reading(
        &mut line,
        &query.reading,
        query.token.as_ref(),
        query.pieces,
    );
    if query.without_dominant > 0 {
        line.option("--without-dominant", query.without_dominant);
    }
    line.option("--measure", chart.measure.name());
    line.flag(chart.corrected, "--corrected");
    line.flag(chart.depth == Depth::State, "--by-layer");
    line.flag(chart.log, "--log");
    line
}

/// Adds which texts are read, of which token, and how.
pub(in crate::query) fn add_reading(
    line: &mut CommandLine,
    reading: &TextReading,
    token: Option<&TokenChoice>,
    pieces: Subwords,
) {
    let texts = &reading.texts;
    match (&texts.path, &*texts.label) {
        (Some(path), _) => line.option("--texts", path.to_string_lossy()),
        (None, Texts::TYPED) => {
            for text in texts.texts.iter() {
                line.option("--text", text);
            }
        }
        (None, _) => {
            if let Some(language) = texts.language() {
                line.option("--texts", language.name());
            }
        }
    }
    match token {
        Some(TokenChoice::Word(word)) => line.option("--token", word),
        Some(TokenChoice::Id(id)) => line.option("--token-id", id),
        None => {}
    }
    if pieces != Subwords::default() {
        line.option("--pieces", pieces.name());
    }
    if let Some(max) = reading.max_tokens {
        line.option("--max-tokens", max);
    }
    line.flag(reading.skip_first, "--skip-first");
    line.flag(reading.skip_special, "--skip-special");
}
