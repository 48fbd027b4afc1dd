//! What is asked about which text, and how its grid is shaded: as the Prompt pane has it, and as marks
//! and the session keep it.

use crate::query::{Change, LensCell, ModelCard};

/// What the cells of the grid are shaded by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CellShade {
    #[default]
    Probability,
    Rank,
    Entropy,
    Divergence,
    Length,
}

impl CellShade {
    /// In the order in which a key goes through them.
    pub const ALL: [Self; 5] = [
        Self::Probability,
        Self::Rank,
        Self::Entropy,
        Self::Divergence,
        Self::Length,
    ];

    /// Its name, in options and on screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Probability => "probability",
            Self::Rank => "rank",
            Self::Entropy => "entropy",
            Self::Divergence => "kl",
            Self::Length => "length",
        }
    }

    /// What it is.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Probability => "the best word's probability",
            Self::Rank => "how high the target ranks; it has to be asked for (t)",
            Self::Entropy => "how sure the state is: the darker, the less entropy",
            Self::Divergence => {
                "how near the state's words are to those of the last state: the darker, the less KL"
            }
            Self::Length => "the length of the state, against the longest of the grid",
        }
    }

    /// The next one.
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|shade| *shade == self);
        Self::ALL[(at.unwrap_or(0) + 1) % Self::ALL.len()]
    }

    /// A cell's shade, 0 to 1; `longest`: the length of the longest state.
    pub fn share(self, cell: &LensCell, card: &ModelCard, longest: f32) -> f32 {
        let most = (card.spec.vocab as f32).ln();
        match self {
            Self::Probability => cell.best.first().map_or(0.0, |best| best.probability),
            Self::Rank => cell
                .target_rank
                .map_or(0.0, |rank| 1.0 - (rank as f32).ln() / most),
            Self::Entropy => 1.0 - cell.entropy / most,
            Self::Divergence => 1.0 / (1.0 + cell.divergence),
            Self::Length => cell.norm / longest.max(f32::MIN_POSITIVE),
        }
    }
}

/// A change in the list, on or off.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedChange {
    pub change: Change,
    pub on: bool,
}

/// How the text goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoesOn {
    pub tokens: usize,
    /// The draws' seed, at temperature 1; `None`: the best token each time.
    pub seed: Option<u64>,
}

/// Tokens by which a text goes on.
const GOES_ON: usize = 20;
/// And no more.
const GOES_ON_MAX: usize = 200;

impl GoesOn {
    /// By so many tokens, drawn by a seed or the best ones.
    pub fn new(tokens: Option<usize>, seed: Option<u64>) -> Self {
        Self {
            tokens: tokens.unwrap_or(GOES_ON).clamp(1, GOES_ON_MAX),
            seed,
        }
    }
}

/// Where a command line puts one: at the last state, and at this position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandPlace {
    /// The one that is looked at where none is asked for.
    Own,
    At(usize),
}

/// What is asked about which text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PromptSettings {
    pub text: String,
    /// Whether special tokens that are typed in the text are read as such.
    pub special: bool,
    /// Whether the text is a user's message in the chat template.
    pub chat: bool,
    pub target: Option<String>,
    pub against: Option<String>,
    pub changes: Vec<ListedChange>,
    pub shade: CellShade,
    pub goes_on: Option<GoesOn>,
    /// Whether the grid is that after the changes.
    pub after: bool,
    /// Of what was typed as a command line, until one is there.
    pub command: Option<CommandPlace>,
}
