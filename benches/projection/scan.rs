//! A scan of the neurons, against the machine's rate of products.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use lexiscope::query::{Answering, Callbacks, NeuronQuery, Reader};

use super::{LAYERS, VOCAB, WIDTH, figure, median, neuron_query, time};

/// Neurons that a scan takes at a time.
const BATCH: usize = 256;

/// Figure: all neurons at 80 % of the machine's measured rate of products, or more.
pub fn rate(reader: &mut Reader) {
    // Keys and values.
    let vectors = 2 * BATCH;
    let operations = 2.0 * (vectors * VOCAB * WIDTH) as f64;
    let (left, right) = (vec![0.5f32; vectors * WIDTH], vec![0.25f32; VOCAB * WIDTH]);
    let mut out = vec![0.0f32; vectors * VOCAB];
    let (mut products, mut scans) = (Vec::new(), Vec::new());
    for round in 0..12 {
        products.push(time(|| {
            matmul(
                MatMut::from_row_major_slice_mut(&mut out, vectors, VOCAB),
                Accum::Replace,
                MatRef::from_row_major_slice(&left, vectors, WIDTH),
                MatRef::from_row_major_slice(&right, VOCAB, WIDTH).transpose(),
                1.0,
                Par::rayon(0),
            );
        }));
        let neurons = round * BATCH..(round + 1) * BATCH;
        let batch: Vec<NeuronQuery> = neurons.map(|n| neuron_query(7, n)).collect();
        scans.push(time(|| reader.answer_neurons(&batch, Callbacks::none())));
    }
    let (product, scan) = (median(products), median(scans));
    figure(
        "scan, rate of one large product",
        operations / product / 1e6,
        "GFLOP/s",
    );
    figure(
        "scan, rate of the neurons",
        operations / scan / 1e6,
        "GFLOP/s",
    );
    figure(
        "scan, neurons to product (at least 80)",
        product / scan * 100.0,
        "%",
    );
    let batches = (LAYERS * 4 * WIDTH / BATCH) as f64;
    figure("scan, all neurons of the model", scan / 1e3 * batches, "s");
}
