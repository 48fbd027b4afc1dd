//! How a model on the Hugging Face hub is called.

use std::fmt;

use hf_hub::{Repo, RepoType};

/// `owner/name[@revision]`; the oldest models have no owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubId {
    pub owner: Option<String>,
    pub name: String,
    /// A branch, a tag or a commit of 40 hexadecimal digits; none means `main`.
    pub revision: Option<String>,
}

impl HubId {
    /// Parses an id; `None` for what cannot be one, so that an id is always safe in a path.
    pub fn parse(text: &str) -> Option<Self> {
        let (model, revision) = match text.split_once('@') {
            Some((model, revision)) => (model, Some(revision)),
            None => (text, None),
        };
        let (owner, name) = match model.split_once('/') {
            Some((owner, name)) => (Some(owner), name),
            None => (None, model),
        };
        let good = is_word(name)
            && owner.is_none_or(is_word)
            && revision.is_none_or(|revision| revision.split('/').all(is_word));
        good.then(|| Self {
            owner: owner.map(str::to_string),
            name: name.to_string(),
            revision: revision.map(str::to_string),
        })
    }

    /// `owner/name`, without a revision.
    pub fn model(&self) -> String {
        match &self.owner {
            Some(owner) => format!("{owner}/{}", self.name),
            None => self.name.clone(),
        }
    }

    /// A branch, a tag or a commit.
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or("main")
    }

    /// What the cache's folders and the hub's routes are named by.
    pub(super) fn repo(&self) -> Repo {
        Repo::with_revision(self.model(), RepoType::Model, self.revision().to_owned())
    }
}

impl fmt::Display for HubId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.model())?;
        match &self.revision {
            Some(revision) => write!(f, "@{revision}"),
            None => Ok(()),
        }
    }
}

/// As the hub allows: letters, digits, `-`, `_`, `.`, and no `..`.
fn is_word(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=96).contains(&text.len())
        && text.chars().all(good)
        && !text.starts_with('.')
        && !text.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_an_id_apart() {
        let id = HubId::parse("sdadas/polish-gpt2-medium@refs/pr/1").unwrap();
        assert_eq!(id.owner.as_deref(), Some("sdadas"));
        assert_eq!(id.name, "polish-gpt2-medium");
        assert_eq!(id.revision.as_deref(), Some("refs/pr/1"));
        assert_eq!(id.to_string(), "sdadas/polish-gpt2-medium@refs/pr/1");
        assert_eq!(id.model(), "sdadas/polish-gpt2-medium");
    }

    #[test]
    fn refuses_what_would_leave_the_cache() {
        for text in [
            "../x",
            "a/../b",
            "a/b/c",
            "/a",
            "a/",
            "",
            "a/b@../../x",
            "a/.b",
            "a b/c",
        ] {
            assert_eq!(HubId::parse(text), None, "{text}");
        }
    }
}
