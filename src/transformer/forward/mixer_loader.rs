//! What a layer has in the place of heads, from the checkpoint to a device.

use crate::checkpoint::{Mixer, MixerSizes, StoredMap};

use super::ForwardError;
use super::activation::Activation;
use super::delta_rule::DeltaRule;
use super::linear::Linear;
use super::loader::LayerLoader;
use super::mamba::Mamba;
use super::mixer::{CausalConvolution, TokenMixer};
use super::short_convolution::ShortConvolution;

impl LayerLoader<'_> {
    /// What a layer has in the place of heads; `None` where it mixes nothing.
    pub(super) fn mixer(
        &self,
        layer: usize,
        mixer: Mixer,
        activation: Activation,
    ) -> Result<Option<Box<dyn TokenMixer>>, ForwardError> {
        let unknown = || super::unknown(self.checkpoint.family());
        let activation = match &self.choices.mixer_activation {
            Some(name) => Activation::named(name)?,
            None => activation,
        };
        if mixer == Mixer::Nothing {
            return Ok(None);
        }
        Ok(Some(match self.choices.mixer.ok_or_else(unknown)? {
            MixerSizes::Delta(sizes) => Box::new(DeltaRule::load(self, layer, sizes, activation)?),
            MixerSizes::Convolution { kernel } => {
                Box::new(ShortConvolution::load(self, layer, kernel)?)
            }
            MixerSizes::Mamba(sizes) => Box::new(Mamba::load(self, layer, sizes, activation)?),
        }))
    }

    /// The full name of what belongs to a layer's mixer.
    pub(super) fn of_mixer(&self, layer: usize, name: &str) -> String {
        let kinds = self.checkpoint.family().kinds.as_ref();
        let prefix = kinds.map_or("", |kinds| kinds.prefix);
        self.checkpoint.in_layer(layer, &format!("{prefix}{name}"))
    }

    /// A map of a layer's mixer.
    pub(super) fn mixer_map(
        &self,
        layer: usize,
        name: &str,
        sizes: [usize; 2],
    ) -> Result<Linear, ForwardError> {
        self.plain(&StoredMap::of_expert(self.of_mixer(layer, name)), sizes)
    }

    /// What a layer's mixer writes with.
    pub(super) fn mixer_output(&self, layer: usize, inputs: usize) -> Result<Linear, ForwardError> {
        let map = StoredMap::of_expert(self.of_mixer(layer, "out_proj"));
        self.written(&map, [inputs, self.checkpoint.spec().d_model])
    }

    /// Numbers of a layer's mixer.
    pub(super) fn mixer_vector(
        &self,
        layer: usize,
        name: &str,
        len: usize,
    ) -> Result<Vec<f32>, ForwardError> {
        let name = self.of_mixer(layer, name);
        Ok(self.checkpoint.vector(&[name], len)?)
    }

    /// How fast the states of a layer's heads fall by the length of a step, −A: files hold A, or the
    /// logarithm of −A.
    pub(super) fn decay(&self, layer: usize, heads: usize) -> Result<Vec<f32>, ForwardError> {
        let (stored, of_stored): (_, fn(f32) -> f32) =
            match self.checkpoint.holds(&self.of_mixer(layer, "A")) {
                true => ("A", |a| -a),
                false => ("A_log", f32::exp),
            };
        let stored = self.mixer_vector(layer, stored, heads)?;
        Ok(stored.into_iter().map(of_stored).collect())
    }

    /// The convolution of a layer's mixer.
    pub(super) fn convolution(
        &self,
        layer: usize,
        name: &str,
        [channels, kernel]: [usize; 2],
    ) -> Result<CausalConvolution, ForwardError> {
        let name = self.of_mixer(layer, name);
        let weight = format!("{name}.weight");
        let bias = format!("{name}.bias");
        Ok(CausalConvolution {
            weight: self.checkpoint.block(&weight, 0..channels, 0..kernel)?,
            bias: match self.checkpoint.holds(&bias) {
                true => self.checkpoint.vector(&[bias], channels)?,
                false => vec![0.0; channels],
            },
        })
    }
}
