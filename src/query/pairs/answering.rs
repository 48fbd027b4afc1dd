//! The pairs of a head's form: its two factors over the vocabulary, and the best of their products.

use std::sync::Arc;

use crate::checkpoint::{Matrix, Version};
use crate::projection::{Factor, Pair, PairsWanted, Scored, best_pairs_on};
use crate::query::answering::Callbacks;
use crate::query::convention::{Convention, Switch};
use crate::query::{Answer, MemoryBudget, PairsAnswer, PairsQuery, QueryError};
use crate::transformer::{Form, FormWeights, LayerCache, QueryKeyNorms, Sublayer, SublayerAt};
use crate::vocabulary::{Filters, Vocabulary};

use crate::query::reader::Reader;
use crate::query::reader::convention::Side;

use super::in_range::in_range;
use super::unconditional::unconditional;

/// Length of the lists of what holds unconditionally, whatever the other side.
const UNCONDITIONAL: usize = 30;

/// A form over all rows: `a[s]·b[t]`, both `[rows, head]`.
pub(in crate::query) struct Factors {
    pub(in crate::query) a: Matrix,
    pub(in crate::query) b: Matrix,
    /// What biases bring to each side, `[head]`: they are in the factors already.
    biases: [Option<Vec<f32>>; 2],
}

/// What a search takes of a form.
pub(super) struct Searched<'a> {
    pub(super) factors: (Factor<'a>, Factor<'a>),
    /// What holds whatever the other side.
    pub(super) unconditional: Option<[Vec<Scored>; 2]>,
}

/// A form's weights as they are projected, with what counts beside them.
pub(super) struct ProjectedForm {
    pub(super) weights: FormWeights,
    pub(super) norms: Option<QueryKeyNorms>,
    biases: [Option<Vec<f32>>; 2],
}

#[derive(PartialEq, Eq)]
pub(in crate::query) struct FactorKey {
    form: Form,
    layer: usize,
    head: usize,
    distance: usize,
    positions: bool,
    convention: Convention,
    biased: bool,
    version: Version,
}

impl Factors {
    pub(super) fn bytes(&self) -> u64 {
        (size_of_val(self.a.data()) + size_of_val(self.b.data())) as u64
    }
}

impl Reader {
    /// The best pairs of a head's form.
    pub(in crate::query) fn pairs(
        &mut self,
        query: &PairsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<PairsAnswer, QueryError> {
        let key = self.factor_key(query, query.convention.adds())?;
        if !self.factors.have(&key)
            && let Some(form) = self.form_products(query, callbacks)?
            && let Some(searched) = form.searched()?
        {
            return self.best_of(query, searched, callbacks);
        }
        let factors = self.factors(query, callbacks)?;
        in_range(&factors.a, &factors.b)?;
        let mask = self.mask(&query.filters, callbacks.cancel)?;
        let most = UNCONDITIONAL.min(query.k);
        let searched = Searched {
            factors: ((&factors.a).into(), (&factors.b).into()),
            unconditional: unconditional(&factors.biases, &factors.b, &mask, most),
        };
        self.best_of(query, searched, callbacks)
    }

    /// The best pairs by their factors.
    fn best_of(
        &mut self,
        query: &PairsQuery,
        Searched {
            factors,
            unconditional,
        }: Searched<'_>,
        callbacks: Callbacks<'_>,
    ) -> Result<PairsAnswer, QueryError> {
        let mask = self.mask(&query.filters, callbacks.cancel)?;
        let admits = admits(&self.card.vocabulary, &query.filters);
        let want = PairsWanted {
            k: query.k.min(mask.passing * mask.passing),
            end: query.end,
            passing: &mask.passes,
            admits: &admits,
        };
        let answer = |pairs, done, exact| PairsAnswer {
            unconditional: unconditional.clone(),
            pairs,
            passing: mask.passing,
            rows: mask.passes.len(),
            done,
            exact,
        };
        let known = self.stopped.take(query, self.weights.version());
        let mut so_far = known.clone();
        let mut report = |done: f32, pairs: Vec<Pair>| {
            if done > 0.0 {
                so_far.clone_from(&pairs);
            }
            callbacks.partial(Answer::Pairs(answer(pairs, done, false)));
        };
        let found = best_pairs_on(
            &self.device,
            factors,
            &want,
            &known,
            callbacks.cancel,
            &mut report,
        );
        if found.is_err() && so_far.len() == want.k {
            self.stopped.keep(query, self.weights.version(), so_far);
        }
        Ok(answer(found?, 1.0, true))
    }

    /// A form's factors over all rows, kept for other filters and the other end.
    pub(in crate::query) fn factors(
        &mut self,
        query: &PairsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<Arc<Factors>, QueryError> {
        self.kept_factors(query, query.convention.adds(), callbacks)
    }

    /// The same with biases left out, whatever the convention.
    pub(in crate::query) fn bare_factors(
        &mut self,
        query: &PairsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<Arc<Factors>, QueryError> {
        self.kept_factors(query, false, callbacks)
    }

    fn kept_factors(
        &mut self,
        query: &PairsQuery,
        biased: bool,
        callbacks: Callbacks<'_>,
    ) -> Result<Arc<Factors>, QueryError> {
        let key = self.factor_key(query, biased)?;
        if let Some(found) = self.factors.get(&key) {
            return Ok(found);
        }
        let spec = &self.card.spec;
        let rows = spec.vocab + if key.positions { spec.positions } else { 0 };
        let on_host = self.device.is_cpu();
        self.make_room(MemoryBudget::of_pairs(
            rows,
            self.card.form_columns(),
            on_host,
        ))?;
        let form = self.weights_of(query, biased, callbacks)?;
        let norms = form.norms.as_ref();
        let (weights, counted) = (&form.weights, (form.biases, norms));
        let factors = self.factors_of(query, weights, counted, key.positions, callbacks)?;
        let factors = Arc::new(factors);
        let room = self.memory.kept.saturating_sub(self.layers.bytes());
        self.factors.add(key, &factors, room);
        Ok(factors)
    }

    fn factor_key(&mut self, query: &PairsQuery, biased: bool) -> Result<FactorKey, QueryError> {
        Ok(FactorKey {
            form: query.form,
            layer: query.layer,
            head: query.head,
            distance: query.distance,
            positions: self.with_positions(&query.filters)?,
            convention: query.convention,
            biased,
            version: self.weights.version(),
        })
    }

    /// A form's weights, with what biases bring.
    pub(super) fn weights_of(
        &mut self,
        query: &PairsQuery,
        biased: bool,
        callbacks: Callbacks<'_>,
    ) -> Result<ProjectedForm, QueryError> {
        let (form, layer, head) = (query.form, query.layer, query.head);
        self.weights
            .bring_form(form, layer, head, callbacks.without_partial())?;
        let norms = self.norms_of(query)?;
        let weights = self.form_of(query, head, norms.as_ref())?;
        let biases = match biased {
            true => self.form_biases(query, &weights, norms.as_ref())?,
            false => [None, None],
        };
        Ok(ProjectedForm {
            weights: self.projected_form(query, weights, callbacks)?,
            norms,
            biases,
        })
    }

    /// Gives up other heads' factors, the oldest first, and then layers, as far as a head's pairs need
    /// the room.
    ///
    /// # Errors
    /// They take more than there may be.
    pub(super) fn make_room(&mut self, needed: u64) -> Result<(), QueryError> {
        self.memory.check(&self.card.name, needed)?;
        let left = self.memory.kept.saturating_sub(needed);
        self.factors
            .shrink(left.saturating_sub(self.layers.bytes()));
        if self.layers.bytes() > left {
            self.layers = LayerCache::new(self.memory.kept);
        }
        Ok(())
    }

    /// A form over all rows, of weights as they are projected.
    pub(in crate::query) fn factors_of(
        &mut self,
        query: &PairsQuery,
        weights: &FormWeights,
        (biases, norms): ([Option<Vec<f32>>; 2], Option<&QueryKeyNorms>),
        positions: bool,
        callbacks: Callbacks<'_>,
    ) -> Result<Factors, QueryError> {
        let flows = directions(query);
        let mut over_all_rows = |at: usize, w: &Matrix| -> Result<Matrix, QueryError> {
            let read = (self.reads_at(query, at), flows[at]);
            let mut side = self.over_all_rows(query.convention, read, w, positions, callbacks)?;
            if let Some(bias) = &biases[at] {
                for row in side.data_mut().chunks_exact_mut(bias.len()) {
                    row.iter_mut().zip(bias).for_each(|(x, b)| *x += b);
                }
            }
            if let Some(norms) = norms {
                norms.apply(at, &mut side);
            }
            Ok(side)
        };
        let (a, b) = (
            over_all_rows(0, &weights.left)?,
            over_all_rows(1, &weights.right)?,
        );
        // Behind a norm a bias brings to each token what its length lets through.
        let biases = if norms.is_some() {
            [None, None]
        } else {
            biases
        };
        Ok(Factors { a, b, biases })
    }

    /// The products of all rows, and of learned positions under them, with one side of a form
    /// (`[width, head]`).
    fn over_all_rows(
        &mut self,
        convention: Convention,
        (at, side): (SublayerAt, Side),
        w: &Matrix,
        positions: bool,
        callbacks: Callbacks<'_>,
    ) -> Result<Matrix, QueryError> {
        let rows = self.rows(convention, at, side, callbacks)?;
        let product = rows.times(w, callbacks.cancel)?;
        if !positions {
            return Ok(product);
        }
        let rows = self.positions_as(convention, at, side, callbacks)?;
        let below = rows.times(w, callbacks.cancel)?;
        Ok(stacked(product, &below))
    }

    /// What biases bring to the two sides of a form, `[head]` each: the maps' own, and with gains
    /// folded in what the norm's bias brings through them. With tokens at length 1 they count by
    /// 1/√d_model, which is what a norm's tokens are longer by.
    pub(in crate::query) fn form_biases(
        &self,
        query: &PairsQuery,
        weights: &FormWeights,
        norms: Option<&QueryKeyNorms>,
    ) -> Result<[Option<Vec<f32>>; 2], QueryError> {
        let PairsQuery {
            form, layer, head, ..
        } = *query;
        let distance = query.distance;
        let [left, right] = match norms {
            _ if !query.convention.has(Switch::Biases) => [None, None],
            Some(_) => self.weights.map_biases(form, layer, head)?,
            None => self.weights.form_biases(form, layer, head, distance)?,
        };
        let norm = match query.convention.folds_gains() {
            true => self.weights.norm_before(layer, Sublayer::Attention)?,
            false => None,
        };
        let through = |side: &Matrix, own: Option<Vec<f32>>| {
            let Some(norm) = norm.as_ref().and_then(|norm| norm.added()) else {
                return own;
            };
            let mut sums: Vec<f64> = vec![0.0; side.cols()];
            for (row, by) in norm.iter().enumerate() {
                let row = side.row(row);
                sums.iter_mut()
                    .zip(row)
                    .for_each(|(sum, w)| *sum += f64::from(*w) * f64::from(*by));
            }
            let own = own.unwrap_or_else(|| vec![0.0; side.cols()]);
            let both = own.iter().zip(sums);
            Some(
                both.map(|(own, sum)| (f64::from(*own) + sum) as f32)
                    .collect(),
            )
        };
        let left = through(&weights.left, left);
        let mut biases = match form {
            Form::Vo => [left, right],
            Form::Qk => [left, through(&weights.right, right)],
        };
        if query.convention.has(Switch::Cosine) {
            let tokens = (self.card.spec.d_model as f32).sqrt();
            let all = biases.iter_mut().flatten().flatten();
            all.for_each(|b| *b /= tokens);
        }
        Ok(biases)
    }
}

/// Which pairs filters let pass whose tokens each pass.
pub(in crate::query) fn admits(
    vocabulary: &Arc<Vocabulary>,
    filters: &Filters,
) -> impl Fn(u32, u32) -> bool + Sync + use<> {
    let vocabulary = Arc::clone(vocabulary);
    let (same, similar) = (filters.exclude_same, filters.exclude_similar);
    move |from, to| !(same && vocabulary.same(from, to) || similar && vocabulary.similar(from, to))
}

/// What the two sides of a form are: QK reads on both.
pub(in crate::query) fn directions(query: &PairsQuery) -> [Side; 2] {
    match query.form {
        Form::Vo => [Side::Reads, Side::Writes],
        Form::Qk => [Side::Reads, Side::Reads],
    }
}

/// `above` with the rows of `below` under it.
pub(in crate::query) fn stacked(above: Matrix, below: &Matrix) -> Matrix {
    let (rows, cols) = (above.rows() + below.rows(), above.cols());
    let mut data = above.into_data();
    data.extend_from_slice(below.data());
    Matrix::new(rows, cols, data)
}
