//! What was asked of a dictionary, as a sheet, and the command that asks it again.

use super::{
    DictionaryAnswer, DictionaryAsk, DictionaryCard, DictionaryFound, DictionaryQuery,
    DirectionColumns, SimilarVectors,
};
use crate::projection::{Hit, Role, Scored};
use crate::query::{
    Address, FindAnswer, Listed, ModelCard, NO_HEAD, NeuronColumn, RankAnswer, RankMetric,
    RankQuery, RobustnessAnswer, RoleHits,
};
use crate::sheet::{
    Block, Column, CommandLine, LIST_SETTINGS, NumberForm, Provenance, Record, Section, Sheet,
    TokenPart, Value, filter_line, filter_record,
};

/// Words of each list in a table of ranked directions.
const WORDS: usize = 5;

impl Listed for DictionaryQuery {
    /// The sheet of an answer.
    fn sheet(
        &self,
        card: &ModelCard,
        answer: &DictionaryAnswer,
        _: Option<&RobustnessAnswer>,
    ) -> Sheet {
        let of = &answer.card;
        let mut settings = vec![("convention", self.convention.name())];
        settings.push(("directions", of.name.clone()));
        settings.push(("filters", filter_line(&self.filters)));
        let address = self.row().map(|row| Address::Direction { row }.to_string());
        let line = self.command(&card.name, false);
        let provenance = Provenance::of_list(&card.name, address, settings, Some(line));
        let document = Record::new()
            .with("model", &*card.name)
            .with("directions", about(of))
            .with_some("direction", self.row())
            .with("convention", self.convention.name())
            .with("filters", filter_record(&self.filters))
            .with_provenance(&provenance);
        let body = match &answer.found {
            DictionaryFound::About => SheetBody {
                document,
                sections: Vec::new(),
                blocks: vec![Block::Text(said(card, of))],
            },
            DictionaryFound::Direction(columns) => direction(card, self, document, columns),
            DictionaryFound::Places(found) => places(card, self, document, found),
            DictionaryFound::Ranked(found) => ranking(self, document, found),
            DictionaryFound::Similar(sides) => similar(document, sides),
        };
        Sheet {
            provenance: Some(provenance),
            names: card.token_names(),
            document: body.document.into(),
            sections: body.sections,
            blocks: body.blocks,
            csv_settings: &LIST_SETTINGS,
        }
    }

    /// The command that asks it.
    fn command(&self, model: &str, _: bool) -> CommandLine {
        let mut line = CommandLine::new("dictionary", &[&model]);
        if let Some(row) = self.row() {
            line.word(Address::Direction { row });
        }
        for (name, value) in self.source.options() {
            line.option(name, value);
        }
        match &self.ask {
            DictionaryAsk::About => {}
            DictionaryAsk::Direction { k, .. } => line.option("-k", k),
            DictionaryAsk::Find { words, by, k } => {
                for word in words {
                    line.option("--find", word);
                }
                line.option("--by", by.name());
                line.option("-k", k);
            }
            DictionaryAsk::Rank { by, count, words } => {
                line.option("--rank", by);
                line.option("-n", count);
                if *words != RankQuery::WORDS {
                    line.option("--list-words", words);
                }
            }
            DictionaryAsk::Similar { n, .. } => {
                line.flag(true, "--similar");
                line.option("-n", n);
            }
        }
        line.option("--convention", self.convention);
        line.filters(&self.filters);
        line
    }
}

struct SheetBody {
    document: Record,
    sections: Vec<Section>,
    blocks: Vec<Block>,
}

fn about(of: &DictionaryCard) -> Record {
    let record = Record::new()
        .with("file", &*of.name)
        .with("layout", of.layout)
        .with_some("of_model", of.model.as_deref())
        .with("count", of.count);
    of.sides.iter().fold(record, |record, side| {
        let about = Record::new()
            .with("hook", side.hook.name())
            .with("layer", side.layer)
            .with("tensor", &*side.tensor)
            .with("stored", &*side.stored);
        record.with(side.side.name(), about)
    })
}

/// What it is, a line each.
fn said(card: &ModelCard, of: &DictionaryCard) -> String {
    let mut text = format!("{}\n{} · {} directions", of.name, of.layout, of.count);
    if let Some(model) = &of.model {
        text += &format!(" · made for {model}, read beside {}", card.name);
    }
    for side in &of.sides {
        let layer = match side.layer {
            Some(layer) => format!("layer {layer}"),
            None => "of a layer that is not said (--layer)".to_owned(),
        };
        text += &format!(
            "\n{:<6} {layer}, {}: {} ({})",
            side.side.name(),
            side.hook,
            side.tensor,
            side.stored
        );
    }
    text + "\n"
}

fn direction(
    card: &ModelCard,
    query: &DictionaryQuery,
    document: Record,
    of: &DirectionColumns,
) -> SheetBody {
    let lists = NeuronColumn::ALL.into_iter().zip(&of.columns);
    let lists: Vec<_> = lists.filter(|(_, list)| !list.is_empty()).collect();
    let sections: Vec<Section> = lists
        .iter()
        .map(|(column, list)| words(*column, list))
        .collect();
    let mut blocks = vec![Block::table(0..sections.len())];
    let not_read = (!card.has_output(query.convention)).then_some(NO_HEAD);
    blocks.extend(not_read.map(|why| Block::Text(format!("{why}\n"))));
    let [read, written] = of.lengths;
    let named = [
        ("bias", of.bias),
        ("threshold", of.threshold),
        ("‖K‖", read),
        ("‖V‖", written),
    ];
    let known = named
        .iter()
        .filter_map(|(name, x)| x.map(|x| format!("{name} {x:.3}")));
    let known = known.collect::<Vec<_>>().join(" · ");
    if !known.is_empty() {
        blocks.push(Block::Text(format!("\n{known}\n")));
    }
    let by_column = lists.iter().enumerate();
    let by_column = by_column.map(|(at, (column, _))| (column.name(), Value::Rows(at)));
    let lengths = Record::new().with("reads", read).with("writes", written);
    SheetBody {
        document: document
            .with_some("bias", of.bias)
            .with_some("threshold", of.threshold)
            .with("lengths", lengths)
            .with("columns", by_column.collect::<Record>())
            .with_some("not_read", not_read),
        sections,
        blocks,
    }
}

fn words(column: NeuronColumn, list: &[Scored]) -> Section {
    let largest = list.first().map_or(0.0, |s| s.score.abs());
    Section::new([
        Column::same(column.name()).csv("column"),
        Column::count().csv("rank"),
        Column::of(list.iter().map(|s| s.id))
            .csv_part("id", TokenPart::Id)
            .csv_part("token", TokenPart::Raw)
            .csv("text")
            .json_flat()
            .shown(column.to_string(), NumberForm::Plain),
        Column::of(list.iter().map(|s| s.score))
            .named("score")
            .shown("", NumberForm::Largest(largest)),
    ])
}

fn direction_address(hit: &Hit) -> String {
    Address::Direction { row: hit.index }.to_string()
}

fn neuron_address(hit: &Hit) -> String {
    let (layer, neuron) = (hit.layer, hit.index);
    Address::Neuron { layer, neuron }.to_string()
}

fn places(
    card: &ModelCard,
    query: &DictionaryQuery,
    document: Record,
    found: &FindAnswer,
) -> SheetBody {
    let names = card.token_names();
    let tokens: Vec<String> = found.tokens.iter().map(|&id| names.marked(id)).collect();
    let by = match &query.ask {
        DictionaryAsk::Find { by, .. } => by.name(),
        _ => "rank",
    };
    let mut blocks = vec![Block::Text(format!("{}, by {by}\n", tokens.join("  ")))];
    for (at, group) in found.groups.iter().enumerate() {
        let (role, meaning) = (group.role, group.role.meaning());
        blocks.push(Block::Heading(format!("{role}  {meaning}")));
        blocks.push(Block::table([at]));
    }
    let tokens_found = found.tokens.iter().map(|&id| Value::Token(id)).collect();
    let groups = found.groups.iter().enumerate();
    let groups = groups.map(|(at, group)| (group.role.name(), Value::Rows(at)));
    SheetBody {
        document: document
            .with("by", by)
            .with("exact", found.exact)
            .with("tokens", Value::List(tokens_found))
            .with("matched", found.matched)
            .with("groups", groups.collect::<Record>()),
        sections: found.groups.iter().map(group_section).collect(),
        blocks,
    }
}

fn group_section(group: &RoleHits) -> Section {
    let hits = || group.hits.iter();
    let largest = hits().map(|hit| hit.score.abs()).fold(0.0, f32::max);
    Section::new([
        Column::same(group.role.name()).csv("stand"),
        Column::count().csv("place"),
        Column::of(hits().map(direction_address))
            .named("address")
            .shown("place", NumberForm::Plain),
        Column::of(hits().map(|hit| hit.index)).json("direction"),
        Column::of(hits().map(|hit| hit.token))
            .csv_part("token_id", TokenPart::Id)
            .named("token")
            .shown("token", NumberForm::Plain),
        Column::of(hits().map(|hit| hit.score))
            .named("score")
            .shown("score", NumberForm::Largest(largest)),
        Column::of(hits().map(|hit| hit.cosine))
            .named("cosine")
            .shown("cosine", NumberForm::Decimals(3)),
        Column::of(hits().map(|hit| hit.rank))
            .named("rank")
            .shown("rank", NumberForm::Grouped),
    ])
}

fn ranking(query: &DictionaryQuery, document: Record, found: &RankAnswer) -> SheetBody {
    let by = match query.ask {
        DictionaryAsk::Rank { by, .. } => by,
        _ => RankMetric::default(),
    };
    let items = || found.items.iter();
    let address = |row: usize| Address::Direction { row }.to_string();
    let keys = || Column::of(items().map(|of| of.key.clone()));
    let values = || Column::of(items().map(|of| of.value.clone()));
    let section = Section::new([
        Column::of(items().map(|of| address(of.item)))
            .named("address")
            .shown("direction", NumberForm::Plain),
        Column::count().csv("rank"),
        Column::of(items().map(|of| of.item)).json("direction"),
        Column::of(items().map(|of| of.figure))
            .csv(by.name())
            .json("figure")
            .shown(by.name(), NumberForm::Decimals(2)),
        keys().named("K").shown("K", NumberForm::First(WORDS)),
        values().named("V").shown("V", NumberForm::First(WORDS)),
    ]);
    SheetBody {
        document: document
            .with("by", by.name())
            .with("mean", found.mean.is_finite().then_some(found.mean))
            .with("ranked", Value::Rows(0)),
        sections: vec![section],
        blocks: vec![Block::table([0])],
    }
}

fn similar(document: Record, sides: &[SimilarVectors]) -> SheetBody {
    let (mut sections, mut blocks) = (Vec::new(), Vec::new());
    let mut groups = Record::new();
    for of in sides {
        let [title, letter] = match of.side.name() {
            "reads" => ["what it reads", Role::K.name()],
            _ => ["what it writes", Role::V.name()],
        };
        let mut group = Record::new();
        for (kind, hits) in [("directions", &of.directions), ("neurons", &of.neurons)] {
            let address: fn(&Hit) -> String = match kind {
                "neurons" => neuron_address,
                _ => direction_address,
            };
            let section = Section::new([
                Column::same(letter).csv("side"),
                Column::same(kind).csv("kind"),
                Column::count().csv("place"),
                Column::of(hits.iter().map(address))
                    .named("address")
                    .shown(kind, NumberForm::Plain),
                Column::of(hits.iter().map(|hit| hit.cosine))
                    .named("cosine")
                    .shown("cosine", NumberForm::Decimals(3)),
            ]);
            group = group.with(kind, Value::Rows(sections.len()));
            sections.push(section);
        }
        blocks.push(Block::Heading(format!("{letter}  similar to {title}")));
        blocks.push(Block::table([sections.len() - 2, sections.len() - 1]));
        groups = groups.with(of.side.name(), group);
    }
    SheetBody {
        document: document.with("similar", groups),
        sections,
        blocks,
    }
}
