//! Draws the tab: what the dictionary is and where one is in it, the columns, what is similar.

use ratatui::layout::Rect;

use super::{SIMILAR, similar};
use crate::checkpoint::DictionarySide;
use crate::explorer::number::{decimals, score};
use crate::explorer::screen::Canvas;
use crate::explorer::screen::words::message;
use crate::explorer::state::Target;
use crate::explorer::views::columns::{self, WordColumn};
use crate::explorer::widget::{put, window, wrap};
use crate::query::{Address, DictionaryCard, DirectionColumns, NeuronColumn, Query};
use crate::sheet::grouped;

/// From this height on what is similar stands under the columns.
const BOTH_MIN: u16 = 16;
/// From this width on its two lists stand side by side.
const BESIDE_MIN: u16 = 50;

/// Draws the pane.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let side = match body.width {
        0..60 => 15,
        60..110 => 20,
        all => 26.min(all / 4),
    };
    sidebar(
        canvas,
        Rect {
            width: side,
            ..body
        },
    );
    let (x, width) = (body.x + side, body.width - side);
    let all = Rect { x, width, ..body };
    let focus = canvas.state.views.dictionary.focus;
    let below = match body.height {
        BOTH_MIN.. => (body.height / 3).min(12),
        _ if focus >= SIMILAR => body.height,
        _ => 0,
    };
    let height = body.height - below;
    if below > 0 {
        let y = body.y + height;
        let area = Rect {
            y,
            height: below,
            ..all
        };
        similar::draw(canvas, area, width >= BESIDE_MIN);
    }
    let place = Rect { height, ..all };
    if height > 0 {
        // A failure is said once, where the lists would be.
        let why = canvas
            .state
            .failure(|query| matches!(query, Query::Dictionary(_)));
        if let Some(why) = why {
            let panel = canvas.panel("Not read", "", true);
            let inside = panel.draw(place, canvas.buffer);
            return message(canvas, inside, why);
        }
        draw_columns(canvas, body.width, place);
    }
}

fn draw_columns(canvas: &mut Canvas, width: u16, place: Rect) {
    let rows = canvas.regions.list_rows;
    let focus = canvas.state.views.dictionary.focus;
    let shown = columns::shown(width, focus.min(SIMILAR - 1));
    let folded = shown.len() < SIMILAR;
    for (index, place) in columns::places(place, shown) {
        column(canvas, place, index, folded);
    }
    if focus >= SIMILAR {
        canvas.regions.list_rows = rows;
    }
}

fn meaning(column: NeuronColumn) -> &'static str {
    match column {
        NeuronColumn::K => "active on",
        NeuronColumn::V => "writes",
        NeuronColumn::MinusK => "against",
        NeuronColumn::MinusV => "takes away",
    }
}

fn column(canvas: &mut Canvas, area: Rect, index: usize, folded: bool) {
    let state = canvas.state;
    let column = NeuronColumn::ALL[index];
    let focus = state.views.dictionary.focus == index;
    let shown = state.direction();
    let fresh = shown.is_some_and(|(_, fresh)| fresh);
    let mark = if focus { "▌" } else { "" };
    let title = match state.stale_label(state.direction_shown()) {
        Some(label) => format!("{mark}{column} {label}"),
        None if fresh => format!("{mark}{column}"),
        None => format!("{mark}{column} …"),
    };
    let mut meaning = meaning(column).to_owned();
    if folded {
        meaning.push_str(&format!(" · - {}", NeuronColumn::ALL[(index + 2) % 4]));
    }
    let footer = shown.map_or_else(String::new, |(of, _)| footer(of, column));
    let side = match index % 2 {
        0 => DictionarySide::Reads,
        _ => DictionarySide::Writes,
    };
    let lacks = state.dictionary_card().is_some_and(|card| !card.has(side));
    let output = state
        .card()
        .is_none_or(|card| card.has_output(state.convention()));
    let words = match (shown, side) {
        _ if lacks && side == DictionarySide::Reads => Err("the file says nothing of what is read"),
        _ if lacks => Err("the file says nothing of what is written"),
        (_, DictionarySide::Writes) if !output => {
            Err("the model has no output embedding: what is written has no words")
        }
        (Some((of, _)), _) => Ok(&of.columns[index][..]),
        (None, _) => Err("…"),
    };
    let column = WordColumn {
        list: index,
        title: &title,
        meaning: &meaning,
        footer: &footer,
        focus,
        fresh,
        cursor: state.views.dictionary.cursor,
        words,
    };
    columns::draw(canvas, area, &column);
}

/// What is known of the direction beside its words.
fn footer(of: &DirectionColumns, column: NeuronColumn) -> String {
    let named = |name: &str, figure: Option<f32>| {
        figure.map(|figure| format!("{name} {}", score(figure, decimals(figure))))
    };
    let parts = match column {
        NeuronColumn::K => [
            named("‖K‖", of.lengths[0]),
            named("bias", of.bias),
            named("threshold", of.threshold),
        ],
        NeuronColumn::V => [named("‖V‖", of.lengths[1]), None, None],
        NeuronColumn::MinusK | NeuronColumn::MinusV => [None, None, None],
    };
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(" · ")
}

/// What the dictionary is above, directions below.
fn sidebar(canvas: &mut Canvas, area: Rect) {
    let state = canvas.state;
    let name = state.dictionary_name();
    let panel = canvas.panel(&name, "", false);
    let inside = panel.draw(area, canvas.buffer);
    let room = usize::from(inside.width.saturating_sub(2));
    let card = state.dictionary_card();
    let lines: Vec<String> = card.map_or_else(Vec::new, |card| about(card, room));
    let most = usize::from(inside.height / 2);
    let mut y = inside.y;
    for line in lines.iter().take(most) {
        put(
            canvas.buffer,
            inside.x + 1,
            y,
            line,
            room,
            canvas.theme.quiet,
        );
        y += 1;
    }
    let count = card.map_or(0, |card| card.count);
    let of = match card {
        Some(card) => format!("of {}", grouped(card.count)),
        None => String::new(),
    };
    let row = state.views.dictionary.row;
    let title = format!("D{row}");
    let panel = canvas.panel(&title, &of, false);
    panel.divide(area, y, &title, &of, canvas.buffer);
    let height = inside.bottom().saturating_sub(y + 1);
    let rows = Rect::new(inside.x, y + 1, inside.width, height);
    selector(canvas, rows, count.max(row + 1));
}

/// The layout and the sides, in lines.
fn about(card: &DictionaryCard, room: usize) -> Vec<String> {
    let sides = card.sides.iter().map(|of| {
        let layer = of.layer.map_or("?".to_owned(), |layer| layer.to_string());
        format!("{} L{layer} {}", of.side, of.hook)
    });
    let said = [card.layout.to_owned()].into_iter().chain(sides);
    said.flat_map(|line| wrap(&line, room)).collect()
}

/// The directions around the current one, marked ones with their notes.
fn selector(canvas: &mut Canvas, area: Rect, count: usize) {
    let (state, theme) = (canvas.state, canvas.theme);
    canvas.regions.selector_rows = area.height.into();
    canvas.note(area, Target::Selector);
    let at = state.views.dictionary.row;
    for (i, row) in window(count, at, area.height.into()).enumerate() {
        let y = area.y + i as u16;
        let here = row == at;
        let style = if here { theme.here } else { theme.quiet };
        let mark = if here { "▸" } else { " " };
        let text = format!("{mark} {row:>6}");
        let used = put(
            canvas.buffer,
            area.x + 1,
            y,
            &text,
            area.width.into(),
            style,
        );
        let address = Address::Direction { row };
        if let Some(bookmark) = state.bookmark(address) {
            let x = area.x + 2 + used;
            put(canvas.buffer, x, y, "★", 1, theme.on);
            let room = area.right().saturating_sub(x + 2).into();
            let note = bookmark.note.as_deref().unwrap_or("");
            put(canvas.buffer, x + 2, y, note, room, theme.word);
        }
        canvas.note(Rect::new(area.x, y, area.width, 1), Target::Place(address));
    }
}
