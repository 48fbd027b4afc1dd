//! Neuron columns: cold, against one pass over the embedding.

use lexiscope::checkpoint::Matrix;
use lexiscope::query::{Answering, Callbacks, NeuronQuery, Reader};
use rayon::prelude::*;

use super::process::processor_ms;
use super::{VOCAB, WIDTH, ask, figure, median, neuron, neuron_query, time};

/// Figure: cold within 1.2 × of one pass over the embedding as it is stored, in 16 bits a number.
pub fn columns(reader: &mut Reader) {
    // In the large pages that the program asks for.
    let [mut wide, mut stored] = [WIDTH, WIDTH / 2].map(|width| Matrix::zeros(VOCAB, width));
    wide.data_mut().fill(1.0);
    stored.data_mut().fill(1.0);
    let over = |numbers: &[f32]| {
        let blocks = numbers.par_chunks(1 << 18);
        blocks.map(sum).sum::<f32>()
    };
    let (mut pass, mut in_f32, mut cold) = (Vec::new(), Vec::new(), Vec::new());
    let mut cost = Vec::new();
    for n in 0..30 {
        pass.push(time(|| over(stored.data())));
        in_f32.push(time(|| over(wide.data())));
        let before = processor_ms();
        cold.push(time(|| ask(reader, &neuron(n % 24, 7 * n))));
        cost.push(processor_ms() - before);
    }
    let (pass, in_f32, cold) = (median(pass), median(in_f32), median(cold));
    figure("neurons, one pass over the embedding as stored", pass, "ms");
    figure("neurons, one pass over it in f32", in_f32, "ms");
    figure("neurons, a neuron's columns, cold", cold, "ms");
    figure("neurons, their time of the processor", median(cost), "ms");
    figure("neurons, columns to pass (at most 1.2)", cold / pass, "×");
    let many: Vec<NeuronQuery> = (0..4).map(|n| neuron_query(3, n)).collect();
    let together = (0..9).map(|_| time(|| reader.answer_neurons(&many, Callbacks::none())));
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
