//! Writes a synthetic GPT-2 checkpoint of any size, for tests and benches: weights that are the
//! same every time, streamed to disk, and a byte-level tokenizer of as many made-up words.
//! Include it with `#[path = "checkpoint_writer/mod.rs"] mod checkpoint_writer;`.
#![allow(dead_code)] // Each test that includes this uses its own part of it.

pub mod tokenizer;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use serde_json::{Map, Value, json};

pub use tokenizer::tokenizer_json;

/// How numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    F32,
    F16,
    Bf16,
}

impl Number {
    fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
        }
    }

    fn bytes(self) -> usize {
        if self == Self::F32 { 4 } else { 2 }
    }
}

/// A GPT-2 of chosen sizes. Start from [`Synthetic::tiny`] or [`Synthetic::medium`].
#[derive(Clone, Debug)]
pub struct Synthetic {
    pub layers: usize,
    pub width: usize,
    pub heads: usize,
    /// At least 300: the 256 bytes and some words.
    pub vocab: usize,
    pub positions: usize,
    pub number: Number,
    /// 1 writes `model.safetensors`, more write shards and their index.
    pub shards: usize,
    /// Without it an `lm_head.weight` of its own is written.
    pub tied: bool,
    pub seed: u64,
}

/// The folder of a checkpoint of medium size in f16, written once for all benches.
pub fn medium() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join("lexiscope-bench-medium");
    if !folder.join("model.safetensors").exists() {
        let medium = Synthetic {
            number: Number::F16,
            ..Synthetic::medium()
        };
        medium
            .write(&folder)
            .expect("room for 0.7 GB in the folder of temporary files");
    }
    folder
}

struct Tensor {
    name: String,
    shape: Vec<usize>,
    /// Mean and deviation of its numbers.
    mean: f32,
    deviation: f32,
}

impl Synthetic {
    /// 2 layers, 32 wide, 4 heads, 320 tokens.
    pub fn tiny() -> Self {
        Self {
            layers: 2,
            width: 32,
            heads: 4,
            vocab: 320,
            positions: 16,
            number: Number::F32,
            shards: 1,
            tied: true,
            seed: 1,
        }
    }

    /// The sizes of GPT-2 medium with a vocabulary of 51,200: about 1.4 GB as f32.
    pub fn medium() -> Self {
        Self {
            layers: 24,
            width: 1024,
            heads: 16,
            vocab: 51_200,
            positions: 1024,
            ..Self::tiny()
        }
    }

    /// Writes `config.json`, `tokenizer.json` and the weights into `folder`, which is made.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let config = serde_json::to_vec_pretty(&self.config())?;
        fs::write(folder.join("config.json"), config)?;
        fs::write(
            folder.join("tokenizer.json"),
            tokenizer_json(self.vocab, self.seed),
        )?;
        let tensors = self.tensors();
        if self.shards <= 1 {
            return self.write_shard(&folder.join("model.safetensors"), &tensors);
        }
        let mut map = Map::new();
        let per_shard = tensors.len().div_ceil(self.shards);
        for (i, shard) in tensors.chunks(per_shard).enumerate() {
            let file = format!("model-{:05}-of-{:05}.safetensors", i + 1, self.shards);
            self.write_shard(&folder.join(&file), shard)?;
            map.extend(shard.iter().map(|t| (t.name.clone(), json!(file))));
        }
        let index = json!({"metadata": {}, "weight_map": map});
        fs::write(
            folder.join("model.safetensors.index.json"),
            serde_json::to_vec_pretty(&index)?,
        )
    }

    /// The content of `config.json`.
    pub fn config(&self) -> Value {
        json!({
            "model_type": "gpt2",
            "n_layer": self.layers,
            "n_embd": self.width,
            "n_head": self.heads,
            "n_inner": null,
            "n_positions": self.positions,
            "vocab_size": self.vocab,
            "activation_function": "gelu_new",
            "layer_norm_epsilon": 1e-5,
            "tie_word_embeddings": self.tied,
        })
    }

    fn tensors(&self) -> Vec<Tensor> {
        let (d, f) = (self.width, 4 * self.width);
        let mut tensors = Vec::new();
        let mut push = |name: String, shape: &[usize], mean: f32, deviation: f32| {
            tensors.push(Tensor {
                name: format!("transformer.{name}"),
                shape: shape.to_vec(),
                mean,
                deviation,
            });
        };
        push("wte.weight".into(), &[self.vocab, d], 0.0, 0.14);
        push("wpe.weight".into(), &[self.positions, d], 0.0, 0.02);
        for i in 0..self.layers {
            for (name, rows, cols) in [
                ("attn.c_attn", d, 3 * d),
                ("attn.c_proj", d, d),
                ("mlp.c_fc", d, f),
                ("mlp.c_proj", f, d),
            ] {
                push(format!("h.{i}.{name}.weight"), &[rows, cols], 0.0, 0.05);
                push(format!("h.{i}.{name}.bias"), &[cols], 0.0, 0.01);
            }
            for name in ["ln_1", "ln_2"] {
                push(format!("h.{i}.{name}.weight"), &[d], 1.0, 0.1);
                push(format!("h.{i}.{name}.bias"), &[d], 0.0, 0.01);
            }
        }
        push("ln_f.weight".into(), &[d], 1.0, 0.1);
        push("ln_f.bias".into(), &[d], 0.0, 0.01);
        if !self.tied {
            tensors.push(Tensor {
                name: "lm_head.weight".into(),
                shape: vec![self.vocab, d],
                mean: 0.0,
                deviation: 0.1,
            });
        }
        tensors
    }

    fn write_shard(&self, path: &Path, tensors: &[Tensor]) -> io::Result<()> {
        let mut header = Map::new();
        header.insert("__metadata__".into(), json!({"format": "pt"}));
        let mut end = 0;
        for tensor in tensors {
            let start = end;
            end += tensor.shape.iter().product::<usize>() * self.number.bytes();
            let entry = json!({
                "dtype": self.number.name(),
                "shape": tensor.shape,
                "data_offsets": [start, end],
            });
            header.insert(tensor.name.clone(), entry);
        }
        let mut header = serde_json::to_vec(&header)?;
        header.resize(header.len().next_multiple_of(8), b' ');
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        for tensor in tensors {
            self.write_numbers(&mut out, tensor)?;
        }
        out.flush()
    }

    /// Numbers in pieces, each a sum of four uniform ones: close enough to normal.
    fn write_numbers(&self, out: &mut impl Write, tensor: &Tensor) -> io::Result<()> {
        let mut random = Random::new(self.seed ^ hash(&tensor.name));
        // Four 16-bit uniforms have a deviation of 2·65536/√12.
        let scale = tensor.deviation / (2.0 * 65_536.0 / 12f32.sqrt());
        let mut left = tensor.shape.iter().product::<usize>();
        let (mut numbers, mut bytes) = (vec![0f32; 1 << 16], vec![]);
        while left > 0 {
            numbers.truncate(left);
            left -= numbers.len();
            for x in &mut numbers {
                let bits = random.next();
                let sum: i32 = (0..4).map(|i| (bits >> (16 * i)) as u16 as i32).sum();
                *x = tensor.mean + (sum - 131_070) as f32 * scale;
            }
            bytes.clear();
            match self.number {
                Number::F32 => bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes())),
                Number::F16 => {
                    let mut out = vec![f16::ZERO; numbers.len()];
                    out.convert_from_f32_slice(&numbers);
                    bytes.extend(out.iter().flat_map(|x| x.to_le_bytes()));
                }
                Number::Bf16 => {
                    let mut out = vec![bf16::ZERO; numbers.len()];
                    out.convert_from_f32_slice(&numbers);
                    bytes.extend(out.iter().flat_map(|x| x.to_le_bytes()));
                }
            }
            out.write_all(&bytes)?;
        }
        Ok(())
    }
}

/// FNV-1a, so that a tensor's numbers depend on its name alone.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}
