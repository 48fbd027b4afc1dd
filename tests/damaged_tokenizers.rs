//! Tokenizer files that are not what they should be: one clear line, never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used)]

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
fn refuses_a_vocabulary_without_a_token_in_the_embedding() {
    let ten = [
        "tokenizer and the weights from the same model",
        "below 10",
        "from 10 on",
    ];
    refuses(&pair(r#"{"a": 10, "b": 11}"#, b""), 10, &ten);
    refuses(&single(r#"{"model": {"vocab": {"a": 10}}}"#), 10, &ten);
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
}

/// Opens, lists its tokens, and cannot read a text: the message says why, in one line.
fn lists_only(files: &TokenizerFiles, names: &[&str]) {
    let vocabulary = Vocabulary::open(files, 10).expect("its tokens are whole");
    assert!(vocabulary.len() > 0);
    let error = vocabulary.encode("a").expect_err("no text can be read");
    let message = error.to_string();
    assert!(!message.contains('\n') && message.len() < 400, "{message}");
    assert!(matches!(error, VocabularyError::Encode { .. }), "{message}");
    for name in names {
        assert!(message.contains(name), "{message:?} lacks {name:?}");
    }
}

#[test]
fn merges_of_unknown_tokens_keep_texts_from_being_read_and_nothing_else() {
    let vocab = r#"{"a": 0, "b": 1}"#;
    lists_only(
        &pair(vocab, b"#version: 0.2\na c\n"),
        &["merges.txt", "\"a c\"", "\"c\""],
    );
    lists_only(&pair(vocab, b"a b\n"), &["merges.txt", "merge 1", "\"ab\""]);
    let with = |merges| {
        single(&format!(
            r#"{{"model": {{"vocab": {vocab}, "merges": {merges}}}}}"#
        ))
    };
    lists_only(&with(r#"["a b"]"#), &["tokenizer.json", "\"ab\""]);
    lists_only(&with(r#"[["a", "b"]]"#), &["tokenizer.json", "\"ab\""]);
    refuses(&with(r#"[["a", "b", "c"]]"#), 10, &["tokenizer.json"]);
    refuses(
        &with(r#"["ab"]"#),
        10,
        &["tokenizer.json", "a space between"],
    );
    refuses(&with("[7]"), 10, &["tokenizer.json", "a merge"]);
    let shorter = r####"{"model": {"continuing_subword_prefix": "##", "vocab": {"a": 0, "b": 1},
        "merges": [["a", "b"]]}}"####;
    lists_only(&single(shorter), &["tokenizer.json", "\"a b\""]);
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
    files.special_tokens_map_json = None;
    for (config, names) in [
        (
            r#"{"do_lower_case": "perhaps"}"#,
            ["do_lower_case", "true or false", "perhaps"],
        ),
        (
            r#"{"extra_special_tokens": 5}"#,
            ["extra_special_tokens", "a list or a map", "5"],
        ),
        (
            r#"{"added_tokens_decoder": {"x": "a"}}"#,
            ["added_tokens_decoder", "ids", "x"],
        ),
    ] {
        files.tokenizer_config_json = Some(config.as_bytes().to_vec().into());
        refuses(&files, 10, &names);
    }
    files.tokenizer_config_json = Some(br#"{"do_lower_case": "true"}"#.into());
    assert!(Vocabulary::open(&files, 10).is_ok());
}

#[test]
fn shortens_what_would_fill_the_screen() {
    let long = "ż".repeat(5000);
    let vocab = format!(r#"{{"a": 3, "{long}": 3}}"#);
    refuses(&pair(&vocab, b""), 10, &["żżż…"]);
    let nasty = r#"{"model": {"vocab": {"a": 3, "\n\u001b[31m": 3}}}"#;
    refuses(&single(nasty), 10, &["\\n\\u{1b}"]);
}

#[test]
fn refuses_a_token_that_fills_memory() {
    let long = "a".repeat(1 << 20);
    let vocab = format!(r#"{{"b": 0, "{long}": 3}}"#);
    refuses(&pair(&vocab, b""), 10, &["vocab.json", "1048576", "id 3"]);
    let json = format!(
        r#"{{"model": {{"vocab": {{"b": 0}}}}, "added_tokens": [
        {{"id": 1, "content": "{long}"}}]}}"#
    );
    refuses(&single(&json), 10, &["tokenizer.json", "1048576", "id 1"]);
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

fn with_parts(parts: &str) -> TokenizerFiles {
    single(&format!(
        r#"{{"version": "1.0", "added_tokens": [], "model": {{"type": "WordLevel",
            "vocab": {{"dom": 0}}, "unk_token": "dom"}}, {parts}}}"#
    ))
}

/// A charsmap in base 64: a trie of these units, then the strings.
fn charsmap(units: &[u32], strings: &[u8]) -> String {
    use base64::Engine;
    let mut bytes = u32::try_from(4 * units.len())
        .unwrap()
        .to_le_bytes()
        .to_vec();
    bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    bytes.extend(strings);
    let map = base64::engine::general_purpose::STANDARD.encode(bytes);
    format!(r#""normalizer": {{"type": "Precompiled", "precompiled_charsmap": "{map}"}}"#)
}

/// Parts that would panic, fill memory or never end: none of them takes the program down, and the
/// tokens can be listed.
#[test]
fn parts_that_grow_without_end_are_refused_by_name() {
    let replace = |pattern: &str, content: &str| {
        format!(r#"{{"type": "Replace", "pattern": {{{pattern}}}, "content": "{content}"}}"#)
    };
    let normalizers = |steps: &[String]| {
        let steps = steps.join(", ");
        format!(r#""normalizer": {{"type": "Sequence", "normalizers": [{steps}]}}"#)
    };
    let pre = |steps: &[&str]| {
        let steps = steps.join(", ");
        format!(r#""pre_tokenizer": {{"type": "Sequence", "pretokenizers": [{steps}]}}"#)
    };
    let bytes = r#"{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true}"#;
    let empty = replace(r#""String": """#, "x");
    let empty_regex = replace(r#""Regex": """#, "x");
    let between = replace(r#""Regex": "x*""#, "xxxxxxxxxxxxxxxxxxxxxxxx");
    let doubles = replace(r#""String": "a""#, "aa");
    let grows = replace(r#""Regex": ".""#, &"a".repeat(200));
    let prepend = format!(
        r#"{{"type": "Prepend", "prepend": "{}"}}"#,
        "p".repeat(1 << 16)
    );
    let huge_trie = {
        use base64::Engine;
        let map = base64::engine::general_purpose::STANDARD.encode(b"\xfc\xff\xff\xffgarbage");
        format!(r#""normalizer": {{"type": "Precompiled", "precompiled_charsmap": "{map}"}}"#)
    };
    let split =
        r#"{"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated", "invert": false}"#;
    let twice = r#""post_processor": {"type": "TemplateProcessing", "single": [
        {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [], "special_tokens": {}}"#;
    let cases: Vec<(String, &str)> = vec![
        (
            normalizers(std::slice::from_ref(&empty)),
            "Replace has an empty pattern",
        ),
        (normalizers(&[empty_regex]), "Replace has an empty pattern"),
        (normalizers(&[between]), "Replace makes more than"),
        (normalizers(&vec![doubles; 30]), "Replace makes more than"),
        (normalizers(&[grows]), "Replace makes more than"),
        (normalizers(&[prepend]), "Prepend puts 65536 bytes in"),
        (
            normalizers(&vec![r#"{"type": "NFC"}"#.to_owned(); 33]),
            "33 normalizers",
        ),
        (huge_trie, "Precompiled has a damaged charsmap"),
        (charsmap(&[], b"x"), "Precompiled has a damaged charsmap"),
        (
            charsmap(&[0; 4], b"\xff"),
            "Precompiled has a damaged charsmap",
        ),
        (
            charsmap(&[0; 256], &[b'x'; 5000]),
            "Precompiled makes 5000 bytes",
        ),
        (charsmap(&[u32::MAX; 4], b"x\0"), "damaged"),
        (pre(&[split]), "Split has an empty pattern"),
        (
            pre(&[r#"{"type": "FixedLength", "length": 0}"#]),
            "FixedLength cuts pieces of no letter",
        ),
        (pre(&[bytes; 30]), "ByteLevel makes more than"),
        (twice.to_owned(), "TemplateProcessing repeats the text"),
    ];
    for (parts, names) in cases {
        let vocabulary = Vocabulary::open(&with_parts(&parts), 1).expect("its tokens are whole");
        assert_eq!(vocabulary.text(0), "dom");
        let text = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaż".repeat(20);
        let error = vocabulary.encode(&text).expect_err(names).to_string();
        assert!(
            error.contains(names) && !error.contains('\n'),
            "{error:?} lacks {names:?}"
        );
    }
}

#[test]
fn refuses_a_text_that_is_too_long_in_a_sentence() {
    let vocabulary = Vocabulary::open(&with_parts(r#""decoder": null"#), 1).unwrap();
    let error = vocabulary
        .encode(&"a".repeat(3 << 20))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("3145728") && error.contains("cut it"),
        "{error}"
    );
}

#[test]
fn word_pieces_of_endless_words_are_refused() {
    let json = r####"{"model": {"type": "WordPiece", "vocab": {"a": 0, "##a": 1, "[UNK]": 2},
        "unk_token": "[UNK]", "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 1000000000}}"####;
    lists_only(&single(json), &["WordPiece", "1000000000"]);
}

#[test]
fn says_what_is_wrong_with_a_sentence_piece_model() {
    let model = |bytes: &[u8]| TokenizerFiles {
        tokenizer_model: Some(bytes.to_vec().into()),
        ..files()
    };
    let one = b"\x0a\x0e\x0a\x05<unk>\x15\0\0\0\0\x18\x02";
    let vocabulary = Vocabulary::open(&model(one), 120).unwrap();
    // Control pieces that it does not have name no rows.
    let texts: Vec<_> = (0..4).map(|id| vocabulary.text(id).into_owned()).collect();
    assert_eq!(texts, ["<unk>", "[row 1]", "[row 2]", "[row 3]"]);
    for (bytes, names) in [
        (&b"\x0a\x0e\x0a\x05<unk"[..], "its end inside a field"),
        (
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            "its end inside a field",
        ),
        (
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            "more than ten bytes",
        ),
        (b"\x0a\x04\x0a\x02\xff\xff", "not UTF-8"),
        (b"\x0a\x05\x15\0\0\xc0\x7f", "no number"),
        (b"\x0b", "unknown kind"),
        (b"version https", "unknown kind"),
    ] {
        refuses(&model(bytes), 120, &["tokenizer.model", names]);
    }
    refuses(&model(b""), 120, &["tokenizer.model", "no token"]);
}
