//! Where neurons and heads fire, with answers made by hand.

use insta::assert_snapshot;
use lexiscope::explorer::effect::Effect;
use lexiscope::explorer::theme::Theme;
use lexiscope::query::{
    AttentionFigures, ContextsAnswer, ContextsFigures, ContextsQuery, Items, KeyBand, KeyFigures,
    Passage, Query, Spread,
};

use super::Screen;

#[test]
fn passages_at_every_size() {
    for (width, height) in [(60, 15), (80, 24), (120, 40)] {
        let mut screen = Screen::new(width, height);
        let name = format!("contexts-{width}x{height}");
        assert_snapshot!(name, screen.press("t j").text());
    }
    let mut screen = Screen::new(80, 24);
    assert_snapshot!("contexts-of-a-head", screen.press("g h t").text());
    screen.theme = Theme::mono();
    assert_snapshot!("contexts-mono", screen.press("Esc g n t").text());
}

fn wanted(screen: &Screen) -> Option<&ContextsQuery> {
    let mut all = screen.state.wanted.iter().chain(&screen.state.idle);
    all.find_map(|query| match query {
        Query::Contexts(query) => Some(query),
        _ => None,
    })
}

#[test]
fn nothing_is_run_before_the_view_was_opened_and_the_layer_in_hand_after() {
    let mut screen = Screen::new(120, 40);
    assert_eq!(wanted(&screen), None);
    screen.press("t");
    assert_eq!(wanted(&screen).unwrap().place().to_string(), "L3.N103");
    // The neuron beside it, and after the view was left the neuron of another layer.
    screen.press("l");
    assert_eq!(wanted(&screen).unwrap().place().to_string(), "L3.N104");
    screen.press("Esc l");
    assert_eq!(wanted(&screen).unwrap().place().to_string(), "L4.N104");
    screen.press("g h");
    assert_eq!(wanted(&screen).unwrap().among, Items::Heads);
    assert_eq!(screen.press("g s t Esc").address(), "S6");
}

#[test]
fn enter_leads_to_the_text_in_the_prompt_pane() {
    let mut screen = Screen::new(120, 40);
    screen.press("t j Enter");
    assert_eq!(screen.address(), "S4.T3");
    let text = &screen.state.views.geometry.settings.texts.texts[1];
    assert_eq!(screen.state.views.prompt.settings.text, *text);
    assert!(screen.state.stack.is_empty());
    assert_eq!(screen.press("H").address(), "L3.N103");
}

#[test]
fn its_command_is_copied_and_other_texts_are_asked_for() {
    let mut screen = Screen::new(120, 40);
    screen.press("t C");
    let Some(Effect::Copy(text)) = screen.done.last() else {
        panic!("{:?}", screen.done)
    };
    let command = "lexiscope contexts gpt2-pl L3.N103 -k 10 --convention raw --texts polish";
    assert_eq!(text.trim(), command);
    screen.press("T").write("ala | ma kota").press("Enter");
    assert_eq!(wanted(&screen).unwrap().texts.texts.texts.len(), 2);
}

/// What a model might answer: each text fires at its fourth position.
pub fn answered(query: &ContextsQuery, words: usize) -> ContextsAnswer {
    let of_head = query.among == Items::Heads;
    let passage = |text: usize, sign: f32| Passage {
        text,
        position: 3,
        to: of_head.then_some(1),
        value: sign * (4.0 - 0.3 * text as f32) / if of_head { 5.0 } else { 1.0 },
        rank: (!of_head).then_some(1 + 37 * text * text),
        first: 0,
        ids: (0..9).map(|i| ((5 * text + i) % words) as u32).collect(),
        values: (0..9).map(|i| sign * (4 - i) as f32).collect(),
    };
    let all = |sign: f32| (0..query.k).map(|text| passage(text, sign)).collect();
    let band = |first: usize, last: usize, mean: f64| KeyBand {
        first,
        last,
        positions: last / 9,
        mean: Some(mean),
        above_zero: Some(mean / 3.0),
    };
    ContextsAnswer {
        count: 1234,
        spread: Spread {
            least: if of_head { 0.0 } else { -0.17 },
            most: 4.0,
            mean: 0.0213,
            above_zero: 0.123,
            histogram: (0..20).map(|bin| 900 >> bin).collect(),
        },
        most: all(1.0),
        least: if of_head { Vec::new() } else { all(-0.04) },
        figures: match of_head {
            true => ContextsFigures::Attention(AttentionFigures {
                first: 0.51,
                itself: 0.08,
                previous: 0.21,
            }),
            false => ContextsFigures::Key(KeyFigures {
                precision: 0.7,
                base: 0.0031,
                correlation: Some(0.412),
                bands: vec![band(1, 10, 2.5), band(11, 100, 0.9), band(101, 8192, 0.01)],
            }),
        },
        notices: Vec::new(),
        done: 1.0,
    }
}
