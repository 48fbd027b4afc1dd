//! Models that come from the hub: which way, how far, and an end to it.

use super::Download;
use crate::checkpoint::FetchEstimate;
use crate::explorer::action::ViewId;
use crate::explorer::effect::Effect;
use crate::explorer::shell;
use crate::explorer::state::{Opening, State};
use crate::task::Progress;

/// The model that should be opened is on the hub: asks the user how it should come, as soon as it
/// is known what that costs.
pub fn on_hub(state: &mut State) {
    if let Some(Opening { name, then, .. }) = state.opening.take() {
        state.views.download = Some(Download {
            name,
            then,
            estimate: None,
            selected: 0,
        });
        state.put_on_top(ViewId::Download);
    }
}

/// What the ways cost.
pub fn estimate(state: &mut State, estimate: FetchEstimate) {
    if let Some(download) = &mut state.views.download {
        download.estimate = Some(estimate);
    }
}

/// What the ways cost cannot be known, or the model that was to come does not.
pub fn failed(state: &mut State, message: String) -> Vec<Effect> {
    state.views.download = None;
    state.stack.retain(|id| *id != ViewId::Download);
    match state.opening {
        Some(_) => shell::not_opening(state, message),
        None => {
            shell::back_to_history(state);
            state.fail(message);
            Vec::new()
        }
    }
}

/// How far the model that is to be opened is.
pub fn progress(state: &mut State, progress: Progress) {
    if let Some(opening) = &mut state.opening {
        // What takes no time needs no bar.
        opening.transfer = (progress.total() > 0).then_some(progress);
    }
}

/// A way was chosen.
pub fn take(state: &mut State, by_tensor: bool) -> Vec<Effect> {
    let Some(Download { name, then, .. }) = state.views.download.take() else {
        return Vec::new();
    };
    state.stack.clear();
    state.opening = Some(Opening::new(name.clone(), then));
    vec![Effect::Fetch { name, by_tensor }]
}
