//! Neuron columns: cold, against one pass over the embedding.

use lexiscope::checkpoint::Matrix;
use lexiscope::query::{Answering, NeuronQuery, Patient, Reader};
use rayon::prelude::*;

use super::{VOCAB, WIDTH, ask, figure, median, neuron, neuron_query, time};

/// Figure: cold within 1.3 × of one pass.
pub fn columns(reader: &mut Reader) {
    let numbers = vec![1.0; VOCAB * WIDTH];
    let embedding = Matrix::new(VOCAB, WIDTH, numbers);
    let (mut pass, mut cold) = (Vec::new(), Vec::new());
    for n in 0..30 {
        pass.push(time(|| {
            let blocks = embedding.data().par_chunks(1 << 18);
            blocks.map(sum).sum::<f32>()
        }));
        cold.push(time(|| ask(reader, &neuron(n % 24, 7 * n))));
    }
    let (pass, cold) = (median(pass), median(cold));
    figure("neurons, one pass over the embedding", pass, "ms");
    figure("neurons, a neuron's columns, cold", cold, "ms");
    figure("neurons, columns to pass (at most 1.3)", cold / pass, "×");
    let many: Vec<NeuronQuery> = (0..4).map(|n| neuron_query(3, n)).collect();
    let together = (0..9).map(|_| time(|| reader.answer_neurons(&many, &Patient)));
    figure("neurons, 4 together", median(together.collect()), "ms");
}

/// As fast as memory gives it.
fn sum(block: &[f32]) -> f32 {
    let mut sums = [0.0f32; 32];
    for part in block.chunks_exact(32) {
        sums.iter_mut().zip(part).for_each(|(s, x)| *s += x);
    }
    sums.iter().sum()
}
