//! From a pickle to names and views: which calls make a tensor, and what of which storage it is.

use super::{Dtype, Storage, TensorEntry};
use crate::checkpoint::pickle::{Id, Node, Pickle};
use crate::checkpoint::row_order::RowOrder;
use crate::checkpoint::tensors::MOST_TENSORS;

/// How deep wrappers of a tensor or of a state dict may lie in each other.
const DEEPEST: usize = 8;

/// Under these keys training programs keep the state dict.
const WRAPPERS: [&str; 5] = ["state_dict", "model", "model_state_dict", "module", "net"];

/// A tensor as a view of a storage, in numbers.
#[derive(Debug, PartialEq)]
pub(super) struct View<'a> {
    pub(super) storage: Storage<'a>,
    pub(super) dtype: Dtype,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
    /// Whether its numbers are the storage's with their signs turned.
    pub(super) negated: bool,
}

/// What a state dict has under a name.
#[derive(Debug, PartialEq)]
pub(super) enum Tensor<'a> {
    View(View<'a>),
    /// No view of a storage, in words.
    Other(&'static str),
}

/// How the arguments of a call that makes a tensor are to be read.
pub(super) enum Call<'p> {
    /// `_rebuild_tensor_v2`: storage, offset, shape, steps, gradient, hooks, marks.
    Typed(&'p [Id]),
    /// `_rebuild_tensor_v3`: as before, with the kind of number before the marks.
    Untyped(&'p [Id]),
    Other(&'static str),
}

/// Every tensor of the state dict by name; whatever is no tensor is left out.
///
/// # Errors
/// No state dict, or a tensor whose parts make no sense, in words.
pub(super) fn tensors<'a>(pickle: &Pickle<'a>) -> Result<Vec<(&'a str, Tensor<'a>)>, String> {
    let mut dict = pickle.root();
    for _ in 0..DEEPEST {
        let Some(items) = pickle.dict(dict) else {
            break;
        };
        let mut tensors = Vec::new();
        for &(key, value) in items {
            if let (Some(name), Some(call)) = (pickle.text(key), rebuild(pickle, value)) {
                if tensors.len() == MOST_TENSORS {
                    return Err(format!("expected at most {MOST_TENSORS} tensors, got more"));
                }
                tensors.push((name, tensor(pickle, name, &call)?));
            }
        }
        if !tensors.is_empty() {
            return Ok(tensors);
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

/// The call that makes the tensor `id`, with parameters and subclasses unwrapped; `None` if it is no
/// tensor.
pub(super) fn rebuild<'p>(pickle: &'p Pickle<'_>, id: Id) -> Option<Call<'p>> {
    let call = |id: Id| match *pickle.get(id) {
        Node::Call {
            function,
            arguments,
        } => Some((function, arguments)),
        _ => None,
    };
    const SUBCLASS: &str = "a tensor of another library";
    let (mut function, mut arguments) = call(id)?;
    let mut inside = false;
    for _ in 0..DEEPEST {
        let items = pickle.tuple(arguments)?;
        match pickle.global(function)? {
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => {
                return Some(Call::Typed(items));
            }
            ("torch._utils", "_rebuild_tensor_v3") => return Some(Call::Untyped(items)),
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
                (function, arguments) = call(*items.first()?)?;
            }
            ("torch._tensor", "_rebuild_from_type_v2") => {
                let &[inner, _, inner_arguments, ..] = items else {
                    return None;
                };
                (function, arguments) = (inner, inner_arguments);
                inside = true;
            }
            (module, name) => {
                return match other(module, name) {
                    None if inside => Some(Call::Other(SUBCLASS)),
                    other => other.map(Call::Other),
                };
            }
        }
    }
    None
}

/// What a call makes that is a tensor and no view of a storage.
fn other(module: &str, name: &str) -> Option<&'static str> {
    match (module, name) {
        ("torch._utils", "_rebuild_sparse_tensor" | "_rebuild_sparse_csr_tensor") => {
            Some("a sparse tensor")
        }
        ("torch._utils", "_rebuild_qtensor") => Some("quantised numbers of torch"),
        ("torch._utils", "_rebuild_nested_tensor") => Some("a nested tensor"),
        ("torch._utils", "_rebuild_meta_tensor_no_storage") => {
            Some("a placeholder without numbers (device meta)")
        }
        ("torch._utils", "_rebuild_wrapper_subclass") => Some("a tensor of another library"),
        (
            "torch._utils",
            "_rebuild_device_tensor_from_numpy"
            | "_rebuild_device_tensor_from_cpu_tensor"
            | "_rebuild_xla_tensor",
        ) => Some("a tensor of another device"),
        (module, "_reconstruct") if module.starts_with("numpy") => Some("an array of NumPy"),
        _ => None,
    }
}

/// # Errors
/// Parts that make no sense or mean what is not known here, in words.
pub(super) fn tensor<'a>(
    pickle: &Pickle<'a>,
    name: &str,
    call: &Call<'_>,
) -> Result<Tensor<'a>, String> {
    let (arguments, marks) = match *call {
        Call::Other(what) => return Ok(Tensor::Other(what)),
        Call::Typed(arguments) => (arguments, arguments.get(6)),
        Call::Untyped(arguments) => (arguments, arguments.get(7)),
    };
    let view = view(pickle, call, arguments);
    let mut view = view.ok_or_else(|| {
        format!(
            "expected a storage, an offset, a shape and steps for the tensor {name}, got something \
             else; get the file again"
        )
    })?;
    if let Some(&marks) = marks {
        view.negated = negated(pickle, marks).map_err(|mark| {
            format!(
                "expected {name} without marks or with those that are known (neg, conj), got {mark}; \
                 save clones of its tensors"
            )
        })?;
    }
    Ok(Tensor::View(view))
}

fn view<'a>(pickle: &Pickle<'a>, call: &Call<'_>, arguments: &[Id]) -> Option<View<'a>> {
    let &[persistent, offset, shape, strides, ref more @ ..] = arguments else {
        return None;
    };
    let &Node::Persistent(persistent) = pickle.get(persistent) else {
        return None;
    };
    let storage = storage(pickle, persistent)?;
    let dtype = match (call, more) {
        (Call::Untyped(_), &[_, _, dtype, ..]) => named(pickle.global(dtype)?),
        (Call::Untyped(_), _) => return None,
        (Call::Typed(_) | Call::Other(_), _) => storage.dtype(),
    };
    let view = View {
        storage,
        dtype,
        offset: pickle.size(offset)?,
        shape: pickle.sizes(shape)?,
        strides: pickle.sizes(strides)?,
        negated: false,
    };
    (view.shape.len() == view.strides.len()).then_some(view)
}

/// `torch.float8_e4m3fn` and the like.
fn named((module, name): (&str, &str)) -> Dtype {
    match (module, name) {
        ("torch", "float32") => Dtype::F32,
        ("torch", "float16") => Dtype::F16,
        ("torch", "bfloat16") => Dtype::Bf16,
        ("torch", "float64") => Dtype::F64,
        (_, other) => Dtype::Other(other.to_owned()),
    }
}

/// Whether the marks of a view (`{"neg": True}`) turn its signs. Its conjugate is the number itself
/// where there is no imaginary part, and complex numbers are not read.
///
/// # Errors
/// The name of a mark that is not known: it may change every number.
fn negated(pickle: &Pickle<'_>, marks: Id) -> Result<bool, String> {
    let items = match pickle.get(marks) {
        Node::None => return Ok(false),
        Node::Dict(items) => items,
        _ => return Err("something else".to_owned()),
    };
    let mut negated = false;
    for &(key, value) in items {
        let off = matches!(pickle.get(value), Node::None | Node::Bool(false));
        match pickle.text(key) {
            _ if off => {}
            Some("neg") => negated = true,
            Some("conj") => {}
            mark => return Err(mark.unwrap_or("something else").to_owned()),
        }
    }
    Ok(negated)
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
    pub(super) fn entry(self, name: &str, start: u64, size: u64) -> Result<TensorEntry, String> {
        let dtype = self.dtype;
        let bytes = dtype.block_bytes() as u64;
        // A storage without a kind counts bytes.
        let item = self
            .storage
            .item()
            .filter(|_| dtype.is_readable())
            .unwrap_or(0);
        let whole = (self.storage.count as u64).checked_mul(item);
        if whole.is_none_or(|whole| whole > size) {
            let count = self.storage.count;
            return Err(format!(
                "expected {count} {dtype} numbers for {name}, got {size} bytes; get the file again"
            ));
        }
        let first = (self.storage.start as u64)
            .checked_add(self.offset as u64)
            .and_then(|first| first.checked_mul(bytes));
        let entry = TensorEntry {
            dtype,
            shape: self.shape,
            strides: self.strides,
            offset: first
                .and_then(|first| first.checked_add(start))
                .unwrap_or(u64::MAX),
            negated: self.negated,
            order: RowOrder::Same,
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
