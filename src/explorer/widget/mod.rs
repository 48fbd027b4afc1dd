//! Pieces of a screen that know no state: text, bars, frames, windows of long lists.

mod bar;
mod cells;
mod dots;
mod line;
mod panel;
pub mod plot;
mod ticks;
mod window;

pub use bar::{bar, level};
pub use cells::{is_plain, width};
pub use dots::Dots;
pub use line::{Line, put, truncate, truncate_start, wrap};
pub use panel::Panel;
pub use ticks::{Ticks, log_ticks, ticks};
pub use window::window;
