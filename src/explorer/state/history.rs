//! Where one has been, in all models of a sitting: back and forward.

use crate::explorer::saved_view::SavedView;

/// How many places are remembered.
const PLACES_MAX: usize = 200;

#[derive(Clone, Debug)]
struct Place {
    /// With its model.
    view: SavedView,
    /// Reached by stepping: the next step goes on from it instead of adding a place.
    stepped: bool,
}

/// The places visited, and which of them one is at. Empty until a model is open.
#[derive(Clone, Debug, Default)]
pub struct History {
    places: Vec<Place>,
    at: usize,
}

impl History {
    /// Goes to a place by a jump (or a step to a neighbour); what lay ahead is forgotten.
    pub fn visit(&mut self, view: SavedView, stepped: bool) {
        if let Some(here) = self.places.get_mut(self.at) {
            if here.view.same_place(&view) && here.view.same_subject(&view) {
                here.view = view;
                return;
            }
            if stepped && here.stepped && here.view.model == view.model {
                here.view = view;
                self.places.truncate(self.at + 1);
                return;
            }
        }
        self.places.truncate(self.at + 1);
        if self.places.len() == PLACES_MAX {
            self.places.remove(0);
        }
        self.places.push(Place { view, stepped });
        self.at = self.places.len() - 1;
    }

    /// Keeps how the present place is looked at now.
    pub fn keep(&mut self, view: SavedView) {
        if let Some(here) = self.places.get_mut(self.at)
            && here.view.same_place(&view)
        {
            here.view = view;
        }
    }

    /// Replaces the present place, which the user did not ask for.
    pub fn replace(&mut self, view: SavedView) {
        if let Some(here) = self.places.get_mut(self.at) {
            here.view = view;
        }
    }

    /// The place before, if there is one.
    pub fn back(&mut self) -> Option<SavedView> {
        self.at = self.at.checked_sub(1)?;
        Some(self.places[self.at].view.clone())
    }

    /// The place after, if there is one.
    pub fn forward(&mut self) -> Option<SavedView> {
        let place = self.places.get(self.at + 1)?;
        self.at += 1;
        Some(place.view.clone())
    }

    /// Stands at the nearest place that is this one again, after the way to another was given up.
    pub fn return_to(&mut self, view: &SavedView) {
        let places = self.places.iter().enumerate();
        let same = places.filter(|(_, place)| place.view.same_place(view));
        let nearest = same.min_by_key(|(at, _)| at.abs_diff(self.at));
        self.at = nearest.map_or(self.at, |(at, _)| at);
    }

    /// Which place of how many, from 1.
    pub fn position(&self) -> (usize, usize) {
        (self.at + 1, self.places.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(model: &str, neuron: usize) -> SavedView {
        SavedView {
            model: Some(model.to_owned()),
            ..format!("L0.N{neuron}").parse().unwrap()
        }
    }

    fn at(neuron: usize) -> SavedView {
        of("a", neuron)
    }

    fn visited(view: SavedView) -> History {
        let mut history = History::default();
        history.visit(view, false);
        history
    }

    #[test]
    fn keeps_one_place_for_many_steps() {
        let mut history = visited(at(0));
        for neuron in 1..50 {
            history.visit(at(neuron), true);
        }
        history.visit(at(700), false);
        history.visit(at(701), true);
        assert_eq!(history.position(), (4, 4));
        assert_eq!(history.back(), Some(at(700)));
        assert_eq!(history.back(), Some(at(49)));
        assert_eq!(history.back(), Some(at(0)));
        assert_eq!(history.back(), None);
        assert_eq!(history.forward(), Some(at(49)));
    }

    #[test]
    fn forgets_what_lay_ahead_on_a_new_jump() {
        let mut history = visited(at(0));
        history.visit(at(1), false);
        history.visit(at(2), false);
        history.back();
        history.visit(at(9), false);
        assert_eq!(history.forward(), None);
        assert_eq!(history.position(), (3, 3));
    }

    #[test]
    fn the_same_place_of_another_model_is_another_place() {
        let mut history = visited(at(1));
        history.visit(at(2), true);
        history.visit(of("b", 2), true);
        assert_eq!(history.position(), (3, 3));
        assert_eq!(history.back(), Some(at(2)));
        assert_eq!(history.back(), Some(at(1)));
        // The model before the first could not be opened.
        history.return_to(&of("b", 2));
        assert_eq!(history.position(), (3, 3));
    }

    #[test]
    fn a_place_is_left_as_it_was_looked_at_last() {
        let mut history = visited(at(1));
        let cosine = SavedView {
            model: Some("a".to_owned()),
            .."L0.N1 --convention cosine".parse().unwrap()
        };
        history.keep(cosine.clone());
        history.keep(at(5));
        history.visit(at(2), false);
        assert_eq!(history.back(), Some(cosine));
    }

    #[test]
    fn remembers_a_bounded_number_of_places() {
        let mut history = visited(at(0));
        for neuron in 1..1000 {
            history.visit(at(neuron), false);
        }
        assert_eq!(history.position(), (200, 200));
    }
}
