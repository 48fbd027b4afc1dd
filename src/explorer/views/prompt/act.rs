//! The Prompt pane: the text and its words are typed, parts are opened, changes are listed.

use super::{CellShade, CommandPlace, GoesOn, ListedChange};
use crate::explorer::action::{Motion, PromptCommand, TabId};
use crate::explorer::effect::Effect;
use crate::explorer::prompt_settings::PromptSettings;
use crate::explorer::saved_view::ViewSettings;
use crate::explorer::shell;
use crate::explorer::state::{Marked, Purpose, State};
use crate::explorer::views::line;
use crate::query::{Change, Unit};

/// Does what a command of the pane says.
pub fn command(state: &mut State, command: PromptCommand, count: Option<usize>) -> Vec<Effect> {
    match (state.tab, command) {
        (TabId::Prompt, _) => {}
        (_, PromptCommand::Text) => {
            let address = TabId::Prompt.tab().address(state);
            shell::go(state, address);
        }
        _ => {
            state.say("this is about the Prompt pane (g p)");
            return Vec::new();
        }
    }
    let settings = &mut state.views.prompt.settings;
    match command {
        PromptCommand::Text => {
            let text = settings.text.clone();
            line::ask_with(state, Purpose::PromptText, &text);
        }
        PromptCommand::Target => {
            let target = settings.target.clone().unwrap_or_default();
            line::ask(state, Purpose::PromptTarget, &target);
        }
        PromptCommand::Against => {
            let against = settings.against.clone().unwrap_or_default();
            line::ask(state, Purpose::PromptAgainst, &against);
        }
        PromptCommand::Change => line::ask(state, Purpose::PromptChange, ""),
        PromptCommand::Shade => shade(state),
        PromptCommand::Attention => {
            state.views.prompt.attention = !state.views.prompt.attention;
        }
        PromptCommand::Special => {
            settings.special = !settings.special;
            let said = match settings.special {
                true => "special tokens in the text are read as such",
                false => "special tokens in the text are read as letters",
            };
            state.views.prompt.unplaced();
            state.say(said);
        }
        PromptCommand::Chat => {
            settings.chat = !settings.chat;
            let said = match settings.chat {
                true => "the text is a user's message in the model's chat template",
                false => "the text is read as it is typed",
            };
            state.views.prompt.unplaced();
            state.say(said);
        }
        PromptCommand::Open => open(state),
        PromptCommand::Ablate => ablate(state),
        PromptCommand::Switch => switch(state, count),
        PromptCommand::Listed(at) => switch(state, Some(at + 1)),
        PromptCommand::Remove => remove(state, count),
        PromptCommand::Compare if settings.changes.iter().any(|listed| listed.on) => {
            settings.after = !settings.after;
        }
        PromptCommand::Continue => settings.goes_on = on_and_off(settings.goes_on, count),
        PromptCommand::Draw => settings.goes_on = Some(drawn_anew(settings.goes_on, count)),
        PromptCommand::Compare => {
            state.say("nothing is changed: x switches off the neuron or head in hand");
        }
    }
    keep_before(state);
    Vec::new()
}

/// The text goes on with the best tokens, or no more.
fn on_and_off(before: Option<GoesOn>, count: Option<usize>) -> Option<GoesOn> {
    let again = before.is_some_and(|how| how.seed.is_none()) && count.is_none();
    (!again).then(|| GoesOn::new(count, None))
}

/// … with tokens that are drawn by the next seed.
fn drawn_anew(before: Option<GoesOn>, count: Option<usize>) -> GoesOn {
    let seed = before.and_then(|how| how.seed);
    let tokens = count.or(before.map(|how| how.tokens));
    GoesOn::new(tokens, Some(seed.map_or(0, |seed| seed + 1)))
}

fn shade(state: &mut State) {
    let settings = &mut state.views.prompt.settings;
    settings.shade = settings.shade.next();
    let shade = settings.shade;
    if shade == CellShade::Rank && settings.target.is_none() {
        state.say("ranks are of a target: t asks for one");
    } else {
        state.say(format!("shaded by {}: {}", shade.name(), shade.meaning()));
    }
}

/// The neuron or head in hand in its own pane, with the target marked in its lists.
fn open(state: &mut State) {
    let part = state.prompt_part();
    let Some(part) = part else {
        return state.say("there is no neuron or head in hand: T asks for a text");
    };
    let answer = state.prompt_answer();
    let token = answer.map(|(answer, _)| answer.target.prediction.id);
    if shell::go(state, part.address) {
        state.marked = token.map(|token| Marked {
            token,
            reached: false,
        });
    }
}

/// Switches the part in hand off, or takes that change out of the list.
fn ablate(state: &mut State) {
    let part = state.prompt_part();
    let Some(Ok(unit)) = part.map(|part| Unit::try_from(state.named(part.address))) else {
        return state.say("there is no neuron or head in hand: T asks for a text");
    };
    let change = Change::ablated(unit);
    let changes = &mut state.views.prompt.settings.changes;
    match changes.iter().position(|listed| listed.change == change) {
        Some(at) => drop(changes.remove(at)),
        None => changes.push(ListedChange { change, on: true }),
    }
}

/// Switches one change on or off, or all of them.
fn switch(state: &mut State, count: Option<usize>) {
    let changes = &mut state.views.prompt.settings.changes;
    let on = changes.iter().any(|listed| listed.on);
    match count {
        None => changes.iter_mut().for_each(|listed| listed.on = !on),
        Some(number) => match number.checked_sub(1).and_then(|at| changes.get_mut(at)) {
            Some(listed) => listed.on = !listed.on,
            None => state.say(format!("there is no change {number}")),
        },
    }
    if state.views.prompt.settings.changes.is_empty() {
        state.say(
            "nothing is changed: x switches off the neuron or head in hand, c asks for a change",
        );
    }
}

fn remove(state: &mut State, count: Option<usize>) {
    let changes = &mut state.views.prompt.settings.changes;
    let at = count.unwrap_or(changes.len()).checked_sub(1);
    match at.filter(|at| *at < changes.len()) {
        Some(at) => drop(changes.remove(at)),
        None => state.say("there is no such change"),
    }
}

/// A row of the list was clicked: it is in hand, or is opened if it was.
pub fn click(state: &mut State, row: usize) {
    let there = row < state.prompt_parts().len();
    match state.views.prompt.row == row {
        true => open(state),
        false if there => state.views.prompt.row = row,
        false => {}
    }
}

/// Another neuron or head.
pub fn step(state: &mut State, motion: Motion, count: Option<usize>) {
    let last = state.prompt_parts().len().saturating_sub(1);
    let room = state.regions.list_rows.max(1);
    let times = count.unwrap_or(1);
    let row = &mut state.views.prompt.row;
    *row = match motion {
        Motion::Up | Motion::Left => row.saturating_sub(times),
        Motion::Down | Motion::Right => (*row + times).min(last),
        Motion::PageUp | Motion::HalfUp => row.saturating_sub(room * times),
        Motion::PageDown | Motion::HalfDown => (*row + room * times).min(last),
        Motion::First => 0,
        Motion::Last => last,
    };
}

/// A line of the pane was typed to its end. `None`: it will not do, which is said.
pub fn typed(state: &mut State, purpose: &Purpose, typed: &str) -> Option<Vec<Effect>> {
    if let (Purpose::PromptTarget | Purpose::PromptAgainst, Some(card)) = (purpose, state.card())
        && !typed.is_empty()
        && let Err(error) = card.vocabulary.word(typed)
    {
        state.fail(error.to_string());
        return None;
    }
    let word = (!typed.is_empty()).then(|| typed.to_owned());
    let prompt = &mut state.views.prompt;
    match purpose {
        Purpose::PromptText => {
            let before = &prompt.settings.text;
            let other = !before.is_empty() && *before != typed;
            prompt.settings.text = typed.to_owned();
            prompt.unplaced();
            if other {
                // A place of its own: H leads back to the text before.
                let address = TabId::Prompt.tab().address(state);
                shell::go(state, address);
                state.views.prompt.placed = false;
            }
        }
        Purpose::PromptTarget => (prompt.settings.target, prompt.row) = (word, 0),
        Purpose::PromptAgainst => (prompt.settings.against, prompt.row) = (word, 0),
        _ => match Change::typed(typed) {
            Ok(change) => {
                let card = state.model.as_ref().map(|model| &*model.card);
                let change = card.map_or(change.clone(), |card| change.named(card));
                let changes = &mut state.views.prompt.settings.changes;
                changes.push(ListedChange { change, on: true });
            }
            Err(why) => {
                state.fail(why);
                return None;
            }
        },
    }
    Some(Vec::new())
}

/// Without a change that is on there is no grid after the changes.
fn keep_before(state: &mut State) {
    let settings = &mut state.views.prompt.settings;
    settings.after &= settings.changes.iter().any(|listed| listed.on);
}

/// Takes over a saved view.
pub fn restore(state: &mut State, settings: &ViewSettings) -> Vec<Effect> {
    let prompt = &mut state.views.prompt;
    let reads = |of: &PromptSettings| (of.text.clone(), of.special, of.chat);
    let same = reads(&prompt.settings) == reads(&settings.prompt);
    if !same {
        prompt.unplaced();
        prompt.placed = true;
    }
    prompt.settings = settings.prompt.clone();
    if let Some(place) = prompt.settings.command.take() {
        prompt.unplaced();
        prompt.placed = matches!(place, CommandPlace::At(_));
        if let CommandPlace::At(position) = place {
            prompt.position = position;
        }
        let last = state.card().map_or(0, |card| card.spec.passes.len());
        state.views.prompt.state = last;
    }
    Vec::new()
}
