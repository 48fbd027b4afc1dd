//! Where one has been: back and forward.

use crate::query::Address;

/// How many places are remembered.
const PLACES_MAX: usize = 200;

#[derive(Clone, Copy, Debug)]
struct Place {
    address: Address,
    /// Reached by stepping: the next step goes on from it instead of adding a place.
    stepped: bool,
}

/// The places visited, and which of them one is at.
#[derive(Clone, Debug)]
pub struct History {
    places: Vec<Place>,
    at: usize,
}

impl History {
    /// Starts at a place.
    pub fn new(address: Address) -> Self {
        Self {
            places: vec![Place {
                address,
                stepped: false,
            }],
            at: 0,
        }
    }

    /// Goes to a place by a jump (or a step to a neighbour); what lay ahead is forgotten.
    pub fn visit(&mut self, address: Address, stepped: bool) {
        let here = self.places[self.at];
        if here.address == address {
            return;
        }
        self.places.truncate(self.at + 1);
        if stepped && here.stepped {
            self.places[self.at].address = address;
            return;
        }
        if self.places.len() == PLACES_MAX {
            self.places.remove(0);
        }
        self.places.push(Place { address, stepped });
        self.at = self.places.len() - 1;
    }

    /// The place before, if there is one.
    pub fn back(&mut self) -> Option<Address> {
        self.at = self.at.checked_sub(1)?;
        Some(self.places[self.at].address)
    }

    /// The place after, if there is one.
    pub fn forward(&mut self) -> Option<Address> {
        let place = self.places.get(self.at + 1)?;
        self.at += 1;
        Some(place.address)
    }

    /// Which place of how many, from 1.
    pub fn position(&self) -> (usize, usize) {
        (self.at + 1, self.places.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(neuron: usize) -> Address {
        Address::Neuron { layer: 0, neuron }
    }

    #[test]
    fn keeps_one_place_for_many_steps() {
        let mut history = History::new(at(0));
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
        let mut history = History::new(at(0));
        history.visit(at(1), false);
        history.visit(at(2), false);
        history.back();
        history.visit(at(9), false);
        assert_eq!(history.forward(), None);
        assert_eq!(history.position(), (3, 3));
    }

    #[test]
    fn remembers_a_bounded_number_of_places() {
        let mut history = History::new(at(0));
        for neuron in 1..1000 {
            history.visit(at(neuron), false);
        }
        assert_eq!(history.position(), (200, 200));
    }
}
