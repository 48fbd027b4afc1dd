//! The Geometry tab: a measure of hidden states over the layers of one to three models, and the map of
//! a token's occurrences.

mod act;
mod compared_models;
mod draw;
mod export;
mod state;
mod status_line;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, Motion, TabId};
use crate::explorer::board::Shown;
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::saved_view::{Shows, ViewSettings};
use crate::explorer::screen::Canvas;
use crate::explorer::state::{Purpose, State};
use crate::explorer::view::{Axis, Export, Exported, Tab, View};
use crate::explorer::views::legend::LegendEntry;
use crate::geometry::{Language, Measure};
use crate::query::sheet::{command, contexts, geometry_command};
use crate::query::{Address, Answer, Query};

pub use act::{fit, texts};
pub use compared_models::{add as compare, compared};
pub use state::{ChartSettings, Compared, ComparedModel, Geometry, Series, left_to_right};

/// The tab.
pub struct GeometryView;

impl View for GeometryView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Geometry, Scope::Panes]
    }

    fn page(&self) -> Option<&'static str> {
        Some("geometry")
    }

    fn queries(&self, state: &State) -> Vec<Query> {
        let geometry = &state.views.geometry;
        // Asked for from this tab only: a model answers one thing at a time, and a pass over the
        // texts behind another tab would stand in the way of that tab's keys. What was measured is
        // remembered.
        if geometry.lacks_language() && !geometry.stopped {
            return vec![Query::TextLanguage];
        }
        match (geometry.stopped, geometry.points) {
            (true, _) => Vec::new(),
            (false, true) => {
                let map = state.context_query().map(Query::ContextMap);
                map.into_iter().collect()
            }
            (false, false) => vec![Query::Geometry(geometry.settings.query())],
        }
    }

    fn act(&self, state: &mut State, action: Action, count: Option<usize>) -> Option<Vec<Effect>> {
        let front = state.tab == TabId::Geometry;
        match action {
            Action::Chart(chart) => return Some(act::chart(state, chart, count)),
            Action::Cancel if front && state.opening.is_none() && act::cancel(state) => {}
            Action::NextColumn | Action::PreviousColumn if front => {
                state.say("there is one chart here");
            }
            Action::Negate if front => state.say("signs are of a neuron's columns (g n)"),
            Action::SwapEnd if front => {
                state.say("the lowest words of a neuron are its columns −K and −V");
            }
            Action::Directions if front => {
                state.say("directions are of neurons (g n) and heads (g h)");
            }
            Action::NextStrip if front => {
                state.say("the strip is in the panes of neurons (g n) and heads (g h)");
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn answered(&self, state: &mut State, shown: &Shown) {
        match (&shown.query, &*shown.answer) {
            (Query::Geometry(_), _) => state.views.geometry.part.take(shown.clone()),
            (Query::ContextMap(query), Answer::Map(map)) => {
                let Some(card) = state.card() else { return };
                let texts = &query.reading.texts.texts;
                let contexts = contexts(&card.vocabulary, texts, map);
                let last = contexts.len().saturating_sub(1);
                let geometry = &mut state.views.geometry;
                geometry.contexts = contexts;
                geometry.selected = geometry.selected.min(last);
            }
            (Query::TextLanguage, Answer::TextLanguage(language)) => fit(state, *language),
            _ => {}
        }
    }

    fn failed(&self, state: &mut State, query: &Query) -> bool {
        if matches!(query, Query::Geometry(_)) {
            state.views.geometry.part.done = None;
        }
        false
    }

    fn opened(&self, state: &mut State) {
        let geometry = &mut state.views.geometry;
        geometry.part = Series::default();
        geometry.contexts.clear();
        let Some(model) = &state.model else { return };
        geometry.state = model.card.spec.passes.len();
        geometry.language = None;
    }

    fn asked(&self, state: &mut State) {
        state.views.geometry.part.done = None;
    }

    fn settle(&self, state: &mut State, effects: &mut Vec<Effect>) {
        compared_models::settle(state, effects);
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn line(&self, state: &mut State, purpose: &Purpose, typed: &str) -> Option<Vec<Effect>> {
        if *purpose == Purpose::Token {
            return act::typed_token(state, typed).then(Vec::new);
        }
        Some(match typed.strip_prefix('@').map(str::trim) {
            Some(name) if let Some(language) = Language::named(name) => {
                act::bundled_texts(state, language);
                Vec::new()
            }
            Some(path) => vec![Effect::ReadTexts(path.trim().into())],
            None => {
                act::typed_texts(state, typed);
                Vec::new()
            }
        })
    }

    fn line_changed(&self, state: &mut State, purpose: &Purpose, typed: &str) {
        if *purpose == Purpose::Token {
            act::typing_token(state, typed);
        }
    }

    fn export(&self, state: &State) -> Option<Export> {
        let geometry = &state.views.geometry;
        let name = match geometry.points {
            true => {
                let token = geometry.settings.token.as_deref().unwrap_or_default();
                format!("{token}-{}-map", state.address()).replace(['/', '\\'], "_")
            }
            false => geometry.settings.measure.name().to_owned(),
        };
        Some(Export {
            name,
            what: Exported::Chart,
        })
    }

    fn chart(&self, state: &State, path: &str) -> Result<String, String> {
        export::text(state, path)
    }

    fn lines(&self, state: &State) -> (String, Vec<String>) {
        let title = state.views.geometry.settings.measure.title();
        (title.to_owned(), export::table(state))
    }

    fn commands(&self, state: &State) -> Vec<String> {
        let geometry = &state.views.geometry;
        if geometry.points {
            let query = state.context_query().map(Query::ContextMap);
            let asked = state.card().zip(query);
            let command = asked.and_then(|(card, query)| command(&card.name, &query, false));
            return command.iter().map(ToString::to_string).collect();
        }
        let compared = state.compared();
        let models: Vec<&str> = compared.iter().map(|model| model.name).collect();
        let query = geometry.settings.query();
        vec![geometry_command(&models, &query, &state.chart()).to_string()]
    }

    fn legend(&self, state: &State, _: &str) -> Vec<LegendEntry> {
        let measure = state.views.geometry.settings.measure;
        vec![LegendEntry::new(measure.title(), meaning(measure), &[])]
    }
}

impl Tab for GeometryView {
    fn title(&self) -> &'static str {
        "Geometry"
    }

    fn name(&self) -> &'static str {
        "geometry"
    }

    fn address(&self, state: &State) -> Address {
        Address::State {
            state: state.views.geometry.state,
        }
    }

    fn holds(&self, address: Address) -> bool {
        matches!(address, Address::State { .. })
    }

    fn place(&self, state: &mut State, address: Address) {
        match address {
            // What the layer leaves behind.
            Address::Layer { layer } => state.views.geometry.state = layer + 1,
            Address::State { state: at } => state.views.geometry.state = at,
            Address::Neuron { .. }
            | Address::Expert { .. }
            | Address::Head { .. }
            | Address::Token { .. }
            | Address::Direction { .. } => {}
        }
    }

    fn number(&self, _: &State) -> String {
        "S".to_owned()
    }

    fn axis<'s>(&self, state: &'s mut State, _: Motion) -> Option<Axis<'s>> {
        let layers = state.model.as_ref()?.card.spec.passes.len();
        Some(Axis {
            what: "state",
            first: 0,
            len: layers + 1,
            at: &mut state.views.geometry.state,
        })
    }

    fn anywhere(&self, state: &mut State) -> Address {
        let layers = state.card().map_or(0, |card| card.spec.passes.len());
        Address::State {
            state: state.random.usize(0..layers + 1),
        }
    }

    fn settings(&self, state: &State) -> ViewSettings {
        ViewSettings {
            shows: Shows::of(false, state.views.geometry.points),
            chart: state.views.geometry.settings.clone(),
            ..ViewSettings::default()
        }
    }

    fn options(&self, settings: &ViewSettings) -> Vec<Vec<String>> {
        settings.of_chart()
    }

    fn restore(&self, state: &mut State, settings: &ViewSettings) -> Vec<Effect> {
        act::restore(state, settings)
    }

    fn focus(&self, state: &State) -> Option<Query> {
        self.queries(state).pop()
    }

    fn settings_line(&self, canvas: &mut Canvas, row: Rect) {
        status_line::settings(canvas, row);
    }

    fn vertical(&self, state: &mut State, down: bool, times: usize) -> bool {
        act::vertical(state, down, times);
        true
    }
}

/// What a measure of states is.
fn meaning(measure: Measure) -> &'static str {
    match measure {
        Measure::Anisotropy => {
            "the mean cosine over all pairs of positions in all texts: how far vectors without any \
             relation point the same way; 0 if they point everywhere"
        }
        Measure::IntraSentence => {
            "how alike the vectors of one text are: their mean cosine with the text's own mean"
        }
        Measure::ContextSpecificity => {
            "how alike the token is from text to text: its mean vector of each text, then the mean \
             cosine over pairs of texts; 1 if context changes nothing"
        }
        Measure::SelfSimilarity => "the mean cosine over all pairs of the token's occurrences",
        Measure::MevUncentred => {
            "the largest share of the occurrences' squared length that lies in one direction \
             (Ethayarajh 2019)"
        }
        Measure::MevCentred => {
            "the share of the occurrences' variance in their first principal component"
        }
        Measure::MevTruncated => {
            "the share of the variance along the strongest direction through 0 (what scikit-learn's \
             TruncatedSVD reports)"
        }
        Measure::TopThree => "the share of anisotropy that three dimensions alone bring about",
    }
}
