//! The list of interesting neurons.

use std::collections::BTreeSet;
use std::time::Duration;

use insta::assert_snapshot;
use lexiscope::explorer::effect::Effect;
use lexiscope::explorer::shell;
use lexiscope::query::{Answer, Query, RankMetric};
use lexiscope::worker::{Event, ModelId};

use super::Screen;
use super::model::{self, GATED};

fn by(screen: &Screen) -> Option<(usize, RankMetric)> {
    screen.state.wanted.iter().find_map(|query| match query {
        Query::Rank(query) => Some((query.layer, query.by)),
        _ => None,
    })
}

#[test]
fn lists_the_neurons_of_all_layers_or_of_one_and_goes_to_the_one_chosen() {
    let mut screen = Screen::new(120, 30);
    assert_eq!(by(&screen), None, "nothing is ranked before it is asked");
    screen.press("i");
    assert_eq!(by(&screen), Some((3, RankMetric::Overlap)));
    assert_snapshot!("interesting-120x30", screen.text());
    let ranks = |queries: &[Query]| {
        let ranks = queries.iter().filter(|q| matches!(q, Query::Rank(_)));
        ranks.count()
    };
    assert_eq!(ranks(&screen.state.wanted), 6);
    // Of equal figures those of the first layers.
    screen.press("↓ ↓ Enter");
    assert_eq!(screen.address(), "L2.N12");
    assert_eq!(by(&screen), None);
    assert_eq!(ranks(&screen.state.idle), 6, "the rest is ranked behind");
    screen.press("H");
    assert_eq!(screen.address(), "L3.N103", "back returns");
    screen.press("i C-g ↓ ↓");
    assert_eq!(ranks(&screen.state.wanted), 1);
    assert!(screen.text().contains("layer 3"), "{}", screen.text());
    screen.press("Enter");
    assert_eq!(screen.address(), "L3.N26");
}

#[test]
fn a_model_without_a_known_place_opens_on_its_most_legible_neuron() {
    let mut screen = Screen::new(120, 30);
    screen.press("o").write(GATED).press("Enter");
    assert_eq!(screen.address(), "L4.N12");
    // After the place in the model before.
    assert_eq!(screen.state.history.position(), (2, 2));
    assert_eq!(by(&screen), None);
}

#[test]
fn nobody_is_moved_after_a_key() {
    let mut screen = Screen::new(120, 30);
    model::open(&mut screen.state, 2, GATED);
    let first = screen.state.wanted.iter().find_map(|query| match query {
        Query::Rank(query) => Some(query.clone()),
        _ => None,
    });
    let first = first.expect("a first look");
    shell::key(&mut screen.state, "j".parse().unwrap());
    let event = Event::Answered {
        id: ModelId(2),
        answer: Answer::Rank(model::ranked(&first)).into(),
        query: Query::Rank(first),
        took: Duration::ZERO,
    };
    shell::event(&mut screen.state, event);
    assert_eq!(screen.address(), "L3.N1");
}

#[test]
fn goes_through_the_measures_and_narrows_by_a_word() {
    let mut screen = Screen::new(80, 24);
    let [first, others @ ..] = RankMetric::NEURONS;
    for measure in others.into_iter().chain([first]) {
        let keys = if measure == RankMetric::Norm {
            "i C-o"
        } else {
            "C-o"
        };
        assert_eq!(by(screen.press(keys)), Some((3, measure)));
    }
    let all = screen.state.ranking_listed().len();
    screen.write("granicy");
    let some = screen.state.ranking_listed().len();
    assert!(0 < some && some < all, "{some} of {all}");
}

#[test]
fn random_neurons_can_be_of_the_interesting_ones() {
    let mut screen = Screen::new(120, 30);
    assert!(screen.last_line().contains("r random"));
    screen.press("i Esc");
    assert!(screen.last_line().contains("r ranked"), "it is named");
    for _ in 0..20 {
        screen.press("r");
        let address = screen.address();
        let neuron = address.split_once(".N").map(|(_, n)| n.parse::<usize>());
        let Some(Ok(neuron)) = neuron else {
            panic!("{address} is no neuron");
        };
        assert!(neuron >= 12 && (neuron - 12).is_multiple_of(7), "{address}");
    }
    screen.press("R");
    assert!(screen.last_line().contains("anywhere"));
    screen.press("↓");
    assert!(screen.last_line().contains("r random"));
    let layers: BTreeSet<usize> = (0..20)
        .map(|_| screen.press("r").state.address().layer())
        .collect();
    assert!(layers.len() > 1, "{layers:?}");
}

#[test]
fn the_list_is_copied_and_written() {
    let mut screen = Screen::new(120, 30);
    screen.press("i C-y");
    let Some(Effect::CopyAnswers(answers)) = screen.done.pop() else {
        panic!("nothing was copied");
    };
    let layers: Vec<usize> = answers
        .iter()
        .filter_map(|(query, _)| match query {
            Query::Rank(query) => Some(query.layer),
            _ => None,
        })
        .collect();
    assert_eq!(layers, [0, 1, 2, 3, 4, 5]);
    screen.press("C-e");
    assert!(screen.text().contains("gpt2-pl-neurons-overlap.csv"));
    screen.press("Enter");
    let Some(Effect::Export { answers, .. }) = screen.done.pop() else {
        panic!("nothing was written");
    };
    assert_eq!(answers.len(), 6);
    assert!(screen.text().contains("Ranked · "), "the list stays");
}

#[test]
fn the_strip_goes_through_all_measures_and_says_which() {
    let mut screen = Screen::new(80, 24);
    for (title, figure) in [
        ("overlap mean", "0.400"),
        ("z best", "0.900"),
        ("stem mean", "0.430"),
        ("kurtosis mean", "0.440"),
        ("enrichment mean", "0.460"),
        ("copying mean", "0.480"),
        ("same mean", "0.490"),
        ("matching mean", "0.500"),
        ("same-qk mean", "0.510"),
        ("‖V‖ mean", "2.4"),
    ] {
        screen.press("s ↓");
        let text = screen.text();
        let sidebar: Vec<String> = text.lines().map(|l| l.chars().take(21).collect()).collect();
        let heading = sidebar.iter().find(|line| line.contains('╭')).unwrap();
        // What the figure is of is left out where there is no room for it.
        let (name, of) = title.split_once(' ').unwrap();
        let words: Vec<&str> = heading.split(' ').collect();
        assert!(words.contains(&name), "{title}\n{text}");
        assert!(!words.contains(&"mean") || of == "mean", "{title}\n{text}");
        let current = sidebar.iter().find(|line| line.contains('▲')).unwrap();
        assert!(current.contains(figure), "{title}: {figure}\n{text}");
    }
    // What the strip shows is computed when there is nothing else to do.
    screen.press("s");
    let ranks = |queries: &[Query]| {
        let ranks = queries.iter().filter(|q| matches!(q, Query::Rank(_)));
        ranks.count()
    };
    assert_eq!(ranks(&screen.state.idle), 6);
    assert_eq!(ranks(&screen.state.wanted), 0);
    screen.press("R");
    let session = screen.state.session();
    assert!(session.anywhere);
    assert_eq!(session.strip, "overlap");
}

#[test]
fn random_neurons_are_of_all_layers_that_the_strip_has_ranked() {
    let mut screen = Screen::new(120, 30);
    screen.press("s");
    let mut layers = BTreeSet::new();
    for _ in 0..40 {
        let address = screen.press("r").address();
        let (layer, neuron) = address.split_once(".N").unwrap();
        let neuron: usize = neuron.parse().unwrap();
        assert!(neuron >= 12 && (neuron - 12).is_multiple_of(7), "{address}");
        layers.insert(layer.to_owned());
    }
    assert!(layers.len() > 3, "{layers:?}");
}
