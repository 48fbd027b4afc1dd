//! Texts to run a model on: bundled, from a file, or typed.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use thiserror::Error;

const POLISH: &str = include_str!("../../assets/texts/polish.txt");
const ENGLISH: &str = include_str!("../../assets/texts/english.txt");

/// The languages of the texts that come with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    Polish,
    English,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Polish, Self::English];

    /// As it is typed: `polish`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Polish => "polish",
            Self::English => "english",
        }
    }

    /// The language of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.name() == name)
    }

    /// A word in most of its texts.
    pub fn frequent_word(self) -> &'static str {
        match self {
            Self::Polish => "nie",
            Self::English => "not",
        }
    }
}

/// Texts and where they come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Texts {
    /// A file's name, for the user.
    pub label: String,
    pub texts: Arc<[String]>,
    /// The whole path of the file that they are from.
    pub path: Option<Arc<Path>>,
}

/// Why a file holds no texts.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TextsError {
    #[error("{label}: expected texts, one a line, got none; give a file with at least one")]
    Empty { label: String },
    #[error(
        "{label}: expected UTF-8 text, got a byte that is none at {at}; \
         give a text file, one text a line or as JSON lines"
    )]
    NotText { label: String, at: usize },
    #[error("{label}, line {line}: expected a JSON object with the field `text`, got {got}")]
    NotJson {
        label: String,
        line: usize,
        got: String,
    },
}

impl Texts {
    /// The short texts in a language that come with the program.
    pub fn bundled(language: Language) -> Self {
        let (label, text) = match language {
            Language::Polish => ("bundled Polish", POLISH),
            Language::English => ("bundled English", ENGLISH),
        };
        Self {
            label: label.to_owned(),
            texts: lines(text).map(|(_, line)| line.to_owned()).collect(),
            path: None,
        }
    }

    /// The language of texts that come with the program.
    pub fn language(&self) -> Option<Language> {
        let bundled = |language: &Language| Self::bundled(*language).label == self.label;
        let mut all = Language::ALL.into_iter();
        all.find(bundled).filter(|_| self.path.is_none())
    }

    /// What typed texts are called.
    pub const TYPED: &str = "typed";

    /// Texts that were typed.
    pub fn typed(texts: Vec<String>) -> Self {
        Self {
            label: Self::TYPED.to_owned(),
            texts: texts.into(),
            path: None,
        }
    }

    /// The same, and the whole path of their file.
    #[must_use]
    pub fn of_file(self, path: &Path) -> Self {
        Self {
            path: Some(path.into()),
            ..self
        }
    }

    /// The content of a file: a text a line, or, if its first line begins with `{`, JSON lines
    /// with a field `text`. Empty lines are no texts.
    ///
    /// # Errors
    /// No text in it, bytes that are no text, JSON that is not as expected.
    pub fn parse(label: &str, bytes: &[u8]) -> Result<Self, TextsError> {
        let label = label.to_owned();
        let not_text = |at| TextsError::NotText {
            label: label.clone(),
            at,
        };
        let text = str::from_utf8(bytes).map_err(|e| not_text(e.valid_up_to()))?;
        if let Some(at) = text.find('\0') {
            return Err(not_text(at));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let json = lines(text).next().is_some_and(|(_, l)| l.starts_with('{'));
        let texts: Vec<String> = if json {
            let read = |(line, text)| field(text).map_err(|got| (line, got));
            let texts = lines(text).map(read).collect::<Result<_, _>>();
            texts.map_err(|(line, got)| TextsError::NotJson {
                label: label.clone(),
                line,
                got,
            })?
        } else {
            lines(text).map(|(_, line)| line.to_owned()).collect()
        };
        if texts.is_empty() {
            return Err(TextsError::Empty { label });
        }
        Ok(Self {
            label,
            texts: texts.into(),
            path: None,
        })
    }
}

/// The lines that are not empty, with their numbers, counted from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().map(str::trim).enumerate();
    let numbered = numbered.map(|(at, line)| (at + 1, line));
    numbered.filter(|(_, line)| !line.is_empty())
}

fn field(line: &str) -> Result<String, String> {
    let value: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
    match value.get("text") {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err("a `text` that is no string".to_owned()),
        None => Err("an object without it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Vec<String>, String> {
        Texts::parse("a.txt", bytes)
            .map(|t| t.texts.to_vec())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn reads_a_text_a_line_and_json_lines() {
        let expected = vec!["Zamek stał.".to_owned(), "Nie ma go.".to_owned()];
        assert_eq!(
            parse("\u{feff}Zamek stał.\r\n\n  Nie ma go. \n".as_bytes()),
            Ok(expected.clone())
        );
        let json = "{\"text\": \"Zamek stał.\", \"n\": 1}\n{\"text\": \"Nie ma go.\"}\n";
        assert_eq!(parse(json.as_bytes()), Ok(expected));
    }

    #[test]
    fn says_what_is_wrong_with_a_file() {
        let wrong = |bytes| parse(bytes).unwrap_err();
        assert!(wrong(b" \n\n").starts_with("a.txt: expected texts, one a line, got none"));
        assert!(wrong(b"abc\xff\xfe").contains("at 3"));
        assert!(wrong(b"ab\0c").contains("at 2"));
        assert!(wrong(b"{\"text\": \"a\"}\n\n{\"body\": 1}").contains("line 3"));
        assert!(wrong(b"{\"text\": 1}").contains("no string"));
    }

    #[test]
    fn about_a_hundred_texts_are_bundled_in_each_language() {
        let ambiguous = [
            "zamek pokój język list rada piłka kolej klucz",
            "bank spring light letter match key ring board",
        ];
        for (language, ambiguous) in Language::ALL.into_iter().zip(ambiguous) {
            let texts = Texts::bundled(language).texts;
            assert!(texts.len() >= 100);
            let holding = |word: &str| {
                let words = |t: &&String| t.split(|c: char| !c.is_alphabetic()).any(|w| w == word);
                texts.iter().filter(words).count()
            };
            assert!(holding(language.frequent_word()) >= 60);
            for word in ambiguous.split(' ') {
                assert!(holding(word) >= 4, "{word}: {}", holding(word));
            }
        }
    }
}
