//! Changes of a model while it runs: parts switched off, scaled or set, directions added.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::str::FromStr;

use crate::checkpoint::{NeuronBlock, Spec};
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

/// A neuron or a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    Neuron {
        layer: usize,
        neuron: usize,
    },
    /// A neuron by its number in an expert.
    OfExpert {
        layer: usize,
        /// `None` is the shared one.
        expert: Option<usize>,
        neuron: usize,
    },
    Head {
        layer: usize,
        head: usize,
    },
}

impl Unit {
    /// Its layer.
    pub fn layer(self) -> usize {
        match self {
            Self::Neuron { layer, .. }
            | Self::OfExpert { layer, .. }
            | Self::Head { layer, .. } => layer,
        }
    }

    /// Its address.
    pub fn address(self) -> Address {
        match self {
            Self::Neuron { layer, neuron } => Address::Neuron { layer, neuron },
            Self::OfExpert {
                layer,
                expert,
                neuron,
            } => Address::Expert {
                layer,
                expert,
                neuron: Some(neuron),
            },
            Self::Head { layer, head } => Address::Head {
                layer,
                head,
                form: None,
            },
        }
    }

    /// Its numbers among those of its layer: activations of all neurons, or what all heads read.
    pub(super) fn columns(self, spec: &Spec) -> Range<usize> {
        match self {
            Self::Neuron { neuron, .. } => neuron..neuron + 1,
            Self::OfExpert {
                layer,
                expert,
                neuron,
            } => {
                let block = expert.map_or(NeuronBlock::Shared, NeuronBlock::Expert);
                let sizes = spec.experts(layer);
                let at = sizes.map_or(0, |sizes| sizes.first(block)) + neuron;
                at..at + 1
            }
            Self::Head { layer, head } => {
                let d_head = spec.head_sizes(layer).d_head;
                head * d_head..(head + 1) * d_head
            }
        }
    }

    /// The same under the name that tells its expert, where it has one.
    fn named(self, card: &ModelCard) -> Self {
        Self::try_from(card.named(self.address())).unwrap_or(self)
    }
}

impl TryFrom<Address> for Unit {
    type Error = Address;

    fn try_from(address: Address) -> Result<Self, Address> {
        match address {
            Address::Neuron { layer, neuron } => Ok(Self::Neuron { layer, neuron }),
            Address::Head { layer, head, .. } => Ok(Self::Head { layer, head }),
            Address::Expert {
                layer,
                expert,
                neuron: Some(neuron),
            } => Ok(Self::OfExpert {
                layer,
                expert,
                neuron,
            }),
            Address::Layer { .. }
            | Address::Expert { neuron: None, .. }
            | Address::State { .. }
            | Address::Token { .. }
            | Address::Direction { .. } => Err(address),
        }
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

/// What of a change's value stands before its position: `L3.N7=mean@5` → `L3.N7=mean`, 5.
fn parted(text: &str) -> Result<(&str, Option<usize>), String> {
    // A word may hold an @ of its own.
    let Some((before, position)) = text.rsplit_once('@') else {
        return Ok((text, None));
    };
    if before.is_empty() || !position.bytes().all(|b| b.is_ascii_digit()) || position.is_empty() {
        return match position.contains('=') {
            true => Ok((text, None)),
            false => Err(format!("expected a position after @, got {position:?}")),
        };
    }
    let position = position.parse().map_err(|_| "no such position".to_owned());
    Ok((before, Some(position?)))
}

fn unit(text: &str) -> Result<Unit, String> {
    let address: Address = text
        .parse()
        .map_err(|e: crate::query::AddressError| e.to_string())?;
    let wrong =
        |_| format!("expected a neuron (L3.N907, L3.E37.N120) or a head (L3.H7), got {text}");
    Unit::try_from(address).map_err(wrong)
}

fn valued(text: &str) -> Result<(&str, Amount), String> {
    let (of, number) = text
        .rsplit_once('=')
        .ok_or_else(|| format!("expected a place and a number (L3.N907=2), got {text}"))?;
    Ok((of, number.parse()?))
}

impl Change {
    /// A unit switched off at all positions.
    pub fn ablated(unit: Unit) -> Self {
        Self {
            kind: ChangeKind::Ablate(unit),
            position: None,
        }
    }

    /// A change as its option and value are typed: `ablate L3.N907`, `--steer L7:word=5`.
    ///
    /// # Errors
    /// What is no change.
    pub fn typed(text: &str) -> Result<Self, String> {
        let text = text.trim().trim_start_matches('-');
        let (name, value) = text.split_once(' ').unwrap_or((text, ""));
        let value = value.trim();
        match name {
            "ablate" => Self::ablate(value),
            "scale" => Self::scale(value),
            "set" => Self::set(value),
            "steer" => Self::steer(value),
            _ => Err(format!(
                "expected ablate, scale, set or steer with its value (ablate L3.N907), got {text:?}"
            )),
        }
    }

    /// `L3.N907`, `L3.H7=mean`, `L3.N907@5`.
    ///
    /// # Errors
    /// What is none of these.
    pub fn ablate(text: &str) -> Result<Self, String> {
        let (of, position) = parted(text)?;
        let kind = match of.split_once('=') {
            None => ChangeKind::Ablate(unit(of)?),
            Some((of, "mean")) => ChangeKind::AblateToMean(unit(of)?),
            Some((_, other)) => return Err(format!("expected =mean or nothing, got ={other}")),
        };
        Ok(Self { kind, position })
    }

    /// `L3.N907=2`, `L3.H7=0.5@5`.
    ///
    /// # Errors
    /// As [`Self::ablate`].
    pub fn scale(text: &str) -> Result<Self, String> {
        let (of, position) = parted(text)?;
        let (of, by) = valued(of)?;
        let kind = ChangeKind::Scale(unit(of)?, by);
        Ok(Self { kind, position })
    }

    /// `L3.N907=2.5@5`: neurons only.
    ///
    /// # Errors
    /// As [`Self::ablate`].
    pub fn set(text: &str) -> Result<Self, String> {
        let (of, position) = parted(text)?;
        let (of, to) = valued(of)?;
        match unit(of)? {
            neuron @ (Unit::Neuron { .. } | Unit::OfExpert { .. }) => Ok(Self {
                kind: ChangeKind::Set { neuron, to },
                position,
            }),
            Unit::Head { .. } => Err(format!(
                "expected a neuron (L3.N907), got {of}: what a head reads is a vector, scale or ablate it"
            )),
        }
    }

    /// `L7:word=5`, `L7:id:91769=5`, `L7:L3.N907=-2@5`.
    ///
    /// # Errors
    /// As [`Self::ablate`].
    pub fn steer(text: &str) -> Result<Self, String> {
        let (of, position) = parted(text)?;
        let (of, by) = valued(of)?;
        let wrong = || format!("expected a layer and a word or neuron (L7:word=5), got {text}");
        let (layer, along) = of.split_once(':').ok_or_else(wrong)?;
        let Ok(Address::Layer { layer }) = layer.parse() else {
            return Err(wrong());
        };
        if along.trim().is_empty() {
            return Err(wrong());
        }
        let along = match along.parse::<Address>().map(Unit::try_from) {
            Ok(Ok(unit @ (Unit::Neuron { .. } | Unit::OfExpert { .. }))) => Steering::Neuron(unit),
            _ => match along.strip_prefix("id:").map(str::parse) {
                Some(Ok(id)) => Steering::Token(id),
                _ => Steering::Word(along.to_owned()),
            },
        };
        Ok(Self {
            kind: ChangeKind::Steer { layer, along, by },
            position,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_written_as_it_is_read() {
        type Parse = fn(&str) -> Result<Change, String>;
        let read: [(Parse, &str, &str); 13] = [
            (Change::ablate, "--ablate", "L3.N907"),
            (Change::ablate, "--ablate", "L3.H7=mean@5"),
            (Change::scale, "--scale", "L3.N907=-2@0"),
            (Change::scale, "--scale", "L1.H2=0.5"),
            (Change::set, "--set", "L0.N36=3.5@3"),
            (Change::ablate, "--ablate", "L3.E37.N120=mean"),
            (Change::scale, "--scale", "L3.ES.N5=2@1"),
            (Change::set, "--set", "L3.E0.N120=1.5"),
            (Change::steer, "--steer", "L7:L3.ES.N5=2@1"),
            (Change::steer, "--steer", "L7:dom=5@2"),
            (Change::steer, "--steer", "L7:L3.N9=-1.25"),
            (Change::steer, "--steer", "L7:id:12=5"),
            (Change::steer, "--steer", "L7:a=b@c=5"),
        ];
        for (parse, name, value) in read {
            assert_eq!(parse(value).unwrap().option(), (name, value.to_owned()));
        }
    }

    #[test]
    fn what_is_no_change_is_refused() {
        for wrong in ["L3", "L3.E7", "L3.N7=median", "L3.N7@", "L3.N7@x", "N7", ""] {
            assert!(Change::ablate(wrong).is_err(), "{wrong}");
        }
        for wrong in ["L3.N7", "L3.N7=", "L3.N7=nan", "L3.N7=inf", "L3=1"] {
            assert!(Change::scale(wrong).is_err(), "{wrong}");
        }
        assert!(Change::set("L3.H7=1").unwrap_err().contains("vector"));
        for wrong in ["L7=5", "L7:=5", "H7:dom=5", "L7:dom"] {
            assert!(Change::steer(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_identity_is_known() {
        assert!(Change::scale("L0.N1=1").unwrap().is_identity());
        assert!(Change::steer("L0:a=-0").unwrap().is_identity());
        assert!(!Change::ablate("L0.N1").unwrap().is_identity());
    }
}
