//! The points of the map: each with its text, the word in the middle.

use crate::explorer::state::State;
use crate::query::Pointed;
use crate::vocabulary::{Boundary, Vocabulary};

/// The points have come: each with its text, the word in the middle.
pub fn contexts(state: &mut State) {
    let texts = state.views.geometry.settings.texts.texts.clone();
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
    state.views.geometry.contexts = contexts;
    state.views.geometry.selected = state.views.geometry.selected.min(last);
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
