//! The key table and what is read off it: dispatch, footer hints, help, palette, the guide.

mod on_top;
mod row;
mod synonyms;
mod table;

use super::action::Action;
use super::key::{Key, keys};

pub use synonyms::synonyms;
pub use table::COMMANDS;

/// Where a command's keys work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every pane.
    Panes,
    /// The panes of words: neurons and heads.
    Words,
    Neurons,
    Heads,
    Geometry,
    /// The prompt pane.
    Text,
    /// The pane of a dictionary from a file.
    Dictionary,
    /// The filter menu.
    Filters,
    /// The menu of conventions.
    Conventions,
    /// Any list on top: commands, bookmarks, models.
    Lists,
    Bookmarks,
    /// The places where words stand.
    Find,
    /// The list of ranked neurons.
    Ranking,
    /// The map of heads.
    HeadMap,
    /// Where a neuron or head fires.
    Contexts,
    /// What a neuron or head is linked to.
    Links,
    /// What changed between two models.
    Changes,
    /// The experts of a layer.
    Routers,
    /// The chooser of models.
    Models,
    /// Help, while nothing is typed in it.
    Help,
    /// The legend.
    Legend,
    /// A page of the guide.
    Guide,
    /// A line to type into.
    Prompt,
}

impl Scope {
    /// The heading in the guide.
    pub fn title(self) -> &'static str {
        match self {
            Self::Panes => "Everywhere",
            Self::Neurons => "Neurons",
            Self::Words => "Neurons and heads",
            Self::Heads => "Heads",
            Self::Geometry => "Geometry",
            Self::Text => "Prompt",
            Self::Dictionary => "Dictionary",
            Self::Filters => "Filter menu",
            Self::Conventions => "Convention menu",
            Self::Lists => "Lists on top",
            Self::Bookmarks => "Bookmarks",
            Self::Find => "Where words stand",
            Self::Ranking => "Ranked neurons",
            Self::HeadMap => "Map of heads",
            Self::Contexts => "Where it fires",
            Self::Links => "Links",
            Self::Changes => "What changed",
            Self::Routers => "Experts of a layer",
            Self::Models => "Models",
            Self::Help => "Help",
            Self::Legend => "Legend",
            Self::Guide => "Guide",
            Self::Prompt => "Typing",
        }
    }
}

/// What a command is about: the headings of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandGroup {
    Move,
    View,
    Filter,
    Keep,
    Program,
}

impl CommandGroup {
    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Move => "Move",
            Self::View => "View",
            Self::Filter => "Filter",
            Self::Keep => "Keep",
            Self::Program => "Program",
        }
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct KeyCommand {
    /// Alternatives, the one to show first; a chord has spaces between its keys.
    pub keys: &'static [&'static str],
    pub action: Action,
    pub scope: Scope,
    pub group: CommandGroup,
    /// A word or two for the footer; neighbours with the same one share a hint. Empty: no hint.
    pub hint: &'static str,
    /// What it does, for the help, the palette and the guide.
    pub words: &'static str,
}

/// What a sequence of keys means.
#[derive(Debug)]
pub enum KeyMatch {
    Run(&'static KeyCommand),
    /// The beginning of these chords.
    Prefix(Vec<&'static KeyCommand>),
    Nothing,
}

/// The first key or chord of an action.
pub fn first_key(action: Action) -> Option<&'static str> {
    let command = COMMANDS.iter().find(|command| command.action == action);
    command.and_then(|command| command.keys.first().copied())
}

/// Looks the keys up in the scopes, the nearest first.
pub fn find(scopes: &[Scope], pressed: &[Key]) -> KeyMatch {
    let mut prefix = Vec::new();
    for &scope in scopes {
        for command in COMMANDS.iter().filter(|c| c.scope == scope) {
            for text in command.keys {
                let mut wanted = keys(text);
                if !pressed.iter().all(|key| wanted.next() == Some(*key)) {
                    continue;
                }
                if wanted.next().is_none() {
                    return KeyMatch::Run(command);
                }
                prefix.push(command);
            }
        }
    }
    if prefix.is_empty() {
        KeyMatch::Nothing
    } else {
        KeyMatch::Prefix(prefix)
    }
}

/// A hint of the footer: its keys, its words, and what a click on it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    pub keys: String,
    pub words: &'static str,
    pub action: Action,
    /// Program hints stand at the right edge and are dropped last.
    pub edge: bool,
}

/// The hints of the scopes, in the table's order.
pub fn hints(scopes: &[Scope]) -> Vec<Hint> {
    let mut hints: Vec<Hint> = Vec::new();
    for command in COMMANDS {
        if command.hint.is_empty() || !scopes.contains(&command.scope) {
            continue;
        }
        match hints.last_mut() {
            Some(last) if last.words == command.hint => last.keys.push_str(command.keys[0]),
            _ => hints.push(Hint {
                keys: command.keys[0].to_owned(),
                words: command.hint,
                action: command.action,
                edge: command.group == CommandGroup::Program,
            }),
        }
    }
    hints
}

/// The table as Markdown, for the guide.
pub fn markdown() -> String {
    let mut text = String::new();
    for scope in [
        Scope::Neurons,
        Scope::Heads,
        Scope::Words,
        Scope::Geometry,
        Scope::Text,
        Scope::Dictionary,
        Scope::Panes,
        Scope::Filters,
        Scope::Conventions,
        Scope::Lists,
        Scope::Bookmarks,
        Scope::Find,
        Scope::Ranking,
        Scope::HeadMap,
        Scope::Contexts,
        Scope::Links,
        Scope::Changes,
        Scope::Routers,
        Scope::Models,
        Scope::Help,
        Scope::Legend,
        Scope::Guide,
        Scope::Prompt,
    ] {
        text.push_str(&format!("\n## {}\n\n| | |\n|---|---|\n", scope.title()));
        for command in COMMANDS.iter().filter(|c| c.scope == scope) {
            let code = |key: &&str| match *key {
                "`" => "`` ` ``".to_owned(),
                key => format!("`{key}`"),
            };
            let keys: Vec<String> = command.keys.iter().map(code).collect();
            text.push_str(&format!("| {} | {} |\n", keys.join(" "), command.words));
        }
    }
    text
}

#[cfg(test)]
mod tests;
