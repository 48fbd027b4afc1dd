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

/// A GGUF file in the making: little-endian, version 3.
struct Gguf(Vec<u8>);

impl Gguf {
    fn string(&mut self, text: &str) {
        self.0.extend((text.len() as u64).to_le_bytes());
        self.0.extend(text.as_bytes());
    }

    /// A key whose value is a string, or an unsigned number.
    fn key(&mut self, name: &str, value: Result<&str, u32>) {
        self.string(name);
        match value {
            Ok(text) => {
                self.0.extend(8u32.to_le_bytes());
                self.string(text);
            }
            Err(number) => {
                self.0.extend(4u32.to_le_bytes());
                self.0.extend(number.to_le_bytes());
            }
        }
    }

    /// The head of an array of this type of values.
    fn array(&mut self, name: &str, kind: u32, length: usize) {
        self.string(name);
        self.0.extend(9u32.to_le_bytes());
        self.0.extend(kind.to_le_bytes());
        self.0.extend((length as u64).to_le_bytes());
    }
}

/// A Llama of 80 layers and 128,256 tokens as GGUF, all numbers f16 and a hole; returns its bytes.
fn write_gguf(path: &Path) -> u64 {
    const LAYERS: usize = 80;
    const WIDTH: usize = 5120;
    const INNER: usize = 16_384;
    const TOKENS: usize = 128_256;
    let layer = [
        ("attn_norm", vec![WIDTH]),
        ("ffn_norm", vec![WIDTH]),
        ("attn_q", vec![WIDTH, WIDTH]),
        ("attn_k", vec![WIDTH, 1024]),
        ("attn_v", vec![WIDTH, 1024]),
        ("attn_output", vec![WIDTH, WIDTH]),
        ("ffn_gate", vec![WIDTH, INNER]),
        ("ffn_up", vec![WIDTH, INNER]),
        ("ffn_down", vec![INNER, WIDTH]),
    ];
    let mut tensors = vec![
        ("token_embd.weight".to_owned(), vec![WIDTH, TOKENS]),
        ("output_norm.weight".to_owned(), vec![WIDTH]),
        ("output.weight".to_owned(), vec![WIDTH, TOKENS]),
    ];
    for index in 0..LAYERS {
        let named = |(name, shape): &(&str, Vec<usize>)| {
            (format!("blk.{index}.{name}.weight"), shape.clone())
        };
        tensors.extend(layer.iter().map(named));
    }
    let mut gguf = Gguf(b"GGUF\x03\0\0\0".to_vec());
    gguf.0.extend((tensors.len() as u64).to_le_bytes());
    gguf.0.extend(13u64.to_le_bytes());
    gguf.key("general.architecture", Ok("llama"));
    for (name, value) in [
        ("block_count", LAYERS),
        ("embedding_length", WIDTH),
        ("feed_forward_length", INNER),
        ("attention.head_count", 40),
        ("attention.head_count_kv", 8),
        ("context_length", 8192),
    ] {
        gguf.key(&format!("llama.{name}"), Err(u32::try_from(value).unwrap()));
    }
    gguf.string("llama.attention.layer_norm_rms_epsilon");
    gguf.0.extend(6u32.to_le_bytes());
    gguf.0.extend(1e-5f32.to_le_bytes());
    gguf.key("tokenizer.ggml.model", Ok("gpt2"));
    gguf.key("tokenizer.ggml.pre", Ok("llama-bpe"));
    let tokenizer = checkpoint_writer::tokenizer::tokenizer_json(TOKENS, 1);
    let tokenizer: Value = serde_json::from_slice(&tokenizer).unwrap();
    let tokens = tokenizer["model"]["vocab"].as_object().unwrap();
    let mut by_id: Vec<(&String, u64)> = tokens
        .iter()
        .map(|(t, id)| (t, id.as_u64().unwrap()))
        .collect();
    by_id.sort_by_key(|(_, id)| *id);
    gguf.array("tokenizer.ggml.tokens", 8, TOKENS);
    by_id.iter().for_each(|(token, _)| gguf.string(token));
    gguf.array("tokenizer.ggml.token_type", 5, TOKENS);
    gguf.0.extend([1, 0, 0, 0].repeat(TOKENS));
    let merges = tokenizer["model"]["merges"].as_array().unwrap();
    gguf.array("tokenizer.ggml.merges", 8, merges.len());
    for pair in merges {
        let side = |i: usize| pair[i].as_str().unwrap();
        gguf.string(&format!("{} {}", side(0), side(1)));
    }
    let mut end = 0;
    for (name, shape) in &tensors {
        gguf.string(name);
        gguf.0
            .extend(u32::try_from(shape.len()).unwrap().to_le_bytes());
        shape
            .iter()
            .for_each(|n| gguf.0.extend((*n as u64).to_le_bytes()));
        gguf.0.extend(1u32.to_le_bytes());
        gguf.0.extend((end as u64).to_le_bytes());
        end += (2 * shape.iter().product::<usize>()).next_multiple_of(32);
    }
    let size = (gguf.0.len().next_multiple_of(32) + end) as u64;
    let mut file = File::create(path).unwrap();
    file.write_all(&gguf.0).unwrap();
    file.set_len(size).unwrap();
    size
}

/// What `info` prints of a GGUF file that is larger than most machines' memory.
fn outline_of_a_large_gguf() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.gguf");
    let size = write_gguf(&path);
    assert!(size > 40_000_000_000, "{size}");
    let before = most_resident();
    let location = Location::Folder {
        name: "large".to_owned(),
        path,
    };
    let card = Reader::outline(&location, DeviceChoice::Cpu).unwrap();
    let card = card.expect("only its headers are read");
    assert_eq!((card.spec.layers, card.spec.vocab), (80, 128_256));
    let held = most_resident() - before;
    assert!(held < 100 << 20, "{held}");
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
    outline_of_a_large_gguf();
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
    let (said, enough) = refused.rsplit_once(' ').unwrap();
    assert!(said.ends_with("allows 1M; give --memory"), "{refused}");
    bounded.answer(&neuron(0, 0), Callbacks::none()).unwrap();
    let enough = enough.strip_suffix('M').unwrap().parse::<u64>().unwrap() << 20;
    let mut bounded = bounded.holding(MemoryBudget {
        kept: enough,
        most: Some(enough),
    });
    bounded
        .answer(&pairs(0, Form::Vo), Callbacks::none())
        .unwrap();
    let embedding = F32 * VOCAB * WIDTH;
    let (resident, allowed) = (most_resident(), embedding + 2 * layer_bytes + (200 << 20));
    assert!(resident < allowed, "{resident} of {allowed}");
    // It reads what it shows: not even one layer is ever held.
    assert!(resident < embedding + layer_bytes, "{resident}");
}
