//! The views and their registry. A view is a folder: its state, its queries, its keys' commands, its
//! drawing, its export. The shell knows them by [`View`] alone.

pub mod bookmarks;
pub mod changes;
pub mod columns;
pub mod contexts;
pub mod conventions;
pub mod dictionary;
pub mod directions;
pub mod download;
pub mod filters;
pub mod find;
pub mod geometry;
pub mod guide;
pub mod head_map;
pub mod heads;
pub mod legend;
pub mod line;
pub mod links;
pub mod measures;
pub mod models;
pub mod neurons;
pub mod palette;
pub mod points;
pub mod prompt;
pub mod ranking;
pub mod routers;

use super::action::{TabId, ViewId};
use super::state::{Chooser, TypedLine};
use super::view::{Tab, View};

impl TabId {
    /// In the order of the tabs.
    pub const ALL: [Self; 5] = [
        Self::Neurons,
        Self::Heads,
        Self::Geometry,
        Self::Prompt,
        Self::Dictionary,
    ];

    /// The tab.
    pub fn tab(self) -> &'static dyn Tab {
        match self {
            Self::Neurons => &neurons::NeuronsView,
            Self::Heads => &heads::HeadsView,
            Self::Geometry => &geometry::GeometryView,
            Self::Prompt => &prompt::PromptView,
            Self::Dictionary => &dictionary::DictionaryView,
        }
    }
}

impl ViewId {
    /// All views that lie on top.
    pub const ALL: [Self; 17] = [
        Self::Filters,
        Self::Conventions,
        Self::Bookmarks,
        Self::Find,
        Self::Ranking,
        Self::HeadMap,
        Self::Measures,
        Self::Contexts,
        Self::Links,
        Self::Changes,
        Self::Routers,
        Self::Models,
        Self::Download,
        Self::Palette,
        Self::Legend,
        Self::Guide,
        Self::Line,
    ];

    /// The view.
    pub fn view(self) -> &'static dyn View {
        match self {
            Self::Filters => &filters::FiltersView,
            Self::Conventions => &conventions::ConventionsView,
            Self::Bookmarks => &bookmarks::BookmarksView,
            Self::Find => &find::FindView,
            Self::Ranking => &ranking::RankingView,
            Self::HeadMap => &head_map::HeadMapView,
            Self::Measures => &measures::MeasuresView,
            Self::Contexts => &contexts::ContextsView,
            Self::Links => &links::LinksView,
            Self::Changes => &changes::ChangesView,
            Self::Routers => &routers::RoutersView,
            Self::Models => &models::ModelsView,
            Self::Download => &download::DownloadView,
            Self::Palette => &palette::PaletteView,
            Self::Legend => &legend::LegendView,
            Self::Guide => &guide::GuideView,
            Self::Line => &line::LineView,
        }
    }
}

/// All views of the registry, the tabs first.
pub fn all() -> impl Iterator<Item = &'static dyn View> {
    let tabs = TabId::ALL.into_iter().map(|id| id.tab() as &dyn View);
    tabs.chain(ViewId::ALL.into_iter().map(ViewId::view))
}

/// The states of all views.
#[derive(Clone, Default)]
pub struct ViewStates {
    pub neurons: neurons::Neurons,
    pub heads: heads::Heads,
    pub geometry: geometry::Geometry,
    pub prompt: prompt::Prompt,
    pub dictionary: dictionary::DictionaryPlace,
    pub bookmarks: Chooser,
    pub find: find::Find,
    pub ranking: ranking::RankingState,
    pub head_map: head_map::HeadMap,
    pub measures: Chooser,
    pub contexts: contexts::Contexts,
    pub links: links::Links,
    pub changes: changes::Changes,
    pub routers: routers::Routers,
    pub models: models::Models,
    pub download: Option<download::Download>,
    pub palette: palette::Palette,
    /// The legend's first row on screen.
    pub legend: usize,
    pub guide: guide::Guide,
    pub line: Option<TypedLine>,
}
