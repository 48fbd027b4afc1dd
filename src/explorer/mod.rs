//! The terminal: state, update, view, keymap, theme.

pub mod bookmarks;
pub mod paths;
pub mod session;
#[cfg(unix)]
pub mod signals;
pub mod store;
pub mod terminal;
