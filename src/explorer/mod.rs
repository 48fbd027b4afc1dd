//! The terminal: keys and mouse → `update` → state → `view`. `update` computes and touches nothing
//! outside the state; `view` only draws; what is to be done in the world is an `Effect`.

pub mod action;
pub mod bookmarks;
mod companions;
pub mod effect;
mod fetching;
mod files;
mod guide;
pub mod key;
pub mod keymap;
pub mod legend;
pub mod number;
mod opening;
mod page;
pub mod paths;
mod run;
pub mod saved_view;
pub mod session;
#[cfg(unix)]
pub mod signals;
pub mod state;
pub mod store;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod view;
pub mod widget;

pub use guide::print_guide;
pub use page::page;
pub use run::{Setup, run};
