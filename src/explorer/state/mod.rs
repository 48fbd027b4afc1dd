//! All that the explorer knows: the model, the place, the filters, the answers, what is on top.

mod choice;
mod field;
mod history;
mod labels;
mod line;
mod opening;
mod reading;
mod regions;
mod restore;
mod rows;
mod saved;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::action::{TabId, ViewId};
use super::board::Board;
use super::bookmarks::{Bookmark, BookmarkChange};
use super::key::Key;
use super::keymap::Scope;
use super::session::KeptConvention;
use super::view::{Tab, View};
use super::views::{self, ViewStates};
use crate::outside::escape;
use crate::query::{Address, Answer, Convention, ModelCard, Query};
use crate::task::Progress;
use crate::vocabulary::{FileSource, Filters};
use crate::worker::ModelId;

pub use choice::{Chooser, ModelChoice, Origin, matches};
pub use field::Field;
pub use history::History;
pub use line::{Purpose, TypedLine};
pub use opening::Opening;
pub use regions::{Area, Regions, Target};
pub use rows::{COLUMN_MAX, Marked, PAIRS_MAX, RowCursor, RowItem, RowsInFocus};

/// An opened model.
#[derive(Clone)]
pub struct Model {
    pub id: ModelId,
    pub card: Arc<ModelCard>,
}

/// What the status line says until the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    Said(String),
    Error(String),
}

/// The explorer's state: what all views share, and in `views` what is each one's own.
pub struct State {
    pub model: Option<Model>,
    pub opening: Option<Opening>,
    /// The tab in front.
    pub tab: TabId,
    /// What lies on it, the topmost last.
    pub stack: Vec<ViewId>,
    pub views: ViewStates,
    /// What was answered.
    pub board: Board,
    /// What was last asked of the worker.
    pub wanted: Vec<Query>,
    /// What of it is not worked on any more: its answers so far stay.
    pub stopped: Vec<Query>,
    /// What was last asked of it for when it has nothing else to do.
    pub idle: Vec<Query>,
    pub filters: Filters,
    /// How weights become words, as far as the model offers it.
    pub convention: Convention,
    /// The same of every model that was read, by their names.
    pub conventions: BTreeMap<String, KeptConvention>,
    /// Whether a model that was never read begins under the convention that its figures favour.
    pub favours: bool,
    /// Whether it was said which convention that is, when it was too late to begin under it.
    pub convention_told: bool,
    /// Whether a key or the mouse was used since the model was opened.
    pub touched: bool,
    /// How long the answers took that came between the first lists and that convention.
    pub since_lists: Duration,
    pub history: History,
    /// Where one was in the tabs of other models, by the names of the models.
    pub places: BTreeMap<String, Vec<Address>>,
    /// The model that was open before.
    pub previous: Option<String>,
    /// Models on the hub that were opened by the tensors that are looked at.
    pub in_parts: BTreeSet<String>,
    /// What brings back what was deleted, the latest last.
    pub undo: Vec<BookmarkChange>,
    /// Files that are being read for a view, as they were when it was saved.
    pub expected: Vec<FileSource>,
    pub count: Option<usize>,
    pub pending: Vec<Key>,
    pub notice: Option<Notice>,
    /// Whether the program was started for one model and for no other.
    pub strict: bool,
    /// Models' finished scans, by the names of the models.
    pub scans: BTreeMap<String, PathBuf>,
    /// Whether a model to begin with that is on the hub comes in parts.
    pub by_tensor: bool,
    /// True until the first key of a first start.
    pub welcome: bool,
    pub bookmarks: Vec<Bookmark>,
    /// Models to choose from.
    pub models: Vec<ModelChoice>,
    pub regions: Regions,
    /// Whether a random place is one of those that are ranked.
    pub draws: bool,
    /// Whether no place of the model is known, and no key was pressed since it was opened.
    pub first_look: bool,
    /// The word that a look-up led to: its row is marked in every list.
    pub marked: Option<Marked>,
    /// How far the weights are that the screen waits for, while they come from the hub.
    pub fetching: Option<Progress>,
    pub random: fastrand::Rng,
}

impl State {
    /// A state without a model, which draws its random numbers from a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            model: None,
            opening: None,
            tab: TabId::default(),
            stack: Vec::new(),
            views: ViewStates::default(),
            board: Board::default(),
            wanted: Vec::new(),
            stopped: Vec::new(),
            idle: Vec::new(),
            filters: Filters::default(),
            convention: Convention::RAW,
            conventions: BTreeMap::new(),
            favours: false,
            convention_told: false,
            touched: false,
            since_lists: Duration::ZERO,
            history: History::default(),
            places: BTreeMap::new(),
            previous: None,
            in_parts: BTreeSet::new(),
            undo: Vec::new(),
            expected: Vec::new(),
            count: None,
            pending: Vec::new(),
            notice: None,
            strict: false,
            scans: BTreeMap::new(),
            by_tensor: false,
            welcome: false,
            bookmarks: Vec::new(),
            models: Vec::new(),
            regions: Regions::default(),
            draws: true,
            first_look: false,
            marked: None,
            fetching: None,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// The tab in front.
    pub fn tab(&self) -> &'static dyn Tab {
        self.tab.tab()
    }

    /// What is in front: what lies on top, else the tab.
    pub fn front(&self) -> &'static dyn View {
        match self.stack.last() {
            Some(id) => id.view(),
            None => self.tab(),
        }
    }

    /// Whether that is what lies on top.
    pub fn is_on_top(&self, id: ViewId) -> bool {
        self.stack.last() == Some(&id)
    }

    /// Puts a view on top.
    pub fn put_on_top(&mut self, id: ViewId) {
        self.stack.push(id);
    }

    /// What the screen needs to know, the most important first.
    pub fn needs(&self) -> Vec<Query> {
        if self.model.is_none() {
            return Vec::new();
        }
        let on_top = self.stack.iter().rev().map(|id| id.view());
        let (behind, before): (Vec<_>, Vec<_>) = on_top.partition(|view| view.can_wait());
        let all = before
            .into_iter()
            .chain([self.tab() as &dyn View])
            .chain(behind);
        let mut needs: Vec<Query> = Vec::new();
        for query in all.flat_map(|view| view.queries(self)) {
            if !needs.contains(&query) {
                needs.push(query);
            }
        }
        needs
    }

    /// What is asked for when there is nothing else to do. Of a model in parts nothing is: its weights
    /// would have to come.
    pub fn idle_needs(&self) -> Vec<Query> {
        match self.model {
            Some(_) if !self.is_in_parts() => self.tab().idle_queries(self),
            Some(_) | None => Vec::new(),
        }
    }

    /// Whether the open model stays on the hub, and only what is looked at of it is here.
    pub fn is_in_parts(&self) -> bool {
        self.card().is_some_and(|card| card.remote)
    }

    /// Whether a query that nobody has asked for in so many words is worth asking: not where weights
    /// would have to come that nothing else needs.
    pub fn is_worth_asking(&self, query: &Query) -> bool {
        !(self.is_in_parts() && query.kind().needs_all_weights())
    }

    /// The card of the open model.
    pub fn card(&self) -> Option<&ModelCard> {
        self.model.as_ref().map(|model| &*model.card)
    }

    /// A neuron under the name that tells its expert, where it has one; any other place as it is.
    pub fn named(&self, address: Address) -> Address {
        self.card().map_or(address, |card| card.named(address))
    }

    /// A neuron by its number in the layer; of an expert without one the first.
    pub fn counted(&self, address: Address) -> Address {
        let first = match address {
            Address::Expert {
                layer,
                expert,
                neuron: None,
            } => Address::Expert {
                layer,
                expert,
                neuron: Some(0),
            },
            other => other,
        };
        let counted = self.card().and_then(|card| card.counted(first).ok());
        counted.unwrap_or(address)
    }

    /// Where one is, of a head without its form.
    pub fn address(&self) -> Address {
        self.tab().address(self).without_form()
    }

    /// The bookmark of a place in the open model.
    pub fn bookmark(&self, address: Address) -> Option<&Bookmark> {
        let name = &self.card()?.name;
        let mut marks = self.bookmarks.iter();
        marks.find(|mark| mark.model == *name && mark.address == address)
    }

    /// Why what the screen asked for last cannot be answered.
    pub fn failure(&self, asked: impl Fn(&Query) -> bool) -> Option<&str> {
        let mut failed = self.board.failed().iter();
        let found = failed.find(|(query, _)| self.wanted.contains(query) && asked(query));
        found.map(|(_, why)| &**why)
    }

    /// Whether the model tells which of its tokens are undertrained, once that was looked for.
    pub fn tells_undertrained(&self) -> Option<bool> {
        match &*self.board.get(&Query::Undertrained)?.answer {
            Answer::Undertrained(found) => Some(found.is_some()),
            _ => None,
        }
    }

    /// Forgets the answers that neither are on the screen nor will be shown again.
    pub fn forget_answers(&mut self) {
        let mut board = std::mem::take(&mut self.board);
        board.keep(|query| {
            let asked = self.wanted.contains(query) || self.idle.contains(query);
            asked || views::all().any(|view| view.keeps(self, query))
        });
        self.board = board;
    }

    /// The places that are ranked best in the tab, of which a random one is drawn; none if it is to be
    /// anywhere.
    pub fn drawn_from(&self) -> Vec<Address> {
        match self.draws {
            true => self.tab().ranked(self),
            false => Vec::new(),
        }
    }

    /// The scopes whose keys work now, the nearest first.
    pub fn scopes(&self) -> &'static [Scope] {
        self.front().scopes(self)
    }

    /// What lies on top, under a line that may be typed for it, or the legend.
    pub fn list_on_top(&self) -> Option<ViewId> {
        let above = |id: &&ViewId| matches!(id, ViewId::Line | ViewId::Legend);
        self.stack.iter().rev().find(|id| !above(id)).copied()
    }

    /// The line being typed, if there is one.
    pub fn field(&mut self) -> Option<&mut Field> {
        self.stack.last()?.view().field(self)
    }

    /// Says a sentence in the status line.
    pub fn say(&mut self, text: impl Into<String>) {
        let text: String = text.into();
        self.notice = Some(Notice::Said(escape::line(&text).into_owned()));
    }

    /// Says in the status line what went wrong.
    pub fn fail(&mut self, text: impl Into<String>) {
        let text: String = text.into();
        self.notice = Some(Notice::Error(escape::line(&text).into_owned()));
    }
}
