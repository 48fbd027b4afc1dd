//! The last row: hints of what can be done here, or what there is to say.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

use super::Canvas;
use crate::explorer::action::Action;
use crate::explorer::keymap::{Hint, KeyMatch, find, hints};
use crate::explorer::state::{Notice, State, Target};
use crate::explorer::theme::Theme;
use crate::explorer::widget::{Line, put, width, wrap};

/// What a first start says, as much of it as there is room for.
const WELCOME: [&str; 3] = [
    "the words this neuron fires on (K) and promotes (V) · arrows step through neurons and layers",
    "words this neuron fires on (K), and promotes (V)",
    "K: it fires on · V: it promotes",
];

/// Most rows of a sentence.
const SAID_ROWS_MAX: usize = 5;

/// A notice, an opening, or the hints; what is half typed and the program's own keys at the right.
pub fn draw(canvas: &mut Canvas, row: Rect) {
    let (state, theme) = (canvas.state, canvas.theme);
    for x in row.left()..row.right() {
        canvas.buffer[(x, row.y)].reset();
    }
    let mut hints = hints(state.scopes());
    if let Some(random) = hints.iter_mut().find(|hint| hint.action == Action::Random)
        && !state.drawn_from().is_empty()
    {
        random.words = "ranked";
    }
    let mut line = Line::new(canvas.buffer, row.x + 1, row.y, row.right() - 1);
    let mut targets = Vec::new();
    for hint in hints.iter().rev().filter(|hint| hint.edge) {
        if width(&hint.keys) + width(hint.words) + 24 > line.room() {
            continue;
        }
        let (_, to) = line.right(&format!(" {}", hint.words), theme.quiet);
        let (from, _) = line.right(&hint.keys, theme.key);
        line.right("  ", theme.quiet);
        targets.push(((from, to), hint.action));
    }
    let half: String = state.pending.iter().map(ToString::to_string).collect();
    if state.count.is_some() || !half.is_empty() {
        let count = state.count.map(|count| count.to_string());
        let typed = format!("{}{half}…", count.unwrap_or_default());
        line.right(&typed, theme.here);
        line.right("  ", theme.quiet);
    }
    match said(canvas.state, theme, line.room()) {
        Some((text, style)) if width(&text) <= line.room() => {
            line.text(&text, style);
        }
        // Too long for what the hints leave: it is more important than they are.
        Some((text, style)) => return in_full(canvas, row, &text, style),
        None => row_of_hints(&mut line, &hints, theme, &mut targets),
    }
    for (cells, action) in targets {
        canvas.note_row(cells, row.y, Target::Run(action));
    }
}

/// What there is to say in the place of the hints.
fn said(state: &State, theme: &Theme, room: usize) -> Option<(String, Style)> {
    Some(match (&state.notice, &state.opening) {
        (Some(Notice::Error(text)), _) => (format!("✗ {text}"), theme.error),
        (Some(Notice::Said(text)), _) => (text.clone(), theme.word),
        (None, Some(opening)) => {
            let text = format!("opening {} … · Esc stops", opening.name);
            (text, theme.word)
        }
        (None, None) if state.welcome => {
            let text = WELCOME.into_iter().find(|text| width(text) <= room)?;
            (text.to_owned(), theme.word)
        }
        (None, None) => return None,
    })
}

/// Writes a long sentence over as many rows as it takes, upwards.
pub fn in_full(canvas: &mut Canvas, row: Rect, text: &str, style: Style) {
    let lines = wrap(text, usize::from(row.width.saturating_sub(2)));
    for (above, text) in lines.iter().rev().enumerate().take(SAID_ROWS_MAX) {
        let y = row.y.saturating_sub(above as u16);
        Clear.render(Rect { y, ..row }, canvas.buffer);
        put(
            canvas.buffer,
            row.x + 1,
            y,
            text,
            (row.width - 2).into(),
            style,
        );
    }
}

/// Cells of a row, and what a click on them does.
type Clickable = ((u16, u16), Action);

/// As many hints as fit whole.
fn row_of_hints(line: &mut Line, hints: &[Hint], theme: &Theme, targets: &mut Vec<Clickable>) {
    for hint in hints.iter().filter(|hint| !hint.edge) {
        if width(&hint.keys) + 1 + width(hint.words) > line.room() {
            break;
        }
        let (from, _) = line.text(&hint.keys, theme.key);
        line.skip(1);
        let (_, to) = line.text(hint.words, theme.quiet);
        line.skip(2);
        targets.push(((from, to), hint.action));
    }
}

/// After the first key of a chord: what can follow.
pub fn chords(canvas: &mut Canvas, body: Rect) {
    let (state, theme) = (canvas.state, canvas.theme);
    let pending = &state.pending;
    if pending.is_empty() {
        return;
    }
    let KeyMatch::Prefix(commands) = find(state.scopes(), pending) else {
        return;
    };
    let rows = commands.len() as u16 + 2;
    let corner = Rect {
        y: body.bottom().saturating_sub(rows),
        height: rows.min(body.height),
        ..body
    };
    let inside = canvas.on_top(corner, (60, rows), "then", "");
    for (y, command) in (inside.top()..inside.bottom()).zip(commands) {
        put(
            canvas.buffer,
            inside.x + 1,
            y,
            command.keys[0],
            6,
            theme.key,
        );
        let room = inside.width.saturating_sub(9).into();
        put(
            canvas.buffer,
            inside.x + 8,
            y,
            command.words,
            room,
            theme.word,
        );
    }
}
