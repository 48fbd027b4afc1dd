//! Checkpoints that are whole, and not what can be read: each is called what it is, with what to take
//! in its place.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::harm::{Copy, Stored, expect_line, open};

const UP: &str = "transformer.h.0.mlp.c_fc.weight";

/// A GPT-2 in which one matrix is stored in another way.
fn stored(
    change: impl FnOnce(&mut Stored) -> Vec<(&'static str, &'static str, Vec<usize>)>,
) -> Copy {
    let copy = Copy::of("gpt2-safetensors");
    let mut tensors = copy.tensors();
    let up = tensors.iter_mut().find(|t| t.name == UP).unwrap();
    let beside = change(up);
    let bytes = |dtype: &str, shape: &[usize]| {
        let item = if dtype == "U8" { 1 } else { 4 };
        vec![0; item * shape.iter().product::<usize>()]
    };
    tensors.extend(beside.into_iter().map(|(name, dtype, shape)| Stored {
        name: name.to_owned(),
        dtype: dtype.to_owned(),
        bytes: bytes(dtype, &shape),
        shape,
    }));
    copy.write_tensors(&tensors);
    copy
}

#[test]
fn quantised_weights_are_called_by_their_scheme() {
    let gptq = stored(|up| {
        up.name = UP.replace("weight", "qweight");
        up.dtype = "I32".to_owned();
        vec![("transformer.h.0.mlp.c_fc.g_idx", "I32", vec![48])]
    });
    gptq.is_refused(&[
        UP,
        "expected plain numbers, got whole numbers packed by GPTQ",
        "take the one",
    ]);
    let awq = stored(|up| {
        up.name = UP.replace("weight", "qweight");
        up.dtype = "I32".to_owned();
        vec![("transformer.h.0.mlp.c_fc.qzeros", "I32", vec![4, 4])]
    });
    awq.is_refused(&[UP, "got whole numbers packed by AWQ or GPTQ"]);
    let bitsandbytes = stored(|up| {
        up.dtype = "U8".to_owned();
        up.shape = vec![up.bytes.len(), 1];
        vec![("transformer.h.0.mlp.c_fc.weight.quant_map", "F32", vec![16])]
    });
    bitsandbytes.is_refused(&[
        UP,
        "model.safetensors: ",
        "got 4-bit numbers of bitsandbytes",
    ]);
    let fp8 = stored(|up| {
        up.dtype = "F8_E4M3".to_owned();
        up.bytes.truncate(48 * 192);
        vec![(
            "transformer.h.0.mlp.c_fc.weight_scale_inv",
            "F32",
            vec![1, 3],
        )]
    });
    fp8.is_refused(&[UP, "got scaled 8-bit floats (FP8)"]);
    let alone = stored(|up| {
        up.dtype = "F8_E5M2".to_owned();
        up.bytes.truncate(48 * 192);
        Vec::new()
    });
    alone.is_refused(&[UP, "got 8-bit floats (F8_E5M2)"]);
    let unmerged = stored(|up| {
        up.name = UP.replace("weight", "base_layer.weight");
        Vec::new()
    });
    unmerged.is_refused(&[UP, "a PEFT adapter that was not merged", "merge_and_unload"]);
}

#[test]
fn a_placeholder_of_a_sharded_run_is_called_so() {
    let empty = stored(|up| {
        up.shape = vec![0];
        up.bytes.clear();
        Vec::new()
    });
    empty.is_refused(&[
        UP,
        "got an empty placeholder [0], as DeepSpeed ZeRO-3 leaves",
        "zero_to_fp32",
    ]);
}

#[test]
fn a_file_of_nothing_but_empty_tensors_is_refused_at_once() {
    let copy = Copy::of("gpt2-safetensors");
    let tensors: Vec<Stored> = (0..200_000)
        .map(|i| Stored {
            name: format!("t{i}"),
            dtype: "F32".to_owned(),
            shape: vec![0],
            bytes: Vec::new(),
        })
        .collect();
    copy.write_tensors(&tensors);
    copy.is_refused(&["model.safetensors: expected at most 131072 tensors, got more"]);
    copy.remove("model.safetensors");
    let map: serde_json::Map<_, _> = (0..200_000)
        .map(|i| (format!("t{i}"), json!("one.safetensors")))
        .collect();
    copy.write(
        "model.safetensors.index.json",
        json!({ "weight_map": map }).to_string(),
    );
    copy.is_refused(&["index.json: expected an index of at most 131072 tensors, got more"]);
}

#[test]
fn folders_of_something_else_say_what_to_open() {
    let refusal = |files: &[(&str, &str)]| {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        open(folder.path()).map(drop).unwrap_err().to_string()
    };
    let gguf = refusal(&[("m.Q4_K_M.gguf", "GGUF")]);
    expect_line(
        &gguf,
        &["m.Q4_K_M.gguf: expected GGUF, got 4 bytes", "get it again"],
    );
    // Beside a configuration too.
    let copy = Copy::of("gpt2-safetensors");
    copy.remove("model.safetensors");
    copy.write("m.gguf", "GGUF");
    copy.is_refused(&["m.gguf: expected GGUF, got 4 bytes"]);
    let several = refusal(&[
        ("a.gguf", "GGUF"),
        ("b.gguf", "GGUF"),
        ("mmproj-a.gguf", "GGUF"),
    ]);
    expect_line(
        &several,
        &[
            "got several GGUF files: a.gguf, b.gguf;",
            "give the path of one",
        ],
    );
    let adapter = refusal(&[
        (
            "adapter_config.json",
            "{\"base_model_name_or_path\": \"owner/ba\\u001bse\"}",
        ),
        ("adapter_model.safetensors", ""),
    ]);
    expect_line(
        &adapter,
        &["got an adapter alone", "adapts (owner/ba\\u{1b}se)"],
    );
    let pipeline = refusal(&[
        ("model_index.json", "{}"),
        ("text_encoder/config.json", "{}"),
    ]);
    expect_line(
        &pipeline,
        &[
            "got a diffusers pipeline, which makes pictures (model_index.json)",
            "open its text encoder",
        ],
    );
    let below = refusal(&[("some/config.json", "{}"), ("README.md", "")]);
    expect_line(
        &below,
        &["got a model in a folder below (some)", "give that folder"],
    );
    for (file, got, advice) in [
        (
            "tf_model.h5",
            "weights for TensorFlow alone",
            "from_tf=True",
        ),
        (
            "flax_model.msgpack",
            "weights for Flax alone",
            "from_flax=True",
        ),
        ("model_quantized.onnx", "exported to ONNX", "exported from"),
        ("onnx/model.onnx", "exported to ONNX", "exported from"),
        (
            "openvino_model.xml",
            "exported for one program",
            "exported from",
        ),
        ("tokenizer.json", "a tokenizer alone", "a whole model"),
        ("modules.json", "without a transformer", "another model"),
    ] {
        // Whether or not a configuration and a tokenizer lie beside it.
        expect_line(&refusal(&[(file, "{}")]), &[got, file, advice]);
        let beside = refusal(&[(file, "{}"), ("tokenizer_config.json", "{}")]);
        expect_line(&beside, &[got, advice]);
        if ["tokenizer.json", "modules.json"].contains(&file) {
            continue;
        }
        let copy = Copy::of("gpt2-safetensors");
        copy.remove("model.safetensors");
        fs::create_dir_all(copy.path(file).parent().unwrap()).unwrap();
        copy.write(file, "{}");
        copy.is_refused(&[got, advice]);
    }
    let parts = refusal(&[("zero_to_fp32.py", ""), ("global_step10/a.pt", "")]);
    expect_line(&parts, &["the parts of a DeepSpeed run", "zero_to_fp32.py"]);
    let own = refusal(&[("params.json", "{}"), ("consolidated.00.pth", "")]);
    expect_line(&own, &["their maker's own layout (consolidated.00.pth)"]);
    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("m.GGUF");
    fs::write(&path, "GGUF").unwrap();
    let error = open(&path).map(drop).unwrap_err().to_string();
    expect_line(&error, &["m.GGUF: expected GGUF, got 4 bytes"]);
}

#[test]
fn a_sentence_transformers_folder_opens_by_its_transformer() {
    let copy = Copy::of("bert-safetensors");
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("0_Transformer");
    fs::rename(copy.path(""), &inner).unwrap();
    let modules = |path: &str| {
        json!([
            {"idx": 0, "name": "0", "path": path, "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        ])
    };
    let write = |path: &str| {
        fs::write(outer.path().join("modules.json"), modules(path).to_string()).unwrap();
    };
    write("0_Transformer");
    let checkpoint = open(outer.path()).unwrap();
    assert!(checkpoint.file("vocab.txt").is_ok());
    write("../0_Transformer");
    let error = open(outer.path()).map(drop).unwrap_err().to_string();
    expect_line(&error, &["a model in a folder below (0_Transformer)"]);
    fs::create_dir(copy.path("")).unwrap();
}

#[test]
fn pointers_and_pages_are_known_in_the_place_of_every_file() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n";
    let page = "\n<!DOCTYPE html><title>404</title>";
    for (reference, file) in [
        ("gpt2-safetensors", "config.json"),
        ("gpt2-safetensors", "model.safetensors"),
        ("gpt2-pickle", "pytorch_model.bin"),
    ] {
        for (content, got) in [(pointer, "got a Git LFS pointer"), (page, "got a web page")] {
            let copy = Copy::of(reference);
            copy.write(file, content);
            copy.is_refused(&[file, got]);
        }
    }
    let copy = Copy::of("gpt2-safetensors");
    let checkpoint = copy.open().unwrap();
    for file in [
        "tokenizer.json",
        "vocab.txt",
        "vocab.json",
        "merges.txt",
        "tokenizer_config.json",
    ] {
        copy.write(file, pointer);
        let error = checkpoint.file(file).unwrap_err().to_string();
        expect_line(
            &error,
            &[
                file,
                "expected the file itself, got a Git LFS pointer",
                "git lfs pull",
            ],
        );
    }
    assert!(Path::new(&copy.path("vocab.txt")).exists());
}

#[test]
fn a_gguf_file_that_is_no_model_is_called_what_it_is() {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    // Version 3, no tensors, these keys with texts.
    let gguf = |keys: &[(&str, &str)]| {
        let mut file = b"GGUF\x03\0\0\0".to_vec();
        file.extend(0u64.to_le_bytes());
        file.extend((keys.len() as u64).to_le_bytes());
        for (key, value) in keys {
            file.extend(text(key));
            file.extend(8u32.to_le_bytes());
            file.extend(text(value));
        }
        file
    };
    for (kind, architecture, got) in [
        ("adapter", "llama", "expected a model, got an adapter"),
        (
            "mmproj",
            "clip",
            "got what turns pictures into a model's input",
        ),
        (
            "model",
            "clip",
            "got what turns pictures into a model's input",
        ),
        ("imatrix", "llama", "got what a model was quantised by"),
        ("model", "mamba", "mamba"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.gguf");
        let keys = [
            ("general.type", kind),
            ("general.architecture", architecture),
        ];
        fs::write(&path, gguf(&keys)).unwrap();
        let error = open(&path).map(drop).unwrap_err().to_string();
        expect_line(&error, &["some.gguf", got]);
    }
}
