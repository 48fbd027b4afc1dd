//! A model that comes from the hub: which way, how far, and an end to it.

mod act;
mod draw;

use ratatui::layout::Rect;

use crate::checkpoint::FetchEstimate;
use crate::explorer::action::{Action, ViewId};
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::saved_view::SavedView;
use crate::explorer::screen::Canvas;
use crate::explorer::state::State;
use crate::explorer::view::{List, View};

pub use act::{estimate, failed, on_hub, progress};
pub use draw::progress as draw_progress;

/// A model on the hub that was chosen, and what it would cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Download {
    pub name: String,
    /// Where to go once it is open.
    pub then: Vec<SavedView>,
    /// `None` until the hub has said.
    pub estimate: Option<FetchEstimate>,
    pub selected: usize,
}

impl Download {
    /// The ways in which it can come: whole (false), or by the tensors that are looked at (true).
    /// None until the hub has said.
    pub fn ways(&self) -> Vec<bool> {
        let Some(estimate) = self.estimate else {
            return Vec::new();
        };
        let by_tensor = estimate.first_look.map(|_| true);
        [false].into_iter().chain(by_tensor).collect()
    }
}

/// The choice of a way.
pub struct DownloadView;

impl View for DownloadView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Lists]
    }

    fn page(&self) -> Option<&'static str> {
        Some("models")
    }

    fn act(&self, state: &mut State, action: Action, _: Option<usize>) -> Option<Vec<Effect>> {
        if action == Action::Cancel && state.is_on_top(ViewId::Download) {
            state.stack.pop();
            state.views.download = None;
            return Some(vec![Effect::StopFetch]);
        }
        None
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn list(&self) -> Option<&dyn List> {
        Some(self)
    }
}

impl List for DownloadView {
    fn rows(&self, state: &State) -> usize {
        let download = state.views.download.as_ref();
        download.map_or(0, |download| download.ways().len())
    }

    fn selected<'s>(&self, state: &'s mut State) -> Option<&'s mut usize> {
        let download = state.views.download.as_mut();
        download.map(|download| &mut download.selected)
    }

    fn nothing(&self, _: &State) -> Option<String> {
        None
    }

    fn take(&self, state: &mut State, row: usize) -> Vec<Effect> {
        let ways = state.views.download.as_ref().map(Download::ways);
        let way = ways.unwrap_or_default().get(row).copied();
        way.map_or_else(Vec::new, |by_tensor| act::take(state, by_tensor))
    }
}
