//! Bytes of a token -> text that a person can read and a terminal cannot act on.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use unicode_width::UnicodeWidthChar;

/// What the filters know of a token. They judge its decoded text, not the escaped one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Class {
    /// Printable ASCII only (the empty text too).
    pub ascii: bool,
    /// Letters and digits only, and not empty.
    pub alnum: bool,
    /// A special token, or one in brackets.
    pub special: bool,
}

/// The visible text of a token's bytes and its class (whether it is special is not known here).
pub(super) fn read(bytes: &[u8]) -> (String, Class) {
    let bytes = trim_spaces(bytes);
    let class = Class {
        ascii: bytes.iter().all(|b| matches!(b, 0x20..=0x7E)),
        alnum: !bytes.is_empty()
            && str::from_utf8(bytes).is_ok_and(|text| text.chars().all(char::is_alphanumeric)),
        special: false,
    };
    (visible(bytes), class)
}

/// The text of a token's bytes as it is, composed; `None` for half a character and for none.
pub(super) fn own(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let text = str::from_utf8(trim_spaces(bytes)).ok()?;
    (!text.is_empty()).then(|| composed(text))
}

/// Unicode's composed form (NFC).
pub(super) fn composed(text: &str) -> Cow<'_, str> {
    match text.is_ascii() {
        true => Cow::Borrowed(text),
        false => ComposingNormalizerBorrowed::new_nfc().normalize(text),
    }
}

/// Text in which case does not count: composed, in small letters, one for one (a final sigma is a
/// sigma, ß stays).
pub(super) fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for c in composed(text).chars() {
        let mut capital = c.to_uppercase();
        match (capital.next(), capital.next()) {
            // The dotless i has the dotted one's capital, and is another letter.
            (Some(capital), None) if c != 'ı' => folded.extend(capital.to_lowercase()),
            _ => folded.extend(c.to_lowercase()),
        }
    }
    match composed(&folded) {
        Cow::Borrowed(_) => folded,
        Cow::Owned(composed) => composed,
    }
}

fn visible(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "␣".to_owned();
    }
    let mut out = String::with_capacity(bytes.len());
    // Whether the last character can carry a combining mark.
    let mut base = false;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            base = push(&mut out, c, base);
        }
        for byte in chunk.invalid() {
            out += &format!("⟨{byte:02X}⟩");
            base = false;
        }
    }
    out
}

/// Appends a character; answers whether a combining mark may follow it.
fn push(out: &mut String, c: char, base: bool) -> bool {
    match c {
        ' '..='~' => out.push(c),
        '\n' => out.push('⏎'),
        '\t' => out.push('⇥'),
        '\0'..='\x1F' => out.extend(char::from_u32(0x2400 + u32::from(c))),
        '\x7F' => out.push('␡'),
        _ if c.is_alphabetic() && c.width() > Some(0) && !is_filler(c) => out.push(c),
        _ if !is_printable(c) || is_filler(c) || c.width() == Some(0) && !is_mark(c) => {
            out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
            return false;
        }
        _ => {
            if c.width() == Some(0) && !base {
                out.push('◌');
            }
            out.push(c);
        }
    }
    !c.is_control()
}

/// Neither a control, a format character, a space of its own kind, nor unassigned. The standard
/// library escapes just those behind a first character (there it leaves combining marks alone).
fn is_printable(c: char) -> bool {
    let mut buffer = [b'a'; 5];
    let end = 1 + c.encode_utf8(&mut buffer[1..]).len();
    str::from_utf8(&buffer[..end]).is_ok_and(|text| text.escape_debug().count() == 2)
}

/// Combines with the character before it: the standard library escapes such a one when alone.
fn is_mark(c: char) -> bool {
    c.escape_debug().count() > 1
}

/// Marks and letters made to be invisible: Unicode's `Default_Ignorable_Code_Point` as far as it
/// is neither a format character nor unassigned.
fn is_filler(c: char) -> bool {
    matches!(
        c,
        '\u{34F}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FFA0}'
            | '\u{E0100}'..='\u{E01EF}'
    )
}

fn trim_spaces(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|&b| b != b' ');
    let end = bytes.iter().rposition(|&b| b != b' ');
    start
        .zip(end)
        .map_or(&[], |(start, end)| &bytes[start..=end])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_segmentation::UnicodeSegmentation;
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn shows_what_a_terminal_would_act_on_as_symbols() {
        for (bytes, text) in [
            ("\x1b[31mred", "␛[31mred"),
            ("a\r\n", "a␍⏎"),
            ("\0", "␀"),
            ("\x7f", "␡"),
            ("\u{85}", "⟨U+0085⟩"),
            ("a\u{200B}b", "a⟨U+200B⟩b"),
            ("\u{202E}abc", "⟨U+202E⟩abc"),
            ("\u{AD}", "⟨U+00AD⟩"),
            ("\u{FEFF}x", "⟨U+FEFF⟩x"),
            ("\u{A0}", "⟨U+00A0⟩"),
            ("\u{378}", "⟨U+0378⟩"),
            ("\u{FE0F}", "⟨U+FE0F⟩"),
            ("\u{3164}", "⟨U+3164⟩"),
            ("\u{E0041}", "⟨U+E0041⟩"),
            ("\u{301}", "◌\u{301}"),
            ("e\u{301}", "e\u{301}"),
            ("\n\u{301}", "⏎◌\u{301}"),
            ("  \n ", "⏎"),
            ("a  b", "a  b"),
            ("'\"\\", "'\"\\"),
            ("日本 👩 ☀", "日本 👩 ☀"),
            ("   ", "␣"),
            ("", "␣"),
        ] {
            assert_eq!(read(bytes.as_bytes()).0, text, "{bytes:?}");
        }
    }

    #[test]
    fn case_and_composition_do_not_tell_words_apart() {
        for (a, b) in [
            ("ŻÓŁW", "z\u{307}o\u{301}łw"),
            ("ΟΔΟΣ", "οδος"),
            ("οδοσ", "οδος"),
            ("Dom", "dOM"),
            ("MÉRIMÉE", "me\u{301}rime\u{301}e"),
            ("\u{1E9E}", "ß"),
            ("\u{212A}", "k"),
        ] {
            assert_eq!(folded(a), folded(b), "{a} {b}");
        }
        for (a, b) in [("ı", "i"), ("ß", "ss"), ("ż", "z"), ("a\u{200C}b", "ab")] {
            assert_ne!(folded(a), folded(b), "{a} {b}");
        }
    }

    #[test]
    fn judges_the_decoded_text() {
        let class = |bytes: &[u8]| {
            let (_, class) = read(bytes);
            (class.ascii, class.alnum)
        };
        assert_eq!(class(b" dom "), (true, true));
        assert_eq!(class("żona7".as_bytes()), (false, true));
        assert_eq!(class(b"a b"), (true, false));
        assert_eq!(class(b" "), (true, false));
        assert_eq!(class(b"\n"), (false, false));
        assert_eq!(class(b"\x7F"), (false, false));
        assert_eq!(class(b"\xC5"), (false, false));
        assert_eq!(class(b"dom\xC5"), (false, false));
        assert_eq!(class("e\u{301}".as_bytes()), (false, false));
    }

    /// Ranges that no one should meet on a screen, from Unicode's own lists.
    fn must_not_be_shown(c: char) -> bool {
        c.is_control()
            || matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' |
                '\u{2028}'..='\u{202F}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' |
                '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
    }

    fn assert_safe(text: &str) {
        assert!(!text.chars().any(must_not_be_shown), "{text:?}");
        let first = text.chars().next().and_then(UnicodeWidthChar::width);
        assert!(first > Some(0), "{text:?}");
        for grapheme in text.graphemes(true) {
            assert!(grapheme.width() > 0, "{grapheme:?} in {text:?}");
        }
    }

    #[test]
    fn no_character_of_its_own_is_unsafe() {
        for c in '\0'..=char::MAX {
            assert_safe(&read(c.to_string().as_bytes()).0);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_become_an_unsafe_text(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            assert_safe(&read(&bytes).0);
        }

        #[test]
        fn no_characters_become_an_unsafe_text(chars in prop::collection::vec(
            prop_oneof![any::<char>(), prop::char::range('\u{300}', '\u{36F}'),
                prop::char::range('\u{1100}', '\u{11FF}'), prop::char::range('\u{2000}', '\u{206F}')],
            0..6,
        )) {
            assert_safe(&read(String::from_iter(chars).as_bytes()).0);
        }
    }
}
