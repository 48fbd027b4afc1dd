//! What a model does with a text, as a sheet.

use super::csv_rows::each_value;
use super::{
    AfterAnswer, Attribution, HeadPart, LensCell, NeuronPart, Prediction, PromptAnswer,
    PromptQuery, TargetAnswer,
};
use crate::query::{ModelCard, TokenChoice};
use crate::sheet::{
    Block, Column, CommandLine, NumberForm, Provenance, Record, Section, Sheet, TokenNames, Value,
    grouped, with_boundary,
};

/// Positions of the lens that a table shows, up to the one that is looked at.
const SHOWN_POSITIONS: usize = 8;

pub(super) fn sheet(card: &ModelCard, query: &PromptQuery, answer: &PromptAnswer) -> Sheet {
    let names = card.token_names();
    let provenance = Provenance {
        said: format!("{} · prompt", card.name),
        address: None,
        settings: vec![("model", card.name.clone())],
        command: Some(command(&card.name, query)),
    };
    let sections = vec![
        each_value(answer),
        predictions(&answer.predictions, answer.after.as_ref()),
        lens_grid(answer, &names),
        layers(answer),
        neurons(&answer.neurons),
        heads(&answer.heads, answer, card),
    ];
    Sheet {
        document: document(card, query, answer, &provenance).into(),
        blocks: blocks(card, query, answer, &names),
        provenance: Some(provenance),
        names,
        sections,
        csv_settings: &["model", "version"],
    }
}

fn document(
    card: &ModelCard,
    query: &PromptQuery,
    answer: &PromptAnswer,
    provenance: &Provenance,
) -> Record {
    let tokens = answer.tokens.iter().map(|&id| Value::Token(id));
    let state = |(state, cells): (usize, &Vec<LensCell>)| {
        let positions = cells.iter().map(|cell| prediction_list(&cell.best));
        let record = Record::new().with("state", state);
        record.with("positions", Value::List(positions.collect()))
    };
    let lens = answer.lens.iter().enumerate().map(state);
    let changes = query.changes.iter().map(|change| change.to_string());
    let document = Record::new()
        .with("model", &*card.name)
        .with_provenance(provenance)
        .with("tokens", Value::List(tokens.collect()))
        .with("position", answer.position)
        .with("predictions", prediction_list(&answer.predictions))
        .with("lens", lens.collect::<Value>())
        .with("target", target(&answer.target))
        .with_some("against", answer.against.as_ref().map(target));
    let document = match &answer.attribution {
        Ok(attribution) => document.with("attribution", attribution_record(attribution)),
        Err(why) => document
            .with("attribution", Value::Null)
            .with("not_attributed", &**why),
    };
    let neurons = answer.neurons.iter().map(neuron);
    let heads = answer.heads.iter().map(head);
    let document = document
        .with("neurons", neurons.collect::<Value>())
        .with("heads", heads.collect::<Value>());
    let document = match &answer.after {
        None => document,
        Some(after) => document
            .with("changes", Value::from_iter(changes))
            .with("after", after_record(after)),
    };
    let continuation = answer.continuation.as_ref().zip(query.continuation);
    let continuation = continuation.map(|(found, how)| {
        let record = Record::new()
            .with("temperature", how.temperature.get())
            .with("seed", how.seed as usize)
            .with("before", continued(card, &found.before));
        record.with_some(
            "after",
            found.after.as_ref().map(|ids| continued(card, ids)),
        )
    });
    document
        .with_some("continuation", continuation)
        .with("notices", Value::from_iter(answer.notices.iter().cloned()))
}

fn prediction(of: &Prediction) -> Record {
    Record::new()
        .with_token(of.id)
        .with("logit", of.logit)
        .with("probability", of.probability)
}

fn prediction_list(list: &[Prediction]) -> Value {
    list.iter().map(prediction).collect()
}

fn target(of: &TargetAnswer) -> Record {
    prediction(&of.prediction)
        .with("rank", of.rank)
        .with("lens", Value::from_iter(of.lens.iter().copied()))
}

fn attribution_record(of: &Attribution) -> Record {
    let layer = |layer: &super::LayerAttribution| {
        let record = Record::new().with("attention", layer.attention);
        record.with("feed_forward", layer.feed_forward)
    };
    Record::new()
        .with("embedding", of.embedding)
        .with("layers", of.layers.iter().map(layer).collect::<Value>())
        .with("constant", of.constant)
        .with("sum", of.sum)
        .with("logit", of.expected)
}

fn neuron(of: &NeuronPart) -> Record {
    Record::new()
        .with("address", of.address().to_string())
        .with("activation", of.activation)
        .with("size", of.size)
        .with_some("attribution", of.attribution)
}

fn head(of: &HeadPart) -> Record {
    Record::new()
        .with("address", of.address().to_string())
        .with("size", of.size)
        .with_some("attribution", of.attribution)
        .with("attends", Value::from_iter(of.attends.iter().copied()))
}

fn after_record(of: &AfterAnswer) -> Record {
    Record::new()
        .with("predictions", prediction_list(&of.predictions))
        .with("target", target(&of.target))
        .with_some("against", of.against.as_ref().map(target))
        .with("kl", of.divergence)
}

fn continued(card: &ModelCard, ids: &[u32]) -> Record {
    let tokens = ids.iter().map(|&id| Value::Token(id));
    Record::new()
        .with("text", joined(card, ids))
        .with("tokens", Value::List(tokens.collect()))
}

/// Tokens as running text.
fn joined(card: &ModelCard, ids: &[u32]) -> String {
    let mut text = String::new();
    for &id in ids {
        let token = with_boundary(&card.vocabulary, id);
        match token.strip_prefix('·') {
            Some(rest) => text += rest,
            None => {
                if !text.is_empty() {
                    text.push(' ');
                }
                text += &token;
            }
        }
    }
    text
}

fn blocks(
    card: &ModelCard,
    query: &PromptQuery,
    answer: &PromptAnswer,
    names: &TokenNames,
) -> Vec<Block> {
    let tokens = answer.tokens.iter().enumerate();
    let tokens = tokens.map(|(at, &id)| match at == answer.position {
        true => format!("[{}]", names.marked(id)),
        false => names.marked(id),
    });
    let mut text = tokens.collect::<Vec<_>>().join(" ");
    text += &format!(
        "\nposition {} of 0 to {}\n",
        answer.position,
        answer.tokens.len() - 1
    );
    text.extend(answer.notices.iter().map(|notice| format!("{notice}\n")));
    let mut blocks = vec![Block::Text(text), heading("predictions")];
    blocks.push(Block::table([1]));
    blocks.push(Block::Text(words(answer, names)));
    if !answer.lens.is_empty() {
        blocks.push(heading("the best word of each state"));
        blocks.push(Block::table([2]));
        let last = answer.lens.len() - 1;
        let text = format!("state {last} is the model's own prediction, to the last bit\n");
        blocks.push(Block::Text(text));
    }
    match &answer.attribution {
        Ok(attribution) => {
            let word = names.marked(answer.target.prediction.id);
            let against = answer.against.as_ref();
            let against = against.map(|a| format!(" over {}", names.marked(a.prediction.id)));
            blocks.push(Block::Heading(format!(
                "what moved {word}{}",
                against.unwrap_or_default()
            )));
            blocks.push(Block::table([3]));
            blocks.push(Block::Text(sum(attribution)));
        }
        Err(why) => blocks.push(Block::Text(format!("\n{why}\n"))),
    }
    blocks.extend([heading("neurons"), Block::table([4])]);
    blocks.extend([heading("heads"), Block::table([5])]);
    if let (Some(found), Some(how)) = (&answer.continuation, query.continuation) {
        let mut text = format!("\nthe text goes on (temperature {}", how.temperature);
        text += &format!(", seed {}): {}\n", how.seed, joined(card, &found.before));
        if let Some(after) = &found.after {
            text += &format!("after the changes: {}\n", joined(card, after));
        }
        blocks.push(Block::Text(text));
    }
    blocks
}

fn heading(text: &str) -> Block {
    Block::Heading(text.to_owned())
}

/// A line of each word that was asked about.
fn words(answer: &PromptAnswer, names: &TokenNames) -> String {
    let after = answer.after.as_ref();
    let line = |of: &TargetAnswer, after: Option<&TargetAnswer>| {
        let said = |of: &TargetAnswer| {
            let Prediction {
                logit, probability, ..
            } = of.prediction;
            let percent = 100.0 * probability;
            format!(
                "logit {logit:.3}, {percent:.2} %, rank {}",
                grouped(of.rank)
            )
        };
        let after = after.map(|after| format!(" → {}", said(after)));
        let name = names.marked(of.prediction.id);
        format!("{name}: {}{}\n", said(of), after.unwrap_or_default())
    };
    let mut text = line(&answer.target, after.map(|after| &after.target));
    if let Some(against) = &answer.against {
        text += &line(against, after.and_then(|after| after.against.as_ref()));
    }
    text.extend(after.map(|after| format!("KL(before ‖ after) {:.5} nats\n", after.divergence)));
    text
}

/// The parts beside the layers, and what all of them come to.
fn sum(of: &Attribution) -> String {
    format!(
        "embedding {:.4} · constant {:.4} · sum of all {:.4} · logit {:.4} · apart {:.1e}\n",
        of.embedding,
        of.constant,
        of.sum,
        of.expected,
        (of.sum - of.expected).abs()
    )
}

fn percent(probability: f32) -> String {
    format!("{:.2} %", 100.0 * probability)
}

/// Predictions, before and after side by side.
fn predictions(before: &[Prediction], after: Option<&AfterAnswer>) -> Section {
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
fn lens_grid(answer: &PromptAnswer, names: &TokenNames) -> Section {
    let states = || answer.lens.iter().enumerate().rev();
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
    let target = states().map(|(state, _)| {
        let logit = answer.target.lens.get(state);
        logit.map_or_else(String::new, |logit| format!("{logit:.3}"))
    });
    let target_name = name(answer.target.prediction.id);
    let state = Column::of(states().map(|(state, _)| state)).shown("state", NumberForm::Plain);
    let ends = [
        Column::of(best).shown_right("probability"),
        Column::of(target).shown_right(format!("logit of {target_name}")),
    ];
    Section::new(std::iter::once(state).chain(columns).chain(ends))
}

fn layers(answer: &PromptAnswer) -> Section {
    let layers = || answer.attribution.iter().flat_map(|a| a.layers.iter());
    let number = |x: f64| format!("{x:.4}");
    Section::new([
        Column::of(layers().enumerate().map(|(layer, _)| layer)).shown("layer", NumberForm::Plain),
        Column::of(layers().map(|l| number(l.attention))).shown_right("attention"),
        Column::of(layers().map(|l| number(l.feed_forward))).shown_right("feed-forward"),
    ])
}

fn neurons(neurons: &[NeuronPart]) -> Section {
    let number = |x: f64| format!("{x:.4}");
    let columns = [
        Column::of(neurons.iter().map(|n| n.address().to_string()))
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

fn heads(heads: &[HeadPart], answer: &PromptAnswer, card: &ModelCard) -> Section {
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

/// The command that answers it.
pub(super) fn command(model: &str, query: &PromptQuery) -> CommandLine {
    let mut line = CommandLine::new("prompt", &[&model]);
    line.option("--text", &query.text);
    line.flag(query.special, "--special");
    if let Some(position) = query.position {
        line.option("--position", position);
    }
    for (choice, names) in [
        (&query.target, ["--target", "--target-id"]),
        (&query.against, ["--against", "--against-id"]),
    ] {
        match choice {
            Some(TokenChoice::Word(word)) => line.option(names[0], word),
            Some(TokenChoice::Id(id)) => line.option(names[1], id),
            None => {}
        }
    }
    line.option("-k", query.k);
    line.option("--lens-k", query.lens_k);
    for change in &query.changes {
        let (name, value) = change.option();
        line.option(name, value);
    }
    if let Some(how) = query.continuation {
        line.option("--continue", how.tokens);
        line.option("--temperature", how.temperature);
        line.option("--seed", how.seed);
    }
    line
}
