//! The columns of a neuron, or its layer's directions, as lists of words.

use super::NeuronsView;
use crate::explorer::state::{COLUMN_MAX, RowCursor, RowsInFocus, State};
use crate::explorer::view::WordLists;
use crate::explorer::views::directions;
use crate::query::{
    DirectionsQuery, MatrixKind, ModelCard, NeuronColumn, Robustness, RobustnessQuery,
};
use crate::transformer::Input;

impl WordLists for NeuronsView {
    fn lists(&self) -> usize {
        NeuronColumn::ALL.len()
    }

    fn list(&self, state: &State) -> usize {
        state.views.neurons.focus
    }

    fn focus_list(&self, state: &mut State, list: usize) {
        state.views.neurons.focus = list;
    }

    fn list_title(&self, state: &State, list: usize) -> String {
        state.column_title(NeuronColumn::ALL[list])
    }

    fn directions(&self, state: &State, matrix: usize) -> DirectionsQuery {
        let gated = state.card().is_some_and(ModelCard::gated);
        let part = match matrix {
            0 if gated && state.input() == Input::Gate => MatrixKind::FfGate,
            0 if gated => MatrixKind::FfUp,
            0 => MatrixKind::FfIn,
            _ => MatrixKind::FfOut,
        };
        directions::query(state, part, state.views.neurons.layer, 0)
    }

    fn shows_directions(&self, state: &State) -> bool {
        state.views.neurons.directions
    }

    fn matrix(&self, state: &State) -> usize {
        // Keys or values, whichever sign is in focus.
        state.views.neurons.focus % 2
    }

    fn list_of_matrix(&self, state: &State, matrix: usize) -> usize {
        state.views.neurons.focus / 2 * 2 + matrix
    }

    fn cursor(&self, state: &State) -> RowCursor {
        state.views.neurons.cursor
    }

    fn cursor_of(&self, state: &State, _: usize) -> RowCursor {
        state.views.neurons.cursor
    }

    fn cursor_mut<'s>(&self, state: &'s mut State) -> &'s mut RowCursor {
        &mut state.views.neurons.cursor
    }

    fn rows(&self, state: &State) -> Option<RowsInFocus> {
        let (answer, fresh) = state.columns()?;
        let len = answer.columns[state.views.neurons.focus].len();
        Some(RowsInFocus {
            len,
            most: answer.passing.min(COLUMN_MAX).max(len),
            fresh,
            settled: state
                .neuron_shown()
                .is_some_and(|s| state.wanted.contains(&s.query)),
        })
    }

    fn token(&self, state: &State) -> Option<u32> {
        let (answer, _) = state.columns()?;
        let neurons = &state.views.neurons;
        let row = answer.columns[neurons.focus].get(neurons.cursor.row)?;
        Some(row.id)
    }

    fn tokens(&self, state: &State) -> Vec<u32> {
        let focus = state.views.neurons.focus;
        let column = state
            .columns()
            .map(|(answer, _)| &answer.columns[focus][..]);
        column
            .unwrap_or_default()
            .iter()
            .map(|row| row.id)
            .collect()
    }

    fn has_sides(&self, state: &State) -> bool {
        // The right side of a layer's direction is its neurons.
        state.views.neurons.directions
    }

    fn side(&self, state: &State) -> usize {
        state.views.neurons.side
    }

    fn focus_side(&self, state: &mut State, side: usize) {
        state.views.neurons.side = side;
    }

    fn most(&self) -> usize {
        COLUMN_MAX
    }

    fn robustness<'s>(&self, state: &'s State, list: usize) -> Option<&'s Robustness> {
        let (_, answer) = state.neuron_robustness()?.of::<RobustnessQuery>()?;
        answer.lists.get(list)
    }
}
