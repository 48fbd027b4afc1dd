//! Which token continues a text, drawn from the logits.

use candle_core::{Device, Tensor};
use candle_transformers::generation::{LogitsProcessor, Sampling};

use super::ForwardError;

/// Draws tokens from logits, the same ones for the same seed.
pub struct Sampler(LogitsProcessor);

impl Sampler {
    /// At temperature 0 the best token is taken each time.
    pub fn new(seed: u64, temperature: f64) -> Self {
        let sampling = match temperature > 0.0 {
            true => Sampling::All { temperature },
            false => Sampling::ArgMax,
        };
        Self(LogitsProcessor::from_sampling(seed, sampling))
    }

    /// A token by its logits, `[vocab]`.
    ///
    /// # Errors
    /// Logits that are no numbers.
    pub fn draw(&mut self, logits: &[f32]) -> Result<u32, ForwardError> {
        let logits = Tensor::from_slice(logits, logits.len(), &Device::Cpu)?;
        Ok(self.0.sample(&logits)?)
    }
}
