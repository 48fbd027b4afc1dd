//! Latent attention (MLA) in a GGUF file: its sizes, its names, and the map from the latent vector to
//! keys and values, which the converter splits and half of which it turns.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::super::CheckpointError;
use super::super::latent::{self, LatentSizes};
use super::super::number::Dtype;
use super::super::quantised_matrix::{Parts, QuantisedMatrix, Scheme, Window};
use super::super::tensor_entry::TensorEntry;
use super::super::tensors::Tensors;
use super::keys::Keys;
use super::names::{Named, Names, Stored};

/// The halves of [`latent::UP`] below the layer's prefix: keys `[heads·rank, nope]`, values
/// `[heads·value, rank]`.
const KEYS_UP: &str = "self_attn.k_b_proj";
const VALUES_UP: &str = "self_attn.v_b_proj";

impl Keys<'_> {
    /// Adds the sizes of latent attention to a configuration.
    ///
    /// # Errors
    /// A size that is missing, or rotary channels of which keys have not as many.
    pub(super) fn put_latent(
        &self,
        config: &mut Map<String, Value>,
    ) -> Result<(), CheckpointError> {
        let rope = self.needed("rope.dimension_count")?;
        let length = |of_heads: &str, of_all: &str| match self.whole(of_heads) {
            Some(length) => Ok(length),
            None => self.needed(of_all),
        };
        // Keys and values of heads; without the first keys, the others are those of heads.
        let key = length("attention.key_length_mla", "attention.key_length")?;
        let value = length("attention.value_length_mla", "attention.value_length")?;
        let nope = key.checked_sub(rope).ok_or_else(|| {
            let expected = format!("at most the {key} channels of a key");
            self.unlike("rope.dimension_count", &expected, rope)
        })?;
        let query_rank = self.whole("attention.q_lora_rank");
        for (key, size) in [
            (
                "q_lora_rank",
                query_rank.map_or(Value::Null, |rank| rank.into()),
            ),
            (
                "kv_lora_rank",
                self.needed("attention.kv_lora_rank")?.into(),
            ),
            ("qk_nope_head_dim", nope.into()),
            ("qk_rope_head_dim", rope.into()),
            ("v_head_dim", value.into()),
        ] {
            config.insert(key.to_owned(), size);
        }
        Ok(())
    }
}

impl Names<'_> {
    /// Of a tensor of latent attention, the names below the layer; `None` of anything else.
    pub(super) fn of_latent(&self, stored: Stored<'_>, entry: &TensorEntry) -> Option<Vec<Named>> {
        self.spec.latent?;
        let name = match stored.tensor {
            "attn_q" => latent::QUERY,
            "attn_q_a" => latent::QUERY_DOWN,
            "attn_q_a_norm" => latent::QUERY_NORM,
            "attn_q_b" => latent::QUERY_UP,
            "attn_kv_a_mqa" => latent::DOWN,
            "attn_kv_a_norm" => latent::NORM,
            "attn_kv_b" => latent::UP,
            "attn_k_b" => return Some(flat(KEYS_UP, stored, entry)),
            "attn_v_b" => return Some(flat(VALUES_UP, stored, entry)),
            _ => return None,
        };
        Some(vec![(stored.under(name), entry.clone())])
    }

    /// Adds the map to keys and values of each layer that has it in two halves.
    pub(super) fn join_latent(&self, tensors: &mut Tensors) {
        let Some(sizes) = self.spec.latent else {
            return;
        };
        for layer in 0..self.spec.layers {
            let before = self.before(layer);
            let full = |name: &str| format!("{before}{name}.weight");
            let (keys, values, joined) = (full(KEYS_UP), full(VALUES_UP), full(latent::UP));
            let heads = self.spec.heads;
            let shape = |name: &str| tensors.get(name).map(|(entry, _)| entry.shape.clone());
            let of_keys = [heads * sizes.rank, sizes.nope];
            let of_values = [heads * sizes.value, sizes.rank];
            let fits = shape(&keys).is_some_and(|shape| shape == of_keys)
                && shape(&values).is_some_and(|shape| shape == of_values);
            if !fits || tensors.get(&joined).is_some() {
                continue;
            }
            let title = tensors
                .get(&keys)
                .map(|(entry, _)| entry.dtype.to_string())
                .unwrap_or_default();
            let halves = Halves {
                keys: keys.clone(),
                values,
                title,
                heads,
                sizes,
            };
            let matrix = Dtype::Quantised(QuantisedMatrix::new(Arc::new(halves)));
            let shape = vec![heads * (sizes.nope + sizes.value), sizes.rank];
            let entry = TensorEntry::contiguous(matrix, shape, 0);
            tensors.insert_beside(&keys, joined, entry);
        }
    }
}

/// A tensor of three axes with its first two as one.
fn flat(name: &str, stored: Stored<'_>, entry: &TensorEntry) -> Vec<Named> {
    let mut entry = entry.clone();
    if let &[heads, rows, _] = &entry.shape[..] {
        let Some(all) = heads.checked_mul(rows) else {
            return Vec::new();
        };
        entry.shape.splice(..2, [all]);
        entry.strides.remove(0);
    }
    vec![(stored.under(name), entry)]
}

/// The map from the latent vector to keys and values, head after head, out of its two halves.
#[derive(Debug)]
struct Halves {
    /// Head after head transposed, `[heads·rank, nope]`.
    keys: String,
    /// `[heads·value, rank]`.
    values: String,
    /// How the keys' half is stored.
    title: String,
    heads: usize,
    sizes: LatentSizes,
}

impl Scheme for Halves {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn shape(&self) -> [usize; 2] {
        let LatentSizes {
            nope, value, rank, ..
        } = self.sizes;
        [self.heads * (nope + value), rank]
    }

    fn parts(&self) -> Vec<&str> {
        vec![&self.keys, &self.values]
    }

    fn dequantise(
        &self,
        parts: &dyn Parts,
        window: &Window,
        out: &mut [f32],
    ) -> Result<(), CheckpointError> {
        let LatentSizes {
            nope, value, rank, ..
        } = self.sizes;
        let (rows, cols) = (&window.rows, &window.cols);
        let each = nope + value;
        let mut row = rows.start;
        let mut lines = out.chunks_exact_mut(cols.len().max(1));
        while row < rows.end {
            let (head, first) = (row / each, row % each);
            let end = if first < nope { nope } else { each };
            let last = end.min(first + (rows.end - row));
            if first < nope {
                let stored = head * rank + cols.start..head * rank + cols.end;
                let turned = parts.block(&self.keys, stored, first..last)?;
                for (channel, line) in (0..last - first).zip(&mut lines) {
                    let column = (0..cols.len()).map(|i| turned.row(i)[channel]);
                    line.iter_mut().zip(column).for_each(|(x, own)| *x = own);
                }
            } else {
                let before = head * value;
                let stored = before + first - nope..before + last - nope;
                let own = parts.block(&self.values, stored, cols.clone())?;
                for (i, line) in (0..last - first).zip(&mut lines) {
                    line.copy_from_slice(own.row(i));
                }
            }
            row += last - first;
        }
        Ok(())
    }
}
