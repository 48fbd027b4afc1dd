//! Places of the forward pass by the names that dictionaries' configurations and folders give them.

use std::fmt;
use std::str::FromStr;

/// Where in a layer a dictionary's directions are read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DictionaryHook {
    /// The residual stream before a layer.
    ResidPre,
    /// … between attention and feed-forward.
    ResidMid,
    /// … after a layer.
    ResidPost,
    /// What attention reads: the residual stream after the norm before attention.
    AttnIn,
    /// What the heads read, before W_O: `[n_heads × d_head]`, not the residual stream.
    AttnZ,
    /// What attention adds to the residual stream.
    AttnOut,
    /// What the feed-forward part reads: the residual stream after the norm before it.
    MlpIn,
    /// What the feed-forward part writes, before a norm of what is written where there is one.
    MlpWritten,
    /// What the feed-forward part adds to the residual stream.
    MlpOut,
}

impl DictionaryHook {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::ResidPre,
        Self::ResidMid,
        Self::ResidPost,
        Self::AttnIn,
        Self::AttnZ,
        Self::AttnOut,
        Self::MlpIn,
        Self::MlpWritten,
        Self::MlpOut,
    ];

    /// The name on the command line and in exports: `resid_post`, `mlp_in`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ResidPre => "resid_pre",
            Self::ResidMid => "resid_mid",
            Self::ResidPost => "resid_post",
            Self::AttnIn => "attn_in",
            Self::AttnZ => "attn.z",
            Self::AttnOut => "attn_out",
            Self::MlpIn => "mlp_in",
            Self::MlpWritten => "mlp_written",
            Self::MlpOut => "mlp_out",
        }
    }

    /// Whether what is read there has been through the norm before a sublayer.
    pub fn is_normed(self) -> bool {
        matches!(self, Self::AttnIn | Self::AttnZ | Self::MlpIn)
    }

    /// The hook that a name means: TransformerLens's, Hugging Face's modules', or a folder's.
    pub(super) fn called(name: &str) -> Option<Self> {
        /// What a name contains, the more special first.
        const PARTS: [(&str, DictionaryHook); 31] = [
            ("attn.hook_z", DictionaryHook::AttnZ),
            ("attn.z", DictionaryHook::AttnZ),
            ("o_proj.input", DictionaryHook::AttnZ),
            ("attn_out", DictionaryHook::AttnOut),
            ("attn_output", DictionaryHook::AttnOut),
            ("attn.hook_out", DictionaryHook::AttnOut),
            ("self_attn.output", DictionaryHook::AttnOut),
            ("post_attention_layernorm.output", DictionaryHook::AttnOut),
            ("ln1.hook_normalized", DictionaryHook::AttnIn),
            ("input_layernorm.output", DictionaryHook::AttnIn),
            ("attn.hook_in", DictionaryHook::AttnIn),
            ("attn_in", DictionaryHook::AttnIn),
            ("post_feedforward_layernorm.output", DictionaryHook::MlpOut),
            ("ln2_post", DictionaryHook::MlpOut),
            ("ln2.hook_normalized", DictionaryHook::MlpIn),
            ("pre_feedforward_layernorm.output", DictionaryHook::MlpIn),
            ("mlp.hook_in", DictionaryHook::MlpIn),
            ("mlp.input", DictionaryHook::MlpIn),
            // TransformerLens has it before the norm.
            ("hook_mlp_in", DictionaryHook::ResidMid),
            ("mlp_in", DictionaryHook::MlpIn),
            ("mlp_written", DictionaryHook::MlpWritten),
            ("mlp.hook_out", DictionaryHook::MlpWritten),
            ("mlp.output", DictionaryHook::MlpWritten),
            ("mlp_out", DictionaryHook::MlpOut),
            ("resid_pre", DictionaryHook::ResidPre),
            ("resid_mid", DictionaryHook::ResidMid),
            ("resid_post", DictionaryHook::ResidPost),
            ("hook_embed", DictionaryHook::ResidPre),
            ("gemma-scope", DictionaryHook::ResidPost),
            ("block_output", DictionaryHook::ResidPost),
            (".output", DictionaryHook::ResidPost),
        ];
        let lower = name.to_ascii_lowercase();
        let scope = lower.contains("gemma-scope").then_some(&lower);
        if let Some(scope) = scope {
            for (part, hook) in [
                ("-transcoders", Self::MlpIn),
                ("-mlp", Self::MlpOut),
                ("-att", Self::AttnZ),
            ] {
                if scope.contains(part) {
                    return Some(hook);
                }
            }
        }
        let found = PARTS.iter().find(|(part, _)| lower.contains(part));
        if let Some((_, hook)) = found {
            return Some(*hook);
        }
        // A module as sparsify and nnsight name it: `layers.5`, `layers.5.mlp`, `h.5`.
        let mut parts = lower.rsplit('.');
        match (parts.next()?, parts.next()) {
            ("mlp", Some(layer)) if is_number(layer) => Some(Self::MlpWritten),
            (layer, Some("layers" | "h" | "blocks")) if is_number(layer) => Some(Self::ResidPost),
            _ => None,
        }
    }
}

impl fmt::Display for DictionaryHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DictionaryHook {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let own = Self::ALL.into_iter().find(|hook| hook.name() == text);
        own.or_else(|| Self::called(text)).ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            format!("expected one of {all}, got {text}")
        })
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The layer in a name: `blocks.8.hook_resid_pre`, `layers.5.mlp`, `layer_20`, `resid_post_layer_3`,
/// `Llama3_1-8B-Base-L15R-8x`.
pub(super) fn layer_called(name: &str) -> Option<usize> {
    let lower = name.to_ascii_lowercase();
    let leading = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_digit());
        rest[..end.unwrap_or(rest.len())].parse().ok()
    };
    for before in ["blocks.", "layers.", "layer_", "layer.", "h."] {
        let mut found = lower.match_indices(before);
        // `.h.` and not any word that ends so.
        let begins = |at: &usize| *at == 0 || !lower.as_bytes()[at - 1].is_ascii_alphanumeric();
        let layer = found.find_map(|(at, _)| {
            let word = before.len() > 2 || begins(&at);
            leading(&lower[at + before.len()..]).filter(|_| word)
        });
        if layer.is_some() {
            return layer;
        }
    }
    name.split('-').find_map(|part| {
        let digits = part.strip_prefix('L')?.strip_suffix(['R', 'A', 'M'])?;
        digits.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_field_are_understood() {
        use DictionaryHook as H;
        for (name, hook, layer) in [
            ("blocks.8.hook_resid_pre", Some(H::ResidPre), Some(8)),
            ("blocks.3.attn.hook_z", Some(H::AttnZ), Some(3)),
            ("blocks.3.hook_mlp_out", Some(H::MlpOut), Some(3)),
            ("blocks.3.hook_mlp_in", Some(H::ResidMid), Some(3)),
            ("blocks.3.ln2.hook_normalized", Some(H::MlpIn), Some(3)),
            ("mlp.hook_in", Some(H::MlpIn), None),
            ("mlp.hook_out", Some(H::MlpWritten), None),
            ("hook_resid_mid", Some(H::ResidMid), None),
            ("layers.5", Some(H::ResidPost), Some(5)),
            ("layers.5.mlp", Some(H::MlpWritten), Some(5)),
            ("resid_post_layer_3", Some(H::ResidPost), Some(3)),
            ("model.layers.7.output", Some(H::ResidPost), Some(7)),
            (
                "model.layers.7.pre_feedforward_layernorm.output",
                Some(H::MlpIn),
                Some(7),
            ),
            ("transformer.h.11", Some(H::ResidPost), Some(11)),
            (
                "models--google--gemma-scope-2b-pt-att",
                Some(H::AttnZ),
                None,
            ),
            ("gemma-scope-2b-pt-transcoders", Some(H::MlpIn), None),
            ("gemma-scope-2b-pt-res", Some(H::ResidPost), None),
            ("Llama3_1-8B-Base-L15R-8x", None, Some(15)),
            ("width_16k", None, None),
        ] {
            assert_eq!(DictionaryHook::called(name), hook, "{name}");
            assert_eq!(layer_called(name), layer, "{name}");
        }
    }
}
