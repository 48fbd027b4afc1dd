//! A head's pairs: the tokens that its VO or QK form brings together.

mod answering;
mod forms;
mod in_range;
mod kept;
mod likely;
mod products;
mod sheet;
mod stands;
mod stopped;
mod unconditional;

use super::kind::{AnswerKind, AnyListed, Items, NotFinite, QueryKind, Walk};
use super::{Address, Answer, Callbacks, Convention, ModelCard, Query, QueryError, Reader};
use crate::checkpoint::Reading;
use crate::projection::{End, Pair, Scored};
use crate::transformer::{Form, StoredPart, StoredTypes};
use crate::vocabulary::Filters;

pub(super) use answering::{FactorKey, Factors, admits, directions, stacked};
pub(super) use in_range::in_range;
pub(super) use kept::KeptFactors;
pub(super) use likely::takes_seconds;
pub use stands::ListSeen;
pub(super) use stopped::StoppedSearches;

/// A pair list of a head.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PairsQuery {
    pub form: Form,
    pub layer: usize,
    pub head: usize,
    /// QK with rotary positions: how many positions the key lies behind the query. Else 0.
    pub distance: usize,
    pub end: End,
    /// Length of the list.
    pub k: usize,
    pub filters: Filters,
    pub convention: Convention,
}

impl PairsQuery {
    /// The head and its form.
    pub fn address(&self) -> Address {
        Address::Head {
            layer: self.layer,
            head: self.head,
            form: Some(self.form),
        }
    }
}

/// What of a model a form is read from, its key so far behind the query.
pub(super) fn readings_of(form: Form, distance: usize) -> &'static [Reading] {
    match (form, distance) {
        (Form::Vo, _) => &[Reading::Vo],
        (Form::Qk, 0) => &[Reading::Qk],
        (Form::Qk, _) => &[Reading::Qk, Reading::Distance],
    }
}

/// A head's pair list, finished or so far.
#[derive(Clone, Debug, PartialEq)]
pub struct PairsAnswer {
    /// Best first; for the lowest end, most negative first.
    pub pairs: Vec<Pair>,
    /// With the biases of the left side added, what they bring to every token on the right
    /// whatever the left one is, best and lowest first: of QK what is attended to whatever asks,
    /// of VO what is written whatever is read.
    pub unconditional: Option<[Vec<Scored>; 2]>,
    /// How many rows passed the filters on each side.
    pub passing: usize,
    pub rows: usize,
    /// Share of the search that is done, 0 to 1.
    pub done: f32,
    /// True when no better pair can exist.
    pub exact: bool,
}

impl QueryKind for PairsQuery {
    fn filters(&self) -> Option<&Filters> {
        Some(&self.filters)
    }

    fn convention(&self) -> Option<Convention> {
        Some(self.convention)
    }

    fn address(&self) -> Option<Address> {
        Some(self.address())
    }

    fn stored(&self, types: &StoredTypes) -> Vec<StoredPart> {
        types.form(self.layer, self.form)
    }

    fn readings(&self) -> &'static [Reading] {
        readings_of(self.form, self.distance)
    }

    fn needs_output(&self) -> bool {
        self.form == Form::Vo
    }

    fn check(&self, card: &ModelCard) -> Result<(), String> {
        match self.distance {
            0 => Ok(()),
            _ => card.check_distance(self),
        }
    }

    fn walk(&self) -> Option<Walk> {
        Some(Walk {
            layer: self.layer,
            item: self.head,
            among: Some(Items::Heads),
            nearest: true,
        })
    }

    fn moved(&self, layer: usize, head: usize) -> Option<Query> {
        Some(Query::Pairs(Self {
            layer,
            head,
            ..self.clone()
        }))
    }

    fn shares_place(&self, other: &Query) -> bool {
        matches!(other, Query::Pairs(other) if other.form == self.form)
    }

    fn resumes(&self) -> bool {
        true
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Pairs(reader.pairs(self, callbacks)?))
    }

    fn listed(&self) -> Option<&dyn AnyListed> {
        Some(self)
    }
}

impl AnswerKind for PairsAnswer {
    fn heap_bytes(&self) -> usize {
        let alone = self.unconditional.iter().flatten();
        size_of_val(&self.pairs[..]) + alone.map(|l| size_of_val(&l[..])).sum::<usize>()
    }

    fn not_finite(&self) -> Option<NotFinite> {
        let pairs = self.pairs.iter().map(|pair| pair.score);
        let alone = self.unconditional.iter().flatten().flatten();
        let scores = pairs.chain(alone.map(|scored| scored.score));
        NotFinite::among("scores of its pairs", scores.map(f64::from))
    }

    fn so_far(&self) -> Option<f32> {
        (!self.exact && !self.pairs.is_empty()).then_some(self.done)
    }
}
