//! An answer as a plain value that every format is written from: where it comes from, its JSON
//! document, sections of typed columns, and the order in which a person reads them.

mod command_line;
mod names;
mod number;
mod provenance;
mod section;
mod value;

use std::fmt;

use crate::vocabulary::TextCount;

pub use command_line::{CommandLine, filter_options, option, shell_line, shell_words};
pub use names::{TokenNames, with_boundary};
pub use number::{grouped, score, spark};
pub use provenance::{LIST_SETTINGS, Provenance, VERSION, filter_line, filter_record};
pub use section::{Cell, Column, JsonField, NumberForm, Section, ShownColumn, TokenPart, Values};
pub use value::{Record, Value};

/// An answer, ready for every format.
pub struct Sheet {
    /// `None` for what is of no query: sizes of a model, names of models.
    pub provenance: Option<Provenance>,
    /// How its token ids are called.
    pub names: TokenNames,
    /// What JSON holds.
    pub document: Value,
    /// Rows of typed columns, each once: JSON points at them, CSV has them one below the other.
    pub sections: Vec<Section>,
    /// What a person reads, in order.
    pub blocks: Vec<Block>,
    /// Settings of the provenance that CSV repeats in every row, after a section's own columns.
    pub csv_settings: &'static [&'static str],
}

/// A piece of what a person reads.
pub enum Block {
    /// Lines as they stand, each with its newline.
    Text(String),
    /// A heading over what follows, with a blank line before it.
    Heading(String),
    /// Sections side by side, numbered as in [`Sheet::sections`].
    Table {
        sections: Vec<usize>,
        /// Rows that are shown at most.
        rows: usize,
    },
}

impl Block {
    /// All rows of some sections.
    pub fn table(sections: impl IntoIterator<Item = usize>) -> Self {
        Self::Table {
            sections: sections.into_iter().collect(),
            rows: usize::MAX,
        }
    }
}

impl Sheet {
    /// Adds a table below a blank line.
    pub fn push_below(&mut self, section: Section) {
        self.blocks.push(Block::Text("\n".to_owned()));
        self.blocks.push(Block::table([self.sections.len()]));
        self.sections.push(section);
    }

    /// The same with how many tokens the text has that its filters judge by, and a word about those
    /// that are unknown.
    #[must_use]
    pub fn with_text(mut self, count: Option<TextCount>) -> Self {
        if let (Value::Record(record), Some(TextCount { count, unknown })) =
            (&mut self.document, count)
        {
            let tokens = Record::new().with("count", count).with("unknown", unknown);
            record.push_some("text_tokens", Some(tokens));
        }
        let warning = count.and_then(TextCount::warning);
        if let (Some(provenance), Some(warning)) = (&mut self.provenance, warning) {
            provenance.said += &format!(" · text {warning}");
        }
        self
    }

    /// The same with how long it took at the end of the document, if that is to be said.
    #[must_use]
    pub fn timed(mut self, timings: Option<Timings>) -> Self {
        if let Value::Record(record) = &mut self.document {
            record.push_some("timing_ms", timings.map(Timings::record));
        }
        self
    }
}

/// How long a one-shot command took, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// From the first byte read to the embedding in memory.
    pub open: f64,
    /// From the query to its answer.
    pub compute: f64,
    /// From the query for pairs to the list as it is answered, which may then still have to be proven.
    pub stands: Option<f64>,
}

impl Timings {
    fn record(self) -> Record {
        Record::new()
            .with("open", self.open)
            .with("compute", self.compute)
            .with_some("stands", self.stands)
    }
}

impl fmt::Display for Timings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            open,
            compute,
            stands,
        } = self;
        write!(f, "open {open:.1} ms · compute {compute:.1} ms")?;
        match stands {
            Some(stands) => write!(f, " · list stands after {stands:.1} ms"),
            None => Ok(()),
        }
    }
}
