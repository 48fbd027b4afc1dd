//! What `config.json` says of the sizes of heads.

use super::super::family::ConfigKeys;
use super::super::latent::LatentSizes;
use super::super::{CheckpointError, Family};
use super::Config;

impl Config {
    /// The size of a head.
    pub(super) fn d_head(
        &self,
        keys: &ConfigKeys,
        d_model: usize,
        heads: usize,
    ) -> Result<usize, CheckpointError> {
        match self.value(keys.d_head) {
            Some(_) => self.size(keys.d_head),
            None if d_model.is_multiple_of(heads) => Ok(d_model / heads),
            None => {
                let key = self.value(keys.heads).map_or(keys.heads[0], |(key, _)| key);
                let expected = format!("a divisor of the width {d_model}");
                Err(self.wrong(key, expected, heads.to_string()))
            }
        }
    }

    /// The sizes of latent attention.
    pub(super) fn latent_sizes(&self) -> Result<LatentSizes, CheckpointError> {
        let size = |key: &str| self.size(&[key]);
        Ok(LatentSizes {
            query_rank: match self.has("q_lora_rank") {
                true => Some(size("q_lora_rank")?),
                false => None,
            },
            rank: size("kv_lora_rank")?,
            nope: size("qk_nope_head_dim")?,
            rope: size("qk_rope_head_dim")?,
            value: size("v_head_dim")?,
        })
    }

    /// That what must be as wide as the layers is.
    pub(super) fn check_as_wide(
        &self,
        family: &Family,
        d_model: usize,
    ) -> Result<(), CheckpointError> {
        for &key in family.as_wide {
            if let Some((key, _)) = self.value(&[key]) {
                let got = self.size(&[key])?;
                if got != d_model {
                    return Err(CheckpointError::Unlike {
                        file: self.file.clone(),
                        key: key.to_string(),
                        expected: format!("{d_model}, as wide as the layers"),
                        got: got.to_string(),
                    });
                }
            }
        }
        Ok(())
    }

    pub(super) fn n_kv_heads(
        &self,
        keys: &ConfigKeys,
        heads: usize,
    ) -> Result<usize, CheckpointError> {
        if let Some([counts, one]) = keys.n_kv_heads_if
            && !self.flag(&[counts], false)?
        {
            return Ok(if self.flag(&[one], true)? { 1 } else { heads });
        }
        let Some((key, _)) = self.value(keys.n_kv_heads) else {
            return Ok(heads);
        };
        let found = self.size(keys.n_kv_heads)?;
        if heads.is_multiple_of(found) {
            return Ok(found);
        }
        let expected = format!("a divisor of the {heads} heads");
        Err(self.wrong(key, expected, found.to_string()))
    }

    /// Whether queries and keys are normed.
    pub(super) fn has_qk_norm(&self, family: &Family) -> Result<bool, CheckpointError> {
        match (family.qk_norm, family.qk_norm_if) {
            (None, _) => Ok(false),
            (Some(_), None) => Ok(true),
            (Some(_), Some(key)) => self.flag(&[key], false),
        }
    }
}
