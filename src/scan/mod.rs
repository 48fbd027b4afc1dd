//! The whole model as one table: the lists of every neuron and head, computed part by part and
//! written as Parquet, so that a scan that was ended goes on where it was.

mod answers;
mod columns;
mod error;
mod file;
mod layers;
mod list;
mod pages;
mod parts;
mod plan;
mod ranking;
mod run;
mod thrift;

pub use answers::Scanned;
pub use error::ScanError;
pub use layers::Layers;
pub use plan::{ScanPlan, What};
pub use run::Scan;
