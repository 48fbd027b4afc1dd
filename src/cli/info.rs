//! `info`: what a model is. Of a large one only headers are read.

use std::time::Instant;

use anyhow::Result;

use super::say::say;
use super::shared_args::OutputArgs;
use super::{fetch, milliseconds, open_on, print_sheet, start_threads};
use crate::query::sheet::{info_sheet, outline_sheet};
use crate::query::{Answering, Callbacks, Reader};
use crate::sheet::Timings;

/// Prints a model's sizes and choices.
pub(super) fn run(model: &str, output: OutputArgs) -> Result<()> {
    start_threads(output.machine)?;
    let start = Instant::now();
    let location = fetch::locate(&output.machine.named(model), || output.machine.way())?;
    if let Some(card) = Reader::outline(&location, output.machine.device())? {
        card.notices.iter().for_each(say);
        let timings = Timings {
            open: milliseconds(start),
            ..Timings::default()
        };
        return print_sheet(outline_sheet(&card), timings, output);
    }
    let (mut reader, open) = open_on(model, output.machine)?;
    let start = Instant::now();
    let card = reader.marked_card(Callbacks::none())?;
    let timings = Timings {
        open,
        compute: milliseconds(start),
        ..Timings::default()
    };
    print_sheet(info_sheet(&card), timings, output)
}
