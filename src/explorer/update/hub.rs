//! Models that come from the hub: which way, how far, and an end to it.

use crate::checkpoint::Cost;
use crate::explorer::effect::Effect;
use crate::explorer::state::{Opening, Overlay, State, Ways};
use crate::hub::Progress;

/// The model that should be opened is on the hub: asks the user how it should come, as soon as it
/// is known what that costs.
pub fn on_hub(state: &mut State) {
    if let Some(Opening { name, then, .. }) = state.opening.take() {
        state.overlays.push(Overlay::Ways(Ways {
            name,
            then,
            cost: None,
            selected: 0,
        }));
    }
}

/// What the ways cost.
pub fn cost(state: &mut State, cost: Cost) {
    for overlay in &mut state.overlays {
        if let Overlay::Ways(ways) = overlay {
            ways.cost = Some(cost);
        }
    }
}

/// What the ways cost cannot be known, or the model that was to come does not.
pub fn failed(state: &mut State, message: String) -> Vec<Effect> {
    state
        .overlays
        .retain(|overlay| !matches!(overlay, Overlay::Ways(_)));
    match state.opening {
        Some(_) => super::not_opening(state, message),
        None => {
            super::overlays::back_to_history(state);
            state.fail(message);
            Vec::new()
        }
    }
}

/// How far the model that is to be opened is.
pub fn progress(state: &mut State, progress: Progress) {
    if let Some(opening) = &mut state.opening {
        // What takes no time needs no bar.
        opening.transfer = (progress.size() > 0).then_some(progress);
    }
}

/// A way was chosen.
pub(super) fn take(state: &mut State, by_tensor: bool) -> Vec<Effect> {
    let Some(Overlay::Ways(Ways { name, then, .. })) = state.overlays.pop() else {
        return Vec::new();
    };
    state.overlays.clear();
    state.opening = Some(Opening::new(name.clone(), then));
    vec![Effect::Fetch { name, by_tensor }]
}
