//! Two models compared, with answers made by hand: the chooser's key, the header, what changed most, and
//! both models' lists.

use insta::assert_snapshot;
use lexiscope::explorer::effect::Effect;
use lexiscope::query::{
    BothListsAnswer, BothListsQuery, ChangedHead, ChangedNeuron, ChangedNumbers, ChangesAnswer,
    ChangesQuery, Moved, VectorChange,
};

use super::Screen;

fn moved_by(relative: f64) -> VectorChange {
    VectorChange {
        relative: Some(relative),
        cosine: Some(1.0 - relative),
    }
}

/// Three neurons, of which the last changed by rounding alone, and two heads.
pub fn changes(_: &ChangesQuery) -> ChangesAnswer {
    let neuron = |i: usize| ChangedNeuron {
        layer: 5 - i,
        neuron: 11 * i,
        change: moved_by(0.25 / (1 + 9 * i) as f64),
        key: moved_by(0.125),
        up: None,
        value: moved_by(0.0625),
        numbers: ChangedNumbers {
            all: 512,
            changed: 12,
            by_rounding: if i == 2 { 12 } else { 3 },
        },
        overlap: Some([27 - i, 30]),
        words: [vec![4, 8, 9], vec![12, 16]],
    };
    let head = |head: usize| ChangedHead {
        layer: 1,
        head,
        vo: moved_by(0.1),
        qk: moved_by(0.05),
        overlap: Some([20, 30]),
    };
    ChangesAnswer {
        neurons: (0..3).map(neuron).collect(),
        heads: (0..2).map(head).collect(),
        numbers: ChangedNumbers {
            all: 4096,
            changed: 36,
            by_rounding: 18,
        },
        looked_at: [4608, 36],
        changed: [3, 2],
    }
}

/// The second word came from the fifth place, the last one fell out.
pub fn both_lists(query: &BothListsQuery) -> BothListsAnswer {
    let BothListsQuery::Neuron(_) = query else {
        panic!("no screen asks for pairs");
    };
    let row = |item: u32, tuned: Option<usize>, base: Option<usize>| Moved {
        item,
        tuned: tuned.map(|rank| (rank, 5.0 - rank as f32 / 4.0)),
        base: base.map(|rank| (rank, 4.5 - rank as f32 / 4.0)),
    };
    let column = |first: u32| {
        vec![
            row(first, Some(1), Some(1)),
            row(first + 1, Some(2), Some(5)),
            row(first + 2, Some(3), Some(2)),
            row(first + 3, Some(4), None),
            row(first + 4, None, Some(3)),
        ]
    };
    BothListsAnswer::Neuron {
        columns: [column(0), column(4), column(8), column(12)],
        key: moved_by(0.125),
        value: moved_by(0.0625),
        numbers: ChangedNumbers::default(),
    }
}

/// A screen with the bundled model against another one.
fn compared(width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    screen.press("o").write("base").press("A-v");
    screen
}

#[test]
fn a_key_of_the_chooser_compares_and_another_goes_through_the_versions() {
    let mut screen = compared(120, 40);
    let text = screen.text();
    assert!(text.contains("gpt2-pl against base"), "{text}");
    assert_eq!(screen.address(), "L3.N103");
    let name = |screen: &Screen| screen.state.card().unwrap().name.clone();
    assert_eq!(name(&screen), "gpt2-pl~base");
    assert_eq!(name(screen.press("=")), "gpt2-pl");
    assert!(!screen.text().contains("gpt2-pl against"));
    assert_eq!(name(screen.press("=")), "base");
    assert_eq!(screen.address(), "L3.N103");
    assert_eq!(name(screen.press("=")), "gpt2-pl~base");
}

#[test]
fn what_changed_at_every_size() {
    for (width, height) in [(60, 15), (80, 24), (120, 40)] {
        let mut screen = compared(width, height);
        assert_snapshot!(
            format!("changes-{width}x{height}"),
            screen.press("V j").text()
        );
    }
    let mut screen = compared(80, 24);
    let legend = screen.press("V ?").text();
    assert!(legend.contains("rounding to 16 bits"), "{legend}");
}

#[test]
fn the_list_of_changes_leads_to_neurons_and_heads() {
    let mut screen = compared(120, 40);
    assert_eq!(screen.press("V j Enter").address(), "L4.N11");
    assert!(screen.state.stack.is_empty());
    assert_eq!(screen.press("V l Enter").address(), "L1.H0");
    assert_eq!(screen.press("H").address(), "L4.N11");
    let Some(Effect::Copy(text)) = screen.press("V C").done.last() else {
        panic!("{:?}", screen.done)
    };
    let command = "lexiscope difference 'gpt2-pl~base' -n 50 -k 30 --convention raw";
    assert_eq!(text.trim(), command);
}

#[test]
fn both_lists_stand_beside_the_change_or_come_by_a_key() {
    assert_snapshot!("both-lists-200x60", compared(200, 60).text());
    let mut screen = compared(80, 24);
    assert!(!screen.text().contains("K base"));
    assert_snapshot!("both-lists-80x24", screen.press("B").text());
    assert!(!screen.press("B").text().contains("K base"));
}

#[test]
fn nothing_is_compared_in_a_model_of_its_own() {
    let mut screen = Screen::new(120, 40);
    for key in ["V", "B", "="] {
        let said = screen.press(key).last_line();
        assert!(said.contains("nothing is compared"), "{said}");
    }
}
