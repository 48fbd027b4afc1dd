//! What the program says beside its answer: on standard error, one line each, escaped. That nobody
//! listens any more is no reason to stop.

use std::fmt::Display;
use std::io::Write;

use crate::outside::escape;

/// A line in the program's name.
pub(super) fn say(text: impl Display) {
    line(format_args!("lexiscope: {text}"));
}

/// A line.
pub(super) fn line(text: impl Display) {
    raw(format_args!("{}\n", escape::line(&text.to_string())));
}

/// As it is: for what moves the cursor.
pub(super) fn raw(text: impl Display) {
    let mut out = std::io::stderr().lock();
    drop(write!(out, "{text}").and_then(|()| out.flush()));
}
