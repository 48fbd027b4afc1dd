//! Going to saved views: the place, and all that decides what stands there; other models too.

use super::{navigate, overlays};
use crate::explorer::action::Pane;
use crate::explorer::effect::Effect;
use crate::explorer::saved_view::{SavedView, Shows, ViewSettings, pane_of};
use crate::explorer::state::State;
use crate::geometry::Texts;
use crate::query::Column;
use crate::vocabulary::Source;

/// Goes to a view, in another model if need be. `None` if the open model has no such place, which
/// is said.
pub(super) fn go(state: &mut State, view: SavedView) -> Option<Vec<Effect>> {
    if let Some(effects) = elsewhere(state, &view) {
        return Some(effects);
    }
    match restore(state, &view) {
        Ok(effects) => {
            navigate::remember(state, false);
            Some(effects)
        }
        Err(why) => {
            state.fail(why);
            None
        }
    }
}

/// Opens the model of a view, if that is not the open one.
fn elsewhere(state: &mut State, view: &SavedView) -> Option<Vec<Effect>> {
    let name = view.model.clone()?;
    let here = state.card().is_some_and(|card| card.name == name);
    (!here).then(|| overlays::open_model(state, name, vec![view.clone()]))
}

/// Goes to a place of the history as it was looked at, without a trace of its own.
pub(super) fn revisit(state: &mut State, view: &SavedView) -> Vec<Effect> {
    let before = state.saved_view();
    if let Some(effects) = elsewhere(state, view) {
        return effects;
    }
    match restore(state, view) {
        Ok(effects) => {
            if pane_of(view.address) == pane_of(before.address) {
                let unlike = view.unlike(&before);
                if !unlike.is_empty() {
                    state.say(format!("as it was left: {}", unlike.join(" · ")));
                }
            }
            effects
        }
        Err(why) => {
            state.fail(why);
            Vec::new()
        }
    }
}

/// The model before, at the same place and looked at in the same way, where it has that place.
pub(super) fn flip(state: &mut State) -> Vec<Effect> {
    let Some(name) = state.previous.clone() else {
        state.say("no other model was open before: o opens one");
        return Vec::new();
    };
    let known = state.places.get(&name).cloned().unwrap_or_default();
    // That of the pane in front last, for where the model has no such place as this.
    let (front, others): (Vec<_>, Vec<_>) = known
        .into_iter()
        .partition(|address| pane_of(*address) == Some(state.pane));
    let known = others.into_iter().chain(front);
    let mut then: Vec<SavedView> = known.map(SavedView::from).collect();
    then.push(SavedView {
        model: Some(name.clone()),
        ..state.saved_view()
    });
    overlays::open_model(state, name, then)
}

/// Puts the open model's pane at a view, without a trace in the history. What is still to be read
/// for it is among the effects.
///
/// # Errors
/// The model has no such place: which it has. Nothing is changed then.
pub(super) fn restore(state: &mut State, view: &SavedView) -> Result<Vec<Effect>, String> {
    navigate::check(state, view.address)?;
    navigate::place(state, view.address);
    match (&view.settings, pane_of(view.address)) {
        (Some(settings), Some(pane)) => Ok(apply(state, pane, settings)),
        _ => Ok(Vec::new()),
    }
}

fn apply(state: &mut State, pane: Pane, settings: &ViewSettings) -> Vec<Effect> {
    let points = settings.shows == Shows::Points;
    let directions = settings.shows == Shows::Directions;
    match pane {
        Pane::Neurons => {
            let focus = Column::ALL.iter().position(|c| *c == settings.column);
            let neurons = &mut state.neurons;
            (neurons.focus, neurons.input) = (focus.unwrap_or(0), settings.input);
            (neurons.points, neurons.directions) = (points, directions);
        }
        Pane::Heads => {
            let heads = &mut state.heads;
            (heads.end, heads.distance) = (settings.end, settings.distance);
            heads.directions = directions;
        }
        Pane::Geometry => return apply_chart(state, settings, points),
    }
    state.convention = settings.convention;
    // What the model's own figures favour does not come over what the view says.
    if state.convention_query().is_some() {
        state.keep_convention(true);
    }
    let effects = apply_filters(state, settings);
    super::filters::changed(state);
    effects
}

/// Words and texts that are the same files as now stay; others are read.
fn apply_filters(state: &mut State, settings: &ViewSettings) -> Vec<Effect> {
    let mut effects = Vec::new();
    let mut filters = settings.filters.clone();
    let unread = settings.unread();
    let same = |a: Option<&Source>, b: &Source| a == Some(b);
    if let Some(source) = unread.words {
        let now = state.filters.words.take();
        filters.words = now.filter(|words| same(words.source.as_ref(), source));
        if filters.words.is_none() {
            effects.push(Effect::ReadWords(source.path.to_path_buf()));
            expect(state, source);
        }
    }
    if let Some(source) = unread.text {
        let now = state.filters.text.take();
        filters.text = now.filter(|text| same(text.source.as_ref(), source));
        if filters.text.is_none() {
            effects.push(Effect::ReadText(source.path.to_path_buf()));
            expect(state, source);
        }
    }
    state.filters = filters;
    effects
}

fn expect(state: &mut State, source: &Source) {
    state.expected.retain(|known| known.path != source.path);
    if !source.sha256.is_empty() {
        state.expected.push(source.clone());
    }
}

/// Says so if a file that was read for a view is not what it was when the view was saved.
pub(super) fn compare(state: &mut State, label: &str, read: Option<&Source>) {
    let Some(read) = read else { return };
    let at = state.expected.iter().position(|e| e.path == read.path);
    let Some(expected) = at.map(|at| state.expected.remove(at)) else {
        return;
    };
    if expected.sha256 != read.sha256 {
        state.fail(format!(
            "{label} has changed since this view was saved: the lists may be others"
        ));
    }
}

fn apply_chart(state: &mut State, settings: &ViewSettings, points: bool) -> Vec<Effect> {
    let geometry = &mut state.geometry;
    let mut chart = settings.chart.clone();
    let mut effects = Vec::new();
    if chart.texts.texts.is_empty() {
        let now = geometry.settings.texts.clone();
        if now.path != chart.texts.path {
            let path = chart.texts.path.iter();
            effects.extend(path.map(|path| Effect::ReadTexts(path.to_path_buf())));
        }
        chart.texts = now;
    }
    if let (Some(fitting), Some(language)) = (chart.fitting, geometry.language)
        && fitting != language
    {
        chart.texts = Texts::bundled(language);
        chart.fitting = Some(language);
    }
    geometry.settings = chart;
    geometry.points = points && geometry.settings.token.is_some();
    geometry.stopped = false;
    effects
}
