//! Every number of a prompt's answer in a row of its own, for CSV.

use super::{LensCell, Prediction, PromptAnswer};
use crate::query::ModelCard;
use crate::sheet::{Column, Section, TokenPart};

/// One row of CSV.
#[derive(Clone, Default)]
struct PromptRow {
    part: &'static str,
    state: Option<usize>,
    position: Option<usize>,
    address: String,
    token: Option<u32>,
    logit: Option<f64>,
    probability: Option<f64>,
    activation: Option<f64>,
    size: Option<f64>,
    attribution: Option<f64>,
    /// Of a cell of the lens, with its best word: entropy, KL to the last state, length of the state.
    entropy: Option<f64>,
    divergence: Option<f64>,
    norm: Option<f64>,
}

/// Every number of the answer in a row of its own, for CSV.
pub(super) fn each_value(answer: &PromptAnswer, card: &ModelCard) -> Section {
    let rows = rows(answer, card);
    let of = |f: fn(&PromptRow) -> Option<f64>| Column::of(rows.iter().map(f));
    Section::new([
        Column::of(rows.iter().map(|row| row.part.to_owned())).csv("part"),
        Column::of(rows.iter().map(|row| row.state)).csv("state"),
        Column::of(rows.iter().map(|row| row.position)).csv("position"),
        Column::of(rows.iter().map(|row| row.address.clone())).csv("address"),
        Column::of(rows.iter().map(|row| row.token))
            .csv_part("id", TokenPart::Id)
            .csv_part("token", TokenPart::Raw)
            .csv("text"),
        of(|row| row.logit).csv("logit"),
        of(|row| row.probability).csv("probability"),
        of(|row| row.activation).csv("activation"),
        of(|row| row.size).csv("size"),
        of(|row| row.attribution).csv("attribution"),
        of(|row| row.entropy).csv("entropy"),
        of(|row| row.divergence).csv("kl_to_last"),
        of(|row| row.norm).csv("length"),
    ])
}

fn rows(answer: &PromptAnswer, card: &ModelCard) -> Vec<PromptRow> {
    let predicted = |part, state, position, of: &Prediction| PromptRow {
        part,
        state,
        position: Some(position),
        token: Some(of.id),
        logit: Some(of.logit.into()),
        probability: Some(of.probability.into()),
        ..PromptRow::default()
    };
    let here = answer.position;
    let before = answer.predictions.iter();
    let mut rows: Vec<_> = before
        .map(|p| predicted("prediction", None, here, p))
        .collect();
    let after = answer.after.iter().flat_map(|after| &after.predictions);
    rows.extend(after.map(|p| predicted("prediction after", None, here, p)));
    let mut lens = |part, first_state: usize, lens: &[Vec<LensCell>]| {
        for (state, cells) in lens.iter().enumerate() {
            for (position, cell) in cells.iter().enumerate() {
                let best = cell.best.iter().enumerate();
                rows.extend(best.map(|(rank, p)| {
                    let of_cell = |x: f32| (rank == 0).then_some(f64::from(x));
                    PromptRow {
                        entropy: of_cell(cell.entropy),
                        divergence: of_cell(cell.divergence),
                        norm: of_cell(cell.norm),
                        ..predicted(part, Some(first_state + state), position, p)
                    }
                }));
            }
        }
    };
    lens("lens", 0, &answer.lens);
    if let Some(after) = &answer.after {
        lens("lens after", after.first_state, &after.lens);
    }
    if let Ok(attribution) = &answer.attribution {
        let part = |part, address: String, attribution| PromptRow {
            part,
            address,
            attribution: Some(attribution),
            ..PromptRow::default()
        };
        rows.push(part("embedding", String::new(), attribution.embedding));
        for (layer, of) in attribution.layers.iter().enumerate() {
            rows.push(part("attention", format!("L{layer}"), of.attention));
            rows.push(part("feed-forward", format!("L{layer}"), of.feed_forward));
        }
        rows.push(part("constant", String::new(), attribution.constant));
    }
    rows.extend(answer.neurons.iter().map(|n| PromptRow {
        part: "neuron",
        address: card.named(n.address()).to_string(),
        activation: Some(n.activation.into()),
        size: Some(n.size.into()),
        attribution: n.attribution,
        ..PromptRow::default()
    }));
    rows.extend(answer.heads.iter().map(|h| PromptRow {
        part: "head",
        address: h.address().to_string(),
        size: Some(h.size.into()),
        attribution: h.attribution,
        ..PromptRow::default()
    }));
    rows
}
