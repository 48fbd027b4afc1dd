//! What a family's row says of how its models run.

use super::{Family, RopeLayers};

impl Family {
    /// Whether its models can be run on texts.
    pub fn runs(&self) -> bool {
        let forward = self.forward.as_ref();
        forward.is_some_and(|forward| forward.not_run.is_none())
    }

    /// Whether a key of `config.json` is read of this family as a choice of how it runs.
    pub(in crate::checkpoint) fn reads_choice(&self, key: &str) -> bool {
        let of_forward = self.forward.as_ref().map(|forward| {
            [
                forward.embedding_scale,
                forward.written_scale,
                forward.clip,
                forward.scale_factor,
            ]
        });
        let of_rope = self.rope.map(|rope| match rope.layers {
            RopeLayers::Listed { list, but_every } => [Some(list), Some(but_every)],
            RopeLayers::All | RopeLayers::Windowed | RopeLayers::WindowedIfAny => [None; 2],
        });
        let keys = [self.qk_norm_if, self.head.scale, self.head.divisor].into_iter();
        let keys = keys.chain(of_forward.into_iter().flatten());
        let mut keys = keys.chain(of_rope.into_iter().flatten()).flatten();
        let experts = self.experts.as_ref();
        keys.any(|own| own == key) || experts.is_some_and(|names| names.count.contains(&key))
    }
}
