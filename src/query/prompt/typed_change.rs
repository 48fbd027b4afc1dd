//! Changes as they are typed: the values of the options of `lexiscope prompt`.

use super::change::{Amount, Change, ChangeKind, Steering};
use super::unit::Unit;
use crate::query::Address;

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
