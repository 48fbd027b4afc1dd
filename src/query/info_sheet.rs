//! What a model is, and which models there are, as sheets.

use crate::checkpoint::{
    ExpertSizes, HeadParts, HeadSizes, Location, ModelSummary, NormPlacement, Spec, StoreListing,
    StoredModel, UnknownChoice,
};
use crate::query::ModelCard;
use crate::sheet::{Block, Column, NumberForm, Record, Section, Sheet, TokenNames, Value, grouped};

/// A model's sizes and choices, of its [marked card](crate::query::Answering::marked_card).
pub fn sheet(card: &ModelCard) -> Sheet {
    described(card, "cannot be told")
}

/// The same of a [large model](crate::query::Reader::outline), whose embedding was not read.
pub fn outline_sheet(card: &ModelCard) -> Sheet {
    described(card, "not looked for in so large a model")
}

/// A model's sheet, with why there is no number of undertrained tokens.
fn described(card: &ModelCard, untold: &str) -> Sheet {
    let spec = &card.spec;
    let undertrained = card.undertrained.as_ref().map(|found| found.count());
    let not_read =
        (!spec.unknown.is_empty()).then(|| spec.unknown.iter().map(not_read).collect::<Value>());
    let summary = card.stored.summary().into_iter();
    let summary: Record = summary
        .map(|(part, types)| (part, Value::from_iter(types)))
        .collect();
    let document = Record::new()
        .with("model", &*card.name)
        .with("family", card.family.title)
        .with("layers", spec.layers)
        .with_some("passes", spec.repeats_layers().then_some(spec.passes.len()))
        .with("neurons", spec.most_neurons())
        .with_some("experts", spec.first_experts().map(experts_record))
        .with_some("layers_without_heads", without_heads(spec))
        .with("heads", spec.heads)
        .with("key_heads", spec.n_kv_heads)
        .with("head_width", spec.d_head)
        .with("width", spec.d_model)
        .with("tokens", card.vocabulary.len())
        .with("undertrained", undertrained)
        .with("embedding_rows", spec.vocab)
        .with_some(
            "embedding_width",
            spec.narrow.then_some(spec.embedding_width),
        )
        .with("positions", spec.positions)
        .with("rotary", spec.rotary)
        .with("gated", card.gated())
        .with("activation", &*spec.activation)
        .with("norm", norm(spec.norm))
        .with("tied", spec.tied)
        .with("embeddings", spec.output.describe(spec.vocab))
        .with("stored", summary)
        .with("runs", card.not_run.is_none())
        .with_some("not_run", card.not_run.as_deref())
        .with_some("not_read", not_read)
        .with("device", &*card.device);
    let named = |rows: Vec<(&str, String)>| {
        let (names, values): (Vec<&str>, Vec<String>) = rows.into_iter().unzip();
        let names = names.into_iter().map(str::to_owned);
        [Column::of(names), Column::of(values)]
    };
    // People read 8,192; what reads CSV does not.
    let [what, value] = named(rows(card, undertrained.ok_or(untold), |n| n.to_string()));
    let [what_shown, value_shown] = named(rows(card, undertrained.ok_or(untold), grouped));
    Sheet {
        provenance: None,
        names: TokenNames::default(),
        document: document.into(),
        sections: vec![
            Section::new([what.csv("what"), value.csv("value")]),
            Section::new([
                what_shown.shown("what", NumberForm::Plain),
                value_shown.shown("value", NumberForm::Plain),
            ]),
        ],
        blocks: vec![Block::table([1])],
        csv_settings: &[],
    }
}

/// The experts of the layers that have any.
fn experts_record(sizes: ExpertSizes) -> Record {
    Record::new()
        .with("experts", sizes.experts)
        .with("neurons", sizes.each)
        .with("shared_neurons", sizes.shared)
}

/// Layers that have no heads, if there are any.
fn without_heads(spec: &Spec) -> Option<Value> {
    let without: Vec<usize> = (0..spec.layers)
        .filter(|&l| spec.heads_in(l) == 0)
        .collect();
    (!without.is_empty()).then(|| Value::from_iter(without))
}

/// Of a model with experts, how many experts with how many neurons, and how many layers have them.
fn neurons_a_layer(spec: &Spec, count: fn(usize) -> String) -> String {
    let Some(sizes) = spec.first_experts() else {
        return count(spec.most_neurons());
    };
    let (experts, each) = (count(sizes.experts), count(sizes.each));
    let shared = match sizes.shared {
        0 => String::new(),
        shared => format!(" and a shared one of {}", count(shared)),
    };
    let dense: Vec<usize> = (0..spec.layers)
        .filter(|&layer| spec.experts(layer).is_none())
        .map(|layer| spec.neurons_in(layer))
        .collect();
    let dense = match dense.first() {
        None => String::new(),
        Some(first) => format!("; {} layers without, of {}", dense.len(), count(*first)),
    };
    format!("{experts} experts of {each}{shared}{dense}")
}

/// How many heads of which width layers have, each kind once, and how many attend to keys and values of
/// another layer.
fn heads_a_layer(spec: &Spec) -> String {
    let of = |sizes: &HeadSizes| match sizes.n_kv_heads {
        all if all == sizes.heads => format!("{all} of width {}", sizes.d_head),
        keys => format!("{} of width {}, {keys} keys", sizes.heads, sizes.d_head),
    };
    let with = (0..spec.layers).map(|layer| spec.head_sizes(layer));
    let with: Vec<HeadSizes> = with.filter(|sizes| sizes.heads > 0).collect();
    let mut kinds: Vec<String> = Vec::new();
    for kind in with.iter().map(of) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let shared = with.iter().filter(|sizes| sizes.keys_of.is_some()).count();
    match shared {
        0 => kinds.join(" or "),
        shared => format!(
            "{}; {shared} layers attend to keys and values of an earlier one",
            kinds.join(" or ")
        ),
    }
}

fn norm(placement: NormPlacement) -> &'static str {
    match placement {
        NormPlacement::Pre => "pre",
        NormPlacement::Post => "post",
    }
}

/// What a person reads of a model, by name.
fn rows(
    card: &ModelCard,
    undertrained: Result<usize, &str>,
    count: fn(usize) -> String,
) -> Vec<(&'static str, String)> {
    let spec = &card.spec;
    let mut heads = heads_a_layer(spec);
    if let Some(without) = (0..spec.layers).find(|&layer| spec.heads_in(layer) == 0) {
        let all = (0..spec.layers).filter(|&layer| spec.heads_in(layer) == 0);
        let instead = match spec.parts[without].heads {
            HeadParts::Without(instead) => instead.to_string(),
            HeadParts::Heads(_) => String::new(),
        };
        heads += &format!("; {} layers without: {instead}", all.count());
    }
    let positions = match (spec.positions, spec.rotary) {
        (0, true) => "rotary".to_owned(),
        (n, _) => count(n),
    };
    let activation = match card.gated() {
        true => format!("{}, gated", spec.activation),
        false => spec.activation.clone(),
    };
    let runs = card.not_run.as_ref();
    let runs = runs.map_or_else(|| "yes".to_owned(), |why| format!("no: {why}"));
    let mut rows = vec![
        ("model", card.name.clone()),
        ("family", card.family.title.to_owned()),
        (
            "layers",
            spec.repeated().unwrap_or_else(|| count(spec.layers)),
        ),
        ("neurons a layer", neurons_a_layer(spec, count)),
        ("heads a layer", heads),
        ("width", count(spec.d_model)),
        ("tokens", count(card.vocabulary.len())),
        (
            "undertrained tokens",
            undertrained.map_or_else(str::to_owned, count),
        ),
        ("embedding rows", embedding_rows(spec, count)),
        ("positions", positions),
        ("activation", activation),
        ("layer norm", format!("{}-norm", norm(spec.norm))),
        ("embeddings", spec.output.describe(spec.vocab)),
        ("stored as", stored(card)),
        ("runs on texts", runs),
        ("device", card.device.clone()),
    ];
    let unknown = spec.unknown.iter();
    rows.extend(unknown.map(|choice| ("not read", sentence(choice))));
    rows
}

/// How many rows the embedding has, and their width where it is not that of the layers.
fn embedding_rows(spec: &Spec, count: impl Fn(usize) -> String) -> String {
    let rows = count(spec.vocab);
    match spec.narrow {
        true => format!(
            "{rows}, {} wide, brought to the layers by a map",
            count(spec.embedding_width)
        ),
        false => rows,
    }
}

/// The one type that all parts are stored in, or each part's own.
fn stored(card: &ModelCard) -> String {
    let summary = card.stored.summary();
    let mut all: Vec<&str> = summary
        .iter()
        .flat_map(|part| &part.1)
        .map(|t| &**t)
        .collect();
    all.sort_unstable();
    all.dedup();
    if let [one] = all[..] {
        return one.to_owned();
    }
    let named = summary
        .iter()
        .map(|(part, types)| format!("{part} {}", types.join("/")));
    named.collect::<Vec<_>>().join(", ")
}

fn touches(choice: &UnknownChoice) -> Vec<String> {
    choice.touches.iter().map(ToString::to_string).collect()
}

/// What of a model cannot be read, by the choice that is not known.
fn not_read(choice: &UnknownChoice) -> Record {
    Record::new()
        .with("key", &*choice.key)
        .with("expected", &*choice.expected)
        .with("got", &*choice.got)
        .with("touches", Value::from_iter(touches(choice)))
}

fn sentence(choice: &UnknownChoice) -> String {
    let (touches, key) = (touches(choice).join(", "), &choice.key);
    let (got, expected) = (&choice.got, &choice.expected);
    format!("{touches}: unknown `{key}` {got}, expected {expected}")
}

/// The models that can be opened by name, each with what its headers say.
pub fn models_sheet(listing: &StoreListing) -> Sheet {
    let models = &listing.models;
    let summaries = listing.summaries();
    let text = |of: fn(&ModelSummary) -> Option<&str>| {
        let texts = summaries.iter().map(of);
        Column::of(texts.map(|text| text.unwrap_or_default().to_owned()))
    };
    let place = |model: &StoredModel| match &model.location {
        Location::Folder { path, .. } => path.display().to_string(),
        Location::Adapted(adapted) => adapted.path.display().to_string(),
        Location::Bundled(_) | Location::Remote(_) | Location::Difference(_) => {
            model.place.to_owned()
        }
    };
    let base = |model: &StoredModel| {
        let name = model.base.as_ref().and_then(|base| base.name.clone());
        name.unwrap_or_default()
    };
    let bases = Column::of(models.iter().map(base)).named("adapter_of");
    let bases = match models.iter().any(|model| model.base.is_some()) {
        true => bases.shown("adapter of", NumberForm::Plain),
        false => bases,
    };
    let section = Section::new([
        Column::of(models.iter().map(|model| model.name.clone()))
            .csv("model")
            .json("name")
            .shown("model", NumberForm::Plain),
        Column::of(models.iter().map(place))
            .csv("where")
            .json("location")
            .shown("where", NumberForm::Plain),
        Column::of(models.iter().map(|model| model.bytes as usize))
            .named("bytes")
            .shown("bytes", NumberForm::Grouped),
        text(|summary| summary.family)
            .named("family")
            .shown("family", NumberForm::Plain),
        text(|summary| summary.stored.as_deref())
            .named("stored")
            .shown("stored", NumberForm::Plain),
        text(|summary| summary.problem.as_deref())
            .named("problem")
            .shown("problem", NumberForm::Plain),
        bases,
    ]);
    Sheet {
        provenance: None,
        names: TokenNames::default(),
        document: Value::Rows(0),
        sections: vec![section],
        blocks: vec![Block::table([0])],
        csv_settings: &[],
    }
}
