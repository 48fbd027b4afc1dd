//! The menu of conventions, and how far a list can be trusted, in a few cells.

use ratatui::layout::Rect;

use super::Canvas;
use super::menu::{self, Row};
use crate::explorer::action::{Action, Pane};
use crate::explorer::keymap::Scope;
use crate::explorer::state::State;
use crate::query::{TRUST_TOP, Trust};

/// The menu: beside each switch how many of the best entries of the list in focus stay if it is
/// flipped.
pub fn menu(canvas: &mut Canvas, body: Rect) {
    let state = canvas.state;
    let list = match state.pane {
        Pane::Neurons => state.column_title(state.column()),
        _ => state.form().to_string(),
    };
    let trust = state.trust(state.list_in_focus());
    let note = trust.map_or(String::new(), |_| format!("stay of {TRUST_TOP} in {list}"));
    let heading = ("Convention", note.as_str());
    menu::draw(canvas, body, heading, Scope::Conventions, |action| {
        let Action::Convention(switch) = action else {
            return Row::default();
        };
        let kept = trust.and_then(|trust| trust.kept.iter().find(|(of, _)| *of == switch));
        Row {
            on: Some(state.convention().has(switch)),
            note: kept.map_or(String::new(), |(_, share)| count(*share)),
            refused: state.card().and_then(|card| card.offers(switch).err()),
        }
    });
}

fn count(share: f32) -> String {
    format!("{:.0}", share * TRUST_TOP as f32)
}

/// How far a list can be trusted: `z 4.1 · 10–28/30`; empty while nothing is known.
pub fn trust(state: &State, list: usize) -> String {
    state.trust(list).map_or(String::new(), figures)
}

fn figures(trust: &Trust) -> String {
    let z = trust.z.map(|z| {
        let text = format!("{:.1}", z.abs());
        let minus = z < 0.0 && text != "0.0";
        format!("z {}{text}", if minus { "−" } else { "" })
    });
    let kept = trust.range().map(|(low, high)| {
        let (low, high) = (count(low), count(high));
        match low == high {
            true => format!("{low}/{TRUST_TOP}"),
            false => format!("{low}–{high}/{TRUST_TOP}"),
        }
    });
    let both: Vec<String> = z.into_iter().chain(kept).collect();
    both.join(" · ")
}
