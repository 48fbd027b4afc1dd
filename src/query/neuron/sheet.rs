//! A neuron's four columns as a sheet.

use crate::checkpoint::NeuronBlock;
use crate::projection::Scored;
use crate::query::QueryKind;
use crate::query::robustness::sheet as robustness_sheet;
use crate::query::sheet::stored_record;
use crate::query::{
    Listed, ModelCard, NO_HEAD, NeuronAnswer, NeuronColumn, NeuronQuery, RobustnessAnswer,
};
use crate::sheet::{
    Block, Column, CommandLine, LIST_SETTINGS, NumberForm, Provenance, Record, Section, Sheet,
    TokenPart, Value, filter_line, filter_record,
};
use crate::transformer::{Input, stored_line};

/// The signs of gate and up, and what a gated neuron then writes: an activation's negative side is
/// small, but not nothing.
const QUADRANTS: [[&str; 3]; 4] = [
    ["+", "+", "V"],
    ["+", "-", "-V"],
    ["-", "+", "-V, faintly"],
    ["-", "-", "V, faintly"],
];

impl Listed for NeuronQuery {
    /// The columns, with the robustness of each if that was asked too.
    fn sheet(
        &self,
        card: &ModelCard,
        answer: &NeuronAnswer,
        robustness: Option<&RobustnessAnswer>,
    ) -> Sheet {
        let key = card.gated().then(|| self.input.name());
        // A column's name, with the input that it is of where there are two.
        let named = |name: &str, column: NeuronColumn| match (column, key) {
            (NeuronColumn::K | NeuronColumn::MinusK, Some(key)) => format!("{name} {key}"),
            _ => name.to_owned(),
        };
        let mut settings = vec![("convention", self.convention.name())];
        settings.extend(key.map(|key| ("key", key.to_owned())));
        settings.push(("filters", filter_line(&self.filters)));
        let provenance = Provenance::of_list(
            &card.name,
            Some(card.named(self.address()).to_string()),
            settings,
            Some(self.command(&card.name, robustness.is_some())),
        );
        let stored = self.stored(&card.stored);
        let provenance = provenance.stored(stored_line(&stored), card.stored.quantised);
        let lists = NeuronColumn::ALL.into_iter().zip(&answer.columns);
        let sections: Vec<Section> = lists
            .map(|(column, list)| {
                section(
                    list,
                    named(column.name(), column),
                    named(&column.to_string(), column),
                )
            })
            .collect();
        let not_read = (!card.has_output(self.convention)).then_some(NO_HEAD);
        let mut blocks = vec![Block::table(0..sections.len())];
        blocks.extend(not_read.map(|why| Block::Text(format!("{why}\n"))));
        let bias = answer.bias.map(|bias| format!("\nbias {bias:.3}\n"));
        blocks.extend(bias.map(Block::Text));
        let columns = NeuronColumn::ALL;
        let rows_by_column = columns.iter().map(|c| c.name()).zip((0..).map(Value::Rows));
        let quadrant = |[gate, up, writes]: [&str; 3]| {
            let signs = Record::new().with("gate", gate).with("up", up);
            signs.with("writes", writes)
        };
        let document = Record::new()
            .with("model", &*card.name)
            .with("layer", self.layer)
            .with("neuron", self.neuron)
            .with_some("expert", of_expert(card, self))
            .with_some("key", key)
            .with_some(
                "quadrants",
                key.map(|_| Value::from_iter(QUADRANTS.map(quadrant))),
            )
            .with("convention", self.convention.name())
            .with_some("bias", answer.bias)
            .with("filters", filter_record(&self.filters))
            .with_provenance(&provenance)
            .with("stored", stored_record(&stored))
            .with("columns", rows_by_column.collect::<Record>())
            .with_some("not_read", not_read)
            .with_some("trust", robustness.map(robustness_record));
        let mut sheet = Sheet {
            provenance: Some(provenance),
            names: card.token_names(),
            document: document.into(),
            sections,
            blocks,
            csv_settings: &LIST_SETTINGS,
        };
        if let Some(robustness) = robustness {
            let names = columns.map(|column| named(&column.to_string(), column));
            sheet.push_below(robustness_sheet::section(
                names.into_iter().zip(&robustness.lists),
            ));
        }
        sheet
    }

    /// The command that lists them.
    fn command(&self, model: &str, robustness: bool) -> CommandLine {
        let mut line = CommandLine::new("neuron", &[&model, &self.layer, &self.neuron]);
        line.option("-k", self.k);
        if self.input != Input::default() {
            line.option("--key", self.input.name());
        }
        line.option("--convention", self.convention);
        line.flag(robustness, "--robustness");
        line.filters(&self.filters);
        line
    }
}

/// The expert of a neuron, and its number within it.
fn of_expert(card: &ModelCard, query: &NeuronQuery) -> Option<Record> {
    let sizes = card.spec.experts(query.layer)?;
    let (block, own) = sizes.place(query.neuron);
    let number = match block {
        NeuronBlock::Expert(expert) => Value::from(expert),
        NeuronBlock::Dense | NeuronBlock::Shared => Value::from("shared"),
    };
    Some(Record::new().with("number", number).with("neuron", own))
}

fn section(list: &[Scored], label: String, head: String) -> Section {
    let largest = list.first().map_or(0.0, |s| s.score.abs());
    Section::new([
        Column::same(label).csv("column"),
        Column::count().csv("rank"),
        Column::of(list.iter().map(|s| s.id))
            .csv_part("id", TokenPart::Id)
            .csv_part("token", TokenPart::Raw)
            .csv("text")
            .json_flat()
            .shown(head, NumberForm::Plain),
        Column::of(list.iter().map(|s| s.score))
            .named("score")
            .shown("", NumberForm::Largest(largest)),
    ])
}

/// By column, in the order of their names.
fn robustness_record(robustness: &RobustnessAnswer) -> Record {
    let lists = NeuronColumn::ALL.iter().zip(&robustness.lists);
    let mut lists: Vec<_> = lists
        .map(|(c, robustness)| (c.name(), robustness_sheet::record(robustness)))
        .collect();
    lists.sort_by_key(|(name, _)| *name);
    lists.into_iter().collect()
}
