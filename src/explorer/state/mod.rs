//! All that the explorer knows: the model, the place, the filters, the answers, what is on top.

mod choices;
mod directions;
mod field;
mod find;
mod first_look;
mod geometry;
mod history;
mod interesting;
mod labels;
mod measures;
mod opening;
mod overlay;
mod reading;
mod regions;
mod rows;
mod saved;
mod sitting;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::action::Pane;
use super::bookmarks::{Bookmark, BookmarkChange};
use super::key::Key;
use super::keymap::Scope;
use super::session::KeptConvention;
use crate::hub::Progress;
use crate::outside::escape;
use crate::projection::End;
use crate::query::{
    Address, Answer, Column, Convention, Interest, ModelCard, NeuronAnswer, PairsAnswer, Query,
};
use crate::transformer::{Form, Input};
use crate::vocabulary::{Filters, Source};
use crate::worker::ModelId;

pub use choices::{Choice, ModelChoice, Origin};
pub use field::Field;
pub use find::{Find, Found};
pub use geometry::{Companion, Compared, Geometry, Part, Settings, left_to_right};
pub use history::History;
pub use interesting::Ranked;
pub use measures::Strip;
pub use opening::Opening;
pub use overlay::{Chooser, Overlay, Prompt, Purpose, Ways};
pub use regions::{Area, Regions, Target};
pub use rows::{COLUMN_MAX, Marked, PAIRS_MAX, RowCursor, RowItem, RowsInFocus};

/// An opened model.
#[derive(Clone)]
pub struct Model {
    pub id: ModelId,
    pub card: Arc<ModelCard>,
}

/// An answer with its query.
#[derive(Clone)]
pub struct Shown {
    pub query: Query,
    pub answer: Arc<Answer>,
    pub took: Duration,
}

/// Where one is in the Neurons pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neurons {
    pub layer: usize,
    pub neuron: usize,
    /// Which input of a gated neuron is its key.
    pub input: Input,
    /// Index of the column in focus, in the order of [`Column::ALL`].
    pub focus: usize,
    /// The row of the columns under the cursor, or the line of directions.
    pub cursor: RowCursor,
    /// Whether the column in focus is shown as a map.
    pub points: bool,
    /// The selected point of the map.
    pub selected: usize,
    /// Whether the directions of the layer's keys and values are shown in the place of columns.
    pub directions: bool,
}

/// Where one is in the Heads pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    pub layer: usize,
    pub head: usize,
    /// How many positions the key lies behind the query, where positions are rotary.
    pub distance: usize,
    pub end: End,
    /// Index of the list in focus, in the order of [`Heads::FORMS`].
    pub focus: usize,
    /// The pair under the cursor, or the line of directions, a list each.
    pub cursors: [RowCursor; 2],
    /// Which side of a pair or direction is in focus, 0 or 1.
    pub side: usize,
    /// Whether directions are shown in the place of pairs.
    pub directions: bool,
}

impl Heads {
    /// The two lists, in the order in which they are shown.
    pub const FORMS: [Form; 2] = [Form::Vo, Form::Qk];
}

/// What the status line says until the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    Said(String),
    Error(String),
}

/// The explorer's state.
pub struct State {
    pub model: Option<Model>,
    pub opening: Option<Opening>,
    pub pane: Pane,
    pub neurons: Neurons,
    pub heads: Heads,
    pub geometry: Geometry,
    pub find: Find,
    pub strip: Strip,
    /// By what the grid of heads is coloured; `None`: by the best pairs seen.
    pub grid: Option<Interest>,
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
    /// Where one was in the panes of other models, by the names of the models.
    pub places: BTreeMap<String, Vec<Address>>,
    /// The model that was open before.
    pub previous: Option<String>,
    /// Models on the hub that were opened by the tensors that are looked at.
    pub in_parts: BTreeSet<String>,
    /// The list in which the model that is being opened was chosen: if that fails, what was typed in it
    /// is proposed the next time.
    pub chosen_in: Option<Overlay>,
    /// What brings back what was deleted, the latest last.
    pub undo: Vec<BookmarkChange>,
    /// Files that are being read for a view, as they were when it was saved.
    pub expected: Vec<Source>,
    pub overlays: Vec<Overlay>,
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
    /// What was last asked of the worker.
    pub wanted: Vec<Query>,
    /// What was last asked of it for when it has nothing else to do.
    pub idle: Vec<Query>,
    pub neuron: Option<Shown>,
    pub pairs: [Option<Shown>; 2],
    pub directions: [Option<Shown>; 2],
    /// How far lists can be trusted: the neuron's, and those of the two forms.
    pub trusts: [Option<Shown>; 3],
    /// Of the layer's keys and of its values.
    pub layer_directions: [Option<Shown>; 2],
    pub norms: Option<Arc<Answer>>,
    /// The map of a neuron's column.
    pub column_points: Option<Shown>,
    /// The interesting neurons and heads.
    pub ranked: Ranked,
    /// Whether no place of the model is known, and no key was pressed since it was opened.
    pub first_look: bool,
    /// The word that a look-up led to: its row is marked in every list.
    pub marked: Option<Marked>,
    /// Whether the model tells which of its tokens are undertrained, once that was looked for.
    pub tells_undertrained: Option<bool>,
    /// How far the weights are that the screen waits for, while they come from the hub.
    pub fetching: Option<Progress>,
    /// What could not be answered, and why.
    pub failed: Vec<(Query, String)>,
    /// The best score of the heads seen so far, VO and QK, highest or lowest.
    pub seen: BTreeMap<(usize, usize), [Option<f32>; 2]>,
    pub random: fastrand::Rng,
}

impl State {
    /// A state without a model, which draws its random numbers from a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            model: None,
            opening: None,
            pane: Pane::Neurons,
            neurons: Neurons::default(),
            heads: Heads::default(),
            geometry: Geometry::default(),
            find: Find::default(),
            strip: Strip::default(),
            grid: None,
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
            chosen_in: None,
            undo: Vec::new(),
            expected: Vec::new(),
            overlays: Vec::new(),
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
            wanted: Vec::new(),
            idle: Vec::new(),
            neuron: None,
            pairs: [None, None],
            directions: [None, None],
            trusts: [None, None, None],
            layer_directions: [None, None],
            norms: None,
            column_points: None,
            ranked: Ranked::default(),
            first_look: false,
            marked: None,
            tells_undertrained: None,
            fetching: None,
            failed: Vec::new(),
            seen: BTreeMap::new(),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// The card of the open model.
    pub fn card(&self) -> Option<&ModelCard> {
        self.model.as_ref().map(|model| &*model.card)
    }

    /// Where one is.
    pub fn address(&self) -> Address {
        match self.pane {
            Pane::Neurons => Address::Neuron {
                layer: self.neurons.layer,
                neuron: self.neurons.neuron,
            },
            Pane::Heads => Address::Head {
                layer: self.heads.layer,
                head: self.heads.head,
                form: None,
            },
            Pane::Geometry => Address::State {
                state: self.geometry.state,
            },
        }
    }

    /// The bookmark of a place in the open model.
    pub fn bookmark(&self, address: Address) -> Option<&Bookmark> {
        let name = &self.card()?.name;
        let mut marks = self.bookmarks.iter();
        marks.find(|mark| mark.model == *name && mark.address == address)
    }

    /// The column in focus.
    pub fn column(&self) -> Column {
        Column::ALL[self.neurons.focus]
    }

    /// Which input of the neuron is its key; the first where there is no gate.
    pub fn input(&self) -> Input {
        let gated = self.card().is_some_and(ModelCard::gated);
        if gated {
            self.neurons.input
        } else {
            Input::default()
        }
    }

    /// How far the key lies behind the query; 0 where it makes no difference to a form.
    pub fn distance(&self, form: Form) -> usize {
        let turns = self.card().is_some_and(|card| card.spec.rotary);
        if turns && form == Form::Qk {
            self.heads.distance
        } else {
            0
        }
    }

    /// The list in focus.
    pub fn form(&self) -> Form {
        Heads::FORMS[self.heads.focus]
    }

    /// The neuron's columns on screen, and whether they are those of the place one is at.
    pub fn columns(&self) -> Option<(&NeuronAnswer, bool)> {
        let shown = self.neuron.as_ref()?;
        match &*shown.answer {
            Answer::Neuron(answer) => Some((answer, self.wants_list(&shown.query))),
            _ => None,
        }
    }

    /// Why what the screen asked for last cannot be answered.
    pub fn failure(&self, asked: impl Fn(&Query) -> bool) -> Option<&str> {
        let mut failed = self.failed.iter();
        let found = failed.find(|(query, _)| self.wanted.contains(query) && asked(query));
        found.map(|(_, why)| &**why)
    }

    /// A pair list on screen, whether it is that of the place one is at, and what it took.
    pub fn pair_list(&self, list: usize) -> Option<(&PairsAnswer, bool, Duration)> {
        let shown = self.pairs[list].as_ref()?;
        match &*shown.answer {
            Answer::Pairs(answer) => Some((answer, self.wants_list(&shown.query), shown.took)),
            _ => None,
        }
    }

    /// The mean norm of each layer's values, once it is known.
    pub fn value_norms(&self) -> Option<&[f32]> {
        match self.norms.as_deref() {
            Some(Answer::ValueNorms(norms)) => Some(norms),
            _ => None,
        }
    }

    /// The scopes whose keys work now, the nearest first.
    pub fn scopes(&self) -> &'static [Scope] {
        match self.overlays.last() {
            None => Scope::of_pane(self.pane),
            Some(Overlay::Filters) => &[Scope::Filters],
            Some(Overlay::Conventions) => &[Scope::Conventions],
            Some(Overlay::Bookmarks(_)) => &[Scope::Bookmarks, Scope::Lists],
            Some(Overlay::Find(_)) => &[Scope::Find, Scope::Lists],
            Some(Overlay::Interesting(_)) => &[Scope::Interesting, Scope::Lists],
            Some(Overlay::HeadMap { .. }) => &[Scope::HeadMap],
            Some(Overlay::Commands { chooser, .. }) if chooser.field.text().is_empty() => {
                &[Scope::Help, Scope::Lists]
            }
            Some(Overlay::Commands { .. } | Overlay::Ways(_)) => &[Scope::Lists],
            Some(Overlay::Models { .. }) => &[Scope::Models, Scope::Lists],
            Some(Overlay::Legend(_)) => &[Scope::Legend],
            Some(Overlay::Prompt(_)) => &[Scope::Prompt],
        }
    }

    /// What lies on top, under a line that may be typed for it, or the legend.
    pub fn list_on_top(&self) -> Option<&Overlay> {
        let above = |overlay: &&Overlay| matches!(overlay, Overlay::Prompt(_) | Overlay::Legend(_));
        self.overlays.iter().rev().find(|overlay| !above(overlay))
    }

    /// The line being typed, if there is one.
    pub fn field(&mut self) -> Option<&mut Field> {
        match self.overlays.last_mut()? {
            Overlay::Prompt(prompt) => Some(&mut prompt.field),
            list => list.chooser().map(|chooser| &mut chooser.field),
        }
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
