//! The form of before PyTorch 1.6: five pickles one after the other (magic number, protocol, machine,
//! state dict, order of the storages), then each storage as a count and its numbers.

use std::collections::HashMap;

use super::state_dict::{storage, views};
use super::{CheckpointError, Entry, LONGEST_PICKLE, Source};
use crate::checkpoint::pickle::{self, Node, Pickle};

const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const PROTOCOL: i128 = 1001;

pub(super) fn read(source: &Source) -> Result<Vec<(String, Entry)>, CheckpointError> {
    let head = source.len().min(LONGEST_PICKLE) as usize;
    let entries = source.with(0, head, false, |head| entries(source, head))?;
    entries.map_err(|what| CheckpointError::damaged(source.name(), what))
}

/// `head` is the start of the file, long enough for the pickles.
fn entries(source: &Source, head: &[u8]) -> Result<Vec<(String, Entry)>, String> {
    let mut at = 0;
    let mut next = || -> Result<Pickle<'_>, String> {
        let (pickle, length) = pickle::parse(&head[at..])?;
        at += length;
        Ok(pickle)
    };
    let magic = next()?;
    if *magic.get(magic.root()) != Node::Int(MAGIC) {
        return Err(
            "expected PyTorch's magic number, got another pickle: this is no PyTorch \
                    checkpoint; save it with torch.save"
                .into(),
        );
    }
    let protocol = next()?;
    match protocol.get(protocol.root()) {
        Node::Int(PROTOCOL) => {}
        other => return Err(format!("expected protocol {PROTOCOL}, got {other:?}")),
    }
    let machine = next()?;
    let big = machine
        .dict(machine.root())
        .into_iter()
        .flatten()
        .any(|&(key, value)| {
            machine.text(key) == Some("little_endian") && *machine.get(value) == Node::Bool(false)
        });
    if big {
        return Err(
            "expected little-endian numbers, got big-endian ones; save it on another \
                    machine"
                .into(),
        );
    }
    let (names, keys) = (next()?, next()?);
    let places = places(source, &names, &keys, at as u64)?;
    let views = views(&names)?.into_iter().map(|(name, view)| {
        let &(start, size) = places.get(view.storage.key).ok_or_else(|| {
            format!("expected the numbers of {name} in the file, got none; get the file again")
        })?;
        Ok((name.to_string(), view.entry(name, start, size)?))
    });
    views.collect()
}

/// First byte and length in bytes of each storage, by key, the first one from byte `at`.
fn places<'a>(
    source: &Source,
    names: &Pickle<'a>,
    keys: &Pickle<'a>,
    mut at: u64,
) -> Result<HashMap<&'a str, (u64, u64)>, String> {
    let storages: HashMap<&str, _> = (names.nodes().iter())
        .filter_map(|node| match node {
            Node::Persistent(id) => storage(names, *id),
            _ => None,
        })
        .map(|storage| (storage.key, storage))
        .collect();
    let Node::List(order) = keys.get(keys.root()) else {
        return Err("expected a list of storages, got something else; get the file again".into());
    };
    let mut places = HashMap::new();
    for key in order {
        let known = keys.text(*key).and_then(|key| storages.get(key));
        let storage =
            known.ok_or("expected storages that tensors use, got another; get the file again")?;
        let item = storage.item().ok_or_else(|| {
            format!(
                "expected numbers of a known kind, got {}; save it again",
                storage.kind
            )
        })?;
        let count = source
            .with(at, 8, false, |bytes| {
                bytes.try_into().map(u64::from_le_bytes)
            })
            .map_err(|_| cut(source, at + 8))?
            .map_err(|_| cut(source, at + 8))?;
        if count != storage.count as u64 {
            return Err(format!(
                "expected {} numbers at byte {at}, got {count}; get the file again",
                storage.count
            ));
        }
        let end = count
            .checked_mul(item)
            .and_then(|size| size.checked_add(at + 8));
        let end = end.ok_or("expected fewer numbers than any file has, got more")?;
        if end > source.len() {
            return Err(cut(source, end));
        }
        places.insert(storage.key, (at + 8, end - at - 8));
        at = end;
    }
    Ok(places)
}

fn cut(source: &Source, expected: u64) -> String {
    format!(
        "expected at least {expected} bytes, got {}: the file is cut short; get it again",
        source.len()
    )
}
