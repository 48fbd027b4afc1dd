//! What an open checkpoint has for a tokenizer: the files beside its weights, or a GGUF file's keys.

use crate::checkpoint::{Checkpoint, CheckpointError, GgufMetadata, OpenFile};
use crate::vocabulary::{GgufSpecialIds, GgufTextParts, GgufTokenizer, Later, TokenizerFiles};

use super::QueryError;

/// The tokenizer of a checkpoint, as far as it has one.
///
/// # Errors
/// A file or a list that cannot be read.
pub(super) fn tokenizer_files(checkpoint: &Checkpoint) -> Result<TokenizerFiles, QueryError> {
    if let Some(metadata) = checkpoint.gguf_metadata() {
        return Ok(TokenizerFiles {
            gguf: Some(gguf_tokenizer(metadata)?),
            ..TokenizerFiles::default()
        });
    }
    let file = checkpoint.open_file("tokenizer.json")?;
    let tokenizer_json = file.as_ref().map(OpenFile::read).transpose()?;
    // From the hub it would be read slowly, or not at all.
    let file = file.filter(|_| !checkpoint.is_remote());
    let tokenizer_json_again =
        file.map(|file| Later::new(move || file.read().map_err(|error| error.to_string())));
    Ok(TokenizerFiles {
        gguf: None,
        tokenizer_json,
        tokenizer_json_again,
        vocab_json: checkpoint.file("vocab.json")?,
        merges_txt: checkpoint.file("merges.txt")?,
        vocab_txt: checkpoint.file("vocab.txt")?,
        tokenizer_config_json: checkpoint.file("tokenizer_config.json")?,
        special_tokens_map_json: checkpoint.file("special_tokens_map.json")?,
        added_tokens_json: checkpoint.file("added_tokens.json")?,
        tokenizer_model: checkpoint.file("tokenizer.model")?,
        sentencepiece_bpe_model: checkpoint.file("sentencepiece.bpe.model")?,
        spiece_model: checkpoint.file("spiece.model")?,
        tekken_json: checkpoint.file("tekken.json")?,
        bpe_codes: checkpoint.file("bpe.codes")?,
        chat_template_jinja: checkpoint.file("chat_template.jinja")?,
        config_json: checkpoint.file("config.json")?,
    })
}

/// The tokenizer that a GGUF file holds. Its merges and scores are read when a text asks for them.
///
/// # Errors
/// A list that cannot be read.
pub fn gguf_tokenizer(metadata: &GgufMetadata) -> Result<GgufTokenizer, CheckpointError> {
    const TOKENS: &str = "tokenizer.ggml.tokens";
    let id = |key: &str| {
        let id = metadata.whole(&format!("tokenizer.ggml.{key}_token_id"))?;
        u32::try_from(id).ok()
    };
    let text = |key: &str| metadata.text(key).map(str::to_owned);
    let load = {
        let metadata = metadata.clone();
        move || {
            let parts = || {
                let scores = metadata.reals("tokenizer.ggml.scores")?.unwrap_or_default();
                Ok::<_, CheckpointError>(GgufTextParts {
                    tokens: metadata.texts(TOKENS)?.unwrap_or_default(),
                    merges: metadata.texts("tokenizer.ggml.merges")?.unwrap_or_default(),
                    scores: scores.into_iter().map(|score| score as f32).collect(),
                })
            };
            parts().map_err(|error| error.to_string())
        }
    };
    let tokenizer_json = metadata.bytes("tokenizer.huggingface.json")?;
    Ok(GgufTokenizer {
        model: text("tokenizer.ggml.model").unwrap_or_default(),
        pre: text("tokenizer.ggml.pre"),
        tokens: metadata.texts(TOKENS)?.unwrap_or_default(),
        token_types: metadata
            .wholes("tokenizer.ggml.token_type")?
            .unwrap_or_default(),
        special_ids: GgufSpecialIds {
            bos: id("bos"),
            eos: id("eos"),
            unknown: id("unknown"),
            // The key is spelled so.
            separator: id("seperator").or_else(|| id("separator")),
            cls: id("cls"),
            mask: id("mask"),
        },
        add_bos: metadata.flag("tokenizer.ggml.add_bos_token"),
        add_eos: metadata.flag("tokenizer.ggml.add_eos_token"),
        add_space_prefix: metadata.flag("tokenizer.ggml.add_space_prefix"),
        charsmap: metadata
            .bytes("tokenizer.ggml.precompiled_charsmap")?
            .unwrap_or_default(),
        tokenizer_json: tokenizer_json.map(Into::into),
        chat_template: text("tokenizer.chat_template"),
        for_texts: Later::new(load),
    })
}
