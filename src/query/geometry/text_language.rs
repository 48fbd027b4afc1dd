//! Which of the bundled texts a model is measured on: those of the language that its tokenizer
//! encodes with fewer tokens per character.

use crate::geometry::{Language, Texts};
use crate::query::kind::{AnswerKind, NotFinite, QueryKind};
use crate::query::{Answer, Callbacks, Query, QueryError, Reader};
use crate::vocabulary::Vocabulary;

/// Texts per language that decide: the languages differ far more than texts of one language do.
const TEXTS: usize = 12;

/// The language whose bundled texts the vocabulary encodes with fewer tokens per character, judged by
/// the first of them; Polish if it cannot encode them. Builds the tokenizer: not for the thread that
/// draws.
pub fn language_of(vocabulary: &Vocabulary) -> Language {
    let [polish, english] =
        Language::ALL.map(|language| tokens_per_character(vocabulary, language));
    match (polish, english) {
        (Some(polish), Some(english)) if english < polish => Language::English,
        (None, Some(_)) => Language::English,
        _ => Language::Polish,
    }
}

fn tokens_per_character(vocabulary: &Vocabulary, language: Language) -> Option<f64> {
    let texts = Texts::bundled(language).texts;
    let text = texts[..TEXTS.min(texts.len())].join("\n");
    let tokens = vocabulary.encode(&text).ok()?.len();
    (tokens > 0).then(|| tokens as f64 / text.chars().count() as f64)
}

/// Asks for the language whose bundled texts fit the model.
pub struct TextLanguageQuery;

impl QueryKind for TextLanguageQuery {
    fn shares_place(&self, other: &Query) -> bool {
        matches!(other, Query::TextLanguage)
    }

    fn answer(&self, reader: &mut Reader, _: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::TextLanguage(language_of(&reader.card.vocabulary)))
    }
}

impl AnswerKind for Language {
    fn heap_bytes(&self) -> usize {
        0
    }

    fn not_finite(&self) -> Option<NotFinite> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::vocabulary::TokenizerFiles;

    /// A WordPiece vocabulary of the words of some texts and of all letters.
    fn vocabulary(language: Language) -> Vocabulary {
        let mut words: Vec<String> = vec!["[UNK]".to_owned()];
        for text in &*Texts::bundled(language).texts {
            let found = text.split(|c: char| !c.is_alphanumeric());
            words.extend(found.filter(|w| !w.is_empty()).map(str::to_owned));
        }
        let letters = "aąbcćdeęfghijklłmnńoóprsśtuwyzźżvxq".chars();
        words.extend(letters.flat_map(|c| [c.to_string(), format!("##{c}")]));
        words.sort();
        words.dedup();
        let files = TokenizerFiles {
            vocab_txt: Some(Cow::Owned(words.join("\n").into_bytes())),
            ..TokenizerFiles::default()
        };
        Vocabulary::open(&files, words.len()).unwrap()
    }

    #[test]
    fn a_model_is_measured_on_texts_of_the_language_it_has_words_for() {
        for language in Language::ALL {
            assert_eq!(language_of(&vocabulary(language)), language);
        }
    }
}
