//! Switching filters, and those that need words.

use super::compare;
use crate::explorer::action::{TabId, Toggle, ViewId};
use crate::explorer::effect::Effect;
use crate::explorer::shell;
use crate::explorer::state::{Purpose, State};
use crate::explorer::views::line;
use crate::vocabulary::{Filters, Text, Words};

/// Switches a filter; one that needs words is taken away, or asks for them.
pub fn switch(state: &mut State, toggle: Toggle) {
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
        Toggle::Words if filters.words.take().is_some() => return shell::relisted(state),
        Toggle::Words => return ask(state, Purpose::WordsFile),
        Toggle::Text if filters.text.take().is_some() => return shell::relisted(state),
        Toggle::Text => return ask(state, Purpose::Text),
    };
    *flag = !*flag;
    let pairs_only = matches!(toggle, Toggle::Same | Toggle::Similar);
    if pairs_only && state.tab == TabId::Neurons {
        state.say("this filter is about pairs: see the heads (Tab)");
    }
    if toggle == Toggle::Positions && state.card().is_some_and(|card| card.spec.positions == 0) {
        state.say("this model has no learned positions");
    }
    shell::relisted(state);
}

/// Asks for words in the place of the menu.
fn ask(state: &mut State, purpose: Purpose) {
    state.stack.retain(|id| *id != ViewId::Filters);
    line::ask(state, purpose, "");
}

/// Asks for the text that tokens must contain.
pub fn find(state: &mut State) {
    state.stack.retain(|id| *id != ViewId::Filters);
    let contains = state.filters.contains.clone();
    line::ask(state, Purpose::Contains, &contains);
}

/// All filters off.
pub fn clear(state: &mut State) {
    if state.filters == Filters::default() {
        return state.say("no filter is on");
    }
    state.filters = Filters::default();
    shell::relisted(state);
}

/// A text to filter by was typed.
pub fn typed_text(state: &mut State, typed: &str) {
    state.filters.text = Some(Text::typed(typed));
    shell::relisted(state);
}

/// A list of words was read.
pub fn words(state: &mut State, words: Words) -> Vec<Effect> {
    if words.words.is_empty() {
        state.fail(format!("{} has no words in it", words.label));
        return Vec::new();
    }
    state.say(format!("{} words of {}", words.words.len(), words.label));
    compare(state, &words.label, words.source.as_ref());
    state.filters.words = Some(words);
    shell::relisted(state);
    shell::settle(state, Vec::new())
}

/// A text was read.
pub fn text(state: &mut State, text: Text) -> Vec<Effect> {
    compare(state, &text.label, text.source.as_ref());
    state.filters.text = Some(text);
    shell::relisted(state);
    shell::settle(state, Vec::new())
}
