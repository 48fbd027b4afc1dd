//! What `config.json` says about the forward pass.

use super::super::family::Parallel;
use super::super::{CheckpointError, Family, NormPlacement, PassSpec, Spec};
use super::{Config, shown};

impl Config {
    /// What concerns the forward pass; `None` for a family without one.
    ///
    /// # Errors
    /// A value of the wrong kind.
    pub(in super::super) fn pass(
        &self,
        family: &Family,
        spec: &Spec,
    ) -> Result<Option<PassSpec>, CheckpointError> {
        let Some(pass) = &family.pass else {
            return Ok(None);
        };
        let flag = |key: Option<&'static str>, usual| match key {
            Some(key) => self.flag(&[key], usual),
            None => Ok(usual),
        };
        let number = |key: Option<&'static str>| match key {
            Some(key) => self.number(&[key]),
            None => Ok(None),
        };
        let alibi = match pass.alibi {
            Some(alibi) => flag(alibi.only_if, alibi.only_if.is_none())?.then_some(alibi),
            None => None,
        };
        let scaled = pass.scaled_scores && flag(pass.scale_flag, true)?;
        let final_norm = (spec.norm == NormPlacement::Pre || pass.pre_norm_if.is_none())
            && !flag(pass.final_norm_unless, false)?;
        let under = number(pass.scale_number)?.unwrap_or(spec.head_width as f64);
        Ok(Some(PassSpec {
            causal: pass.causal || flag(pass.causal_if, false)?,
            norm_epsilon: self.epsilon(family)?,
            scale: if scaled { under.sqrt().recip() } else { 1.0 },
            scale_by_layer: flag(pass.scale_by_layer, false)?,
            score_cap: number(pass.score_cap)?,
            alibi: alibi.map(|alibi| alibi.before_scale),
            parallel: match pass.parallel {
                Parallel::Never => false,
                Parallel::Always => true,
                Parallel::Flag(key) => self.flag(&[key], true)?,
                Parallel::Either([usual, other]) => {
                    self.flag(&[usual], true)? || self.flag(&[other], false)?
                }
            },
            affine_norms: flag(pass.affine_norms_if, true)?,
            final_norm: pass.final_norm.filter(|_| final_norm),
        }))
    }

    /// ε of the norms; where no key names it, PyTorch's own.
    fn epsilon(&self, family: &Family) -> Result<f64, CheckpointError> {
        match self.value(family.config.norm_epsilon) {
            None => Ok(1e-5),
            Some((key, value)) => {
                let epsilon = value.as_f64().filter(|e| (0.0..1.0).contains(e));
                let expected = || "a small number, 0 or more".to_string();
                epsilon.ok_or_else(|| self.wrong(key, expected(), shown(value)))
            }
        }
    }
}
