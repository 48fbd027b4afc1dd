//! What a model is, and which there are.

use serde::Serialize;

use crate::checkpoint::{NormPlacement, UnknownChoice};
use crate::query::ModelCard;

use super::export::{csv_text, json_text};
use super::table::{Align, Table};
use super::{Format, Timings, grouped};

#[derive(Serialize)]
struct Info<'a> {
    model: &'a str,
    family: &'static str,
    layers: usize,
    neurons: usize,
    heads: usize,
    key_heads: usize,
    head_width: usize,
    width: usize,
    tokens: usize,
    /// `null` if the embedding does not tell.
    undertrained: Option<usize>,
    embedding_rows: usize,
    positions: usize,
    rotary: bool,
    gated: bool,
    activation: &'a str,
    norm: &'static str,
    tied: bool,
    /// How that is known.
    embeddings: String,
    /// Whether it can be run on texts, for its geometry; and if not, why.
    runs: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_run: Option<&'a str>,
    /// What else of it cannot be read, by the choice that is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_read: Vec<NotRead<'a>>,
    device: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    timing_ms: Option<Timings>,
}

#[derive(Serialize)]
struct NotRead<'a> {
    key: &'a str,
    expected: &'a str,
    got: &'a str,
    touches: Vec<String>,
}

/// A model's sizes and choices, with how many of its tokens are undertrained if that can be told,
/// ending with a newline.
pub fn info(
    card: &ModelCard,
    undertrained: Option<usize>,
    format: Format,
    timings: Option<Timings>,
) -> String {
    let spec = &card.spec;
    let info = Info {
        model: &card.name,
        family: card.family.title,
        layers: spec.layers,
        neurons: spec.neurons,
        heads: spec.heads,
        key_heads: spec.key_heads,
        head_width: spec.head_width,
        width: spec.width,
        tokens: card.vocabulary.len(),
        undertrained,
        embedding_rows: spec.vocab,
        positions: spec.positions,
        rotary: spec.rotary,
        gated: card.gated(),
        activation: &spec.activation,
        norm: match spec.norm {
            NormPlacement::Pre => "pre",
            NormPlacement::Post => "post",
        },
        tied: spec.tied,
        embeddings: spec.output.describe(spec.vocab),
        runs: card.not_run.is_none(),
        not_run: card.not_run.as_deref(),
        not_read: spec.unknown.iter().map(not_read).collect(),
        device: &card.device,
        timing_ms: timings,
    };
    if format == Format::Json {
        return json_text(&info);
    }
    // People read 8,192; what reads CSV does not.
    let count = |n: usize| match format {
        Format::Csv => n.to_string(),
        _ => grouped(n),
    };
    let mut rows = vec![
        ("model", info.model.to_owned()),
        ("family", info.family.to_owned()),
        ("layers", count(info.layers)),
        ("neurons a layer", count(info.neurons)),
        (
            "heads a layer",
            match info.key_heads {
                all if all == info.heads => format!("{all} of width {}", info.head_width),
                keys => format!("{} of width {}, {keys} keys", info.heads, info.head_width),
            },
        ),
        ("width", count(info.width)),
        ("tokens", count(info.tokens)),
        (
            "undertrained tokens",
            info.undertrained
                .map_or_else(|| "cannot be told".to_owned(), count),
        ),
        ("embedding rows", count(info.embedding_rows)),
        (
            "positions",
            match (info.positions, info.rotary) {
                (0, true) => "rotary".to_owned(),
                (n, _) => count(n),
            },
        ),
        (
            "activation",
            match info.gated {
                true => format!("{}, gated", info.activation),
                false => info.activation.to_owned(),
            },
        ),
        ("layer norm", format!("{}-norm", info.norm)),
        ("embeddings", info.embeddings.clone()),
        (
            "runs on texts",
            info.not_run
                .map_or_else(|| "yes".to_owned(), |why| format!("no: {why}")),
        ),
        ("device", info.device.to_owned()),
    ];
    let not_read = info.not_read.iter();
    rows.extend(not_read.map(|choice| ("not read", choice.sentence())));
    let rows = rows.into_iter();
    written(
        ["what", "value"],
        rows.map(|(what, value)| vec![what.to_owned(), value]),
        format,
    )
}

fn not_read(choice: &UnknownChoice) -> NotRead<'_> {
    NotRead {
        key: &choice.key,
        expected: &choice.expected,
        got: &choice.got,
        touches: choice.touches.iter().map(ToString::to_string).collect(),
    }
}

impl NotRead<'_> {
    fn sentence(&self) -> String {
        let touches = self.touches.join(", ");
        format!(
            "{touches}: unknown `{}` {}, expected {}",
            self.key, self.got, self.expected
        )
    }
}

/// The models that can be opened by name: `(name, where it is)`.
pub fn models(models: &[(String, String)], format: Format) -> String {
    #[derive(Serialize)]
    struct Model<'a> {
        name: &'a str,
        location: &'a str,
    }
    if format == Format::Json {
        let models: Vec<_> = models
            .iter()
            .map(|(name, location)| Model { name, location })
            .collect();
        return json_text(&models);
    }
    let rows = models
        .iter()
        .map(|(name, location)| vec![name.clone(), location.clone()]);
    written(["model", "where"], rows, format)
}

fn written(head: [&str; 2], rows: impl IntoIterator<Item = Vec<String>>, format: Format) -> String {
    let rows = rows.into_iter();
    if format == Format::Csv {
        return csv_text(&head, rows);
    }
    let mut table = Table::new(head.map(|name| (name, Align::Left)));
    rows.for_each(|row| table.push(row));
    if format == Format::Markdown {
        table.markdown()
    } else {
        table.plain()
    }
}
