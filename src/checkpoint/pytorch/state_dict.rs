//! From a pickle to names and views: which calls make a tensor, and what of which storage it is.

use super::{Entry, Storage};
use crate::checkpoint::pickle::{Id, Node, Pickle};

/// How deep wrappers of a tensor or of a state dict may lie in each other.
const DEEPEST: usize = 8;

/// Under these keys training programs keep the state dict.
const WRAPPERS: [&str; 5] = ["state_dict", "model", "model_state_dict", "module", "net"];

/// A tensor as a view of a storage, in numbers.
#[derive(Debug, PartialEq)]
pub(super) struct View<'a> {
    pub(super) storage: Storage<'a>,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

/// Every tensor of the state dict by name; whatever is no tensor is left out.
///
/// # Errors
/// No state dict, or a tensor whose parts make no sense, in words.
pub(super) fn views<'a>(pickle: &Pickle<'a>) -> Result<Vec<(&'a str, View<'a>)>, String> {
    let mut dict = pickle.root();
    for _ in 0..DEEPEST {
        let Some(items) = pickle.dict(dict) else {
            break;
        };
        let mut views = Vec::new();
        for &(key, value) in items {
            if let (Some(name), Some(call)) = (pickle.text(key), rebuild(pickle, value)) {
                let view = view(pickle, call).ok_or_else(|| {
                    format!(
                        "expected a storage, an offset, a shape and steps for the tensor {name}, \
                         got something else; get the file again"
                    )
                })?;
                views.push((name, view));
            }
        }
        if !views.is_empty() {
            return Ok(views);
        }
        let inner = items.iter().find(|&&(key, value)| {
            let wraps = pickle.text(key).is_some_and(|key| WRAPPERS.contains(&key));
            wraps && pickle.dict(value).is_some()
        });
        match inner {
            Some(&(_, value)) => dict = value,
            None => break,
        }
    }
    Err(
        "expected a state dict (names with their tensors), got an object without one; save \
         `model.state_dict()`"
            .into(),
    )
}

/// The arguments of the call that makes the tensor `id`, with parameters and subclasses unwrapped;
/// `None` if it is no tensor.
fn rebuild<'p>(pickle: &'p Pickle<'_>, id: Id) -> Option<&'p [Id]> {
    let call = |id: Id| match *pickle.get(id) {
        Node::Call {
            function,
            arguments,
        } => Some((function, arguments)),
        _ => None,
    };
    let (mut function, mut arguments) = call(id)?;
    for _ in 0..DEEPEST {
        let items = pickle.tuple(arguments)?;
        match pickle.global(function)? {
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => return Some(items),
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
                (function, arguments) = call(*items.first()?)?;
            }
            ("torch._tensor", "_rebuild_from_type_v2") => {
                let &[inner, _, inner_arguments, ..] = items else {
                    return None;
                };
                (function, arguments) = (inner, inner_arguments);
            }
            _ => return None,
        }
    }
    None
}

fn view<'a>(pickle: &Pickle<'a>, call: &[Id]) -> Option<View<'a>> {
    let &[persistent, offset, shape, strides, ..] = call else {
        return None;
    };
    let &Node::Persistent(persistent) = pickle.get(persistent) else {
        return None;
    };
    let view = View {
        storage: storage(pickle, persistent)?,
        offset: pickle.size(offset)?,
        shape: pickle.sizes(shape)?,
        strides: pickle.sizes(strides)?,
    };
    (view.shape.len() == view.strides.len()).then_some(view)
}

/// `("storage", class, key, device, count)`, in old files with `(view key, start, count)` or None.
pub(super) fn storage<'a>(pickle: &Pickle<'a>, persistent: Id) -> Option<Storage<'a>> {
    let &[tag, class, key, _, count, ref view @ ..] = pickle.tuple(persistent)? else {
        return None;
    };
    if pickle.text(tag) != Some("storage") {
        return None;
    }
    let start = match view.first().map(|&view| (view, pickle.get(view))) {
        None | Some((_, Node::None)) => 0,
        Some((view, _)) => pickle.size(*pickle.tuple(view)?.get(1)?)?,
    };
    Some(Storage {
        key: pickle.text(key)?,
        kind: pickle.global(class)?.1,
        count: pickle.size(count)?,
        start,
    })
}

impl View<'_> {
    /// The tensor as a place in the file, its storage being `size` bytes from byte `start`.
    ///
    /// # Errors
    /// A storage of another length than the pickle says, or a view beyond it.
    pub(super) fn entry(self, name: &str, start: u64, size: u64) -> Result<Entry, String> {
        let dtype = self.storage.dtype();
        let bytes = dtype.bytes() as u64;
        let whole = (self.storage.count as u64).checked_mul(bytes);
        if whole.is_none_or(|whole| whole > size) {
            let count = self.storage.count;
            return Err(format!(
                "expected {count} {dtype} numbers for {name}, got {size} bytes; get the file again"
            ));
        }
        let first = (self.storage.start as u64)
            .checked_add(self.offset as u64)
            .and_then(|first| first.checked_mul(bytes));
        let entry = Entry {
            dtype,
            shape: self.shape,
            strides: self.strides,
            offset: first
                .and_then(|first| first.checked_add(start))
                .unwrap_or(u64::MAX),
        };
        match entry.end() {
            Some(end) if end <= start + size => Ok(entry),
            _ => Err(format!(
                "expected {name} inside its storage of {size} bytes, got shape {:?} with steps \
                 {:?} beyond it; get the file again",
                entry.shape, entry.strides
            )),
        }
    }
}
