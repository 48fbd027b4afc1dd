//! The interesting neurons of a layer: by what they are ranked, and drawing from them.

use crate::explorer::state::{Chooser, Overlay, State};
use crate::query::{Address, Interest};

/// Puts the list on top.
pub(super) fn open(state: &mut State) {
    state
        .overlays
        .push(Overlay::Interesting(Chooser::default()));
}

/// The next measure.
pub(super) fn next(state: &mut State) {
    let at = Interest::NEURONS
        .iter()
        .position(|by| *by == state.ranked.by);
    state.ranked.by = Interest::NEURONS[(at.unwrap_or(0) + 1) % Interest::NEURONS.len()];
    if let Some(Overlay::Interesting(chooser)) = state.overlays.last_mut() {
        chooser.selected = 0;
    } else {
        state.say(format!(
            "i lists the layer's neurons by {}",
            state.ranked.by.meaning()
        ));
    }
}

/// Whether a random neuron is one of those ranked last.
pub(super) fn swap_draws(state: &mut State) {
    state.ranked.draws = !state.ranked.draws;
    state.say(match state.ranked.draws {
        true => "r goes to one of the interesting neurons ranked last",
        false => "r goes to any neuron",
    });
}

/// One of the neurons that were ranked last, if random ones are to be of them.
pub(super) fn draw(state: &mut State) -> Option<Address> {
    if !state.ranked.draws {
        return None;
    }
    let (answer, layer, _) = state.ranking()?;
    let neurons: Vec<usize> = answer.items.iter().map(|n| n.item).collect();
    let neuron = state.random.choice(neurons)?;
    Some(Address::Neuron { layer, neuron })
}
