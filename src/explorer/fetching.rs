//! The one transfer from the hub that may be under way: a thread of its own, so that the open
//! model goes on answering.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use anyhow::{Context, Result};

use crate::checkpoint::{Acquired, Cost, Way, acquire, cost};
use crate::hub::{Blocks, Hub, HubId, Progress, Settings, Waiting};

/// What a transfer tells.
pub(super) enum News {
    /// What either way of bringing the model would cost.
    Cost(Cost),
    Progress(Progress),
    Arrived(Acquired),
    Failed(String),
}

type Tell = dyn Fn(u64, News) + Send + Sync;

/// The hub, once it is needed, and the latest transfer.
pub(super) struct Fetching {
    tell: Arc<Tell>,
    hub: Option<Arc<Hub>>,
    blocks: Option<Arc<Blocks>>,
    /// Number and flag of the latest transfer; of earlier ones nothing is heard.
    latest: u64,
    wanted: Arc<AtomicBool>,
}

/// What one transfer's thread waits with.
struct Listener {
    number: u64,
    tell: Arc<Tell>,
    wanted: Arc<AtomicBool>,
}

impl Waiting for Listener {
    fn wanted(&self) -> bool {
        self.wanted.load(Relaxed)
    }

    fn progress(&self, progress: &Progress) {
        (self.tell)(self.number, News::Progress(progress.clone()));
    }
}

impl Fetching {
    /// None yet. `tell` is told what each transfer tells, with its number.
    pub(super) fn new(tell: impl Fn(u64, News) + Send + Sync + 'static) -> Self {
        Self {
            tell: Arc::new(tell),
            hub: None,
            blocks: None,
            latest: 0,
            wanted: Arc::default(),
        }
    }

    /// Whether a message is of the transfer that is wanted.
    pub(super) fn is_latest(&self, number: u64) -> bool {
        number == self.latest && self.wanted.load(Relaxed)
    }

    /// Stops the transfer under way, which keeps what has arrived.
    pub(super) fn stop(&self) {
        self.wanted.store(false, Relaxed);
    }

    /// Asks what a model would cost, in the place of any other transfer.
    ///
    /// # Errors
    /// The network cannot be used, or there is no thread.
    pub(super) fn survey(&mut self, id: HubId) -> Result<()> {
        self.begin(move |hub, waiting| Ok(News::Cost(cost(hub, &id, waiting)?)))
    }

    /// Brings a model, in the place of any other transfer; if by tensor, into what `blocks` opens.
    ///
    /// # Errors
    /// As [`Self::survey`].
    pub(super) fn fetch(
        &mut self,
        id: HubId,
        by_tensor: bool,
        blocks: impl FnOnce() -> Blocks,
    ) -> Result<()> {
        let way = match by_tensor {
            false => Way::Whole,
            true => {
                let blocks = self.blocks.get_or_insert_with(|| Arc::new(blocks()));
                Way::ByTensor(Arc::clone(blocks))
            }
        };
        self.begin(move |hub, waiting| Ok(News::Arrived(acquire(hub, &id, &way, waiting)?)))
    }

    fn begin(
        &mut self,
        work: impl FnOnce(&Arc<Hub>, &dyn Waiting) -> Result<News> + Send + 'static,
    ) -> Result<()> {
        self.stop();
        let hub = match &self.hub {
            Some(hub) => Arc::clone(hub),
            None => {
                let hub = Arc::new(Hub::new(Settings::from_environment())?);
                Arc::clone(self.hub.insert(hub))
            }
        };
        self.latest += 1;
        self.wanted = Arc::new(AtomicBool::new(true));
        let listener = Listener {
            number: self.latest,
            tell: Arc::clone(&self.tell),
            wanted: Arc::clone(&self.wanted),
        };
        let thread = thread::Builder::new().name("transfer".to_owned());
        thread
            .spawn(move || {
                let news = work(&hub, &listener);
                let news = news.unwrap_or_else(|error| News::Failed(format!("{error:#}")));
                (listener.tell)(listener.number, news);
            })
            .context("no thread for the transfer")?;
        Ok(())
    }
}
