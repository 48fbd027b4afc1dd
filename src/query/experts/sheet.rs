//! A layer's experts as a sheet: how many tokens have each first, its words, those that it turns away.

use super::{ExpertWords, ExpertsAnswer, ExpertsQuery};
use crate::projection::Scored;
use crate::query::{Listed, ModelCard, RobustnessAnswer};
use crate::sheet::{
    Block, Column, CommandLine, LIST_SETTINGS, NumberForm, Provenance, Record, Section, Sheet,
    TokenPart, Value, filter_line, filter_record, grouped,
};

impl Listed for ExpertsQuery {
    fn sheet(
        &self,
        card: &ModelCard,
        answer: &ExpertsAnswer,
        _: Option<&RobustnessAnswer>,
    ) -> Sheet {
        let settings = vec![
            ("convention", self.convention.name()),
            ("filters", filter_line(&self.filters)),
        ];
        let provenance = Provenance::of_list(
            &card.name,
            Some(self.address().to_string()),
            settings,
            Some(self.command(&card.name, false)),
        );
        let (sections, blocks) = match (self.expert, answer.experts.first()) {
            (Some(_), Some(own)) => of_one(own, answer.passing),
            _ => of_all(self, answer),
        };
        let experts: Vec<Value> = answer
            .experts
            .iter()
            .map(|own| record(own).into())
            .collect();
        let first = answer.first.iter().map(|&expert| expert as usize);
        let document = Record::new()
            .with("model", &*card.name)
            .with("layer", self.layer)
            .with_some("expert", self.expert)
            .with("convention", self.convention.name())
            .with("filters", filter_record(&self.filters))
            .with_provenance(&provenance)
            .with("experts", Value::List(experts))
            .with("first_expert_by_token", Value::from_iter(first));
        Sheet {
            provenance: Some(provenance),
            names: card.token_names(),
            document: document.into(),
            sections,
            blocks,
            csv_settings: &LIST_SETTINGS,
        }
    }

    fn command(&self, model: &str, _: bool) -> CommandLine {
        let mut line = CommandLine::new("experts", &[&model, &self.address()]);
        line.option("-k", self.k);
        line.option("--convention", self.convention);
        line.filters(&self.filters);
        line
    }
}

fn record(own: &ExpertWords) -> Record {
    let list = |list: &[Scored]| -> Value {
        let one = |s: &Scored| {
            let record = Record::new().with_token(s.id);
            record.with("score", s.score)
        };
        list.iter().map(one).collect()
    };
    Record::new()
        .with("expert", own.expert)
        .with("first_of_tokens", own.first)
        .with("calls", list(&own.calls))
        .with("turns_away", list(&own.turns_away))
}

/// A row an expert.
fn of_all(query: &ExpertsQuery, answer: &ExpertsAnswer) -> (Vec<Section>, Vec<Block>) {
    let experts = || answer.experts.iter();
    let ids = |list: &[Scored]| list.iter().map(|s| s.id).collect::<Vec<u32>>();
    let calls = || Column::of(experts().map(|own| Some(ids(&own.calls))));
    let away = || Column::of(experts().map(|own| Some(ids(&own.turns_away))));
    let layer = query.layer;
    let words = NumberForm::First(query.k);
    let section = Section::new([
        Column::of(experts().map(|own| format!("L{layer}.E{}", own.expert)))
            .csv("address")
            .shown("expert", NumberForm::Plain),
        Column::of(experts().map(|own| own.first))
            .csv("first_of_tokens")
            .shown("first of", NumberForm::Grouped),
        calls()
            .csv_part("calls", TokenPart::Text)
            .csv_part("calls_tokens", TokenPart::Raw)
            .shown("called by", words),
        away()
            .csv_part("turns_away", TokenPart::Text)
            .csv_part("turns_away_tokens", TokenPart::Raw)
            .shown("turns away", words),
    ]);
    let said = format!(
        "of {} tokens, how many have each expert first\n",
        grouped(answer.passing)
    );
    (vec![section], vec![Block::Text(said), Block::table([0])])
}

/// Both lists of an expert.
fn of_one(own: &ExpertWords, passing: usize) -> (Vec<Section>, Vec<Block>) {
    let list = |list: &[Scored], name: &'static str| {
        let largest = list.first().map_or(0.0, |s| s.score.abs());
        Section::new([
            Column::same(name).csv("list"),
            Column::count().csv("rank"),
            Column::of(list.iter().map(|s| s.id))
                .csv_part("id", TokenPart::Id)
                .csv_part("token", TokenPart::Raw)
                .csv("text")
                .shown(name, NumberForm::Plain),
            Column::of(list.iter().map(|s| s.score))
                .csv("score")
                .shown("", NumberForm::Largest(largest)),
        ])
    };
    let said = format!(
        "{} of {} tokens have it first\n",
        grouped(own.first),
        grouped(passing)
    );
    let sections = vec![
        list(&own.calls, "called by"),
        list(&own.turns_away, "turns away"),
    ];
    (sections, vec![Block::Text(said), Block::table([0, 1])])
}
