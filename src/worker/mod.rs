//! One thread that owns the model: queries in, answers out, the newest first.

mod cache;
mod kept;
mod mailbox;
mod neighbours;
mod run;
mod shared_mailbox;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::checkpoint::Location;
use crate::query::{Answer, Answering, ModelCard, Query, QueryError};
use crate::task::Progress;

use shared_mailbox::SharedMailbox;

/// What the answers that are kept may take: tens of thousands of neurons.
const CACHE_BYTES_MAX: usize = 64 << 20;

/// Which opening of a model a message belongs to; later openings have larger numbers, and 0 is
/// no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ModelId(pub u64);

/// What the worker tells.
pub enum Event {
    /// A model is open; answers to its queries may follow.
    Opened { id: ModelId, card: Arc<ModelCard> },
    /// It could not be opened; the model before it is still there.
    NotOpened {
        id: ModelId,
        name: String,
        message: String,
    },
    /// An answer, or a better one than before (see `PairsAnswer::exact`).
    Answered {
        id: ModelId,
        query: Query,
        answer: Arc<Answer>,
        /// What computing it took; zero if it was there already.
        took: Duration,
    },
    /// How far the weights that a query needs have come from the hub.
    Fetching {
        id: ModelId,
        query: Query,
        progress: Progress,
    },
    /// A query could not be answered.
    Failed {
        id: ModelId,
        query: Query,
        message: String,
    },
}

/// The thread's handle; dropping it cancels what runs and joins.
pub struct Worker {
    mailbox: Arc<SharedMailbox>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread, with no model. `open` and what it opens live there. `notify` is called
    /// from that thread and from inside [`Worker::want`], under a lock: it should pass the event
    /// on and return, and must not call the worker.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn spawn(
        open: impl Fn(&Location) -> Result<Box<dyn Answering>, QueryError> + Send + 'static,
        notify: impl Fn(Event) + Send + 'static,
    ) -> io::Result<Self> {
        let mailbox = Arc::new(SharedMailbox::new(CACHE_BYTES_MAX, Box::new(notify)));
        let shared = Arc::clone(&mailbox);
        let thread = thread::Builder::new()
            .name("worker".to_owned())
            .spawn(move || run::run(&shared, open))?;
        Ok(Self {
            mailbox,
            thread: Some(thread),
        })
    }

    /// Opens a model in the place of the present one, which stays until the new one is open, and
    /// for good if it fails. The one before is kept if it is small, and is open again at once as long
    /// as its files are what they were. What runs is interrupted. Of several openings that wait, only the
    /// last is done.
    pub fn open(&self, location: Location) -> ModelId {
        self.mailbox.open(location)
    }

    /// What the screen shows now, most important first. Replaces the list before: what is not in
    /// it any more is dropped or, if it runs, stopped at its next chunk; what stays in it is not
    /// answered a second time. An answer that is already there is passed to `notify` before this
    /// returns, whatever is running.
    pub fn want(&self, id: ModelId, queries: Vec<Query>) {
        self.mailbox.want(id, queries);
    }

    /// What may be computed when nothing is wanted and nothing more can be told of what may be
    /// wanted next; replaces the list before. Otherwise as [`Self::want`], which comes first for a
    /// model.
    pub fn idle(&self, id: ModelId, queries: Vec<Query>) {
        self.mailbox.idle(id, queries);
    }

    /// Whether all that was asked is answered, and the answers have been passed to `notify`.
    pub fn is_settled(&self) -> bool {
        self.mailbox.is_settled()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.mailbox.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the worker's thread panicked");
        }
    }
}
