//! Resampling texts: how often each is drawn in each of some hundred samples, and the interval
//! that the middle 95 % of their values span.

/// Samples that are drawn.
pub(super) const SAMPLES: usize = 200;

/// How often each text is in each sample, `[samples, texts]`.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    texts: usize,
    counts: Vec<u16>,
}

impl Weights {
    /// As many draws a sample as there are texts; none where a single text would only be drawn
    /// again.
    pub(super) fn draw(texts: usize, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut counts = vec![0u16; SAMPLES * texts];
        if texts < 2 {
            return Self { texts, counts };
        }
        for sample in counts.chunks_exact_mut(texts) {
            for _ in 0..texts {
                let drawn = &mut sample[rng.usize(0..texts)];
                *drawn = drawn.saturating_add(1);
            }
        }
        Self { texts, counts }
    }

    /// Of how many texts.
    pub(super) fn texts(&self) -> usize {
        self.texts
    }

    /// How often a sample holds a text.
    pub(super) fn of(&self, sample: usize, text: usize) -> f64 {
        f64::from(self.counts[sample * self.texts + text])
    }
}

/// The 2.5th and the 97.5th percentile; none of fewer values than half of the samples, which
/// says that most of them held too little to compare.
pub(super) fn interval(values: impl Iterator<Item = Option<f64>>) -> Option<[f64; 2]> {
    let mut values: Vec<f64> = values.flatten().collect();
    if values.len() < SAMPLES / 2 {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * (values.len() - 1) as f64;
        let (low, part) = (place.floor() as usize, place.fract());
        let high = (low + 1).min(values.len() - 1);
        values[low] * (1.0 - part) + values[high] * part
    };
    Some([at(0.025), at(0.975)])
}
