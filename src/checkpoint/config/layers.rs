//! What `config.json` says of layers that differ: which have heads, and the sizes of what the others
//! have in their place.

use serde_json::Value;

use super::super::family::{GlobalHeadKeys, HeadKeys, LayerKind, LayerKinds, Mixer, UsualKinds};
use super::super::{
    CheckpointError, DeltaSizes, Family, HeadParts, HeadSizes, LayerParts, MambaSizes, MixerSizes,
    NeuronParts,
};
use super::{Config, shown};

impl Config {
    /// Takes heads, or neurons, from the layers that have none; `neurons`: those of one feed-forward
    /// part.
    ///
    /// # Errors
    /// A list of another length, or a word that is not known.
    fn differing_layers(
        &self,
        family: &Family,
        neurons: usize,
        parts: &mut [LayerParts],
    ) -> Result<(), CheckpointError> {
        self.differing_heads(family, parts)?;
        let Some(kinds) = &family.kinds else {
            return Ok(());
        };
        let found = self.kinds(kinds, parts.len())?;
        for (parts, kind) in parts.iter_mut().zip(found) {
            match kind {
                LayerKind::Heads => {
                    if kinds.alone {
                        parts.neurons = NeuronParts::Without("attention");
                    }
                }
                LayerKind::Dense => {
                    parts.heads = HeadParts::Without(Mixer::Nothing);
                    parts.neurons = NeuronParts::Dense(neurons);
                }
                LayerKind::Without(mixer) => {
                    parts.heads = HeadParts::Without(mixer);
                    if kinds.alone && mixer != Mixer::Nothing {
                        parts.neurons = NeuronParts::Without("Mamba");
                    }
                }
            }
        }
        Ok(())
    }

    /// Sizes of heads and neurons that differ by layer, and whose keys and values a layer attends to.
    fn differing_heads(
        &self,
        family: &Family,
        parts: &mut [LayerParts],
    ) -> Result<(), CheckpointError> {
        let Some(keys) = &family.head_keys else {
            return Ok(());
        };
        let layers = parts.len();
        let sees_all = self.layers_that_see_all(keys, layers)?;
        let shared = self.whole(&[keys.shared]).unwrap_or(0);
        let Some(first_shared) = layers.checked_sub(shared).filter(|first| *first > 0) else {
            let expected = format!("fewer than the {layers} layers");
            return Err(self.wrong(keys.shared, expected, shared.to_string()));
        };
        for layer in 0..layers {
            let HeadParts::Heads(sizes) = &mut parts[layer].heads else {
                continue;
            };
            if let Some(global) = keys.global.as_ref().filter(|_| sees_all[layer]) {
                *sizes = self.global_sizes(global, layer, *sizes)?;
            }
            if layer < first_shared {
                continue;
            }
            sizes.keys_of = (0..first_shared)
                .rev()
                .find(|before| sees_all[*before] == sees_all[layer]);
            if sizes.keys_of.is_none() {
                let expected = "a layer of each kind before those that share keys";
                return Err(self.wrong(keys.shared, expected.into(), shared.to_string()));
            }
            let doubled = keys
                .global
                .is_some_and(|global| matches!(self.flag(&[global.doubled], false), Ok(true)));
            if let (true, NeuronParts::Dense(neurons)) = (doubled, &mut parts[layer].neurons) {
                *neurons *= 2;
            }
        }
        Ok(())
    }

    /// By layer, whether it sees everything and not through a window.
    fn layers_that_see_all(
        &self,
        keys: &HeadKeys,
        layers: usize,
    ) -> Result<Vec<bool>, CheckpointError> {
        let Some((key, value)) = self.value(&["layer_types"]) else {
            let every = self.size(&[keys.every])?;
            return Ok((1..=layers).map(|n| n.is_multiple_of(every)).collect());
        };
        let kinds = value.as_array().map_or(&[][..], Vec::as_slice);
        if kinds.len() != layers {
            let expected = format!("{layers} of full_attention and sliding_attention");
            return Err(self.wrong(key, expected, shown(value)));
        }
        Ok(kinds.iter().map(|kind| kind == "full_attention").collect())
    }

    /// The sizes of heads of a layer that sees everything.
    fn global_sizes(
        &self,
        keys: &GlobalHeadKeys,
        layer: usize,
        sizes: HeadSizes,
    ) -> Result<HeadSizes, CheckpointError> {
        let values_are_keys = self.flag(&[keys.keys_as_values], false)?;
        let mut own = HeadSizes {
            values_are_keys,
            ..sizes
        };
        if let Some((_, by_layer)) = self.value(&[keys.by_layer]) {
            let stated = |key: &str| {
                let number = by_layer.get(layer.to_string())?.get(key)?.as_u64()?;
                usize::try_from(number).ok().filter(|number| *number > 0)
            };
            own.d_head = stated("head_dim").unwrap_or(sizes.d_head);
            own.n_kv_heads = stated("num_key_value_heads").unwrap_or(sizes.n_kv_heads);
        } else {
            own.d_head = self.size(&[keys.d_head])?;
            if values_are_keys && self.has(keys.n_kv_heads) {
                own.n_kv_heads = self.size(&[keys.n_kv_heads])?;
            }
        }
        if !own.heads.is_multiple_of(own.n_kv_heads) {
            let expected = format!("a divisor of the {} heads", own.heads);
            return Err(self.wrong(keys.n_kv_heads, expected, own.n_kv_heads.to_string()));
        }
        Ok(own)
    }

    /// How many layers there are; where no key says it, as many as a list of kinds names.
    ///
    /// # Errors
    /// Neither says it, or a number that is none.
    pub(super) fn layers(&self, family: &Family) -> Result<usize, CheckpointError> {
        let keys = family.config.layers;
        let listed = family
            .kinds
            .as_ref()
            .and_then(|kinds| self.value(kinds.lists));
        let listed = listed.and_then(|(_, value)| value.as_array().map(Vec::len));
        match (self.value(keys), listed) {
            (None, Some(listed)) if listed > 0 => Ok(listed),
            _ => self.size(keys),
        }
    }

    /// What each layer has, of heads of one size and so many neurons, where nothing says otherwise.
    ///
    /// # Errors
    /// A list or a size that is none.
    pub(super) fn parts(
        &self,
        family: &Family,
        heads: HeadSizes,
        neurons: &[usize],
    ) -> Result<Vec<LayerParts>, CheckpointError> {
        let dense = neurons.iter().map(|count| LayerParts::dense(heads, *count));
        let mut parts = self.layer_parts(family, dense.collect())?;
        let most = neurons.iter().copied().max().unwrap_or(0);
        self.differing_layers(family, most, &mut parts)?;
        Ok(parts)
    }

    fn kinds(&self, kinds: &LayerKinds, layers: usize) -> Result<Vec<LayerKind>, CheckpointError> {
        let of_word = |word: &str| kinds.words.iter().find(|(own, _)| *own == word);
        let names = |key: &str, value: &Value, words: Vec<&str>| {
            let found: Option<Vec<LayerKind>> = words
                .into_iter()
                .map(|word| of_word(word).map(|(_, kind)| *kind))
                .collect();
            found.filter(|found| found.len() == layers).ok_or_else(|| {
                let known: Vec<&str> = kinds.words.iter().map(|(word, _)| *word).collect();
                let expected = format!("{layers} of {}", known.join(", "));
                self.wrong(key, expected, shown(value))
            })
        };
        if let Some((key, value)) = self.value(kinds.lists) {
            let words = value.as_array().map_or(&[][..], Vec::as_slice).iter();
            let words = words.map(|word| word.as_str().unwrap_or_default());
            return names(key, value, words.collect());
        }
        let by = |has: &dyn Fn(usize) -> bool| {
            let kind = |layer| match has(layer) {
                true => LayerKind::Heads,
                false => LayerKind::Without(kinds.mixer),
            };
            Ok((0..layers).map(kind).collect())
        };
        match kinds.usual {
            UsualKinds::Every(key, usual) => {
                let every = match self.value(&[key]) {
                    Some(_) => self.size(&[key])?,
                    None => usual,
                };
                by(&|layer| (layer + 1).is_multiple_of(every))
            }
            UsualKinds::Listed(key) => {
                let listed = self.numbers(key)?;
                by(&|layer| listed.is_empty() || listed.contains(&layer))
            }
            UsualKinds::Letters(key) => {
                let Some((key, value)) = self.value(&[key]) else {
                    return by(&|_| false);
                };
                let letters = value.as_str().unwrap_or_default();
                let ends = letters
                    .char_indices()
                    .map(|(at, c)| (at, at + c.len_utf8()));
                let words = ends.map(|(start, end)| &letters[start..end]);
                names(key, value, words.collect())
            }
            UsualKinds::Never => by(&|_| false),
        }
    }

    /// The sizes of what layers without heads have; `None` in a family of which all layers have.
    ///
    /// # Errors
    /// A size that is none.
    pub(super) fn mixer_sizes(
        &self,
        family: &Family,
        d_model: usize,
    ) -> Result<Option<MixerSizes>, CheckpointError> {
        let Some(kinds) = &family.kinds else {
            return Ok(None);
        };
        let size = |key: &str| self.size(&[key]);
        Ok(match kinds.mixer {
            Mixer::Nothing => None,
            Mixer::ShortConvolution => Some(MixerSizes::Convolution {
                kernel: size("conv_L_cache")?,
            }),
            Mixer::LinearAttention => {
                let sizes = DeltaSizes {
                    key_heads: size("linear_num_key_heads")?,
                    value_heads: size("linear_num_value_heads")?,
                    d_key: size("linear_key_head_dim")?,
                    d_value: size("linear_value_head_dim")?,
                    kernel: size("linear_conv_kernel_dim")?,
                };
                if !sizes.value_heads.is_multiple_of(sizes.key_heads) {
                    let expected = format!("a multiple of the {} key heads", sizes.key_heads);
                    let got = sizes.value_heads.to_string();
                    return Err(self.wrong("linear_num_value_heads", expected, got));
                }
                Some(MixerSizes::Delta(sizes))
            }
            Mixer::Mamba => Some(MixerSizes::Mamba(self.mamba_sizes(family, d_model)?)),
        })
    }

    fn mamba_sizes(&self, family: &Family, d_model: usize) -> Result<MambaSizes, CheckpointError> {
        let heads = self.size(&["mamba_n_heads", "mamba_num_heads"])?;
        let d_head = ["mamba_d_head", "mamba_head_dim"];
        let d_head = match self.value(&d_head) {
            Some((_, Value::String(auto))) if auto == "auto" => {
                self.size(&["mamba_expand", "expand"])? * d_model / heads
            }
            _ => self.size(&d_head)?,
        };
        let groups = self.size(&["mamba_n_groups", "n_groups"])?;
        if !heads.is_multiple_of(groups) {
            let expected = format!("a divisor of the {heads} heads of Mamba");
            return Err(self.wrong("mamba_n_groups", expected, groups.to_string()));
        }
        let least = family.kinds.as_ref().and_then(|kinds| kinds.least_step);
        let limit = |at: usize, usual: f64| {
            let (_, value) = self.value(&["time_step_limit"])?;
            // Infinity is no number in JSON.
            Some(value.get(at)?.as_f64().unwrap_or(usual))
        };
        Ok(MambaSizes {
            heads,
            d_head,
            groups,
            state: self.size(&["mamba_d_state", "ssm_state_size"])?,
            kernel: self.size(&["mamba_d_conv", "conv_kernel"])?,
            steps: match least {
                Some(key) => [self.number(&[key])?.unwrap_or(0.0), f64::INFINITY],
                None => [
                    limit(0, 0.0).unwrap_or(0.0),
                    limit(1, f64::INFINITY).unwrap_or(f64::INFINITY),
                ],
            },
        })
    }
}
