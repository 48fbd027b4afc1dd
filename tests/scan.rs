//! `lexiscope scan`: the table is what the single answers are, whatever happens on the way.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "checkpoint_writer/mod.rs"]
mod checkpoint_writer;
#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use checkpoint_writer::Synthetic;
use lexiscope::checkpoint::Location;
use lexiscope::projection::{DeviceChoice, End};
use lexiscope::query::{
    Answer, Answering, Callbacks, NeuronColumn, NeuronQuery, PairsQuery, Query, Reader,
};
use lexiscope::transformer::{Form, Input};
use lexiscope::vocabulary::Filters;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Row, RowAccessor};
use support::reference;
use tempfile::TempDir;

/// A model that is named as the command names it, by its path.
fn open(folder: &Path) -> Reader {
    let location = Location::Folder {
        name: folder.display().to_string(),
        path: folder.to_owned(),
    };
    Reader::open(&location, DeviceChoice::Cpu).unwrap()
}

fn command(model: &Path, out: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(support::BINARY);
    command.arg("scan").arg(model).arg("--out").arg(out);
    command.args(more);
    command
}

fn scan(model: &Path, out: &Path, more: &[&str]) {
    let output = command(model, out, more).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(output.stdout.is_empty());
}

/// Where the parts of a scan lie until it is whole.
fn parts_of(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".parts");
    name.into()
}

/// The one line with which a scan is refused, and its exit code.
fn refused(model: &Path, out: &Path, more: &[&str]) -> (String, i32) {
    let output = command(model, out, more).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (said.trim_end().to_owned(), output.status.code().unwrap())
}

fn rows(file: &Path) -> Vec<Row> {
    let reader = SerializedFileReader::new(File::open(file).unwrap()).unwrap();
    reader
        .get_row_iter(None)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// A list of a file or of an answer: `(id, to_id, bits of the score)`, best first.
type List = Vec<(u32, Option<u32>, u32)>;

/// The lists of a file by (layer, kind, item, end).
fn lists(file: &Path, reader: &Reader) -> BTreeMap<(i32, String, i32, String), List> {
    let card = reader.card();
    let mut lists: BTreeMap<_, List> = BTreeMap::new();
    for row in rows(file) {
        let text = |column| row.get_string(column).unwrap().clone();
        let number = |column| row.get_int(column).unwrap();
        assert_eq!(text(0), card.name);
        let list = lists
            .entry((number(1), text(2), number(3), text(4)))
            .or_default();
        assert_eq!(number(5), list.len() as i32 + 1, "ranks count from 1");
        let (id, to) = (number(6) as u32, row.get_int(9).ok().map(|id| id as u32));
        assert_eq!(text(8), card.vocabulary.text(id));
        assert_eq!(text(7), &*card.vocabulary.token(id).unwrap().raw);
        let to_text = to.map(|to| card.vocabulary.text(to).into_owned());
        assert_eq!(row.get_string(10).ok().cloned(), to_text);
        list.push((id, to, row.get_float(11).unwrap().to_bits()));
    }
    lists
}

/// What a reader answers, query by query, for all of `layers`.
fn answered(
    reader: &mut Reader,
    layers: std::ops::Range<usize>,
    (k, pairs): (usize, usize),
    filters: &Filters,
) -> BTreeMap<(i32, String, i32, String), List> {
    let mut lists = BTreeMap::new();
    let spec = reader.card().spec.clone();
    for layer in layers {
        for neuron in 0..spec.neurons {
            let filters = filters.clone();
            let query = NeuronQuery {
                convention: Default::default(),
                layer,
                neuron,
                input: Input::default(),
                k,
                filters,
            };
            let Answer::Neuron(answer) = reader
                .answer(&Query::Neuron(query), Callbacks::none())
                .unwrap()
            else {
                panic!()
            };
            for (at, column) in NeuronColumn::ALL.iter().enumerate() {
                let end = if at < 2 { "highest" } else { "lowest" };
                let list = answer.columns[at].iter();
                let list = list.map(|s| (s.id, None, s.score.to_bits())).collect();
                let key = (
                    layer as i32,
                    column.name().into(),
                    neuron as i32,
                    end.into(),
                );
                lists.insert(key, list);
            }
        }
        for head in 0..spec.heads {
            for (form, end) in [Form::Vo, Form::Qk]
                .into_iter()
                .flat_map(|form| [(form, End::Highest), (form, End::Lowest)])
            {
                let (k, filters) = (pairs, filters.clone());
                let query = PairsQuery {
                    convention: Default::default(),
                    form,
                    layer,
                    head,
                    distance: 0,
                    end,
                    k,
                    filters,
                };
                let Answer::Pairs(answer) = reader
                    .answer(&Query::Pairs(query), Callbacks::none())
                    .unwrap()
                else {
                    panic!()
                };
                let list = answer.pairs.iter();
                let list = list
                    .map(|p| (p.from, Some(p.to), p.score.to_bits()))
                    .collect();
                let end = if end == End::Highest {
                    "highest"
                } else {
                    "lowest"
                };
                let key = (layer as i32, form.name().into(), head as i32, end.into());
                lists.insert(key, list);
            }
        }
    }
    lists
}

#[test]
fn holds_every_list_that_the_single_commands_print() {
    let folder = TempDir::new().unwrap();
    for name in ["gpt2-safetensors", "herbert-legacy"] {
        let out = folder.path().join(name).with_extension("parquet");
        scan(&reference(name), &out, &[]);
        let mut reader = open(&reference(name));
        let layers = reader.card().spec.layers;
        let want = answered(&mut reader, 0..layers, (30, 50), &Filters::default());
        assert!(lists(&out, &reader) == want, "{name}");
        assert!(!parts_of(&out).exists());
    }
}

#[test]
fn filters_and_lengths_hold_and_settings_are_written_down() {
    let folder = TempDir::new().unwrap();
    let model = folder.path().join("model");
    // Wide enough for a layer of two parts.
    let synthetic = Synthetic {
        width: 264,
        vocab: 500,
        layers: 3,
        ..Synthetic::tiny()
    };
    synthetic.write(&model).unwrap();
    let out = folder.path().join("scan.parquet");
    let more = [
        "-k",
        "7",
        "--pairs",
        "9",
        "--alnum",
        "--exclude-same",
        "--layers",
        "1..3",
    ];
    scan(&model, &out, &more);
    let mut reader = open(&model);
    let filters = Filters {
        alnum: true,
        exclude_same: true,
        ..Filters::default()
    };
    assert!(lists(&out, &reader) == answered(&mut reader, 1..3, (7, 9), &filters));
    let file = SerializedFileReader::new(File::open(&out).unwrap()).unwrap();
    let metadata = file
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .unwrap();
    let said = |name: &str| {
        let pair = metadata.iter().find(|pair| pair.key == name);
        pair.unwrap().value.clone().unwrap()
    };
    assert_eq!(said("model"), model.display().to_string());
    assert_eq!(said("filters"), r#"{"alnum":"true","exclude-same":"true"}"#);
    assert_eq!(
        (said("k"), said("pairs"), said("layers")),
        ("7".into(), "9".into(), "1..3".into())
    );
    assert_eq!(
        (said("convention"), said("vocabulary")),
        ("raw".into(), "500".into())
    );
    let stored: serde_json::Value = serde_json::from_str(&said("stored")).unwrap();
    assert_eq!(
        (&stored["E"], &stored["values"]),
        (&["F32"].into(), &["F32"].into())
    );
    // 1056 neurons are two parts, 4 heads one.
    assert_eq!(file.metadata().num_row_groups(), 2 * 3);
}

#[test]
fn layers_scanned_apart_are_the_whole() {
    let folder = TempDir::new().unwrap();
    let model = reference("gpt2-safetensors");
    let file = |name: &str| folder.path().join(name);
    scan(&model, &file("whole"), &[]);
    scan(&model, &file("a"), &["--layers", "0..2"]);
    scan(&model, &file("b"), &["--layers", "2"]);
    let joined = [rows(&file("a")), rows(&file("b"))].concat();
    assert!(joined == rows(&file("whole")));
    scan(
        &model,
        &file("neurons"),
        &["--neurons-only", "--layers", "2"],
    );
    scan(&model, &file("heads"), &["--heads-only", "--layers", "2"]);
    let joined = [rows(&file("neurons")), rows(&file("heads"))].concat();
    assert!(joined == rows(&file("b")));
}

#[test]
fn killed_at_any_time_it_goes_on_to_the_same_file() {
    let folder = TempDir::new().unwrap();
    let model = folder.path().join("model");
    let synthetic = Synthetic {
        width: 264,
        vocab: 3000,
        layers: 4,
        ..Synthetic::tiny()
    };
    synthetic.write(&model).unwrap();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    scan(&model, &whole, &[]);
    let parts = parts_of(&killed);
    let there = || fs::read_dir(&parts).map_or(0, Iterator::count);
    let mut kills = 0;
    loop {
        let before = there();
        let mut child = command(&model, &killed, &[]).spawn().unwrap();
        let start = Instant::now();
        // As soon as there is more than before, it is killed amid the next part.
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if there() > before + 1 {
                break None;
            }
            assert!(
                start.elapsed() < Duration::from_secs(600),
                "nothing is done"
            );
            thread::yield_now();
        };
        match ended {
            Some(status) => {
                assert!(status.success());
                break;
            }
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
            }
        }
    }
    assert!(kills >= 2, "it was never killed in the middle");
    assert!(fs::read(&killed).unwrap() == fs::read(&whole).unwrap());
    assert!(!parts.exists());
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_it_after_the_part_in_work_and_says_how_to_go_on() {
    let folder = TempDir::new().unwrap();
    let model = folder.path().join("model");
    let synthetic = Synthetic {
        width: 264,
        vocab: 3000,
        // So many that it is not over before the interrupt has come.
        layers: 12,
        ..Synthetic::tiny()
    };
    synthetic.write(&model).unwrap();
    let (whole, ended) = (folder.path().join("whole"), folder.path().join("ended"));
    let parts = parts_of(&ended);
    let child = command(&model, &ended, &[])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while fs::read_dir(&parts).map_or(0, Iterator::count) < 3 {
        assert!(
            start.elapsed() < Duration::from_secs(600),
            "nothing is done"
        );
        thread::yield_now();
    }
    let interrupt = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let last = said.lines().last().unwrap();
    let advice = "of 36 parts; the same command goes on from there";
    assert!(
        last.starts_with("lexiscope: ended after ") && last.ends_with(advice),
        "{said}"
    );
    let left: Vec<_> = fs::read_dir(&parts)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().ends_with("tmp")),
        "{left:?}"
    );
    scan(&model, &ended, &[]);
    scan(&model, &whole, &[]);
    assert!(fs::read(&ended).unwrap() == fs::read(&whole).unwrap());
}

#[test]
fn other_settings_do_not_mix() {
    let folder = TempDir::new().unwrap();
    let (gpt2, bert) = (reference("gpt2-safetensors"), reference("bert-safetensors"));
    let out = folder.path().join("scan.parquet");
    scan(&gpt2, &out, &["--layers", "0"]);
    let before = fs::read(&out).unwrap();
    let there = format!(
        "lexiscope: {}: holds a scan with other settings",
        out.display()
    );
    for (model, more, what) in [
        (&gpt2, &["--layers", "0", "-k", "9"][..], "(k: 30, now 9)"),
        (
            &gpt2,
            &["--layers", "0", "--ascii"],
            "(filters: {}, now {\"ascii\":\"true\"})",
        ),
        (&gpt2, &["--layers", "0..2"], "(layers: 0..1, now 0..2)"),
        (&bert, &["--layers", "0"], "(model: "),
    ] {
        let (said, code) = refused(model, &out, more);
        assert!(said.starts_with(&there) && said.contains(what), "{said}");
        assert_eq!((said.lines().count(), code), (1, 1));
    }
    // The same words under the same name, or others.
    let words = folder.path().join("words.txt");
    let listed = ["--words", words.to_str().unwrap()];
    let out_of_words = folder.path().join("words.parquet");
    fs::write(&words, "a\nb\n").unwrap();
    scan(&gpt2, &out_of_words, &listed);
    scan(&gpt2, &out_of_words, &listed);
    fs::write(&words, "a\nc\n").unwrap();
    let (said, _) = refused(&gpt2, &out_of_words, &listed);
    assert!(said.contains("filter-lists"), "{said}");
    scan(&gpt2, &out, &["--layers", "0"]);
    assert!(
        fs::read(&out).unwrap() == before,
        "a whole scan is left as it is"
    );
}

#[test]
fn parts_of_other_settings_do_not_mix_either() {
    let folder = TempDir::new().unwrap();
    let (model, out) = (
        reference("gpt2-safetensors"),
        folder.path().join("scan.parquet"),
    );
    let parts = parts_of(&out);
    scan(&model, &out, &[]);
    // As a scan leaves it that was killed when all its parts were there but one.
    let settings = SerializedFileReader::new(File::open(&out).unwrap()).unwrap();
    let settings = settings
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .unwrap()
        .clone();
    let settings: Vec<_> = settings
        .iter()
        .map(|p| (&p.key, p.value.as_ref()))
        .collect();
    fs::create_dir(&parts).unwrap();
    fs::write(
        parts.join("settings.json"),
        serde_json::to_vec(&settings).unwrap(),
    )
    .unwrap();
    fs::remove_file(&out).unwrap();
    let (said, code) = refused(&model, &out, &["-k", "29"]);
    assert!(
        said.contains("(k: 30, now 29)") && said.contains(".parts: holds"),
        "{said}"
    );
    assert_eq!((said.lines().count(), code), (1, 1));
    scan(&model, &out, &[]);
}

#[test]
fn what_cannot_be_is_refused_in_a_line() {
    let folder = TempDir::new().unwrap();
    let model = reference("gpt2-safetensors");
    let out = folder.path().join("scan.parquet");
    let (said, code) = refused(&model, &out, &["--layers", "2..4"]);
    let expected = "layers 2..4 are not in";
    assert!(
        said.contains(expected) && said.ends_with("expected them within 0..3"),
        "{said}"
    );
    assert_eq!((said.lines().count(), code), (1, 1));
    for layers in ["3..3", "2..1", "x", "1.."] {
        let (said, code) = refused(&model, &out, &["--layers", layers]);
        assert!(said.contains("expected layers as 0..8"), "{said}");
        assert_eq!(code, 2);
    }
    let nowhere = folder.path().join("no/such/folder/scan.parquet");
    let (said, code) = refused(&model, &nowhere, &[]);
    assert!(
        said.contains("scan.parquet: cannot be written: No such"),
        "{said}"
    );
    assert_eq!((said.lines().count(), code), (1, 1));
    let (said, _) = refused(&model, folder.path(), &[]);
    assert!(
        said.ends_with("expected the name of a file, as scan.parquet"),
        "{said}"
    );
    fs::write(&out, "something of the user's").unwrap();
    let (said, code) = refused(&model, &out, &[]);
    assert!(said.contains("cannot be read as a scan"), "{said}");
    assert_eq!((said.lines().count(), code), (1, 1));
    assert_eq!(fs::read_to_string(&out).unwrap(), "something of the user's");
}
