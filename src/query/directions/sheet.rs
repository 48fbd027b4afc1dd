//! The directions of a matrix as a sheet.

use crate::projection::{BLOCK_GAP, Scored};
use crate::query::QueryKind;
use crate::query::sheet::stored_record;
use crate::query::{
    Direction, DirectionsAnswer, DirectionsQuery, Listed, MatrixKind, ModelCard, RobustnessAnswer,
};
use crate::sheet::{
    Block, Column, CommandLine, LIST_SETTINGS, NumberForm, Provenance, Record, Section, Sheet,
    TokenNames, TokenPart, Value, filter_line, filter_record, score, spark,
};
use crate::transformer::{AttentionMap, Input, stored_line};

/// Words that stand for an end in a table.
const SHOWN: usize = 6;

impl Listed for DirectionsQuery {
    /// The directions with the words at their ends.
    fn sheet(
        &self,
        card: &ModelCard,
        answer: &DirectionsAnswer,
        _: Option<&RobustnessAnswer>,
    ) -> Sheet {
        let of_head = matches!(self.part, MatrixKind::Form(_));
        let key = self.part.input().filter(|_| card.gated()).map(Input::name);
        let settings = vec![
            ("convention", self.convention.name()),
            ("filters", filter_line(&self.filters)),
        ];
        let provenance = Provenance::of_list(
            &card.name,
            Some(self.address().to_string()),
            settings,
            Some(self.command(&card.name, false)),
        );
        let stored = self.stored(&card.stored);
        let provenance = provenance.stored(stored_line(&stored), card.stored.quantised);
        let directions = answer.directions.iter().enumerate();
        let label = label(self, card);
        let document = Record::new()
            .with("model", &*card.name)
            .with("kind", self.part.name())
            .with("layer", self.layer)
            .with_some("head", of_head.then_some(self.head))
            .with_some("key", key)
            .with("convention", self.convention.name())
            .with("exact", answer.exact)
            .with("filters", filter_record(&self.filters))
            .with_provenance(&provenance)
            .with("stored", stored_record(&stored))
            .with("sides", Value::from_iter(self.part.sides()))
            .with(
                "singular_values",
                Value::from_iter(answer.values.iter().copied()),
            )
            .with("block_gap", BLOCK_GAP)
            .with_some(
                "copying",
                answer.copying.map(|copying| {
                    let weights = Record::new().with("weights", copying.weights);
                    weights.with("vocabulary", copying.vocabulary)
                }),
            )
            .with(
                "directions",
                directions
                    .map(|(i, d)| direction(label, answer, i, d))
                    .collect::<Value>(),
            );
        let names = card.token_names();
        Sheet {
            provenance: Some(provenance),
            document: document.into(),
            sections: vec![
                each_word((self, label), answer, &names),
                by_end((self, label), answer, &names),
            ],
            names,
            blocks: vec![
                Block::Text(heading(self, answer, key) + "\n"),
                Block::table([1]),
            ],
            csv_settings: &LIST_SETTINGS,
        }
    }

    /// The command that lists them.
    fn command(&self, model: &str, _: bool) -> CommandLine {
        let part = self.part.name();
        let mut line = CommandLine::new("directions", &[&model, &part, &self.layer]);
        if matches!(self.part, MatrixKind::Form(_)) {
            line.word(self.head);
        }
        line.option("-n", self.n);
        line.option("-k", self.k);
        line.option("--convention", self.convention);
        line.filters(&self.filters);
        line
    }
}

/// What stands on the right where it is no token: neurons, heads, or groups of heads that share keys and
/// values.
fn label(query: &DirectionsQuery, card: &ModelCard) -> Option<&'static str> {
    let sizes = card.spec.head_sizes(query.layer);
    let shared = sizes.n_kv_heads != sizes.heads;
    match query.part {
        MatrixKind::Form(_) => None,
        MatrixKind::Attention(AttentionMap::Key | AttentionMap::Value) if shared => Some("KV"),
        MatrixKind::Attention(_) => Some("H"),
        MatrixKind::FfIn | MatrixKind::FfGate | MatrixKind::FfUp | MatrixKind::FfOut => Some("N"),
    }
}

fn direction(label: Option<&str>, answer: &DirectionsAnswer, i: usize, d: &Direction) -> Record {
    let ends = |lists: &[Vec<Scored>; 2], label: Option<&str>| {
        let item = |s: &Scored| match label {
            Some(label) => Record::new()
                .with("id", s.id as usize)
                .with("text", format!("{label}{}", s.id))
                .with("score", s.score),
            None => Record::new().with_token(s.id).with("score", s.score),
        };
        let [high, low] = lists
            .each_ref()
            .map(|list| -> Value { list.iter().map(item).collect() });
        Record::new().with("high", high).with("low", low)
    };
    Record::new()
        .with("direction", i)
        .with("value", d.value)
        .with("share", answer.share(i))
        .with("block", d.block)
        .with("left", ends(&d.left, None))
        .with("right", ends(&d.right, label))
}

/// A word of CSV: where it stands, and which it is.
struct Word<'a> {
    direction: usize,
    of: &'a Direction,
    right: bool,
    end: &'static str,
    rank: usize,
    item: &'a Scored,
}

/// A row for each word at each end of each side.
fn each_word(
    (query, label): (&DirectionsQuery, Option<&str>),
    answer: &DirectionsAnswer,
    names: &TokenNames,
) -> Section {
    let mut words = Vec::new();
    for (direction, of) in answer.directions.iter().enumerate() {
        for (lists, right) in [(&of.left, false), (&of.right, true)] {
            for (list, end) in lists.iter().zip(["high", "low"]) {
                words.extend(list.iter().zip(1..).map(|(item, rank)| Word {
                    direction,
                    of,
                    right,
                    end,
                    rank,
                    item,
                }));
            }
        }
    }
    let words = || words.iter();
    let label = |word: &Word<'_>| label.filter(|_| word.right);
    let sides = query.part.sides();
    Section::new([
        Column::same(query.part.name()).csv("kind"),
        Column::of(words().map(|w| w.direction)).csv("direction"),
        Column::of(words().map(|w| w.of.value)).csv("value"),
        Column::of(words().map(|w| w.of.block)).csv("block"),
        Column::of(words().map(|w| sides[usize::from(w.right)].to_owned())).csv("side"),
        Column::of(words().map(|w| w.end.to_owned())).csv("end"),
        Column::of(words().map(|w| w.rank)).csv("rank"),
        Column::of(words().map(|w| w.item.id as usize)).csv("id"),
        Column::of(words().map(|w| match label(w) {
            Some(label) => format!("{label}{}", w.item.id),
            None => names.text(w.item.id).into_owned(),
        }))
        .csv("text"),
        Column::of(words().map(|w| w.item.score)).csv("score"),
        Column::of(words().map(|w| label(w).is_none().then_some(w.item.id)))
            .csv_part("token", TokenPart::Raw),
    ])
}

/// Two rows a direction, one for each end.
fn by_end(
    (query, label): (&DirectionsQuery, Option<&str>),
    answer: &DirectionsAnswer,
    names: &TokenNames,
) -> Section {
    let largest = answer.values.first().copied().unwrap_or_default();
    let ends = || {
        let directions = answer.directions.iter().enumerate();
        directions.flat_map(|(i, d)| [(i, d, 0), (i, d, 1)])
    };
    let first = |end: usize, text: String| match end {
        0 => text,
        _ => String::new(),
    };
    let value = |d: &Direction| {
        let block = if d.block.is_some() { "~" } else { "" };
        format!("{block}{}", score(d.value, largest))
    };
    let words = |list: &[Scored], label: Option<&str>| {
        let word = |s: &Scored| match (label, query.part) {
            (Some(label), MatrixKind::Attention(_)) => {
                format!("{label}{} {:.0}%", s.id, 100.0 * s.score)
            }
            (Some(label), _) => format!("{label}{}", s.id),
            (None, _) => names.marked(s.id),
        };
        let words: Vec<String> = list.iter().take(SHOWN).map(word).collect();
        words.join(" ")
    };
    let [left, right] = query.part.sides();
    Section::new([
        Column::of(ends().map(|(i, _, end)| first(end, i.to_string()))).shown_right(""),
        Column::of(ends().map(|(_, d, end)| first(end, value(d)))).shown_right("σ"),
        Column::of(ends().map(|(.., end)| ["+", "−"][end].to_owned()))
            .shown("end", NumberForm::Plain),
        Column::of(ends().map(|(_, d, end)| words(&d.left[end], None)))
            .shown(left, NumberForm::Plain),
        Column::of(ends().map(|(_, d, end)| words(&d.right[end], label)))
            .shown(right, NumberForm::Plain),
    ])
}

/// The spectrum, and of a head the copying score. `key`: of gated neurons, which input the keys are.
fn heading(query: &DirectionsQuery, answer: &DirectionsAnswer, key: Option<&str>) -> String {
    let bars = spark(answer.values.iter().take(64).copied());
    let key = key.map_or_else(String::new, |key| format!(" ({key})"));
    let mut text = match query.part {
        MatrixKind::Form(_) => format!("{}  {bars}\n", query.address()),
        part => format!("{} {part}{key}  {bars}\n", query.address()),
    };
    if let Some(copying) = answer.copying {
        let number = |x: Option<f32>| x.map_or("none".to_owned(), |x| format!("{x:+.3}"));
        let (weights, vocabulary) = (number(copying.weights), number(copying.vocabulary));
        text += &format!("copying: {weights} of the weights, {vocabulary} over the vocabulary\n");
    }
    if answer.directions.iter().any(|d| d.block.is_some()) {
        text += "~ values that coincide: any rotation within them is as good\n";
    }
    text
}
