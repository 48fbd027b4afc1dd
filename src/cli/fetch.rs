//! Models from the hub for the command line: found, and if need be fetched with a bar a file on
//! standard error.

use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::checkpoint::{Acquired, Found, Location, Way, acquire};
use crate::hub::{Hub, HubId, Progress, Settings, Waiting};
use crate::outside::escape;

use super::interrupt::on_interrupt;
use super::say::say;

/// Where a model is; if it is on the hub, `way` says how it comes.
pub(super) fn locate(model: &str, way: impl FnOnce() -> Result<Way>) -> Result<Location> {
    let settings = Settings::from_environment();
    match Location::find(model, &settings.cache)? {
        Found::Here(location) => Ok(location),
        Found::OnHub(id) => fetch(&id, settings, &way()?),
    }
}

/// Asks the hub for a model, whether or not it is here, and says where it lies.
pub(super) fn download(model: &str) -> Result<String> {
    let id = HubId::parse(model)
        .with_context(|| format!("{model}: expected a hub id, owner/name[@revision]"))?;
    match fetch(&id, Settings::from_environment(), &Way::Whole)? {
        Location::Folder { path, .. } => Ok(format!("{}\n", path.display())),
        other => Ok(format!("{other}\n")),
    }
}

fn fetch(id: &HubId, settings: Settings, way: &Way) -> Result<Location> {
    let hub = Arc::new(Hub::new(settings)?);
    let bars = Bars::new(id)?;
    let acquired = acquire(&hub, id, way, &bars);
    bars.end();
    let Acquired { location, notice } = acquired?;
    if let Some(notice) = notice {
        say(notice);
    }
    Ok(location)
}

/// A bar a file on a terminal, and elsewhere a line at the start.
pub(super) struct Bars {
    model: String,
    all: MultiProgress,
    bars: Mutex<HashMap<String, ProgressBar>>,
    said: AtomicBool,
    ending: Arc<AtomicBool>,
}

impl Bars {
    pub(super) fn new(model: impl ToString) -> Result<Self> {
        let ending = Arc::new(AtomicBool::new(false));
        on_interrupt(&ending)?;
        Ok(Self {
            model: model.to_string(),
            all: MultiProgress::new(),
            bars: Mutex::default(),
            said: AtomicBool::new(false),
            ending,
        })
    }

    /// Takes the bars away; the next signal ends the program as if there had been none.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
        // Standard error may be gone, which then shows elsewhere.
        drop(self.all.clear());
    }

    fn bar(&self, name: &str, size: u64) -> ProgressBar {
        let bar = self.all.add(ProgressBar::new(size));
        let template =
            "{msg:30!} {bar:20} {bytes:>10}/{total_bytes:10} {bytes_per_sec:>12} {eta:>4}";
        // The template is right, or the usual one stands in its place.
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(escape::line(name).into_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

impl Waiting for Bars {
    fn wanted(&self) -> bool {
        !self.ending.load(Ordering::Relaxed)
    }

    fn progress(&self, progress: &Progress) {
        let missing = progress.size().saturating_sub(progress.done());
        // What a moment brings needs no word.
        if missing > 1_000_000
            && !io::stderr().is_terminal()
            && !self.said.swap(true, Ordering::Relaxed)
        {
            let megabytes = missing.div_ceil(1_000_000);
            say(format_args!("fetching {megabytes} MB of {}", self.model));
        }
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        for file in &progress.files {
            if file.done < file.size && !bars.contains_key(&file.name) {
                bars.insert(file.name.clone(), self.bar(&file.name, file.size));
            }
            if let Some(bar) = bars.get(&file.name) {
                bar.set_length(file.size);
                bar.set_position(file.done);
                if file.done >= file.size {
                    bar.finish();
                }
            }
        }
    }
}
