//! Layers that stay in memory between runs, within a budget of bytes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::ForwardError;
use super::layer::Layer;

/// Layers of one model that are kept. The first that fit the budget stay; the others are read
/// again at each run: a run takes all layers in order, so throwing out the oldest would keep none.
#[derive(Default)]
pub struct LayerCache {
    budget: u64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    layers: BTreeMap<usize, Arc<Layer>>,
    bytes: u64,
}

impl LayerCache {
    /// Nothing kept yet, and never more than so many bytes.
    pub fn new(budget: u64) -> Self {
        Self {
            budget,
            kept: Mutex::default(),
        }
    }

    /// Bytes of the layers that are kept.
    pub fn bytes(&self) -> u64 {
        self.kept().bytes
    }

    // Each change of what the lock guards is whole, so a poisoned one is still sound.
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A layer: the kept one, or what `load` reads, which is kept if there is room.
    pub(super) fn layer(
        &self,
        at: usize,
        load: impl FnOnce() -> Result<Layer, ForwardError>,
    ) -> Result<Arc<Layer>, ForwardError> {
        if let Some(layer) = self.kept().layers.get(&at) {
            return Ok(Arc::clone(layer));
        }
        let layer = Arc::new(load()?);
        let bytes = layer.bytes();
        let mut kept = self.kept();
        if kept.bytes + bytes <= self.budget {
            kept.bytes += bytes;
            kept.layers.insert(at, Arc::clone(&layer));
        }
        Ok(layer)
    }
}
