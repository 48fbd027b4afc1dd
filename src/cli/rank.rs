//! `lexiscope rank`: the interesting neurons of a layer, or its heads.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::args::{FilterArgs, Output, list_length};
use crate::query::{Interest, Query, RankQuery};

/// Tokens of each side that come with a neuron or a head.
const WORDS: usize = 10;

/// What is ranked, and by what.
#[derive(Debug, Args)]
pub struct RankArgs {
    /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
    pub model: String,
    /// Counted from 0
    #[arg(long, short, value_name = "N")]
    layer: usize,
    /// overlap: share of the 30 best tokens that K and V have in common; norm: length of the
    /// value; z: how far the best score of K or V lies above the layer's, in standard deviations;
    /// stem: share of the 30 best tokens of K or V that look alike. Of heads, copying: the copying
    /// score of VO; same: share of its 30 best pairs that are twice the same word; matching and
    /// same-qk: the same of QK
    #[arg(long, default_value_t, value_name = "WHAT")]
    by: Interest,
    /// Neurons or heads in the list
    #[arg(short = 'n', default_value_t = 30, value_parser = list_length)]
    count: usize,
    /// Take the lists from this finished scan of the model, where it has them
    #[arg(long, value_name = "FILE")]
    pub scan: Option<PathBuf>,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    filters: FilterArgs,
}

impl RankArgs {
    /// The query that is meant.
    ///
    /// # Errors
    /// As [`FilterArgs::read`].
    pub fn query(self) -> Result<Query> {
        Ok(Query::Rank(RankQuery {
            layer: self.layer,
            by: self.by,
            count: self.count,
            words: WORDS,
            filters: self.filters.read()?,
        }))
    }
}
