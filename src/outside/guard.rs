//! Readers of others, which may panic over a file that is damaged: to us that is an error like any
//! other, and nothing of it reaches the terminal.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is caught by [`guarded`].
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs a reader; `None` if it panicked, which then stands in the log. What the reader has changed is
/// not to be used after that.
pub fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| match GUARDED.get() {
            true => tracing::warn!("{info}"),
            false => before(info),
        }));
    });
    let outer = GUARDED.replace(true);
    let read = panic::catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(outer);
    read.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_no_answer_and_the_next_one_is_as_before() {
        let damaged: fn() -> usize = || panic!("damaged");
        assert_eq!(guarded(damaged), None);
        assert_eq!(guarded(|| 3), Some(3));
        assert!(!GUARDED.get());
    }
}
