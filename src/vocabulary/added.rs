//! Added tokens, and their ids, given out as `tokenizers` does: a token of the model keeps its id, any
//! other gets the next one, whatever its file says.

use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};

use serde::Deserialize;

/// A token added beside the model's own, found in a text before the model reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct AddedToken {
    pub content: String,
    #[serde(default)]
    pub single_word: bool,
    #[serde(default)]
    pub lstrip: bool,
    #[serde(default)]
    pub rstrip: bool,
    /// Whether it is looked for in the normalized text; where nothing is said, unless special.
    pub normalized: Option<bool>,
    #[serde(default)]
    pub special: bool,
}

impl AddedToken {
    /// A special token given by its string alone.
    pub(super) fn special(content: impl Into<String>) -> Self {
        Self {
            content: content.into(),
            normalized: Some(false),
            special: true,
            ..Self::default()
        }
    }
}

/// The ids of tokens that are added group by group to a model of `size()` tokens, which is asked for
/// only if one of them is not the model's.
pub(super) fn placed(
    tokens: &[(String, u32)],
    size: impl FnOnce() -> usize,
    groups: &[Vec<AddedToken>],
) -> Vec<Vec<(AddedToken, u32)>> {
    let all = groups.iter().flatten().map(|token| token.content.as_str());
    let all: HashSet<&str> = all.collect();
    let of_model = tokens.iter().filter(|(t, _)| all.contains(t.as_str()));
    let model: HashMap<&str, u32> = of_model.map(|(t, id)| (t.as_str(), *id)).collect();
    let size = LazyCell::new(|| u32::try_from(size()).unwrap_or(u32::MAX));
    let mut known: HashMap<&str, u32> = HashMap::new();
    let mut highest: Option<u32> = None;
    let mut placed = Vec::with_capacity(groups.len());
    for group in groups {
        let before = highest;
        let first = || match before {
            Some(highest) if highest >= *size || *size == 0 => highest.saturating_add(1),
            _ => *size,
        };
        let mut next: Option<u32> = None;
        let mut ids = Vec::with_capacity(group.len());
        for token in group.iter().filter(|token| !token.content.is_empty()) {
            let content = token.content.as_str();
            let id = known.get(content).or_else(|| model.get(content)).copied();
            let id = id.unwrap_or_else(|| {
                let id = next.unwrap_or_else(first);
                next = Some(id.saturating_add(1));
                id
            });
            known.insert(content, id);
            highest = highest.max(Some(id));
            ids.push((token.clone(), id));
        }
        placed.push(ids);
    }
    placed
}
