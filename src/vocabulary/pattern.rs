//! Words to look up: as they are, by their beginning, or by a regular expression.

use std::borrow::Cow;

use regex::Regex;

use super::error::short;
use super::visible::{composed, folded};
use super::{Boundary, Token, Vocabulary, VocabularyError};

/// What the tokens that are looked up must be like. They are judged by their own text
/// ([`super::Token::own_text`]), composed as theirs is; a word may also be one as it is shown.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// `dom`: the text itself, in this case; if no token has it, in either case.
    Word(String),
    /// `mias*`: any text that begins so.
    Prefix(String),
    /// `/owa$/`: any text with a match in it.
    Expression(Regex),
    /// `id:91769`: one token, though others may be spelled alike.
    Token(u32),
}

impl Pattern {
    /// Reads one pattern. A `*` or `/` alone is a word.
    ///
    /// # Errors
    /// Nothing is there, or what stands between slashes is no regular expression.
    pub fn parse(text: &str) -> Result<Self, VocabularyError> {
        let text = &*composed(text.trim());
        if text.is_empty() {
            return Err(VocabularyError::NoWord);
        }
        let inner = |end| text.strip_prefix('/').and_then(|t| t.strip_suffix(end));
        if let Some(expression) = inner('/').filter(|inner| !inner.is_empty()) {
            let parsed = Regex::new(expression).map_err(|error| VocabularyError::Expression {
                expression: short(expression),
                // The last line says what is wrong; those above show where.
                problem: error
                    .to_string()
                    .lines()
                    .next_back()
                    .unwrap_or_default()
                    .trim_start_matches("error: ")
                    .to_owned(),
            })?;
            return Ok(Self::Expression(parsed));
        }
        if let Some(id) = text.strip_prefix("id:").and_then(|id| id.parse().ok()) {
            return Ok(Self::Token(id));
        }
        Ok(match text.strip_suffix('*') {
            Some(beginning) if !beginning.is_empty() => Self::Prefix(beginning.to_owned()),
            _ => Self::Word(text.to_owned()),
        })
    }

    /// The patterns of a typed line: spaces separate them, except between slashes.
    pub fn split(line: &str) -> Vec<String> {
        let mut words = Vec::new();
        let mut rest = line.trim_start();
        while !rest.is_empty() {
            let end = match rest.strip_prefix('/') {
                // A slash that a space or the end follows ends the expression.
                Some(inner) => inner
                    .match_indices('/')
                    .map(|(at, _)| at + 2)
                    .find(|&end| rest[end..].chars().next().is_none_or(char::is_whitespace)),
                None => None,
            };
            let end = end.or_else(|| rest.find(char::is_whitespace));
            let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
            words.push(word.to_owned());
            rest = after.trim_start();
        }
        words
    }
}

impl Vocabulary {
    /// The tokens that match one of the patterns, by pattern and then by id, none twice. A special
    /// token matches only as a word.
    ///
    /// # Errors
    /// A pattern that no token matches; the message names the pieces of a word.
    pub fn matching(&self, patterns: &[Pattern]) -> Result<Vec<u32>, VocabularyError> {
        let mut found: Vec<u32> = Vec::new();
        for pattern in patterns {
            let mut ids = self.of_pattern(pattern);
            if ids.is_empty() {
                return Err(self.unmatched(pattern));
            }
            ids.retain(|id| !found.contains(id));
            found.append(&mut ids);
        }
        Ok(found)
    }

    fn of_pattern(&self, pattern: &Pattern) -> Vec<u32> {
        let tokens = self.tokens.iter().zip(0u32..);
        let tokens = tokens.filter_map(|(token, id)| Some((token.as_ref()?, id)));
        let usual = tokens
            .clone()
            .filter(|(token, _)| token.boundary != Boundary::Special);
        match pattern {
            Pattern::Prefix(beginning) => usual
                .filter(|(token, _)| token.own_text().starts_with(beginning))
                .map(|(_, id)| id)
                .collect(),
            Pattern::Expression(expression) => usual
                .filter(|(token, _)| expression.is_match(token.own_text()))
                .map(|(_, id)| id)
                .collect(),
            Pattern::Token(id) => {
                let there = self.token(*id).is_some();
                there.then_some(*id).into_iter().collect()
            }
            Pattern::Word(word) => {
                let word = word.as_str();
                let is = |token: &Token| token.own_text() == word || *token.text == *word;
                let exact = tokens.clone().filter(|(token, _)| is(token));
                let exact: Vec<u32> = exact.map(|(_, id)| id).collect();
                if !exact.is_empty() {
                    return exact;
                }
                let folded_word = folded(word);
                tokens
                    .filter(|(token, _)| folded(token.own_text()) == folded_word)
                    .map(|(_, id)| id)
                    .collect()
            }
        }
    }

    fn unmatched(&self, pattern: &Pattern) -> VocabularyError {
        let (what, advice): (_, Cow<'_, str>) = match pattern {
            Pattern::Prefix(beginning) => (format!("begins with {beginning:?}"), "".into()),
            Pattern::Expression(expression) => (format!("matches /{expression}/"), "".into()),
            Pattern::Token(id) => {
                let last = self.rows().saturating_sub(1);
                (
                    format!("has the id {id}"),
                    format!("; the last id is {last}").into(),
                )
            }
            Pattern::Word(word) => {
                let pieces = self.encode(word).unwrap_or_default();
                let pieces: Vec<_> = pieces.iter().map(|&id| self.text(id)).collect();
                let advice = match pieces.len() {
                    0 | 1 => "".into(),
                    _ => format!("; it is written as {}", pieces.join(" · ")).into(),
                };
                (format!("is {word:?}"), advice)
            }
        };
        VocabularyError::Unmatched {
            what,
            advice: advice.into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_separate_patterns_but_not_within_slashes() {
        let split = |line| Pattern::split(line);
        assert_eq!(split("  dom  mias* "), ["dom", "mias*"]);
        assert_eq!(split("/a b/ dom"), ["/a b/", "dom"]);
        assert_eq!(split("/a/b c/ x"), ["/a/b c/", "x"]);
        assert_eq!(split("/unclosed dom"), ["/unclosed", "dom"]);
        assert_eq!(split("/ dom"), ["/", "dom"]);
        assert_eq!(split(""), [""; 0]);
    }

    #[test]
    fn tells_words_beginnings_and_expressions_apart() {
        let parse = |text| Pattern::parse(text).unwrap();
        assert!(matches!(parse("dom"), Pattern::Word(word) if word == "dom"));
        assert!(matches!(parse("dom*"), Pattern::Prefix(word) if word == "dom"));
        assert!(matches!(parse("/^d/"), Pattern::Expression(_)));
        assert!(matches!(parse("id:12"), Pattern::Token(12)));
        assert!(matches!(parse("id:x"), Pattern::Word(word) if word == "id:x"));
        for literal in ["*", "/", "//", "/a"] {
            assert!(matches!(parse(literal), Pattern::Word(word) if word == literal));
        }
        assert!(Pattern::parse("  ").is_err());
    }

    #[test]
    fn says_in_one_line_what_is_wrong_with_an_expression() {
        let error = Pattern::parse("/a(b/").unwrap_err().to_string();
        assert!(error.contains("a(b") && error.contains("unclosed group"));
        assert!(!error.contains('\n'), "{error}");
    }
}
