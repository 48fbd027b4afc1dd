//! The forward pass of a GPT-2 of 24 × 1024 on 100 texts of 40 tokens, what measuring it costs,
//! and, where a Python with torch and transformers is (`PYTHON`, else `python3`), the same in
//! PyTorch on as many threads: `cargo bench --bench forward`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/checkpoint_writer/mod.rs"]
mod checkpoint_writer;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use candle_core::Device;
use checkpoint_writer::{Number, Synthetic};
use lexiscope::checkpoint::{Checkpoint, Location};
use lexiscope::geometry::{Measuring, Plan, StateSizes, Subwords, TextPlan};
use lexiscope::task::CancelToken;
use lexiscope::transformer::{Forward, HookPoint, with_numbers};

const TEXTS: usize = 100;
const TOKENS: usize = 40;
const RUNS: usize = 3;

fn main() {
    let folder = std::env::temp_dir().join("lexiscope-bench-medium");
    if !folder.join("model.safetensors").exists() {
        let medium = Synthetic {
            number: Number::F16,
            ..Synthetic::medium()
        };
        medium.write(&folder).expect("room for 0.7 GB");
    }
    let location = Location::Folder {
        name: "medium".into(),
        path: folder.clone(),
    };
    let checkpoint = Checkpoint::open(&location).expect("a checkpoint that opens");
    let forward = Forward::new(&checkpoint, &Device::Cpu).expect("a GPT-2");
    let mut ratios = Vec::new();
    // In turn, so that whatever else the machine does falls on both.
    for _ in 0..RUNS {
        let (ours, taking, finishing) = run(&forward, &checkpoint);
        let measuring = taking + finishing;
        println!("forward pass: {ours:.2} s, weights read from the file");
        println!(
            "all measures of all states: {measuring:.2} s, {finishing:.2} of it at the end, {:.1} %",
            100.0 * measuring / ours
        );
        if let Some(theirs) = pytorch(&folder) {
            println!("PyTorch: {theirs:.2} s, weights in memory");
            ratios.push(ours / theirs);
        }
    }
    ratios.sort_unstable_by(f64::total_cmp);
    match ratios.get(ratios.len() / 2) {
        Some(ratio) => println!("ours takes {ratio:.2} × as long as PyTorch (median)"),
        None => println!("PyTorch: skipped, no python with torch and transformers"),
    }
}

/// Seconds of the pass, and of the measures: beside it, and at its end.
fn run(forward: &Forward<'_>, checkpoint: &Checkpoint) -> (f64, f64, f64) {
    let vocab = checkpoint.spec().vocab;
    let texts: Vec<Vec<u32>> = (0..TEXTS * TOKENS)
        .map(|i| (i * 7919 % vocab) as u32)
        .collect::<Vec<_>>()
        .chunks(TOKENS)
        .map(<[u32]>::to_vec)
        .collect();
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    // A token that stands once in every text, as "nie" does in Polish ones.
    let plans = (0..TEXTS).map(|i| {
        let at = i % TOKENS;
        TextPlan::new((0..TOKENS).collect(), std::iter::once(at..at + 1).collect())
    });
    let sizes = StateSizes {
        states: forward.states(),
        width: checkpoint.spec().d_model,
    };
    let plan = Plan::new(sizes, plans.collect(), true, Subwords::Mean);
    let mut measuring = Measuring::new(plan, 1);
    let mut measures = 0.0;
    let start = Instant::now();
    let done = forward.run(
        &texts,
        &[HookPoint::State],
        CancelToken::never(),
        &mut |hooked| {
            let start = Instant::now();
            with_numbers(hooked.tensor, |numbers| {
                measuring.take(hooked.at, hooked.texts.clone(), hooked.rows, numbers);
            })?;
            measures += start.elapsed().as_secs_f64();
            Ok(None)
        },
    );
    done.expect("states");
    let pass = start.elapsed().as_secs_f64() - measures;
    let start = Instant::now();
    std::hint::black_box(measuring.finish());
    (pass, measures, start.elapsed().as_secs_f64())
}

/// Seconds of one run of PyTorch, after a small one.
fn pytorch(folder: &Path) -> Option<f64> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/forward.py");
    let sizes = [TEXTS, TOKENS, 1].map(|n| n.to_string());
    let output = Command::new(python)
        .arg(script)
        .arg(folder)
        .args(sizes)
        .output();
    let output = output.ok().filter(|o| o.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().find_map(|line| line.parse().ok())
}
