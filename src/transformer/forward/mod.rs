//! The forward pass: hook points hand out states, activations and attention where they arise.
//!
//! Texts lie one after another in the rows of one tensor, some thousands of tokens at a time, so that
//! nothing is padded and every linear map is one large product. A layer's weights are read when its
//! turn comes, or kept between runs in a [`LayerCache`] with a budget.

mod activation;
mod along;
mod attention;
mod attention_loader;
mod attention_maps;
mod cache;
mod chunk;
mod delta_rule;
mod derivative;
mod distance_loader;
mod distance_scores;
mod embed;
mod error;
mod feed_forward;
mod head;
mod hook;
mod host_numbers;
mod key_values;
mod latent_loader;
mod layer;
mod linear;
mod loader;
mod mamba;
mod mixer;
mod mixer_loader;
mod neuron_loader;
mod ops;
mod position_scores;
mod refusal;
mod rope;
mod routing;
mod sampler;
mod short_convolution;
mod texts;

use std::sync::Arc;

use candle_core::{Device, Tensor};
use candle_nn::kv_cache::KvCache;

use crate::checkpoint::{Checkpoint, EmbeddingSide, Reading};
use crate::task::CancelToken;

use activation::Activation;
use chunk::{Chunk, chunks, rows_of};
use feed_forward::{Clamped, NeuronFunction};
use hook::{HookedRows, LayerHooks};
use layer::{Layer, TextRows};
use loader::LayerLoader;
use refusal::{family_forward, unknown};

pub use activation::exp;
pub use along::{LayerActivations, WrittenAlong};
pub use cache::LayerCache;
pub use error::ForwardError;
pub use head::LogitHead;
pub use hook::{Hook, HookPoint, HookRequest, Hooked};
pub use key_values::KeyValueCache;
pub use ops::{Frozen, with_numbers};
pub use sampler::Sampler;
pub use texts::TextBatch;

/// Rows of the output embedding that are multiplied at a time.
const LOGIT_ROWS: usize = 1 << 14;

/// A model that can be run.
#[derive(Clone, Copy)]
pub struct Forward<'a> {
    loader: LayerLoader<'a>,
    function: NeuronFunction,
    /// The last state that is computed.
    last: usize,
    cache: Option<&'a LayerCache>,
}

/// Where a run starts.
#[derive(Clone, Copy)]
pub struct Start<'a> {
    /// The first layer that is run, counted by passes.
    pub layer: usize,
    /// The residual stream before it, `[tokens, d_model]`.
    pub state: &'a Tensor,
}

impl<'a> Forward<'a> {
    /// The forward pass of a checkpoint on a device.
    ///
    /// # Errors
    /// A family or a configuration that is not known here, or tensors that the file lacks.
    pub fn new(checkpoint: &'a Checkpoint, device: &'a Device) -> Result<Self, ForwardError> {
        if checkpoint.against().is_some() {
            return Err(ForwardError::Difference);
        }
        let forward = family_forward(checkpoint.family())?;
        let choices = checkpoint
            .forward()
            .ok_or_else(|| unknown(checkpoint.family()))?;
        if let Some(choice) = checkpoint.spec().unknown_for(Reading::Forward) {
            return Err(ForwardError::Choice(choice.clone()));
        }
        let loader = LayerLoader {
            checkpoint,
            forward,
            choices,
            device,
        };
        let function = NeuronFunction {
            activation: Activation::named(&checkpoint.spec().activation)?,
            clamped: choices.clamped.map(|clamped| Clamped {
                alpha: clamped.alpha,
                limit: clamped.limit as f32,
            }),
        };
        loader.check()?;
        Ok(Self {
            loader,
            function,
            last: checkpoint.spec().passes.len(),
            cache: None,
        })
    }

    /// Why a checkpoint cannot be run, if it cannot.
    pub fn refusal(checkpoint: &Checkpoint) -> Option<ForwardError> {
        Forward::new(checkpoint, &Device::Cpu).err()
    }

    /// The same, but no layer is run beyond what this state needs.
    pub fn up_to(mut self, state: usize) -> Self {
        self.last = self.last.min(state);
        self
    }

    /// The same, which takes layers from a cache of this model and keeps them there.
    pub fn keeping(mut self, cache: &'a LayerCache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// The most tokens that a text may have.
    pub fn longest(&self) -> usize {
        self.loader.checkpoint.spec().longest
    }

    /// How many states there are: one more than passes through layers.
    pub fn states(&self) -> usize {
        self.loader.checkpoint.spec().passes.len() + 1
    }

    /// What lies between the last state and the logits.
    ///
    /// # Errors
    /// A masked-language-model head that the file does not hold, or numbers that cannot be read.
    pub fn head(&self) -> Result<LogitHead, ForwardError> {
        self.loader.head()
    }

    /// Whether some layers mix tokens without heads.
    pub fn has_mixers(&self) -> bool {
        self.loader.checkpoint.family().kinds.is_some()
    }

    fn layer(&self, at: usize) -> Result<Arc<Layer>, ForwardError> {
        let load = || self.loader.layer(at, self.function);
        match self.cache {
            Some(cache) => cache.layer(at, load),
            None => load().map(Arc::new),
        }
    }

    /// Runs texts of 1 to [`Forward::longest`] tokens, and hands `hook` what is asked for, chunk
    /// by chunk, layer by layer.
    ///
    /// # Errors
    /// An empty text or one that is too long, an id beyond the vocabulary, weights that cannot
    /// be read, a device that fails, a cancelled token, or what the hook says.
    pub fn run(
        &self,
        texts: &[&[u32]],
        points: &[HookPoint],
        cancel: CancelToken<'_>,
        hook: Hook<'_>,
    ) -> Result<(), ForwardError> {
        self.check(texts)?;
        let request = HookRequest {
            points,
            pattern_from: None,
            cancel,
        };
        for chunk in chunks(texts) {
            let state = self.embed(&texts[chunk.clone()], 0)?;
            let rows = rows_of(&texts[chunk.clone()]);
            let start = Start {
                layer: 0,
                state: &state,
            };
            let chunk = Chunk {
                texts: chunk,
                rows,
                past: 0,
            };
            self.run_layers(start, (chunk, None), request, hook)?;
        }
        Ok(())
    }

    /// The embedding output of one text, `[tokens, d_model]`: where its run starts.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn embedded(&self, text: &[u32]) -> Result<Tensor, ForwardError> {
        self.check(&[text])?;
        self.embed(&[text], 0)
    }

    /// Runs one text from a state on, through all layers that are left: the state after the last,
    /// before the final norm, `[tokens, d_model]`.
    ///
    /// # Errors
    /// As [`Self::run`], or a start that is none of this model.
    pub fn run_from(
        &self,
        start: Start<'_>,
        request: HookRequest<'_>,
        hook: Hook<'_>,
    ) -> Result<Tensor, ForwardError> {
        let (tokens, width) = start.state.dims2()?;
        let spec = self.loader.checkpoint.spec();
        if start.layer > spec.passes.len() || width != spec.d_model || tokens == 0 {
            return Err(ForwardError::Start {
                got: start.layer,
                last: spec.passes.len(),
            });
        }
        let one = Chunk {
            texts: 0..1,
            rows: std::iter::once(0..tokens).collect(),
            past: 0,
        };
        self.run_layers(start, (one, None), request, hook)
    }

    fn check(&self, texts: &[&[u32]]) -> Result<(), ForwardError> {
        let (limit, vocab) = (self.longest(), self.loader.checkpoint.spec().vocab);
        for text in texts {
            if text.is_empty() || text.len() > limit {
                let got = text.len();
                return Err(ForwardError::Length { got, limit });
            }
            if let Some(&got) = text.iter().find(|&&id| id as usize >= vocab) {
                return Err(ForwardError::Token { got, vocab });
            }
        }
        Ok(())
    }

    fn run_layers(
        &self,
        start: Start<'_>,
        (chunk, mut earlier): (Chunk, Option<&mut Vec<KvCache>>),
        request: HookRequest<'_>,
        hook: Hook<'_>,
    ) -> Result<Tensor, ForwardError> {
        let passes = &self.loader.checkpoint.spec().passes;
        let layers = passes.len();
        let mut call = |point, at, text: Option<usize>, tensor: &Tensor| {
            let of = HookedRows {
                texts: &chunk.texts,
                rows: &chunk.rows,
                past: chunk.past,
            };
            hook(Hooked::of(of, (point, at, text), tensor))
        };
        let mut x = start.state.clone();
        let states = request.has(HookPoint::State);
        if states {
            call(HookPoint::State, start.layer, None, &x)?;
        }
        let mut held: Option<(usize, Arc<Layer>)> = None;
        for (at, &of) in passes.iter().enumerate().take(self.last).skip(start.layer) {
            request.cancel.check()?;
            let layer = match held.take() {
                Some((same, layer)) if same == of => layer,
                _ => self.layer(of)?,
            };
            let mut hooks = LayerHooks {
                request,
                call: &mut |point, text, tensor| call(point, at, text, tensor),
            };
            let experts = |block| self.loader.neurons(of, block);
            let texts = TextRows {
                rows: &chunk.rows,
                earlier: earlier.as_mut().and_then(|layers| layers.get_mut(at)),
            };
            x = layer.run(&x, texts, &experts, &mut hooks)?;
            held = Some((of, layer));
            if states {
                let after = at + 1;
                let state = match self.loader.choices.final_norm {
                    Some(name) if after == layers => self.loader.norm_below(name)?.of(&x)?,
                    _ => x.clone(),
                };
                call(HookPoint::State, after, None, &state)?;
            }
        }
        if request.has(HookPoint::Logits) {
            call(HookPoint::Logits, layers, None, &self.logits(&x)?)?;
        }
        Ok(x)
    }

    /// The logits of states before the final norm, `[rows, vocab]`.
    fn logits(&self, states: &Tensor) -> Result<Tensor, ForwardError> {
        let (checkpoint, head) = (self.loader.checkpoint, self.head()?);
        let (vocab, width) = (checkpoint.spec().vocab, checkpoint.spec().embedding_width);
        let mut read = head.read(states)?.contiguous()?;
        if head.is_linear()
            && let Some(map) = checkpoint.map_of(EmbeddingSide::Output)?
        {
            let shape = (map.rows(), map.cols());
            let map = Tensor::from_vec(map.into_data(), shape, self.loader.device)?;
            read = read.matmul(&map.t()?)?;
        }
        let mut parts = Vec::new();
        for first in (0..vocab).step_by(LOGIT_ROWS) {
            let rows = first..vocab.min(first + LOGIT_ROWS);
            let shape = (rows.len(), width);
            let block = checkpoint.embedding_rows(EmbeddingSide::Output, rows)?;
            let block = block.into_data();
            let block = Tensor::from_vec(block, shape, self.loader.device)?;
            parts.push(read.matmul(&block.t()?)?);
        }
        let mut logits = Tensor::cat(&parts, 1)?;
        if let Some(bias) = head.bias() {
            let bias = Tensor::from_slice(bias, vocab, self.loader.device)?;
            logits = logits.broadcast_add(&bias)?;
        }
        if let Some(cap) = head.softcap().map(f64::from) {
            logits = ((logits / cap)?.tanh()? * cap)?;
        }
        Ok(logits)
    }
}
