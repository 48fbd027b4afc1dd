//! Tokenizer files that are not what they should be: one clear line, never a panic.

use lexiscope::vocabulary::{TokenizerFiles, Vocabulary, VocabularyError};

fn files() -> TokenizerFiles {
    TokenizerFiles::default()
}

fn single(json: &str) -> TokenizerFiles {
    TokenizerFiles {
        tokenizer_json: Some(json.as_bytes().to_vec().into()),
        ..files()
    }
}

fn pair(vocab: &str, merges: &[u8]) -> TokenizerFiles {
    TokenizerFiles {
        vocab_json: Some(vocab.as_bytes().to_vec().into()),
        merges_txt: Some(merges.to_vec().into()),
        ..files()
    }
}

/// The message for files that do not open, checked to be one line that names what it must.
fn refuses(files: &TokenizerFiles, rows: usize, names: &[&str]) {
    let message = match Vocabulary::open(files, rows) {
        Ok(_) => panic!("opened, expected a message with {names:?}"),
        Err(error) => error.to_string(),
    };
    assert!(!message.contains('\n'), "{message}");
    assert!(message.len() < 300, "{message}");
    for name in names {
        assert!(message.contains(name), "{message:?} lacks {name:?}");
    }
}

#[test]
fn says_which_files_are_missing() {
    refuses(
        &files(),
        10,
        &["tokenizer.json", "vocab.txt", "none of them"],
    );
    let mut half = pair("{}", b"");
    half.merges_txt = None;
    refuses(&half, 10, &["vocab.json without merges.txt"]);
    let mut half = pair("{}", b"");
    half.vocab_json = None;
    refuses(&half, 10, &["merges.txt without vocab.json"]);
}

#[test]
fn says_which_file_is_not_utf_8() {
    let mut files = single("{}");
    files.tokenizer_json = Some(b"{\"model\": \"\xFF\"}".to_vec().into());
    refuses(&files, 10, &["tokenizer.json", "UTF-8", "byte 11"]);
    refuses(
        &pair(r#"{"a": 0}"#, b"a \xC5\n"),
        10,
        &["merges.txt", "UTF-8", "byte 2"],
    );
    let mut files = single("{}");
    files.tokenizer_json = None;
    files.vocab_txt = Some(b"[PAD]\n\x80\n".to_vec().into());
    refuses(&files, 10, &["vocab.txt", "UTF-8", "byte 6"]);
}

#[test]
fn says_where_json_breaks_off() {
    refuses(&single(""), 10, &["tokenizer.json", "EOF", "line 1"]);
    refuses(
        &single(r#"{"model": {"vocab": {"a": 0"#),
        10,
        &["tokenizer.json", "EOF"],
    );
    refuses(
        &single("<!DOCTYPE html>"),
        10,
        &["tokenizer.json", "expected value"],
    );
    refuses(
        &single(r#"{"version": "1.0"}"#),
        10,
        &["missing field `model`"],
    );
    refuses(
        &single(r#"{"model": {"type": "BPE"}}"#),
        10,
        &["missing field `vocab`"],
    );
    refuses(&pair(r#"["a"]"#, b""), 10, &["vocab.json", "invalid type"]);
}

#[test]
fn refuses_ids_that_are_none() {
    for id in ["-1", "1.5", "4294967296", "\"0\"", "null"] {
        let vocab = format!(r#"{{"a": {id}}}"#);
        refuses(&pair(&vocab, b""), 10, &["vocab.json", "u32"]);
        let json = format!(r#"{{"model": {{"vocab": {vocab}}}}}"#);
        refuses(&single(&json), 10, &["tokenizer.json", "u32"]);
    }
}

#[test]
fn refuses_ids_beyond_the_embedding() {
    let ten = [
        "tokenizer and the weights from the same model",
        "below 10",
        "got 10",
    ];
    refuses(&pair(r#"{"a": 9, "b": 10}"#, b""), 10, &ten);
    refuses(
        &single(r#"{"model": {"vocab": {"a": 0, "b": 10}}}"#),
        10,
        &ten,
    );
}

#[test]
fn refuses_two_tokens_of_one_id() {
    let both = ["\"a\"", "\"b\"", "id 3"];
    refuses(&pair(r#"{"a": 3, "b": 3}"#, b""), 10, &both);
    refuses(
        &single(r#"{"model": {"vocab": {"a": 3, "b": 3}}}"#),
        10,
        &both,
    );
    let added = r#"{"model": {"vocab": {"a": 3}}, "added_tokens": [{"id": 3, "content": "b"}]}"#;
    refuses(&single(added), 10, &both);
}

#[test]
fn refuses_merges_of_unknown_tokens() {
    let vocab = r#"{"a": 0, "b": 1}"#;
    refuses(
        &pair(vocab, b"#version: 0.2\na c\n"),
        10,
        &["merges.txt", "\"a c\"", "\"c\""],
    );
    refuses(
        &pair(vocab, b"a b\n"),
        10,
        &["merges.txt", "merge 1", "\"ab\""],
    );
    let with = |merges| {
        single(&format!(
            r#"{{"model": {{"vocab": {vocab}, "merges": {merges}}}}}"#
        ))
    };
    refuses(&with(r#"["a b"]"#), 10, &["tokenizer.json", "\"ab\""]);
    refuses(&with(r#"[["a", "b"]]"#), 10, &["tokenizer.json", "\"ab\""]);
    refuses(&with(r#"[["a", "b", "c"]]"#), 10, &["tokenizer.json"]);
    refuses(
        &with(r#"["ab"]"#),
        10,
        &["tokenizer.json", "a space between"],
    );
    refuses(&with("[7]"), 10, &["tokenizer.json", "a merge"]);
}

#[test]
fn refuses_merges_shorter_than_the_mark_they_lose() {
    let json = r####"{"model": {"continuing_subword_prefix": "##", "vocab": {"a": 0, "b": 1},
        "merges": [["a", "b"]]}}"####;
    refuses(&single(json), 10, &["tokenizer.json", "\"a b\""]);
}

#[test]
fn refuses_lines_that_are_no_merges() {
    let vocab = r#"{"a": 0, "b": 1, "ab": 2}"#;
    refuses(
        &pair(vocab, b"ab\n"),
        10,
        &["merges.txt", "\"ab\"", "merge 1"],
    );
    refuses(&pair(vocab, b"a b c\n"), 10, &["merges.txt", "\"a b c\""]);
    refuses(&pair(vocab, b"a b 1 2\n"), 10, &["merges.txt"]);
    assert!(Vocabulary::open(&pair(vocab, b"#version: 0.2\r\na b 17\r\n\n"), 10).is_ok());
}

#[test]
fn refuses_an_empty_vocabulary() {
    refuses(&pair("{}", b""), 10, &["vocab.json", "no token"]);
    refuses(
        &single(r#"{"model": {"vocab": []}}"#),
        10,
        &["tokenizer.json", "no token"],
    );
    let mut files = single("");
    files.tokenizer_json = None;
    files.vocab_txt = Some(b"\n\n".into());
    refuses(&files, 10, &["vocab.txt", "no token"]);
}

#[test]
fn refuses_settings_that_are_none() {
    let mut files = pair(r#"{"a": 0}"#, b"");
    files.tokenizer_config_json = Some(b"{".into());
    refuses(&files, 10, &["tokenizer_config.json", "EOF"]);
    files.tokenizer_config_json = Some(br#"{"bos_token": 7}"#.into());
    refuses(
        &files,
        10,
        &["tokenizer_config.json", "a special token as a string"],
    );
    files.tokenizer_config_json = None;
    files.special_tokens_map_json = Some(b"[]x".into());
    refuses(&files, 10, &["special_tokens_map.json"]);
}

#[test]
fn shortens_what_would_fill_the_screen() {
    let long = "ż".repeat(5000);
    refuses(
        &single(&format!(r#"{{"model": {{"vocab": {{"{long}": 10}}}}}}"#)),
        10,
        &["żżż…"],
    );
    let nasty = r#"{"model": {"vocab": {"\n\u001b[31m": 10}}}"#;
    refuses(&single(nasty), 10, &["\\n\\u{1b}"]);
}

/// Tokens can be listed where texts cannot be read.
#[test]
fn lists_the_tokens_of_a_tokenizer_with_unknown_parts() {
    for part in [
        r#""pre_tokenizer": {"type": "FromTheFuture"}"#,
        r#""normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}"#,
        r#""normalizer": {"type": "Precompiled", "precompiled_charsmap": "/////w=="}"#,
        r#""pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(("},
            "behavior": "Isolated", "invert": false}"#,
    ] {
        let json = format!(
            r#"{{"version": "1.0", "added_tokens": [], "model": {{"type": "WordLevel",
                "vocab": {{"dom": 0}}, "unk_token": "dom"}}, {part}}}"#
        );
        let vocabulary = Vocabulary::open(&single(&json), 1).expect("its tokens are whole");
        assert_eq!(vocabulary.text(0), "dom");
        let error = vocabulary.encode("dom").expect_err(part);
        assert!(matches!(error, VocabularyError::Encode { .. }));
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}
