//! T5 in a GGUF file: tensors of its two stacks under the names that they have in the family's
//! checkpoints.

use super::super::Family;

/// Below a layer of the encoder, or of the decoder as far as its self-attention goes.
const SELF_ATTENTION: [(&str, &str); 6] = [
    ("attn_norm", "layer.0.layer_norm"),
    ("attn_q", "layer.0.SelfAttention.q"),
    ("attn_k", "layer.0.SelfAttention.k"),
    ("attn_v", "layer.0.SelfAttention.v"),
    ("attn_o", "layer.0.SelfAttention.o"),
    (
        "attn_rel_b",
        "layer.0.SelfAttention.relative_attention_bias",
    ),
];

const CROSS_ATTENTION: [(&str, &str); 6] = [
    ("cross_attn_norm", "layer.1.layer_norm"),
    ("cross_attn_q", "layer.1.EncDecAttention.q"),
    ("cross_attn_k", "layer.1.EncDecAttention.k"),
    ("cross_attn_v", "layer.1.EncDecAttention.v"),
    ("cross_attn_o", "layer.1.EncDecAttention.o"),
    // Which the first T5 has and never uses.
    (
        "cross_attn_rel_b",
        "layer.1.EncDecAttention.relative_attention_bias",
    ),
];

/// The full name of a stack's tensor; `None` of anything else.
pub(super) fn of_stack(family: &Family, tensor: &str, part: &str) -> Option<String> {
    let stacks = family.two_stacks.as_ref()?;
    let (stack, rest) = tensor.split_once('.')?;
    let (layers, last) = match stack {
        "enc" => (stacks.encoder, 1),
        "dec" => (stacks.decoder, 2),
        _ => return None,
    };
    if rest == "output_norm" {
        let coder = layers.split('.').next()?;
        return Some(format!("{coder}.final_layer_norm.{part}"));
    }
    let (layer, tensor) = rest.strip_prefix("blk.")?.split_once('.')?;
    let layer: usize = layer.parse().ok()?;
    let mut attention = SELF_ATTENTION.iter().chain(&CROSS_ATTENTION);
    let below = match (attention.find(|known| known.0 == tensor), tensor) {
        (Some((_, below)), _) => (*below).to_owned(),
        (None, "ffn_norm") => format!("layer.{last}.layer_norm"),
        (None, _) => {
            let map = match (tensor, family.ff_gate) {
                ("ffn_gate", Some(gate)) => gate.name,
                ("ffn_up", _) => family.ff_in.name,
                ("ffn_down", _) => family.ff_out.name,
                _ => return None,
            };
            format!("layer.{last}.DenseReluDense.{}", map.strip_prefix("ff.")?)
        }
    };
    Some(format!("{layers}{layer}.{below}.{part}"))
}
