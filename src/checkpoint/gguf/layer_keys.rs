//! What a GGUF file's keys and tensors say of layers that differ, as `config.json` says it: which
//! have heads, the sizes of what mixes tokens in the others, and heads of several sizes.

use serde_json::{Map, Value, json};

use super::super::CheckpointError;
use super::super::family::{Family, GlobalHeadKeys, LayerKind, LayerKinds, Local, Mixer};
use super::keys::Keys;

/// What of a mixer's tensors every layer with one has.
const MIXERS: [&str; 3] = ["ssm_a", "ssm_conv1d.weight", "shortconv.conv.weight"];

/// From this number on a frequency's divisor means that its channels do not turn (Gemma 4).
const STANDS: f32 = 1e20;

impl Keys<'_> {
    /// Adds which layers look through a window.
    ///
    /// # Errors
    /// A list that cannot be read.
    pub(super) fn put_pattern(
        &self,
        family: &Family,
        config: &mut Map<String, Value>,
    ) -> Result<(), CheckpointError> {
        let key = self.key("attention.sliding_window_pattern");
        if let Some(sliding) = self.metadata.wholes(&key)? {
            let name = |&sliding: &u64| match sliding {
                0 => "full_attention",
                _ => "sliding_attention",
            };
            let types: Vec<&str> = sliding.iter().map(name).collect();
            config.insert("layer_types".to_owned(), json!(types));
        } else if let (Some(every), Some(windows)) = (self.metadata.whole(&key), &family.windows)
            && let Local::AllBut { every: of, .. } = windows.layers
        {
            config.insert(of.to_owned(), every.into());
        }
        Ok(())
    }

    /// Adds the kind of each layer, and the sizes of mixers, to a configuration.
    ///
    /// # Errors
    /// A size that is missing, or that does not go up in others.
    pub(super) fn put_kinds(
        &self,
        family: &Family,
        layers: u64,
        config: &mut Map<String, Value>,
    ) -> Result<(), CheckpointError> {
        let Some(kinds) = &family.kinds else {
            return Ok(());
        };
        let words = (0..layers).map(|layer| {
            let kind = self.kind(kinds, layer);
            let word = kinds.words.iter().find(|(_, own)| *own == kind);
            word.map_or("", |(word, _)| word)
        });
        if let Some(list) = kinds.lists.first() {
            config.insert((*list).to_owned(), json!(words.collect::<Vec<&str>>()));
        }
        if kinds.alone {
            // One key counts the neurons of experts too.
            let rows = |layer| self.rows(&format!("blk.{layer}.ffn_up.weight"));
            if let (Some(key), Some(dense)) =
                (family.config.neurons.first(), (0..layers).find_map(rows))
            {
                config.insert((*key).to_owned(), dense.into());
            }
        }
        let mut put = |key: &str, size: u64| drop(config.insert(key.to_owned(), size.into()));
        match kinds.mixer {
            Mixer::ShortConvolution => put("conv_L_cache", self.needed("shortconv.l_cache")?),
            Mixer::LinearAttention => {
                let heads = self.needed("ssm.time_step_rank")?;
                put("linear_conv_kernel_dim", self.needed("ssm.conv_kernel")?);
                put("linear_key_head_dim", self.needed("ssm.state_size")?);
                put("linear_num_key_heads", self.needed("ssm.group_count")?);
                put("linear_num_value_heads", heads);
                put("linear_value_head_dim", self.of_each(heads)?);
            }
            Mixer::Mamba => {
                let heads = self.needed("ssm.time_step_rank")?;
                put("mamba_d_conv", self.needed("ssm.conv_kernel")?);
                put("mamba_d_state", self.needed("ssm.state_size")?);
                put("mamba_n_groups", self.needed("ssm.group_count")?);
                put("mamba_n_heads", heads);
                put("mamba_d_head", self.of_each(heads)?);
            }
            Mixer::Nothing => {}
        }
        if let Some(latent) = self.whole("moe_latent_size").filter(|&size| size > 0) {
            put("moe_latent_size", latent);
        }
        Ok(())
    }

    /// What a layer is, by its tensors: files of several years say it in keys that differ.
    fn kind(&self, kinds: &LayerKinds, layer: u64) -> LayerKind {
        let holds = |tensor: &str| self.holds(&format!("blk.{layer}.{tensor}"));
        if MIXERS.iter().any(|tensor| holds(tensor)) {
            LayerKind::Without(kinds.mixer)
        } else if kinds.alone && holds("ffn_up_exps.weight") {
            LayerKind::Without(Mixer::Nothing)
        } else if kinds.alone && holds("ffn_up.weight") {
            LayerKind::Dense
        } else {
            LayerKind::Heads
        }
    }

    /// The width of each of the heads of a mixer.
    fn of_each(&self, heads: u64) -> Result<u64, CheckpointError> {
        let inner = self.needed("ssm.inner_size")?;
        match inner.checked_rem(heads) {
            Some(0) => Ok(inner / heads),
            _ => {
                let expected = format!("a multiple of the {heads} of `ssm.time_step_rank`");
                Err(self.unlike("ssm.inner_size", &expected, inner))
            }
        }
    }

    /// Adds heads that differ between layers with a window and those that see everything, and says
    /// how many keys and values the first have.
    ///
    /// # Errors
    /// No word on which layers have a window, or sizes that differ otherwise.
    pub(super) fn put_global_heads(
        &self,
        keys: &GlobalHeadKeys,
        layers: u64,
        config: &mut Map<String, Value>,
    ) -> Result<Option<u64>, CheckpointError> {
        let pattern = "attention.sliding_window_pattern";
        let sliding = self.metadata.wholes(&self.key(pattern))?;
        let sliding = sliding.filter(|each| each.len() as u64 == layers);
        let Some(sliding) = sliding else {
            return Err(self.unlike(pattern, &format!("{layers} flags"), "another list"));
        };
        let name = "attention.head_count_kv";
        let counts = match self.metadata.wholes(&self.key(name))? {
            Some(counts) => counts,
            None => vec![self.needed(name)?; sliding.len()],
        };
        if counts.len() != sliding.len() {
            let expected = format!("one of each of {layers} layers");
            return Err(self.unlike(name, &expected, counts.len()));
        }
        let d_head = self.needed("attention.key_length")?;
        let both = || sliding.iter().zip(&counts);
        let of_window = both().find(|(sliding, _)| **sliding != 0);
        let of_window = of_window.map(|(_, &count)| count);
        if let Some((_, &other)) =
            both().find(|(sliding, count)| **sliding != 0 && Some(**count) != of_window)
        {
            let expected = "one number in all layers with a window";
            return Err(self.unlike(name, expected, other));
        }
        let of_all = both()
            .enumerate()
            .filter(|(_, (sliding, _))| **sliding == 0);
        let own = |(layer, (_, count)): (usize, (_, &u64))| {
            let sizes = json!({"head_dim": d_head, "num_key_value_heads": count});
            (layer.to_string(), sizes)
        };
        config.insert(keys.d_head.to_owned(), d_head.into());
        config.insert(
            keys.by_layer.to_owned(),
            of_all.map(own).collect::<Map<String, Value>>().into(),
        );
        let first = sliding.iter().position(|&sliding| sliding == 0);
        let apart = first.is_none_or(|layer| self.holds(&format!("blk.{layer}.attn_v.weight")));
        config.insert(keys.keys_as_values.to_owned(), (!apart).into());
        config.insert(keys.doubled.to_owned(), false.into());
        Ok(of_window.or(counts.first().copied()))
    }

    /// Adds the rotary positions of layers with a window, and of those that see everything.
    ///
    /// # Errors
    /// Divisors of frequencies that cannot be read.
    pub(super) fn put_global_rope(
        &self,
        config: &mut Map<String, Value>,
    ) -> Result<(), CheckpointError> {
        let theta = |name: &str| self.real(name).unwrap_or(10_000.0);
        let mut all = json!({"rope_type": "default", "rope_theta": theta("rope.freq_base")});
        if let Some(divisors) = self.vector("rope_freqs.weight")? {
            let turning = divisors.iter().take_while(|&&d| d == 1.0).count();
            let stand = divisors[turning..].iter().all(|&d| d >= STANDS);
            all["rope_type"] = match stand {
                true => "proportional".into(),
                false => "divided frequencies".into(),
            };
            let share = (turning as f64 + 0.25) / divisors.len().max(1) as f64;
            all["partial_rotary_factor"] = share.min(1.0).into();
        }
        let mut sliding =
            json!({"rope_type": "default", "rope_theta": theta("rope.freq_base_swa")});
        let sizes = ["rope.dimension_count_swa", "attention.key_length_swa"];
        if let [Some(turned), Some(d_head)] = sizes.map(|name| self.whole(name))
            && turned < d_head
        {
            sliding["partial_rotary_factor"] = ((turned as f64 + 0.5) / d_head as f64).into();
        }
        let both = json!({"full_attention": all, "sliding_attention": sliding});
        config.insert("rope_parameters".to_owned(), both);
        Ok(())
    }
}
