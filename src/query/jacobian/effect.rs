//! What a fitted lens changes: of each layer's neurons, how much of the best words of V stays, and
//! whether they stand out more.

use super::fit::departure;
use super::{OpenLens, no_lens};
use crate::projection::Scored;
use crate::query::reader::Reader;
use crate::query::reader::convention::Side;
use crate::query::{
    Answer, Answering, Callbacks, Convention, NeuronColumn, NeuronQuery, Query, QueryError,
    RobustnessQuery, Switch,
};
use crate::task::CancelToken;
use crate::transformer::{Input, SublayerAt};
use crate::vocabulary::Filters;

/// Which neurons are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LensEffectPlan {
    /// Neurons of each layer, evenly spaced.
    pub neurons: usize,
    /// Which tokens count.
    pub filters: Filters,
}

/// The effect of a lens on each layer that it has a matrix for.
#[derive(Clone, Debug, PartialEq)]
pub struct LensEffect {
    /// What the lens is held against: `gain`, which folds in the same norms, or `raw` where it is not
    /// offered.
    pub without: Convention,
    pub layers: Vec<LayerLensEffect>,
}

/// The effect of a lens on the V lists of a layer's neurons, against those without it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerLensEffect {
    pub layer: usize,
    /// |J − 1| / |1|, by Frobenius.
    pub departure: f32,
    /// Neurons looked at.
    pub neurons: usize,
    /// The mean share of the 10 best tokens that are among the 10 best through the lens.
    pub overlap: f64,
    /// The median kurtosis of the scores over the vocabulary (3 of a normal distribution).
    pub kurtosis: WithAndWithout,
    /// The mean z of the best score against random directions like the layer's values, of the first
    /// [`LensEffect::TESTED`] of the neurons, evenly spaced.
    pub z: Option<WithAndWithout>,
}

/// A figure without the lens, and through it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WithAndWithout {
    pub without: f64,
    pub with: f64,
}

impl LensEffect {
    /// Tokens of the lists that are compared.
    pub const BEST: usize = 10;
    /// Neurons of a layer that are held against random directions.
    pub const TESTED: usize = 16;
}

impl Reader {
    /// What the model's lens changes.
    ///
    /// # Errors
    /// No lens, a convention that is not offered, weights that cannot be read, or a cancelled token.
    pub fn lens_effect(
        &mut self,
        plan: &LensEffectPlan,
        callbacks: Callbacks<'_>,
    ) -> Result<LensEffect, QueryError> {
        let lens = self.lens.clone().ok_or_else(|| no_lens(&self.card))?;
        let gain = Convention::RAW.flipped(Switch::Gain);
        let without = match self.card.offers(Switch::Gain) {
            Ok(()) => gain,
            Err(_) => Convention::RAW,
        };
        let mut layers = Vec::new();
        for layer in 0..self.card.spec.layers {
            if lens.file.has(layer) && self.card.spec.neurons_in(layer) > 0 {
                layers.push(self.layer_effect(&lens, (plan, without), layer, callbacks)?);
            }
        }
        Ok(LensEffect { without, layers })
    }

    fn layer_effect(
        &mut self,
        lens: &OpenLens,
        (plan, without): (&LensEffectPlan, Convention),
        layer: usize,
        callbacks: Callbacks<'_>,
    ) -> Result<LayerLensEffect, QueryError> {
        callbacks.cancel.check()?;
        let all = self.card.spec.neurons_in(layer);
        let neurons = spaced(all, plan.neurons);
        let through = Convention::RAW.flipped(Switch::Lens);
        let [without, with] = [without, through].map(|convention| {
            let of = |&neuron: &usize| NeuronQuery {
                layer,
                neuron,
                input: Input::Gate,
                k: LensEffect::BEST,
                filters: plan.filters.clone(),
                convention,
            };
            neurons.iter().map(of).collect::<Vec<NeuronQuery>>()
        });
        let jacobian = lens.file.jacobian(layer)?;
        let own = self.value_lists(&without, callbacks)?;
        let through = self.value_lists(&with, callbacks)?;
        let stay = own.iter().zip(&through).map(|(own, through)| {
            let there = |a: &&Scored| through.iter().any(|b| b.id == a.id);
            own.iter().filter(there).count() as f64 / own.len().max(1) as f64
        });
        let overlap = stay.sum::<f64>() / neurons.len().max(1) as f64;
        let kurtosis = WithAndWithout {
            without: self.median_kurtosis(&without, callbacks)?,
            with: self.median_kurtosis(&with, callbacks)?,
        };
        let z = self.mean_z(&without, callbacks)?;
        let z = z.zip(self.mean_z(&with, callbacks)?);
        Ok(LayerLensEffect {
            layer,
            departure: jacobian.map_or(0.0, |jacobian| departure(&jacobian, 1)),
            neurons: neurons.len(),
            overlap,
            kurtosis,
            z: z.map(|(without, with)| WithAndWithout { without, with }),
        })
    }

    fn value_lists(
        &mut self,
        queries: &[NeuronQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<Vec<Scored>>, QueryError> {
        let answers = self.answer_neurons(queries, callbacks)?;
        let values = answers.into_iter().map(|answer| {
            let [_, value, ..] = answer.columns;
            value
        });
        Ok(values.collect())
    }

    fn median_kurtosis(
        &mut self,
        queries: &[NeuronQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<f64, QueryError> {
        let Some(first) = queries.first() else {
            return Ok(f64::NAN);
        };
        let mask = self.mask(&first.filters, callbacks.cancel)?;
        let at = SublayerAt::feed_forward(first.layer);
        let rows = self.rows(first.convention, at, Side::Writes, callbacks)?;
        let values = self.vectors(queries, callbacks)?.values;
        let flags = &mask.passes[..rows.len()];
        let sums = rows.score_sums(&values, flags, CancelToken::never())?;
        let found = sums.iter().map(|sums| sums.kurtosis());
        let mut found: Vec<f64> = found.filter(|x| x.is_finite()).collect();
        found.sort_by(f64::total_cmp);
        Ok(found.get(found.len() / 2).copied().unwrap_or(f64::NAN))
    }

    fn mean_z(
        &mut self,
        queries: &[NeuronQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Option<f64>, QueryError> {
        let mut found = Vec::new();
        for at in spaced(queries.len(), LensEffect::TESTED) {
            let query = Query::Robustness(RobustnessQuery::Neuron(queries[at].clone()));
            let Answer::Robustness(answer) = self.answer(&query, callbacks.without_partial())?
            else {
                return Err(QueryError::WrongAnswer);
            };
            let of_values = answer.lists.get(NeuronColumn::V as usize);
            found.extend(
                of_values
                    .and_then(|list| list.z)
                    .map(|z| f64::from(z.value)),
            );
        }
        let sum: f64 = found.iter().sum();
        Ok((!found.is_empty()).then(|| sum / found.len() as f64))
    }
}

/// At most `count` of the first `all` numbers, evenly spaced.
fn spaced(all: usize, count: usize) -> Vec<usize> {
    let count = count.min(all);
    (0..count).map(|i| i * all / count).collect()
}
