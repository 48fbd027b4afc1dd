//! Links as a sheet: neurons and heads, upstream and downstream.

use super::{Link, LinkLists, LinksAnswer, LinksQuery};
use crate::query::{Listed, ModelCard, RobustnessAnswer};
use crate::sheet::{
    Block, Column, CommandLine, NumberForm, Provenance, Record, Section, Sheet, TokenPart, Value,
    filter_line, filter_record,
};
use crate::transformer::Input;

/// Words of each list in a table.
const WORDS: usize = 4;

impl Listed for LinksQuery {
    /// Four lists: of each way neurons, then heads.
    fn sheet(&self, card: &ModelCard, answer: &LinksAnswer, _: Option<&RobustnessAnswer>) -> Sheet {
        let mut settings = vec![("convention", self.convention.name())];
        let key = (card.gated() && self.input != Input::default()).then(|| self.input.name());
        settings.extend(key.map(|key| ("key", key.to_owned())));
        settings.push(("filters", filter_line(&self.filters)));
        let (address, command) = (self.of.to_string(), self.command(&card.name, false));
        let provenance =
            Provenance::of_list(&card.name, Some(address.clone()), settings, Some(command));
        let ways = [
            (
                "upstream",
                format!("what {address} reads is written by"),
                &answer.upstream,
            ),
            (
                "downstream",
                format!("what {address} writes is read by"),
                &answer.downstream,
            ),
        ];
        let mut document = Record::new()
            .with("model", &*card.name)
            .with("address", address.as_str())
            .with_some("key", key)
            .with("convention", self.convention.name())
            .with("filters", filter_record(&self.filters))
            .with_provenance(&provenance);
        let (mut sections, mut blocks) = (Vec::new(), Vec::new());
        for (way, heading, LinkLists { neurons, heads }) in ways {
            let mut record = Record::new();
            for (kind, links) in [("neurons", neurons), ("heads", heads)] {
                let at = sections.len();
                record = record.with(kind, Value::Rows(at));
                sections.push(section(way, links));
                if !links.is_empty() {
                    blocks.push(Block::Heading(format!("{heading} {kind}")));
                    blocks.push(Block::table([at]));
                }
            }
            document = document.with(way, record);
        }
        if blocks.is_empty() {
            blocks.push(Block::Text(format!(
                "nothing lies before or behind {address}\n"
            )));
        }
        Sheet {
            provenance: Some(provenance),
            names: card.token_names(),
            document: document.into(),
            sections,
            blocks,
            csv_settings: &["model", "address", "convention", "filters", "version"],
        }
    }

    /// The command that lists them.
    fn command(&self, model: &str, _: bool) -> CommandLine {
        let mut line = CommandLine::new("links", &[&model, &self.of]);
        line.option("-n", self.count);
        if self.input != Input::default() {
            line.option("--key", self.input.name());
        }
        if self.words != LinksQuery::WORDS {
            line.option("--list-words", self.words);
        }
        line.option("--convention", self.convention);
        line.filters(&self.filters);
        line
    }
}

fn section(way: &'static str, links: &[Link]) -> Section {
    let links = || links.iter();
    let largest = links().map(|link| link.strength.abs()).fold(0.0, f32::max);
    let keys = || Column::of(links().map(|link| some(&link.key)));
    let values = || Column::of(links().map(|link| some(&link.value)));
    let [key, value] = [("K", keys()), ("V", values())].map(|(name, column)| {
        let column = column.named(name);
        // Heads have no words.
        match links().any(|link| !link.key.is_empty()) {
            true => column.shown(name, NumberForm::First(WORDS)),
            false => column,
        }
    });
    Section::new([
        Column::same(way).csv("way"),
        Column::count().csv("rank"),
        Column::of(links().map(|link| link.at.to_string()))
            .named("address")
            .shown("place", NumberForm::Plain),
        Column::of(links().map(|link| link.side.name().to_owned()))
            .named("side")
            .shown("by", NumberForm::Plain),
        Column::of(links().map(|link| link.strength))
            .named("strength")
            .shown("strength", NumberForm::Largest(largest)),
        Column::of(links().map(|link| link.share))
            .named("share")
            .shown("share", NumberForm::Decimals(3)),
        key,
        value,
        keys().csv_part("K_tokens", TokenPart::Raw),
        values().csv_part("V_tokens", TokenPart::Raw),
    ])
}

/// Words, if there are any.
fn some(words: &[u32]) -> Option<Vec<u32>> {
    (!words.is_empty()).then(|| words.to_vec())
}
