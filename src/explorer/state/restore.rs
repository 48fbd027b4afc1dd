//! What outlives a sitting: the session, read at the start and written at the end.

use super::{ModelChoice, Opening, Origin, State};
use crate::explorer::action::TabId;
use crate::explorer::saved_view::SavedView;
use crate::explorer::session::{KeptConvention, Session};
use crate::explorer::views::geometry::ComparedModel;
use crate::explorer::views::neurons::LayerStrip;
use crate::geometry::Measure;
use crate::query::{FIRST_CONVENTION_RULE, RankMetric};

/// Folders that are remembered.
const RECENT_MAX: usize = 12;

impl State {
    /// Takes up a session; `models` are those that can be chosen besides its recent folders.
    pub fn resume(&mut self, session: Session, models: Vec<ModelChoice>) {
        let recent = session.recent_folders.into_iter();
        let recent = recent.map(|name| ModelChoice::new(name, Origin::Recent));
        self.models = recent.collect();
        self.take_models(models);
        self.filters = session.filters;
        self.convention = session.convention;
        self.conventions = session.conventions;
        if let Some(name) = &session.model
            && !session.convention.is_raw()
        {
            // A session of before conventions were kept for each model.
            let kept = KeptConvention {
                convention: session.convention,
                own: true,
                rule: FIRST_CONVENTION_RULE,
            };
            self.conventions.entry(name.clone()).or_insert(kept);
        }
        // What an earlier rule chose is chosen anew.
        self.conventions
            .retain(|_, kept| kept.own || kept.rule == FIRST_CONVENTION_RULE);
        self.scans = session.scans;
        self.views.heads.end = session.end;
        self.draws = !session.anywhere;
        self.views.neurons.strip = LayerStrip::all()
            .find(|strip| strip.name() == session.strip)
            .unwrap_or_default();
        self.views.heads.grid = session
            .grid
            .parse()
            .ok()
            .filter(|by: &RankMetric| by.of_heads());
        let mut tabs = TabId::ALL.into_iter();
        let kept = tabs.find(|id| id.tab().name() == session.pane);
        self.tab = kept.unwrap_or_default();
        let measure = Measure::ALL
            .into_iter()
            .find(|m| m.name() == session.measure);
        let settings = &mut self.views.geometry.settings;
        settings.measure = measure.unwrap_or(settings.measure);
        if measure.is_some() {
            settings.token = session.token;
        }
        settings.switch(session.chart);
        for name in session.beside {
            self.views.geometry.next_key += 1;
            self.views
                .geometry
                .compared_models
                .push(ComparedModel::named(self.views.geometry.next_key, name));
        }
        let mut places = vec![session.neuron, session.head, session.state];
        let front = TabId::ALL.iter().position(|p| *p == self.tab);
        // The prompt's place is among the views.
        if let Some(front) = front.filter(|front| *front < places.len()) {
            let front = places.remove(front);
            places.push(front);
        }
        let places = places.into_iter().flatten().map(SavedView::from);
        // Of another version they are not there, or not all understood: the fields beside them are.
        let views = session.views.iter().filter_map(|view| view.parse().ok());
        self.places = session.places;
        self.by_tensor |= session.by_tensor;
        if let Some(name) = session.model {
            self.opening = Some(Opening::new(name, places.chain(views).collect()));
        }
    }

    /// Takes up the models that lie on this machine, in the place of those that lay there before.
    pub fn take_models(&mut self, models: Vec<ModelChoice>) {
        self.models.retain(|model| model.origin == Origin::Recent);
        let here = |known: &ModelChoice| models.iter().any(|model| model.name == known.name);
        self.models.retain(|known| !here(known));
        self.models.extend(models);
        self.models.sort_by_key(|model| model.origin.rank());
    }

    /// The session to keep.
    pub fn session(&self) -> Session {
        let [neuron, head, state, ..] = self.by_tab().map(Some);
        let settings = &self.views.geometry.settings;
        let beside = self
            .views
            .geometry
            .compared_models
            .iter()
            .map(|c| c.name.clone());
        let recent = self.models.iter().filter(|m| m.origin == Origin::Recent);
        Session {
            model: self.card().map(|card| card.name.clone()),
            by_tensor: self.is_in_parts(),
            pane: self.tab().name().to_owned(),
            neuron,
            head,
            state,
            measure: settings.measure.name().to_owned(),
            token: settings.token.clone(),
            chart: settings.switches(),
            beside: beside.collect(),
            end: self.views.heads.end,
            anywhere: !self.draws,
            strip: self.views.neurons.strip.name().to_owned(),
            grid: self
                .views
                .heads
                .grid
                .map_or_else(String::new, |by| by.to_string()),
            recent_folders: recent.map(|m| m.name.clone()).collect(),
            filters: self.filters.clone(),
            convention: self.convention,
            conventions: self.conventions.clone(),
            scans: self.scans.clone(),
            views: self
                .saved_views()
                .iter()
                .map(SavedView::to_string)
                .collect(),
            places: self.places.clone(),
        }
    }

    /// Notes that a model was opened, as the latest of the recent ones.
    pub fn remember(&mut self, name: &str) {
        let known = self.models.iter().position(|model| model.name == name);
        match known.map(|at| self.models[at].origin) {
            Some(Origin::Bundled | Origin::Stored(_)) => return,
            Some(Origin::Recent) => self.models.retain(|model| model.name != name),
            None => {}
        }
        let recent = |model: &ModelChoice| model.origin == Origin::Recent;
        let bundled = |model: &ModelChoice| model.origin == Origin::Bundled;
        let first = self.models.iter().filter(|m| bundled(m)).count();
        let choice = ModelChoice::new(name, Origin::Recent);
        self.models.insert(first, choice);
        if self.models.iter().filter(|m| recent(m)).count() > RECENT_MAX {
            self.models.remove(first + RECENT_MAX);
        }
    }
}
