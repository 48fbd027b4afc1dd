//! Tensors of a GGUF file's layers that are not known here.

use std::collections::BTreeSet;

use super::super::error::one_line;
use super::super::tensors::Tensors;
use super::super::{Reading, UnknownChoice};
use super::names::Names;

/// What the names of tensors begin with that llama.cpp has a part in its layers for.
const PARTS: [&str; 12] = [
    "attn",
    "cross",
    "ffn",
    "exp",
    "ssm",
    "shortconv",
    "post",
    "layer",
    "inp",
    "altup",
    "laurel",
    "time",
];

impl Names<'_> {
    /// Tensors of layers that llama.cpp would use and that are not known here, one of each kind; none
    /// of a family whose texts are not run, of which not all is known.
    pub(super) fn unknown(&self, tensors: &Tensors) -> Vec<UnknownChoice> {
        let forward = self.family.forward.as_ref();
        if forward.is_none_or(|forward| forward.not_run.is_some()) {
            return Vec::new();
        }
        // Of each kind the first, in layers with heads and in others.
        let mut seen = BTreeSet::new();
        let mut unknown = Vec::new();
        for name in tensors.names() {
            let below = name
                .split_once("blk.")
                .and_then(|(_, rest)| rest.split_once('.'));
            let (Some((layer, kind)), Some((entry, _))) = (below, tensors.get(name)) else {
                continue;
            };
            let layer: usize = layer.parse().unwrap_or_default();
            // Layers that predict further tokens come last.
            if layer >= self.spec.layers {
                continue;
            }
            let first = seen.insert((self.spec.heads_in(layer) > 0, kind));
            let part = kind.split(['_', '.']).next().unwrap_or_default();
            // Frequencies are computed.
            if !first
                || !PARTS.contains(&part)
                || kind.contains("rot_embd")
                || !self.entries(name, entry).is_empty()
            {
                continue;
            }
            unknown.push(UnknownChoice {
                key: one_line(name),
                expected: format!("no such tensor in a layer of {}", self.family.title),
                got: "one".to_owned(),
                touches: match part {
                    "attn" => &[
                        Reading::Vo,
                        Reading::Qk,
                        Reading::Distance,
                        Reading::Forward,
                    ],
                    "ffn" => &[Reading::Neurons, Reading::Forward],
                    _ => &[Reading::Forward],
                },
            });
        }
        unknown
    }
}
