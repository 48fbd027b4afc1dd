//! One vocabulary item: its own string, what a person reads, and what kind it is.

use std::borrow::Cow;

use super::visible::{self, Class};

/// Where a token stands in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// Nothing to mark: it starts a word (`Ġdom`, `▁dom`, WordPiece `dom`), or, in vocabularies
    /// that mark ends, it ends one (`dom</w>`).
    Word,
    /// It continues a word begun before: shown with a leading `·`.
    Continues,
    /// The word goes on after it (no `</w>`): shown with a trailing `·`.
    Open,
    /// A special token or one in brackets: shown as it is.
    Special,
}

/// A vocabulary item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The vocabulary's own string: `Ġdom`, `dom</w>`, `##mu`.
    pub raw: Box<str>,
    /// Decoded, without boundary mark and outer spaces; bytes that are half a character as
    /// `⟨C5⟩`; safe for a terminal (no control or zero-width character left as it is).
    pub text: Box<str>,
    pub boundary: Boundary,
    /// Its own text in Unicode's composed form (NFC), where that is not what is shown.
    own: Option<Box<str>>,
}

impl Token {
    /// Its text as words are compared by: decoded, without boundary mark and outer spaces, in
    /// Unicode's composed form (NFC). It may hold what [`Token::text`] shows as a sign; it is the
    /// shown text where the token is half a character or empty.
    pub fn own_text(&self) -> &str {
        self.own.as_deref().unwrap_or(&self.text)
    }
}

/// How a vocabulary writes its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// GPT-2's: each of the 256 bytes is a printable character, a space is `Ġ`.
    ByteLevel,
    /// The same, and a suffix, `</w>`, ends a word (CLIP).
    ByteLevelWords(String),
    /// A suffix, `</w>`, ends a word.
    EndOfWord(String),
    /// A suffix, `@@`, says that the word goes on (fairseq).
    Joined(String),
    /// A prefix, `##`, continues a word.
    Continuation(String),
    /// SentencePiece's: a space is `▁`, a byte without a token is `<0xE2>`.
    Metaspace,
    /// Whole words.
    Plain,
}

/// How an item came into the vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The model's own, written in its style.
    Model,
    /// Added beside the model: found in a text as it is written.
    Added,
    /// A special token.
    Special,
}

impl Style {
    /// How a vocabulary is written, by what its file says and by its tokens. `suffix` and `prefix`:
    /// what the model itself puts on the last piece of a word, and on every piece but the first.
    pub(super) fn of(
        tokens: &[(String, u32)],
        bytes_as_letters: bool,
        suffix: Option<String>,
        prefix: String,
    ) -> Self {
        const USUAL: &str = "</w>";
        let ends = |suffix: &str| tokens.iter().filter(|(t, _)| t.ends_with(suffix)).count();
        // The mark of a word's end is not always named: `</w>` alone is one of thousands.
        let suffix = suffix.or_else(|| (ends(USUAL) * 10 > tokens.len()).then(|| USUAL.to_owned()));
        match (bytes_as_letters, suffix) {
            (true, Some(suffix)) => Self::byte_level_for(tokens, &suffix),
            (true, None) => Self::ByteLevel,
            (false, Some(suffix)) => Self::EndOfWord(suffix),
            (false, None) if !prefix.is_empty() => Self::Continuation(prefix),
            (false, None) if tokens.iter().any(|(token, _)| token.starts_with('▁')) => {
                Self::Metaspace
            }
            (false, None) => Self::Plain,
        }
    }

    /// Byte level with a suffix, where tokens have it.
    pub(super) fn byte_level_for(tokens: &[(String, u32)], suffix: &str) -> Self {
        match tokens
            .iter()
            .any(|(t, _)| t.len() > suffix.len() && t.ends_with(suffix))
        {
            true => Self::ByteLevelWords(suffix.to_owned()),
            false => Self::ByteLevel,
        }
    }

    /// The item of a vocabulary's own string, and what the filters know of it.
    pub(super) fn token(&self, raw: String, origin: Origin) -> (Token, Class) {
        let special = origin == Origin::Special || in_brackets(&raw) && !self.is_byte(&raw);
        let (bytes, boundary) = if special {
            (Cow::Borrowed(raw.as_bytes()), Boundary::Special)
        } else if origin == Origin::Added {
            (Cow::Borrowed(raw.as_bytes()), spaced(raw.as_bytes()))
        } else {
            self.decode(&raw)
        };
        let (text, mut class) = visible::read(&bytes);
        class.special = special;
        let own = visible::own(&bytes).filter(|own| **own != *text);
        let token = Token {
            own: own.map(|own| own.into_owned().into()),
            text: text.into(),
            boundary,
            raw: raw.into(),
        };
        (token, class)
    }

    fn decode<'a>(&self, raw: &'a str) -> (Cow<'a, [u8]>, Boundary) {
        // A mark with nothing beside it marks nothing: it is the token's text.
        let marked = |rest: Option<&'a str>| rest.filter(|rest| !rest.is_empty());
        let (text, boundary) = match self {
            Self::ByteLevel => {
                let bytes: Option<Vec<u8>> = raw.chars().map(byte_of).collect();
                let bytes = bytes.map_or(Cow::Borrowed(raw.as_bytes()), Cow::Owned);
                let boundary = spaced(&bytes);
                return (bytes, boundary);
            }
            Self::Metaspace => {
                let bytes = match byte_fallback(raw) {
                    Some(byte) => vec![byte],
                    None => raw.replace('▁', " ").into_bytes(),
                };
                let boundary = spaced(&bytes);
                return (bytes.into(), boundary);
            }
            Self::EndOfWord(suffix) => match marked(raw.strip_suffix(suffix.as_str())) {
                Some(word) => (word, Boundary::Word),
                None => (raw, Boundary::Open),
            },
            Self::ByteLevelWords(suffix) => {
                let word = marked(raw.strip_suffix(suffix.as_str()));
                let (bytes, _) = Self::ByteLevel.decode(word.unwrap_or(raw));
                let boundary = word.map_or(Boundary::Open, |_| Boundary::Word);
                return (bytes, boundary);
            }
            Self::Joined(suffix) => match marked(raw.strip_suffix(suffix.as_str())) {
                Some(inside) => (inside, Boundary::Open),
                None => (raw, Boundary::Word),
            },
            Self::Continuation(prefix) => match marked(raw.strip_prefix(prefix.as_str())) {
                Some(rest) => (rest, Boundary::Continues),
                None => (raw, Boundary::Word),
            },
            Self::Plain => (raw, Boundary::Word),
        };
        (Cow::Borrowed(text.as_bytes()), boundary)
    }

    fn is_byte(&self, raw: &str) -> bool {
        *self == Self::Metaspace && byte_fallback(raw).is_some()
    }
}

/// White space starts a word, and white space that is not a space is no part of one.
fn spaced(bytes: &[u8]) -> Boundary {
    match bytes.first() {
        Some(first) if !first.is_ascii_whitespace() => Boundary::Continues,
        _ => Boundary::Word,
    }
}

/// The byte that GPT-2's vocabulary writes as this character: printable Latin-1 stands for
/// itself, the other 68 bytes follow each other from U+0100.
fn byte_of(c: char) -> Option<u8> {
    let code = match u32::from(c) {
        code @ (0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF) => code,
        code @ 0x100..=0x120 => code - 0x100,
        code @ 0x121..=0x142 => code - 0x121 + 0x7F,
        0x143 => 0xAD,
        _ => return None,
    };
    u8::try_from(code).ok()
}

/// The character that GPT-2's vocabulary writes for a byte.
pub(super) fn byte_symbol(byte: u8) -> char {
    let code = match u32::from(byte) {
        code @ (0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF) => code,
        code @ 0..=0x20 => code + 0x100,
        code @ 0x7F..=0xA0 => code - 0x7F + 0x121,
        _ => 0x143,
    };
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// SentencePiece's token of a byte: `<0xE2>`.
fn byte_fallback(raw: &str) -> Option<u8> {
    let digits = raw.strip_prefix("<0x")?.strip_suffix('>')?;
    (digits.len() == 2).then(|| u8::from_str_radix(digits, 16).ok())?
}

/// `<s>`, `[CLS]`, `[unused12]`, `<|endoftext|>`: a name in brackets, with a letter in it.
fn in_brackets(raw: &str) -> bool {
    let inner = raw
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .or_else(|| raw.strip_prefix('<')?.strip_suffix('>'));
    inner.is_some_and(|name| {
        name.bytes().any(|b| b.is_ascii_alphabetic())
            && name
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"<>[]".contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(style: &Style, raw: &str) -> (String, Boundary) {
        let (token, _) = style.token(raw.to_owned(), Origin::Model);
        assert_eq!(&*token.raw, raw);
        (token.text.into_string(), token.boundary)
    }

    fn assert_reads(style: &Style, cases: &[(&str, &str, Boundary)]) {
        for &(raw, text, boundary) in cases {
            assert_eq!(read(style, raw), (text.to_owned(), boundary), "{raw}");
        }
    }

    #[test]
    fn reads_byte_level_tokens_as_text() {
        use Boundary::{Continues, Special, Word};
        assert_reads(
            &Style::ByteLevel,
            &[
                ("Ġdom", "dom", Word),
                ("ak", "ak", Continues),
                ("ĠÅ¼ona", "żona", Word),
                ("Å¼ona", "żona", Continues),
                ("ĠzaÅ¼Ã³ÅĤÄĩ", "zażółć", Word),
                ("Ċ", "⏎", Word),
                ("ĉ", "⇥", Word),
                ("Ġ", "␣", Word),
                ("Å", "⟨C5⟩", Continues),
                ("ĠÅ", "⟨C5⟩", Word),
                ("ĠdÅ", "d⟨C5⟩", Word),
                ("¼a", "⟨BC⟩a", Continues),
                ("ł", "⟨A0⟩", Continues),
                ("Ń", "⟨AD⟩", Continues),
                ("<s>", "<s>", Special),
                ("<|endoftext|>", "<|endoftext|>", Special),
                ("日本", "日本", Continues),
            ],
        );
    }

    #[test]
    fn reads_every_byte_of_the_byte_level_alphabet_once() {
        let mut bytes: Vec<u8> = ('!'..='\u{143}').filter_map(byte_of).collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
        assert!((0..=255).all(|byte| byte_of(byte_symbol(byte)) == Some(byte)));
    }

    #[test]
    fn reads_tokens_that_mark_the_end_of_a_word() {
        use Boundary::{Open, Special, Word};
        assert_reads(
            &Style::EndOfWord("</w>".into()),
            &[
                ("od</w>", "od", Word),
                ("pew", "pew", Open),
                ("żona</w>", "żona", Word),
                ("<s>", "<s>", Special),
                ("</w>", "</w>", Special),
            ],
        );
    }

    #[test]
    fn reads_fairseq_pieces_and_bytes_that_end_words() {
        use Boundary::{Open, Special, Word};
        assert_reads(
            &Style::Joined("@@".into()),
            &[
                ("hoc@@", "hoc", Open),
                ("sinh_viên", "sinh_viên", Word),
                ("@@", "@@", Word),
                ("</s>", "</s>", Special),
            ],
        );
        let clip: Vec<_> = ["ak", "Å¼ona</w>", "ĠÅ</w>"]
            .map(|t| (t.to_owned(), 0))
            .into();
        let style = Style::of(&clip, true, Some("</w>".into()), String::new());
        assert_reads(
            &style,
            &[
                ("ak", "ak", Open),
                ("Å¼ona</w>", "żona", Word),
                ("Å¼</w>", "ż", Word),
            ],
        );
        let unnamed = Style::of(&clip, false, None, String::new());
        assert_eq!(unnamed, Style::EndOfWord("</w>".into()));
    }

    #[test]
    fn words_are_compared_by_the_tokens_own_text() {
        let own = |raw: &str| {
            let (token, _) = Style::Metaspace.token(raw.to_owned(), Origin::Model);
            token.own_text().to_owned()
        };
        assert_eq!(own("▁می\u{200C}کند"), "می\u{200C}کند");
        assert_eq!(own("\u{301}a"), "\u{301}a");
        assert_eq!(own("▁z\u{307}o\u{301}łw"), "żółw");
        assert_eq!(own("<0xC5>"), "⟨C5⟩");
        assert_eq!(own("▁"), "␣");
    }

    #[test]
    fn reads_word_pieces() {
        use Boundary::{Continues, Special, Word};
        assert_reads(
            &Style::Continuation("##".into()),
            &[
                ("##ak", "ak", Continues),
                ("dom", "dom", Word),
                ("###", "#", Continues),
                ("##", "##", Word),
                ("[CLS]", "[CLS]", Special),
                ("[unused12]", "[unused12]", Special),
                ("[", "[", Word),
                ("[]", "[]", Word),
                ("[12]", "[12]", Word),
            ],
        );
    }

    #[test]
    fn reads_sentence_pieces() {
        use Boundary::{Continues, Special, Word};
        assert_reads(
            &Style::Metaspace,
            &[
                ("▁dom", "dom", Word),
                ("ek", "ek", Continues),
                ("▁", "␣", Word),
                ("a▁b", "a b", Continues),
                ("<0xE2>", "⟨E2⟩", Continues),
                ("<0x0A>", "⏎", Word),
                ("<0x41>", "A", Continues),
                ("<unk>", "<unk>", Special),
            ],
        );
    }

    #[test]
    fn reads_added_tokens_as_they_are_written() {
        let (token, class) = Style::ByteLevel.token("Å".into(), Origin::Added);
        assert_eq!(&*token.text, "Å");
        assert!(class.alnum && !class.ascii && !class.special);
        let (token, class) = Style::ByteLevel.token("koniec".into(), Origin::Special);
        assert_eq!(
            (&*token.text, token.boundary),
            ("koniec", Boundary::Special)
        );
        assert!(class.special);
    }
}
