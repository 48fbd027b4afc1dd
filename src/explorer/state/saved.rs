//! The present views of the tabs, to be kept.

use super::State;
use crate::explorer::action::TabId;
use crate::explorer::bookmarks::Bookmark;
use crate::explorer::saved_view::{SavedView, tab_of};
use crate::query::Address;

impl State {
    /// What is in front, with all that decides what stands there.
    pub fn saved_view(&self) -> SavedView {
        self.view_of(self.tab)
    }

    /// The same of any tab, in front or not.
    pub fn view_of(&self, tab: TabId) -> SavedView {
        SavedView {
            model: self.card().map(|card| card.name.clone()),
            address: tab.tab().address(self),
            settings: Some(Box::new(tab.tab().settings(self))),
        }
    }

    /// The places of the tabs, in their order.
    pub fn by_tab(&self) -> [Address; TabId::ALL.len()] {
        TabId::ALL.map(|id| id.tab().address(self))
    }

    /// The views of the tabs, the one in front last.
    pub fn saved_views(&self) -> Vec<SavedView> {
        let there = TabId::ALL.into_iter().filter(|id| id.tab().is_there(self));
        let others = there.filter(|id| *id != self.tab);
        let views = others.chain([self.tab]);
        views.map(|id| self.view_of(id)).collect()
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
        match (mark.view(), tab_of(mark.address)) {
            (Some(view), Some(tab)) => view.unlike(&self.view_of(tab)),
            _ => Vec::new(),
        }
    }
}
