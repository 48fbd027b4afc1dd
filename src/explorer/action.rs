//! Everything a user can do, as plain values: no key, no terminal in it.

/// A pane of the explorer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pane {
    #[default]
    Neurons,
    Heads,
}

impl Pane {
    /// In the order of the tabs.
    pub const ALL: [Self; 2] = [Self::Neurons, Self::Heads];

    /// The name in the session file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Neurons => "neurons",
            Self::Heads => "heads",
        }
    }

    /// The tab's title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Neurons => "Neurons",
            Self::Heads => "Heads",
        }
    }
}

/// A step in the place at hand: neuron or head up and down, layer left and right, or the
/// selected row of a list on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Motion {
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    HalfUp,
    HalfDown,
    /// The first, or with a count the one of that number.
    First,
    /// The last, or with a count the one of that number.
    Last,
}

/// A filter that is on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Toggle {
    Ascii,
    Alnum,
    Same,
    Similar,
    Special,
    Positions,
    Contains,
    Words,
    Text,
}

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Move(Motion),
    /// The words on screen, a row at a time.
    ScrollUp,
    ScrollDown,
    Random,
    Back,
    Forward,
    NextPane,
    PreviousPane,
    Show(Pane),
    /// The column or list that is copied, exported and scrolled.
    NextColumn,
    PreviousColumn,
    /// From K and V to −K and −V and back.
    Negate,
    /// From the highest pairs to the lowest and back.
    SwapEnd,
    OpenFilters,
    /// Switches a filter; one that needs words asks for them.
    Toggle(Toggle),
    /// Asks for the text that tokens must contain, and applies it as it is typed.
    Find,
    ClearFilters,
    Mark,
    MarkLayer,
    MarkWithNote,
    OpenBookmarks,
    RemoveBookmark,
    EditNote,
    OpenHelp,
    OpenPalette,
    OpenModels,
    CopyList,
    CopyPane,
    CopyAddress,
    Export,
    Accept,
    Cancel,
    Redraw,
    Suspend,
    Quit,
}
