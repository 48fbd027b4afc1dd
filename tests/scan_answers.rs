//! A finished scan as the memory of a model: the same answers, from the file where it has them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use lexiscope::geometry::Texts;
use lexiscope::projection::End;
use lexiscope::query::{
    Answer, Answering, Callbacks, ContextTexts, Convention, EvidenceQuery, NeuronQuery, PairsQuery,
    Query, QueryError, RankMetric, RankQuery, Reader,
};
use lexiscope::scan::{Layers, Scan, ScanPlan, Scanned, What};
use lexiscope::task::CancelToken;
use lexiscope::transformer::{Form, Input};
use lexiscope::vocabulary::Filters;
use support::{Home, reference, text};
use tempfile::TempDir;

fn open(name: &str) -> Reader {
    support::reader(&reference(name))
}

/// Scans with 12 tokens a column and 20 pairs a list, letters and digits only.
fn scan(name: &str, layers: Option<Layers>) -> (TempDir, PathBuf) {
    scan_of(name, layers, (12, 20))
}

fn scan_of(name: &str, layers: Option<Layers>, lengths: (usize, usize)) -> (TempDir, PathBuf) {
    scan_under(name, layers, lengths, alnum())
}

fn scan_under(
    name: &str,
    layers: Option<Layers>,
    (k, pairs): (usize, usize),
    filters: Filters,
) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("scan.parquet");
    let plan = ScanPlan {
        layers,
        what: What::All,
        k,
        pairs,
        filters,
        convention: Default::default(),
    };
    Scan::run(
        &mut open(name),
        &plan,
        &out,
        lexiscope::task::Callbacks::none(),
    )
    .unwrap();
    (folder, out)
}

fn alnum() -> Filters {
    Filters {
        alnum: true,
        ..Filters::default()
    }
}

fn neuron(layer: usize, neuron: usize, k: usize, filters: Filters) -> Query {
    Query::Neuron(NeuronQuery {
        convention: Default::default(),
        layer,
        neuron,
        input: Input::default(),
        k,
        filters,
    })
}

fn pairs(form: Form, layer: usize, end: End, k: usize, filters: Filters) -> Query {
    Query::Pairs(PairsQuery {
        convention: Default::default(),
        form,
        layer,
        head: 1,
        distance: 0,
        end,
        k,
        filters,
    })
}

fn ask(model: &mut dyn Answering, query: &Query) -> Answer {
    support::ask(model, query).unwrap()
}

/// Whether it need not be computed.
fn is_there(model: &mut dyn Answering, query: &Query) -> bool {
    let callbacks = Callbacks {
        cancel: CancelToken::new(&|| true),
        ..Callbacks::none()
    };
    match model.answer(query, callbacks) {
        Ok(_) => true,
        Err(error) => {
            assert!(error.is_cancelled(), "{error}");
            false
        }
    }
}

#[test]
fn answers_from_a_scan_are_those_that_would_be_computed() {
    for name in ["gpt2-safetensors", "bert-safetensors"] {
        let (_folder, out) = scan(name, None);
        let mut computed = open(name);
        let mut scanned = Scanned::open(open(name), &out).unwrap();
        let spec = scanned.card().spec.clone();
        let mut queries = Vec::new();
        for layer in 0..spec.layers {
            for n in [0, 1, spec.neurons / 2, spec.neurons - 1] {
                queries.extend([12, 5].map(|k| neuron(layer, n, k, alnum())));
            }
            for form in [Form::Vo, Form::Qk] {
                for end in [End::Highest, End::Lowest] {
                    queries.extend([20, 3].map(|k| pairs(form, layer, end, k, alnum())));
                }
            }
        }
        for query in &queries {
            assert!(is_there(&mut scanned, query), "{name}: {query:?}");
            assert_eq!(
                ask(&mut scanned, query),
                ask(&mut computed, query),
                "{name}: {query:?}"
            );
        }
    }
}

#[test]
fn a_scan_under_a_convention_answers_under_that_one_alone() {
    let name = "gpt2-safetensors";
    let (folder, _) = scan(name, Some("1".parse().unwrap()));
    let under = |name: &str| -> Convention { name.parse().unwrap() };
    let plan = ScanPlan {
        layers: None,
        what: What::All,
        k: 12,
        pairs: 20,
        filters: alnum(),
        convention: under("gain+cosine"),
    };
    let out = folder.path().join("gain+cosine.parquet");
    let scan =
        |reader: &mut Reader| Scan::run(reader, &plan, &out, lexiscope::task::Callbacks::none());
    scan(&mut open(name)).unwrap();
    let mut computed = open(name);
    let mut scanned = Scanned::open(open(name), &out).unwrap();
    assert_eq!(scanned.not_under(under("gain+cosine")), None);
    let said = scanned.not_under(under("raw")).unwrap();
    assert_eq!(said, "the scan was made under gain+cosine, not raw");
    for query in [
        neuron(1, 3, 12, alnum()),
        pairs(Form::Qk, 1, End::Lowest, 20, alnum()),
    ] {
        for (convention, held) in [("gain+cosine", true), ("raw", false), ("norms", false)] {
            let query = query.clone().under(under(convention));
            assert_eq!(is_there(&mut scanned, &query), held, "{query:?}");
            assert_eq!(ask(&mut scanned, &query), ask(&mut computed, &query));
        }
    }
    // What a model does not offer is not scanned.
    let refused = scan(&mut open("bert-safetensors")).unwrap_err().to_string();
    assert!(refused.contains("gain is not offered: "), "{refused}");
}

#[test]
fn what_a_scan_does_not_hold_is_computed() {
    let name = "gpt2-safetensors";
    let (_folder, out) = scan(name, Some("1".parse().unwrap()));
    let mut computed = open(name);
    let mut scanned = Scanned::open(open(name), &out).unwrap();
    let same = Filters {
        exclude_same: true,
        ..alnum()
    };
    let computes = [
        neuron(0, 3, 12, alnum()),
        neuron(1, 3, 13, alnum()),
        neuron(1, 3, 12, Filters::default()),
        pairs(Form::Vo, 0, End::Highest, 20, alnum()),
        pairs(Form::Vo, 1, End::Highest, 21, alnum()),
        pairs(Form::Vo, 1, End::Highest, 20, same.clone()),
    ];
    for query in &computes {
        assert!(!is_there(&mut scanned, query), "{query:?}");
        assert_eq!(ask(&mut scanned, query), ask(&mut computed, query));
    }
    // What is about pairs makes no difference to a neuron.
    assert!(is_there(&mut scanned, &neuron(1, 3, 12, same)));
    // Some of a batch from the file, the others computed, in their order.
    let batch = [(1, 2), (0, 2), (1, 0), (0, 0)].map(|(layer, neuron)| NeuronQuery {
        convention: Default::default(),
        layer,
        neuron,
        input: Input::default(),
        k: 12,
        filters: alnum(),
    });
    let answers = scanned.answer_neurons(&batch, Callbacks::none()).unwrap();
    assert_eq!(
        answers,
        computed.answer_neurons(&batch, Callbacks::none()).unwrap()
    );
}

fn rank(layer: usize, by: RankMetric, filters: Filters) -> RankQuery {
    RankQuery {
        layer,
        by,
        count: 20,
        words: 5,
        filters,
        convention: Default::default(),
        likely: false,
    }
}

#[test]
fn what_is_judged_by_lists_is_ranked_from_a_scan() {
    let name = "gpt2-safetensors";
    let (_folder, out) = scan_of(name, Some("1".parse().unwrap()), (31, 30));
    let mut computed = open(name);
    let mut scanned = Scanned::open(open(name), &out).unwrap();
    for by in RankMetric::NEURONS.into_iter().chain(RankMetric::HEADS) {
        let query = rank(1, by, alnum());
        let why = scanned.lacks(&query).unwrap();
        let query = Query::Rank(query);
        assert_eq!(
            is_there(&mut scanned, &query),
            why.is_none(),
            "{by}: {why:?}"
        );
        assert_eq!(why.is_some(), by.of_weights(), "{by}: {why:?}");
        assert_eq!(
            ask(&mut scanned, &query),
            ask(&mut computed, &query),
            "{by}"
        );
    }
    let elsewhere = [
        (rank(0, RankMetric::Stem, alnum()), "no neurons of layer 0"),
        (rank(0, RankMetric::Same, alnum()), "no heads of layer 0"),
        (
            rank(1, RankMetric::Stem, Filters::default()),
            "other filters",
        ),
        (
            rank(1, RankMetric::Norm, alnum()),
            "norm is a figure of the weights",
        ),
    ];
    for (query, why) in elsewhere {
        let said = scanned.lacks(&query).unwrap().unwrap();
        assert!(said.contains(why), "{said}");
        let query = Query::Rank(query);
        assert_eq!(ask(&mut scanned, &query), ask(&mut computed, &query));
    }
    let (_folder, short) = scan(name, None);
    let mut short = Scanned::open(open(name), &short).unwrap();
    let said = |by| short.lacks(&rank(1, by, alnum())).unwrap().unwrap();
    let said = [RankMetric::Z, RankMetric::SameQk].map(said);
    assert!(
        said[0].contains("12 tokens of a column, of which 30"),
        "{said:?}"
    );
    assert!(
        said[1].contains("20 pairs of a head, of which 30"),
        "{said:?}"
    );
}

#[test]
fn evidence_is_judged_by_the_lists_of_a_scan() {
    let name = "gpt2-safetensors";
    let query = EvidenceQuery {
        texts: ContextTexts::new(Texts {
            label: "two texts".to_owned(),
            texts: ["the cat sat on the mat", "a dog ran to the house"]
                .map(str::to_owned)
                .into(),
            path: None,
        }),
        input: Input::default(),
        convention: Default::default(),
    };
    let (_folder, out) = scan_under(name, None, (12, 20), Filters::default());
    let mut scanned = Scanned::open(open(name), &out).unwrap();
    assert_eq!(scanned.lacks_evidence(&query).unwrap(), None);
    let (_folder, other) = scan(name, None);
    let mut other = Scanned::open(open(name), &other).unwrap();
    let why = other.lacks_evidence(&query).unwrap().unwrap();
    assert!(why.contains("other filters"), "{why}");
    let query = Query::Evidence(query);
    let computed = ask(&mut open(name), &query);
    assert_eq!(ask(&mut scanned, &query), computed);
    assert_eq!(ask(&mut other, &query), computed);
}

#[test]
fn a_ranking_that_was_called_off_goes_on_where_it_was() {
    let query = Query::Rank(rank(1, RankMetric::Same, alnum()));
    let mut reader = open("gpt2-safetensors");
    // One head at a time: the first is judged, the second called off.
    let come = Mutex::new(0);
    let first = reader.answer(
        &query,
        Callbacks {
            cancel: CancelToken::new(&|| *come.lock().unwrap() > 0),
            on_partial: Some(&|_| *come.lock().unwrap() += 1),
            ..Callbacks::none()
        },
    );
    assert!(first.unwrap_err().is_cancelled());
    let (answer, partial) = with_partial(&mut reader, &query);
    let heads = reader.card().spec.heads;
    assert_eq!(partial.len(), heads - 2, "only the others");
    assert_eq!(
        answer,
        open("gpt2-safetensors")
            .answer(&query, Callbacks::none())
            .unwrap()
    );
}

/// The answer, and how far each partial answer of a ranking was.
fn with_partial(model: &mut dyn Answering, query: &Query) -> (Answer, Vec<f32>) {
    let partial = Mutex::new(Vec::new());
    let callbacks = Callbacks {
        on_partial: Some(&|answer| {
            if let Answer::Rank(answer) = answer {
                partial.lock().unwrap().push(answer.done);
            }
        }),
        ..Callbacks::none()
    };
    let answer = model.answer(query, callbacks).unwrap();
    (answer, partial.into_inner().unwrap())
}

#[test]
fn a_scan_of_another_model_and_what_is_no_scan_are_refused_in_a_line() {
    let (folder, out) = scan("gpt2-safetensors", None);
    let refused = |path: &Path| {
        let error = Scanned::open(open("bert-safetensors"), path).err().unwrap();
        error.to_string()
    };
    let said = refused(&out);
    assert!(
        said.contains("is a scan of another model (gpt2-safetensors)"),
        "{said}"
    );
    assert!(refused(&folder.path().join("none")).contains("none: cannot be read: "));
    let torn = folder.path().join("torn.parquet");
    let bytes = fs::read(&out).unwrap();
    fs::write(&torn, &bytes[..bytes.len() / 2]).unwrap();
    assert!(refused(&torn).contains("cannot be read as a scan"));
    fs::write(&torn, b"").unwrap();
    assert!(refused(&torn).contains("cannot be read as a scan"));
}

#[test]
fn a_scan_that_is_damaged_inside_is_said_and_breaks_nothing() {
    let (folder, out) = scan("gpt2-safetensors", None);
    let damaged = folder.path().join("damaged.parquet");
    let bytes = fs::read(&out).unwrap();
    let mut said = 0;
    let mut rng = fastrand::Rng::with_seed(2);
    for _ in 0..40 {
        let mut bytes = bytes.clone();
        for _ in 0..20 {
            let at = rng.usize(4..bytes.len() * 9 / 10);
            bytes[at] ^= 1 << rng.u8(0..8);
        }
        fs::write(&damaged, &bytes).unwrap();
        let Ok(mut scanned) = Scanned::open(open("gpt2-safetensors"), &damaged) else {
            continue;
        };
        for query in [
            neuron(0, 3, 12, alnum()),
            pairs(Form::Qk, 1, End::Lowest, 20, alnum()),
        ] {
            let answer = scanned.answer(&query, Callbacks::none());
            said += usize::from(matches!(answer, Err(QueryError::Other(_))));
        }
    }
    assert!(said > 0);
}

#[test]
fn the_command_line_and_the_page_take_a_scan() {
    let (_folder, out) = scan("gpt2-safetensors", None);
    let home = Home::new();
    let lexiscope = |args: &[&str]| {
        let done = home.run(args);
        (text(&done.stdout), text(&done.stderr), done.status.code())
    };
    let (model, out) = (
        reference("gpt2-safetensors"),
        out.to_string_lossy().into_owned(),
    );
    let model = model.to_str().unwrap();
    for command in [
        &["neuron", model, "1", "2", "-k", "12", "--alnum"][..],
        &["pairs", model, "qk", "1", "0", "-k", "20", "--alnum"],
        &[model, "--at", "L1.N2"],
    ] {
        let scanned = lexiscope(&[command, &["--scan", &out]].concat());
        assert_eq!(scanned, lexiscope(command));
        assert_eq!(scanned.2, Some(0), "{}", scanned.1);
    }
    let rank = ["rank", model, "--layer", "1", "--alnum"];
    let (table, said, _) = lexiscope(&[&rank[..], &["--scan", &out]].concat());
    assert_eq!(table, lexiscope(&rank).0);
    assert!(
        said.contains("computed, not from the scan: the scan has 12 tokens"),
        "{said}"
    );
    let other = reference("bert-safetensors");
    let (_, said, code) = lexiscope(&[other.to_str().unwrap(), "--scan", &out]);
    assert!(
        said.contains("is a scan of another model") && said.lines().count() == 1,
        "{said}"
    );
    assert_eq!(code, Some(1));
}
