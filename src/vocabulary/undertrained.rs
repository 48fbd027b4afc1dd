//! Tokens that no training can have seen, and those that the weights say it hardly saw.

use super::{Boundary, Vocabulary};

/// Bytes that are in no UTF-8.
fn is_impossible(byte: u8) -> bool {
    matches!(byte, 0xC0 | 0xC1 | 0xF5..=0xFF)
}

impl Vocabulary {
    /// Rows that cannot occur in a text, known without the weights: rows without a token, bytes
    /// that are in no UTF-8, padding, what is spelled as unused or reserved, and, where every byte
    /// has a token, the unknown token. (The first steps of Land and Bartolo 2024, §2.2.)
    pub fn unseen(&self) -> Vec<u32> {
        let bytes: Vec<bool> = self.ids().map(|id| self.is_impossible_byte(id)).collect();
        let all_bytes = bytes.contains(&true);
        let named = |id: u32| {
            let Some(token) = self.token(id) else {
                return true;
            };
            if token.boundary != Boundary::Special {
                return false;
            }
            let raw = token.raw.to_lowercase();
            let name = raw.trim_matches(|c| "<>[]|".contains(c));
            name == "pad"
                || all_bytes && name == "unk"
                || name.starts_with("unused")
                || name.starts_with("reserved")
        };
        let ids = self.ids().zip(bytes);
        ids.filter(|&(id, byte)| byte || named(id))
            .map(|(id, _)| id)
            .collect()
    }

    /// Rows of special and added tokens, which a text seldom or never has.
    pub fn special(&self) -> Vec<u32> {
        let special = |id: &u32| {
            let token = self.token(*id);
            token.is_some_and(|token| token.boundary == Boundary::Special)
        };
        self.ids().filter(special).collect()
    }

    fn ids(&self) -> impl Iterator<Item = u32> {
        0..self.rows() as u32
    }

    fn is_impossible_byte(&self, id: u32) -> bool {
        let text = self.token(id).map(|token| &*token.text);
        let digits = text.and_then(|text| text.strip_prefix('⟨')?.strip_suffix('⟩'));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        byte.is_some_and(is_impossible)
    }
}

/// Which tokens a model's weights say were hardly trained. They belong to the model: another one
/// of the same vocabulary has others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undertrained {
    /// A flag a row.
    flags: Vec<bool>,
}

impl Undertrained {
    /// From one flag per row; rows without a token do not count.
    pub fn new(mut flags: Vec<bool>, vocabulary: &Vocabulary) -> Self {
        for (id, flag) in (0..).zip(&mut flags) {
            *flag &= vocabulary.token(id).is_some();
        }
        Self { flags }
    }

    /// Whether a token is undertrained; no position is.
    pub fn contains(&self, id: u32) -> bool {
        self.flags.get(id as usize) == Some(&true)
    }

    /// How many tokens are.
    pub fn count(&self) -> usize {
        self.flags.iter().filter(|&&flag| flag).count()
    }

    /// What it holds beside itself, in bytes.
    pub fn heap_bytes(&self) -> usize {
        size_of_val(&self.flags[..])
    }
}

#[cfg(test)]
mod tests {
    use crate::vocabulary::{Filters, TokenizerFiles, Undertrained, Vocabulary};

    fn pieces(list: &str, rows: usize) -> Vocabulary {
        let files = TokenizerFiles {
            vocab_txt: Some(list.replace(' ', "\n").into_bytes().into()),
            ..TokenizerFiles::default()
        };
        Vocabulary::open(&files, rows).unwrap()
    }

    #[test]
    fn knows_tokens_that_cannot_occur_by_their_names() {
        let v = pieces("[PAD] [unused1] [CLS] [UNK] dom unused reserved", 9);
        assert_eq!(v.unseen(), [0, 1, 7, 8]);
    }

    #[test]
    fn knows_bytes_that_are_in_no_text() {
        let tokens = ["À", "Á", "Â", "õ", "ö", "ÿ", "Ġ", "a", "<unk>"];
        let vocab: serde_json::Map<_, _> = tokens
            .iter()
            .enumerate()
            .map(|(id, token)| ((*token).to_owned(), id.into()))
            .collect();
        let files = TokenizerFiles {
            vocab_json: Some(serde_json::to_vec(&vocab).unwrap().into()),
            merges_txt: Some(b"#version: 0.2\n".as_slice().into()),
            ..TokenizerFiles::default()
        };
        let v = Vocabulary::open(&files, tokens.len()).unwrap();
        assert_eq!(v.unseen(), [0, 1, 3, 4, 5, 8]);
    }

    #[test]
    fn a_mask_hides_the_undertrained_tokens_it_is_given() {
        let v = pieces("[PAD] [UNK] dom kot", 5);
        let filters = Filters {
            exclude_undertrained: true,
            ..Filters::default()
        };
        let hidden = |given| {
            let passes = v.mask(&filters, 0, given).unwrap().passes;
            (0..4).filter(|&id| !passes[id]).collect::<Vec<_>>()
        };
        let one = Undertrained::new(vec![true, false, false, true, true], &v);
        let other = Undertrained::new(vec![false, true, false, false, true], &v);
        assert_eq!(hidden(Some(&one)), [0, 3]);
        assert_eq!(hidden(Some(&other)), [1]);
        assert_eq!(hidden(None), [0; 0], "nothing is known");
        assert!(one.contains(3) && !one.contains(2) && !one.contains(4) && !one.contains(9));
        assert_eq!((one.count(), other.count()), (2, 1), "row 4 has no token");
    }
}
