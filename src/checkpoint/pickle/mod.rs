//! Pickles as data. The opcodes build a graph of inert nodes: a class is its name, a call is a node
//! with its arguments, and nothing is ever executed, imported or allocated on a length's word.

mod integers;
mod machine;
#[cfg(test)]
mod tests;

pub(super) use machine::parse;

/// Axes of a tensor at most, as in PyTorch. One tuple may be the shape of many tensors.
const MOST_AXES: usize = 64;

/// Index of a node in its pickle.
pub(super) type Id = usize;

/// One value. Nodes refer to others by index, so no nesting is too deep and no graph too tangled.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node<'a> {
    None,
    Bool(bool),
    /// Wide enough for the magic number of old PyTorch files.
    Int(i128),
    Text(&'a str),
    Global {
        module: &'a str,
        name: &'a str,
    },
    Tuple(Vec<Id>),
    List(Vec<Id>),
    /// A dictionary, also an `OrderedDict` or `defaultdict`, in order.
    Dict(Vec<(Id, Id)>),
    /// A function or class applied to a tuple.
    Call {
        function: Id,
        arguments: Id,
    },
    /// What the file format itself resolves: for PyTorch, a storage.
    Persistent(Id),
    /// Floats, bytes, sets, instances: nothing that weights are made of.
    Opaque,
}

/// A parsed pickle.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    nodes: Vec<Node<'a>>,
    root: Id,
}

impl<'a> Pickle<'a> {
    pub(super) fn root(&self) -> Id {
        self.root
    }

    pub(super) fn get(&self, id: Id) -> &Node<'a> {
        &self.nodes[id]
    }

    pub(super) fn nodes(&self) -> &[Node<'a>] {
        &self.nodes
    }

    pub(super) fn text(&self, id: Id) -> Option<&'a str> {
        match self.get(id) {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An integer that can be a size, a step or an offset.
    pub(super) fn size(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Node::Int(n) => usize::try_from(*n).ok(),
            _ => None,
        }
    }

    pub(super) fn tuple(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Node::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// A tuple of sizes, one an axis.
    pub(super) fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        let sizes = self.tuple(id).filter(|sizes| sizes.len() <= MOST_AXES)?;
        sizes.iter().map(|&id| self.size(id)).collect()
    }

    pub(super) fn dict(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.get(id) {
            Node::Dict(items) => Some(items),
            _ => None,
        }
    }

    /// Module and name of a class or function.
    pub(super) fn global(&self, id: Id) -> Option<(&'a str, &'a str)> {
        match self.get(id) {
            Node::Global { module, name } => Some((module, name)),
            _ => None,
        }
    }
}
