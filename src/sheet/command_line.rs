//! Command lines: as words, and as a line that a shell reads.

use std::fmt;

use crate::vocabulary::Filters;

/// A command line being put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine(Vec<String>);

impl CommandLine {
    /// A subcommand of the program with its first arguments.
    pub fn new(subcommand: &str, arguments: &[&dyn fmt::Display]) -> Self {
        let program = ["lexiscope".to_owned(), subcommand.to_owned()];
        let arguments = arguments.iter().map(ToString::to_string);
        Self(program.into_iter().chain(arguments).collect())
    }

    /// Adds an argument.
    pub fn word(&mut self, word: impl ToString) {
        self.0.push(word.to_string());
    }

    /// Adds an option with its value.
    pub fn option(&mut self, name: &str, value: impl ToString) {
        self.0.extend(option(name, &value.to_string()));
    }

    /// Adds an option that has no value, if it is on.
    pub fn flag(&mut self, on: bool, name: &str) {
        if on {
            self.word(name);
        }
    }

    /// Adds the filters that are on.
    pub fn filters(&mut self, filters: &Filters) {
        self.0.extend(filter_options(filters));
    }

    /// The line that prints the same in a format.
    pub fn in_format(&self, format: &str) -> String {
        let mut line = self.clone();
        if format != "table" {
            line.option("--format", format);
        }
        line.to_string()
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shell_line(&self.0))
    }
}

/// An option with its value: two words, or one where the value could be taken for another option.
pub fn option(name: &str, value: &str) -> Vec<String> {
    if value.is_empty() || value.starts_with('-') {
        vec![format!("{name}={value}")]
    } else {
        vec![name.to_owned(), value.to_owned()]
    }
}

/// The filters that are on, as options of the command line. Words and texts are named by their
/// files; a text that was typed is given whole.
pub fn filter_options(filters: &Filters) -> Vec<String> {
    let mut line = CommandLine(Vec::new());
    for (name, value) in filters.describe() {
        let name = format!("--{name}");
        match &*name {
            "--contains" => line.option(&name, &value),
            "--words" => {
                let source = filters.words.as_ref().and_then(|w| w.source.as_ref());
                let path = source.map_or(value, |s| s.path.to_string_lossy().into_owned());
                line.option(&name, path);
            }
            "--text" => {
                let text = filters.text.iter();
                for text in text {
                    match &text.source {
                        Some(source) => line.option(&name, source.path.to_string_lossy()),
                        None => line.option("--in-text", &text.text),
                    }
                }
            }
            _ => line.word(name),
        }
    }
    line.0
}

/// Words as one line that a POSIX shell reads as these words.
pub fn shell_line(words: &[String]) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=+,@%".contains(c);
    let quoted: Vec<String> = words
        .iter()
        .map(|word| match !word.is_empty() && word.chars().all(plain) {
            true => word.clone(),
            false => format!("'{}'", word.replace('\'', r"'\''")),
        })
        .collect();
    quoted.join(" ")
}

/// The words of a line as a shell reads it: spaces part them; quotes and backslashes keep them
/// together. `None` if a quote is left open.
pub fn shell_words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            quote @ ('\'' | '"') => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        end if end == quote => break,
                        '\\' if quote == '"' => word.push(chars.next()?),
                        inside => word.push(inside),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next()?),
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    const ODD: &[&str] = &[
        "find",
        "żona",
        "it's",
        "",
        "a  b",
        "$HOME `x` \"q\" \\",
        "dom*",
        "/owa$/",
        "!x;&|<>(){}[]?~#",
        "-x",
    ];

    #[test]
    fn a_line_is_read_as_it_was_written() {
        assert_eq!(shell_words(&shell_line(&words(ODD))), Some(words(ODD)));
        let typed = shell_words(r#"L3.N103  --contains "a \" b"c\ d"#);
        assert_eq!(typed, Some(words(&["L3.N103", "--contains", "a \" bc d"])));
        assert_eq!(shell_words("a 'b"), None);
        assert_eq!(shell_words("a \"b"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_a_line_as_the_same_words() {
        let line = format!("printf '%s\\n' {}", shell_line(&words(ODD)));
        let said = Command::new("sh").args(["-c", &line]).output().unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        assert_eq!(said.lines().collect::<Vec<_>>(), ODD);
    }

    #[test]
    fn a_value_is_never_taken_for_an_option() {
        assert_eq!(option("--contains", "-x"), ["--contains=-x"]);
        assert_eq!(option("-k", "30"), ["-k", "30"]);
    }
}
