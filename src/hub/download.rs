//! Files into the cache: resumed where an earlier transfer ended, checked against what the hub
//! states, and only then given the name by which others find them.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use hf_hub::CacheRepo;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_RANGE, RANGE};
use tokio::time::sleep;

use crate::outside::{self, Locked, escape};

use super::arrived::Arrived;
use super::check::{Hash, Hashing};
use super::client::Asked;
use super::layout::{is_of_size, is_weights, no_file, point, writable};
use super::listing::Facts;
use super::progress::Meter;
use super::{Hub, HubError, Listing};
use crate::task::{Callbacks, Cancelled};

/// Files that are fetched at a time: one connection seldom fills the line.
const AT_A_TIME: usize = 3;

/// Bytes of a file that is no weights, at most: more than any tokenizer takes.
const LARGEST_SMALL: u64 = 256 << 20;

/// A file on its way into the cache.
struct Incoming<'a> {
    hub: &'a Hub,
    listing: &'a Listing,
    name: &'a str,
    facts: Facts,
    cache: &'a CacheRepo,
}

impl Hub {
    /// Brings files of a listing into the cache, unless they lie there already, and returns the
    /// folder of the snapshot.
    ///
    /// # Errors
    /// Whatever goes wrong with one of them, or [`HubError::Cancelled`]; what has arrived of a
    /// file is kept for the next time, unless it was wrong.
    pub fn download(
        &self,
        listing: &Listing,
        files: &[&str],
        callbacks: Callbacks<'_>,
    ) -> Result<PathBuf, HubError> {
        let root = self.settings().cache.root().ok_or(HubError::NoCache)?;
        let cache = hf_hub::Cache::new(root.to_owned()).repo(listing.id.repo());
        let mut incoming = Vec::with_capacity(files.len());
        for (name, facts) in files.iter().zip(self.all_facts(listing, files, callbacks)?) {
            if !is_weights(name) && facts.size > LARGEST_SMALL {
                return Err(HubError::TooLarge {
                    what: format!("{}/{}", listing.id, escape::line(name)),
                    size: facts.size,
                    limit: LARGEST_SMALL,
                });
            }
            incoming.push(Incoming {
                hub: self,
                listing,
                name,
                facts,
                cache: &cache,
            });
        }
        if !incoming.iter().all(Incoming::is_there) {
            writable(&cache, root, listing)?;
        }
        let sizes = incoming.iter().map(|i| (i.name.to_owned(), i.facts.size));
        let (meter, next) = (Meter::new(sizes), AtomicUsize::new(0));
        meter.during(AT_A_TIME.min(files.len()), callbacks, || {
            loop {
                let i = next.fetch_add(1, Relaxed);
                match incoming.get(i) {
                    Some(file) => file.fetch(&meter, i)?,
                    None => return Ok(()),
                }
            }
        })?;
        Ok(cache.pointer_path(&listing.commit))
    }

    /// Those of these files for which the hub states no hash, so that only their sizes are checked.
    ///
    /// # Errors
    /// The hub cannot be asked.
    pub fn without_hash<'f>(
        &self,
        listing: &Listing,
        files: &[&'f str],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<&'f str>, HubError> {
        let facts = self.all_facts(listing, files, callbacks)?;
        let files = files.iter().copied().zip(facts);
        let files = files.filter(|(_, facts)| !Hash::is_stated(&facts.etag));
        Ok(files.map(|(file, _)| file).collect())
    }

    /// Whether all of these files lie in the cache, as far as the list tells.
    pub fn has(&self, listing: &Listing, files: &[&str]) -> bool {
        let Some(root) = self.settings().cache.root() else {
            return false;
        };
        let cache = hf_hub::Cache::new(root.to_owned()).repo(listing.id.repo());
        let folder = cache.pointer_path(&listing.commit);
        files.iter().all(|name| {
            let size = listing.file(name).and_then(super::ListedFile::size);
            size.is_some_and(|size| is_of_size(&folder.join(name), size))
        })
    }

    /// Lets the revision point to a listing of which all is there that is needed: until then
    /// a reader of the revision finds what was there before.
    ///
    /// # Errors
    /// The cache cannot be written.
    pub fn point_to(&self, listing: &Listing) -> Result<(), HubError> {
        let root = self.settings().cache.root().ok_or(HubError::NoCache)?;
        if listing.id.revision() == listing.commit {
            return Ok(());
        }
        let cache = hf_hub::Cache::new(root.to_owned()).repo(listing.id.repo());
        let kept = cache.create_ref(&listing.commit);
        kept.map_err(|error| HubError::disk(root, error))
    }

    /// The size of each file, in bytes.
    ///
    /// # Errors
    /// The hub cannot be asked.
    pub fn sizes(
        &self,
        listing: &Listing,
        files: &[&str],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<u64>, HubError> {
        let facts = self.all_facts(listing, files, callbacks)?;
        Ok(facts.into_iter().map(|facts| facts.size).collect())
    }

    /// What the hub states of each file.
    pub(super) fn all_facts(
        &self,
        listing: &Listing,
        files: &[&str],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<Facts>, HubError> {
        let (meter, found) = (Meter::new([]), OnceLock::new());
        meter.during(1, callbacks, || {
            let facts = self.run(&meter, async {
                let mut facts = Vec::with_capacity(files.len());
                for file in files {
                    facts.push(self.facts(listing, file).await?);
                }
                Ok(facts)
            })?;
            found.get_or_init(|| facts);
            Ok(())
        })?;
        Ok(found.into_inner().ok_or(Cancelled)?)
    }
}

impl Incoming<'_> {
    fn asked(&self) -> Asked<'_> {
        Asked {
            id: &self.listing.id,
            file: Some(self.name),
        }
    }

    /// Where programs look for it.
    fn pointer(&self) -> PathBuf {
        let folder = self.cache.pointer_path(&self.listing.commit);
        folder.join(self.name)
    }

    fn is_there(&self) -> bool {
        is_of_size(&self.pointer(), self.facts.size)
    }

    /// Brings the file to its place, and counts it as number `i`.
    fn fetch(&self, meter: &Meter, i: usize) -> Result<(), HubError> {
        let blob = self.cache.blob_path(&self.facts.etag);
        let there = |path: &Path| is_of_size(path, self.facts.size);
        let pointer = self.pointer();
        if !there(&pointer) {
            if !there(&blob) {
                let folder = |path: &Path| -> Result<(), HubError> {
                    let parent = path.parent().unwrap_or(path);
                    fs::create_dir_all(parent).map_err(|e| HubError::disk(parent, e))
                };
                folder(&blob)?;
                let lock = self.lock_path();
                folder(&lock)?;
                let _held = self.lock(&lock, meter)?;
                // Whoever held the lock before may have brought it.
                if !there(&blob) {
                    self.receive(&blob, meter, i)?;
                }
            }
            point(&pointer, &blob).map_err(|error| HubError::disk(&pointer, error))?;
        }
        meter.set(i, self.facts.size);
        Ok(())
    }

    /// The file by which programs keep from writing the same blob: that of Python's tools.
    fn lock_path(&self) -> PathBuf {
        let repo = self.listing.id.repo().folder_name();
        let root = self.hub.settings().cache.root().unwrap_or(Path::new(""));
        root.join(".locks")
            .join(repo)
            .join(format!("{}.lock", self.facts.etag))
    }

    fn lock(&self, path: &Path, meter: &Meter) -> Result<File, HubError> {
        let file = outside::open_lock(path).map_err(|error| no_file(path, error))?;
        match outside::lock(&file, || !meter.token().is_cancelled()) {
            Locked::Held => Ok(file),
            Locked::Busy => {
                meter.token().check()?;
                Err(HubError::Busy {
                    what: self.asked().what(),
                })
            }
            // A disk without locks: the name of the file is given last all the same.
            Locked::Without(error) => {
                tracing::warn!(%error, "no lock");
                Ok(file)
            }
        }
    }

    /// Receives the content, checks it, and gives it the blob's name.
    fn receive(&self, blob: &Path, meter: &Meter, i: usize) -> Result<(), HubError> {
        let mut partial = blob.as_os_str().to_owned();
        partial.push(".incomplete");
        let partial = PathBuf::from(partial);
        let disk = |error| HubError::disk(&partial, error);
        let opened = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(&partial);
        let file = opened.map_err(disk)?;
        let mut resumed = file.metadata().map_err(disk)?.len();
        if resumed > self.facts.size {
            file.set_len(0).map_err(disk)?;
            resumed = 0;
        }
        meter.set(i, resumed);
        let mut hash = Hash::new(&self.facts.etag, self.facts.size);
        // No more than was counted: it may be growing, or be no file.
        hash.read(Read::take(&file, resumed)).map_err(disk)?;
        let mut content = Arrived {
            hash: Hashing::after(hash),
            have: resumed,
            file,
        };
        loop {
            self.hub
                .run(meter, self.stream(&mut content, meter, i, &partial))?;
            let wrong = match content.wrong(&self.facts, &self.asked()) {
                None => break,
                Some(wrong) => wrong,
            };
            content.restart(&self.facts).map_err(disk)?;
            meter.set(i, 0);
            // The beginning may have been of another file; without one the hub itself is wrong.
            if std::mem::take(&mut resumed) == 0 {
                drop(content);
                fs::remove_file(&partial).map_err(disk)?;
                return Err(wrong);
            }
        }
        content.file.sync_all().map_err(disk)?;
        drop(content);
        fs::rename(&partial, blob).map_err(disk)
    }

    /// Appends what is missing, over as many connections as that takes.
    async fn stream(
        &self,
        content: &mut Arrived,
        meter: &Meter,
        i: usize,
        partial: &Path,
    ) -> Result<(), HubError> {
        let (asked, pace) = (self.asked(), self.hub.settings().pace);
        let url = self
            .hub
            .file_route(&self.listing.id, &self.listing.commit, self.name)?;
        let disk = |error| HubError::disk(partial, error);
        let mut fruitless = 0;
        while content.have < self.facts.size {
            let before = content.have;
            let range = format!("bytes={before}-");
            let request = || match before {
                0 => self.hub.get(&url),
                _ => self.hub.get(&url).header(RANGE, &range),
            };
            let mut response = self.hub.send(&asked, request).await?;
            let begins = match response.status() {
                StatusCode::PARTIAL_CONTENT => response
                    .headers()
                    .get(CONTENT_RANGE)
                    .and_then(|range| range.to_str().ok())
                    .is_some_and(|range| range.starts_with(&format!("bytes {before}-"))),
                _ => before == 0,
            };
            if !begins {
                // It sends the whole file, or cannot go on where we are.
                content.restart(&self.facts).map_err(disk)?;
                meter.set(i, 0);
                if response.status() != StatusCode::OK {
                    fruitless += 1;
                    if fruitless >= pace.attempts {
                        return Err(self.short(content.have));
                    }
                    continue;
                }
            }
            let ended = loop {
                match response.chunk().await {
                    Ok(Some(bytes)) => {
                        meter.add(i, bytes.len() as u64);
                        content.append(bytes).map_err(disk)?;
                        if content.have > self.facts.size {
                            return Ok(());
                        }
                    }
                    Ok(None) => break None,
                    Err(error) => break Some(self.hub.failure(&asked, &error)),
                }
            };
            fruitless = if content.have > before {
                0
            } else {
                fruitless + 1
            };
            if content.have < self.facts.size {
                let error = ended.unwrap_or_else(|| self.short(content.have));
                tracing::info!(%error, have = content.have, "going on");
                if fruitless >= pace.attempts {
                    return Err(error);
                }
                sleep(pace.pause).await;
            }
        }
        Ok(())
    }

    fn short(&self, got: u64) -> HubError {
        HubError::Short {
            what: self.asked().what(),
            expected: self.facts.size,
            got,
        }
    }
}
