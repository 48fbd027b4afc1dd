//! A menu of switches: a key, a state and words each.

use ratatui::layout::Rect;

use super::Canvas;
use crate::explorer::action::Action;
use crate::explorer::keymap::{COMMANDS, Scope};
use crate::explorer::state::Target;
use crate::explorer::widget::{put, truncate, width};

/// How wide a menu is where there is room.
const CELLS: u16 = 58;

/// What a row shows beside its key and its words.
#[derive(Default)]
pub struct MenuRow {
    /// Whether its switch is on; `None` if it has none.
    pub on: Option<bool>,
    /// Stands at the right.
    pub note: String,
    /// Why it cannot be switched, in the place of its words.
    pub refused: Option<&'static str>,
}

impl MenuRow {
    /// A switch, or none, and nothing else.
    pub fn switch(on: Option<bool>) -> Self {
        Self {
            on,
            ..Self::default()
        }
    }
}

/// Draws the commands of a scope, low, so that the words above stay in sight while they change.
pub fn draw(
    canvas: &mut Canvas,
    body: Rect,
    (title, note): (&str, &str),
    scope: Scope,
    row: impl Fn(Action) -> MenuRow,
) {
    let theme = canvas.theme;
    let commands: Vec<_> = COMMANDS.iter().filter(|c| c.scope == scope).collect();
    let rows = commands.len() as u16 + 2;
    let low = Rect {
        y: body.bottom().saturating_sub(rows),
        height: rows.min(body.height),
        ..body
    };
    let inside = canvas.on_top(low, (CELLS, rows), title, note);
    for (y, command) in (inside.top()..inside.bottom()).zip(commands) {
        let MenuRow { on, note, refused } = row(command.action);
        let x = inside.x;
        let keys = format!("{:>5}", command.keys[0]);
        let key = if refused.is_some() {
            theme.quiet
        } else {
            theme.key
        };
        put(canvas.buffer, x + 1, y, &keys, 5, key);
        let (mark, style) = match on {
            Some(true) => ("●", theme.on),
            Some(false) => ("○", theme.quiet),
            None => (" ", theme.quiet),
        };
        put(canvas.buffer, x + 7, y, mark, 1, style);
        let room = usize::from(inside.width.saturating_sub(10));
        let beside = width(&note);
        put(
            canvas.buffer,
            inside.right().saturating_sub(1 + beside as u16),
            y,
            &note,
            beside,
            theme.quiet,
        );
        let room = room.saturating_sub(if beside > 0 { beside + 1 } else { 0 });
        let (words, style) = match refused {
            Some(why) => (why, theme.quiet),
            None => (command.words, theme.word),
        };
        put(canvas.buffer, x + 9, y, &truncate(words, room), room, style);
        let row = Rect::new(x, y, inside.width, 1);
        canvas.note(row, Target::Run(command.action));
    }
}
