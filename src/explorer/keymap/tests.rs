use std::collections::{BTreeMap, HashSet};

use super::*;
use crate::explorer::action::{Motion, TabId};
use crate::explorer::state::State;
use crate::geometry::Measure;
use crate::query::Switch;

#[test]
fn binds_no_key_twice_in_one_place() {
    for scopes in [
        TabId::Neurons.tab().scopes(&State::new(0)),
        TabId::Heads.tab().scopes(&State::new(0)),
        TabId::Geometry.tab().scopes(&State::new(0)),
        TabId::Prompt.tab().scopes(&State::new(0)),
        TabId::Dictionary.tab().scopes(&State::new(0)),
        &[Scope::Filters],
        &[Scope::Bookmarks, Scope::Lists],
        &[Scope::Find, Scope::Lists],
        &[Scope::Help, Scope::Lists],
        &[Scope::Legend],
        &[Scope::Guide],
        &[Scope::Ranking, Scope::Lists],
        &[Scope::HeadMap],
        &[Scope::Contexts],
        &[Scope::Links],
        &[Scope::Changes],
        &[Scope::Routers],
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
            Scope::Panes
                | Scope::Words
                | Scope::Neurons
                | Scope::Heads
                | Scope::Geometry
                | Scope::Text
                | Scope::Dictionary
        );
        let digit = |text: &&str| text.starts_with(|c: char| c.is_ascii_digit());
        assert!(!pane || !command.keys.iter().any(digit), "{command:?}");
    }
}

/// The names of an enum's variants, as they stand in its source.
fn variants(name: &str) -> Vec<String> {
    let source = include_str!("../action.rs");
    let (_, after) = source.split_once(&format!("pub enum {name} {{\n")).unwrap();
    let (inside, _) = after.split_once("\n}").unwrap();
    let lines = inside.lines().map(str::trim);
    let variants = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    variants
        .map(|line| line.trim_end_matches(',').to_owned())
        .collect()
}

#[test]
fn names_every_action_a_user_has() {
    // Rows have no first and last of their own: a count, or the page, leads there.
    // A change of a prompt is clicked, or named by a count.
    let without_key = [
        "Word(HalfUp",
        "Word(HalfDown",
        "Word(First",
        "Word(Last",
        "Prompt(Listed",
    ];
    let bound: Vec<String> = COMMANDS.iter().map(|c| format!("{:?}", c.action)).collect();
    let is_bound = |name: &str| {
        let of_many = name.contains('(');
        let mut bound = bound.iter();
        bound.any(|action| action == name || of_many && action.starts_with(name))
    };
    let mut names = Vec::new();
    for variant in variants("Action") {
        match variant.split_once('(') {
            None => names.push(variant),
            // Those of another room have names there: each is bound if one is.
            Some((name, "Switch)")) => {
                names.extend(Switch::ALL.map(|switch| format!("{name}({switch:?}")));
            }
            Some((name, of)) => {
                let inner = variants(of.trim_end_matches(')'));
                let inner = inner
                    .iter()
                    .map(|v| v.split('(').next().unwrap().to_owned());
                names.extend(inner.map(|v| format!("{name}({v}")));
            }
        }
    }
    assert!(names.len() > 90, "{names:?}");
    for name in names {
        assert_eq!(is_bound(&name), !without_key.contains(&&*name), "{name}");
    }
    for measure in Measure::ALL {
        let three = matches!(
            measure,
            Measure::MevUncentred | Measure::MevCentred | Measure::MevTruncated
        );
        // `v` goes through these.
        let name = format!("Chart(Show({measure:?}))");
        assert_eq!(is_bound(&name), !three, "{name}");
    }
    for command in COMMANDS {
        assert!(!command.words.is_empty() && !command.keys.is_empty());
    }
}

/// Keys that mean one thing where words are and another where a chart is, or on the map, and why
/// that is no trap.
const OF_THE_PLACE: &[(&str, &str)] = &[
    (
        "+",
        "one more: a model in the chart, a change of the prompt",
    ),
    ("_", "the last one goes: a model, a change"),
    ("Del", "the last one goes: a model, a change"),
    ("T", "the texts that are measured, the text of the prompt"),
    (
        "t",
        "what it is about: the token, the target, the texts that set it off",
    ),
    ("b", "special tokens: left out, or read as such"),
    ("x", "the chart's axis; a neuron or head off"),
    ("X", "the chart's values; all changes off"),
    (
        "a",
        "a measure by its letter: anisotropy; a head's attention",
    ),
    (
        "c",
        "a measure by its letter: context specificity; the chat template",
    ),
    (
        "s",
        "a measure by its letter: self-similarity; elsewhere what strip, grid and map show",
    ),
    (
        "i",
        "a measure by its letter: in a text; on the map it closes what it opened",
    ),
    ("v", "a measure by its letter: variance"),
    ("d", "a switch of the chart: dominant dimensions"),
    ("f", "a switch of the chart: each text's first position"),
    ("p", "points, of a column or of a token"),
    (
        "n",
        "the next in order on the map; the text of the prompt goes on",
    ),
    ("N", "the one before on the map; the prompt's next seed"),
    (
        "-",
        "the other sign, of columns and of pairs; the chart less its baseline",
    ),
    (
        "Enter",
        "goes on from here: to the word's places, to the head, with measuring",
    ),
    (
        "←",
        "the layer below; in a dictionary, which has none, the list",
    ),
    (
        "h",
        "the layer below; in a dictionary, which has none, the list",
    ),
    (
        "→",
        "the layer above; in a dictionary, which has none, the list",
    ),
    (
        "l",
        "the layer above; in a dictionary, which has none, the list",
    ),
    ("q", "leaves what is in front"),
    ("C-c", "leaves what is in front"),
    ("?", "help, and in what is no pane the legend"),
];

#[test]
fn a_key_means_one_thing_in_all_panes_or_is_known_to_be_of_the_place() {
    let panes = [
        Scope::Panes,
        Scope::Words,
        Scope::Neurons,
        Scope::Heads,
        Scope::Geometry,
        Scope::Text,
        Scope::Dictionary,
        Scope::HeadMap,
    ];
    let commands = COMMANDS.iter().filter(|c| panes.contains(&c.scope));
    let mut meanings: BTreeMap<&str, HashSet<Action>> = BTreeMap::new();
    for command in commands {
        for key in command.keys {
            meanings.entry(key).or_default().insert(command.action);
        }
    }
    let many = meanings.iter().filter(|(_, actions)| actions.len() > 1);
    let many: Vec<&str> = many.map(|(key, _)| *key).collect();
    let mut known: Vec<&str> = OF_THE_PLACE.iter().map(|(key, _)| *key).collect();
    known.sort_unstable();
    assert_eq!(
        many, known,
        "keys of two meanings, and those that may have them"
    );
}

#[test]
fn a_command_has_one_key_in_all_panes() {
    // In a list letters are typed: there the same is done with Ctrl held.
    for action in [
        Action::CopyAddress,
        Action::CopyList,
        Action::Export,
        Action::OpenLegend,
        Action::OpenGuide,
        Action::DrawRanked,
    ] {
        let panes = COMMANDS.iter().filter(|c| {
            let typed = matches!(c.scope, Scope::Find | Scope::Ranking | Scope::Lists);
            c.action == action && !typed && c.scope != Scope::Help
        });
        let keys: Vec<&[&str]> = panes.map(|c| c.keys).collect();
        let shared = |key: &&str| keys.iter().all(|keys| keys.contains(key));
        assert!(keys[0].iter().any(shared), "{action:?}: {keys:?}");
    }
}

#[test]
fn merges_the_hints_of_neighbours() {
    let hints = hints(TabId::Neurons.tab().scopes(&State::new(0)));
    assert_eq!((&hints[0].keys[..], hints[0].words), ("↑↓", "neuron"));
    assert!(hints.iter().any(|h| h.edge && h.words == "quit"));
}

#[test]
fn tells_a_chord_from_its_beginning() {
    let scopes = TabId::Heads.tab().scopes(&State::new(0));
    let pressed = |text| keys(text).collect::<Vec<_>>();
    assert!(matches!(find(scopes, &pressed("g")), KeyMatch::Prefix(chords) if chords.len() == 8));
    assert!(matches!(find(scopes, &pressed("g g")),
        KeyMatch::Run(c) if c.action == Action::Move(Motion::First)));
    assert!(matches!(find(scopes, &pressed("g z")), KeyMatch::Nothing));
}
