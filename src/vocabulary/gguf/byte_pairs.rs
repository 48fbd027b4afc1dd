//! `gpt2`: BPE over bytes, each of which is written as a letter.

use serde_json::{Value, json};

use super::super::listing::unknown_merge;
use super::super::recipe::ModelSource;
use super::super::token::Style;
use super::pre_tokenizers::{self, PreTokenizer};
use super::{FILE, GgufTokenizer, KindParts, vocabulary};

pub(super) fn parts(file: &GgufTokenizer) -> KindParts {
    let ids = file.special_ids;
    let (model, known) = match pre_tokenizers::named(file.pre.as_deref()) {
        Ok(known) => {
            let whole_words = known.ignore_merges;
            let model = file.deferred(move |tokens, parts| {
                let merges = merges(&parts.merges)?;
                bpe(&tokens, &merges, whole_words)
            });
            (model, known)
        }
        Err(why) => (ModelSource::Refused(why), PreTokenizer::none()),
    };
    KindParts {
        style: Style::ByteLevel,
        model,
        normalizer: known.normalizer,
        pre_tokenizer: known.pre_tokenizer,
        before: ids.bos.filter(|_| file.add_bos.unwrap_or(known.add_bos)),
        after: ids.eos.filter(|_| file.add_eos.unwrap_or(false)),
        // Bytes spell everything.
        has_unknown: false,
        mask_takes_spaces: true,
    }
}

/// The model; `whole_words`: a word that is a token stays one, whatever the merges make of it.
fn bpe(
    tokens: &[(String, u32)],
    merges: &[(&str, &str)],
    whole_words: bool,
) -> Result<Value, String> {
    match unknown_merge(FILE, tokens, merges.iter().copied(), "") {
        Some(stale) => Err(stale.to_string()),
        None => Ok(json!({
            "type": "BPE",
            "vocab": vocabulary(tokens),
            "merges": merges,
            "ignore_merges": whole_words,
        })),
    }
}

/// Two tokens and a space between them; the first may begin with one.
pub(super) fn merges(listed: &[String]) -> Result<Vec<(&str, &str)>, String> {
    let parts = |merge: &'_ str| {
        let mut spaces = merge.match_indices(' ').map(|(at, _)| at);
        spaces.find(|at| *at > 0)
    };
    let merges = listed.iter().zip(1..).map(|(merge, number)| {
        let at = parts(merge).ok_or_else(|| {
            format!(
                "{FILE}: expected two tokens and a space between them as merge {number}, got {:?}",
                super::short(merge)
            )
        })?;
        Ok((&merge[..at], &merge[at + 1..]))
    });
    merges.collect()
}
