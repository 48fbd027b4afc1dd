//! The `scan` command: how far it is on standard error, and an end when the user asks for one.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::outside::escape;
use crate::query::{Answering, Reader};
use crate::scan::{Plan, Progress, Scan};
use crate::task::CancelToken;

use super::interrupt::on_interrupt;
use super::say;

/// Between two lines where they pile up, and between two states of a line that is rewritten.
const BETWEEN_LINES: Duration = Duration::from_secs(30);
const BETWEEN_STATES: Duration = Duration::from_millis(100);

/// Scans an open model into a file.
pub(super) fn scan(reader: &mut Reader, plan: &Plan, out: &Path) -> Result<()> {
    let name = reader.card().name.clone();
    let ending = Arc::new(AtomicBool::new(false));
    on_interrupt(&ending)?;
    let mut line = Line::new(io::stderr().is_terminal());
    let scanned = Scan::run(
        reader,
        plan,
        out,
        CancelToken::flag(&ending),
        &mut |progress| {
            line.show(&describe(&name, progress, ending.load(Ordering::Relaxed)));
        },
    );
    line.end();
    if scanned? {
        say::line(format_args!("wrote {}", out.display()));
    } else {
        say::line(format_args!(
            "{} is there already, and whole",
            out.display()
        ));
    }
    Ok(())
}

fn describe(name: &str, progress: &Progress, ending: bool) -> String {
    let counted = |(done, all): (usize, usize), what| match all {
        0 => String::new(),
        _ => format!(" · {what} {done}/{all}"),
    };
    let left = match progress.left {
        _ if ending => "ending after this part".to_owned(),
        Some(left) => format!("{} left", duration(left)),
        None => "measuring".to_owned(),
    };
    format!(
        "{name} · layer {}{}{} · {left}",
        progress.layer,
        counted(progress.neurons, "neurons"),
        counted(progress.heads, "heads"),
    )
}

/// In the two largest units that count.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// A line on standard error: rewritten on a terminal, else a new one now and then.
struct Line {
    rewritten: bool,
    shown: Option<Instant>,
}

impl Line {
    fn new(rewritten: bool) -> Self {
        Self {
            rewritten,
            shown: None,
        }
    }

    fn show(&mut self, text: &str) {
        let between = match self.rewritten {
            true => BETWEEN_STATES,
            false => BETWEEN_LINES,
        };
        if self.shown.is_some_and(|shown| shown.elapsed() < between) {
            return;
        }
        self.shown = Some(Instant::now());
        if self.rewritten {
            say::raw(format_args!("\r\x1b[K{}", escape::line(text)));
        } else {
            say::line(text);
        }
    }

    fn end(&self) {
        if self.rewritten && self.shown.is_some() {
            say::raw("\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_it_is_and_what_is_left() {
        let mut progress = Progress {
            layer: 3,
            neurons: (1024, 98_304),
            heads: (16, 384),
            left: Some(Duration::from_secs(3725)),
        };
        assert_eq!(
            describe("gpt2", &progress, false),
            "gpt2 · layer 3 · neurons 1024/98304 · heads 16/384 · 1 h 2 min left"
        );
        progress.heads = (0, 0);
        progress.left = Some(Duration::from_millis(61_200));
        assert!(describe("m", &progress, false).ends_with("neurons 1024/98304 · 1 min 2 s left"));
        assert!(describe("m", &progress, true).ends_with("ending after this part"));
    }
}
