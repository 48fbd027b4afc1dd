//! What `config.json` says of the sizes of heads.

use std::cmp::Ordering;

use super::super::family::ConfigKeys;
use super::super::latent::LatentSizes;
use super::super::{CheckpointError, Family, HeadParts, HeadSizes, LayerParts, NeuronParts, Split};
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

    /// By layer, how many neurons its feed-forward part has.
    pub(super) fn neurons(
        &self,
        keys: &ConfigKeys,
        d_model: usize,
        layers: usize,
    ) -> Result<Vec<usize>, CheckpointError> {
        let neurons = match self.value(keys.neurons) {
            None => 4 * d_model,
            Some((key, serde_json::Value::Array(_))) => {
                let each = self.numbers(key)?;
                if each.len() != layers || each.contains(&0) {
                    let expected = format!("a number of neurons for each of {layers} layers");
                    return Err(self.wrong(key, expected, format!("{each:?}")));
                }
                return Ok(each);
            }
            Some(_) => self.size(keys.neurons)?,
        };
        let Some([flag, factor, multiple]) = keys.two_thirds else {
            return Ok(vec![neurons; layers]);
        };
        if !self.flag(&[flag], true)? {
            return Ok(vec![neurons; layers]);
        }
        let factor = self.number(&[factor])?.unwrap_or(1.0);
        let multiple = match self.value(&[multiple]) {
            Some(_) => self.size(&[multiple])?,
            None => 1,
        };
        let adjusted = (factor * (2 * neurons / 3) as f64) as usize;
        Ok(vec![adjusted.div_ceil(multiple) * multiple; layers])
    }

    /// That heads whose queries, keys and values lie in runs fill them.
    pub(super) fn check_runs(&self, family: &Family, heads: usize) -> Result<(), CheckpointError> {
        if let Split::Runs(runs) = family.query.split
            && !heads.is_multiple_of(runs)
        {
            let expected = format!("a multiple of {runs}");
            return Err(self.wrong(family.config.heads[0], expected, heads.to_string()));
        }
        Ok(())
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

    /// The width of a token's row, and whether a map brings it to that of the layers.
    pub(super) fn embedding_width(
        &self,
        family: &Family,
        d_model: usize,
    ) -> Result<(usize, bool), CheckpointError> {
        let Some(narrow) = family.narrow.filter(|narrow| self.has(narrow.width)) else {
            return Ok((d_model, false));
        };
        let width = self.size(&[narrow.width])?;
        match width.cmp(&d_model) {
            Ordering::Less => Ok((width, true)),
            Ordering::Equal => Ok((width, narrow.always)),
            Ordering::Greater => Err(CheckpointError::Unlike {
                file: self.file.clone(),
                key: narrow.width.to_string(),
                expected: format!("{d_model} at most, the width of the layers"),
                got: width.to_string(),
            }),
        }
    }

    /// The layers that a text goes through, one after another.
    pub(super) fn passes(&self, family: &Family) -> Result<Vec<usize>, CheckpointError> {
        let passes = self.layers(family)?;
        let Some(shared) = family.shared_layers else {
            return Ok((0..passes).collect());
        };
        let groups = self.size(&[shared.groups])?;
        if groups > passes {
            let expected = format!("{passes} at most, as often as layers are run");
            return Err(self.wrong(shared.groups, expected, groups.to_string()));
        }
        match self.size(&[shared.inner])? {
            1 => {}
            got => return Err(self.wrong(shared.inner, "1".into(), got.to_string())),
        }
        // As transformers rounds it.
        let each = passes as f64 / groups as f64;
        Ok((0..passes).map(|i| (i as f64 / each) as usize).collect())
    }

    /// What each layer has: the encoder's are known, and those of a decoder follow, if there is one.
    pub(super) fn with_decoder(
        &self,
        family: &Family,
        mut parts: Vec<LayerParts>,
        d_model: usize,
    ) -> Result<Vec<LayerParts>, CheckpointError> {
        let (layers, last) = (parts.len(), parts.last().copied());
        let (Some(stacks), Some(own)) = (&family.two_stacks, last) else {
            return Ok(parts);
        };
        let size = |key: &'static str, usual: usize| match self.has(key) {
            true => self.size(&[key]),
            false => Ok(usual),
        };
        let HeadParts::Heads(sizes) = own.heads else {
            return Ok(parts);
        };
        let heads = size(stacks.decoder_heads, sizes.heads)?;
        let sizes = HeadSizes::own(heads, heads, self.d_head(&family.config, d_model, heads)?);
        let attention = LayerParts {
            heads: HeadParts::Heads(sizes),
            neurons: NeuronParts::Without(
                "self-attention of the decoder, whose neurons are one layer further",
            ),
        };
        let neurons = size(stacks.decoder_neurons, own.neurons.count())?;
        let rest = LayerParts::dense(sizes, neurons);
        for _ in 0..size(stacks.decoder_layers, layers)? {
            parts.extend([attention, rest]);
        }
        Ok(parts)
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
