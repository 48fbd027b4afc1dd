//! The command line that makes a list again, and words as a shell reads them.

use crate::geometry::{Pieces, Texts};
use crate::projection::End;
use crate::query::{
    DirectionsQuery, FindQuery, GeometryQuery, NeuronQuery, PairsQuery, Part, Query, RankQuery,
    TokenChoice,
};
use crate::transformer::Input;
use crate::vocabulary::Filters;

use super::{Chart, Depth, Format};

/// A command line being put together.
struct CommandLine(Vec<String>);

impl CommandLine {
    fn new(words: &[&str]) -> Self {
        Self(words.iter().map(|word| (*word).to_owned()).collect())
    }

    fn word(&mut self, word: impl ToString) {
        self.0.push(word.to_string());
    }

    fn option(&mut self, name: &str, value: impl ToString) {
        self.0.extend(option(name, &value.to_string()));
    }

    fn flag(&mut self, on: bool, name: &str) {
        if on {
            self.word(name);
        }
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

/// The command that answers a query as it was answered, in a format; with `trust` also how far its
/// lists can be trusted. `None` if no command asks it.
pub fn command(model: &str, query: &Query, trust: bool, format: Format) -> Option<String> {
    let mut line = CommandLine::new(&["lexiscope"]);
    match query {
        Query::Neuron(query) => neuron(&mut line, model, query),
        Query::Pairs(query) => pairs(&mut line, model, query),
        Query::Directions(query) => directions(&mut line, model, query),
        Query::Find(query) => find(&mut line, model, query),
        Query::Rank(query) => rank(&mut line, model, query),
        Query::ValueNorms
        | Query::Undertrained
        | Query::FirstConvention
        | Query::TextLanguage
        | Query::Geometry(_)
        | Query::ContextMap(_)
        | Query::NeuronMap(_)
        | Query::Trust(_) => return None,
    }
    line.flag(trust, "--trust");
    finish(line, query.filters(), format.name())
}

/// As [`command`], of the `count` best of all layers.
pub fn rank_command(
    model: &str,
    query: &RankQuery,
    count: usize,
    format: Format,
) -> Option<String> {
    let mut line = CommandLine::new(&["lexiscope", "rank", model]);
    line.option("--by", query.by);
    line.option("-n", count);
    line.option("--convention", query.convention);
    finish(line, Some(&query.filters), format.name())
}

/// As [`command`], of what is measured of several models and of the chart that shows it; `format`
/// may be `svg` too.
pub fn geometry_command(
    models: &[&str],
    query: &GeometryQuery,
    chart: &Chart,
    format: &str,
) -> Option<String> {
    let mut line = CommandLine::new(&["lexiscope", "geometry"]);
    for model in models {
        line.word(model);
    }
    let texts = &query.reading.texts;
    match (&texts.path, &*texts.label) {
        (Some(path), _) => line.option("--texts", path.to_string_lossy()),
        (None, Texts::TYPED) => {
            for text in texts.texts.iter() {
                line.option("--text", text);
            }
        }
        (None, _) => {
            if let Some(language) = texts.language() {
                line.option("--texts", language.name());
            }
        }
    }
    match &query.token {
        Some(TokenChoice::Word(word)) => line.option("--token", word),
        Some(TokenChoice::Id(id)) => line.option("--token-id", id),
        None => {}
    }
    if query.pieces != Pieces::default() {
        line.option("--pieces", query.pieces.name());
    }
    if let Some(max) = query.reading.max_tokens {
        line.option("--max-tokens", max);
    }
    line.flag(query.reading.skip_first, "--skip-first");
    line.flag(query.reading.skip_special, "--skip-special");
    if query.without_dominant > 0 {
        line.option("--without-dominant", query.without_dominant);
    }
    line.option("--measure", chart.measure.name());
    line.flag(chart.corrected, "--corrected");
    line.flag(chart.depth == Depth::State, "--by-layer");
    line.flag(chart.log, "--log");
    finish(line, None, format)
}

fn finish(mut line: CommandLine, filters: Option<&Filters>, format: &str) -> Option<String> {
    line.0
        .extend(filters.map(filter_options).unwrap_or_default());
    if format != Format::Table.name() {
        line.option("--format", format);
    }
    Some(shell_line(&line.0))
}

fn neuron(line: &mut CommandLine, model: &str, query: &NeuronQuery) {
    line.word("neuron");
    line.word(model);
    line.word(query.layer);
    line.word(query.neuron);
    line.option("-k", query.k);
    key(line, query.input);
    line.option("--convention", query.convention);
}

fn pairs(line: &mut CommandLine, model: &str, query: &PairsQuery) {
    line.word("pairs");
    line.word(model);
    line.word(query.form.name());
    line.word(query.layer);
    line.word(query.head);
    line.option("-k", query.k);
    line.flag(query.end == End::Lowest, "--lowest");
    if query.distance > 0 {
        line.option("--distance", query.distance);
    }
    line.option("--convention", query.convention);
}

fn directions(line: &mut CommandLine, model: &str, query: &DirectionsQuery) {
    line.word("directions");
    line.word(model);
    line.word(query.part.name());
    line.word(query.layer);
    if matches!(query.part, Part::Form(_)) {
        line.word(query.head);
    }
    line.option("-n", query.n);
    line.option("-k", query.k);
    line.option("--convention", query.convention);
}

fn find(line: &mut CommandLine, model: &str, query: &FindQuery) {
    line.word("find");
    line.word(model);
    for word in &query.words {
        line.word(word);
    }
    line.option("--by", query.by.name());
    line.option("-k", query.k);
    key(line, query.input);
    line.option("--convention", query.convention);
    line.flag(!query.heads, "--neurons-only");
}

fn rank(line: &mut CommandLine, model: &str, query: &RankQuery) {
    line.word("rank");
    line.word(model);
    line.option("--layer", query.layer);
    line.option("--by", query.by);
    line.option("-n", query.count);
    line.option("--convention", query.convention);
}

fn key(line: &mut CommandLine, input: Input) {
    if input != Input::default() {
        line.option("--key", input.name());
    }
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
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        inside => word.push(inside),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => word.push(chars.next()?),
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
