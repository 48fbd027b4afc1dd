//! Where a family's configuration says how positions are told apart: learned positions, RoPE, ALiBi,
//! windows.

/// Learned positions.
#[derive(Clone, Copy, Debug)]
pub struct LearnedPositions {
    /// `[rows, d_model]`, below the model's prefix.
    pub name: &'static str,
    /// The row of a text's first token; those before it are for padding.
    pub first: usize,
    /// Whether the configuration counts the rows before it too, and the first one follows that of
    /// the padding token's id (`pad_token_id`).
    pub counted: bool,
}

/// Which two dimensions of a head a pair of RoPE is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RopeLayout {
    /// i and i + n/2 of the n that rotate (GPT-NeoX, Llama).
    Halves,
    /// 2i and 2i + 1 (GPT-J).
    Neighbours,
}

/// Which layers rotate queries and keys; the others have no positions of their own (NoPE, Kazemnejad
/// et al. 2023, arXiv 2305.19466).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RopeLayers {
    All,
    /// Those that look through a window (Cohere 2).
    Windowed,
    /// Those that look through a window, or all in a model whose configuration has no window
    /// (EXAONE 4).
    WindowedIfAny,
    /// Those with 1 in the list; without one all but each of this many (SmolLM3).
    Listed {
        list: &'static str,
        but_every: &'static str,
    },
}

/// Configuration keys of rotary positions (RoPE), in `config.json` itself or in its
/// `rope_parameters`.
#[derive(Clone, Copy, Debug)]
pub struct RopeKeys {
    pub layout: RopeLayout,
    pub theta: &'static [&'static str],
    /// θ of the layers that look through a window, where it is another.
    pub local_theta: &'static [&'static str],
    /// Whether `rope_scaling` is about those layers too.
    pub scales_local: bool,
    /// The fraction of a head's dimensions that rotates; all of them if it is absent.
    pub share: &'static [&'static str],
    /// How many of them rotate.
    pub dims: &'static [&'static str],
    /// With this flag set there are none.
    pub unless: Option<&'static str>,
    /// Only if this key has this word.
    pub only_if: Option<[&'static str; 2]>,
    pub layers: RopeLayers,
}

/// Scores fall linearly with the distance (Press et al. 2021, arXiv 2108.12409).
#[derive(Clone, Copy, Debug)]
pub struct Alibi {
    /// Only with this flag set; `None` is always.
    pub only_if: Option<&'static str>,
    /// Added before scores are scaled, and in bfloat16, as Falcon does.
    pub before_scale: bool,
}

/// Which layers look through a window.
#[derive(Clone, Copy, Debug)]
pub enum Local {
    All,
    /// All, unless a list says which (Ministral).
    AllButListed,
    /// As `AllBut` without a shift; the key states a window on both sides, of which the half that
    /// lies behind is the window (ModernBERT's decoder).
    AllButHalved {
        every: &'static str,
    },
    /// Layer i (from 0) sees everything if `i + shift` is a multiple of what this key says.
    AllBut {
        every: &'static str,
        shift: usize,
    },
    /// Those from this key's number on, if a flag is set.
    From {
        first: &'static str,
        only_if: &'static str,
    },
    /// Those that are called `local`, in a list or in a list of repeated patterns.
    Listed {
        list: &'static str,
        patterns: &'static str,
    },
}

/// Layers that see only what is near. `layer_types`, where it is there, says which.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// How many positions a window has; null or absent means that there is none.
    pub size: &'static str,
    pub layers: Local,
}
