//! The evidence of all neurons as a sheet: every neuron, the means by layer, and the best.

use super::{EvidenceAnswer, EvidenceQuery, LayerEvidence, NeuronEvidence};
use crate::query::{Address, Listed, ModelCard, RobustnessAnswer};
use crate::sheet::{
    Block, Column, CommandLine, NumberForm, Provenance, Record, Section, Sheet, Value, grouped,
};
use crate::transformer::Input;

/// Neurons that a table shows.
const BEST: usize = 20;

/// A neuron with its place.
type Placed<'a> = (usize, usize, &'a NeuronEvidence);

impl Listed for EvidenceQuery {
    fn sheet(
        &self,
        card: &ModelCard,
        answer: &EvidenceAnswer,
        _: Option<&RobustnessAnswer>,
    ) -> Sheet {
        let settings = vec![
            ("convention", self.convention.name()),
            ("texts", self.texts.described()),
        ];
        let command = self.command(&card.name, false);
        let provenance = Provenance::of_list(&card.name, None, settings, Some(command));
        let layers = answer.layers.iter().enumerate();
        let all: Vec<Placed<'_>> = layers
            .flat_map(|(layer, of)| {
                let neurons = of.neurons.iter().enumerate();
                neurons.map(move |(neuron, of)| (layer, neuron, of))
            })
            .collect();
        let mut best = all.clone();
        // Equal ones stay in the order of their places.
        let sum = |of: &NeuronEvidence| of.precision + of.agreement.unwrap_or_default();
        best.sort_by(|a, b| sum(b.2).total_cmp(&sum(a.2)));
        best.truncate(BEST);
        let mut text = format!(
            "{} positions of {} texts · K and V at 10 by their precision and agreement in %\n",
            grouped(answer.positions),
            self.texts.texts.texts.len()
        );
        text.extend(answer.notices.iter().map(|notice| format!("{notice}\n")));
        Sheet {
            document: document(card, self, answer, &provenance).into(),
            provenance: Some(provenance),
            names: card.token_names(),
            sections: vec![neurons(&all), by_layer(&answer.layers), shown(&best)],
            blocks: vec![
                Block::Text(text),
                Block::Heading("means by layer".to_owned()),
                Block::table([1]),
                Block::Heading("the neurons with the most of both".to_owned()),
                Block::table([2]),
            ],
            csv_settings: &["convention", "model", "texts", "version"],
        }
    }

    /// The command that answers it.
    fn command(&self, model: &str, _: bool) -> CommandLine {
        let mut line = CommandLine::new("evidence", &[&model]);
        if self.input != Input::Gate {
            line.option("--key", self.input.name());
        }
        line.option("--convention", self.convention);
        self.texts.add_to(&mut line);
        line
    }
}

fn document(
    card: &ModelCard,
    query: &EvidenceQuery,
    answer: &EvidenceAnswer,
    provenance: &Provenance,
) -> Record {
    let texts = Record::new()
        .with("count", query.texts.texts.texts.len())
        .with("from", &*query.texts.texts.label)
        .with("max_tokens", query.texts.max_tokens);
    Record::new()
        .with("model", &*card.name)
        .with("convention", query.convention.name())
        .with_provenance(provenance)
        .with("texts", texts)
        .with("positions", answer.positions)
        .with("at", crate::query::KeyFigures::AT)
        .with("layers", Value::Rows(1))
        .with("neurons", Value::Rows(0))
        .with("notices", Value::from_iter(answer.notices.iter().cloned()))
}

/// Every neuron, for other programs.
fn neurons(of: &[Placed<'_>]) -> Section {
    let all = || of.iter();
    let mut columns = vec![
        Column::of(all().map(address)).json("address"),
        Column::of(all().map(|n| n.0)).named("layer"),
        Column::of(all().map(|n| n.1)).named("neuron"),
    ];
    for Mean { name, of, .. } in MEANS {
        columns.push(Column::of(all().map(|n| of(n.2))).named(name));
    }
    columns.push(Column::of(all().map(|n| n.2.most)).named("most"));
    Section::new(columns)
}

/// Some neurons, for people.
fn shown(of: &[Placed<'_>]) -> Section {
    let all = || of.iter();
    let mut columns = vec![Column::of(all().map(address)).shown("neuron", NumberForm::Plain)];
    for Mean { head, of, .. } in MEANS {
        columns.push(Column::of(all().map(|n| percent(of(n.2)))).shown(head, PERCENT));
    }
    columns.push(Column::of(all().map(|n| n.2.most)).shown("highest", NumberForm::Decimals(2)));
    Section::new(columns)
}

fn address(&(layer, neuron, _): &Placed<'_>) -> String {
    Address::Neuron { layer, neuron }.to_string()
}

const PERCENT: NumberForm = NumberForm::Decimals(2);

fn percent(share: Option<f64>) -> Option<f64> {
    share.map(|share| 100.0 * share)
}

fn by_layer(layers: &[LayerEvidence]) -> Section {
    let mut columns = vec![
        Column::of(0..layers.len())
            .json("layer")
            .shown("layer", NumberForm::Plain),
    ];
    for Mean { name, head, of } in MEANS {
        let means = || layers.iter().map(|layer| layer.mean(of));
        columns.push(Column::of(means()).json(name));
        columns.push(Column::of(means().map(percent)).shown(head, PERCENT));
    }
    Section::new(columns)
}

/// A mean over the neurons of a layer.
struct Mean {
    name: &'static str,
    head: &'static str,
    of: fn(&NeuronEvidence) -> Option<f64>,
}

const MEANS: [Mean; 5] = [
    Mean {
        name: "precision",
        head: "precision of K",
        of: |n| Some(n.precision),
    },
    Mean {
        name: "precision_base",
        head: "base",
        of: |n| Some(n.precision_base),
    },
    Mean {
        name: "agreement",
        head: "agreement of V",
        of: |n| n.agreement,
    },
    Mean {
        name: "agreement_base",
        head: "base",
        of: |n| n.agreement_base,
    },
    Mean {
        name: "above_zero",
        head: "above 0",
        of: |n| Some(n.above_zero),
    },
];
