use std::collections::HashSet;

use super::*;
use crate::explorer::action::{Motion, Toggle};

#[test]
fn binds_no_key_twice_in_one_place() {
    for scopes in [
        Scope::of_pane(Pane::Neurons),
        Scope::of_pane(Pane::Heads),
        Scope::of_pane(Pane::Geometry),
        &[Scope::Filters],
        &[Scope::Bookmarks, Scope::Lists],
        &[Scope::Find, Scope::Lists],
        &[Scope::Interesting, Scope::Lists],
        &[Scope::HeadMap],
        &[Scope::Prompt],
    ] {
        let mut bound: Vec<Vec<Key>> = Vec::new();
        for command in COMMANDS.iter().filter(|c| scopes.contains(&c.scope)) {
            for text in command.keys {
                let chord: Vec<Key> = keys(text).collect();
                assert_eq!(
                    chord.len(),
                    text.split(' ').count(),
                    "`{text}` does not parse"
                );
                let clash = bound
                    .iter()
                    .find(|b| b.starts_with(&chord) || chord.starts_with(b));
                assert!(clash.is_none(), "`{text}` is bound twice in {scopes:?}");
                bound.push(chord);
            }
        }
    }
}

#[test]
fn keeps_digits_free_for_counts() {
    for command in COMMANDS {
        let pane = matches!(
            command.scope,
            Scope::Panes | Scope::Words | Scope::Neurons | Scope::Heads | Scope::Geometry
        );
        let digit = |text: &&str| text.starts_with(|c: char| c.is_ascii_digit());
        assert!(!pane || !command.keys.iter().any(digit), "{command:?}");
    }
}

#[test]
fn names_every_action_a_user_has() {
    let bound: HashSet<Action> = COMMANDS.iter().map(|c| c.action).collect();
    let motions = [
        Motion::Up,
        Motion::Down,
        Motion::Left,
        Motion::Right,
        Motion::PageUp,
        Motion::PageDown,
        Motion::HalfUp,
        Motion::HalfDown,
        Motion::First,
        Motion::Last,
    ];
    let toggles = [
        Toggle::Ascii,
        Toggle::Alnum,
        Toggle::Same,
        Toggle::Similar,
        Toggle::Special,
        Toggle::Undertrained,
        Toggle::Positions,
        Toggle::Contains,
        Toggle::Words,
        Toggle::Text,
    ];
    let motions = motions.map(Action::Move);
    let toggles = toggles.map(Action::Toggle);
    let panes = Pane::ALL.map(Action::Show);
    for action in motions.iter().chain(&toggles).chain(&panes) {
        assert!(bound.contains(action), "{action:?} has no key");
    }
    for command in COMMANDS {
        assert!(!command.words.is_empty() && !command.keys.is_empty());
    }
}

#[test]
fn merges_the_hints_of_neighbours() {
    let hints = hints(Scope::of_pane(Pane::Neurons));
    assert_eq!((&hints[0].keys[..], hints[0].words), ("↑↓", "neuron"));
    assert!(hints.iter().any(|h| h.edge && h.words == "quit"));
}

#[test]
fn tells_a_chord_from_its_beginning() {
    let scopes = Scope::of_pane(Pane::Heads);
    let pressed = |text| keys(text).collect::<Vec<_>>();
    assert!(matches!(find(scopes, &pressed("g")), Found::Prefix(chords) if chords.len() == 5));
    assert!(matches!(find(scopes, &pressed("g g")),
        Found::Run(c) if c.action == Action::Move(Motion::First)));
    assert!(matches!(find(scopes, &pressed("g z")), Found::Nothing));
}
