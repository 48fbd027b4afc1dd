//! What can be asked of a model and what comes back. A kind of query is a folder: the query, its
//! answer, how it is answered, its sheet; the registry is `kinds`, the trait is `kind`.

mod address;
mod answering;
mod card;
mod contexts;
mod convention;
mod dictionary;
mod difference;
mod directions;
mod error;
mod evidence;
mod experts;
mod families_sheet;
mod find;
mod first_convention;
mod geometry;
mod info_sheet;
mod jacobian;
mod kind;
mod kinds;
mod links;
mod map;
mod memory;
mod model;
mod neuron;
mod pairs;
mod prompt;
mod rank;
mod reader;
mod relations;
mod robustness;
pub mod sheet;
mod similar;
mod tokenizer_files;
mod undertrained;
mod value_norms;

pub use address::{Address, AddressError};
pub use answering::{Answering, Callbacks, rank_each_layer};
pub use card::{ModelCard, NO_HEAD};
pub use contexts::{
    AttentionFigures, ContextTexts, ContextsAnswer, ContextsFigures, ContextsQuery, KeyBand,
    KeyFigures, Passage, Spread, passage_text,
};
use convention::NO_LENS;
pub use convention::{Convention, Switch};
pub use dictionary::{
    DictionaryAnswer, DictionaryAsk, DictionaryCard, DictionaryCardSide, DictionaryFound,
    DictionaryQuery, DictionarySource, DirectionColumns, SimilarVectors,
};
pub use difference::{
    BothListsAnswer, BothListsQuery, ChangedHead, ChangedNeuron, ChangedNumbers, ChangesAnswer,
    ChangesQuery, Moved, TokenPair, VectorChange,
};
pub use directions::{Copying, Direction, DirectionsAnswer, DirectionsQuery, MatrixKind};
pub use error::QueryError;
pub use evidence::{EvidenceAnswer, EvidenceQuery, EvidenceRun, LayerEvidence, NeuronEvidence};
pub use experts::{ExpertWords, ExpertsAnswer, ExpertsQuery};
pub use find::{FindAnswer, FindQuery, RoleHits, TOKENS_MAX};
pub use first_convention::{
    ConventionFigures, FirstConventionAnswer, FirstConventionQuery, RULE as FIRST_CONVENTION_RULE,
};
pub use geometry::{
    GeometryAnswer, GeometryQuery, TextAnswer, TextLanguageQuery, TextReading, TokenAnswer,
    TokenChoice, language_of,
};
pub use jacobian::{
    LayerLensEffect, LensEffect, LensEffectPlan, LensFit, LensFitPlan, WithAndWithout,
};
pub use kind::{AnswerKind, Answered, AnyListed, Items, Listed, NotFinite, QueryKind, Walk};
pub use kinds::{Answer, Query};
pub use links::{Link, LinkLists, LinksAnswer, LinksQuery, ReadSide};
pub use map::{ContextMapQuery, MapAnswer, MapPoint, NeuronMapQuery, Pointed};
pub use memory::MemoryBudget;
pub use neuron::{NeuronAnswer, NeuronColumn, NeuronQuery};
pub use pairs::{ListSeen, PairsAnswer, PairsQuery};
pub use prompt::{
    AfterAnswer, Amount, AttentionAnswer, AttentionQuery, Attribution, Change, ChangeKind,
    Continuation, ContinuationAnswer, HeadPart, LayerAttribution, LayerExperts, LensCell,
    NeuronPart, Prediction, PromptAnswer, PromptQuery, Steering, TakenExpert, TargetAnswer, Unit,
    running_text,
};
pub use rank::{InputOutputClass, RankAnswer, RankMetric, RankQuery, RankedItem, Ranking};
pub use reader::Reader;
pub use relations::{
    BundledRelation, HeadRelations, Relation, RelationError, RelationHit, RelationPairs,
    RelationScore, RelationShare, RelationsAnswer, RelationsQuery, WordPair,
};
pub use robustness::{
    RANDOM_DIRECTIONS, RANDOM_FORMS, ROBUSTNESS_LEAST, ROBUSTNESS_TOP, Robustness,
    RobustnessAnswer, RobustnessQuery, ZScore,
};
pub use similar::{SimilarNeuron, SimilarNeuronsAnswer, SimilarNeuronsQuery};
pub use tokenizer_files::gguf_tokenizer;
pub use undertrained::UndertrainedQuery;
pub use value_norms::ValueNormsQuery;

pub use crate::projection::{Hit, RankBy, Role};
