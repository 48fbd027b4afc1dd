//! Changes of a model while it runs: parts switched off, scaled or set, directions added.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::unit::Unit;
use crate::query::{Address, ModelCard};

/// A number that is a part of a query's identity: finite, equal by its bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Amount(f32);

impl Amount {
    /// A finite number.
    pub fn new(number: f32) -> Option<Self> {
        // −0 is 0.
        number.is_finite().then_some(Self(number + 0.0))
    }

    /// The number.
    pub fn get(self) -> f32 {
        self.0
    }
}

impl PartialEq for Amount {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Amount {}

impl Hash for Amount {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim().parse().ok().and_then(Self::new);
        number.ok_or_else(|| format!("expected a number, got {text:?}"))
    }
}

/// What is added to the residual stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Steering {
    /// The output embedding of a word's first token.
    Word(String),
    /// … or of a token by its id.
    Token(u32),
    /// A neuron's value.
    Neuron(Unit),
}

/// What is done to a part of the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// A neuron's activation, or what a head reads, becomes 0.
    Ablate(Unit),
    /// … becomes its mean over the positions of the text.
    AblateToMean(Unit),
    /// … is multiplied.
    Scale(Unit, Amount),
    /// A neuron's activation becomes this number.
    Set { neuron: Unit, to: Amount },
    /// After a layer, so many times the unit direction is added to the residual stream.
    Steer {
        layer: usize,
        along: Steering,
        by: Amount,
    },
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Change {
    pub kind: ChangeKind,
    /// At this position alone; at all if there is none.
    pub position: Option<usize>,
}

impl Change {
    /// The layer from which on the run differs.
    pub fn layer(&self) -> usize {
        match &self.kind {
            ChangeKind::Ablate(unit)
            | ChangeKind::AblateToMean(unit)
            | ChangeKind::Scale(unit, _)
            | ChangeKind::Set { neuron: unit, .. } => unit.layer(),
            ChangeKind::Steer { layer, .. } => *layer,
        }
    }

    /// The places that it names.
    pub fn addresses(&self) -> Vec<Address> {
        match &self.kind {
            ChangeKind::Ablate(unit)
            | ChangeKind::AblateToMean(unit)
            | ChangeKind::Scale(unit, _)
            | ChangeKind::Set { neuron: unit, .. } => {
                vec![unit.address()]
            }
            ChangeKind::Steer { layer, along, .. } => {
                let layer = Address::Layer { layer: *layer };
                let neuron = match *along {
                    Steering::Word(_) | Steering::Token(_) => None,
                    Steering::Neuron(unit) => Some(unit.address()),
                };
                std::iter::once(layer).chain(neuron).collect()
            }
        }
    }

    /// Whether it leaves everything as it is, by what it says.
    pub fn is_identity(&self) -> bool {
        match &self.kind {
            ChangeKind::Scale(_, by) => by.get() == 1.0,
            ChangeKind::Steer { by, .. } => by.get() == 0.0,
            ChangeKind::Ablate(_) | ChangeKind::AblateToMean(_) | ChangeKind::Set { .. } => false,
        }
    }

    /// The same, with the neurons of experts under the names that tell these.
    pub fn named(&self, card: &ModelCard) -> Self {
        let mut named = self.clone();
        match &mut named.kind {
            ChangeKind::Ablate(unit)
            | ChangeKind::AblateToMean(unit)
            | ChangeKind::Scale(unit, _)
            | ChangeKind::Set { neuron: unit, .. }
            | ChangeKind::Steer {
                along: Steering::Neuron(unit),
                ..
            } => *unit = unit.named(card),
            ChangeKind::Steer {
                along: Steering::Word(_) | Steering::Token(_),
                ..
            } => {}
        }
        named
    }

    /// The option of the command line and its value: `--ablate`, `L3.N7=mean@5`.
    pub fn option(&self) -> (&'static str, String) {
        let (name, value) = match &self.kind {
            ChangeKind::Ablate(unit) => ("--ablate", unit.address().to_string()),
            ChangeKind::AblateToMean(unit) => ("--ablate", format!("{}=mean", unit.address())),
            ChangeKind::Scale(unit, by) => ("--scale", format!("{}={by}", unit.address())),
            ChangeKind::Set { neuron, to } => ("--set", format!("{}={to}", neuron.address())),
            ChangeKind::Steer { layer, along, by } => {
                let along = match along {
                    Steering::Word(word) => word.clone(),
                    Steering::Token(id) => format!("id:{id}"),
                    Steering::Neuron(unit) => unit.address().to_string(),
                };
                ("--steer", format!("L{layer}:{along}={by}"))
            }
        };
        let at = self.position.map(|position| format!("@{position}"));
        (name, value + &at.unwrap_or_default())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, value) = self.option();
        write!(f, "{name} {value}")
    }
}
