//! Experts in the Neurons tab, and the list of a layer's experts, with answers made by hand.

use insta::assert_snapshot;
use lexiscope::checkpoint::{ExpertSizes, LayerParts, NeuronParts};
use lexiscope::projection::Scored;
use lexiscope::query::{ExpertWords, ExpertsAnswer, ExpertsQuery};

use super::Screen;
use super::model::{self, MIXTURE};

/// Experts in layers 2 and 4, with a shared one in the second of them; no neurons in layer 5.
pub fn put_in(parts: &mut [LayerParts]) {
    let experts = |shared| {
        NeuronParts::Experts(ExpertSizes {
            experts: 8,
            each: 20,
            shared,
        })
    };
    parts[2].neurons = experts(0);
    parts[4].neurons = experts(12);
    parts[5].neurons = NeuronParts::Without("linear layers alone");
}

/// The sixth expert is called most.
pub fn answered(query: &ExpertsQuery) -> ExpertsAnswer {
    let words = |first: usize| {
        let word = |i: usize| Scored {
            id: ((first + i) % 20) as u32,
            score: 2.0 - i as f32 / 10.0,
        };
        (0..query.k).map(word).collect()
    };
    let expert = |expert: usize| ExpertWords {
        expert,
        first: 100 + 700 * usize::from(expert == 5) + 10 * expert,
        calls: words(expert),
        turns_away: words(expert + 9),
    };
    ExpertsAnswer {
        experts: (0..8).map(expert).collect(),
        first: Vec::new(),
        passing: 8192,
        rows: 8192,
    }
}

/// A screen with the mixture at the first neuron of layer 4.
fn mixture(width: u16, height: u16) -> Screen {
    let mut screen = Screen::new(width, height);
    let effects = model::open(&mut screen.state, 2, MIXTURE);
    screen.perform(effects);
    screen.press(":").write("L4.N0").press("Enter");
    screen
}

#[test]
fn keys_step_through_experts_and_arrows_within_one() {
    let mut screen = mixture(120, 40);
    assert_eq!(screen.address(), "L4.E0.N0");
    assert_eq!(screen.press("3 )").address(), "L4.E3.N0");
    assert_eq!(screen.press("G").address(), "L4.E3.N19");
    // A step does not lead into the next one.
    assert_eq!(screen.press("j").address(), "L4.E3.N19");
    assert!(screen.last_line().contains("last neuron"));
    assert_eq!(screen.press("(").address(), "L4.E2.N19");
    assert_eq!(screen.press("7 g g").address(), "L4.E2.N7");
    // The shared one is the last, and has fewer neurons here.
    screen.press("G 9 )");
    assert_eq!(screen.address(), "L4.ES.N11");
    assert!(screen.press(")").last_line().contains("last expert"));
    assert_eq!(screen.press("(").address(), "L4.E7.N11");
    assert_eq!(screen.press("H").address(), "L4.ES.N11");
}

#[test]
fn a_layer_without_neurons_is_stepped_over_and_one_without_experts_says_so() {
    let mut screen = mixture(120, 40);
    screen.press("l");
    assert_eq!(screen.state.views.neurons.layer, 4);
    assert_eq!(screen.press("h").address(), "L3.N0");
    for key in [")", "(", "E"] {
        let said = screen.press(key).last_line();
        assert!(said.contains("layer 3 has no experts"), "{said}");
    }
    screen.press(":").write("L5.N0").press("Enter");
    assert!(screen.last_line().contains("linear layers alone"));
}

#[test]
fn the_experts_of_a_layer_at_every_size() {
    for (width, height) in [(60, 15), (80, 24), (120, 40)] {
        let mut screen = mixture(width, height);
        let text = screen.press("2 ) E").text();
        assert_snapshot!(format!("experts-{width}x{height}"), text);
    }
}

#[test]
fn an_expert_of_the_list_is_gone_to() {
    let mut screen = mixture(80, 24);
    assert_eq!(screen.press("E j j Enter").address(), "L4.E2.N0");
    // By how many tokens have each first.
    assert_eq!(screen.press("E s Enter").address(), "L4.E5.N0");
    assert_eq!(screen.press("E h Enter").address(), "L2.E5.N0");
}
