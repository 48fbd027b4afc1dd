//! What `config.json` can say, in old words and new ones, and what of it is refused.

use std::fs;

use candle_core::Device;
use lexiscope::checkpoint::{Checkpoint, Location};
use lexiscope::projection::{DeviceChoice, End};
use lexiscope::query::sheet::sheet;
use lexiscope::query::{Answering, Callbacks, NeuronQuery, PairsQuery, Query, Reader};
use lexiscope::report::{self, Format};
use lexiscope::scan::{Scan, ScanPlan, Scanned, What};
use lexiscope::transformer::{Form, Forward, Input};
use lexiscope::vocabulary::Filters;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::{ask, folder, location, reader};

/// A checkpoint with another configuration.
fn changed(name: &str, change: impl Fn(&mut Map<String, Value>)) -> (TempDir, Location) {
    let copy = tempfile::tempdir().unwrap();
    for file in ["model.safetensors", "tokenizer.json"] {
        fs::copy(folder().join(name).join(file), copy.path().join(file)).unwrap();
    }
    let config = fs::read_to_string(folder().join(name).join("config.json")).unwrap();
    let Value::Object(mut config) = serde_json::from_str(&config).unwrap() else {
        panic!("not an object")
    };
    change(&mut config);
    let config = Value::Object(config).to_string();
    fs::write(copy.path().join("config.json"), config).unwrap();
    let location = Location::Folder {
        name: name.to_owned(),
        path: copy.path().to_owned(),
    };
    (copy, location)
}

#[test]
fn rotary_positions_and_windows_are_told_in_old_words_and_new() {
    let (_kept, old) = changed("gemma3-text", |config| {
        config.remove("rope_parameters").unwrap();
        config.remove("layer_types").unwrap();
        config.insert("rope_theta".into(), json!(1_000_000.0));
        config.insert("rope_local_base_freq".into(), json!(10_000.0));
        config.insert("sliding_window_pattern".into(), json!(2));
    });
    let [new, old] = [location("gemma3-text"), old].map(|l| Checkpoint::open(&l).unwrap());
    assert_eq!(old.position_scheme(), new.position_scheme());
    assert_eq!(new.position_scheme().windows, [Some(8), None]);
    let (_kept, patterns) = changed("gpt-neo", |config| {
        config.remove("attention_layers");
        config.insert("attention_types".into(), json!([[["global", "local"], 1]]));
    });
    let [list, patterns] = [location("gpt-neo"), patterns].map(|l| Checkpoint::open(&l).unwrap());
    assert_eq!(list.position_scheme().windows, [None, Some(8)]);
    assert_eq!(patterns.position_scheme(), list.position_scheme());
}

#[test]
fn linear_scaling_of_gemma_is_of_the_layers_that_see_everything() {
    let (_kept, scaled) = changed("gemma3-text", |config| {
        config.remove("rope_parameters").unwrap();
        let scaling = json!({"rope_type": "linear", "factor": 8.0});
        config.insert("rope_scaling".into(), scaling);
    });
    let [plain, scaled] = [location("gemma3-text"), scaled].map(|l| Checkpoint::open(&l).unwrap());
    let frequencies =
        |c: &Checkpoint, layer| c.position_scheme().rope(layer).unwrap().frequencies.clone();
    assert_eq!(frequencies(&scaled, 0), frequencies(&plain, 0));
    for (scaled, plain) in frequencies(&scaled, 1).iter().zip(frequencies(&plain, 1)) {
        assert!((scaled * 8.0 - plain).abs() < 1e-12);
    }
}

/// Keys that a family does not know, or values of one: `[family, key, value, what is said]`.
fn not_known() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let rope = |kind: &str, key: &str, value: Value| {
        let mut scaling = json!({"rope_type": kind, "factor": 2.0});
        scaling[key] = value;
        scaling
    };
    let yarn = |key: &str, value| ("llama", "rope_scaling", rope("yarn", key, value));
    let with = |(name, key, value), said| (name, key, value, said);
    vec![
        with(
            ("bert", "position_embedding_type", json!("relative_key")),
            "`position_embedding_type` \"relative_key\": expected \"absolute\"",
        ),
        with(
            ("llama", "rope_scaling", json!({"type": "spiral"})),
            "`rope_type` \"spiral\": expected default, ",
        ),
        with(
            yarn("factor", json!("8")),
            "`factor` \"8\": expected a number",
        ),
        with(
            yarn("beta_fast", json!("NaN")),
            "`beta_fast` \"NaN\": expected a number",
        ),
        with(
            ("llama", "rope_scaling", json!({"rope_type": "linear"})),
            "`factor` null: expected a number",
        ),
        with(
            (
                "phi3",
                "rope_scaling",
                rope("longrope", "short_factor", json!([1.0])),
            ),
            "`short_factor` [1.0]: expected 4 numbers",
        ),
        with(
            ("llama", "residual_multiplier", json!(0.22)),
            "`residual_multiplier` 0.22: expected 1",
        ),
        with(
            ("llama", "clip_qkv", json!(8)),
            "`clip_qkv` 8: expected null",
        ),
        with(
            ("llama", "no_rope_layers", json!([1, 0])),
            "`no_rope_layers` [1,0]: expected rotary positions in every layer",
        ),
        with(
            ("llama", "rms_norm_eps", json!("small")),
            "`rms_norm_eps` \"small\": expected a small",
        ),
        with(
            ("mistral", "sliding_window", json!(-1)),
            "`sliding_window` -1: expected a whole number",
        ),
        with(
            ("gemma2", "attn_logit_softcapping", json!("NaN")),
            "`attn_logit_softcapping` \"NaN\"",
        ),
        with(
            ("gptj", "rotary_dim", json!(5)),
            "`rotary_dim` 5: expected an even number",
        ),
        with(
            (
                "qwen2",
                "layer_types",
                json!(["full_attention", "linear_attention"]),
            ),
            "`layer_types` [\"full_attention\",\"linear_attention\"]: expected 2 of full_attention and",
        ),
        with(
            (
                "bloom",
                "apply_residual_connection_post_layernorm",
                json!(true),
            ),
            "`apply_residual_connection_post_layernorm` true: expected false",
        ),
        with(
            ("gemma", "use_bidirectional_attention", json!(true)),
            "`use_bidirectional_attention` true: expected false",
        ),
    ]
}

#[test]
fn a_choice_that_is_not_known_is_read_as_words_and_not_run() {
    for (name, key, value, said) in not_known() {
        // BERT is kept elsewhere; RoBERTa's keys are the same.
        let name = if name == "bert" { "roberta" } else { name };
        let (_kept, location) = changed(name, |config| {
            config.insert(key.into(), value.clone());
        });
        let checkpoint = Checkpoint::open(&location).unwrap();
        let error = Forward::new(&checkpoint, &Device::Cpu)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(said), "{error}");
        assert!(
            error.ends_with("can be read as words but not run on texts"),
            "{error}"
        );
        let mut reader = Reader::open(&location, DeviceChoice::Cpu).unwrap();
        assert_eq!(reader.card().not_run.as_ref(), Some(&error));
        for query in [neuron(Input::Gate), pairs(Form::Vo, 0), pairs(Form::Qk, 0)] {
            assert!(ask(&mut reader, query).is_ok(), "{name} {key}");
        }
    }
}

#[test]
fn positions_of_an_unknown_kind_are_refused_by_name() {
    let (_kept, location) = changed("llama", |config| {
        config.insert("rope_scaling".into(), json!({"type": "spiral"}));
    });
    let mut reader = Reader::open(&location, DeviceChoice::Cpu).unwrap();
    let error = ask(&mut reader, pairs(Form::Qk, 1))
        .unwrap_err()
        .to_string();
    let said = "llama: configuration: unknown `rope_type` \"spiral\": expected default, ";
    assert!(error.starts_with(said), "{error}");
    assert!(
        error.ends_with("QK at a distance cannot be read under it"),
        "{error}"
    );
}

#[test]
fn norms_of_queries_that_are_not_known_refuse_qk_alone() {
    let (_kept, location) = changed("llama", |config| {
        config.insert("use_qk_norm".into(), json!(true));
    });
    let mut reader = Reader::open(&location, DeviceChoice::Cpu).unwrap();
    let error = ask(&mut reader, pairs(Form::Qk, 0))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("unknown `use_qk_norm` true: expected false; QK cannot"),
        "{error}"
    );
    assert!(ask(&mut reader, pairs(Form::Vo, 0)).is_ok());
    assert!(ask(&mut reader, neuron(Input::Gate)).is_ok());
}

#[test]
fn no_key_is_farther_than_a_layer_sees() {
    for (name, last, why) in [
        // Windows of 8, back from each position or centred on it; 104 positions.
        ("mistral", 7, "layer 0 looks through a window"),
        ("modernbert", 103, "the model has 104 positions"),
        ("llama", 103, "the model has 104 positions"),
        ("gptj", 103, "the model has 104 positions"),
    ] {
        let mut reader = reader(name);
        assert!(ask(&mut reader, pairs(Form::Qk, last)).is_ok(), "{name}");
        let error = ask(&mut reader, pairs(Form::Qk, last + 1))
            .unwrap_err()
            .to_string();
        let said = format!(
            "{name}: expected a distance of 0 to {last}, got {}: {why}",
            last + 1
        );
        assert_eq!(error, said);
    }
    let encoder = Checkpoint::open(&location("modernbert")).unwrap();
    assert_eq!(encoder.spec().reach, [103, 4]);
}

#[test]
fn what_python_takes_for_true_truncates_yarn() {
    let rope = |truncate: Value| {
        let (_kept, location) = changed("llama-yarn", |config| {
            let scaling = config.get_mut("rope_parameters").unwrap();
            scaling["truncate"] = truncate.clone();
        });
        let checkpoint = Checkpoint::open(&location).unwrap();
        checkpoint
            .position_scheme()
            .rope(0)
            .unwrap()
            .frequencies
            .clone()
    };
    let [cut, not] = [true, false].map(|truncate| rope(json!(truncate)));
    assert!(cut != not);
    assert!(rope(json!("False")) == cut && rope(json!(1)) == cut);
    assert!(rope(json!(null)) == not && rope(json!(0)) == not && rope(json!("")) == not);
}

#[test]
fn a_distance_is_refused_where_it_changes_nothing() {
    for (name, form, said) in [
        ("opt", Form::Qk, "opt: positions are not rotary here"),
        (
            "falcon-rw",
            Form::Qk,
            "falcon-rw: positions are not rotary here",
        ),
        ("llama", Form::Vo, "llama: VO is the same at every distance"),
    ] {
        let error = ask(&mut reader(name), pairs(form, 1))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(said), "{error}");
    }
}

#[test]
fn heads_that_do_not_share_keys_evenly_are_refused() {
    let (_kept, location) = changed("llama", |config| {
        config.insert("num_key_value_heads".into(), json!(3));
    });
    let error = Checkpoint::open(&location).unwrap_err().to_string();
    assert!(
        error.contains("`num_key_value_heads`: expected a divisor of the 4 heads, got 3"),
        "{error}"
    );
}

#[test]
fn a_narrow_embedding_is_what_its_configuration_and_its_maps_say() {
    let refused = |name: &str, key: &str, width: usize, said: &str| {
        let (_kept, location) = changed(name, |config| {
            config.insert(key.into(), json!(width));
        });
        let error = Checkpoint::open(&location).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    };
    let key = "word_embed_proj_dim";
    refused(
        "opt",
        key,
        16,
        "expected shape [96, 16], as config.json has it, got [96, 32]",
    );
    refused(
        "opt-narrow",
        key,
        40,
        "`word_embed_proj_dim`: expected 16 at most",
    );
    refused(
        "albert",
        "embedding_size",
        4,
        "expected shape [96, 4], as config.json has it, got [96, 8]",
    );
    refused(
        "albert",
        "inner_group_num",
        2,
        "`inner_group_num`: expected 1, got 2",
    );
    refused(
        "albert",
        "num_hidden_groups",
        9,
        "`num_hidden_groups`: expected 5 at most",
    );
    let turned = crate::ties::Changed::new("opt-narrow", None, |tensors| {
        let map = tensors.get_mut("model.decoder.project_in.weight").unwrap();
        map.turn_shape();
    });
    let error = Checkpoint::open(&turned.location())
        .unwrap_err()
        .to_string();
    let said = "expected shape [16, 8], as config.json has it, got [8, 16]";
    assert!(
        error.contains(said) && error.contains("project_in.weight"),
        "{error}"
    );
}

#[test]
fn an_encoder_without_its_decoder_is_refused() {
    for name in ["t5", "bart"] {
        let halved = crate::ties::Changed::new(name, None, |tensors| {
            tensors.retain(|tensor, _| !tensor.contains("decoder."));
        });
        let error = Checkpoint::open(&halved.location())
            .unwrap_err()
            .to_string();
        assert!(error.contains("without a decoder"), "{error}");
    }
}

#[test]
fn layers_of_an_encoder_and_a_decoder_are_counted_through() {
    let mut reader = reader("bart");
    let card = reader.card();
    let heads: Vec<usize> = (0..8).map(|layer| card.spec.heads_in(layer)).collect();
    assert_eq!(heads, [4, 4, 2, 2, 2, 2, 2, 2]);
    let neurons: Vec<usize> = (0..8).map(|layer| card.spec.neurons_in(layer)).collect();
    assert_eq!(neurons, [24, 24, 0, 32, 0, 32, 0, 32]);
    assert_eq!(card.spec.passes, [0, 1]);
    let without = Query::Neuron(NeuronQuery {
        layer: 2,
        neuron: 0,
        input: Input::Gate,
        k: 1,
        convention: Default::default(),
        filters: Filters::default(),
    });
    let error = ask(&mut reader, without).unwrap_err().to_string();
    assert!(error.contains("self-attention of the decoder"), "{error}");
}

#[test]
fn pieces_and_bytes_show_as_text() {
    let card = reader("llama").card();
    let text = |id| card.vocabulary.text(id).into_owned();
    assert_eq!([4, 5, 6, 7, 8].map(text), ["⏎", "⟨C5⟩", "␣", "a b", "ba"]);
    assert_eq!(&*card.vocabulary.token(8).unwrap().raw, "▁ba");
}

fn pairs(form: Form, distance: usize) -> Query {
    Query::Pairs(PairsQuery {
        convention: Default::default(),
        form,
        layer: 0,
        head: 0,
        distance,
        end: End::Highest,
        k: 5,
        filters: Filters::default(),
    })
}

fn neuron(input: Input) -> Query {
    Query::Neuron(NeuronQuery {
        convention: Default::default(),
        layer: 1,
        neuron: 3,
        input,
        k: 5,
        filters: Filters::default(),
    })
}

#[test]
fn a_scan_answers_only_for_the_gate_and_for_distance_0() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("llama.parquet");
    let plan = ScanPlan {
        convention: Default::default(),
        layers: None,
        what: What::All,
        k: 5,
        pairs: 5,
        filters: Filters::default(),
    };
    Scan::run(
        &mut reader("llama"),
        &plan,
        &out,
        lexiscope::task::Callbacks::none(),
    )
    .unwrap();
    let mut scanned = Scanned::open(reader("llama"), &out).unwrap();
    let mut computed = reader("llama");
    let answers = [
        neuron(Input::Gate),
        neuron(Input::Up),
        pairs(Form::Qk, 0),
        pairs(Form::Qk, 3),
    ]
    .map(|query| {
        let scanned = scanned.answer(&query, Callbacks::none()).unwrap();
        assert_eq!(scanned, computed.answer(&query, Callbacks::none()).unwrap());
        scanned
    });
    assert!(answers[0] != answers[1] && answers[2] != answers[3]);
}

#[test]
fn what_is_written_says_which_key_and_how_far() {
    let written = |name: &str, query: Query, format| {
        let mut reader = reader(name);
        let answer = ask(&mut reader, query.clone()).unwrap();
        let sheet = sheet(&reader.card(), &query, &answer, None).unwrap();
        report::write(&sheet, format)
    };
    let json = |name, query| -> Value {
        serde_json::from_str(&written(name, query, Format::Json)).unwrap()
    };
    let gated = json("llama", neuron(Input::Up));
    assert_eq!(gated["key"], "up");
    let minus = json!({"gate": "+", "up": "-", "writes": "-V"});
    assert_eq!(gated["quadrants"][1], minus);
    let plain = json("opt", neuron(Input::Gate));
    assert!(plain.get("key").is_none() && plain.get("quadrants").is_none());
    assert_eq!(json("llama", pairs(Form::Qk, 3))["distance"], 3);
    assert!(json("llama", pairs(Form::Vo, 0)).get("distance").is_none());
    let table = written("llama", neuron(Input::Gate), Format::Table);
    assert!(table.starts_with("K gate "), "{table}");
    let csv = written("llama", pairs(Form::Qk, 3), Format::Csv);
    assert!(csv.contains("\nqk at 3,1,"), "{csv}");
}
