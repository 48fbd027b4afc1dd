//! The workers of the chart's further models: opened for it alone, and let go with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use anyhow::Result;

use crate::checkpoint::Location;
use crate::projection::DeviceChoice;
use crate::query::{Answering, Query, Reader};
use crate::worker::{Event, ModelId, Worker};

type Tell = dyn Fn(u64, Event) + Send + Sync;

/// Workers by the keys of their models.
pub(super) struct ComparedModels {
    device: DeviceChoice,
    tell: Arc<Tell>,
    workers: BTreeMap<u64, (Worker, ModelId)>,
}

impl ComparedModels {
    /// None yet. `tell` is told what each of them tells, with its key.
    pub(super) fn new(
        device: DeviceChoice,
        tell: impl Fn(u64, Event) + Send + Sync + 'static,
    ) -> Self {
        Self {
            device,
            tell: Arc::new(tell),
            workers: BTreeMap::new(),
        }
    }

    /// Begins to open a model.
    ///
    /// # Errors
    /// There is no such model, or no thread for it.
    pub(super) fn open(&mut self, key: u64, name: &str) -> Result<()> {
        let location = Location::resolve(name)?;
        let device = self.device;
        let open = move |location: &Location| {
            Reader::open(location, device).map(|reader| Box::new(reader) as Box<dyn Answering>)
        };
        let tell = Arc::clone(&self.tell);
        let worker = Worker::spawn(open, move |event| tell(key, event))?;
        let id = worker.open(location);
        self.workers.insert(key, (worker, id));
        Ok(())
    }

    /// As [`Worker::want`], if the model is there.
    pub(super) fn want(&self, key: u64, queries: Vec<Query>) {
        if let Some((worker, id)) = self.workers.get(&key) {
            worker.want(*id, queries);
        }
    }

    /// Lets a model go. Its worker ends after its present chunk, without being waited for.
    pub(super) fn close(&mut self, key: u64) {
        let gone = self.workers.remove(&key);
        thread::spawn(move || drop(gone));
    }
}
