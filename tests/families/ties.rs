//! Whether embeddings are tied: by the file, in every family, whatever the configuration says; and
//! names with something in front of them.

use std::collections::HashMap;
use std::fs;

use lexiscope::checkpoint::OutputEmbedding;
use lexiscope::query::NO_HEAD;
use lexiscope::transformer::{Form, Input};
use safetensors::SafeTensors;
use safetensors::tensor::{TensorView, serialize_to_file};
use serde_json::json;
use tempfile::TempDir;

use super::*;

/// A copy of a checkpoint whose tensors are others.
pub struct Changed {
    folder: TempDir,
    name: String,
}

impl Changed {
    /// With tensors changed, and `tie_word_embeddings` set to something or left out.
    pub fn new(
        name: &str,
        tied: Option<Value>,
        change: impl Fn(&mut HashMap<String, Stored>),
    ) -> Self {
        let (from, copy) = (folder().join(name), tempfile::tempdir().unwrap());
        fs::copy(
            from.join("tokenizer.json"),
            copy.path().join("tokenizer.json"),
        )
        .unwrap();
        let config = fs::read_to_string(from.join("config.json")).unwrap();
        let mut config: Value = serde_json::from_str(&config).unwrap();
        let flags = config.as_object_mut().unwrap();
        flags.remove("tie_word_embeddings");
        if let Some(tied) = tied {
            flags.insert("tie_word_embeddings".into(), tied);
        }
        fs::write(copy.path().join("config.json"), config.to_string()).unwrap();
        let bytes = fs::read(from.join("model.safetensors")).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let stored = |(name, view): (String, TensorView<'_>)| {
            let stored = Stored {
                dtype: view.dtype(),
                shape: view.shape().to_vec(),
                data: view.data().to_vec(),
            };
            (name, stored)
        };
        let mut tensors: HashMap<String, Stored> =
            tensors.tensors().into_iter().map(stored).collect();
        change(&mut tensors);
        let views = tensors.iter().map(|(name, stored)| {
            let view = TensorView::new(stored.dtype, stored.shape.clone(), &stored.data).unwrap();
            (name.clone(), view)
        });
        serialize_to_file(views, None, &copy.path().join("model.safetensors")).unwrap();
        Self {
            folder: copy,
            name: name.to_owned(),
        }
    }

    pub fn location(&self) -> Location {
        Location::Folder {
            name: self.name.clone(),
            path: self.folder.path().to_owned(),
        }
    }

    pub fn reader(&self) -> Reader {
        Reader::open(&self.location(), DeviceChoice::Cpu).unwrap()
    }
}

#[derive(Clone)]
pub struct Stored {
    dtype: safetensors::Dtype,
    shape: Vec<usize>,
    pub data: Vec<u8>,
}

impl Stored {
    /// As if it were transposed.
    pub fn turn_shape(&mut self) {
        self.shape.reverse();
    }

    /// The rows in the opposite order.
    fn turned_over(&self) -> Self {
        let row = self.data.len() / self.shape[0];
        let rows: Vec<&[u8]> = self.data.chunks(row).rev().collect();
        Self {
            data: rows.concat(),
            ..self.clone()
        }
    }
}

/// Full names of a checkpoint's embedding and of the head that it might have.
pub fn embeddings(name: &str) -> [String; 2] {
    let checkpoint = Checkpoint::open(&location(name)).unwrap();
    let head = checkpoint.family().output_embedding[0];
    [checkpoint.embedding().to_owned(), head.to_owned()]
}

fn neuron(reader: &mut Reader) -> lexiscope::query::NeuronAnswer {
    let query = Query::Neuron(NeuronQuery {
        convention: Default::default(),
        layer: 1,
        neuron: 5,
        input: Input::Gate,
        k: 20,
        filters: Filters::default(),
    });
    match ask(reader, query).unwrap() {
        Answer::Neuron(answer) => answer,
        _ => panic!("not a neuron"),
    }
}

/// Of the first layer after the first that has heads.
fn pairs(reader: &Reader, form: Form) -> Query {
    let spec = reader.card().spec.clone();
    let layer = (1..spec.layers).find(|&layer| spec.heads_in(layer) > 0);
    Query::Pairs(PairsQuery {
        convention: Default::default(),
        form,
        layer: layer.unwrap(),
        head: 1,
        distance: 0,
        end: End::Highest,
        k: 5,
        filters: Filters::default(),
    })
}

#[test]
fn a_head_that_differs_is_used_whatever_the_configuration_says() {
    for name in names() {
        let [embedding, head] = embeddings(&name);
        let said = [
            None,
            Some(json!(null)),
            Some(json!(true)),
            Some(json!(false)),
        ];
        let mut columns = Vec::new();
        for tied in said {
            let changed = Changed::new(&name, tied, |tensors| {
                let other = tensors[&embedding].turned_over();
                tensors.insert(head.clone(), other);
            });
            let mut reader = changed.reader();
            let spec = reader.card().spec.clone();
            assert!(!spec.tied, "{name}");
            columns.push(neuron(&mut reader).columns);
        }
        assert!(columns.windows(2).all(|two| two[0] == two[1]), "{name}");
        // Of the embedding's rows in the opposite order the ids are counted from the other end.
        let alone = Changed::new(&name, Some(json!(true)), |tensors| {
            tensors.remove(&head);
        });
        let plain = neuron(&mut alone.reader()).columns;
        assert_eq!(columns[0][0], plain[0], "{name}");
        let turned = |list: &[lexiscope::projection::Scored]| -> Vec<(u32, f32)> {
            list.iter()
                .map(|s| (VOCAB as u32 - 1 - s.id, s.score))
                .collect()
        };
        let expected: Vec<(u32, f32)> = plain[1].iter().map(|s| (s.id, s.score)).collect();
        assert_eq!(turned(&columns[0][1]), expected, "{name}");
    }
}

#[test]
fn equal_matrices_are_one() {
    for name in names() {
        let [embedding, head] = embeddings(&name);
        for tied in [None, Some(json!(true)), Some(json!(false))] {
            let changed = Changed::new(&name, tied, |tensors| {
                let same = tensors[&embedding].clone();
                tensors.insert(head.clone(), same);
            });
            let checkpoint = Checkpoint::open(&changed.location()).unwrap();
            let all = OutputEmbedding::Equal {
                rows: VOCAB as usize,
            };
            assert_eq!(checkpoint.spec().output, all, "{name}");
            // Unless it is read and written through two maps.
            assert_eq!(checkpoint.spec().tied, checkpoint.one_map(), "{name}");
            assert!(checkpoint.output_embedding().is_none());
        }
    }
}

#[test]
fn where_only_the_head_is_stored_it_is_the_embedding_too() {
    for name in names() {
        let [embedding, head] = embeddings(&name);
        let moved = |tensors: &mut HashMap<String, Stored>| {
            let one = tensors.remove(&embedding).unwrap();
            tensors.insert(head.clone(), one);
        };
        let changed = Changed::new(&name, Some(json!(true)), moved);
        let alone = Changed::new(&name, Some(json!(true)), |tensors| {
            tensors.remove(&head);
        });
        let [found, expected] = [changed, alone].map(|c| neuron(&mut c.reader()).columns);
        assert_eq!(found, expected, "{name}");
        let apart = Changed::new(&name, Some(json!(false)), moved);
        let error = Checkpoint::open(&apart.location()).unwrap_err().to_string();
        assert!(error.contains(&format!("no tensor {embedding}")), "{error}");
        assert!(error.contains("says that they differ"), "{error}");
    }
}

#[test]
fn without_a_head_keys_and_queries_are_read_and_nothing_else() {
    for name in names() {
        let [_, head] = embeddings(&name);
        let expected = neuron(&mut reader(&name)).columns;
        let changed = Changed::new(&name, Some(json!(false)), |tensors| {
            tensors.remove(&head);
        });
        let mut reader = changed.reader();
        assert_eq!(reader.card().spec.output, OutputEmbedding::Missing);
        assert_eq!(reader.card().notices[0], NO_HEAD);
        let found = neuron(&mut reader).columns;
        assert_eq!(
            [&found[0], &found[2]],
            [&expected[0], &expected[2]],
            "{name}"
        );
        assert!(found[1].is_empty() && found[3].is_empty(), "{name}");
        let [qk, vo] = [Form::Qk, Form::Vo].map(|form| pairs(&reader, form));
        assert!(ask(&mut reader, qk).is_ok(), "{name}");
        let error = ask(&mut reader, vo).unwrap_err().to_string();
        assert_eq!(error, format!("{name}: {NO_HEAD}"));
    }
}

#[test]
fn names_with_something_in_front_are_the_familys() {
    for name in names() {
        let [embedding, _] = embeddings(&name);
        let expected = neuron(&mut reader(&name)).columns;
        for wrapper in [
            "_orig_mod.",
            "module.",
            "base_model.model.",
            "model.",
            "model._orig_mod.",
        ] {
            let config = fs::read_to_string(folder().join(&name).join("config.json")).unwrap();
            let config: Value = serde_json::from_str(&config).unwrap();
            let changed = Changed::new(&name, config.get("tie_word_embeddings").cloned(), |t| {
                let all = std::mem::take(t).into_iter();
                t.extend(all.map(|(name, stored)| (format!("{wrapper}{name}"), stored)));
            });
            let checkpoint = Checkpoint::open(&changed.location()).unwrap();
            assert!(embedding.ends_with(checkpoint.family().embedding));
            assert_eq!(
                neuron(&mut changed.reader()).columns,
                expected,
                "{wrapper}{name}"
            );
        }
    }
}
