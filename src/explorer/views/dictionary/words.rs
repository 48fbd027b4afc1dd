//! The columns of a direction, and what is similar to it, as lists.

use super::{DictionaryView, LISTS, SIMILAR, similar};
use crate::explorer::state::{COLUMN_MAX, RowCursor, RowItem, RowsInFocus, State};
use crate::explorer::view::WordLists;
use crate::explorer::views::directions;
use crate::query::{DirectionsQuery, MatrixKind, NeuronColumn, Robustness};

impl WordLists for DictionaryView {
    fn lists(&self) -> usize {
        LISTS
    }

    fn list(&self, state: &State) -> usize {
        state.views.dictionary.focus
    }

    fn focus_list(&self, state: &mut State, list: usize) {
        state.views.dictionary.focus = list;
    }

    fn list_title(&self, _: &State, list: usize) -> String {
        match NeuronColumn::ALL.get(list) {
            Some(column) => column.to_string(),
            None => similar::TITLES[(list - SIMILAR) % 2].to_owned(),
        }
    }

    /// Of no use: directions of a file are none of the model's matrices.
    fn directions(&self, state: &State, _: usize) -> DirectionsQuery {
        directions::query(state, MatrixKind::FfOut, 0, 0)
    }

    fn shows_directions(&self, _: &State) -> bool {
        false
    }

    fn matrix(&self, state: &State) -> usize {
        state.views.dictionary.focus % 2
    }

    fn list_of_matrix(&self, _: &State, matrix: usize) -> usize {
        matrix
    }

    fn cursor(&self, state: &State) -> RowCursor {
        match state.looks_at_similar() {
            true => state.views.dictionary.similar,
            false => state.views.dictionary.cursor,
        }
    }

    fn cursor_of(&self, state: &State, _: usize) -> RowCursor {
        self.cursor(state)
    }

    fn cursor_mut<'s>(&self, state: &'s mut State) -> &'s mut RowCursor {
        match state.looks_at_similar() {
            true => &mut state.views.dictionary.similar,
            false => &mut state.views.dictionary.cursor,
        }
    }

    fn rows(&self, state: &State) -> Option<RowsInFocus> {
        let focus = state.views.dictionary.focus;
        if focus >= SIMILAR {
            let len = similar::rows(state, focus - SIMILAR).len();
            return Some(RowsInFocus {
                len,
                most: len,
                fresh: state.similar().is_some(),
                settled: state.similar().is_some(),
            });
        }
        let (of, fresh) = state.direction()?;
        let len = of.columns[focus].len();
        let most = match len {
            0 => 0,
            _ => of.passing.min(COLUMN_MAX).max(len),
        };
        let shown = state.direction_shown();
        Some(RowsInFocus {
            len,
            most,
            fresh,
            settled: shown.is_some_and(|shown| state.wanted.contains(&shown.query)),
        })
    }

    fn token(&self, state: &State) -> Option<u32> {
        let dictionary = &state.views.dictionary;
        let (of, _) = state.direction()?;
        let column = of.columns.get(dictionary.focus)?;
        column.get(dictionary.cursor.row).map(|row| row.id)
    }

    fn item(&self, state: &State) -> Option<RowItem> {
        if !state.looks_at_similar() {
            return self.token(state).map(RowItem::Token);
        }
        let list = state.views.dictionary.focus - SIMILAR;
        let rows = similar::rows(state, list);
        let row = rows.get(state.views.dictionary.similar.row)?;
        Some(RowItem::Place(row.address))
    }

    fn tokens(&self, state: &State) -> Vec<u32> {
        let column = state.views.dictionary.focus;
        let of = state.direction().and_then(|(of, _)| of.columns.get(column));
        of.map_or_else(Vec::new, |rows| rows.iter().map(|row| row.id).collect())
    }

    fn has_sides(&self, _: &State) -> bool {
        false
    }

    fn side(&self, _: &State) -> usize {
        0
    }

    fn focus_side(&self, _: &mut State, _: usize) {}

    fn most(&self) -> usize {
        COLUMN_MAX
    }

    fn robustness<'s>(&self, _: &'s State, _: usize) -> Option<&'s Robustness> {
        None
    }
}
