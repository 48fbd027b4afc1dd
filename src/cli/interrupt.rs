//! An end that the user asks for while something long goes on.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The first signal asks for an end, the second ends at once, as if there were no handler.
#[cfg(unix)]
pub(super) fn on_interrupt(ending: &Arc<AtomicBool>) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register_conditional_default(signal, Arc::clone(ending))?;
        signal_hook::flag::register(signal, Arc::clone(ending))?;
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn on_interrupt(_: &Arc<AtomicBool>) -> io::Result<()> {
    Ok(())
}
