//! The neurons of a layer, the interesting ones first.

use std::fmt;
use std::str::FromStr;

use crate::vocabulary::Filters;

/// What makes a neuron interesting, all of its [`TOP`] best tokens in K and in V.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Interest {
    /// The share of tokens that are in both K and V: it promotes what it fires on.
    #[default]
    Overlap,
    /// The length of its value.
    Norm,
    /// By how many standard deviations of the layer's neurons its best score lies above their
    /// mean, in K or in V, whichever is more.
    Z,
    /// The share of tokens that look like one of them (see
    /// [`crate::vocabulary::Vocabulary::similar`]), in K or in V, whichever is more.
    Stem,
}

/// Length of the lists that are judged.
pub const TOP: usize = 30;

impl Interest {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Overlap, Self::Norm, Self::Z, Self::Stem];

    /// The name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overlap => "overlap",
            Self::Norm => "norm",
            Self::Z => "z",
            Self::Stem => "stem",
        }
    }

    /// What the figure is, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Overlap => "share of words in both K and V",
            Self::Norm => "length of the value",
            Self::Z => "best score against the layer's, in standard deviations",
            Self::Stem => "share of words that look alike",
        }
    }
}

impl fmt::Display for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Interest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|by| by.name() == text);
        named.ok_or_else(|| format!("expected overlap, norm, z or stem, got {text}"))
    }
}

/// Asks for a layer's most interesting neurons. Of gated neurons K is the gate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RankQuery {
    pub layer: usize,
    pub by: Interest,
    /// How many neurons.
    pub count: usize,
    pub filters: Filters,
}

/// A layer's most interesting neurons, of all or of those looked at so far.
#[derive(Clone, Debug, PartialEq)]
pub struct RankAnswer {
    /// The most interesting first; ties go to the smaller number.
    pub neurons: Vec<Interesting>,
    /// Share of the layer that was looked at, 0 to 1.
    pub done: f32,
}

/// A neuron with what makes it interesting.
#[derive(Clone, Debug, PartialEq)]
pub struct Interesting {
    pub neuron: usize,
    pub figure: f32,
    /// The best tokens of K and V, the first few.
    pub key: Vec<u32>,
    pub value: Vec<u32>,
}

impl RankAnswer {
    /// What it holds beside itself, in bytes.
    pub fn heap_bytes(&self) -> usize {
        let of = |n: &Interesting| {
            size_of::<Interesting>() + size_of_val(&n.key[..]) + size_of_val(&n.value[..])
        };
        self.neurons.iter().map(of).sum()
    }
}
