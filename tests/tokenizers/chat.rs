//! Chat templates against transformers (`chat.py` in this folder).

use std::collections::BTreeMap;

use lexiscope::vocabulary::{
    ChatError, ChatMessage, ChatTemplate, Moment, TokenizerFiles, Vocabulary,
};
use serde::Deserialize;

use super::folder;

#[derive(Deserialize)]
struct Cases {
    now: u64,
    special_tokens: BTreeMap<String, String>,
    templates: BTreeMap<String, String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    template: String,
    chat: String,
    /// Roles and contents.
    messages: Vec<[String; 2]>,
    text: Option<String>,
    /// What the template says where it refuses the messages.
    error: Option<String>,
}

#[test]
fn templates_write_what_transformers_writes() {
    let text = std::fs::read_to_string(folder().join("chat.json")).unwrap();
    let Cases {
        now,
        special_tokens,
        templates,
        cases,
    } = serde_json::from_str(&text).unwrap();
    assert!(cases.len() > 20);
    for case in cases {
        let template = ChatTemplate {
            source: templates[&case.template].clone(),
            special_tokens: special_tokens.clone(),
        };
        let messages = case.messages.iter();
        let messages = messages.map(|[role, content]| ChatMessage { role, content });
        let messages: Vec<_> = messages.collect();
        let found = template.apply(&messages, Moment(now));
        let what = format!("{} {}", case.template, case.chat);
        match (found, case.text, case.error) {
            (Ok(found), Some(text), _) => assert_eq!(found, text, "{what}"),
            (Err(ChatError::Template(said)), _, Some(error)) => {
                assert!(said.contains(&error), "{what}: {said}");
            }
            other => panic!("{what}: {other:?}"),
        }
    }
}

fn of_files(config: &str, jinja: Option<&str>) -> Result<ChatTemplate, String> {
    let files = TokenizerFiles {
        vocab_txt: Some(b"a\nb".as_slice().into()),
        tokenizer_config_json: Some(config.as_bytes().to_vec().into()),
        chat_template_jinja: jinja.map(|text| text.as_bytes().to_vec().into()),
        ..TokenizerFiles::default()
    };
    let vocabulary = Vocabulary::open(&files, 2).map_err(|e| e.to_string())?;
    vocabulary.chat_template().map_err(|e| e.to_string())
}

#[test]
fn a_template_comes_from_its_own_file_before_the_configuration() {
    let config =
        r#"{"chat_template": "old", "bos_token": {"content": "<s>"}, "eos_token": "</s>"}"#;
    let found = of_files(config, None).unwrap();
    assert_eq!(found.source, "old");
    assert_eq!(found.special_tokens["bos_token"], "<s>");
    assert_eq!(of_files(config, Some("new")).unwrap().source, "new");
    let several = r#"{"chat_template": [{"name": "tool_use", "template": "t"},
                      {"name": "default", "template": "d"}]}"#;
    assert_eq!(of_files(several, None).unwrap().source, "d");
    let none = of_files("{}", None).unwrap_err();
    assert!(none.contains("leave --chat out"), "{none}");
}

#[test]
fn a_template_that_does_not_end_or_parse_is_refused_in_a_line() {
    let endless = "{% for a in range(10000) %}{% for b in range(10000) %}{% for c in range(10000) %}x\
                   {% endfor %}{% endfor %}{% endfor %}";
    for source in [
        endless,
        "{% if %}",
        "{{ messages.nothing.more }}",
        "{{ 1 | unheard }}",
    ] {
        let template = ChatTemplate {
            source: source.to_owned(),
            ..ChatTemplate::default()
        };
        let error = template.apply(&[], Moment(0)).unwrap_err().to_string();
        assert!(
            error.starts_with("the chat template cannot be used: "),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}
