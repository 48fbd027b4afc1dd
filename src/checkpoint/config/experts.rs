//! What `config.json` says of experts: which layers have them, how many neurons each has, and how the
//! router chooses.

use serde_json::Value;

use super::super::family::{
    ExpertLayers, ExpertNames, GroupKeys, Renormalised, RoutingKeys, SharedNeurons,
};
use super::super::{
    CheckpointError, ExpertSizes, Family, LayerParts, NeuronParts, RouterGroups, Routing,
};
use super::{Config, shown};

impl Config {
    /// What each layer has; `parts`: what layers without experts have.
    ///
    /// # Errors
    /// A size that is none, or a list of layers that is none.
    pub(super) fn layer_parts(
        &self,
        family: &Family,
        mut parts: Vec<LayerParts>,
    ) -> Result<Vec<LayerParts>, CheckpointError> {
        let names = family.experts.as_ref();
        let Some(names) = names.filter(|names| self.whole(names.count).unwrap_or(0) > 0) else {
            return Ok(parts);
        };
        let each = self.size(names.neurons)?;
        let sizes = ExpertSizes {
            experts: self.size(names.count)?,
            each,
            shared: match names.shared.map(|shared| shared.neurons) {
                None => 0,
                Some(SharedNeurons::Key(key)) => self.size(&[key])?,
                Some(SharedNeurons::Times(key)) => each * self.whole(&[key]).unwrap_or(0),
            },
        };
        let has = self.expert_layers(names, parts.len())?;
        for (parts, _) in parts.iter_mut().zip(has).filter(|(_, has)| *has) {
            parts.neurons = NeuronParts::Experts(sizes);
        }
        Ok(parts)
    }

    /// Which layers have experts.
    fn expert_layers(
        &self,
        names: &ExpertNames,
        layers: usize,
    ) -> Result<Vec<bool>, CheckpointError> {
        Ok(match names.layers {
            ExpertLayers::All => vec![true; layers],
            ExpertLayers::From(key) => {
                let first = self.whole(&[key]).unwrap_or(0);
                (0..layers).map(|layer| layer >= first).collect()
            }
            ExpertLayers::Every { step, but } => {
                let step = match self.value(&[step]) {
                    Some(_) => self.size(&[step])?,
                    None => 1,
                };
                let but = self.numbers(but)?;
                let has = |layer: usize| (layer + 1).is_multiple_of(step) && !but.contains(&layer);
                (0..layers).map(has).collect()
            }
        })
    }

    /// A list of numbers; none if it is not there.
    pub(super) fn numbers(&self, key: &str) -> Result<Vec<usize>, CheckpointError> {
        let Some((key, value)) = self.value(&[key]) else {
            return Ok(Vec::new());
        };
        let number = |value: &Value| value.as_u64().and_then(|n| usize::try_from(n).ok());
        let numbers = value.as_array().map(|list| list.iter().map(number));
        let numbers: Option<Vec<usize>> = numbers.and_then(Iterator::collect);
        numbers.ok_or_else(|| self.wrong(key, "a list of layers".into(), shown(value)))
    }

    /// How the router chooses; `None` in a model without experts.
    ///
    /// # Errors
    /// A value of the wrong kind.
    pub(super) fn routing(
        &self,
        family: &Family,
        experts: Option<ExpertSizes>,
    ) -> Result<Option<Routing>, CheckpointError> {
        let (Some(names), Some(sizes)) = (&family.experts, experts) else {
            return Ok(None);
        };
        let per_token = self.size(names.per_token)?;
        if per_token > sizes.experts {
            let expected = format!("at most the {} experts", sizes.experts);
            return Err(self.wrong(names.per_token[0], expected, per_token.to_string()));
        }
        let RoutingKeys {
            scores,
            renormalised,
            factor,
            groups,
        } = names.routing;
        Ok(Some(Routing {
            experts: sizes.experts,
            per_token,
            scores,
            renormalised: match renormalised {
                Renormalised::Always => true,
                Renormalised::Never => false,
                Renormalised::Flag(key) => self.flag(&[key], false)?,
            },
            factor: match factor {
                Some(key) => self.number(&[key])?.unwrap_or(1.0),
                None => 1.0,
            },
            groups: match groups {
                Some(keys) => self.groups(keys, sizes)?,
                None => None,
            },
        }))
    }

    fn groups(
        &self,
        keys: GroupKeys,
        sizes: ExpertSizes,
    ) -> Result<Option<RouterGroups>, CheckpointError> {
        if let Some([key, value]) = keys.only_if
            && self.value(&[key]).and_then(|(_, value)| value.as_str()) != Some(value)
        {
            return Ok(None);
        }
        let Some((key, _)) = self.value(&[keys.groups]) else {
            return Ok(None);
        };
        let (groups, taken) = (self.size(&[key])?, self.size(&[keys.taken])?);
        if !sizes.experts.is_multiple_of(groups) {
            let expected = format!("a divisor of the {} experts", sizes.experts);
            return Err(self.wrong(key, expected, groups.to_string()));
        }
        if taken > groups {
            let expected = format!("at most the {groups} groups");
            return Err(self.wrong(keys.taken, expected, taken.to_string()));
        }
        Ok((taken < groups).then_some(RouterGroups {
            groups,
            taken,
            judged_by: keys.judged_by.min(sizes.experts / groups),
        }))
    }

    /// A whole number, 0 among them, if the first of these keys that is there has one.
    pub(super) fn whole(&self, keys: &[&str]) -> Option<usize> {
        let (_, value) = self.value(keys)?;
        value.as_u64().and_then(|n| usize::try_from(n).ok())
    }
}
