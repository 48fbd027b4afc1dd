//! The rows of the lists on top, narrowed by what is typed.

use super::{Found, Overlay, State};
use crate::checkpoint::Cost;
use crate::explorer::action::Pane;
use crate::explorer::bookmarks::Bookmark;
use crate::explorer::keymap::{COMMANDS, Command, Group, Scope, synonyms};
use crate::explorer::saved_view::SavedView;
use crate::query::Interesting;

/// Where a model of the chooser is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Part of the program.
    Bundled,
    /// Opened before.
    Recent,
    /// In the hub's local cache.
    Hub,
}

impl Origin {
    pub fn title(self) -> &'static str {
        match self {
            Self::Bundled => "bundled",
            Self::Recent => "recent",
            Self::Hub => "hub cache",
        }
    }
}

/// A model that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelChoice {
    pub name: String,
    pub origin: Origin,
}

/// A row of the list on top.
#[derive(Clone, Debug)]
pub enum Choice<'a> {
    Go(SavedView),
    Run(&'static Command),
    Bookmark(&'a Bookmark),
    Found(Found<'a>),
    Model(&'a ModelChoice),
    /// A way for a model on the hub to come: whole, or by the tensors that are looked at.
    Way {
        by_tensor: bool,
    },
    /// An interesting neuron.
    Neuron {
        layer: usize,
        neuron: &'a Interesting,
    },
    /// A head of the map.
    Head {
        layer: usize,
        head: &'a Interesting,
    },
    /// The model that is typed: a folder or a hub id.
    Typed(&'a str),
}

impl State {
    /// The rows of the list on top; none if there is no list.
    pub fn choices(&self) -> Vec<Choice<'_>> {
        match self.list_on_top() {
            Some(Overlay::Commands { chooser, .. }) => self.commands(chooser.field.text()),
            Some(Overlay::Bookmarks(chooser)) => {
                let found = self.bookmarks.iter().filter(|mark| {
                    let note = mark.note.as_deref().unwrap_or("");
                    let text = format!("{} {} {} {note}", mark.model, mark.address, mark.view);
                    matches(chooser.field.text(), &text)
                });
                found.map(Choice::Bookmark).collect()
            }
            Some(Overlay::Find(_)) => self.places_found(),
            Some(Overlay::Interesting(chooser)) => self.interesting(chooser.field.text()),
            Some(Overlay::HeadMap { .. }) => self.map_rows(),
            Some(Overlay::Models { chooser, .. }) => {
                let typed = chooser.field.text().trim();
                let found = self.models.iter().filter(|m| matches(typed, &m.name));
                let (exact, near): (Vec<_>, Vec<_>) = found.partition(|m| m.name == typed);
                // Enter opens what is typed and nothing that is only called alike.
                let as_typed = !typed.is_empty() && exact.is_empty();
                let first = exact.into_iter().map(Choice::Model);
                let first = first.chain(as_typed.then_some(Choice::Typed(typed)));
                first.chain(near.into_iter().map(Choice::Model)).collect()
            }
            Some(Overlay::Ways(ways)) => {
                let by_tensor = |cost: Cost| cost.first_look.map(|_| true);
                let ways = ways.cost.map(|c| [Some(false), by_tensor(c)]);
                let ways = ways.into_iter().flatten().flatten();
                ways.map(|by_tensor| Choice::Way { by_tensor }).collect()
            }
            _ => Vec::new(),
        }
    }

    /// An address first, if one is typed; then the commands that work in this pane.
    fn commands(&self, typed: &str) -> Vec<Choice<'_>> {
        let place = self.place(typed).map(Choice::Go);
        let here = Scope::of_pane(self.pane);
        let commands = COMMANDS
            .iter()
            .filter(|c| {
                let menu = matches!(c.scope, Scope::Filters | Scope::Conventions);
                // How a menu is left is of no use without it.
                let menu = menu && here.contains(&Scope::Words) && c.group != Group::Program;
                here.contains(&c.scope) || menu
            })
            .filter(|c| {
                let (keys, group, more) = (c.keys.join(" "), c.group.title(), synonyms(c.action));
                let text = format!("{keys} {group} {} {} {more}", c.words, c.hint);
                matches(typed, &text)
            });
        place.into_iter().chain(commands.map(Choice::Run)).collect()
    }

    /// The view that a text names from here: an address, alone or with options, `N12`, `H3`, a
    /// number in the pane at hand, or a command line. It may lie outside the model.
    pub fn place(&self, text: &str) -> Option<SavedView> {
        let text = text.trim();
        let layer = self.address().layer();
        let before = match self.pane {
            Pane::Neurons => format!("L{layer}.N"),
            Pane::Heads => format!("L{layer}.H"),
            Pane::Geometry => "S".to_owned(),
        };
        let whole = text.parse().ok();
        let part = || format!("L{layer}.{text}").parse().ok();
        let number = || format!("{before}{text}").parse().ok();
        whole.or_else(part).or_else(number)
    }
}

/// Whether every word that is typed occurs, in either case.
pub(super) fn matches(typed: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    let mut words = typed.split_whitespace();
    words.all(|word| text.contains(&word.to_lowercase()))
}
