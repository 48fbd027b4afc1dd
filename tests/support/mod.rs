//! What the test crates share: where the tests' checkpoints lie and how they are opened, answers in
//! JSON, and a user's folders with the program in them.
//!
//! Include it with `#[path = "support/mod.rs"] mod support;`, from a folder with `../`.
#![allow(dead_code, clippy::unwrap_used)] // each crate uses a part

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lexiscope::checkpoint::{Checkpoint, Location};
use lexiscope::projection::DeviceChoice;
use lexiscope::query::{Answer, Answering, Callbacks, Query, QueryError, Reader};
use serde_json::Value;
use tempfile::TempDir;

/// The program.
pub const BINARY: &str = env!("CARGO_BIN_EXE_lexiscope");

/// The reference checkpoints: two families in every form that weights are kept in.
pub const REFERENCES: [&str; 5] = [
    "gpt2-safetensors",
    "gpt2-pickle",
    "herbert-pickle",
    "herbert-legacy",
    "bert-safetensors",
];

/// A path in the folder of the tests.
pub fn tests(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(path)
}

/// The folder of a reference checkpoint; its answers lie beside it, as JSON.
pub fn reference(name: &str) -> PathBuf {
    tests("reference").join(name)
}

/// A folder as a model of its own name.
pub fn location(folder: &Path) -> Location {
    Location::Folder {
        name: folder.file_name().unwrap().to_string_lossy().into_owned(),
        path: folder.to_owned(),
    }
}

/// The checkpoint of a folder.
#[track_caller]
pub fn checkpoint(folder: &Path) -> Checkpoint {
    Checkpoint::open(&location(folder)).unwrap()
}

/// The model of a folder, on the processor.
#[track_caller]
pub fn reader(folder: &Path) -> Reader {
    Reader::open(&location(folder), DeviceChoice::Cpu).unwrap()
}

/// A file of answers.
#[track_caller]
pub fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// A reference checkpoint's model, and its answers.
#[track_caller]
pub fn reference_and_answers(name: &str) -> (Reader, Value) {
    let folder = reference(name);
    (reader(&folder), json(&folder.with_extension("json")))
}

/// Asks a model, to the end.
pub fn ask(model: &mut dyn Answering, query: &Query) -> Result<Answer, QueryError> {
    model.answer(query, Callbacks::none())
}

/// Copies the files of a folder into another one, which is made.
pub fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// A user's folders.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A path in the folder that the program is started in.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// The variables that the program sees, and no others: no test leaves the machine.
    pub fn variables(&self) -> Vec<(&'static str, OsString)> {
        let folder = |name| self.path(name).into_os_string();
        vec![
            ("PATH", std::env::var_os("PATH").unwrap_or_default()),
            ("TERM", "xterm-256color".into()),
            ("HOME", folder("")),
            ("XDG_DATA_HOME", folder("data")),
            ("XDG_STATE_HOME", folder("state")),
            ("XDG_CONFIG_HOME", folder("config")),
            ("XDG_CACHE_HOME", folder("cache")),
            ("HF_HUB_OFFLINE", "1".into()),
            // Without models: what the machine has is not listed.
            ("OLLAMA_MODELS", folder("")),
        ]
    }

    /// The program in the folder.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(self.path(""));
        command.env_clear().envs(self.variables());
        command
    }

    /// What comes of it.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        self.command(arguments).output().unwrap()
    }
}

/// What a program wrote.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
