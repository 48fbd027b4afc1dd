//! A checkpoint larger than memory: twelve gigabytes on paper, of which nothing is on the disk.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![cfg(target_os = "linux")]

mod checkpoint_writer;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use lexiscope::checkpoint::Location;
use lexiscope::projection::{DeviceChoice, End};
use lexiscope::query::{
    Answer, Answering, Callbacks, MemoryBudget, NeuronQuery, PairsQuery, Query, Reader,
};
use lexiscope::transformer::{Form, Input};
use lexiscope::vocabulary::Filters;
use serde_json::{Map, Value, json};

const LAYERS: usize = 15;
const WIDTH: usize = 4096;
const VOCAB: usize = 2048;
const F32: usize = 4;

/// Writes the header of a safetensors file and leaves its numbers a hole.
fn hollow(path: &Path, (dtype, bytes): (&str, usize), tensors: &[(String, Vec<usize>)]) -> u64 {
    let mut header = Map::new();
    let mut end = 0;
    for (name, shape) in tensors {
        let start = end;
        end += bytes * shape.iter().product::<usize>();
        let entry = json!({"dtype": dtype, "shape": shape, "data_offsets": [start, end]});
        header.insert(name.clone(), entry);
    }
    let header = Value::Object(header).to_string();
    let mut file = File::create(path).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes())
        .unwrap();
    file.write_all(header.as_bytes()).unwrap();
    let size = 8 + (header.len() + end) as u64;
    file.set_len(size).unwrap();
    size
}

/// Writes all but the weights of a GPT-2.
fn write_config(folder: &Path, layers: usize, vocab: usize) {
    let config = json!({
        "model_type": "gpt2", "n_layer": layers, "n_embd": WIDTH, "n_head": 64,
        "n_positions": 64, "vocab_size": vocab, "activation_function": "gelu_new"
    });
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let tokens = checkpoint_writer::tokenizer::tokenizer_json(vocab, 1);
    fs::write(folder.join("tokenizer.json"), tokens).unwrap();
}

/// The tensors of a layer, by name and shape.
fn layer_tensors(layer: usize) -> Vec<(String, Vec<usize>)> {
    let name = |rest: &str| format!("transformer.h.{layer}.{rest}.weight");
    vec![
        (name("attn.c_attn"), vec![WIDTH, 3 * WIDTH]),
        (name("attn.c_proj"), vec![WIDTH, WIDTH]),
        (name("mlp.c_fc"), vec![WIDTH, 4 * WIDTH]),
        (name("mlp.c_proj"), vec![4 * WIDTH, WIDTH]),
    ]
}

fn embeddings(vocab: usize) -> [(String, Vec<usize>); 2] {
    [
        ("transformer.wte.weight".to_owned(), vec![vocab, WIDTH]),
        ("transformer.wpe.weight".to_owned(), vec![64, WIDTH]),
    ]
}

/// A GPT-2 of a layer a shard; returns the bytes of a layer and of all shards.
fn write(folder: &Path) -> (usize, u64) {
    write_config(folder, LAYERS, VOCAB);
    let (mut map, mut all, mut layer_bytes) = (Map::new(), 0, 0);
    for layer in 0..LAYERS {
        let mut tensors = layer_tensors(layer);
        let sizes = tensors
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>());
        layer_bytes = F32 * sizes.sum::<usize>();
        if layer == 0 {
            tensors.extend(embeddings(VOCAB));
        }
        let shard = format!("model-{layer:05}-of-{LAYERS:05}.safetensors");
        all += hollow(&folder.join(&shard), ("F32", F32), &tensors);
        for (tensor, _) in tensors {
            map.insert(tensor, shard.clone().into());
        }
    }
    let index = json!({ "weight_map": map });
    fs::write(
        folder.join("model.safetensors.index.json"),
        index.to_string(),
    )
    .unwrap();
    (layer_bytes, all)
}

/// The most that this process has had resident, in bytes.
fn most_resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kilobytes = line.split_whitespace().nth(1).unwrap();
    kilobytes.parse::<usize>().unwrap() << 10
}

/// A neuron of a model whose embedding is of 16-bit numbers, the larger part of the file.
fn a_neuron_over_a_narrow_embedding() {
    const ROWS: usize = 24_576;
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), 1, ROWS);
    let mut tensors = layer_tensors(0);
    tensors.extend(embeddings(ROWS));
    let file = folder.path().join("model.safetensors");
    hollow(&file, ("BF16", 2), &tensors);
    let mut reader = open(folder.path());
    reader.answer(&neuron(0, 7), Callbacks::none()).unwrap();
    // As f32 the embedding alone would take 4 bytes a number.
    let (resident, stored) = (most_resident(), 2 * ROWS * WIDTH);
    assert!(
        resident < stored + (100 << 20),
        "{resident}, {stored} stored"
    );
}

fn open(path: &Path) -> Reader {
    let location = Location::Folder {
        name: "large".to_owned(),
        path: path.to_owned(),
    };
    Reader::open(&location, DeviceChoice::Cpu).unwrap()
}

fn neuron(layer: usize, neuron: usize) -> Query {
    Query::Neuron(NeuronQuery {
        convention: Default::default(),
        layer,
        neuron,
        input: Input::default(),
        k: 10,
        filters: Filters::default(),
    })
}

fn pairs(layer: usize, form: Form) -> Query {
    Query::Pairs(PairsQuery {
        convention: Default::default(),
        form,
        layer,
        head: layer,
        distance: 0,
        end: End::Highest,
        k: 10,
        filters: Filters::default(),
    })
}

#[test]
fn stepping_through_twelve_gigabytes_holds_the_embedding_and_little_more() {
    // First, as the most that a process has had is never less afterwards.
    a_neuron_over_a_narrow_embedding();
    let folder = tempfile::tempdir().unwrap();
    let (layer_bytes, all) = write(folder.path());
    assert!(all > 12_000_000_000, "{all}");
    let mut reader = open(folder.path()).holding(64 << 20);
    for layer in 0..LAYERS {
        let neuron = neuron(layer, 4 * WIDTH - 1 - layer);
        for query in [neuron, pairs(layer, Form::Vo), pairs(layer, Form::Qk)] {
            let scores: Vec<f32> = match reader.answer(&query, Callbacks::none()).unwrap() {
                Answer::Neuron(answer) => answer.columns[0].iter().map(|s| s.score).collect(),
                Answer::Pairs(answer) => answer.pairs.iter().map(|pair| pair.score).collect(),
                _ => panic!("another answer"),
            };
            assert_eq!(scores, [0.0; 10]);
        }
    }
    let mut bounded = open(folder.path()).holding(MemoryBudget {
        kept: 1 << 20,
        most: Some(1 << 20),
    });
    let refused = bounded.answer(&pairs(0, Form::Vo), Callbacks::none());
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.ends_with("allows 1M; give --memory 3M"),
        "{refused}"
    );
    bounded.answer(&neuron(0, 0), Callbacks::none()).unwrap();
    let embedding = F32 * VOCAB * WIDTH;
    let (resident, allowed) = (most_resident(), embedding + 2 * layer_bytes + (200 << 20));
    assert!(resident < allowed, "{resident} of {allowed}");
    // It reads what it shows: not even one layer is ever held.
    assert!(resident < embedding + layer_bytes, "{resident}");
}
