//! An end that the user asks for while something long goes on.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A flag that the first signal sets; the second ends the program at once, as if there were no
/// handler.
#[cfg(unix)]
pub(super) fn on_interrupt() -> io::Result<Arc<AtomicBool>> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&interrupted))?;
        signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
    }
    Ok(interrupted)
}

#[cfg(not(unix))]
pub(super) fn on_interrupt() -> io::Result<Arc<AtomicBool>> {
    Ok(Arc::default())
}
