//! `lexiscope fit-lens`: fits a Jacobian lens of a model on texts.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use super::machine::Machine;
use super::shared_args::{label, list_length};
use super::{open, print, progress, say};
use crate::outside::{self, LONGEST_TEXT};
use crate::query::{Answering, LensFitPlan};
use crate::task::Progress;

/// What is fitted, and on what.
#[derive(Debug, Args)]
pub struct FitLensArgs {
    /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
    model: String,
    /// The texts, one a line
    #[arg(long, value_name = "FILE")]
    texts: PathBuf,
    /// The file to write (.safetensors); what is done so far lies in FILE.part, from which the same
    /// command goes on
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Texts that count, the first ones that are long enough
    #[arg(short = 'n', long, default_value_t = 25, value_parser = list_length)]
    prompts: usize,
    /// Tokens of a text that are read
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = list_length)]
    tokens: usize,
    /// Positions at the start of each text that do not count, as attention gathers there
    #[arg(long, default_value_t = 16, value_name = "N")]
    skip: usize,
    #[command(flatten)]
    machine: Machine,
}

/// Fits a lens, and prints how far each layer's is from the logit lens.
pub(super) fn run(args: &FitLensArgs) -> Result<()> {
    let text = outside::read_text(&args.texts, LONGEST_TEXT)?;
    let texts: Vec<String> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(str::to_owned)
        .collect();
    if args.skip + 1 >= args.tokens {
        bail!(
            "expected more tokens than --skip and the last one, got --tokens {} and --skip {}",
            args.tokens,
            args.skip
        );
    }
    let plan = LensFitPlan {
        texts,
        data: label(&args.texts),
        prompts: args.prompts,
        tokens: args.tokens,
        skip: args.skip,
        out: args.out.clone(),
    };
    let (reader, _) = open(&args.model, args.machine)?;
    let name = reader.card().name.clone();
    let describe = |progress: &Progress, _| {
        let parts = progress.parts.iter();
        let parts = parts.map(|part| format!(" · {} {}/{}", part.name, part.done, part.total));
        Some(format!(
            "{name} · {}{}",
            progress.phase,
            parts.collect::<String>()
        ))
    };
    let fitted = progress::shown(describe, |callbacks| reader.fit_lens(&plan, callbacks))??;
    let mut said = format!("{} prompts", fitted.prompts);
    if fitted.short > 0 {
        said += &format!(", {} too short", fitted.short);
    }
    said += "\nlayer  |J−1|/|1|\n";
    for (layer, departure) in fitted.departures.iter().enumerate() {
        said += &format!("{layer:>5}  {departure:>9.3}\n");
    }
    say::line(format_args!("wrote {}", args.out.display()));
    print(&said)
}
