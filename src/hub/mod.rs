//! A hub id → local files: what was downloaded before, by any program, is found in the cache that
//! Hugging Face's own tools keep; what was not is fetched into it, whole or by the tensors that are
//! looked at. The only room that knows the network.

mod arrived;
mod blocks;
mod cache;
mod check;
mod client;
mod download;
mod error;
mod id;
mod layout;
mod listing;
mod progress;
mod ranged;
mod settings;

pub use blocks::Blocks;
pub use cache::{Cache, Cached};
pub use client::Hub;
pub use error::HubError;
pub use id::HubId;
pub use listing::{ListedFile, Listing};
pub use ranged::{Ranged, bring};
pub use settings::{HubSettings, Pace};
