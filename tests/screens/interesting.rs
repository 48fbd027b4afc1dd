//! The list of interesting neurons.

use insta::assert_snapshot;
use lexiscope::query::{Interest, Query};

use super::Screen;

fn by(screen: &Screen) -> Option<(usize, Interest)> {
    screen.state.wanted.iter().find_map(|query| match query {
        Query::Rank(query) => Some((query.layer, query.by)),
        _ => None,
    })
}

#[test]
fn lists_the_layers_neurons_and_goes_to_the_one_chosen() {
    let mut screen = Screen::new(120, 30);
    assert_eq!(by(&screen), None, "nothing is ranked before it is asked");
    screen.press("i");
    assert_eq!(by(&screen), Some((3, Interest::Overlap)));
    assert_snapshot!("interesting-120x30", screen.text());
    screen.press("↓ ↓ Enter");
    assert_eq!(screen.address(), "L3.N26");
    assert_eq!(by(&screen), None);
    screen.press("H");
    assert_eq!(screen.address(), "L3.N103", "back returns");
}

#[test]
fn goes_through_the_measures_and_narrows_by_a_word() {
    let mut screen = Screen::new(80, 24);
    for measure in [
        Interest::Norm,
        Interest::Z,
        Interest::Stem,
        Interest::Overlap,
    ] {
        let keys = if measure == Interest::Norm {
            "i C-o"
        } else {
            "C-o"
        };
        assert_eq!(by(screen.press(keys)), Some((3, measure)));
    }
    let all = screen.state.choices().len();
    screen.write("granicy");
    let some = screen.state.choices().len();
    assert!(0 < some && some < all, "{some} of {all}");
}

#[test]
fn random_neurons_can_be_of_the_interesting_ones() {
    let mut screen = Screen::new(120, 30);
    screen.press("i C-r Esc");
    for _ in 0..20 {
        screen.press("r");
        let address = screen.address();
        let neuron = address.strip_prefix("L3.N").map(str::parse::<usize>);
        let Some(Ok(neuron)) = neuron else {
            panic!("{address} is not of the layer that was ranked");
        };
        assert!(neuron >= 12 && (neuron - 12).is_multiple_of(7), "{address}");
    }
}
