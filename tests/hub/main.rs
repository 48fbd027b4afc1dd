//! Models from a hub: what is asked of it, what lies in the cache afterwards, and what is said when
//! it goes wrong.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../checkpoint_writer/mod.rs"]
mod checkpoint_writer;
mod command;
mod download;
mod faults;
mod hostile;
mod parts;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lexiscope::checkpoint::{Bundle, CheckpointError, FetchOption, Fetched, fetch};
use lexiscope::hub::{Hub, HubId, HubSettings, Pace};
use lexiscope::task::Callbacks;
use server::Server;
use tempfile::TempDir;

const MODEL: &str = "owner/model";

/// The bundled GPT-2, as a repository that holds more than is needed.
fn repository() -> Vec<(String, Vec<u8>)> {
    let bundled = Bundle::named("gpt2-pl").unwrap().files.iter();
    let mut files: Vec<(String, Vec<u8>)> = bundled
        .map(|(name, content)| ((*name).to_owned(), content.to_vec()))
        .collect();
    for other in [
        "README.md",
        "pytorch_model.bin",
        "tf_model.h5",
        "onnx/model.onnx",
    ] {
        files.push((other.to_owned(), vec![7; 200_000]));
    }
    files
}

fn content<'f>(files: &'f [(String, Vec<u8>)], name: &str) -> &'f [u8] {
    &files.iter().find(|(file, _)| file == name).unwrap().1
}

/// A cache of its own, and the hub that fills it.
struct Place {
    home: TempDir,
    hub: Arc<Hub>,
}

impl Place {
    fn new(server: &Server) -> Self {
        Self::with(server, &[])
    }

    /// With more variables in the environment.
    fn with(server: &Server, variables: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let hub = Arc::new(hub(server, home.path(), variables));
        Self { home, hub }
    }

    fn cache(&self) -> PathBuf {
        self.home.path().join("hub/models--owner--model")
    }

    fn fetch(&self, way: &FetchOption) -> Result<Fetched, CheckpointError> {
        fetch(
            &self.hub,
            &HubId::parse(MODEL).unwrap(),
            way,
            Callbacks::none(),
        )
    }

    /// Downloads the model; what goes wrong is one line.
    fn fails(&self) -> String {
        let error = self.fetch(&FetchOption::Whole).unwrap_err().to_string();
        assert!(!error.contains('\n'), "{error}");
        error
    }
}

fn hub(server: &Server, home: &Path, variables: &[(&str, &str)]) -> Hub {
    let mut settings = HubSettings::read(|name| {
        let set = [
            ("HF_HOME", home.to_str().unwrap()),
            ("HF_ENDPOINT", &server.address),
        ];
        let found = variables.iter().chain(&set).find(|(key, _)| *key == name);
        found.map(|(_, value)| OsString::from(value))
    });
    settings.pace = Pace {
        // Longer than a busy machine keeps a thread waiting.
        stall: Duration::from_secs(2),
        attempts: 3,
        pause: Duration::from_millis(5),
    };
    Hub::new(settings).unwrap()
}
