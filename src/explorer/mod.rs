//! The terminal: keys and mouse → `shell` → state → `screen`. The shell and the views change nothing but
//! the state, and what draws only draws; what is to be done in the world is an `Effect`. A view (a tab,
//! or something on top of one) is a folder of `views`; the rest knows it by the trait in `view`.

pub mod action;
pub mod board;
pub mod bookmarks;
mod compared_models;
pub mod effect;
mod fetching;
mod files;
mod guide;
pub mod key;
pub mod keymap;
pub mod number;
mod opening;
mod page;
pub mod paths;
pub mod prompt_settings;
mod run;
pub mod saved_view;
pub mod screen;
pub mod session;
mod setup;
pub mod shell;
#[cfg(unix)]
pub mod signals;
pub mod state;
pub mod store;
pub mod terminal;
pub mod theme;
pub mod view;
pub mod views;
pub mod widget;

pub use guide::print_guide;
pub use page::page;
pub use run::run;
pub use setup::Setup;
