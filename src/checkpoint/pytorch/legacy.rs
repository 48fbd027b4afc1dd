//! The form of before PyTorch 1.6: five pickles one after the other (magic number, protocol, machine,
//! state dict, order of the storages), then each storage as a count and its numbers.

use std::collections::HashMap;

use super::state_dict::{Tensor, storage, tensors};
use super::{CheckpointError, LONGEST_PICKLE, Source, Storage, TensorEntry};
use crate::checkpoint::pickle::{self, Node, Pickle};

const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const PROTOCOL: i128 = 1001;

pub(super) fn read(source: &Source) -> Result<Vec<(String, TensorEntry)>, CheckpointError> {
    let damaged = |what: String| CheckpointError::damaged(source.name(), what);
    let head = source.copy(0, source.len().min(LONGEST_PICKLE) as usize)?;
    let mut at = 0;
    let mut next = || {
        let (pickle, length) = pickle::parse(&head[at..]).map_err(damaged)?;
        at += length;
        Ok::<_, CheckpointError>(pickle)
    };
    check_magic(&next()?).map_err(damaged)?;
    check_protocol(&next()?).map_err(damaged)?;
    check_machine(&next()?).map_err(damaged)?;
    let (names, keys) = (next()?, next()?);
    let order = order(&names, &keys).map_err(damaged)?;
    let places = places(source, &order, at as u64)?;
    let tensors = tensors(&names)
        .map_err(damaged)?
        .into_iter()
        .map(|(name, tensor)| {
            let view = match tensor {
                Tensor::View(view) => view,
                Tensor::Other(what) => {
                    return Ok((name.to_string(), TensorEntry::unreadable(what)));
                }
            };
            let &(start, size) = places.get(view.storage.key).ok_or_else(|| {
                format!("expected the numbers of {name} in the file, got none; get the file again")
            })?;
            Ok((name.to_string(), view.entry(name, start, size)?))
        });
    tensors.collect::<Result<_, String>>().map_err(damaged)
}

fn check_magic(magic: &Pickle<'_>) -> Result<(), String> {
    if *magic.get(magic.root()) == Node::Int(MAGIC) {
        return Ok(());
    }
    Err(
        "expected PyTorch's magic number, got another pickle: this is no PyTorch checkpoint; \
         save it with torch.save"
            .into(),
    )
}

fn check_protocol(protocol: &Pickle<'_>) -> Result<(), String> {
    match protocol.get(protocol.root()) {
        Node::Int(PROTOCOL) => Ok(()),
        Node::Int(other) => Err(format!(
            "expected protocol {PROTOCOL}, got {other}; save the checkpoint again"
        )),
        _ => Err(format!(
            "expected protocol {PROTOCOL}, got no number; get the file again"
        )),
    }
}

fn check_machine(machine: &Pickle<'_>) -> Result<(), String> {
    let items = machine.dict(machine.root()).unwrap_or_default();
    let big = items.iter().any(|&(key, value)| {
        machine.text(key) == Some("little_endian") && *machine.get(value) == Node::Bool(false)
    });
    if big {
        return Err(
            "expected little-endian numbers, got big-endian ones; save it on another \
                    machine"
                .into(),
        );
    }
    Ok(())
}

/// The storages that the state dict refers to, in the order in which their numbers follow.
fn order<'a>(names: &Pickle<'a>, keys: &Pickle<'_>) -> Result<Vec<Storage<'a>>, String> {
    let storages: HashMap<&str, Storage<'a>> = (names.nodes().iter())
        .filter_map(|node| match node {
            Node::Persistent(id) => storage(names, *id),
            _ => None,
        })
        .map(|storage| (storage.key, storage))
        .collect();
    let Node::List(order) = keys.get(keys.root()) else {
        return Err("expected a list of storages, got something else; get the file again".into());
    };
    let known = |&key| keys.text(key).and_then(|key| storages.get(key)).cloned();
    let order: Option<Vec<_>> = order.iter().map(known).collect();
    order
        .ok_or_else(|| "expected storages that tensors use, got another; get the file again".into())
}

/// First byte and length in bytes of each storage, by key, the first one from byte `at`.
fn places<'a>(
    source: &Source,
    order: &[Storage<'a>],
    mut at: u64,
) -> Result<HashMap<&'a str, (u64, u64)>, CheckpointError> {
    let damaged = |what: String| CheckpointError::damaged(source.name(), what);
    let cut = |expected: u64| {
        damaged(format!(
            "expected at least {expected} bytes, got {}: the file is cut short; get it again",
            source.len()
        ))
    };
    let mut places = HashMap::new();
    for storage in order {
        let start = at + 8;
        if start > source.len() {
            return Err(cut(start));
        }
        let count = source.length_at(at)?;
        if count != storage.count as u64 {
            return Err(damaged(format!(
                "expected {} numbers at byte {at}, got {count}; get the file again",
                storage.count
            )));
        }
        let size = storage
            .item()
            .and_then(|item| count.checked_mul(item))
            .ok_or_else(|| {
                damaged(format!(
                    "expected a number of a known kind, got {count} of {}; save it again",
                    storage.kind
                ))
            })?;
        let end = start.saturating_add(size);
        if end > source.len() {
            return Err(cut(end));
        }
        places.insert(storage.key, (start, size));
        at = end;
    }
    Ok(places)
}
