//! State and action → state and effects. No input, output, clock or thread in here.

mod answers;
mod beside;
mod bookmarks;
mod complete;
mod copy;
mod export;
mod filters;
mod find;
mod geometry;
mod head_map;
mod hub;
mod interesting;
mod mouse;
mod navigate;
mod overlays;
mod rows;
mod views;

use super::action::{Action, Pane};
use super::effect::Effect;
use super::key::{Code, Key};
use super::keymap::{self, Found};
use super::state::{Overlay, Purpose, Regions, State};

pub use answers::{event, not_opening, opening};
pub use beside::beside;
pub use bookmarks::bookmarks;
pub use complete::completed;
pub(super) use filters::first_convention;
pub use filters::{text, words};
pub(super) use geometry::fit;
pub use geometry::texts;
pub use hub::{cost, failed, on_hub, progress};
pub use mouse::{click, wheel};
pub use navigate::go;
pub use overlays::ask_again;

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
        Found::Run(command) => {
            state.pending.clear();
            act(state, command.action)
        }
        Found::Prefix(_) => Vec::new(),
        Found::Nothing => {
            let pending = std::mem::take(&mut state.pending);
            unbound(state, &pending, key)
        }
    }
}

/// A digit of a count, which counts for the next command; `0` only goes on with one.
fn count(state: &mut State, key: Key) -> Option<Vec<Effect>> {
    let digit = key.typed()?.to_digit(10)? as usize;
    if !state.overlays.is_empty() || !state.pending.is_empty() {
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
    match state.overlays.last_mut() {
        Some(Overlay::Prompt(prompt)) if prompt.purpose == Purpose::Contains => {
            state.filters.contains = prompt.field.text().trim().to_owned();
            filters::changed(state);
        }
        Some(Overlay::Prompt(prompt)) if prompt.purpose == Purpose::Token => {
            let typed = prompt.field.text().to_owned();
            geometry::typing_token(state, &typed);
        }
        Some(list) => {
            if let Some(selected) = list.selected() {
                *selected = 0;
            }
        }
        None => {}
    }
    settle(state, Vec::new())
}

/// Does what a command says.
pub fn act(state: &mut State, action: Action) -> Vec<Effect> {
    let count = state.count.take();
    let effects = match action {
        Action::Move(motion) if !state.overlays.is_empty() => {
            overlays::select(state, motion);
            Vec::new()
        }
        Action::Redraw => vec![Effect::Redraw],
        Action::Suspend => vec![Effect::Suspend],
        Action::Quit => vec![Effect::Quit],
        Action::Accept => overlays::accept(state),
        Action::Complete => complete::ask(state),
        // It drops the count, and that is all.
        Action::Cancel if count.is_some() => Vec::new(),
        Action::Cancel => overlays::cancel(state),
        Action::OpenFilters
        | Action::OpenConventions
        | Action::OpenBookmarks
        | Action::OpenHelp
        | Action::OpenLegend
        | Action::OpenPalette
        | Action::OpenModels => overlays::open(state, action),
        Action::RemoveBookmark => bookmarks::remove(state),
        Action::Undo => bookmarks::undo(state),
        _ if state.model.is_none() => {
            state.fail(no_model(state));
            Vec::new()
        }
        _ => in_pane(state, action, count),
    };
    settle(state, effects)
}

/// Why there is nothing to do anything with.
fn no_model(state: &State) -> String {
    match &state.opening {
        Some(opening) => format!("{} is not open yet", opening.name),
        None => "no model is open: o opens one".to_owned(),
    }
}

/// The commands that need a model.
fn in_pane(state: &mut State, action: Action, count: Option<usize>) -> Vec<Effect> {
    match action {
        Action::Move(motion) => navigate::step(state, motion, count),
        Action::Word(motion) => rows::step(state, motion, count),
        Action::LookUp => rows::look_up(state),
        Action::Random => navigate::random(state),
        Action::Back => return navigate::back(state, count.unwrap_or(1)),
        Action::Forward => return navigate::forward(state, count.unwrap_or(1)),
        Action::Flip => return views::flip(state),
        Action::NextPane => navigate::other_pane(state, true),
        Action::PreviousPane => navigate::other_pane(state, false),
        Action::Show(pane) => navigate::show(state, pane),
        Action::NextColumn => navigate::focus(state, true),
        Action::PreviousColumn => navigate::focus(state, false),
        Action::Negate => navigate::negate(state),
        Action::SwapInput => navigate::swap_input(state),
        Action::SwapEnd => navigate::swap_end(state),
        Action::Farther => navigate::distance(state, true, count.unwrap_or(1)),
        Action::Nearer => navigate::distance(state, false, count.unwrap_or(1)),
        Action::Directions => navigate::swap_directions(state),
        Action::OpenFind => find::open(state),
        Action::FindOrder => find::next_order(state),
        Action::FindKind => find::next_kind(state),
        Action::FindLayers => find::swap_layers(state),
        Action::MapColumn => geometry::map_column(state),
        Action::NextStrip => interesting::next_strip(state),
        Action::Chart(chart) => return geometry::act(state, chart, count),
        Action::Toggle(toggle) => filters::switch(state, toggle),
        Action::Convention(switch) => filters::convention(state, switch),
        Action::Raw => filters::raw(state),
        Action::Find => filters::find(state),
        Action::OpenInteresting if state.pane == Pane::Heads => head_map::open(state),
        Action::OpenInteresting => interesting::open(state),
        Action::NextBest => head_map::in_order(state, 1),
        Action::PreviousBest => head_map::in_order(state, -1),
        Action::NextInterest => interesting::next(state),
        Action::RankLayers => interesting::swap_layers(state),
        Action::DrawInteresting => interesting::swap_draws(state),
        Action::ClearFilters => filters::clear(state),
        Action::Mark => return bookmarks::mark(state),
        Action::MarkLayer => return bookmarks::mark_layer(state),
        Action::MarkWithNote => bookmarks::ask_note(state),
        Action::EditNote => bookmarks::edit_note(state),
        Action::CopyList => return copy::list(state),
        Action::CopyPane => return copy::pane(state),
        Action::CopyAddress => return copy::address(state),
        Action::CopyCommand => return copy::command(state),
        Action::Export => export::ask_path(state, count),
        // Handled before, whether or not a model is open.
        _ => {}
    }
    Vec::new()
}

/// A frame was drawn: the lists may have room for more than was asked for.
pub fn drawn(state: &mut State, regions: Regions) -> Vec<Effect> {
    state.regions = regions;
    settle(state, Vec::new())
}

/// Asks for what the screen needs, if that has changed.
fn settle(state: &mut State, mut effects: Vec<Effect>) -> Vec<Effect> {
    find::keep(state);
    if state.model.is_some() {
        let view = state.saved_view();
        state.history.keep(view);
    }
    let needs = state.needs();
    if needs != state.wanted {
        state.wanted.clone_from(&needs);
        state.failed.clear();
        state.fetching = None;
        state.geometry.part.done = None;
        effects.push(Effect::Want(needs));
    }
    rows::keep(state);
    let idle = state.idle_needs();
    if idle != state.idle {
        state.idle.clone_from(&idle);
        effects.push(Effect::Idle(idle));
    }
    state.forget_rankings();
    beside::settle(state, &mut effects);
    effects
}
