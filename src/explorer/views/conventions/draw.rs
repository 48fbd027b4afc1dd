//! The menu of conventions, and the robustness of a list in a few cells.

use ratatui::layout::Rect;

use crate::explorer::action::Action;
use crate::explorer::keymap::Scope;
use crate::explorer::screen::Canvas;
use crate::explorer::screen::menu::{self, MenuRow};
use crate::explorer::state::State;
use crate::explorer::view::WordLists;
use crate::explorer::widget::width;
use crate::query::Robustness;
use crate::query::sheet::interval;

/// The menu: beside each switch how many of the best entries of the list in focus stay if it is
/// flipped.
pub fn menu(canvas: &mut Canvas, body: Rect) {
    let state = canvas.state;
    let words = state.tab().words();
    let list = words.map_or_else(String::new, |words| {
        words.list_title(state, words.list(state))
    });
    let robustness = words.and_then(|words| words.robustness(state, words.list(state)));
    let known = robustness.filter(|robustness| !robustness.kept.is_empty());
    let note = known.map_or(String::new(), |robustness| {
        format!("stay of {} in {list}", robustness.top)
    });
    let heading = ("Convention", note.as_str());
    menu::draw(canvas, body, heading, Scope::Conventions, |action| {
        let Action::Convention(switch) = action else {
            return MenuRow::default();
        };
        let kept = robustness.and_then(|robustness| {
            let mut kept = robustness.kept.iter();
            let (_, share) = kept.find(|(of, _)| *of == switch)?;
            Some(robustness.count(*share).to_string())
        });
        MenuRow {
            on: Some(state.convention().has(switch)),
            note: kept.unwrap_or_default(),
            refused: state.card().and_then(|card| card.offers(switch).err()),
        }
    });
}

/// The robustness of a list in at most `room` cells: `z 3.3–4.9 · 10–28/30`, or as much of
/// it as has room; empty while nothing is known.
pub fn robustness(state: &State, tab: &dyn WordLists, list: usize, room: usize) -> String {
    let Some(robustness) = tab.robustness(state, list) else {
        return String::new();
    };
    let z = robustness.z.map(|z| format!("z {}", interval(z)));
    let stay = stay(robustness);
    let both = z.iter().zip(&stay).map(|(z, stay)| format!("{z} · {stay}"));
    let mut from_long_to_short = both.chain(stay.clone()).chain(z.clone());
    let fits = from_long_to_short.find(|text| width(text) <= room);
    fits.unwrap_or_default()
}

/// `10–28/30`: how many entries stay at worst and at best.
fn stay(robustness: &Robustness) -> Option<String> {
    let top = robustness.top;
    robustness.range().map(|(low, high)| {
        let (low, high) = (robustness.count(low), robustness.count(high));
        match low == high {
            true => format!("{low}/{top}"),
            false => format!("{low}–{high}/{top}"),
        }
    })
}
