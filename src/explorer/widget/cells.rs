//! How many cells of the screen a text takes: for layout and for drawing, here and nowhere else.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::outside::escape;

/// Cells of a text, what a terminal would act on escaped: the sum of its graphemes', each of which
/// is drawn on its own.
pub fn width(text: &str) -> usize {
    if is_printable_ascii(text) {
        return text.len();
    }
    let text = escape::line(text);
    text.graphemes(true).map(grapheme_width).sum()
}

/// Whether each byte of a text is a grapheme of one cell: most texts of a frame are, and need no
/// segmentation.
pub fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Cells that a grapheme gets: the most that terminals take for it. Some join its characters to one
/// picture, others draw them side by side.
pub fn grapheme_width(grapheme: &str) -> usize {
    if is_plain(grapheme) {
        return 1;
    }
    let apart = grapheme.chars().filter_map(UnicodeWidthChar::width).sum();
    grapheme.width().max(apart)
}

/// Whether each terminal takes one cell for a grapheme: one code point, of the scripts and symbols
/// that have been narrow everywhere and always.
pub fn is_plain(grapheme: &str) -> bool {
    let mut chars = grapheme.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else {
        return false;
    };
    match c {
        ' '..='~' => true,
        '\u{A0}'..='\u{2FF}' | '\u{370}'..='\u{482}' | '\u{48A}'..='\u{556}' => {
            c.width() == Some(1)
        }
        // Punctuation, arrows, mathematics, frames, bars and Braille.
        '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205E}' | '\u{2070}'..='\u{209C}' => true,
        '\u{2190}'..='\u{22FF}'
        | '\u{23CE}'
        | '\u{2400}'..='\u{2426}'
        | '\u{2500}'..='\u{25FC}' => true,
        '\u{27E8}'..='\u{27E9}' | '\u{2800}'..='\u{28FF}' => true,
        '\u{2605}' | '\u{2606}' | '\u{2713}' | '\u{2717}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grapheme_gets_the_most_that_terminals_take() {
        for (grapheme, cells) in [
            ("a", 1),
            ("ż", 1),
            ("│", 1),
            ("e\u{301}", 1),
            ("日", 2),
            ("क\u{94D}", 1),
            // A hand and a skin: joined, or a swatch beside the hand.
            ("👍🏽", 4),
            ("👩\u{200D}🔬", 4),
            // Two consonants, the second below the first or after it.
            ("ក\u{17D2}ក", 2),
            ("🇵🇱", 2),
            ("☀\u{FE0F}", 2),
        ] {
            assert_eq!(grapheme_width(grapheme), cells, "{grapheme}");
        }
    }

    #[test]
    fn a_text_is_as_wide_as_its_graphemes_side_by_side() {
        // Lam and alef: two graphemes, though many fonts have one sign for them.
        assert_eq!(width("لا"), 2);
        assert_eq!(width("następnie"), 9);
        assert_eq!(width("日本語"), 6);
        assert_eq!(width(""), 0);
    }

    #[test]
    fn only_what_is_narrow_everywhere_is_plain() {
        for plain in [
            "a", "ą", "Ω", "ж", "…", "▌", "●", "★", "⏎", "⟨", "⣿", "−", "−",
        ] {
            assert!(is_plain(plain), "{plain}");
            assert_eq!(plain.width(), 1, "{plain}");
        }
        for doubtful in [
            "日",
            "e\u{301}",
            "क",
            "क\u{940}",
            "👩",
            "⌚",
            "한",
            "ไ",
            "ﾞ",
            "",
        ] {
            assert!(!is_plain(doubtful), "{doubtful}");
        }
    }
}
