//! The passages of the neuron or head in hand, each a row with its position in the middle, below the
//! figures.

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::explorer::screen::Canvas;
use crate::explorer::screen::words::{message, row_mark};
use crate::explorer::state::{State, Target};
use crate::explorer::widget::{put, width, window};
use crate::query::sheet::contexts_lines;
use crate::query::{ContextsAnswer, ModelCard, Passage, Query};
use crate::sheet::{grouped, with_boundary};

/// Cells and rows of the frame where there is room.
const CELLS: u16 = 110;
const ROWS: u16 = 34;
/// Cells of a number, and of a rank.
const NUMBER_CELLS: u16 = 9;
const RANK_CELLS: u16 = 9;

/// A line of the list.
enum ListLine {
    Heading(&'static str),
    Passage(usize),
}

/// Draws the view.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let state = canvas.state;
    let texts = &state.views.geometry.settings.texts;
    let title = format!("Where {} fires", state.address());
    // Which of the bundled texts fit the model is not known at once.
    let note = match state.views.geometry.lacks_language() {
        true => String::new(),
        false => format!("{} ({})", texts.label, grouped(texts.texts.len())),
    };
    let inside = canvas.on_top(body, (CELLS, ROWS), &title, &note);
    let failure = state.failure(|query| matches!(query, Query::Contexts(_)));
    if let Some(why) = failure {
        return message(canvas, inside, why);
    }
    match state.contexts_answer() {
        Some(answer) if answer.done >= 1.0 => passages(canvas, inside, answer),
        Some(answer) => {
            let done = format!("the texts are run … {:.0} %", 100.0 * answer.done);
            message(canvas, inside, &done);
        }
        None => message(canvas, inside, "the texts are run …"),
    }
}

fn passages(canvas: &mut Canvas, inside: Rect, answer: &ContextsAnswer) {
    let state = canvas.state;
    let Some(card) = state.card() else { return };
    let room = usize::from(inside.width.saturating_sub(2));
    let mut y = inside.y;
    let most = usize::from(inside.height / 3).max(1);
    for line in contexts_lines(answer).iter().take(most) {
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
    let lines = lines(state, answer);
    let selected = state.views.contexts.selected;
    let here = |line: &ListLine| matches!(line, ListLine::Passage(at) if *at == selected);
    let at = lines.iter().position(here).unwrap_or(0);
    let rows = usize::from(inside.bottom().saturating_sub(y));
    canvas.regions.list_rows = rows;
    let largest = answer.spread.most.abs().max(answer.spread.least.abs());
    let all = state.passages();
    for (y, line) in (y..).zip(window(lines.len(), at, rows)) {
        match lines[line] {
            ListLine::Heading(text) => {
                put(
                    canvas.buffer,
                    inside.x + 1,
                    y,
                    text,
                    room,
                    canvas.theme.title,
                );
            }
            ListLine::Passage(number) => {
                let area = Rect {
                    y,
                    height: 1,
                    ..inside
                };
                let here = number == selected;
                passage(canvas, card, area, all[number], (largest, here));
                canvas.note(area, Target::Choice(number));
            }
        }
    }
}

fn lines(state: &State, answer: &ContextsAnswer) -> Vec<ListLine> {
    let of_head = answer.least.is_empty();
    let all = state.passages().len();
    let (first, rest) = (0..answer.most.len(), answer.most.len()..all);
    let heading = match of_head {
        true => "it looks hardest from [word] to ‹word›",
        false => "most active · rank in K",
    };
    let mut lines = vec![ListLine::Heading(heading)];
    lines.extend(first.map(ListLine::Passage));
    if !rest.is_empty() {
        lines.push(ListLine::Heading("least active · rank in K"));
        lines.extend(rest.map(ListLine::Passage));
    }
    lines
}

/// A piece of a passage: a token as it is drawn.
struct Piece {
    text: String,
    style: Style,
}

fn passage(
    canvas: &mut Canvas,
    card: &ModelCard,
    area: Rect,
    of: &Passage,
    (largest, here): (f32, bool),
) {
    let style = row_mark(canvas, (area.x, area.y), here, false);
    let style = style.unwrap_or(canvas.theme.word);
    let number = format!("{:>8.3}", of.value);
    put(canvas.buffer, area.x + 1, area.y, &number, 8, style);
    let mut x = area.x + 1 + NUMBER_CELLS;
    if let Some(rank) = of.rank {
        let rank = format!("{:>8}", grouped(rank));
        put(canvas.buffer, x, area.y, &rank, 8, canvas.theme.quiet);
        x += RANK_CELLS;
    }
    let pieces: Vec<Piece> = (0..of.ids.len())
        .map(|at| piece(canvas, card, of, at, largest))
        .collect();
    let room = usize::from(area.right().saturating_sub(x + 1));
    // The position stands in the middle, if the text does not fit.
    let cells = |piece: &Piece| width(&piece.text);
    let middle = of.position - of.first;
    let mut first = middle;
    let mut before = 0;
    while first > 0 && before + cells(&pieces[first - 1]) <= room / 2 {
        first -= 1;
        before += cells(&pieces[first]);
    }
    let end = area.right().saturating_sub(1);
    for Piece { text, style } in &pieces[first..] {
        let room = usize::from(end.saturating_sub(x));
        if room == 0 {
            break;
        }
        x += put(canvas.buffer, x, area.y, text, room, *style);
    }
}

fn piece(canvas: &Canvas, card: &ModelCard, of: &Passage, at: usize, largest: f32) -> Piece {
    let token = with_boundary(&card.vocabulary, of.ids[at]);
    let (space, token) = match token.strip_prefix('·') {
        Some(rest) => ("", rest),
        None => (" ", &*token),
    };
    let position = of.first + at;
    let text = match (position == of.position, of.to == Some(position)) {
        (true, true) => format!("{space}[‹{token}›]"),
        (true, false) => format!("{space}[{token}]"),
        (false, true) => format!("{space}‹{token}›"),
        (false, false) => format!("{space}{token}"),
    };
    let share = of.values[at].abs() / largest.max(f32::MIN_POSITIVE);
    let style = match (position == of.position, share > 0.1) {
        (true, _) => canvas.theme.here,
        (false, true) => canvas.theme.heat(share).1,
        (false, false) => canvas.theme.word,
    };
    Piece { text, style }
}
