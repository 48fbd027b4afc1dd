//! What a text sets off, with answers made by hand.

use insta::assert_snapshot;
use lexiscope::explorer::action::{Action, PromptCommand, TabId};
use lexiscope::explorer::effect::Effect;
use lexiscope::explorer::shell;
use lexiscope::explorer::state::Notice;
use lexiscope::explorer::theme::Theme;
use lexiscope::explorer::views::prompt::CellShade;
use lexiscope::query::{
    AfterAnswer, AttentionAnswer, AttentionQuery, Attribution, ContinuationAnswer, HeadPart,
    LayerAttribution, LensCell, NeuronPart, Prediction, PromptAnswer, PromptQuery, Query,
    TargetAnswer,
};
use lexiscope::worker::Event;

use super::Screen;

/// The pane with a text that was read.
fn prompted(width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.press("g p T").write("ala ma kota").press("Enter");
    screen
}

/// What was asked of the model last.
fn asked(screen: &Screen) -> &PromptQuery {
    let mut wanted = screen.state.wanted.iter();
    let query = wanted.find_map(|query| match query {
        Query::Prompt(query) => Some(query),
        _ => None,
    });
    query.expect("a text is asked about")
}

fn copied(screen: &Screen) -> &str {
    match screen.done.last() {
        Some(Effect::Copy(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_text_at_every_size() {
    for (width, height) in [(48, 20), (60, 15), (80, 24), (120, 40), (200, 60)] {
        let mut screen = prompted(width, height);
        let name = format!("prompt-{width}x{height}");
        assert_snapshot!(name, screen.press("J").text());
    }
    let mut screen = Screen::new(80, 24);
    assert_snapshot!("prompt-without-text", screen.press("g p").text());
    screen.theme = Theme::mono();
    screen.press("T").write("ala ma kota").press("Enter x - s");
    assert_snapshot!("prompt-mono-after", screen.text());
}

#[test]
fn arrows_and_clicks_move_the_cell_and_ask_about_its_position() {
    let mut screen = prompted(120, 40);
    assert_eq!(
        (screen.address().as_str(), asked(&screen).position),
        ("S6.T2", None)
    );
    screen.press("↑ ←");
    assert_eq!(
        (screen.address().as_str(), asked(&screen).position),
        ("S5.T1", Some(1))
    );
    // Back at the position that is looked at by itself, nothing else is asked than at first.
    screen.press("→");
    assert_eq!(
        (screen.address().as_str(), asked(&screen).position),
        ("S5.T2", None)
    );
    let (x, y) = screen.find("  4   +");
    let effects = shell::click(&mut screen.state, x + 40, y);
    screen.perform(effects);
    assert_eq!(screen.address(), "S4.T1");
    screen.press("9 9 ↑ ↑");
    assert!(screen.last_line().contains("this is the first state"));
}

#[test]
fn a_key_in_the_text_asks_nothing_of_the_model_until_enter() {
    let mut screen = prompted(120, 40);
    let before = screen.state.wanted.clone();
    screen.press("T x y");
    assert_eq!(screen.state.wanted, before);
    screen.press("Esc");
    assert_eq!(
        (screen.state.wanted.clone(), &*asked(&screen).text),
        (before, "ala ma kota")
    );
    // A space at the end is a part of a text.
    screen.press("T Space Enter");
    assert_eq!(&*asked(&screen).text, "ala ma kota ");
}

#[test]
fn a_neuron_or_head_opens_in_its_own_pane_with_the_target_marked() {
    let mut screen = prompted(120, 40);
    let target = 3 * 2 + 3;
    screen.press("↑ J Enter");
    assert_eq!(
        (screen.state.tab, screen.address().as_str()),
        (TabId::Neurons, "L4.N46")
    );
    assert_eq!(screen.state.marked.unwrap().token, target);
    screen.press("H");
    assert_eq!(
        (screen.state.tab, screen.address().as_str()),
        (TabId::Prompt, "S5.T2")
    );
    assert_eq!(&*asked(&screen).text, "ala ma kota");
    // A click puts a row in hand, another one opens it.
    screen.click("L2.H0");
    assert_eq!(screen.state.tab, TabId::Prompt);
    screen.click("+1.100");
    assert_eq!(
        (screen.state.tab, screen.address().as_str()),
        (TabId::Heads, "L2.H0")
    );
}

#[test]
fn changes_are_listed_switched_and_compared() {
    let mut screen = prompted(120, 40);
    let changes = |screen: &Screen| -> Vec<String> {
        let changes = asked(screen).changes.iter();
        changes.map(ToString::to_string).collect()
    };
    assert!(screen.press("-").last_line().contains("nothing is changed"));
    screen
        .press("x +")
        .write("steer L2:wyspie=4@1")
        .press("Enter");
    assert_eq!(
        changes(&screen),
        ["--ablate L3.N5", "--steer L2:wyspie=4@1"]
    );
    screen.press("-");
    assert!(
        screen.text().contains("after the changes"),
        "{}",
        screen.text()
    );
    assert!(screen.text().contains("KL(before ‖ after) 0.1234 nats"));
    screen.click("1 ✓ ablate");
    assert_eq!(changes(&screen), ["--steer L2:wyspie=4@1"]);
    screen.press("1 X 2 X");
    assert_eq!(changes(&screen), ["--ablate L3.N5"]);
    screen.press("X");
    assert!(changes(&screen).is_empty());
    assert!(
        !screen.state.views.prompt.settings.after,
        "there is nothing after"
    );
    screen.press("X _ x");
    assert!(changes(&screen).is_empty(), "{:?}", changes(&screen));
    screen.press("+").write("ablate nonsense").press("Enter");
    assert!(
        matches!(screen.state.notice, Some(Notice::Error(_))),
        "it stays to be mended"
    );
    assert!(screen.last_line().contains("ablate nonsense"));
}

#[test]
fn the_text_goes_on_until_told_not_to_and_is_drawn_anew() {
    let mut screen = prompted(120, 40);
    let asked = |screen: &Screen| {
        let wanted = screen.state.wanted.iter();
        let how = wanted.filter_map(|query| match query {
            Query::Prompt(query) => query.continuation,
            _ => None,
        });
        let how = how.map(|how| (how.tokens, how.temperature.get(), how.seed));
        how.collect::<Vec<_>>()
    };
    screen.press("x n");
    assert_eq!(asked(&screen), [(20, 0.0, 0)]);
    assert_snapshot!("prompt-goes-on", screen.text());
    screen.press("N N");
    assert_eq!(asked(&screen), [(20, 1.0, 1)]);
    assert!(screen.text().contains("by seed 1"));
    screen.press("C");
    let commands: Vec<&str> = copied(&screen).lines().collect();
    assert!(
        commands[1].contains("--continue 20 --temperature 1 --seed 1"),
        "{commands:?}"
    );
    screen.press("7 n");
    assert_eq!(asked(&screen), [(7, 0.0, 0)]);
    // The grid is what it was, wherever the cell is.
    screen.press("←");
    assert!(screen.text().contains("predicted"));
    screen.press("n");
    assert!(asked(&screen).is_empty());
}

#[test]
fn the_command_and_the_address_have_all_that_was_asked() {
    let mut screen = prompted(120, 40);
    screen.press("t").write("wyspie").press("Enter v");
    screen.write("stronie").press("Enter x s s C");
    assert_eq!(
        copied(&screen),
        "lexiscope prompt gpt2-pl --text 'ala ma kota' --target wyspie --against stronie -k 20 --lens-k 5 \
         --ablate L3.N5"
    );
    screen.press("A");
    let address = copied(&screen).to_owned();
    assert_eq!(
        address,
        "S6.T2 --text 'ala ma kota' --target wyspie --against stronie --ablate L3.N5 --shade entropy"
    );
    let query = asked(&screen).clone();
    // The same from another place.
    screen.press("T").write(" i psa").press("Enter t");
    screen.press("Enter X g n :").write(&address).press("Enter");
    let again = asked(&screen);
    assert_eq!((&again.text, &again.changes), (&query.text, &query.changes));
    assert_eq!(
        (&again.target, &again.against),
        (&query.target, &query.against)
    );
    assert_eq!(screen.state.views.prompt.settings.shade, CellShade::Entropy);
    // A bookmark keeps it too.
    screen.press("m X g n '").press("Enter");
    assert_eq!(asked(&screen).changes, query.changes);
}

#[test]
fn what_cannot_be_answered_is_said_where_the_grid_would_be() {
    let mut screen = prompted(120, 40);
    screen.press("T").write(" dalej");
    let effects = shell::act(&mut screen.state, Action::Accept);
    let Some(Effect::Want(wanted)) = effects.first() else {
        panic!("{effects:?}");
    };
    let event = Event::Failed {
        id: screen.state.model.as_ref().unwrap().id,
        query: wanted[0].clone(),
        message: "the text has no token".to_owned(),
    };
    shell::event(&mut screen.state, event);
    screen.draw();
    assert!(screen.text().contains("the text has no token"));
}

#[test]
fn the_attention_of_the_head_in_hand_is_a_picture() {
    let mut screen = prompted(120, 40);
    // A neuron is in hand at first.
    assert!(screen.press("a").text().contains("no head is in hand"));
    screen.press("J J J");
    assert_snapshot!("prompt-attention", screen.text());
    assert_eq!(screen.press("h a").address(), "S6.T1");
    assert!(screen.text().contains("shaded by probability"));
}

#[test]
fn h_goes_back_through_earlier_texts() {
    let mut screen = prompted(120, 40);
    screen.press("T C-u").write("kot").press("Enter");
    assert_eq!(screen.address(), "S6.T0");
    screen.press("H");
    assert_eq!(screen.state.views.prompt.settings.text, "ala ma kota");
    assert_eq!(screen.address(), "S6.T2");
    screen.press("L");
    assert_eq!(screen.state.views.prompt.settings.text, "kot");
}

#[test]
fn a_command_line_that_is_typed_is_a_view() {
    let mut screen = Screen::new(120, 40);
    let line = "lexiscope prompt gpt2-pl --text 'ala ma kota' --target wyspie -k 20 --lens-k 5 --ablate L2.N5 \
                --continue 5 --temperature 0 --seed 0";
    screen.press(":").write(line).press("Enter");
    assert_eq!(screen.address(), "S6.T2");
    assert_eq!(asked(&screen).changes.len(), 1);
    let settings = &screen.state.views.prompt.settings;
    assert_eq!(settings.goes_on.unwrap().seed, None);
    let line = "lexiscope prompt gpt2-pl --text 'ala ma' --position 0 --chat";
    screen.press(":").write(line).press("Enter");
    assert_eq!(screen.address(), "S6.T0");
    assert!(asked(&screen).chat && asked(&screen).changes.is_empty());
    screen
        .press(":")
        .write("lexiscope prompt gpt2-pl --text a --temperature 0.5")
        .press("Enter");
    assert!(
        screen.text().contains("the explorer draws at 1"),
        "{}",
        screen.text()
    );
}

#[test]
fn a_refused_change_leaves_the_grid_in_sight() {
    let mut screen = prompted(120, 40);
    let effects = shell::act(&mut screen.state, Action::Prompt(PromptCommand::Ablate));
    let wanted = effects.iter().find_map(|effect| match effect {
        Effect::Want(wanted) => wanted.first(),
        _ => None,
    });
    let event = Event::Failed {
        id: screen.state.model.as_ref().unwrap().id,
        query: wanted.unwrap().clone(),
        message: "L3.N5 changes nothing".to_owned(),
    };
    shell::event(&mut screen.state, event);
    screen.draw();
    let text = screen.text();
    assert!(
        text.contains("changes nothing") && text.contains("wyspie"),
        "{text}"
    );
}

/// What a model might answer: each position looks at itself and at the first.
pub fn attention(query: &AttentionQuery) -> AttentionAnswer {
    let n = query.text.split(' ').count();
    let weight = |at: usize| {
        let (from, to) = (at / n, at % n);
        let own = if from == to { 0.5 } else { 0.0 };
        own + if to == 0 { 0.5 } else { 0.0 }
    };
    AttentionAnswer {
        tokens: (4..4 + n as u32).collect(),
        weights: (0..n * n).map(weight).collect(),
    }
}

/// What a model of so many layers might answer; a word of the text is a token.
pub fn answered(query: &PromptQuery, layers: usize, words: usize) -> PromptAnswer {
    let tokens: Vec<u32> = query.text.split(' ').zip(4..).map(|(_, id)| id).collect();
    let position = query.position.unwrap_or(tokens.len() - 1);
    let word = |at: usize| (at % words) as u32;
    let predicted = |first: usize, share: f32| Prediction {
        id: word(first),
        logit: 12.0 * share,
        probability: share,
    };
    let best = |first: usize, share: f32| -> Vec<Prediction> {
        let row = |i: usize| predicted(first + i, share * 0.5f32.powi(i as i32));
        (0..5).map(row).collect()
    };
    let cell = |state: usize, at: usize| LensCell {
        best: best(
            3 * at + state / 2,
            0.05 + 0.9 * state as f32 / layers as f32,
        ),
        entropy: 8.0 - 7.0 * state as f32 / layers as f32,
        divergence: 3.0 * (1.0 - state as f32 / layers as f32),
        norm: 4.0 + state as f32 + at as f32 / 10.0,
        target_rank: query.target.as_ref().map(|_| 1 + 40 * (layers - state)),
    };
    let row = |state: usize| (0..tokens.len()).map(|at| cell(state, at)).collect();
    let lens: Vec<Vec<LensCell>> = (0..=layers).map(row).collect();
    let target = |share: f32| TargetAnswer {
        prediction: predicted(3 * position + layers / 2, share),
        rank: if share > 0.5 { 1 } else { 7 },
        lens: (0..=layers).map(|state| state as f32 / 2.0).collect(),
    };
    let layer = |at: usize| LayerAttribution {
        attention: 0.05 * at as f64 - 0.3,
        feed_forward: 0.4 - 0.02 * at as f64,
    };
    let neuron = |i: usize| NeuronPart {
        layer: (7 * i + 3) % layers,
        neuron: 41 * i + 5,
        activation: if i % 3 == 2 { -1.4 } else { 2.5 },
        size: 3.0 - 0.2 * i as f32,
        attribution: Some(1.8 * 0.8f64.powi(i as i32) * if i % 3 == 1 { -1.0 } else { 1.0 }),
    };
    let head = |i: usize| HeadPart {
        layer: (5 * i + 2) % layers,
        head: i % 4,
        size: 1.0,
        attribution: Some(1.1 * 0.7f64.powi(i as i32)),
        attends: (0..=position)
            .map(|at| if at == 0 { 0.6 } else { 0.4 / position as f32 })
            .collect(),
    };
    let after = (!query.changes.is_empty()).then(|| AfterAnswer {
        predictions: best(5, 0.4),
        target: target(0.3),
        against: None,
        divergence: 0.1234,
        first_state: 3,
        lens: lens[3..].to_vec(),
    });
    PromptAnswer {
        tokens: tokens.clone(),
        position,
        predictions: best(3 * position + layers / 2, 0.95),
        lens,
        target: target(0.95),
        against: None,
        attribution: Ok(Attribution {
            embedding: 0.4,
            layers: (0..layers).map(layer).collect(),
            constant: -0.1,
            sum: 11.4,
            expected: 11.4,
        }),
        neurons: (0..8).map(neuron).collect(),
        heads: (0..5).map(head).collect(),
        experts: Vec::new(),
        after,
        whole: true,
        continuation: query.continuation.map(|how| ContinuationAnswer {
            before: (0..how.tokens as u32).map(|i| i % 20).collect(),
            after: (!query.changes.is_empty())
                .then(|| (5..how.tokens as u32).map(|i| i % 20).collect()),
        }),
        notices: Vec::new(),
    }
}
