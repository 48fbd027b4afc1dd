//! lexiscope reads the weights of a transformer as words.

pub mod checkpoint;
pub mod cli;
pub mod explorer;
pub mod geometry;
pub mod hub;
pub mod log;
pub mod projection;
pub mod query;
pub mod report;
pub mod transformer;
pub mod vocabulary;
pub mod worker;
