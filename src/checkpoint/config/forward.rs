//! What `config.json` says about the forward pass.

use serde_json::Value;

use super::super::error::one_line;
use super::super::family::{FamilyForward, HeadActivation, Parallel};
use super::super::{CheckpointError, ClampedInputs, Family, ForwardSpec, NormPlacement, Spec};
use super::register::RUN;
use super::{Config, shown};

const PYTORCH_EPSILON: f64 = 1e-5;

/// The numbers of a forward pass; see [`ForwardSpec`].
struct ForwardNumbers {
    /// Scores are divided by its root.
    scale_under: f64,
    /// What scores are multiplied with instead.
    scale_factor: Option<f64>,
    attention_softcap: Option<f64>,
    logit_softcap: Option<f64>,
    logit_scale: f64,
    embedding_scale: f64,
    written_scale: f64,
    clip: Option<f64>,
}

impl Config {
    /// What concerns the forward pass; `None` for a family without one. A value of the wrong kind is
    /// a choice that is not known: the spec learns it.
    ///
    /// # Errors
    /// As [`Config::soft`].
    pub(in super::super) fn forward(
        &self,
        family: &Family,
        spec: &mut Spec,
    ) -> Result<Option<ForwardSpec>, CheckpointError> {
        let Some(forward) = &family.forward else {
            return Ok(None);
        };
        let head_activation = self.head_activation(family, spec)?;
        let experts = spec.first_experts();
        let routing = Self::soft(self.routing(family, experts), None, RUN, &mut spec.unknown)?;
        let clamped = Self::soft(self.clamped(forward.clamped), None, RUN, &mut spec.unknown)?;
        let distances = self.distances(forward, spec);
        let distances = Self::soft(distances, None, RUN, &mut spec.unknown)?;
        let mixer = self.mixer_sizes(family, spec.d_model);
        let mixer = Self::soft(mixer, None, RUN, &mut spec.unknown)?;
        let mixer_activation = family.kinds.and_then(|kinds| kinds.activation);
        let mixer_activation = mixer_activation.and_then(|key| self.value(&[key]));
        let mixer_activation = mixer_activation.and_then(|(_, name)| name.as_str().map(one_line));
        let stretched = spec.latent.map_or(1.0, |_| self.stretched_scale());
        let unknown = &mut spec.unknown;
        let mut flag = |key: Option<&'static str>, usual| match key {
            Some(key) => Self::soft(self.flag(&[key], usual), usual, RUN, unknown),
            None => Ok(usual),
        };
        let alibi = match forward.alibi {
            Some(alibi) => flag(alibi.only_if, alibi.only_if.is_none())?.then_some(alibi),
            None => None,
        };
        let scaled = forward.scaled_scores && flag(forward.scale_flag, true)?;
        let final_norm = (spec.norm == NormPlacement::Pre || forward.pre_norm_if.is_none())
            && !flag(forward.final_norm_unless, false)?;
        let causal = forward.causal || flag(forward.causal_if, false)?;
        let scale_by_layer = flag(forward.scale_by_layer, false)?;
        let affine_norms = flag(forward.affine_norms_if, true)?;
        let parallel = match forward.parallel {
            Parallel::Never => false,
            Parallel::Always => true,
            Parallel::Flag(key) => flag(Some(key), true)?,
            Parallel::Either([usual, other]) => {
                flag(Some(usual), true)? || flag(Some(other), false)?
            }
        };
        let numbers = self.forward_numbers(family, forward, spec)?;
        let unknown = &mut spec.unknown;
        Ok(Some(ForwardSpec {
            causal,
            norm_epsilon: Self::soft(self.epsilon(family), PYTORCH_EPSILON, RUN, unknown)?,
            scale: match numbers.scale_factor {
                Some(factor) => factor,
                None if scaled => {
                    let terms = self.score_terms(forward);
                    (numbers.scale_under * terms).sqrt().recip() * stretched
                }
                None => 1.0,
            },
            scale_by_layer,
            attention_softcap: numbers.attention_softcap,
            logit_softcap: numbers.logit_softcap,
            logit_scale: numbers.logit_scale,
            embedding_scale: numbers.embedding_scale,
            written_scale: numbers.written_scale,
            clip: numbers.clip,
            head_activation,
            alibi: alibi.map(|alibi| alibi.before_scale),
            parallel,
            routing,
            clamped,
            distances,
            mixer,
            mixer_activation,
            affine_norms,
            final_norm: forward.final_norm.filter(|_| final_norm),
        }))
    }

    /// The numbers among it, each with what holds where no key says it.
    fn forward_numbers(
        &self,
        family: &Family,
        forward: &FamilyForward,
        spec: &mut Spec,
    ) -> Result<ForwardNumbers, CheckpointError> {
        let channels = spec
            .latent
            .map_or(spec.d_head, |sizes| sizes.nope + sizes.rope);
        let root = match forward.scaled_embedding {
            true => (spec.d_model as f64).sqrt(),
            false => 1.0,
        };
        let mut number = |key: Option<&'static str>| match key {
            Some(key) => Self::soft(self.number(&[key]), None, RUN, &mut spec.unknown),
            None => Ok(None),
        };
        Ok(ForwardNumbers {
            scale_under: number(forward.scale_number)?.unwrap_or(channels as f64),
            scale_factor: number(forward.scale_factor)?,
            attention_softcap: number(forward.attention_softcap)?,
            logit_softcap: number(family.head.softcap)?,
            logit_scale: number(family.head.scale)?.unwrap_or(1.0)
                / number(family.head.divisor)?.unwrap_or(1.0),
            embedding_scale: number(forward.embedding_scale)?.unwrap_or(root),
            written_scale: number(forward.written_scale)?.unwrap_or(1.0),
            clip: number(forward.clip)?,
        })
    }

    /// The bounds of gated neurons' inputs.
    fn clamped(
        &self,
        keys: Option<[&'static str; 2]>,
    ) -> Result<Option<ClampedInputs>, CheckpointError> {
        let Some([alpha, limit]) = keys else {
            return Ok(None);
        };
        let both = self.number(&[alpha])?.zip(self.number(&[limit])?);
        Ok(both.map(|(alpha, limit)| ClampedInputs { alpha, limit }))
    }

    /// What YaRN multiplies scores with, those of channels without positions too (`mscale_all_dim`):
    /// the square of what it multiplies queries and keys with.
    fn stretched_scale(&self) -> f64 {
        let places = ["rope_parameters", "rope_scaling"];
        let found = places
            .iter()
            .find_map(|place| self.values.get(*place)?.as_object());
        let number = |key: &str| found.and_then(|found| found.get(key)?.as_f64());
        match (number("mscale_all_dim"), number("factor")) {
            (Some(all), Some(factor)) if factor > 1.0 => (0.1 * all * factor.ln() + 1.0).powi(2),
            _ => 1.0,
        }
    }

    /// The activation of a masked-language-model head; nothing where there is none.
    ///
    /// # Errors
    /// What is no name.
    fn head_activation(&self, family: &Family, spec: &Spec) -> Result<String, CheckpointError> {
        let Some(transform) = family.head.transform else {
            return Ok(String::new());
        };
        match transform.activation {
            HeadActivation::AsNeurons => Ok(spec.activation.clone()),
            HeadActivation::Gelu => Ok("gelu".to_owned()),
            HeadActivation::Key(key) => match self.value(&[key]) {
                None => Ok("gelu".to_owned()),
                Some((_, Value::String(name))) => Ok(one_line(name)),
                Some((key, other)) => {
                    Err(self.wrong(key, "the name of a function".into(), shown(other)))
                }
            },
        }
    }

    /// ε of the norms; where no key names it, PyTorch's own.
    fn epsilon(&self, family: &Family) -> Result<f64, CheckpointError> {
        match self.value(family.config.norm_epsilon) {
            None => Ok(PYTORCH_EPSILON),
            Some((key, value)) => {
                let epsilon = value.as_f64().filter(|e| (0.0..1.0).contains(e));
                let expected = || "a small number, 0 or more".to_string();
                epsilon.ok_or_else(|| self.wrong(key, expected(), shown(value)))
            }
        }
    }
}
