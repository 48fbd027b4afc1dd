//! Where words stand, and the directions of a head, with answers made by hand.

use insta::assert_snapshot;
use lexiscope::explorer::effect::Effect;
use lexiscope::explorer::shell;
use lexiscope::projection::Scored;
use lexiscope::query::{
    Copying, Direction, DirectionsAnswer, DirectionsQuery, FindAnswer, FindQuery, Hit, MatrixKind,
    Query, RankBy, Role, RoleHits,
};
use lexiscope::worker::{Event, ModelId};

use super::Screen;
use super::model::GATED;

/// Four places of each kind.
pub fn found(query: &FindQuery) -> FindAnswer {
    let hit = |role: Role, i: usize| Hit {
        layer: (7 * i + 1) % 6,
        index: 5 - i,
        token: 4,
        score: 1.2 - 0.1 * i as f32,
        cosine: 0.5,
        rank: (!role.is_of_heads()).then_some(i + 1),
        partner: role.is_of_heads().then_some(8),
        by: 0.0,
    };
    let group = |role: Role| RoleHits {
        role,
        hits: (0..4).map(|i| hit(role, i)).collect(),
        gists: vec![vec![4, 8, 9]; 4],
        by_layer: vec![1.0; 6],
    };
    FindAnswer {
        tokens: vec![4],
        matched: query.words.len(),
        groups: Role::ALL.into_iter().map(group).collect(),
        counted: 20,
        done: 1.0,
        exact: true,
    }
}

/// Five directions, of which two coincide.
pub fn directions(query: &DirectionsQuery) -> DirectionsAnswer {
    let end = |first: usize| -> Vec<Scored> {
        let item = |i: usize| Scored {
            id: ((first + i) % 20) as u32,
            score: 0.9 - 0.1 * i as f32,
        };
        (0..query.k).map(item).collect()
    };
    let values = vec![3.0, 2.0, 2.0, 1.0, 0.5];
    let direction = |i: usize| Direction {
        value: values[i],
        block: (i == 1 || i == 2).then_some(0),
        left: [end(i), end(i + 4)],
        right: [end(i + 8), end(i + 12)],
    };
    DirectionsAnswer {
        directions: (0..5).map(direction).collect(),
        values: values.clone(),
        copying: Some(Copying {
            weights: Some(-0.25),
            vocabulary: Some(0.5),
        }),
        passing: 8192,
        rows: 8192,
        exact: true,
    }
}

/// The question that is asked while the list is on top.
fn asked(screen: &Screen) -> FindQuery {
    let mut wanted = screen.state.wanted.iter();
    let query = wanted.find_map(|query| match query {
        Query::Find(query) => Some(query.clone()),
        _ => None,
    });
    query.expect("a search")
}

#[test]
fn a_word_is_looked_up_gone_to_and_come_back_from() {
    let mut screen = Screen::new(120, 30);
    screen.press("F").write("wyspie");
    assert_snapshot!("find-120x30", screen.text());
    screen.press("↓ Enter");
    assert_eq!(screen.address(), "L2.N4");
    screen.press("H");
    assert_eq!(screen.address(), "L3.N103");
    // As it was left: the same word, the same row.
    screen.press("F Enter");
    assert_eq!(screen.address(), "L2.N4");
    assert_eq!(screen.state.history.position().1, 2);
}

#[test]
fn a_head_that_is_found_opens_with_its_form() {
    let mut screen = Screen::new(120, 30);
    screen
        .press("F")
        .write("wyspie")
        .press("C-t C-t C-t C-t C-t C-t C-t C-t");
    assert!(screen.text().contains("QK.key"), "{}", screen.text());
    assert!(!screen.text().contains("VO.from"));
    screen.press("Enter");
    assert_eq!(screen.address(), "L1.H5");
    assert!(screen.text().contains("▌QK"));
}

#[test]
fn the_order_is_asked_for_and_layers_are_put_in_order() {
    let mut screen = Screen::new(80, 24);
    screen.press("F").write("wyspie brz*");
    assert_eq!(asked(&screen).words, ["wyspie", "brz*"]);
    assert_eq!(asked(&screen).by, RankBy::Rank);
    screen.press("C-o");
    assert_eq!(asked(&screen).by, RankBy::Score);
    screen.press("C-o C-o");
    assert_eq!(asked(&screen).by, RankBy::Rank);
    screen.press("C-t C-g");
    let text = screen.text();
    let at = |address: &str| {
        text.find(address)
            .unwrap_or_else(|| panic!("{address}\n{text}"))
    };
    // Of the hits in layers 1, 2, 3, 4 the best is that of layer 1 already.
    assert!(at("L1.N5") < at("L2.N4") && at("L2.N4") < at("L3.N3"));
    screen.press("Esc");
    assert!(
        !screen
            .state
            .wanted
            .iter()
            .any(|q| matches!(q, Query::Find(_)))
    );
}

#[test]
fn a_word_that_is_none_is_told_in_the_list() {
    let mut screen = Screen::new(80, 24);
    screen.press("F").write("wysp");
    let event = Event::Failed {
        id: ModelId(1),
        query: Query::Find(asked(&screen)),
        message: "no token of the vocabulary is \"wysp\"".to_owned(),
    };
    let effects = shell::event(&mut screen.state, event);
    screen.perform(effects);
    assert!(
        screen.text().contains("no token of the vocabulary"),
        "{}",
        screen.text()
    );
    assert!(!screen.last_line().contains('✗'));
}

#[test]
fn enter_does_not_go_to_a_place_of_the_word_before() {
    let mut screen = Screen::new(80, 24);
    screen.press("F").write("wyspie");
    // Another word, of which nothing has come yet.
    shell::paste(&mut screen.state, " brzegu");
    screen.draw();
    assert!(screen.text().contains("looking it up"), "{}", screen.text());
    assert!(!screen.text().contains("L2.N4"), "{}", screen.text());
    for key in lexiscope::explorer::key::keys("↓ Enter") {
        shell::key(&mut screen.state, key);
    }
    assert_eq!(screen.address(), "L3.N103");
    screen.draw();
    assert!(screen.last_line().contains("looking it up"));
}

#[test]
fn an_empty_list_of_places_says_why() {
    let mut screen = Screen::new(80, 24);
    screen.press("F");
    assert!(screen.text().contains("type a word"), "{}", screen.text());
    assert!(screen.press("Enter").last_line().contains("type a word"));
    screen.write("wyspie");
    let mut answer = found(&asked(&screen));
    (answer.done, answer.exact) = (0.25, false);
    answer
        .groups
        .iter_mut()
        .for_each(|group| group.hits.clear());
    let event = Event::Answered {
        id: ModelId(1),
        query: Query::Find(asked(&screen)),
        answer: lexiscope::query::Answer::Find(answer).into(),
        took: std::time::Duration::ZERO,
    };
    shell::event(&mut screen.state, event);
    screen.draw();
    assert!(screen.text().contains("25 %, nothing of this kind yet"));
}

#[test]
fn a_selected_place_stays_selected_when_better_ones_come_before_it() {
    let mut screen = Screen::new(80, 24);
    screen.press("F").write("wyspie").press("↓");
    let mut answer = found(&asked(&screen));
    answer.groups[0].hits.swap(1, 3);
    let event = Event::Answered {
        id: ModelId(1),
        query: Query::Find(asked(&screen)),
        answer: lexiscope::query::Answer::Find(answer).into(),
        took: std::time::Duration::ZERO,
    };
    shell::event(&mut screen.state, event);
    screen.press("Enter");
    assert_eq!(screen.address(), "L2.N4");
}

#[test]
fn directions_take_the_place_of_pairs_and_give_it_back() {
    for (width, height) in [(60, 20), (120, 30)] {
        let mut screen = Screen::new(width, height);
        screen.press("g h d");
        assert_snapshot!(format!("directions-{width}x{height}"), screen.text());
    }
    let mut screen = Screen::new(120, 30);
    screen.press("g h d");
    assert!(screen.text().contains("coincides"));
    assert!(screen.press("v").last_line().contains("both ends"));
    screen.press("d");
    assert!(!screen.text().contains("coincides"));
}

#[test]
fn directions_are_copied_and_written() {
    let mut screen = Screen::new(120, 30);
    screen.press("g h d y");
    let Some(Effect::Copy(text)) = screen.done.pop() else {
        panic!("nothing was copied");
    };
    // Both ends of five directions.
    assert_eq!(text.lines().count(), 10);
    assert!(text.starts_with("0\t3\t+\t·ńskiego ·ńskim"), "{text}");
    screen.press("e Enter");
    let Some(Effect::Export { answers, .. }) = screen.done.pop() else {
        panic!("nothing was written");
    };
    assert!(matches!(&answers[..], [(Query::Directions(_), _)]));
}

#[test]
fn the_places_are_copied_and_written() {
    let mut screen = Screen::new(120, 30);
    screen.press("F").write("wyspie").press("C-y");
    let Some(Effect::CopyAnswers(answers)) = screen.done.pop() else {
        panic!("nothing was copied");
    };
    assert!(matches!(&answers[..], [(Query::Find(_), _)]));
    screen.press("C-e");
    assert!(screen.text().contains("gpt2-pl-wyspie.csv"));
    screen.press("Enter");
    let Some(Effect::Export { answers, .. }) = screen.done.pop() else {
        panic!("nothing was written");
    };
    assert!(matches!(&answers[..], [(Query::Find(_), _)]));
    assert!(screen.text().contains("Where it stands"), "the list stays");
}

#[test]
fn the_directions_of_a_layer_take_the_place_of_columns() {
    for (width, height) in [(80, 24), (120, 30)] {
        let mut screen = Screen::new(width, height);
        screen.press("d");
        assert_snapshot!(format!("layer-directions-{width}x{height}"), screen.text());
    }
    let mut screen = Screen::new(80, 24);
    let parts = |screen: &Screen| -> Vec<String> {
        let wanted = screen.state.wanted.iter();
        wanted
            .filter_map(|query| match query {
                Query::Directions(q) => Some(format!("L{}.{}", q.layer, q.part)),
                _ => None,
            })
            .collect()
    };
    screen.press("d");
    assert_eq!(parts(&screen), ["L3.ff-in", "L3.ff-out"]);
    screen.press("] l y");
    assert_eq!(parts(&screen), ["L4.ff-out", "L4.ff-in"]);
    let Some(Effect::Copy(text)) = screen.done.pop() else {
        panic!("nothing was copied");
    };
    // Of five directions both ends; on the right the neurons that have most of them.
    assert_eq!(text.lines().count(), 10);
    assert!(
        text.lines()
            .all(|line| line.split('\t').nth(4).unwrap().starts_with('N'))
    );
    screen.press("e Enter");
    let Some(Effect::Export { path, answers }) = screen.done.pop() else {
        panic!("nothing was written");
    };
    assert_eq!(path.to_str(), Some("gpt2-pl-L4.ff-out.csv"));
    assert!(matches!(&answers[..], [(Query::Directions(q), _)] if q.part == MatrixKind::FfOut));
    screen.press("d");
    assert_eq!(parts(&screen), [""; 0]);
    assert!(screen.text().contains("promotes"));
}

#[test]
fn of_gated_neurons_the_directions_are_of_the_input_that_is_the_key() {
    let mut screen = Screen::new(120, 30);
    screen.press("o").write(GATED).press("Enter d");
    assert!(screen.text().contains("▌ff-gate"), "{}", screen.text());
    screen.press("u");
    assert!(screen.text().contains("▌ff-up"), "{}", screen.text());
}
