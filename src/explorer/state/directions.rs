//! Singular directions: of which matrices the pane shows them, and which are on screen.

use super::{Heads, Shown, State};
use crate::explorer::action::Pane;
use crate::query::{Answer, DirectionsAnswer, ModelCard, Part};
use crate::transformer::Input;

impl State {
    /// The matrix whose directions a list of the pane shows: a form of the head, or in the Neurons
    /// pane the keys or the values of the layer.
    pub fn part(&self, list: usize) -> Part {
        let gated = self.card().is_some_and(ModelCard::gated);
        match (self.pane, list) {
            (Pane::Neurons, 0) if gated && self.input() == Input::Gate => Part::FfGate,
            (Pane::Neurons, 0) if gated => Part::FfUp,
            (Pane::Neurons, 0) => Part::FfIn,
            (Pane::Neurons, _) => Part::FfOut,
            _ => Part::Form(Heads::FORMS[list]),
        }
    }

    /// Which of the pane's two lists of directions is in focus: that of keys, or that of values,
    /// whichever sign is.
    pub fn part_in_focus(&self) -> usize {
        match self.pane {
            Pane::Neurons => self.neurons.focus % 2,
            _ => self.heads.focus,
        }
    }

    /// Whether the pane shows directions.
    pub fn shows_directions(&self) -> bool {
        match self.pane {
            Pane::Neurons => self.neurons.directions,
            Pane::Heads => self.heads.directions,
            Pane::Geometry => false,
        }
    }

    /// The answers with the directions that the pane shows.
    pub fn shown_directions(&self) -> &[Option<Shown>; 2] {
        match self.pane {
            Pane::Neurons => &self.layer_directions,
            _ => &self.directions,
        }
    }

    /// The directions of a list on screen, and whether they are those of the place one is at.
    pub fn direction_list(&self, list: usize) -> Option<(&DirectionsAnswer, bool)> {
        let shown = self.shown_directions()[list].as_ref()?;
        match &*shown.answer {
            Answer::Directions(answer) => Some((answer, self.wanted.contains(&shown.query))),
            _ => None,
        }
    }
}
