//! The tab of a dictionary from a file, with answers made by hand.

use std::sync::Arc;

use insta::assert_snapshot;
use lexiscope::explorer::effect::Effect;
use lexiscope::explorer::shell;
use lexiscope::explorer::theme::Theme;
use lexiscope::worker::{Event, ModelId};

use super::Screen;

use lexiscope::checkpoint::{DictionaryHook, DictionarySide};
use lexiscope::projection::{Hit, Scored};
use lexiscope::query::{
    DictionaryAnswer, DictionaryAsk, DictionaryCard, DictionaryCardSide, DictionaryFound,
    DictionaryQuery, DirectionColumns, FindAnswer, Query, RankAnswer, RankedItem, Role, RoleHits,
    SimilarVectors,
};

/// How many directions it has.
const COUNT: usize = 16_384;

/// A dictionary of a resid_post autoencoder of layer 12.
fn card(query: &DictionaryQuery) -> DictionaryCard {
    let sides = [
        (DictionarySide::Reads, "W_enc"),
        (DictionarySide::Writes, "W_dec"),
    ];
    let side = |(side, tensor): (DictionarySide, &str)| DictionaryCardSide {
        side,
        hook: DictionaryHook::ResidPost,
        layer: Some(12),
        tensor: tensor.to_owned(),
        stored: "F32".to_owned(),
    };
    DictionaryCard {
        name: query.source.path.display().to_string(),
        layout: "SAELens",
        model: None,
        count: COUNT,
        sides: sides.into_iter().map(side).collect(),
    }
}

/// The answer to a query, of a vocabulary of so many words.
pub fn answered(query: &DictionaryQuery, words: usize, rows: usize) -> DictionaryAnswer {
    let found = match query.ask {
        DictionaryAsk::Direction { row, k } => {
            let column = |c: usize| -> Vec<Scored> {
                let scored = |i: usize| Scored {
                    id: ((i + 5 * c + row) % words) as u32,
                    score: [7.4, 3.2, 2.5, 1.9][c] * 0.97f32.powi(i as i32),
                };
                (0..k.min(rows)).map(scored).collect()
            };
            DictionaryFound::Direction(DirectionColumns {
                columns: [column(0), column(1), column(2), column(3)],
                bias: Some(-0.31),
                threshold: Some(0.85),
                lengths: [Some(1.62), Some(1.0)],
                passing: rows,
                rows,
            })
        }
        DictionaryAsk::Similar { n, .. } => DictionaryFound::Similar(similar(n)),
        DictionaryAsk::Find { ref words, .. } => DictionaryFound::Places(places(words.len())),
        DictionaryAsk::Rank { count, words, .. } => {
            let item = |i: usize| RankedItem {
                item: 3 * i + 7,
                figure: 0.9 - i as f32 / 200.0,
                proven: true,
                key: (0..words as u32).collect(),
                value: (9..9 + words as u32).collect(),
            };
            DictionaryFound::Ranked(RankAnswer {
                items: (0..count).map(item).collect(),
                mean: 0.2,
                done: 1.0,
            })
        }
        DictionaryAsk::About => DictionaryFound::About,
    };
    DictionaryAnswer {
        card: Arc::new(card(query)),
        found,
    }
}

fn hit(layer: usize, index: usize, cosine: f32) -> Hit {
    Hit {
        layer,
        index,
        token: 4,
        score: cosine,
        cosine,
        rank: Some(index + 1),
        partner: None,
        by: cosine.abs(),
    }
}

/// Of both sides directions and neurons, some of them turned over.
fn similar(n: usize) -> Vec<SimilarVectors> {
    let of_side = |(side, least): (DictionarySide, f32)| SimilarVectors {
        side,
        directions: (0..n)
            .map(|i| hit(0, 100 + i, least - i as f32 / 50.0))
            .collect(),
        neurons: (0..n)
            .map(|i| hit(i % 6, 7 * i, i as f32 / 50.0 - least))
            .collect(),
    };
    let sides = [
        (DictionarySide::Reads, 0.83),
        (DictionarySide::Writes, 0.71),
    ];
    sides.into_iter().map(of_side).collect()
}

fn places(words: usize) -> FindAnswer {
    let group = |role: Role| RoleHits {
        role,
        hits: (0..4).map(|i| hit(0, 40 + i, 0.5)).collect(),
        gists: Vec::new(),
        by_layer: Vec::new(),
    };
    let roles = [Role::K, Role::V, Role::MinusK, Role::MinusV];
    FindAnswer {
        tokens: vec![4],
        matched: words,
        groups: roles.into_iter().map(group).collect(),
        counted: COUNT,
        done: 1.0,
        exact: true,
    }
}

/// A screen with the dictionary open at a direction.
fn screen(width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    screen
        .press(":")
        .write("/sae/layer_12.safetensors --layer 12")
        .press("Enter : 1 2 0 Enter");
    screen
}

fn copied(screen: &Screen) -> String {
    match screen.done.last() {
        Some(Effect::Copy(text)) => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_direction_at_every_size() {
    for (width, height) in [(40, 15), (60, 15), (80, 24), (120, 40), (200, 60)] {
        let screen = screen(width, height);
        assert_snapshot!(format!("dictionary-{width}x{height}"), screen.text());
    }
    let mut screen = screen(80, 24);
    screen.theme = Theme::mono();
    assert_snapshot!("dictionary-mono", screen.press("] ] ] ]").text());
    let legend = screen.press("F1").text();
    assert!(legend.contains("largest cosines"), "{legend}");
}

#[test]
fn the_tab_is_there_once_a_dictionary_is_open() {
    let mut screen = Screen::new(120, 40);
    assert!(!screen.text().contains("Dictionary"));
    screen.press("g d");
    assert!(screen.last_line().contains("no dictionary is open"));
    screen.press(": D 3 Enter");
    assert!(screen.last_line().contains("no dictionary is open"));
    screen
        .press("Esc")
        .press(":")
        .write("~/a.npy")
        .press("Enter");
    assert_eq!(screen.address(), "D0");
    assert!(screen.text().contains("▌Dictionary"), "{}", screen.text());
    // Its place is kept beside those of the other tabs, and one comes back to it.
    assert_eq!(screen.press("j j Tab").address(), "L3.N103");
    assert_eq!(screen.press("S-Tab").address(), "D2");
    let views = screen.state.session().views;
    assert!(views.iter().any(|view| view.starts_with("D2 ")));
    assert_eq!(screen.press("G").address(), "D16383");
    screen.press(":").write("D20000").press("Enter");
    assert!(screen.last_line().contains("the last one is 16,383"));
}

#[test]
fn a_command_line_and_a_copied_address_open_it() {
    let mut screen = screen(120, 40);
    let command = "lexiscope dictionary gpt2-pl D120 --directions /sae/layer_12.safetensors \
                   --layer 12 -k 30 --convention raw";
    assert_eq!(copied(screen.press("C")).trim(), command);
    let address = "D120 --convention raw --directions /sae/layer_12.safetensors --layer 12";
    assert_eq!(copied(screen.press("A")), address);
    let mut other = Screen::new(120, 40);
    other.press(":").write(command).press("Enter");
    assert_eq!(copied(other.press("A")), address);
    // As bytes of two files may be alike: a mark says which file it is of.
    other.press("m : 5 Enter '").press("Enter");
    assert_eq!(copied(other.press("A")), address);
}

#[test]
fn what_is_similar_is_gone_to_and_come_back_from() {
    let mut screen = screen(120, 40);
    screen.press("] ] ] ] J Enter");
    assert_eq!(screen.address(), "D101");
    screen.press("H ]");
    assert_eq!(screen.address(), "D120");
    assert!(screen.text().contains("▌Neurons like it"));
    screen.press("Enter");
    assert_eq!(screen.address(), "L0.N0");
    assert_eq!(screen.press("H").address(), "D120");
}

#[test]
fn words_are_looked_up_in_the_dictionary_and_directions_ranked() {
    let mut screen = screen(120, 40);
    screen.press("J Enter");
    let asked = screen.state.wanted.iter().any(|query| {
        matches!(query, Query::Dictionary(of) if matches!(of.ask, DictionaryAsk::Find { .. }))
    });
    assert!(asked && screen.text().contains("of 16,384 directions"));
    screen.press("↓ Enter");
    assert_eq!(screen.address(), "D41");
    screen.press("i");
    assert_snapshot!("dictionary-ranked", screen.text());
    let command = copied(screen.press("C-s"));
    assert!(command.contains("--rank norm -n 100"), "{command}");
    assert_eq!(screen.press("↓ Enter").address(), "D10");
}

#[test]
fn what_cannot_be_read_is_said_where_the_lists_would_be() {
    let mut screen = Screen::new(80, 24);
    shell::act(
        &mut screen.state,
        lexiscope::explorer::action::Action::OpenPalette,
    );
    shell::paste(&mut screen.state, "/sae/other.npz");
    shell::key(
        &mut screen.state,
        lexiscope::explorer::key::keys("Enter").next().unwrap(),
    );
    let query = screen.state.wanted[0].clone();
    let event = Event::Failed {
        id: ModelId(1),
        query,
        message: "other.npz: expected rows of 256 numbers, got 2304".to_owned(),
    };
    shell::event(&mut screen.state, event);
    screen.draw();
    let text = screen.text();
    assert!(text.contains("expected rows of 256 numbers"), "{text}");
    assert!(!screen.last_line().contains('✗'));
}
