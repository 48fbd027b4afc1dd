//! A row of words: token, score, bar.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::Canvas;
use crate::explorer::widget::{bar, put, width, wrap};
use crate::query::ModelCard;
use crate::vocabulary::Boundary;

/// A word is never given more cells than this; what is left goes to the bar.
const WORD_MAX: usize = 24;
/// Before it is given fewer, the bar goes.
const WORD_MIN: usize = 8;
/// A bar shorter than this says nothing.
const BAR_MIN: usize = 3;
/// Cells of a score, unless one is longer.
const SCORE_CELLS: usize = 6;

/// How the cells of a row are shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cells {
    pub word: usize,
    pub score: usize,
    pub bar: usize,
}

impl Cells {
    /// Shares out a row that holds `words` words, `fixed` other cells (an arrow) and the longest of
    /// `scores`, whole.
    pub fn of<'a>(
        inside: u16,
        words: usize,
        fixed: usize,
        scores: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let score = scores.into_iter().map(width).fold(SCORE_CELLS, usize::max);
        // One cell before the words, one after the score and one at the end.
        let room = usize::from(inside).saturating_sub(score + 3 + fixed);
        let word = (room * 2 / 3 / words).min(WORD_MAX);
        let bar = room - word * words;
        let narrow = word < WORD_MIN || bar < BAR_MIN;
        let (word, bar) = match narrow {
            true => (((room + 1) / words).min(WORD_MAX), 0),
            false => (word, bar),
        };
        Self { word, score, bar }
    }
}

/// The mark at the left of a row, for eyes without colour: the cursor is there, or the word is the
/// one that was looked up. Returns the style of a word that stands out by it.
pub fn row_mark(
    canvas: &mut Canvas,
    (x, y): (u16, u16),
    here: bool,
    marked: bool,
) -> Option<Style> {
    let theme = canvas.theme;
    let (mark, style) = match (here, marked) {
        (true, _) => ("▸", theme.here),
        (false, true) => ("▹", theme.on),
        (false, false) => return None,
    };
    put(canvas.buffer, x, y, mark, 1, style);
    Some(style)
}

/// Writes a token's text with its boundary marks, `·` where a word goes on, and `°` if it is
/// undertrained.
pub fn token(
    canvas: &mut Canvas,
    card: &ModelCard,
    (x, y): (u16, u16),
    id: u32,
    cells: usize,
    style: Style,
) {
    let quiet = canvas.theme.quiet;
    let boundary = card.vocabulary.token(id).map(|token| token.boundary);
    let text = card.vocabulary.text(id);
    let (mut x, mut room) = (x, cells);
    if boundary == Some(Boundary::Continues) {
        put(canvas.buffer, x, y, "·", room, quiet);
        (x, room) = (x + 1, room.saturating_sub(1));
    }
    let style = match boundary {
        None | Some(Boundary::Special) => quiet,
        _ => style,
    };
    let marks = marks(card, id);
    let used = put(
        canvas.buffer,
        x,
        y,
        &text,
        room.saturating_sub(width(marks)),
        style,
    );
    put(
        canvas.buffer,
        x + used,
        y,
        marks,
        width(marks).min(room),
        quiet,
    );
}

/// What follows a token's text.
fn marks(card: &ModelCard, id: u32) -> &'static str {
    let boundary = card.vocabulary.token(id).map(|token| token.boundary);
    let open = boundary == Some(Boundary::Open);
    match (open, card.is_undertrained(id)) {
        (false, false) => "",
        (true, false) => "·",
        (false, true) => "°",
        (true, true) => "·°",
    }
}

/// The cells that a token takes with its marks.
pub fn token_cells(card: &ModelCard, id: u32) -> usize {
    let boundary = card.vocabulary.token(id).map(|token| token.boundary);
    let before = usize::from(boundary == Some(Boundary::Continues));
    before + width(&card.vocabulary.text(id)) + width(marks(card, id))
}

/// Writes as many words as there is room for, all but the first whole.
pub fn some_words(canvas: &mut Canvas, (x, y): (u16, u16), ids: &[u32], room: usize, style: Style) {
    let Some(card) = canvas.state.card() else {
        return;
    };
    let mut used = 0;
    for &id in ids {
        let cells = token_cells(card, id);
        if used > 0 && used + cells > room {
            return;
        }
        token(canvas, card, (x + used as u16, y), id, room - used, style);
        used += cells + 1;
        if used >= room {
            return;
        }
    }
}

/// Writes a score against the right end of its cells, and its bar.
pub fn figures(canvas: &mut Canvas, (x, y): (u16, u16), cells: Cells, text: &str, share: f32) {
    let theme = canvas.theme;
    let indent = cells.score.saturating_sub(width(text)) as u16;
    put(
        canvas.buffer,
        x + indent,
        y,
        text,
        cells.score + 1,
        theme.quiet,
    );
    let bar_x = x + cells.score as u16 + 1;
    put(
        canvas.buffer,
        bar_x,
        y,
        &bar(share, cells.bar),
        cells.bar,
        theme.bar,
    );
}

/// A sentence in the place of rows.
pub fn message(canvas: &mut Canvas, inside: Rect, text: &str) {
    let room = inside.width.saturating_sub(2).into();
    for (y, line) in (inside.top()..inside.bottom()).zip(wrap(text, room)) {
        put(
            canvas.buffer,
            inside.x + 1,
            y,
            &line,
            room,
            canvas.theme.quiet,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_out_every_cell_and_drops_the_bar_before_the_word() {
        for inside in 12..200 {
            let cells = Cells::of(inside, 1, 0, []);
            let used = cells.word + cells.score + cells.bar + 3;
            assert!(used <= usize::from(inside) + 1, "{inside}: {cells:?}");
            assert!(cells.bar == 0 || cells.word >= 8);
        }
        let pairs = Cells::of(47, 2, 3, []);
        assert_eq!((pairs.word, pairs.bar), (11, 13));
        let small = Cells::of(47, 1, 0, ["0.00539", "−0.00215"]);
        assert_eq!(small.score, 8);
    }
}
