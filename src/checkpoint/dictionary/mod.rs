//! Dictionaries from files: named directions of the residual stream, what they read and what they
//! write, by rows. Nothing but what is looked at is read.

mod arrays;
mod files;
mod hook;
mod layout;
mod matrix;
mod side;
mod slices;

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

pub use hook::DictionaryHook;

use super::tensors::Tensors;
use super::{CheckpointError, Matrix};
use side::{DictionaryLayout, SideLayout};

/// Which of a dictionary's two directions: an encoder's rows read, a decoder's write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DictionarySide {
    Reads,
    Writes,
}

impl DictionarySide {
    /// The name on the command line and in exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
        }
    }
}

impl fmt::Display for DictionarySide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DictionarySide {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "reads" => Ok(Self::Reads),
            "writes" => Ok(Self::Writes),
            _ => Err(format!("expected reads or writes, got {text}")),
        }
    }
}

/// What the user says of a dictionary's files; the files say the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DictionaryOptions {
    pub layer: Option<usize>,
    /// Of a cross-layer transcoder, the layer that is written to.
    pub target: Option<usize>,
    /// Only this side; of a plain matrix, what its rows do.
    pub side: Option<DictionarySide>,
    pub hook: Option<DictionaryHook>,
    /// The name of the matrix.
    pub tensor: Option<String>,
}

/// How wide directions are in a model.
#[derive(Clone, Copy, Debug)]
pub struct DictionaryWidths {
    pub d_model: usize,
    /// `n_heads × d_head`.
    pub heads: usize,
}

impl DictionaryWidths {
    /// The numbers of a direction at a hook.
    pub fn of(self, hook: DictionaryHook) -> usize {
        match hook {
            DictionaryHook::AttnZ => self.heads,
            _ => self.d_model,
        }
    }
}

/// An open dictionary.
#[derive(Debug)]
pub struct DictionaryFile {
    tensors: Tensors,
    name: String,
    layout: DictionaryLayout,
    model: Option<String>,
    widths: DictionaryWidths,
    biases: Option<Vec<f32>>,
    thresholds: Option<Vec<f32>>,
}

impl DictionaryFile {
    /// Opens a file or a folder of a layout that is known: headers, configurations and biases are
    /// read, directions are not.
    ///
    /// # Errors
    /// A file of a kind that is not known, one that is cut short, or directions of another width
    /// than the model's.
    pub fn opened(
        path: &Path,
        options: &DictionaryOptions,
        widths: DictionaryWidths,
    ) -> Result<Self, CheckpointError> {
        let mut files = files::open(path, options.layer)?;
        let layout = layout::recognise(&mut files, options, widths)?;
        let count = layout.reads.as_ref().or(layout.writes.as_ref());
        let count = count.map_or(0, |side| side.count);
        let numbers = |name: &Option<String>| {
            let there = name.as_ref().filter(|name| {
                let entry = files.tensors.get(name);
                entry.is_some_and(|(entry, _)| entry.shape == [count])
            });
            there.map(|name| files.tensors.vector(name)).transpose()
        };
        let (biases, thresholds) = (numbers(&layout.bias)?, numbers(&layout.threshold)?);
        let model = files.described.get(&["model_name", "lm_name", "model"]);
        Ok(Self {
            model: model.map(super::error::one_line),
            tensors: files.tensors,
            name: files.name,
            layout,
            widths,
            biases,
            thresholds,
        })
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The layout that it was recognised as: `SAELens`, `matrix`.
    pub fn layout(&self) -> &'static str {
        self.layout.title
    }

    /// The model that its configuration names, if it names one.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// How many directions it has.
    pub fn len(&self) -> usize {
        let side = self.layout.reads.as_ref().or(self.layout.writes.as_ref());
        side.map_or(0, |side| side.count)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn side(&self, side: DictionarySide) -> Option<&SideLayout> {
        match side {
            DictionarySide::Reads => self.layout.reads.as_ref(),
            DictionarySide::Writes => self.layout.writes.as_ref(),
        }
    }

    /// Whether it has directions on a side.
    pub fn has(&self, side: DictionarySide) -> bool {
        self.side(side).is_some()
    }

    /// Where a side's directions are read or written.
    pub fn hook(&self, side: DictionarySide) -> Option<DictionaryHook> {
        self.side(side).map(|side| side.hook)
    }

    /// The layer of a side, if it is said anywhere.
    pub fn layer(&self, side: DictionarySide) -> Option<usize> {
        self.side(side).and_then(|side| side.layer)
    }

    /// A side's tensor and the type that it is stored in.
    pub fn stored(&self, side: DictionarySide) -> Option<(&str, String)> {
        let tensor = &self.side(side)?.tensor;
        let (entry, _) = self.tensors.get(tensor)?;
        Some((tensor, entry.dtype.to_string()))
    }

    /// Directions of a side, `[n, width]`: d_model, and at `attn.z` `n_heads × d_head`.
    ///
    /// # Errors
    /// A side or rows that it does not have, numbers that are not finite, or a file that cannot be
    /// read.
    pub fn rows(
        &self,
        side: DictionarySide,
        rows: Range<usize>,
    ) -> Result<Matrix, CheckpointError> {
        let Some(of) = self.side(side) else {
            let what =
                format!("expected directions that it {side}, got none; ask for the other side");
            return Err(CheckpointError::damaged(&self.name, what));
        };
        let width = 0..self.widths.of(of.hook);
        Ok(match of.transposed {
            false => self.tensors.block(&of.tensor, rows, width)?,
            true => self.tensors.block(&of.tensor, width, rows)?.transposed(),
        })
    }

    /// What an encoder adds to the product with a direction, if it adds anything.
    pub fn bias(&self, row: usize) -> Option<f32> {
        self.biases.as_ref()?.get(row).copied()
    }

    /// Below this an activation counts as none (JumpReLU), if there is such a number.
    pub fn threshold(&self, row: usize) -> Option<f32> {
        self.thresholds.as_ref()?.get(row).copied()
    }
}
