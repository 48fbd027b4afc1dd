//! Answering: an open model with its embedding on a device, from a query to its answer.

pub(super) mod convention;
mod notices;
mod versions;

use std::fmt;
use std::mem;
use std::sync::Arc;

use candle_core::Device;

use crate::checkpoint::{Checkpoint, Embedding, Location};
use crate::projection::{DeviceChoice, Pair, Rows, device_name, pick_device};
use crate::task::CancelToken;
use crate::transformer::{Forward, LayerCache, OutputRows, Weights};
use crate::vocabulary::{Filters, Mask, Undertrained, Vocabulary};

use convention::EmbeddingViews;
use notices::told;
use versions::BaseSide;

use super::answering::{Answering, Callbacks};
use super::contexts::KeptContexts;
use super::dictionary::OpenDictionary;
use super::first_convention::TriedParts;
use super::jacobian::OpenLens;
use super::kind::{AnswerKind, NotFinite};
use super::memory::MemoryBudget;
use super::model::Model;
use super::pairs::{KeptFactors, StoppedSearches};
use super::prompt::KeptRun;
use super::rank::{EmbeddingGram, RankCache, Ranking, RepeatedTokens};
use super::robustness::NullDistributions;
use super::tokenizer_files::tokenizer_files;
use super::{
    Answer, DictionaryAnswer, DictionaryQuery, ModelCard, NeuronAnswer, NeuronColumn, NeuronQuery,
    PairsQuery, Query, QueryError, RankAnswer, RankQuery,
};

/// Bytes of heads' factors that are kept unless something else is said.
const FACTOR_BYTES: u64 = 192 << 20;

/// Weights of more bytes have an embedding that takes seconds to read.
const LARGE_WEIGHTS: u64 = 8 << 30;

/// An open model that answers.
pub struct Reader {
    pub(super) card: Arc<ModelCard>,
    pub(super) weights: Weights,
    pub(super) device: Device,
    /// The input embedding: what keys and heads read.
    pub(super) read: Arc<Rows>,
    /// The output embedding: what values and heads write. The same, where they are tied.
    pub(super) written: Arc<Rows>,
    /// What the logits' head multiplies with: the output embedding as it is stored, where the head
    /// brings states to its width.
    pub(super) logit_rows: Arc<Rows>,
    /// Read when a filter first asks for them.
    pub(super) positions: Option<Arc<Rows>>,
    /// What conventions other than the raw one have needed.
    pub(super) embedding_views: EmbeddingViews,
    /// What chance makes of lists.
    pub(super) null_distributions: NullDistributions,
    pub(super) mask: Option<(Filters, Arc<Mask>)>,
    /// Its undertrained tokens, once they were looked for; `None` in it if they cannot be told.
    pub(super) undertrained: Option<Option<Arc<Undertrained>>>,
    /// For other filters and the other end of the list.
    pub(super) factors: KeptFactors,
    /// What the two sides of forms have in common over the vocabulary.
    pub(super) crosses: Vec<EmbeddingGram>,
    /// Searches for pairs that were cancelled.
    pub(super) stopped: StoppedSearches,
    /// A look for the first convention that was cancelled.
    pub(super) tried_parts: Option<TriedParts>,
    /// A ranking that was cancelled.
    pub(super) ranking: Ranking,
    pub(super) rank_cache: RankCache,
    /// What heads attend to in repeated random tokens, once it was looked at.
    pub(super) repeated_tokens: Option<Arc<RepeatedTokens>>,
    /// Layers that texts were run through.
    pub(super) layers: LayerCache,
    /// A fitted lens, if one was given.
    pub(super) lens: Option<Arc<OpenLens>>,
    /// The dictionary from a file that was asked about last.
    pub(super) dictionary: Option<OpenDictionary>,
    /// The last text that was run.
    pub(super) kept_run: Option<KeptRun>,
    /// What layers did over the last texts.
    pub(super) contexts: KeptContexts,
    pub(super) memory: MemoryBudget,
    /// Of a difference, what the base is read with, once it was.
    base: Option<Box<BaseSide>>,
}

impl Reader {
    /// Opens a model: headers, vocabulary, and the embeddings, which are all that stays in memory.
    ///
    /// # Errors
    /// Whatever is wrong with the checkpoint or its tokenizer, or a device without room.
    pub fn open(location: &Location, device: DeviceChoice) -> Result<Self, QueryError> {
        let weights = Weights::new(Checkpoint::open(location)?);
        let (vocabulary, embeddings) = rayon::join(
            || vocabulary(location, weights.checkpoint()),
            || Ok::<_, QueryError>((weights.input_embedding()?, weights.output_embedding()?)),
        );
        let (card, device) = card(location, &weights, vocabulary?, device);
        let (read, written) = sides(embeddings?, &device)?;
        Ok(Self {
            card: Arc::new(card),
            read,
            logit_rows: match weights.checkpoint().family().head.transform {
                Some(_) if written.has_map() => Arc::new(written.as_stored()),
                Some(_) | None => Arc::clone(&written),
            },
            written,
            weights,
            device,
            positions: None,
            embedding_views: EmbeddingViews::default(),
            null_distributions: NullDistributions::default(),
            mask: None,
            undertrained: None,
            factors: KeptFactors::default(),
            crosses: Vec::new(),
            stopped: StoppedSearches::default(),
            tried_parts: None,
            ranking: Ranking::default(),
            rank_cache: RankCache::default(),
            repeated_tokens: None,
            layers: LayerCache::new(FACTOR_BYTES),
            lens: None,
            dictionary: None,
            kept_run: None,
            contexts: KeptContexts::default(),
            memory: FACTOR_BYTES.into(),
            base: None,
        })
    }

    /// What is known of a large model by its headers and its tokenizer; `None` of a model whose
    /// embedding is read in no time, so that [`Reader::open`] can tell more.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn outline(
        location: &Location,
        device: DeviceChoice,
    ) -> Result<Option<ModelCard>, QueryError> {
        let weights = Weights::new(Checkpoint::open(location)?);
        if weights.checkpoint().stored_bytes() <= LARGE_WEIGHTS {
            return Ok(None);
        }
        let vocabulary = vocabulary(location, weights.checkpoint())?;
        Ok(Some(card(location, &weights, vocabulary, device).0))
    }

    /// The same with another budget of the bytes beside the embedding.
    #[must_use]
    pub fn holding(self, memory: impl Into<MemoryBudget>) -> Self {
        let memory = memory.into();
        Self {
            memory,
            layers: LayerCache::new(memory.kept),
            ..self
        }
    }

    /// From now on keeps the factors of as many heads at most: what goes through all heads asks for
    /// none again. How many it was before.
    pub fn keep_factors_of(&mut self, heads: usize) -> usize {
        mem::replace(&mut self.factors.heads, heads)
    }

    pub(super) fn model(&self) -> Model<'_> {
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

    pub(super) fn not_finite(&self, NotFinite { what, got }: NotFinite) -> QueryError {
        QueryError::NotFinite {
            model: self.card.name.clone(),
            what: what.to_owned(),
            got,
        }
    }

    /// The rows that filters let pass.
    ///
    /// # Errors
    /// As [`Vocabulary::mask`], a device that fails, and a cancelled token.
    pub fn mask(
        &mut self,
        filters: &Filters,
        cancel: CancelToken<'_>,
    ) -> Result<Arc<Mask>, QueryError> {
        if let Some((of, mask)) = &self.mask
            && of == filters
        {
            return Ok(Arc::clone(mask));
        }
        let undertrained = match filters.exclude_undertrained {
            true => self.undertrained(cancel)?,
            false => None,
        };
        let (vocabulary, positions) = (&self.card.vocabulary, self.card.spec.positions);
        let mask = vocabulary.mask(filters, positions, undertrained.as_deref());
        let mask = Arc::new(mask.map_err(|error| QueryError::Vocabulary {
            model: self.card.name.clone(),
            error,
        })?);
        self.mask = Some((filters.clone(), Arc::clone(&mask)));
        Ok(mask)
    }

    /// Reads the learned positions, if the filters ask for them and the model has them; whether
    /// they count.
    pub(super) fn with_positions(&mut self, filters: &Filters) -> Result<bool, QueryError> {
        if !filters.positions {
            return Ok(false);
        }
        if self.positions.is_none()
            && let Some(matrix) = self.weights.positions()?
        {
            self.positions = Some(Arc::new(Rows::new(matrix, &self.device)?));
        }
        Ok(self.positions.is_some())
    }
}

impl Reader {
    pub(super) fn neuron(
        &mut self,
        query: &NeuronQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<NeuronAnswer, QueryError> {
        let mut answers = self.answer_neurons(std::slice::from_ref(query), callbacks)?;
        answers.pop().ok_or(QueryError::WrongAnswer)
    }
}

impl Answering for Reader {
    fn answer(&mut self, query: &Query, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        self.card.check_query(query)?;
        let answer = query.kind().answer(self, callbacks)?;
        match answer.kind().not_finite() {
            None => Ok(answer),
            Some(found) => Err(self.not_finite(found)),
        }
    }

    fn answer_neurons(
        &mut self,
        queries: &[NeuronQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<NeuronAnswer>, QueryError> {
        // What is known of the configuration is the same for all of them.
        if let Some(first) = queries.first() {
            self.card.check_query(&Query::Neuron(first.clone()))?;
        }
        let mut answers = self.neurons(queries, callbacks)?;
        for (answer, query) in answers.iter_mut().zip(queries) {
            if self.card.against.is_some() {
                answer.leave_out_unchanged();
            }
            if !self.card.has_output(query.convention) {
                for column in [NeuronColumn::V, NeuronColumn::MinusV] {
                    answer.columns[column as usize].clear();
                }
            }
        }
        let mut not_finite = answers.iter().filter_map(NeuronAnswer::not_finite);
        match not_finite.next() {
            None => Ok(answers),
            Some(found) => Err(self.not_finite(found)),
        }
    }

    fn likely_pairs(
        &mut self,
        query: &PairsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<Option<Vec<Pair>>, QueryError> {
        self.card.check_query(&Query::Pairs(query.clone()))?;
        self.likely(query, callbacks)
    }

    fn rank_layers(
        &mut self,
        queries: &[RankQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<RankAnswer>, QueryError> {
        self.best_of_layers(queries, callbacks)
    }

    fn answer_directions(
        &mut self,
        queries: &[DictionaryQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<Option<DictionaryAnswer>>, QueryError> {
        self.directions_of_dictionary(queries, callbacks)
    }

    fn card(&self) -> Arc<ModelCard> {
        Arc::clone(&self.card)
    }
}

/// The rows that are read, and those that are written: one matrix is taken to the device once.
fn sides(
    (input, output): (Embedding, OutputRows),
    device: &Device,
) -> Result<(Arc<Rows>, Arc<Rows>), QueryError> {
    let read = Arc::new(Rows::new(input, device)?);
    let written = match output {
        OutputRows::Input => Arc::clone(&read),
        OutputRows::InputThrough(map) => Arc::new(read.through(map)),
        OutputRows::Own(output) => Arc::new(Rows::new(output, device)?),
    };
    Ok((read, written))
}

fn vocabulary(
    location: &impl fmt::Display,
    checkpoint: &Checkpoint,
) -> Result<Vocabulary, QueryError> {
    let files = tokenizer_files(checkpoint)?;
    let vocabulary = Vocabulary::of(files, checkpoint.spec().vocab);
    vocabulary.map_err(|error| QueryError::Vocabulary {
        model: location.to_string(),
        error,
    })
}

/// What is known of an open model, and the device that it is on.
fn card(
    location: &Location,
    weights: &Weights,
    vocabulary: Vocabulary,
    device: DeviceChoice,
) -> (ModelCard, Device) {
    let checkpoint = weights.checkpoint();
    let (device, notice) = pick_device(device);
    let mut notices: Vec<String> = notice.into_iter().collect();
    notices.extend(told(checkpoint));
    notices.extend_from_slice(vocabulary.notices());
    let card = ModelCard {
        biased: weights.biased(),
        name: location.to_string(),
        family: checkpoint.family(),
        spec: checkpoint.spec().clone(),
        vocabulary: Arc::new(vocabulary),
        stored: weights.stored_types(),
        device: device_name(&device).to_owned(),
        remote: checkpoint.is_remote(),
        against: match location {
            Location::Difference(compared) => Some(compared.base.to_string()),
            Location::Bundled(_)
            | Location::Folder { .. }
            | Location::Remote(_)
            | Location::Adapted(_) => None,
        },
        not_run: Forward::refusal(checkpoint).map(|why| why.to_string()),
        lens: None,
        notices,
        undertrained: None,
    };
    (card, device)
}
