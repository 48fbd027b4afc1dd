//! What comes from outside the program: files are opened only if they are files and read within a
//! bound, locks are waited for only so long, and text is escaped before it reaches a terminal, a log
//! or a table.

mod environment;
pub mod escape;
mod file;
mod guard;
mod lock;
mod pointer;

pub use environment::{folder, user_folder};
pub use file::{FileError, LONGEST_TEXT, open, open_to_write, read, read_text};
pub use guard::guarded;
pub use lock::{Locked, PATIENCE, lock, open_lock};
pub use pointer::impostor;
