//! Answers from 16-bit files, whose embeddings stay 16-bit in memory, against answers from the same
//! numbers written as f32: they are the same to the last bit.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod checkpoint_writer;

use std::fs;
use std::path::Path;

use checkpoint_writer::{Number, Synthetic};
use half::{bf16, f16};
use lexiscope::checkpoint::Location;
use lexiscope::projection::{DeviceChoice, End};
use lexiscope::query::{
    Answering, Callbacks, Convention, DirectionsQuery, FindQuery, MatrixKind, NeuronQuery,
    PairsQuery, Query, RankBy, Reader,
};
use lexiscope::transformer::{Form, Input};
use lexiscope::vocabulary::Filters;
use serde_json::{Map, Value, json};

/// More rows than are taken at a time.
const VOCAB: usize = 1100;

/// Rewrites a safetensors file with every number as f32.
fn widen(path: &Path) {
    let bytes = fs::read(path).unwrap();
    let (length, rest) = bytes.split_first_chunk::<8>().unwrap();
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let header: Map<String, Value> = serde_json::from_slice(header).unwrap();
    let (mut wide_header, mut wide) = (Map::new(), Vec::new());
    for (name, entry) in header.iter().filter(|(name, _)| *name != "__metadata__") {
        let at = |i: usize| entry["data_offsets"][i].as_u64().unwrap() as usize;
        let start = wide.len();
        for pair in data[at(0)..at(1)].as_chunks::<2>().0 {
            let number = match entry["dtype"].as_str().unwrap() {
                "F16" => f16::from_le_bytes(*pair).to_f32(),
                "BF16" => bf16::from_le_bytes(*pair).to_f32(),
                other => panic!("{other}"),
            };
            wide.extend(number.to_le_bytes());
        }
        let offsets = [start, wide.len()];
        let entry = json!({"dtype": "F32", "shape": entry["shape"], "data_offsets": offsets});
        wide_header.insert(name.clone(), entry);
    }
    let header = serde_json::to_vec(&wide_header).unwrap();
    let length = (header.len() as u64).to_le_bytes();
    fs::write(path, [&length[..], &header, &wide].concat()).unwrap();
}

fn open(path: &Path) -> Reader {
    let location = Location::Folder {
        name: "model".to_owned(),
        path: path.to_owned(),
    };
    Reader::open(&location, DeviceChoice::Cpu).unwrap()
}

fn neuron(convention: Convention, neuron: usize, filters: &Filters) -> NeuronQuery {
    NeuronQuery {
        convention,
        layer: 0,
        neuron,
        input: Input::default(),
        k: 60,
        filters: filters.clone(),
    }
}

fn queries(convention: Convention, filters: &Filters) -> Vec<Query> {
    let pairs = |form, end| {
        Query::Pairs(PairsQuery {
            convention,
            form,
            layer: 0,
            head: 0,
            distance: 0,
            end,
            k: 40,
            filters: filters.clone(),
        })
    };
    let find = |by, heads| {
        Query::Find(FindQuery {
            words: vec!["a*".to_owned()],
            by,
            input: Input::default(),
            k: 10,
            heads,
            gist: 3,
            filters: filters.clone(),
            convention,
        })
    };
    let mut queries = vec![
        Query::Neuron(neuron(convention, 3, filters)),
        pairs(Form::Vo, End::Highest),
        pairs(Form::Qk, End::Lowest),
        find(RankBy::Rank, false),
        find(RankBy::Score, true),
    ];
    if !convention.adds() {
        let vo = MatrixKind::Form(Form::Vo);
        queries.extend([vo, MatrixKind::FfOut].map(|part| {
            Query::Directions(DirectionsQuery {
                part,
                layer: 0,
                head: 0,
                n: 4,
                k: 10,
                filters: filters.clone(),
                convention,
            })
        }));
    }
    queries
}

/// All that is answered, each score with all its digits.
fn answers(reader: &mut Reader, convention: &str, filters: &Filters) -> Vec<String> {
    let convention: Convention = convention.parse().unwrap();
    let mut found: Vec<String> = queries(convention, filters)
        .iter()
        .map(|query| format!("{:?}", reader.answer(query, Callbacks::none()).unwrap()))
        .collect();
    // So many that their rows are multiplied in blocks.
    let many: Vec<NeuronQuery> = (0..40).map(|i| neuron(convention, i, filters)).collect();
    let many = reader.answer_neurons(&many, Callbacks::none()).unwrap();
    found.extend(many.iter().map(|answer| format!("{answer:?}")));
    found
}

fn compare(number: Number, width: usize, heads: usize, tied: bool) {
    let stored = tempfile::tempdir().unwrap();
    let model = Synthetic {
        layers: 1,
        width,
        heads,
        vocab: VOCAB,
        number,
        tied,
        ..Synthetic::tiny()
    };
    model.write(stored.path()).unwrap();
    let wide = tempfile::tempdir().unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(stored.path().join(file), wide.path().join(file)).unwrap();
    }
    widen(&wide.path().join("model.safetensors"));
    let (mut stored, mut wide) = (open(stored.path()), open(wide.path()));
    let filtered = Filters {
        positions: true,
        exclude_undertrained: true,
        ..Filters::default()
    };
    let mut conventions = vec![
        "raw",
        "gain",
        "norms",
        "centred",
        "cosine",
        "inverse",
        "biases",
        "gain+centred+cosine",
        "norms+biases+centred",
    ];
    if !tied {
        conventions.extend(["input", "output+cosine"]);
    }
    for convention in conventions {
        for filters in [&Filters::default(), &filtered] {
            let what = format!("{number:?} {width} {convention}");
            let (got, want) = [&mut stored, &mut wide]
                .map(|reader| answers(reader, convention, filters))
                .into();
            assert_eq!(got, want, "{what}");
        }
    }
}

#[test]
fn bf16_is_read_as_the_same_numbers_in_f32() {
    compare(Number::Bf16, 72, 3, false);
    compare(Number::Bf16, 37, 1, true);
}

#[test]
fn f16_is_read_as_the_same_numbers_in_f32() {
    compare(Number::F16, 100, 4, true);
    compare(Number::F16, 11, 1, false);
}
