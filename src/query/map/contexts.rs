//! The text around each occurrence of a map.

use crate::query::{MapAnswer, Pointed};
use crate::vocabulary::{Boundary, Vocabulary};

/// For each occurrence the text before the word, the word and the text after, all as the model reads
/// them.
pub fn contexts(vocabulary: &Vocabulary, texts: &[String], map: &MapAnswer) -> Vec<[String; 3]> {
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
    contexts
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
