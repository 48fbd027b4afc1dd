//! The Geometry pane: measures, settings, the token, the texts, the map of occurrences.

use super::{beside, export};
use crate::explorer::action::{Chart, Pane};
use crate::explorer::effect::Effect;
use crate::explorer::state::{Chooser, Field, Overlay, Prompt, Purpose, State, left_to_right};
use crate::geometry::{Estimate, Language, Measure, Pieces, Texts};
use crate::query::sheet::Depth;
use crate::query::{Pointed, Query};
use crate::vocabulary::{Boundary, Vocabulary};

const VARIANCES: [Measure; 3] = [
    Measure::MevUncentred,
    Measure::MevCentred,
    Measure::MevTruncated,
];
/// Left out one after another.
const DOMINANT: [usize; 3] = [0, 1, 3];

/// Does what a command of the pane says.
pub(super) fn act(state: &mut State, chart: Chart, count: Option<usize>) -> Vec<Effect> {
    if state.pane != Pane::Geometry {
        state.say("this is about the Geometry pane (g s)");
        return Vec::new();
    }
    let geometry = &mut state.geometry;
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
            let width = state.model.as_ref().map_or(1, |m| m.card.spec.width);
            settings.without_dominant = count.unwrap_or(next).min(width.saturating_sub(1));
        }
        Chart::Pieces => {
            settings.pieces = match settings.pieces {
                Pieces::Mean => Pieces::First,
                Pieces::First => Pieces::Last,
                Pieces::Last => Pieces::Mean,
            }
        }
        Chart::Points if settings.token.is_none() => ask_token(state),
        Chart::Points => geometry.points = !geometry.points,
        Chart::AskToken => ask_token(state),
        Chart::AskTexts => ask(state, Purpose::Texts, ""),
        Chart::AddModel => {
            if beside::has_room(state) {
                let (beside, chooser) = (true, Chooser::default());
                state.overlays.push(Overlay::Models { beside, chooser });
            }
        }
        Chart::RemoveModel => return beside::remove(state),
        Chart::Again if geometry.stopped => geometry.stopped = false,
        Chart::Again => state.say("nothing was stopped"),
    }
    let settings = &state.geometry.settings;
    let now = (settings.skip_first, settings.skip_special, settings.pieces);
    // Other settings are another question, which was not stopped.
    if now != reads || dominant != settings.without_dominant {
        state.geometry.stopped = false;
    }
    Vec::new()
}

fn show(state: &mut State, measure: Measure) {
    let geometry = &mut state.geometry;
    (geometry.settings.measure, geometry.points) = (measure, false);
    if measure.of_token() && geometry.settings.token.is_none() {
        ask_token(state);
    }
}

fn ask(state: &mut State, purpose: Purpose, text: &str) {
    let field = Field::proposed(text);
    state
        .overlays
        .push(Overlay::Prompt(Prompt { purpose, field }));
}

fn ask_token(state: &mut State) {
    let token = state.geometry.settings.token.clone().unwrap_or_default();
    ask(state, Purpose::Token, &token);
}

/// Up and down: through the measures, or through the points of the map.
pub(super) fn vertical(state: &mut State, down: bool, times: usize) {
    if state.geometry.points {
        return select(state, down, times);
    }
    let all = Measure::ALL;
    let at = all
        .iter()
        .position(|m| *m == state.geometry.settings.measure);
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
    let at = order.iter().position(|i| *i == state.geometry.selected);
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
    state.geometry.selected = order[to];
}

/// From a neuron's words to their map and back.
pub(super) fn map_column(state: &mut State) {
    if state.pane != Pane::Neurons {
        return state.say("points are of a neuron's column (g n) or of a token (g s)");
    }
    state.neurons.points = !state.neurons.points;
    state.neurons.directions = false;
}

/// Says in how many texts a token stands that is being typed, once the texts were read.
pub(super) fn typing_token(state: &mut State, typed: &str) {
    let found = state.card().zip(state.geometry.part.answer());
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
pub(super) fn typed_token(state: &mut State, typed: &str) -> bool {
    if let Some(card) = state.card()
        && !typed.is_empty()
        && let Err(error) = card.vocabulary.word(typed)
    {
        state.fail(error.to_string());
        return false;
    }
    let geometry = &mut state.geometry;
    geometry.settings.token = (!typed.is_empty()).then(|| typed.to_owned());
    geometry.stopped = false;
    geometry.points &= geometry.settings.token.is_some();
    true
}

/// Texts were typed, with `|` between them; none means the bundled ones that fit the model.
pub(super) fn typed_texts(state: &mut State, typed: &str) {
    let texts = typed.split('|').map(str::trim).filter(|t| !t.is_empty());
    let texts: Vec<String> = texts.map(str::to_owned).collect();
    if !texts.is_empty() {
        return take_texts(state, Texts::typed(texts));
    }
    // Where it is not known which these are, it is asked now.
    let language = state.geometry.language.unwrap_or(Language::Polish);
    bundled_texts(state, language);
    let settings = &mut state.geometry.settings;
    settings.fitting = Some(language);
    settings.fit(language);
}

/// It is known which language's bundled texts fit the open model.
pub(in crate::explorer) fn fit(state: &mut State, language: Language) {
    state.geometry.language = Some(language);
    state.geometry.settings.fit(language);
}

/// The bundled texts in a language were asked for.
pub(super) fn bundled_texts(state: &mut State, language: Language) {
    take_texts(state, Texts::bundled(language));
}

fn take_texts(state: &mut State, texts: Texts) {
    state.geometry.settings.texts = texts;
    state.geometry.settings.fitting = None;
    state.geometry.stopped = false;
}

/// Texts were read from a file.
pub fn texts(state: &mut State, texts: Texts) -> Vec<Effect> {
    take_texts(state, texts);
    super::settle(state, Vec::new())
}

/// The points have come: each with its text, the word in the middle.
pub(super) fn contexts(state: &mut State) {
    let texts = state.geometry.settings.texts.texts.clone();
    let (Some(card), Some((map, _))) = (state.card(), state.context_map()) else {
        return;
    };
    let vocabulary = &card.vocabulary;
    let mut read: Option<(usize, Vec<u32>)> = None;
    let mut contexts = Vec::with_capacity(map.points.len());
    for point in &map.points {
        let Pointed::Occurrence { text, positions } = &point.what else {
            continue;
        };
        if read.as_ref().is_none_or(|(of, _)| of != text) {
            let text_of = texts.get(*text).map_or("", String::as_str);
            let ids = vocabulary.encode_with_special(text_of).unwrap_or_default();
            read = Some((*text, ids));
        }
        let ids = read.as_ref().map_or(&[][..], |(_, ids)| &ids[..]);
        let (from, to) = (positions.start.min(ids.len()), positions.end.min(ids.len()));
        let part = |ids: &[u32]| joined(vocabulary, ids);
        contexts.push([part(&ids[..from]), part(&ids[from..to]), part(&ids[to..])]);
    }
    let last = contexts.len().saturating_sub(1);
    state.geometry.contexts = contexts;
    state.geometry.selected = state.geometry.selected.min(last);
}

/// Tokens as running text.
fn joined(vocabulary: &Vocabulary, ids: &[u32]) -> String {
    let mut text = String::new();
    let mut open = true;
    for &id in ids.iter().filter(|id| !vocabulary.is_special(**id)) {
        let boundary = vocabulary.token(id).map(|token| token.boundary);
        let piece = vocabulary.text(id);
        let sign = !piece.chars().any(char::is_alphanumeric);
        if !open && !sign && boundary != Some(Boundary::Continues) {
            text.push(' ');
        }
        text.push_str(&piece);
        open = boundary == Some(Boundary::Open);
    }
    text
}

/// The values of the measure: a line a state, a column a model.
pub(super) fn table(state: &State) -> Vec<String> {
    let settings = &state.geometry.settings;
    let compared = state.compared();
    let columns: Vec<(&str, Vec<String>)> = compared
        .iter()
        .filter(|model| model.fresh)
        .filter_map(|model| {
            let (_, values) = settings.values(model.part.answer()?)?;
            let number = |e: &Option<Estimate>| e.map_or_else(String::new, |e| e.value.to_string());
            Some((model.name, values.iter().map(number).collect()))
        })
        .collect();
    let states = columns.iter().map(|(_, values)| values.len()).max();
    let Some(states) = states else {
        return Vec::new();
    };
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let head = format!("state\t{}", names.join("\t"));
    let row = |at: usize| {
        let cells = columns.iter();
        let cells = cells.map(|(_, values)| values.get(at).map_or("", String::as_str));
        format!("{at}\t{}", cells.collect::<Vec<_>>().join("\t"))
    };
    std::iter::once(head).chain((0..states).map(row)).collect()
}

/// Esc: stops measuring, or leaves the map; false if there is neither.
pub(super) fn cancel(state: &mut State) -> bool {
    if state.pane != Pane::Geometry {
        return false;
    }
    let settled = |q: &Query| match q {
        Query::ContextMap(_) => state.context_map().is_some_and(|(_, fresh)| fresh),
        _ => state
            .geometry
            .part
            .shown
            .as_ref()
            .is_some_and(|s| s.query == *q),
    };
    let running = state.wanted.iter().any(|q| !settled(q)) && state.failed.is_empty();
    let beside = state.geometry.beside.iter().any(|c| c.part.done.is_some());
    if running || beside {
        state.geometry.stopped = true;
        state.geometry.part.done = None;
        state
            .geometry
            .beside
            .iter_mut()
            .for_each(|c| c.part.done = None);
        state.say("stopped · Enter measures again");
        return true;
    }
    let points = std::mem::take(&mut state.geometry.points);
    if points {
        state.say("back to the chart");
    }
    points
}

/// What is written to a file of that name.
pub(super) fn export(state: &mut State, path: &str) -> Vec<Effect> {
    match export::geometry_text(state, path) {
        Ok(text) => vec![Effect::Write {
            path: path.into(),
            text,
        }],
        Err(why) => {
            super::ask_again(state, Purpose::ExportChart, path, why);
            Vec::new()
        }
    }
}
