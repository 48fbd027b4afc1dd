//! The terminal: keys and mouse → `update` → state → `view`. `update` computes and touches nothing
//! outside the state; `view` only draws; what is to be done in the world is an `Effect`.

pub mod action;
pub mod bookmarks;
pub mod effect;
pub mod key;
pub mod keymap;
pub mod number;
pub mod state;
pub mod theme;
pub mod update;
pub mod view;
pub mod widget;
