//! Vocabularies in the forms that real checkpoints have, held against reference answers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/mod.rs"]
mod support;

use std::error::Error;
use std::{fs, io};

use lexiscope::vocabulary::{Boundary, Filters, Text, TokenizerFiles, Vocabulary, Words};
use serde_json::Value;
use support::{REFERENCES, reference};

type Outcome = Result<(), Box<dyn Error>>;

fn open(model: &str, rows: usize) -> Result<Vocabulary, Box<dyn Error>> {
    let read = |file: &str| match fs::read(reference(model).join(file)) {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let files = TokenizerFiles {
        tokenizer_json: read("tokenizer.json")?,
        vocab_json: read("vocab.json")?,
        merges_txt: read("merges.txt")?,
        vocab_txt: read("vocab.txt")?,
        tokenizer_config_json: read("tokenizer_config.json")?,
        special_tokens_map_json: read("special_tokens_map.json")?,
        config_json: read("config.json")?,
        ..TokenizerFiles::default()
    };
    Ok(Vocabulary::open(&files, rows)?)
}

fn answers(model: &str) -> Result<Value, Box<dyn Error>> {
    Ok(support::json(&reference(model).with_extension("json")))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn id(value: &Value) -> u32 {
    value
        .as_u64()
        .and_then(|id| u32::try_from(id).ok())
        .expect("an id")
}

/// The reference writes half a character as the vocabulary's own string without `Ġ`, and a
/// control character and an empty text as they are: these a terminal must not get.
fn assert_reads(vocabulary: &Vocabulary, id: u32, text: &Value, model: &str) {
    let token = vocabulary.token(id).expect("a token");
    let text = text.as_str().expect("a text");
    if text.is_empty() || text.chars().any(char::is_control) {
        assert_ne!(text, &*token.text, "{model} {id}");
    } else if token.text.contains('⟨') {
        assert_eq!(text, token.raw.trim_start_matches('Ġ'), "{model} {id}");
    } else {
        assert_eq!(text, &*token.text, "{model} {id}");
    }
}

#[test]
fn tokens_and_texts_agree_with_the_reference_and_pass_its_filters() -> Outcome {
    for model in REFERENCES {
        let answers = answers(model)?;
        let vocabulary = open(model, id(&answers["vocab"]) as usize)?;
        let mut seen = 0;
        for case in list(&answers["neuron"]) {
            let filters = Filters {
                ascii: case["ascii"] == true,
                alnum: case["alnum"] == true,
                ..Filters::default()
            };
            let mask = vocabulary.mask(&filters, 0, None)?;
            for row in ["K", "V", "-K", "-V"]
                .iter()
                .flat_map(|c| list(&case["columns"][c]))
            {
                let id = id(&row["id"]);
                let token = vocabulary.token(id).ok_or("no token")?;
                assert_eq!(row["token"], *token.raw, "{model} {id}");
                assert_reads(&vocabulary, id, &row["text"], model);
                assert!(mask.passes[id as usize], "{model} {filters:?} {row}");
                seen += 1;
            }
        }
        for case in list(&answers["pairs"]) {
            for pair in list(&case["pairs"]) {
                for (side, text) in [("from", "from_text"), ("to", "to_text")] {
                    assert_reads(&vocabulary, id(&pair[side]), &pair[text], model);
                    seen += 1;
                }
            }
        }
        assert!(seen > 500, "{model}: {seen}");
    }
    Ok(())
}

#[test]
fn texts_become_the_ids_of_the_reference() -> Outcome {
    for model in REFERENCES {
        let answers = answers(model)?;
        let vocabulary = open(model, id(&answers["vocab"]) as usize)?;
        let case = &answers["geometry"];
        let texts = list(&case["texts"]).iter().zip(list(&case["per_text"]));
        assert!(texts.len() > 0);
        for (text, answer) in texts {
            let written = text.as_str().ok_or("no text")?;
            let ids: Vec<u32> = list(&answer["ids"]).iter().map(id).collect();
            let ids = match model.starts_with("gpt2") {
                true => &ids[..],
                // Between the special tokens that BERT puts around a text.
                false => &ids[1..ids.len() - 1],
            };
            let got = vocabulary.encode(written)?;
            // The reference reads a text's first 96 tokens, special ones counted.
            assert_eq!(&got[..got.len().min(ids.len())], ids, "{model}: {written}");
            assert!(
                got.len() == ids.len() || ids.len() >= 94,
                "{model}: {written}"
            );
        }
    }
    Ok(())
}

#[test]
fn rows_without_a_token_never_show() -> Outcome {
    let vocabulary = open("gpt2-safetensors", 960)?;
    assert_eq!((vocabulary.rows(), vocabulary.len()), (960, 900));
    let mask = vocabulary.mask(&Filters::default(), 5, None)?;
    assert_eq!((mask.passes.len(), mask.passing), (960, 900));
    assert!(vocabulary.token(900).is_none());
    assert!(!vocabulary.same(900, 901) && vocabulary.same(900, 900));
    assert_eq!(vocabulary.text(959), "[row 959]");
    assert_eq!(vocabulary.text(977), "[pos 17]");
    Ok(())
}

#[test]
fn positions_pass_every_other_filter() -> Outcome {
    let vocabulary = open("gpt2-safetensors", 900)?;
    let filters = Filters {
        positions: true,
        contains: "in no token at all".into(),
        ..Filters::default()
    };
    let mask = vocabulary.mask(&filters, 7, None)?;
    assert_eq!((mask.passes.len(), mask.passing), (907, 7));
    assert!(mask.passes[900..].iter().all(|&passes| passes));
    assert!(!vocabulary.same(900, 901) && !vocabulary.similar(900, 901));
    Ok(())
}

/// The raw strings of the tokens that pass.
fn passing(vocabulary: &Vocabulary, filters: &Filters) -> Result<Vec<String>, Box<dyn Error>> {
    let mask = vocabulary.mask(filters, 0, None)?;
    let ids = (0..).zip(&mask.passes).filter(|(_, passes)| **passes);
    let tokens: Vec<String> = ids
        .filter_map(|(id, _)| Some(vocabulary.token(id)?.raw.to_string()))
        .collect();
    assert_eq!(tokens.len(), mask.passing);
    Ok(tokens)
}

#[test]
fn finds_listed_words_in_either_case_and_wherever_they_stand() -> Outcome {
    let vocabulary = open("gpt2-safetensors", 900)?;
    let filters = Filters {
        words: Some(Words::parse("words", "NIEGO\n ak \nnowhere")),
        ..Filters::default()
    };
    let mut found = passing(&vocabulary, &filters)?;
    found.sort();
    assert_eq!(found, ["ak", "Ġniego"]);
    Ok(())
}

#[test]
fn finds_the_tokens_that_occur_in_a_text() -> Outcome {
    let vocabulary = open("gpt2-pickle", 800)?;
    let text = |text: &str| Filters {
        text: Some(Text {
            label: "text".into(),
            text: text.into(),
            source: None,
        }),
        ..Filters::default()
    };
    assert_eq!(passing(&vocabulary, &text("gdzie gdzie"))?, ["Ġgdzie"]);
    assert_eq!(passing(&vocabulary, &text("pu"))?, ["Ġpu"]);
    Ok(())
}

#[test]
fn excludes_special_tokens() -> Outcome {
    for model in REFERENCES {
        let vocabulary = open(model, id(&answers(model)?["vocab"]) as usize)?;
        let filters = Filters {
            exclude_special: true,
            ..Filters::default()
        };
        let kept = passing(&vocabulary, &filters)?;
        let special = [
            "<s>", "</s>", "<pad>", "<unk>", "<mask>", "[CLS]", "[SEP]", "[MASK]",
        ];
        assert!(kept.len() < vocabulary.len(), "{model}");
        assert!(
            !kept.iter().any(|raw| special.contains(&raw.as_str())),
            "{model}"
        );
        let first = vocabulary.token(0).ok_or("no token")?;
        assert_eq!(first.boundary, Boundary::Special, "{model}");
    }
    Ok(())
}

fn vocabulary_of(json: &Value, rows: usize) -> Result<Vocabulary, Box<dyn Error>> {
    let files = TokenizerFiles {
        tokenizer_json: Some(json.to_string().into_bytes().into()),
        ..TokenizerFiles::default()
    };
    Ok(Vocabulary::open(&files, rows)?)
}

#[test]
fn compares_words_without_marks_and_case() -> Outcome {
    let tokens = [
        "Ġdom",
        "dom",
        "ĠDom",
        "ĠdomÃ³w",
        "Ġdomu",
        "Ġdomy",
        "Ġżona",
        "ĠÅ¼ony",
        "ĠÅ¼ona",
    ];
    let json = serde_json::json!({
        "model": {"type": "BPE", "merges": [],
            "vocab": tokens.iter().zip(0..).collect::<std::collections::BTreeMap<_, u32>>()},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}]},
        "added_tokens": [{"id": 9, "content": "Ġdom#", "special": false}],
    });
    let vocabulary = vocabulary_of(&json, 12)?;
    assert_eq!(vocabulary.len(), 10);
    assert_eq!(vocabulary.text(9), "Ġdom#");
    assert!(vocabulary.same(0, 1) && vocabulary.same(0, 2) && !vocabulary.same(0, 4));
    assert!(vocabulary.similar(4, 5), "domu, domy");
    assert!(!vocabulary.similar(0, 4), "dom is too short");
    assert!(vocabulary.similar(0, 2), "the same word");
    assert!(vocabulary.similar(7, 8), "żony, żona");
    assert_eq!(vocabulary.text(8), "żona");
    Ok(())
}

#[test]
fn a_token_added_without_a_row_of_its_own_is_left_out() {
    let json = r#"{"model": {"vocab": {"a": 0, "b": 1}}, "added_tokens": [
        {"id": 1, "content": "b", "special": true}, {"id": 2, "content": "[PAD]", "special": true}]}"#;
    let files = TokenizerFiles {
        tokenizer_json: Some(json.as_bytes().into()),
        ..TokenizerFiles::default()
    };
    let vocabulary = Vocabulary::open(&files, 2).unwrap();
    assert_eq!((vocabulary.len(), vocabulary.token(2)), (2, None));
}

/// A vocabulary keeps its own name for a row; an added token of another name gets the next id, in
/// lists as in texts.
#[test]
fn a_renamed_added_token_has_a_new_id_of_its_own() -> Outcome {
    let json = serde_json::json!({
        "added_tokens": [
            {"id": 1, "content": "<|tool|>", "special": true, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false},
            {"id": 9, "content": "ab", "special": false, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false}],
        "model": {"type": "BPE", "merges": [], "vocab": {"a": 0, "b": 1, "c": 2}},
    });
    let vocabulary = vocabulary_of(&json, 6)?;
    let texts: Vec<_> = (0..6).map(|id| vocabulary.text(id).into_owned()).collect();
    assert_eq!(texts, ["a", "b", "c", "<|tool|>", "ab", "[row 5]"]);
    assert_eq!(vocabulary.encode("<|tool|>abc")?, [3, 4, 2]);
    let notice = vocabulary.notices().join("\n");
    assert!(
        notice.contains("\"<|tool|>\"") && notice.contains("the id 1") && notice.contains("get 3"),
        "{notice}"
    );
    Ok(())
}

#[test]
fn a_vocabulary_larger_than_the_embedding_opens_with_a_notice() -> Outcome {
    let json = serde_json::json!({
        "model": {"type": "BPE", "merges": [], "vocab": {"a": 0, "b": 1, "c": 2, "d": 3}},
    });
    let vocabulary = vocabulary_of(&json, 2)?;
    assert_eq!((vocabulary.rows(), vocabulary.len()), (2, 2));
    let notice = vocabulary.notices().join("\n");
    assert!(
        notice.contains("2 tokens") && notice.contains("(2)"),
        "{notice}"
    );
    assert_eq!(vocabulary.encode("ab")?, [0, 1]);
    let error = vocabulary.encode("abc").unwrap_err().to_string();
    assert!(
        error.contains("token 2") && error.contains("2 rows"),
        "{error}"
    );
    Ok(())
}

#[test]
fn special_tokens_are_those_that_any_file_names() -> Outcome {
    let vocab: std::collections::BTreeMap<&str, u32> = ["a", "xx", "yy", "zz", "ww", "vv"]
        .into_iter()
        .zip(0..)
        .collect();
    let vocab = serde_json::to_vec(&vocab)?;
    for config in [
        r#"{"extra_special_tokens": ["yy", "zz"], "bos_token": "xx"}"#,
        r#"{"extra_special_tokens": {"y_token": "yy", "z_token": "zz"}, "image_token": "xx"}"#,
        r#"{"additional_special_tokens": ["yy", {"content": "zz"}], "extra_special_tokens": [],
            "eos_token": {"__type": "AddedToken", "content": "xx"}}"#,
        r#"{"added_tokens_decoder": {"1": {"content": "xx", "special": true},
            "2": {"content": "yy", "special": true}, "3": {"content": "zz", "special": true},
            "4": {"content": "ww", "special": false}}}"#,
    ] {
        let files = TokenizerFiles {
            vocab_json: Some(vocab.clone().into()),
            merges_txt: Some(b"#version: 0.2\n".as_slice().into()),
            tokenizer_config_json: Some(config.as_bytes().to_vec().into()),
            ..TokenizerFiles::default()
        };
        let vocabulary = Vocabulary::open(&files, 6)?;
        let special: Vec<u32> = (0..6).filter(|&id| vocabulary.is_special(id)).collect();
        assert_eq!(special, [1, 2, 3], "{config}");
    }
    Ok(())
}

/// What stands beside tokenizer.json counts for texts as for lists.
#[test]
fn settings_beside_a_single_file_reach_texts() -> Outcome {
    let with = |json: Value, config: &str| -> Result<Vocabulary, Box<dyn Error>> {
        let files = TokenizerFiles {
            tokenizer_json: Some(json.to_string().into_bytes().into()),
            tokenizer_config_json: Some(config.as_bytes().to_vec().into()),
            ..TokenizerFiles::default()
        };
        Ok(Vocabulary::open(&files, 8)?)
    };
    let gpt2 = serde_json::json!({
        "model": {"type": "BPE", "merges": [["Ġ", "a"]], "vocab": {"a": 0, "b": 1, "Ġ": 2, "Ġa": 3}},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true},
    });
    let plain = with(gpt2.clone(), r#"{"tokenizer_class": "GPT2Tokenizer"}"#)?;
    assert_eq!(plain.encode("ab")?, [0, 1]);
    let spaced = r#"{"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": "True",
        "added_tokens_decoder": {"4": {"content": "bb", "special": false}}}"#;
    let spaced = with(gpt2.clone(), spaced)?;
    assert_eq!(spaced.encode("ab")?, [3, 1]);
    assert_eq!(spaced.encode("bba")?, [4, 3]);
    // A file that is read as it is, whatever the class was once called.
    let other = r#"{"tokenizer_class": "PreTrainedTokenizerFast", "add_prefix_space": true}"#;
    assert_eq!(with(gpt2, other)?.encode("ab")?, [0, 1]);
    let bert = serde_json::json!({
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0, "dom": 1, "Dom": 2}},
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "BertNormalizer",
            "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true}]},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
    });
    let lower = with(bert.clone(), r#"{"tokenizer_class": "BertTokenizer"}"#)?;
    assert_eq!(lower.encode("Dom dom")?, [1, 1]);
    let cased = with(
        bert,
        r#"{"tokenizer_class": "BertTokenizerFast", "do_lower_case": false}"#,
    )?;
    assert_eq!(cased.encode("Dom dom kot")?, [2, 1, 0]);
    assert_eq!(cased.unknown(), Some(0));
    Ok(())
}

#[test]
fn one_text_has_the_same_tokens_each_time() -> Outcome {
    let json = serde_json::json!({
        "model": {"type": "BPE", "dropout": 0.5, "merges": [["a", "b"], ["ab", "c"]],
            "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4}},
    });
    for _ in 0..20 {
        assert_eq!(vocabulary_of(&json, 5)?.encode("abcab")?, [4, 3]);
    }
    Ok(())
}

#[test]
fn words_are_found_however_they_are_composed_and_whatever_makes_them_up() -> Outcome {
    let tokens = ["▁żółw", "▁می\u{200C}کند", "\u{301}a", "▁ΟΔΟΣ", "▁dom"];
    let json = serde_json::json!({
        "model": {"type": "BPE", "merges": [],
            "vocab": tokens.iter().zip(0..).collect::<std::collections::BTreeMap<_, u32>>()},
    });
    let vocabulary = vocabulary_of(&json, 5)?;
    let listed = |lines: &str| -> Result<Vec<bool>, Box<dyn Error>> {
        let filters = Filters {
            words: Some(Words::parse("words", lines)),
            ..Filters::default()
        };
        Ok(vocabulary.mask(&filters, 0, None)?.passes)
    };
    let decomposed = "\u{FEFF}z\u{307}o\u{301}łw\r\nمی\u{200C}کند\r\n\u{301}a\r\nοδος\r\n";
    assert_eq!(listed(decomposed)?, [true, true, true, true, false]);
    assert_eq!(listed("οδοσ")?, [false, false, false, true, false]);
    assert_eq!(
        listed("میکند")?,
        [false; 5],
        "without its joiner it is another word"
    );
    let contains = Filters {
        contains: "O\u{301}Ł".into(),
        ..Filters::default()
    };
    assert_eq!(vocabulary.mask(&contains, 0, None)?.passing, 1);
    for (word, id) in [
        ("می\u{200C}کند", 1),
        ("z\u{307}o\u{301}łw", 0),
        ("◌\u{301}a", 2),
        ("οδος", 3),
    ] {
        let pattern = lexiscope::vocabulary::Pattern::parse(word)?;
        assert_eq!(vocabulary.matching(&[pattern])?, [id], "{word}");
    }
    Ok(())
}
