//! `config.json`: the family and the sizes, each of them checked.

mod distances;
mod experts;
mod forward;
mod layers;
mod literals;
mod position_scheme;
mod register;
mod rope;
mod sizes;

use serde_json::{Map, Value};

use super::error::one_line;
use super::family::{DefaultValue, refusal};
use super::files::Files;
use super::{
    CheckpointError, FAMILIES, Family, HeadSizes, NormPlacement, OutputEmbedding, Reading, Spec,
    UnknownChoice, family,
};

/// What windows and rotary positions are about.
const PLACED: &[Reading] = &[Reading::Distance, Reading::Forward];

/// Larger than any `config.json`.
const LARGEST_CONFIG: u64 = 16 << 20;

/// No size of a language model is beyond it.
const LARGEST_SIZE: u64 = 1 << 24;

/// Texts are not read beyond it, whatever the model says: a head's scores are its square.
const MOST_TOKENS: usize = 1 << 14;

/// A `config.json` that holds an object.
pub(super) struct Config {
    file: String,
    values: Map<String, Value>,
}

impl Config {
    /// Reads `config.json`, with what its family's files may leave out: the one way of reading it,
    /// whether the weights lie here or on the hub.
    ///
    /// # Errors
    /// None there, not JSON, not an object, or of no known family.
    pub(super) fn read(files: &Files) -> Result<(Self, &'static Family), CheckpointError> {
        let config = Self::open(files)?;
        let family = config.family()?;
        Ok((config.completed(family)?, family))
    }

    /// The same of a model that says in another file what `config.json` says.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub(super) fn of(
        file: &str,
        values: Map<String, Value>,
    ) -> Result<(Self, &'static Family), CheckpointError> {
        let config = Self {
            file: file.to_owned(),
            values,
        };
        let family = config.family()?;
        Ok((config.completed(family)?, family))
    }

    fn open(files: &Files) -> Result<Self, CheckpointError> {
        let source = files.open("config.json")?.ok_or_else(|| {
            let missing = || CheckpointError::MissingFile {
                folder: files.name(),
                missing: "config.json",
                expected: "it beside the weights".into(),
            };
            files.elsewhere().unwrap_or_else(missing)
        })?;
        let file = source.name().to_string();
        let bytes = source.whole(LARGEST_CONFIG)?;
        match serde_json::from_slice(&literals::quoted(&bytes)) {
            Ok(Value::Object(values)) => Ok(Self { file, values }),
            Ok(other) => {
                let what = format!("expected a JSON object, got {}", shown(&other));
                Err(CheckpointError::damaged(
                    &file,
                    format!("{what}; get the file again"),
                ))
            }
            Err(error) => {
                let what = format!("expected JSON, got {error}; get the file again");
                Err(CheckpointError::damaged(&file, what))
            }
        }
    }

    /// Whether a key is there and not null.
    pub(super) fn has(&self, key: &str) -> bool {
        self.value(&[key]).is_some()
    }

    /// The family that `model_type` names.
    fn family(&self) -> Result<&'static Family, CheckpointError> {
        let got = self.value(&["model_type"]).map(|(_, value)| value);
        let found = got.and_then(Value::as_str).and_then(family);
        let found = found.map(|family| self.gated(family).unwrap_or(family));
        found.ok_or_else(|| CheckpointError::UnknownFamily {
            file: self.file.clone(),
            got: got.map_or("(missing)".into(), shown),
            known: FAMILIES.len(),
            refusal: got
                .and_then(Value::as_str)
                .and_then(refusal)
                .unwrap_or_default(),
        })
    }

    /// What a family with two kinds of neurons is where they have gates.
    fn gated(&self, family: &Family) -> Option<&'static Family> {
        let gated = family.two_stacks?.gated?;
        let (_, activation) = self.value(family.config.activation)?;
        let gates = activation.as_str()?.starts_with("gated");
        gates.then_some(gated)
    }

    /// Fills in what the family's files may leave out, and looks where they nest it.
    fn completed(mut self, family: &Family) -> Result<Self, CheckpointError> {
        if let Some(nest) = family.nested {
            match self.values.remove(nest) {
                Some(Value::Object(inner)) => self.values.extend(inner),
                Some(other) => {
                    return Err(self.wrong(nest, "an object".into(), shown(&other)));
                }
                None => {}
            }
        }
        // What is nested may be of another family, with what its own files leave out.
        let inner = self.value(&["model_type"]).and_then(|(_, v)| v.as_str());
        let inner = inner.filter(|_| family.nested.is_some());
        let defaults = inner
            .and_then(super::family)
            .map_or(family.defaults, |f| f.defaults);
        for &(key, usual) in defaults {
            let usual = match usual {
                DefaultValue::Whole(number) => number.into(),
                DefaultValue::Real(number) => number.into(),
                // A flag that is null says nothing; a number that is null may say that there is none.
                DefaultValue::Flag(flag) if self.values.get(key).is_some_and(Value::is_null) => {
                    self.values.insert(key.to_string(), flag.into());
                    continue;
                }
                DefaultValue::Flag(flag) => flag.into(),
                DefaultValue::Word(word) => word.into(),
            };
            self.values.entry(key).or_insert(usual);
        }
        Ok(self)
    }

    /// What a word of a key means in a family's files.
    fn meant<'v>(family: &Family, key: &str, word: &'v str) -> &'v str {
        let same = |meant: &&(&str, &str, &'static str)| (meant.0, meant.1) == (key, word);
        family.meant.iter().find(same).map_or(word, |meant| meant.2)
    }

    /// Sizes and choices by the family's keys.
    ///
    /// # Errors
    /// A size that is missing, no whole number, zero or absurd; heads that do not divide the
    /// width, or do not share keys evenly.
    pub(super) fn spec(&self, family: &Family) -> Result<Spec, CheckpointError> {
        let keys = &family.config;
        let d_model = self.size(keys.d_model)?;
        let heads = self.size(keys.heads)?;
        let latent = match family.latent {
            true => Some(self.latent_sizes()?),
            false => None,
        };
        let d_head = match latent {
            Some(latent) => latent.d_head(),
            None => self.d_head(keys, d_model, heads)?,
        };
        self.check_as_wide(family, d_model)?;
        let (embedding_width, narrow) = self.embedding_width(family, d_model)?;
        self.check_runs(family, heads)?;
        let n_kv_heads = match latent {
            Some(_) => heads,
            None => self.n_kv_heads(keys, heads)?,
        };
        let padding = self.padding(family)?;
        let first_position = match (padding, &family.positions) {
            (Some(padding), _) => padding as usize + 1,
            (None, learned) => learned.map_or(0, |learned| learned.first),
        };
        let positions = self.positions(family, first_position)?;
        let context = self.context(family, positions)?;
        let pre = match family.forward.and_then(|forward| forward.pre_norm_if) {
            Some(key) => self.flag(&[key], true)?,
            None => true,
        };
        let tied = self.says_tied()?;
        let passes = self.passes(family)?;
        let layers = passes.iter().max().map_or(0, |last| last + 1);
        let neurons = self.neurons(keys, d_model, layers)?;
        let most = neurons.iter().copied().max().unwrap_or(0);
        let parts = self.parts(family, HeadSizes::own(heads, n_kv_heads, d_head), &neurons)?;
        let parts = self.with_decoder(family, parts, d_model)?;
        Ok(Spec {
            layers: parts.len(),
            passes,
            parts,
            d_model,
            embedding_width,
            narrow,
            heads,
            n_kv_heads,
            d_head,
            neurons: most,
            vocab: self.size(&["vocab_size"])?,
            positions,
            first_position,
            padding,
            rotary: false,
            context,
            reach: Vec::new(),
            longest: context.min(MOST_TOKENS),
            activation: self.activation(family)?,
            latent,
            norm: match pre {
                true => family.norm,
                false => NormPlacement::Post,
            },
            qk_norm: self.has_qk_norm(family)?,
            tied,
            output: match tied {
                true => OutputEmbedding::Tied,
                false => OutputEmbedding::Apart,
            },
            unknown: self.not_understood(family),
        })
    }

    /// The name of the neurons' activation.
    fn activation(&self, family: &Family) -> Result<String, CheckpointError> {
        match self.value(family.config.activation) {
            None => Ok(family.default_activation.to_string()),
            Some((key, Value::String(name))) => Ok(one_line(Self::meant(family, key, name))),
            Some((key, other)) => {
                Err(self.wrong(key, "the name of a function".into(), shown(other)))
            }
        }
    }

    /// What the configuration says about the embeddings, or leaves to its family; the file may
    /// know better.
    fn says_tied(&self) -> Result<bool, CheckpointError> {
        self.flag(&["tie_embedding", "tie_word_embeddings"], true)
    }

    /// The token whose id says where learned positions begin.
    fn padding(&self, family: &Family) -> Result<Option<u32>, CheckpointError> {
        let Some(learned) = family.positions.filter(|learned| learned.counted) else {
            return Ok(None);
        };
        let Some((key, value)) = self.value(&["pad_token_id"]) else {
            return Ok(Some(learned.first as u32 - 1));
        };
        let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
        let id = id.filter(|&id| u64::from(id) < LARGEST_SIZE);
        let wrong = || self.wrong(key, "a token's id".into(), shown(value));
        id.map(Some).ok_or_else(wrong)
    }

    /// What was found; or what is usual, where the value is of the wrong kind: then it is a choice
    /// that is not known, and refuses what it touches.
    ///
    /// # Errors
    /// Any other error.
    fn soft<T>(
        found: Result<T, CheckpointError>,
        usual: T,
        touches: &'static [Reading],
        unknown: &mut Vec<UnknownChoice>,
    ) -> Result<T, CheckpointError> {
        match found {
            Err(CheckpointError::Config {
                key, expected, got, ..
            }) => {
                unknown.push(UnknownChoice {
                    key,
                    expected,
                    got,
                    touches,
                });
                Ok(usual)
            }
            found => found,
        }
    }

    /// A choice that is not known here.
    fn unknown(
        key: &str,
        expected: impl Into<String>,
        got: &Value,
        touches: &'static [Reading],
    ) -> UnknownChoice {
        UnknownChoice {
            key: key.to_string(),
            expected: expected.into(),
            got: shown(got),
            touches,
        }
    }

    fn flag(&self, keys: &[&str], usual: bool) -> Result<bool, CheckpointError> {
        match self.value(keys) {
            None => Ok(usual),
            Some((_, Value::Bool(flag))) => Ok(*flag),
            Some((key, other)) => Err(self.wrong(key, "true or false".into(), shown(other))),
        }
    }

    /// The first of the keys that is there and not null.
    fn value<'k>(&self, keys: &[&'k str]) -> Option<(&'k str, &Value)> {
        keys.iter().find_map(|&key| {
            let value = self.values.get(key)?;
            (!value.is_null()).then_some((key, value))
        })
    }

    /// A number above 0, if one of the keys is there and not null.
    fn number(&self, keys: &[&str]) -> Result<Option<f64>, CheckpointError> {
        let Some((key, value)) = self.value(keys) else {
            return Ok(None);
        };
        let number = value.as_f64().filter(|&n| n > 0.0 && n.is_finite());
        let wrong = || self.wrong(key, "a number above 0".into(), shown(value));
        number.map(Some).ok_or_else(wrong)
    }

    fn size(&self, keys: &[&str]) -> Result<usize, CheckpointError> {
        let expected = format!("a whole number from 1 to {LARGEST_SIZE}");
        let Some((key, value)) = self.value(keys) else {
            return Err(self.wrong(keys[0], expected, "nothing".into()));
        };
        match value.as_u64() {
            Some(size @ 1..=LARGEST_SIZE) => Ok(size as usize),
            _ => Err(self.wrong(key, expected, shown(value))),
        }
    }

    fn wrong(&self, key: &str, expected: String, got: String) -> CheckpointError {
        CheckpointError::Config {
            file: self.file.clone(),
            key: key.to_string(),
            expected,
            got,
        }
    }
}

/// A value as JSON has it, cut short.
fn shown(value: &Value) -> String {
    let text = one_line(&value.to_string());
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
