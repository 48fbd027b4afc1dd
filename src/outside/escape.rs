//! Characters that a terminal or a reader acts on, written so that one sees them: names, tokens and
//! messages from outside go through here before they are shown.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

/// Characters that a message from outside may have; the rest is cut.
const LONGEST: usize = 400;

/// Whether a character is acted on instead of shown: controls (C0, DEL, C1), separators of lines and
/// paragraphs, and the marks that turn the direction of what follows (Unicode's `Bidi_Control`).
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Whether a name is that of something in the same folder, and can be shown.
pub fn is_plain_name(file: &str) -> bool {
    !file.contains(['/', '\\']) && !file.contains(is_unsafe) && !["", ".", ".."].contains(&file)
}

/// A text as one line: `\n`, `\u{1b}`, `\u{202e}` in the place of what would be acted on.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_unsafe)
}

/// A path as one line.
pub fn path(path: &Path) -> String {
    line(&path.to_string_lossy()).into_owned()
}

/// As [`line()`], and cut to 400 characters.
pub fn short(text: &str) -> String {
    let mut line = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == LONGEST {
            line.push('…');
            break;
        }
        match is_unsafe(c) {
            true => line.extend(c.escape_default()),
            false => line.push(c),
        }
    }
    line
}

/// As [`line()`], line by line.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && is_unsafe(c))
}

/// JSON with such characters as `\u202e`, which JSON's own readers turn back. What is below U+0020
/// must be escaped already, as JSON asks for; what is left of it is layout.
pub fn json(text: &str) -> Cow<'_, str> {
    let acts = |c: char| c >= ' ' && is_unsafe(c);
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match acts(c) {
            // Writing to a string cannot fail; all of them have four digits.
            true => drop(write!(out, "\\u{:04x}", u32::from(c))),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn escaped(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match acts(c) {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code point of Unicode's `Bidi_Control`, and the classes of controls.
    const ACTS: [char; 20] = [
        '\0', '\n', '\t', '\r', '\x1b', '\x7f', '\u{80}', '\u{9b}', '\u{61c}', '\u{200e}',
        '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}',
        '\u{2067}', '\u{2068}', '\u{2069}',
    ];

    #[test]
    fn nothing_that_acts_is_left_and_the_rest_stays() {
        for c in ACTS {
            let text = format!("a{c}b");
            assert!(
                !line(&text).contains(c) && !short(&text).contains(c),
                "{c:?}"
            );
        }
        assert_eq!(line("\x1b[2J\u{202e}x\n"), "\\u{1b}[2J\\u{202e}x\\n");
        for plain in ["żółć", "日本 👩‍👩‍👧", "می‌کند", "e\u{301}", "\\n"] {
            assert!(matches!(line(plain), Cow::Borrowed(_)), "{plain}");
        }
        assert_eq!(lines("a\tb\nc\r\n"), "a\\tb\nc\\r\n");
        assert!(short(&"z".repeat(999)).chars().count() == LONGEST + 1);
    }

    #[test]
    fn json_reads_back_as_what_it_was() {
        let text: String = ACTS.into_iter().collect();
        let value = serde_json::json!({ text.clone(): [text] });
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        let written = json(&pretty);
        assert!(
            !written.contains(|c: char| c != '\n' && is_unsafe(c)),
            "{written}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&written).unwrap(),
            value
        );
    }
}
