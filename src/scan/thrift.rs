//! Thrift's compact protocol, as far as it takes to see what a Parquet file claims of its sizes.
//! `None` of anything that is damaged, or that no writer of the format writes.
//! <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>

/// Structures within structures at most.
const DEEPEST: usize = 16;

/// Kinds of value, as they are numbered there.
pub(super) const TRUE: u8 = 1;
pub(super) const FALSE: u8 = 2;
pub(super) const BYTE: u8 = 3;
pub(super) const I16: u8 = 4;
pub(super) const I32: u8 = 5;
pub(super) const I64: u8 = 6;
pub(super) const DOUBLE: u8 = 7;
pub(super) const BINARY: u8 = 8;
pub(super) const LIST: u8 = 9;
pub(super) const STRUCT: u8 = 12;

/// A field of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub id: i16,
    pub kind: u8,
}

/// Values, one after the other.
pub(super) struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Compact<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes have been read.
    pub(super) fn read(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at)?;
        self.at += 1;
        Some(*byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A whole number.
    pub(super) fn int(&mut self) -> Option<i64> {
        let zigzag = self.varint()?;
        Some((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    /// The next field of a structure, whose fields come in the order of their numbers; `Some(None)`
    /// at its end. `before` is the number of the field before, 0 of none.
    pub(super) fn field(&mut self, before: &mut i16) -> Option<Option<Field>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        let id = match byte >> 4 {
            0 => i16::try_from(self.int()?).ok()?,
            more => before.checked_add(more.into())?,
        };
        let kind = byte & 0x0f;
        (id > *before).then(|| {
            *before = id;
            Some(Field { id, kind })
        })
    }

    /// How many values follow, and of which kind; each takes at least a byte.
    pub(super) fn list(&mut self) -> Option<(usize, u8)> {
        let byte = self.byte()?;
        let size = match byte >> 4 {
            15 => usize::try_from(self.varint()?).ok()?,
            size => size.into(),
        };
        (size <= self.bytes.len() - self.at).then_some((size, byte & 0x0f))
    }

    /// Passes over a field's value.
    pub(super) fn skip(&mut self, kind: u8) -> Option<()> {
        match kind {
            TRUE | FALSE => Some(()),
            kind => self.skip_value(kind, 0),
        }
    }

    fn skip_value(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match kind {
            TRUE | FALSE | BYTE => self.pass(1),
            I16 | I32 | I64 => self.int().map(drop),
            DOUBLE => self.pass(8),
            BINARY => {
                let length = self.varint()?;
                self.pass(usize::try_from(length).ok()?)
            }
            LIST => {
                let (size, kind) = self.list()?;
                (0..size).try_for_each(|_| self.skip_value(kind, depth + 1))
            }
            STRUCT => {
                let mut before = 0;
                while let Some(field) = self.field(&mut before)? {
                    match field.kind {
                        TRUE | FALSE => {}
                        kind => self.skip_value(kind, depth + 1)?,
                    }
                }
                Some(())
            }
            // Sets and maps, which the format has not.
            _ => None,
        }
    }

    fn pass(&mut self, bytes: usize) -> Option<()> {
        let to = self.at.checked_add(bytes)?;
        (to <= self.bytes.len()).then(|| self.at = to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_fields_are_read_as_the_protocol_writes_them() {
        // 150 as zigzag is 300: 0xac 0x02; −1 is 1.
        let mut values = Compact::new(&[0xac, 0x02, 0x01]);
        assert_eq!((values.int(), values.int()), (Some(150), Some(-1)));
        assert_eq!(values.int(), None);
        // Fields 1 and 20: a step of one, then a number of its own.
        let mut fields = Compact::new(&[0x15, 0x02, 0x05, 0x28, 0x02, 0x00]);
        let mut before = 0;
        let mut next = |fields: &mut Compact<'_>| {
            let field = fields.field(&mut before)?;
            Some(field.map(|field| (field.id, fields.int())))
        };
        assert_eq!(next(&mut fields), Some(Some((1, Some(1)))));
        assert_eq!(next(&mut fields), Some(Some((20, Some(1)))));
        assert_eq!(next(&mut fields), Some(None));
    }

    #[test]
    fn what_claims_more_than_there_is_is_damaged() {
        // A list of 2³¹ − 1 numbers, a text of as many bytes, lists in lists without end.
        let many = [0xf5, 0xff, 0xff, 0xff, 0xff, 0x07, 0x02];
        assert_eq!(Compact::new(&many).list(), None);
        assert_eq!(Compact::new(&many[1..]).skip(BINARY), None);
        assert_eq!(Compact::new(&[0x19; 64]).skip(LIST), None);
        assert_eq!(Compact::new(&[0xff; 11]).int(), None);
        // A field that comes again.
        let mut before = 0;
        let mut again = Compact::new(&[0x15, 0x02, 0x05, 0x02]);
        assert!(again.field(&mut before).is_some() && again.int().is_some());
        assert_eq!(again.field(&mut before), None);
    }
}
