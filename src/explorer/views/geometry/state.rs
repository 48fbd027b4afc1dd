//! The Geometry pane: what is charted, of which texts, and the models side by side.

use crate::explorer::board::Shown;
use crate::explorer::session::Switches;
use crate::explorer::state::{Model, State};
use crate::geometry::{Curve, Estimate, Language, Measure, Subwords, Texts};
use crate::query::sheet::{Depth, GeometryChart};
use crate::query::{
    ContextMapQuery, GeometryAnswer, GeometryQuery, MapAnswer, ModelCard, Query, TextReading,
    TokenChoice,
};

/// What is charted, and of what.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartSettings {
    pub measure: Measure,
    pub corrected: bool,
    pub depth: Depth,
    pub log: bool,
    /// The word whose occurrences are measured.
    pub token: Option<String>,
    pub pieces: Subwords,
    pub texts: Texts,
    /// The language of the bundled texts, while they are those that fit the model.
    pub fitting: Option<Language>,
    pub skip_first: bool,
    pub skip_special: bool,
    pub without_dominant: usize,
}

impl Default for ChartSettings {
    fn default() -> Self {
        Self {
            measure: Measure::Anisotropy,
            corrected: false,
            depth: Depth::State,
            log: false,
            token: Some(Language::Polish.frequent_word().to_owned()),
            pieces: Subwords::default(),
            texts: Texts::bundled(Language::Polish),
            fitting: Some(Language::Polish),
            skip_first: false,
            skip_special: false,
            without_dominant: 0,
        }
    }
}

impl ChartSettings {
    /// Sets the switches as they were kept.
    pub fn switch(&mut self, kept: Switches) {
        (self.corrected, self.log, self.pieces) = (kept.corrected, kept.log, kept.pieces);
        (self.skip_first, self.skip_special) = (kept.skip_first, kept.skip_special);
        self.without_dominant = kept.without_dominant;
        self.depth = match kept.relative_depth {
            true => Depth::Relative,
            false => Depth::State,
        };
    }

    /// The switches, to be kept.
    pub fn switches(&self) -> Switches {
        Switches {
            corrected: self.corrected,
            relative_depth: self.depth == Depth::Relative,
            log: self.log,
            skip_first: self.skip_first,
            skip_special: self.skip_special,
            without_dominant: self.without_dominant,
            pieces: self.pieces,
        }
    }

    /// Takes the bundled texts of the language that fits a model, unless others were chosen; and a
    /// word in most of them, if the token is such a word of the other language.
    pub fn fit(&mut self, language: Language) {
        if self.fitting.is_none() {
            return;
        }
        if self.fitting != Some(language) {
            self.texts = Texts::bundled(language);
            self.fitting = Some(language);
        }
        let frequent = |word: &String| Language::ALL.iter().any(|l| l.frequent_word() == word);
        if self.token.as_ref().is_some_and(frequent) {
            self.token = Some(language.frequent_word().to_owned());
        }
    }

    fn reading(&self) -> TextReading {
        TextReading {
            skip_first: self.skip_first,
            skip_special: self.skip_special,
            ..TextReading::new(self.texts.clone())
        }
    }

    fn choice(&self) -> Option<TokenChoice> {
        self.token.clone().map(TokenChoice::Word)
    }

    /// What is asked of every model of the chart.
    pub fn query(&self) -> GeometryQuery {
        GeometryQuery {
            reading: self.reading(),
            token: self.choice(),
            pieces: self.pieces,
            without_dominant: self.without_dominant,
        }
    }

    /// The curve of the measure, with the values that are shown of it.
    pub fn values<'a>(
        &self,
        answer: &'a GeometryAnswer,
    ) -> Option<(&'a Curve, &'a [Option<Estimate>])> {
        let curve = answer.curve(self.measure)?;
        let corrected = self.corrected && !curve.corrected.is_empty();
        let values = match corrected {
            true => &curve.corrected,
            false => &curve.raw,
        };
        Some((curve, values))
    }

    /// Whether the measure has a corrected form, and it is shown.
    pub fn is_corrected(&self) -> bool {
        self.corrected && !matches!(self.measure, Measure::Anisotropy | Measure::TopThree)
    }
}

/// A model's part of the chart.
#[derive(Clone, Default)]
pub struct Series {
    /// What was measured last, be it of other settings.
    pub shown: Option<Shown>,
    /// Share of the present measuring that is done.
    pub done: Option<f32>,
}

impl Series {
    /// Takes an answer, or how far it is.
    pub fn take(&mut self, shown: Shown) {
        let Some((_, answer)) = shown.of::<GeometryQuery>() else {
            return;
        };
        if answer.done < 1.0 {
            self.done = Some(answer.done);
        } else {
            self.done = None;
            self.shown = Some(shown);
        }
    }

    /// What was measured last.
    pub fn answer(&self) -> Option<&GeometryAnswer> {
        let (_, answer) = self.shown.as_ref()?.of::<GeometryQuery>()?;
        Some(answer)
    }
}

/// A further model of the chart, with a worker of its own.
#[derive(Clone)]
pub struct ComparedModel {
    /// Unlike any other of this sitting.
    pub key: u64,
    pub name: String,
    /// Whether it was asked to be opened: it is when the chart is first seen.
    pub asked: bool,
    pub open: Option<Model>,
    pub wanted: Vec<Query>,
    pub failed: Option<String>,
    pub part: Series,
}

impl ComparedModel {
    /// One that is not open yet.
    pub fn named(key: u64, name: String) -> Self {
        Self {
            key,
            name,
            asked: false,
            open: None,
            wanted: Vec::new(),
            failed: None,
            part: Series::default(),
        }
    }
}

/// Where one is in the Geometry pane, and what it shows.
#[derive(Clone, Default)]
pub struct Geometry {
    /// The state under the cursor.
    pub state: usize,
    pub settings: ChartSettings,
    /// The language whose bundled texts fit the open model, once that was asked.
    pub language: Option<Language>,
    /// Whether occurrences are shown as points instead of the chart.
    pub points: bool,
    /// The selected point, by its place in the answer.
    pub selected: usize,
    /// Whether measuring was stopped by the user.
    pub stopped: bool,
    pub part: Series,
    /// For each point of the map, the text before the word, the word, and the text after it.
    pub contexts: Vec<[String; 3]>,
    pub compared_models: Vec<ComparedModel>,
    /// The key of the next compared model.
    pub next_key: u64,
}

impl Geometry {
    /// Whether the texts are to be those that fit the open model, and which these are is not known.
    pub fn lacks_language(&self) -> bool {
        self.settings.fitting.is_some() && self.language.is_none()
    }
}

/// A model of the chart, as one looks at it.
pub struct Compared<'a> {
    pub name: &'a str,
    pub card: Option<&'a ModelCard>,
    pub part: &'a Series,
    /// Whether what was measured last is what is asked now.
    pub fresh: bool,
    pub failed: Option<&'a str>,
}

impl State {
    /// The models of the chart, the open one first.
    pub fn compared(&self) -> Vec<Compared<'_>> {
        let geometry = &self.views.geometry;
        let asked = Query::Geometry(geometry.settings.query());
        let fresh = |part: &Series| part.shown.as_ref().is_some_and(|s| s.query == asked);
        let own = self.card().map(|card| Compared {
            name: &card.name,
            card: Some(card),
            part: &geometry.part,
            fresh: fresh(&geometry.part),
            failed: self.failure(|query| matches!(query, Query::Geometry(_))),
        });
        let compared = geometry.compared_models.iter().map(|model| Compared {
            name: &model.name,
            card: model.open.as_ref().map(|open| &*open.card),
            part: &model.part,
            fresh: fresh(&model.part),
            failed: model.failed.as_deref(),
        });
        own.into_iter().chain(compared).collect()
    }

    /// What the chart shows.
    pub fn chart(&self) -> GeometryChart {
        let settings = &self.views.geometry.settings;
        GeometryChart {
            measure: settings.measure,
            corrected: settings.is_corrected(),
            depth: settings.depth,
            log: settings.log,
        }
    }

    /// The state under the cursor, in a model of `states` states.
    pub fn state_of(&self, states: usize) -> Option<usize> {
        let (at, last) = (self.views.geometry.state, states.saturating_sub(1));
        match self.views.geometry.settings.depth {
            Depth::State => (at <= last).then_some(at),
            Depth::Relative => {
                let layers = self.card().map_or(1, |card| card.spec.passes.len().max(1));
                Some((at as f64 / layers as f64 * last as f64).round() as usize)
            }
        }
    }

    /// The map of occurrences at the cursor's state; none without a token.
    pub fn context_query(&self) -> Option<ContextMapQuery> {
        let settings = &self.views.geometry.settings;
        Some(ContextMapQuery {
            reading: settings.reading(),
            token: settings.choice()?,
            pieces: settings.pieces,
            state: self.views.geometry.state,
        })
    }

    /// The map on screen, and whether it is that of the state under the cursor.
    pub fn context_map(&self) -> Option<(&MapAnswer, bool)> {
        let shown = self.context_map_shown()?;
        let (_, answer) = shown.of::<ContextMapQuery>()?;
        Some((answer, self.wanted.contains(&shown.query)))
    }

    /// The answer of which the map is on screen.
    pub fn context_map_shown(&self) -> Option<&Shown> {
        self.board
            .latest(|query| matches!(query, Query::ContextMap(_)))
    }

    /// Anisotropy after each layer of the open model, once it was measured.
    pub fn layer_anisotropy(&self) -> Option<Vec<f32>> {
        let curve = self
            .views
            .geometry
            .part
            .answer()?
            .curve(Measure::Anisotropy)?;
        let value = |e: &Option<Estimate>| e.map_or(f32::NAN, |e| e.value as f32);
        Some(curve.raw.iter().skip(1).map(value).collect())
    }
}

/// The points of a map from left to right, as their places in the answer.
pub fn left_to_right(map: &MapAnswer) -> Vec<usize> {
    let mut order: Vec<usize> = (0..map.points.len()).collect();
    order.sort_by(|&a, &b| map.points[a].at[0].total_cmp(&map.points[b].at[0]));
    order
}
