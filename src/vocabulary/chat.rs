//! Chat templates: Jinja, as transformers' `apply_chat_template` has it, so far as a message from a
//! user is put into it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, Value};
use minijinja_contrib::pycompat::unknown_method_callback;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use serde_json::{Map, Value as Json};
use thiserror::Error;

use super::strftime::{Moment, strftime};
use super::{GgufTokenizer, TokenizerFiles};

/// Steps of a template at most: those in use take some thousands.
const FUEL: u64 = 1_000_000;

/// Why a text could not be put into a chat template, in one line.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ChatError {
    #[error(
        "no chat template: expected `chat_template` in tokenizer_config.json, chat_template.jinja, or \
         a GGUF file's tokenizer.chat_template; this is no chat model, leave --chat out"
    )]
    Missing,
    #[error("tokenizer_config.json: expected JSON with a chat template, got an error: {0}")]
    Config(String),
    #[error("the chat template cannot be used: {0}")]
    Template(String),
}

/// What a checkpoint has of a chat template, unread: most sessions do not ask for it.
#[derive(Clone, Debug, Default)]
pub(super) struct ChatFiles {
    config: Option<Cow<'static, [u8]>>,
    special_tokens_map: Option<Cow<'static, [u8]>>,
    jinja: Option<Cow<'static, [u8]>>,
    gguf: Option<ChatTemplate>,
}

/// A chat template and the special tokens that it may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatTemplate {
    pub source: String,
    /// By their roles: `bos_token`, `eos_token`.
    pub special_tokens: BTreeMap<String, String>,
}

/// What one side of a chat said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage<'a> {
    /// `system`, `user` or `assistant`.
    pub role: &'a str,
    pub content: &'a str,
}

impl ChatFiles {
    pub(super) fn of(files: &TokenizerFiles) -> Self {
        let gguf = files.gguf.as_ref();
        Self {
            config: files.tokenizer_config_json.clone(),
            special_tokens_map: files.special_tokens_map_json.clone(),
            jinja: files.chat_template_jinja.clone(),
            gguf: gguf.and_then(of_gguf),
        }
    }

    /// The template. chat_template.jinja counts before tokenizer_config.json; of several in a list
    /// the one named `default` is taken.
    ///
    /// # Errors
    /// There is none, or the file is no JSON.
    pub(super) fn template(&self) -> Result<ChatTemplate, ChatError> {
        if let Some(template) = &self.gguf {
            return Ok(template.clone());
        }
        let mut special_tokens = BTreeMap::new();
        let mut own = None;
        for bytes in [&self.special_tokens_map, &self.config]
            .into_iter()
            .flatten()
        {
            let config: Map<String, Json> =
                serde_json::from_slice(bytes).map_err(|e| ChatError::Config(e.to_string()))?;
            for (key, value) in &config {
                let token = value.as_str().or_else(|| value.get("content")?.as_str());
                if let Some(token) = token.filter(|_| key.ends_with("_token")) {
                    special_tokens.insert(key.clone(), token.to_owned());
                }
            }
            own = config.get("chat_template").and_then(of_config).or(own);
        }
        let jinja = self.jinja.as_deref();
        let source = match jinja.map(|bytes| String::from_utf8(bytes.to_vec())) {
            Some(Ok(source)) => Some(source),
            Some(Err(_)) => {
                let problem = "chat_template.jinja is not UTF-8";
                return Err(ChatError::Template(problem.to_owned()));
            }
            None => own,
        };
        Ok(ChatTemplate {
            source: source.ok_or(ChatError::Missing)?,
            special_tokens,
        })
    }
}

/// The template of a GGUF file, with the tokens that its ids name.
fn of_gguf(gguf: &GgufTokenizer) -> Option<ChatTemplate> {
    let ids = gguf.special_ids;
    let named = [
        ("bos_token", ids.bos),
        ("eos_token", ids.eos),
        ("unk_token", ids.unknown),
    ];
    let named = named.into_iter().filter_map(|(role, id)| {
        let token = gguf.tokens.get(id? as usize)?;
        Some((role.to_owned(), token.clone()))
    });
    Some(ChatTemplate {
        source: gguf.chat_template.clone()?,
        special_tokens: named.collect(),
    })
}

/// A template, or the default one of several.
fn of_config(value: &Json) -> Option<String> {
    let named = |name: &str| {
        let mut all = value.as_array()?.iter();
        let found = all.find(|one| one.get("name").and_then(Json::as_str) == Some(name))?;
        found.get("template")?.as_str()
    };
    let text = value.as_str().or_else(|| named("default"));
    text.map(str::to_owned)
}

impl ChatTemplate {
    /// Messages as the model reads them, and the beginning of its answer.
    ///
    /// # Errors
    /// A template that does not parse, that uses what is not known here, or that refuses the
    /// messages, with its own words.
    pub fn apply(&self, messages: &[ChatMessage<'_>], now: Moment) -> Result<String, ChatError> {
        let mut env = Environment::new();
        env.set_trim_blocks(true);
        env.set_lstrip_blocks(true);
        env.set_fuel(Some(FUEL));
        env.set_unknown_method_callback(unknown_method_callback);
        env.add_function("raise_exception", |why: String| {
            Err::<Value, Error>(Error::new(ErrorKind::InvalidOperation, why))
        });
        env.add_function("strftime_now", move |form: String| strftime(&form, now));
        env.add_filter("tojson", to_json);
        let message = |message: &ChatMessage<'_>| {
            let pairs = [("role", message.role), ("content", message.content)];
            Value::from_iter(pairs.map(|(key, text)| (key, Value::from(text))))
        };
        let messages: Vec<Value> = messages.iter().map(message).collect();
        let mut context: BTreeMap<&str, Value> = BTreeMap::new();
        for (role, token) in &self.special_tokens {
            context.insert(role, Value::from(token.as_str()));
        }
        context.insert("messages", Value::from(messages));
        context.insert("tools", Value::from(()));
        context.insert("documents", Value::from(()));
        context.insert("add_generation_prompt", Value::from(true));
        let rendered = env.render_str(&self.source, context);
        rendered.map_err(|error| ChatError::Template(one_line(&error)))
    }
}

fn one_line(error: &Error) -> String {
    let said = error
        .detail()
        .map_or_else(|| error.to_string(), str::to_owned);
    said.lines().collect::<Vec<_>>().join(" ")
}

/// As Python's `json.dumps` with `ensure_ascii=False`.
fn to_json(value: Value, options: Kwargs) -> Result<String, Error> {
    let wrong = |e: serde_json::Error| Error::new(ErrorKind::BadSerialization, e.to_string());
    let indent: Option<usize> = options.get("indent")?;
    options.assert_all_used()?;
    let value = serde_json::to_value(&value).map_err(wrong)?;
    let mut out = Vec::new();
    let written = match indent {
        Some(indent) => {
            let indent = " ".repeat(indent);
            let pretty = PrettyFormatter::with_indent(indent.as_bytes());
            let mut json = Serializer::with_formatter(&mut out, pretty);
            serde::Serialize::serialize(&value, &mut json)
        }
        None => {
            let mut json = Serializer::with_formatter(&mut out, PythonFormatter);
            serde::Serialize::serialize(&value, &mut json)
        }
    };
    written.map_err(wrong)?;
    String::from_utf8(out).map_err(|e| Error::new(ErrorKind::BadSerialization, e.to_string()))
}

/// JSON with a space after commas and colons.
struct PythonFormatter;

impl Formatter for PythonFormatter {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}
