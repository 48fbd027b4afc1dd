//! State and action → state and effects. The shell knows views by their trait alone; no input, output,
//! clock or thread is in here.

mod answers;
mod complete;
pub mod export;
mod mouse;
mod navigate;
mod rows;
mod saved;
mod stack;

use super::action::Action;
use super::effect::Effect;
use super::key::{Code, Key};
use super::keymap::{self, KeyMatch};
use super::state::{Regions, State};
use super::view::View;
use super::views;

pub use super::views::bookmarks::bookmarks;
pub use super::views::conventions::first_convention;
pub use super::views::download::{estimate, failed, on_hub, progress};
pub use super::views::filters::{text, words};
pub use super::views::geometry::{compared, fit, texts};
pub use answers::{event, not_opening, opening, with_name};
pub use complete::completed;
pub use mouse::{click, wheel};
pub use navigate::{go, relisted, replace, to_top};
pub use saved::go_and_leave;
pub use stack::{ask_again, back_to_history, open_model};

/// Counts stay below this.
const COUNT_MAX: usize = 10_000_000;

/// A key was pressed.
pub fn key(state: &mut State, key: Key) -> Vec<Effect> {
    state.notice = None;
    state.welcome = false;
    (state.first_look, state.touched) = (false, true);
    if let Some(effects) = count(state, key) {
        return effects;
    }
    state.pending.push(key);
    match keymap::find(state.scopes(), &state.pending) {
        KeyMatch::Run(command) => {
            state.pending.clear();
            act(state, command.action)
        }
        KeyMatch::Prefix(_) => Vec::new(),
        KeyMatch::Nothing => {
            let pending = std::mem::take(&mut state.pending);
            unbound(state, &pending, key)
        }
    }
}

/// A digit of a count, which counts for the next command; `0` only goes on with one.
fn count(state: &mut State, key: Key) -> Option<Vec<Effect>> {
    let digit = key.typed()?.to_digit(10)? as usize;
    if !state.stack.is_empty() || !state.pending.is_empty() {
        return None;
    }
    if digit == 0 && state.count.is_none() {
        return None;
    }
    let count = state.count.unwrap_or(0) * 10 + digit;
    state.count = Some(count.min(COUNT_MAX));
    Some(Vec::new())
}

/// A key without a command: it edits the line being typed, or the status line says so.
fn unbound(state: &mut State, pending: &[Key], key: Key) -> Vec<Effect> {
    if let Some(field) = state.field() {
        field.edit(key);
        return typed(state);
    }
    state.count = None;
    if pending.len() > 1 && key.code == Code::Esc {
        return Vec::new();
    }
    let keys: Vec<String> = pending.iter().map(ToString::to_string).collect();
    state.say(format!("{} does nothing here · ? for help", keys.join(" ")));
    Vec::new()
}

/// A text was pasted: into the line being typed, and nowhere else.
pub fn paste(state: &mut State, text: &str) -> Vec<Effect> {
    state.notice = None;
    let Some(field) = state.field() else {
        state.say("nothing to paste into: F looks words up, : jumps");
        return Vec::new();
    };
    field.insert(text);
    typed(state)
}

/// The line on top has changed.
fn typed(state: &mut State) -> Vec<Effect> {
    let front = state.front();
    front.typed(state);
    if let Some(selected) = front.list().and_then(|list| list.selected(state)) {
        *selected = 0;
    }
    settle(state, Vec::new())
}

/// Does what a command says.
pub fn act(state: &mut State, action: Action) -> Vec<Effect> {
    let count = state.count.take();
    let moves_on_top = matches!(action, Action::Move(_)) && !state.stack.is_empty();
    if state.model.is_none() && action.needs_model() && !moves_on_top {
        state.fail(no_model(state));
        return settle(state, Vec::new());
    }
    let effects = dispatch(state, action, count);
    settle(state, effects)
}

/// Asks what is in front, then the shell, then all other views: the first that knows the command
/// does it.
fn dispatch(state: &mut State, action: Action, count: Option<usize>) -> Vec<Effect> {
    // It drops the count, and that is all.
    if action == Action::Cancel && count.is_some() {
        return Vec::new();
    }
    let front = state.front();
    if let Some(effects) = front.act(state, action, count) {
        return effects;
    }
    if let Some(effects) = own(state, action, count) {
        return effects;
    }
    let mut others = [state.tab() as &dyn View].into_iter().chain(views::all());
    others
        .find_map(|view| view.act(state, action, count))
        .unwrap_or_default()
}

/// Why there is nothing to do anything with.
fn no_model(state: &State) -> String {
    match &state.opening {
        Some(opening) => format!("{} is not open yet", opening.name),
        None => "no model is open: o opens one".to_owned(),
    }
}

/// The shell's own commands: of any tab, and of any list on top.
fn own(state: &mut State, action: Action, count: Option<usize>) -> Option<Vec<Effect>> {
    let times = count.unwrap_or(1);
    match action {
        Action::Redraw => return Some(vec![Effect::Redraw]),
        Action::Suspend => return Some(vec![Effect::Suspend]),
        Action::Quit => return Some(vec![Effect::Quit]),
        Action::Move(motion) if !state.stack.is_empty() => stack::select(state, motion),
        Action::Accept => return Some(stack::accept(state)),
        Action::Cancel => return Some(stack::cancel(state)),
        Action::Complete => return Some(complete::ask(state)),
        Action::Move(motion) => navigate::step(state, motion, count),
        Action::Word(motion) => rows::step(state, motion, count),
        Action::LookUp => rows::look_up(state),
        Action::Random => navigate::random(state),
        Action::Back => return Some(saved::back(state, times)),
        Action::Forward => return Some(saved::forward(state, times)),
        Action::Flip => return Some(saved::flip(state)),
        Action::NextPane => navigate::other_tab(state, true),
        Action::PreviousPane => navigate::other_tab(state, false),
        Action::Show(tab) => navigate::show(state, tab),
        Action::NextColumn if state.tab().words().is_some() => navigate::focus(state, true),
        Action::PreviousColumn if state.tab().words().is_some() => navigate::focus(state, false),
        Action::CopyList => return Some(export::copy_list(state)),
        Action::CopyPane => return Some(export::copy_all(state)),
        Action::CopyAddress => return Some(export::copy_address(state)),
        Action::CopyCommand => return Some(export::copy_command(state)),
        Action::Export => export::ask_path(state, count),
        _ => return None,
    }
    Some(Vec::new())
}

/// A frame was drawn: the lists may have room for more than was asked for.
pub fn drawn(state: &mut State, regions: Regions) -> Vec<Effect> {
    state.regions = regions;
    settle(state, Vec::new())
}

/// Asks for what the screen needs, if that has changed.
pub fn settle(state: &mut State, mut effects: Vec<Effect>) -> Vec<Effect> {
    if state.model.is_some() {
        let view = state.saved_view();
        state.history.keep(view);
    }
    let needs = state.needs();
    if needs != state.wanted {
        state.wanted.clone_from(&needs);
        state.board.forget_failures();
        state.fetching = None;
        state.stopped.retain(|query| needs.contains(query));
        views::all().for_each(|view| view.asked(state));
        effects.push(stack::want(state));
    }
    rows::keep(state);
    let idle = state.idle_needs();
    if idle != state.idle {
        state.idle.clone_from(&idle);
        effects.push(Effect::Idle(idle));
    }
    state.forget_answers();
    views::all().for_each(|view| view.settle(state, &mut effects));
    effects
}
