//! What `config.json` says about windows and positions.

use serde_json::{Map, Value};

use super::super::family::{Local, RopeLayers, Windows};
use super::super::{CheckpointError, Family, PositionScheme, Spec};
use super::rope::{RopeSettings, TRAINED};
use super::{Config, MOST_TOKENS, PLACED, shown};

/// What layers that see everything, and those with a window, are called in `layer_types` and
/// `rope_parameters`.
const FULL: &str = "full_attention";
const SLIDING: &str = "sliding_attention";

/// Of queries at positions beyond the length that a model was trained with at first: what they are
/// multiplied with is 1 plus this times log(1 + ⌊position / length⌋).
const SCALED_QUERIES: &str = "llama_4_scaling_beta";

impl Config {
    /// Windows and rotary positions. The spec learns which layers reach how far, and what of it is
    /// not known here.
    ///
    /// # Errors
    /// A value of the wrong kind.
    pub(in super::super) fn position_scheme(
        &self,
        family: &Family,
        causal: bool,
        spec: &mut Spec,
    ) -> Result<PositionScheme, CheckpointError> {
        let mut position_scheme = PositionScheme {
            windows: self.windows(family, spec)?,
            ..PositionScheme::default()
        };
        let reach = |window: &Option<usize>| match window {
            Some(window) if causal => window - 1,
            Some(window) => window / 2,
            None => usize::MAX,
        };
        let furthest = spec.context.saturating_sub(1);
        let windows = position_scheme.windows.iter();
        spec.reach = windows.map(|w| reach(w).min(furthest)).collect();
        let Some(keys) = &family.rope else {
            return Ok(position_scheme);
        };
        if let Some(key) = keys.unless
            && self.flag(&[key], false)?
        {
            return Ok(position_scheme);
        }
        if let Some([key, word]) = keys.only_if
            && self.value(&[key]).and_then(|(_, value)| value.as_str()) != Some(word)
        {
            return Ok(position_scheme);
        }
        spec.rotary = true;
        position_scheme.without_rope =
            self.without_rope(family, keys.layers, &position_scheme.windows, spec)?;
        let now = self
            .values
            .get("rope_parameters")
            .and_then(Value::as_object);
        let of_kind = |kind: &str| now.and_then(|now| now.get(kind)).and_then(Value::as_object);
        let (full, sliding) = (of_kind(FULL), of_kind(SLIDING));
        let once = self.values.get("rope_scaling").and_then(Value::as_object);
        end_texts(spec, [once, full, now]);
        let windows = &position_scheme.windows;
        let [d_head, local_d_head] = [false, true].map(|local| d_head(spec, windows, local));
        let settings = |given, theta, d_head| RopeSettings {
            d_head,
            config: self,
            family,
            keys,
            theta,
            given,
        };
        let whole = settings([once, full, now], keys.theta, d_head).rope(spec)?;
        let local = match keys.local_theta {
            [] => whole.clone(),
            theta => {
                let given = [once.filter(|_| keys.scales_local), sliding, None];
                settings(given, theta, local_d_head).rope(spec)?
            }
        };
        for (rope, known) in [
            (&mut position_scheme.rope, whole),
            (&mut position_scheme.local_rope, local),
        ] {
            match known {
                Ok(known) => *rope = Some(known),
                Err(choice) if spec.unknown.contains(&choice) => {}
                Err(choice) => spec.unknown.push(choice),
            }
        }
        Ok(position_scheme)
    }

    /// How many learned positions can be used, of which texts take those from `first` on.
    pub(super) fn positions(
        &self,
        family: &Family,
        first: usize,
    ) -> Result<usize, CheckpointError> {
        let Some(learned) = &family.positions else {
            return Ok(0);
        };
        let counted = self.size(family.config.positions)?;
        let before = if learned.counted { first } else { 0 };
        match counted.checked_sub(before) {
            Some(positions @ 1..) => Ok(positions),
            _ => {
                let expected = format!("more than {before}");
                Err(self.wrong(family.config.positions[0], expected, counted.to_string()))
            }
        }
    }

    /// Positions that the configuration states.
    pub(super) fn context(
        &self,
        family: &Family,
        positions: usize,
    ) -> Result<usize, CheckpointError> {
        let keys = family.config.positions;
        match (positions, self.value(keys)) {
            (1.., _) => Ok(positions),
            (0, Some(_)) => self.size(keys),
            (0, None) => Ok(MOST_TOKENS),
        }
    }

    /// By layer, whether it rotates nothing; empty if all layers rotate.
    fn without_rope(
        &self,
        family: &Family,
        layers: RopeLayers,
        windows: &[Option<usize>],
        spec: &mut Spec,
    ) -> Result<Vec<bool>, CheckpointError> {
        let stated = family.windows.is_some_and(|w| self.has(w.size));
        let without: Vec<bool> = match layers {
            RopeLayers::All => Vec::new(),
            RopeLayers::WindowedIfAny if !stated => Vec::new(),
            RopeLayers::Windowed | RopeLayers::WindowedIfAny => {
                windows.iter().map(Option::is_none).collect()
            }
            RopeLayers::Listed { list, but_every } => match self.value(&[list]) {
                None => {
                    let every = self.size(&[but_every]);
                    let every = Self::soft(every, usize::MAX, PLACED, &mut spec.unknown)?;
                    (1..=spec.layers).map(|i| i.is_multiple_of(every)).collect()
                }
                Some((_, value)) => {
                    let listed = value.as_array().map_or(&[][..], Vec::as_slice);
                    let known = |v: &Value| matches!(v.as_u64(), Some(0 | 1));
                    if listed.len() != spec.layers || !listed.iter().all(known) {
                        let expected = format!("{} of 0 and 1", spec.layers);
                        let unknown = Self::unknown(list, expected, value, PLACED);
                        spec.unknown.push(unknown);
                    }
                    listed.iter().map(|v| v.as_u64() == Some(0)).collect()
                }
            },
        };
        // At no distance there is another list.
        for (reach, _) in spec
            .reach
            .iter_mut()
            .zip(&without)
            .filter(|(_, none)| **none)
        {
            *reach = 0;
        }
        Ok(without)
    }

    /// By layer, its window.
    fn windows(
        &self,
        family: &Family,
        spec: &mut Spec,
    ) -> Result<Vec<Option<usize>>, CheckpointError> {
        let layers = spec.layers;
        let Some(windows) = &family.windows else {
            return Ok(vec![None; layers]);
        };
        let size = match self.value(&[windows.size]) {
            Some(_) => {
                let sides = match windows.layers {
                    Local::AllButHalved { .. } => 2,
                    Local::All
                    | Local::AllButListed
                    | Local::AllBut { .. }
                    | Local::From { .. }
                    | Local::Listed { .. } => 1,
                };
                let size = self
                    .size(&[windows.size])
                    .map(|size| Some((size / sides).max(1)));
                Self::soft(size, None, PLACED, &mut spec.unknown)?
            }
            None => None,
        };
        let local = self.local(windows, spec)?;
        let window = |i| local.get(i).is_some_and(|&local| local);
        Ok((0..layers).map(|i| size.filter(|_| window(i))).collect())
    }

    /// Which layers have a window.
    fn local(&self, windows: &Windows, spec: &mut Spec) -> Result<Vec<bool>, CheckpointError> {
        const LIST: &str = "layer_types";
        let layers = spec.layers;
        Ok(match (self.value(&[LIST]), windows.layers) {
            (_, Local::All) | (None, Local::AllButListed) => vec![true; layers],
            (Some((_, types)), _) => {
                let local = self.named(LIST, SLIDING).unwrap_or_default();
                let known = |name: &Value| name == FULL || name == SLIDING;
                let all_known = types.as_array().is_some_and(|t| t.iter().all(known));
                if !all_known || local.len() != layers {
                    let expected = format!("{layers} of {FULL} and {SLIDING}");
                    let unknown = Self::unknown(LIST, expected, types, PLACED);
                    spec.unknown.push(unknown);
                }
                local
            }
            (None, Local::AllBut { every, shift }) => {
                let every = self.size(&[every]);
                let every = Self::soft(every, layers + shift, PLACED, &mut spec.unknown)?;
                let seen = |i: usize| !(i + shift).is_multiple_of(every);
                (0..layers).map(seen).collect()
            }
            (None, Local::AllButHalved { every }) => {
                let every = self.size(&[every]);
                let every = Self::soft(every, layers, PLACED, &mut spec.unknown)?;
                (0..layers).map(|i| !i.is_multiple_of(every)).collect()
            }
            (None, Local::From { first, only_if }) => {
                let on = self.flag(&[only_if], false);
                let on = Self::soft(on, false, PLACED, &mut spec.unknown)?;
                // It may be 0, which is no size.
                let first = match self.value(&[first]).map(|(key, v)| (key, v, v.as_u64())) {
                    None => layers,
                    Some((_, _, Some(first))) => first as usize,
                    Some((key, other, None)) => {
                        let expected = "the number of a layer";
                        let unknown = Self::unknown(key, expected, other, PLACED);
                        spec.unknown.push(unknown);
                        layers
                    }
                };
                (0..layers).map(|i| on && i >= first).collect()
            }
            (None, Local::Listed { list, .. }) if self.value(&[list]).is_some() => {
                let local = self.named(list, "local");
                Self::soft(local, Vec::new(), PLACED, &mut spec.unknown)?
            }
            (None, Local::Listed { patterns, .. }) => match self.value(&[patterns]) {
                Some((_, patterns)) => repeated(patterns, "local", layers),
                None => (0..layers).map(|i| i % 2 == 1).collect(),
            },
        })
    }

    /// Which names of a list are this one.
    fn named(&self, list: &str, name: &str) -> Result<Vec<bool>, CheckpointError> {
        match self.value(&[list]) {
            Some((_, Value::Array(names))) => Ok(names.iter().map(|n| n == name).collect()),
            Some((_, other)) => Err(self.wrong(list, "a list of names".into(), shown(other))),
            None => Ok(Vec::new()),
        }
    }
}

/// The size of the heads of layers with a window, or of the others: they may differ.
fn d_head(spec: &Spec, windows: &[Option<usize>], windowed: bool) -> usize {
    let of = |layer: &usize| {
        let window = windows.get(*layer).is_some_and(Option::is_some);
        window == windowed && spec.heads_in(*layer) > 0
    };
    let layer = (0..spec.layers).find(of);
    layer.map_or(spec.d_head, |layer| spec.head_sizes(layer).d_head)
}

/// Where queries beyond a length are multiplied with what grows with their position, texts end there.
fn end_texts(spec: &mut Spec, given: [Option<&Map<String, Value>>; 3]) {
    let scaled = given.into_iter().flatten();
    let mut scaled = scaled.filter(|o| o.get(SCALED_QUERIES).is_some_and(|v| !v.is_null()));
    if let Some(trained) = scaled.find_map(|o| o.get(TRAINED)?.as_u64()) {
        spec.longest = spec
            .longest
            .min(usize::try_from(trained).unwrap_or(usize::MAX));
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
