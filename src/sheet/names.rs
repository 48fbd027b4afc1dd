//! The names of a token: what tells it from all others, and what a person reads.

use std::borrow::Cow;
use std::sync::Arc;

use crate::vocabulary::{Boundary, Token, Undertrained, Vocabulary};

use super::Record;

/// The names of a model's tokens; of no model, numbers.
#[derive(Clone, Default)]
pub struct TokenNames {
    vocabulary: Option<Arc<Vocabulary>>,
    undertrained: Option<Arc<Undertrained>>,
}

impl TokenNames {
    /// `undertrained`: the tokens that are marked.
    pub fn of(vocabulary: &Arc<Vocabulary>, undertrained: Option<&Arc<Undertrained>>) -> Self {
        Self {
            vocabulary: Some(Arc::clone(vocabulary)),
            undertrained: undertrained.cloned(),
        }
    }

    fn token(&self, id: u32) -> Option<&Token> {
        self.vocabulary.as_ref()?.token(id)
    }

    /// A token's text, as a person reads it.
    pub fn text(&self, id: u32) -> Cow<'_, str> {
        match &self.vocabulary {
            Some(vocabulary) => vocabulary.text(id),
            None => id.to_string().into(),
        }
    }

    /// The vocabulary's own string, `Ġeye` or `##eye`; of a row without one, its name.
    pub fn raw(&self, id: u32) -> Cow<'_, str> {
        self.token(id)
            .map_or_else(|| self.text(id), |token| (&*token.raw).into())
    }

    /// A token's text with its boundary, and `°` if it is undertrained.
    pub fn marked(&self, id: u32) -> String {
        let Some(vocabulary) = &self.vocabulary else {
            return id.to_string();
        };
        let mut text = with_boundary(vocabulary, id);
        let undertrained = self.undertrained.as_ref();
        if undertrained.is_some_and(|undertrained| undertrained.contains(id)) {
            text.push('°');
        }
        text
    }

    /// All names of a token. `text` alone is not enough: `eye` may begin a word or continue one.
    /// `continues`: it continues a word that another token began; `open`: its word continues after
    /// it, in vocabularies that mark ends of words.
    pub fn record(&self, id: u32) -> Record {
        let boundary = self.token(id).map(|token| token.boundary);
        Record::new()
            .with("id", id as usize)
            .with("token", &*self.raw(id))
            .with("text", &*self.text(id))
            .with("continues", boundary == Some(Boundary::Continues))
            .with_some("open", (boundary == Some(Boundary::Open)).then_some(true))
    }
}

/// A token's text with a `·` on the side where its word continues.
pub fn with_boundary(vocabulary: &Vocabulary, id: u32) -> String {
    let mut text = vocabulary.text(id).into_owned();
    match vocabulary.token(id).map(|token| token.boundary) {
        Some(Boundary::Continues) => text.insert(0, '·'),
        Some(Boundary::Open) => text.push('·'),
        Some(Boundary::Word | Boundary::Special) | None => {}
    }
    text
}
