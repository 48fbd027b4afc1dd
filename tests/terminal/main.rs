//! The program itself in a pseudo-terminal, used as its user uses it: keys and signals in, what a
//! terminal shows of it out.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![cfg(unix)]

mod answers;
mod bytes;
mod colours;
mod ending;
mod fuzz;
mod hub;
#[path = "../hub/server.rs"]
mod hub_server;
mod keeping;
mod models;
mod mouse;
mod places;
mod program;
mod ranked;
mod reports;
mod sizes;
#[path = "../support/mod.rs"]
mod support;
mod words;

use program::Program;
use support::Home;
