//! The ranked neurons, or heads, of a layer or of all, as a sheet.

use crate::query::jacobian::named_in;
use crate::query::{
    Address, Listed, ModelCard, RankAnswer, RankQuery, RankedItem, RobustnessAnswer, Switch,
};
use crate::sheet::{
    Block, Column, CommandLine, NumberForm, Provenance, Record, Section, Sheet, TokenPart, Value,
    filter_line, filter_record,
};

/// Words of each list in a table.
const WORDS: usize = 5;

/// A neuron or a head, with the query of its layer.
type Ranked<'a> = (&'a RankQuery, &'a RankedItem);

impl Listed for RankQuery {
    /// A layer's ranked neurons, or heads.
    fn sheet(&self, card: &ModelCard, answer: &RankAnswer, _: Option<&RobustnessAnswer>) -> Sheet {
        let items: Vec<Ranked<'_>> = answer.items.iter().map(|item| (self, item)).collect();
        let layer = self.layer;
        let address = Address::Layer { layer }.to_string();
        let provenance = provenance(card, self, Some(address), self.command(&card.name, false));
        list(card, self, provenance, Some(answer), &items)
    }

    /// The command that ranks a layer.
    fn command(&self, model: &str, _: bool) -> CommandLine {
        line(model, self, Some(self.layer), self.count)
    }
}

/// The best of all layers, at most `count`: queries that differ in their layers only,
/// with their answers. `None` without any layer.
pub fn sheet_of_all(
    card: &ModelCard,
    layers: &[(&RankQuery, &RankAnswer)],
    count: usize,
) -> Option<Sheet> {
    let &(query, _) = layers.first()?;
    let all = layers.iter();
    let all = all.flat_map(|&(query, answer)| answer.items.iter().map(move |item| (query, item)));
    let mut items: Vec<Ranked<'_>> = all.collect();
    let figure = |item: &RankedItem| match item.figure.is_nan() {
        true => f32::NEG_INFINITY,
        false => item.figure,
    };
    // Equal ones stay in the order of their layers.
    items.sort_by(|(_, a), (_, b)| figure(b).total_cmp(&figure(a)));
    items.truncate(count);
    let command = command_of_all(&card.name, query, count);
    let provenance = provenance(card, query, None, command);
    let sheet = list(card, query, provenance, None, &items);
    let sheet = match query.convention.has(Switch::Lens) {
        true => named_in(card, sheet),
        false => sheet,
    };
    Some(sheet.with_text(crate::query::sheet::text_count(card, &query.filters)))
}

fn provenance(
    card: &ModelCard,
    query: &RankQuery,
    address: Option<String>,
    command: CommandLine,
) -> Provenance {
    let mut settings = vec![
        ("convention", query.convention.name()),
        ("filters", filter_line(&query.filters)),
    ];
    if query.likely && query.has_likely(card) {
        settings.push(("list", "likely: not proven".to_owned()));
    }
    Provenance::of_list(&card.name, address, settings, Some(command))
}

/// `of_layer`: the answer with the mean of all of the layer, in the list or not, if it is of one.
fn list(
    card: &ModelCard,
    query: &RankQuery,
    provenance: Provenance,
    of_layer: Option<&RankAnswer>,
    items: &[Ranked<'_>],
) -> Sheet {
    let by = query.by;
    let [name, plural, left, right] = match by.of_heads() {
        true => ["head", "heads", "reads", "writes"],
        false => ["neuron", "neurons", "K", "V"],
    };
    let items = || items.iter();
    let keys = || Column::of(items().map(|(_, n)| n.key.clone()));
    let values = || Column::of(items().map(|(_, n)| n.value.clone()));
    let section = Section::new([
        Column::of(items().map(|(query, n)| card.named(query.address(n)).to_string()))
            .shown(name, NumberForm::Plain),
        Column::of(items().map(|(query, _)| query.layer)).named("layer"),
        Column::count().csv("rank"),
        Column::of(items().map(|(_, n)| n.item)).named(name),
        Column::of(items().map(|(_, n)| n.figure))
            .csv(by.name())
            .json("figure")
            .shown(by.name(), NumberForm::Decimals(2)),
        keys().named(left).shown(left, NumberForm::First(WORDS)),
        values().named(right).shown(right, NumberForm::First(WORDS)),
        keys().csv_part(format!("{left}_tokens"), TokenPart::Raw),
        values().csv_part(format!("{right}_tokens"), TokenPart::Raw),
    ]);
    let likely = items().any(|(_, item)| !item.proven);
    let mean = of_layer.map(|answer| answer.mean.is_finite().then_some(answer.mean));
    let document = Record::new()
        .with("model", &*card.name)
        .with_some("layer", of_layer.map(|_| query.layer))
        .with("by", by.name())
        .with_some("mean", mean)
        .with_some("exact", likely.then_some(false))
        .with("convention", query.convention.name())
        .with("filters", filter_record(&query.filters))
        .with_provenance(&provenance)
        .with(plural, Value::Rows(0));
    Sheet {
        provenance: Some(provenance),
        names: card.token_names(),
        document: document.into(),
        sections: vec![section],
        blocks: vec![Block::table([0])],
        csv_settings: &["model", "filters", "version"],
    }
}

/// The command that ranks all layers.
pub fn command_of_all(model: &str, query: &RankQuery, count: usize) -> CommandLine {
    line(model, query, None, count)
}

fn line(model: &str, query: &RankQuery, layer: Option<usize>, count: usize) -> CommandLine {
    let mut line = CommandLine::new("rank", &[&model]);
    if let Some(layer) = layer {
        line.option("--layer", layer);
    }
    line.option("--by", query.by);
    line.option("-n", count);
    if query.words != RankQuery::WORDS {
        line.option("--list-words", query.words);
    }
    line.flag(query.likely, "--likely");
    line.option("--convention", query.convention);
    line.filters(&query.filters);
    line
}
