//! When the lists of heads stand: of a sample of a real model's heads.

use std::time::Instant;

use lexiscope::checkpoint::Location;
use lexiscope::projection::{DeviceChoice, End};
use lexiscope::query::{Answering, Callbacks, ListSeen, PairsQuery, Query, Reader};
use lexiscope::transformer::Form;
use lexiscope::vocabulary::Filters;

use super::{figure, milliseconds, process};

/// Heads in the sample, where none is said.
const HEADS: usize = 20;

/// `cargo bench --bench projection -- stands FOLDER [HEADS]`: of as many heads, forms and ends, drawn with
/// a fixed seed, when the list that was shown was the exact one for good, and when it was proven; from
/// the question on, with the factors.
pub fn stands(folder: &str, heads: Option<usize>) {
    let location = Location::Folder {
        name: folder.into(),
        path: folder.into(),
    };
    let reader = Reader::open(&location, DeviceChoice::Cpu).expect("a checkpoint that opens");
    // No head's factors are kept for another.
    let mut reader = reader.holding(0);
    let spec = reader.card().spec.clone();
    figure("stands, memory when opened", process::resident_mb(), "MB");
    let mut rng = fastrand::Rng::with_seed(1);
    let (mut stood, mut exact) = (Vec::new(), Vec::new());
    for _ in 0..heads.unwrap_or(HEADS) {
        let layer = rng.usize(..spec.layers);
        let query = PairsQuery {
            convention: Default::default(),
            form: rng.choice([Form::Vo, Form::Qk]).unwrap_or(Form::Vo),
            layer,
            head: rng.usize(..spec.heads_in(layer)),
            distance: 0,
            end: if rng.u32(..4) == 0 {
                End::Lowest
            } else {
                End::Highest
            },
            k: 50,
            filters: Filters::default(),
        };
        let what = format!(
            "stands, {} L{}.H{} {}",
            query.form,
            query.layer,
            query.head,
            query.end.name()
        );
        let (stands, proven) = one(&mut reader, query);
        figure(&what, stands, "ms");
        figure(&format!("{what}, exact"), proven, "ms");
        stood.push(stands);
        exact.push(proven);
    }
    let within = stood.iter().filter(|&&ms| ms <= 2000.0).count();
    figure(
        "stands, within 2 s (at least 95)",
        within as f64 / stood.len() as f64 * 100.0,
        "%",
    );
    let latest = |of: Vec<f64>| of.into_iter().fold(0.0, f64::max);
    figure("stands, the latest", latest(stood), "ms");
    figure(
        "stands, exact, the latest (at most 30000)",
        latest(exact),
        "ms",
    );
    figure("stands, memory at most", process::peak_mb(), "MB");
}

/// Milliseconds until the list stands, and until it is proven.
fn one(reader: &mut Reader, query: PairsQuery) -> (f64, f64) {
    let start = Instant::now();
    let seen = ListSeen::since(start);
    let look = |answer| seen.look(&answer);
    let callbacks = Callbacks {
        on_partial: Some(&look),
        ..Callbacks::none()
    };
    let answer = reader.answer(&Query::Pairs(query), callbacks);
    let proven = milliseconds(start);
    look(answer.expect("an answer"));
    let stands = seen.stands().expect("a list");
    (stands.as_secs_f64() * 1000.0, proven)
}
