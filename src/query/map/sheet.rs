//! A map of points as a sheet, a row a point.

use super::contexts::contexts;
use super::{ContextMapQuery, NeuronMapQuery};
use crate::query::geometry::add_reading;
use crate::query::sheet::described;
use crate::query::{
    GeometryQuery, Listed, MapAnswer, ModelCard, Pointed, RobustnessAnswer, TokenChoice,
};
use crate::sheet::{
    Block, Column, CommandLine, NumberForm, Provenance, Record, Section, Sheet, TokenNames,
    TokenPart, VERSION, Value, filter_options,
};

/// A map, and what it is of.
pub struct MapOf<'a> {
    pub card: &'a ModelCard,
    pub answer: &'a MapAnswer,
    /// `zamek in state 3`, `K of L3.N7, raw`.
    pub title: String,
    /// What decides which points there are: filters, or texts and what is read of them.
    pub settings: String,
    command: CommandLine,
    /// For each occurrence the text before the word, the word and the text after; empty for a
    /// column's map.
    contexts: Vec<[String; 3]>,
}

impl<'a> MapOf<'a> {
    /// Of a token's occurrences.
    pub fn occurrences(
        card: &'a ModelCard,
        query: &ContextMapQuery,
        answer: &'a MapAnswer,
    ) -> Self {
        let token = match &query.token {
            TokenChoice::Word(word) => word.clone(),
            TokenChoice::Id(id) => card.vocabulary.text(*id).into_owned(),
        };
        let measured = GeometryQuery {
            reading: query.reading.clone(),
            token: Some(query.token.clone()),
            pieces: query.pieces,
            without_dominant: 0,
        };
        Self {
            card,
            answer,
            title: format!("{token} in state {}", query.state),
            settings: described(&measured),
            command: query.command(&card.name, false),
            contexts: contexts(&card.vocabulary, &query.reading.texts.texts, answer),
        }
    }

    /// Of the best tokens of a neuron's column.
    pub fn column(card: &'a ModelCard, query: &NeuronMapQuery, answer: &'a MapAnswer) -> Self {
        let address = card.named(query.neuron_query().address());
        Self {
            card,
            answer,
            title: format!("{} of {address}, {}", query.column.name(), query.convention),
            settings: filter_options(&query.filters).join(" "),
            command: query.command(&card.name, false),
            contexts: Vec::new(),
        }
    }

    /// What a point is called: the word with its text around it, or the token.
    pub fn words(&self, at: usize) -> [String; 3] {
        match self.answer.points[at].what {
            Pointed::Row { id, .. } => {
                let text = self.card.vocabulary.text(id).into_owned();
                [String::new(), text, String::new()]
            }
            Pointed::Occurrence { .. } => self.contexts.get(at).cloned().unwrap_or_default(),
        }
    }
}

impl Listed for ContextMapQuery {
    fn sheet(&self, card: &ModelCard, answer: &MapAnswer, _: Option<&RobustnessAnswer>) -> Sheet {
        sheet(&MapOf::occurrences(card, self, answer))
    }

    fn command(&self, model: &str, _: bool) -> CommandLine {
        let mut line = CommandLine::new("geometry", &[&model]);
        add_reading(&mut line, &self.reading, Some(&self.token), self.pieces);
        line.option("--state", self.state);
        line.flag(true, "--points");
        line
    }
}

impl Listed for NeuronMapQuery {
    fn sheet(&self, card: &ModelCard, answer: &MapAnswer, _: Option<&RobustnessAnswer>) -> Sheet {
        sheet(&MapOf::column(card, self, answer))
    }

    fn command(&self, model: &str, _: bool) -> CommandLine {
        let mut line = self.neuron_query().command(model, false);
        line.option("--column", self.column.name());
        line.flag(true, "--points");
        line
    }
}

/// The points.
pub fn sheet(of: &MapOf<'_>) -> Sheet {
    let names = of.card.token_names();
    let points = 0..of.answer.points.len();
    let explained = of.answer.explained;
    let document = Record::new()
        .with("command", of.command.in_format("json"))
        .with("explained", Value::from_iter(explained))
        .with("map", &*of.title)
        .with("model", &*of.card.name)
        .with(
            "points",
            points.map(|at| point(of, at, &names)).collect::<Value>(),
        )
        .with("settings", &*of.settings)
        .with("version", VERSION);
    let said = format!("{}: {}, {}", of.card.name, of.title, of.settings);
    Sheet {
        provenance: Some(Provenance {
            said: said.trim_end_matches([',', ' ']).to_owned(),
            settings: vec![("settings", of.settings.clone())],
            command: Some(of.command.clone()),
            ..Provenance::default()
        }),
        names,
        document: document.into(),
        sections: vec![section(of)],
        blocks: vec![Block::table([0])],
        csv_settings: &["settings", "version"],
    }
}

fn point(of: &MapOf<'_>, at: usize, names: &TokenNames) -> Record {
    let point = &of.answer.points[at];
    let [before, word, after] = of.words(at);
    let place = Value::from_iter(point.at);
    match &point.what {
        Pointed::Row { id, score } => Record::new()
            .with("at", place)
            .with("id", *id as usize)
            .with("score", f64::from(*score))
            .with("token", &*names.raw(*id))
            .with("word", word),
        Pointed::Occurrence { text, positions } => Record::new()
            .with("after", after)
            .with("at", place)
            .with("before", before)
            .with(
                "positions",
                Value::from_iter([positions.start, positions.end]),
            )
            .with("text", *text)
            .with("word", word),
    }
}

fn section(of: &MapOf<'_>) -> Section {
    let points = || of.answer.points.iter();
    let words =
        |which: usize| (0..of.answer.points.len()).map(move |at| of.words(at)[which].clone());
    let row = || {
        points().map(|point| match &point.what {
            Pointed::Row { id, score } => Some((*id, *score)),
            Pointed::Occurrence { .. } => None,
        })
    };
    let occurrence = || {
        points().map(|point| match &point.what {
            Pointed::Row { .. } => None,
            Pointed::Occurrence { text, positions } => Some((*text, positions)),
        })
    };
    let last = |positions: &std::ops::Range<usize>| positions.end.saturating_sub(1);
    Section::new([
        Column::same(&*of.card.name).csv("model"),
        Column::same(&*of.title).csv("map"),
        Column::of(points().map(|p| p.at[0]))
            .csv("x")
            .shown("x", NumberForm::Decimals(3)),
        Column::of(points().map(|p| p.at[1]))
            .csv("y")
            .shown("y", NumberForm::Decimals(3)),
        Column::of(occurrence().map(|o| Some(o?.0))).csv("text"),
        Column::of(occurrence().map(|o| Some(o?.1.start))).csv("first"),
        Column::of(occurrence().map(|o| Some(last(o?.1)))).csv("last"),
        Column::of(row().map(|r| Some(r?.0))).csv_part("id", TokenPart::Id),
        Column::of(row().map(|r| r.map_or_else(String::new, |r| r.1.to_string()))).csv("score"),
        Column::of(words(0)).csv("before").shown_right(""),
        Column::of(words(1))
            .csv("word")
            .shown(&*of.title, NumberForm::Plain),
        Column::of(words(2))
            .csv("after")
            .shown("", NumberForm::Plain),
        Column::of(row().map(|r| Some(r?.0))).csv_part("token", TokenPart::Raw),
    ])
}
