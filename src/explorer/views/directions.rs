//! Singular directions, of a head's forms or of a layer's keys and values: for each its size and the
//! two ends of its two sides.

use ratatui::layout::Rect;

use crate::explorer::board::Shown;
use crate::explorer::number::{decimals, score};
use crate::explorer::screen::Canvas;
use crate::explorer::screen::words::{message, row_mark, token};
use crate::explorer::state::{RowItem, RowsInFocus, State, Target};
use crate::explorer::view::{Exported, WordLists};
use crate::explorer::widget::{bar, put, width};
use crate::projection::Scored;
use crate::query::{Address, DirectionsAnswer, DirectionsQuery, MatrixKind, Query, Switch};
use crate::sheet::{spark, with_boundary};
use crate::vocabulary::Filters;

/// Directions of a matrix.
const DIRECTIONS: usize = 64;
/// Tokens at each of their ends.
const ENDS: usize = 10;
/// Lines of a direction: its size, and its two ends.
const LINES: usize = 3;

/// What the directions of a matrix are asked with: they are of the weights alone, without biases.
pub fn query(state: &State, part: MatrixKind, layer: usize, head: usize) -> DirectionsQuery {
    let all = state.convention();
    DirectionsQuery {
        part,
        layer,
        head,
        n: DIRECTIONS,
        k: ENDS,
        convention: match all.has(Switch::Biases) {
            true => all.flipped(Switch::Biases),
            false => all,
        },
        filters: Filters {
            positions: false,
            ..state.filters.per_token()
        },
    }
}

/// What a tab asks while it shows directions, those in focus first.
pub fn queries(state: &State, tab: &dyn WordLists) -> Vec<Query> {
    let focus = tab.matrix(state);
    let directions = |matrix| Query::Directions(tab.directions(state, matrix));
    vec![
        directions(focus),
        Query::Undertrained,
        directions(1 - focus),
    ]
}

/// The answer of which the directions of a matrix are on screen.
fn of_matrix(state: &State, part: MatrixKind) -> Option<&Shown> {
    state.board.latest(|query| match query {
        Query::Directions(query) => {
            query.part == part || query.part.is_of_keys() && part.is_of_keys()
        }
        _ => false,
    })
}

/// The directions of a matrix on screen, and whether they are those of the place one is at.
pub fn list(state: &State, part: MatrixKind) -> Option<(&DirectionsAnswer, bool)> {
    let shown = of_matrix(state, part)?;
    let (_, answer) = shown.of::<DirectionsQuery>()?;
    Some((answer, state.wanted.contains(&shown.query)))
}

/// The answers on screen.
pub fn answers(state: &State, tab: &dyn WordLists) -> Exported {
    let of = |matrix| of_matrix(state, tab.directions(state, matrix).part).cloned();
    Exported::Answers {
        in_focus: of(tab.matrix(state)).into_iter().collect(),
        all: (0..2).filter_map(of).collect(),
    }
}

/// `64 of 192 directions`.
pub fn showing(state: &State, tab: &dyn WordLists) -> Option<String> {
    let (answer, _) = list(state, tab.directions(state, tab.matrix(state)).part)?;
    let (shown, all) = (answer.directions.len(), answer.values.len());
    Some(format!("{shown} of {all} directions"))
}

/// The lines of the directions in focus.
pub fn rows(state: &State, tab: &dyn WordLists) -> Option<RowsInFocus> {
    let (answer, fresh) = list(state, tab.directions(state, tab.matrix(state)).part)?;
    let len = LINES * answer.directions.len();
    Some(RowsInFocus {
        len,
        most: len,
        fresh,
        settled: fresh,
    })
}

/// What the line under the cursor names: the strongest of its end.
pub fn item(state: &State, tab: &dyn WordLists) -> Option<RowItem> {
    let part = tab.directions(state, tab.matrix(state)).part;
    let (answer, _) = list(state, part)?;
    let row = tab.cursor(state).row;
    let direction = answer.directions.get(row / LINES)?;
    // A direction's first line is its size; its ends follow.
    let end = (row % LINES).checked_sub(1)?;
    let first = |list: &[Scored]| list.first().map(|item| item.id);
    match (tab.side(state), part) {
        (0, _) => first(&direction.left[end]).map(RowItem::Token),
        (_, MatrixKind::Form(_)) => first(&direction.right[end]).map(RowItem::Token),
        (_, MatrixKind::FfIn | MatrixKind::FfGate | MatrixKind::FfUp | MatrixKind::FfOut) => {
            let layer = state.address().layer();
            first(&direction.right[end]).map(|id| {
                let neuron = id as usize;
                RowItem::Place(Address::Neuron { layer, neuron })
            })
        }
        (_, MatrixKind::Attention(_)) => None,
    }
}

/// The directions in focus as text: an end of a direction a line, its number, its size, its sign,
/// and the words of both sides. No lines while they are not there.
pub fn text(state: &State, tab: &dyn WordLists) -> Vec<String> {
    let part = tab.directions(state, tab.matrix(state)).part;
    let (Some(card), Some((answer, true))) = (state.card(), list(state, part)) else {
        return Vec::new();
    };
    let joined = |list: &[Scored], name: &dyn Fn(u32) -> String| {
        let names: Vec<_> = list.iter().map(|item| name(item.id)).collect();
        names.join(" ")
    };
    let neuron = |id: u32| format!("N{id}");
    let word = |id: u32| with_boundary(&card.vocabulary, id);
    let directions = answer.directions.iter().enumerate();
    directions
        .flat_map(|(i, d)| {
            ["+", "−"].into_iter().enumerate().map(move |(end, sign)| {
                let left = joined(&d.left[end], &word);
                let right = match part {
                    MatrixKind::Form(_) => joined(&d.right[end], &word),
                    _ => joined(&d.right[end], &neuron),
                };
                format!("{i}\t{}\t{sign}\t{left}\t{right}", d.value)
            })
        })
        .collect()
}

/// The heading of a list.
pub struct Heading<'a> {
    pub title: &'a str,
    pub note: &'a str,
    pub footer: &'a str,
}

/// Draws the frame of one of two lists; returns its inside. One that is `alone` says where the other
/// is.
pub fn frame(
    canvas: &mut Canvas,
    tab: &dyn WordLists,
    area: Rect,
    index: usize,
    heading: Heading,
    alone: bool,
) -> Rect {
    let focus = tab.matrix(canvas.state) == index;
    let mut panel = canvas.panel(heading.title, heading.note, focus);
    let mut footer = heading.footer.to_owned();
    if alone {
        let before = if footer.is_empty() { "" } else { " · " };
        let other = tab.directions(canvas.state, 1 - index).part;
        footer.push_str(&format!("{before}] shows {other}"));
    }
    panel.footer = &footer;
    let inside = panel.draw(area, canvas.buffer);
    canvas.regions.list_rows = inside.height.into();
    canvas.note(area, Target::List(index));
    inside
}

/// Draws the directions of one matrix of a tab.
pub fn draw(canvas: &mut Canvas, tab: &dyn WordLists, area: Rect, index: usize, alone: bool) {
    let state = canvas.state;
    let part = tab.directions(state, index).part;
    let [left, right] = part.sides();
    let focus = tab.matrix(state) == index;
    let shown = list(state, part);
    let fresh = shown.is_some_and(|(_, fresh)| fresh);
    let mark = if focus { "▌" } else { "" };
    let title = match state.stale_label(of_matrix(state, part)) {
        // Of a layer the address does not say which of its matrices.
        Some(label) => format!("{mark}{part} {label}"),
        None if fresh => format!("{mark}{part}  {left} → {right}"),
        None => format!("{mark}{part}  {left} → {right} …"),
    };
    let note = shown.map_or_else(String::new, |(answer, _)| {
        spark(answer.values.iter().copied())
    });
    let footer = shown.map_or_else(String::new, |(answer, _)| footer(answer));
    let heading = Heading {
        title: &title,
        note: &note,
        footer: &footer,
    };
    let inside = frame(canvas, tab, area, index, heading, alone);
    draw_rows(canvas, tab, inside, index);
}

/// The copying score, of the weights and over the vocabulary.
fn footer(answer: &DirectionsAnswer) -> String {
    let Some(copying) = answer.copying else {
        return String::new();
    };
    let number = |x: Option<f32>| x.map_or("none".to_owned(), |x| score(x, 2));
    let vocabulary = match answer.exact {
        true => number(copying.vocabulary),
        false => "…".to_owned(),
    };
    let weights = number(copying.weights);
    format!("copies: weights {weights} · vocabulary {vocabulary}")
}

fn draw_rows(canvas: &mut Canvas, tab: &dyn WordLists, inside: Rect, index: usize) {
    let (state, theme) = (canvas.state, canvas.theme);
    let part = tab.directions(state, index).part;
    let asked = |query: &Query| matches!(query, Query::Directions(q) if q.part == part);
    if let Some(why) = state.failure(asked) {
        return message(canvas, inside, why);
    }
    let Some((answer, fresh)) = list(state, part) else {
        return message(canvas, inside, "…");
    };
    let largest = answer.values.first().copied().unwrap_or_default();
    let digits = decimals(largest);
    let style = if fresh { theme.word } else { theme.stale };
    let half = usize::from(inside.width.saturating_sub(7)) / 2;
    let of_head = matches!(part, MatrixKind::Form(_));
    let cursor = tab.cursor_of(state, index);
    let focus = tab.matrix(state) == index;
    let lines = (0..answer.directions.len()).flat_map(|i| (0..LINES).map(move |line| (i, line)));
    for (y, (i, line)) in (inside.top()..inside.bottom()).zip(lines.skip(cursor.scroll)) {
        let direction = &answer.directions[i];
        let here = focus && LINES * i + line == cursor.row;
        row_mark(canvas, (inside.x, y), here, false);
        let style_of = |side: usize| match here && tab.side(state) == side {
            true => theme.here,
            false => style,
        };
        let list = tab.list_of_matrix(state, index);
        note(canvas, inside, y, list, LINES * i + line);
        let x = inside.x + 1;
        if line == 0 {
            let value = score(direction.value, digits);
            let block = if direction.block.is_some() {
                " ~ coincides"
            } else {
                ""
            };
            let text = format!("{i:>3}  {value:>6}{block} ");
            let used = put(canvas.buffer, x, y, &text, text.len(), theme.quiet);
            let room = usize::from(inside.width.saturating_sub(used + 2)).min(24);
            let bar = bar(direction.value / largest, room);
            put(canvas.buffer, x + used, y, &bar, room, theme.bar);
            continue;
        }
        let end = line - 1;
        put(canvas.buffer, x, y, ["+", "−"][end], 1, theme.key);
        words(canvas, (x + 2, y), half, &direction.left[end], style_of(0));
        let middle = x + 2 + half as u16;
        put(canvas.buffer, middle, y, " → ", 3, theme.quiet);
        let (at, right) = ((middle + 3, y), &direction.right[end]);
        match of_head {
            true => words(canvas, at, half, right, style_of(1)),
            false => neurons(canvas, at, half, right, style_of(1)),
        }
    }
}

/// Notes a line for the mouse: its left half and its right one.
fn note(canvas: &mut Canvas, inside: Rect, y: u16, list: usize, row: usize) {
    let middle = inside.x + 1 + inside.width / 2;
    for (side, from, to) in [(0, inside.x, middle), (1, middle, inside.right())] {
        let side = Some(side);
        canvas.note_row((from, to), y, Target::Word { list, row, side });
    }
}

/// As many neurons as there is room for.
fn neurons(
    canvas: &mut Canvas,
    (x, y): (u16, u16),
    room: usize,
    list: &[Scored],
    style: ratatui::style::Style,
) {
    let mut text = String::new();
    for neuron in list {
        let next = format!("N{} ", neuron.id);
        if text.len() + next.len() > room + 1 {
            break;
        }
        text += &next;
    }
    put(canvas.buffer, x, y, text.trim_end(), room, style);
}

/// As many words as there is room for, none of them cut but the first.
pub fn words(
    canvas: &mut Canvas,
    (mut x, y): (u16, u16),
    room: usize,
    list: &[Scored],
    style: ratatui::style::Style,
) {
    let Some(card) = canvas.state.card() else {
        return;
    };
    let mut left = room;
    for (i, item) in list.iter().enumerate() {
        // One cell for the mark of a piece, one between words.
        let cells = width(&card.vocabulary.text(item.id)) + 2;
        if cells > left && i > 0 {
            break;
        }
        token(canvas, card, (x, y), item.id, left.min(cells - 1), style);
        x += cells as u16;
        left = left.saturating_sub(cells);
    }
}
