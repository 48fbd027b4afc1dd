//! What is read of a model, and the choices of its configuration that are not known.

use std::fmt;

/// What is read of a model, as far as a choice of its configuration can change its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Neurons' lists.
    Neurons,
    /// VO pair lists.
    Vo,
    /// QK pair lists, at any distance.
    Qk,
    /// QK pair lists at a distance above 0.
    Distance,
    /// The forward pass.
    Forward,
}

impl Reading {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Neurons,
        Self::Vo,
        Self::Qk,
        Self::Distance,
        Self::Forward,
    ];
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Neurons => "neurons",
            Self::Vo => "VO",
            Self::Qk => "QK",
            Self::Distance => "QK at a distance",
            Self::Forward => "texts",
        })
    }
}

/// A choice in `config.json` that is not known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownChoice {
    pub key: String,
    pub expected: String,
    pub got: String,
    /// What it would change.
    pub touches: &'static [Reading],
}
