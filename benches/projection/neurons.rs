//! Neuron columns: cold, against one pass over the embedding.

use lexiscope::checkpoint::Matrix;
use lexiscope::query::{Answering, Callbacks, NeuronQuery, Reader};
use rayon::prelude::*;

use super::{VOCAB, WIDTH, ask, figure, median, neuron, neuron_query, time};

/// Figure: cold within 1.3 × of one pass.
pub fn columns(reader: &mut Reader) {
    // Once in the large pages that the program asks for, and once as an allocator gives them.
    let mut large = Matrix::zeros(VOCAB, WIDTH);
    large.data_mut().fill(1.0);
    let small = vec![1.0f32; VOCAB * WIDTH];
    let over = |numbers: &[f32]| {
        let blocks = numbers.par_chunks(1 << 18);
        blocks.map(sum).sum::<f32>()
    };
    let (mut pass, mut in_small, mut cold) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..30 {
        pass.push(time(|| over(large.data())));
        in_small.push(time(|| over(&small)));
        cold.push(time(|| ask(reader, &neuron(n % 24, 7 * n))));
    }
    let (pass, in_small, cold) = (median(pass), median(in_small), median(cold));
    figure("neurons, one pass over the embedding", pass, "ms");
    figure("neurons, one pass over it in small pages", in_small, "ms");
    figure("neurons, a neuron's columns, cold", cold, "ms");
    figure("neurons, columns to pass (at most 1.3)", cold / pass, "×");
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
