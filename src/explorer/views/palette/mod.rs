//! Help and palette, which are one: all commands with their keys, and addresses to jump to.

mod draw;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, ViewId};
use crate::explorer::effect::Effect;
use crate::explorer::keymap::{COMMANDS, CommandGroup, KeyCommand, Scope, synonyms};
use crate::explorer::saved_view::SavedView;
use crate::explorer::screen::Canvas;
use crate::explorer::shell;
use crate::explorer::state::{Chooser, Field, State, matches};
use crate::explorer::view::{List, View};

/// The list.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    /// Whether it was opened as help.
    pub help: bool,
    pub chooser: Chooser,
}

/// A row of the list.
#[derive(Clone, Debug)]
pub enum PaletteEntry {
    Go(SavedView),
    Run(&'static KeyCommand),
}

/// The list.
pub struct PaletteView;

impl View for PaletteView {
    fn scopes(&self, state: &State) -> &'static [Scope] {
        match state.views.palette.chooser.field.text().is_empty() {
            true => &[Scope::Help, Scope::Lists],
            false => &[Scope::Lists],
        }
    }

    fn page(&self) -> Option<&'static str> {
        Some("keys")
    }

    fn act(&self, state: &mut State, action: Action, _: Option<usize>) -> Option<Vec<Effect>> {
        let help = match action {
            Action::OpenHelp => true,
            Action::OpenPalette => false,
            _ => return None,
        };
        let chooser = Chooser::default();
        state.views.palette = Palette { help, chooser };
        state.put_on_top(ViewId::Palette);
        Some(Vec::new())
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn field<'s>(&self, state: &'s mut State) -> Option<&'s mut Field> {
        Some(&mut state.views.palette.chooser.field)
    }

    fn list(&self) -> Option<&dyn List> {
        Some(self)
    }
}

impl List for PaletteView {
    fn rows(&self, state: &State) -> usize {
        state.palette_listed().len()
    }

    fn selected<'s>(&self, state: &'s mut State) -> Option<&'s mut usize> {
        Some(&mut state.views.palette.chooser.selected)
    }

    fn take(&self, state: &mut State, row: usize) -> Vec<Effect> {
        match state.palette_listed().into_iter().nth(row) {
            Some(PaletteEntry::Go(view)) => shell::go_and_leave(state, view),
            Some(PaletteEntry::Run(command)) => {
                state.stack.pop();
                shell::act(state, command.action)
            }
            None => Vec::new(),
        }
    }

    /// Why what is typed is no view, if it looks like one.
    fn error(&self, state: &State) -> Option<String> {
        let typed = state.views.palette.chooser.field.text();
        let looks = typed.contains(" --") || typed.trim_start().starts_with("lexiscope ");
        let error = typed.parse::<SavedView>().err().filter(|_| looks);
        error.map(|error| error.to_string())
    }
}

impl State {
    /// An address first, if one is typed; then the commands that work in this tab.
    pub fn palette_listed(&self) -> Vec<PaletteEntry> {
        let typed = self.views.palette.chooser.field.text();
        let place = self.named_view(typed).map(PaletteEntry::Go);
        let here = self.tab().scopes(self);
        let commands = COMMANDS
            .iter()
            .filter(|c| {
                let menu = matches!(c.scope, Scope::Filters | Scope::Conventions);
                // How a menu is left is of no use without it.
                let menu = menu && here.contains(&Scope::Words) && c.group != CommandGroup::Program;
                here.contains(&c.scope) || menu
            })
            .filter(|c| {
                let (keys, group, more) = (c.keys.join(" "), c.group.title(), synonyms(c.action));
                let text = format!("{keys} {group} {} {} {more}", c.words, c.hint);
                matches(typed, &text)
            });
        place
            .into_iter()
            .chain(commands.map(PaletteEntry::Run))
            .collect()
    }

    /// The view that a text names from here: an address, alone or with options, `N12`, `H3`, a
    /// number in the tab at hand, a command line, or the path of a dictionary. It may lie outside the model.
    pub fn named_view(&self, text: &str) -> Option<SavedView> {
        let text = text.trim();
        let layer = self.address().layer();
        let before = self.tab().number(self);
        let whole = text.parse().ok();
        let part = || format!("L{layer}.{text}").parse().ok();
        let number = || format!("{before}{text}").parse().ok();
        let dictionary = || self.named_dictionary(text);
        whole.or_else(part).or_else(number).or_else(dictionary)
    }
}
