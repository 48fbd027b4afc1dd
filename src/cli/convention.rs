//! What `--convention` takes, and what `auto` stands for in a model.

use std::fmt;
use std::str::FromStr;

use anyhow::Result;

use super::say::say;
use crate::query::{Answer, Answering, Callbacks, Convention, Query, QueryError};

/// A convention, or that the model's own figures choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConventionChoice {
    Auto,
    Named(Convention),
}

impl Default for ConventionChoice {
    fn default() -> Self {
        Self::Named(Convention::RAW)
    }
}

impl fmt::Display for ConventionChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Named(convention) => convention.fmt(f),
        }
    }
}

impl FromStr for ConventionChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            named => named.parse().map(Self::Named),
        }
    }
}

impl ConventionChoice {
    /// The convention for an open model; of one that was chosen standard error says why.
    pub(super) fn of(self, model: &mut dyn Answering) -> Result<Convention> {
        let convention = match self {
            Self::Named(convention) => return Ok(convention),
            Self::Auto => model.answer(&Query::FirstConvention, Callbacks::none())?,
        };
        let Answer::FirstConvention(answer) = convention else {
            return Err(QueryError::WrongAnswer.into());
        };
        say(answer.reason());
        Ok(answer.best())
    }
}
