//! The sets of files that a vocabulary can lie in besides tokenizer.json, and which of them is read.

use super::error::VocabularyError;
use super::listing::Listing;
use super::recipe::ModelSource;
use super::settings::TokenizerSettings;
use super::tokenizer_class::TokenizerClass;
use super::{TokenizerFiles, byte_pairs, fairseq, sentence_pieces, tiktoken, word_pieces};

/// The sets of files that a vocabulary can lie in, besides tokenizer.json.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileSet {
    /// vocab.json and merges.txt.
    BytePairs,
    /// A SentencePiece model, or tiktoken's ranks under the same name.
    SentencePieces,
    /// tekken.json.
    Tekken,
    /// vocab.txt and bpe.codes.
    Fairseq,
    /// vocab.txt.
    WordPieces,
}

const ALL: [FileSet; 5] = [
    FileSet::BytePairs,
    FileSet::SentencePieces,
    FileSet::Tekken,
    FileSet::Fairseq,
    FileSet::WordPieces,
];

/// Reads the set of files that the tokenizer's class takes, or else the first that is there.
///
/// # Errors
/// No set is whole, or its files do not parse.
pub(super) fn read(
    files: &TokenizerFiles,
    settings: &TokenizerSettings,
) -> Result<Listing, VocabularyError> {
    let class = TokenizerClass::of(settings);
    let mut listing = read_set(files, class.clone(), settings)?;
    if let Some(TokenizerClass::Unknown(name)) = class {
        let name: String = name.chars().take(60).collect();
        listing.recipe.model = ModelSource::Refused(format!(
            "its files are for {name:?}, which is not known here; save the tokenizer as tokenizer.json"
        ));
    }
    Ok(listing)
}

fn read_set(
    files: &TokenizerFiles,
    class: Option<TokenizerClass>,
    settings: &TokenizerSettings,
) -> Result<Listing, VocabularyError> {
    let first = match &class {
        Some(
            TokenizerClass::XlmRoberta
            | TokenizerClass::Camembert
            | TokenizerClass::Llama
            | TokenizerClass::Gemma
            | TokenizerClass::T5
            | TokenizerClass::Backend,
        ) => FileSet::SentencePieces,
        Some(TokenizerClass::Phobert) => FileSet::Fairseq,
        Some(TokenizerClass::Bert | TokenizerClass::BertJapanese) => FileSet::WordPieces,
        Some(
            TokenizerClass::Gpt2
            | TokenizerClass::Roberta
            | TokenizerClass::GptNeoX
            | TokenizerClass::Qwen2
            | TokenizerClass::Herbert
            | TokenizerClass::Unknown(_),
        )
        | None => FileSet::BytePairs,
    };
    for set in [first].into_iter().chain(ALL) {
        match (set, &files.vocab_json, &files.merges_txt) {
            (FileSet::BytePairs, Some(vocab), Some(merges)) => {
                return byte_pairs::read(vocab, merges, class, settings);
            }
            (FileSet::BytePairs, ..) => {}
            (FileSet::SentencePieces, ..) => {
                if let Some((file, bytes)) = sentence_pieces_file(files) {
                    return match tiktoken::is_ranks(bytes) {
                        true => tiktoken::read(file, bytes, settings),
                        false => sentence_pieces::read(file, bytes, class, settings),
                    };
                }
            }
            (FileSet::Tekken, ..) => {
                if let Some(bytes) = &files.tekken_json {
                    return tiktoken::tekken(bytes, settings);
                }
            }
            (FileSet::Fairseq, ..) => {
                if let (Some(vocab), Some(codes)) = (&files.vocab_txt, &files.bpe_codes) {
                    return fairseq::read(vocab, codes, settings);
                }
            }
            (FileSet::WordPieces, ..) => {
                if let Some(bytes) = &files.vocab_txt {
                    return word_pieces::read(bytes, class, settings);
                }
            }
        }
    }
    let got = match (&files.vocab_json, &files.merges_txt) {
        (Some(_), None) => "vocab.json without merges.txt",
        (None, Some(_)) => "merges.txt without vocab.json",
        _ => "none of them",
    };
    Err(VocabularyError::Missing { got })
}

fn sentence_pieces_file(files: &TokenizerFiles) -> Option<(&'static str, &[u8])> {
    [
        ("sentencepiece.bpe.model", &files.sentencepiece_bpe_model),
        ("tokenizer.model", &files.tokenizer_model),
        ("spiece.model", &files.spiece_model),
    ]
    .into_iter()
    .find_map(|(file, bytes)| Some((file, bytes.as_deref()?)))
}
