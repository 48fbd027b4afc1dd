//! Where a neuron or a head fires, as a sheet.

use super::{
    AttentionFigures, ContextsAnswer, ContextsFigures, ContextsQuery, KeyBand, KeyFigures, Passage,
    Spread,
};
use crate::query::kind::Items;
use crate::query::{Listed, ModelCard, RobustnessAnswer};
use crate::sheet::{
    Block, Column, CommandLine, NumberForm, Provenance, Record, Section, Sheet, TokenPart, Value,
    grouped, spark, with_boundary,
};
use crate::transformer::Input;

impl Listed for ContextsQuery {
    fn sheet(
        &self,
        card: &ModelCard,
        answer: &Box<ContextsAnswer>,
        _: Option<&RobustnessAnswer>,
    ) -> Sheet {
        let mut settings = vec![("texts", self.texts.described())];
        if self.among == Items::Neurons {
            settings.insert(0, ("convention", self.convention.name()));
        }
        let address = self.place().to_string();
        let command = self.command(&card.name, false);
        let provenance = Provenance::of_list(&card.name, Some(address), settings, Some(command));
        let ends = [("most", &answer.most), ("least", &answer.least)];
        let sections = ends.map(|(end, passages)| section(card, self.among, end, passages));
        Sheet {
            document: document(card, self, answer, &provenance).into(),
            blocks: blocks(self, answer),
            provenance: Some(provenance),
            names: card.token_names(),
            sections: sections.into(),
            csv_settings: &["convention", "model", "address", "texts", "version"],
        }
    }

    /// The command that answers it.
    fn command(&self, model: &str, _: bool) -> CommandLine {
        let mut line = CommandLine::new("contexts", &[&model, &self.place()]);
        if self.input != Input::Gate {
            line.option("--key", self.input.name());
        }
        line.option("-k", self.k);
        if self.among == Items::Neurons {
            line.option("--convention", self.convention);
        }
        self.texts.add_to(&mut line);
        line
    }
}

fn document(
    card: &ModelCard,
    query: &ContextsQuery,
    answer: &ContextsAnswer,
    provenance: &Provenance,
) -> Record {
    let texts = Record::new()
        .with("count", query.texts.texts.texts.len())
        .with("from", &*query.texts.texts.label)
        .with("max_tokens", query.texts.max_tokens);
    let convention = (query.among == Items::Neurons).then(|| query.convention.name());
    let Spread {
        least,
        most,
        mean,
        above_zero,
        histogram,
    } = &answer.spread;
    let values = Record::new()
        .with("count", answer.count)
        .with("least", *least)
        .with("most", *most)
        .with("mean", *mean)
        .with("above_zero", *above_zero)
        .with("histogram", Value::from_iter(histogram.iter().copied()));
    let document = Record::new()
        .with("model", &*card.name)
        .with_some("convention", convention)
        .with_provenance(provenance)
        .with("texts", texts)
        .with("values", values);
    let document = match &answer.figures {
        ContextsFigures::Pending => document,
        ContextsFigures::Key(key) => document.with("key", key_record(key)),
        ContextsFigures::Attention(of) => document.with(
            "attention",
            Record::new()
                .with("first", of.first)
                .with("itself", of.itself)
                .with("previous", of.previous),
        ),
    };
    let passages = |of: &[Passage]| of.iter().map(passage_record).collect::<Value>();
    let least = (query.among == Items::Neurons).then(|| passages(&answer.least));
    document
        .with("most", passages(&answer.most))
        .with_some("least", least)
        .with("notices", Value::from_iter(answer.notices.iter().cloned()))
}

fn key_record(key: &KeyFigures) -> Record {
    let band = |band: &KeyBand| {
        Record::new()
            .with("first", band.first)
            .with("last", band.last)
            .with("positions", band.positions)
            .with("mean", band.mean)
            .with("above_zero", band.above_zero)
    };
    Record::new()
        .with("at", KeyFigures::AT)
        .with("precision", key.precision)
        .with("base", key.base)
        .with("correlation", key.correlation)
        .with("bands", key.bands.iter().map(band).collect::<Value>())
}

fn passage_record(of: &Passage) -> Record {
    let token = |(&id, &value): (&u32, &f32)| {
        let record = Record::new().with_token(id);
        record.with("value", value)
    };
    let tokens = of.ids.iter().zip(&of.values).map(token);
    Record::new()
        .with("text", of.text)
        .with("position", of.position)
        .with_some("to", of.to)
        .with("value", of.value)
        .with_some("rank", of.rank)
        .with("first", of.first)
        .with("tokens", tokens.collect::<Value>())
}

/// A row a passage.
fn section(card: &ModelCard, among: Items, end: &str, passages: &[Passage]) -> Section {
    let all = || passages.iter();
    let at = |of: &Passage, position: usize| {
        let place = position.checked_sub(of.first)?;
        of.ids.get(place).copied()
    };
    let value = match among {
        Items::Neurons => "activation",
        Items::Heads => "weight",
    };
    let mut columns = vec![
        Column::same(end).csv("end"),
        Column::count().csv("rank"),
        Column::of(all().map(|p| p.text)).csv("text"),
        Column::of(all().map(|p| p.position)).csv("position"),
        Column::of(all().map(|p| at(p, p.position)))
            .csv_part("id", TokenPart::Id)
            .csv_part("token", TokenPart::Raw),
        Column::of(all().map(|p| p.value))
            .csv(value)
            .shown(value, NumberForm::Decimals(3)),
    ];
    match among {
        Items::Neurons => columns.push(
            Column::of(all().map(|p| p.rank))
                .csv("k_rank")
                .shown("rank in K", NumberForm::Grouped),
        ),
        Items::Heads => columns.extend([
            Column::of(all().map(|p| p.to)).csv("to"),
            Column::of(all().map(|p| p.to.and_then(|to| at(p, to))))
                .csv_part("to_id", TokenPart::Id)
                .csv_part("to_token", TokenPart::Raw),
        ]),
    }
    columns.push(
        Column::of(all().map(|p| passage_text(card, p)))
            .csv("passage")
            .shown("passage", NumberForm::Plain),
    );
    Section::new(columns)
}

/// The passage with its position in square brackets, of a head also the one that is looked at, in
/// angle brackets.
pub fn passage_text(card: &ModelCard, of: &Passage) -> String {
    let mut text = String::new();
    for (position, &id) in (of.first..).zip(&of.ids) {
        let token = with_boundary(&card.vocabulary, id);
        let (space, token) = match token.strip_prefix('·') {
            Some(rest) => ("", rest),
            None => (" ", &*token),
        };
        if !text.is_empty() {
            text += space;
        }
        let looks = position == of.position;
        let looked_at = of.to == Some(position);
        text += &match (looks, looked_at) {
            (true, true) => format!("[‹{token}›]"),
            (true, false) => format!("[{token}]"),
            (false, true) => format!("‹{token}›"),
            (false, false) => token.to_owned(),
        };
    }
    text
}

/// The figures, in lines.
pub fn lines(answer: &ContextsAnswer) -> Vec<String> {
    let (what, figures) = match &answer.figures {
        ContextsFigures::Pending => return Vec::new(),
        ContextsFigures::Key(key) => ("positions", key_lines(key)),
        ContextsFigures::Attention(of) => ("pairs of positions", attention_line(of)),
    };
    let mut text = spread_lines(what, answer);
    text.extend(answer.notices.iter().map(|notice| format!("{notice}\n")));
    (text + &figures).lines().map(str::to_owned).collect()
}

fn blocks(query: &ContextsQuery, answer: &ContextsAnswer) -> Vec<Block> {
    let heading = |text: &str| Block::Heading(text.to_owned());
    let lines = lines(answer).into_iter().map(|line| line + "\n");
    let mut blocks = vec![Block::Text(lines.collect())];
    match query.among {
        Items::Neurons => blocks.extend([
            heading("where it is most active"),
            Block::table([0]),
            heading("where it is least active"),
            Block::table([1]),
        ]),
        Items::Heads => blocks.extend([
            heading("where it looks hardest: [from] ‹to›"),
            Block::table([0]),
        ]),
    }
    blocks
}

fn spread_lines(what: &str, answer: &ContextsAnswer) -> String {
    let spread = &answer.spread;
    // A bin of one number must show beside one of thousands.
    let bars = spark(spread.histogram.iter().map(|&n| (n as f32).ln_1p()));
    format!(
        "{} {what} · above 0 at {:.1} % · mean {:.4}\n{:.3} {bars} {:.3} (logarithmic)\n",
        grouped(answer.count),
        100.0 * spread.above_zero,
        spread.mean,
        spread.least,
        spread.most,
    )
}

/// Whether the key tells, in lines.
fn key_lines(key: &KeyFigures) -> String {
    let correlation = key.correlation.map_or_else(
        || "no rank correlation: one side is the same everywhere".to_owned(),
        |r| format!("rank correlation of activation and place in K {r:.3}"),
    );
    let mut text = format!(
        "precision of K at {}: {:.0} % (of all positions {:.2} %) · {correlation}\n",
        KeyFigures::AT,
        100.0 * key.precision,
        100.0 * key.base,
    );
    for band in key.bands.iter().filter(|band| band.positions > 0) {
        text += &format!(
            "  tokens ranked {} to {} in K: {} positions, mean {:.4}, above 0 at {:.1} %\n",
            grouped(band.first),
            grouped(band.last),
            grouped(band.positions),
            band.mean.unwrap_or_default(),
            100.0 * band.above_zero.unwrap_or_default(),
        );
    }
    text
}

fn attention_line(of: &AttentionFigures) -> String {
    format!(
        "mean weight to the first position {:.3} · to itself {:.3} · to the position before {:.3}\n",
        of.first, of.itself, of.previous
    )
}
