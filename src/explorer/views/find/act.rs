//! How the places that were found are ordered and chosen.

use crate::explorer::action::{Action, ViewId};
use crate::explorer::state::{COLUMN_MAX, Chooser, Field, Marked, State};
use crate::projection::{End, Hit, Role};
use crate::query::{Address, NeuronColumn, RankBy};
use crate::sheet::grouped;

/// Puts the list on top, as it was left.
pub fn open(state: &mut State) {
    let chooser = &mut state.views.find.chooser;
    chooser.field = Field::proposed(chooser.field.text());
    state.put_on_top(ViewId::Find);
}

/// Puts the list on top with a token to look up, by its id: no other token is spelled so.
pub fn open_with(state: &mut State, token: u32) {
    state.views.find.role = None;
    state.views.find.chooser = Chooser {
        field: Field::proposed(format!("id:{token}")),
        selected: 0,
    };
    state.put_on_top(ViewId::Find);
}

/// Does a command of the list, if it is one.
pub fn act(state: &mut State, action: Action) -> bool {
    if action == Action::OpenFind {
        open(state);
        return true;
    }
    let find = &mut state.views.find;
    match action {
        // By rank, by score, by cosine.
        Action::FindOrder => {
            let at = RankBy::ALL.iter().position(|by| *by == find.by);
            find.by = RankBy::ALL[(at.unwrap_or(0) + 1) % RankBy::ALL.len()];
        }
        // All kinds of place, or one after the other only one.
        Action::FindKind => {
            let next = match find.role {
                None => Some(0),
                Some(role) => Role::ALL.iter().position(|s| *s == role).map(|at| at + 1),
            };
            find.role = next.and_then(|at| Role::ALL.get(at).copied());
        }
        // The best first, or the lowest layer.
        Action::FindLayers => find.by_layer = !find.by_layer,
        _ => return false,
    }
    find.chooser.selected = 0;
    if !state.is_on_top(ViewId::Find) {
        state.say("F opens the list that this is about");
    }
    true
}

/// Goes to the place of a hit: puts the list and the side where the word stands in focus, and the
/// cursor on its row as soon as that is known.
pub fn lead_to(state: &mut State, role: Role, address: Address, hit: &Hit) {
    if !crate::explorer::shell::go(state, address) {
        return;
    }
    state.stack.pop();
    let room = state.regions.list_rows;
    let column = match role {
        Role::K => Some(NeuronColumn::K),
        Role::V => Some(NeuronColumn::V),
        Role::MinusK => Some(NeuronColumn::MinusK),
        Role::MinusV => Some(NeuronColumn::MinusV),
        Role::From | Role::To | Role::Query | Role::Key => None,
    };
    match column {
        Some(column) if matches!(address, Address::Direction { .. }) => {
            state.views.dictionary.focus_column(column);
        }
        Some(column) => {
            let at = NeuronColumn::ALL.iter().position(|other| *other == column);
            let neurons = &mut state.views.neurons;
            neurons.focus = at.unwrap_or(neurons.focus);
            (neurons.directions, neurons.points) = (false, false);
        }
        None => {
            let heads = &mut state.views.heads;
            heads.side = usize::from(matches!(role, Role::To | Role::Key));
            heads.directions = false;
            if heads.end != End::Highest {
                crate::explorer::views::heads::swap_end(state);
            }
        }
    }
    state.marked = Some(Marked {
        token: hit.token,
        reached: false,
    });
    if let Some(rank) = hit.rank {
        match rank <= COLUMN_MAX {
            true => {
                if let Some(words) = state.tab().words() {
                    words.cursor_mut(state).go(rank.saturating_sub(1), room);
                }
            }
            false => state.say(format!(
                "the word is number {} of this list, of which {} rows can be seen",
                grouped(rank),
                grouped(COLUMN_MAX)
            )),
        }
    }
}
