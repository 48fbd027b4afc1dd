//! Pieces of a screen that know no state: text, bars, frames, windows of long lists.

mod bar;
mod dots;
mod line;
mod panel;
pub mod plot;
mod window;

pub use bar::{bar, level};
pub use dots::Dots;
pub use line::{Line, put, truncate, width, wrap};
pub use panel::Panel;
pub use window::window;
