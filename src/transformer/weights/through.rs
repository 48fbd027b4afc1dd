//! What lies between a sublayer that writes into the residual stream and one that reads it: norms,
//! of which what is linear and the same for every state is applied.

use crate::checkpoint::{CheckpointError, Matrix, NormPlacement};
use crate::transformer::norms::{NormWeights, layer_norm};

use super::{Sublayer, SublayerAt, Weights};

impl SublayerAt {
    /// All sublayers of a model in their order.
    fn in_order(layers: usize) -> impl Iterator<Item = Self> {
        (0..layers).flat_map(|layer| [Self::attention(layer), Self::feed_forward(layer)])
    }
}

impl Weights {
    /// Whether what `writer` writes reaches `reader`: it comes before it, and the two are not the
    /// halves of a layer that run side by side.
    pub fn reaches(&self, writer: SublayerAt, reader: SublayerAt) -> bool {
        let parallel = self
            .checkpoint
            .forward()
            .is_some_and(|choices| choices.parallel);
        let place = |at: SublayerAt| match at.sublayer {
            Sublayer::FeedForward if !parallel => 2 * at.layer + 1,
            Sublayer::Attention | Sublayer::FeedForward => 2 * at.layer,
        };
        place(writer) < place(reader)
    }

    /// Directions that a sublayer reads (`[n, d_model]`) as directions of the residual stream before
    /// its norm: `γ ⊙ k`, with its mean taken out where the norm takes it out of the state.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn before_norm(&self, at: SublayerAt, mut rows: Matrix) -> Result<Matrix, CheckpointError> {
        if let Some(norm) = self.norm_before(at.layer, at.sublayer)? {
            norm.backward(&mut rows);
        }
        Ok(rows)
    }

    /// What a sublayer writes (`[n, d_model]`) as it is added to the residual stream, after the norm
    /// of its own that it may have, and multiplied as a model does it that scales its sums.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn after_own_norm(
        &self,
        at: SublayerAt,
        mut rows: Matrix,
    ) -> Result<Matrix, CheckpointError> {
        if let Some(norm) = self.norm_of_written(at.layer, at.sublayer)? {
            norm.forward(&mut rows);
        }
        let choices = self.checkpoint.forward();
        let scale = choices.map_or(1.0, |choices| choices.written_scale) as f32;
        if scale != 1.0 {
            rows.data_mut().iter_mut().for_each(|x| *x *= scale);
        }
        Ok(rows)
    }

    /// What was added to the residual stream at `writer` (`[n, d_model]`) as `reader` finds it: in a
    /// post-norm model the norms after every sum in between have been at it.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn carried(
        &self,
        writer: SublayerAt,
        reader: SublayerAt,
        mut rows: Matrix,
    ) -> Result<Matrix, CheckpointError> {
        if self.spec().norm == NormPlacement::Pre {
            return Ok(rows);
        }
        let all = SublayerAt::in_order(self.spec().layers);
        let between = all
            .skip_while(|at| *at != writer)
            .take_while(|at| *at != reader);
        for at in between {
            if let Some(norm) = self.norm_after(at)? {
                norm.forward(&mut rows);
            }
        }
        Ok(rows)
    }

    /// The norm after the sum of a sublayer of a post-norm model.
    fn norm_after(&self, at: SublayerAt) -> Result<Option<NormWeights>, CheckpointError> {
        let Some(forward) = self.checkpoint.family().forward.as_ref() else {
            return Ok(None);
        };
        let names = match at.sublayer {
            Sublayer::Attention => forward.attention_norm,
            Sublayer::FeedForward => forward.ff_norm,
        };
        layer_norm(&self.checkpoint, at.layer, names, true)
    }
}

impl NormWeights {
    /// Of vectors that go through it (`[n, width]`): the mean taken out, where it is, then gains.
    fn forward(&self, rows: &mut Matrix) {
        self.centre(rows);
        self.gain(rows);
    }

    /// Of directions that are read behind it: gains, then the mean taken out.
    fn backward(&self, rows: &mut Matrix) {
        self.gain(rows);
        self.centre(rows);
    }

    fn gain(&self, rows: &mut Matrix) {
        let width = rows.cols().max(1);
        for row in rows.data_mut().chunks_exact_mut(width) {
            row.iter_mut()
                .zip(&self.gain)
                .for_each(|(x, gain)| *x *= gain);
        }
    }

    fn centre(&self, rows: &mut Matrix) {
        let width = rows.cols().max(1);
        for row in rows
            .data_mut()
            .chunks_exact_mut(width)
            .filter(|_| self.centring)
        {
            let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / width as f64;
            row.iter_mut()
                .for_each(|x| *x = (f64::from(*x) - mean) as f32);
        }
    }
}
