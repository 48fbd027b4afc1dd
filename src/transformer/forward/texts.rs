//! Several texts through the layers one layer at a time: a layer's weights are read once for all of
//! them, and a run can stop after any layer and go on later.

use std::ops::Range;

use candle_core::Tensor;

use super::chunk::{chunks, rows_of};
use super::hook::{HookedRows, LayerHooks};
use super::layer::TextRows;
use super::{Forward, ForwardError, Hook, HookRequest, Hooked};

/// Texts that go through a layer together, and their residual stream so far.
pub struct TextBatch {
    /// Which of the texts.
    pub texts: Range<usize>,
    /// The rows of each.
    pub rows: Vec<Range<usize>>,
    /// Before the next layer, `[rows, d_model]`.
    pub state: Tensor,
}

impl Forward<'_> {
    /// The embedding output of texts of 1 to [`Forward::longest`] tokens: where their run starts.
    ///
    /// # Errors
    /// As [`Forward::run`].
    pub fn embedded_texts(&self, texts: &[&[u32]]) -> Result<Vec<TextBatch>, ForwardError> {
        self.check(texts)?;
        let batch = |chunk: Range<usize>| {
            let some = &texts[chunk.clone()];
            Ok(TextBatch {
                rows: rows_of(some),
                state: self.embed(some, 0)?,
                texts: chunk,
            })
        };
        chunks(texts).into_iter().map(batch).collect()
    }

    /// Runs one layer over texts whose states are those before it. Where it fails or is cancelled,
    /// the states stay what they were.
    ///
    /// # Errors
    /// A layer that the model does not have; else as [`Forward::run`].
    pub fn run_layer(
        &self,
        at: usize,
        batches: &mut [TextBatch],
        request: HookRequest<'_>,
        hook: Hook<'_>,
    ) -> Result<(), ForwardError> {
        let layers = self.states() - 1;
        if at >= layers {
            return Err(ForwardError::Start {
                got: at,
                last: layers,
            });
        }
        let layer = self.layer(at)?;
        let mut after = Vec::with_capacity(batches.len());
        for batch in &*batches {
            request.cancel.check()?;
            let mut call = |point, text: Option<usize>, tensor: &Tensor| {
                let of = HookedRows {
                    texts: &batch.texts,
                    rows: &batch.rows,
                    past: 0,
                };
                hook(Hooked::of(of, (point, at, text), tensor))
            };
            let mut hooks = LayerHooks {
                request,
                call: &mut call,
            };
            let experts = |block| self.loader.neurons(at, block);
            let texts = TextRows {
                rows: &batch.rows,
                earlier: None,
            };
            after.push(layer.run(&batch.state, texts, &experts, &mut hooks)?);
        }
        for (batch, state) in batches.iter_mut().zip(after) {
            batch.state = state;
        }
        Ok(())
    }
}
