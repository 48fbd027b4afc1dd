//! The cursor in lists of words: its row, its side of a pair, the word there, and how far lists go.

use super::{Heads, Pane, Shown, State};
use crate::projection::Scored;
use crate::query::{NeuronQuery, PairsQuery, Part, Query};

/// The longest column that is asked for, and the longest list of pairs.
pub const COLUMN_MAX: usize = 10_000;
/// Pairs cost a search that grows with their number.
pub const PAIRS_MAX: usize = 2_000;
/// A list is made longer once the cursor is so near to its end.
const AHEAD: usize = 10;

/// The cursor of a list, and the window that shows a part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowCursor {
    /// The row under the cursor.
    pub row: usize,
    /// The first row shown.
    pub scroll: usize,
    /// Rows that were asked for in so many words; 0: as many as one goes through.
    pub asked: usize,
}

impl RowCursor {
    /// Moves to a row; the window of `room` rows follows.
    pub fn go(&mut self, row: usize, room: usize) {
        self.row = row;
        let first = (row + 1).saturating_sub(room.max(1));
        self.scroll = self.scroll.clamp(first, row);
    }

    /// Moves the window; the cursor stays inside it.
    pub fn scroll(&mut self, first: usize, room: usize) {
        self.scroll = first;
        self.row = self.row.clamp(first, first + room.max(1) - 1);
    }

    /// How long a list must be for the cursor and the window; `least` for one that lies at its top.
    pub(super) fn length(self, least: usize, room: usize, most: usize) -> usize {
        let needed = match (self.row, self.scroll) {
            (0, 0) => 0,
            _ => (self.row + AHEAD).max(self.scroll + room),
        };
        // By doubling, so that the same list is seldom searched anew.
        let mut length = least.max(self.asked);
        while length < needed {
            length *= 2;
        }
        length.min(most.max(least))
    }
}

/// What the row under the cursor names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowItem {
    Token(u32),
    /// Of a direction of a layer's keys or values.
    Neuron(usize),
}

/// The word that a look-up led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marked {
    pub token: u32,
    /// Whether the cursor has been put on it; it is once the list is there.
    pub reached: bool,
}

/// The list in focus, as the cursor moves in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowsInFocus {
    /// Rows that are there.
    pub len: usize,
    /// Rows that there are if the list is made longer.
    pub most: usize,
    /// Whether they are those of the place one is at, in their final order.
    pub fresh: bool,
    /// Whether they are also as many as were asked for last, or all that there are.
    pub settled: bool,
}

impl State {
    /// The cursor of the list in focus.
    pub fn row_cursor(&mut self) -> &mut RowCursor {
        match self.pane {
            Pane::Neurons | Pane::Geometry => &mut self.neurons.cursor,
            Pane::Heads => &mut self.heads.cursors[self.heads.focus],
        }
    }

    /// The rows of the list in focus; `None` until there are any.
    pub fn rows_in_focus(&self) -> Option<RowsInFocus> {
        if self.shows_directions() {
            let (answer, fresh) = self.direction_list(self.part_in_focus())?;
            let len = 3 * answer.directions.len();
            return Some(RowsInFocus {
                len,
                most: len,
                fresh,
                settled: fresh,
            });
        }
        let asked = |shown: &Option<Shown>| {
            let query = shown.as_ref().map(|shown| &shown.query);
            query.is_some_and(|query| self.wanted.contains(query))
        };
        match self.pane {
            Pane::Neurons => {
                let (answer, fresh) = self.columns()?;
                let len = answer.columns[self.neurons.focus].len();
                Some(RowsInFocus {
                    len,
                    most: answer.passing.min(COLUMN_MAX).max(len),
                    fresh,
                    settled: asked(&self.neuron),
                })
            }
            Pane::Heads => {
                let (answer, fresh, _) = self.pair_list(self.heads.focus)?;
                let pairs = answer.passing.saturating_mul(answer.passing);
                let len = answer.pairs.len();
                Some(RowsInFocus {
                    len,
                    most: pairs.min(PAIRS_MAX).max(len),
                    fresh: fresh && answer.exact,
                    settled: answer.exact && asked(&self.pairs[self.heads.focus]),
                })
            }
            Pane::Geometry => None,
        }
    }

    /// The tokens of the list in focus, on the side in focus.
    pub fn tokens_in_focus(&self) -> Vec<u32> {
        match self.pane {
            _ if self.shows_directions() => Vec::new(),
            Pane::Neurons => {
                let column = self
                    .columns()
                    .map(|(answer, _)| &answer.columns[self.neurons.focus][..]);
                column
                    .unwrap_or_default()
                    .iter()
                    .map(|row| row.id)
                    .collect()
            }
            Pane::Heads => {
                let pairs = self
                    .pair_list(self.heads.focus)
                    .map(|(answer, ..)| &answer.pairs[..]);
                let side = |pair: &crate::projection::Pair| match self.heads.side {
                    0 => pair.from,
                    _ => pair.to,
                };
                pairs.unwrap_or_default().iter().map(side).collect()
            }
            Pane::Geometry => Vec::new(),
        }
    }

    /// What the row under the cursor names; of a direction the strongest of its end.
    pub fn row_item(&self) -> Option<RowItem> {
        match self.pane {
            _ if self.shows_directions() => self.direction_item(),
            Pane::Neurons => {
                let (answer, _) = self.columns()?;
                let row = answer.columns[self.neurons.focus].get(self.neurons.cursor.row)?;
                Some(RowItem::Token(row.id))
            }
            Pane::Heads => {
                let focus = self.heads.focus;
                let (answer, ..) = self.pair_list(focus)?;
                let pair = answer.pairs.get(self.heads.cursors[focus].row)?;
                Some(RowItem::Token(match self.heads.side {
                    0 => pair.from,
                    _ => pair.to,
                }))
            }
            Pane::Geometry => None,
        }
    }

    fn direction_item(&self) -> Option<RowItem> {
        let list = self.part_in_focus();
        let cursor = match self.pane {
            Pane::Heads => self.heads.cursors[self.heads.focus],
            Pane::Neurons | Pane::Geometry => self.neurons.cursor,
        };
        let (answer, _) = self.direction_list(list)?;
        let direction = answer.directions.get(cursor.row / 3)?;
        // A direction's first line is its size; its ends follow.
        let end = (cursor.row % 3).checked_sub(1)?;
        let first = |list: &[Scored]| list.first().map(|item| item.id);
        match (self.heads.side, self.part(list)) {
            (0, _) => first(&direction.left[end]).map(RowItem::Token),
            (_, Part::Form(_)) => first(&direction.right[end]).map(RowItem::Token),
            (_, Part::FfIn | Part::FfGate | Part::FfUp | Part::FfOut) => {
                first(&direction.right[end]).map(|id| RowItem::Neuron(id as usize))
            }
        }
    }

    /// Whether what was asked for last is this list, be it longer or shorter.
    pub(super) fn wants_list(&self, shown: &Query) -> bool {
        self.wanted.iter().any(|wanted| same_list(wanted, shown))
    }
}

/// Whether two queries are of one list, be it longer in one.
fn same_list(a: &Query, b: &Query) -> bool {
    match (a, b) {
        (Query::Neuron(a), Query::Neuron(b)) => {
            *a == NeuronQuery {
                k: a.k,
                ..b.clone()
            }
        }
        (Query::Pairs(a), Query::Pairs(b)) => {
            *a == PairsQuery {
                k: a.k,
                ..b.clone()
            }
        }
        (a, b) => a == b,
    }
}

impl Heads {
    /// The sides of a pair: what is read or asks, and what is written or answers.
    pub const SIDES: usize = 2;
}

#[cfg(test)]
mod tests {
    use super::RowCursor;

    #[test]
    fn the_window_follows_the_cursor_and_the_cursor_the_window() {
        let mut cursor = RowCursor::default();
        cursor.go(12, 10);
        assert_eq!((cursor.row, cursor.scroll), (12, 3));
        cursor.go(5, 10);
        assert_eq!((cursor.row, cursor.scroll), (5, 3));
        cursor.scroll(6, 10);
        assert_eq!((cursor.row, cursor.scroll), (6, 6));
        cursor.go(0, 0);
        assert_eq!((cursor.row, cursor.scroll), (0, 0));
    }

    #[test]
    fn a_list_grows_by_doubling_and_no_further_than_it_may() {
        let at = |row, scroll| {
            RowCursor {
                row,
                scroll,
                asked: 0,
            }
            .length(30, 22, 10_000)
        };
        assert_eq!(at(0, 0), 30);
        assert_eq!(at(19, 0), 30);
        assert_eq!(at(25, 4), 60);
        assert_eq!(at(8, 30), 60);
        assert_eq!(at(21_000, 20_990), 10_000);
    }
}
