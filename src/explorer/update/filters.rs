//! Switching filters, and those that need words.

use std::time::Duration;

use super::navigate::to_top;
use super::views;
use crate::explorer::action::{Action, Pane, Toggle};
use crate::explorer::effect::Effect;
use crate::explorer::keymap;
use crate::explorer::state::{Field, Overlay, Prompt, Purpose, State};
use crate::query::{Convention, FirstConventionAnswer, Switch};
use crate::vocabulary::{Filters, Text, Words};

/// Switches a filter; one that needs words is taken away, or asks for them.
pub(super) fn switch(state: &mut State, toggle: Toggle) {
    let filters = &mut state.filters;
    let flag = match toggle {
        Toggle::Ascii => &mut filters.ascii,
        Toggle::Alnum => &mut filters.alnum,
        Toggle::Same => &mut filters.exclude_same,
        Toggle::Similar => &mut filters.exclude_similar,
        Toggle::Special => &mut filters.exclude_special,
        Toggle::Undertrained => &mut filters.exclude_undertrained,
        Toggle::Positions => &mut filters.positions,
        Toggle::Contains => return find(state),
        Toggle::Words if filters.words.take().is_some() => return changed(state),
        Toggle::Words => return ask(state, Purpose::WordsFile),
        Toggle::Text if filters.text.take().is_some() => return changed(state),
        Toggle::Text => return ask(state, Purpose::Text),
    };
    *flag = !*flag;
    let pairs_only = matches!(toggle, Toggle::Same | Toggle::Similar);
    if pairs_only && state.pane == Pane::Neurons {
        state.say("this filter is about pairs: see the heads (Tab)");
    }
    if toggle == Toggle::Positions && state.card().is_some_and(|card| card.spec.positions == 0) {
        state.say("this model has no learned positions");
    }
    changed(state);
}

fn ask(state: &mut State, purpose: Purpose) {
    state
        .overlays
        .retain(|overlay| *overlay != Overlay::Filters);
    state.overlays.push(Overlay::Prompt(Prompt {
        purpose,
        field: Field::default(),
    }));
}

/// Asks for the text that tokens must contain.
pub(super) fn find(state: &mut State) {
    let contains = state.filters.contains.clone();
    ask(state, Purpose::Contains);
    if let Some(field) = state.field() {
        *field = Field::proposed(contains);
    }
}

/// All filters off.
pub(super) fn clear(state: &mut State) {
    if state.filters == Filters::default() {
        return state.say("no filter is on");
    }
    state.filters = Filters::default();
    changed(state);
}

/// Switches a part of the convention, where the model offers it.
pub(super) fn convention(state: &mut State, switch: Switch) {
    if let Some(Err(why)) = state.card().map(|card| card.offers(switch)) {
        return state.say(format!("{switch} is not offered: {why}"));
    }
    state.convention = state.convention.flipped(switch);
    state.keep_convention(true);
    changed(state);
}

/// Lists that have been on screen for longer than this are being read: they do not change by
/// themselves.
const UNREAD: Duration = Duration::from_millis(500);

/// The model's own figures say under which convention to begin. It is taken, unless the user has
/// chosen one meanwhile; where lists have been on screen for so long that they are being read, or a
/// key was pressed, the status line says how to take it.
pub(in crate::explorer) fn first_convention(
    state: &mut State,
    answer: &FirstConventionAnswer,
    shown_for: Duration,
) {
    if state.convention_query().is_none() {
        return;
    }
    let best = answer.best();
    if best != state.convention && (state.touched || shown_for > UNREAD) {
        state.convention_told = true;
        let keys = keys_to(state.convention, best);
        return state.say(format!(
            "this model reads better under {best}: press {keys}"
        ));
    }
    state.convention = best;
    state.keep_convention(false);
    if state.convention.is_raw() {
        return state.say(answer.reason());
    }
    state.say(format!("{} · c 0 is raw", answer.reason()));
    changed(state);
}

/// The keys that lead from one convention to another, those of its menu.
fn keys_to(from: Convention, to: Convention) -> String {
    let raw = (!from.is_raw()).then_some(Action::Raw);
    let switches = to.switches().map(Action::Convention);
    let actions = std::iter::once(Action::OpenConventions)
        .chain(raw)
        .chain(switches);
    let keys: Vec<&str> = actions.filter_map(keymap::first_key).collect();
    keys.join(" ")
}

/// The raw convention.
pub(super) fn raw(state: &mut State) {
    if state.convention().is_raw() {
        state.say("the convention is raw");
    }
    state.convention = Convention::RAW;
    state.keep_convention(true);
    changed(state);
}

/// Lists under other filters or conventions are read from their beginning; figures of heads are not comparable.
pub(super) fn changed(state: &mut State) {
    state.seen.clear();
    to_top(state);
}

/// A text to filter by was typed.
pub(super) fn typed_text(state: &mut State, typed: &str) {
    state.filters.text = Some(Text::typed(typed));
    changed(state);
}

/// A list of words was read.
pub fn words(state: &mut State, words: Words) -> Vec<Effect> {
    if words.words.is_empty() {
        state.fail(format!("{} has no words in it", words.label));
        return Vec::new();
    }
    state.say(format!("{} words of {}", words.words.len(), words.label));
    views::compare(state, &words.label, words.source.as_ref());
    state.filters.words = Some(words);
    changed(state);
    super::settle(state, Vec::new())
}

/// A text was read.
pub fn text(state: &mut State, text: Text) -> Vec<Effect> {
    views::compare(state, &text.label, text.source.as_ref());
    state.filters.text = Some(text);
    changed(state);
    super::settle(state, Vec::new())
}
