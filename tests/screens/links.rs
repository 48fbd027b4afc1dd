//! Who writes what a neuron or head reads, with answers made by hand.

use insta::assert_snapshot;
use lexiscope::explorer::effect::Effect;
use lexiscope::explorer::theme::Theme;
use lexiscope::query::{Address, Link, LinkLists, LinksAnswer, LinksQuery, Query, ReadSide};

use super::Screen;

/// Neurons and heads of the layers beside.
pub fn answered(query: &LinksQuery) -> LinksAnswer {
    let layer = query.of.layer();
    let neuron = |layer: usize, i: usize| Link {
        at: Address::Neuron {
            layer,
            neuron: 40 + i,
        },
        side: ReadSide::Key,
        strength: 1.5 - i as f32,
        share: 0.31 - 0.2 * i as f32,
        key: vec![4, 8, 9],
        value: vec![12, 16, 10],
    };
    let head = |layer: usize, i: usize| Link {
        at: Address::Head {
            layer,
            head: i,
            form: None,
        },
        side: ReadSide::HeadValue,
        strength: 4.0,
        share: 0.12,
        key: Vec::new(),
        value: Vec::new(),
    };
    let lists = |layer: usize| LinkLists {
        neurons: (0..3).map(|i| neuron(layer, i)).collect(),
        heads: (0..2).map(|i| head(layer, i)).collect(),
    };
    let before = layer.checked_sub(1).map(lists);
    let after = Some(layer + 1).filter(|layer| *layer < 6).map(lists);
    LinksAnswer {
        upstream: before.unwrap_or_default(),
        downstream: after.unwrap_or_default(),
        done: 1.0,
    }
}

#[test]
fn links_at_every_size() {
    for (width, height) in [(60, 15), (80, 24), (120, 40)] {
        let mut screen = Screen::new(width, height);
        let text = screen.press("W j").text();
        assert_snapshot!(format!("links-{width}x{height}"), text);
    }
    let mut screen = Screen::new(80, 24);
    screen.theme = Theme::mono();
    assert_snapshot!("links-mono", screen.press("g h W").text());
}

#[test]
fn one_walks_along_a_circuit_and_back() {
    let mut screen = Screen::new(120, 40);
    screen.press("W Enter");
    assert_eq!(screen.address(), "L2.N40");
    screen.press("j j j Enter");
    assert_eq!(screen.address(), "L1.H0");
    let text = screen.text();
    assert!(text.contains("L3.N103 ▸ L2.N40 ▸ L1.H0"), "{text}");
    screen.press("Backspace");
    assert_eq!(screen.address(), "L2.N40");
    assert!(screen.text().contains("L3.N103 ▸ L2.N40"));
    screen.press("H");
    assert_eq!(screen.address(), "L3.N103");
    assert!(!screen.text().contains("▸ L2"));
    screen.press("H");
    assert!(screen.last_line().contains("the walk began here"));
    // Esc leaves the list where one has walked to, with its words.
    screen.press("Enter Esc");
    assert_eq!(screen.address(), "L2.N40");
    assert!(screen.state.stack.is_empty());
}

#[test]
fn its_address_and_its_command_open_it_again() {
    let mut screen = Screen::new(120, 40);
    let copied = |screen: &Screen| match screen.done.last() {
        Some(Effect::Copy(text)) => text.trim().to_owned(),
        other => panic!("{other:?}"),
    };
    let address = copied(screen.press("W A"));
    assert_eq!(address, "L3.N103 --convention raw --links");
    let command = copied(screen.press("C"));
    assert_eq!(
        command,
        "lexiscope links gpt2-pl L3.N103 -n 10 --convention raw"
    );
    for typed in [address, command] {
        let mut other = Screen::new(120, 40);
        other.press("r :").write(&typed).press("Enter");
        assert_eq!(other.address(), "L3.N103");
        assert!(
            other.text().contains("Links of L3.N103"),
            "{}",
            other.text()
        );
        let asked = |query: &Query| matches!(query, Query::Links(_));
        assert!(other.state.wanted.iter().any(asked));
        // One list, which one key leaves.
        assert!(other.press("Esc").state.stack.is_empty());
    }
}

#[test]
fn there_are_none_of_states() {
    let mut screen = Screen::new(80, 24);
    let scopes = screen.press("g s").state.scopes();
    assert!(!scopes.contains(&lexiscope::explorer::keymap::Scope::Neurons));
    assert!(screen.press("W").last_line().contains("does nothing here"));
}
