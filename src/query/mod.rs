//! What can be asked of a model and what comes back: `Query`, `Answer`, `Address`; and answering
//! one, start to end.

mod address;
mod ask;

pub use address::{Address, AddressError};
pub use ask::{
    Answer, Column, ModelCard, NeuronAnswer, NeuronQuery, PairsAnswer, PairsQuery, Query,
};
