//! GGUF files of the checkpoints in `tests/families`, out of `tests/gguf/later.json`,
//! `tests/gguf/converted.json` and the checkpoints' own numbers (`later.py` and `converted.py`).

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// What a file holds of each checkpoint.
pub fn described() -> Value {
    let [mut described, converted] = ["later", "converted"].map(|name| -> Value {
        let path = tests().join("gguf").join(format!("{name}.json"));
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    });
    let all = described.as_object_mut().unwrap();
    all.extend(converted.as_object().unwrap().clone());
    described
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Writes a file, of version 3.
pub fn write(path: &Path, name: &str, described: &Value) {
    let weights = fs::read(
        tests()
            .join("families")
            .join(name)
            .join("model.safetensors"),
    )
    .unwrap();
    let header = u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize;
    let (numbers, _) = weights[8 + header..].as_chunks::<2>();
    let list = |key: &str| described[key].as_array().unwrap();
    let mut keys = list("keys").clone();
    keys.extend(tokenizer(name));
    let mut out = b"GGUF\x03\0\0\0".to_vec();
    out.extend((list("tensors").len() as u64).to_le_bytes());
    out.extend((keys.len() as u64).to_le_bytes());
    for key in keys {
        string(&mut out, key[0].as_str().unwrap());
        value(&mut out, key[1].as_str().unwrap(), &key[2]);
    }
    let mut data = Vec::new();
    for tensor in list("tensors") {
        string(&mut out, tensor[0].as_str().unwrap());
        let shape = tensor[2].as_array().unwrap();
        out.extend((shape.len() as u32).to_le_bytes());
        for size in shape.iter().rev() {
            out.extend(size.as_u64().unwrap().to_le_bytes());
        }
        let kind = tensor[1].as_str().unwrap();
        let id = ["F32", "BF16", "MXFP4"].iter().position(|own| *own == kind);
        out.extend([0u32, 30, 39][id.unwrap()].to_le_bytes());
        out.extend((data.len() as u64).to_le_bytes());
        data.extend(content(kind, tensor, numbers));
        data.resize(data.len().next_multiple_of(32), 0);
    }
    out.resize(out.len().next_multiple_of(32), 0);
    out.extend(data);
    fs::write(path, out).unwrap();
}

/// The keys of a checkpoint's tokenizer.
fn tokenizer(name: &str) -> Vec<Value> {
    let path = tests().join("families").join(name).join("tokenizer.json");
    let tokenizer: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let vocab = &tokenizer["model"]["vocab"];
    let mut tokens: Vec<(u64, &str)> = match vocab {
        Value::Array(pieces) => (0..)
            .zip(pieces)
            .map(|(id, piece)| (id, piece[0].as_str().unwrap()))
            .collect(),
        vocab => vocab
            .as_object()
            .unwrap()
            .iter()
            .map(|(token, id)| (id.as_u64().unwrap(), token.as_str()))
            .collect(),
    };
    tokens.sort();
    let special = tokenizer["added_tokens"].as_array().unwrap();
    let kind = |(id, token): &(u64, &str)| match token.starts_with("<0x") {
        _ if special.iter().any(|added| added["id"] == *id) => 3,
        true => 6,
        false => 1,
    };
    let kinds: Vec<u32> = tokens.iter().map(kind).collect();
    let scores: Vec<f64> = tokens.iter().map(|(id, _)| -(*id as f64)).collect();
    let names: Vec<&str> = tokens.iter().map(|(_, token)| *token).collect();
    vec![
        json!(["tokenizer.ggml.model", "string", "llama"]),
        json!(["tokenizer.ggml.pre", "string", "default"]),
        json!(["tokenizer.ggml.tokens", "string[]", names]),
        json!(["tokenizer.ggml.scores", "f32[]", scores]),
        json!(["tokenizer.ggml.token_type", "u32[]", kinds]),
        json!(["tokenizer.ggml.add_space_prefix", "bool", false]),
    ]
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn value(out: &mut Vec<u8>, kind: &str, value: &Value) {
    const KINDS: [(&str, u32); 4] = [("u32", 4), ("f32", 6), ("bool", 7), ("string", 8)];
    let id = |kind: &str| KINDS.iter().find(|known| known.0 == kind).unwrap().1;
    if let Some(inner) = kind.strip_suffix("[]") {
        let all = value.as_array().unwrap();
        out.extend(9u32.to_le_bytes());
        out.extend(id(inner).to_le_bytes());
        out.extend((all.len() as u64).to_le_bytes());
        return all.iter().for_each(|value| scalar(out, inner, value));
    }
    out.extend(id(kind).to_le_bytes());
    scalar(out, kind, value);
}

fn scalar(out: &mut Vec<u8>, kind: &str, value: &Value) {
    match kind {
        "u32" => out.extend((value.as_u64().unwrap() as u32).to_le_bytes()),
        "f32" => out.extend((value.as_f64().unwrap() as f32).to_le_bytes()),
        "bool" => out.push(value.as_bool().unwrap().into()),
        _ => string(out, value.as_str().unwrap()),
    }
}

fn content(kind: &str, tensor: &Value, numbers: &[[u8; 2]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    match tensor[3].as_str().unwrap() {
        "bytes" => {
            let (pairs, _) = tensor[4].as_str().unwrap().as_bytes().as_chunks::<2>();
            let digits = pairs.iter().map(|pair| std::str::from_utf8(pair).unwrap());
            bytes.extend(digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()));
        }
        "numbers" => {
            for number in tensor[4].as_array().unwrap() {
                bytes.extend((number.as_f64().unwrap() as f32).to_le_bytes());
            }
        }
        _ => {
            for run in tensor[4].as_array().unwrap() {
                let [first, count, step] = [0, 1, 2].map(|i| run[i].as_i64().unwrap());
                for i in 0..count {
                    // An f32 has the same upper half, and nothing below it.
                    bytes.extend([0, 0].iter().filter(|_| kind == "F32"));
                    bytes.extend(numbers[(first + i * step) as usize]);
                }
            }
        }
    }
    bytes
}
