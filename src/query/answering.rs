//! What the worker needs from the thing that answers, and what that thing may ask in return.

use std::sync::Arc;

use crate::projection::Pair;
use crate::task;

use super::{
    Answer, DictionaryAnswer, DictionaryQuery, ModelCard, NeuronAnswer, NeuronQuery, PairsQuery,
    Query, QueryError, RankAnswer, RankQuery,
};

/// An open model that answers queries.
pub trait Answering: Send {
    /// Answers one query. Partial answers go to `callbacks.on_partial`.
    ///
    /// # Errors
    /// A place that the model does not have, numbers that cannot be read, or a cancelled token.
    fn answer(&mut self, query: &Query, callbacks: Callbacks<'_>) -> Result<Answer, QueryError>;

    /// Several neuron queries of the same filters in one pass over the embedding, an answer each,
    /// in their order; otherwise as [`Answering::answer`], without partial answers.
    ///
    /// # Errors
    /// As [`Answering::answer`].
    fn answer_neurons(
        &mut self,
        queries: &[NeuronQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<NeuronAnswer>, QueryError>;

    /// A head's pairs that are likely the best, without proof, where finding the best takes seconds.
    /// `None` where it does not.
    ///
    /// # Errors
    /// As [`Answering::answer`].
    fn likely_pairs(
        &mut self,
        _: &PairsQuery,
        _: Callbacks<'_>,
    ) -> Result<Option<Vec<Pair>>, QueryError> {
        Ok(None)
    }

    /// Layers ranked by one metric, an answer each, in their order, with those of their items that are
    /// among the best of all layers, as many as a layer is asked for; others may be left out.
    ///
    /// # Errors
    /// As [`Answering::answer`].
    fn rank_layers(
        &mut self,
        queries: &[RankQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<RankAnswer>, QueryError> {
        rank_each_layer(self, queries, callbacks)
    }

    /// The same of several directions of one dictionary: an answer each, `None` beyond its last.
    ///
    /// # Errors
    /// As [`Answering::answer`].
    fn answer_directions(
        &mut self,
        queries: &[DictionaryQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<Option<DictionaryAnswer>>, QueryError>;

    /// What is known of the model.
    fn card(&self) -> Arc<ModelCard>;

    /// The card with the undertrained tokens, for lists that mark them.
    ///
    /// # Errors
    /// As [`Answering::answer`].
    fn marked_card(&mut self, callbacks: Callbacks<'_>) -> Result<Arc<ModelCard>, QueryError> {
        let Answer::Undertrained(undertrained) = self.answer(&Query::Undertrained, callbacks)?
        else {
            return Err(QueryError::WrongAnswer);
        };
        let mut card = self.card();
        Arc::make_mut(&mut card).undertrained = undertrained;
        Ok(card)
    }
}

/// What is called while a query is being answered.
pub type Callbacks<'a> = task::Callbacks<'a, Answer>;

/// Layers ranked each by itself.
///
/// # Errors
/// As [`Answering::answer`].
pub fn rank_each_layer<A: Answering + ?Sized>(
    model: &mut A,
    queries: &[RankQuery],
    callbacks: Callbacks<'_>,
) -> Result<Vec<RankAnswer>, QueryError> {
    let each =
        queries.iter().map(
            |query| match model.answer(&Query::Rank(query.clone()), callbacks)? {
                Answer::Rank(answer) => Ok(answer),
                _ => Err(QueryError::WrongAnswer),
            },
        );
    each.collect()
}
