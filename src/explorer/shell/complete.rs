//! Tab while a name is typed: goes on with it as far as only one fits.

use crate::explorer::action::ViewId;
use crate::explorer::effect::Effect;
use crate::explorer::state::{Field, Purpose, State, TypedLine};

/// Names that are said when several fit.
const NAMED_MAX: usize = 8;

/// What is typed of a path, after what is no part of it, and whether it is a model's folder.
struct Typed {
    before: &'static str,
    path: String,
    of_model: bool,
}

fn typed(state: &State) -> Option<Typed> {
    let (before, text, of_model) = match state.stack.last()? {
        ViewId::Models => ("", state.views.models.chooser.field.text(), true),
        ViewId::Line => {
            let TypedLine { purpose, field } = state.views.line.as_ref()?;
            match purpose {
                Purpose::WordsFile | Purpose::Export | Purpose::ExportChart => {
                    ("", field.text(), false)
                }
                Purpose::Text | Purpose::Texts => ("@", field.text().strip_prefix('@')?, false),
                Purpose::Contains | Purpose::Note { .. } | Purpose::Token => return None,
            }
        }
        _ => return None,
    };
    Some(Typed {
        before,
        path: text.to_owned(),
        of_model,
    })
}

/// Asks what in the file system begins so.
pub(super) fn ask(state: &mut State) -> Vec<Effect> {
    match typed(state) {
        Some(Typed { path, of_model, .. }) => vec![Effect::Complete {
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
    let Some(typed) = typed(state).filter(|typed| typed.path == asked) else {
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
