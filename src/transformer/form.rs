//! The two bilinear forms of an attention head, and the two inputs of a gated neuron.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A head's form over the vocabulary (Dar et al. 2022, arXiv 2209.02535, §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// `W_V·W_O`: what the head writes (columns) when it reads (rows).
    Vo,
    /// `W_Q·W_Kᵀ`: which query (rows) attends to which key (columns).
    Qk,
}

impl Form {
    /// `vo` or `qk`, as on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vo => "vo",
            Self::Qk => "qk",
        }
    }

    /// What the two sides of a pair are.
    pub fn sides(self) -> (&'static str, &'static str) {
        match self {
            Self::Vo => ("from", "to"),
            Self::Qk => ("query", "key"),
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vo => "VO",
            Self::Qk => "QK",
        })
    }
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "vo" => Ok(Self::Vo),
            "qk" => Ok(Self::Qk),
            _ => Err(format!("expected vo or qk, got {text}")),
        }
    }
}

/// A linear map of attention, of all heads of a layer together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttentionMap {
    Query,
    Key,
    Value,
    Output,
}

impl AttentionMap {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Query, Self::Key, Self::Value, Self::Output];

    /// `q`, `k`, `v` or `o`, as on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "q",
            Self::Key => "k",
            Self::Value => "v",
            Self::Output => "o",
        }
    }

    /// The form that it is part of.
    pub fn form(self) -> Form {
        match self {
            Self::Query | Self::Key => Form::Qk,
            Self::Value | Self::Output => Form::Vo,
        }
    }

    /// Whether it is the right side of its form.
    pub fn on_the_right(self) -> bool {
        matches!(self, Self::Key | Self::Output)
    }
}

/// Which input of a gated neuron counts as its key: its output is
/// `activation(gate·x) · (up·x)` times its value. Where there is no gate, both are the one key.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// What goes through the activation, and so opens the neuron or closes it.
    #[default]
    Gate,
    /// What the open gate lets through, and so gives the value its sign.
    Up,
}

impl Input {
    /// `gate` or `up`, as on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Up => "up",
        }
    }
}

impl FromStr for Input {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "gate" => Ok(Self::Gate),
            "up" => Ok(Self::Up),
            _ => Err(format!("expected gate or up, got {text}")),
        }
    }
}
