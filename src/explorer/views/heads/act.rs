//! The commands of the Heads tab, and what its marks mean.

use crate::explorer::action::{Action, TabId, ViewId};
use crate::explorer::effect::Effect;
use crate::explorer::shell::to_top;
use crate::explorer::state::State;
use crate::explorer::views::legend::LegendEntry;
use crate::explorer::views::neurons::IN_PARTS;
use crate::projection::End;
use crate::query::RankMetric;

/// Does what a command says, if it is one of the tab's.
pub fn act(state: &mut State, action: Action, count: Option<usize>) -> Option<Vec<Effect>> {
    let front = state.tab == TabId::Heads;
    match action {
        Action::SwapEnd | Action::Negate if front => swap_end(state),
        Action::Farther => distance(state, true, count.unwrap_or(1)),
        Action::Nearer => distance(state, false, count.unwrap_or(1)),
        Action::Directions if front => {
            let heads = &mut state.views.heads;
            heads.directions = !heads.directions;
            to_top(state);
        }
        Action::NextStrip if front => next_grid(state),
        _ => return None,
    }
    Some(Vec::new())
}

/// From the highest pairs to the lowest and back.
pub fn swap_end(state: &mut State) {
    let heads = &mut state.views.heads;
    if heads.directions {
        return state.say("directions have both ends (+ and −); d is back to the pairs");
    }
    heads.end = match heads.end {
        End::Highest => End::Lowest,
        End::Lowest => End::Highest,
    };
    heads.seen.clear();
    to_top(state);
}

/// The key of QK moves behind the query, or back to it.
fn distance(state: &mut State, farther: bool, times: usize) {
    let Some(card) = state.card() else { return };
    if !card.spec.rotary {
        return state.say("positions are not rotary here: QK is the same at every distance");
    }
    let (last, at) = (
        card.reach(state.views.heads.layer),
        state.views.heads.distance,
    );
    let to = if farther {
        (at + times).min(last)
    } else {
        at.saturating_sub(times)
    };
    if to == at {
        let end = if farther { "farthest" } else { "nearest" };
        return state.say(format!("this is the {end} key"));
    }
    state.views.heads.distance = to;
    state.views.heads.seen.clear();
    to_top(state);
}

/// The grid shows the next of what it can show.
fn next_grid(state: &mut State) {
    if state.is_in_parts() {
        return state.say(IN_PARTS);
    }
    let grid = &mut state.views.heads.grid;
    let at = RankMetric::HEADS.iter().position(|by| Some(*by) == *grid);
    *grid = match at {
        None => Some(RankMetric::HEADS[0]),
        Some(at) => RankMetric::HEADS.get(at + 1).copied(),
    };
    let said = match grid {
        None => "the grid shows the best pairs of the heads seen".to_owned(),
        Some(by) => format!("the grid shows the {}", by.meaning()),
    };
    state.say(said);
}

/// What the shades of the grid mean, where no map lies on it.
pub fn legend(state: &State, text: &str) -> Vec<LegendEntry> {
    if state.list_on_top() == Some(ViewId::HeadMap) || !text.contains('▓') {
        return Vec::new();
    }
    let shades = match state.views.heads.grid {
        Some(by) => by.meaning().to_owned(),
        None => "the best score of each head seen so far".to_owned(),
    };
    let words = format!("the grid's shades, ░ low to █ high: {shades}; s shows another");
    vec![LegendEntry::new("░▒▓█", words, &["░", "▒", "▓", "█"])]
}
