//! Files that stay on the hub: the parts that are looked at are fetched by range, in blocks, and
//! kept on disk.

use std::collections::BTreeMap;
use std::iter;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use reqwest::StatusCode;
use reqwest::header::{CONTENT_RANGE, RANGE};
use tokio::time::sleep;

use super::blocks::BlockKey;
use super::client::Asked;
use super::listing::Facts;
use super::progress::Meter;
use super::{Blocks, Hub, HubError, Listing};
use crate::task::Callbacks;

/// The longest block. A row of a large matrix is less than a hundredth of it, and a request for
/// one costs less than the way there and back.
const BLOCK: u64 = 1 << 20;

/// Most bytes of consecutive blocks that are requested together.
const REQUEST: u64 = 16 << 20;

/// Requests at a time.
const AT_A_TIME: usize = 6;

/// A file on the hub of which parts are read.
#[derive(Debug)]
pub struct Ranged {
    hub: Arc<Hub>,
    listing: Arc<Listing>,
    name: String,
    facts: Facts,
    blocks: Arc<Blocks>,
    /// Where blocks begin anew, in order: with the first byte of every tensor, so that reading one
    /// fetches nothing of its neighbours.
    cuts: RwLock<Vec<u64>>,
}

impl Ranged {
    /// Files of a listing, asked of the hub for what it states of them, and for nothing else.
    ///
    /// # Errors
    /// The hub cannot be asked.
    pub fn open(
        hub: &Arc<Hub>,
        listing: &Arc<Listing>,
        files: &[&str],
        blocks: &Arc<Blocks>,
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<Self>, HubError> {
        let facts = hub.all_facts(listing, files, callbacks)?;
        let files = files.iter().zip(facts).map(|(name, facts)| Self {
            hub: Arc::clone(hub),
            listing: Arc::clone(listing),
            name: (*name).to_owned(),
            facts,
            blocks: Arc::clone(blocks),
            cuts: RwLock::new(vec![0]),
        });
        Ok(files.collect())
    }

    /// Its path in the model.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `owner/name/file`, for messages.
    pub fn what(&self) -> String {
        self.asked().what()
    }

    /// Bytes altogether.
    pub fn size(&self) -> u64 {
        self.facts.size
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            id: &self.listing.id,
            file: Some(&self.name),
        }
    }

    /// Lets blocks begin at these bytes too.
    pub fn cut_at(&self, bytes: impl IntoIterator<Item = u64>) {
        // What a panic left behind is a list of numbers all the same.
        let mut cuts = self.cuts.write().unwrap_or_else(PoisonError::into_inner);
        cuts.extend(bytes.into_iter().filter(|&at| at < self.facts.size));
        cuts.sort_unstable();
        cuts.dedup();
    }

    /// The blocks that a span lies in, in order.
    fn blocks_of(&self, span: &Range<u64>) -> Vec<BlockKey> {
        let cuts = self.cuts.read().unwrap_or_else(PoisonError::into_inner);
        let mut keys = Vec::new();
        let mut at = span.start;
        while at < span.end.min(self.facts.size) {
            let next = cuts.partition_point(|&cut| cut <= at);
            let first = cuts[next - 1];
            let start = first + (at - first) / BLOCK * BLOCK;
            let end = cuts.get(next).copied().unwrap_or(self.facts.size);
            let end = end.min(start + BLOCK);
            keys.push(BlockKey {
                etag: self.facts.etag.clone(),
                start,
                len: end - start,
            });
            at = end;
        }
        keys
    }

    /// The bytes of a span, from the disk or, if they are not there, from the hub.
    ///
    /// # Errors
    /// The hub cannot be asked, or serves whole files only.
    pub fn read(&self, span: Range<u64>) -> Result<Vec<u8>, HubError> {
        let mut bytes = Vec::with_capacity((span.end - span.start) as usize);
        for key in self.blocks_of(&span) {
            let block = match self.blocks.get(&key) {
                Some(block) => block,
                // Gone, or not what was kept: it comes again.
                None => {
                    let at = bytes.len() as u64 + span.start;
                    bring(
                        &[(self, iter::once(at..span.end).collect())],
                        Callbacks::none(),
                    )?;
                    self.blocks.get(&key).ok_or_else(|| HubError::NoRoom {
                        path: self.blocks.folder().to_owned(),
                    })?
                }
            };
            let from = span.start.saturating_sub(key.start) as usize;
            let to = (span.end - key.start).min(key.len) as usize;
            bytes.extend_from_slice(&block[from..to]);
        }
        Ok(bytes)
    }

    /// The requests for what is missing of some spans: blocks that follow each other.
    fn requests(&self, spans: &[Range<u64>]) -> Vec<Vec<BlockKey>> {
        let keys = spans.iter().flat_map(|span| self.blocks_of(span));
        let keys: BTreeMap<u64, BlockKey> = keys.map(|key| (key.start, key)).collect();
        let mut requests: Vec<Vec<BlockKey>> = Vec::new();
        for key in keys.into_values().filter(|key| !self.blocks.has(key)) {
            match requests.last_mut() {
                Some(run)
                    if run
                        .last()
                        .is_some_and(|last| last.start + last.len == key.start)
                        && key.start + key.len - run[0].start <= REQUEST =>
                {
                    run.push(key);
                }
                _ => requests.push(vec![key]),
            }
        }
        requests
    }

    /// Fetches blocks that follow each other, and counts them as of file `i`.
    async fn fetch(&self, keys: &[BlockKey], meter: &Meter, i: usize) -> Result<(), HubError> {
        let (asked, pace) = (self.asked(), self.hub.settings().pace);
        let commit = &self.listing.commit;
        let url = self.hub.file_route(&self.listing.id, commit, &self.name)?;
        let (mut got, mut fruitless) = (0, 0);
        while let (Some(first), Some(last)) = (keys.get(got), keys.last()) {
            let (start, before) = (first.start, got);
            let range = format!("bytes={start}-{}", last.start + last.len - 1);
            let request = || self.hub.get(&url).header(RANGE, &range);
            let mut response = self.hub.send(&asked, request).await?;
            let part = response.headers().get(CONTENT_RANGE);
            let part = part.and_then(|part| part.to_str().ok()).unwrap_or_default();
            if response.status() != StatusCode::PARTIAL_CONTENT
                || !part.starts_with(&format!("bytes {start}-"))
            {
                return Err(HubError::NoRanges { what: asked.what() });
            }
            let whole = part.rsplit('/').next().and_then(|size| size.parse().ok());
            if let Some(got) = whole.filter(|&whole: &u64| whole != self.facts.size) {
                return Err(HubError::Size {
                    what: asked.what(),
                    expected: self.facts.size,
                    got,
                });
            }
            let mut block = Vec::new();
            let ended = loop {
                let mut bytes = match response.chunk().await {
                    Ok(Some(bytes)) => bytes,
                    Ok(None) => break None,
                    Err(error) => break Some(self.hub.failure(&asked, &error)),
                };
                while let (Some(key), false) = (keys.get(got), bytes.is_empty()) {
                    let more = bytes.len().min(key.len as usize - block.len());
                    block.extend_from_slice(&bytes.split_to(more));
                    meter.add(i, more as u64);
                    if block.len() as u64 == key.len {
                        let kept = self.blocks.put(key, &block);
                        kept.map_err(|error| HubError::Blocks {
                            path: self.blocks.folder().to_owned(),
                            error,
                        })?;
                        block.clear();
                        got += 1;
                    }
                }
                if got == keys.len() {
                    return Ok(());
                }
            };
            meter.take(i, block.len() as u64);
            fruitless = if got > before { 0 } else { fruitless + 1 };
            if fruitless >= pace.attempts {
                return Err(ended.unwrap_or_else(|| HubError::Broken {
                    what: asked.what(),
                    why: "less came than was asked for".to_owned(),
                }));
            }
            sleep(pace.pause).await;
        }
        Ok(())
    }
}

/// Brings spans of files near, so that reading them asks nothing of the network; what is there
/// already costs nothing.
///
/// # Errors
/// As [`Ranged::read`], or [`HubError::Cancelled`]; what has arrived is kept.
pub fn bring(
    wanted: &[(&Ranged, Vec<Range<u64>>)],
    callbacks: Callbacks<'_>,
) -> Result<(), HubError> {
    let mut requests = Vec::new();
    let mut sizes = Vec::with_capacity(wanted.len());
    for (i, (file, spans)) in wanted.iter().enumerate() {
        let of_file = file.requests(spans);
        let bytes = of_file.iter().flatten().map(|key| key.len).sum();
        sizes.push((file.name.clone(), bytes));
        requests.extend(of_file.into_iter().map(|keys| (i, *file, keys)));
    }
    if requests.is_empty() {
        return Ok(());
    }
    if let Some((_, file, _)) = requests
        .iter()
        .find(|(_, file, _)| file.hub.settings().offline)
    {
        return Err(HubError::Offline { what: file.what() });
    }
    let (meter, next) = (Meter::new(sizes), AtomicUsize::new(0));
    meter.during(AT_A_TIME.min(requests.len()), callbacks, || {
        while let Some((i, file, keys)) = requests.get(next.fetch_add(1, Relaxed)) {
            file.hub.run(&meter, file.fetch(keys, &meter, *i))?;
        }
        Ok(())
    })
}
