//! From the tensors of a GGUF file to those of the family's own checkpoints: names, and what
//! llama.cpp's converter did to the order of their rows.

use super::super::error::one_line;
use super::super::family::{Layout, Linear, QkNormScope, Split};
use super::super::row_order::RowOrder;
use super::super::tensor_entry::TensorEntry;
use super::super::tensors::{MOST_TENSORS, Tensors};
use super::super::{CheckpointError, Family, MixerSizes, Spec, UnknownChoice};
use super::rearranged::one_below_another;
use super::stack_names::of_stack;

/// The tensors under the family's names, and as the family has them; and of those in layers that the
/// family does not name, one of each kind, with what they would change.
///
/// # Errors
/// Two tensors have one name, or the experts' have another shape than the keys say.
pub(super) fn of_family(
    tensors: Tensors,
    family: &Family,
    spec: &Spec,
    mixer: Option<MixerSizes>,
) -> Result<(Tensors, Vec<UnknownChoice>), CheckpointError> {
    let apart = |name: &str| name.contains(".ffn_gate.") || name.contains(".ffn_gate_shexp.");
    let names = Names {
        family,
        spec,
        mixer,
        two_norms: tensors.get("blk.0.attn_norm_2.weight").is_some(),
        gates_apart: tensors.names().any(apart),
    };
    names.check_experts(&tensors)?;
    let unknown = names.unknown(&tensors);
    let mut tensors = tensors.mapped(|name, entry| names.entries(name, entry))?;
    names.join_latent(&mut tensors);
    names.join_gates(&mut tensors);
    names.order_mixers(&mut tensors);
    Ok((tensors, unknown))
}

/// The factors of an adapter under the names of the family's modules.
///
/// # Errors
/// A factor of a tensor that the family does not have, or two of one name.
pub(super) fn factors_of_family(
    tensors: Tensors,
    family: &Family,
    spec: &Spec,
    file: &str,
) -> Result<Tensors, CheckpointError> {
    let names = Names {
        family,
        spec,
        mixer: None,
        two_norms: false,
        gates_apart: false,
    };
    for name in tensors.names() {
        let known = tensors
            .get(name)
            .map(|(entry, _)| names.factors(name, entry));
        if known.is_none_or(|known| known.is_empty()) {
            let name = one_line(name);
            let what = format!(
                "changes {name}, expected a matrix of the base ({}), got one that it does not have: this \
                 adapter is of another base; give it with --base",
                family.title
            );
            return Err(CheckpointError::damaged(file, what));
        }
    }
    tensors.mapped(|name, entry| names.factors(name, entry))
}

/// The families whose queries and keys the converter permutes: RoPE turns neighbouring channels in
/// llama.cpp, and halves in the families' own checkpoints.
const PERMUTED: [&str; 13] = [
    "llama",
    "mistral",
    "mistral3",
    "ministral3",
    "mixtral",
    "granite",
    "granitemoe",
    "granitemoehybrid",
    "bamba",
    "nemotron_h",
    "smollm3",
    "arcee",
    "olmo",
];

/// A tensor under its name in the family's checkpoints, below the layer's prefix.
pub(super) type Named = (String, TensorEntry);

/// A tensor of a layer as GGUF names it: `ffn_up` and `weight`.
#[derive(Clone, Copy)]
pub(super) struct Stored<'a> {
    pub(super) tensor: &'a str,
    pub(super) part: &'a str,
}

impl Stored<'_> {
    /// The same part of a map of another name.
    pub(super) fn under(self, name: &str) -> String {
        format!("{name}.{}", self.part)
    }
}

/// The layer of a tensor, if its number can be read, and the name below it; `None` outside layers.
pub(super) fn in_layer(tensor: &str) -> Option<(Option<usize>, &str)> {
    let (layer, tensor) = tensor.strip_prefix("blk.")?.split_once('.')?;
    Some((layer.parse().ok(), tensor))
}

/// The name of the gates, or of the inputs, of a tensor that the family has of both.
pub(super) fn half(joined: &str, tensor: &str) -> Option<String> {
    match tensor {
        "ffn_gate" => Some(format!("{joined}_gates")),
        "ffn_up" => Some(format!("{joined}_inputs")),
        _ => None,
    }
}

/// The rows of a tensor, one for each head, as tensors of their own.
fn heads_apart(name: &str, stored: Stored<'_>, entry: &TensorEntry) -> Vec<Named> {
    let &[heads, width] = &entry.shape[..] else {
        return Vec::new();
    };
    let row = |head: usize| {
        let mut row = entry.clone();
        row.shape.remove(0);
        row.strides.remove(0);
        row.offset += entry.dtype.span(head * width);
        (stored.under(&format!("{name}.norms.{head}")), row)
    };
    (0..heads).take(MOST_TENSORS).map(row).collect()
}

/// How a family's tensors are called in GGUF.
pub(super) struct Names<'a> {
    pub(super) family: &'a Family,
    pub(super) spec: &'a Spec,
    /// Of what mixes tokens in layers without heads.
    pub(super) mixer: Option<MixerSizes>,
    /// As in Falcon's newer models: `attn_norm_2` is the norm before attention, `attn_norm` that
    /// before the feed-forward part.
    two_norms: bool,
    /// Whether gates and inputs of neurons are tensors of their own, also where the family's
    /// checkpoints hold both in one.
    gates_apart: bool,
}

impl Names<'_> {
    pub(super) fn entries(&self, name: &str, entry: &TensorEntry) -> Vec<(String, TensorEntry)> {
        let (tensor, part) = match name.rsplit_once('.') {
            Some((tensor, part @ ("weight" | "bias"))) => (tensor, part),
            // The converter leaves it out.
            Some((_, "ssm_a" | "ssm_d" | "ffn_norm")) => (name, "weight"),
            _ => return Vec::new(),
        };
        let Some((layer, tensor)) = in_layer(tensor) else {
            let of_stack = of_stack(self.family, tensor, part);
            let full = of_stack.or_else(|| self.of_model(tensor, part));
            return full.map(|name| (name, entry.clone())).into_iter().collect();
        };
        match layer {
            Some(layer) if layer < self.spec.layers => {
                let before = self.before(layer);
                let of_layer = self.of_layer(layer, Stored { tensor, part }, entry);
                let full = |(name, entry)| (format!("{before}{name}"), entry);
                of_layer.into_iter().map(full).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What stands before the names of a layer.
    pub(super) fn before(&self, layer: usize) -> String {
        let below = self.family.layer.replace("{}", &layer.to_string());
        format!("{}{below}", self.prefix())
    }

    /// A factor of an adapter as the family's modules have it.
    fn factors(&self, name: &str, entry: &TensorEntry) -> Vec<(String, TensorEntry)> {
        let Some((tensor, part @ ("lora_a" | "lora_b"))) = name.rsplit_once('.') else {
            return Vec::new();
        };
        let factor = |(full, of_output): (String, TensorEntry)| {
            let mut factor = match part {
                "lora_a" => entry.clone(),
                _ => of_output,
            };
            // Maps that are stored `[in, out]` had their axes exchanged; an embedding's first factor
            // has a row for each token.
            let exchanged = part == "lora_b" && factor.strides.first() < entry.strides.first();
            if exchanged || part == "lora_a" && tensor == "token_embd.weight" {
                factor.shape.reverse();
                factor.strides.reverse();
            }
            let module = full.trim_end_matches(".weight");
            (format!("{module}.{part}"), factor)
        };
        self.entries(tensor, entry)
            .into_iter()
            .map(factor)
            .collect()
    }

    fn prefix(&self) -> &'static str {
        self.family.prefixes.first().copied().unwrap_or_default()
    }

    /// Of what lies outside the layers, the full name.
    fn of_model(&self, tensor: &str, part: &str) -> Option<String> {
        let family = self.family;
        let forward = family.forward.as_ref();
        let below = |name: &str| Some(format!("{}{name}", self.prefix()));
        let norm = |name: &str| below(&format!("{name}.{part}"));
        match tensor {
            "token_embd" => below(family.embedding),
            "output" => {
                let head = family.output_embedding.first()?.trim_end_matches(".weight");
                Some(format!("{head}.{part}"))
            }
            "position_embd" => below(family.positions?.name),
            "token_types" => below(forward?.token_types?),
            // LFM2's is that after the last layer.
            "token_embd_norm" => norm(forward?.embedding_norm.or(forward?.final_norm)?),
            "output_norm" => norm(forward?.final_norm?),
            _ => None,
        }
    }

    /// The names below the layer.
    fn of_layer(&self, layer: usize, stored: Stored<'_>, entry: &TensorEntry) -> Vec<Named> {
        let family = self.family;
        let as_stored = |name: String| vec![(name, entry.clone())];
        let map = |map: &Linear| vec![(stored.under(map.name), self.map_entry(map, entry))];
        let own = self
            .of_experts(layer, stored, entry)
            .or_else(|| self.of_latent(stored, entry))
            .or_else(|| self.of_mixer(layer, stored, entry));
        if let Some(named) = own {
            return named;
        }
        match stored.tensor {
            "ffn_gate" | "ffn_up" if self.joined_gates().is_some() => {
                let half = self
                    .joined_gates()
                    .and_then(|name| half(name, stored.tensor));
                half.map(|name| as_stored(stored.under(&name)))
                    .unwrap_or_default()
            }
            "ffn_up" => map(&family.ff_in),
            "ffn_gate" => family.ff_gate.as_ref().map(map).unwrap_or_default(),
            "ffn_down" => map(&family.ff_out),
            "attn_output" => map(&family.attention_out),
            "attn_q" => map(&family.query),
            "attn_k" => map(&family.key),
            "attn_v" => map(&family.value),
            "attn_qkv" if family.query.split == Split::Whole => {
                let maps = [&family.query, &family.key, &family.value];
                let parts = maps.into_iter().zip(self.parts(entry));
                let named = |(map, part): (&Linear, TensorEntry)| (stored.under(map.name), part);
                parts.map(named).collect()
            }
            "attn_qkv" => map(&family.query),
            "attn_sinks" => {
                let name = family.forward.and_then(|forward| forward.sinks);
                name.map(|name| as_stored(name.to_owned()))
                    .unwrap_or_default()
            }
            norm => match self.norm(norm) {
                Some(name) if self.is_of_heads(norm) => heads_apart(name, stored, entry),
                name => name
                    .map(|name| as_stored(stored.under(name)))
                    .unwrap_or_default(),
            },
        }
    }

    /// Of a family that stores gates and inputs of neurons in one tensor, its name, where the file
    /// holds them apart.
    fn joined_gates(&self) -> Option<&'static str> {
        let gate = self.family.ff_gate.filter(|_| self.gates_apart)?;
        matches!(gate.split, Split::Part(..)).then_some(gate.name)
    }

    /// Adds the tensor of gates and inputs to each layer that has them apart.
    fn join_gates(&self, tensors: &mut Tensors) {
        let shared = self.family.experts.and_then(|names| names.shared?.fused);
        let Some(name) = self.joined_gates().or(shared.map(|fused| fused[0])) else {
            return;
        };
        for layer in 0..self.spec.layers {
            let before = self.before(layer);
            let halves = ["ffn_gate", "ffn_up"].map(|tensor| half(name, tensor));
            if let [Some(gate), Some(up)] = halves {
                let halves = [gate, up].map(|half| format!("{before}{half}.weight"));
                one_below_another(tensors, &format!("{before}{name}.weight"), halves);
            }
        }
    }

    /// Whether each head has a tensor of its own where GGUF has a row of one.
    fn is_of_heads(&self, norm: &str) -> bool {
        matches!(norm, "attn_q_norm" | "attn_k_norm")
            && self.family.qk_norm_scope == QkNormScope::HeadModules
    }

    /// Of a norm, the name below the layer.
    fn norm(&self, tensor: &str) -> Option<&'static str> {
        let of_heads = self.family.qk_norm.as_ref();
        match tensor {
            "attn_q_norm" => return of_heads.map(|names| names[0]),
            "attn_k_norm" => return of_heads.map(|names| names[1]),
            _ => {}
        }
        let forward = self.family.forward.as_ref()?;
        match tensor {
            "attn_norm" if self.two_norms => forward.ff_norm.first().copied(),
            "attn_norm" => forward.attention_norm.last().copied(),
            "attn_norm_2" | "attn_output_norm" => forward.attention_norm.first().copied(),
            "ffn_norm" | "layer_output_norm" => forward.ff_norm.first().copied(),
            "post_attention_norm" => match forward.post_norms {
                Some([attention, _]) => Some(attention),
                // By its name in the families' own checkpoints, where it is the norm before
                // the feed-forward part.
                None => forward.ff_norm.first().copied(),
            },
            "post_ffw_norm" => forward.post_norms.map(|names| names[1]),
            _ => None,
        }
    }

    /// A linear map's weight or bias as the family has it.
    fn map_entry(&self, map: &Linear, entry: &TensorEntry) -> TensorEntry {
        let mut entry = entry.clone();
        entry.order = self.order(map);
        if map.layout == Layout::InOut {
            entry.shape.reverse();
            entry.strides.reverse();
        }
        entry
    }

    fn order(&self, map: &Linear) -> RowOrder {
        let (family, spec) = (self.family, self.spec);
        let d_head = spec.d_head;
        let query_or_key = [family.query.name, family.key.name].contains(&map.name);
        match map.split {
            Split::Whole if query_or_key && PERMUTED.contains(&family.model_type) => {
                RowOrder::NeighbouringPairs { d_head }
            }
            Split::Grouped => RowOrder::QueriesKeysValues {
                heads: spec.heads,
                kv_heads: spec.n_kv_heads,
                d_head,
            },
            Split::Whole | Split::Part(..) | Split::Stacked | Split::Gated | Split::Runs(_) => {
                RowOrder::Same
            }
        }
    }

    /// The queries, keys and values of one stored tensor; none of one of another size.
    fn parts(&self, entry: &TensorEntry) -> Vec<TensorEntry> {
        let spec = self.spec;
        let rows = [spec.heads, spec.n_kv_heads, spec.n_kv_heads].map(|n| n * spec.d_head);
        let width: usize = match entry.shape.split_first() {
            Some((&all, inner)) if all == rows.iter().sum::<usize>() => inner.iter().product(),
            _ => return Vec::new(),
        };
        let mut first = 0;
        let parts = rows.map(|rows| {
            let mut part = entry.clone();
            part.shape[0] = rows;
            part.offset += entry.dtype.span(first * width);
            first += rows;
            part
        });
        parts.into()
    }
}
