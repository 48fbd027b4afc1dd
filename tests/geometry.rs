//! Geometry: the reference checkpoints' answers, and what is said when there is nothing to say.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/mod.rs"]
mod support;

use std::sync::Mutex;

use lexiscope::geometry::{Language, Measure, Subwords, Texts};
use lexiscope::projection::DeviceChoice;
use lexiscope::query::sheet::{Depth, GeometryChart, ModelGeometry, geometry_sheet};
use lexiscope::query::{
    Answer, Answering, Callbacks, ContextMapQuery, GeometryAnswer, GeometryQuery, MapAnswer,
    NeuronColumn, NeuronMapQuery, Pointed, Query, Reader, TextReading, TokenChoice, language_of,
};
use lexiscope::report::{self, Format};
use lexiscope::task::CancelToken;
use lexiscope::transformer::Input;
use lexiscope::vocabulary::Filters;
use serde_json::Value;
use support::{REFERENCES, reference_and_answers};

fn query(texts: Texts, token: Option<TokenChoice>) -> GeometryQuery {
    GeometryQuery {
        reading: TextReading::new(texts),
        token,
        pieces: Subwords::Mean,
        without_dominant: 0,
    }
}

fn ask(reader: &mut Reader, query: &GeometryQuery) -> Result<GeometryAnswer, String> {
    let answer = reader.answer(&Query::Geometry(query.clone()), Callbacks::none());
    match answer.map_err(|e| e.to_string())? {
        Answer::Geometry(answer) => Ok(answer),
        other => panic!("{other:?}"),
    }
}

fn lines(texts: &[&str]) -> Texts {
    Texts::parse("test", texts.join("\n").as_bytes()).unwrap()
}

fn word(word: &str) -> Option<TokenChoice> {
    Some(TokenChoice::Word(word.to_owned()))
}

fn bundled(name: &str) -> Reader {
    let location = lexiscope::checkpoint::Location::resolve(name).unwrap();
    Reader::open(&location, DeviceChoice::Cpu).unwrap()
}

fn assert_close(got: impl Iterator<Item = Option<f64>>, want: &Value, what: &str) {
    let got: Vec<Option<f64>> = got.collect();
    let want: Vec<Option<f64>> = want.as_array().unwrap().iter().map(Value::as_f64).collect();
    assert_eq!(got.len(), want.len(), "{what}");
    for (got, want) in got.iter().zip(&want) {
        let apart = got.zip(*want).map_or(0.0, |(a, b)| (a - b).abs());
        assert!(
            apart < 1e-4 && got.is_some() == want.is_some(),
            "{what}: {got:?} {want:?}"
        );
    }
}

#[test]
fn measures_agree_with_pytorch_on_every_reference_checkpoint() {
    for name in REFERENCES {
        let (mut reader, answers) = reference_and_answers(name);
        let answers = &answers["geometry"];
        let texts: Vec<&str> = answers["texts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t.as_str().unwrap())
            .collect();
        let id = answers["word_id"].as_u64().unwrap() as u32;
        let mut query = query(lines(&texts), Some(TokenChoice::Id(id)));
        query.reading.max_tokens = Some(96);
        let got = ask(&mut reader, &query).unwrap();
        let raw = |measure| {
            let curve = got.curve(measure).unwrap();
            curve.raw.iter().map(|e| e.map(|e| e.value))
        };
        assert_close(
            raw(Measure::Anisotropy),
            &answers["anisotropy_pooled"],
            name,
        );
        assert_close(
            raw(Measure::ContextSpecificity),
            &answers["context_specificity"],
            name,
        );
        let expected = answers["per_text"].as_array().unwrap();
        assert_eq!(got.texts.len(), expected.len());
        for (text, expected) in got.texts.iter().zip(expected) {
            let ids: Vec<u64> = text.ids.iter().map(|&id| u64::from(id)).collect();
            assert_eq!(serde_json::json!(ids), expected["ids"], "{name}");
            assert_close(
                text.anisotropy.iter().copied(),
                &expected["anisotropy"],
                name,
            );
        }
    }
}

#[test]
fn a_text_of_a_hundred_thousand_tokens_is_cut_and_said_so() {
    for name in ["gpt2-pl", "bert-pl"] {
        let mut reader = bundled(name);
        let long = "zamek ".repeat(100_000);
        let got = ask(&mut reader, &query(lines(&[&long]), None)).unwrap();
        let positions = reader.card().spec.positions;
        assert_eq!(got.texts[0].ids.len(), positions);
        assert!(got.texts[0].cut_from.unwrap() >= 100_000);
        let notice = &got.notices[0];
        assert!(
            notice.starts_with(&format!(
                "1 text was cut to {positions} tokens (the longest had "
            )),
            "{notice}"
        );
        if name == "bert-pl" {
            let vocabulary = &reader.card().vocabulary;
            let ends = [got.texts[0].ids[0], got.texts[0].ids[positions - 1]];
            assert!(ends.iter().all(|&id| vocabulary.is_special(id)));
        }
    }
}

#[test]
fn one_text_has_anisotropy_but_no_context_specificity() {
    let mut reader = bundled("gpt2-pl");
    let texts = lines(&["Stary zamek stał na wzgórzu, a nowy zamek w dolinie."]);
    let got = ask(&mut reader, &query(texts, word("zamek"))).unwrap();
    assert!(got.curve(Measure::Anisotropy).unwrap().raw[0].is_some());
    let specificity = got.curve(Measure::ContextSpecificity).unwrap();
    assert!(specificity.raw.iter().all(Option::is_none));
    assert_eq!(
        specificity.missing.as_deref(),
        Some("needs two texts that hold the token, got 1")
    );
    let similarity = got.curve(Measure::SelfSimilarity).unwrap();
    assert!(similarity.raw.iter().all(Option::is_some));
}

#[test]
fn a_token_that_is_nowhere_and_one_that_is_not_are_told_apart() {
    let mut reader = bundled("gpt2-pl");
    let got = ask(
        &mut reader,
        &query(lines(&["Nie ma go.", "Nie ma."]), word("zamek")),
    )
    .unwrap();
    assert_eq!(
        got.notices,
        ["no text holds \"zamek\"; ask about another token or give other texts"]
    );
    assert_eq!(got.token.unwrap().occurrences, 0);
    let texts = || lines(&["Nie ma go."]);
    let beyond = ask(&mut reader, &query(texts(), Some(TokenChoice::Id(8192))));
    assert_eq!(
        beyond.unwrap_err(),
        "token 8192 is not in gpt2-pl: expected 0 to 8191"
    );
    let (mut bert, _) = reference_and_answers("bert-safetensors");
    let unknown = ask(&mut bert, &query(texts(), word("日本"))).unwrap_err();
    assert!(
        unknown.starts_with("bert-safetensors: \"日本\" is not in the vocabulary"),
        "{unknown}"
    );
}

#[test]
fn switches_leave_out_what_they_say() {
    let mut reader = bundled("bert-pl");
    let texts = lines(&["Nie ma.", "Nie wiem."]);
    let mut asked = query(texts, None);
    let all = ask(&mut reader, &asked).unwrap();
    asked.reading.skip_special = true;
    let bare = ask(&mut reader, &asked).unwrap();
    asked.reading.skip_first = true;
    // The first position is special already.
    assert_eq!(ask(&mut reader, &asked).unwrap().curves, bare.curves);
    assert_ne!(all.curves, bare.curves);
    asked.without_dominant = 2;
    let without = ask(&mut reader, &asked).unwrap();
    let pooled = |a: &GeometryAnswer| a.curve(Measure::Anisotropy).unwrap().raw[8].unwrap().value;
    assert!(pooled(&without) < pooled(&bare));
}

#[test]
fn progress_is_told_and_the_query_can_be_called_off() {
    let mut reader = bundled("gpt2-pl");
    assert_eq!(language_of(&reader.card().vocabulary), Language::Polish);
    let asked = Query::Geometry(query(Texts::bundled(Language::Polish), word("nie")));
    let done = Mutex::new(0.0);
    let half = || *done.lock().unwrap() >= 0.5;
    let callbacks = Callbacks {
        cancel: CancelToken::new(&half),
        on_partial: Some(&|partial| {
            let Answer::Geometry(partial) = partial else {
                panic!()
            };
            let mut done = done.lock().unwrap();
            assert!(partial.done > *done && partial.curves.is_empty());
            *done = partial.done;
        }),
        ..Callbacks::none()
    };
    assert!(reader.answer(&asked, callbacks).unwrap_err().is_cancelled());
    assert!((0.5..0.8).contains(&*done.lock().unwrap()));
}

fn map(reader: &mut Reader, query: Query) -> Result<MapAnswer, String> {
    match reader
        .answer(&query, Callbacks::none())
        .map_err(|e| e.to_string())?
    {
        Answer::Map(map) => Ok(map),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_map_shows_every_occurrence_and_where_it_is() {
    let mut reader = bundled("gpt2-pl");
    let mut asked = ContextMapQuery {
        reading: TextReading::new(Texts::bundled(Language::Polish)),
        token: TokenChoice::Word("zamek".to_owned()),
        pieces: Subwords::Mean,
        state: 4,
    };
    let got = map(&mut reader, Query::ContextMap(asked.clone())).unwrap();
    assert!(got.points.len() >= 5);
    for point in &got.points {
        let Pointed::Occurrence { text, positions } = &point.what else {
            panic!()
        };
        assert!(asked.reading.texts.texts[*text].contains("zamek"));
        let ids = reader
            .card()
            .vocabulary
            .encode(&asked.reading.texts.texts[*text])
            .unwrap();
        let shown: String = ids[positions.clone()]
            .iter()
            .map(|&id| reader.card().vocabulary.text(id).into_owned())
            .collect();
        assert_eq!(shown, "zamek");
    }
    asked.state = 9;
    let beyond = map(&mut reader, Query::ContextMap(asked.clone())).unwrap_err();
    assert_eq!(beyond, "state 9 is not in gpt2-pl: expected 0 to 8");
    asked.state = 0;
    asked.reading.texts = lines(&["Stary zamek."]);
    let one = map(&mut reader, Query::ContextMap(asked)).unwrap_err();
    assert!(one.contains("needs two points, got 1"), "{one}");
}

#[test]
fn a_map_of_a_neuron_shows_the_tokens_of_its_column() {
    let mut reader = bundled("gpt2-pl");
    let asked = NeuronMapQuery {
        convention: Default::default(),
        layer: 3,
        neuron: 103,
        input: Input::default(),
        column: NeuronColumn::V,
        k: 100,
        filters: Filters::default(),
    };
    let got = map(&mut reader, Query::NeuronMap(asked)).unwrap();
    assert_eq!(got.points.len(), 100);
    let [first, second] = got.explained;
    assert!(first >= second && second > 0.0 && first + second < 1.0);
}

/// The corrected context specificity of a model by relative depth.
fn corrected(model: &Value) -> Vec<(f64, f64)> {
    let values = &model["measures"]["context_specificity"]["corrected"];
    let values = values.as_array().unwrap();
    let last = values.len() as f64 - 1.0;
    let points = values.iter().enumerate();
    let there = points.filter_map(|(i, v)| Some((i as f64 / last, v["value"].as_f64()?)));
    there.collect()
}

/// The middles of a chart's circles, in their order.
fn circles(svg: &str) -> Vec<(f64, f64)> {
    let attribute = |circle: &str, name: &str| {
        let (_, value) = circle.split_once(&format!("{name}=\"")).unwrap();
        value.split('"').next().unwrap().parse().unwrap()
    };
    let circles = svg.split("<circle ").skip(1);
    circles
        .map(|circle| (attribute(circle, "cx"), attribute(circle, "cy")))
        .collect()
}

#[test]
fn every_format_holds_two_models_side_by_side() {
    let asked = GeometryQuery {
        without_dominant: 3,
        ..query(Texts::bundled(Language::Polish), word("nie"))
    };
    let answered = ["bert-pl", "gpt2-pl"].map(|name| {
        let mut reader = bundled(name);
        let answer = ask(&mut reader, &asked).unwrap();
        (reader.card(), answer)
    });
    let models = answered.each_ref().map(|(card, answer)| ModelGeometry {
        card,
        answer,
        timings: None,
    });
    let chart = GeometryChart {
        measure: Measure::ContextSpecificity,
        corrected: true,
        depth: Depth::Relative,
        log: false,
    };
    let sheet = geometry_sheet(&models, &asked, &chart);
    let written = |format| report::write(&sheet, format);
    let json: Value = serde_json::from_str(&written(Format::Json)).unwrap();
    let command = "lexiscope geometry bert-pl gpt2-pl --texts polish --token nie --without-dominant 3 \
                   --measure context_specificity --corrected";
    assert_eq!(json["command"], format!("{command} --format json"));
    for model in json["models"].as_array().unwrap() {
        assert_eq!(model["context_specificity"].as_array().unwrap().len(), 9);
        let curve = &model["measures"]["self_similarity"];
        let first = &curve["raw"][1];
        let (value, low) = (&first["value"], &first["interval"][0]);
        assert!(low.as_f64().unwrap() < value.as_f64().unwrap());
    }
    let settings = "· token nie · without 3 dominant dimensions";
    let csv = written(Format::Csv);
    assert_eq!(csv.lines().count(), 1 + 2 * 8 * 9);
    assert!(csv.lines().skip(1).all(|line| line.contains(settings)));
    for format in [Format::Table, Format::Markdown] {
        let table = written(format);
        assert_eq!(table.lines().count(), 2 + 2 * 9 + 3);
        assert!(
            table.contains(settings) && table.contains(command),
            "{table}"
        );
    }
    let svg = report::chart(&models, &asked, &chart).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    let drawn = circles(&svg);
    let values: Vec<(f64, f64)> = json["models"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(corrected)
        .collect();
    assert_eq!(values.len(), 18);
    // One scale for both models: pixels by depth, and by value, downwards.
    let [first, last] = [0, 8].map(|at| (values[at].0, drawn[at].0));
    let by_value = |a: &&usize, b: &&usize| values[**a].1.total_cmp(&values[**b].1);
    let all: Vec<usize> = (0..values.len()).collect();
    let ends = [all.iter().min_by(by_value), all.iter().max_by(by_value)];
    let [lowest, highest] = ends.map(|at| (values[*at.unwrap()].1, drawn[*at.unwrap()].1));
    let on = |[a, b]: [(f64, f64); 2], at: f64| a.1 + (at - a.0) / (b.0 - a.0) * (b.1 - a.1);
    for ((depth, value), (x, y)) in values.iter().zip(&drawn) {
        assert!(
            (on([first, last], *depth) - x).abs() < 1.5,
            "{depth} at {x}"
        );
        assert!(
            (on([lowest, highest], *value) - y).abs() < 1.5,
            "{value} at {y}"
        );
    }
    assert!(highest.1 < lowest.1 - 100.0);
    for shown in [
        "gpt2-pl",
        "bert-pl",
        "relative depth",
        "context specificity, corrected",
        settings,
        &format!("{command} --format svg</desc>"),
    ] {
        assert!(svg.contains(shown), "{shown}");
    }
    let bare = GeometryChart {
        measure: Measure::TopThree,
        ..chart
    };
    let refused = report::chart(&models, &asked, &bare)
        .unwrap_err()
        .to_string();
    assert!(refused.contains("no corrected form"), "{refused}");
}
