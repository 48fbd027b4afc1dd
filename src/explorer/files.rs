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

/// The path without `..`, which lead from where a link points to and not from where it lies.
fn without_parents(path: PathBuf) -> PathBuf {
    let parts: Vec<Component<'_>> = path.components().collect();
    let Some(last) = parts.iter().rposition(|part| *part == Component::ParentDir) else {
        return path;
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
