//! Tensors that lie in dictionaries of dictionaries, and the plain values beside them.

use super::state_dict::{Tensor, rebuild, tensor};
use crate::checkpoint::pickle::{Id, Node, Pickle};
use crate::checkpoint::tensors::MOST_TENSORS;

/// How deep dictionaries and lists may lie in each other.
const DEEPEST: usize = 6;

/// See [`super::Nested`].
pub(super) struct Found<'a> {
    pub(super) tensors: Vec<(String, Tensor<'a>)>,
    pub(super) plain: Vec<(String, String)>,
}

/// All that lies below the root.
///
/// # Errors
/// No tensor, or more values than any such file has.
pub(super) fn walk<'a>(pickle: &Pickle<'a>) -> Result<Found<'a>, String> {
    let mut found = Found {
        tensors: Vec::new(),
        plain: Vec::new(),
    };
    // One value may lie in many places, so that a small file can name many.
    let mut left = MOST_TENSORS;
    below(pickle, pickle.root(), "", DEEPEST, &mut left, &mut found)?;
    match found.tensors.is_empty() {
        false => Ok(found),
        true => Err("expected tensors, got an object without one; save tensors by name".to_owned()),
    }
}

fn below<'a>(
    pickle: &Pickle<'a>,
    id: Id,
    name: &str,
    depth: usize,
    left: &mut usize,
    found: &mut Found<'a>,
) -> Result<(), String> {
    *left = left
        .checked_sub(1)
        .ok_or_else(|| format!("expected at most {MOST_TENSORS} values, got more"))?;
    let own = || match name {
        "" => "tensor".to_owned(),
        name => name.to_owned(),
    };
    if let Some(call) = rebuild(pickle, id) {
        let name = own();
        let tensor = tensor(pickle, &name, &call)?;
        found.tensors.push((name, tensor));
        return Ok(());
    }
    let inner = |key: &str| match name {
        "" => key.to_owned(),
        name => format!("{name}.{key}"),
    };
    match pickle.get(id) {
        Node::Dict(items) if depth > 0 => {
            for &(key, value) in items {
                let key = match pickle.get(key) {
                    Node::Text(text) => inner(text),
                    Node::Int(number) => inner(&number.to_string()),
                    _ => continue,
                };
                below(pickle, value, &key, depth - 1, left, found)?;
            }
        }
        Node::List(items) | Node::Tuple(items) if depth > 0 => {
            for (at, &value) in items.iter().enumerate() {
                below(
                    pickle,
                    value,
                    &inner(&at.to_string()),
                    depth - 1,
                    left,
                    found,
                )?;
            }
        }
        Node::Int(number) => found.plain.push((own(), number.to_string())),
        Node::Bool(truth) => found.plain.push((own(), truth.to_string())),
        Node::Text(text) => found.plain.push((own(), (*text).to_owned())),
        Node::None
        | Node::Dict(_)
        | Node::List(_)
        | Node::Tuple(_)
        | Node::Global { .. }
        | Node::Call { .. }
        | Node::Persistent(_)
        | Node::Opaque => {}
    }
    Ok(())
}
