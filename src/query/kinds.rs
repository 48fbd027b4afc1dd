//! Queries and answers, as plain values: a query is its own identity, for caches and for telling a
//! late answer from a wanted one. This is the registry: what each kind is stands in its own folder.

use std::sync::Arc;

use super::kind::{AnswerKind, Answered, QueryKind};
use super::{
    Address, AttentionAnswer, AttentionQuery, BothListsAnswer, BothListsQuery, ChangesAnswer,
    ChangesQuery, ContextMapQuery, ContextsAnswer, ContextsQuery, Convention, DictionaryAnswer,
    DictionaryQuery, DirectionsAnswer, DirectionsQuery, EvidenceAnswer, EvidenceQuery,
    ExpertsAnswer, ExpertsQuery, FindAnswer, FindQuery, FirstConventionAnswer,
    FirstConventionQuery, GeometryAnswer, GeometryQuery, LinksAnswer, LinksQuery, MapAnswer,
    NeuronAnswer, NeuronMapQuery, NeuronQuery, PairsAnswer, PairsQuery, PromptAnswer, PromptQuery,
    RankAnswer, RankQuery, RelationsAnswer, RelationsQuery, RobustnessAnswer, RobustnessQuery,
    TextLanguageQuery, UndertrainedQuery, ValueNormsQuery,
};
use crate::geometry::Language;
use crate::vocabulary::{Filters, Undertrained};

/// What can be asked of a model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    Neuron(NeuronQuery),
    Pairs(PairsQuery),
    /// The singular directions of a matrix.
    Directions(DirectionsQuery),
    /// A layer's experts as words.
    Experts(ExpertsQuery),
    /// Where words stand.
    Find(FindQuery),
    /// For every layer, the mean norm of its value vectors.
    ValueNorms,
    /// Which tokens are undertrained.
    Undertrained,
    /// Which convention the model is best read under at first.
    FirstConvention,
    /// Which language's bundled texts fit the model.
    TextLanguage,
    /// What is measured of the states of texts.
    Geometry(GeometryQuery),
    /// A token's occurrences as points.
    ContextMap(ContextMapQuery),
    /// The best tokens of a neuron's column as points.
    NeuronMap(NeuronMapQuery),
    /// The neurons of a layer, or its heads, ranked by a metric.
    Rank(RankQuery),
    /// How far heads map words to others in a relation to them.
    Relations(RelationsQuery),
    /// The robustness of a list.
    Robustness(RobustnessQuery),
    /// What the model does with a text.
    Prompt(PromptQuery),
    /// What is asked of a dictionary from a file.
    Dictionary(DictionaryQuery),
    /// The attention weights of a head in a text.
    Attention(AttentionQuery),
    /// Where a neuron or a head fires.
    Contexts(ContextsQuery),
    /// Whether keys tell when neurons fire, of all neurons.
    Evidence(EvidenceQuery),
    /// Who writes what a neuron or head reads, and who reads what it writes.
    Links(LinksQuery),
    /// What a fine-tune changed most.
    Changes(ChangesQuery),
    /// A list in both of two compared models.
    BothLists(BothListsQuery),
}

impl Query {
    /// The same query of a neuron, by its number in its layer, if it is of a neuron.
    #[must_use]
    pub fn of_neuron(mut self, address: Address) -> Self {
        if let Address::Neuron { layer, neuron } = address {
            match &mut self {
                Self::Neuron(query) => (query.layer, query.neuron) = (layer, neuron),
                Self::NeuronMap(query) => (query.layer, query.neuron) = (layer, neuron),
                _ => {}
            }
        }
        self
    }

    /// See [`QueryKind::filters`].
    pub fn filters(&self) -> Option<&Filters> {
        self.kind().filters()
    }

    /// See [`QueryKind::convention`].
    pub fn convention(&self) -> Option<Convention> {
        self.kind().convention()
    }

    /// See [`QueryKind::address`].
    pub fn address(&self) -> Option<Address> {
        self.kind().address()
    }

    /// The same under another convention, if it may name one.
    #[must_use]
    pub fn under(mut self, convention: Convention) -> Self {
        let own = match &mut self {
            Self::Neuron(query) | Self::Robustness(RobustnessQuery::Neuron(query)) => {
                &mut query.convention
            }
            Self::Pairs(query) | Self::Robustness(RobustnessQuery::Pairs(query)) => {
                &mut query.convention
            }
            Self::Directions(query) => &mut query.convention,
            Self::Find(query) => &mut query.convention,
            Self::Rank(query) => &mut query.convention,
            Self::Relations(query) => &mut query.convention,
            Self::NeuronMap(query) => &mut query.convention,
            Self::Dictionary(query) => &mut query.convention,
            Self::Contexts(query) => &mut query.convention,
            Self::Evidence(query) => &mut query.convention,
            Self::Links(query) => &mut query.convention,
            Self::Changes(query) => &mut query.convention,
            Self::BothLists(BothListsQuery::Neuron(query)) => &mut query.convention,
            Self::BothLists(BothListsQuery::Pairs(query)) => &mut query.convention,
            Self::Experts(query) => &mut query.convention,
            Self::ValueNorms
            | Self::Undertrained
            | Self::FirstConvention
            | Self::TextLanguage
            | Self::Geometry(_)
            | Self::ContextMap(_)
            | Self::Prompt(_)
            | Self::Attention(_) => return self,
        };
        *own = convention;
        self
    }

    /// See [`QueryKind::shares_place`].
    pub fn shares_place(&self, other: &Self) -> bool {
        self.kind().shares_place(other)
    }

    /// What is to be known of it.
    pub fn kind(&self) -> &dyn QueryKind {
        match self {
            Self::Neuron(query) => query,
            Self::Pairs(query) => query,
            Self::Directions(query) => query,
            Self::Experts(query) => query,
            Self::Find(query) => query,
            Self::ValueNorms => &ValueNormsQuery,
            Self::Undertrained => &UndertrainedQuery,
            Self::FirstConvention => &FirstConventionQuery,
            Self::TextLanguage => &TextLanguageQuery,
            Self::Geometry(query) => query,
            Self::ContextMap(query) => query,
            Self::NeuronMap(query) => query,
            Self::Rank(query) => query,
            Self::Relations(query) => query,
            Self::Robustness(query) => query,
            Self::Prompt(query) => query,
            Self::Dictionary(query) => query,
            Self::Attention(query) => query,
            Self::Contexts(query) => query,
            Self::Evidence(query) => query,
            Self::Links(query) => query,
            Self::Changes(query) => query,
            Self::BothLists(query) => query,
        }
    }
}

/// What comes back.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Neuron(NeuronAnswer),
    Pairs(PairsAnswer),
    Directions(DirectionsAnswer),
    Experts(ExpertsAnswer),
    Find(FindAnswer),
    /// Mean norm of the value vectors, one per layer.
    ValueNorms(Vec<f32>),
    /// `None` if the embedding does not tell.
    Undertrained(Option<Arc<Undertrained>>),
    FirstConvention(FirstConventionAnswer),
    TextLanguage(Language),
    Geometry(GeometryAnswer),
    /// Of both kinds of map.
    Map(MapAnswer),
    Rank(RankAnswer),
    Relations(RelationsAnswer),
    Robustness(RobustnessAnswer),
    Prompt(Box<PromptAnswer>),
    Dictionary(DictionaryAnswer),
    Attention(AttentionAnswer),
    Contexts(Box<ContextsAnswer>),
    Evidence(EvidenceAnswer),
    Links(LinksAnswer),
    Changes(ChangesAnswer),
    BothLists(BothListsAnswer),
}

impl Answer {
    /// What is to be known of it.
    pub fn kind(&self) -> &dyn AnswerKind {
        match self {
            Self::Neuron(answer) => answer,
            Self::Pairs(answer) => answer,
            Self::Directions(answer) => answer,
            Self::Experts(answer) => answer,
            Self::Find(answer) => answer,
            Self::ValueNorms(norms) => norms,
            Self::Undertrained(found) => found,
            Self::FirstConvention(answer) => answer,
            Self::TextLanguage(language) => language,
            Self::Geometry(answer) => answer,
            Self::Map(answer) => answer,
            Self::Rank(answer) => answer,
            Self::Relations(answer) => answer,
            Self::Robustness(answer) => answer,
            Self::Prompt(answer) => answer,
            Self::Dictionary(answer) => answer,
            Self::Attention(answer) => answer,
            Self::Contexts(answer) => answer,
            Self::Evidence(answer) => answer,
            Self::Links(answer) => answer,
            Self::Changes(answer) => answer,
            Self::BothLists(answer) => answer,
        }
    }
}

macro_rules! answered {
    ($($query:ident by $answer:ident: $of:ty, $by:ty;)*) => {$(
        impl Answered for $of {
            type Answer = $by;

            fn asked(query: &Query) -> Option<&Self> {
                match query {
                    Query::$query(query) => Some(query),
                    _ => None,
                }
            }

            fn answered(answer: &Answer) -> Option<&$by> {
                match answer {
                    Answer::$answer(answer) => Some(answer),
                    _ => None,
                }
            }
        }
    )*};
}

answered! {
    Neuron by Neuron: NeuronQuery, NeuronAnswer;
    Pairs by Pairs: PairsQuery, PairsAnswer;
    Directions by Directions: DirectionsQuery, DirectionsAnswer;
    Experts by Experts: ExpertsQuery, ExpertsAnswer;
    Find by Find: FindQuery, FindAnswer;
    Geometry by Geometry: GeometryQuery, GeometryAnswer;
    ContextMap by Map: ContextMapQuery, MapAnswer;
    NeuronMap by Map: NeuronMapQuery, MapAnswer;
    Rank by Rank: RankQuery, RankAnswer;
    Relations by Relations: RelationsQuery, RelationsAnswer;
    Attention by Attention: AttentionQuery, AttentionAnswer;
    Contexts by Contexts: ContextsQuery, Box<ContextsAnswer>;
    Evidence by Evidence: EvidenceQuery, EvidenceAnswer;
    Prompt by Prompt: PromptQuery, Box<PromptAnswer>;
    Links by Links: LinksQuery, LinksAnswer;
    Robustness by Robustness: RobustnessQuery, RobustnessAnswer;
    Dictionary by Dictionary: DictionaryQuery, DictionaryAnswer;
    Changes by Changes: ChangesQuery, ChangesAnswer;
    BothLists by BothLists: BothListsQuery, BothListsAnswer;
}
