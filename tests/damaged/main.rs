//! What users really have: folders that are half there, files that were cut, swapped or made up.
//! Every one is refused in a line that names the file, what was expected and what was got.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../checkpoint_writer/mod.rs"]
mod checkpoint_writer;
mod config;
mod fuzz;
mod gguf;
#[path = "../gguf_writer/mod.rs"]
mod gguf_writer;
mod harm;
mod instead;
mod pickles;
mod safetensors;
mod scans;
mod shards;
#[path = "../support/mod.rs"]
mod support;
