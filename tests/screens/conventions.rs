//! Conventions: the menu, their names, and how far lists are to be trusted.

use std::sync::Arc;
use std::time::Duration;

use insta::assert_snapshot;
use lexiscope::explorer::shell;
use lexiscope::explorer::state::Notice;
use lexiscope::projection::Scored;
use lexiscope::query::{
    Answer, ConventionFigures, FirstConventionAnswer, Query, Robustness, RobustnessAnswer,
    RobustnessQuery, Switch, ZScore,
};

use lexiscope::worker::{Event, ModelId};

use super::{Screen, model};

/// A column that stands firm, and others that do less and less.
pub fn robustness_of(query: &RobustnessQuery) -> RobustnessAnswer {
    let list = |at: usize| Robustness {
        kept: vec![
            (Switch::Gain, 1.0 - at as f32 / 10.0),
            (Switch::Cosine, 0.5 - at as f32 / 10.0),
        ],
        top: 30,
        z: (at != 2).then_some(ZScore {
            value: 4.12 - 2.0 * at as f32,
            draws: 64,
        }),
    };
    let lists = match query {
        RobustnessQuery::Neuron(_) => 4,
        RobustnessQuery::Pairs(_) => 1,
    };
    RobustnessAnswer {
        lists: (0..lists).map(list).collect(),
        done: 1.0,
    }
}

/// Figures that favour lists at one length.
pub fn favoured() -> FirstConventionAnswer {
    let figures = |name: &str, stay, z| ConventionFigures {
        convention: name.parse().unwrap(),
        stay,
        z,
        margin: 0.5,
    };
    FirstConventionAnswer {
        tried: vec![figures("gain+cosine", 0.7, 5.2), figures("raw", 0.3, 1.1)],
    }
}

/// What biases bring, both ends.
pub fn unconditional() -> [Vec<Scored>; 2] {
    [1.0, -1.0].map(|sign: f32| {
        let scored = |i: u32| Scored {
            id: if sign > 0.0 { 3 + i } else { 19 - i },
            score: sign * 0.5,
        };
        (0..12).map(scored).collect()
    })
}

#[test]
fn the_menu_says_what_each_switch_would_leave_of_the_list() {
    let mut screen = Screen::new(120, 30);
    assert_snapshot!("conventions-menu", screen.press("c g").text());
    let mut screen = Screen::new(80, 24);
    assert_snapshot!("conventions-menu-80x24", screen.press("c g").text());
}

#[test]
fn a_convention_is_named_wherever_it_is_on() {
    let mut screen = Screen::new(100, 24);
    let first = |screen: &mut Screen, keys: &str| {
        let text = screen.press(keys).text();
        text.lines().next().unwrap().to_owned()
    };
    assert!(first(&mut screen, "").contains(" raw  "));
    assert!(first(&mut screen, "c l g Esc").contains(" gain+cosine  "));
    assert!(first(&mut screen, "Tab").contains(" gain+cosine  "));
    // Directions are of the weights alone: biases are no part of them.
    assert!(first(&mut screen, "c b Esc d").contains(" gain+cosine  "));
    assert!(first(&mut screen, "d").contains(" gain+cosine+biases  "));
    assert!(first(&mut screen, "c 0 Esc").contains(" raw  "));
}

#[test]
fn what_does_not_go_together_gives_way() {
    let mut screen = Screen::new(100, 24);
    screen.press("c b p");
    assert_eq!(screen.state.convention().name(), "inverse");
    screen.press("b");
    assert_eq!(screen.state.convention().name(), "biases");
}

#[test]
fn what_a_model_does_not_offer_says_why() {
    let mut screen = Screen::new(100, 24);
    screen.press("c o");
    let said =
        Notice::Said("output is not offered: its input and output embedding are one".to_owned());
    assert_eq!(screen.state.notice, Some(said));
    assert!(screen.state.convention().is_raw());
}

#[test]
fn biases_show_what_holds_whatever_the_other_side_is() {
    let mut screen = Screen::new(120, 30);
    assert_snapshot!("neuron-biases", screen.press("c b Esc").text());
    assert_snapshot!("heads-biases", screen.press("Tab").text());
}

#[test]
fn a_model_begins_under_the_convention_that_its_figures_favour() {
    let opened = |favours: bool, keys: &str| {
        let mut screen = Screen::new(120, 30);
        screen.state.favours = favours;
        let effects = model::open(&mut screen.state, 2, "base");
        screen.perform(effects);
        screen.press(keys);
        screen
    };
    assert!(opened(false, "").state.convention().is_raw());
    let mut screen = opened(true, "");
    assert_eq!(screen.state.convention().name(), "gain+cosine");
    let said = "lists under gain+cosine: of 30 words 21 stay under other conventions (raw 9), and \
                best scores lie 5.2 deviations above chance (raw 1.1) · c 0 is raw";
    assert_eq!(screen.state.notice, Some(Notice::Said(said.to_owned())));
    // What the user chooses is kept for the model, and for no other.
    screen.press("c 0 Esc");
    for (id, name, convention) in [(3, "deep", "gain+cosine"), (4, "base", "raw")] {
        let effects = model::open(&mut screen.state, id, name);
        screen.perform(effects);
        assert_eq!(screen.state.convention().name(), convention, "{name}");
    }
    let session = screen.state.session();
    assert!(session.conventions["base"].own && !session.conventions["deep"].own);
}

#[test]
fn lists_that_are_being_read_do_not_change_their_convention() {
    let answered = |keys: &[&str], [undertrained, took]: [u64; 2]| {
        let mut screen = Screen::new(120, 30);
        screen.state.favours = true;
        model::open(&mut screen.state, 2, "base");
        for key in keys {
            shell::key(&mut screen.state, key.parse().unwrap());
        }
        let answers = [
            (
                Query::Undertrained,
                Answer::Undertrained(None),
                undertrained,
            ),
            (
                Query::FirstConvention,
                Answer::FirstConvention(favoured()),
                took,
            ),
        ];
        for (query, answer, took) in answers {
            let event = Event::Answered {
                id: ModelId(2),
                query,
                answer: Arc::new(answer),
                took: Duration::from_millis(took),
            };
            shell::event(&mut screen.state, event);
        }
        screen
    };
    let convention = |screen: &Screen| screen.state.convention().name();
    assert_eq!(convention(&answered(&[], [0, 90])), "gain+cosine");
    let said = "this model reads better under gain+cosine: press c g l".to_owned();
    for (keys, took) in [(&[][..], [0, 2000]), (&[], [400, 300]), (&["j"], [0, 90])] {
        let mut screen = answered(keys, took);
        assert_eq!(convention(&screen), "raw", "{keys:?} {took:?}");
        assert_eq!(screen.state.notice, Some(Notice::Said(said.clone())));
        // It is said once, and is not what the model begins under from then on.
        assert!(!screen.state.wanted.contains(&Query::FirstConvention));
        assert!(!screen.state.session().conventions.contains_key("base"));
        screen.press("c g l");
        assert_eq!(convention(&screen), "gain+cosine");
    }
}
