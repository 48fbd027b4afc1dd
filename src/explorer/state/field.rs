//! One line being typed.

use unicode_segmentation::UnicodeSegmentation;

use crate::explorer::key::{Code, Key};

/// A text with a cursor in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    text: String,
    /// Byte index, always between graphemes.
    cursor: usize,
    /// Whether all of the text is selected: typing takes its place.
    selected: bool,
}

impl Field {
    /// Holds a text, the cursor at its end.
    pub fn with(text: impl Into<String>) -> Self {
        let text = text.into();
        let cursor = text.len();
        Self {
            text,
            cursor,
            selected: false,
        }
    }

    /// Holds a text that typing replaces; moving the cursor keeps it.
    pub fn proposed(text: impl Into<String>) -> Self {
        let mut field = Self::with(text);
        field.selected = !field.text.is_empty();
        field
    }

    /// Whether typing replaces the text.
    pub fn is_selected(&self) -> bool {
        self.selected
    }

    /// What is typed so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text before the cursor.
    pub fn before(&self) -> &str {
        &self.text[..self.cursor]
    }

    /// Types a text; control characters become spaces, so a pasted line break runs nothing.
    pub fn insert(&mut self, text: &str) {
        let clean: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        if std::mem::take(&mut self.selected) {
            self.cut(0, self.text.len());
        }
        self.text.insert_str(self.cursor, &clean);
        self.cursor += clean.len();
    }

    /// Applies an editing key; false if it is none.
    pub fn edit(&mut self, key: Key) -> bool {
        if let Some(c) = key.typed() {
            self.insert(c.encode_utf8(&mut [0; 4]));
            return true;
        }
        let selected = std::mem::take(&mut self.selected);
        let (left, right) = (self.left(), self.right());
        match (key.ctrl, key.code) {
            (true, Code::Char('w' | 'k')) | (false, Code::Backspace | Code::Delete) if selected => {
                self.cut(0, self.text.len());
            }
            (true, Code::Char('w')) | (false, Code::Backspace) if self.cursor == 0 => {}
            (true, Code::Char('w')) => self.cut(self.word(), self.cursor),
            (true, Code::Char('u')) => self.cut(0, self.cursor),
            (true, Code::Char('k')) => self.cut(self.cursor, self.text.len()),
            (false, Code::Backspace) => self.cut(left, self.cursor),
            (false, Code::Delete) => self.cut(self.cursor, right),
            (false, Code::Left) => self.cursor = left,
            (false, Code::Right) => self.cursor = right,
            (false, Code::Home) | (true, Code::Char('a')) => self.cursor = 0,
            (false, Code::End) | (true, Code::Char('e')) => self.cursor = self.text.len(),
            _ => {
                self.selected = selected;
                return false;
            }
        }
        true
    }

    fn left(&self) -> usize {
        let before = self.before().grapheme_indices(true).next_back();
        before.map_or(0, |(at, _)| at)
    }

    fn right(&self) -> usize {
        let after = self.text[self.cursor..].graphemes(true).next();
        self.cursor + after.map_or(0, str::len)
    }

    /// Where the word before the cursor begins.
    fn word(&self) -> usize {
        let before = self.before().trim_end();
        before.rfind(' ').map_or(0, |space| space + 1)
    }

    fn cut(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(field: &mut Field, keys: &str) {
        for key in keys.split(' ') {
            assert!(field.edit(key.parse().unwrap()), "{key}");
        }
    }

    #[test]
    fn edits_whole_characters() {
        let mut field = Field::default();
        field.insert("żó\u{301}łw");
        typed(&mut field, "← Backspace Backspace");
        assert_eq!(field.text(), "żw");
        typed(&mut field, "Home Del x");
        assert_eq!((field.text(), field.before()), ("xw", "x"));
    }

    #[test]
    fn deletes_words_and_lines() {
        let mut field = Field::with("raz dwa ");
        typed(&mut field, "C-w");
        assert_eq!(field.text(), "raz ");
        typed(&mut field, "C-u C-w Backspace");
        assert_eq!(field.text(), "");
    }

    #[test]
    fn typing_takes_the_place_of_a_proposed_text_and_moving_keeps_it() {
        for (keys, text) in [
            ("e y e", "eye"),
            ("→ m", "niem"),
            ("← x", "nixe"),
            ("Home x", "xnie"),
            ("Backspace y", "y"),
            ("C-u", ""),
        ] {
            let mut field = Field::proposed("nie");
            typed(&mut field, keys);
            assert_eq!(field.text(), text, "{keys}");
        }
        let mut field = Field::proposed("nie");
        assert!(!field.edit("C-z".parse().unwrap()) && field.is_selected());
        field.insert("oko i ucho");
        assert_eq!(field.text(), "oko i ucho");
        assert!(!Field::proposed("").is_selected());
    }

    #[test]
    fn makes_spaces_of_pasted_line_breaks() {
        let mut field = Field::default();
        field.insert("a\nb\x1b");
        assert_eq!(field.text(), "a b ");
    }
}
