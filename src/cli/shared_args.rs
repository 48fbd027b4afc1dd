//! Arguments that several commands take: filters, convention, format of the output.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::convention::ConventionChoice;
use super::machine::Machine;
use crate::outside::{self, LONGEST_TEXT};
use crate::projection::End;
use crate::query::NeuronColumn;
use crate::report::{self, Format};
use crate::vocabulary::{FileSource, Filters, Text, Words};

/// The length of a list, as it is typed.
pub(super) fn list_length(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(k @ 1..=1_000_000) => Ok(k),
        _ => Err("expected a whole number from 1 to 1000000".to_owned()),
    }
}

/// What becomes of CSV before it is printed.
#[derive(Clone, Copy, Debug, Args)]
pub struct CsvArgs {
    /// In CSV, put an apostrophe before cells that a spreadsheet would take for formulas: those that
    /// begin with = + - @, a tab or a carriage return and are no numbers
    #[arg(long)]
    safe_csv: bool,
}

impl CsvArgs {
    /// The text in the form asked for.
    pub fn written(self, text: String, format: Format) -> String {
        match self.safe_csv && format == Format::Csv {
            true => report::safe_csv(&text),
            false => text,
        }
    }
}

/// How an answer is written, and with what it is computed.
#[derive(Clone, Copy, Debug, Args)]
pub struct OutputArgs {
    /// table, json, csv or markdown
    #[arg(long, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    #[command(flatten)]
    pub csv: CsvArgs,
    /// Add how long it took
    #[arg(long)]
    pub timings: bool,
    #[command(flatten)]
    pub machine: Machine,
}

/// How an answer that may be a chart is written, but for its format, of which each command says what
/// it draws.
#[derive(Clone, Copy, Debug, Args)]
pub struct ChartOutputArgs {
    #[command(flatten)]
    csv: CsvArgs,
    /// Add how long it took
    #[arg(long)]
    timings: bool,
    #[command(flatten)]
    pub machine: Machine,
}

impl ChartOutputArgs {
    /// Of an answer that is no chart.
    pub(super) fn of_text(self, format: Format) -> OutputArgs {
        OutputArgs {
            format,
            csv: self.csv,
            timings: self.timings,
            machine: self.machine,
        }
    }
}

/// Under which convention a list is made, and whether it is put to the test.
#[derive(Clone, Copy, Debug, Args)]
pub struct ReadingArgs {
    /// How weights become words: raw, or some of gain, norms, centred, cosine, inverse, biases, input,
    /// output and lens, joined by +; or auto, what the model's own lists favour, said on standard error
    #[arg(long, default_value_t, value_name = "NAMES")]
    pub convention: ConventionChoice,
    /// Add the robustness of the lists: what stays under other conventions, and how far the best lies
    /// above chance
    #[arg(long, alias = "trust")]
    pub robustness: bool,
}

impl ReadingArgs {
    /// Of what is not put to the test.
    pub(super) fn untested(convention: ConventionChoice) -> Self {
        Self {
            convention,
            robustness: false,
        }
    }
}

/// Which tokens a list may show. Flattened last: its heading stands over all that follows.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Filters")]
pub struct FilterArgs {
    /// Only printable ASCII
    #[arg(long)]
    ascii: bool,
    /// Only letters and digits
    #[arg(long)]
    alnum: bool,
    /// No pair of twice the same word, in whatever case
    #[arg(long)]
    exclude_same: bool,
    /// No pair of words that look alike (a prefix of the other, or one letter apart)
    #[arg(long, alias = "no-similar-words")]
    exclude_similar: bool,
    /// No special tokens and none in brackets
    #[arg(long)]
    exclude_special: bool,
    /// No tokens that training hardly saw, as far as the embedding tells
    #[arg(long, alias = "undertrained-hidden")]
    exclude_undertrained: bool,
    /// Learned positions as rows of their own: [pos 17]
    #[arg(long)]
    positions: bool,
    /// Only the words of a file, one a line, in whatever case
    #[arg(long, value_name = "FILE")]
    words: Option<PathBuf>,
    /// Only the tokens that occur in the text of a file
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// Only the tokens that occur in this text
    #[arg(long, value_name = "TEXT", conflicts_with = "text")]
    in_text: Option<String>,
    /// Only tokens that contain this, in whatever case
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    contains: String,
}

impl FilterArgs {
    /// The filters, their files read.
    ///
    /// # Errors
    /// A file that cannot be read or is not UTF-8.
    pub fn read(self) -> Result<Filters> {
        let read = |path: &PathBuf| outside::read_text(path, LONGEST_TEXT);
        let words = self.words.as_ref().map(|path| {
            let text = read(path)?;
            let source = Some(source(path, &text));
            let words = Words::parse(label(path), &text);
            anyhow::Ok(Words { source, ..words })
        });
        let text = self.text.as_ref().map(|path| {
            let text = read(path)?;
            anyhow::Ok(Text {
                label: label(path),
                source: Some(source(path, &text)),
                text: text.into(),
            })
        });
        let typed = self.in_text.as_deref().map(Text::typed);
        Ok(Filters {
            ascii: self.ascii,
            alnum: self.alnum,
            exclude_same: self.exclude_same,
            exclude_similar: self.exclude_similar,
            exclude_special: self.exclude_special,
            exclude_undertrained: self.exclude_undertrained,
            positions: self.positions,
            contains: self.contains,
            words: words.transpose()?,
            text: text.transpose()?.or(typed),
        })
    }
}

/// Where words or a text were read, to be named by what can be read again.
fn source(path: &Path, text: &str) -> FileSource {
    FileSource::of(&whole_path(path), text.as_bytes())
}

/// A path that leads to the file from any folder.
pub(super) fn whole_path(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

pub(super) fn label(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |n| n.to_string_lossy().into(),
    )
}

/// A neuron's column by its name.
pub fn column(name: &str) -> Result<NeuronColumn, String> {
    let found = NeuronColumn::ALL.into_iter().find(|c| c.name() == name);
    found.ok_or_else(|| "expected K, V, -K or -V".to_owned())
}

/// The end of a pair list that a flag asks for.
pub fn end(lowest: bool) -> End {
    if lowest { End::Lowest } else { End::Highest }
}
