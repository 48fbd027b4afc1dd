//! What the command line says, to compare the screen with.

use serde_json::Value;
use vt100::Screen;

use super::Home;
use super::program::rows;

/// Rows that are compared.
const ROWS: usize = 5;
/// Letters of a word that are compared: long words are cut where columns are narrow.
const LETTERS: usize = 6;

/// The convention that the bundled model begins under.
pub const FIRST: &[&str] = &["--convention", "auto"];

/// Lists of words, side by side.
#[derive(Debug)]
pub struct Lists(Vec<Vec<String>>);

/// The four columns of a neuron.
pub fn columns(home: &Home, layer: usize, neuron: usize, filters: &[&str]) -> Lists {
    let place = [layer.to_string(), neuron.to_string()];
    let mut arguments = vec![
        "neuron", "gpt2-pl", &place[0], &place[1], "--format", "json",
    ];
    arguments.extend(FIRST);
    arguments.extend(filters);
    let answer: Value = serde_json::from_str(&home.print(&arguments)).unwrap();
    let words = |name: &str| {
        let rows = answer["columns"][name].as_array().unwrap().iter();
        rows.map(|row| beginning(&row["text"])).collect()
    };
    Lists(["K", "V", "-K", "-V"].map(words).into())
}

/// The pairs of a head's form, as a first start has them.
pub fn pairs(home: &Home, form: &str, layer: usize, head: usize) -> Lists {
    let place = [layer.to_string(), head.to_string()];
    let mut arguments = vec![
        "pairs", "gpt2-pl", form, &place[0], &place[1], "--format", "json",
    ];
    arguments.extend(FIRST);
    let answer: Value = serde_json::from_str(&home.print(&arguments)).unwrap();
    let words = |side: &str| {
        let rows = answer["pairs"].as_array().unwrap().iter();
        rows.map(|row| beginning(&row[side]["text"])).collect()
    };
    Lists(["from", "to"].map(words).into())
}

fn beginning(word: &Value) -> String {
    word.as_str().unwrap().chars().take(LETTERS).collect()
}

impl Lists {
    /// Whether the first rows of the lists are on the screen, one below the other.
    pub fn are_on(&self, screen: &Screen) -> bool {
        let rows = rows(screen);
        let shortest = self.0.iter().map(Vec::len).min().unwrap_or_default();
        let count = shortest.min(ROWS);
        assert!(count > 0, "nothing to look for");
        let row_is_at = |row: usize, line: &str| {
            let mut rest = line;
            self.0
                .iter()
                .all(|list| match rest.split_once(&*list[row]) {
                    Some((_, after)) => {
                        rest = after;
                        true
                    }
                    None => false,
                })
        };
        let mut places = rows.windows(count);
        places.any(|lines| (0..count).all(|row| row_is_at(row, &lines[row])))
    }
}
