//! How rows of the table are written.

use super::super::action::{Action, Chart, GuideStep, Motion, PromptCommand, Toggle};
use super::{CommandGroup, KeyCommand, Scope};
use crate::geometry::Measure;
use crate::query::Switch;

pub(super) const fn row(
    scope: Scope,
    group: CommandGroup,
    keys: &'static [&'static str],
    action: Action,
    hint: &'static str,
    words: &'static str,
) -> KeyCommand {
    KeyCommand {
        keys,
        action,
        scope,
        group,
        hint,
        words,
    }
}

pub(super) const fn step(motion: Motion) -> Action {
    Action::Move(motion)
}

pub(super) const fn word(motion: Motion) -> Action {
    Action::Word(motion)
}

pub(super) const fn switch(toggle: Toggle) -> Action {
    Action::Toggle(toggle)
}

pub(super) const fn convention(switch: Switch) -> Action {
    Action::Convention(switch)
}

pub(super) const fn chart(chart: Chart) -> Action {
    Action::Chart(chart)
}

pub(super) const fn prompt(command: PromptCommand) -> Action {
    Action::Prompt(command)
}

pub(super) const fn measure(measure: Measure) -> Action {
    chart(Chart::Show(measure))
}

pub(super) const fn guide(step: GuideStep) -> Action {
    Action::Guide(step)
}

/// What the guide is, in whatever place it is opened.
pub(super) const GUIDE: &str = "this screen's page of the guide";

/// What the legend is, in whatever place it is opened.
pub(super) const LEGEND: &str = "what the marks and figures on screen mean";
