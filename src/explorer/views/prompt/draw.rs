//! The Prompt pane: the text, and the grid of its states as words.

use std::ops::Range;

use ratatui::layout::Rect;

use super::state::is_of_grid;
use super::{CellShade, attention, sidebar};
use crate::explorer::action::{Action, PromptCommand};
use crate::explorer::screen::Canvas;
use crate::explorer::screen::words::{message, token};
use crate::explorer::state::{State, Target};
use crate::explorer::widget::{Line, bar, put, window, wrap};
use crate::query::{Address, HeadPart, LensCell, ModelCard, PromptAnswer};
use crate::sheet::with_boundary;

/// Cells of a state's number.
const NUMBER_CELLS: u16 = 4;
/// Cells of a head's address.
const HEAD_CELLS: u16 = 8;
/// Cells of what its layer adds.
const SUM_CELLS: u16 = 8;
/// Cells of the same as a bar.
const BAR_CELLS: u16 = 6;
/// From this width of the grid on the bars are there.
const WITH_BARS: u16 = 66;
/// Cells of a column: a mark, a shade, a word. Short texts have wider ones.
const COLUMN_MIN: u16 = 11;
const COLUMN_MAX: u16 = 17;
/// From this width on the details stand beside the grid.
const BESIDE: u16 = 100;
/// Rows of the details below it.
const BELOW: u16 = 10;

/// Draws the pane.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let (grid_area, details) = areas(body);
    let state = canvas.state;
    let settings = &state.views.prompt.settings;
    let after = match settings.after {
        true => "after the changes",
        false => "",
    };
    let shade = format!("shaded by {}", settings.shade.name());
    let head = state.attended_head().map(|head| head.address());
    let note = match (state.views.prompt.attention, head) {
        (true, Some(head)) => format!("attention of {head}, from (rows) to (columns)"),
        (true, None) | (false, _) => [after, &shade].join(" "),
    };
    let mut panel = canvas.panel("Text", note.trim(), true);
    let footer = state
        .prompt_answer()
        .map_or_else(String::new, |(answer, _)| sum(answer));
    panel.footer = &footer;
    let inside = panel.draw(grid_area, canvas.buffer);
    text(canvas, inside);
    let below = Rect {
        y: inside.y + 1,
        height: inside.height.saturating_sub(1),
        ..inside
    };
    let failure = state.failure(is_of_grid);
    let known = state.prompt_answer();
    let of_this_text = known.filter(|_| state.prompt_knows_text());
    match (failure, known) {
        (Some(why), _) => {
            let rows = match of_this_text {
                // A change that is refused leaves the states in sight.
                Some(_) => wrap(why, usize::from(below.width.saturating_sub(2))).len() as u16,
                None => below.height,
            };
            let said = Rect {
                height: rows.min(below.height),
                ..below
            };
            message(canvas, said, why);
            let rest = Rect {
                y: said.bottom(),
                height: below.height - said.height,
                ..below
            };
            if let Some((answer, fresh)) = of_this_text {
                grid(canvas, rest, answer, fresh);
            }
        }
        (None, Some(_)) if state.views.prompt.attention => attention::draw(canvas, below),
        (None, Some((answer, fresh))) => grid(canvas, below, answer, fresh),
        (None, None) if settings.text.is_empty() => {
            let hint = "T asks for a text: the model is run on it, and every state of every token is read \
                        as words. For an encoder write [MASK] or <mask> where a word is hidden.";
            message(canvas, below, hint);
        }
        (None, None) => message(canvas, below, "the model is run on the text …"),
    }
    sidebar::draw(canvas, details);
}

/// The grid, and the details beside it or below.
fn areas(body: Rect) -> (Rect, Rect) {
    if body.width >= BESIDE {
        let beside = (body.width * 2 / 5).clamp(42, 76);
        let grid = Rect {
            width: body.width - beside,
            ..body
        };
        let details = Rect {
            x: body.x + grid.width,
            width: beside,
            ..body
        };
        return (grid, details);
    }
    let below = BELOW.min(body.height / 2);
    let grid = Rect {
        height: body.height - below,
        ..body
    };
    let details = Rect {
        y: body.y + grid.height,
        height: below,
        ..body
    };
    (grid, details)
}

fn text(canvas: &mut Canvas, inside: Rect) {
    let (state, theme) = (canvas.state, canvas.theme);
    let end = inside.right().saturating_sub(1);
    let mut line = Line::new(canvas.buffer, inside.x + 1, inside.y, end);
    line.right(" T edits", theme.quiet);
    line.text(&state.views.prompt.settings.text, theme.word);
    let asks = Target::Run(Action::Prompt(PromptCommand::Text));
    canvas.note(
        Rect {
            height: 1,
            ..inside
        },
        asks,
    );
}

/// What the parts come to, in a line.
fn sum(answer: &PromptAnswer) -> String {
    match &answer.attribution {
        Ok(parts) => format!(
            "embedding {:+.2} · constant {:+.2} · all parts {:.3} · logit {:.3}",
            parts.embedding, parts.constant, parts.sum, parts.expected
        ),
        Err(_) => String::new(),
    }
}

/// What of the grid is on screen, and where.
struct GridWindow<'a> {
    answer: &'a PromptAnswer,
    area: Rect,
    /// Cells before the first column.
    label: u16,
    columns: Range<usize>,
    /// Cells of a column.
    column: u16,
    /// The length of the longest state.
    longest: f32,
    /// The largest sum of a layer.
    largest: f64,
}

impl<'a> GridWindow<'a> {
    fn new(state: &State, area: Rect, answer: &'a PromptAnswer) -> Self {
        let label = match (&answer.attribution, area.width >= WITH_BARS) {
            (Err(_), _) => HEAD_CELLS,
            (Ok(_), false) => NUMBER_CELLS + SUM_CELLS,
            (Ok(_), true) => NUMBER_CELLS + SUM_CELLS + BAR_CELLS,
        };
        let room = area.width.saturating_sub(label);
        let tokens = answer.tokens.len();
        let each = room / u16::try_from(tokens).unwrap_or(u16::MAX).max(1);
        let column = each.clamp(COLUMN_MIN, COLUMN_MAX);
        let shown = usize::from(room / column).max(1);
        let columns = window(tokens, state.views.prompt.position, shown);
        // The first position's states are far longer than all others: it sets no scale.
        let rows = (0..answer.lens.len()).map(|at| state.prompt_row(answer, at));
        let lengths = rows.flat_map(|cells| cells.iter().skip(1));
        let sums = answer.attribution.iter().flat_map(|parts| {
            let layers = parts.layers.iter();
            let layers = layers.map(|l| l.attention + l.feed_forward);
            layers.chain([parts.embedding])
        });
        Self {
            answer,
            area,
            label,
            columns,
            column,
            longest: lengths.map(|cell| cell.norm).fold(0.0, f32::max),
            largest: sums.map(f64::abs).fold(0.0, f64::max),
        }
    }

    fn x_of(&self, column: usize) -> u16 {
        self.area.x + self.label + (column - self.columns.start) as u16 * self.column
    }
}

/// States downwards, positions to the right; the best word of each, shaded.
fn grid(canvas: &mut Canvas, area: Rect, answer: &PromptAnswer, fresh: bool) {
    let state = canvas.state;
    let Some(card) = state.card() else { return };
    let prompt = &state.views.prompt;
    let shown = GridWindow::new(state, area, answer);
    headings(canvas, &shown);
    let attended = state.attended_head();
    if let Some(head) = attended {
        attends(canvas, &shown, head);
    }
    let top = area.y + 1 + u16::from(attended.is_some());
    let rows = usize::from(area.bottom().saturating_sub(top));
    canvas.regions.selector_rows = rows;
    canvas.note(area, Target::Selector);
    for (y, number) in (top..).zip(window(answer.lens.len(), prompt.state, rows)) {
        label(canvas, &shown, y, number);
        let cells = state.prompt_row(answer, number);
        for at in shown.columns.clone() {
            let Some(cell) = cells.get(at) else { continue };
            let here = number == prompt.state && at == prompt.position;
            let share = prompt.settings.shade.share(cell, card, shown.longest);
            let x = shown.x_of(at);
            let place = Rect::new(x, y, shown.column, 1);
            draw_cell(canvas, place, cell, (share, here, fresh));
            let place = Address::Token {
                state: number,
                position: at,
            };
            canvas.note(Rect::new(x, y, shown.column, 1), Target::Place(place));
        }
    }
}

/// The text's tokens above their columns.
fn headings(canvas: &mut Canvas, shown: &GridWindow) {
    let state = canvas.state;
    let Some(card) = state.card() else { return };
    let prompt = &state.views.prompt;
    let y = shown.area.y;
    if shown.answer.attribution.is_ok() {
        let x = shown.area.x + NUMBER_CELLS + 4;
        put(canvas.buffer, x, y, "sum", 3, canvas.theme.quiet);
    }
    for at in shown.columns.clone() {
        let style = match at == prompt.position {
            true => canvas.theme.here,
            false => canvas.theme.title,
        };
        let cells = usize::from(shown.column) - 3;
        let (x, id) = (shown.x_of(at), shown.answer.tokens[at]);
        token(canvas, card, (x + 2, y), id, cells, style);
        let place = Address::Token {
            state: prompt.state,
            position: at,
        };
        canvas.note(Rect::new(x, y, shown.column, 1), Target::Place(place));
    }
}

/// How the head in hand attends from the position to every token.
fn attends(canvas: &mut Canvas, shown: &GridWindow, head: &HeadPart) {
    let y = shown.area.y + 1;
    let name = head.address().to_string();
    let room = usize::from(shown.label);
    put(
        canvas.buffer,
        shown.area.x,
        y,
        &name,
        room,
        canvas.theme.quiet,
    );
    for at in shown.columns.clone() {
        let Some(&weight) = head.attends.get(at) else {
            continue;
        };
        let (shade, heat) = canvas.theme.heat(weight);
        let x = shown.x_of(at);
        put(canvas.buffer, x + 1, y, shade, 1, heat);
        let text = format!("{:.0} %", 100.0 * weight);
        put(canvas.buffer, x + 3, y, &text, 6, canvas.theme.quiet);
    }
}

/// A state's number, and what its layer added to the target, as a number and as a bar.
fn label(canvas: &mut Canvas, shown: &GridWindow, y: u16, state: usize) {
    let here = state == canvas.state.views.prompt.state;
    let style = match here {
        true => canvas.theme.here,
        false => canvas.theme.quiet,
    };
    let x = shown.area.x;
    put(canvas.buffer, x, y, &format!("{state:>3}"), 3, style);
    let Ok(parts) = &shown.answer.attribution else {
        return;
    };
    let added = match state.checked_sub(1) {
        None => Some(parts.embedding),
        Some(layer) => parts
            .layers
            .get(layer)
            .map(|l| l.attention + l.feed_forward),
    };
    let Some(added) = added else { return };
    let text = format!("{added:>+7.2}");
    put(
        canvas.buffer,
        x + NUMBER_CELLS,
        y,
        &text,
        7,
        canvas.theme.quiet,
    );
    if shown.label > NUMBER_CELLS + SUM_CELLS {
        let share = (added.abs() / shown.largest.max(f64::MIN_POSITIVE)) as f32;
        let cells = usize::from(BAR_CELLS) - 1;
        let x = x + NUMBER_CELLS + SUM_CELLS;
        let style = match added < 0.0 {
            true => canvas.theme.quiet,
            false => canvas.theme.bar,
        };
        put(canvas.buffer, x, y, &bar(share, cells), cells, style);
    }
}

fn draw_cell(
    canvas: &mut Canvas,
    area: Rect,
    cell: &LensCell,
    (share, here, fresh): (f32, bool, bool),
) {
    let (state, theme) = (canvas.state, canvas.theme);
    let Some(card) = state.card() else { return };
    let (x, y) = (area.x, area.y);
    if here {
        put(canvas.buffer, x, y, "▸", 1, theme.here);
    }
    // Until it is known.
    let Some(best) = cell.best.first() else {
        return;
    };
    let (shade, heat) = theme.heat(share);
    put(canvas.buffer, x + 1, y, shade, 1, heat);
    let style = match (here, fresh) {
        (true, _) => theme.here,
        (false, true) => theme.word,
        (false, false) => theme.stale,
    };
    let cells = usize::from(area.width) - 3;
    token(canvas, card, (x + 2, y), best.id, cells, style);
}

/// The line above the hints: target, changes.
pub fn settings(canvas: &mut Canvas, row: Rect) {
    let (state, theme) = (canvas.state, canvas.theme);
    let settings = &state.views.prompt.settings;
    let name = |card: &ModelCard, id: u32| with_boundary(&card.vocabulary, id);
    let answer = state.prompt_answer();
    let target = state.card().zip(answer).map(|(card, (answer, _))| {
        let against = answer.against.as_ref();
        let against = against.map(|a| format!(" over {}", name(card, a.prediction.id)));
        let target = name(card, answer.target.prediction.id);
        format!("target {target}{}", against.unwrap_or_default())
    });
    let mut parts: Vec<String> = target.into_iter().collect();
    if settings.shade == CellShade::Rank && settings.target.is_none() {
        parts.push("ranks are of a target: t".to_owned());
    }
    let on = settings.changes.iter().filter(|listed| listed.on).count();
    if !settings.changes.is_empty() {
        parts.push(format!("{on} of {} changes on", settings.changes.len()));
    }
    if settings.special {
        parts.push("special tokens as such".to_owned());
    }
    if settings.chat {
        parts.push("chat template".to_owned());
    }
    if let Some((answer, true)) = answer {
        parts.extend(answer.notices.iter().cloned());
    }
    let end = row.right().saturating_sub(1);
    let mut line = Line::new(canvas.buffer, row.x + 1, row.y, end);
    line.text(&parts.join(" · "), theme.quiet);
}
