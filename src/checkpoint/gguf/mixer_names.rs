//! What mixes tokens without heads, in a GGUF file: its tensors under the family's names, and what
//! llama.cpp's converter does to them.

use super::super::family::Mixer;
use super::super::row_order::RowOrder;
use super::super::tensor_entry::TensorEntry;
use super::super::tensors::Tensors;
use super::super::{DeltaSizes, HeadParts, MixerSizes};
use super::names::{Named, Names, Stored};
use super::rearranged::{ColumnsInOrder, columns_in_order};

/// The families whose heads of values lie in turn of the keys that they share.
const IN_TURN: [&str; 2] = ["qwen3_5_text", "qwen3_5_moe_text"];

/// The map out of linear attention as it is stored, where the order of its columns is another one.
const OUT_IN_TURN: &str = "out_proj_in_turn";
const OUT: &str = "out_proj";

impl Names<'_> {
    /// Of a tensor of a layer's mixer, the names below the layer; `None` of anything else.
    pub(super) fn of_mixer(
        &self,
        layer: usize,
        stored: Stored<'_>,
        entry: &TensorEntry,
    ) -> Option<Vec<Named>> {
        let kinds = self.family.kinds.as_ref()?;
        let HeadParts::Without(mixer) = self.spec.parts.get(layer)?.heads else {
            return None;
        };
        let delta = mixer == Mixer::LinearAttention;
        let in_turn = self.in_turn();
        let plain = |name: &str| (stored.under(name), entry.clone());
        // From a row on, so many rows of each head of values.
        let of_values = |name: &str, first: fn(&DeltaSizes) -> usize, width: usize| {
            let mut entry = entry.clone();
            if let Some(sizes) = in_turn {
                entry.order = order(&sizes, first(&sizes), width);
            }
            (stored.under(name), entry)
        };
        let d_value = in_turn.map_or(1, |sizes| sizes.d_value);
        let queries_and_keys = |sizes: &DeltaSizes| 2 * sizes.keys();
        let numbers = |name: &str, (_, mut entry): Named| {
            flatten(&mut entry);
            (name.to_owned(), entry)
        };
        let (below, entry) = match stored.tensor {
            "ssm_in" if delta => plain("in_proj_qkvz"),
            "ssm_in" => plain("in_proj"),
            "attn_qkv" if delta => of_values("in_proj_qkv", queries_and_keys, d_value),
            "attn_gate" if delta => of_values("in_proj_z", |_| 0, d_value),
            "ssm_ba" => plain("in_proj_ba"),
            "ssm_beta" => of_values("in_proj_b", |_| 0, 1),
            "ssm_alpha" => of_values("in_proj_a", |_| 0, 1),
            "ssm_a" => numbers("A", of_values("", |_| 0, 1)),
            "ssm_dt" => numbers("dt_bias", of_values("", |_| 0, 1)),
            "ssm_d" => numbers("D", plain("")),
            "ssm_norm" => numbers("norm.weight", plain("")),
            "ssm_conv1d" => of_values("conv1d", queries_and_keys, d_value),
            "ssm_out" if in_turn.is_some() => plain(OUT_IN_TURN),
            "ssm_out" | "shortconv.out_proj" => plain(OUT),
            "shortconv.in_proj" => plain("in_proj"),
            "shortconv.conv" => plain("conv"),
            _ => return None,
        };
        Some(vec![(format!("{}{below}", kinds.prefix), entry)])
    }

    /// The sizes of linear attention whose heads of values lie in turn.
    fn in_turn(&self) -> Option<DeltaSizes> {
        match self.mixer? {
            MixerSizes::Delta(sizes) if IN_TURN.contains(&self.family.model_type) => {
                (sizes.key_heads != sizes.value_heads).then_some(sizes)
            }
            MixerSizes::Delta(_) | MixerSizes::Convolution { .. } | MixerSizes::Mamba(_) => None,
        }
    }

    /// Adds the map out of each layer's linear attention with its columns in the family's order.
    pub(super) fn order_mixers(&self, tensors: &mut Tensors) {
        let (Some(kinds), Some(sizes)) = (&self.family.kinds, self.in_turn()) else {
            return;
        };
        for layer in 0..self.spec.layers {
            let before = format!("{}{}", self.before(layer), kinds.prefix);
            columns_in_order(
                tensors,
                &format!("{before}{OUT}.weight"),
                ColumnsInOrder {
                    stored: format!("{before}{OUT_IN_TURN}.weight"),
                    title: String::new(),
                    shape: [self.spec.d_model, sizes.values()],
                    order: order(&sizes, 0, sizes.d_value),
                },
            );
        }
    }
}

fn order(sizes: &DeltaSizes, first: usize, width: usize) -> RowOrder {
    RowOrder::HeadsInTurn {
        first,
        key_heads: sizes.key_heads,
        shared: sizes.shared(),
        width,
    }
}

/// Numbers of two axes as one after another.
fn flatten(entry: &mut TensorEntry) {
    if let &[rows, cols] = &entry.shape[..]
        && let Some(all) = rows.checked_mul(cols)
        && entry.dtype.block() == 1
    {
        entry.shape = vec![all];
        entry.strides = vec![1];
    }
}
