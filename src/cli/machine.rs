//! What the command line says of the machine: device, threads, memory, and what may come from the
//! hub.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::size::Size;
use crate::checkpoint::{AGAINST, FetchOption, WITH_BASE};
use crate::explorer::paths::Paths;
use crate::hub::Blocks;
use crate::outside;
use crate::projection::DeviceChoice;
use crate::query::MemoryBudget;

/// What to compute with.
#[derive(Clone, Copy, Debug, Args)]
pub struct Machine {
    /// Where to compute
    #[arg(long, value_enum, default_value_t, value_name = "DEVICE")]
    device: Device,
    /// Threads to compute with; 0 is one a core
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = threads)]
    pub threads: usize,
    /// What may be held in memory beside the embedding [default: half of what is free, at most 2G,
    /// and what a head's pairs take]. A head whose pairs take more than SIZE is refused; they take
    /// about 11 bytes, on a GPU 19, times tokens times the width of a head
    #[arg(long, value_name = "SIZE")]
    memory: Option<Size>,
    /// Of an adapter, the model that it is merged into [default: the one that it names]
    // Kept for the whole run, so that arguments stay plain values.
    #[arg(long, value_name = "MODEL", value_parser = kept)]
    base: Option<&'static str>,
    /// Take this model's weights from those of the one that is opened: what is listed is the change
    #[arg(long, value_name = "MODEL", value_parser = kept)]
    against: Option<&'static str>,
    /// A fitted Jacobian lens, as published (.pt) or made by `fit-lens`, or `bundled`: the
    /// lens of a bundled model; of the convention lens, and of the states of prompts
    #[arg(long, value_name = "FILE", value_parser = kept)]
    lens: Option<&'static str>,
    /// Of a model that is not here, fetch only the tensors that are looked at
    #[arg(long)]
    pub remote: bool,
    /// What of such tensors may be kept on disk
    #[arg(long, value_name = "SIZE", default_value = "20G")]
    remote_cache: Size,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Device {
    #[default]
    Auto,
    Cpu,
    Cuda,
    Metal,
}

/// More than the cores of any machine; each takes a stack, and their work is divided among them.
const MOST_THREADS: usize = 1024;

fn kept(text: &str) -> Result<&'static str, String> {
    Ok(String::leak(text.to_owned()))
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 0..=MOST_THREADS) => Ok(count),
        _ => Err(format!("expected a whole number from 0 to {MOST_THREADS}")),
    }
}

/// What is held serves to show again what was shown; more would not be missed.
const MEMORY_MAX: u64 = 2 << 30;

/// Bytes that programs can have without anything being swapped out, where the system says so.
fn free_memory() -> Option<u64> {
    let about = outside::read_text(Path::new("/proc/meminfo"), 1 << 16).ok()?;
    let line = about
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes << 10)
}

impl Machine {
    /// What may be held in memory beside the embedding.
    pub fn memory(&self) -> MemoryBudget {
        let usual = || free_memory().map_or(MEMORY_MAX, |free| (free / 2).min(MEMORY_MAX));
        let most = self.memory.map(|size| size.0);
        MemoryBudget {
            kept: most.unwrap_or_else(usual),
            most,
        }
    }

    /// Bytes that parts of models on the hub may take on disk.
    pub fn blocks_max(&self) -> u64 {
        self.remote_cache.0
    }

    /// The name that opens a model: of an adapter with its base, if that was given, and with the model
    /// that it is compared with.
    pub fn named(&self, model: &str) -> String {
        let mut name = model.to_owned();
        for (between, other) in [(WITH_BASE, self.base), (AGAINST, self.against)] {
            if let Some(other) = other {
                name.push(between);
                name += other;
            }
        }
        name
    }

    /// The file of a fitted lens.
    pub fn lens(&self) -> Option<&'static Path> {
        self.lens.map(Path::new)
    }

    /// How a model comes that is on the hub.
    ///
    /// # Errors
    /// There is no home folder to keep its parts in.
    pub fn way(&self) -> Result<FetchOption> {
        Ok(match self.remote {
            false => FetchOption::Whole,
            true => FetchOption::ByTensor(Arc::new(Blocks::open(
                Paths::find(|name| std::env::var_os(name))?.blocks(),
                self.blocks_max(),
            ))),
        })
    }

    /// The device asked for.
    pub fn device(&self) -> DeviceChoice {
        match self.device {
            Device::Auto => DeviceChoice::Auto,
            Device::Cpu => DeviceChoice::Cpu,
            Device::Cuda => DeviceChoice::Cuda,
            Device::Metal => DeviceChoice::Metal,
        }
    }
}
