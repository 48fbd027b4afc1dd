//! Vectors → token lists, forms → pair lists: products with the embedding and exact selection.

mod balance;
mod batch;
mod device;
mod error;
mod kernel;
mod pairs;
mod rows;
mod select;
mod undertrained;

pub use device::{DeviceChoice, device_name, pick_device};
pub use error::ProjectionError;
pub use pairs::{PairsWanted, best_pairs};
pub use rows::{Ends, Passing, Rows};
pub use select::{Best, End, Pair, Ranked, Scored};
pub use undertrained::{Undertrained, undertrained};
