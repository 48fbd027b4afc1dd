//! What `config.json` says about windows and rotary positions. It has been said in several ways:
//! keys of its own and `rope_scaling` at first, all in `rope_parameters` since.

use std::f64::consts::TAU;

use serde_json::{Map, Value};

use super::super::family::{Local, Rotary, Turning};
use super::super::{CheckpointError, Family, Places, Rotation, Spec, UnknownChoice};
use super::{Config, shown};

/// What layers that see everything, and those with a window, are called in `rope_parameters`.
const FULL: &str = "full_attention";
const SLIDING: &str = "sliding_attention";

/// A rotation and how far it holds, or why it is not known here.
type Known = Result<(Rotation, Option<usize>), UnknownChoice>;

const TRAINED: &str = "original_max_position_embeddings";

/// The kinds of rotary positions that are known here.
const KINDS: [&str; 7] = [
    "default", "linear", "dynamic", "llama3", "yarn", "longrope", "su",
];

impl Config {
    /// Windows and rotary positions; and their kind, if it is not known here.
    ///
    /// # Errors
    /// A value of the wrong kind.
    pub(in super::super) fn places(
        &self,
        family: &Family,
        spec: &mut Spec,
    ) -> Result<(Places, Option<UnknownChoice>), CheckpointError> {
        let mut places = Places {
            windows: self.windows(family, spec.layers)?,
            ..Places::default()
        };
        let Some(rotary) = &family.rotary else {
            return Ok((places, None));
        };
        if let Some(key) = rotary.unless
            && self.flag(&[key], false)?
        {
            return Ok((places, None));
        }
        let own = self.object("rope_parameters").filter(|o| !o.is_empty());
        let of_kind = |kind: &str| own.and_then(|own| own.get(kind)).and_then(Value::as_object);
        let scaling = self.object("rope_scaling");
        let turns = |theta, given: [Option<&Map<String, Value>>; 3]| {
            self.rotation(rotary, theta, &given, spec)
        };
        let whole = turns(rotary.theta, [of_kind(FULL), own, scaling])?;
        let local = if rotary.local_theta.is_empty() {
            whole.clone()
        } else {
            turns(rotary.local_theta, [of_kind(SLIDING), None, None])?
        };
        let mut unknown = None;
        match whole {
            Ok((rotation, longest)) => {
                places.rotation = Some(rotation);
                spec.rotary = true;
                spec.longest = spec.longest.min(longest.unwrap_or(usize::MAX));
            }
            Err(choice) => unknown = Some(choice),
        }
        match local {
            Ok((rotation, _)) => places.local_rotation = Some(rotation),
            Err(choice) => unknown = Some(choice),
        }
        Ok((places, unknown))
    }

    fn object(&self, key: &str) -> Option<&Map<String, Value>> {
        self.values.get(key).and_then(Value::as_object)
    }

    fn windows(
        &self,
        family: &Family,
        layers: usize,
    ) -> Result<Vec<Option<usize>>, CheckpointError> {
        let Some(windows) = &family.windows else {
            return Ok(vec![None; layers]);
        };
        let (key, list) = (windows.size, "layer_types");
        let size = match self.value(&[key]) {
            Some(_) => Some(self.size(&[key])?),
            None => None,
        };
        let local: Vec<bool> = match (self.value(&[list]), windows.layers) {
            (Some(_), _) => self.named(list, SLIDING)?,
            (None, Local::All) => vec![true; layers],
            (None, Local::AllBut { every, shift }) => {
                let every = self.size(&[every])?;
                let seen = |i: usize| !(i + shift).is_multiple_of(every);
                (0..layers).map(seen).collect()
            }
            (None, Local::From { first, only_if }) => {
                let on = self.flag(&[only_if], false)?;
                // It may be 0, which is no size.
                let first = self.value(&[first]).and_then(|(_, v)| v.as_u64());
                let first = first.map_or(layers, |first| first as usize);
                (0..layers).map(|i| on && i >= first).collect()
            }
            (None, Local::Listed { list, .. }) if self.value(&[list]).is_some() => {
                self.named(list, "local")?
            }
            (None, Local::Listed { patterns, .. }) => match self.value(&[patterns]) {
                Some((_, patterns)) => repeated(patterns, "local", layers),
                None => (0..layers).map(|i| i % 2 == 1).collect(),
            },
        };
        let window = |i| local.get(i).is_some_and(|&local| local);
        Ok((0..layers).map(|i| size.filter(|_| window(i))).collect())
    }

    /// Which names of a list are this one.
    fn named(&self, list: &str, name: &str) -> Result<Vec<bool>, CheckpointError> {
        match self.value(&[list]) {
            Some((_, Value::Array(names))) => Ok(names.iter().map(|n| n == name).collect()),
            Some((_, other)) => Err(self.wrong(list, "a list of names".into(), shown(other))),
            None => Ok(Vec::new()),
        }
    }

    /// The rotation that the first of `given` objects and the keys of the family describe, and
    /// how far it holds.
    fn rotation(
        &self,
        rotary: &Rotary,
        theta: &[&'static str],
        given: &[Option<&Map<String, Value>>; 3],
        spec: &Spec,
    ) -> Result<Known, CheckpointError> {
        let said = |key: &str| given.iter().flatten().find_map(|o| o.get(key));
        let said = |key: &str| said(key).filter(|value| !value.is_null());
        let kind = said("rope_type").or_else(|| said("type"));
        let kind = kind.map_or(Some("default"), Value::as_str);
        let Some(kind) = kind.filter(|kind| KINDS.contains(kind)) else {
            return Ok(Err(UnknownChoice {
                key: "rope_type".into(),
                expected: KINDS.join(", "),
                got: said("rope_type")
                    .or_else(|| said("type"))
                    .map_or_else(String::new, shown),
            }));
        };
        let number = |key: &str, keys| match said(key).and_then(Value::as_f64) {
            Some(number) if number > 0.0 => Ok(Some(number)),
            _ => self.number(keys),
        };
        let base = number("rope_theta", theta)?;
        let share = number("partial_rotary_factor", rotary.share)?;
        let channels = match self.value(rotary.channels) {
            Some(_) => self.size(rotary.channels)?,
            None => (spec.head_width as f64 * share.unwrap_or(1.0)) as usize,
        };
        let channels = channels.min(spec.head_width) & !1;
        let turn = Turn {
            base: base.unwrap_or(10_000.0),
            channels,
            said: &|key| said(key).and_then(Value::as_f64),
            trained: number(TRAINED, &[TRAINED])?,
            stated: self.number(&["max_position_embeddings"])?,
        };
        let (frequencies, factor) = match kind {
            "linear" => (turn.each(|_, f| f / turn.factor()), 1.0),
            "llama3" => (turn.llama3(), 1.0),
            "yarn" => turn.yarn(),
            "longrope" | "su" => turn.long(said("short_factor").and_then(Value::as_array)),
            // Beyond the trained length `dynamic` differs, and no text is longer than that.
            _ => (turn.each(|_, f| f), 1.0),
        };
        let long = matches!(kind, "longrope" | "su");
        let longest = turn
            .trained
            .filter(|_| long)
            .map(|trained| (trained as usize).max(1));
        let rotation = Rotation {
            frequencies,
            neighbours: rotary.turning == Turning::Neighbours,
            factor,
        };
        Ok(Ok((rotation, longest)))
    }
}

/// Which names are this one, of `[[[name, name], how often], …]`, as far as there are layers.
fn repeated(patterns: &Value, name: &str, layers: usize) -> Vec<bool> {
    let one = |pattern: &Value| {
        let names = pattern[0].as_array().map_or(&[][..], Vec::as_slice);
        let local: Vec<bool> = names.iter().map(|n| n == name).collect();
        let times = pattern[1].as_u64().unwrap_or(0).min(layers as u64) as usize;
        let all = local.len().saturating_mul(times);
        local.into_iter().cycle().take(all)
    };
    let patterns = patterns.as_array().map_or(&[][..], Vec::as_slice);
    patterns.iter().flat_map(one).take(layers).collect()
}

/// What frequencies are made of; the formulas are those of transformers' `modeling_rope_utils`.
struct Turn<'a> {
    base: f64,
    channels: usize,
    said: &'a dyn Fn(&str) -> Option<f64>,
    /// The length that the model was trained with at first.
    trained: Option<f64>,
    /// The length that the configuration states.
    stated: Option<f64>,
}

impl Turn<'_> {
    fn factor(&self) -> f64 {
        (self.said)("factor").filter(|&f| f > 0.0).unwrap_or(1.0)
    }

    /// The plain frequencies, each with its pair's number, as `f` makes them.
    fn each(&self, f: impl Fn(usize, f64) -> f64) -> Vec<f64> {
        let n = self.channels as f64;
        let plain = |pair: usize| self.base.powf(-2.0 * pair as f64 / n);
        (0..self.channels / 2).map(|i| f(i, plain(i))).collect()
    }

    fn llama3(&self) -> Vec<f64> {
        let trained = self.trained.unwrap_or(8192.0);
        let low = (self.said)("low_freq_factor").unwrap_or(1.0);
        let high = (self.said)("high_freq_factor").unwrap_or(4.0);
        self.each(|_, f| {
            // How often it turns round within the trained length.
            let turns = trained * f / TAU;
            let smooth = ((turns - low) / (high - low)).clamp(0.0, 1.0);
            (1.0 - smooth) * f / self.factor() + smooth * f
        })
    }

    fn yarn(&self) -> (Vec<f64>, f64) {
        let said = |key: &str| (self.said)(key);
        let trained = self.trained.or(self.stated).unwrap_or(2048.0);
        let factor = match said("factor") {
            Some(factor) => factor,
            None => self.stated.map_or(1.0, |stated| stated / trained),
        };
        let scale = |m: f64| {
            if factor <= 1.0 {
                1.0
            } else {
                0.1 * m * factor.ln() + 1.0
            }
        };
        let attention = said("attention_factor").unwrap_or_else(|| {
            match (said("mscale"), said("mscale_all_dim")) {
                (Some(m), Some(all)) if m != 0.0 && all != 0.0 => scale(m) / scale(all),
                _ => scale(1.0),
            }
        });
        let n = self.channels as f64;
        let at = |turns: f64| n * (trained / (turns * TAU)).ln() / (2.0 * self.base.ln());
        let low = at(said("beta_fast").unwrap_or(32.0)).floor().max(0.0);
        let high = at(said("beta_slow").unwrap_or(1.0)).ceil().min(n - 1.0);
        let span = if high == low { 0.001 } else { high - low };
        let frequencies = self.each(|pair, f| {
            let stretched = ((pair as f64 - low) / span).clamp(0.0, 1.0);
            f / factor * stretched + f * (1.0 - stretched)
        });
        (frequencies, attention)
    }

    /// Up to the trained length.
    fn long(&self, short: Option<&Vec<Value>>) -> (Vec<f64>, f64) {
        let ratio = match (self.stated, self.trained) {
            (Some(stated), Some(trained)) => stated / trained,
            _ => self.factor(),
        };
        let attention = (self.said)("attention_factor").unwrap_or_else(|| match self.trained {
            Some(trained) if ratio > 1.0 => (1.0 + ratio.ln() / trained.ln()).sqrt(),
            _ => 1.0,
        });
        let stretch = |pair: usize| short.and_then(|s| s.get(pair)).and_then(Value::as_f64);
        let frequencies = self.each(|pair, f| f / stretch(pair).unwrap_or(1.0));
        (frequencies, attention)
    }
}
