//! The opcode machine, protocols 0 to 5 as `torch.save` and Python's own pickler write them.

use std::collections::HashMap;

use super::integers::{little_endian, unsigned};
use super::{Id, Node, Pickle};

/// More nodes than any checkpoint's pickle has by a wide margin; the same bound holds for stack and memo.
const MOST_NODES: usize = 2 << 20;

/// Parses the pickle at the start of `bytes`; also returns how many bytes it takes.
///
/// # Errors
/// Where it stops making sense, in words.
pub(in crate::checkpoint) fn parse(bytes: &[u8]) -> Result<(Pickle<'_>, usize), String> {
    let mut machine = Machine {
        bytes,
        at: 0,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        items: 0,
    };
    loop {
        let start = machine.at;
        match machine.step() {
            Ok(None) => {}
            Ok(Some(root)) => {
                let nodes = machine.nodes;
                return Ok((Pickle { nodes, root }, machine.at));
            }
            Err(what) => {
                return Err(format!(
                    "expected a pickle, got {what} at its byte {start}; get the file again"
                ));
            }
        }
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    /// Items in all lists, tuples and dictionaries.
    items: usize,
}

type Step<T> = Result<T, String>;

impl<'a> Machine<'a> {
    /// One opcode; the root at the end.
    fn step(&mut self) -> Step<Option<Id>> {
        let opcode = self.take(1)?[0];
        match opcode {
            b'.' => return self.pop().map(Some),
            0x80 => match self.take(1)?[0] {
                0..=5 => {}
                other => return Err(format!("protocol {other}, which is not known,")),
            },
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'N' => self.push(Node::None)?,
            0x88 => self.push(Node::Bool(true))?,
            0x89 => self.push(Node::Bool(false))?,
            b'I' | b'J' | b'K' | b'L' | b'M' | 0x8a | 0x8b => self.integer(opcode)?,
            b'F' => {
                self.line()?;
                self.push(Node::Opaque)?;
            }
            b'G' => {
                self.take(8)?;
                self.push(Node::Opaque)?;
            }
            b'S' | b'T' | b'U' | b'V' | b'X' | 0x8c | 0x8d => self.text(opcode)?,
            b'B' | b'C' | 0x8e | 0x96 => {
                let width = match opcode {
                    b'C' => 1,
                    b'B' => 4,
                    _ => 8,
                };
                self.counted(width)?;
                self.push(Node::Opaque)?;
            }
            b'g' | b'h' | b'j' | b'p' | b'q' | b'r' | 0x94 => self.memoize(opcode)?,
            _ => self.collect(opcode)?,
        }
        if self.stack.len().max(self.memo.len()).max(self.marks.len()) > MOST_NODES {
            return Err(format!("more than {MOST_NODES} values"));
        }
        Ok(None)
    }

    /// Opcodes that make values of those on the stack.
    fn collect(&mut self, opcode: u8) -> Step<()> {
        match opcode {
            b')' => self.push(Node::Tuple(Vec::new())),
            b']' => self.push(Node::List(Vec::new())),
            b'}' => self.push(Node::Dict(Vec::new())),
            0x8f => self.push(Node::Opaque),
            0x85..=0x87 => {
                let mut items = Vec::new();
                for _ in 0x85..=opcode {
                    items.push(self.pop()?);
                }
                items.reverse();
                self.push(Node::Tuple(items))
            }
            b't' => self.gather(Node::Tuple),
            b'l' => self.gather(Node::List),
            b'd' => {
                let items = self.pop_mark()?;
                let items = pairs(&items)?;
                self.hold(items.len())?;
                self.push(Node::Dict(items))
            }
            0x91 => self.gather(|_| Node::Opaque),
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])
            }
            b'e' => {
                let items = self.pop_mark()?;
                self.append(&items)
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set_items(&[key, value])
            }
            b'u' => {
                let items = self.pop_mark()?;
                self.set_items(&items)
            }
            // Items of a set, and an object's state: neither holds tensors.
            0x90 => self.pop_mark().map(drop),
            b'b' => {
                self.pop()?;
                self.top().map(drop)
            }
            _ => self.call(opcode),
        }
    }

    /// Opcodes that in Python would import or run something.
    fn call(&mut self, opcode: u8) -> Step<()> {
        match opcode {
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Node::Global { module, name })
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (&self.nodes[module], &self.nodes[name]) {
                    (&Node::Text(module), &Node::Text(name)) => {
                        self.push(Node::Global { module, name })
                    }
                    _ => Err("a class without a name".into()),
                }
            }
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.apply(function, arguments)
            }
            0x92 => {
                self.pop()?;
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.apply(function, arguments)
            }
            b'i' => {
                self.line()?;
                self.line()?;
                self.gather(|_| Node::Opaque)
            }
            b'o' => self.gather(|_| Node::Opaque),
            b'P' => {
                self.line()?;
                self.push(Node::Opaque)
            }
            b'Q' => {
                let id = self.pop()?;
                self.push(Node::Persistent(id))
            }
            other => Err(format!(
                "the byte {other:#04x}, which is no opcode of weights,"
            )),
        }
    }

    /// A call stays a node; only dictionaries are recognised, because items are put into them.
    fn apply(&mut self, function: Id, arguments: Id) -> Step<()> {
        let dictionary = matches!(
            self.nodes[function],
            Node::Global {
                module: "collections",
                name: "OrderedDict" | "defaultdict",
            }
        );
        if !dictionary {
            return self.push(Node::Call {
                function,
                arguments,
            });
        }
        // Old picklers pass the items, as one list of pairs.
        let list = match &self.nodes[arguments] {
            Node::Tuple(arguments) if arguments.len() == 1 => Some(arguments[0]),
            _ => None,
        };
        let count = match list.map(|list| &self.nodes[list]) {
            Some(Node::List(pairs)) => pairs.len(),
            _ => 0,
        };
        // Many dictionaries may be made of one list.
        self.hold(count)?;
        let mut items = Vec::new();
        if let Some(Node::List(pairs)) = list.map(|list| &self.nodes[list]) {
            for &pair in pairs {
                if let Node::List(pair) | Node::Tuple(pair) = &self.nodes[pair]
                    && let [key, value] = pair[..]
                {
                    items.push((key, value));
                }
            }
        }
        self.push(Node::Dict(items))
    }

    fn integer(&mut self, opcode: u8) -> Step<()> {
        let node = match opcode {
            b'I' | b'L' => match self.line()? {
                "00" if opcode == b'I' => Node::Bool(false),
                "01" if opcode == b'I' => Node::Bool(true),
                text => match text.trim_end_matches('L').parse() {
                    Ok(number) => Node::Int(number),
                    Err(_) => Node::Opaque,
                },
            },
            b'J' => Node::Int(little_endian(self.take(4)?)),
            b'K' => Node::Int(i128::from(self.take(1)?[0])),
            b'M' => Node::Int(unsigned(self.take(2)?).into()),
            _ => match self.counted(if opcode == 0x8a { 1 } else { 4 })? {
                digits if digits.len() <= 16 => Node::Int(little_endian(digits)),
                _ => Node::Opaque,
            },
        };
        self.push(node)
    }

    fn text(&mut self, opcode: u8) -> Step<()> {
        let bytes = match opcode {
            b'V' => self.line()?.as_bytes(),
            b'S' => self.line()?.trim_matches(['\'', '"']).as_bytes(),
            b'U' | 0x8c => self.counted(1)?,
            b'T' | b'X' => self.counted(4)?,
            _ => self.counted(8)?,
        };
        self.push(std::str::from_utf8(bytes).map_or(Node::Opaque, Node::Text))
    }

    fn memoize(&mut self, opcode: u8) -> Step<()> {
        let key = match opcode {
            b'h' | b'q' => unsigned(self.take(1)?),
            b'j' | b'r' => unsigned(self.take(4)?),
            0x94 => self.memo.len() as u64,
            _ => self
                .line()?
                .parse()
                .map_err(|_| "a memo without a number")?,
        };
        if matches!(opcode, b'g' | b'h' | b'j') {
            let id = self.memo.get(&key);
            self.stack
                .push(*id.ok_or_else(|| format!("memo {key}, which was never set,"))?);
        } else {
            let top = self.top()?;
            self.memo.insert(key, top);
        }
        Ok(())
    }

    fn append(&mut self, items: &[Id]) -> Step<()> {
        let top = self.top()?;
        self.hold(items.len())?;
        // Anything else that takes items is no list of names or sizes.
        if let Node::List(list) = &mut self.nodes[top] {
            list.extend_from_slice(items);
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[Id]) -> Step<()> {
        let (top, items) = (self.top()?, pairs(items)?);
        self.hold(items.len())?;
        if let Node::Dict(dict) = &mut self.nodes[top] {
            dict.extend(items);
        }
        Ok(())
    }

    fn gather(&mut self, node: impl FnOnce(Vec<Id>) -> Node<'a>) -> Step<()> {
        let items = self.pop_mark()?;
        self.hold(items.len())?;
        self.push(node(items))
    }

    /// Counts items that a value is to hold. Whoever writes a pickle writes at least a byte for each,
    /// so more are copies of copies.
    fn hold(&mut self, items: usize) -> Step<()> {
        self.items += items;
        match self.items <= self.bytes.len().min(4 * MOST_NODES) {
            true => Ok(()),
            false => Err("more items than it has bytes".into()),
        }
    }

    fn push(&mut self, node: Node<'a>) -> Step<()> {
        if self.nodes.len() == MOST_NODES {
            return Err(format!("more than {MOST_NODES} values"));
        }
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
        Ok(())
    }

    /// The top of the stack, above the last mark.
    fn top(&self) -> Step<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.last() {
            Some(&top) if self.stack.len() > floor => Ok(top),
            _ => Err("an empty stack".into()),
        }
    }

    fn pop(&mut self) -> Step<Id> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_mark(&mut self) -> Step<Vec<Id>> {
        let mark = self.marks.pop().ok_or("no mark")?;
        // No pop goes below a mark, so the stack is at least that high.
        Ok(self.stack.split_off(mark))
    }

    fn take(&mut self, count: usize) -> Step<&'a [u8]> {
        let end = self
            .at
            .checked_add(count)
            .filter(|&end| end <= self.bytes.len());
        let taken = &self.bytes[self.at..end.ok_or("its end before it was complete")?];
        self.at += count;
        Ok(taken)
    }

    /// Bytes after a length of `width` bytes.
    fn counted(&mut self, width: usize) -> Step<&'a [u8]> {
        let count = unsigned(self.take(width)?);
        self.take(usize::try_from(count).map_err(|_| "a length beyond its end")?)
    }

    fn line(&mut self) -> Step<&'a str> {
        let rest = &self.bytes[self.at..];
        let end = rest
            .iter()
            .position(|&b| b == b'\n')
            .ok_or("a line without an end")?;
        self.at += end + 1;
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        std::str::from_utf8(line).map_err(|_| "a line that is no text".into())
    }
}

fn pairs(items: &[Id]) -> Step<Vec<(Id, Id)>> {
    let (pairs, rest) = items.as_chunks();
    if !rest.is_empty() {
        return Err("a key without a value".into());
    }
    Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
}
