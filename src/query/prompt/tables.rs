//! A prompt's answer as a person reads it: tables of predictions, states, layers, neurons and heads.

use super::{AfterAnswer, HeadPart, LensCell, NeuronPart, Prediction, PromptAnswer, TargetAnswer};
use crate::query::ModelCard;
use crate::sheet::{Column, NumberForm, Section, TokenNames};

/// Positions of the lens that a table shows, up to the one that is looked at.
const SHOWN_POSITIONS: usize = 8;

fn percent(probability: f32) -> String {
    format!("{:.2} %", 100.0 * probability)
}

/// Predictions, before and after side by side.
pub(super) fn predictions(before: &[Prediction], after: Option<&AfterAnswer>) -> Section {
    let columns = |list: &[Prediction], head: &str| {
        let largest = list.iter().map(|p| p.logit.abs()).fold(0.0, f32::max);
        let logits = Column::of(list.iter().map(|p| p.logit));
        let shares = Column::of(list.iter().map(|p| percent(p.probability)));
        [
            Column::of(list.iter().map(|p| p.id)).shown(head, NumberForm::Plain),
            logits.shown("logit", NumberForm::Largest(largest)),
            shares.shown_right("probability"),
        ]
    };
    let after = after.map(|after| columns(&after.predictions, "after"));
    let name = if after.is_some() { "before" } else { "word" };
    Section::new(
        columns(before, name)
            .into_iter()
            .chain(after.into_iter().flatten()),
    )
}

/// The best word of each state, the last state first, and the target's logit.
pub(super) fn lens_grid(answer: &PromptAnswer, names: &TokenNames) -> Section {
    grid(answer, (0, &answer.lens, &answer.target), names)
}

/// The same after changes, of the states that they touch.
pub(super) fn grid_after(answer: &PromptAnswer, names: &TokenNames) -> Section {
    match &answer.after {
        Some(after) => grid(
            answer,
            (after.first_state, &after.lens, &after.target),
            names,
        ),
        None => Section::new([]),
    }
}

fn grid(
    answer: &PromptAnswer,
    (first_state, lens, target): (usize, &[Vec<LensCell>], &TargetAnswer),
    names: &TokenNames,
) -> Section {
    let numbered = move |(at, cells)| (first_state + at, cells);
    let states = || lens.iter().enumerate().rev().map(numbered);
    let name = |id: u32| names.marked(id);
    let first = (answer.position + 1).saturating_sub(SHOWN_POSITIONS);
    let columns = (first..=answer.position).map(|position| {
        let cell = |(_, cells): (usize, &Vec<LensCell>)| {
            let best = cells.get(position).and_then(|cell| cell.best.first());
            best.map_or_else(String::new, |best| name(best.id))
        };
        let token = answer.tokens.get(position).copied().unwrap_or_default();
        let head = format!("{position} {}", name(token));
        Column::of(states().map(cell)).shown(head, NumberForm::Plain)
    });
    let best = states().map(|(_, cells)| {
        let best = cells
            .get(answer.position)
            .and_then(|cell| cell.best.first());
        best.map_or_else(String::new, |best| percent(best.probability))
    });
    let logits = states().map(|(state, _)| {
        let logit = target.lens.get(state);
        logit.map_or_else(String::new, |logit| format!("{logit:.3}"))
    });
    let target_name = name(answer.target.prediction.id);
    let state = Column::of(states().map(|(state, _)| state)).shown("state", NumberForm::Plain);
    let ends = [
        Column::of(best).shown_right("probability"),
        Column::of(logits).shown_right(format!("logit of {target_name}")),
    ];
    Section::new(std::iter::once(state).chain(columns).chain(ends))
}

/// The sums of each layer.
pub(super) fn layers(answer: &PromptAnswer) -> Section {
    let layers = || answer.attribution.iter().flat_map(|a| a.layers.iter());
    let number = |x: f64| format!("{x:.4}");
    Section::new([
        Column::of(layers().enumerate().map(|(layer, _)| layer)).shown("layer", NumberForm::Plain),
        Column::of(layers().map(|l| number(l.attention))).shown_right("attention"),
        Column::of(layers().map(|l| number(l.feed_forward))).shown_right("feed-forward"),
    ])
}

/// Neurons, the largest first.
pub(super) fn neurons(neurons: &[NeuronPart], card: &ModelCard) -> Section {
    let number = |x: f64| format!("{x:.4}");
    let columns = [
        Column::of(neurons.iter().map(|n| card.named(n.address()).to_string()))
            .shown("place", NumberForm::Plain),
        Column::of(neurons.iter().map(|n| number(n.activation.into()))).shown_right("activation"),
        Column::of(neurons.iter().map(|n| number(n.size.into()))).shown_right("size"),
    ];
    let attributed = neurons.iter().any(|n| n.attribution.is_some());
    let parts = neurons
        .iter()
        .map(|n| n.attribution.map_or_else(String::new, number));
    let attribution = attributed.then(|| Column::of(parts).shown_right("attribution"));
    Section::new(columns.into_iter().chain(attribution))
}

/// Heads, the largest first.
pub(super) fn heads(heads: &[HeadPart], answer: &PromptAnswer, card: &ModelCard) -> Section {
    let number = |x: f64| format!("{x:.4}");
    let names = card.token_names();
    let most = |h: &HeadPart| {
        let weights = h.attends.iter().enumerate();
        let most = weights.max_by(|(_, a), (_, b)| a.total_cmp(b));
        most.map_or_else(String::new, |(at, weight)| {
            let token = answer.tokens.get(at).copied().unwrap_or_default();
            format!("{at} {} ({:.0} %)", names.marked(token), 100.0 * weight)
        })
    };
    let columns = [
        Column::of(heads.iter().map(|h| h.address().to_string())).shown("place", NumberForm::Plain),
        Column::of(heads.iter().map(|h| number(h.size.into()))).shown_right("size"),
    ];
    let attributed = heads.iter().any(|h| h.attribution.is_some());
    let parts = heads
        .iter()
        .map(|h| h.attribution.map_or_else(String::new, number));
    let attribution = attributed.then(|| Column::of(parts).shown_right("attribution"));
    let most = Column::of(heads.iter().map(most)).shown("attends most to", NumberForm::Plain);
    Section::new(columns.into_iter().chain(attribution).chain([most]))
}
