//! Lists on top: a line to narrow them, rows, the row that Enter takes.

use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use super::Canvas;
use super::words::message;
use crate::explorer::state::{Chooser, Field, Target};
use crate::explorer::widget::{put, width, window};

/// How wide lists on top are where there is room.
pub const LIST_CELLS: u16 = 84;

/// Writes the line being typed, with the cursor in it.
pub fn field(canvas: &mut Canvas, (x, y): (u16, u16), room: usize, field: &Field, empty: &str) {
    let theme = canvas.theme;
    if field.text().is_empty() {
        put(canvas.buffer, x, y, empty, room, theme.quiet);
    }
    // The end of a long text stays in sight: the beginning is left out, whole characters at a time.
    let mut text = field.text();
    let mut before = width(field.before());
    while before + 1 > room {
        let Some(first) = text.chars().next() else {
            break;
        };
        text = &text[first.len_utf8()..];
        before = before.saturating_sub(width(first.encode_utf8(&mut [0; 4])).max(1));
    }
    let style = match field.is_selected() {
        true => theme.word.add_modifier(Modifier::REVERSED),
        false => theme.word,
    };
    put(canvas.buffer, x, y, text, room, style);
    canvas.cursor = Some(Position::new(x + before as u16, y));
}

/// Where a row of a list is drawn and how.
pub struct ListRow {
    pub area: Rect,
    pub style: Style,
    pub quiet: Style,
    pub key: Style,
}

/// What a list says of itself.
pub struct ListTexts<'a> {
    pub title: &'a str,
    /// In the place of what is typed, while that is nothing.
    pub empty: &'a str,
    /// In the place of rows, if there are none.
    pub nothing: &'a str,
}

impl<'a> ListTexts<'a> {
    /// Of a list that is narrowed by what is typed.
    pub fn new(title: &'a str, empty: &'a str) -> Self {
        Self {
            title,
            empty,
            nothing: "nothing has all of that",
        }
    }
}

/// Draws a list's frame, its line, and the window of its rows by `draw`.
pub fn list<T>(
    canvas: &mut Canvas,
    body: Rect,
    texts: ListTexts,
    chooser: &Chooser,
    choices: &[T],
    draw: impl FnMut(&mut Canvas, &ListRow, &T),
) {
    grouped_list(canvas, body, texts, chooser, choices, |_, _| None, draw);
}

/// The same with a heading before each row whose heading is another than the row's before.
pub fn grouped_list<T>(
    canvas: &mut Canvas,
    body: Rect,
    texts: ListTexts,
    chooser: &Chooser,
    choices: &[T],
    heading: impl Fn(&Canvas, &T) -> Option<String>,
    mut draw: impl FnMut(&mut Canvas, &ListRow, &T),
) {
    let ListTexts {
        title,
        empty,
        nothing,
    } = texts;
    let theme = canvas.theme;
    let note = format!("{}", choices.len());
    let inside = canvas.on_top(body, (LIST_CELLS, body.height), title, &note);
    put(canvas.buffer, inside.x + 1, inside.y, "›", 1, theme.key);
    let room = inside.width.saturating_sub(5).into();
    field(
        canvas,
        (inside.x + 3, inside.y),
        room,
        &chooser.field,
        empty,
    );
    let rows = usize::from(inside.height.saturating_sub(2));
    canvas.regions.choice_rows = rows;
    let selected = chooser.selected.min(choices.len().saturating_sub(1));
    let (mut lines, mut before) = (Vec::new(), None);
    for (index, choice) in choices.iter().enumerate() {
        let own = heading(canvas, choice);
        if own != before {
            lines.extend(own.clone().map(Err));
            before = own;
        }
        lines.push(Ok(index));
    }
    let at = lines.iter().position(|line| *line == Ok(selected));
    for (i, line) in window(lines.len(), at.unwrap_or(0), rows).enumerate() {
        let area = Rect::new(inside.x, inside.y + 2 + i as u16, inside.width, 1);
        let index = match &lines[line] {
            Ok(index) => *index,
            Err(heading) => {
                put(canvas.buffer, area.x + 2, area.y, heading, room, theme.key);
                continue;
            }
        };
        let here = index == selected;
        let row = ListRow {
            area,
            style: if here { theme.here } else { theme.word },
            quiet: if here { theme.here } else { theme.quiet },
            key: theme.key,
        };
        if here {
            put(canvas.buffer, area.x + 1, area.y, "▸", 1, theme.here);
        }
        draw(canvas, &row, &choices[index]);
        canvas.note(area, Target::Choice(index));
    }
    if choices.is_empty() {
        let (x, y) = (inside.x + 2, inside.y + 2);
        let (width, height) = (
            inside.width.saturating_sub(4),
            inside.height.saturating_sub(2),
        );
        message(canvas, Rect::new(x, y, width, height), nothing);
    }
}
