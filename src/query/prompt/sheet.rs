//! What a model does with a text, as a sheet.

use super::csv_rows::each_value;
use super::tables::{grid_after, heads, layers, lens_grid, neurons, predictions};
use super::{
    AfterAnswer, Attribution, HeadPart, LayerExperts, LensCell, NeuronPart, Prediction,
    PromptAnswer, PromptQuery, TakenExpert, TargetAnswer,
};
use crate::query::{Listed, ModelCard, RobustnessAnswer, TokenChoice};
use crate::sheet::{
    Block, CommandLine, Provenance, Record, Sheet, TokenNames, Value, grouped, with_boundary,
};

impl Listed for PromptQuery {
    fn sheet(
        &self,
        card: &ModelCard,
        answer: &Box<PromptAnswer>,
        _: Option<&RobustnessAnswer>,
    ) -> Sheet {
        let names = card.token_names();
        let provenance = Provenance {
            said: format!("{} · prompt", card.name),
            address: None,
            settings: vec![("model", card.name.clone())],
            command: Some(named(card, self).command(&card.name, false)),
        };
        let sections = vec![
            each_value(answer, card),
            predictions(&answer.predictions, answer.after.as_ref()),
            lens_grid(answer, &names),
            layers(answer),
            neurons(&answer.neurons, card),
            heads(&answer.heads, answer, card),
            grid_after(answer, &names),
        ];
        Sheet {
            document: document(card, self, answer, &provenance).into(),
            blocks: blocks(card, self, answer, &names),
            provenance: Some(provenance),
            names,
            sections,
            csv_settings: &["model", "version"],
        }
    }

    /// The command that answers it.
    fn command(&self, model: &str, _: bool) -> CommandLine {
        let mut line = CommandLine::new("prompt", &[&model]);
        line.option("--text", &self.text);
        line.flag(self.special, "--special");
        line.flag(self.chat, "--chat");
        if let Some(position) = self.position {
            line.option("--position", position);
        }
        for (choice, names) in [
            (&self.target, ["--target", "--target-id"]),
            (&self.against, ["--against", "--against-id"]),
        ] {
            match choice {
                Some(TokenChoice::Word(word)) => line.option(names[0], word),
                Some(TokenChoice::Id(id)) => line.option(names[1], id),
                None => {}
            }
        }
        line.option("-k", self.k);
        line.option("--lens-k", self.lens_k);
        for change in &self.changes {
            let (name, value) = change.option();
            line.option(name, value);
        }
        if let Some(how) = self.continuation {
            line.option("--continue", how.tokens);
            line.option("--temperature", how.temperature);
            line.option("--seed", how.seed);
        }
        line
    }
}

fn document(
    card: &ModelCard,
    query: &PromptQuery,
    answer: &PromptAnswer,
    provenance: &Provenance,
) -> Record {
    let tokens = answer.tokens.iter().map(|&id| Value::Token(id));
    let changes = query.changes.iter();
    let changes = changes.map(|change| change.named(card).to_string());
    let document = Record::new()
        .with("model", &*card.name)
        .with_provenance(provenance)
        .with("tokens", Value::List(tokens.collect()))
        .with("position", answer.position)
        .with("predictions", prediction_list(&answer.predictions))
        .with("lens", lens_value(0, &answer.lens))
        .with("target", target(&answer.target))
        .with_some("against", answer.against.as_ref().map(target));
    let document = match &answer.attribution {
        Ok(attribution) => document.with("attribution", attribution_record(attribution)),
        Err(why) => document
            .with("attribution", Value::Null)
            .with("not_attributed", &**why),
    };
    let neurons = answer.neurons.iter().map(|part| neuron(part, card));
    let heads = answer.heads.iter().map(head);
    let document = document
        .with("neurons", neurons.collect::<Value>())
        .with("heads", heads.collect::<Value>())
        .with_some("experts", experts_value(answer));
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

fn neuron(of: &NeuronPart, card: &ModelCard) -> Record {
    Record::new()
        .with("address", card.named(of.address()).to_string())
        .with("activation", of.activation)
        .with("size", of.size)
        .with_some("attribution", of.attribution)
}

/// By layer and position, the experts that a token takes; nothing in a model without.
fn experts_value(answer: &PromptAnswer) -> Option<Value> {
    let taken = |of: &TakenExpert| {
        let record = Record::new().with("expert", of.expert);
        record.with("share", of.share)
    };
    let position = |position: &Vec<TakenExpert>| position.iter().map(taken).collect::<Value>();
    let layer = |of: &LayerExperts| {
        let positions: Vec<Value> = of.positions.iter().map(position).collect();
        let record = Record::new().with("layer", of.layer);
        record.with("positions", Value::List(positions))
    };
    let layers = || answer.experts.iter().map(layer).collect::<Value>();
    (!answer.experts.is_empty()).then(layers)
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
        .with("lens", lens_value(of.first_state, &of.lens))
}

fn lens_value(first_state: usize, lens: &[Vec<LensCell>]) -> Value {
    let state = |(state, cells): (usize, &Vec<LensCell>)| {
        let positions = cells.iter().map(|cell| prediction_list(&cell.best));
        let record = Record::new().with("state", state);
        record.with("positions", Value::List(positions.collect()))
    };
    (first_state..).zip(lens).map(state).collect()
}

fn continued(card: &ModelCard, ids: &[u32]) -> Record {
    let tokens = ids.iter().map(|&id| Value::Token(id));
    Record::new()
        .with("text", running_text(card, ids))
        .with("tokens", Value::List(tokens.collect()))
}

/// Tokens as running text.
pub fn running_text(card: &ModelCard, ids: &[u32]) -> String {
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
    if answer
        .after
        .as_ref()
        .is_some_and(|after| !after.lens.is_empty())
    {
        blocks.push(heading(
            "… after the changes, of the states that they touch",
        ));
        blocks.push(Block::table([6]));
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
        text += &format!(
            ", seed {}): {}\n",
            how.seed,
            running_text(card, &found.before)
        );
        if let Some(after) = &found.after {
            text += &format!("after the changes: {}\n", running_text(card, after));
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

/// The query with the neurons of experts under the names that tell these.
fn named(card: &ModelCard, query: &PromptQuery) -> PromptQuery {
    let changes = query.changes.iter().map(|change| change.named(card));
    PromptQuery {
        changes: changes.collect(),
        ..query.clone()
    }
}
