//! The terminal: state, update, view, keymap, theme.
