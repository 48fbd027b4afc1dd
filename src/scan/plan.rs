//! What is scanned, how it is cut into parts, and the settings that a file must share with it.

use std::ops::Range;

use crate::projection::End;
use crate::query::{Convention, ModelCard, NeuronQuery, PairsQuery};
use crate::transformer::{Form, Input};
use crate::vocabulary::Filters;

use super::{Layers, ScanError};

/// Neurons of a part: one group of rows of the file, and seconds of work that an end may cost.
const PART_NEURONS: usize = 1024;
/// Heads of a part.
const PART_HEADS: usize = 4;

/// Which of a model's lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum What {
    #[default]
    All,
    Neurons,
    Heads,
}

/// What is wanted of a scan.
#[derive(Clone, Debug)]
pub struct ScanPlan {
    /// All of them if `None`.
    pub layers: Option<Layers>,
    pub what: What,
    /// Length of a neuron's columns.
    pub k: usize,
    /// Length of a head's pair lists.
    pub pairs: usize,
    pub filters: Filters,
    /// How weights become words.
    pub convention: Convention,
}

/// What decides the rows of a file, by name.
pub(super) type ScanSettings = Vec<(&'static str, String)>;

/// Work that is kept as a whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ScanChunk {
    Neurons { layer: usize, neurons: Range<usize> },
    Heads { layer: usize, heads: Range<usize> },
}

impl ScanChunk {
    /// The name of its file.
    pub(super) fn file_name(&self) -> String {
        match self {
            Self::Neurons { layer, neurons } => {
                format!("L{layer}.N{}-{}.parquet", neurons.start, neurons.end - 1)
            }
            Self::Heads { layer, heads } => {
                format!("L{layer}.H{}-{}.parquet", heads.start, heads.end - 1)
            }
        }
    }
}

impl ScanPlan {
    /// The layers of a model that are meant.
    ///
    /// # Errors
    /// The model has not all of them.
    pub(super) fn layers(&self, card: &ModelCard) -> Result<Range<usize>, ScanError> {
        let layers = card.spec.layers;
        match &self.layers {
            None => Ok(0..layers),
            Some(some) if some.range().end <= layers => Ok(some.range()),
            Some(some) => Err(ScanError::Layers {
                got: some.to_string(),
                model: card.name.clone(),
                layers,
            }),
        }
    }

    /// The parts in the order of the file.
    pub(super) fn parts(&self, card: &ModelCard) -> Result<Vec<ScanChunk>, ScanError> {
        let mut parts = Vec::new();
        for layer in self.layers(card)? {
            if self.what != What::Heads {
                let pieces = pieces(card.spec.neurons_in(layer), PART_NEURONS);
                parts.extend(pieces.map(|neurons| ScanChunk::Neurons { layer, neurons }));
            }
            if self.what != What::Neurons {
                let pieces = pieces(card.spec.heads_in(layer), PART_HEADS);
                parts.extend(pieces.map(|heads| ScanChunk::Heads { layer, heads }));
            }
        }
        Ok(parts)
    }

    /// The query of a neuron.
    pub(super) fn neuron(&self, layer: usize, neuron: usize) -> NeuronQuery {
        NeuronQuery {
            convention: self.convention,
            layer,
            neuron,
            input: Input::default(),
            k: self.k,
            filters: self.filters.clone(),
        }
    }

    /// The queries of a head: both forms, both ends.
    pub(super) fn head(&self, layer: usize, head: usize) -> [PairsQuery; 4] {
        let query = |form, end| PairsQuery {
            convention: self.convention,
            form,
            layer,
            head,
            distance: 0,
            end,
            k: self.pairs,
            filters: self.filters.clone(),
        };
        // Both ends of one form in turn: they share its factors.
        [
            query(Form::Vo, End::Highest),
            query(Form::Vo, End::Lowest),
            query(Form::Qk, End::Highest),
            query(Form::Qk, End::Lowest),
        ]
    }

    /// What is kept in a file as its metadata, and what a file must share with a scan that goes on
    /// with it.
    ///
    /// # Errors
    /// As [`ScanPlan::parts`].
    pub(super) fn settings(
        &self,
        card: &ModelCard,
        fingerprint: u64,
    ) -> Result<ScanSettings, ScanError> {
        let spec = &card.spec;
        let layers = self.layers(card)?;
        let what = match self.what {
            What::All => "neurons and heads",
            What::Neurons => "neurons",
            What::Heads => "heads",
        };
        let mut settings = vec![
            ("model", card.name.clone()),
            ("weights", format!("{fingerprint:016x}")),
            ("family", card.family.title.to_owned()),
            ("convention", self.convention.name()),
            ("what", what.to_owned()),
            ("layers", format!("{}..{}", layers.start, layers.end)),
            ("k", self.k.to_string()),
            ("pairs", self.pairs.to_string()),
            ("filters", named(&self.filters).to_string()),
            ("filter-lists", list_digest(&self.filters)),
            ("stored", stored(card).to_string()),
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        for (name, size) in [
            ("layers-of-model", spec.layers),
            ("width", spec.d_model),
            ("neurons", spec.most_neurons()),
            ("heads", spec.heads),
            ("vocabulary", spec.vocab),
            ("positions", spec.positions),
        ] {
            settings.push((name, size.to_string()));
        }
        Ok(settings)
    }
}

/// `0..all` in pieces of `size`, the last perhaps shorter.
pub(super) fn pieces(all: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..all)
        .step_by(size)
        .map(move |start| start..all.min(start + size))
}

/// The filters that are on.
pub(super) fn named(filters: &Filters) -> serde_json::Value {
    let filters = filters.describe().into_iter();
    let named = filters.map(|(name, value)| (name.to_owned(), value.into()));
    serde_json::Value::Object(named.collect())
}

/// In which types of number the model's parts are stored.
fn stored(card: &ModelCard) -> serde_json::Value {
    let summary = card.stored.summary().into_iter();
    let named = summary.map(|(part, types)| (part.to_owned(), types.into()));
    serde_json::Value::Object(named.collect())
}

/// What the words and the text of the filters are, whose labels are only names of files.
pub(super) fn list_digest(filters: &Filters) -> String {
    let words = filters.words.iter().flat_map(|list| list.words.iter());
    let text = filters.text.iter().map(|text| &*text.text);
    let bytes = words
        .flat_map(|word| word.bytes().chain([b'\n']))
        .chain([0])
        .chain(text.flat_map(str::bytes));
    format!("{:016x}", digest(bytes))
}

/// FNV-1a, 64 bits: tells apart what differs by chance, no more.
fn digest(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
