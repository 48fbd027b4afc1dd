//! The cursor in lists of words: its row, its side of a pair, the word there, and how far lists go.

use super::State;
use crate::explorer::views::directions;
use crate::query::{Address, DictionaryAsk, DictionaryQuery, NeuronQuery, PairsQuery, Query};

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
    /// Rows that were asked for by number; 0 if none were: then as many as the cursor reaches.
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
    pub fn length(self, least: usize, room: usize, most: usize) -> usize {
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

    /// How many rows are copied and written: as many as were asked for, or as one has gone through.
    pub fn rows(self, least: usize, most: usize) -> usize {
        match self.asked {
            0 => self.length(least, 0, most),
            asked => asked,
        }
    }
}

/// What the row under the cursor names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowItem {
    Token(u32),
    /// A neuron, of a direction of a layer's keys or values, or what is similar to a direction.
    Place(Address),
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
    /// The rows of the list in focus; `None` until there are any.
    pub fn rows_in_focus(&self) -> Option<RowsInFocus> {
        let words = self.tab().words()?;
        match words.shows_directions(self) {
            true => directions::rows(self, words),
            false => words.rows(self),
        }
    }

    /// What the row under the cursor names.
    pub fn row_item(&self) -> Option<RowItem> {
        let words = self.tab().words()?;
        match words.shows_directions(self) {
            true => directions::item(self, words),
            false => words.item(self),
        }
    }

    /// Whether what was asked for last is this list, be it longer or shorter.
    pub fn wants_list(&self, shown: &Query) -> bool {
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
        (Query::Dictionary(a), Query::Dictionary(b)) => {
            let (DictionaryAsk::Direction { row, .. }, DictionaryAsk::Direction { k, .. }) =
                (&b.ask, &a.ask)
            else {
                return a == b;
            };
            *a == DictionaryQuery {
                ask: DictionaryAsk::Direction { row: *row, k: *k },
                ..b.clone()
            }
        }
        (a, b) => a == b,
    }
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
