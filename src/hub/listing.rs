//! What a revision of a model holds, as the hub lists it.

use std::sync::OnceLock;

use reqwest::Response;
use reqwest::header::{CONTENT_LENGTH, ETAG, LOCATION};
use serde::Deserialize;

use crate::outside::escape;

use super::client::Asked;
use super::progress::Meter;
use super::{Hub, HubError, HubId};
use crate::task::{Callbacks, Cancelled};

/// Bytes of the hub's description of a model at most: that of a hundred thousand files is smaller.
const LONGEST_LIST: usize = 32 << 20;

/// A revision of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    pub id: HubId,
    /// What the revision was when it was asked for: 40 hexadecimal digits.
    pub commit: String,
    pub files: Vec<ListedFile>,
}

/// A file of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFile {
    /// Its path in the model.
    pub name: String,
    /// Its size and its hash where the list has them.
    pub(super) facts: Option<Facts>,
}

/// What the hub states of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) size: u64,
    /// The hash of its content, which names it in the cache.
    pub(super) etag: String,
}

#[derive(Deserialize)]
struct Model {
    sha: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    sha256: String,
    size: u64,
}

impl Listing {
    /// The file of that name.
    pub fn file(&self, name: &str) -> Option<&ListedFile> {
        self.files.iter().find(|file| file.name == name)
    }
}

impl ListedFile {
    fn of(sibling: Sibling) -> Self {
        let facts = match (sibling.lfs, sibling.size, sibling.blob_id) {
            (Some(Lfs { sha256, size }), ..) => Some((size, sha256)),
            (None, Some(size), Some(blob)) => Some((size, blob)),
            _ => None,
        };
        Self {
            name: sibling.rfilename,
            facts: facts
                .filter(|(_, etag)| is_name(etag))
                .map(|(size, etag)| Facts { size, etag }),
        }
    }

    /// Bytes, once they are known.
    pub fn size(&self) -> Option<u64> {
        self.facts.as_ref().map(|facts| facts.size)
    }
}

impl Hub {
    /// What the revision `id` holds.
    ///
    /// # Errors
    /// There is no such model or revision, one may not see it, or the hub cannot be asked.
    pub fn list(&self, id: &HubId, callbacks: Callbacks<'_>) -> Result<Listing, HubError> {
        if self.settings().offline {
            let what = id.to_string();
            return Err(HubError::Offline { what });
        }
        let (meter, found) = (Meter::new([]), OnceLock::new());
        meter.during(1, callbacks, || {
            let listing = self.run(&meter, self.listing(id))?;
            found.get_or_init(|| listing);
            Ok(())
        })?;
        Ok(found.into_inner().ok_or(Cancelled)?)
    }

    async fn listing(&self, id: &HubId) -> Result<Listing, HubError> {
        let owner = id.owner.iter().map(String::as_str);
        let route = ["api", "models"].into_iter().chain(owner);
        let mut url = self.route(route.chain([id.name.as_str(), "revision", id.revision()]))?;
        url.set_query(Some("blobs=true"));
        let asked = Asked { id, file: None };
        let mut response = self.send(&asked, || self.get(&url)).await?;
        let odd = |got: String| HubError::Odd {
            what: asked.what(),
            expected: "the hub's description of a model",
            got,
        };
        let mut text = Vec::new();
        while let Some(more) = response
            .chunk()
            .await
            .map_err(|error| self.failure(&asked, &error))?
        {
            text.extend_from_slice(&more);
            if text.len() > LONGEST_LIST {
                return Err(odd(format!("more than {} MiB", LONGEST_LIST >> 20)));
            }
        }
        let model: Model = serde_json::from_slice(&text).map_err(|error| {
            odd(format!(
                "something else: {}",
                escape::short(&error.to_string())
            ))
        })?;
        if model.sha.len() != 40 || !model.sha.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(odd("a commit that is none".to_owned()));
        }
        Ok(Listing {
            id: id.clone(),
            commit: model.sha,
            files: model.siblings.into_iter().map(ListedFile::of).collect(),
        })
    }

    /// What the hub states of a file: from the list, or else asked for.
    pub(super) async fn facts(&self, listing: &Listing, file: &str) -> Result<Facts, HubError> {
        if let Some(facts) = listing.file(file).and_then(|file| file.facts.clone()) {
            return Ok(facts);
        }
        let asked = Asked {
            id: &listing.id,
            file: Some(file),
        };
        let mut url = self.file_route(&listing.id, &listing.commit, file)?;
        // A model that was renamed is a redirect or two away.
        for _ in 0..10 {
            let response = self.send(&asked, || self.head(&url)).await?;
            if let Some(facts) = stated(&response) {
                return Ok(facts);
            }
            let next = header(&response, LOCATION.as_str()).and_then(|to| url.join(to).ok());
            match next.filter(|next| next.origin() == url.origin()) {
                Some(next) => url = next,
                None => break,
            }
        }
        Err(HubError::Odd {
            what: asked.what(),
            expected: "its size and ETag",
            got: "neither".to_owned(),
        })
    }
}

/// The size and the hash in an answer of the hub itself.
fn stated(response: &Response) -> Option<Facts> {
    let linked = header(response, "x-linked-etag");
    if linked.is_none() && response.status().is_redirection() {
        return None;
    }
    let etag = linked.or_else(|| header(response, ETAG.as_str()))?;
    let etag = etag.trim_start_matches("W/").trim_matches('"').to_owned();
    let size =
        header(response, "x-linked-size").or_else(|| header(response, CONTENT_LENGTH.as_str()));
    let size = size?.parse().ok()?;
    is_name(&etag).then_some(Facts { size, etag })
}

fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    response.headers().get(name)?.to_str().ok()
}

/// Whether a hash can be the name of a file.
fn is_name(etag: &str) -> bool {
    (1..=128).contains(&etag.len())
        && etag
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
