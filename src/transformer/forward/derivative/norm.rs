//! Back through a norm: with x̂ the normed row before the gain, g the cotangent times the gain, and σ
//! what is divided by, (g − mean(g) − x̂·mean(g·x̂)) / σ; of a root mean square norm without mean(g).

use candle_core::Tensor;
use rayon::prelude::*;

use super::super::ForwardError;
use super::super::ops::{HeadNorm, Norm, with_numbers};

/// A norm at the rows that it saw.
pub(super) struct NormTape {
    gain: Vec<f32>,
    centring: bool,
    /// `[rows, width]`, before the gain.
    normed: Vec<f32>,
    /// 1/σ of each row.
    scales: Vec<f32>,
}

impl NormTape {
    /// `x` of any shape: rows of the norm's width follow each other.
    pub(super) fn new(norm: &Norm, x: &Tensor) -> Result<Self, ForwardError> {
        let gain = with_numbers(&norm.weight, <[f32]>::to_vec)?;
        let (width, centring) = (gain.len().max(1), norm.bias.is_some());
        let mut normed = with_numbers(x, <[f32]>::to_vec)?;
        let mut scales = Vec::with_capacity(normed.len() / width);
        for row in normed.chunks_exact_mut(width) {
            let n = width as f64;
            let mean = match centring {
                true => row.iter().map(|&x| f64::from(x)).sum::<f64>() / n,
                false => 0.0,
            };
            let squares = row.iter().map(|&x| (f64::from(x) - mean).powi(2));
            let variance = squares.sum::<f64>() / n + f64::from(norm.epsilon);
            let scale = variance.sqrt().recip();
            row.iter_mut()
                .for_each(|x| *x = ((f64::from(*x) - mean) * scale) as f32);
            scales.push(scale as f32);
        }
        Ok(Self {
            gain,
            centring,
            normed,
            scales,
        })
    }

    /// Cotangents of what came out become those of what went in: as many times the rows that the norm
    /// saw as there are coordinates.
    pub(super) fn back(&self, back: &mut [f32]) {
        let width = self.gain.len();
        let rows = self.scales.len();
        back.par_chunks_mut(width)
            .enumerate()
            .for_each(|(at, row)| {
                let at = at % rows;
                let normed = &self.normed[at * width..][..width];
                let (mut sum, mut along) = (0f32, 0f32);
                for ((g, gain), x) in row.iter_mut().zip(&self.gain).zip(normed) {
                    *g *= gain;
                    sum += *g;
                    along += *g * x;
                }
                let n = width as f32;
                let (mean, along) = (if self.centring { sum / n } else { 0.0 }, along / n);
                let scale = self.scales[at];
                for (g, x) in row.iter_mut().zip(normed) {
                    *g = (*g - mean - x * along) * scale;
                }
            });
    }
}

/// A norm of queries or keys at the rows that it saw.
pub(super) struct HeadNormTape {
    norm: NormTape,
    /// `[heads × d_head]`, where each head has gains of its own.
    gains: Option<Vec<f32>>,
}

impl HeadNormTape {
    /// `x`: queries or keys before the norm, `[tokens, heads × d_head]`.
    pub(super) fn new(norm: &HeadNorm, x: &Tensor) -> Result<Self, ForwardError> {
        let gains = norm.gains.as_ref();
        let gains = gains.map(|gains| with_numbers(gains, <[f32]>::to_vec));
        Ok(Self {
            norm: NormTape::new(&norm.norm, x)?,
            gains: gains.transpose()?,
        })
    }

    /// As [`NormTape::back`].
    pub(super) fn back(&self, back: &mut [f32]) {
        if let Some(gains) = &self.gains {
            for row in back.chunks_exact_mut(gains.len().max(1)) {
                row.iter_mut().zip(gains).for_each(|(g, gain)| *g *= gain);
            }
        }
        self.norm.back(back);
    }
}

/// Rows of several coordinates, each times the slopes of its text's rows.
pub(super) fn scaled(back: &Tensor, slopes: &[f32]) -> Result<Tensor, ForwardError> {
    let mut numbers = with_numbers(back, <[f32]>::to_vec)?;
    numbers
        .par_chunks_mut(slopes.len().max(1))
        .for_each(|text| {
            text.iter_mut()
                .zip(slopes)
                .for_each(|(x, slope)| *x *= slope);
        });
    Ok(Tensor::from_vec(numbers, back.shape(), back.device())?)
}
