//! The neurons and heads that changed most, as a sheet.

use super::{ChangedHead, ChangedNeuron, ChangedNumbers, ChangesAnswer, ChangesQuery};
use crate::query::{Address, Listed, ModelCard, RobustnessAnswer};
use crate::sheet::{
    Block, Column, CommandLine, NumberForm, Provenance, Record, Section, Sheet, Value, filter_line,
    filter_record, grouped,
};

/// Words of a change in a table.
const WORDS: usize = 5;

impl Listed for ChangesQuery {
    /// The neurons and heads that changed most.
    fn sheet(
        &self,
        card: &ModelCard,
        answer: &ChangesAnswer,
        _: Option<&RobustnessAnswer>,
    ) -> Sheet {
        let address = self.layer.map(|layer| Address::Layer { layer }.to_string());
        let settings = vec![
            ("convention", self.convention.name()),
            ("filters", filter_line(&self.filters)),
        ];
        let command = self.command(&card.name, false);
        let provenance = Provenance::of_list(&card.name, address, settings, Some(command));
        let counts = |i: usize| {
            let counts = Record::new().with("compared", answer.looked_at[i]);
            counts.with("changed", answer.changed[i])
        };
        let document = Record::new()
            .with("model", &*card.name)
            .with("against", card.against.as_deref().unwrap_or_default())
            .with_some("layer", self.layer)
            .with("overlap_of", self.k)
            .with("convention", self.convention.name())
            .with("filters", filter_record(&self.filters))
            .with_provenance(&provenance)
            .with("numbers", numbers(answer.numbers))
            .with("of_neurons", counts(0))
            .with("of_heads", counts(1))
            .with("neurons", Value::Rows(0))
            .with("heads", Value::Rows(1));
        let mut blocks = Vec::new();
        let against = card.against.as_deref().unwrap_or_default();
        if self.neurons > 0 {
            let [looked_at, changed] = [answer.looked_at[0], answer.changed[0]].map(grouped);
            blocks.push(Block::Text(format!(
                "{changed} of {looked_at} neurons are other than in {against}{}\n",
                said_of_numbers(answer.numbers)
            )));
            if !answer.neurons.is_empty() {
                blocks.push(Block::table([0]));
            }
        }
        if self.heads > 0 {
            let [looked_at, changed] = [answer.looked_at[1], answer.changed[1]].map(grouped);
            let before = if self.neurons > 0 { "\n" } else { "" };
            blocks.push(Block::Text(format!(
                "{before}{changed} of {looked_at} heads are other than in {against}\n"
            )));
            if !answer.heads.is_empty() {
                blocks.push(Block::table([1]));
            }
        }
        Sheet {
            provenance: Some(provenance),
            names: card.token_names(),
            document: document.into(),
            sections: vec![
                neurons(&answer.neurons, self.k),
                heads(&answer.heads, self.k),
            ],
            blocks,
            csv_settings: &["model", "filters", "version"],
        }
    }

    /// The command that ranks them.
    fn command(&self, model: &str, _: bool) -> CommandLine {
        let mut line = CommandLine::new("difference", &[&model]);
        if let Some(layer) = self.layer {
            line.option("--layer", layer);
        }
        line.flag(self.heads == 0, "--neurons-only");
        line.flag(self.neurons == 0, "--heads-only");
        line.option("-n", self.neurons.max(self.heads));
        line.option("-k", self.k);
        line.flag(self.pairs, "--pairs");
        line.option("--convention", self.convention);
        line.filters(&self.filters);
        line
    }
}

/// ` (1,234 of 56,789 numbers, 1,000 of them by no more than rounding does)`.
fn said_of_numbers(numbers: ChangedNumbers) -> String {
    let [all, changed, by_rounding] =
        [numbers.all, numbers.changed, numbers.by_rounding].map(grouped);
    match numbers.by_rounding {
        0 => format!(" ({changed} of {all} numbers)"),
        _ => format!(
            " ({changed} of {all} numbers, {by_rounding} of them by no more than rounding to 16 bits does)"
        ),
    }
}

pub(super) fn numbers(numbers: ChangedNumbers) -> Record {
    Record::new()
        .with("compared", numbers.all)
        .with("changed", numbers.changed)
        .with("by_rounding", numbers.by_rounding)
}

fn neurons(neurons: &[ChangedNeuron], k: usize) -> Section {
    let all = || neurons.iter();
    let address = |neuron: &ChangedNeuron| {
        let (layer, neuron) = (neuron.layer, neuron.neuron);
        Address::Neuron { layer, neuron }.to_string()
    };
    let marked = |neuron: &ChangedNeuron| match neuron.numbers.is_rounding() {
        true => format!("{} ≈", address(neuron)),
        false => address(neuron),
    };
    let overlap = |column: usize| {
        let overlaps = all().map(move |neuron| neuron.overlap.map(|both| both[column]));
        Column::of(overlaps)
    };
    let words = |column: usize| Column::of(all().map(move |neuron| neuron.words[column].clone()));
    let head = |name: &str| format!("{name} {k}");
    Section::new([
        Column::of(all().map(marked)).shown("neuron", NumberForm::Plain),
        Column::same("neuron").csv("of"),
        Column::count().csv("rank"),
        Column::of(all().map(address)).named("address"),
        Column::of(all().map(|n| n.change.relative))
            .named("change")
            .shown("|Δ|/|base|", NumberForm::Decimals(4)),
        Column::of(all().map(|n| n.key.relative))
            .named("key")
            .shown("K", NumberForm::Decimals(4)),
        Column::of(all().map(|n| n.key.cosine))
            .named("key_cosine")
            .shown("cos", NumberForm::Decimals(4)),
        Column::of(all().map(|n| n.up.and_then(|up| up.relative))).named("up"),
        Column::of(all().map(|n| n.up.and_then(|up| up.cosine))).named("up_cosine"),
        Column::of(all().map(|n| n.value.relative))
            .named("value")
            .shown("V", NumberForm::Decimals(4)),
        Column::of(all().map(|n| n.value.cosine))
            .named("value_cosine")
            .shown("cos", NumberForm::Decimals(4)),
        Column::of(all().map(|n| n.numbers.changed)).named("changed"),
        Column::of(all().map(|n| n.numbers.by_rounding)).named("by_rounding"),
        overlap(0)
            .named("key_overlap")
            .shown(head("K of"), NumberForm::Plain),
        overlap(1)
            .named("value_overlap")
            .shown(head("V of"), NumberForm::Plain),
        words(0)
            .named("key_words")
            .shown("ΔK", NumberForm::First(WORDS)),
        words(1)
            .named("value_words")
            .shown("ΔV", NumberForm::First(WORDS)),
        nothing("vo"),
        nothing("vo_cosine"),
        nothing("qk"),
        nothing("qk_cosine"),
        nothing("vo_overlap"),
        nothing("qk_overlap"),
    ])
}

/// A column of CSV that these rows have nothing in.
pub(super) fn nothing(name: &'static str) -> Column {
    Column::same("").csv(name)
}

fn heads(heads: &[ChangedHead], k: usize) -> Section {
    let all = || heads.iter();
    let address = |head: &ChangedHead| {
        let address = Address::Head {
            layer: head.layer,
            head: head.head,
            form: None,
        };
        address.to_string()
    };
    let overlap = |form: usize| {
        let overlaps = all().map(move |head| head.overlap.map(|both| both[form]));
        Column::of(overlaps)
    };
    let larger = |head: &ChangedHead| {
        let both = head.vo.relative.zip(head.qk.relative);
        both.map(|(vo, qk)| vo.max(qk))
    };
    Section::new([
        Column::of(all().map(address)).shown("head", NumberForm::Plain),
        Column::same("head").csv("of"),
        Column::count().csv("rank"),
        Column::of(all().map(address)).named("address"),
        Column::of(all().map(larger)).named("change"),
        nothing("key"),
        nothing("key_cosine"),
        nothing("up"),
        nothing("up_cosine"),
        nothing("value"),
        nothing("value_cosine"),
        nothing("changed"),
        nothing("by_rounding"),
        nothing("key_overlap"),
        nothing("value_overlap"),
        nothing("key_words"),
        nothing("value_words"),
        Column::of(all().map(|head| head.vo.relative))
            .named("vo")
            .shown("VO |Δ|/|base|", NumberForm::Decimals(4)),
        Column::of(all().map(|head| head.vo.cosine))
            .named("vo_cosine")
            .shown("cos", NumberForm::Decimals(4)),
        Column::of(all().map(|head| head.qk.relative))
            .named("qk")
            .shown("QK |Δ|/|base|", NumberForm::Decimals(4)),
        Column::of(all().map(|head| head.qk.cosine))
            .named("qk_cosine")
            .shown("cos", NumberForm::Decimals(4)),
        overlap(0)
            .named("vo_overlap")
            .shown(format!("VO of {k}"), NumberForm::Plain),
        overlap(1)
            .named("qk_overlap")
            .shown(format!("QK of {k}"), NumberForm::Plain),
    ])
}
