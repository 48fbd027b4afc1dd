//! What can be asked of a model and what comes back: `Query`, `Answer`, `Address`; and answering
//! one, start to end.

mod address;
mod answering;
mod ask;
mod contextual;
mod convention;
mod directions;
mod error;
mod find;
mod first_convention;
mod rank;
mod ranking;
mod reader;
mod refusals;
pub mod sheet;
mod trust;

pub use address::{Address, AddressError};
pub use answering::{Answering, Callbacks};
pub use ask::{
    Answer, Column, ModelCard, NeuronAnswer, NeuronQuery, PairsAnswer, PairsQuery, Query,
};
pub use contextual::{
    ContextMapQuery, GeometryAnswer, GeometryQuery, MapAnswer, MapPoint, NeuronMapQuery, Pointed,
    TextAnswer, TextReading, TokenAnswer, TokenChoice, language_of,
};
pub use convention::{Convention, Switch};
pub use directions::{Copying, Direction, DirectionsAnswer, DirectionsQuery, Part};
pub use error::QueryError;
pub use find::{FindAnswer, FindQuery, Group, TOKENS_MAX};
pub use first_convention::{ConventionFigures, FirstConventionAnswer};
pub use rank::{Interest, Interesting, RankAnswer, RankQuery};
pub use ranking::Ranking;
pub use reader::Reader;
pub use refusals::NO_HEAD;
pub use trust::{
    RANDOM_DIRECTIONS, RANDOM_FORMS, TRUST_LEAST, TRUST_TOP, Trust, TrustAnswer, TrustQuery, ZScore,
};

pub use crate::projection::{By, Hit, Stand};
