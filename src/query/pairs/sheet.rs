//! A head's pair list as a sheet.

use crate::projection::{End, Scored};
use crate::query::QueryKind;
use crate::query::robustness::sheet as robustness_sheet;
use crate::query::sheet::stored_record;
use crate::query::{Listed, ModelCard, PairsAnswer, PairsQuery, RobustnessAnswer};
use crate::sheet::{
    Block, Column, CommandLine, LIST_SETTINGS, NumberForm, Provenance, Record, Section, Sheet,
    TokenPart, Value, filter_line, filter_record,
};
use crate::transformer::{Form, stored_line};

/// Rows shown of what one side does whatever the other is.
const ALONE_ROWS: usize = 10;

impl Listed for PairsQuery {
    /// The pairs, with their robustness if that was asked too.
    fn sheet(
        &self,
        card: &ModelCard,
        answer: &PairsAnswer,
        robustness: Option<&RobustnessAnswer>,
    ) -> Sheet {
        let distance = (card.spec.rotary && self.form == Form::Qk).then_some(self.distance);
        let convention = self.convention.name();
        let mut settings = vec![
            ("convention", convention.clone()),
            ("end", self.end.name().to_owned()),
        ];
        settings.extend(distance.map(|distance| ("distance", distance.to_string())));
        let keys_of = card.spec.head_sizes(self.layer).keys_of;
        settings.extend(keys_of.map(|layer| of_earlier(self.form, layer)));
        settings.push(("filters", filter_line(&self.filters)));
        settings.extend(not_proven(answer).map(|said| ("list", said)));
        let provenance = Provenance::of_list(
            &card.name,
            Some(self.address().to_string()),
            settings,
            Some(self.command(&card.name, robustness.is_some())),
        );
        let stored = self.stored(&card.stored);
        let provenance = provenance.stored(stored_line(&stored), card.stored.quantised);
        let form = match self.distance {
            0 => self.form.name().to_owned(),
            distance => format!("{} at {distance}", self.form.name()),
        };
        let mut sections = vec![pairs(self, answer, &form)];
        let mut blocks = vec![Block::table([0])];
        regardless(self, answer, &form, (&mut sections, &mut blocks));
        let unconditional = answer.unconditional.is_some().then(|| {
            let highest = Record::new().with("highest", Value::Rows(1));
            highest.with("lowest", Value::Rows(2))
        });
        let own = robustness.and_then(|robustness| robustness.lists.first());
        let document = Record::new()
            .with("model", &*card.name)
            .with("kind", self.form.name())
            .with("layer", self.layer)
            .with("head", self.head)
            .with_some("distance", distance)
            .with_some("keys_of_layer", keys_of)
            .with("end", self.end.name())
            .with("convention", convention)
            .with("exact", answer.exact)
            .with("filters", filter_record(&self.filters))
            .with_provenance(&provenance)
            .with("stored", stored_record(&stored))
            .with("pairs", Value::Rows(0))
            .with_some("regardless", unconditional)
            .with_some("trust", own.map(robustness_sheet::record));
        let mut sheet = Sheet {
            provenance: Some(provenance),
            names: card.token_names(),
            document: document.into(),
            sections,
            blocks,
            csv_settings: &LIST_SETTINGS[1..],
        };
        if let Some(own) = own {
            let list = (form.to_uppercase(), own);
            sheet.push_below(robustness_sheet::section(std::iter::once(list)));
        }
        sheet
    }

    /// The command that lists them.
    fn command(&self, model: &str, robustness: bool) -> CommandLine {
        let form = self.form.name();
        let mut line = CommandLine::new("pairs", &[&model, &form, &self.layer, &self.head]);
        line.option("-k", self.k);
        line.flag(self.end == End::Lowest, "--lowest");
        if self.distance > 0 {
            line.option("--distance", self.distance);
        }
        line.option("--convention", self.convention);
        line.flag(robustness, "--robustness");
        line.filters(&self.filters);
        line
    }
}

/// Adds what one side does whatever the other one is, where biases say it.
fn regardless(
    query: &PairsQuery,
    answer: &PairsAnswer,
    form: &str,
    (sections, blocks): (&mut Vec<Section>, &mut Vec<Block>),
) {
    let Some([highest, lowest]) = &answer.unconditional else {
        return;
    };
    let [most, least] = match query.form {
        Form::Qk => ["attended to whatever asks", "least so"],
        Form::Vo => ["written whatever is read", "suppressed"],
    };
    let (label, convention) = (format!("{form} regardless"), query.convention.name());
    sections.push(alone(highest, label.clone(), most, &convention));
    sections.push(alone(lowest, label + ", lowest", least, &convention));
    blocks.push(Block::Text("\n".to_owned()));
    blocks.push(Block::Table {
        sections: vec![1, 2],
        rows: ALONE_ROWS,
    });
}

/// What is said of a form that is made with the keys or values of an earlier layer.
fn of_earlier(form: Form, layer: usize) -> (&'static str, String) {
    let what = match form {
        Form::Qk => "keys",
        Form::Vo => "values",
    };
    (what, format!("of layer {layer}"))
}

/// What is said of a list that a search was stopped at.
fn not_proven(answer: &PairsAnswer) -> Option<String> {
    let done = (answer.done * 100.0).clamp(0.0, 99.0);
    (!answer.exact).then(|| format!("not proven: the search was stopped at {done:.0} %"))
}

fn pairs(query: &PairsQuery, answer: &PairsAnswer, form: &str) -> Section {
    let (from, to) = query.form.sides();
    let to = match query.distance {
        0 => to.to_owned(),
        distance => format!("{to}, {distance} back"),
    };
    let largest = answer.pairs.first().map_or(0.0, |p| p.score.abs());
    let pairs = || answer.pairs.iter();
    Section::new([
        Column::same(form).csv("form"),
        Column::count().csv("rank"),
        Column::of(pairs().map(|p| p.from))
            .csv_part("from_id", TokenPart::Id)
            .named("from")
            .shown_right(from),
        Column::same("→").shown("→", NumberForm::Plain),
        Column::of(pairs().map(|p| p.to))
            .csv_part("to_id", TokenPart::Id)
            .named("to")
            .shown(to, NumberForm::Plain),
        Column::of(pairs().map(|p| p.score))
            .named("score")
            .shown("score", NumberForm::Largest(largest)),
        Column::same(query.convention.name()).csv("convention"),
        Column::of(pairs().map(|p| p.from)).csv_part("from_token", TokenPart::Raw),
        Column::of(pairs().map(|p| p.to)).csv_part("to_token", TokenPart::Raw),
    ])
}

/// What one side does whatever the other one is.
fn alone(list: &[Scored], label: String, head: &str, convention: &str) -> Section {
    let largest = list.first().map_or(0.0, |s| s.score.abs());
    let nothing = || Column::same("");
    Section::new([
        Column::same(label).csv("form"),
        Column::count().csv("rank"),
        nothing().csv("from_id"),
        nothing().csv("from"),
        Column::of(list.iter().map(|s| s.id))
            .csv_part("to_id", TokenPart::Id)
            .csv("to")
            .json_flat()
            .shown(head, NumberForm::Plain),
        Column::of(list.iter().map(|s| s.score))
            .named("score")
            .shown("score", NumberForm::Largest(largest)),
        Column::same(convention).csv("convention"),
        nothing().csv("from_token"),
        Column::of(list.iter().map(|s| s.id)).csv_part("to_token", TokenPart::Raw),
    ])
}
