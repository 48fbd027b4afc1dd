//! A word that a person types, found in the ids of texts.

use std::ops::Range;

use super::error::short;
use super::visible::composed;
use super::{Boundary, Vocabulary, VocabularyError};

/// The sequences of ids that are one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    spellings: Vec<Vec<u32>>,
    /// Whether it must not be a part of a longer word.
    whole: bool,
}

impl Word {
    /// A single token, wherever it stands.
    pub fn token(id: u32) -> Self {
        Self {
            spellings: vec![vec![id]],
            whole: false,
        }
    }

    /// Its sequences of ids.
    pub fn spellings(&self) -> &[Vec<u32>] {
        &self.spellings
    }
}

impl Vocabulary {
    /// What a person means by `typed`. A word: as it stands at the start of a text and inside
    /// one (`zamek`, `Ġzamek`), whole words only, capitals as they are typed: a model has other
    /// vectors for `Zamek`. A token's own string with its mark (`Ġdom`, `dom</w>`, `##mu`): that
    /// token.
    ///
    /// # Errors
    /// Nothing that the vocabulary can spell, or a tokenizer that cannot read texts.
    pub fn word(&self, typed: &str) -> Result<Word, VocabularyError> {
        let typed = typed.trim();
        let own = |token: &super::Token| *token.raw == *typed && *token.text != *typed;
        let marked = self
            .tokens
            .iter()
            .position(|t| t.as_ref().is_some_and(|t| own(t) || special(t, typed)));
        if let Some(id) = marked {
            return Ok(Word::token(id as u32));
        }
        let mut spellings = Vec::new();
        // Some keyboards and file names decompose letters that texts have composed.
        let forms = [typed.to_owned(), composed(typed).into_owned()];
        for text in forms
            .iter()
            .flat_map(|form| [format!(" {form}"), form.clone()])
        {
            let ids = self.encode(&text)?;
            // An unknown token is special, and no part of any word.
            let known = !ids.is_empty() && !ids.iter().any(|&id| self.is_special(id));
            if known && !spellings.contains(&ids) {
                spellings.push(ids);
            }
        }
        if spellings.is_empty() {
            return Err(VocabularyError::UnknownWord { word: short(typed) });
        }
        Ok(Word {
            spellings,
            whole: true,
        })
    }

    /// Where a word stands in a text's ids; no two places overlap.
    pub fn occurrences(&self, word: &Word, ids: &[u32]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < ids.len() {
            let here = word.spellings.iter().filter(|s| ids[at..].starts_with(s));
            let whole =
                |end: usize| !word.whole || !(self.joined(ids, at) || self.joined(ids, end));
            let ends = here.map(|s| at + s.len()).filter(|&end| whole(end));
            match ends.max() {
                Some(end) => {
                    found.push(at..end);
                    at = end;
                }
                None => at += 1,
            }
        }
        found
    }

    /// Whether the tokens before and at a place are of one word.
    fn joined(&self, ids: &[u32], at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| ids.get(before));
        let Some((&before, &after)) = before.zip(ids.get(at)) else {
            return false;
        };
        let (Some(before), Some(after)) = (self.token(before), self.token(after)) else {
            return false;
        };
        // Half a character is shown between brackets, and is a part of a letter as a rule.
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "⟨⟩".contains(c));
        match (before.boundary, after.boundary) {
            (Boundary::Special, _) | (_, Boundary::Special) => false,
            (Boundary::Open, _) => true,
            (_, Boundary::Continues) => {
                letter(before.text.chars().next_back()) && letter(after.text.chars().next())
            }
            _ => false,
        }
    }
}

/// Whether a token is this special one.
fn special(token: &super::Token, typed: &str) -> bool {
    token.boundary == Boundary::Special && *token.raw == *typed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::TokenizerFiles;

    fn pieces(list: &str) -> Vocabulary {
        let files = TokenizerFiles {
            vocab_txt: Some(list.replace(' ', "\n").into_bytes().into()),
            tokenizer_config_json: Some(br#"{"do_lower_case": false}"#.as_slice().into()),
            ..TokenizerFiles::default()
        };
        Vocabulary::open(&files, list.split(' ').count()).unwrap()
    }

    fn found(vocabulary: &Vocabulary, typed: &str, text: &str) -> Vec<[usize; 2]> {
        let ids = vocabulary.encode_with_special(text).unwrap();
        let places = vocabulary.occurrences(&vocabulary.word(typed).unwrap(), &ids);
        places.into_iter().map(|p| [p.start, p.end]).collect()
    }

    #[test]
    fn finds_whole_words_as_they_are_typed() {
        let v = pieces("[CLS] [SEP] [UNK] nie Nie ##zwykle ma dom ##ek .");
        assert_eq!(found(&v, "nie", "Nie ma . nie niezwykle"), [[4, 5]]);
        assert_eq!(found(&v, "Nie", "Nie ma . nie"), [[1, 2]]);
        assert_eq!(found(&v, "niezwykle", "nie niezwykle"), [[2, 4]]);
        assert_eq!(found(&v, "dom", "domek dom"), [[3, 4]]);
    }

    #[test]
    fn finds_a_token_by_its_own_string_wherever_it_stands() {
        let v = pieces("[CLS] [SEP] [UNK] nie Nie ##zwykle ma dom ##ek .");
        assert_eq!(found(&v, "##ek", "domek ma"), [[2, 3]]);
        assert_eq!(found(&v, "[CLS]", "domek"), [[0, 1]]);
    }

    #[test]
    fn says_so_when_the_vocabulary_cannot_spell_a_word() {
        let v = pieces("[CLS] [SEP] [UNK] nie ma");
        let message = v.word("źdźbło").unwrap_err().to_string();
        assert!(message.starts_with("\"źdźbło\" is not in the vocabulary"));
        assert!(v.word(" ").is_err());
    }
}
