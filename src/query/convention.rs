//! How weights become words: raw, as in Dar et al. 2022 (arXiv 2209.02535), or with some of what
//! lies between a weight and a word taken into account.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ModelCard;
use crate::checkpoint::{NormPlacement, OutputEmbedding, QkNormScope};

/// Why the convention `lens` is not offered.
pub(super) const NO_LENS: &str = "no fitted lens was given (--lens FILE)";

/// A departure from the raw reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Switch {
    /// Norms' gains are folded in: of the norm before a map into what it reads, of the last norm
    /// into what is written; with LayerNorm the mean over d_model is taken out too. How long a
    /// token's embedding is, by which the norm divides, is left out.
    Gain,
    /// What is read is read of `norm(E[t])`, the norm's gain, bias and each token's own scale in it,
    /// and for QK the norms of queries and keys, where there are any, too. What is written is as
    /// with [`Self::Gain`].
    Norms,
    /// Embeddings count less their mean over the vocabulary.
    Centred,
    /// Embeddings count at length 1, and so does a neuron's vector.
    Cosine,
    /// What is read is projected with the pseudo-inverse of the embedding, not its transpose.
    Inverse,
    /// Biases are added: a neuron's to the scores of its key, a head's to its two factors; with
    /// [`Self::Gain`] the norm's bias too, and each token counts at its norm's scale, against
    /// which a bias is weighed.
    Biases,
    /// Both sides are projected on the input embedding.
    Input,
    /// Both sides are projected on the output embedding.
    Output,
    /// What is written is carried to the last layer by a fitted Jacobian lens, and goes through the
    /// norms on its way: E·(γ⊙J_l·v).
    Lens,
}

impl Switch {
    /// In the order in which they are named.
    pub const ALL: [Self; 9] = [
        Self::Gain,
        Self::Norms,
        Self::Centred,
        Self::Cosine,
        Self::Inverse,
        Self::Biases,
        Self::Input,
        Self::Output,
        Self::Lens,
    ];

    /// The name on the command line, on screen and in exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gain => "gain",
            Self::Norms => "norms",
            Self::Centred => "centred",
            Self::Cosine => "cosine",
            Self::Inverse => "inverse",
            Self::Biases => "biases",
            Self::Input => "input",
            Self::Output => "output",
            Self::Lens => "lens",
        }
    }

    /// What it does, in a line.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Gain => "norms' gains folded in",
            Self::Norms => "what is read is exactly norm(E[t])·k",
            Self::Centred => "embeddings less their mean",
            Self::Cosine => "embeddings and vectors at length 1",
            Self::Inverse => "pseudo-inverse where something is read",
            Self::Biases => "biases added; with gain each token's scale too",
            Self::Input => "both sides with the input embedding",
            Self::Output => "both sides with the output embedding",
            Self::Lens => "what is written, carried to the last layer by a fitted lens",
        }
    }

    /// Those with which it makes no sense, and why.
    fn excludes(self) -> &'static [(Self, &'static str)] {
        const NO_COORDINATES: &str = "a bias has no coordinates over the vocabulary";
        const ONE: &str = "both sides can have one embedding only";
        const HAS_GAINS: &str = "norms has the gains in it";
        const ONE_SCALE: &str = "a token has one scale: its norm's, or length 1";
        const NO_SCALE: &str = "the inverse is of rows without a scale of their own";
        match self {
            Self::Gain => &[(Self::Norms, HAS_GAINS)],
            Self::Norms => &[
                (Self::Gain, HAS_GAINS),
                (Self::Cosine, ONE_SCALE),
                (Self::Inverse, NO_SCALE),
            ],
            Self::Cosine => &[(Self::Norms, ONE_SCALE)],
            Self::Inverse => &[(Self::Biases, NO_COORDINATES), (Self::Norms, NO_SCALE)],
            Self::Biases => &[(Self::Inverse, NO_COORDINATES)],
            Self::Input => &[(Self::Output, ONE)],
            Self::Output => &[(Self::Input, ONE)],
            Self::Centred | Self::Lens => &[],
        }
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of switches that go together; none is the raw reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Convention(u16);

impl Convention {
    /// Parameters as they are, and E's transpose in the place of its inverse.
    pub const RAW: Self = Self(0);

    /// Whether a switch is on.
    pub fn has(self, switch: Switch) -> bool {
        self.0 & switch.bit() != 0
    }

    /// Whether it is raw.
    pub fn is_raw(self) -> bool {
        self == Self::RAW
    }

    /// The switches that are on.
    pub fn switches(self) -> impl Iterator<Item = Switch> {
        let on = move |switch: &Switch| self.has(*switch);
        Switch::ALL.into_iter().filter(on)
    }

    /// What its switches do together, a sentence each.
    pub fn meanings(self) -> Vec<&'static str> {
        let tokens = match (self.has(Switch::Gain), self.has(Switch::Cosine)) {
            (true, false) if self.scales_tokens() => {
                Some("each token counts at the scale that its norm gives it")
            }
            (true, false) => Some("tokens keep their lengths"),
            _ => None,
        };
        let meaning = |switch: Switch| match switch {
            Switch::Biases => "biases added",
            switch => switch.meaning(),
        };
        self.switches().map(meaning).chain(tokens).collect()
    }

    /// Whether norms' gains are folded into what is read and written.
    pub fn folds_gains(self) -> bool {
        self.has(Switch::Gain) || self.has(Switch::Norms)
    }

    /// Whether norms' gains are folded into what is written.
    pub fn folds_written(self) -> bool {
        self.folds_gains() || self.has(Switch::Lens)
    }

    /// Whether each token counts at the scale that the norm before a map gives it: with `norms`,
    /// and with `gain+biases`, as a bias is weighed against a score that has it. With `cosine`
    /// tokens are all of one length instead.
    pub fn scales_tokens(self) -> bool {
        let biased = self.has(Switch::Gain) && self.has(Switch::Biases);
        (self.has(Switch::Norms) || biased) && !self.has(Switch::Cosine)
    }

    /// Whether something is added to scores: by maps that have biases, or by norms that have.
    pub fn adds(self) -> bool {
        self.has(Switch::Biases) || self.has(Switch::Norms)
    }

    /// With one switch the other way; those that do not go with it go off.
    #[must_use]
    pub fn flipped(self, switch: Switch) -> Self {
        let others = switch.excludes().iter().map(|(other, _)| other.bit());
        let flipped = self.0 ^ switch.bit();
        if flipped & switch.bit() == 0 {
            return Self(flipped);
        }
        Self(others.fold(flipped, |all, other| all & !other))
    }

    /// What of it a model offers.
    #[must_use]
    pub fn offered(self, card: &ModelCard) -> Self {
        let on = self.switches().filter(|s| card.offers(*s).is_ok());
        Self(on.fold(0, |all, switch| all | switch.bit()))
    }

    /// Its name: `raw`, or its switches: `gain+cosine`.
    pub fn name(self) -> String {
        if self.is_raw() {
            return "raw".to_owned();
        }
        let names: Vec<&str> = self.switches().map(Switch::name).collect();
        names.join("+")
    }
}

impl fmt::Display for Convention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl FromStr for Convention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut found = Self::RAW;
        if text.trim() == "raw" {
            return Ok(found);
        }
        for name in text.split(['+', ',']).map(str::trim) {
            let named = Switch::ALL.into_iter().find(|s| s.name() == name);
            let Some(switch) = named else {
                let all = Switch::ALL.map(Switch::name).join(", ");
                return Err(format!("expected raw alone, or some of {all}, got {name}"));
            };
            let clash = switch
                .excludes()
                .iter()
                .find(|(other, _)| found.has(*other));
            if let Some((other, why)) = clash {
                return Err(format!("{switch} and {other} do not go together: {why}"));
            }
            found.0 |= switch.bit();
        }
        Ok(found)
    }
}

impl From<Convention> for String {
    fn from(convention: Convention) -> Self {
        convention.name()
    }
}

impl TryFrom<String> for Convention {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl ModelCard {
    /// Whether a switch is right for this model.
    ///
    /// # Errors
    /// It is not: why.
    pub fn offers(&self, switch: Switch) -> Result<(), &'static str> {
        match switch {
            Switch::Gain | Switch::Norms if self.spec.norm == NormPlacement::Post => {
                Err("its norms come after each sum, so what is read has been through them already")
            }
            Switch::Gain | Switch::Norms if self.family.forward.is_none() => {
                Err("its norms are not known here")
            }
            Switch::Gain | Switch::Norms if self.family.two_stacks.is_some() => {
                Err("its decoder reads the encoder through another norm than its own states")
            }
            Switch::Norms
                if self.spec.qk_norm && self.family.qk_norm_scope == QkNormScope::AllHeads =>
            {
                Err(
                    "its norms of queries and keys divide all heads of a layer together, which no \
                     list of one head has; take gain",
                )
            }
            Switch::Norms if self.family.head_keys.is_some() => Err(
                "it divides each token's values by their own length, which no VO list has; take gain",
            ),
            Switch::Gain | Switch::Norms
                if self.family.head_keys.is_some() && self.spec.first_experts().is_some() =>
            {
                Err("its experts and the neurons beside them are behind norms of their own")
            }
            Switch::Biases if self.against.is_some() => Err("differences are of the weights alone"),
            Switch::Norms if self.against.is_some() && self.spec.qk_norm => {
                Err("what norms make of queries and keys is no sum of two models' parts")
            }
            Switch::Biases if !self.biased => Err("its neurons and heads have no biases"),
            Switch::Inverse if self.spec.embedding_width < self.spec.d_model => {
                Err("its embedding is narrower than its layers and does not reach every direction")
            }
            Switch::Output if self.spec.output == OutputEmbedding::Missing => {
                Err("the file has no output embedding")
            }
            Switch::Input | Switch::Output if self.spec.tied => {
                Err("its input and output embedding are one")
            }
            Switch::Lens if self.lens.is_none() => Err(NO_LENS),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let all = [
            "raw",
            "gain",
            "norms+biases",
            "gain+cosine",
            "centred+inverse+output",
        ];
        for name in all {
            assert_eq!(name.parse::<Convention>().unwrap().to_string(), name);
        }
        let listed: Convention = "cosine, gain".parse().unwrap();
        assert_eq!(listed.name(), "gain+cosine");
        for (name, got) in [("gain+folded", "folded"), ("raw+gain", "raw")] {
            let error = name.parse::<Convention>().unwrap_err();
            let expected = "expected raw alone, or some of gain, norms, centred, cosine, inverse, biases, \
                            input, output, lens, got";
            assert_eq!(error, format!("{expected} {got}"));
        }
    }

    #[test]
    fn what_is_said_of_lengths_holds_of_all_switches_together() {
        let said = |name: &str| name.parse::<Convention>().unwrap().meanings().join("; ");
        assert!(said("gain").contains("keep their lengths"));
        assert!(said("gain+centred").contains("keep their lengths"));
        for other in ["gain+cosine", "gain+cosine+biases", "cosine", "norms"] {
            let said = said(other);
            assert!(
                !said.contains("keep their") && !said.contains("scale"),
                "{said}"
            );
        }
        let biased = said("gain+biases");
        assert!(
            biased.contains("scale") && !biased.contains("keep their"),
            "{biased}"
        );
        assert_eq!(said("raw"), "");
    }

    #[test]
    fn what_does_not_go_together_is_refused_or_gives_way() {
        let error = "biases+inverse".parse::<Convention>().unwrap_err();
        assert!(error.starts_with("inverse and biases do not go"), "{error}");
        let biases = Convention::RAW
            .flipped(Switch::Biases)
            .flipped(Switch::Gain);
        assert_eq!(biases.flipped(Switch::Inverse).name(), "gain+inverse");
        assert_eq!(biases.flipped(Switch::Biases).name(), "gain");
        assert!(
            biases
                .flipped(Switch::Gain)
                .flipped(Switch::Biases)
                .is_raw()
        );
    }
}
