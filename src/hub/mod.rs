//! A hub id → local files. What was downloaded before, by any program, is found in the cache that
//! Hugging Face's own tools keep.

mod cache;
mod id;

pub use cache::{Cache, Cached};
pub use id::HubId;
