//! The command line as its users run it: what it prints, where, and with which status.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use assert_cmd::assert::OutputAssertExt;
use serde_json::Value;
use support::{Home, text};

impl Home {
    /// A command in the folder, its arguments with spaces between.
    fn line(&self, line: &str) -> Command {
        self.command(line.split_whitespace())
    }

    /// What a command line prints that a shell reads.
    #[track_caller]
    fn shell(&self, line: &str) -> String {
        let folder = Path::new(support::BINARY);
        let path = format!(
            "{}:{}",
            folder.parent().unwrap().display(),
            std::env::var("PATH").unwrap_or_default()
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(self.path(""));
        shell.env_clear().envs(self.variables()).env("PATH", path);
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        text(&output.stdout)
    }

    fn output(&self, line: &str) -> Output {
        self.line(line).output().unwrap()
    }

    /// What it prints; on standard error it is silent.
    #[track_caller]
    fn print(&self, line: &str) -> String {
        let assert = self.line(line).assert().success().stderr("");
        String::from_utf8(assert.get_output().stdout.clone()).unwrap()
    }

    /// What it prints under the convention that the model's figures favour, which standard error
    /// tells.
    fn printed_under_auto(&self, line: &str) -> String {
        let output = self.output(&format!("{line} --convention auto"));
        assert!(text(&output.stderr).starts_with("lexiscope: lists under "));
        text(&output.stdout)
    }

    #[track_caller]
    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.print(&format!("{line} --format json"))).unwrap()
    }

    /// Head and rows.
    #[track_caller]
    fn csv(&self, line: &str) -> (Vec<String>, Vec<Vec<String>>) {
        let text = self.print(&format!("{line} --format csv"));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let fields = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
        let head = fields(reader.headers().unwrap());
        (
            head,
            reader.records().map(|r| fields(&r.unwrap())).collect(),
        )
    }

    /// The texts of all columns.
    #[track_caller]
    fn texts(&self, line: &str) -> Vec<String> {
        let answer = self.json(line);
        let columns = answer["columns"].as_object().unwrap().values();
        let rows = columns.flat_map(|column| column.as_array().unwrap());
        rows.map(|row| row["text"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// The exit code, and what was said on standard error.
fn failure(output: &Output) -> (i32, String) {
    (output.status.code().unwrap(), text(&output.stderr))
}

#[test]
fn a_neuron_as_json_has_what_others_rely_on() {
    let answer = Home::new().json("neuron gpt2-pl 3 103 -k 7");
    assert_eq!(answer["model"], "gpt2-pl");
    assert_eq!(
        (&answer["layer"], &answer["neuron"]),
        (&3.into(), &103.into())
    );
    let columns = answer["columns"].as_object().unwrap();
    let names: BTreeSet<&str> = columns.keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["K", "V", "-K", "-V"]));
    for column in columns.values() {
        let rows = column.as_array().unwrap();
        assert_eq!(rows.len(), 7);
        assert!(
            rows.iter()
                .all(|row| row["token"].is_string() && row["text"].is_string())
        );
        assert!(rows.iter().all(|row| row["id"].as_u64().unwrap() < 8192));
        assert!(rows.is_sorted_by(|a, b| a["score"].as_f64() >= b["score"].as_f64()));
    }
    assert!(answer.get("timing_ms").is_none());
}

#[test]
fn pairs_as_json_have_what_others_rely_on() {
    let home = Home::new();
    for (form, lowest) in [("vo", ""), ("qk", "--lowest")] {
        let answer = home.json(&format!("pairs gpt2-pl {form} 2 1 -k 5 {lowest}"));
        assert_eq!(
            (&answer["model"], &answer["kind"]),
            (&"gpt2-pl".into(), &form.into())
        );
        assert_eq!((&answer["layer"], &answer["head"]), (&2.into(), &1.into()));
        let pairs = answer["pairs"].as_array().unwrap();
        assert_eq!(pairs.len(), 5);
        for pair in pairs {
            for side in ["from", "to"] {
                assert!(pair[side]["id"].is_u64() && pair[side]["text"].is_string());
            }
            assert_eq!(pair["score"].as_f64().unwrap() < 0.0, !lowest.is_empty());
        }
        let score = |pair: &Value| pair["score"].as_f64().unwrap().abs();
        assert!(pairs.is_sorted_by(|a, b| score(a) >= score(b)));
    }
}

#[test]
fn csv_says_the_same_as_json() {
    let home = Home::new();
    let (head, rows) = home.csv("neuron gpt2-pl 3 103 -k 7");
    assert_eq!(
        head,
        [
            "column",
            "rank",
            "id",
            "token",
            "text",
            "score",
            "convention",
            "model",
            "address",
            "key",
            "end",
            "distance",
            "filters",
            "version",
            "stored"
        ]
    );
    let answer = home.json("neuron gpt2-pl 3 103 -k 7");
    assert_eq!(rows.len(), 4 * 7);
    for row in rows {
        let rank: usize = row[1].parse().unwrap();
        let same = &answer["columns"][&row[0]][rank - 1];
        assert_eq!(
            (row[2].parse().ok(), row[4].as_str()),
            (same["id"].as_u64(), same["text"].as_str().unwrap())
        );
        assert_eq!(row[5].parse::<f64>().ok(), same["score"].as_f64());
    }
    let (head, rows) = home.csv("pairs bert-pl qk 0 0 -k 4");
    assert_eq!(
        head,
        [
            "form",
            "rank",
            "from_id",
            "from",
            "to_id",
            "to",
            "score",
            "convention",
            "from_token",
            "to_token",
            "model",
            "address",
            "key",
            "end",
            "distance",
            "filters",
            "version",
            "stored"
        ]
    );
    let answer = home.json("pairs bert-pl qk 0 0 -k 4");
    for (row, same) in rows.iter().zip(answer["pairs"].as_array().unwrap()) {
        for (side, text, token) in [("from", 3, 8), ("to", 5, 9)] {
            assert_eq!(row[text], same[side]["text"].as_str().unwrap());
            assert_eq!(row[token], same[side]["token"].as_str().unwrap());
            let continues = row[token].starts_with("##");
            assert_eq!(same[side]["continues"], continues, "{row:?}");
        }
        assert_eq!(row[10..12], ["bert-pl", "L0.H0.QK"]);
        assert_eq!(row[13], "highest");
    }
    let (_, rows) = home.csv("info bert-pl");
    assert!(
        rows.contains(&vec!["tokens".to_owned(), "8192".to_owned()]),
        "{rows:?}"
    );
    let (_, rows) = home.csv("models");
    let begin = |row: &Vec<String>| [0, 1, 3, 4, 5].map(|at| row[at].clone());
    assert_eq!(
        rows.iter().map(begin).collect::<Vec<_>>(),
        [
            ["gpt2-pl", "bundled", "GPT-2", "F16", ""],
            ["bert-pl", "bundled", "BERT", "F16", ""]
        ]
    );
    assert!(
        rows.iter()
            .all(|row| row[2].parse::<u64>().unwrap() > 1_000_000)
    );
}

#[test]
fn a_convention_is_named_in_every_format() {
    let home = Home::new();
    let line = "neuron gpt2-pl 3 103 -k 3 --convention biases,gain --trust";
    let answer = home.json(line);
    assert_eq!(answer["convention"], "gain+biases");
    assert!(answer["bias"].is_number());
    let robustness = &answer["trust"]["-V"];
    assert!(
        robustness["z"].is_number() && robustness["kept"]["cosine"].is_number(),
        "{robustness}"
    );
    let (_, rows) = home.csv(line);
    assert!(rows.iter().all(|row| row[6] == "gain+biases"));
    let table = home.print(line);
    let said = "\ngpt2-pl · L3.N103 · convention gain+biases · lexiscope ";
    assert!(table.contains(said) && table.contains("\nbias "), "{table}");
    for format in ["table", "markdown"] {
        let raw = home.print(&format!("neuron gpt2-pl 3 103 -k 3 --format {format}"));
        assert!(raw.contains("L3.N103 · convention raw · "), "{raw}");
    }

    let line = "pairs gpt2-pl qk 2 1 -k 3 --convention biases --robustness";
    let answer = home.json(line);
    assert_eq!(answer["convention"], "biases");
    let alone = &answer["regardless"];
    assert_eq!(alone["highest"].as_array().map(Vec::len), Some(3));
    assert!(alone["lowest"][0]["score"].as_f64() < alone["highest"][0]["score"].as_f64());
    let (_, rows) = home.csv(line);
    assert_eq!(rows[3][0], "qk regardless");
    assert_eq!((rows[3][2].as_str(), rows[3][7].as_str()), ("", "biases"));
    assert!(home.print(line).contains("attended to whatever asks"));
}

#[test]
fn the_models_own_figures_choose_a_convention() {
    let home = Home::new();
    let output = home.output("neuron gpt2-pl 3 103 -k 3 --format json --convention auto");
    assert!(output.status.success());
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let taken = answer["convention"].as_str().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let start = format!("lexiscope: lists under {taken}: of 30 words ");
    assert!(said.starts_with(&start), "{said}");
    // Rankings and scans take it too.
    let line = "rank gpt2-pl --layer 3 --by copying -n 2";
    let ranked = home.printed_under_auto(&format!("{line} --format json"));
    let ranked: Value = serde_json::from_str(&ranked).unwrap();
    assert_eq!(ranked["convention"], taken);
    let plain = home.json(line);
    assert_ne!(ranked["heads"], plain["heads"]);
}

#[test]
fn tokens_of_a_text_that_the_vocabulary_cannot_spell_are_counted() {
    let home = Home::new();
    home.write("text.txt", "\u{1f642} nie \u{2603}");
    let line = "neuron bert-pl 3 5 -k 9 --text text.txt";
    let answer = home.json(line);
    let expected = serde_json::json!({ "count": 3, "unknown": 2 });
    assert_eq!(answer["text_tokens"], expected);
    let table = home.print(line);
    assert!(table.contains("text 2 of 3 tokens are unknown"), "{table}");
    let spelled = home.json("neuron bert-pl 3 5 -k 9 --in-text nie");
    assert_eq!(spelled["text_tokens"]["unknown"], 0);
    assert!(
        home.json("neuron bert-pl 3 5 -k 9")
            .get("text_tokens")
            .is_none()
    );
}

#[test]
fn every_export_says_what_it_is_of_and_its_command_makes_it_again() {
    let home = Home::new();
    home.write("words.txt", "nie\nto\nże\nsię\nty\nja\nstronie\n");
    for line in [
        "neuron gpt2-pl 3 103 -k 7 --ascii --contains it's",
        "neuron gpt2-pl 3 103 -k 3 --convention gain+cosine --words words.txt --robustness",
        "pairs gpt2-pl qk 2 1 -k 5 --lowest --exclude-same --contains=-",
        "pairs bert-pl vo 2 1 -k 5 --in-text nie",
        "directions gpt2-pl vo 2 1 -n 2 -k 3 --alnum",
        "directions gpt2-pl ff-out 2 -n 2 -k 3",
        "find gpt2-pl nie to -k 3 --alnum --neurons-only",
        "rank gpt2-pl --layer 3 --by copying -n 3",
    ] {
        let answer = home.json(line);
        assert_eq!(answer["version"], env!("CARGO_PKG_VERSION"));
        for format in ["table", "json", "csv", "markdown"] {
            let first = home.print(&format!("{line} --format {format}"));
            let command = answer["command"].as_str().unwrap();
            let command = match format {
                "table" => command.replace(" --format json", ""),
                _ => command.replace("--format json", &format!("--format {format}")),
            };
            if matches!(format, "table" | "markdown") {
                assert!(first.contains(&command), "{first}");
            }
            assert_eq!(home.shell(&command), first, "{command}");
        }
    }
    // A folder whose name needs quotes.
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/gpt2-pl");
    let odd = home.path("my 'model'");
    std::fs::create_dir(&odd).unwrap();
    for file in std::fs::read_dir(model).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), odd.join(file.file_name())).unwrap();
    }
    let mut first = home.line("neuron");
    let first = first.arg(&odd).args(["3", "103", "--format", "json"]);
    let first = text(&first.output().unwrap().stdout);
    let answer: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(home.shell(answer["command"].as_str().unwrap()), first);
}

#[test]
fn an_address_stands_for_its_numbers() {
    let home = Home::new();
    for (address, numbers) in [
        ("neuron gpt2-pl L3.N103 -k 3", "neuron gpt2-pl 3 103 -k 3"),
        ("pairs gpt2-pl L2.H1.QK -k 3", "pairs gpt2-pl qk 2 1 -k 3"),
        ("pairs gpt2-pl vo l2.h1 -k 3", "pairs gpt2-pl vo 2 1 -k 3"),
        (
            "directions gpt2-pl L2.H1.VO -n 1",
            "directions gpt2-pl vo 2 1 -n 1",
        ),
        (
            "directions gpt2-pl ff-out L2 -n 1",
            "directions gpt2-pl ff-out 2 -n 1",
        ),
    ] {
        assert_eq!(home.print(address), home.print(numbers), "{address}");
    }
    for (line, why) in [
        ("neuron gpt2-pl L3", "expected a neuron's layer and number"),
        ("neuron gpt2-pl L3.N103 4", "got L3.N103 4"),
        (
            "pairs gpt2-pl L2.H1",
            "expected a head's form, layer and number",
        ),
        ("pairs gpt2-pl vo L2.H1.QK", "got vo L2.H1.QK"),
        (
            "directions gpt2-pl ff-out 2 1",
            "ff-out is of a layer: give no head",
        ),
        (
            "directions gpt2-pl vo 2",
            "VO is of a head: give its number",
        ),
    ] {
        let (code, said) = failure(&home.output(line));
        assert!(code == 2 && said.contains(why), "{line}: {code} {said}");
    }
}

#[test]
fn a_convention_that_is_not_right_is_refused_with_the_reason() {
    let home = Home::new();
    for (line, why) in [
        (
            "neuron bert-pl 0 0 --convention gain",
            "its norms come after each sum",
        ),
        (
            "pairs gpt2-pl vo 0 0 --convention output",
            "embedding are one",
        ),
    ] {
        let (code, said) = failure(&home.output(line));
        assert_eq!(code, 1, "{line}");
        assert!(
            said.contains("is not offered: ") && said.contains(why),
            "{said}"
        );
    }
    for (line, why) in [
        (
            "neuron gpt2-pl 0 0 --convention folded",
            "expected raw alone, or some of gain,",
        ),
        (
            "neuron gpt2-pl 0 0 --convention biases+inverse",
            "do not go together",
        ),
    ] {
        let (code, said) = failure(&home.output(line));
        assert_eq!(code, 2, "{line}");
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn tables_are_for_reading_and_markdown_for_documents() {
    let home = Home::new();
    for (line, word) in [
        ("neuron gpt2-pl 0 892 -k 3", "·ństwa"),
        ("pairs gpt2-pl vo 3 1 -k 3", "→"),
        ("info gpt2-pl", "GPT-2"),
        ("models", "bert-pl"),
    ] {
        let table = home.print(line);
        assert!(table.contains(word) && table.contains("──"), "{table}");
        assert!(table.lines().all(|line| line == line.trim_end()), "{table}");
        let markdown = home.print(&format!("{line} --format markdown"));
        let bars = |line: &str| line.matches('|').count();
        let first = bars(markdown.lines().next().unwrap());
        assert!(markdown.contains(word) && first > 1, "{markdown}");
        // A table, and below it perhaps a line under which convention.
        let rows = markdown.lines().take_while(|line| !line.is_empty());
        assert!(rows.clone().count() > 2, "{markdown}");
        assert!(
            rows.into_iter().all(|line| bars(line) == first),
            "{markdown}"
        );
    }
}

#[test]
fn a_model_says_what_it_is() {
    let info = Home::new().json("info bert-pl");
    assert_eq!(
        (&info["model"], &info["family"]),
        (&"bert-pl".into(), &"BERT".into())
    );
    for (field, count) in [
        ("layers", 8),
        ("neurons", 1024),
        ("heads", 8),
        ("tokens", 8192),
    ] {
        assert_eq!(info[field], count, "{field}");
    }
}

#[test]
fn undertrained_tokens_are_counted_marked_and_left_out() {
    let home = Home::new();
    // Single bytes alone are more than a hundred of either vocabulary.
    for (model, counts) in [("gpt2-pl", 110..250), ("bert-pl", 150..500)] {
        let count = home.json(&format!("info {model}"))["undertrained"].clone();
        let count = count.as_u64().unwrap() as usize;
        assert!(counts.contains(&count), "{model}: {count}");
        let all = home.texts(&format!("neuron {model} 3 103 -k 8192"));
        let trained = home.texts(&format!(
            "neuron {model} 3 103 -k 8192 --exclude-undertrained"
        ));
        assert_eq!(all.len() - trained.len(), 4 * count, "{model}");
        assert!(all.contains(&"<pad>".to_owned()));
        assert!(!trained.contains(&"<pad>".to_owned()));
        assert!(trained.contains(&"nie".to_owned()));
    }
    let table = home.print("neuron gpt2-pl 3 103 -k 8192");
    assert!(table.contains("<pad>°") && table.contains("⟨FF⟩°"));
    let table = home.print("neuron gpt2-pl 3 103 -k 8192 --exclude-undertrained");
    assert!(!table.contains("⟨FF⟩"));
}

#[test]
fn a_filter_that_can_do_nothing_says_so() {
    let home = Home::new();
    let family = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/families/llama");
    let plain = home.json(&format!("neuron {family} 0 1"));
    let output = home.output(&format!(
        "neuron {family} 0 1 --exclude-undertrained --format json"
    ));
    let said = text(&output.stderr);
    assert!(
        output.status.success() && said.contains("cannot be told"),
        "{said}"
    );
    let hidden: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(hidden["columns"], plain["columns"]);
}

#[test]
fn ranks_a_layers_neurons_by_what_their_lists_show() {
    let home = Home::new();
    let ids = |list: &serde_json::Value, name: &str| -> Vec<u64> {
        let rows = list[name].as_array().unwrap().iter();
        rows.map(|row| row["id"].as_u64().unwrap()).collect()
    };
    let overlap = |neuron: u64| {
        let answer = home.json(&format!("neuron bert-pl 3 {neuron} -k 30 --alnum"));
        let (k, v) = (ids(&answer["columns"], "K"), ids(&answer["columns"], "V"));
        let both = k.iter().filter(|id| v.contains(id)).count();
        (both as f64 / 30.0, k, v)
    };
    let ranked = home.json("rank bert-pl --layer 3 -n 6 --alnum");
    assert_eq!(
        (&ranked["by"], &ranked["layer"]),
        (&"overlap".into(), &3.into())
    );
    let mut least = f64::INFINITY;
    for entry in ranked["neurons"].as_array().unwrap() {
        let (share, k, v) = overlap(entry["neuron"].as_u64().unwrap());
        assert!((entry["figure"].as_f64().unwrap() - share).abs() < 1e-6);
        assert!(share > 0.0 && share <= least);
        assert!(k.starts_with(&ids(entry, "K")) && v.starts_with(&ids(entry, "V")));
        least = share;
    }
    for neuron in [0, 255, 256, 500, 767] {
        assert!(overlap(neuron).0 <= least);
    }
    for by in ["norm", "z", "stem"] {
        let csv = home.print(&format!(
            "rank bert-pl --layer 3 --by {by} -n 20 --format csv"
        ));
        let mut lines = csv.lines();
        assert_eq!(
            lines.next(),
            Some(&*format!(
                "layer,rank,neuron,{by},K,V,K_tokens,V_tokens,model,filters,version"
            ))
        );
        let figures: Vec<f32> = lines
            .map(|line| line.split(',').nth(3).unwrap().parse().unwrap())
            .collect();
        assert_eq!(figures.len(), 20);
        assert!(figures.is_sorted_by(|a, b| a >= b), "{by}: {figures:?}");
    }
}

#[test]
fn ranks_a_layers_heads_by_what_they_copy() {
    let home = Home::new();
    let all = home.json("rank gpt2-pl --layer 3 --by copying");
    let heads = all["heads"].as_array().unwrap();
    assert_eq!(heads.len(), 8);
    let figure = |entry: &serde_json::Value| entry["figure"].as_f64().unwrap();
    assert!(heads.is_sorted_by(|a, b| figure(a) >= figure(b)));
    for entry in heads {
        let line = format!("directions gpt2-pl vo 3 {} -n 1 -k 1", entry["head"]);
        let copying = home.json(&line)["copying"]["vocabulary"].as_f64().unwrap();
        assert!((figure(entry) - copying).abs() < 1e-5, "{entry}");
    }
    for (by, form) in [("same", "vo"), ("same-qk", "qk")] {
        let same = home.json(&format!("rank gpt2-pl --layer 3 --by {by} -n 2 --alnum"));
        for entry in same["heads"].as_array().unwrap() {
            let line = format!("pairs gpt2-pl {form} 3 {} -k 30 --alnum", entry["head"]);
            let pairs = home.json(&line)["pairs"].clone();
            let word = |side: &serde_json::Value| side["text"].as_str().unwrap().to_lowercase();
            let pairs = pairs.as_array().unwrap();
            let same = pairs.iter().filter(|p| word(&p["from"]) == word(&p["to"]));
            assert!((figure(entry) - same.count() as f64 / 30.0).abs() < 1e-6);
            assert_eq!(entry["reads"][0]["id"], pairs[0]["from"]["id"]);
        }
    }
}

#[test]
fn each_filter_keeps_what_it_says() {
    let home = Home::new();
    home.write("words.txt", "kot\nnie\nżona\n");
    home.write("text.txt", "Ala ma kota.");
    let neuron = |filter: &str| home.texts(&format!("neuron gpt2-pl 3 103 -k 8192 {filter}"));
    let ascii = neuron("--ascii");
    // A lone space, which is shown as ␣, is ASCII too.
    let is_ascii = |text: &String| text.is_ascii() || text == "␣";
    assert!(!ascii.is_empty() && ascii.iter().all(is_ascii));
    let alnum = neuron("--alnum");
    assert!(alnum.iter().any(|text| !text.is_ascii()));
    assert!(
        alnum
            .iter()
            .all(|text| text.chars().all(char::is_alphanumeric))
    );
    let found = neuron("--contains ński");
    assert!(!found.is_empty() && found.iter().all(|text| text.contains("ński")));
    let words: BTreeSet<String> = neuron("--words words.txt").into_iter().collect();
    assert!(words.contains("nie"));
    assert!(
        words
            .iter()
            .all(|w| ["kot", "nie", "żona"].contains(&w.to_lowercase().as_str()))
    );
    let tokens = neuron("--text text.txt");
    assert!(
        tokens.contains(&".".to_owned()) && tokens.len() < 40,
        "{tokens:?}"
    );
    assert!(!neuron("--exclude-special").contains(&"<pad>".to_owned()));
    assert!(neuron("").contains(&"<pad>".to_owned()));
    let positions = home.texts("neuron gpt2-pl 3 103 -k 9000 --positions");
    assert!(positions.contains(&"[pos 17]".to_owned()));
}

#[test]
fn pair_filters_leave_out_the_same_word() {
    let home = Home::new();
    let same = |pair: &Value| {
        let side = |side: &str| pair[side]["text"].as_str().unwrap().to_lowercase();
        side("from") == side("to")
    };
    // One word at each side: with nothing left out it can only be with itself.
    home.write("same.txt", "nie\n");
    let pairs =
        |filter: &str| home.json(&format!("pairs gpt2-pl vo 0 0 {filter}"))["pairs"].clone();
    let some = pairs("--words same.txt");
    assert!(some.as_array().unwrap().iter().any(same));
    let none = pairs("--words same.txt --exclude-same");
    assert!(!none.as_array().unwrap().iter().any(same));
}

#[test]
fn timings_are_in_the_json_or_on_standard_error() {
    let home = Home::new();
    for line in ["neuron gpt2-pl 0 0", "pairs gpt2-pl qk 0 0", "info gpt2-pl"] {
        let timings = home.json(&format!("{line} --timings"))["timing_ms"].clone();
        assert!(timings["open"].as_f64().unwrap() > 0.0);
        let compute = timings["compute"].as_f64().unwrap();
        assert!(compute >= 0.0);
        // Of pairs alone: the list cannot stand before it is asked for, nor after it is proven.
        let stands = timings.get("stands").map(|ms| ms.as_f64().unwrap());
        assert_eq!(stands.is_some(), line.starts_with("pairs"));
        assert!(stands.is_none_or(|ms| 0.0 < ms && ms <= compute));
        let output = home.output(&format!("{line} --timings"));
        assert_eq!(text(&output.stdout), home.print(line));
        assert!(text(&output.stderr).starts_with("open "), "{output:?}");
    }
}

#[test]
fn what_cannot_be_done_is_one_line_and_status_1() {
    let home = Home::new();
    std::fs::create_dir(home.path("empty")).unwrap();
    std::fs::create_dir(home.path("broken")).unwrap();
    home.write("broken/config.json", "{\"model_type\": \"gpt2\"");
    home.write("bad.txt", b"\xff\xfe\xfa");
    for (line, said) in [
        ("neuron no-such-model 0 0", "no-such-model: no such model"),
        ("info owner/name", "owner/name"),
        ("info bad.txt", "expected a folder"),
        ("info empty", "config.json"),
        ("info broken", "config.json"),
        (
            "neuron gpt2-pl 8 0",
            "layer 8 is not in gpt2-pl: expected 0 to 7",
        ),
        ("neuron gpt2-pl 0 1024", "expected 0 to 1023"),
        ("pairs gpt2-pl vo 0 8", "expected 0 to 7"),
        ("neuron gpt2-pl 0 0 --words bad.txt", "bad.txt"),
        ("neuron gpt2-pl 0 0 --text none.txt", "none.txt"),
        ("no-such-model", "no-such-model"),
        ("gpt2-pl --at L9", "expected 0 to 7"),
    ] {
        let output = home.output(line);
        assert_eq!(output.status.code(), Some(1), "{line}: {output:?}");
        let error = text(&output.stderr);
        assert!(
            error.starts_with("lexiscope: ") && error.contains(said),
            "{line}: {error}"
        );
        assert_eq!(error.lines().count(), 1, "{line}: {error}");
        assert_eq!(text(&output.stdout), "", "{line}");
    }
}

#[test]
fn wrong_usage_is_status_2() {
    let home = Home::new();
    for (line, said) in [
        ("neuron gpt2-pl 0 0 -k 0", "from 1 to"),
        ("neuron gpt2-pl 0", "expected a neuron's layer and number"),
        ("neuron gpt2-pl one 0", "one"),
        ("neuron gpt2-pl L3.H2", "Usage: lexiscope neuron"),
        ("neuron gpt2-pl 0 0 -k -5", "from 1 to 1000000"),
        ("neuron gpt2-pl -1 0", "expected a neuron's layer"),
        ("pairs gpt2-pl vq 0 0", "expected a head's form, layer"),
        (
            "info gpt2-pl --format xml",
            "expected table, json, csv or markdown",
        ),
        ("--at somewhere", "expected L3, L3.N907"),
        ("completions nosh", "bash"),
        ("--no-such-option", "--no-such-option"),
    ] {
        let output = home.output(line);
        assert_eq!(output.status.code(), Some(2), "{line}: {output:?}");
        assert!(text(&output.stderr).contains(said), "{line}: {output:?}");
        assert_eq!(text(&output.stdout), "", "{line}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_with_what_could_not_be_written() {
    let home = Home::new();
    let full = std::fs::File::create("/dev/full").unwrap();
    let output = home.line("neuron gpt2-pl 3 103").stdout(full).output();
    let (status, error) = failure(&output.unwrap());
    assert_eq!(status, 1);
    assert!(
        error.contains("standard output could not be written to"),
        "{error}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let home = Home::new();
    for line in [
        "neuron gpt2-pl 0 0 -k 8000",
        "pairs gpt2-pl vo 0 0 -k 20000",
        "man",
        "",
    ] {
        let mut command = home.line(line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        assert_eq!(text(&output.stderr), "", "{line}");
    }
}

#[test]
fn in_a_pipe_the_first_page_is_printed_and_nothing_is_kept() {
    let home = Home::new();
    let page = home.print("");
    assert!(page.starts_with("gpt2-pl  L0.N892\n"), "{page}");
    // The explorer begins with what the command line calls auto.
    let list = home.printed_under_auto("neuron gpt2-pl 0 892");
    assert!(page.contains(&list), "{page}");
    assert!(list.contains(" · convention "), "{list}");
    let page = home.print("bert-pl --at L2.H1.QK");
    assert!(page.starts_with("bert-pl  L2.H1.QK\n"), "{page}");
    let list = home.printed_under_auto("pairs bert-pl qk 2 1");
    assert!(page.contains(&list), "{page}");
    assert!(!page.contains('\x1b'));
    assert!(!home.path("state/lexiscope/session.toml").exists());
}

/// The commands that the help names.
fn commands(home: &Home) -> Vec<String> {
    let help = home.print("--help");
    let (_, after) = help.split_once("Commands:\n").unwrap();
    let lines = after.lines().take_while(|line| !line.is_empty());
    // Long descriptions go on below themselves.
    let named = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    named
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn help_fits_and_names_examples_that_work() {
    let home = Home::new();
    let help = home.print("--help");
    let (_, examples) = help.split_once("Examples:\n").unwrap();
    // A scan takes its time, and says so.
    let bundled = |line: &&str| line.contains("-pl ") && !line.contains(" scan ");
    let mut count = 0;
    for line in examples.lines().filter(bundled) {
        let (example, _) = line.trim_start().split_once("  ").unwrap();
        assert!(!home.shell(example.trim_end()).is_empty(), "{example}");
        count += 1;
    }
    assert!(count >= 3, "{help}");
    let commands = commands(&home);
    assert!(commands.len() >= 7);
    let helps = commands
        .iter()
        .map(|command| home.print(&format!("help {command}")));
    for help in helps.chain([help.clone(), home.print("-h")]) {
        assert!(help.contains("Usage:"), "{help}");
        let longest = help.lines().map(|line| line.chars().count()).max();
        assert!(longest.unwrap() <= 100, "{help}");
    }
    for command in commands.iter().filter(|command| *command != "help") {
        assert!(home.print(&format!("{command} --help")).contains(command));
    }
    assert!(home.print("--version").starts_with("lexiscope 0."));
}

#[test]
fn only_filters_stand_under_filters() {
    let help = Home::new().print("neuron --help");
    let (_, filters) = help.split_once("Filters:\n").unwrap();
    assert!(filters.contains("--ascii") && filters.contains("--contains"));
    for other in ["--format", "--device", "--timings"] {
        assert!(help.contains(other) && !filters.contains(other), "{help}");
    }
}

#[test]
fn completions_and_the_manual_know_every_command() {
    let home = Home::new();
    let commands = commands(&home);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = home.print(&format!("completions {shell}"));
        for word in commands.iter().map(String::as_str).chain(["exclude-same"]) {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let manual = home.print("man");
    assert!(manual.contains(".TH lexiscope 1"));
    for command in commands.iter().filter(|command| *command != "help") {
        // A page of its own, with what it takes.
        assert!(
            manual.contains(&format!(".TH lexiscope-{command} 1")),
            "{command}"
        );
    }
    let page = home.print("man rank");
    assert_eq!(page.matches(".TH ").count(), 1);
    assert!(
        page.contains("lexiscope rank") && page.contains("copying score"),
        "{page}"
    );
    let failed = home.output("man nothing");
    assert_eq!(failed.status.code(), Some(1));
    let said = text(&failed.stderr);
    assert!(
        said.contains("there is no command nothing: expected one of neuron, pairs"),
        "{said}"
    );
}

#[test]
fn ranks_all_layers_where_none_is_named() {
    let home = Home::new();
    let mut best: Vec<(f64, u64, u64)> = (0..8)
        .flat_map(|layer| {
            let answer = home.json(&format!("rank gpt2-pl --layer {layer} --by norm -n 9"));
            let neurons = answer["neurons"].as_array().unwrap().clone();
            neurons.into_iter().map(move |n| {
                (
                    n["figure"].as_f64().unwrap(),
                    layer,
                    n["neuron"].as_u64().unwrap(),
                )
            })
        })
        .collect();
    best.sort_by(|a, b| b.0.total_cmp(&a.0));
    let all = home.json("rank gpt2-pl --by norm -n 9");
    assert!(all.get("layer").is_none());
    let neurons = all["neurons"].as_array().unwrap();
    assert_eq!(neurons.len(), 9);
    for (neuron, (figure, layer, item)) in neurons.iter().zip(best) {
        assert_eq!(neuron["figure"], figure);
        assert_eq!(
            (&neuron["layer"], &neuron["neuron"]),
            (&layer.into(), &item.into())
        );
    }
    let table = home.print("rank gpt2-pl --by copying -n 3");
    // What it is of, and the command, stand below it.
    assert_eq!(table.lines().count(), 5 + 3, "{table}");
}

#[test]
fn outliers_are_counted_as_the_whole_columns_say() {
    let home = Home::new();
    let ranked = home.json("rank gpt2-pl --layer 3 --by outliers -n 3");
    for neuron in ranked["neurons"].as_array().unwrap() {
        let line = format!("neuron gpt2-pl 3 {} -k 8192", neuron["neuron"]);
        let columns = home.json(&line)["columns"].clone();
        let share = |name: &str| {
            let scores = columns[name].as_array().unwrap().iter();
            let scores: Vec<f64> = scores.map(|t| t["score"].as_f64().unwrap()).collect();
            let n = scores.len() as f64;
            assert_eq!(n, 8192.0);
            let mean = scores.iter().sum::<f64>() / n;
            let variance = scores.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            let beyond = |x: &&f64| **x > mean + 4.0 * variance.sqrt();
            scores.iter().filter(beyond).count() as f64 / n
        };
        let (figure, expected) = (
            neuron["figure"].as_f64().unwrap(),
            share("K").max(share("V")),
        );
        assert!(expected > 0.0);
        assert!((figure - expected).abs() < 1e-6, "{figure} for {expected}");
    }
    let refused = home.output("rank gpt2-pl --layer 3 --by orthogonal-output");
    let said = text(&refused.stderr);
    assert!(said.contains("neurons without gates"), "{said}");
}

#[test]
fn finds_where_a_word_stands_in_every_format() {
    let home = Home::new();
    let answer = home.json("find gpt2-pl miasto -k 3");
    let best = &answer["groups"]["V"]["hits"][0];
    assert_eq!(answer["by"], "rank");
    assert_eq!(best["token"]["text"], "miasto");
    // The neuron's own list has the word there, with that score.
    let line = format!(
        "neuron gpt2-pl {} {} -k {}",
        best["layer"], best["index"], best["rank"]
    );
    let list = home.json(&line);
    let last = list["columns"]["V"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["id"], &last["score"]),
        (&best["token"]["id"], &best["score"])
    );
    let (head, rows) = home.csv("find gpt2-pl miasto -k 2 --neurons-only");
    assert_eq!((&head[0][..], &head[2][..]), ("stand", "address"));
    assert_eq!(rows.len(), 8);
    let table = home.print("find gpt2-pl miasto wod* -k 2");
    assert!(
        table.contains("K  fires on it") && table.contains("VO.to  writes it"),
        "{table}"
    );
}

#[test]
fn takes_matrices_apart_in_every_format() {
    let home = Home::new();
    let answer = home.json("directions gpt2-pl qk 2 1 -n 4 -k 5");
    assert_eq!(answer["sides"], serde_json::json!(["query", "key"]));
    assert_eq!(answer["directions"].as_array().unwrap().len(), 4);
    assert!(answer["copying"]["vocabulary"].is_number());
    let (_, rows) = home.csv("directions gpt2-pl ff-out 2 -n 2 -k 3");
    // Two sides with two ends each.
    assert_eq!(rows.len(), 2 * 4 * 3);
    let table = home.print("directions gpt2-pl vo 4 3 -n 2 --format markdown");
    assert!(
        table.starts_with("L4.H3.VO") && table.contains("| read "),
        "{table}"
    );
    let refused = home.output("directions gpt2-pl vo 4");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("give its number"));
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn models_of_other_programs_are_listed_and_what_cannot_be_read_is_said() {
    let home = Home::new();
    let digest = "ab".repeat(32);
    let library = home.path("manifests/registry.ollama.ai/library");
    for (model, media) in [("whole", "model"), ("elsewhere", "params")] {
        std::fs::create_dir_all(library.join(model)).unwrap();
        let layer = format!(
            "{{\"layers\":[{{\"mediaType\":\"application/vnd.ollama.image.{media}\",\"digest\":\"sha256:{digest}\"}}]}}"
        );
        std::fs::write(library.join(model).join("latest"), layer).unwrap();
    }
    std::fs::create_dir(home.path("blobs")).unwrap();
    home.write(&format!("blobs/sha256-{digest}"), b"no model at all");
    let output = home.output("models --format json");
    let models: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stored = models.as_array().unwrap().last().unwrap();
    assert_eq!(stored["name"], "ollama:whole:latest");
    assert_eq!(stored["bytes"], 15);
    let blob = stored["location"].as_str().unwrap();
    assert!(blob.ends_with(&format!("sha256-{digest}")), "{stored}");
    assert!(!stored["problem"].as_str().unwrap().is_empty(), "{stored}");
    let said = text(&output.stderr);
    assert!(
        said.contains("ollama:elsewhere:latest: its manifest names no weights"),
        "{said}"
    );
    let (_, said) = failure(&home.output("info ollama:nothing"));
    assert!(said.contains("Ollama keeps none of that name in"), "{said}");
}
