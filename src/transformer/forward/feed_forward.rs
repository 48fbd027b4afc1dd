//! The feed-forward part of a layer: one, or experts of which a router chooses some for each token.

use candle_core::{D, Tensor};
use rayon::prelude::*;

use crate::checkpoint::{ExpertSizes, NeuronBlock, Routing};

use super::ForwardError;
use super::activation::Activation;
use super::hook::{HookPoint, LayerHooks};
use super::host_numbers::HostNumbers;
use super::linear::{Linear, rows_at_once};
use super::ops::with_numbers;
use super::routing::routed;

/// What the neurons of a layer are.
pub(super) enum FeedForward {
    Dense(NeuronMaps),
    Experts(Box<Experts>),
}

/// The maps of neurons that lie together.
pub(super) struct NeuronMaps {
    pub gate: Option<Linear>,
    pub input: Linear,
    pub out: Linear,
}

/// A router and what it chooses among. The experts' maps are read when a token takes them.
pub(super) struct Experts {
    pub sizes: ExpertSizes,
    pub routing: Routing,
    pub router: Linear,
    /// Added to the scores for the choice alone.
    pub correction: Option<Vec<f32>>,
    pub shared: Option<NeuronMaps>,
    /// The sigmoid of its product is what the shared expert's output is multiplied with.
    pub shared_gate: Option<Linear>,
}

/// What neurons make of their two inputs.
#[derive(Clone, Copy)]
pub(super) struct NeuronFunction {
    pub activation: Activation,
    /// Bounds of both inputs (gpt-oss).
    pub clamped: Option<Clamped>,
}

/// gpt-oss's neurons: g·σ(αg)·(u + 1), g clamped from above and u on both sides.
#[derive(Clone, Copy)]
pub(super) struct Clamped {
    pub alpha: f64,
    pub limit: f32,
}

/// Reads the maps of one of a layer's experts.
pub(super) type ExpertMaps<'a> =
    &'a (dyn Fn(NeuronBlock) -> Result<NeuronMaps, ForwardError> + Sync);

impl NeuronMaps {
    /// What the values are multiplied with, `[rows, neurons]`.
    fn activations(&self, x: &Tensor, function: NeuronFunction) -> candle_core::Result<Tensor> {
        let Some(gate) = &self.gate else {
            return self.input.of(x, function.activation);
        };
        let Some(Clamped { alpha, limit }) = function.clamped else {
            return gate.of(x, function.activation)? * self.input.of(x, Activation::Linear)?;
        };
        let gate = gate.of(x, Activation::Linear)?.minimum(limit)?;
        let input = self.input.of(x, Activation::Linear)?.clamp(-limit, limit)?;
        let open = Activation::Sigmoid.of(&(&gate * alpha)?)?;
        (gate * open)? * (input + 1.0)?
    }

    /// What the neurons write, `[rows, d_model]`. Of many rows a thread takes some through all maps,
    /// so that activations stay in the processor's own memory.
    fn written(&self, x: &Tensor, function: NeuronFunction) -> candle_core::Result<Tensor> {
        let ((rows, width), neurons) = (x.dims2()?, self.input.bias.dim(0)?);
        let on_host = self.input.is_on_host(x) && self.out.is_on_host(x);
        let some = rows_at_once(rows).filter(|_| on_host && function.clamped.is_none());
        let Some(some) = some.filter(|_| neurons * width > 0) else {
            return self
                .out
                .of(&self.activations(x, function)?, Activation::Linear);
        };
        let gate = self
            .gate
            .as_ref()
            .map(|gate| gate.on_host(width))
            .transpose()?;
        let (input, out) = (self.input.on_host(width)?, self.out.on_host(neurons)?);
        let numbers = HostNumbers::of(x)?;
        let mut y = vec![0f32; rows * out.outputs()];
        let take = |[active, inputs]: &mut [Vec<f32>; 2], (y, x): (&mut [f32], &[f32])| {
            active.resize(x.len() / width * neurons, 0.0);
            match &gate {
                None => input.of(x, active, function.activation),
                Some(gate) => {
                    inputs.resize(active.len(), 0.0);
                    gate.of(x, active, function.activation);
                    input.of(x, inputs, Activation::Linear);
                    active.iter_mut().zip(inputs).for_each(|(a, x)| *a *= *x);
                }
            }
            out.of(active, y, Activation::Linear);
        };
        y.par_chunks_mut(some * out.outputs())
            .zip(numbers.par_chunks(some * width))
            .for_each_init(Default::default, take);
        Tensor::from_vec(y, (rows, out.outputs()), x.device())
    }

    /// Bytes that the maps take.
    pub(super) fn bytes(&self) -> u64 {
        let maps = [&self.input, &self.out].into_iter().chain(&self.gate);
        maps.map(|map| map.bytes() as u64).sum()
    }
}

impl FeedForward {
    /// What the neurons write of what they read, `[rows, d_model]`.
    pub(super) fn run(
        &self,
        read: &Tensor,
        function: NeuronFunction,
        maps: ExpertMaps<'_>,
        hooks: &mut LayerHooks<'_>,
    ) -> Result<Tensor, ForwardError> {
        hooks.request.cancel.check()?;
        let dense = match self {
            Self::Experts(experts) => return experts.run(read, function, maps, hooks),
            Self::Dense(dense) => dense,
        };
        let seen = [HookPoint::MlpPre, HookPoint::MlpPost];
        if !seen.into_iter().any(|point| hooks.request.has(point)) {
            return Ok(dense.written(read, function)?);
        }
        let activations = match hooks.request.has(HookPoint::MlpPre) {
            false => dense.activations(read, function)?,
            true => {
                let through = dense.gate.as_ref().unwrap_or(&dense.input);
                let before = through.of(read, Activation::Linear)?;
                let before = hooks.pass(HookPoint::MlpPre, before)?;
                let activated = function.activation.of(&before)?;
                match dense.gate {
                    None => activated,
                    Some(_) => (activated * dense.input.of(read, Activation::Linear)?)?,
                }
            }
        };
        let activations = hooks.pass(HookPoint::MlpPost, activations)?;
        hooks.request.cancel.check()?;
        Ok(dense.out.of(&activations, Activation::Linear)?)
    }

    /// Bytes that are kept of it.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Dense(maps) => maps.bytes(),
            Self::Experts(experts) => {
                let shared = experts.shared.as_ref().map_or(0, NeuronMaps::bytes);
                shared + experts.router.bytes() as u64
            }
        }
    }
}

/// The output of some neurons: of a block, from column `first` of the layer's activations on.
pub(super) struct BlockOutput {
    pub first: usize,
    pub out: Linear,
    /// What the bias of the output is multiplied with, a number a row.
    pub share: Vec<f32>,
}

impl Experts {
    fn run(
        &self,
        read: &Tensor,
        function: NeuronFunction,
        maps: ExpertMaps<'_>,
        hooks: &mut LayerHooks<'_>,
    ) -> Result<Tensor, ForwardError> {
        let (rows, device) = (read.dim(0)?, read.device());
        let logits = self.router.of(read, Activation::Linear)?;
        let shares = with_numbers(&logits, |logits| {
            routed(logits, &self.routing, self.correction.as_deref())
        })?;
        let taken = Tensor::from_vec(shares.clone(), (rows, self.sizes.experts), device)?;
        hooks.pass(HookPoint::Router, taken)?;
        let keeps = hooks.request.has(HookPoint::MlpPost);
        let (mut written, mut posts, mut outputs) = (read.zeros_like()?, Vec::new(), Vec::new());
        for expert in 0..self.sizes.experts {
            hooks.request.cancel.check()?;
            let share: Vec<f32> = shares
                .iter()
                .skip(expert)
                .step_by(self.sizes.experts)
                .copied()
                .collect();
            let ids = (0..rows as u32).filter(|&row| share[row as usize] != 0.0);
            let ids: Vec<u32> = ids.collect();
            let nothing = || Tensor::zeros((rows, self.sizes.each), read.dtype(), device);
            if ids.is_empty() {
                if keeps {
                    posts.push(nothing()?);
                }
                continue;
            }
            let own: Vec<f32> = ids.iter().map(|&row| share[row as usize]).collect();
            let (count, maps) = (ids.len(), maps(NeuronBlock::Expert(expert))?);
            let ids = Tensor::from_vec(ids, count, device)?;
            let activations = maps.activations(&read.index_select(&ids, 0)?, function)?;
            let activations =
                activations.broadcast_mul(&Tensor::from_slice(&own, (count, 1), device)?)?;
            if keeps {
                posts.push(nothing()?.index_add(&ids, &activations, 0)?);
                outputs.push(BlockOutput {
                    first: expert * self.sizes.each,
                    out: maps.out,
                    share,
                });
            } else {
                let output = BlockOutput {
                    first: 0,
                    out: maps.out,
                    share: own,
                };
                written = written.index_add(&ids, &output.of(&activations)?, 0)?;
            }
        }
        if let Some(shared) = &self.shared {
            let activations = self.shared_activations(shared, read, function)?;
            match keeps {
                true => posts.push(activations),
                false => written = (written + shared.out.of(&activations, Activation::Linear)?)?,
            }
        }
        if !keeps {
            return Ok(written);
        }
        let post = hooks.pass(HookPoint::MlpPost, Tensor::cat(&posts, D::Minus1)?)?;
        self.written(&post, outputs, maps)
    }

    /// What the shared expert's values are multiplied with.
    fn shared_activations(
        &self,
        shared: &NeuronMaps,
        read: &Tensor,
        function: NeuronFunction,
    ) -> candle_core::Result<Tensor> {
        let activations = shared.activations(read, function)?;
        match &self.shared_gate {
            None => Ok(activations),
            Some(gate) => activations.broadcast_mul(&gate.of(read, Activation::Sigmoid)?),
        }
    }

    /// What activations write, `[rows, d_model]`; a hook may have set those of experts that no token
    /// takes.
    fn written(
        &self,
        post: &Tensor,
        outputs: Vec<BlockOutput>,
        maps: ExpertMaps<'_>,
    ) -> Result<Tensor, ForwardError> {
        let each = self.sizes.each;
        let mut outputs = outputs.into_iter().peekable();
        let mut written: Option<Tensor> = None;
        let mut add = |more: Tensor| -> candle_core::Result<()> {
            written = Some(match written.take() {
                Some(written) => (written + more)?,
                None => more,
            });
            Ok(())
        };
        for expert in 0..self.sizes.experts {
            let own = post.narrow(1, expert * each, each)?.contiguous()?;
            let output = outputs.next_if(|output| output.first == expert * each);
            let output = match output {
                Some(output) => output,
                None if with_numbers(&own, |own| own.iter().all(|x| *x == 0.0))? => continue,
                None => BlockOutput {
                    first: expert * each,
                    out: maps(NeuronBlock::Expert(expert))?.out,
                    share: vec![0.0; post.dim(0)?],
                },
            };
            add(output.of(&own)?)?;
        }
        if let Some(shared) = &self.shared {
            let own = post.narrow(1, self.sizes.routed(), self.sizes.shared)?;
            add(shared.out.of(&own.contiguous()?, Activation::Linear)?)?;
        }
        match written {
            Some(written) => Ok(written),
            None => {
                let width = self.router.weight.dim(0)?;
                Ok(Tensor::zeros(
                    (post.dim(0)?, width),
                    post.dtype(),
                    post.device(),
                )?)
            }
        }
    }
}

impl BlockOutput {
    /// What activations `[rows, neurons]` of the block write.
    fn of(&self, activations: &Tensor) -> candle_core::Result<Tensor> {
        let (rows, device) = (activations.dim(0)?, activations.device());
        let share = Tensor::from_slice(&self.share, (rows, 1), device)?;
        let bias = share.matmul(&self.out.bias.unsqueeze(0)?)?;
        activations.contiguous()?.matmul(&self.out.weight)? + bias
    }
}
