//! The terminal: state, update, view, keymap, theme.

pub mod bookmarks;
pub mod paths;
pub mod session;
pub mod store;
