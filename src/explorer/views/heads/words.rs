//! The pair lists of a head, or its directions, as lists of words.

use super::{Heads, HeadsView};
use crate::explorer::state::{PAIRS_MAX, RowCursor, RowsInFocus, State};
use crate::explorer::view::WordLists;
use crate::explorer::views::directions;
use crate::projection::Pair;
use crate::query::{DirectionsQuery, MatrixKind, Robustness, RobustnessQuery};
use crate::transformer::Form;

impl WordLists for HeadsView {
    fn lists(&self) -> usize {
        Heads::FORMS.len()
    }

    fn list(&self, state: &State) -> usize {
        state.views.heads.focus
    }

    fn focus_list(&self, state: &mut State, list: usize) {
        state.views.heads.focus = list;
    }

    fn list_title(&self, state: &State, list: usize) -> String {
        let (form, layer) = (Heads::FORMS[list], state.views.heads.layer);
        let sizes = state.card().map(|card| card.spec.head_sizes(layer));
        match (form, sizes.and_then(|sizes| sizes.keys_of)) {
            (_, None) => form.to_string(),
            (Form::Qk, Some(layer)) => format!("{form} · keys of layer {layer}"),
            (Form::Vo, Some(layer)) => format!("{form} · values of layer {layer}"),
        }
    }

    fn directions(&self, state: &State, matrix: usize) -> DirectionsQuery {
        let heads = &state.views.heads;
        let part = MatrixKind::Form(Heads::FORMS[matrix]);
        directions::query(state, part, heads.layer, heads.head)
    }

    fn shows_directions(&self, state: &State) -> bool {
        state.views.heads.directions
    }

    fn matrix(&self, state: &State) -> usize {
        state.views.heads.focus
    }

    fn list_of_matrix(&self, _: &State, matrix: usize) -> usize {
        matrix
    }

    fn cursor(&self, state: &State) -> RowCursor {
        state.views.heads.cursors[state.views.heads.focus]
    }

    fn cursor_of(&self, state: &State, matrix: usize) -> RowCursor {
        state.views.heads.cursors[matrix]
    }

    fn cursor_mut<'s>(&self, state: &'s mut State) -> &'s mut RowCursor {
        let heads = &mut state.views.heads;
        &mut heads.cursors[heads.focus]
    }

    fn rows(&self, state: &State) -> Option<RowsInFocus> {
        let focus = state.views.heads.focus;
        let (answer, fresh, _) = state.pair_list(focus)?;
        let pairs = answer.passing.saturating_mul(answer.passing);
        let len = answer.pairs.len();
        let shown = state.pairs_shown(focus);
        let asked = shown.is_some_and(|shown| state.wanted.contains(&shown.query));
        Some(RowsInFocus {
            len,
            most: pairs.min(PAIRS_MAX).max(len),
            fresh: fresh && answer.exact,
            settled: answer.exact && asked,
        })
    }

    fn token(&self, state: &State) -> Option<u32> {
        let (answer, ..) = state.pair_list(state.views.heads.focus)?;
        let pair = answer.pairs.get(self.cursor(state).row)?;
        Some(side(pair, state.views.heads.side))
    }

    fn tokens(&self, state: &State) -> Vec<u32> {
        let pairs = state.pair_list(state.views.heads.focus);
        let pairs = pairs.map(|(answer, ..)| &answer.pairs[..]);
        let of = |pair: &Pair| side(pair, state.views.heads.side);
        pairs.unwrap_or_default().iter().map(of).collect()
    }

    fn has_sides(&self, _: &State) -> bool {
        true
    }

    fn side(&self, state: &State) -> usize {
        state.views.heads.side
    }

    fn focus_side(&self, state: &mut State, side: usize) {
        state.views.heads.side = side;
    }

    fn most(&self) -> usize {
        PAIRS_MAX
    }

    fn robustness<'s>(&self, state: &'s State, list: usize) -> Option<&'s Robustness> {
        let (_, answer) = state.pairs_robustness(list)?.of::<RobustnessQuery>()?;
        answer.lists.first()
    }
}

/// The token of a pair on a side.
fn side(pair: &Pair, side: usize) -> u32 {
    match side {
        0 => pair.from,
        _ => pair.to,
    }
}
