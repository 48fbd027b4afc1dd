//! Vectors → token lists, forms → pair lists: products with the embedding and exact selection.

mod select;

pub use select::{End, Pair, Scored};
