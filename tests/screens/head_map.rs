//! The map of heads by a measure.

use insta::assert_snapshot;
use lexiscope::explorer::effect::Effect;
use lexiscope::explorer::key::keys;
use lexiscope::explorer::shell;
use lexiscope::explorer::theme::Theme;
use lexiscope::query::{Answer, Query, RankMetric};
use lexiscope::worker::{Event, ModelId};

use super::Screen;
use super::model::{BASE, DEEP, LARGE, MANY_TOKENS, ranked};

/// A screen with the model of that name and its heads in front.
fn heads_of(name: &str, width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.press("o").write(name).press("Enter g h");
    screen
}

/// The layers that are asked for, in their order, and by what.
fn asked(screen: &Screen) -> (Vec<usize>, Option<RankMetric>) {
    let rank = screen.state.wanted.iter().filter_map(|query| match query {
        Query::Rank(query) => Some(query),
        _ => None,
    });
    let mut by = None;
    let layers = rank.map(|query| {
        by = Some(query.by);
        query.layer
    });
    (layers.collect(), by)
}

#[test]
fn a_map_at_every_size() {
    for (name, width, height) in [
        ("gpt2-pl", 60, 15),
        ("gpt2-pl", 120, 30),
        (BASE, 80, 24),
        (BASE, 200, 60),
        (LARGE, 80, 24),
        (LARGE, 120, 40),
        (DEEP, 48, 20),
        (DEEP, 80, 24),
        (DEEP, 200, 60),
    ] {
        let mut screen = heads_of(name, width, height);
        let file = name.rsplit('/').next().unwrap();
        screen.press("i");
        assert_snapshot!(format!("map-{file}-{width}x{height}"), screen.text());
    }
}

#[test]
fn without_colour_the_shades_and_the_cursor_are_seen() {
    let mut screen = heads_of(LARGE, 80, 24);
    screen.theme = Theme::mono();
    screen.press("i s ↓ →");
    assert_snapshot!("map-mono", screen.text());
}

#[test]
fn moves_with_the_arrows_and_goes_to_the_head() {
    let mut screen = Screen::new(120, 30);
    screen.press("g h : L 3 . H 0 Enter i ↓ → →");
    assert!(screen.text().contains("L4.H2.VO"), "{}", screen.text());
    // sin(6·3/9)
    assert!(screen.text().contains("0.909"));
    assert_eq!(screen.address(), "L3.H0", "one is still where one was");
    screen.press("Enter");
    assert_eq!(screen.address(), "L4.H2");
    assert!(asked(&screen).0.is_empty(), "nothing is ranked any more");
    screen.press("i PgDn PgUp ← ← ← ←");
    assert!(screen.text().contains("L0.H0.VO"), "it stops at the edges");
    screen.press("Esc");
    assert_eq!(screen.address(), "L4.H2");
}

#[test]
fn asks_for_the_layers_around_first_and_for_another_measure_by_a_key() {
    let mut screen = Screen::new(80, 24);
    screen.press("g h : L 3 . H 0 Enter i");
    assert_eq!(
        asked(&screen),
        (vec![3, 2, 4, 1, 5, 0], Some(RankMetric::Copying))
    );
    for by in [RankMetric::Same, RankMetric::Matching, RankMetric::SameQk] {
        screen.press("s");
        assert_eq!(asked(&screen).1, Some(by));
    }
    // A head of QK opens with its list of QK in focus.
    screen.press("Enter");
    assert!(screen.text().contains("▌QK"));
}

#[test]
fn goes_through_the_heads_in_order() {
    let mut screen = Screen::new(120, 30);
    screen.press("g h i Home");
    let best = screen.text();
    assert!(best.contains("#1 "), "{best}");
    screen.press("N");
    assert!(screen.last_line().contains("first in order"));
    screen.press("n n");
    assert!(screen.text().contains("#3 "));
    screen.press("End");
    assert!(screen.text().contains("#36 "));
}

#[test]
fn shows_what_is_known_while_the_rest_comes() {
    let mut screen = Screen::new(80, 24);
    screen.press("g h : L 3 . H 0 Enter");
    // By hand: only the first two layers are answered.
    let wants = shell::key(&mut screen.state, keys("i").next().unwrap());
    screen.draw();
    assert!(screen.text().contains("0 of 36 …"));
    let Some(Effect::Want(queries)) = wants.into_iter().next() else {
        panic!("nothing is asked");
    };
    for query in &queries[..2] {
        let Query::Rank(rank) = query else {
            panic!("{query:?}")
        };
        let event = Event::Answered {
            id: ModelId(1),
            query: query.clone(),
            answer: Answer::Rank(ranked(rank)).into(),
            took: std::time::Duration::ZERO,
        };
        shell::event(&mut screen.state, event);
    }
    screen.draw();
    assert_snapshot!("map-partial", screen.text());
    let event = Event::Failed {
        id: ModelId(1),
        query: queries[2].clone(),
        message: "the weights of layer 4 cannot be read".to_owned(),
    };
    shell::event(&mut screen.state, event);
    screen.draw();
    assert!(screen.text().contains("layer 4 cannot be read"));
}

#[test]
fn over_many_tokens_likely_figures_come_before_those_that_are_proven() {
    let mut screen = heads_of(MANY_TOKENS, 120, 30);
    // By their weights, for which no pairs are looked for.
    screen.press("i");
    assert_eq!(asked(&screen).0.len(), 6);
    let wants = shell::key(&mut screen.state, keys("s").next().unwrap());
    let Some(Effect::Want(queries)) = wants.into_iter().next() else {
        panic!("nothing is asked");
    };
    let likely = |query: &Query| matches!(query, Query::Rank(query) if query.likely);
    let ranks: Vec<Query> = queries
        .into_iter()
        .filter(|q| matches!(q, Query::Rank(_)))
        .collect();
    let (first, then) = ranks.split_at(6);
    assert!(first.iter().all(likely), "{first:?}");
    assert!(then.len() == 6 && !then.iter().any(likely), "{then:?}");
    let mut answer = |queries: &[Query]| {
        for query in queries {
            let Query::Rank(rank) = query else {
                panic!("{query:?}")
            };
            let event = Event::Answered {
                id: screen.state.model.as_ref().unwrap().id,
                query: query.clone(),
                answer: Answer::Rank(ranked(rank)).into(),
                took: std::time::Duration::ZERO,
            };
            shell::event(&mut screen.state, event);
        }
        screen.draw();
        screen.text()
    };
    let text = answer(first);
    assert!(
        text.contains("0 of 36 proven") && text.contains("~0.9"),
        "{text}"
    );
    let text = answer(&then[..2]);
    assert!(
        text.contains("12 of 36 proven") && text.contains("~0."),
        "{text}"
    );
    let text = answer(&then[2..]);
    assert!(text.contains("36 heads") && !text.contains('~'), "{text}");
}

#[test]
fn all_figures_are_copied_and_written() {
    let mut screen = Screen::new(80, 24);
    screen.press("g h i y");
    let Some(Effect::CopyAnswers(answers)) = screen.done.pop() else {
        panic!("nothing was copied");
    };
    let layers = answers.iter().map(|(query, _)| match query {
        Query::Rank(query) => query.layer,
        other => panic!("{other:?}"),
    });
    assert!(layers.eq(0..6));
    screen.press("e Enter");
    let Some(Effect::Export { path, answers }) = screen.done.pop() else {
        panic!("nothing was written");
    };
    assert_eq!(path.to_str(), Some("gpt2-pl-heads-copying.csv"));
    assert_eq!(answers.len(), 6);
}

#[test]
fn random_heads_are_of_the_best_tenth() {
    let mut screen = Screen::new(120, 30);
    screen.press("g h i Esc");
    assert!(screen.last_line().contains("r ranked"));
    // 36 heads: the best 4.
    let ranked = screen.state.all_ranked(RankMetric::Copying);
    let best: Vec<String> = ranked[..4]
        .iter()
        .map(|(layer, head)| format!("L{layer}.H{}", head.item))
        .collect();
    for _ in 0..10 {
        let address = screen.press("r").address();
        assert!(best.contains(&address), "{address}");
    }
}

#[test]
fn the_grid_of_heads_shows_a_measure() {
    let mut screen = Screen::new(120, 30);
    screen.press("g h s");
    assert!(screen.last_line().contains("copying score"));
    let ranks = |screen: &Screen| {
        let idle = screen.state.idle.iter();
        idle.filter(|q| matches!(q, Query::Rank(_))).count()
    };
    assert_eq!(ranks(&screen), 6);
    screen.press("↓");
    assert_snapshot!("grid-copying", screen.text());
    screen.press("s s s s");
    assert!(screen.last_line().contains("best pairs"));
    assert_eq!(ranks(&screen), 0);
}

#[test]
fn a_click_on_the_map_goes_there() {
    let mut screen = Screen::new(120, 30);
    screen.press("g h : L 3 . H 0 Enter i ↓ →");
    screen.click("▸ L4.H1");
    assert_eq!(screen.address(), "L4.H1");
    assert!(!screen.text().contains("Heads · "));
}
