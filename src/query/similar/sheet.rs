//! Similar neurons as a sheet: a list by K, and one by V.

use super::{SimilarNeuron, SimilarNeuronsAnswer, SimilarNeuronsQuery};
use crate::query::{Address, ModelCard};
use crate::sheet::{
    Block, Column, CommandLine, NumberForm, Provenance, Record, Section, Sheet, TokenPart, Value,
    filter_line, filter_record, grouped,
};
use crate::transformer::Input;

/// Words of each list in a table.
const WORDS: usize = 5;

/// The most similar neurons of another model, or of the neuron's own if there is no other.
pub fn similar_sheet(
    card: &ModelCard,
    to: Option<&ModelCard>,
    query: &SimilarNeuronsQuery,
    answer: &SimilarNeuronsAnswer,
) -> Sheet {
    let of = to.unwrap_or(card);
    let mut settings = vec![("to", of.name.clone())];
    let key = (card.gated() && query.input != Input::default()).then(|| query.input.name());
    settings.extend(key.map(|key| ("key", key.to_owned())));
    settings.push(("convention", query.convention.name()));
    settings.push(("filters", filter_line(&query.filters)));
    let address = query.address().to_string();
    let command = command(&card.name, to, query);
    let provenance =
        Provenance::of_list(&card.name, Some(address.clone()), settings, Some(command));
    let own =
        |ids: &[u32]| Value::from_iter(ids.iter().map(|&id| card.vocabulary.text(id).into_owned()));
    let document = Record::new()
        .with("model", &*card.name)
        .with("address", address.as_str())
        .with("to", &*of.name)
        .with_some("key", key)
        .with("convention", query.convention.name())
        .with("filters", filter_record(&query.filters))
        .with_provenance(&provenance)
        .with("shared_tokens", answer.shared)
        .with("tokens", Value::from_iter(answer.tokens))
        .with("K", own(&answer.own_words[0]))
        .with("V", own(&answer.own_words[1]))
        .with("by_key", Value::Rows(0))
        .with("by_value", Value::Rows(1));
    let [shared, of_own, of_other] =
        [answer.shared, answer.tokens[0], answer.tokens[1]].map(grouped);
    let joined = |ids: &[u32]| {
        let words = ids.iter().take(WORDS);
        let words: Vec<_> = words.map(|&id| card.vocabulary.text(id)).collect();
        words.join(" ")
    };
    let mut blocks = vec![Block::Text(format!(
        "{address} of {}  K {}  V {}\nover {shared} shared tokens, of {of_own} and {of_other}\n",
        card.name,
        joined(&answer.own_words[0]),
        joined(&answer.own_words[1]),
    ))];
    for (at, (what, list)) in [("K", &answer.by_key), ("V", &answer.by_value)]
        .into_iter()
        .enumerate()
    {
        if !list.is_empty() {
            let heading = format!("neurons of {} whose {what} is most like it", of.name);
            blocks.extend([Block::Heading(heading), Block::table([at])]);
        }
    }
    Sheet {
        provenance: Some(provenance),
        names: of.token_names(),
        document: document.into(),
        sections: vec![
            section(of, "K", &answer.by_key),
            section(of, "V", &answer.by_value),
        ],
        blocks,
        csv_settings: &["model", "address", "to", "convention", "filters", "version"],
    }
}

fn section(card: &ModelCard, by: &'static str, list: &[SimilarNeuron]) -> Section {
    let all = || list.iter();
    let address = |of: &SimilarNeuron| {
        let (layer, neuron) = (of.layer, of.neuron);
        card.named(Address::Neuron { layer, neuron }).to_string()
    };
    let keys = || Column::of(all().map(|of| of.key_words.clone()));
    let values = || Column::of(all().map(|of| of.value_words.clone()));
    let number = |x: Option<f32>| x.map(f64::from);
    Section::new([
        Column::same(by).csv("by"),
        Column::count().csv("rank"),
        Column::of(all().map(address))
            .named("neuron")
            .shown("neuron", NumberForm::Plain),
        Column::of(all().map(|of| number(of.key)))
            .named("key_cosine")
            .shown("cos K", NumberForm::Decimals(3)),
        Column::of(all().map(|of| number(of.value)))
            .named("value_cosine")
            .shown("cos V", NumberForm::Decimals(3)),
        keys().named("K").shown("K", NumberForm::First(WORDS)),
        values().named("V").shown("V", NumberForm::First(WORDS)),
        keys().csv_part("K_tokens", TokenPart::Raw),
        values().csv_part("V_tokens", TokenPart::Raw),
    ])
}

/// The command that lists them.
fn command(model: &str, to: Option<&ModelCard>, query: &SimilarNeuronsQuery) -> CommandLine {
    let mut line = CommandLine::new("similar", &[&model, &query.address()]);
    if let Some(to) = to {
        line.option("--to", &to.name);
    }
    line.option("-k", query.count);
    if query.input != Input::default() {
        line.option("--key", query.input.name());
    }
    if query.words != SimilarNeuronsQuery::WORDS {
        line.option("--list-words", query.words);
    }
    line.option("--convention", query.convention);
    line.filters(&query.filters);
    line
}
