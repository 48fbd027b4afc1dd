//! The shape of the code, held by reading it: arrows one way, files of one idea, and what only
//! some rooms may know.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod arrows;
mod circles;
mod doors;
mod lengths;
mod names;
mod sources;
