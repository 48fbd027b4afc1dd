//! In which types of number a model's parts are stored, `BF16` or `Q6_K`: what stands beside the
//! lists that are made of them.

use crate::checkpoint::{AttentionInput, NeuronMap};
use crate::transformer::{Form, Input};

use super::Weights;

/// A part of a model and the type that it is stored in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPart {
    /// `E` and `E_out` for the embeddings, `K` and `V` of neurons, `Q`, `K`, `V` and `O` of heads.
    pub part: &'static str,
    pub stored: String,
}

/// The types of all parts that lists are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredTypes {
    /// The input embedding, and an output embedding that is stored apart.
    pub embeddings: Vec<StoredPart>,
    layers: Vec<LayerTypes>,
    /// Whether any part is quantised: several numbers share a scale.
    pub quantised: bool,
}

/// Of one layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct LayerTypes {
    gate: String,
    up: String,
    down: String,
    query: String,
    key: String,
    value: String,
    output: String,
}

impl StoredTypes {
    /// Of a layer's neurons: their keys, as an input reads them, and their values.
    pub fn neuron(&self, layer: usize, input: Input) -> Vec<StoredPart> {
        let of = |layer: &LayerTypes| {
            let key = match input {
                Input::Gate => &layer.gate,
                Input::Up => &layer.up,
            };
            vec![part("K", key), part("V", &layer.down)]
        };
        self.layers.get(layer).map(of).unwrap_or_default()
    }

    /// Of a form of a layer's heads.
    pub fn form(&self, layer: usize, form: Form) -> Vec<StoredPart> {
        let of = |layer: &LayerTypes| match form {
            Form::Vo => vec![part("V", &layer.value), part("O", &layer.output)],
            Form::Qk => vec![part("Q", &layer.query), part("K", &layer.key)],
        };
        self.layers.get(layer).map(of).unwrap_or_default()
    }

    /// Of each kind of part, the types that it has in any layer.
    pub fn summary(&self) -> Vec<(&'static str, Vec<String>)> {
        type Of = fn(&LayerTypes) -> &String;
        let kinds: [(&'static str, Of); 7] = [
            ("gates", |layer| &layer.gate),
            ("keys", |layer| &layer.up),
            ("values", |layer| &layer.down),
            ("W_Q", |layer| &layer.query),
            ("W_K", |layer| &layer.key),
            ("W_V", |layer| &layer.value),
            ("W_O", |layer| &layer.output),
        ];
        let embeddings = self.embeddings.iter();
        let embeddings = embeddings.map(|part| (part.part, vec![part.stored.clone()]));
        let of_layers = kinds.into_iter().map(|(kind, of)| {
            let mut types: Vec<String> =
                self.layers.iter().map(|layer| of(layer).clone()).collect();
            types.sort();
            types.dedup();
            // Layers may lack what others have.
            types.retain(|stored| !stored.is_empty());
            (kind, types)
        });
        embeddings.chain(of_layers).collect()
    }
}

fn part(part: &'static str, stored: &str) -> StoredPart {
    StoredPart {
        part,
        stored: stored.to_owned(),
    }
}

/// Parts and their types in a line: `K Q5_0, V Q6_K`.
pub fn stored_line(parts: &[StoredPart]) -> String {
    let named = parts
        .iter()
        .map(|part| format!("{} {}", part.part, part.stored));
    named.collect::<Vec<_>>().join(", ")
}

impl Weights {
    /// The types of all parts that lists are made of.
    pub fn stored_types(&self) -> StoredTypes {
        let checkpoint = self.source();
        let (family, spec) = (checkpoint.family(), checkpoint.spec());
        let mut quantised = false;
        let mut of = |tensor: &str| {
            let stored = checkpoint.stored_type(tensor);
            quantised |= stored.as_ref().is_some_and(|stored| stored.quantised);
            stored.map(|stored| stored.name).unwrap_or_default()
        };
        let mut embeddings = vec![part("E", &of(checkpoint.embedding()))];
        if let Some(output) = checkpoint.output_embedding() {
            embeddings.push(part("E_out", &of(output)));
        }
        let mut layers = Vec::with_capacity(spec.layers);
        for layer in 0..spec.layers {
            let blocks = spec.neuron_parts(layer).blocks();
            // Of experts the first is looked at.
            let mut neurons = |which| {
                let (block, _) = blocks.first()?;
                let map = checkpoint.neuron_map(layer, *block, which)?;
                Some(of(&format!("{}.weight", map.name)))
            };
            let [gate, up, down] = [
                self.key_map(Input::Gate),
                self.key_map(Input::Up),
                NeuronMap::Out,
            ]
            .map(|which| neurons(which).unwrap_or_default());
            let mut input = |input| {
                let at = checkpoint.head_map(layer, input);
                of(&checkpoint.linear(at.layer, at.linear))
            };
            layers.push(LayerTypes {
                gate,
                up,
                down,
                query: input(AttentionInput::Query),
                key: input(AttentionInput::Key),
                value: input(AttentionInput::Value),
                output: of(&checkpoint.linear(layer, &family.attention_out)),
            });
        }
        StoredTypes {
            embeddings,
            layers,
            quantised,
        }
    }
}
