//! What can be asked of a model and what comes back: `Query`, `Answer`, `Address`; and answering
//! one, start to end.

mod address;
mod answering;
mod ask;
mod contextual;
mod error;
mod rank;
mod reader;

pub use address::{Address, AddressError};
pub use answering::{Answering, Patient, Watch};
pub use ask::{
    Answer, Column, ModelCard, NeuronAnswer, NeuronQuery, PairsAnswer, PairsQuery, Query,
};
pub use contextual::{
    ContextMapQuery, GeometryAnswer, GeometryQuery, MapAnswer, MapPoint, NeuronMapQuery, Pointed,
    TextAnswer, TextReading, TokenAnswer, TokenChoice,
};
pub use error::QueryError;
pub use rank::{Interest, Interesting, RankAnswer, RankQuery};
pub use reader::Reader;
