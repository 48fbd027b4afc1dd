//! The figures that the README states, measured on a synthetic checkpoint of the size of GPT-2
//! medium with 51,200 tokens: `cargo bench --bench projection`. Ratios are taken within one run.

#[path = "../tests/checkpoint_writer/mod.rs"]
mod checkpoint_writer;

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use lexiscope::checkpoint::{Location, Matrix};
use lexiscope::projection::{DeviceChoice, End, PairsWanted, best_pairs};
use lexiscope::query::{Answering, NeuronQuery, PairsQuery, Patient, Query, Reader};
use lexiscope::transformer::Form;
use lexiscope::vocabulary::Filters;
use rayon::prelude::*;

fn main() {
    let folder = checkpoint_writer::medium();
    let mut reader = opening(&folder);
    neurons(&mut reader);
    heads(&mut reader);
    println!("memory: at most {:.0} MB resident", peak_resident_mb());
}

fn opening(folder: &Path) -> Reader {
    let location = Location::Folder {
        name: "medium".into(),
        path: folder.into(),
    };
    let start = Instant::now();
    let mut reader = Reader::open(&location, DeviceChoice::Cpu).expect("a checkpoint that opens");
    let opened = start.elapsed();
    ask(&mut reader, &neuron(0, 0));
    println!(
        "open: {:.0} ms, first columns after {:.0} ms",
        opened.as_secs_f64() * 1e3,
        start.elapsed().as_secs_f64() * 1e3
    );
    let embedding = 51_200.0 * 1024.0 * 4.0 / 1e6;
    println!(
        "open: {:.0} MB resident, at most {:.0} MB (embedding {embedding:.0} MB)",
        resident_mb("VmRSS"),
        peak_resident_mb()
    );
    reader
}

fn neurons(reader: &mut Reader) {
    let embedding = Matrix::new(51_200, 1024, vec![1.0; 51_200 * 1024]);
    let mut pass = Vec::new();
    let mut columns = Vec::new();
    for n in 0..30 {
        let start = Instant::now();
        let sum: f32 = embedding.data().par_chunks(1 << 18).map(sum).sum();
        black_box(sum);
        pass.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        ask(reader, &neuron(n % 24, 7 * n));
        columns.push(start.elapsed().as_secs_f64());
    }
    let (pass, columns) = (median(pass), median(columns));
    println!("one pass over the embedding: {:.1} ms", pass * 1e3);
    println!(
        "a neuron's columns, not cached: {:.1} ms, {:.2} × a pass",
        columns * 1e3,
        columns / pass
    );
    let many: Vec<NeuronQuery> = (0..16)
        .map(|n| NeuronQuery {
            layer: 3,
            neuron: n,
            k: 30,
            filters: Filters::default(),
        })
        .collect();
    let start = Instant::now();
    reader.answer_neurons(&many, &Patient).expect("an answer");
    println!(
        "16 neurons together: {:.1} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
}

fn sum(block: &[f32]) -> f32 {
    let mut sums = [0.0f32; 32];
    for part in block.chunks_exact(32) {
        sums.iter_mut().zip(part).for_each(|(s, x)| *s += x);
    }
    sums.iter().sum()
}

fn heads(reader: &mut Reader) {
    for form in [Form::Vo, Form::Qk] {
        let query = Query::Pairs(PairsQuery {
            form,
            layer: 5,
            head: 3,
            end: End::Highest,
            k: 50,
            filters: Filters::default(),
        });
        let start = Instant::now();
        ask(reader, &query);
        println!(
            "{form} of one head, as written: {:.0} ms",
            start.elapsed().as_secs_f64() * 1e3
        );
    }
    for (what, trained) in [("trained-like", true), ("Gaussian", false)] {
        let (a, b) = factors(51_200, 64, trained);
        let passing = vec![true; 51_200];
        let want = PairsWanted {
            k: 50,
            end: End::Highest,
            passing: &passing,
            admits: &|_, _| true,
        };
        let start = Instant::now();
        let found = best_pairs(&a, &b, &want, &|| true, &mut |_, _| ()).expect("an answer");
        let pruned = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let best = blocked(&a, &b);
        let plain = start.elapsed().as_secs_f64();
        println!(
            "pairs, {what}: {:.0} ms, blocked product {:.0} ms, {:.1} × ({} {best})",
            pruned * 1e3,
            plain * 1e3,
            plain / pruned,
            found[0].score
        );
    }
}

/// Best score by a plain product in row blocks: what anyone would write.
fn blocked(a: &Matrix, b: &Matrix) -> f32 {
    use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
    let (n, h) = (a.rows(), a.cols());
    let block = 128;
    a.data()
        .par_chunks(block * h)
        .map(|rows| {
            let m = rows.len() / h;
            let mut best = f32::NEG_INFINITY;
            let mut out = vec![0.0f32; m * 1024];
            for cols in b.data().chunks(1024 * h) {
                let c = cols.len() / h;
                matmul(
                    MatMut::from_row_major_slice_mut(&mut out[..m * c], m, c),
                    Accum::Replace,
                    MatRef::from_row_major_slice(rows, m, h),
                    MatRef::from_row_major_slice(cols, c, h).transpose(),
                    1.0,
                    Par::Seq,
                );
                best = out[..m * c]
                    .iter()
                    .fold(best, |x, &y| if y > x { y } else { x });
            }
            black_box(n);
            best
        })
        .reduce(|| f32::NEG_INFINITY, f32::max)
}

/// Factors `[n, h]`: Gaussian, or as trained ones are: log-normal row norms (σ 0.3), directions
/// that fall off to half at half the rank, and near-duplicates.
fn factors(n: usize, h: usize, trained: bool) -> (Matrix, Matrix) {
    let mut rng = fastrand::Rng::with_seed(11);
    let mut gauss = move || {
        let (u, v) = (rng.f32().max(1e-9), rng.f32());
        (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * v).cos()
    };
    let mut pick = fastrand::Rng::with_seed(12);
    let mut side = |other: Option<&Matrix>| {
        let mut data: Vec<f32> = Vec::with_capacity(n * h);
        for i in 0..n {
            let mut row: Vec<f32> = match other {
                Some(other) if trained && pick.f32() < 0.02 => other
                    .row(pick.usize(0..n))
                    .iter()
                    .map(|x| x + 0.05 * gauss())
                    .collect(),
                _ => (0..h)
                    .map(|c| {
                        gauss()
                            * if trained {
                                (1.0 - c as f32 / h as f32).max(0.05).sqrt()
                            } else {
                                1.0
                            }
                    })
                    .collect(),
            };
            if trained {
                let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
                let scale = (0.3 * gauss()).exp() * 5.0 / norm;
                row.iter_mut().for_each(|x| *x *= scale);
            }
            data.extend(row);
            let _ = i;
        }
        Matrix::new(n, h, data)
    };
    let a = side(None);
    let b = side(Some(&a));
    (a, b)
}

fn neuron(layer: usize, neuron: usize) -> Query {
    Query::Neuron(NeuronQuery {
        layer,
        neuron,
        k: 30,
        filters: Filters::default(),
    })
}

fn ask(reader: &mut Reader, query: &Query) {
    black_box(reader.answer(query, &Patient).expect("an answer"));
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn peak_resident_mb() -> f64 {
    resident_mb("VmHWM")
}

/// A line of this process's memory; 0 where there is no /proc.
fn resident_mb(line: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kb = status.lines().find_map(|l| {
        l.strip_prefix(line)?
            .strip_prefix(':')?
            .trim()
            .strip_suffix(" kB")?
            .trim()
            .parse::<f64>()
            .ok()
    });
    kb.unwrap_or_default() / 1e3
}
