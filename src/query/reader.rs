//! Answering: an open model with its embedding on a device, from a query to its answer.

mod directions;
mod find;

use std::sync::Arc;

use candle_core::Device;

use crate::checkpoint::{Checkpoint, Location, Matrix};
use crate::projection::{
    DeviceChoice, Ends, PairsWanted, Passing, Rows, best_pairs, device_name, pick_device,
};
use crate::transformer::{Form, Weights};
use crate::vocabulary::{Filters, Mask, TokenizerFiles, Vocabulary};

use super::answering::{Answering, Fetch, Watch, arrived};
use super::contextual::Model;
use super::{
    Address, Answer, ModelCard, NeuronAnswer, NeuronQuery, PairsAnswer, PairsQuery, Query,
    QueryError,
};

/// Bytes of heads' factors that are kept unless something else is said.
const FACTOR_BYTES: u64 = 192 << 20;

/// An open model that answers.
pub struct Reader {
    card: Arc<ModelCard>,
    weights: Weights,
    device: Device,
    embedding: Rows,
    /// Read when a filter first asks for them.
    positions: Option<Arc<Rows>>,
    mask: Option<(Filters, Arc<Mask>)>,
    /// For other filters and the other end of the list; the latest last.
    factors: Vec<(FactorKey, Arc<Factors>)>,
    /// Bytes that may be held beside the embedding.
    memory: u64,
}

/// A form over all rows: `a[s]·b[t]`, both `[rows, head]`.
struct Factors {
    a: Matrix,
    b: Matrix,
}

#[derive(PartialEq, Eq)]
struct FactorKey {
    form: Form,
    layer: usize,
    head: usize,
    positions: bool,
}

impl Factors {
    fn bytes(&self) -> u64 {
        (size_of_val(self.a.data()) + size_of_val(self.b.data())) as u64
    }
}

impl Reader {
    /// Opens a model: headers, vocabulary, and the embedding, which is all that stays in memory.
    ///
    /// # Errors
    /// Whatever is wrong with the checkpoint or its tokenizer, or a device without room.
    pub fn open(location: &Location, device: DeviceChoice) -> Result<Self, QueryError> {
        let checkpoint = Checkpoint::open(location)?;
        let name = location.to_string();
        let spec = checkpoint.spec().clone();
        let family = checkpoint.family();
        let files = tokenizer_files(&checkpoint)?;
        let weights = Weights::new(checkpoint);
        let (vocabulary, embedding) = rayon::join(
            || Vocabulary::open(&files, spec.vocab),
            || weights.embedding(),
        );
        let vocabulary = vocabulary.map_err(|source| QueryError::Vocabulary {
            model: name.clone(),
            source,
        })?;
        let (device, notice) = pick_device(device);
        let card = ModelCard {
            name,
            family,
            spec,
            vocabulary: Arc::new(vocabulary),
            device: device_name(&device).to_owned(),
            remote: weights.checkpoint().is_remote(),
            notices: notice.into_iter().collect(),
        };
        Ok(Self {
            card: Arc::new(card),
            embedding: Rows::new(embedding?, &device)?,
            weights,
            device,
            positions: None,
            mask: None,
            factors: Vec::new(),
            memory: FACTOR_BYTES,
        })
    }

    /// The same, which holds no more than so many bytes beside the embedding and what it is at.
    #[must_use]
    pub fn holding(self, memory: u64) -> Self {
        Self { memory, ..self }
    }

    fn model(&self) -> Model<'_> {
        Model {
            checkpoint: self.weights.checkpoint(),
            device: &self.device,
            card: &self.card,
        }
    }

    /// Adds to what the user should know about how it was opened.
    pub fn notice(&mut self, what: String) {
        Arc::make_mut(&mut self.card).notices.push(what);
    }

    /// See [`Weights::fingerprint`].
    ///
    /// # Errors
    /// Weights that cannot be read.
    pub fn fingerprint(&self) -> Result<u64, QueryError> {
        Ok(self.weights.fingerprint()?)
    }

    fn mask(&mut self, filters: &Filters) -> Result<Arc<Mask>, QueryError> {
        if let Some((of, mask)) = &self.mask
            && of == filters
        {
            return Ok(Arc::clone(mask));
        }
        let mask = self.card.vocabulary.mask(filters, self.card.spec.positions);
        let mask = Arc::new(mask.map_err(|source| QueryError::Vocabulary {
            model: self.card.name.clone(),
            source,
        })?);
        self.mask = Some((filters.clone(), Arc::clone(&mask)));
        Ok(mask)
    }

    /// The learned positions as rows, if the filters ask for them and the model has them.
    fn position_rows(&mut self, filters: &Filters) -> Result<Option<Arc<Rows>>, QueryError> {
        if !filters.positions {
            return Ok(None);
        }
        if self.positions.is_none()
            && let Some(matrix) = self.weights.positions()?
        {
            self.positions = Some(Arc::new(Rows::new(matrix, &self.device)?));
        }
        Ok(self.positions.clone())
    }

    fn pairs(
        &mut self,
        query: &PairsQuery,
        watch: &dyn Watch,
    ) -> Result<Option<PairsAnswer>, QueryError> {
        let mask = self.mask(&query.filters)?;
        let Some(factors) = self.factors(query, watch)? else {
            return Ok(None);
        };
        let vocabulary = Arc::clone(&self.card.vocabulary);
        let (same, similar) = (query.filters.exclude_same, query.filters.exclude_similar);
        let admits = move |from, to| {
            !(same && vocabulary.same(from, to) || similar && vocabulary.similar(from, to))
        };
        let want = PairsWanted {
            k: query.k.min(mask.passing * mask.passing),
            end: query.end,
            passing: &mask.passes,
            admits: &admits,
        };
        let answer = |pairs, done, exact| PairsAnswer {
            pairs,
            passing: mask.passing,
            rows: mask.passes.len(),
            done,
            exact,
        };
        let mut report = |done, pairs| watch.improved(Answer::Pairs(answer(pairs, done, false)));
        let found = best_pairs(
            &factors.a,
            &factors.b,
            &want,
            &|| watch.wanted(),
            &mut report,
        );
        Ok(found.map(|pairs| answer(pairs, 1.0, true)))
    }

    fn factors(
        &mut self,
        query: &PairsQuery,
        watch: &dyn Watch,
    ) -> Result<Option<Arc<Factors>>, QueryError> {
        let positions = self.position_rows(&query.filters)?;
        let key = FactorKey {
            form: query.form,
            layer: query.layer,
            head: query.head,
            positions: positions.is_some(),
        };
        if let Some(at) = self.factors.iter().position(|(of, _)| *of == key) {
            let found = self.factors.remove(at);
            let factors = Arc::clone(&found.1);
            self.factors.push(found);
            return Ok(Some(factors));
        }
        let (form, layer, head) = (query.form, query.layer, query.head);
        if !arrived(self.weights.bring_form(form, layer, head, &Fetch(watch)))? {
            return Ok(None);
        }
        let form = self.weights.form(form, layer, head)?;
        let wanted = || watch.wanted();
        let over_all_rows = |w: &Matrix| -> Result<Option<Matrix>, QueryError> {
            let Some(product) = self.embedding.times(w, &wanted)? else {
                return Ok(None);
            };
            let Some(positions) = &positions else {
                return Ok(Some(product));
            };
            Ok(positions
                .times(w, &wanted)?
                .map(|below| stacked(product, &below)))
        };
        let Some(a) = over_all_rows(&form.left)? else {
            return Ok(None);
        };
        let Some(b) = over_all_rows(&form.right)? else {
            return Ok(None);
        };
        let factors = Arc::new(Factors { a, b });
        self.factors.push((key, Arc::clone(&factors)));
        while self.factors.len() > 1
            && self.factors.iter().map(|(_, f)| f.bytes()).sum::<u64>() > self.memory
        {
            self.factors.remove(0);
        }
        Ok(Some(factors))
    }

    fn value_norms(&self, watch: &dyn Watch) -> Result<Option<Vec<f32>>, QueryError> {
        let mut norms = Vec::with_capacity(self.card.spec.layers);
        for layer in 0..self.card.spec.layers {
            if !watch.wanted() {
                return Ok(None);
            }
            norms.push(self.weights.mean_value_norm(layer)?);
            watch.improved(Answer::ValueNorms(norms.clone()));
        }
        Ok(Some(norms))
    }
}

impl Answering for Reader {
    fn answer(&mut self, query: &Query, watch: &dyn Watch) -> Result<Option<Answer>, QueryError> {
        query
            .address()
            .map_or(Ok(()), |address| self.card.check(address))?;
        Ok(match query {
            Query::Neuron(query) => self
                .answer_neurons(std::slice::from_ref(query), watch)?
                .and_then(|mut answers| answers.pop())
                .map(Answer::Neuron),
            Query::Pairs(query) => self.pairs(query, watch)?.map(Answer::Pairs),
            Query::ValueNorms | Query::Geometry(_) | Query::ContextMap(_) | Query::Find(_)
                if self.card.remote =>
            {
                return Err(QueryError::NeedsAll {
                    model: self.card.name.clone(),
                });
            }
            Query::Directions(query) => self.directions(query, watch)?.map(Answer::Directions),
            Query::Find(query) => self.find(query, watch)?.map(Answer::Find),
            Query::ValueNorms => self.value_norms(watch)?.map(Answer::ValueNorms),
            Query::Geometry(query) => self.model().geometry(query, watch)?.map(Answer::Geometry),
            Query::ContextMap(query) => self.model().context_map(query, watch)?.map(Answer::Map),
            Query::NeuronMap(query) => {
                let neuron = query.neuron_query();
                let answers = self.answer_neurons(&[neuron], watch)?;
                let answer = answers.and_then(|mut answers| answers.pop());
                let map = answer.map(|answer| self.model().neuron_map(query, &answer));
                map.transpose()?.map(Answer::Map)
            }
        })
    }

    fn answer_neurons(
        &mut self,
        queries: &[NeuronQuery],
        watch: &dyn Watch,
    ) -> Result<Option<Vec<NeuronAnswer>>, QueryError> {
        let Some(first) = queries.first() else {
            return Ok(Some(Vec::new()));
        };
        let mask = self.mask(&first.filters)?;
        let positions = self.position_rows(&first.filters)?;
        let mut vectors = Vec::with_capacity(2 * queries.len() * self.card.spec.width);
        let mut ends = Vec::with_capacity(2 * queries.len());
        let follows = |a: &NeuronQuery, b: &NeuronQuery| {
            a.layer == b.layer && a.neuron.checked_add(1) == Some(b.neuron)
        };
        // Neurons side by side are read together: in some files they are columns.
        for run in queries.chunk_by(follows) {
            for query in run {
                let (layer, neuron) = (query.layer, query.neuron);
                self.card.check(Address::Neuron { layer, neuron })?;
                let k = query.k.min(mask.passing);
                ends.extend([Ends::new(k), Ends::new(k)]);
            }
            let (layer, first) = (run[0].layer, run[0].neuron);
            let neurons = first..first + run.len();
            if !arrived(self.weights.bring_neurons(layer, neurons, &Fetch(watch)))? {
                return Ok(None);
            }
            let keys = self.weights.keys(layer, first..first + run.len())?;
            let values = self.weights.values(layer, first..first + run.len())?;
            for i in 0..run.len() {
                vectors.extend_from_slice(keys.row(i));
                vectors.extend_from_slice(values.row(i));
            }
        }
        let vectors = Matrix::new(ends.len(), self.card.spec.width, vectors);
        let mut first_id = 0;
        for rows in [Some(&self.embedding), positions.as_deref()]
            .into_iter()
            .flatten()
        {
            let flags = &mask.passes[first_id..first_id + rows.len()];
            let passing = Passing {
                flags,
                first_id: first_id as u32,
            };
            if !rows.offer_scores(&vectors, passing, &mut ends, &|| watch.wanted())? {
                return Ok(None);
            }
            first_id += rows.len();
        }
        let mut ends = ends.into_iter();
        let mut answers = Vec::with_capacity(queries.len());
        while let (Some(key), Some(value)) = (ends.next(), ends.next()) {
            answers.push(NeuronAnswer {
                columns: [key.highest, value.highest, key.lowest, value.lowest]
                    .map(|best| best.into_sorted()),
                passing: mask.passing,
                rows: mask.passes.len(),
            });
        }
        Ok(Some(answers))
    }

    fn card(&self) -> Arc<ModelCard> {
        Arc::clone(&self.card)
    }
}

/// `above` with the rows of `below` under it.
fn stacked(above: Matrix, below: &Matrix) -> Matrix {
    let (rows, cols) = (above.rows() + below.rows(), above.cols());
    let mut data = above.into_data();
    data.extend_from_slice(below.data());
    Matrix::new(rows, cols, data)
}

fn tokenizer_files(checkpoint: &Checkpoint) -> Result<TokenizerFiles, QueryError> {
    Ok(TokenizerFiles {
        tokenizer_json: checkpoint.file("tokenizer.json")?,
        vocab_json: checkpoint.file("vocab.json")?,
        merges_txt: checkpoint.file("merges.txt")?,
        vocab_txt: checkpoint.file("vocab.txt")?,
        tokenizer_config_json: checkpoint.file("tokenizer_config.json")?,
        special_tokens_map_json: checkpoint.file("special_tokens_map.json")?,
    })
}
