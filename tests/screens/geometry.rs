//! The Geometry pane, with answers made by hand.

use std::sync::Arc;
use std::time::Duration;

use insta::assert_snapshot;
use lexiscope::explorer::action::TabId;
use lexiscope::explorer::effect::{ComparedEffect, Effect};
use lexiscope::explorer::shell;
use lexiscope::explorer::state::State;
use lexiscope::explorer::theme::Theme;
use lexiscope::explorer::views::neurons::LayerStrip;
use lexiscope::geometry::{Curve, Estimate, Language, Measure};
use lexiscope::projection::Scored;
use lexiscope::query::sheet::Depth;
use lexiscope::query::{
    Answer, ContextMapQuery, GeometryAnswer, GeometryQuery, MapAnswer, MapPoint, NeuronMapQuery,
    Pointed, Query, TextAnswer, TokenAnswer, TokenChoice,
};
use lexiscope::worker::{Event, ModelId};
use ratatui::style::Color;

use super::{Screen, model};

/// What a model of so many layers might show; a token that is `rzadki` stands in one text.
pub fn measured(query: &GeometryQuery, layers: usize) -> GeometryAnswer {
    let rare = query.token == Some(TokenChoice::Word("rzadki".to_owned()));
    let texts = query.reading.texts.texts.len();
    let estimate = |at: usize, scale: f64| {
        let share = at as f64 / layers as f64;
        let value = scale * (0.15 + 0.6 * share * share);
        Some(Estimate {
            value,
            interval: Some([value - 0.05 * scale, value + 0.08 * scale]),
        })
    };
    let curve = |(i, &measure): (usize, &Measure)| {
        let scale = 1.0 - 0.1 * i as f64;
        let gone = rare && measure.of_token();
        let values = |scale: f64| -> Vec<_> {
            let value = |at| estimate(at, scale).filter(|_| !gone);
            (0..=layers).map(value).collect()
        };
        let plain = matches!(measure, Measure::Anisotropy | Measure::TopThree);
        Curve {
            measure,
            raw: values(scale),
            corrected: if plain {
                Vec::new()
            } else {
                values(scale / 3.0)
            },
            missing: gone.then(|| "needs two occurrences of the token, got 1".to_owned()),
        }
    };
    let text = |_| TextAnswer {
        ids: vec![4, 5, 8],
        cut_from: None,
        unknown: 0,
        anisotropy: vec![Some(0.4); layers + 1],
    };
    let cut = "1 text was cut to 512 tokens (the longest had 600)".to_owned();
    GeometryAnswer {
        texts: (0..texts).map(text).collect(),
        token: query.token.as_ref().map(|_| TokenAnswer {
            spellings: vec![vec![8]],
            occurrences: if rare { 1 } else { 132 },
            texts: if rare { 1 } else { 83 },
        }),
        curves: Measure::ALL.iter().enumerate().map(curve).collect(),
        dominant: vec![vec![7, 3, 1]; layers + 1],
        notices: if texts == 2 { vec![cut] } else { Vec::new() },
        done: 1.0,
    }
}

/// Two heaps of occurrences that come apart with the states.
pub fn occurrences(query: &ContextMapQuery) -> MapAnswer {
    let texts = query.reading.texts.texts.len().min(12);
    let point = |text: usize| {
        let side = if text.is_multiple_of(2) { 1.0 } else { -1.0 };
        let apart = side * query.state as f64;
        let around = text as f64 * 0.7;
        MapPoint {
            at: [apart + around.sin() * 0.8, around.cos()],
            what: Pointed::Occurrence {
                text,
                positions: 1..2,
            },
        }
    };
    MapAnswer {
        points: (0..texts).map(point).collect(),
        explained: [0.41, 0.12],
        notices: Vec::new(),
    }
}

/// The words of a column in a circle.
pub fn words(query: &NeuronMapQuery, words: usize) -> MapAnswer {
    let point = |i: usize| {
        let angle = i as f64 * 0.26;
        let Scored { id, score } = Scored {
            id: ((i + query.neuron) % words) as u32,
            score: 4.8 - 0.1 * i as f32,
        };
        MapPoint {
            at: [angle.cos(), angle.sin()],
            what: Pointed::Row { id, score },
        }
    };
    MapAnswer {
        points: (0..words).map(point).collect(),
        explained: [0.3, 0.2],
        notices: Vec::new(),
    }
}

/// Plays a companion's worker, with a model of three layers.
pub fn compared(state: &mut State, key: u64, what: ComparedEffect) -> Vec<Effect> {
    let id = ModelId(1);
    match what {
        ComparedEffect::Open(name) => {
            let card = model::card(&name);
            shell::compared(state, key, Event::Opened { id, card })
        }
        ComparedEffect::Want(queries) => {
            let mut effects = Vec::new();
            for query in queries {
                let Query::Geometry(asked) = &query else {
                    panic!("{query:?}");
                };
                let answer = Arc::new(Answer::Geometry(measured(asked, 3)));
                let took = Duration::from_millis(5);
                let event = Event::Answered {
                    id,
                    query,
                    answer,
                    took,
                };
                effects.extend(shell::compared(state, key, event));
            }
            effects
        }
        ComparedEffect::Close => Vec::new(),
    }
}

/// The pane with a further model.
fn two(width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.press("g s + b e r t - p l Enter");
    screen
}

#[test]
fn a_chart_at_every_size() {
    for (width, height) in [(48, 20), (80, 24), (120, 30), (200, 60)] {
        let mut screen = two(width, height);
        let name = format!("geometry-{width}x{height}");
        assert_snapshot!(name, screen.press("← ←").text());
    }
}

#[test]
fn a_map_at_every_size() {
    for (width, height) in [(60, 15), (80, 24), (120, 30), (200, 60)] {
        let mut screen = Screen::new(width, height);
        let name = format!("points-{width}x{height}");
        assert_snapshot!(name, screen.press("g s p ↓ ↓").text());
        let mut screen = Screen::new(width, height);
        let name = format!("column-points-{width}x{height}");
        assert_snapshot!(name, screen.press("p J J").text());
    }
}

#[test]
fn lines_are_told_apart_without_colour() {
    let mut screen = two(100, 24);
    screen.theme = Theme::mono();
    screen.press("x -");
    for cell in screen.terminal.backend().buffer().content() {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
    assert_snapshot!("geometry-mono", screen.text());
}

#[test]
fn the_cursor_reads_out_every_model_at_its_own_state() {
    let mut screen = two(120, 30);
    screen.press("3 g g");
    // Of the other model state 3 is the last: 0.15 + 0.6.
    assert!(screen.text().contains("gpt2-pl 0.300"), "{}", screen.text());
    assert!(screen.text().contains("bert-pl 0.750"));
    screen.press("→");
    assert!(screen.text().contains("bert-pl –"));
    // At half the depth of both, state 3 of 6 and 2 of 3.
    screen.press("x ←");
    assert!(screen.text().contains("▸ depth 0.50"));
    assert!(screen.text().contains("bert-pl 0.417"), "{}", screen.text());
    assert_eq!(screen.address(), "S3");
}

#[test]
fn measures_are_switched_by_their_keys() {
    let mut screen = Screen::new(120, 30);
    screen.press("g s");
    for (key, measure) in [
        ("c", Measure::ContextSpecificity),
        ("s", Measure::SelfSimilarity),
        ("i", Measure::IntraSentence),
        ("v", Measure::MevUncentred),
        ("v", Measure::MevCentred),
        ("v", Measure::MevTruncated),
        ("v", Measure::MevUncentred),
        ("D", Measure::TopThree),
        ("a", Measure::Anisotropy),
        ("↓", Measure::ContextSpecificity),
    ] {
        screen.press(key);
        assert_eq!(
            screen.state.views.geometry.settings.measure, measure,
            "{key}"
        );
    }
    assert!(screen.text().contains("context specificity of “nie”"));
    screen.press("-");
    assert!(screen.text().contains("“nie”, corrected"));
}

#[test]
fn another_token_is_typed_and_counted() {
    let mut screen = Screen::new(120, 30);
    screen.press("g s c c C-u").write("ty");
    let texts = screen.state.views.geometry.settings.texts.texts.len();
    let counted = format!("in {texts} of {texts} texts");
    assert!(
        screen.last_line().contains(&counted),
        "{}",
        screen.last_line()
    );
    screen.press("Enter");
    let Query::Geometry(query) = &screen.state.wanted[0] else {
        panic!("{:?}", screen.state.wanted);
    };
    assert_eq!(query.token, Some(TokenChoice::Word("ty".to_owned())));
    assert!(screen.text().contains("132 × in 83 texts"));
    screen.press("t C-u").write("rzadki");
    // The test's vocabulary has no letters to spell it with: the line stays and says so.
    screen.press("Enter");
    assert!(screen.text().contains('✗'), "{}", screen.text());
    screen.state.views.geometry.settings.token = Some("rzadki".to_owned());
    screen.press("Esc");
    let text = screen.text();
    assert!(
        text.contains("No number: fewer than two texts hold “rzadki”"),
        "{text}"
    );
    screen.press("s");
    assert!(screen.text().contains("No number: needs two occurrences"));
}

#[test]
fn texts_are_typed_read_or_the_bundled_ones() {
    let mut screen = Screen::new(120, 30);
    screen.press("g s T").write("raz dwa | trzy").press("Enter");
    assert_eq!(
        &*screen.state.views.geometry.settings.texts.texts,
        ["raz dwa", "trzy"]
    );
    assert!(screen.text().contains("1 text was cut to 512 tokens"));
    screen.press("T").write("@a.txt").press("Enter");
    assert_eq!(screen.done, [Effect::ReadTexts("a.txt".into())]);
    screen.press("T Enter");
    let chosen = |screen: &Screen| {
        let settings = &screen.state.views.geometry.settings;
        (
            settings.texts.label.clone(),
            settings.token.clone().unwrap(),
        )
    };
    let polish = ("bundled Polish".to_owned(), "nie".to_owned());
    assert_eq!(chosen(&screen), polish);
    // Of the other language once it is asked for, in whatever model.
    screen.press("T").write("@english").press("Enter");
    assert_eq!(chosen(&screen).0, "bundled English");
    screen.press("o").write("bert-pl").press("Enter");
    assert_eq!(chosen(&screen).0, "bundled English");
    screen.press("T Enter");
    assert_eq!(chosen(&screen), polish);
}

/// The worker tells which language fits the model.
fn language(language: Language) -> Event {
    Event::Answered {
        id: ModelId(1),
        query: Query::TextLanguage,
        answer: Arc::new(Answer::TextLanguage(language)),
        took: Duration::from_millis(9),
    }
}

#[test]
fn the_language_of_the_texts_is_asked_when_the_pane_is_first_seen() {
    let mut screen = Screen::new(120, 30);
    let key = |screen: &mut Screen, key: &str| shell::key(&mut screen.state, key.parse().unwrap());
    assert!(!screen.state.wanted.contains(&Query::TextLanguage));
    key(&mut screen, "g");
    key(&mut screen, "s");
    shell::event(&mut screen.state, language(Language::English));
    let [Query::Geometry(asked)] = &screen.state.wanted[..] else {
        panic!("{:?}", screen.state.wanted);
    };
    assert_eq!(asked.reading.texts.label, "bundled English");
    assert_eq!(asked.token, Some(TokenChoice::Word("not".to_owned())));
    // It is known from then on.
    key(&mut screen, "Esc");
    key(&mut screen, "Enter");
    assert!(matches!(screen.state.wanted[..], [Query::Geometry(_)]));
}

#[test]
fn measuring_shows_how_far_it_is_and_can_be_stopped() {
    let mut screen = Screen::new(120, 30);
    // The key alone: the test's worker would answer at once.
    let key = |screen: &mut Screen, key: &str| shell::key(&mut screen.state, key.parse().unwrap());
    key(&mut screen, "g");
    let asked = key(&mut screen, "s");
    let [Effect::Want(queries), Effect::Idle(_)] = &asked[..] else {
        panic!("{asked:?}");
    };
    assert_eq!(queries[..], [Query::TextLanguage]);
    let effects = shell::event(&mut screen.state, language(Language::Polish));
    let [Effect::Want(queries)] = &effects[..] else {
        panic!("{effects:?}");
    };
    let Query::Geometry(asked) = &queries[0] else {
        panic!("{queries:?}");
    };
    let partial = GeometryAnswer {
        done: 0.62,
        curves: Vec::new(),
        ..measured(asked, 6)
    };
    let event = Event::Answered {
        id: ModelId(1),
        query: queries[0].clone(),
        answer: Arc::new(Answer::Geometry(partial)),
        took: Duration::from_millis(40),
    };
    shell::event(&mut screen.state, event);
    screen.draw();
    assert!(
        screen.text().contains("measuring 62 % · Esc stops"),
        "{}",
        screen.text()
    );
    key(&mut screen, "x");
    assert_eq!(screen.state.views.geometry.settings.depth, Depth::Relative);
    assert_eq!(key(&mut screen, "Esc"), [Effect::Want(Vec::new())]);
    screen.draw();
    assert!(screen.text().contains("stopped · Enter measures"));
    screen.press("Enter");
    assert!(screen.text().contains("exact"), "{}", screen.text());
}

#[test]
fn models_are_added_up_to_three_and_removed() {
    let mut screen = two(120, 30);
    screen.press("+ b e r t - p l Enter");
    assert!(screen.last_line().contains("in the chart already"));
    screen.press("+ x Enter +");
    assert!(screen.last_line().contains("there are three models"));
    screen.press("Del Del");
    assert!(screen.state.views.geometry.compared_models.is_empty());
    screen.press("Del");
    assert!(screen.last_line().contains("only the open model"));
    assert_eq!(screen.state.card().unwrap().name, "gpt2-pl");
}

#[test]
fn a_model_that_cannot_be_set_beside_is_dropped_and_said() {
    let mut screen = two(120, 30);
    let key = screen.state.views.geometry.compared_models[0].key;
    let event = Event::NotOpened {
        id: ModelId(0),
        name: "bert-pl".to_owned(),
        message: "no config.json".to_owned(),
    };
    let effects = shell::compared(&mut screen.state, key, event);
    assert_eq!(effects, [Effect::Compared(key, ComparedEffect::Close)]);
    screen.draw();
    assert!(screen.last_line().contains("✗ bert-pl: no config.json"));
}

#[test]
fn points_are_walked_from_left_to_right_and_stay_selected_through_the_states() {
    let mut screen = Screen::new(120, 30);
    screen.press("g s p ↓ ↓");
    let selected = screen.state.views.geometry.selected;
    screen.press("←");
    assert_eq!(screen.state.views.geometry.selected, selected);
    assert_eq!(screen.address(), "S5");
    let Query::ContextMap(query) = &screen.state.wanted[0] else {
        panic!("{:?}", screen.state.wanted);
    };
    assert_eq!(query.state, 5);
    screen.press("Esc");
    assert!(!screen.state.views.geometry.points);
}

#[test]
fn the_chart_is_copied_exported_and_taken_up_again() {
    let mut screen = two(120, 30);
    screen
        .press("c y Y e Enter e C-u")
        .write("a.csv")
        .press("Enter e C-u");
    screen.write("a.doc").press("Enter");
    let [
        // Of the chooser, where the second model was taken from.
        Effect::ListModels,
        Effect::Copy(values),
        Effect::Copy(table),
        Effect::Write { path, text },
        Effect::Write { text: csv, .. },
    ] = &screen.done[..]
    else {
        panic!("{:?}", screen.done);
    };
    assert!(
        values.starts_with("state\tgpt2-pl\tbert-pl\n0\t0.135"),
        "{values}"
    );
    assert_eq!(values.lines().count(), 8);
    assert!(table.contains("context spec."));
    assert_eq!(
        path.to_str(),
        Some("gpt2-pl-context_specificity-token-nie.svg")
    );
    assert!(text.starts_with("<svg"));
    assert!(csv.starts_with("model,state"));
    assert!(screen.last_line().contains("✗ a.doc: expected a name"));
    // What was typed is typed still.
    screen.press("Esc 2 g g");
    let session = screen.state.session();
    let mut state = State::new(1);
    state.resume(session.clone(), Vec::new());
    model::open(&mut state, 1, "gpt2-pl");
    assert_eq!(state.session(), session);
    assert_eq!(
        (state.tab, state.views.geometry.state),
        (TabId::Geometry, 2)
    );
    assert_eq!(state.views.geometry.compared_models[0].name, "bert-pl");
}

#[test]
fn the_strip_shows_anisotropy_once_it_is_measured() {
    let mut screen = Screen::new(120, 30);
    let shown: Vec<LayerStrip> = (0..10)
        .map(|_| screen.press("s").state.views.neurons.strip)
        .collect();
    assert!(!shown.contains(&LayerStrip::Anisotropy), "{shown:?}");
    assert_eq!(shown[9], LayerStrip::Norms);
    assert!(screen.last_line().contains("anisotropy once"));
    screen.press("g s g n s");
    assert_eq!(screen.state.views.neurons.strip, LayerStrip::Anisotropy);
    // Layer 3 leaves state 4 behind: 0.15 + 0.6·(4/6)².
    assert!(screen.text().contains("0.417"), "{}", screen.text());
}

#[test]
fn a_map_is_exported_as_a_picture_or_as_its_points() {
    let mut screen = Screen::new(120, 30);
    screen
        .press("g s p e Enter e C-u")
        .write("a.csv")
        .press("Enter");
    screen.press("e C-u").write("a.json").press("Enter");
    let [
        Effect::Write { path, text: svg },
        Effect::Write { text: csv, .. },
        Effect::Write { text: json, .. },
    ] = &screen.done[..]
    else {
        panic!("{:?}", screen.done);
    };
    let name = path.to_str().unwrap();
    assert!(
        name.starts_with("gpt2-pl-nie-S") && name.ends_with("-map.svg"),
        "{name}"
    );
    let (map, _) = screen.state.context_map().unwrap();
    assert_eq!(svg.matches("<circle").count(), map.points.len());
    let head = "model,map,x,y,text,first,last,id,score,before,word,after,token,settings,version";
    assert_eq!(csv.lines().next(), Some(head));
    assert_eq!(csv.lines().count(), map.points.len() + 1);
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(json["points"][0]["at"][0], map.points[0].at[0]);
    assert_eq!(json["points"].as_array().unwrap().len(), map.points.len());
    screen.press("g n p e Enter");
    let Some(Effect::Write { path, text }) = screen.done.last() else {
        panic!("{:?}", screen.done);
    };
    assert!(path.to_str().unwrap().ends_with(".K-map.svg"), "{path:?}");
    let (map, _) = screen.state.column_map().unwrap();
    assert_eq!(text.matches("<circle").count(), map.points.len());
}
