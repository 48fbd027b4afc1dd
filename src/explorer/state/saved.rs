//! The present views of the panes, to be kept.

use super::{Bookmark, Heads, State};
use crate::explorer::action::Pane;
use crate::explorer::saved_view::{SavedView, Shows, ViewSettings, pane_of};
use crate::query::{Address, Column};

impl State {
    /// What is in front, with all that decides what stands there.
    pub fn saved_view(&self) -> SavedView {
        self.view_of(self.pane)
    }

    /// The same of any pane, in front or not.
    pub fn view_of(&self, pane: Pane) -> SavedView {
        let shows = |directions: bool, points: bool| match (directions, points) {
            (true, _) => Shows::Directions,
            (_, true) => Shows::Points,
            _ => Shows::Lists,
        };
        let words = ViewSettings {
            convention: self.convention,
            filters: self.filters.clone(),
            ..ViewSettings::default()
        };
        let settings = match pane {
            Pane::Neurons => ViewSettings {
                shows: shows(self.neurons.directions, self.neurons.points),
                column: Column::ALL[self.neurons.focus],
                input: self.neurons.input,
                ..words
            },
            Pane::Heads => ViewSettings {
                shows: shows(self.heads.directions, false),
                end: self.heads.end,
                distance: self.heads.distance,
                ..words
            },
            Pane::Geometry => ViewSettings {
                shows: shows(false, self.geometry.points),
                chart: self.geometry.settings.clone(),
                ..ViewSettings::default()
            },
        };
        SavedView {
            model: self.card().map(|card| card.name.clone()),
            address: self.address_of(pane),
            settings: Some(Box::new(settings)),
        }
    }

    /// Where one is in a pane; of a head with the form in focus.
    fn address_of(&self, pane: Pane) -> Address {
        match pane {
            Pane::Neurons => Address::Neuron {
                layer: self.neurons.layer,
                neuron: self.neurons.neuron,
            },
            Pane::Heads => Address::Head {
                layer: self.heads.layer,
                head: self.heads.head,
                form: Some(Heads::FORMS[self.heads.focus]),
            },
            Pane::Geometry => Address::State {
                state: self.geometry.state,
            },
        }
    }

    /// The places of the panes, in their order.
    pub fn by_pane(&self) -> [Address; 3] {
        Pane::ALL.map(|pane| self.address_of(pane))
    }

    /// The views of the panes, the one in front last.
    pub fn views(&self) -> Vec<SavedView> {
        let others = Pane::ALL.into_iter().filter(|pane| *pane != self.pane);
        let views = others.chain([self.pane]);
        views.map(|pane| self.view_of(pane)).collect()
    }

    /// The mark of what is in front: of the same view if there is one, else of the same place,
    /// looked at in another way. And whether it is the same view.
    pub fn mark_here(&self) -> Option<(&Bookmark, bool)> {
        let name = &self.card()?.name;
        let (address, here) = (self.address(), self.saved_view().without_focus());
        let marks = self.bookmarks.iter();
        let of_place = marks.filter(|mark| mark.model == *name && mark.address == address);
        let same = |mark: &Bookmark| mark.view().is_none_or(|v| v.without_focus() == here);
        let found: Vec<_> = of_place.map(|mark| (mark, same(mark))).collect();
        let exact = found.iter().find(|(_, same)| *same);
        exact.or(found.first()).copied()
    }

    /// In what a mark's view differs from the present one of its pane.
    pub fn unlike(&self, mark: &Bookmark) -> Vec<String> {
        match (mark.view(), pane_of(mark.address)) {
            (Some(view), Some(pane)) => view.unlike(&self.view_of(pane)),
            _ => Vec::new(),
        }
    }
}
