//! Files that the user names: read, written, found again from another folder.

use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

use crate::checkpoint::Bundle;
use crate::geometry::Texts;
use crate::outside::{self, LONGEST_TEXT};

/// Of a folder so many entries are looked at.
const ENTRIES_MAX: usize = 10_000;

/// A folder by its whole path, so that it is found from another folder too. A link keeps the name
/// that the user gave it.
pub fn full_name(model: &str) -> String {
    let path = expand(Path::new(model));
    if Bundle::named(model).is_some() || !path.is_dir() {
        return model.to_owned();
    }
    let full = std::path::absolute(&path).map(without_parents);
    full.unwrap_or(path).to_string_lossy().into_owned()
}

/// The path without `.`, a slash at its end, and `..`, which lead from where a link points to and not
/// from where it lies.
fn without_parents(path: PathBuf) -> PathBuf {
    let parts: Vec<Component<'_>> = path.components().collect();
    let Some(last) = parts.iter().rposition(|part| *part == Component::ParentDir) else {
        return parts.iter().collect();
    };
    let (above, below) = parts.split_at(last + 1);
    let above: PathBuf = above.iter().collect();
    match fs::canonicalize(above) {
        Ok(above) => above.join(below.iter().collect::<PathBuf>()),
        Err(_) => path,
    }
}

/// `~/` as the shell reads it.
fn expand(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

/// The files that begin as typed, or only folders, these with a `/` at their end; hidden ones if
/// their dot is typed. None if the folder cannot be read.
pub fn complete(typed: &str, folders: bool) -> Vec<String> {
    let (folder, begun) = typed.split_at(typed.rfind('/').map_or(0, |slash| slash + 1));
    let inside = match folder {
        "" => PathBuf::from("."),
        folder => expand(Path::new(folder)),
    };
    let Ok(entries) = fs::read_dir(inside) else {
        return Vec::new();
    };
    let entries = entries.take(ENTRIES_MAX).filter_map(Result::ok);
    let found = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let hidden = name.starts_with('.') && !begun.starts_with('.');
        // What cannot be typed cannot be gone on with.
        let fits = name.starts_with(begun) && !hidden && !name.contains(char::is_control);
        let is_folder = fits && fs::metadata(entry.path()).is_ok_and(|data| data.is_dir());
        let end = if is_folder { "/" } else { "" };
        (fits && (is_folder || !folders)).then(|| format!("{folder}{name}{end}"))
    });
    let mut found: Vec<String> = found.collect();
    found.sort();
    found
}

/// Writes a new file; one that is there is left alone.
///
/// # Errors
/// It is there, or cannot be written.
pub fn write_new(path: &Path, text: &str) -> Result<()> {
    let path = expand(path);
    let name = path.display();
    let mut file = fs::File::create_new(&path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            anyhow::anyhow!("{name} is there already: choose another name")
        }
        _ => anyhow::anyhow!("{name} cannot be written: {error}"),
    })?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("{name} is not written whole"))
}

/// A file of texts, under its name.
///
/// # Errors
/// It cannot be read, or holds no texts.
pub fn read_texts(path: &Path) -> Result<Texts> {
    let (label, bytes) = read_bytes(path)?;
    Ok(Texts::parse(&label, &bytes)?)
}

/// A text file, under its name.
///
/// # Errors
/// It cannot be read, is too long, or is not UTF-8.
pub fn read(path: &Path) -> Result<(String, String)> {
    let (label, bytes) = read_bytes(path)?;
    let text = String::from_utf8(bytes).with_context(|| format!("{label} cannot be read"))?;
    Ok((label, text))
}

fn read_bytes(path: &Path) -> Result<(String, Vec<u8>)> {
    let path = expand(path);
    let text = outside::read(&path, LONGEST_TEXT)?;
    let label = path.file_name().unwrap_or(path.as_os_str());
    Ok((label.to_string_lossy().into_owned(), text))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_linked_folder_keeps_the_name_that_the_user_gave() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(root.join("disk/models/gpt2")).unwrap();
        symlink(root.join("disk/models/gpt2"), root.join("mine")).unwrap();
        symlink(root.join("disk/models"), root.join("all")).unwrap();
        let full = |name: &str| full_name(root.join(name).to_str().unwrap());
        let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
        for (name, expected) in [
            ("mine", "mine"),
            ("mine/", "mine"),
            ("./mine/.", "mine"),
            ("all/gpt2", "all/gpt2"),
            ("disk/../mine", "mine"),
            // Up from where the link leads to, as the system reads it.
            ("all/../models/gpt2", "disk/models/gpt2"),
        ] {
            assert_eq!(full(name), path(expected), "{name}");
        }
        assert_eq!(full_name("gpt2-pl"), "gpt2-pl");
        assert_eq!(full_name("owner/none"), "owner/none");
    }

    #[test]
    fn names_are_gone_on_with_by_what_is_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["lista.txt", "lista.old", ".lista", "inna"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("listy")).unwrap();
        let at = |begun: &str| format!("{}/{begun}", folder.path().display());
        let found = |begun: &str, folders| complete(&at(begun), folders);
        let all = ["lista.old", "lista.txt", "listy/"].map(at);
        assert_eq!(found("list", false), all);
        assert_eq!(found("list", true), [at("listy/")]);
        assert_eq!(found(".", false), [at(".lista")]);
        assert_eq!(found("x", false), [""; 0]);
        assert_eq!(complete("/no/such/folder/x", false), [""; 0]);
    }
}
