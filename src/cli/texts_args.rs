//! Which texts a model is run on.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::say::say;
use super::shared_args::{label, whole_path};
use crate::geometry::{Language, Texts};
use crate::outside::{self, LONGEST_TEXT};
use crate::query::{ModelCard, language_of};

/// Texts from a file, typed, or bundled.
#[derive(Clone, Debug, Args)]
pub struct TextsArgs {
    /// Texts, one a line or as JSON lines with a field `text`; or polish or english, the bundled
    /// ones; default: of these two, those that the first model spells shorter
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// A text; may be given several times
    #[arg(long, value_name = "TEXT", conflicts_with = "texts")]
    text: Vec<String>,
}

impl TextsArgs {
    /// The texts that are asked for, their file read; `None` for the bundled ones that fit.
    ///
    /// # Errors
    /// A file that cannot be read or holds no texts.
    pub fn read(&self) -> Result<Option<Texts>> {
        let Some(path) = &self.texts else {
            let typed = (!self.text.is_empty()).then(|| Texts::typed(self.text.clone()));
            return Ok(typed);
        };
        // A file of that name is given as ./polish.
        Ok(Some(match path.to_str().and_then(Language::named) {
            Some(language) => Texts::bundled(language),
            None => {
                let bytes = outside::read(path, LONGEST_TEXT)?;
                Texts::parse(&label(path), &bytes)?.of_file(&whole_path(path))
            }
        }))
    }
}

/// The bundled texts that fit a model, said.
pub fn fitting(card: &ModelCard) -> Texts {
    let texts = Texts::bundled(language_of(&card.vocabulary));
    let (label, count) = (&texts.label, texts.texts.len());
    say(format_args!(
        "measured on {count} texts: {label}; --texts takes others"
    ));
    texts
}
