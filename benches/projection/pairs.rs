//! Pair lists: one head, exact best 50, against the plain product in blocks.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use candle_core::Device;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use lexiscope::checkpoint::Matrix;
use lexiscope::projection::{End, PairKernel, PairsWanted, Rows, best_pairs, best_pairs_by};
use lexiscope::query::{PairsQuery, Query, Reader};
use lexiscope::task::CancelToken;
use lexiscope::transformer::Form;
use lexiscope::vocabulary::Filters;
use rayon::prelude::*;

use super::factors::{Kind, factors};
use super::{HEAD, VOCAB, WIDTH, ask, figure, median, milliseconds, process, time};

/// Moments at which a search is called off.
const MOMENTS: u32 = 16;

/// Figures: ten times the blocked product on trained-like factors, at most 1.1 of its time on
/// Gaussian ones; never five without asking whether it is wanted, and
/// called off within 20 ms.
pub fn alone() {
    for (name, kind) in [
        ("trained-like", Kind::Trained),
        ("Gaussian", Kind::Gaussian),
    ] {
        let (a, b) = factors(VOCAB, HEAD, kind);
        let before = process::peak_mb();
        let (mut bounded, mut plain) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            bounded.push(time(|| best(&a, &b, CancelToken::never())));
            plain.push(time(|| blocked(&a, &b)));
        }
        let (bounded, plain) = (median(bounded), median(plain));
        figure(&format!("pairs, {name}"), bounded, "ms");
        figure(&format!("pairs, {name}, blocked product"), plain, "ms");
        figure(
            &format!("pairs, {name}, times faster"),
            plain / bounded,
            "×",
        );
        figure(
            &format!("pairs, {name}, memory"),
            process::peak_mb() - before,
            "MB",
        );
        figure(
            &format!("pairs, {name}, longest without asking (at most 5)"),
            silence(&a, &b),
            "ms",
        );
        called_off(name, &a, &b);
        for kernel in PairKernel::all() {
            let cost = by_kernel(kernel, &a, &b);
            let what = format!("pairs, {name}, by {kernel:?}, of the processor");
            figure(&what, cost, "ms");
        }
    }
}

/// The fifty best of all pairs of rows that pass.
fn fifty_best(passing: &[bool]) -> PairsWanted<'_> {
    PairsWanted {
        k: 50,
        end: End::Highest,
        passing,
        admits: &|_, _| true,
    }
}

/// The processor's milliseconds that a search by a kernel takes.
fn by_kernel(kernel: PairKernel, a: &Matrix, b: &Matrix) -> f64 {
    let passing = vec![true; a.rows()];
    let want = fifty_best(&passing);
    let before = process::processor_ms();
    let found = best_pairs_by(kernel, (a, b), &want, CancelToken::never(), &mut |_, _| ());
    found.expect("not called off");
    process::processor_ms() - before
}

/// Figure: one head of the checkpoint, whose weights are Gaussian, with its factors.
pub fn of_the_checkpoint(reader: &mut Reader) {
    for form in [Form::Vo, Form::Qk] {
        let query = Query::Pairs(PairsQuery {
            convention: Default::default(),
            form,
            layer: 5,
            head: 3,
            distance: 0,
            end: End::Highest,
            k: 50,
            filters: Filters::default(),
        });
        let took = time(|| ask(reader, &query));
        figure(
            &format!("pairs, {form} of the checkpoint, cold"),
            took,
            "ms",
        );
    }
}

/// The two factors of a head as a reader computes them from the embedding, and after them a search of
/// trained-like ones of that shape: of the notebook's heads, and of Llama 3.2 3B's.
pub fn with_factors() {
    for (vocab, width, head, most) in [(VOCAB, WIDTH, HEAD, 150), (128_256, 3072, 128, 3000)] {
        let draw = |rows: usize, cols: usize| {
            let mut rng = fastrand::Rng::with_seed(3);
            let numbers = (0..rows * cols).map(|_| rng.f32() - 0.5).collect();
            Matrix::new(rows, cols, numbers)
        };
        let embedding = Rows::new(draw(vocab, width), &Device::Cpu).expect("room");
        let weights = draw(width, head);
        let (a, b) = factors(vocab, head, Kind::Trained);
        let (mut computed, mut both) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            let start = Instant::now();
            let product = || embedding.times(&weights, CancelToken::never());
            let kept = [product(), product()].map(|product| product.expect("a product"));
            computed.push(milliseconds(start));
            best(&a, &b, CancelToken::never());
            both.push(milliseconds(start));
            drop(kept);
        }
        let what = format!("pairs, {vocab} × {head}, a head's factors");
        figure(&what, median(computed), "ms");
        let what = format!("{what} and a search, trained-like (at most {most})");
        figure(&what, median(both), "ms");
    }
}

/// The best score; `None` if it was called off.
fn best(a: &Matrix, b: &Matrix, cancel: CancelToken<'_>) -> Option<f32> {
    let passing = vec![true; a.rows()];
    let want = fifty_best(&passing);
    let found = best_pairs(a, b, &want, cancel, &mut |_, _| ()).ok()?;
    found.first().map(|pair| pair.score)
}

/// The longest that a search goes without asking whether it is wanted, on one thread. It asks at the
/// same places every time, so that of each stretch the shortest of three runs counts: what else the
/// machine does is in none of them.
fn silence(a: &Matrix, b: &Matrix) -> f64 {
    let stretches = || {
        let asked = Mutex::new(vec![Instant::now()]);
        let watched = || {
            asked.lock().expect("no panic").push(Instant::now());
            false
        };
        best(a, b, CancelToken::new(&watched));
        let asked = asked.into_inner().expect("no panic");
        let between = asked.windows(2).map(|two| two[1] - two[0]);
        between.collect::<Vec<Duration>>()
    };
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    one_thread.expect("a thread").install(|| {
        let (one, other, third) = (stretches(), stretches(), stretches());
        let shortest = one.into_iter().zip(other).zip(third);
        let shortest = shortest.map(|((x, y), z)| x.min(y).min(z));
        let longest = shortest.max().unwrap_or_default();
        longest.as_secs_f64() * 1e3
    })
}

/// How long a search goes on after it was called off, at moments spread over all of it.
fn called_off(name: &str, a: &Matrix, b: &Matrix) {
    let whole = time(|| best(a, b, CancelToken::never()));
    let late = (0..MOMENTS).filter_map(|i| {
        let (off, at) = (
            AtomicBool::new(false),
            whole * f64::from(i) / f64::from(MOMENTS),
        );
        thread::scope(|scope| {
            let search = scope.spawn(|| {
                let found = best(a, b, CancelToken::flag(&off));
                found.is_none().then(Instant::now)
            });
            thread::sleep(Duration::from_secs_f64(at / 1e3));
            off.store(true, Ordering::Relaxed);
            let called = Instant::now();
            let ended = search.join().expect("no panic")?;
            Some(ended.saturating_duration_since(called).as_secs_f64() * 1e3)
        })
    });
    let worst = late.fold(0.0, f64::max);
    figure(
        &format!("pairs, {name}, called off (at most 20)"),
        worst,
        "ms",
    );
}

/// The best score by a plain product in row blocks: what anyone would write.
fn blocked(a: &Matrix, b: &Matrix) -> f32 {
    const BLOCK: usize = 128;
    const COLUMNS: usize = 1024;
    let h = a.cols();
    let best_of = |rows: &[f32]| {
        let m = rows.len() / h;
        let mut best = f32::NEG_INFINITY;
        let mut out = vec![0.0f32; m * COLUMNS];
        for cols in b.data().chunks(COLUMNS * h) {
            let c = cols.len() / h;
            let out = &mut out[..m * c];
            matmul(
                MatMut::from_row_major_slice_mut(out, m, c),
                Accum::Replace,
                MatRef::from_row_major_slice(rows, m, h),
                MatRef::from_row_major_slice(cols, c, h).transpose(),
                1.0,
                Par::Seq,
            );
            best = out.iter().fold(best, |x, &y| if y > x { y } else { x });
        }
        best
    };
    a.data()
        .par_chunks(BLOCK * h)
        .map(best_of)
        .reduce(|| f32::NEG_INFINITY, f32::max)
}
