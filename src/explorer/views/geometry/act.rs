//! The Geometry pane: measures, settings, the token, the texts, the map of occurrences.

use super::{compared_models, left_to_right};
use crate::explorer::action::{Chart, TabId, ViewId};
use crate::explorer::effect::Effect;
use crate::explorer::saved_view::{Shows, ViewSettings};
use crate::explorer::shell;
use crate::explorer::state::{Purpose, State};
use crate::explorer::views::{line, models};
use crate::geometry::{Language, Measure, Subwords, Texts};
use crate::query::Query;
use crate::query::sheet::Depth;

const VARIANCES: [Measure; 3] = [
    Measure::MevUncentred,
    Measure::MevCentred,
    Measure::MevTruncated,
];
/// Left out one after another.
const DOMINANT: [usize; 3] = [0, 1, 3];

/// Does what a command of the pane says.
pub fn chart(state: &mut State, chart: Chart, count: Option<usize>) -> Vec<Effect> {
    let of_contexts = chart == Chart::AskTexts && state.is_on_top(ViewId::Contexts);
    if state.tab != TabId::Geometry && !of_contexts {
        state.say("this is about the Geometry pane (g s)");
        return Vec::new();
    }
    let geometry = &mut state.views.geometry;
    let settings = &mut geometry.settings;
    let reads = (settings.skip_first, settings.skip_special, settings.pieces);
    let dominant = settings.without_dominant;
    match chart {
        Chart::Show(measure) if measure == settings.measure && measure.of_token() => {
            ask_token(state);
            return Vec::new();
        }
        Chart::Show(measure) if measure == settings.measure && !geometry.points => {
            state.say(format!("this is {}", measure.title()));
        }
        Chart::Show(measure) => show(state, measure),
        Chart::Variance => {
            let at = VARIANCES.iter().position(|m| *m == settings.measure);
            let next = VARIANCES[at.map_or(0, |at| (at + 1) % VARIANCES.len())];
            show(state, next);
        }
        Chart::Corrected => {
            settings.corrected = !settings.corrected;
            if settings.corrected && !settings.is_corrected() {
                let title = settings.measure.title();
                state.say(format!(
                    "{title} has no corrected form; other measures have"
                ));
            }
        }
        Chart::Depth => {
            settings.depth = match settings.depth {
                Depth::State => Depth::Relative,
                Depth::Relative => Depth::State,
            }
        }
        Chart::Log => settings.log = !settings.log,
        Chart::SkipFirst => settings.skip_first = !settings.skip_first,
        Chart::SkipSpecial => settings.skip_special = !settings.skip_special,
        Chart::Dominant => {
            let at = DOMINANT
                .iter()
                .position(|k| *k == settings.without_dominant);
            let next = DOMINANT[at.map_or(0, |at| (at + 1) % DOMINANT.len())];
            let width = state.model.as_ref().map_or(1, |m| m.card.spec.d_model);
            settings.without_dominant = count.unwrap_or(next).min(width.saturating_sub(1));
        }
        Chart::Subwords => {
            settings.pieces = match settings.pieces {
                Subwords::Mean => Subwords::First,
                Subwords::First => Subwords::Last,
                Subwords::Last => Subwords::Mean,
            }
        }
        Chart::Points if settings.token.is_none() => ask_token(state),
        Chart::Points => geometry.points = !geometry.points,
        Chart::AskToken => ask_token(state),
        Chart::AskTexts => line::ask(state, Purpose::Texts, ""),
        Chart::AddModel => {
            if compared_models::has_room(state) {
                return models::open(state, true);
            }
        }
        Chart::RemoveModel => return compared_models::remove(state),
        Chart::Again if geometry.stopped => geometry.stopped = false,
        Chart::Again => state.say("nothing was stopped"),
    }
    let settings = &state.views.geometry.settings;
    let now = (settings.skip_first, settings.skip_special, settings.pieces);
    // Other settings are another question, which was not stopped.
    if now != reads || dominant != settings.without_dominant {
        state.views.geometry.stopped = false;
    }
    Vec::new()
}

fn show(state: &mut State, measure: Measure) {
    let geometry = &mut state.views.geometry;
    (geometry.settings.measure, geometry.points) = (measure, false);
    if measure.of_token() && geometry.settings.token.is_none() {
        ask_token(state);
    }
}

fn ask_token(state: &mut State) {
    let token = state
        .views
        .geometry
        .settings
        .token
        .clone()
        .unwrap_or_default();
    line::ask(state, Purpose::Token, &token);
}

/// Up and down: through the measures, or through the points of the map.
pub fn vertical(state: &mut State, down: bool, times: usize) {
    if state.views.geometry.points {
        return select(state, down, times);
    }
    let all = Measure::ALL;
    let at = all
        .iter()
        .position(|m| *m == state.views.geometry.settings.measure);
    let at = at.unwrap_or(0);
    let to = match down {
        true => (at + times).min(all.len() - 1),
        false => at.saturating_sub(times),
    };
    if to == at {
        let end = if to == 0 { "first" } else { "last" };
        return state.say(format!("this is the {end} measure"));
    }
    show(state, all[to]);
}

/// The next point to the right, or to the left.
fn select(state: &mut State, right: bool, times: usize) {
    let Some((map, _)) = state.context_map() else {
        return state.say("there are no points yet");
    };
    let order = left_to_right(map);
    let at = order
        .iter()
        .position(|i| *i == state.views.geometry.selected);
    let at = at.unwrap_or(0);
    let last = order.len().saturating_sub(1);
    let to = match right {
        true => (at + times).min(last),
        false => at.saturating_sub(times),
    };
    if to == at {
        let end = if to == 0 { "leftmost" } else { "rightmost" };
        return state.say(format!("this is the {end} point"));
    }
    state.views.geometry.selected = order[to];
}

/// Says in how many texts a token stands that is being typed, once the texts were read.
pub fn typing_token(state: &mut State, typed: &str) {
    let found = state.card().zip(state.views.geometry.part.answer());
    let Some((card, answer)) = found.filter(|_| !typed.trim().is_empty()) else {
        return;
    };
    let said = match card.vocabulary.word(typed) {
        Err(error) => error.to_string(),
        Ok(word) => {
            let holds = |ids: &[u32]| !card.vocabulary.occurrences(&word, ids).is_empty();
            let texts = answer.texts.iter().filter(|text| holds(&text.ids)).count();
            format!("in {texts} of {} texts", answer.texts.len())
        }
    };
    state.say(said);
}

/// A token was typed; false if the model cannot spell it.
pub fn typed_token(state: &mut State, typed: &str) -> bool {
    if let Some(card) = state.card()
        && !typed.is_empty()
        && let Err(error) = card.vocabulary.word(typed)
    {
        state.fail(error.to_string());
        return false;
    }
    let geometry = &mut state.views.geometry;
    geometry.settings.token = (!typed.is_empty()).then(|| typed.to_owned());
    geometry.stopped = false;
    geometry.points &= geometry.settings.token.is_some();
    true
}

/// Texts were typed, with `|` between them; none means the bundled ones that fit the model.
pub fn typed_texts(state: &mut State, typed: &str) {
    let texts = typed.split('|').map(str::trim).filter(|t| !t.is_empty());
    let texts: Vec<String> = texts.map(str::to_owned).collect();
    if !texts.is_empty() {
        return take_texts(state, Texts::typed(texts));
    }
    // Where it is not known which these are, it is asked now.
    let language = state.views.geometry.language.unwrap_or(Language::Polish);
    bundled_texts(state, language);
    let settings = &mut state.views.geometry.settings;
    settings.fitting = Some(language);
    settings.fit(language);
}

/// It is known which language's bundled texts fit the open model.
pub fn fit(state: &mut State, language: Language) {
    state.views.geometry.language = Some(language);
    state.views.geometry.settings.fit(language);
}

/// The bundled texts in a language were asked for.
pub fn bundled_texts(state: &mut State, language: Language) {
    take_texts(state, Texts::bundled(language));
}

fn take_texts(state: &mut State, texts: Texts) {
    state.views.geometry.settings.texts = texts;
    state.views.geometry.settings.fitting = None;
    state.views.geometry.stopped = false;
}

/// Texts were read from a file.
pub fn texts(state: &mut State, texts: Texts) -> Vec<Effect> {
    take_texts(state, texts);
    shell::settle(state, Vec::new())
}

/// Esc: stops measuring, or leaves the map; false if there is neither.
pub fn cancel(state: &mut State) -> bool {
    if state.tab != TabId::Geometry {
        return false;
    }
    let settled = |q: &Query| match q {
        Query::ContextMap(_) => state.context_map().is_some_and(|(_, fresh)| fresh),
        _ => state
            .views
            .geometry
            .part
            .shown
            .as_ref()
            .is_some_and(|s| s.query == *q),
    };
    let running = state.wanted.iter().any(|q| !settled(q)) && state.board.failed().is_empty();
    let compared = state
        .views
        .geometry
        .compared_models
        .iter()
        .any(|c| c.part.done.is_some());
    if running || compared {
        state.views.geometry.stopped = true;
        state.views.geometry.part.done = None;
        state
            .views
            .geometry
            .compared_models
            .iter_mut()
            .for_each(|c| c.part.done = None);
        state.say("stopped · Enter measures again");
        return true;
    }
    let points = std::mem::take(&mut state.views.geometry.points);
    if points {
        state.say("back to the chart");
    }
    points
}

/// Takes over the chart of a saved view.
pub fn restore(state: &mut State, settings: &ViewSettings) -> Vec<Effect> {
    let geometry = &mut state.views.geometry;
    let mut chart = settings.chart.clone();
    let mut effects = Vec::new();
    if chart.texts.texts.is_empty() {
        let now = geometry.settings.texts.clone();
        if now.path != chart.texts.path {
            let path = chart.texts.path.iter();
            effects.extend(path.map(|path| Effect::ReadTexts(path.to_path_buf())));
        }
        chart.texts = now;
    }
    if let (Some(fitting), Some(language)) = (chart.fitting, geometry.language)
        && fitting != language
    {
        chart.texts = Texts::bundled(language);
        chart.fitting = Some(language);
    }
    geometry.settings = chart;
    geometry.points = settings.shows == Shows::Points && geometry.settings.token.is_some();
    geometry.stopped = false;
    effects
}
