//! What can be wrong with a checkpoint: what, where, and what to do.

use thiserror::Error;

/// Why a checkpoint could not be opened or read.
#[derive(Debug, Error)]
pub enum CheckpointError {}
