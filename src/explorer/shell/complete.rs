//! Tab while a name is typed: goes on with it as far as only one fits.

use crate::explorer::effect::Effect;
use crate::explorer::state::{Field, State};
use crate::explorer::view::TypedPath;

/// Names that are said when several fit.
const NAMED_MAX: usize = 8;

/// Asks what in the file system begins so.
pub(super) fn ask(state: &mut State) -> Vec<Effect> {
    match state.front().path(state) {
        Some(TypedPath { path, of_model, .. }) => vec![Effect::Complete {
            typed: path,
            folders: of_model,
        }],
        None => {
            state.say("there is no name of a file to go on with here: @ begins one");
            Vec::new()
        }
    }
}

/// What begins as it was typed; it may have been typed on since.
pub fn completed(state: &mut State, asked: &str, mut found: Vec<String>) -> Vec<Effect> {
    let typed = state.front().path(state);
    let Some(typed) = typed.filter(|typed| typed.path == asked) else {
        return Vec::new();
    };
    if typed.of_model {
        let known = state.models.iter().map(|model| model.name.clone());
        found.extend(known.filter(|name| name.starts_with(asked)));
        found.sort();
        found.dedup();
    }
    let Some(longest) = common(&found) else {
        state.say(format!("nothing begins with “{asked}”"));
        return Vec::new();
    };
    if longest.len() > asked.len() {
        let text = format!("{}{longest}", typed.before);
        if let Some(field) = state.field() {
            *field = Field::with(text);
        }
        return super::typed(state);
    }
    if found.len() > 1 {
        let folder = asked.rfind('/').map_or(0, |slash| slash + 1);
        let names = found.iter().map(|name| &name[folder.min(name.len())..]);
        let mut said: Vec<&str> = names.take(NAMED_MAX).collect();
        if found.len() > NAMED_MAX {
            said.push("…");
        }
        state.say(said.join("  "));
    }
    Vec::new()
}

/// What all of them begin with.
fn common(names: &[String]) -> Option<String> {
    let (first, rest) = names.split_first()?;
    let alike = |other: &String| {
        let pairs = first.chars().zip(other.chars());
        let same = pairs.take_while(|(a, b)| a == b);
        same.map(|(c, _)| c.len_utf8()).sum::<usize>()
    };
    let bytes = rest.iter().map(alike).fold(first.len(), usize::min);
    Some(first[..bytes].to_owned())
}
