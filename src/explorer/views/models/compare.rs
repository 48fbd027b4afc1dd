//! Two models compared: the difference, the tuned model and its base, at the same place of each.

use super::chosen;
use crate::checkpoint::{AGAINST, compared_names};
use crate::explorer::effect::Effect;
use crate::explorer::files::full_name;
use crate::explorer::shell;
use crate::explorer::state::State;

/// Opens the difference of the open model and the one under the cursor.
pub(super) fn compare(state: &mut State) -> Vec<Effect> {
    let Some(card) = state.card() else {
        state.say("open a model first, then choose the one to compare it with");
        return Vec::new();
    };
    let open = card.name.clone();
    let tuned = compared_names(&open).map_or(&*open, |(tuned, _)| tuned);
    let selected = state.views.models.chooser.selected;
    let Some(base) = chosen(state, selected) else {
        return Vec::new();
    };
    go_to(state, format!("{tuned}{AGAINST}{}", full_name(&base)))
}

/// From the difference to the tuned model, on to its base, and back.
pub(super) fn next_version(state: &mut State) -> Vec<Effect> {
    let open = state.card().map(|card| card.name.clone());
    let open = open.unwrap_or_default();
    let difference = match compared_names(&open) {
        Some(_) => Some(open.clone()),
        None => state.views.models.difference.clone(),
    };
    let versions = difference.as_deref().and_then(|name| {
        let (tuned, base) = compared_names(name)?;
        Some([name, tuned, base].map(str::to_owned))
    });
    let at = versions
        .as_ref()
        .and_then(|all| all.iter().position(|name| *name == open));
    let (Some(versions), Some(at)) = (versions, at) else {
        state.say(
            "nothing is compared: in the chooser of models (o) Alt-v compares with the model there",
        );
        return Vec::new();
    };
    let [next, ..] = [1, 2].map(|step| versions[(at + step) % versions.len()].clone());
    go_to(state, next)
}

/// Opens a model at the place where one is.
fn go_to(state: &mut State, name: String) -> Vec<Effect> {
    if compared_names(&name).is_some() {
        state.views.models.difference = Some(name.clone());
    }
    let mut views = state.saved_views();
    for view in &mut views {
        view.model = Some(name.clone());
    }
    shell::open_model(state, name, views)
}
