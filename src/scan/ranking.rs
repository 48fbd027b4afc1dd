//! Rankings from the lists of a scan, or why they, or lists under a convention, cannot come from
//! there.

use super::Scanned;
use crate::query::{
    Answer, Answering, Callbacks, Convention, Query, QueryError, RankAnswer, RankMetric, RankQuery,
};

impl Scanned {
    /// A layer ranked by lists of the scan where it has them; by the model otherwise.
    pub(super) fn rank(
        &mut self,
        query: &RankQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<RankAnswer, QueryError> {
        if query.by.of_weights() {
            let query = Query::Rank(query.clone());
            let Answer::Rank(answer) = self.reader.answer(&query, callbacks)? else {
                return Err(QueryError::WrongAnswer);
            };
            return Ok(answer);
        }
        let mut ranking = std::mem::take(&mut self.ranking);
        let answer = ranking.rank(self, query, callbacks);
        self.ranking = ranking;
        answer
    }

    /// Why a ranking has to be computed from the weights, in a few words; `None` if the scan has
    /// all its lists.
    ///
    /// # Errors
    /// As [`crate::query::Reader::mask`].
    pub fn lacks(&mut self, query: &RankQuery) -> Result<Option<String>, QueryError> {
        let RankQuery { layer, by, .. } = query;
        if by.of_weights() {
            return Ok(Some(format!(
                "{by} is a figure of the weights, not of lists"
            )));
        }
        if let Some(why) = self.not_under(query.convention) {
            return Ok(Some(why));
        }
        let of_heads = by.of_heads();
        let Some((passing, _)) = self.passing(&query.filters, of_heads)? else {
            return Ok(Some("the scan was made with other filters".to_owned()));
        };
        let (kept, all, what) = match of_heads {
            true => (self.pairs, passing * passing, "pairs of a head"),
            false => (self.k, passing, "tokens of a column"),
        };
        let needed = RankMetric::TOP.min(all);
        if kept < needed {
            return Ok(Some(format!(
                "the scan has {kept} {what}, of which {needed} are judged"
            )));
        }
        if self.group(*layer, 0, !of_heads).is_none() {
            let of = if of_heads { "heads" } else { "neurons" };
            return Ok(Some(format!("the scan has no {of} of layer {layer}")));
        }
        Ok(None)
    }

    /// Whether its lists are those of a convention, with nothing beside them that an answer says
    /// of biases.
    pub(super) fn is_under(&self, convention: Convention) -> bool {
        self.convention == convention && !convention.adds()
    }

    /// Why lists under a convention cannot come from it, in a few words; `None` if they can.
    pub fn not_under(&self, convention: Convention) -> Option<String> {
        match self.convention == convention {
            _ if self.is_under(convention) => None,
            true => Some(format!("the scan does not hold what {convention} adds")),
            false => Some(format!(
                "the scan was made under {}, not {convention}",
                self.convention
            )),
        }
    }
}
