//! What `config.json` says about scores of content with distances (DeBERTa).

use serde_json::Value;

use super::super::family::FamilyForward;
use super::super::{CheckpointError, DistanceAttention, Spec};
use super::Config;

/// Which scores there are, of those that `pos_att_type` may name.
const KINDS: [&str; 2] = ["c2p", "p2c"];

impl Config {
    /// How heads see distances; `None` where they see none.
    ///
    /// # Errors
    /// A value of the wrong kind, or embeddings of positions, which are added where no key denies it.
    pub(super) fn distances(
        &self,
        forward: &FamilyForward,
        spec: &Spec,
    ) -> Result<Option<DistanceAttention>, CheckpointError> {
        if forward.distances.is_none() {
            return Ok(None);
        }
        if self.flag(&["position_biased_input"], true)? {
            let got = "true".to_owned();
            return Err(self.wrong("position_biased_input", "false".to_owned(), got));
        }
        if !self.flag(&["relative_attention"], false)? {
            return Ok(None);
        }
        // −1 stands for none.
        let above_0 = |key: &'static str| {
            let number = self
                .value(&[key])?
                .1
                .as_u64()
                .filter(|&number| number > 0)?;
            usize::try_from(number).ok()
        };
        let furthest = above_0("max_relative_positions").unwrap_or(spec.longest);
        let buckets = above_0("position_buckets");
        let norms = self.value(&["norm_rel_ebd"]).and_then(|(_, v)| v.as_str());
        let [content_to_position, position_to_content] = self.kinds_of_scores();
        Ok(Some(DistanceAttention {
            content_to_position,
            position_to_content,
            span: buckets.unwrap_or(furthest),
            furthest: buckets.map(|_| furthest),
            shared: self.flag(&["share_att_key"], false)?,
            normed: norms.is_some_and(|norms| norms.contains("layer_norm")),
        }))
    }

    /// How many scores are summed: scores are divided by its root too, whether distances are seen or
    /// not.
    pub(super) fn score_terms(&self, forward: &FamilyForward) -> f64 {
        match forward.distances {
            None => 1.0,
            Some(_) => 1.0 + self.kinds_of_scores().map(f64::from).iter().sum::<f64>(),
        }
    }

    /// Whether `pos_att_type`, a list or names between bars, has each of [`KINDS`].
    fn kinds_of_scores(&self) -> [bool; 2] {
        let found = self.value(&["pos_att_type"]).map(|(_, value)| value);
        KINDS.map(|kind| match found {
            Some(Value::String(names)) => names.split('|').any(|name| name.trim() == kind),
            Some(Value::Array(names)) => names.iter().any(|name| name == kind),
            _ => false,
        })
    }
}
