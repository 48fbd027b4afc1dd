//! What the shell knows of a view: a tab, or something on top of one. Each is one folder of
//! [`views`](super::views), where the registry is.

use ratatui::layout::Rect;

use super::action::{Action, Motion};
use super::board::Shown;
use super::effect::Effect;
use super::keymap::Scope;
use super::saved_view::ViewSettings;
use super::screen::Canvas;
use super::shell::export;
use super::state::{Field, Purpose, RowCursor, RowItem, RowsInFocus, State};
use super::views::legend::LegendEntry;
use crate::query::{Address, DirectionsQuery, Query, Robustness};

/// A screen with its keys, its queries and its drawing; its state lies in [`State`].
pub trait View: Sync {
    /// The scopes whose keys work while it is in front, the nearest first.
    fn scopes(&self, state: &State) -> &'static [Scope];

    /// The page of the guide that explains it; `None` if that is the tab's below it.
    fn page(&self) -> Option<&'static str> {
        None
    }

    /// What it shows, as queries, the most important first.
    fn queries(&self, _: &State) -> Vec<Query> {
        Vec::new()
    }

    /// Whether the tab below it comes first.
    fn can_wait(&self) -> bool {
        false
    }

    /// What may be answered for it when nothing else is to be done.
    fn idle_queries(&self, _: &State) -> Vec<Query> {
        Vec::new()
    }

    /// Whether it will show the answer again that nothing on the screen asks for now.
    fn keeps(&self, _: &State, _: &Query) -> bool {
        false
    }

    /// Does what a command says, with the count that was typed before it; `None` if the command is
    /// another view's. Asked first of what is in front, then of all others: only one takes it.
    fn act(&self, state: &mut State, action: Action, count: Option<usize>) -> Option<Vec<Effect>>;

    /// An answer to a query that was asked for has come, and is about to be put on the board.
    fn answering(&self, _: &mut State, _: &Shown) {}

    /// An answer to a query that was asked for has come and is on the board.
    fn answered(&self, _: &mut State, _: &Shown) {}

    /// A query cannot be answered; true if the view itself says so, where the answer would be.
    fn failed(&self, _: &mut State, _: &Query) -> bool {
        false
    }

    /// Another model is open: what was known of the one before is forgotten.
    fn opened(&self, _: &mut State) {}

    /// Other queries than before were asked.
    fn asked(&self, _: &mut State) {}

    /// The filters or the convention are others: figures of before cannot be compared with those
    /// that come.
    fn relisted(&self, _: &mut State) {}

    /// All has been done that an event brought about, and is asked for: keeps to it.
    fn settle(&self, _: &mut State, _: &mut Vec<Effect>) {}

    /// Draws it: a tab in the body of the screen, else a frame over it.
    fn draw(&self, canvas: &mut Canvas, body: Rect);

    /// The line that is typed in it.
    fn field<'s>(&self, _: &'s mut State) -> Option<&'s mut Field> {
        None
    }

    /// The name of a file or folder that is typed in it, for Tab to go on with.
    fn path(&self, _: &State) -> Option<TypedPath> {
        None
    }

    /// The line that is typed in it has changed.
    fn typed(&self, _: &mut State) {}

    /// A line that it had asked for was typed to its end. `None`: it will not do, which is said.
    fn line(&self, _: &mut State, _: &Purpose, _: &str) -> Option<Vec<Effect>> {
        Some(Vec::new())
    }

    /// The line that it had asked for is being typed.
    fn line_changed(&self, _: &mut State, _: &Purpose, _: &str) {}

    /// The line that it had asked for was left.
    fn line_left(&self, _: &mut State, _: &Purpose) {}

    /// The list that it is, if it is one that is gone through row by row.
    fn list(&self) -> Option<&dyn List> {
        None
    }

    /// A row of it was clicked, if it is no list.
    fn row(&self, _: &mut State, _: usize) {}

    /// What can be copied and written of it; `None` if that is the tab's below it.
    fn export(&self, _: &State) -> Option<Export> {
        None
    }

    /// The chart or map that it shows, as a file of that name holds it.
    ///
    /// # Errors
    /// Why there is none, in a sentence.
    fn chart(&self, _: &State, _path: &str) -> Result<String, String> {
        Err("there is no chart here".to_owned())
    }

    /// What is in focus as text, one row per line, with what it is; no lines while it is not there.
    fn lines(&self, _: &State) -> (String, Vec<String>) {
        (String::new(), Vec::new())
    }

    /// The commands of the command line that make it again: of all its answers, a command each.
    fn commands(&self, state: &State) -> Vec<String> {
        let shown = self.export(state).map(|export| export.what.into_all());
        let fresh = export::fresh(state, shown.unwrap_or_default());
        export::commands_of(state, &fresh)
    }

    /// What its marks and figures mean that depend on what was chosen in it; `text` is the screen.
    fn legend(&self, _: &State, _text: &str) -> Vec<LegendEntry> {
        Vec::new()
    }
}

/// A name in the file system as far as it is typed.
pub struct TypedPath {
    /// What stands before it and is no part of it.
    pub before: &'static str,
    pub path: String,
    /// Whether it is a model's folder.
    pub of_model: bool,
}

/// A list on top, of which Enter takes a row.
pub trait List {
    /// How many rows there are.
    fn rows(&self, state: &State) -> usize;

    /// The row that is selected; `None` while there is no list.
    fn selected<'s>(&self, state: &'s mut State) -> Option<&'s mut usize>;

    /// Takes a row that is there.
    fn take(&self, state: &mut State, row: usize) -> Vec<Effect>;

    /// What to say where there is no row to take.
    fn nothing(&self, _: &State) -> Option<String> {
        Some("nothing here has all of what is typed".to_owned())
    }

    /// What is wrong with what is typed, if that is why there is no row to take.
    fn error(&self, _: &State) -> Option<String> {
        None
    }
}

/// A view that fills the screen, with a place in the model.
pub trait Tab: View {
    /// What the tab is headed.
    fn title(&self) -> &'static str;

    /// The name in the session file.
    fn name(&self) -> &'static str;

    /// Where one is in it, of a head with the form in focus.
    fn address(&self, state: &State) -> Address;

    /// Whether it can be gone to: there is something in it.
    fn is_there(&self, _: &State) -> bool {
        true
    }

    /// Whether there is such a place of it, under those settings, as far as the model does not tell.
    ///
    /// # Errors
    /// There is not: why, in a sentence.
    fn check(&self, _: &State, _: Address, _: Option<&ViewSettings>) -> Result<(), String> {
        Ok(())
    }

    /// Whether a place is one of its places.
    fn holds(&self, address: Address) -> bool;

    /// Puts it at a place that is known to exist: one of its own, or a layer.
    fn place(&self, state: &mut State, address: Address);

    /// What a number is, typed alone, as an address: `L3.N` before it.
    fn number(&self, state: &State) -> String;

    /// What a motion goes along; `None` if it has nothing to do with the place.
    fn axis<'s>(&self, state: &'s mut State, motion: Motion) -> Option<Axis<'s>>;

    /// After a step: the place is one that the model has, as layers may differ.
    fn settled(&self, _: &mut State, _: Motion) {}

    /// A place at random.
    fn anywhere(&self, state: &mut State) -> Address;

    /// The places that are ranked best, of which a random one is drawn.
    fn ranked(&self, _: &State) -> Vec<Address> {
        Vec::new()
    }

    /// All that decides what stands in it.
    fn settings(&self, state: &State) -> ViewSettings;

    /// Settings as options of the command line, each with its value.
    fn options(&self, settings: &ViewSettings) -> Vec<Vec<String>>;

    /// Takes settings over; what is to be read for them is among the effects.
    fn restore(&self, state: &mut State, settings: &ViewSettings) -> Vec<Effect>;

    /// Its lists of words, if it has some.
    fn words(&self) -> Option<&dyn WordLists> {
        None
    }

    /// What the answer in focus is asked with.
    fn focus(&self, state: &State) -> Option<Query>;

    /// How many rows of an answer are copied and written: as many as were asked for, or as one has gone
    /// through; never what happens to fit on the screen.
    fn rows_asked(&self, _: &State, _: &Query) -> usize {
        usize::MAX
    }

    /// Draws the line above the hints: what is left out, or what is measured.
    fn settings_line(&self, canvas: &mut Canvas, row: Rect);

    /// The token of the point that is selected on its map, while it shows one.
    fn point(&self, _: &State) -> Option<u32> {
        None
    }

    /// Selects the next thing up or down that is no row of words: true if there is such a thing.
    fn vertical(&self, _: &mut State, _down: bool, _times: usize) -> bool {
        false
    }
}

/// The lists of words of a tab, or of directions in their place.
pub trait WordLists {
    /// How many lists one goes through.
    fn lists(&self) -> usize;

    /// The number of the list in focus.
    fn list(&self, state: &State) -> usize;

    /// Puts a list in focus.
    fn focus_list(&self, state: &mut State, list: usize);

    /// What a list is called: `−K`, `VO`.
    fn list_title(&self, state: &State, list: usize) -> String;

    /// What a list of directions asks for: as many lists as the tab has matrices.
    fn directions(&self, state: &State, matrix: usize) -> DirectionsQuery;

    /// Whether directions are shown in the place of words.
    fn shows_directions(&self, state: &State) -> bool;

    /// The matrix whose directions are in focus.
    fn matrix(&self, state: &State) -> usize;

    /// The list that a line of the directions of a matrix belongs to.
    fn list_of_matrix(&self, state: &State, matrix: usize) -> usize;

    /// The cursor of the list in focus.
    fn cursor(&self, state: &State) -> RowCursor;

    /// The cursor of the directions of a matrix.
    fn cursor_of(&self, state: &State, matrix: usize) -> RowCursor;

    /// … to be moved.
    fn cursor_mut<'s>(&self, state: &'s mut State) -> &'s mut RowCursor;

    /// The words of the list in focus; `None` until there are any.
    fn rows(&self, state: &State) -> Option<RowsInFocus>;

    /// The word under the cursor.
    fn token(&self, state: &State) -> Option<u32>;

    /// What the row under the cursor names.
    fn item(&self, state: &State) -> Option<RowItem> {
        self.token(state).map(RowItem::Token)
    }

    /// The tokens of the list in focus, on the side in focus.
    fn tokens(&self, state: &State) -> Vec<u32>;

    /// Whether the rows of its lists have two sides.
    fn has_sides(&self, state: &State) -> bool;

    /// Which side of a row is in focus, 0 or 1.
    fn side(&self, state: &State) -> usize;

    /// Puts a side in focus.
    fn focus_side(&self, state: &mut State, side: usize);

    /// The longest list that is asked for.
    fn most(&self) -> usize;

    /// How robust a list is, as far as it is known.
    fn robustness<'s>(&self, state: &'s State, list: usize) -> Option<&'s Robustness>;
}

/// What a motion goes along.
pub struct Axis<'s> {
    /// `layer`, `neuron`, `head`, `state`.
    pub what: &'static str,
    /// Where it begins, of a part of what there is; counts are told from there.
    pub first: usize,
    pub len: usize,
    pub at: &'s mut usize,
}

/// What can be copied and written of a view.
pub struct Export {
    /// The name of a file for it, without the model's.
    pub name: String,
    pub what: Exported,
}

/// … in one form or the other.
pub enum Exported {
    /// Answers, which every format can hold.
    Answers {
        /// Of the list in focus: what is written to a file.
        in_focus: Vec<Shown>,
        /// All that is on screen: what is copied.
        all: Vec<Shown>,
    },
    /// A chart or a map, which is drawn too.
    Chart,
    /// Nothing yet, and why.
    Unfinished(String),
}

impl Exported {
    /// All answers; none of a chart, nor of what is unfinished.
    pub fn into_all(self) -> Vec<Shown> {
        match self {
            Self::Answers { all, .. } => all,
            Self::Chart | Self::Unfinished(_) => Vec::new(),
        }
    }
}
