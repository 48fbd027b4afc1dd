//! The Jacobian lens: fitted matrices against PyTorch's autograd (`tests/lens/make.py`), lists through
//! them, and files that are none.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use candle_core::Device;
use lexiscope::checkpoint::{Bundle, LensFile};
use lexiscope::query::{Answer, Convention, LensFitPlan, NeuronQuery, PairsQuery, Query};
use lexiscope::task::{Callbacks, CancelToken, Progress};
use lexiscope::transformer::Forward;
use serde_json::Value;
use support::{Home, ask, checkpoint, json, reader, tests, text};

const TOKENS: [u32; 10] = [5, 17, 60, 33, 8, 71, 44, 12, 90, 3];

fn expected() -> Value {
    json(&tests("lens/expected.json"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

#[test]
fn the_bundled_models_come_with_lenses_of_their_own() {
    for (name, prompts) in [("gpt2-pl", 32), ("bert-pl", 12)] {
        let bytes = Bundle::named(name).and_then(Bundle::lens).unwrap();
        let lens = LensFile::bundled("bundled", bytes, 8, 256).unwrap();
        let about = lens.about();
        let said = (about.model.as_deref(), about.prompts, about.layers);
        assert_eq!(said, (Some(name), Some(prompts), 7));
    }
}

#[test]
fn what_a_lens_changes_is_shown_layer_by_layer() {
    let home = Home::new();
    let effect = [
        "lens-effect",
        "gpt2-pl",
        "--lens",
        "bundled",
        "--neurons",
        "8",
        "--format",
    ];
    let said = |format: &str| text(&home.run(effect.iter().chain(&[format])).stdout);
    let layers = serde_json::from_str::<Value>(&said("json")).unwrap()["layers"].clone();
    let layers = layers.as_array().unwrap().clone();
    assert_eq!(layers.len(), 7);
    let number = |layer: &Value, key: &str| layer[key].as_f64().unwrap();
    // The nearer to the end, the less there is to carry.
    let departures = layers.iter().map(|layer| number(layer, "departure"));
    assert!(departures.collect::<Vec<_>>().is_sorted_by(|a, b| a > b));
    for layer in &layers {
        assert!((0.0..=1.0).contains(&number(layer, "overlap")));
        assert!(number(layer, "kurtosis") > 1.0 && number(layer, "kurtosis_lens") > 1.0);
    }
    assert!(said("svg").trim_end().ends_with("</svg>"));
    let refused = home.run(["lens-effect", "gpt2-pl"]);
    assert!(text(&refused.stderr).contains("no fitted lens was given"));
}

#[test]
fn jacobians_are_those_of_autograd_in_every_kind_of_layer() {
    let expected = expected();
    let models = expected
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "lens");
    let mut seen = 0;
    for (name, of) in models {
        let checkpoint = checkpoint(&tests(of["folder"].as_str().unwrap()));
        let forward = Forward::new(&checkpoint, &Device::Cpu).unwrap();
        let never = CancelToken::never();
        let mut shares = Vec::new();
        let found = forward
            .jacobians(&TOKENS, 3..TOKENS.len() - 1, never, &mut |share| {
                shares.push(share)
            })
            .unwrap();
        assert_eq!(shares.last(), Some(&1.0));
        let layers = of["layers"].as_array().unwrap();
        assert_eq!(found.len(), layers.len(), "{name}");
        let probes: Vec<Vec<f64>> = of["probes"]
            .as_array()
            .unwrap()
            .iter()
            .map(numbers)
            .collect();
        for (layer, (found, of)) in found.iter().zip(layers).enumerate() {
            let squares = found.data().iter().map(|&x| f64::from(x).powi(2));
            let (norm, wanted) = (squares.sum::<f64>().sqrt(), of["norm"].as_f64().unwrap());
            assert!(
                (norm / wanted - 1.0).abs() < 1e-4,
                "{name} {layer}: {norm}, {wanted}"
            );
            let products = of["products"].as_array().unwrap().iter().map(numbers);
            for (probe, products) in probes.iter().zip(products) {
                for (i, wanted) in products.into_iter().enumerate() {
                    let terms = found.row(i).iter().zip(probe);
                    let got: f64 = terms.map(|(j, p)| f64::from(*j) * p).sum();
                    assert!(
                        (got - wanted).abs() < 2e-4 * norm,
                        "{name} {layer} {i}: {got}, {wanted}"
                    );
                }
            }
        }
        seen += 1;
    }
    assert!(seen > 9);
}

#[test]
fn a_published_lens_is_read_and_lists_go_through_it() {
    let lens = tests("lens/files/llama_jacobian_lens.pt");
    let mut model = reader(&tests("families/llama"))
        .through_lens(&lens)
        .unwrap();
    let card = lexiscope::query::Answering::card(&model);
    let about = card.lens.clone().unwrap();
    assert_eq!(
        (about.prompts, about.data.as_deref()),
        (Some(25), Some("tiny"))
    );
    assert_eq!(about.hash.len(), 12);
    let convention: Convention = "lens".parse().unwrap();
    let expected = &expected()["lens"];
    let neuron = Query::Neuron(NeuronQuery {
        layer: 0,
        neuron: 5,
        input: Default::default(),
        k: 5,
        filters: Default::default(),
        convention,
    });
    let Answer::Neuron(answer) = ask(&mut model, &neuron).unwrap() else {
        panic!();
    };
    let wanted = expected["neuron"].as_array().unwrap();
    for (got, wanted) in answer.columns[1].iter().zip(wanted) {
        assert_eq!(u64::from(got.id), wanted[0].as_u64().unwrap());
        let score = wanted[1].as_f64().unwrap();
        assert!((f64::from(got.score) - score).abs() < 1e-4 * (1.0 + score.abs()));
    }
    // What is read is as without.
    let Answer::Neuron(raw) = ask(&mut model, &neuron.under(Convention::RAW)).unwrap() else {
        panic!();
    };
    assert_eq!(answer.columns[0], raw.columns[0]);
    let pairs = Query::Pairs(PairsQuery {
        form: lexiscope::transformer::Form::Vo,
        layer: 0,
        head: 1,
        distance: 0,
        end: lexiscope::projection::End::Highest,
        k: 1,
        filters: Default::default(),
        convention,
    });
    let Answer::Pairs(answer) = ask(&mut model, &pairs).unwrap() else {
        panic!();
    };
    let (got, wanted) = (&answer.pairs[0], &expected["pair"]);
    let at = (u64::from(got.from), u64::from(got.to));
    assert_eq!(
        at,
        (wanted[0].as_u64().unwrap(), wanted[1].as_u64().unwrap())
    );
    let score = wanted[2].as_f64().unwrap();
    assert!((f64::from(got.score) - score).abs() < 1e-4 * (1.0 + score.abs()));
}

#[test]
fn what_is_no_lens_of_the_model_is_refused_in_a_sentence() {
    for (file, said) in [
        ("mlp_out.pt", "got one of mlp_out"),
        ("deep.pt", "got layer 7"),
        ("no_lens.pt", "expected matrices J by layer"),
        ("gemma2.safetensors", "as wide as this model, got [24, 24]"),
        ("none.pt", "got none"),
    ] {
        let error = LensFile::opened(&tests("lens/files").join(file), 2, 32).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains(said) && !error.contains('\n'),
            "{file}: {error}"
        );
    }
    let home = Home::new();
    let model = tests("families/llama").display().to_string();
    let output = home.run(["neuron", &model, "0", "5", "--convention", "lens"]);
    let error = text(&output.stderr);
    assert!(
        error.contains("no fitted lens was given (--lens FILE)"),
        "{error}"
    );
}

const LINE: &str = "ba be bi bo bu da de di do du ga ge gi go gu ka ke ki ko ku la le li lo lu";

#[test]
fn a_fit_that_was_cancelled_ends_as_one_that_was_not() {
    let home = Home::new();
    let model = reader(&tests("families/llama"));
    let plan = |out: &str| LensFitPlan {
        texts: vec![
            LINE.to_owned(),
            "ba".to_owned(),
            LINE.replace("ba", "mu ma"),
        ],
        data: "lines".to_owned(),
        prompts: 5,
        tokens: 12,
        skip: 2,
        out: home.path(out),
    };
    let whole = model.fit_lens(&plan("whole"), Callbacks::none()).unwrap();
    assert_eq!((whole.prompts, whole.short), (2, 1));
    assert_eq!(whole.departures.len(), 1);
    // Called off as soon as the second prompt begins.
    let cancelled = AtomicBool::new(false);
    let on_progress = |progress: &Progress| {
        cancelled.fetch_or(progress.parts[0].done == 1, Relaxed);
    };
    let callbacks = Callbacks {
        cancel: CancelToken::flag(&cancelled),
        on_progress: Some(&on_progress),
        ..Callbacks::none()
    };
    let error = model.fit_lens(&plan("halves"), callbacks).unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    assert!(home.path("halves.part").exists() && !home.path("halves").exists());
    let rest = model.fit_lens(&plan("halves"), Callbacks::none()).unwrap();
    assert_eq!(rest.departures, whole.departures);
    let [a, b] = ["whole", "halves"].map(|name| fs::read(home.path(name)).unwrap());
    assert_eq!(a.len(), b.len());
    let lens = |name: &str| LensFile::opened(&home.path(name), 2, 32).unwrap();
    let [a, b] = ["whole", "halves"].map(|name| lens(name).jacobian(0).unwrap());
    assert_eq!(a, b);
}

#[test]
fn a_fit_is_made_and_named_in_exports() {
    let home = Home::new();
    let model = tests("families/llama").display().to_string();
    let texts = format!("{LINE}\nba\n\n{}\n", LINE.replace("ba", "mu ma me"));
    home.write("texts.txt", &texts);
    let fit = |out: &str, prompts: &str| {
        home.run([
            "fit-lens",
            &model,
            "--texts",
            "texts.txt",
            "--out",
            out,
            "-n",
            prompts,
            "--skip",
            "2",
            "--tokens",
            "12",
        ])
    };
    let output = fit("lens.safetensors", "5");
    assert!(output.status.success(), "{output:?}");
    assert!(
        text(&output.stdout).starts_with("2 prompts, 1 too short"),
        "{output:?}"
    );
    let lens = LensFile::opened(&home.path("lens.safetensors"), 2, 32).unwrap();
    assert_eq!((lens.about().prompts, lens.about().layers), (Some(2), 1));
    assert!(!home.path("lens.safetensors.part").exists());
    // A part of another fit is not gone on with.
    fs::copy(
        home.path("lens.safetensors"),
        home.path("other.safetensors.part"),
    )
    .unwrap();
    let output = fit("other.safetensors", "5");
    assert!(
        text(&output.stderr).contains("expected a part of this fit"),
        "{output:?}"
    );
    // With the lens a prompt's states are read through it, and its exports say so.
    let prompt = |more: &[&str]| {
        let line = ["prompt", &model, "--text", "ba be", "--format", "json"];
        let output = home.run([&line[..], more].concat());
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let (plain, through) = (prompt(&[]), prompt(&["--lens", "lens.safetensors"]));
    assert_eq!(plain["predictions"], through["predictions"]);
    assert_ne!(plain["lens"][1], through["lens"][1]);
    assert_eq!(plain["lens"][2], through["lens"][2]);
    let about = &through["jacobian_lens"];
    assert_eq!(about["prompts"], 2);
    assert_eq!(about["sha256"], lens.about().hash);
    let command = through["command"].as_str().unwrap();
    assert!(command.contains("--lens lens.safetensors"), "{command}");
}
