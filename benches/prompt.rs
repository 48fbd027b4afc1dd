//! What a text of 20 tokens costs: the first grid with layers read from the file and with layers in
//! memory, and a change in the middle and in the last layer. GPT-2 medium's shape; or, with
//! `LEXISCOPE_BENCH_MODEL`, the checkpoint of that folder. Beside it the same in PyTorch, where a Python
//! with torch and transformers is (`PYTHON`, else `python3`): `cargo bench --bench prompt`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/checkpoint_writer/mod.rs"]
mod checkpoint_writer;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Instant;

use lexiscope::checkpoint::Location;
use lexiscope::projection::DeviceChoice;
use lexiscope::query::{Answering, Callbacks, Change, PromptQuery, Query, Reader};

const TOKENS: usize = 20;
const RUNS: usize = 5;

fn main() {
    let folder = std::env::var_os("LEXISCOPE_BENCH_MODEL").map(PathBuf::from);
    let folder = folder.unwrap_or_else(checkpoint_writer::medium);
    let location = Location::Folder {
        name: "model".into(),
        path: folder.clone(),
    };
    let text = text(&location);
    let (mut column, mut cold, mut warm) = (Vec::new(), Vec::new(), Vec::new());
    let mut changes: Vec<(usize, Vec<f64>)> = Vec::new();
    for _ in 0..RUNS {
        let mut reader = Reader::open(&location, DeviceChoice::Cpu).expect("a model");
        reader = reader.holding(4 << 30);
        let layers = reader.card().spec.layers;
        let [first, whole] = seconds(&mut reader, &text);
        column.push(first);
        cold.push(whole);
        // Another position: the text is run anew, with its layers in memory.
        warm.push(seconds_at(&mut reader, &text, TOKENS - 2, &[]));
        for layer in [0, layers / 2, layers - 1] {
            let change = Change::scale(&format!("L{layer}.N0=3")).expect("a change");
            let plain = seconds_at(&mut reader, &text, TOKENS - 2, &[]);
            let took = seconds_at(&mut reader, &text, TOKENS - 2, &[change]) - plain;
            match changes.iter_mut().find(|(of, _)| *of == layer) {
                Some((_, all)) => all.push(took),
                None => changes.push((layer, vec![took])),
            }
        }
    }
    println!(
        "first column, layers from the file: {:.3} s",
        median(column)
    );
    println!("first grid, layers from the file: {:.3} s", median(cold));
    println!("first grid, layers in memory: {:.3} s", median(warm));
    for (layer, took) in changes {
        println!(
            "a change in layer {layer}, with its grid: {:.3} s more",
            median(took)
        );
    }
    match pytorch(&folder) {
        Some(theirs) => println!("PyTorch, weights in memory: {theirs:.3} s"),
        None => println!("PyTorch: skipped, no python with torch and transformers"),
    }
}

/// A text of as many tokens as are asked for.
fn text(location: &Location) -> String {
    let reader = Reader::open(location, DeviceChoice::Cpu).expect("a model");
    let words = "the cat sat on a mat and saw two birds in that old tree near our house by day";
    let words: Vec<&str> = words.split(' ').cycle().take(4 * TOKENS).collect();
    let vocabulary = &reader.card().vocabulary;
    let tokens = |n: usize| vocabulary.encode(&words[..n].join(" ")).expect("ids").len();
    let most = (1..words.len()).take_while(|&n| tokens(n) <= TOKENS).last();
    words[..most.unwrap_or(1)].join(" ")
}

/// Until the column of the last token stands, and until the whole grid does.
fn seconds(reader: &mut Reader, text: &str) -> [f64; 2] {
    let start = Instant::now();
    let first = OnceLock::new();
    let on_partial = |_| {
        first.get_or_init(|| start.elapsed().as_secs_f64());
    };
    let callbacks = Callbacks {
        on_partial: Some(&on_partial),
        ..Callbacks::none()
    };
    let whole = ask(reader, (text, None, &[]), callbacks);
    [first.get().copied().unwrap_or(whole), whole]
}

fn seconds_at(reader: &mut Reader, text: &str, position: usize, changes: &[Change]) -> f64 {
    let tokens = reader.card().vocabulary.encode(text).expect("ids").len();
    let position = Some(position.min(tokens - 1));
    ask(reader, (text, position, changes), Callbacks::none())
}

fn ask(
    reader: &mut Reader,
    (text, position, changes): (&str, Option<usize>, &[Change]),
    callbacks: Callbacks<'_>,
) -> f64 {
    let query = Query::Prompt(PromptQuery {
        text: text.into(),
        special: false,
        chat: false,
        position,
        target: None,
        against: None,
        k: 10,
        lens_k: 1,
        changes: changes.to_vec(),
        continuation: None,
    });
    let start = Instant::now();
    reader.answer(&query, callbacks).expect("an answer");
    start.elapsed().as_secs_f64()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Seconds of a grid in PyTorch, after a small one.
fn pytorch(folder: &Path) -> Option<f64> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/prompt.py");
    let mut command = Command::new(python);
    command.arg(script).arg(folder);
    command.args([TOKENS.to_string(), RUNS.to_string()]);
    let output = command.output().ok().filter(|o| o.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let times: Vec<f64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    (!times.is_empty()).then(|| median(times))
}
