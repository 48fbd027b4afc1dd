//! Options of views that are one tab's own: those of a prompt, and those of a dictionary.

use std::sync::Arc;

use super::view_error::ViewError;
use crate::explorer::prompt_settings::{
    CellShade, CommandPlace, GoesOn, ListedChange, PromptSettings,
};
use crate::query::{Address, Change, DictionarySource};

/// An option of a prompt.
pub(super) fn of_prompt(
    name: &str,
    value: String,
    prompt: &mut PromptSettings,
) -> Result<(), ViewError> {
    let why = |why: String| ViewError::Value {
        name: name.to_owned(),
        why,
    };
    let number = || why(format!("expected a whole number, got {value}"));
    let change = match name {
        "--text" => {
            prompt.text = value;
            return Ok(());
        }
        "--target" => {
            prompt.target = Some(value);
            return Ok(());
        }
        "--against" => {
            prompt.against = Some(value);
            return Ok(());
        }
        "--continue" => {
            let tokens = value.parse().map_err(|_| number())?;
            prompt.goes_on = Some(GoesOn::new(Some(tokens), None));
            return Ok(());
        }
        "--seed" => {
            let seed = value.parse().map_err(|_| number())?;
            let tokens = prompt.goes_on.map(|how| how.tokens);
            prompt.goes_on = Some(GoesOn::new(tokens, Some(seed)));
            return Ok(());
        }
        "--position" => {
            let position = value.parse().map_err(|_| number())?;
            prompt.command = Some(CommandPlace::At(position));
            return Ok(());
        }
        "--shade" => {
            let named = CellShade::ALL.into_iter().find(|s| s.name() == value);
            prompt.shade = named.ok_or_else(|| why(format!("no shade {value}")))?;
            return Ok(());
        }
        "--ablate" => Change::ablate(&value),
        "--scale" => Change::scale(&value),
        "--set" => Change::set(&value),
        "--steer" => Change::steer(&value),
        _ => return Err(ViewError::Option(name.to_owned())),
    };
    let change = change.map_err(why)?;
    prompt.changes.push(ListedChange { change, on: true });
    Ok(())
}

/// An option of a dictionary: its file, and what is said of it.
pub(super) fn of_dictionary(
    name: &str,
    value: String,
    dictionary: &mut Option<Arc<DictionarySource>>,
) -> Result<(), ViewError> {
    let wrong = |why: String| ViewError::Value {
        name: name.to_owned(),
        why,
    };
    let number = || {
        let number = value.parse().map(Some);
        number.map_err(|_| wrong(format!("expected a whole number, got {value}")))
    };
    let mut source = dictionary.as_deref().cloned().unwrap_or_default();
    let options = &mut source.options;
    match name {
        "--layer" => options.layer = number()?,
        "--target" => options.target = number()?,
        "--side" => options.side = Some(value.parse().map_err(wrong)?),
        "--hook" => options.hook = Some(value.parse().map_err(wrong)?),
        "--tensor" => options.tensor = Some(value),
        _ => source.path = value.into(),
    }
    *dictionary = Some(Arc::new(source));
    Ok(())
}

/// Whether an option with a value is one of a dictionary's.
pub(super) fn is_of_dictionary(name: &str) -> bool {
    let all = [
        "--directions",
        "--layer",
        "--target",
        "--side",
        "--hook",
        "--tensor",
    ];
    all.contains(&name)
}

/// `D120`, or its number.
pub(super) fn direction(word: &str) -> Result<Address, ViewError> {
    match word.parse() {
        Ok(row) => Ok(Address::Direction { row }),
        Err(_) => Ok(word.parse()?),
    }
}
