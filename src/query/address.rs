//! Where one stands in a model: the bookmark, the title, the jump and the command-line argument.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::transformer::Form;

/// A place in a model, counted from 0: `L23`, `L23.N907`, `L3.E37`, `L3.E37.N120`, `L3.ES.N5`,
/// `L21.H7`, `L21.H7.VO`, `S4`, `S4.T7`; or `D120` in a dictionary beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// A layer as a whole.
    Layer { layer: usize },
    /// A feed-forward neuron. In a layer with experts they are counted through, those of the shared
    /// expert last: see [`ModelCard::named`](super::ModelCard::named) for its other name.
    Neuron { layer: usize, neuron: usize },
    /// An expert, or one of its neurons.
    Expert {
        layer: usize,
        /// `None` is the shared one.
        expert: Option<usize>,
        /// Counted within the expert.
        neuron: Option<usize>,
    },
    /// An attention head, or one of its two forms.
    Head {
        layer: usize,
        head: usize,
        form: Option<Form>,
    },
    /// A hidden state: 0 the embeddings, n what layer n − 1 leaves behind.
    State { state: usize },
    /// A hidden state of a text's token at a position.
    Token { state: usize, position: usize },
    /// A direction of a dictionary from a file.
    Direction { row: usize },
}

impl Address {
    /// The layer of the place; of a state the one that made it, and of the embeddings the first.
    pub fn layer(self) -> usize {
        match self {
            Self::Layer { layer }
            | Self::Neuron { layer, .. }
            | Self::Expert { layer, .. }
            | Self::Head { layer, .. } => layer,
            Self::State { state } | Self::Token { state, .. } => state.saturating_sub(1),
            Self::Direction { .. } => 0,
        }
    }

    /// The same place, of a head without its form.
    pub fn without_form(self) -> Self {
        match self {
            Self::Head { layer, head, .. } => Self::Head {
                layer,
                head,
                form: None,
            },
            Self::Layer { .. }
            | Self::Neuron { .. }
            | Self::Expert { .. }
            | Self::State { .. }
            | Self::Token { .. }
            | Self::Direction { .. } => self,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Layer { layer } => write!(f, "L{layer}"),
            Self::Direction { row } => write!(f, "D{row}"),
            Self::State { state } => write!(f, "S{state}"),
            Self::Token { state, position } => write!(f, "S{state}.T{position}"),
            Self::Neuron { layer, neuron } => write!(f, "L{layer}.N{neuron}"),
            Self::Expert {
                layer,
                expert,
                neuron,
            } => {
                match expert {
                    Some(expert) => write!(f, "L{layer}.E{expert}")?,
                    None => write!(f, "L{layer}.ES")?,
                }
                neuron.map_or(Ok(()), |neuron| write!(f, ".N{neuron}"))
            }
            Self::Head {
                layer,
                head,
                form: None,
            } => write!(f, "L{layer}.H{head}"),
            Self::Head {
                layer,
                head,
                form: Some(form),
            } => write!(f, "L{layer}.H{head}.{form}"),
        }
    }
}

/// What is wrong with an address that does not parse.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "`{0}` is not an address: expected L3, L3.N907, L3.E37.N120, L3.H7, L3.H7.VO, L3.H7.QK or S4"
)]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    /// Upper and lower case are the same.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let bad = || AddressError(text.chars().take(40).collect());
        let upper = text.trim().to_ascii_uppercase();
        let mut parts = upper.split('.');
        let number = |part: Option<&str>, letter: char| {
            let digits = part.and_then(|p| p.strip_prefix(letter))?;
            digits
                .bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| digits.parse().ok())?
        };
        let first = parts.next();
        let rest: Vec<&str> = parts.collect();
        if let Some(state) = number(first, 'S') {
            return match rest[..] {
                [] => Ok(Self::State { state }),
                [part] => Ok(Self::Token {
                    state,
                    position: number(Some(part), 'T').ok_or_else(bad)?,
                }),
                _ => Err(bad()),
            };
        }
        if let (Some(row), []) = (number(first, 'D'), &rest[..]) {
            return Ok(Self::Direction { row });
        }
        let layer = number(first, 'L').ok_or_else(bad)?;
        let expert = |part: &str| match part {
            "ES" => Some(None),
            part => number(Some(part), 'E').map(Some),
        };
        match rest[..] {
            [] => Ok(Self::Layer { layer }),
            [part] if part.starts_with('E') => Ok(Self::Expert {
                layer,
                expert: expert(part).ok_or_else(bad)?,
                neuron: None,
            }),
            [part, neuron] if part.starts_with('E') => Ok(Self::Expert {
                layer,
                expert: expert(part).ok_or_else(bad)?,
                neuron: Some(number(Some(neuron), 'N').ok_or_else(bad)?),
            }),
            [part] if part.starts_with('N') => Ok(Self::Neuron {
                layer,
                neuron: number(Some(part), 'N').ok_or_else(bad)?,
            }),
            [part] => Ok(Self::Head {
                layer,
                head: number(Some(part), 'H').ok_or_else(bad)?,
                form: None,
            }),
            [part, form] => Ok(Self::Head {
                layer,
                head: number(Some(part), 'H').ok_or_else(bad)?,
                form: Some(form.parse().map_err(|_| bad())?),
            }),
            _ => Err(bad()),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_parses() {
        for text in [
            "L0",
            "L23",
            "L23.N907",
            "L3.E37",
            "L3.E37.N120",
            "L3.ES.N5",
            "L21.H7",
            "L21.H7.VO",
            "L0.H0.QK",
            "S0",
            "S24",
            "D120",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert_eq!(
            "l3.n9".parse(),
            Ok(Address::Neuron {
                layer: 3,
                neuron: 9
            })
        );
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "",
            "L",
            "3",
            "L-1",
            "L+1",
            "L3.",
            "L3.X1",
            "L3.N",
            "L3.N1.VO",
            "L3.E",
            "L3.E1.H2",
            "L3.ET.N1",
            "L3.H1.XY",
            "L3.H1.VO.",
            "S",
            "S4.N1",
            "D4.N1",
            "D",
            "L99999999999999999999",
            "żona",
            "L3 N1",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
