//! Where words stand, as a sheet.

use crate::projection::Hit;
use crate::query::{FindAnswer, FindQuery, Listed, ModelCard, NO_HEAD, RobustnessAnswer, RoleHits};
use crate::sheet::{
    Block, Column, CommandLine, NumberForm, Provenance, Record, Section, Sheet, TokenPart, Value,
    filter_line, filter_record, grouped, spark,
};
use crate::transformer::Input;

impl Listed for FindQuery {
    /// A section for each place where a word can stand.
    fn sheet(&self, card: &ModelCard, answer: &FindAnswer, _: Option<&RobustnessAnswer>) -> Sheet {
        let mut settings = vec![("convention", self.convention.name())];
        if card.gated() && self.input != Input::default() {
            settings.push(("key", self.input.name().to_owned()));
        }
        settings.push(("filters", filter_line(&self.filters)));
        let command = self.command(&card.name, false);
        let provenance = Provenance::of_list(&card.name, None, settings, Some(command));
        let not_read = (!card.has_output(self.convention)).then_some(NO_HEAD);
        let names = card.token_names();

        let tokens: Vec<String> = answer.tokens.iter().map(|&id| names.marked(id)).collect();
        let mut heading = format!("{}, by {}", tokens.join("  "), self.by.name());
        if !self.convention.is_raw() {
            heading += &format!(", {}", self.convention);
        }
        heading.push('\n');
        if answer.matched > answer.tokens.len() {
            let (first, all) = (answer.tokens.len(), grouped(answer.matched));
            heading += &format!("the first {first} of {all} tokens that match\n");
        }
        heading.extend(not_read.map(|why| format!("{why}\n")));
        let mut blocks = vec![Block::Text(heading)];
        for (at, group) in answer.groups.iter().enumerate() {
            let bars = spark(group.by_layer.iter().copied());
            let (role, meaning) = (group.role, group.role.meaning());
            blocks.push(Block::Heading(format!("{role}  {meaning}  {bars}")));
            blocks.push(Block::table([at]));
        }

        let groups = answer.groups.iter().enumerate().map(|(at, group)| {
            let histogram = group.histogram(card.spec.layers).into_iter();
            let record = Record::new()
                .with("meaning", group.role.meaning())
                .with("histogram", histogram.collect::<Value>())
                .with("best", Value::from_iter(group.by_layer.iter().copied()))
                .with("hits", Value::Rows(at));
            (group.role.name(), record)
        });
        let document = Record::new()
            .with("model", &*card.name)
            .with("words", Value::from_iter(self.words.iter().cloned()))
            .with("by", self.by.name())
            .with("convention", self.convention.name())
            .with("exact", answer.exact)
            .with("filters", filter_record(&self.filters))
            .with_provenance(&provenance)
            .with(
                "tokens",
                Value::List(answer.tokens.iter().map(|&id| Value::Token(id)).collect()),
            )
            .with("matched", answer.matched)
            .with("ranks_counted", answer.counted)
            .with_some("not_read", not_read)
            .with("groups", groups.collect::<Record>());
        Sheet {
            provenance: Some(provenance),
            names,
            document: document.into(),
            sections: answer
                .groups
                .iter()
                .map(|group| section(group, card))
                .collect(),
            blocks,
            // Each row has an address of its own.
            csv_settings: &["model", "convention", "key", "filters", "version"],
        }
    }

    /// The command that looks for them.
    fn command(&self, model: &str, _: bool) -> CommandLine {
        let mut line = CommandLine::new("find", &[&model]);
        for word in &self.words {
            line.word(word);
        }
        line.option("--by", self.by.name());
        line.option("-k", self.k);
        if self.input != Input::default() {
            line.option("--key", self.input.name());
        }
        line.option("--convention", self.convention);
        line.flag(!self.heads, "--neurons-only");
        line.filters(&self.filters);
        line
    }
}

fn section(group: &RoleHits, card: &ModelCard) -> Section {
    let hits = || group.hits.iter();
    let largest = hits().map(|hit| hit.score.abs()).fold(0.0, f32::max);
    let partners = || Column::of(hits().map(|hit| hit.partner));
    let address = |hit: &Hit| card.named(group.address(hit)).to_string();
    let words = group.gists.iter();
    let words = Column::of(words.map(|words| (!words.is_empty()).then(|| words.clone())));
    let rank = Column::of(hits().map(|hit| hit.rank)).named("rank");
    let words = words.named("words");
    let (rank, words, with) = match group.role.is_of_heads() {
        true => (
            rank,
            words,
            Some(partners().shown("with", NumberForm::Plain)),
        ),
        false => {
            let words = words.shown("list", NumberForm::First(usize::MAX));
            (rank.shown("rank", NumberForm::Grouped), words, None)
        }
    };
    let columns = [
        Column::same(group.role.name()).csv("stand"),
        Column::count().csv("place"),
        Column::of(hits().map(address))
            .named("address")
            .shown("place", NumberForm::Plain),
        Column::of(hits().map(|hit| hit.layer)).json("layer"),
        Column::of(hits().map(|hit| hit.index)).json("index"),
        Column::of(hits().map(|hit| hit.token))
            .csv_part("token_id", TokenPart::Id)
            .named("token")
            .shown("token", NumberForm::Plain),
        partners()
            .csv_part("partner_id", TokenPart::Id)
            .named("partner"),
        Column::of(hits().map(|hit| hit.score))
            .named("score")
            .shown("score", NumberForm::Largest(largest)),
        Column::of(hits().map(|hit| hit.cosine))
            .named("cosine")
            .shown("cosine", NumberForm::Decimals(3)),
        rank,
        words,
        Column::of(hits().map(|hit| hit.token)).csv_part("token_string", TokenPart::Raw),
        partners().csv_part("partner_string", TokenPart::Raw),
    ];
    Section::new(columns.into_iter().chain(with))
}
