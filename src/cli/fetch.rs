//! Models from the hub for the command line: found, and if need be fetched.

use std::sync::Arc;

use anyhow::{Context, Result};

use crate::checkpoint::{FetchOption, Fetched, FoundModel, Location, ModelStores, fetch};
use crate::explorer::number::{bytes, duration};
use crate::hub::{Hub, HubId, HubSettings};
use crate::task::Progress;

use super::progress;
use super::say::say;

/// Where a model is; if it is on the hub, `way` says how it comes.
pub(super) fn locate(model: &str, way: impl FnOnce() -> Result<FetchOption>) -> Result<Location> {
    match Location::find(model, &ModelStores::from_environment())? {
        FoundModel::Here(location) => Ok(location),
        FoundModel::OnHub(id) => fetch_shown(&id, HubSettings::from_environment(), &way()?),
    }
}

/// Asks the hub for a model, whether or not it is here, and says where it lies.
pub(super) fn download(model: &str) -> Result<String> {
    let id = HubId::parse(model)
        .with_context(|| format!("{model}: expected a hub id, owner/name[@revision]"))?;
    match fetch_shown(&id, HubSettings::from_environment(), &FetchOption::Whole)? {
        Location::Folder { path, .. } => Ok(format!("{}\n", path.display())),
        other => Ok(format!("{other}\n")),
    }
}

fn fetch_shown(id: &HubId, settings: HubSettings, way: &FetchOption) -> Result<Location> {
    let hub = Arc::new(Hub::new(settings)?);
    let describe = |progress: &Progress, _| describe(id, progress);
    let acquired = progress::shown(describe, |callbacks| fetch(&hub, id, way, callbacks))?;
    let Fetched { location, notice } = acquired?;
    if let Some(notice) = notice {
        say(notice);
    }
    Ok(location)
}

/// `fetching 312 MB of owner/name · 25 MB/s · 12 s left`; `None` of what a moment brings.
fn describe(id: &HubId, progress: &Progress) -> Option<String> {
    const MOMENT: u64 = 1_000_000;
    let missing = progress.total().saturating_sub(progress.done());
    if missing <= MOMENT {
        return None;
    }
    let mut text = format!("fetching {} MB of {id}", missing.div_ceil(1_000_000));
    if let Some(left) = progress.left {
        let rate = bytes(progress.rate as u64);
        text += &format!(" · {rate}/s · {} left", duration(left));
    }
    Some(text)
}
