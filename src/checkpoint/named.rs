//! Full names of what a family names below the model's prefix, or below a layer's.

use super::{AttentionInput, Checkpoint, Linear};

/// A map of heads, and the layer in which it lies.
#[derive(Clone, Copy, Debug)]
pub struct HeadMapAt {
    pub layer: usize,
    pub linear: &'static Linear,
}

impl Checkpoint {
    /// Full name of a layer's linear map, with `.weight`.
    pub fn linear(&self, layer: usize, linear: &Linear) -> String {
        format!("{}.weight", self.in_layer(layer, linear.name))
    }

    /// The map of a layer's queries, keys or values, and the layer in which it lies: keys and values
    /// may be an earlier layer's, and values may be what keys are.
    pub fn head_map(&self, layer: usize, input: AttentionInput) -> HeadMapAt {
        let (family, sizes) = (self.family, self.spec.head_sizes(layer));
        let of_keys = sizes.keys_of.unwrap_or(layer);
        let (layer, linear) = match input {
            AttentionInput::Query => (layer, &family.query),
            AttentionInput::Value if !sizes.values_are_keys => (of_keys, &family.value),
            AttentionInput::Key | AttentionInput::Value => (of_keys, &family.key),
        };
        HeadMapAt { layer, linear }
    }

    /// Full name of what lies below the model's prefix.
    pub fn full(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Full name of what lies below a layer's prefix.
    pub fn in_layer(&self, layer: usize, name: &str) -> String {
        let layer = self.family.layer.replace("{}", &layer.to_string());
        format!("{}{layer}{name}", self.prefix)
    }
}
