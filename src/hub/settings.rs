//! What the environment says about the hub, by the rules of Hugging Face's own library.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use crate::outside::{self, folder};

use super::Cache;

/// The hub that is meant where `HF_ENDPOINT` names no other.
const HUB: &str = "https://huggingface.co";

/// More than any token has.
const LONGEST_TOKEN: u64 = 1 << 16;

/// Where the hub is, who asks, and how long to wait for it.
#[derive(Clone, Debug)]
pub struct HubSettings {
    /// Scheme and host, without a slash at the end.
    pub endpoint: String,
    pub token: Option<HubToken>,
    /// Nothing may be asked of the network.
    pub offline: bool,
    pub cache: Cache,
    pub pace: Pace,
}

/// How long to wait, and how often to try.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// A connection without a byte for so long is given up.
    pub stall: Duration,
    /// Attempts in a row that bring nothing.
    pub attempts: u32,
    /// Before the second attempt; twice as long before each further one.
    pub pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            stall: Duration::from_secs(30),
            attempts: 5,
            pause: Duration::from_millis(500),
        }
    }
}

/// A secret that no message shows.
#[derive(Clone, PartialEq, Eq)]
pub struct HubToken(String);

impl HubToken {
    /// The secret itself, for the one header that it belongs in.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HubToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HubToken(…)")
    }
}

impl HubSettings {
    /// What the process's environment says.
    pub fn from_environment() -> Self {
        Self::read(|name| env::var_os(name))
    }

    /// What `variable` says. The token is that of `HF_TOKEN`, or lies in the file that
    /// `huggingface-cli login` writes.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| {
            let value = variable(name)?.into_string().ok()?;
            let value = value.trim().to_owned();
            (!value.is_empty()).then_some(value)
        };
        let on = |name: &str| {
            let value = text(name).unwrap_or_default().to_uppercase();
            ["1", "ON", "YES", "TRUE"].contains(&value.as_str())
        };
        let cache = Cache::located(&variable);
        let file = || {
            let path = folder(&variable, "HF_TOKEN_PATH")
                .or_else(|| Some(Cache::home(&variable)?.join("token")))?;
            let token = outside::read_text(&path, LONGEST_TOKEN)
                .ok()?
                .trim()
                .to_owned();
            (!token.is_empty()).then_some(token)
        };
        let token = || {
            text("HF_TOKEN")
                .or_else(|| text("HUGGING_FACE_HUB_TOKEN"))
                .or_else(file)
        };
        let token = (!on("HF_HUB_DISABLE_IMPLICIT_TOKEN")).then(token).flatten();
        let endpoint = text("HF_ENDPOINT").unwrap_or_else(|| HUB.to_owned());
        Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: token.map(HubToken),
            offline: on("HF_HUB_OFFLINE") || on("TRANSFORMERS_OFFLINE"),
            cache,
            pace: Pace::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> HubSettings {
        HubSettings::read(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn reads_endpoint_and_offline_as_hugging_face_does() {
        let plain = read(&[]);
        assert_eq!(plain.endpoint, "https://huggingface.co");
        assert!(!plain.offline);
        let set = read(&[
            ("HF_ENDPOINT", "http://127.0.0.1:9/"),
            ("HF_HUB_OFFLINE", "on"),
        ]);
        assert_eq!(set.endpoint, "http://127.0.0.1:9");
        assert!(set.offline);
        assert!(!read(&[("HF_HUB_OFFLINE", "0")]).offline);
    }

    #[test]
    fn finds_the_token_in_the_variable_or_in_its_file_and_shows_it_nowhere() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("token"), "hf_file\n").unwrap();
        let folder = home.path().to_str().unwrap();
        let token = |variables: &[(&str, &str)]| read(variables).token.map(|token| token.0);
        assert_eq!(token(&[("HF_HOME", folder)]).as_deref(), Some("hf_file"));
        let both = [("HF_HOME", folder), ("HF_TOKEN", "hf_variable")];
        assert_eq!(token(&both).as_deref(), Some("hf_variable"));
        let never = [("HF_TOKEN", "hf_x"), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")];
        assert_eq!(token(&never), None);
        assert!(!format!("{:?}", read(&both)).contains("hf_variable"));
    }
}
