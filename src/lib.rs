//! lexiscope reads the weights of a transformer as words.
//!
//! This page is the map of the code. It is a library of rooms and one thin program; arrows between
//! rooms run one way, and a test reads the imports to keep it so (`tests/architecture/`).
//!
//! ```text
//! cli → explorer → worker → query → projection → transformer → checkpoint → hub
//!  ├───── report ── sheet ───────┤        vocabulary lies under query, sheet and projection
//!  └───── scan ────────────────┘        outside and task lie under all
//! ```
//!
//! | room | what it is for | what is never in it |
//! |---|---|---|
//! | [`outside`] | files, locks and text from outside: bounded, regular, escaped | what they mean |
//! | [`task`] | cancelling what takes long, and how far it is | what is computed |
//! | [`hub`] | a hub id → a folder of the local cache | weights |
//! | [`checkpoint`] | files → named tensors; the table of families | the meaning of a weight |
//! | [`vocabulary`] | ids, visible text, filters | numbers of a model |
//! | [`transformer`] | weights by layer, neuron and head | the vocabulary |
//! | [`projection`] | vectors → token lists, forms → pair lists, exactly | files, threads' scheduling |
//! | [`query`] | what can be asked, what comes back, and answering it | who asks |
//! | [`worker`] | one thread that owns the model; the newest query first | how anything is computed |
//! | [`explorer`] | the terminal: a shell, and views that are a folder each | computation |
//! | [`sheet`] | an answer as typed columns, settings and the command that makes it | what was asked |
//! | [`report`] | sheets as table, Markdown, JSON, CSV; charts | the terminal |
//! | [`guide`] | the manual's pages, and their text as lines | anything of the program |
//! | [`scan`] | all lists of a model as one Parquet table, part by part | how a list is computed |
//! | [`cli`] | the command line | anything behind it |
//!
//! A key's way: key → action → the view in front, the shell or another view, which change the state
//! → what all views on the screen want to know, as queries → computed in chunks by the worker, which
//! checks between chunks whether they are still wanted → answers with their queries, on the board →
//! drawn by the views.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod checkpoint;
pub mod cli;
pub mod explorer;
pub mod geometry;
pub mod guide;
pub mod hub;
pub mod log;
pub mod outside;
pub mod projection;
pub mod query;
pub mod report;
pub mod scan;
pub mod sheet;
pub mod task;
pub mod transformer;
pub mod vocabulary;
pub mod worker;
