//! The program itself against the hub: what it prints, and its exit codes.

use assert_cmd::Command;

use super::server::{Fault, Server};
use super::{MODEL, repository};

struct Home {
    folder: tempfile::TempDir,
    server: Server,
}

impl Home {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            server: Server::start(repository()),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("lexiscope").unwrap();
        let home = self.folder.path();
        command
            .args(arguments)
            .env_clear()
            .env("HOME", home)
            .env("HF_HOME", home.join("hf"))
            .env("HF_ENDPOINT", &self.server.address)
            .env("HF_TOKEN", "hf_secret");
        command
    }

    fn run(&self, arguments: &[&str]) -> (bool, String, String) {
        let mut command = self.command(arguments);
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (
            output.status.success(),
            text(&output.stdout),
            text(&output.stderr),
        )
    }
}

#[test]
fn a_hub_id_is_all_that_it_takes() {
    let home = Home::new();
    let (done, out, err) = home.run(&["neuron", MODEL, "0", "892", "-k", "3", "--format", "json"]);
    assert!(done, "{err}");
    assert!(
        out.contains("\"model\": \"owner/model\"") || out.contains("\"model\":\"owner/model\"")
    );
    assert!(
        err.contains("fetching") && err.contains("MB of owner/model"),
        "{err}"
    );
    // In a pipe the explorer prints its first page.
    let (done, out, err) = home.run(&[MODEL, "--at", "L0.N892"]);
    assert!(
        done && out.starts_with("owner/model  L0.N892"),
        "{out}{err}"
    );
    assert!(err.is_empty(), "{err}");
    let (_, models, _) = home.run(&["models"]);
    assert!(models.contains(MODEL), "{models}");
}

#[test]
fn download_prints_the_folder() {
    let home = Home::new();
    let (done, out, err) = home.run(&["download", MODEL]);
    assert!(done, "{err}");
    let folder = std::path::Path::new(out.trim());
    assert!(folder.join("model.safetensors").is_file(), "{out}");
    let (done, _, err) = home.run(&["download", "./here"]);
    assert!(!done && err.contains("expected a hub id"), "{err}");
}

#[test]
fn remote_fetches_less_than_the_whole() {
    let home = Home::new();
    let (done, _, err) = home.run(&["neuron", MODEL, "0", "892", "--remote"]);
    assert!(done, "{err}");
    let files = repository();
    let weights = super::content(&files, "model.safetensors").len();
    assert!(home.server.sent("/storage/model") < weights * 3 / 4);
    assert!(home.folder.path().join(".cache/lexiscope/blocks").is_dir());
}

#[test]
fn the_most_talkative_log_does_not_have_the_token() {
    let home = Home::new();
    let mut command = home.command(&[MODEL]);
    let output = command.env("LEXISCOPE_LOG", "trace").output().unwrap();
    assert!(output.status.success());
    let log = home
        .folder
        .path()
        .join(".local/state/lexiscope/lexiscope.log");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("hyper") && !log.contains("hf_secret"));
}

#[test]
fn what_goes_wrong_is_one_line_without_the_token() {
    let home = Home::new();
    home.server
        .fails("/api/models", Fault::Status(403, ""), 1000);
    let (done, out, err) = home.run(&["info", MODEL]);
    assert!(!done && out.is_empty());
    assert_eq!(err.lines().count(), 1, "{err}");
    assert!(
        err.starts_with("lexiscope: owner/model: the hub refused (403)"),
        "{err}"
    );
    assert!(!err.contains("hf_secret"), "{err}");
}
