//! The one transfer from the hub that may be under way: a thread of its own, so that the open
//! model goes on answering.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use anyhow::{Context, Result};

use crate::checkpoint::{FetchEstimate, FetchOption, Fetched, estimate, fetch};
use crate::hub::{Blocks, Hub, HubId, HubSettings};
use crate::task::{Callbacks, CancelToken, Progress};

/// What a transfer tells.
pub(super) enum News {
    /// What either way of bringing the model would cost.
    Estimate(FetchEstimate),
    Progress(Progress),
    Arrived(Fetched),
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
    cancelled: Arc<AtomicBool>,
}

impl Fetching {
    /// None yet. `tell` is told what each transfer tells, with its number.
    pub(super) fn new(tell: impl Fn(u64, News) + Send + Sync + 'static) -> Self {
        Self {
            tell: Arc::new(tell),
            hub: None,
            blocks: None,
            latest: 0,
            cancelled: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Whether a message is of the transfer that is wanted.
    pub(super) fn is_latest(&self, number: u64) -> bool {
        number == self.latest && !self.cancelled.load(Relaxed)
    }

    /// Stops the transfer under way, which keeps what has arrived.
    pub(super) fn stop(&self) {
        self.cancelled.store(true, Relaxed);
    }

    /// Asks what a model would cost, in the place of any other transfer.
    ///
    /// # Errors
    /// The network cannot be used, or there is no thread.
    pub(super) fn survey(&mut self, id: HubId) -> Result<()> {
        self.begin(move |hub, callbacks| Ok(News::Estimate(estimate(hub, &id, callbacks)?)))
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
            false => FetchOption::Whole,
            true => {
                let blocks = self.blocks.get_or_insert_with(|| Arc::new(blocks()));
                FetchOption::ByTensor(Arc::clone(blocks))
            }
        };
        self.begin(move |hub, callbacks| Ok(News::Arrived(fetch(hub, &id, &way, callbacks)?)))
    }

    fn begin(
        &mut self,
        work: impl FnOnce(&Arc<Hub>, Callbacks<'_>) -> Result<News> + Send + 'static,
    ) -> Result<()> {
        self.stop();
        let hub = match &self.hub {
            Some(hub) => Arc::clone(hub),
            None => {
                let hub = Arc::new(Hub::new(HubSettings::from_environment())?);
                Arc::clone(self.hub.insert(hub))
            }
        };
        self.latest += 1;
        self.cancelled = Arc::default();
        let (number, tell) = (self.latest, Arc::clone(&self.tell));
        let cancelled = Arc::clone(&self.cancelled);
        let thread = thread::Builder::new().name("transfer".to_owned());
        thread
            .spawn(move || {
                let callbacks = Callbacks {
                    cancel: CancelToken::flag(&cancelled),
                    on_progress: Some(&|progress| tell(number, News::Progress(progress.clone()))),
                    ..Callbacks::none()
                };
                let news = work(&hub, callbacks);
                let news = news.unwrap_or_else(|error| News::Failed(format!("{error:#}")));
                tell(number, news);
            })
            .context("no thread for the transfer")?;
        Ok(())
    }
}
