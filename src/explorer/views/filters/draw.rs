//! The line that says which filters are on, and the menu that switches them.

use ratatui::layout::Rect;

use crate::explorer::action::{Action, Toggle};
use crate::explorer::keymap::Scope;
use crate::explorer::screen::Canvas;
use crate::explorer::screen::menu::{self, MenuRow};
use crate::explorer::state::{State, Target};
use crate::explorer::widget::{Line, width};
use crate::sheet::grouped;

/// A filter's state and what it is called.
fn item(state: &State, toggle: Toggle) -> (bool, String) {
    let filters = &state.filters;
    let flag = |on: bool, name: &str| (on, name.to_owned());
    match toggle {
        Toggle::Ascii => flag(filters.ascii, "ascii"),
        Toggle::Alnum => flag(filters.alnum, "alnum"),
        Toggle::Same => flag(filters.exclude_same, "not the same"),
        Toggle::Similar => flag(filters.exclude_similar, "no similar words"),
        Toggle::Special => flag(filters.exclude_special, "no specials"),
        Toggle::Undertrained if filters.exclude_undertrained && cannot_tell(state) => {
            (true, format!("undertrained hidden: {CANNOT_TELL}"))
        }
        Toggle::Undertrained => flag(filters.exclude_undertrained, "undertrained hidden"),
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
    state.tells_undertrained() == Some(false)
}

/// The filters, in the order of the line.
const TOGGLES: [Toggle; 10] = [
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

/// How much of a list is on screen.
pub struct Showing {
    /// Rows that are there.
    pub shown: usize,
    /// Tokens that pass the filters, of all rows of the vocabulary.
    pub passing: usize,
    pub rows: usize,
    /// Whether the list is of pairs of them.
    pub pairs: bool,
}

/// The filters of a tab, `end` for a list of pairs, and how much they leave. Where there is no room
/// for all, those that are off go.
pub fn line(canvas: &mut Canvas, row: Rect, end: Option<&str>, left: Option<String>) {
    let (state, theme) = (canvas.state, canvas.theme);
    let mut line = Line::new(canvas.buffer, row.x + 1, row.y, row.right() - 1);
    let mut targets = Vec::new();
    if let Some(text) = left {
        line.right(&text, theme.quiet);
        line.right("  ", theme.quiet);
    }
    targets.push((line.text("filters", theme.quiet), Action::OpenFilters));
    line.skip(2);
    if let Some(end) = end {
        targets.push((line.text(end, theme.key), Action::SwapEnd));
    }
    let of_pairs = |toggle: &Toggle| matches!(toggle, Toggle::Same | Toggle::Similar);
    let toggles = TOGGLES
        .into_iter()
        .filter(|t| end.is_some() || !of_pairs(t));
    let items: Vec<_> = toggles.map(|t| (t, item(state, t))).collect();
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

/// `showing 30 of 8,192`, or of how many pass of how many; and how many tokens are unknown in the text
/// that filters by.
pub fn showing(state: &State, showing: Showing) -> String {
    let Showing {
        shown,
        passing,
        rows,
        pairs,
    } = showing;
    let count = |n: usize| grouped(if pairs { n * n } else { n });
    let all = if passing == rows {
        String::new()
    } else if pairs {
        format!(" ({}² of {}²)", grouped(passing), grouped(rows))
    } else {
        format!(" passing of {}", grouped(rows))
    };
    let text = state.filters.text.as_ref();
    let counted = text.and_then(|text| state.card()?.vocabulary.counted_in(&text.text));
    let unknown = counted.filter(|counted| counted.unknown > 0);
    let unknown = unknown.map_or_else(String::new, |counted| {
        format!(
            " · {} of {} in text unknown",
            counted.unknown, counted.count
        )
    });
    format!("showing {shown} of {}{all}{unknown}", count(passing))
}

/// The menu of filters.
pub fn menu(canvas: &mut Canvas, body: Rect) {
    let state = canvas.state;
    menu::draw(canvas, body, ("Filters", ""), Scope::Filters, |action| {
        let toggle = match action {
            Action::Toggle(toggle) => Some(item(state, toggle).0),
            _ => None,
        };
        let untold = action == Action::Toggle(Toggle::Undertrained) && cannot_tell(state);
        MenuRow {
            note: if untold {
                CANNOT_TELL.to_owned()
            } else {
                String::new()
            },
            ..MenuRow::switch(toggle)
        }
    });
}
