//! The figures of `benches/README.md`, measured on a synthetic checkpoint of the size of GPT-2
//! medium with 51,200 tokens: `cargo bench --bench projection`, or with the beginning of a
//! group's name (`pairs`, `neurons`, `lookup`, `scan`) only that group; `stands FOLDER [HEADS]` measures
//! heads of a real model. Ratios are taken within one run.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../tests/checkpoint_writer/mod.rs"]
mod checkpoint_writer;
mod factors;
mod lookup;
mod neurons;
mod pairs;
mod process;
mod scan;
mod stands;

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use lexiscope::checkpoint::Location;
use lexiscope::projection::DeviceChoice;
use lexiscope::query::{Answering, Callbacks, NeuronQuery, Query, Reader};
use lexiscope::transformer::Input;
use lexiscope::vocabulary::Filters;

/// Sizes of the synthetic checkpoint.
const VOCAB: usize = 51_200;
const WIDTH: usize = 1024;
const HEAD: usize = 64;
const LAYERS: usize = 24;

fn main() {
    let mut args = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"));
    let only = args.next();
    if only.as_deref() == Some("stands") {
        let folder = args.next().expect("stands FOLDER [HEADS]");
        let heads = args
            .next()
            .map(|heads| heads.parse().expect("a number of heads"));
        return stands::stands(&folder, heads);
    }
    let runs = |group: &str| only.as_ref().is_none_or(|only| group.starts_with(only));
    if runs("pairs") {
        // First, as the peak of memory is the process's.
        pairs::alone();
        pairs::with_factors();
    }
    let mut reader = opening(&checkpoint_writer::medium());
    if runs("neurons") {
        neurons::columns(&mut reader);
    }
    if runs("pairs") {
        pairs::of_the_checkpoint(&mut reader);
    }
    if runs("lookup") {
        lookup::lookup(&mut reader);
    }
    if runs("scan") {
        scan::rate(&mut reader);
    }
    // As it is stored: in 16 bits a number.
    let embedding = (VOCAB * WIDTH * 2) as f64 / 1e6;
    figure(
        "memory at most, above the embedding",
        process::peak_mb() - embedding,
        "MB",
    );
}

/// Cold: from nothing to the first columns.
fn opening(folder: &Path) -> Reader {
    let location = Location::Folder {
        name: "medium".into(),
        path: folder.into(),
    };
    let start = Instant::now();
    let mut reader = Reader::open(&location, DeviceChoice::Cpu).expect("a checkpoint that opens");
    figure("open", milliseconds(start), "ms");
    ask(&mut reader, &neuron(0, 0));
    figure("open, until the first columns", milliseconds(start), "ms");
    figure("open, memory", process::resident_mb(), "MB");
    reader
}

fn neuron(layer: usize, neuron: usize) -> Query {
    Query::Neuron(neuron_query(layer, neuron))
}

fn neuron_query(layer: usize, neuron: usize) -> NeuronQuery {
    NeuronQuery {
        convention: Default::default(),
        layer,
        neuron,
        input: Input::default(),
        k: 30,
        filters: Filters::default(),
    }
}

fn ask(reader: &mut Reader, query: &Query) {
    black_box(reader.answer(query, Callbacks::none()).expect("an answer"));
}

/// One line of the result; `compare.py` reads them.
fn figure(name: &str, value: f64, unit: &str) {
    println!("{name:<52} {value:>10.2} {unit}");
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// The milliseconds that `work` takes.
fn time<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    milliseconds(start)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
