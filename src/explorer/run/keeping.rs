//! What is kept of the explorer: bookmarks, and files that it writes; what cannot be read or written
//! is asked for again.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};

use super::Explorer;
use crate::explorer::effect::{BookmarkChange, Effect};
use crate::explorer::files::{free_name, write_new};
use crate::explorer::shell;
use crate::explorer::state::Purpose;
use crate::query::sheet::{rank_sheet, sheets};
use crate::query::{Answer, Answered, Query, RankQuery};
use crate::report::{self, Format};

impl Explorer {
    pub(super) fn written(
        &mut self,
        purpose: Purpose,
        path: &Path,
        written: Result<()>,
    ) -> Vec<Effect> {
        match written {
            Ok(()) => self.state.say(format!("wrote {}", path.display())),
            Err(error) => {
                let free = free_name(path);
                let (typed, advice) = match free {
                    Some(free) => {
                        let advice = format!(" · Enter writes {}", free.display());
                        (free, advice)
                    }
                    None => (path.to_owned(), String::new()),
                };
                let typed = typed.to_string_lossy();
                shell::ask_again(
                    &mut self.state,
                    purpose,
                    &typed,
                    format!("{error:#}{advice}"),
                );
            }
        }
        Vec::new()
    }

    /// A file that was asked for cannot be read: what was typed is typed still.
    pub(super) fn unread(
        &mut self,
        purpose: Purpose,
        path: &Path,
        error: &anyhow::Error,
    ) -> Vec<Effect> {
        let path = path.to_string_lossy();
        let typed = match purpose {
            Purpose::Text | Purpose::Texts => format!("@{path}"),
            _ => path.into_owned(),
        };
        shell::ask_again(&mut self.state, purpose, &typed, format!("{error:#}"));
        Vec::new()
    }

    pub(super) fn keep(&mut self, change: BookmarkChange) -> Vec<Effect> {
        match self.bookmarks.apply(change) {
            Ok(Some(notice)) => self.state.fail(notice),
            Ok(None) => {}
            Err(error) => self.state.fail(error.to_string()),
        }
        shell::bookmarks(&mut self.state, self.bookmarks.list().to_vec());
        Vec::new()
    }

    pub(super) fn write_out(&self, answers: &[(Query, Arc<Answer>)], format: Format) -> String {
        let Some(card) = self.state.card() else {
            return String::new();
        };
        let answers = answers.iter().map(|(query, answer)| (query, &**answer));
        let answers: Vec<_> = answers.collect();
        let layers = answers
            .iter()
            .map(|(query, answer)| RankQuery::of(query, answer));
        // A ranking of several layers is one list, as the command line prints it.
        if let Some(layers) = layers.collect::<Option<Vec<_>>>()
            && let [(query, _), _, ..] = &layers[..]
        {
            let count = self.state.length_of_ranking(query.by);
            let sheet = rank_sheet(card, &layers, count);
            return sheet.map_or_else(String::new, |sheet| report::write(&sheet, format));
        }
        report::write_all(&sheets(card, &answers), format)
    }

    pub(super) fn export(&self, path: &Path, answers: &[(Query, Arc<Answer>)]) -> Result<()> {
        let name = path.display();
        let Some(format) = Format::of_file(&path.to_string_lossy()) else {
            bail!("{name}: expected a name that ends in .csv, .json, .md or .txt");
        };
        write_new(path, &self.write_out(answers, format))
    }
}
