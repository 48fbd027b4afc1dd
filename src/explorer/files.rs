//! Files that the user names: read, written, found again from another folder.

use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

use super::saved_view::SavedView;
use super::views::geometry::ChartSettings;
use crate::checkpoint::Bundle;
use crate::geometry::Texts;
use crate::outside::{self, LONGEST_TEXT};
use crate::vocabulary::{FileSource, Text, Words};

/// Most entries of a folder that are looked at.
const ENTRIES_MAX: usize = 10_000;

/// A folder or a file by its whole path, so that it is found from another folder too. A link keeps the name
/// that the user gave it.
pub fn full_name(model: &str) -> String {
    let path = expand(Path::new(model));
    if Bundle::named(model).is_some() || !(path.is_dir() || path.is_file()) {
        return model.to_owned();
    }
    let full = std::path::absolute(&path).map(without_parents);
    full.unwrap_or(path).to_string_lossy().into_owned()
}

/// A file that the user names, by its whole path; `~/` is read as the shell reads it.
pub fn whole_path(path: &Path) -> PathBuf {
    let path = expand(path);
    std::path::absolute(&path).unwrap_or(path)
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

/// The files that begin as typed, or only what may be a model: folders, these with a `/` at their
/// end, and GGUF files. Hidden ones if their dot is typed. None if the folder cannot be read.
pub fn complete(typed: &str, models: bool) -> Vec<String> {
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
        let wanted = is_folder || !models || name.to_ascii_lowercase().ends_with(".gguf");
        (fits && wanted).then(|| format!("{folder}{name}{end}"))
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
            anyhow::anyhow!("{name} is there already")
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
    Ok(Texts::parse(&label, &bytes)?.of_file(&whole(path)))
}

/// A text file that was read.
pub struct TextFile {
    label: String,
    text: String,
    source: FileSource,
}

impl TextFile {
    /// As a list of words.
    pub fn words(self) -> Words {
        Words {
            source: Some(self.source),
            ..Words::parse(self.label, &self.text)
        }
    }

    /// As a text.
    pub fn text(self) -> Text {
        Text {
            label: self.label,
            text: self.text.into(),
            source: Some(self.source),
        }
    }
}

/// A text file, under its name.
///
/// # Errors
/// It cannot be read, is too long, or is not UTF-8.
pub fn read(path: &Path) -> Result<TextFile> {
    let (label, bytes) = read_bytes(path)?;
    let source = FileSource::of(&whole(path), &bytes);
    let text = String::from_utf8(bytes).with_context(|| format!("{label} cannot be read"))?;
    Ok(TextFile {
        label,
        text,
        source,
    })
}

/// Reads the files that a view names, before it is gone to. What cannot be read is left out of it;
/// then, or if a file is not what it was, a sentence says so.
pub fn read_source(view: &mut SavedView) -> Option<String> {
    let settings = view.settings.as_mut()?;
    let mut said = None;
    let mut changed = |label: &str, before: &FileSource, now: Option<&FileSource>| {
        let same = before.sha256.is_empty() || now.is_some_and(|now| now.sha256 == before.sha256);
        let sentence = format!("{label} has changed since its view was saved");
        said = said.take().or((!same).then_some(sentence));
    };
    let unread = settings.unread();
    let (words, text) = (unread.words.cloned(), unread.text.cloned());
    let mut missing = None;
    if let Some(source) = words {
        let read = read(&source.path).map(TextFile::words);
        missing = read.as_ref().err().map(|error| format!("{error:#}"));
        settings.filters.words = read.ok();
        if let Some(words) = &settings.filters.words {
            changed(&words.label, &source, words.source.as_ref());
        }
    }
    if let Some(source) = text {
        let read = read(&source.path).map(TextFile::text);
        missing = missing.or(read.as_ref().err().map(|error| format!("{error:#}")));
        settings.filters.text = read.ok();
        if let Some(text) = &settings.filters.text {
            changed(&text.label, &source, text.source.as_ref());
        }
    }
    if let Some(path) = settings.chart.texts.path.clone()
        && settings.chart.texts.texts.is_empty()
    {
        let read = read_texts(&path);
        missing = missing.or(read.as_ref().err().map(|error| format!("{error:#}")));
        settings.chart.texts = read.unwrap_or_else(|_| ChartSettings::default().texts);
    }
    missing.or(said)
}

/// A path that leads to the file from any folder.
fn whole(path: &Path) -> PathBuf {
    let path = expand(path);
    std::path::absolute(&path).unwrap_or(path)
}

/// For a name that is taken the first one with a number that is free: `a-2.csv`.
pub fn free_name(path: &Path) -> Option<PathBuf> {
    if fs::symlink_metadata(expand(path)).is_err() {
        return None;
    }
    let stem = path.file_stem()?.to_string_lossy().into_owned();
    let end = path
        .extension()
        .map(|end| end.to_string_lossy().into_owned());
    let numbered = |n: u32| match &end {
        Some(end) => path.with_file_name(format!("{stem}-{n}.{end}")),
        None => path.with_file_name(format!("{stem}-{n}")),
    };
    let mut names = (2..1000).map(numbered);
    names.find(|name| fs::symlink_metadata(expand(name)).is_err())
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
