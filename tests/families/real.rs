//! Configurations of public models, shrunk, against PyTorch (`tests/families/real.py`): the keys and
//! values that their files have, and weights that follow from each tensor's name.

use safetensors::tensor::{Dtype, TensorView, serialize_to_file};

use super::*;

/// Between −1/4 and 1/4, and around 1 for what scales in norms: the upper bits of splitmix64 over the
/// tensor's name (FNV-1a) and the place of the number.
fn numbers(name: &str, shape: &[usize]) -> Vec<f32> {
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hashed = name.bytes().fold(0xcbf2_9ce4_8422_2325, hash);
    let gain = if shape.len() == 1 && name.ends_with("weight") {
        1.0
    } else {
        0.0
    };
    let count = shape.iter().product::<usize>() as u64;
    let drawn = (1..=count).map(|at| {
        let z = at.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(hashed);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let z = z ^ (z >> 31);
        (((z >> 40) as f64 / f64::from(1 << 24) - 0.5) / 2.0 + gain) as f32
    });
    drawn.collect()
}

fn write(folder: &Path, model: &Value) {
    let tokenizer = folder.join("tokenizer.json");
    std::fs::copy(super::folder().join("llama/tokenizer.json"), tokenizer).unwrap();
    std::fs::write(folder.join("config.json"), model["config"].to_string()).unwrap();
    let tensors = model["tensors"].as_object().unwrap().iter();
    let tensors = tensors.map(|(name, shape)| {
        let shape = shape.as_array().unwrap().iter();
        let shape: Vec<usize> = shape.map(|n| n.as_u64().unwrap() as usize).collect();
        let bytes = numbers(name, &shape).into_iter().flat_map(f32::to_le_bytes);
        (name.clone(), shape, bytes.collect::<Vec<u8>>())
    });
    let tensors: Vec<_> = tensors.collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (name.clone(), view)
    });
    serialize_to_file(views, None, &folder.join("model.safetensors")).unwrap();
}

#[test]
fn public_models_configurations_agree_with_pytorch() {
    let Value::Object(all) = answers("real") else {
        panic!("no models")
    };
    assert!(all.len() >= 40, "{}", all.len());
    for (name, model) in all {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &model);
        let mut reader = support::reader(folder.path());
        let unknown = &reader.card().spec.unknown;
        assert!(unknown.is_empty(), "{name}: {unknown:?}");
        neurons_agree(&name, &mut reader, &model);
        pairs_agree(&name, &mut reader, &model);
        states_agree(&name, &support::checkpoint(folder.path()), &model);
    }
}
