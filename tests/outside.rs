//! What comes from outside the program and is no file, has no end, or acts on a terminal.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![cfg(unix)]

#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use support::Home;

/// What would colour, clear, or turn what follows.
const NAME: &str = "m\x1b[31m\u{202e}o\nd\u{9b}2J";

fn is_unsafe(c: char) -> bool {
    c != '\n' && c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

/// A folder with a model of an odd name, a pipe that nobody writes to, and a device without end.
struct Place(Home);

impl Place {
    fn new() -> Self {
        let place = Self(Home::new());
        support::copy_files(&support::reference("gpt2-safetensors"), &place.path(NAME));
        let made = Command::new("mkfifo").arg(place.path("pipe")).status();
        assert!(made.unwrap().success());
        std::os::unix::fs::symlink("/dev/zero", place.path("zero")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.0.run(arguments)
    }

    /// It fails, and says so in one line that no terminal acts on.
    #[track_caller]
    fn refuses(&self, arguments: &[&str], says: &str) {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said:?}");
        assert!(said.contains(says), "{says}: {said:?}");
        assert_eq!(said.lines().count(), 1, "{said:?}");
        assert!(!said.contains(is_unsafe), "{said:?}");
    }

    #[track_caller]
    fn prints(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            !text.contains(is_unsafe) && !said.contains(is_unsafe),
            "{text:?} {said:?}"
        );
        text
    }
}

#[test]
fn pipes_and_devices_are_no_files() {
    let place = Place::new();
    for (name, kind) in [("pipe", "a pipe"), ("zero", "a device"), (".", "a folder")] {
        let says = format!("{name}: expected a file, got {kind}");
        for line in [
            ["neuron", "gpt2-pl", "0", "0", "--words"].as_slice(),
            &["neuron", "gpt2-pl", "0", "0", "--text"],
            &["neuron", "gpt2-pl", "0", "0", "--scan"],
            &["geometry", "gpt2-pl", "--texts"],
        ] {
            place.refuses(&[line, &[name]].concat(), &says);
        }
        for file in ["config.json", "model.safetensors", "tokenizer.json"] {
            let path = place.path(NAME).join(file);
            let kept = place.path("kept");
            fs::rename(&path, &kept).unwrap();
            std::os::unix::fs::symlink(place.path(name), &path).unwrap();
            place.refuses(
                &["info", NAME],
                &format!("{file}: expected a file, got {kind}"),
            );
            fs::remove_file(&path).unwrap();
            fs::rename(&kept, &path).unwrap();
        }
    }
    fs::create_dir(place.path("x.parquet.parts")).unwrap();
    fs::rename(
        place.path("pipe"),
        place.path("x.parquet.parts/settings.json"),
    )
    .unwrap();
    place.refuses(&["scan", "gpt2-pl", "--out", "x.parquet"], "got a pipe");
}

#[test]
fn a_list_longer_than_any_is_not_read() {
    let place = Place::new();
    let long = fs::File::create(place.path("long")).unwrap();
    long.set_len(1 << 40).unwrap();
    place.refuses(
        &["neuron", "gpt2-pl", "0", "0", "--words", "long"],
        "long: 1099511627776 bytes or more, expected at most 16777216",
    );
    fs::write(place.path("latin-1"), b"\xbf").unwrap();
    place.refuses(
        &["neuron", "gpt2-pl", "0", "0", "--words", "latin-1"],
        "latin-1: expected UTF-8 text, got something else at byte 0",
    );
}

#[test]
fn names_act_on_no_terminal() {
    let place = Place::new();
    for format in ["table", "csv", "markdown", "json"] {
        let info = place.prints(&["info", NAME, "--format", format]);
        let name = match format {
            "json" => "m\\u001b[31m\\u202eo\\nd\\u009b2J",
            "markdown" => "m\\\\u\\{1b\\}\\[31m\\\\u\\{202e\\}o\\\\nd",
            _ => "m\\u{1b}[31m\\u{202e}o\\nd\\u{9b}2J",
        };
        assert!(info.contains(name), "{info}");
        place.prints(&["neuron", NAME, "0", "0", "--format", format]);
        place.prints(&["geometry", NAME, "--text", "kot i pies", "--format", format]);
    }
    place.prints(&["geometry", NAME, "--text", "kot i pies", "--format", "svg"]);
    let page = place.prints(&[NAME, "--at", "L0.N1"]);
    assert!(
        page.contains("m\\u{1b}[31m\\u{202e}o\\nd\\u{9b}2J  L0.N1"),
        "{page}"
    );
    place.refuses(&["info", &format!("{NAME}/none")], "no such model");
    place.refuses(
        &["neuron", "gpt2-pl", "0", "0", "--words", NAME],
        "got a folder",
    );
    fs::remove_file(place.path(NAME).join("model.safetensors")).unwrap();
    place.refuses(&["info", NAME], "no weights");
    fs::write(
        place.path(NAME).join("config.json"),
        "{\"model_type\": \"\\u001b[2J\\u202e\"}",
    )
    .unwrap();
    place.refuses(&["info", NAME], "unknown `model_type`");
}

#[test]
fn cells_that_a_spreadsheet_would_run_are_text_if_that_is_asked_for() {
    let place = Place::new();
    let line = ["neuron", "gpt2-pl", "0", "892", "--format", "csv"];
    let plain = place.prints(&line);
    let safe = place.prints(&[line.as_slice(), &["--safe-csv"]].concat());
    let formulas = |text: &str| {
        let mut reader = csv_cells(text);
        reader
            .retain(|cell| cell.starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err());
        reader.len()
    };
    assert!(formulas(&plain) >= 60 && formulas(&safe) == 0);
    // Nothing but the apostrophes is different, and numbers are as they were.
    let without: Vec<String> = csv_cells(&safe)
        .into_iter()
        .map(|cell| match cell.strip_prefix('\'') {
            Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest.to_owned(),
            _ => cell,
        })
        .collect();
    assert_eq!(without, csv_cells(&plain));
}

/// The cells of CSV in which no cell has a line end or a comma and a quote.
fn csv_cells(text: &str) -> Vec<String> {
    let lines = text.lines();
    lines
        .flat_map(|line| line.split(',').map(str::to_owned))
        .collect()
}

#[test]
fn threads_are_bounded() {
    let place = Place::new();
    let output = place.run(&["info", "gpt2-pl", "--threads", "20000"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("expected a whole number from 0 to 1024"),
        "{said}"
    );
}
