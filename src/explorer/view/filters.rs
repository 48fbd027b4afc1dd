//! The line that says which filters are on, and the menu that switches them.

use ratatui::layout::Rect;

use super::Canvas;
use super::menu::Row;
use crate::explorer::action::{Action, Pane, Toggle};
use crate::explorer::keymap::Scope;
use crate::explorer::state::{State, Target};
use crate::explorer::widget::{Line, width};
use crate::projection::End;
use crate::sheet::grouped;

/// A filter's state and what it is called.
fn item(state: &State, toggle: Toggle) -> (bool, String) {
    let filters = &state.filters;
    let flag = |on: bool, name: &str| (on, name.to_owned());
    match toggle {
        Toggle::Ascii => flag(filters.ascii, "ascii"),
        Toggle::Alnum => flag(filters.alnum, "alnum"),
        Toggle::Same => flag(filters.exclude_same, "not the same"),
        Toggle::Similar => flag(filters.exclude_similar, "not alike"),
        Toggle::Special => flag(filters.exclude_special, "no specials"),
        Toggle::Undertrained if filters.exclude_undertrained && cannot_tell(state) => {
            (true, format!("trained: {CANNOT_TELL}"))
        }
        Toggle::Undertrained => flag(filters.exclude_undertrained, "trained"),
        Toggle::Positions => flag(filters.positions, "positions"),
        Toggle::Contains if filters.contains.is_empty() => flag(false, "contains"),
        Toggle::Contains => (true, format!("contains: {}", filters.contains)),
        Toggle::Words => match &filters.words {
            Some(words) => (true, format!("words: {}", words.label)),
            None => flag(false, "words"),
        },
        Toggle::Text => match &filters.text {
            Some(text) => (true, format!("text: {}", text.label)),
            None => flag(false, "text"),
        },
    }
}

/// What stands beside the filter of undertrained tokens where the weights do not show which are.
const CANNOT_TELL: &str = "cannot be told here";

fn cannot_tell(state: &State) -> bool {
    state.tells_undertrained == Some(false)
}

const COLUMN_TOGGLES: [Toggle; 8] = [
    Toggle::Ascii,
    Toggle::Alnum,
    Toggle::Special,
    Toggle::Undertrained,
    Toggle::Positions,
    Toggle::Words,
    Toggle::Text,
    Toggle::Contains,
];
const PAIR_TOGGLES: [Toggle; 10] = [
    Toggle::Ascii,
    Toggle::Alnum,
    Toggle::Same,
    Toggle::Similar,
    Toggle::Special,
    Toggle::Undertrained,
    Toggle::Positions,
    Toggle::Words,
    Toggle::Text,
    Toggle::Contains,
];

/// The filters of the pane, and how much they leave. Where there is no room for all, those that
/// are off go.
pub fn line(canvas: &mut Canvas, row: Rect) {
    let (state, theme) = (canvas.state, canvas.theme);
    let mut line = Line::new(canvas.buffer, row.x + 1, row.y, row.right() - 1);
    let mut targets = Vec::new();
    if let Some(text) = left(state) {
        line.right(&text, theme.quiet);
        line.right("  ", theme.quiet);
    }
    targets.push((line.text("filters", theme.quiet), Action::OpenFilters));
    line.skip(2);
    if state.pane == Pane::Heads {
        let end = match state.heads.end {
            End::Highest => "▲ highest  ",
            End::Lowest => "▼ lowest  ",
        };
        targets.push((line.text(end, theme.key), Action::SwapEnd));
    }
    let toggles = match state.pane {
        Pane::Neurons => &COLUMN_TOGGLES[..],
        Pane::Heads | Pane::Geometry => &PAIR_TOGGLES[..],
    };
    let items: Vec<_> = toggles.iter().map(|t| (*t, item(state, *t))).collect();
    let cells = |name: &str| width(name) + 4;
    let on = items.iter().filter(|(_, (on, _))| *on);
    let needed: usize = on.map(|(_, (_, name))| cells(name)).sum();
    // Those that are off get what those that are on leave.
    let mut spare = line.room().saturating_sub(needed);
    for (toggle, (on, name)) in items {
        let shown = on || cells(&name) <= spare;
        if shown {
            spare -= if on { 0 } else { cells(&name) };
            let (mark, style) = if on {
                ("●", theme.on)
            } else {
                ("○", theme.quiet)
            };
            let style = if on { theme.word } else { style };
            let (from, _) = line.text(mark, if on { theme.on } else { theme.quiet });
            line.skip(1);
            let (_, to) = line.text(&name, style);
            targets.push(((from, to), Action::Toggle(toggle)));
            line.skip(2);
        }
    }
    for (cells, action) in targets {
        canvas.note_row(cells, row.y, Target::Run(action));
    }
}

/// `showing 30 of 8,192`, or of how many pass of how many.
fn left(state: &State) -> Option<String> {
    let (shown, passing, rows, pairs) = match state.pane {
        _ if state.shows_directions() => {
            let (answer, _) = state.direction_list(state.part_in_focus())?;
            let (shown, all) = (answer.directions.len(), answer.values.len());
            return Some(format!("{shown} of {all} directions"));
        }
        Pane::Neurons => {
            let (answer, _) = state.columns()?;
            let shown = answer.columns[state.neurons.focus].len();
            (shown, answer.passing, answer.rows, false)
        }
        Pane::Heads => {
            let (answer, ..) = state.pair_list(state.heads.focus)?;
            (answer.pairs.len(), answer.passing, answer.rows, true)
        }
        Pane::Geometry => return None,
    };
    let count = |n: usize| grouped(if pairs { n * n } else { n });
    let all = if passing == rows {
        String::new()
    } else if pairs {
        format!(" ({}² of {}²)", grouped(passing), grouped(rows))
    } else {
        format!(" passing of {}", grouped(rows))
    };
    Some(format!("showing {shown} of {}{all}", count(passing)))
}

/// The menu of filters.
pub fn menu(canvas: &mut Canvas, body: Rect) {
    let state = canvas.state;
    super::menu::draw(canvas, body, ("Filters", ""), Scope::Filters, |action| {
        let toggle = match action {
            Action::Toggle(toggle) => Some(item(state, toggle).0),
            _ => None,
        };
        let untold = action == Action::Toggle(Toggle::Undertrained) && cannot_tell(state);
        Row {
            note: if untold {
                CANNOT_TELL.to_owned()
            } else {
                String::new()
            },
            ..Row::switch(toggle)
        }
    });
}
