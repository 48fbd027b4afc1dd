//! A token as every export names it: by what tells it from all others.

use std::borrow::Cow;

use serde::Serialize;

use crate::query::ModelCard;
use crate::vocabulary::Boundary;

/// A token. `text` alone is not enough: `eye` may begin a word, and go on with one.
#[derive(Serialize)]
pub(super) struct TokenEntry<'a> {
    pub(super) id: u32,
    /// The vocabulary's own string: `Ġeye`, `##eye`.
    pub(super) token: Cow<'a, str>,
    pub(super) text: Cow<'a, str>,
    /// Whether it goes on with a word that another token began.
    continues: bool,
    /// Whether its word goes on after it, in vocabularies that mark ends of words.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    open: bool,
}

impl<'a> TokenEntry<'a> {
    pub(super) fn of(card: &'a ModelCard, id: u32) -> Self {
        let boundary = card.vocabulary.token(id).map(|token| token.boundary);
        Self {
            id,
            token: raw(card, id),
            text: card.vocabulary.text(id),
            continues: boundary == Some(Boundary::Continues),
            open: boundary == Some(Boundary::Open),
        }
    }
}

/// The vocabulary's own string; of a row without one, its name.
pub(super) fn raw(card: &ModelCard, id: u32) -> Cow<'_, str> {
    match card.vocabulary.token(id) {
        Some(token) => Cow::Borrowed(&token.raw),
        None => card.vocabulary.text(id),
    }
}

/// A token's text with a `·` on the side where its word goes on.
pub fn with_boundary(card: &ModelCard, id: u32) -> String {
    let mut text = card.vocabulary.text(id).into_owned();
    match card.vocabulary.token(id).map(|token| token.boundary) {
        Some(Boundary::Continues) => text.insert(0, '·'),
        Some(Boundary::Open) => text.push('·'),
        Some(Boundary::Word | Boundary::Special) | None => {}
    }
    text
}

/// The same, and `°` if it is undertrained.
pub(super) fn marked(card: &ModelCard, id: u32) -> String {
    let mut text = with_boundary(card, id);
    if card.vocabulary.is_undertrained(id) {
        text.push('°');
    }
    text
}
