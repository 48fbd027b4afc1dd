//! What is measured, and how a measure runs through the states.

use serde::Serialize;

/// A measure of the vectors of one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Mean cosine over all pairs of vectors, of all texts together.
    Anisotropy,
    /// Mean over texts of the mean cosine between a text's vectors and their mean.
    IntraSentence,
    /// Of the token: the mean of its vectors a text, then the mean cosine over pairs of texts.
    ContextSpecificity,
    /// Of the token: mean cosine over all pairs of its occurrences.
    SelfSimilarity,
    /// Of the token: largest share of its vectors' squared length in one direction, σ₁²/Σσ², as
    /// Ethayarajh (2019) defines the maximum explainable variance.
    MevUncentred,
    /// The same about their mean: the first principal component's share of the variance.
    MevCentred,
    /// The share of the variance that lies along the first direction of [`Self::MevUncentred`]:
    /// what scikit-learn's `TruncatedSVD` calls explained variance, and what the published
    /// figures of Ethayarajh's code hold.
    MevTruncated,
    /// The share of anisotropy that the three dimensions with the largest contribution bring
    /// (Timkey & van Schijndel 2021, arXiv 2109.04404).
    TopThree,
}

impl Measure {
    /// In the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::Anisotropy,
        Self::ContextSpecificity,
        Self::SelfSimilarity,
        Self::IntraSentence,
        Self::MevUncentred,
        Self::MevCentred,
        Self::MevTruncated,
        Self::TopThree,
    ];

    /// The name in JSON, CSV and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anisotropy => "anisotropy",
            Self::IntraSentence => "intra_sentence",
            Self::ContextSpecificity => "context_specificity",
            Self::SelfSimilarity => "self_similarity",
            Self::MevUncentred => "mev_uncentred",
            Self::MevCentred => "mev_centred",
            Self::MevTruncated => "mev_truncated",
            Self::TopThree => "top_three",
        }
    }

    /// What a person reads.
    pub fn title(self) -> &'static str {
        match self {
            Self::Anisotropy => "anisotropy",
            Self::IntraSentence => "intra-sentence similarity",
            Self::ContextSpecificity => "context specificity",
            Self::SelfSimilarity => "self-similarity",
            Self::MevUncentred => "max. explainable variance (uncentred)",
            Self::MevCentred => "max. explainable variance (centred)",
            Self::MevTruncated => "max. explainable variance (truncated SVD)",
            Self::TopThree => "share of the three largest dimensions",
        }
    }

    /// How its intervals come about, if it has any; both resample texts.
    pub fn method(self) -> Option<&'static str> {
        match self {
            Self::TopThree => None,
            Self::MevUncentred | Self::MevCentred | Self::MevTruncated => Some("jackknife"),
            _ => Some("bootstrap"),
        }
    }

    /// Whether it is about one token.
    pub fn of_token(self) -> bool {
        !matches!(
            self,
            Self::Anisotropy | Self::IntraSentence | Self::TopThree
        )
    }
}

/// A value, and its 95 % interval over texts where there is one: see [`Measure::method`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    pub value: f64,
    pub interval: Option<[f64; 2]>,
}

/// A measure at every state.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    pub measure: Measure,
    /// One a state; none where there is nothing to compare.
    pub raw: Vec<Option<Estimate>>,
    /// Less what vectors without any relation have: anisotropy, or, for explainable variance,
    /// that of all positions. (Ethayarajh draws a thousand of them; of few occurrences it stays
    /// high, since n vectors have 1/n in one direction whatever they are.) Empty for what has no
    /// such baseline.
    pub corrected: Vec<Option<Estimate>>,
    /// Why there is no number at all, or at some states.
    pub missing: Option<String>,
}
