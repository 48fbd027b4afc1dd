//! What the rest of the program must know of a query or an answer, whatever it is about. Each kind is
//! one folder: the query, its answer, how it is answered, its sheet.

use super::{Address, Answer, Callbacks, Convention, ModelCard, Query, QueryError, Reader};
use crate::checkpoint::{Reading, Spec};
use crate::query::RobustnessAnswer;
use crate::sheet::{CommandLine, Sheet};
use crate::transformer::{StoredPart, StoredTypes};
use crate::vocabulary::Filters;

/// A kind of query.
pub trait QueryKind {
    /// The filters of its list, if it asks for one.
    fn filters(&self) -> Option<&Filters> {
        None
    }

    /// The convention that it names, if it may name one.
    fn convention(&self) -> Option<Convention> {
        None
    }

    /// The place that is asked about.
    fn address(&self) -> Option<Address> {
        None
    }

    /// What of the model it reads, as far as the configuration can change its numbers. The forward
    /// pass says so itself.
    fn readings(&self) -> &'static [Reading] {
        &[]
    }

    /// The types that the parts are stored in of which its list is made.
    fn stored(&self, _: &StoredTypes) -> Vec<StoredPart> {
        Vec::new()
    }

    /// Whether all weights of the model are needed, or of all layers: not asked of a model that stays
    /// on the hub.
    fn needs_all_weights(&self) -> bool {
        false
    }

    /// Whether nothing is left of its answer without an output embedding.
    fn needs_output(&self) -> bool {
        false
    }

    /// What else must be true of a model.
    ///
    /// # Errors
    /// It is not: what the model has instead, in a sentence.
    fn check(&self, _: &ModelCard) -> Result<(), String> {
        Ok(())
    }

    /// Where it stands among queries that are worth computing ahead.
    fn walk(&self) -> Option<Walk> {
        None
    }

    /// The same query of another layer and neuron or head, if it stands among such.
    fn moved(&self, _layer: usize, _item: usize) -> Option<Query> {
        None
    }

    /// Whether an answer to the other query may stand where this one's will stand on a screen, until it
    /// comes: the same list of another place, or under other settings.
    fn shares_place(&self, _: &Query) -> bool {
        false
    }

    /// Whether it goes on from where it was when it is asked again after a cancelled token, so that it
    /// may make way for what comes first.
    fn resumes(&self) -> bool {
        false
    }

    /// Answers it. What holds of all kinds has been checked.
    ///
    /// # Errors
    /// Numbers that cannot be read, a model without what is asked for, or a cancelled token.
    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError>;

    /// Its sheet and its command, if its answer is a list of one model.
    fn listed(&self) -> Option<&dyn AnyListed> {
        None
    }
}

/// A kind of query, with the kind of its answers: what a place that shows such answers asks with, so
/// that no other kind can be taken for it.
pub trait Answered: QueryKind {
    type Answer;

    /// The query, if it is of this kind.
    fn asked(query: &Query) -> Option<&Self>;

    /// The answer, if it is of this kind.
    fn answered(answer: &Answer) -> Option<&Self::Answer>;

    /// Both, if they are of this kind.
    fn of<'a>(query: &'a Query, answer: &'a Answer) -> Option<(&'a Self, &'a Self::Answer)> {
        Self::asked(query).zip(Self::answered(answer))
    }
}

/// A kind of query whose answer is a list of one model.
pub trait Listed: Answered {
    /// The answer as a sheet, with the robustness of its lists if that was asked too.
    fn sheet(
        &self,
        card: &ModelCard,
        answer: &Self::Answer,
        robustness: Option<&RobustnessAnswer>,
    ) -> Sheet;

    /// The command that answers it, with the robustness of its lists or without.
    fn command(&self, model: &str, robustness: bool) -> CommandLine;
}

/// [`Listed`], whatever the kind.
pub trait AnyListed {
    /// [`Listed::sheet`]; `None` if the answer is of another kind.
    fn any_sheet(
        &self,
        card: &ModelCard,
        answer: &Answer,
        robustness: Option<&RobustnessAnswer>,
    ) -> Option<Sheet>;

    /// [`Listed::command`].
    fn any_command(&self, model: &str, robustness: bool) -> CommandLine;
}

impl<Q: Listed> AnyListed for Q {
    fn any_sheet(
        &self,
        card: &ModelCard,
        answer: &Answer,
        robustness: Option<&RobustnessAnswer>,
    ) -> Option<Sheet> {
        Some(self.sheet(card, Q::answered(answer)?, robustness))
    }

    fn any_command(&self, model: &str, robustness: bool) -> CommandLine {
        self.command(model, robustness)
    }
}

/// A place among those that one steps through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    pub layer: usize,
    /// The neuron or the head.
    pub item: usize,
    /// `None`: how many there are, the model does not tell; beyond the last there is no answer.
    pub among: Option<Items>,
    /// Whether only the nearest are worth computing ahead: they cost seconds.
    pub nearest: bool,
}

/// What one steps through in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Items {
    Neurons,
    Heads,
}

impl Items {
    /// How many a layer has.
    pub fn count(self, spec: &Spec, layer: usize) -> usize {
        match self {
            Self::Neurons => spec.neurons_in(layer),
            Self::Heads => spec.heads_in(layer),
        }
    }
}

/// A kind of answer.
pub trait AnswerKind {
    /// What it holds beside itself, in bytes.
    fn heap_bytes(&self) -> usize;

    /// The first of its numbers that is none, or infinite.
    fn not_finite(&self) -> Option<NotFinite>;

    /// Of an answer so far that is of use as it is, how much of the work is done, 0 to 1.
    fn so_far(&self) -> Option<f32> {
        None
    }
}

/// A number that is none: what it belongs to, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFinite {
    pub what: &'static str,
    pub got: String,
}

impl NotFinite {
    /// The first such number among some.
    pub fn among(what: &'static str, numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let found = numbers.into_iter().find(|x| !x.is_finite());
        found.map(|x| Self {
            what,
            got: x.to_string(),
        })
    }
}
