//! The distinct spellings of a vocabulary, in small letters and composed: what `same`, `similar`, `contains` and
//! `words` compare, so that each is a matter of integers or of one pass.

use std::collections::BTreeSet;

use super::visible::folded;

/// A word of fewer letters is too short to look like another.
const SHORTEST_ALIKE: usize = 4;

/// Separates spellings; in none of them.
const SEPARATOR: char = '\0';

/// Spellings in order, numbered from 0.
pub(super) struct Spellings {
    /// Every spelling, each followed by a separator.
    joined: String,
    /// Where each begins in `joined`; one more for the end.
    starts: Vec<usize>,
    letters: Vec<char>,
    /// Where each begins in `letters`; one more for the end.
    letter_starts: Vec<usize>,
}

impl Spellings {
    /// The spellings of these texts, and which one each text has.
    pub(super) fn of<'a>(texts: impl Iterator<Item = &'a str>) -> (Self, Vec<u32>) {
        // In one string: of a large vocabulary a string each would take several times the room.
        let (mut all, mut ends) = (String::new(), Vec::new());
        for text in texts {
            all.push_str(&folded(text).replace(SEPARATOR, "␀"));
            ends.push(all.len());
        }
        let text = |at: u32| {
            let start = (at as usize)
                .checked_sub(1)
                .map_or(0, |before| ends[before]);
            &all[start..ends[at as usize]]
        };
        // The first bytes of each beside it: most comparisons look no further.
        let first_bytes = |at: u32| {
            let (mut bytes, text) = ([0; 8], text(at).as_bytes());
            let some = text.len().min(bytes.len());
            bytes[..some].copy_from_slice(&text[..some]);
            (u64::from_be_bytes(bytes), at)
        };
        let mut order: Vec<(u64, u32)> = (0..ends.len() as u32).map(first_bytes).collect();
        order.sort_unstable_by(|a, b| {
            let texts = || (text(a.1), a.1).cmp(&(text(b.1), b.1));
            a.0.cmp(&b.0).then_with(texts)
        });
        let mut spellings = Self {
            joined: String::new(),
            starts: vec![0],
            letters: Vec::new(),
            letter_starts: vec![0],
        };
        let mut numbers = vec![0; order.len()];
        let mut last: Option<&str> = None;
        for (_, at) in order {
            let spelling = text(at);
            if last != Some(spelling) {
                spellings.push(spelling);
                last = Some(spelling);
            }
            numbers[at as usize] = (spellings.len() - 1) as u32;
        }
        (spellings, numbers)
    }

    fn push(&mut self, spelling: &str) {
        self.joined.push_str(spelling);
        self.joined.push(SEPARATOR);
        self.starts.push(self.joined.len());
        self.letters.extend(letters(spelling));
        self.letter_starts.push(self.letters.len());
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn spelling(&self, number: usize) -> &str {
        &self.joined[self.starts[number]..self.starts[number + 1] - SEPARATOR.len_utf8()]
    }

    fn letters(&self, number: u32) -> &[char] {
        let number = number as usize;
        &self.letters[self.letter_starts[number]..self.letter_starts[number + 1]]
    }

    /// Which spellings have a substring, in whatever case.
    pub(super) fn containing(&self, part: &str) -> Vec<bool> {
        let mut found = vec![false; self.len()];
        if part.contains(SEPARATOR) {
            return found;
        }
        let mut number = 0;
        for (at, _) in self.joined.match_indices(&folded(part)) {
            while number < found.len() && self.starts[number + 1] <= at {
                number += 1;
            }
            if let Some(found) = found.get_mut(number) {
                *found = true;
            }
        }
        found
    }

    /// Which spellings are among these words: both are in order, so one walk along both tells.
    pub(super) fn among(&self, words: &BTreeSet<String>) -> Vec<bool> {
        let mut words = words.iter().map(String::as_str).peekable();
        (0..self.len())
            .map(|number| {
                let spelling = self.spelling(number);
                while words.next_if(|word| *word < spelling).is_some() {}
                words.peek() == Some(&spelling)
            })
            .collect()
    }

    /// Equal, or alike (see [`alike`]).
    pub(super) fn similar(&self, a: u32, b: u32) -> bool {
        a == b || alike(self.letters(a), self.letters(b))
    }
}

/// The letters of a spelling. A byte that is only a part of a character, written `⟨c5⟩`, is one.
fn letters(spelling: &str) -> Vec<char> {
    /// Above all characters that are assigned; one for each byte.
    const BYTES: u32 = 0x10_FF00;
    let mut letters = Vec::with_capacity(spelling.len());
    let mut rest = spelling.chars();
    while let Some(letter) = rest.next() {
        let byte = rest.as_str().split_once('⟩').filter(|_| letter == '⟨');
        let byte = byte.and_then(|(digits, after)| {
            let byte = u8::from_str_radix(digits, 16).ok()?;
            Some((char::from_u32(BYTES + u32::from(byte))?, after))
        });
        if let Some((_, after)) = byte {
            rest = after.chars();
        }
        letters.push(byte.map_or(letter, |(byte, _)| byte));
    }
    letters
}

/// One is a prefix of the other, or they differ by one letter inserted, deleted or substituted;
/// the shorter has four letters or more.
fn alike(a: &[char], b: &[char]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.len() < SHORTEST_ALIKE {
        return false;
    }
    let prefix = common(short.iter(), long.iter());
    if prefix == short.len() {
        return true;
    }
    if long.len() - short.len() > 1 {
        return false;
    }
    // One edit: what lies before it is a common prefix, what lies behind it a common suffix.
    let suffix = common(short[prefix..].iter().rev(), long.iter().rev());
    prefix + suffix + 1 >= long.len()
}

fn common<'a>(a: impl Iterator<Item = &'a char>, b: impl Iterator<Item = &'a char>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_words_that_look_alike() {
        for (a, b, expected) in [
            ("domu", "domowy", false),
            ("domu", "domu", true),
            ("domo", "domowy", true),
            ("kobieta", "kobiety", true),
            ("kobieta", "kobiet", true),
            ("kobieta", "obieta", true),
            ("kobieta", "kobitea", false),
            ("żona", "żono", true),
            ("żona", "żon", false),
            ("dom", "domowy", false),
            ("abcd", "abxd", true),
            ("aaaa", "aaaaaaaa", true),
            ("aaaab", "aaaac", true),
            ("⟨87⟩", "⟨81⟩", false),
            ("⟨87⟩⟨81⟩⟨82⟩", "⟨87⟩⟨81⟩⟨83⟩", false),
            ("dom⟨c5⟩", "dom⟨c4⟩", true),
            ("do⟨c5⟩", "do⟨c4⟩", false),
            ("⟨dom⟩", "⟨domy⟩", true),
        ] {
            assert_eq!(alike(&letters(a), &letters(b)), expected, "{a} {b}");
            assert_eq!(alike(&letters(b), &letters(a)), expected, "{b} {a}");
        }
    }

    /// Levenshtein's table, in full.
    fn distance(a: &[char], b: &[char]) -> usize {
        let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 0..=a.len() {
            for j in 0..=b.len() {
                table[i][j] = if i == 0 || j == 0 {
                    i + j
                } else {
                    let substituted = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    substituted
                        .min(table[i - 1][j] + 1)
                        .min(table[i][j - 1] + 1)
                };
            }
        }
        table[a.len()][b.len()]
    }

    proptest! {
        #[test]
        fn agrees_with_the_edit_distance(a in "[abż]{0,7}", b in "[abż]{0,7}") {
            let (x, y) = (letters(&a), letters(&b));
            let long_enough = x.len().min(y.len()) >= 4;
            let expected = long_enough
                && (a.starts_with(&b) || b.starts_with(&a) || distance(&x, &y) <= 1);
            prop_assert_eq!(alike(&x, &y), expected);
        }
    }

    #[test]
    fn finds_parts_and_words_in_either_case() {
        let texts = ["Żona", "żona", "dom", "Domowy", "on", "na"];
        let (spellings, numbers) = Spellings::of(texts.into_iter());
        assert_eq!(numbers[0], numbers[1]);
        let chosen = |flags: Vec<bool>| -> Vec<&str> {
            let pass = numbers.iter().map(|&n| flags[n as usize]);
            texts
                .into_iter()
                .zip(pass)
                .filter(|(_, p)| *p)
                .map(|(t, _)| t)
                .collect()
        };
        assert_eq!(chosen(spellings.containing("ON")), ["Żona", "żona", "on"]);
        assert_eq!(chosen(spellings.containing("na")), ["Żona", "żona", "na"]);
        assert_eq!(chosen(spellings.containing("domo")), ["Domowy"]);
        assert!(chosen(spellings.containing("\0")).is_empty());
        let words = ["aaa", "dom", "na", "żona", "żonaty"];
        let words = words.into_iter().map(str::to_owned).collect();
        assert_eq!(
            chosen(spellings.among(&words)),
            ["Żona", "żona", "dom", "na"]
        );
    }
}
