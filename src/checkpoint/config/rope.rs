//! What `config.json` says about rotary positions (RoPE). It has been said in several ways: keys of
//! its own and `rope_scaling` at first, all in `rope_parameters` since. The formulas are those of
//! transformers' `modeling_rope_utils`; a value that those could not use is not known here.

use std::f64::consts::TAU;

use serde_json::{Map, Value};

use super::super::family::RopeKeys;
use super::super::{CheckpointError, Family, Rope, Spec, UnknownChoice};
use super::{Config, PLACED};

pub(super) const TRAINED: &str = "original_max_position_embeddings";
const EVEN: &str = "an even number of channels that turn";
const STATED: &str = "max_position_embeddings";

/// The kinds of rotary positions that are known here.
const KINDS: [&str; 7] = [
    "default",
    "linear",
    "dynamic",
    "llama3",
    "yarn",
    "longrope",
    "proportional",
];

/// What is read, or why it is not known here.
type Known<T> = Result<T, UnknownChoice>;

/// The configuration keys of one RoPE.
pub(super) struct RopeSettings<'a> {
    pub config: &'a Config,
    pub family: &'a Family,
    pub keys: &'a RopeKeys,
    /// The size of a head that rotates by it.
    pub d_head: usize,
    /// Keys of θ in `config.json` itself.
    pub theta: &'static [&'static str],
    /// Where its other keys lie; the first counts that has one.
    pub given: [Option<&'a Map<String, Value>>; 3],
}

impl RopeSettings<'_> {
    /// The RoPE, or what of it is not known here.
    ///
    /// # Errors
    /// Any error but a value of the wrong kind.
    pub(super) fn rope(&self, spec: &Spec) -> Result<Known<Rope>, CheckpointError> {
        let dims = match self.config.value(self.keys.dims) {
            Some(_) => self.config.size(self.keys.dims).map(Some),
            None => Ok(None),
        };
        match dims {
            Ok(dims) => Ok(self.known(spec, dims)),
            Err(CheckpointError::Config {
                key, expected, got, ..
            }) => Ok(Err(UnknownChoice {
                key,
                expected,
                got,
                touches: PLACED,
            })),
            Err(error) => Err(error),
        }
    }

    fn known(&self, spec: &Spec, dims: Option<usize>) -> Known<Rope> {
        let kind = self.kind()?;
        let share = match self.number("partial_rotary_factor")? {
            Some(share) => Some(share),
            None => self.top(self.keys.share)?,
        };
        let rotating = (self.d_head as f64 * share.unwrap_or(1.0)) as usize;
        // What does not rotate there are pairs of frequency 0.
        let share = || match kind {
            "proportional" => self.d_head,
            _ => rotating,
        };
        let key = match dims {
            Some(_) => self.keys.dims[0],
            None => "partial_rotary_factor",
        };
        let dims = dims.unwrap_or_else(share).min(self.d_head);
        if !dims.is_multiple_of(2) {
            return Err(Config::unknown(key, EVEN, &dims.into(), PLACED));
        }
        let base = match self.number("rope_theta")? {
            Some(base) => Some(base),
            None => self.top(self.theta)?,
        };
        let stated = self.top(&[STATED])?.unwrap_or(spec.context as f64);
        let trained = match self.top(&[TRAINED])? {
            Some(trained) => Some(trained),
            None => self.number(TRAINED)?,
        };
        let plan = Frequencies {
            settings: self,
            base: base.unwrap_or(10_000.0),
            dims,
            trained: trained.unwrap_or(stated),
            stated,
        };
        let mut beyond = None;
        let (frequencies, factor) = match kind {
            "linear" => {
                let factor = plan.needed("factor")?;
                (plan.each(|_, f| f / factor), 1.0)
            }
            "proportional" => {
                let factor = self.number("factor")?.unwrap_or(1.0);
                let turns = |pair| pair < rotating / 2;
                let frequency = |pair, f| if turns(pair) { f / factor } else { 0.0 };
                (plan.each(frequency), 1.0)
            }
            "llama3" => (plan.llama3()?, 1.0),
            "yarn" => plan.yarn()?,
            "longrope" => {
                let short = plan.stretched("short_factor")?;
                let long = plan.stretched("long_factor")?;
                beyond = Some((plan.trained as usize, long));
                (short, plan.longrope_factor()?)
            }
            "dynamic" => {
                plan.needed("factor")?;
                // It differs beyond the stated length, and nothing here is longer than that.
                (plan.each(|_, f| f), 1.0)
            }
            _ => (plan.each(|_, f| f), 1.0),
        };
        Ok(Rope {
            frequencies,
            beyond,
            layout: self.keys.layout,
            factor,
        })
    }

    /// The value of a key that is there and not null.
    fn said(&self, key: &str) -> Option<&Value> {
        let values = self.given.iter().flatten().filter_map(|o| o.get(key));
        values.into_iter().find(|value| !value.is_null())
    }

    fn kind(&self) -> Known<&'static str> {
        let Some(value) = self.said("rope_type").or_else(|| self.said("type")) else {
            return Ok(KINDS[0]);
        };
        let word = value.as_str().unwrap_or_default();
        let word = Config::meant(self.family, "rope_type", word);
        let known = KINDS.into_iter().find(|kind| *kind == word);
        known.ok_or_else(|| Config::unknown("rope_type", KINDS.join(", "), value, PLACED))
    }

    /// A number above 0, if it is there.
    fn number(&self, key: &str) -> Known<Option<f64>> {
        self.said(key).map(|value| positive(key, value)).transpose()
    }

    /// The same, of `config.json` itself.
    fn top(&self, keys: &[&str]) -> Known<Option<f64>> {
        let found = self.config.value(keys);
        found.map(|(key, value)| positive(key, value)).transpose()
    }

    /// Whether Python takes a value for true; `usual` where the key is absent. A kind of layers
    /// does not have it to itself.
    fn truthy(&self, key: &str, usual: bool) -> bool {
        let [once, nested, now] = self.given;
        let places = match (once, nested) {
            (Some(once), _) => Some(once),
            (None, Some(_)) => None,
            (None, None) => now,
        };
        match places.and_then(|o| o.get(key)) {
            None => usual,
            Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Array(items)) => !items.is_empty(),
            Some(Value::Object(items)) => !items.is_empty(),
        }
    }
}

fn positive(key: &str, value: &Value) -> Known<f64> {
    let number = value.as_f64().filter(|&n| n > 0.0 && n.is_finite());
    number.ok_or_else(|| Config::unknown(key, "a number above 0", value, PLACED))
}

/// What the frequencies are computed from.
struct Frequencies<'a> {
    settings: &'a RopeSettings<'a>,
    base: f64,
    dims: usize,
    /// The length that the model was trained with at first.
    trained: f64,
    /// The length that the configuration states.
    stated: f64,
}

impl Frequencies<'_> {
    /// The plain frequencies, each with its pair's number, as `f` makes them.
    fn each(&self, f: impl Fn(usize, f64) -> f64) -> Vec<f64> {
        let n = self.dims as f64;
        let plain = |pair: usize| self.base.powf(-2.0 * pair as f64 / n);
        (0..self.dims / 2).map(|i| f(i, plain(i))).collect()
    }

    /// A number without which the kind means nothing.
    fn needed(&self, key: &str) -> Known<f64> {
        let found = self.settings.number(key)?;
        found.ok_or_else(|| Config::unknown(key, "a number above 0", &Value::Null, PLACED))
    }

    fn llama3(&self) -> Known<Vec<f64>> {
        let factor = self.needed("factor")?;
        let low = self.needed("low_freq_factor")?;
        let high = self.needed("high_freq_factor")?;
        Ok(self.each(|_, f| {
            // How often it turns round within the trained length.
            let turns = self.trained * f / TAU;
            let smooth = ((turns - low) / (high - low)).clamp(0.0, 1.0);
            (1.0 - smooth) * f / factor + smooth * f
        }))
    }

    fn yarn(&self) -> Known<(Vec<f64>, f64)> {
        let number = |key: &str| self.settings.number(key);
        // Python's `or`: what is 0 counts as absent.
        let or = |key: &str, usual: f64| match self.settings.said(key) {
            Some(zero) if zero.as_f64() == Some(0.0) => Ok(usual),
            _ => Ok(number(key)?.unwrap_or(usual)),
        };
        let factor = number("factor")?.unwrap_or(self.stated / self.trained);
        let scale = |m: f64| {
            if factor <= 1.0 {
                1.0
            } else {
                0.1 * m * factor.ln() + 1.0
            }
        };
        let (m, all) = (or("mscale", 0.0)?, or("mscale_all_dim", 0.0)?);
        let attention =
            number("attention_factor")?.unwrap_or_else(|| match m != 0.0 && all != 0.0 {
                true => scale(m) / scale(all),
                false => scale(1.0),
            });
        let n = self.dims as f64;
        let at = |turns: f64| n * (self.trained / (turns * TAU)).ln() / (2.0 * self.base.ln());
        let (mut low, mut high) = (at(or("beta_fast", 32.0)?), at(or("beta_slow", 1.0)?));
        if self.settings.truthy("truncate", true) {
            (low, high) = (low.floor(), high.ceil());
        }
        let (low, high) = (low.max(0.0), high.min(n - 1.0));
        let span = if high == low { 0.001 } else { high - low };
        let frequencies = self.each(|pair, f| {
            let stretched = ((pair as f64 - low) / span).clamp(0.0, 1.0);
            f / factor * stretched + f * (1.0 - stretched)
        });
        Ok((frequencies, attention))
    }

    /// Frequencies over the numbers of a list, one for each pair.
    fn stretched(&self, key: &str) -> Known<Vec<f64>> {
        let value = self.settings.said(key).unwrap_or(&Value::Null);
        let list = value.as_array().map_or(&[][..], Vec::as_slice);
        let numbers: Vec<f64> = list
            .iter()
            .filter_map(|number| positive(key, number).ok())
            .collect();
        let pairs = self.dims / 2;
        if numbers.len() != pairs || list.len() != pairs {
            let expected = format!("{pairs} numbers above 0");
            return Err(Config::unknown(key, expected, value, PLACED));
        }
        Ok(self.each(|pair, f| f / numbers[pair]))
    }

    /// What queries and keys are multiplied with, within the trained length and beyond it.
    fn longrope_factor(&self) -> Known<f64> {
        if let Some(said) = self.settings.number("attention_factor")? {
            return Ok(said);
        }
        let ratio = self.settings.number("factor")?;
        let ratio = ratio.unwrap_or(self.stated / self.trained);
        Ok(match ratio > 1.0 {
            true => (1.0 + ratio.ln() / self.trained.ln()).sqrt(),
            false => 1.0,
        })
    }
}
