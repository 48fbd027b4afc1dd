//! Folders that environment variables name.

use std::ffi::OsString;
use std::path::PathBuf;

/// The folder that a variable names, as Python's `expanduser` and `expandvars` read it: files and
/// services set variables without a shell that would.
pub fn folder(variable: &impl Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    let value = variable(name).filter(|value| !value.is_empty())?;
    let Some(text) = value.to_str() else {
        return Some(PathBuf::from(value));
    };
    let home = match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => user_folder(variable),
        _ => None,
    };
    let text = match home {
        Some(home) => format!("{}{}", home.to_str()?, &text[1..]),
        None => text.to_owned(),
    };
    Some(expanded(&text, variable).into())
}

/// The user's own folder.
pub fn user_folder(variable: &impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    set("HOME")
        .or_else(|| set("USERPROFILE"))
        .map(PathBuf::from)
}

/// The text with the values of `$NAME` and `${NAME}` in their places; what is not set stays.
fn expanded(text: &str, variable: &impl Fn(&str) -> Option<OsString>) -> String {
    let mut parts = text.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = match part.strip_prefix('{').and_then(|part| part.split_once('}')) {
            Some((name, rest)) => (name, rest),
            None => {
                let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let end = part.find(|c| !in_name(c)).unwrap_or(part.len());
                part.split_at(end)
            }
        };
        match variable(name).and_then(|value| value.into_string().ok()) {
            Some(value) if !name.is_empty() => {
                out += &value;
                out += rest;
            }
            _ => {
                out.push('$');
                out += part;
            }
        }
    }
    out
}
