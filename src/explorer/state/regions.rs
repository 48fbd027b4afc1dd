//! What lies where on the screen, for the mouse and for page sizes: the last drawing's account.

use crate::explorer::action::{Action, TabId};
use crate::query::Address;

/// A rectangle of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    pub x: u16,
    pub y: u16,
    pub width: u16,
    pub height: u16,
}

impl Area {
    /// Whether a cell of the screen lies in it.
    pub fn contains(self, x: u16, y: u16) -> bool {
        (self.x..self.x.saturating_add(self.width)).contains(&x)
            && (self.y..self.y.saturating_add(self.height)).contains(&y)
    }
}

/// What a click or the wheel finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Tab(TabId),
    /// A place of the model: a click goes there; the wheel steps along layers and states, or up
    /// and down.
    Place(Address),
    /// The strip around its layers.
    Layers,
    /// The selector around its rows.
    Selector,
    /// A column of words, or a pair list.
    List(usize),
    /// A row of one, and of a pair its side.
    Word {
        list: usize,
        row: usize,
        side: Option<usize>,
    },
    Run(Action),
    /// A row of the list on top, or of a tab that is no list of words.
    Choice(usize),
    /// The frame of what is on top.
    Overlay,
    /// Everything behind what is on top.
    Behind,
}

/// The last drawing's account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Regions {
    targets: Vec<(Area, Target)>,
    /// Rows of words that a list has room for.
    pub list_rows: usize,
    /// Rows of the selector.
    pub selector_rows: usize,
    /// Rows of the list on top.
    pub choice_rows: usize,
    /// Rows of the whole text that is scrolled on top.
    pub text_rows: usize,
    /// Cells of its lines.
    pub text_cells: usize,
}

impl Regions {
    /// Notes a target; a later one lies over an earlier one.
    pub fn note(&mut self, area: Area, target: Target) {
        self.targets.push((area, target));
    }

    /// What is on top, if anything is.
    pub fn on_top(&self) -> Option<Area> {
        let mut frames = self.targets.iter().rev();
        let frame = frames.find(|(_, target)| *target == Target::Overlay);
        frame.map(|(area, _)| *area)
    }

    /// The topmost target at a cell.
    pub fn at(&self, x: u16, y: u16) -> Option<Target> {
        let hit = self
            .targets
            .iter()
            .rev()
            .find(|(area, _)| area.contains(x, y));
        hit.map(|(_, target)| *target)
    }
}
