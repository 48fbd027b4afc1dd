//! A key as it is pressed, written and read: `j`, `C-d`, `S-Tab`, `↑`.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Which key, without what is held beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    Char(char),
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
    Enter,
    Esc,
    Tab,
    Backspace,
    Delete,
    F1,
}

/// The named keys, as they are written.
const NAMES: [(Code, &str); 15] = [
    (Code::Up, "↑"),
    (Code::Down, "↓"),
    (Code::Left, "←"),
    (Code::Right, "→"),
    (Code::PageUp, "PgUp"),
    (Code::PageDown, "PgDn"),
    (Code::Home, "Home"),
    (Code::End, "End"),
    (Code::Enter, "Enter"),
    (Code::Esc, "Esc"),
    (Code::Tab, "Tab"),
    (Code::Backspace, "Backspace"),
    (Code::Delete, "Del"),
    (Code::F1, "F1"),
    (Code::Char(' '), "Space"),
];

/// A key press. Shift is part of a character, and noted only for named keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub code: Code,
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
}

impl Key {
    /// A key with nothing held.
    pub const fn plain(code: Code) -> Self {
        Self {
            code,
            ctrl: false,
            alt: false,
            shift: false,
        }
    }

    /// The character that it types, if it types one.
    pub fn typed(self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// What the terminal reports as a key; `None` for releases and keys without a use here.
    pub fn from_event(event: KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let mut shift = event.modifiers.contains(KeyModifiers::SHIFT);
        let code = match event.code {
            KeyCode::Char(c) => {
                shift = false;
                Code::Char(c)
            }
            KeyCode::Up => Code::Up,
            KeyCode::Down => Code::Down,
            KeyCode::Left => Code::Left,
            KeyCode::Right => Code::Right,
            KeyCode::PageUp => Code::PageUp,
            KeyCode::PageDown => Code::PageDown,
            KeyCode::Home => Code::Home,
            KeyCode::End => Code::End,
            KeyCode::Enter => Code::Enter,
            KeyCode::Esc => Code::Esc,
            KeyCode::Tab => Code::Tab,
            KeyCode::BackTab => {
                shift = true;
                Code::Tab
            }
            KeyCode::Backspace => Code::Backspace,
            KeyCode::Delete => Code::Delete,
            KeyCode::F(1) => Code::F1,
            _ => return None,
        };
        Some(Self {
            code,
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
            alt: event.modifiers.contains(KeyModifiers::ALT),
            shift,
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, mark) in [(self.ctrl, "C-"), (self.alt, "A-"), (self.shift, "S-")] {
            if held {
                f.write_str(mark)?;
            }
        }
        match (NAMES.iter().find(|(code, _)| *code == self.code), self.code) {
            (Some((_, name)), _) => f.write_str(name),
            (None, Code::Char(c)) => write!(f, "{c}"),
            (None, _) => Ok(()),
        }
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut key = Self::plain(Code::Esc);
        let mut rest = text;
        for (mark, held) in [
            ("C-", &mut key.ctrl),
            ("A-", &mut key.alt),
            ("S-", &mut key.shift),
        ] {
            if let Some(after) = rest.strip_prefix(mark).filter(|after| !after.is_empty()) {
                *held = true;
                rest = after;
            }
        }
        let mut chars = rest.chars();
        key.code = match (NAMES.iter().find(|(_, name)| *name == rest), chars.next()) {
            (Some((code, _)), _) => *code,
            (None, Some(c)) if chars.next().is_none() => Code::Char(c),
            _ => return Err(format!("`{text}` is not a key")),
        };
        Ok(key)
    }
}

/// Keys pressed one after another, with spaces between: `g g`.
pub fn keys(text: &str) -> impl Iterator<Item = Key> + '_ {
    text.split_ascii_whitespace()
        .filter_map(|word| word.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_parses() {
        for text in [
            "j", "G", "C-d", "S-Tab", "↑", "PgUp", "Space", "-", "'", "C-S-←", "F1", "A-?",
        ] {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
        }
        assert!("Jump".parse::<Key>().is_err());
        assert!("".parse::<Key>().is_err());
    }

    #[test]
    fn takes_shift_as_part_of_a_character_but_not_of_a_named_key() {
        let event = |code, modifiers| KeyEvent::new(code, modifiers);
        let key = Key::from_event(event(KeyCode::Char('G'), KeyModifiers::SHIFT)).unwrap();
        assert_eq!(key.to_string(), "G");
        let key = Key::from_event(event(KeyCode::BackTab, KeyModifiers::SHIFT)).unwrap();
        assert_eq!(key.to_string(), "S-Tab");
    }
}
