//! Rankings from the lists of a scan, or why they, evidence, or lists under a convention, cannot
//! come from there.

use super::Scanned;
use crate::query::{
    Answer, Answering, Callbacks, Convention, EvidenceQuery, KeyFigures, Query, QueryError,
    RankAnswer, RankMetric, RankQuery,
};
use crate::transformer::Input;
use crate::vocabulary::Filters;

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
        let of_heads = by.of_heads();
        let asked = (query.convention, &query.filters);
        if let Some(why) = self.lacks_lists(asked, of_heads, RankMetric::TOP)? {
            return Ok(Some(why));
        }
        if self.group(*layer, 0, !of_heads).is_none() {
            let of = if of_heads { "heads" } else { "neurons" };
            return Ok(Some(format!("the scan has no {of} of layer {layer}")));
        }
        Ok(None)
    }

    /// Why the lists that evidence is judged by cannot come from it, in a few words; `None` if those
    /// of the layers that were scanned can.
    ///
    /// # Errors
    /// As [`crate::query::Reader::mask`].
    pub fn lacks_evidence(&mut self, query: &EvidenceQuery) -> Result<Option<String>, QueryError> {
        if query.input != Input::default() {
            return Ok(Some("the scan has the gates as keys".to_owned()));
        }
        let asked = (query.convention, &Filters::default());
        self.lacks_lists(asked, false, KeyFigures::AT)
    }

    /// Why lists of `most` tokens or pairs are not in it.
    fn lacks_lists(
        &mut self,
        (convention, filters): (Convention, &Filters),
        of_heads: bool,
        most: usize,
    ) -> Result<Option<String>, QueryError> {
        if let Some(why) = self.not_under(convention) {
            return Ok(Some(why));
        }
        let Some((passing, _)) = self.passing(filters, of_heads)? else {
            return Ok(Some("the scan was made with other filters".to_owned()));
        };
        let (kept, all, what) = match of_heads {
            true => (self.pairs, passing * passing, "pairs of a head"),
            false => (self.k, passing, "tokens of a column"),
        };
        let needed = most.min(all);
        Ok((kept < needed)
            .then(|| format!("the scan has {kept} {what}, of which {needed} are judged")))
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
