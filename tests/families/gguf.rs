//! GGUF files against the checkpoints that they were converted from: every architecture, and every
//! type of blocks against what the `gguf` package dequantises (`tests/gguf/make.py`).

use std::fs;
use std::path::{Path, PathBuf};

use candle_core::Device;
use lexiscope::checkpoint::{Checkpoint, Location, MetadataValue};
use lexiscope::projection::{DeviceChoice, End};
use lexiscope::query::{Answer, Answering, NeuronQuery, PairsQuery, Query, Reader};
use lexiscope::task::CancelToken;
use lexiscope::transformer::{Form, Forward, HookPoint, Input, Weights, with_numbers};
use lexiscope::vocabulary::Filters;
use safetensors::SafeTensors;
use serde_json::Value;
use tempfile::TempDir;

use super::{ask, gguf_writer};

/// Checkpoint, and the GGUF file that is made of it; of several shards the last.
const MODELS: [(&str, &str); 18] = [
    ("llama", "llama"),
    ("mistral", "mistral"),
    ("qwen2", "qwen2"),
    ("qwen3", "qwen3-00003-of-00003"),
    ("gemma", "gemma"),
    ("gemma2", "gemma2"),
    ("gemma3-text", "gemma3-text"),
    ("phi", "phi"),
    ("phi3", "phi3"),
    ("gpt-neox", "gpt-neox"),
    ("gpt2", "gpt2"),
    ("falcon", "falcon"),
    ("falcon-7b", "falcon-7b"),
    ("bloom", "bloom"),
    ("bert", "bert"),
    ("roberta", "roberta"),
    ("distilbert", "distilbert"),
    ("modernbert", "modernbert"),
];

const TEXTS: [&[u32]; 2] = [
    &[5, 17, 40, 8, 33, 61, 9, 12, 12, 70, 21, 95, 6, 44, 80],
    &[30],
];

fn tests() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn file(name: &str) -> PathBuf {
    tests().join("gguf").join(format!("{name}.gguf"))
}

fn at(path: &Path) -> Location {
    Location::Folder {
        name: path.display().to_string(),
        path: path.to_owned(),
    }
}

/// The folder of a converted checkpoint.
fn origin(name: &str) -> PathBuf {
    let own = tests().join("gguf").join(name);
    match own.is_dir() {
        true => own,
        false => tests().join("families").join(name),
    }
}

/// A folder with a model's GGUF file, or all its shards, and its tokenizer.
fn with_tokenizer(name: &str, converted: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copy = |from: &Path| fs::copy(from, folder.path().join(from.file_name().unwrap())).unwrap();
    copy(&origin(name).join("tokenizer.json"));
    for entry in fs::read_dir(tests().join("gguf")).unwrap() {
        let path = entry.unwrap().path();
        let start = converted.split("-0000").next().unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == format!("{converted}.gguf") || name.starts_with(&format!("{start}-0000")) {
            copy(&path);
        }
    }
    folder
}

fn lists(reader: &mut Reader, layer: usize, neuron: usize, input: Input) -> Vec<Vec<f32>> {
    let query = Query::Neuron(NeuronQuery {
        convention: Default::default(),
        layer,
        neuron,
        input,
        k: 96,
        filters: Filters::default(),
    });
    let Answer::Neuron(answer) = ask(reader, query).unwrap() else {
        panic!("not a neuron")
    };
    let by_id = |list: &Vec<lexiscope::projection::Scored>| {
        let mut list: Vec<_> = list.iter().map(|s| (s.id, s.score)).collect();
        list.sort_by_key(|(id, _)| *id);
        list.into_iter().map(|(_, score)| score).collect()
    };
    answer.columns.iter().map(by_id).collect()
}

/// The best pairs' scores, or why there are none.
fn pairs(
    reader: &mut Reader,
    (form, layer, head): (Form, usize, usize),
    distance: usize,
) -> Result<Vec<f32>, String> {
    let query = Query::Pairs(PairsQuery {
        convention: Default::default(),
        form,
        layer,
        head,
        distance,
        end: End::Highest,
        k: 200,
        filters: Filters::default(),
    });
    match ask(reader, query) {
        Ok(Answer::Pairs(answer)) => Ok(answer.pairs.iter().map(|pair| pair.score).collect()),
        Ok(_) => panic!("not pairs"),
        Err(error) => Err(error.to_string()),
    }
}

fn states(checkpoint: &Checkpoint) -> Vec<f32> {
    let forward = Forward::new(checkpoint, &Device::Cpu).unwrap();
    let mut all = Vec::new();
    let run = forward.run(
        &TEXTS,
        &[HookPoint::State],
        CancelToken::never(),
        &mut |seen| {
            with_numbers(seen.tensor, |numbers| all.extend_from_slice(numbers))?;
            Ok(None)
        },
    );
    run.unwrap();
    all
}

/// Holds scores against each other.
fn same(what: &str, got: &[f32], want: &[f32]) {
    near(what, got, want, 1e-6);
}

/// The same as near as two orders of adding allow.
fn near(what: &str, got: &[f32], want: &[f32], within: f32) {
    assert_eq!(got.len(), want.len(), "{what}");
    let largest = want.iter().fold(0f32, |most, x| most.max(x.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let near = (got - want).abs() <= within * largest.max(1.0);
        assert!(near, "{what}: {got} at {i}, expected {want}");
    }
}

#[test]
fn lists_pairs_and_states_are_those_of_the_converted_checkpoint() {
    for (name, converted) in MODELS {
        let folder = with_tokenizer(name, converted);
        let gguf = folder.path().join(format!("{converted}.gguf"));
        compare(name, [&gguf, &origin(name)]);
        let states = [&file(converted), &origin(name)].map(|path| states_of(path));
        near(&format!("{name}: states"), &states[0], &states[1], 1e-5);
    }
}

/// The checkpoint that a described file is held against: what no key of GGUF says is set in its
/// configuration, and tensors that the converter cannot take are none of it.
fn stated(name: &str, own: &Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(origin(name)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let path = folder.path().join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for (key, value) in own["instead"].as_object().unwrap() {
        config[key] = value.clone();
    }
    fs::write(path, config.to_string()).unwrap();
    for end in own["without"].as_array().into_iter().flatten() {
        drop_tensors(
            &folder.path().join("model.safetensors"),
            end.as_str().unwrap(),
        );
    }
    folder
}

/// Takes the tensors whose names end so out of a file.
fn drop_tensors(path: &Path, end: &str) {
    let bytes = fs::read(path).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let kept = tensors.iter().filter(|(name, _)| !name.ends_with(end));
    safetensors::serialize_to_file(kept, None, path).unwrap();
}

#[test]
fn later_architectures_and_experts_are_those_of_the_checkpoint_too() {
    let described = gguf_writer::described();
    for (name, own) in described.as_object().unwrap() {
        let origin = stated(name, own);
        let folder = tempfile::tempdir().unwrap();
        let gguf = folder.path().join("model.gguf");
        gguf_writer::write(&gguf, name, own);
        compare(name, [&gguf, origin.path()]);
        if runs(origin.path()) {
            let states = [&gguf, origin.path()].map(states_of);
            near(&format!("{name}: states"), &states[0], &states[1], 1e-5);
        }
        let [told, whole] = [&gguf, origin.path()].map(|path| first_experts(&at(path)));
        assert_eq!(told, whole, "{name}");
    }
}

/// Whether texts are run at all.
fn runs(path: &Path) -> bool {
    let checkpoint = Checkpoint::open(&at(path)).unwrap();
    Forward::new(&checkpoint, &Device::Cpu).is_ok()
}

/// Each token's first expert, by layer that has experts.
fn first_experts(location: &Location) -> Vec<Vec<u32>> {
    let mut reader = Reader::open(location, DeviceChoice::Cpu).unwrap();
    let spec = reader.card().spec.clone();
    let layers = (0..spec.layers).filter(|&layer| spec.experts(layer).is_some());
    let layers: Vec<usize> = layers.collect();
    let first = |layer| super::experts::experts(&mut reader, layer, None, 3).first;
    layers.into_iter().map(first).collect()
}

fn states_of(path: &Path) -> Vec<f32> {
    states(&Checkpoint::open(&at(path)).unwrap())
}

/// Holds neurons and pairs of a file against those of the checkpoint.
fn compare(name: &str, paths: [&Path; 2]) {
    let [mut gguf, mut plain] =
        paths.map(|path| Reader::open(&at(path), DeviceChoice::Cpu).unwrap());
    let spec = plain.card().spec.clone();
    let other = gguf.card().spec.clone();
    assert_eq!(other.parts, spec.parts, "{name}");
    assert_eq!(other.tied, spec.tied, "{name}");
    assert_eq!(other.activation, spec.activation, "{name}");
    assert_eq!(other.unknown, spec.unknown, "{name}");
    for layer in 0..spec.layers {
        // Of experts the last neuron too, which is of the shared one.
        for (neuron, input) in [
            (0, Input::Gate),
            (7, Input::Up),
            (spec.neurons_in(layer).saturating_sub(1), Input::Gate),
        ] {
            let gated = plain.card().gated() || input == Input::Gate;
            if !gated || neuron >= spec.neurons_in(layer) {
                continue;
            }
            let both = [&mut gguf, &mut plain].map(|r| lists(r, layer, neuron, input));
            for (column, (got, want)) in both[0].iter().zip(&both[1]).enumerate() {
                let what = format!("{name} L{layer}.N{neuron} column {column}");
                same(&what, got, want);
            }
        }
        for head in [0, spec.heads - 1] {
            for (form, distance) in [(Form::Vo, 0), (Form::Qk, 0), (Form::Qk, 3), (Form::Qk, 40)] {
                let what = format!("{name} L{layer}.H{head}.{form} at {distance}");
                let place = (form, layer, head);
                let both = [&mut gguf, &mut plain].map(|r| pairs(r, place, distance));
                match both {
                    [Ok(got), Ok(want)] => same(&what, &got, &want),
                    [got, want] => assert_eq!(got.is_err(), want.is_err(), "{what}"),
                }
            }
        }
    }
}

#[test]
fn blocks_of_every_type_are_what_the_reference_dequantises() {
    let bytes = fs::read(tests().join("gguf/blocks.safetensors")).unwrap();
    let answers = SafeTensors::deserialize(&bytes).unwrap();
    let answer = |name: &str| -> Vec<f32> {
        let data = answers.tensor(name).unwrap().data().to_vec();
        let numbers = data.as_chunks::<4>().0.iter();
        numbers.map(|&bytes| f32::from_le_bytes(bytes)).collect()
    };
    let weights = Weights::new(Checkpoint::open(&at(&file("blocks"))).unwrap());
    let spec = weights.checkpoint().spec().clone();
    let last = spec.layers - 1;
    for layer in 0..spec.layers {
        let rows = |input| -> Vec<f32> {
            let rows = [0, 31].map(|row| weights.keys(layer, row..row + 1, input).unwrap());
            rows.iter().flat_map(|row| row.data().to_vec()).collect()
        };
        let columns = [0, 21].map(|i| weights.values(layer, i..i + 1).unwrap());
        let columns: Vec<f32> = columns.iter().flat_map(|c| c.data().to_vec()).collect();
        if layer != last {
            same(
                &format!("{layer}.gate"),
                &rows(Input::Gate),
                &answer(&format!("{layer}.gate")),
            );
        }
        same(
            &format!("{layer}.up"),
            &rows(Input::Up),
            &answer(&format!("{layer}.up")),
        );
        same(
            &format!("{layer}.down"),
            &columns,
            &answer(&format!("{layer}.down")),
        );
        // A window is what it is of the whole.
        let all = weights.keys(layer, 0..spec.neurons, Input::Up).unwrap();
        let part = weights.keys(layer, 5..9, Input::Up).unwrap();
        assert_eq!(part.data(), &all.data()[5 * spec.d_model..9 * spec.d_model]);
    }
    let embedding = weights.input_embedding().unwrap().table.into_f32();
    let rows: Vec<f32> = [0, 50, 95]
        .iter()
        .flat_map(|&i| embedding.row(i).to_vec())
        .collect();
    same("embedding", &rows, &answer("embedding"));
    // What cannot be read is refused by its name, where it is looked at.
    let error = weights
        .keys(last, 0..1, Input::Gate)
        .unwrap_err()
        .to_string();
    for part in [
        "gate_proj.weight",
        "blocks.gguf",
        "stored as IQ2_XXS",
        "Q4_K_M",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

/// A copy of a file of `tests/gguf` that may be changed.
fn changed(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(file(name)).unwrap();
    change(&mut bytes);
    let path = folder.path().join("model.gguf");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn refusal(path: &Path) -> String {
    Checkpoint::open(&at(path))
        .map(drop)
        .unwrap_err()
        .to_string()
}

#[test]
fn versions_are_read_or_refused_by_name() {
    let (_folder, two) = changed("mistral", |bytes| {
        bytes[4..8].copy_from_slice(&2u32.to_le_bytes())
    });
    Checkpoint::open(&at(&two)).unwrap();
    for (version, said) in [
        (1u32.to_le_bytes(), "got version 1,"),
        (9u32.to_le_bytes(), "got version 9;"),
        (3u32.to_be_bytes(), "got big-endian numbers;"),
    ] {
        let (_folder, path) = changed("mistral", |bytes| bytes[4..8].copy_from_slice(&version));
        let error = refusal(&path);
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_folder_is_opened_by_its_one_model_and_shards_by_any_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let put = |from: &str, to: &str| fs::copy(file(from), folder.path().join(to)).unwrap();
    for shard in 1..=3 {
        let name = format!("qwen3-0000{shard}-of-00003");
        put(&name, &format!("{name}.gguf"));
    }
    put("bert", "mmproj-model.gguf");
    let opened = Checkpoint::open(&at(folder.path())).unwrap();
    assert_eq!(opened.family().model_type, "qwen3");
    fs::remove_file(folder.path().join("qwen3-00002-of-00003.gguf")).unwrap();
    let error = refusal(&folder.path().join("qwen3-00001-of-00003.gguf"));
    assert!(
        error.contains("expected the shard") && error.contains("qwen3-00002-of-00003.gguf"),
        "{error}"
    );
    put("llama", "llama.gguf");
    let error = refusal(folder.path());
    assert!(
        error.contains("several GGUF files: llama.gguf, qwen3-00001"),
        "{error}"
    );
}

#[test]
fn other_architectures_and_experts_are_refused_by_name() {
    let patch = |old: &[u8], new: &[u8]| {
        let (folder, path) = changed("mistral", |bytes| {
            assert_eq!(old.len(), new.len());
            let at = bytes
                .windows(old.len())
                .position(|part| part == old)
                .unwrap();
            bytes[at..at + new.len()].copy_from_slice(new);
        });
        (folder, refusal(&path))
    };
    let (_folder, error) = patch(b"llama", b"qwen9");
    assert!(
        error.contains("unknown `general.architecture` qwen9"),
        "{error}"
    );
    assert!(error.contains("expected one of llama, mistral3"), "{error}");
    // A key of the same length and kind.
    let (_folder, error) = patch(b"llama.block_count", b"llama.expert_coun");
    assert!(
        error.contains("`llama.block_count`: expected a whole number"),
        "{error}"
    );
}

#[test]
fn keys_and_arrays_of_the_tokenizer_can_be_asked_for() {
    let checkpoint = Checkpoint::open(&at(&file("llama"))).unwrap();
    let keys = checkpoint.gguf_metadata().unwrap();
    assert_eq!(keys.text("tokenizer.ggml.model"), Some("llama"));
    assert_eq!(keys.flag("tokenizer.ggml.add_space_prefix"), Some(false));
    assert_eq!(keys.whole("llama.block_count"), Some(2));
    assert_eq!(
        keys.get("llama.context_length"),
        Some(&MetadataValue::Unsigned(104))
    );
    let tokens = keys.texts("tokenizer.ggml.tokens").unwrap().unwrap();
    assert_eq!((tokens.len(), &*tokens[2], &*tokens[6]), (96, "</s>", "▁"));
    let scores = keys.reals("tokenizer.ggml.scores").unwrap().unwrap();
    assert_eq!((scores.len(), scores[95]), (96, -95.0));
    let kinds = keys.wholes("tokenizer.ggml.token_type").unwrap().unwrap();
    assert_eq!(kinds[..7], [3, 3, 3, 3, 6, 6, 1]);
    assert_eq!(keys.texts("tokenizer.ggml.scores").unwrap(), None);
    assert_eq!(keys.whole("tokenizer.ggml.tokens"), None);
}
