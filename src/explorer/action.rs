//! Everything a user can do, as plain values: no key, no terminal in it.

use crate::geometry::Measure;
use crate::query::Switch;

/// A view that fills the screen. What each is stands in the registry, `views::tab`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TabId {
    #[default]
    Neurons,
    Heads,
    Geometry,
    Prompt,
    /// Directions from a file; there while one is open.
    Dictionary,
}

/// A view that lies on top. What each is stands in the registry, `views::view`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ViewId {
    Filters,
    Conventions,
    Bookmarks,
    Find,
    Ranking,
    HeadMap,
    Measures,
    Contexts,
    Links,
    Changes,
    Routers,
    Models,
    Download,
    Palette,
    Legend,
    Guide,
    Line,
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
    Undertrained,
    Positions,
    Contains,
    Words,
    Text,
}

/// What the Geometry pane shows, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chart {
    /// Of a token's measure that is shown already: asks for another token.
    Show(Measure),
    /// The next of the three definitions of explained variance.
    Variance,
    Corrected,
    /// State numbers or relative depth.
    Depth,
    /// Linear or logarithmic values.
    Log,
    SkipFirst,
    SkipSpecial,
    /// With a count, that many of the dominant dimensions are left out.
    Dominant,
    /// How the pieces of a word become one vector.
    Subwords,
    /// From the chart to the map of the token's occurrences and back.
    Points,
    AskToken,
    AskTexts,
    AddModel,
    RemoveModel,
    /// Measures after it was stopped.
    Again,
}

/// What can be done in a page of the guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GuideStep {
    NextPage,
    PreviousPage,
    /// Asks for a text that is looked for in the page.
    Search,
    NextMatch,
    PreviousMatch,
    NextLink,
    PreviousLink,
    /// Goes where the selected link leads.
    Follow,
    /// Back to the page that the last link led away from.
    Return,
}

/// What is done in the Prompt pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PromptCommand {
    /// Asks for the text.
    Text,
    /// … for the word that is explained.
    Target,
    /// … for the word that it is held against.
    Against,
    /// … for a change.
    Change,
    /// What the cells are shaded by.
    Shade,
    /// The attention of the head in hand as a picture, or the grid of states.
    Attention,
    /// Whether special tokens typed in the text are read as such.
    Special,
    /// Whether the text is put into the chat template.
    Chat,
    /// The neuron or head in hand in its own pane.
    Open,
    /// Switches it off, or on again.
    Ablate,
    /// A change of the list, by its number in it, on or off.
    Listed(usize),
    /// Changes on or off: with a count the one of that number, else all.
    Switch,
    /// Takes a change out of the list.
    Remove,
    /// The grid before the changes, or after them.
    Compare,
    /// Lets the text go on with the best token each time, or no more; a count: so many tokens.
    Continue,
    /// … with tokens drawn anew.
    Draw,
}

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Move(Motion),
    /// The cursor in the words: to another row, or to the list or side of a pair beside it.
    Word(Motion),
    /// Where else the word under the cursor stands.
    LookUp,
    Random,
    Back,
    Forward,
    /// To the model before, at the same place, and back.
    Flip,
    NextPane,
    PreviousPane,
    Show(TabId),
    /// The column or list that is copied, exported and scrolled.
    NextColumn,
    PreviousColumn,
    /// From K and V to −K and −V and back.
    Negate,
    /// From one input of a gated neuron to the other, as its key.
    SwapInput,
    /// From the highest pairs to the lowest and back.
    SwapEnd,
    /// The key of QK nearer to the query, or farther behind it.
    Nearer,
    Farther,
    /// From a head's pairs to its singular directions and back, or from a neuron's words to those of
    /// its layer.
    Directions,
    /// From a neuron's words to the map of the column in focus and back.
    MapColumn,
    /// What the strip of layers shows, or the grid of heads.
    NextStrip,
    Chart(Chart),
    Prompt(PromptCommand),
    OpenFilters,
    /// Switches a filter; one that needs words asks for them.
    Toggle(Toggle),
    /// Asks for the text that tokens must contain, and applies it as it is typed.
    Find,
    ClearFilters,
    OpenConventions,
    /// Switches a part of the convention.
    Convention(Switch),
    /// Back to the raw convention.
    Raw,
    Mark,
    MarkLayer,
    MarkWithNote,
    OpenBookmarks,
    /// The ranked neurons of the layer, or the map of heads.
    OpenRanking,
    /// Where the neuron or head in hand fires.
    OpenContexts,
    /// Who writes what they read, and who reads what they write.
    OpenLinks,
    /// Of two compared models, what changed most.
    OpenChanges,
    /// Both models' lists beside the changes, or in their place.
    BothLists,
    /// The experts of the layer, by the words that call each.
    OpenRouters,
    /// The expert after the one in hand, or before it; the shared one last.
    NextExpert,
    PreviousExpert,
    /// What they are ranked by.
    NextMetric,
    /// The list of what heads are ranked by.
    OpenMeasures,
    /// Whether random places are of these.
    DrawRanked,
    /// The list of neurons is of one layer, or of all.
    RankLayers,
    /// On the map of heads: the next one in the order of its measure, or the one before.
    NextBest,
    PreviousBest,
    RemoveBookmark,
    EditNote,
    /// Brings back the mark or the note that was deleted last.
    Undo,
    OpenHelp,
    /// What the marks and figures on screen mean.
    OpenLegend,
    /// The page of the guide that explains what is on screen.
    OpenGuide,
    Guide(GuideStep),
    OpenPalette,
    /// The places where words stand.
    OpenFind,
    /// What those places are the best by.
    FindOrder,
    /// Which kind of place is shown.
    FindKind,
    /// The best places first, or those of the lowest layer.
    FindLayers,
    OpenModels,
    /// In the chooser: compares the open model with the one under the cursor.
    Compare,
    /// Of two compared models: the change, the tuned model, its base.
    NextVersion,
    CopyList,
    CopyPane,
    CopyAddress,
    /// The command line that makes the list again.
    CopyCommand,
    Export,
    /// Goes on with the name that is being typed, as far as only one fits.
    Complete,
    Accept,
    Cancel,
    Redraw,
    Suspend,
    Quit,
}

impl Action {
    /// Whether it can be done only with a model that is open.
    pub fn needs_model(self) -> bool {
        !matches!(
            self,
            Self::Redraw
                | Self::Suspend
                | Self::Quit
                | Self::Accept
                | Self::Complete
                | Self::Cancel
                | Self::OpenFilters
                | Self::OpenConventions
                | Self::OpenBookmarks
                | Self::OpenHelp
                | Self::OpenLegend
                | Self::OpenGuide
                | Self::Guide(_)
                | Self::OpenPalette
                | Self::OpenModels
                | Self::RemoveBookmark
                | Self::Undo
        )
    }
}
