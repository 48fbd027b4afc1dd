//! Files changed at random, from fixed seeds: opening and reading them ends in an answer or in a
//! sentence, whatever was changed, within the memory that such a file may take. `LEXISCOPE_FUZZ=100`
//! goes on for a hundred times as long.

use std::fs;

use fastrand::Rng;
use lexiscope::projection::DeviceChoice;
use lexiscope::query::{Answering, Callbacks, NeuronQuery, Query, Reader};
use lexiscope::scan::{Scan, ScanPlan, Scanned, What};
use lexiscope::vocabulary::Filters;

use crate::harm::{Copy, location};

/// Resident memory at most, in kilobytes: the largest change of these files makes less of them.
const MEMORY_MAX: u64 = 1 << 20;

pub fn rounds(usual: u64) -> u64 {
    let more = std::env::var("LEXISCOPE_FUZZ").ok();
    usual * more.and_then(|more| more.parse().ok()).unwrap_or(1)
}

/// A file with bytes changed, taken away, repeated and moved, and lengths made large. Half of the
/// changes are near the start or the end, where formats keep what they say of the rest.
pub fn changed(bytes: &[u8], random: &mut Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.usize(1..8) {
        let near = bytes.len().min(6_000);
        let at = match random.u8(..4) {
            0 => random.usize(..near.max(1)),
            1 => bytes.len().saturating_sub(1 + random.usize(..near.max(1))),
            _ => random.usize(..bytes.len().max(1)),
        };
        if bytes.is_empty() {
            return bytes;
        }
        let end = (at + random.usize(1..64)).min(bytes.len());
        match random.u8(..8) {
            0 => bytes[at] ^= 1 << random.u8(..8),
            1 => bytes[at] = random.u8(..),
            2 => random.fill(&mut bytes[at..end]),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let part = bytes[at..end].repeat(random.usize(1..300));
                drop(bytes.splice(at..at, part));
            }
            5 => bytes.truncate(at),
            6 => {
                let large = [u64::MAX, 1 << 40, 1 << 31, 0x7fff_ffff][random.usize(..4)];
                let width = [4, 8][random.usize(..2)].min(bytes.len() - at);
                bytes[at..at + width].copy_from_slice(&large.to_le_bytes()[..width]);
            }
            _ => {
                let other = random.usize(..bytes.len());
                let len = (end - at).min(bytes.len() - other);
                bytes.copy_within(at..at + len, other);
            }
        }
    }
    bytes
}

/// The most that this process has had in memory.
pub fn most_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

#[track_caller]
pub fn most_memory_is_bounded() {
    let most = most_memory().unwrap_or_default();
    assert!(most < MEMORY_MAX, "{most} kB");
}

#[track_caller]
pub fn expect_sentence(message: &str, what: &str) {
    assert!(!message.contains(char::is_control), "{what}: {message:?}");
    assert!(message.chars().count() < 1_200, "{what}: {message}");
}

pub fn neuron() -> Query {
    Query::Neuron(NeuronQuery {
        convention: Default::default(),
        layer: 0,
        neuron: 1,
        input: Default::default(),
        k: 5,
        filters: Filters::default(),
    })
}

#[test]
fn no_change_of_a_checkpoint_is_worse_than_a_sentence() {
    for (seed, (reference, file, usual)) in [
        ("gpt2-safetensors", "model.safetensors", 60),
        ("gpt2-safetensors", "config.json", 60),
        ("gpt2-safetensors", "tokenizer.json", 30),
        ("gpt2-pickle", "pytorch_model.bin", 120),
        ("herbert-legacy", "pytorch_model.bin", 120),
    ]
    .into_iter()
    .enumerate()
    {
        let mut random = Rng::with_seed(seed as u64);
        let copy = Copy::of(reference);
        let whole = copy.read(file);
        for round in 0..rounds(usual) {
            copy.write(file, changed(&whole, &mut random));
            let what = format!("{reference}/{file}, round {round}");
            match Reader::open(&location(&copy.path("")), DeviceChoice::Cpu) {
                Err(error) => expect_sentence(&error.to_string(), &what),
                Ok(mut reader) => {
                    if let Err(error) = reader.answer(&neuron(), Callbacks::none()) {
                        expect_sentence(&error.to_string(), &what);
                    }
                }
            }
        }
    }
    most_memory_is_bounded();
}

#[test]
fn no_change_of_a_scan_is_worse_than_a_sentence() {
    let copy = Copy::of("gpt2-safetensors");
    let out = copy.path("scan.parquet");
    let open = || Reader::open(&location(&copy.path("")), DeviceChoice::Cpu).unwrap();
    let plan = ScanPlan {
        convention: Default::default(),
        layers: Some("0".parse().unwrap()),
        what: What::Neurons,
        k: 5,
        pairs: 5,
        filters: Filters::default(),
    };
    Scan::run(&mut open(), &plan, &out, lexiscope::task::Callbacks::none()).unwrap();
    let whole = fs::read(&out).unwrap();
    let mut random = Rng::with_seed(5);
    for round in 0..rounds(60) {
        fs::write(&out, changed(&whole, &mut random)).unwrap();
        let what = format!("round {round}");
        match Scanned::open(open(), &out) {
            Err(error) => expect_sentence(&error.to_string(), &what),
            Ok(mut scanned) => {
                if let Err(error) = scanned.answer(&neuron(), Callbacks::none()) {
                    expect_sentence(&error.to_string(), &what);
                }
            }
        }
    }
}
