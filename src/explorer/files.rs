//! Files that the user names: read, written, found again from another folder.

use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

use crate::checkpoint::Bundle;
use crate::geometry::Texts;
use crate::outside::{self, LONGEST_TEXT};

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
}
