//! The `scan` command: how far it is on standard error, and an end when the user asks for one.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::query::{Answering, Reader};
use crate::scan::{Scan, ScanPlan};
use crate::task::Progress;

use super::{progress, say};

/// Scans an open model into a file.
pub(super) fn scan(reader: &mut Reader, plan: &ScanPlan, out: &Path) -> Result<()> {
    let name = reader.card().name.clone();
    let describe = |progress: &Progress, ending| Some(describe(&name, progress, ending));
    let scanned = progress::shown(describe, |callbacks| {
        Scan::run(reader, plan, out, callbacks)
    })?;
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
    let left = match progress.left {
        _ if ending => "ending after this part".to_owned(),
        Some(left) => format!("{} left", duration(left)),
        None => "measuring".to_owned(),
    };
    let mut text = format!("{name} · {}", progress.phase);
    for part in progress.parts.iter().filter(|part| part.total > 0) {
        text += &format!(" · {} {}/{}", part.name, part.done, part.total);
    }
    format!("{text} · {left}")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::ProgressPart;

    #[test]
    fn says_where_it_is_and_what_is_left() {
        let part = |name: &str, done, total| ProgressPart {
            name: name.to_owned(),
            done,
            total,
        };
        let mut progress = Progress {
            phase: "layer 3".to_owned(),
            parts: vec![part("neurons", 1024, 98_304), part("heads", 16, 384)],
            left: Some(Duration::from_secs(3725)),
            ..Progress::default()
        };
        assert_eq!(
            describe("gpt2", &progress, false),
            "gpt2 · layer 3 · neurons 1024/98304 · heads 16/384 · 1 h 2 min left"
        );
        progress.parts[1] = part("heads", 0, 0);
        progress.left = Some(Duration::from_millis(61_200));
        assert!(describe("m", &progress, false).ends_with("neurons 1024/98304 · 1 min 2 s left"));
        assert!(describe("m", &progress, true).ends_with("ending after this part"));
    }
}
